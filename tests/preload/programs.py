"""The battery's programs that run to an end by themselves. Servers are in servers.py.

Each entry: a name, what it shows, the commands it needs (with the Debian package that has them),
and a function. `quick` marks the subset that `make test` runs, in about a minute.

What is compared, unless the entry says otherwise: the standard output of every command. Where an
output rightly differs from run to run, the entry says what is compared in its place.
"""

import re
import shutil
import textwrap

from harness import REPOSITORY, Skip, base_environment

PROGRAMS = {}


class Program:
    def __init__(self, name, shows, needs, function, quick):
        self.name, self.shows, self.needs = name, shows, needs
        self.function, self.quick = function, quick

    def missing(self):
        """Why this program cannot run here, or None."""
        path = base_environment()["PATH"]
        lacking = [command for command in self.needs if not shutil.which(command, path=path)]
        return "not installed: " + " ".join(lacking) if lacking else None


def program(name, shows, needs, quick=False):
    def register(function):
        PROGRAMS[name] = Program(name, shows, needs.split(), function, quick)
        return function
    return register


# -- text and files -----------------------------------------------------------------------------

@program("coreutils", "cut, sort, uniq, join, tac, base64, sha256sum, od, shuf", "sort", quick=True)
def coreutils(run):
    run.shell(f"""cd {run.data}
        cut -d' ' -f1,3 text.txt | sort | uniq -c | sort -rn | sed -n 1,50p
        sort -t, -k2,2 table.csv | sed -n 1~20p > {run.folder}/a; join -t, -1 2 -2 2 {run.folder}/a {run.folder}/a | sed -n 1,500p | md5sum
        tac text.txt | base64 | sha256sum; od -A x -t x1 numbers.txt | tail -3
        shuf --random-source=text.txt numbers.txt | paste - - - | nl | tail -2
        split -n r/7 --filter='wc -c' text.txt; ls -lR --time-style=+ tree | cksum""")


@program("grep", "a recursive search with a regular expression", "grep", quick=True)
def grep(run):
    run.shell(f"cd {run.data}; grep -rnE '(ka|lo)+mi.*(ren){{2}}' tree text.txt | sort | tail -200; "
              "grep -rchi 'soquavu' tree | sort | uniq -c; grep -rsl include /usr/include | sort | wc -l")


@program("find", "a walk of /usr with tests and exec", "find", quick=True)
def find(run):
    run.shell("find /usr/share /usr/lib -xdev -type f -size +20k -name '*.s*' -printf '%s %p\\n' "
              f"| sort | md5sum; find {run.data}/tree -name 'file2*' -exec wc -c {{}} + | tail -1")


@program("sort", "sort --parallel=4 on numbers and text", "sort", quick=True)
def sort(run):
    run.shell(f"sort -n --parallel=4 -S 64M {run.data}/numbers.txt | md5sum; "
              f"sort --parallel=4 -S 64M -k5 {run.data}/text.txt | md5sum")


@program("awk", "associative arrays and strings", "awk", quick=True)
def awk(run):
    run.command("awk", "{for (i = 1; i <= NF; i++) { n[$i]++; p[$i] = p[$i] substr($i, 1, 1) }} "
                "END {for (w in n) t += n[w] * length(p[w]); print length(n), t}",
                run.data / "text.txt")


@program("sed", "substitutions, hold space", "sed", quick=True)
def sed(run):
    run.shell(f"sed -E 's/(\\w+) (\\w+)/\\2 \\1/g; s/ka(lo|mi)/<\\1>/g; H; $!d; x; y/abc/xyz/' "
              f"{run.data}/notes.md | md5sum; "
              f"sed -E '/^ka/{{h;n;G;s/\\n/ | /;p}}; s/(ta|ren)+/[&]/g' {run.data}/text.txt | md5sum")


@program("tar-xz", "tar packed by xz -T2, unpacked again", "tar xz", quick=True)
def tar_xz(run):
    run.shell(f"tar -C {run.data} --sort=name --mtime=@0 --owner=0 --group=0 -c tree "
              "| xz -T2 -1 --block-size=1MiB > t.xz; mkdir out; tar -C out -xf t.xz; "
              "cd out; find . -type f | sort | xargs cat | md5sum; md5sum ../t.xz")


