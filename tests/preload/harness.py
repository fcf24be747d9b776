"""What the battery's programs are written with: runs, measurements, evidence, servers.

A program of the battery is a function that takes a Run and calls its methods. Everything a run
prints that must not depend on the allocator is its *evidence*; the battery compares the evidence of
every library with that of the system's malloc. A run fails when a command ends by a signal or with
an unexpected code, when the library's own messages appear on stderr, when the loader refused the
library or no process of the run mapped it, and when the evidence differs.

Not here: which programs there are (programs.py, servers.py), tables and options (battery.py).
"""

import contextlib
import hashlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]

# Lines that must never appear: the allocator's own reports, and the loader's refusal to preload.
FORBIDDEN = re.compile(
    rb"^(strata: .*|ERROR: ld\.so: object .*|mimalloc: error.*|<jemalloc>: .*"
    rb"|\*\*\* .* terminated|(free|malloc|realloc|munmap_chunk)\(\): .*)$", re.MULTILINE)


class Failure(Exception):
    """The run did something it would not do under the system's malloc."""


class Skip(Exception):
    """The program cannot run here; the text says why."""


class Library:
    """An allocator to compare: the path of a shared object, or None for the system's malloc."""

    def __init__(self, path=None):
        self.path = pathlib.Path(path).resolve() if path else None
        name = "system" if path is None else pathlib.Path(path).name
        self.name = re.sub(r"^lib|\.so.*$", "", name)

    def copy_to(self, folder):
        """Works on a copy: servers that drop root must be able to open it, wherever it stood."""
        if self.path:
            folder.mkdir(parents=True)
            self.path = pathlib.Path(shutil.copy(self.path, folder))


class Cost:
    """What the commands of one run cost together; peak memory is that of the largest process."""

    def __init__(self):
        self.wall = self.cpu = 0.0
        self.peak = self.faults = 0

    def add(self, fields, wall=None):
        _, wall_ns, user, system, peak, minor, major = fields
        self.wall += wall_ns / 1e9 if wall is None else wall
        self.cpu += (user + system) / 1e6
        self.peak = max(self.peak, peak * 1024)
        self.faults += minor + major


def build_launcher(folder):
    """Compiles measure.c; statically, so that the launcher stays smaller than what it measures."""
    out = folder / "measure"
    source = REPOSITORY / "tests/preload/measure.c"
    for extra in (["-static"], []):
        if subprocess.run(["cc", "-O2", *extra, "-o", out, source],
                          stderr=subprocess.DEVNULL).returncode == 0:
            return out
    raise SystemExit("battery: cannot compile tests/preload/measure.c (is a C compiler installed?)")


