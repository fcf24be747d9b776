#!/usr/bin/env python3
"""Where reports go and what is heeded: STRATA_ON_ERROR, STRATA_LOG, STRATA_MODE.

    tests/errors/policy.py PROPERTY FOLDER LIBRARY      FOLDER has the programs of tests/errors

Each property is a function of that name. Ends with 1 and says why when it does not hold, with 77 when
it cannot be tried here.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

SKIPPED = 77
DOUBLE_FREE = re.compile(r"^strata: error: double free of 0x[0-9a-f]+ \(.*freed before.*\)\n$")


def run(command, library=None, cwd=None, **options):
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith("STRATA_") and name != "LD_PRELOAD"}
    environment.update({f"STRATA_{name}": value for name, value in options.items()})
    if library:
        environment["LD_PRELOAD"] = library
    return subprocess.run(command, env=environment, text=True, capture_output=True, cwd=cwd,
                          timeout=240, check=False)


def want(condition, what, done=None):
    if condition:
        return
    print(f"not so: {what}")
    if done is not None:
        print(f"ended with {done.returncode}, said: {done.stderr}")
    sys.exit(1)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def twice(folder):
    return [os.path.join(folder, "freeing_twice_at_once"), "small", "own"]


def reports_are_appended_to_the_log(folder, library, space):
    log = os.path.join(space, "log")
    for _ in range(2):
        done = run(twice(folder), library, LOG=log)
        want(done.returncode == -signal.SIGABRT and done.stderr == "", "only the log tells", done)
    lines = read(log).splitlines(keepends=True)
    want(len(lines) == 2 and all(DOUBLE_FREE.match(line) for line in lines), f"two reports in {lines}")
    want(os.stat(log).st_mode & 0o077 == 0, "the log is the user's own")


def logs_are_named_after_the_process(folder, library, space):
    done = run(twice(folder), library, LOG=os.path.join(space, "log.%p.txt"))
    names = os.listdir(space)
    want(len(names) == 1 and re.match(r"^log\.[0-9]+\.txt$", names[0]), f"one log in {names}", done)
    want(DOUBLE_FREE.match(read(os.path.join(space, names[0]))), "it has the report")


def relative_logs_count_from_the_start(folder, library, space):
    run(twice(folder), library, cwd=space, LOG="log")
    want(DOUBLE_FREE.match(read(os.path.join(space, "log"))), "the report is where the program began")


def reports_go_to_stderr_where_the_log_cannot_be_written(folder, library, space):
    done = run(twice(folder), library, LOG=os.path.join(space, "no", "such", "folder"))
    want(DOUBLE_FREE.match(done.stderr), "the report is on the standard error", done)


def a_forked_child_reports_for_itself(folder, library, space):
    program = [os.path.join(folder, "misuse_in_turn"), "fork"]
    done = run(program, LOG=os.path.join(space, "log.%p"), ON_ERROR="report")
    want(done.returncode == 0 and done.stderr == "survived\n", "both go on", done)
    want(len(os.listdir(space)) == 2, f"each has a log of its own: {os.listdir(space)}")
    done = run(program, MODE="hardened")
    want(len(done.stderr.splitlines()) == 2, "child and parent report", done)


def reports_come_from_signal_handlers_too(folder, library, space):
    for mode in ("default", "hardened"):
        done = run([os.path.join(folder, "misuse_in_turn"), "signal"], MODE=mode)
        want(DOUBLE_FREE.match(done.stderr) and done.returncode == -signal.SIGABRT, mode, done)


def a_child_may_run_in_another_mode(folder, library, space):
    overflow = [os.path.join(folder, "overflowing_by_one_byte"), "small", "own"]
    done = run(["env", "STRATA_MODE=default", *overflow], library, MODE="hardened")
    want(done.stderr == "survived\n", "the child of a hardened program is a default one", done)
    done = run(["env", "STRATA_MODE=hardened", *overflow], library, MODE="default")
    want("overflow of" in done.stderr, "and the other way round", done)


def the_programs_own_fault_handler_is_called(folder, library, space):
    program = os.path.join(folder, "helper", "handles_faults")
    done = run([program, "first"], library, GUARD_SAMPLE="1")
    want(done.returncode == 7 and "write after free to" in done.stderr, "reported, then handled", done)
    want(done.stderr.endswith("\nhandled\n"), "handled last", done)
    done = run([program, "later"], library, GUARD_SAMPLE="1")
    want(done.returncode == 7 and done.stderr == "handled\n", "a later handler is the only one", done)
    done = run([program, "first"], library, GUARD_SAMPLE="off")
    want(done.returncode == 0 and done.stderr == "", "without samples nothing is seen", done)


def leaks_are_told_by_where_they_were_made(folder, library, space):
    program = os.path.join(folder, "helper", "leaks")
    done = run([program], library, MODE="diagnose")
    want(done.returncode == 0, "leaks end nothing", done)
    want("strata: leak: 1 blocks, 5000 bytes that nothing points to\n" in done.stderr, "the large", done)
    want("strata: leak: 3 blocks, 144 bytes that nothing points to\n" in done.stderr, "the three", done)
    want(re.search(r"^strata: leaks: 4 blocks, 5144 bytes in 2 places; ", done.stderr, re.M),
         "and no more: what a block or a pointer inside keeps is kept", done)
    done = run([program, "none"], library, MODE="diagnose")
    want(done.returncode == 0 and done.stderr == "", "nothing lost, nothing said", done)


def the_heap_is_looked_over_at_a_signal(folder, library, space):
    program = os.path.join(folder, "helper", "signals_itself")
    done = run([program], library, MODE="diagnose", ON_ERROR="report")
    want("overflow of" in done.stderr and "found by SIGUSR2" in done.stderr, "found", done)
    want("strata: heap looked over: 1 errors\n" in done.stderr, "said", done)


def an_unknown_mode_is_named(folder, library, space):
    done = run(twice(folder), library, MODE="hard")
    want(done.stderr.startswith('strata: warning: bad value "hard" for STRATA_MODE'), "warned", done)


def privileged_programs_only_get_stricter(folder, library, space):
    """A program with other rights than its user's: the kernel says so, and options are not heeded."""
    if os.geteuid() != 0:
        print("skipped: only root can make such a program")
        sys.exit(SKIPPED)
    program = os.path.join(folder, "misuse_in_turn.privileged")
    shutil.copy(os.path.join(folder, "misuse_in_turn"), program)
    try:
        os.chown(program, 65534, 65534)
        os.chmod(program, 0o6755)
        log = os.path.join(space, "log")
        os.chmod(space, 0o777)
        done = run([program], ON_ERROR="report", LOG=log)
        want(done.returncode == -signal.SIGABRT and DOUBLE_FREE.match(done.stderr),
             "STRATA_ON_ERROR and STRATA_LOG are not heeded", done)
        want(not os.path.exists(log), "no file is written")
        for mode in ("hardened", "diagnose"):
            done = run([program], MODE=mode)
            want("overflow of" in done.stderr and len(done.stderr.splitlines()) == 1, mode, done)
    finally:
        os.unlink(program)


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in globals():
        sys.exit(__doc__)
    name, folder, library = sys.argv[1:]
    with tempfile.TemporaryDirectory() as space:
        globals()[name](folder, library, space)
    return 0


if __name__ == "__main__":
    sys.exit(main())