@program("zstd", "zstd with threads, packed and unpacked", "zstd")
def zstd(run):
    run.shell(f"cat {run.data}/text.txt {run.data}/numbers.txt > in; "
              "zstd -q -T2 -12 in -o z; zstd -qd z -o back; cmp in back && md5sum < back")


@program("jq", "a JSON document parsed, grouped, printed", "jq")
def jq(run):
    run.command("jq", "-c", "group_by(.tags[0]) | map({t: .[0].tags[0], n: length, "
                "y: (map(.nested.y | add) | add)}) | sort_by(.n) | .[-40:]",
                run.data / "records.json")


@program("bash", "arrays, subshells and pipes", "bash", quick=True)
def bash(run):
    run.command("bash", "-c", f"""declare -A seen; for ((i = 0; i < {run.amount(20000)}; i++)); do
        seen[k$((i * 7919 % 4001))]+="$i,"; list+=("x$i"); done
        echo ${{#seen[@]}} ${{#list[@]}} ${{#seen[k17]}}
        for i in {{1..60}}; do echo "$(printf '%s' "${{list[i]}}" | tr x y)"; done | md5sum""")


@program("openssl", "keys, signatures and a cipher", "openssl")
def openssl(run):
    """Compared: the hash of the decrypted text and the verdict; keys are random."""
    run.shell(f"""openssl ecparam -genkey -name secp384r1 -out k.pem
        openssl ec -in k.pem -pubout -out p.pem 2>/dev/null
        openssl dgst -sha256 -sign k.pem -out s {run.data}/text.txt
        openssl dgst -sha256 -verify p.pem -signature s {run.data}/text.txt
        openssl enc -aes-256-cbc -pbkdf2 -pass pass:x -in {run.data}/text.txt -out e
        openssl enc -d -aes-256-cbc -pbkdf2 -pass pass:x -in e | md5sum
        for i in $(seq {run.amount(40)}); do openssl req -x509 -new -key k.pem -subj /CN=t$i -out c$i \
          && openssl x509 -in c$i -noout -subject; done""")


# -- languages ----------------------------------------------------------------------------------

PYTHON_OBJECTS = """
import collections, json, re, sys
n = int(sys.argv[1])
records = json.load(open(sys.argv[2]))
index = collections.defaultdict(list)
for r in records:
    for tag in r["tags"]: index[tag].append((r["id"], r["name"] * 3))
trees = [{"k%d" % (i % 97): [i] * (i % 300), "s": "v" * (i % 900)} for i in range(n)]
trees = [t for i, t in enumerate(trees) if i % 10 == 0] + [bytearray(i % 5000) for i in range(n)]
print(len(index), sum(len(v) for v in index.values()), len(trees))
print(len(json.dumps(records)), len(re.findall(r'"k\\\\w+"', json.dumps(list(index)))))
"""

PYTHON_THREADS = """
import concurrent.futures, hashlib, queue, subprocess, sys, threading, zlib
n = int(sys.argv[1])
out = queue.Queue()
def work(seed):
    kept, h = [], hashlib.sha256()
    for i in range(n):
        block = bytes((seed * i + k) & 255 for k in range(i % 97)) * (i % 50 + 1)
        kept.append(zlib.compress(block))
        if len(kept) > 200: h.update(zlib.decompress(kept.pop(seed * i % 200)))
    out.put((seed, h.hexdigest()))
threads = [threading.Thread(target=work, args=(s,)) for s in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
print(sorted(out.get() for _ in threads))
def child(i):
    return subprocess.run(["sh", "-c", "echo $((%d * 7)); seq 1 500 | tail -1" % i],
                          capture_output=True, text=True).stdout
with concurrent.futures.ThreadPoolExecutor(4) as pool: print(list(pool.map(child, range(40))))
with concurrent.futures.ProcessPoolExecutor(3) as pool: print(list(pool.map(hash, range(200))))
"""


@program("python3", "objects, JSON, regular expressions", "python3", quick=True)
def python3(run):
    run.command("python3", "-c", PYTHON_OBJECTS, run.amount(100_000), run.data / "records.json",
                env={"PYTHONMALLOC": "malloc"})


@program("python3-threads", "eight threads, subprocesses, a fork pool", "python3", quick=True)
def python3_threads(run):
    run.command("python3", "-c", PYTHON_THREADS, run.amount(2500))