def end_tree(pid):
    """Kills a process this harness started, and everything below it."""
    below = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            text = pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text()
            below += [int(child) for child in text.split()]
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)
    for child in below:
        end_tree(child)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Run:
    """One execution of one program with one library, in a folder of its own.

    folder  fresh, the same path in every run, so that paths cannot make outputs differ
    data    the battery's generated files, read only
    scale   1 for a full run, less for a quick one: multiply the amount of work by it
    """

    def __init__(self, launcher, folder, data, library, scale, verify, limit):
        self.launcher, self.folder, self.data = launcher, folder, data
        self.library, self.scale, self.limit = library, scale, limit
        self.cost = Cost()
        self.evidence = []
        self.repository = REPOSITORY
        # The loader's notes cost a little time: the system's malloc pays it too, to keep ratios fair.
        self._loader_notes = folder / ".loader" if verify else None
        self._count = 0
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        folder.chmod(0o755)
        if self._loader_notes:
            self._loader_notes.mkdir()
            self._loader_notes.chmod(0o777)  # servers write there under another user

    def amount(self, n):
        return max(1, int(n * self.scale))

    # -- commands ---------------------------------------------------------------------------

    def command(self, *words, stdin=None, env=None, codes=(0,), compare=True, normalise=None):
        """Runs one command to its end and returns its standard output as bytes.

        `codes` are the exit codes that mean success. The output becomes evidence unless `compare`
        is False, after `normalise` (bytes to bytes) has removed what differs from run to run.
        """
        with self._started(words, stdin, env) as (process, finish):
            try:
                process.wait(self.limit)
            except subprocess.TimeoutExpired:
                raise Failure(f"{words[0]} did not end within {self.limit} s") from None
            output = finish(codes)
        if compare:
            self.note(str(words[0]), normalise(output) if normalise else output)
        return output

    def shell(self, script, **options):
        """A script in which any part of any pipeline that fails or crashes is a failure.

        So no `head`: it would end the part before it by SIGPIPE; `sed -n 1,9p` reads to the end.
        """
        return self.command("bash", "-e", "-o", "pipefail", "-c", script, **options)

    def driver(self, *words, stdin=None, user=None):
        """Runs a helper outside the measurement and without the library: clients, set-up."""
        done = subprocess.run([str(w) for w in words], input=stdin, capture_output=True,
                              timeout=self.limit, cwd=self.folder, env=base_environment(),
                              **as_user(user))
        if done.returncode != 0:
            text = (done.stderr or done.stdout).decode(errors="replace").strip()[-300:]
            raise Failure(f"{words[0]} ended with code {done.returncode}: {text}")
        return done.stdout

    @contextlib.contextmanager
    def server(self, *words, ready, stop=signal.SIGTERM, codes=(0,), user=None, env=None):
        """Runs a server under the library while the caller's block drives it.

        `ready` is a port on loopback, or a function that is true once the server answers. The time
        of the run is the time of the block; CPU and peak memory are the server's.
        """
        with self._started(words, None, env, user) as (process, finish):
            deadline = time.monotonic() + min(60, self.limit)
            is_ready = ready if callable(ready) else lambda: port_answers(ready)
            while not is_ready():
                if process.poll() is not None:
                    finish(codes)
                    raise Failure(f"{words[0]} ended before it answered")
                if time.monotonic() > deadline:
                    raise Failure(f"{words[0]} does not answer")
                time.sleep(0.02)
            start = time.monotonic()
            yield process.child
            wall = time.monotonic() - start
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.child, stop)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                raise Failure(f"{words[0]} did not stop when asked") from None
            finish(codes, wall)

    # -- evidence ---------------------------------------------------------------------------

    def note(self, label, content):
        """Adds to the evidence; large contents are kept as a hash."""
        content = content.encode() if isinstance(content, str) else bytes(content)
        digest = hashlib.sha256(content).hexdigest()[:16]
        self.evidence.append((label, digest, content[:400].decode(errors="replace")))

    def note_file(self, path):
        self.note(pathlib.Path(path).name, (self.folder / path).read_bytes())

    def expect(self, condition, message):
        if not condition:
            raise Failure(message)

    def check_mapped(self):
        """Fails unless the loader's own notes show the library mapped into a process of the run."""
        if self._loader_notes is None or self.library.path is None:
            return
        wanted = str(self.library.path).encode()
        notes = list(self._loader_notes.iterdir())
        if not any(wanted in note.read_bytes() for note in notes):
            raise Failure(f"no process mapped the library ({len(notes)} dynamic processes seen)")

    # -- underneath -------------------------------------------------------------------------

    @contextlib.contextmanager
    def _started(self, words, stdin, env, user=None):
        self._count += 1
        out_path = self.folder / f".stdout{self._count}"
        err_path = self.folder / f".stderr{self._count}"
        environment = base_environment()
        environment.update(env or {})
        if self._loader_notes:
            environment["LD_DEBUG"] = "files"
            environment["LD_DEBUG_OUTPUT"] = str(self._loader_notes / "process")
        read_end, write_end = os.pipe()
        preload = str(self.library.path) if self.library.path else "-"
        with open(out_path, "wb") as out, open(err_path, "wb") as err, \
                open(stdin if stdin else os.devnull, "rb") as source, \
                open(read_end, "r", encoding="ascii") as report:
            process = subprocess.Popen(
                [self.launcher, str(write_end), preload, *map(str, words)], stdin=source,
                stdout=out, stderr=err, cwd=self.folder, env=environment, pass_fds=[write_end],
                start_new_session=True, **as_user(user))
            os.close(write_end)
            process.child = int(report.readline().split()[1])

            def finish(codes, wall=None):
                fields = [int(field) for field in report.readline().split()]
                self._judge(words, fields, err_path.read_bytes(), codes)
                self.cost.add(fields, wall)
                return out_path.read_bytes()

            try:
                yield process, finish
            finally:
                end_tree(process.pid)
                process.wait()

    @staticmethod
    def _judge(words, fields, errors, codes):
        bad = FORBIDDEN.search(errors)
        line = f'; stderr: "{bad.group(0).decode(errors="replace")[:160]}"' if bad else ""
        status = fields[0]
        if os.WIFSIGNALED(status):
            name = signal.Signals(os.WTERMSIG(status)).name
            raise Failure(f"{words[0]} was killed by {name}{line}")
        code = os.WEXITSTATUS(status)
        if code not in codes:
            last = errors.decode(errors="replace").strip().splitlines()[-1:] or [""]
            raise Failure(f"{words[0]} ended with code {code}{line or ': ' + last[0][:160]}")
        if bad:
            raise Failure(f"{words[0]}{line}")


def base_environment():
    """The caller's environment without what would make runs differ or preload something twice."""
    drop = ("LD_PRELOAD", "LD_DEBUG", "LD_DEBUG_OUTPUT", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    kept = {k: v for k, v in os.environ.items() if k not in drop}
    # The system's programs first; Debian keeps PostgreSQL's in a folder for each version.
    postgres = sorted(str(p) for p in pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
    kept.update(LC_ALL="C.UTF-8", TZ="UTC", CCACHE_DISABLE="1", GIT_CONFIG_NOSYSTEM="1",
                PATH=":".join(["/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin", *postgres[-1:]]))
    return kept


def as_user(user):
    """Arguments for subprocess that change the user: some servers refuse to run as root."""
    if user is None or os.geteuid() != 0:
        return {}
    return {"user": user, "group": user, "extra_groups": []}


def port_answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.5):
        return True
    return False


@contextlib.contextmanager
def workplace(keep=False):
    """A temporary folder for the whole battery, readable by servers that drop root."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-battery-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
