#!/usr/bin/env python3
"""Tests strata record, trace, replay and compare as a user runs them.

    record_test.py --build FOLDER [--part PART] [TEST...]      all tests when none is named

Every test is a function named after what it shows. Real programs that are not installed are skipped.
"""

import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from part_tests import Failure, Skip, check, equal, run_tests, test  # noqa: E402

PATIENCE = 500  # seconds, only so that what hangs ends: no test depends on how fast the machine is
BUILD = None
WORK = None


def allocates(*how):
    return [str(BUILD / "tests/record/allocates"), *how]


def run(command, timeout=PATIENCE, **options):
    return subprocess.run([str(part) for part in command], timeout=timeout, capture_output=True,
                          text=True, errors="replace", **options)


def strata(*arguments, **options):
    return run([BUILD / "strata", *arguments], **options)


def record(*command, trace=None, options=(), **more):
    """Records a command; returns the trace's path and what `strata record` did."""
    trace = trace or WORK / "test.trace"
    return trace, strata("record", "-o", trace, *options, "--", *command, **more)


def sums(trace):
    done = strata("trace", trace, "--json")
    equal(done.returncode, 0, done.stderr)
    return json.loads(done.stdout)


def process_named(trace, name):
    """The sums of the largest process of that name."""
    found = [p for p in sums(trace)["processes"] if os.path.basename(p["executable"]) == name]
    check(found, "no process", name, "in", [p["executable"] for p in sums(trace)["processes"]])
    return max(found, key=lambda p: p["events"])


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")


def is_sound(process, most_unknown=0):
    """Every life in the trace begins and ends once."""
    equal(process["unseen_frees"], 0, "blocks used again without a free")
    check(process["unknown_frees"] <= most_unknown, process["unknown_frees"], "frees of unknown blocks")
    equal(process["lost"], 0, "lost events")


# What the program did is what the trace tells.

@test("steps")
def every_step_is_told():
    trace, done = record(*allocates("steps"))
    equal(done.returncode, 0, done.stderr)
    told = process_named(trace, "allocates")
    equal(told["allocations"], 113, "allocations")
    equal(told["reallocations"], 5, "reallocations")
    equal(told["frees"], 50, "frees")
    equal(told["end_live_blocks"], 63, "blocks alive at the end")
    alive = sum(100 + i % 50 for i in range(50, 100)) + 10 * 77 + 3 * 512
    equal(told["end_live_bytes"], alive, "bytes alive at the end")
    is_sound(told)
    lines = strata("trace", trace, "--text").stdout.splitlines()
    equal(sum(line.startswith("m ") and line.endswith(" 512 256") for line in lines), 3, "aligned")


@test("steps")
def threads_that_hand_blocks_over_are_told_in_order():
    trace, done = record(*allocates("threads"))
    equal(done.returncode, 0, done.stderr)
    told = process_named(trace, "allocates")
    equal(told["threads"], 5, "threads")
    check(told["allocations"] >= 80000, told["allocations"], "allocations")
    check(told["frees_by_another_thread"] > 10000, told["frees_by_another_thread"], "handed over")
    is_sound(told)
    size = trace.stat().st_size
    check(size <= 8 * told["events"], size / told["events"], "bytes an event")


@test("steps")
def the_trace_is_the_same_under_every_allocator():
    told = set()
    for allocator in ("strata", "system"):
        trace, done = record(*allocates("steps"), options=("--with", allocator))
        equal(done.returncode, 0, done.stderr)
        p = process_named(trace, "allocates")
        told.add((p["allocations"], p["reallocations"], p["frees"], p["end_live_bytes"]))
    equal(len(told), 1, f"what was told: {told}")


@test("steps")
def forked_children_are_processes_of_their_own():
    for how in ("fork", "rawfork"):
        trace, done = record(*allocates(how))
        equal(done.returncode, 0, done.stderr)
        parent, child = sums(trace)["processes"]
        equal((parent["allocations"], parent["frees"]), (100, 100), how + ", the parent")
        is_sound(parent)
        equal((child["allocations"], child["frees"]), (20, 20), how + ", the child")
        equal(child["unknown_frees"], 50, "the parent's blocks, freed by the child")


@test("steps")
def a_vfork_child_counts_as_its_parent():
    trace, done = record(*allocates("vfork"))
    equal(done.returncode, 0, done.stderr)
    processes = sums(trace)["processes"]
    equal(len(processes), 1, "processes")
    equal(processes[0]["allocations"], 102, "allocations")