@program("perl", "hashes, regular expressions, sorting", "perl", quick=True)
def perl(run):
    run.command("perl", "-e", """
        my (%n, %at); open F, '<', $ARGV[0]; while (<F>) {
          for (split) { $n{$_}++; push @{$at{substr $_, 0, 3}}, $. if /^(ka|lo).*n$/ } }
        print scalar(keys %n), ' ', join(',', map { "$_=" . @{$at{$_}} } sort keys %at), "\\n";
        print join(' ', (sort { $n{$b} <=> $n{$a} || $a cmp $b } keys %n)[0..20]), "\\n";""",
                run.data / "text.txt")


@program("ruby", "objects, garbage collection, threads", "ruby")
def ruby(run):
    run.command("ruby", "-e", textwrap.dedent("""
        n = ARGV[0].to_i
        threads = 4.times.map { |t| Thread.new {
          keep = []
          n.times { |i| keep << { "a#{i % 50}" => [i] * (i % 40), s: "x" * (i % 2000) }
                    keep.shift if keep.size > 3000 }
          keep.sum { |h| h[:s].size } } }
        puts threads.map(&:value).inspect
        words = File.read(ARGV[1]).split; GC.start
        puts words.tally.sort_by { |w, c| [-c, w] }.first(10).inspect, GC.count.positive?
        """), run.amount(60_000), run.data / "notes.md")


@program("lua", "tables and strings", "lua5.4", quick=True)
def lua(run):
    run.command("lua5.4", "-e", textwrap.dedent(f"""
        local t, sum = {{}}, 0
        for round = 1, 6 do
          for i = 1, {run.amount(200_000)} do t[i] = {{ name = "n" .. i % 1000, list = {{i, i + 1}} }} end
          for i = 1, #t, 3 do t[i] = {{ name = string.rep("z", i % 60), list = {{}} }} end
          for _, v in ipairs(t) do sum = sum + #v.name + #v.list end
          collectgarbage()
        end
        print(sum)"""))


@program("node", "objects, buffers, worker threads", "node")
def node(run):
    (run.folder / "main.js").write_text(textwrap.dedent("""
        const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
        const crypto = require('crypto'), zlib = require('zlib'), fs = require('fs');
        function work(seed, n) {
          const h = crypto.createHash('sha256'); let keep = [];
          for (let i = 0; i < n; i++) {
            keep.push(Buffer.alloc((i * seed) % 9000, i & 255));
            if (keep.length > 500) { h.update(zlib.deflateSync(keep[i % 500])); keep = keep.slice(50); }
          }
          return h.digest('hex');
        }
        if (isMainThread) {
          const n = +process.argv[2], all = [];
          for (let s = 1; s <= 3; s++) all.push(new Promise((done, fail) => {
            const w = new Worker(__filename, { workerData: { s, n } });
            w.on('message', done); w.on('error', fail); }));
          Promise.all(all).then(r => {
            const rec = JSON.parse(fs.readFileSync(process.argv[3]));
            console.log(r, rec.length, JSON.stringify(rec).length); });
        } else parentPort.postMessage(work(workerData.s, workerData.n));
        """))
    run.command("node", "main.js", run.amount(20_000), run.data / "records.json")


@program("java", "javac and a threaded program", "java javac")
def java(run):
    (run.folder / "Main.java").write_text(textwrap.dedent("""
        import java.util.*; import java.util.stream.*; import java.util.zip.*;
        public class Main {
          public static void main(String[] a) throws Exception {
            int n = Integer.parseInt(a[0]);
            System.out.println(IntStream.range(0, 8).parallel().mapToObj(t -> {
              long sum = 0; Map<String, byte[]> m = new HashMap<>();
              for (int i = 0; i < n; i++) { m.put("k" + (i * 31 + t) % 2000, new byte[i % 3000]); }
              for (byte[] b : m.values()) { Deflater d = new Deflater(); d.setInput(b); d.finish();
                byte[] o = new byte[4000]; sum += d.deflate(o); d.end(); }
              return sum; }).collect(Collectors.toList()));
          } }
        """))
    run.command("javac", "-J-Xshare:off", "Main.java")
    run.command("java", "-Xmx512m", "Main", run.amount(100_000))


