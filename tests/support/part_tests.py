"""Tests of the command as plain functions, run in parts: each is named after what it shows and has a
folder of its own to write to.

    FILE --build FOLDER [--list] [--part PART] [TEST...]      all tests when none is named

Ends with 1 when one failed, with 77 when all were skipped.
"""

import argparse
import pathlib
import subprocess
import tempfile
import time

TESTS = []  # (part, function)


class Failure(Exception):
    pass


class Skip(Exception):
    pass


def test(part):
    def add(function):
        TESTS.append((part, function))
        return function
    return add


def check(condition, *what):
    if not condition:
        raise Failure(" ".join(str(part) for part in what))


def equal(found, expected, what):
    check(found == expected, f"{what}: {found!r} instead of {expected!r}")


def run_tests(description, begin):
    """begin(build, work) is called before each test, with the build tree and the test's folder."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--part", choices=sorted({part for part, _ in TESTS}))
    parser.add_argument("tests", nargs="*")
    options = parser.parse_args()
    chosen = [function for part, function in TESTS
              if options.part in (None, part)
              and (not options.tests or function.__name__ in options.tests)]
    if options.list:
        print(*(function.__name__ for function in chosen), sep="\n")
        return 0
    if len(chosen) < len(options.tests):
        parser.error("no such test; --list names them")
    failed = skipped = 0
    for function in chosen:
        with tempfile.TemporaryDirectory(prefix="strata-test.") as folder:
            begin(options.build.resolve(), pathlib.Path(folder))
            start = time.monotonic()
            try:
                function()
                print(f"passed  {function.__name__} ({time.monotonic() - start:.1f} s)", flush=True)
            except Skip as reason:
                skipped += 1
                print(f"skipped {function.__name__}: {reason}", flush=True)
            except (Failure, subprocess.TimeoutExpired, OSError, ValueError, KeyError) as reason:
                failed += 1
                print(f"FAILED  {function.__name__}: {reason}", flush=True)
    if not failed and skipped == len(chosen):
        return 77
    return 1 if failed else 0