@test("steps")
def a_program_after_exec_is_another_process():
    trace, done = record(*allocates("exec"))
    equal(done.returncode, 0, done.stderr)
    first, second = sums(trace)["processes"]
    equal(first["pid"], second["pid"], "process ids")
    equal((first["allocations"], second["allocations"]), (100, 113), "allocations")


@test("steps")
def only_the_first_process_on_request():
    need("sh")
    command = ("sh", "-c", " ".join(allocates("steps")) + "; true")
    trace, _ = record(*command, options=("--first-only",))
    equal([os.path.basename(p["command"][0]) for p in sums(trace)["processes"]], ["sh"], "processes")
    trace, _ = record(*command)
    equal(process_named(trace, "allocates")["allocations"], 113, "without the option")


@test("steps")
def requests_that_are_refused_are_counted():
    trace, done = record(*allocates("huge"))
    equal(done.returncode, 0, done.stderr)
    told = process_named(trace, "allocates")
    check(told["refused"] >= 3, told["refused"], "refused")
    is_sound(told)
    refused = strata("replay", trace, "--with", "strata", "--rounds", "1")
    if told["peak_live_bytes"] > 30 << 30:
        equal(refused.returncode, 1, refused.stdout)
        check("--touch" in refused.stderr, refused.stderr)
    played = strata("replay", trace, "--with", "strata", "--rounds", "1", "--touch", "first")
    equal(played.returncode, 0, played.stderr)


@test("steps")
def calling_places_are_told_on_request():
    trace, _ = record(*allocates("steps"), options=("--sites",))
    done = strata("trace", trace)
    check("calls that asked for most" in done.stdout, done.stdout)
    check(done.stdout.count("calls from allocates+0x") >= 3, done.stdout)
    is_sound(process_named(trace, "allocates"))


# However it ends.

@test("ends")
def the_programs_exit_code_is_ours():
    for how, code in (("kill", 137), ("crash", 139), ("quit", 3)):
        trace, done = record(*allocates(how))
        equal(done.returncode, code, how)
        told = process_named(trace, "allocates")
        equal((how, told["allocations"]), (how, 1000), "allocations before the end")
    _, done = record(WORK / "no-such-program")
    equal(done.returncode, 127, "a program that is not there")
    check("no-such-program" in done.stderr, done.stderr)


@test("ends")
def signals_reach_the_program():
    trace = WORK / "test.trace"
    recording = subprocess.Popen([str(BUILD / "strata"), "record", "-o", str(trace), "--",
                                  *allocates("sleep")], stdout=subprocess.PIPE, text=True,
                                 stderr=subprocess.PIPE)
    equal(recording.stdout.readline(), "ready\n", "what the program says")
    recording.send_signal(signal.SIGINT)  # a terminal sends it to the program too: not ours to pass on
    recording.send_signal(signal.SIGTERM)
    recording.communicate(timeout=PATIENCE)
    equal(recording.returncode, 7, "exit code")
    equal(process_named(trace, "allocates")["allocations"], 100, "allocations")


def wait_for(condition, what):
    for _ in range(PATIENCE * 20):
        if condition():
            return
        time.sleep(0.05)
    raise Failure("waited in vain for " + what)