# -- compilers, and our own sources ---------------------------------------------------------------

def own_sources():
    return sorted(p for folder in ("heap", "ranges", "options")
                  for p in (REPOSITORY / "src" / folder).glob("*.cpp"))


def compile_own(run, compiler, *extra):
    flags = ["-std=c++20", "-O2", *extra, f"-I{REPOSITORY}/src", f"-I{REPOSITORY}/include"]
    for i, source in enumerate(own_sources()[:run.amount(12)]):
        run.command(compiler, *flags, "-c", source, "-o", f"own{i}.o")
        run.note_file(f"own{i}.o")
    run.command(compiler, "-std=c++20", "-O1", "-c", run.data / "heavy.cpp", "-o", "heavy.o", *extra)
    run.note_file("heavy.o")


@program("gcc", "a large C file at -O2; compared: the object file", "gcc", quick=True)
def gcc(run):
    run.command("gcc", "-O2", "-w", "-c", run.data / "many.c", "-o", "many.o")
    run.note_file("many.o")


@program("g++", "our own sources and heavy templates; compared: the object files", "g++")
def gxx(run):
    compile_own(run, "g++", "-frandom-seed=1")


@program("clang++", "the same by clang; compared: the object files", "clang++")
def clangxx(run):
    compile_own(run, "clang++")


@program("clang-format", "our own sources formatted", "clang-format")
def clang_format(run):
    files = sorted((REPOSITORY / "src").rglob("*.hpp")) + own_sources()
    for _ in range(run.amount(8)):
        run.command("clang-format", "--style=Google", *files)


@program("cmake-ninja", "Strata built by cmake and ninja; compared: the library's bytes", "cmake ninja")
def cmake_ninja(run):
    """cmake, ninja, the compiler, assembler and linker all run under the library."""
    quiet = dict(compare=False)
    run.command("cmake", "-G", "Ninja", "-S", REPOSITORY, "-B", "build", "-DSTRATA_TESTS=OFF",
                "-DSTRATA_BENCH=OFF", **quiet)
    if b"strata_shared" not in run.driver("ninja", "-C", "build", "-t", "targets", "all"):
        raise Skip("this checkout has no target strata_shared")
    run.command("ninja", "-C", "build", "-j2", "strata_shared", **quiet)
    run.note_file("build/libstrata.so")


@program("make", "a hundred small recipes with -j4", "make cc", quick=True)
def make(run):
    names = [f"t{i}" for i in range(run.amount(200))]
    (run.folder / "Makefile").write_text(
        "all: " + " ".join(names) + "\n\t@cat $^ | md5sum\nt%:\n\t@echo $@ | tr t u | sort > $@\n")
    run.command("make", "-j4")


@program("binutils", "objdump, nm and strip on a large binary", "objdump nm strip")
def binutils(run):
    subject = "/usr/bin/" + next(p for p in ("gdb", "git", "vim.basic", "bash")
                                 if shutil.which(p, path="/usr/bin"))
    run.shell(f"objdump -d {subject} | md5sum; nm -D {subject} | md5sum; "
              f"strip -o s {subject}; md5sum < s; readelf -aW {subject} | md5sum")


@program("git", "our own history: clone, log -p, blame, repack, fsck", "git", quick=True)
def git(run):
    """Compared: the log, blame and object list; packs may differ, since packing is threaded."""
    if run.command("git", "-C", REPOSITORY, "rev-parse", "--git-dir", codes=(0, 128),
                   compare=False) == b"":
        raise Skip("this checkout is not a git repository")
    run.shell(f"""git clone -q --no-local {REPOSITORY} clone && cd clone
        for i in 1 2 3 4; do git log -p -M --stat -U$i | md5sum; done; git blame -w CMakeLists.txt | md5sum
        git -c pack.threads=4 repack -adfq; git fsck --full --strict 2>&1 | {{ grep -v ^dangling || true; }}
        git rev-list --objects --all | sort | md5sum; git archive HEAD | md5sum
        git grep -n 'include' | md5sum; rm -rf ../clone""")


