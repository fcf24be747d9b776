#!/usr/bin/env python3
"""Runs a program that misuses the heap, and compares what is said of it with what its source wants.

    tests/errors/run.py [--go-on] SOURCE PROGRAM LIBRARY [MODE...]     all modes when none is named

Expectations stand in the source, in lines of four parts (see misuse.h):

    //= MODE... | SIZE... | own or other, or both | what is said

What is said is the report's line behind "strata: error: ", in which "…" stands for anything; the
program must then have ended by SIGABRT, without having said more (diagnose says more). Or the name of
a signal, and nothing is said; or "survived", and the program goes on and nothing is said. With
--go-on the same is said under STRATA_ON_ERROR=report, and every program survives that one report.
The mode "sampled" is default mode with every small block guarded (STRATA_GUARD_SAMPLE=1); there the
program may end by SIGSEGV as well, and more is said.
Ends with 1 when one run was different, 77 when the source has nothing for these modes.
"""

import os
import re
import signal
import subprocess
import sys

LINE = re.compile(r"^//= (.*?) \| (.*?) \| (.*?) \| (.*)$", re.M)
SKIPPED = 77


def expectations(source):
    with open(source, encoding="utf-8") as file:
        for modes, sizes, who, said in LINE.findall(file.read()):
            for mode in modes.split():
                for size in sizes.split():
                    for by in who.split():
                        yield mode, size, by, said


def pattern(said):
    return "^strata: error: " + ".*".join(re.escape(part) for part in said.split("…")) + "$"


def trouble(done, said, mode, goes_on):
    """What is different from what was wanted, or None."""
    text = done.stderr
    if said == "survived":
        return None if done.returncode == 0 and text == "survived\n" else "should have gone on"
    if said.startswith("SIG"):
        wanted = -signal.Signals[said]
        return None if done.returncode == wanted else f"should have ended by {said}"
    lines = text.splitlines()
    if not lines or not re.match(pattern(said), lines[0]):
        return f"should have said: {said}"
    ends = {-signal.SIGABRT}
    if mode == "sampled":
        if not re.search(r"^strata:   allocated by thread \d+ at\nstrata:     /.*\+0x", text, re.M):
            return "should have told who allocated the block"
        ends.add(-signal.SIGSEGV)
        if done.returncode == -signal.SIGSEGV:
            return None
    if goes_on:
        lived = lines[-1] == "survived" or said.endswith("found by exit)")
        return None if done.returncode == 0 and lived else "should have gone on"
    if done.returncode not in ends:
        return "should have ended by SIGABRT"
    if len(lines) != 1 and mode not in ("diagnose", "sampled"):
        return "should have said no more"
    return None


def main():
    arguments = sys.argv[1:]
    goes_on = arguments[:1] == ["--go-on"]
    if len(arguments) < 3 + goes_on:
        sys.exit(__doc__)
    source, program, library, *modes = arguments[goes_on:]
    bad = runs = 0
    for mode, size, by, said in expectations(source):
        if modes and mode not in modes:
            continue
        if goes_on and said.startswith("SIG"):
            continue
        environment = dict(os.environ, LD_PRELOAD=library,
                           STRATA_MODE="default" if mode == "sampled" else mode,
                           STRATA_GUARD_SAMPLE="1" if mode == "sampled" else "0",
                           STRATA_ON_ERROR="report" if goes_on else "abort")
        done = subprocess.run([program, size, by], env=environment, text=True, capture_output=True,
                              timeout=240, check=False)
        if done.returncode == SKIPPED:
            continue
        runs += 1
        wrong = trouble(done, said, mode, goes_on)
        if wrong:
            bad += 1
            print(f"{mode}, {size}, {by}: {wrong}\n  ended with {done.returncode}, said: {done.stderr[:400]}")
    if bad:
        print(f"{bad} of {runs} runs were different")
    return 1 if bad else 0 if runs else SKIPPED


if __name__ == "__main__":
    sys.exit(main())