def processor_time(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children_of(pid):
    path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []


@test("ends")
def a_program_outlives_a_recorder_that_is_killed():
    trace = WORK / "test.trace"
    trace.unlink(missing_ok=True)
    recording = subprocess.Popen([str(BUILD / "strata"), "record", "-o", str(trace), "--",
                                  *allocates("forever")])
    program = None
    try:
        wait_for(lambda: trace.exists() and trace.stat().st_size > 100000, "events")
        program = children_of(recording.pid)[0]
        recording.kill()
        recording.wait()
        before = processor_time(program)
        wait_for(lambda: processor_time(program) > before + 0.2, "the program to go on")
    finally:
        if program:
            os.kill(program, signal.SIGKILL)
        recording.kill()
        recording.wait()
    told = sums(trace)
    check("not ended" in told["cut_off"] or "within a chunk" in told["cut_off"], told["cut_off"])
    check(told["events"] > 10000, told["events"])
    for left in pathlib.Path("/dev/shm").glob(f"strata-record.{recording.pid}.*"):
        left.unlink()


@test("ends")
def a_full_disk_ends_the_trace_and_not_the_program():
    trace = WORK / "test.trace"
    recording = subprocess.Popen([str(BUILD / "strata"), "record", "-o", str(trace), "--",
                                  *allocates("forever")], stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: trace.exists() and trace.stat().st_size > 100000, "events")
        # As a full disk does, a limit refuses to let the file grow. The recorder is stopped while
        # the limit is set, so that the file does not outgrow it before.
        os.kill(recording.pid, signal.SIGSTOP)
        os.waitpid(recording.pid, os.WUNTRACED)
        limit = trace.stat().st_size + 10000
        resource.prlimit(recording.pid, resource.RLIMIT_FSIZE, (limit, limit))
        os.kill(recording.pid, signal.SIGCONT)
        said = recording.stderr.readline()
        check("cannot write" in said and "goes on" in said, said)
        program = children_of(recording.pid)[0]
        before = processor_time(program)
        wait_for(lambda: processor_time(program) > before + 0.2, "the program to go on")
    finally:
        recording.terminate()
        recording.communicate(timeout=PATIENCE)
    equal(recording.returncode, 143, "exit code")
    check(trace.stat().st_size <= limit, trace.stat().st_size)
    told = sums(trace)
    check("not ended" in told["cut_off"], told["cut_off"])
    check(told["events"] > 10000, told["events"])


@test("ends")
def a_server_that_is_left_behind_is_recorded_to_its_end():
    trace, done = record(*allocates("daemon"))
    equal(done.returncode, 0, done.stderr)
    child = sums(trace)["processes"][-1]
    equal(child["allocations"], 30, "allocations of the child")


@test("ends")
def what_cannot_be_recorded_is_said():
    need("gcc")
    source = WORK / "static.c"
    source.write_text("#include <stdlib.h>\nint main(void) { free(malloc(3)); return 0; }\n")
    built = run(["gcc", "-static", "-o", WORK / "static", source])
    if built.returncode != 0:
        raise Skip("no static C library")
    _, done = record(WORK / "static")
    equal(done.returncode, 1, "exit code")
    check("nothing was recorded" in done.stderr and "static" in done.stderr, done.stderr)


@test("ends")
def other_files_are_not_overwritten():
    precious = WORK / "precious.txt"
    precious.write_text("do not touch\n")
    _, done = record(*allocates("steps"), trace=precious)
    equal(done.returncode, 1, "exit code")
    equal(precious.read_text(), "do not touch\n", "the file")
    check("is no trace" in done.stderr, done.stderr)


@test("ends")
def nothing_is_left_in_shared_memory():
    def of(pid):  # only this recorder's: others may be at work
        return list(pathlib.Path("/dev/shm").glob(f"strata-record.{pid}.*"))
    recording = subprocess.Popen([str(BUILD / "strata"), "record", "-o", str(WORK / "test.trace"), "--",
                                  *allocates("sleep")], stdout=subprocess.PIPE, text=True,
                                 stderr=subprocess.PIPE)
    equal(recording.stdout.readline(), "ready\n", "what the program says")
    equal(len(of(recording.pid)), 1, "files while it records")
    recording.terminate()
    recording.communicate(timeout=PATIENCE)
    equal(of(recording.pid), [], "files afterwards")


# Damage, and words for it.

@test("damage")
def damaged_traces_are_refused_with_the_place():
    trace, _ = record(*allocates("threads"))
    content = bytearray(trace.read_bytes())
    content[len(content) // 2] ^= 0x55
    damaged = WORK / "damaged.trace"
    damaged.write_bytes(content)
    for command in (("replay", damaged), ("trace", damaged), ("lab", "--trace", damaged)):
        done = strata(*command)
        equal(done.returncode, 1, command[0])
        check("damaged at byte" in done.stderr, command[0], done.stderr)
    whole = trace.read_bytes()
    damaged.write_bytes(whole[:len(whole) * 2 // 3])
    done = strata("trace", damaged)
    equal(done.returncode, 0, done.stderr)
    check("cut off" in done.stdout, done.stdout)


# Playing.

@test("replay")
def replays_play_everything_under_every_allocator():
    trace, _ = record(*allocates("threads"))
    result = WORK / "result.json"
    page = WORK / "page.html"
    done = strata("replay", trace, "--rounds", "2", "--json", result, "--html", page,
                  "--set", "dirty_limit=1MiB", "--with", "strata,system")
    equal(done.returncode, 0, done.stderr)
    comparison = json.loads(result.read_text())["comparisons"][0]
    names = [row["allocator"] for row in comparison["rows"]]
    equal(names, ["strata", "system", "strata DIRTY_LIMIT=1MiB"], "rows")
    told = process_named(trace, "allocates")
    equal(comparison["trace"]["events"],
          told["allocations"] + told["reallocations"] + told["frees"], "events")
    for row in comparison["rows"]:
        equal(len(row["rounds"]), 2, "rounds")
        equal(row["failed"], 0, "failed requests")
        check(row["peak_bytes"] >= comparison["trace"]["peak_live_bytes"], row["peak_bytes"])
        check(len(row["curve"]) == len(comparison["asked"]), len(row["curve"]))
    check("<script" in page.read_text() and "strata DIRTY_LIMIT" in page.read_text(), "the page")
    check("Fastest" in done.stdout and "take" in done.stdout, done.stdout)
    again = strata("compare", result, result)
    equal(again.returncode, 0, again.stderr)
    check("over all" in again.stdout, again.stdout)


@test("replay")
def replays_hold_what_the_program_held():
    """With every byte written, an allocator holds at least what was asked for, and not far more."""
    source = "x = [bytes(100_000) for _ in range(500)]; del x[::2]; y = [bytes(300_000) for _ in range(50)]"
    trace, _ = record(sys.executable, "-c", source)
    done = strata("replay", trace, "--with", "system", "--touch", "all", "--rounds", "1", "--json", "-")
    equal(done.returncode, 0, done.stderr)
    comparison = json.loads(done.stdout)["comparisons"][0]
    asked = comparison["trace"]["peak_live_bytes"]
    peak = comparison["rows"][0]["peak_bytes"]
    check(asked > 50_000_000, asked)
    check(asked <= peak <= asked * 1.3 + 5_000_000, peak, "for", asked)


@test("replay")
def replays_keep_the_recorded_pace_on_request():
    trace, _ = record(*allocates("daemon"))

    def played(*options):
        done = strata("replay", trace, "--with", "system", "--rounds", "1", "--json", "-", *options)
        equal(done.returncode, 0, done.stderr)
        comparison = json.loads(done.stdout)["comparisons"][0]
        return comparison["trace"]["seconds"], comparison["rows"][0]["rounds"][0]

    # No machine is so busy that a replay is done before its time.
    for pace, factor in (("recorded", 1), ("0.5x", 2)):
        recorded, round = played("--pace", pace)
        check(round["wall_seconds"] >= 0.99 * factor * recorded, pace, round, recorded)
    equal(played()[1]["rested_seconds"], 0, "sleep without a pace to keep")


@test("replay")
def an_allocator_that_fails_is_a_row_and_no_end():
    need("gcc")
    source = WORK / "bad.c"
    source.write_text("#include <stdlib.h>\nvoid* malloc(size_t n) { abort(); }\n")
    run(["gcc", "-fPIC", "-shared", "-o", WORK / "libbad.so", source])
    trace, _ = record(*allocates("steps"))
    done = strata("replay", trace, "--with", f"system,{WORK / 'libbad.so'}", "--rounds", "1")
    equal(done.returncode, 1, "exit code")
    check("failed: killed by signal 6" in done.stdout, done.stdout)
    check("asked for" in done.stdout, done.stdout)


@test("replay")
def options_that_are_wrong_are_named():
    trace, _ = record(*allocates("steps"))
    for arguments, said in ((("--with", "nomalloc"), "no allocator 'nomalloc'"),
                            (("--set", "dirty"), "is not OPTION=value"),
                            (("--set", "dirty_limt=1"), "has no option"),
                            (("--pace", "slow"), "--pace"),
                            (("--process", "nobody"), "no process 'nobody'")):
        done = strata("replay", trace, *arguments)
        check(done.returncode != 0 and said in done.stderr, arguments, done.stderr)
    done = strata("compare")
    check(done.returncode != 0 and "nothing to compare" in done.stderr, done.stderr)


@test("replay")
def programs_are_compared_live():
    done = strata("compare", "--rounds", "2", "--with", "strata,system", "--", *allocates("threads"))
    equal(done.returncode, 0, done.stderr)
    check("take" in done.stdout, done.stdout)
    done = strata("compare", "--rounds", "1", "--with", "system", "--", *allocates("quit"))
    equal(done.returncode, 1, "a program that fails")
    check("exit code 3" in done.stdout, done.stdout)


@test("replay")
def the_lab_reads_recordings():
    trace, _ = record(*allocates("steps"))
    done = strata("lab", "--trace", trace, "--fit", "good", "--free", "immediate", "--json", "--quiet",
                  "--samples", "0")
    equal(done.returncode, 0, done.stderr)
    equal(json.loads(done.stdout)["results"][0]["operations"], 168, "operations")


# Real programs.

def real(name, trace, done, least, most_unknown=0):
    equal(done.returncode, 0, done.stderr[-300:])
    told = process_named(trace, name)
    check(told["events"] >= least, told["events"], "events")
    is_sound(told, most_unknown)
    size = trace.stat().st_size
    total = sums(trace)["events"]
    check(size <= 8 * total, size / total, "bytes an event")
    played = strata("replay", trace, "--process", name, "--rounds", "1", "--with", "strata,system")
    equal(played.returncode, 0, played.stderr + played.stdout)


@test("programs")
def python_is_recorded():
    source = "import json; print(len(json.dumps([{str(i): [i] * 5} for i in range(20000)])))"
    real_python = os.path.realpath(sys.executable)
    alone = run([real_python, "-c", source])
    trace, done = record(real_python, "-c", source, env=dict(os.environ, PYTHONMALLOC="malloc"))
    equal(done.stdout, alone.stdout, "what it prints")
    real(os.path.basename(real_python), trace, done, 100000)


@test("programs")
def a_compiler_is_recorded():
    need("g++")
    source = WORK / "x.cpp"
    source.write_text("#include <map>\n#include <string>\nstd::map<std::string, int> m;\n"
                      "int f(const std::string& s) { return m[s]++; }\n")
    trace, done = record("g++", "-O1", "-c", source, "-o", WORK / "x.o")
    real("cc1plus", trace, done, 100000)


@test("programs")
def git_is_recorded():
    need("git")
    folder = WORK / "repository"
    folder.mkdir()
    steps = ["git init -q .", "git config user.name a", "git config user.email a@b"]
    steps += [f"seq {i * 100} > f{i % 7}; git add .; git commit -qm {i}" for i in range(10)]
    made = run(["sh", "-c", "; ".join(steps)], cwd=folder)
    equal(made.returncode, 0, made.stderr)
    trace, done = record("git", "log", "--stat", "-p", cwd=folder)
    real("git", trace, done, 2000)


@test("programs")
def node_is_recorded():
    need("node")
    source = "console.log(JSON.stringify(Array.from({length: 20000}, (_, i) => ({i}))).length)"
    trace, done = record("node", "-e", source)
    real("node", trace, done, 50000)


@test("programs")
def a_redis_server_under_load_is_recorded():
    need("redis-server", "redis-benchmark", "redis-cli")
    socket = WORK / "redis"
    script = (f"redis-server --port 0 --unixsocket {socket} --save '' --appendonly no >/dev/null & server=$!; "
              f"until redis-cli -s {socket} ping >/dev/null 2>&1; do sleep 0.1; done; "
              f"redis-benchmark -q -s {socket} -n 3000 -r 1000 -t set,get,lpush,hset >/dev/null; "
              f"redis-cli -s {socket} shutdown nosave; wait $server")
    trace, done = record("sh", "-c", script)
    server = max(sums(trace)["processes"], key=lambda p: p["events"])
    real(os.path.basename(server["executable"]), trace, done, 20000)


@test("promises")
def promises_of_the_family_hold_while_it_is_recorded():
    """The conformance tests, recorded, pass as they do under Strata alone."""
    folder = BUILD / "tests/conformance"
    programs = sorted(p for p in folder.glob("*") if os.access(p, os.X_OK) and p.is_file())
    if not programs:
        raise Skip("the conformance tests are not built")
    # The recorder stands before the allocator: that is no promise of a recorded program.
    apart = {"the_preloaded_library_serves_malloc", "the_whole_family_comes_from_one_library"}
    failed = []
    for program in programs:
        if program.name in apart:
            continue
        alone = run([program], env=dict(os.environ, LD_PRELOAD=str(BUILD / "libstrata.so")))
        _, recorded = record(program)
        if recorded.returncode != alone.returncode and alone.returncode == 0:
            # 1 is ours when the program allocated nothing at all.
            if recorded.returncode == 1 and "nothing was recorded" in recorded.stderr:
                continue
            failed.append(f"{program.name}: {recorded.stderr.strip().splitlines()[:1]}")
    check(not failed, failed)


def begin(build, work):
    global BUILD, WORK
    BUILD, WORK = build, work
    os.environ.pop("LD_PRELOAD", None)


if __name__ == "__main__":
    sys.exit(run_tests(__doc__, begin))