@program("gdb", "symbols read, a breakpoint, a backtrace", "gdb gcc")
def gdb(run):
    """The debugger runs under the library; the program it debugs does so too."""
    (run.folder / "p.c").write_text(
        "#include <stdlib.h>\nint f(int n, char* p) { return n ? f(n - 1, p) : p[0]; }\n"
        "int main(void) { char* p = calloc(1, 64); int r = f(20, p); free(p); return r; }\n")
    run.driver("gcc", "-g", "-O0", "p.c", "-o", "p")
    run.command("gdb", "-nx", "-batch", "-ex", "set debuginfod enabled off", "-ex", "break f if n == 0",
                "-ex", "run", "-ex", "backtrace", "-ex", "ptype main", "-ex", "continue", "./p",
                normalise=lambda out: b"\n".join(re.findall(rb"^#\d+.*?(?:f|main) ", out, re.M)))


# -- documents, pictures, data --------------------------------------------------------------------

@program("sqlite3", "a database built, joined, indexed, vacuumed", "sqlite3", quick=True)
def sqlite3(run):
    run.command("sqlite3", "t.db", "-cmd", ".mode csv", f".import {run.data}/table.csv t", """
        create index i on t(name); create table u as select name, count(*) n, sum(amount) s from t
          group by name; select count(*), round(sum(s), 2) from u;
        select t.city, round(sum(u.s * t.flag), 2) from t join u using (name) group by t.city
          order by 2 desc limit 20;
        update t set amount = amount * 2 where flag = 1; delete from t where id % 3 = 0; vacuum;
        select count(*), round(sum(amount), 2) from t; pragma integrity_check;""")


@program("vim", "a batch of edits over a large file", "vim", quick=True)
def vim(run):
    run.shell(f"sed -n 1,{run.amount(40_000)}p {run.data}/text.txt > n; vim -u NONE -N -es -n "
              "-c 'g/^ta/m0' -c '%s/ka\\(lo\\|mi\\)/<\\1>/ge' -c 'sort u' -c 'g/quavu/normal yyp' "
              "-c 'set undolevels=1000' -c '%!tac' -c 'undo' -c wq n </dev/null; md5sum < n")


@program("imagemagick", "blur, resize and composite; compared: the pixels", "identify convert")
def imagemagick(run):
    side = run.amount(1600)
    run.command("/usr/bin/convert", "-size", f"{side}x{side}", "-seed", "7", "plasma:red-blue",
                "-blur", "0x3", "-resize", "70%", "(", "+clone", "-rotate", "30", ")", "-gravity",
                "center", "-compose", "multiply", "-composite", "-depth", "8", "ppm:out.ppm",
                compare=False)
    run.note_file("out.ppm")


@program("ffmpeg", "a test film encoded and decoded; compared: the frames' hash", "ffmpeg")
def ffmpeg(run):
    run.command("ffmpeg", "-v", "error", "-f", "lavfi", "-i",
                f"testsrc2=size=640x360:rate=25:duration={run.amount(8)}", "-c:v", "mpeg4", "-q:v",
                "4", "-threads", "2", "-y", "f.avi", compare=False)
    run.command("ffmpeg", "-v", "error", "-i", "f.avi", "-f", "md5", "-")


@program("ghostscript", "PostScript to pixels; compared: the pages", "gs")
def ghostscript(run):
    run.command("gs", "-q", "-dSAFER", "-dBATCH", "-dNOPAUSE", "-sDEVICE=ppmraw", "-r60",
                "-sOutputFile=p%d.ppm", run.data / "picture.ps")
    for page in sorted(run.folder.glob("p*.ppm")):
        run.note_file(page.name)


@program("chromium", "a headless page with script and a large table; compared: the page's text",
         "chromium")
def chromium(run):
    """Chromium's own allocator answers its own calls; the libraries it loads still call malloc."""
    page = run.data / "page.html"
    run.command("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                f"--user-data-dir={run.folder}/profile", "--no-first-run", "--dump-dom",
                f"file://{page}", env={"HOME": str(run.folder)},
                normalise=lambda out: b" ".join(re.findall(rb'id="out">(.*?)<', out)))


@program("stress-ng", "stress-ng --malloc --verify, four workers", "stress-ng", quick=True)
def stress_ng(run):
    """Compared: nothing; the program checks its own blocks and ends with a code."""
    run.command("stress-ng", "--malloc", "4", "--malloc-bytes", "1M", "--malloc-max", "2000",
                "--malloc-ops", run.amount(250_000), "--verify", "--oomable", compare=False)
