#!/usr/bin/env python3
"""The battery: real programs with and without the library, their outputs compared.

    make run-binaries                                    everything, under build/libstrata.so
    tests/preload/battery.py --quick                     the subset that `make test` runs
    tests/preload/battery.py --library a.so --library b.so --only redis,python3
    tests/preload/battery.py --list

Every program runs once under the system's malloc to warm caches and to set the expected output;
then in rounds, in which the system's malloc and every library take turns, so that whatever else the
machine does falls on all of them. Time is the least of the rounds, peak memory the median. Ratios
are to the system's malloc: below 1 is better. The first round also proves, by the loader's own
notes, that the library was mapped. A program that fails, or prints something else from run to run,
under the system's malloc is broken: it can say nothing about a library, and counts as no pass.

Exit code 0: every program that could run passed. 1: some program failed or is broken. 2: bad usage.
"""

import argparse
import json
import math
import pathlib
import statistics
import subprocess
import sys
import time

import harness
from data import generate
from programs import PROGRAMS
import servers  # noqa: F401  (adds its programs to the table)

REPOSITORY = harness.REPOSITORY


def arguments():
    parser = argparse.ArgumentParser(
        description="Runs real programs under a malloc library and under the system's malloc, compares "
                    "their outputs, and shows time and memory as ratios.")
    parser.add_argument("--library", action="append", metavar="SO",
                        help="library to preload; repeat for more columns (build/libstrata.so)")
    parser.add_argument("--only", metavar="A,B", help="only these programs")
    parser.add_argument("--skip", metavar="A,B", default="", help="all but these programs")
    parser.add_argument("--quick", action="store_true", help="a subset with less work, about a minute")
    parser.add_argument("--scale", type=float, metavar="X",
                        help="amount of work as a factor (1; 0.25 with --quick)")
    parser.add_argument("--rounds", type=int, help="rounds of every program (3; 1 with --quick)")
    parser.add_argument("--limit", type=int, default=300, help="seconds one command may take (300)")
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    parser.add_argument("--keep", action="store_true", help="keep the temporary folder")
    parser.add_argument("--list", action="store_true", help="list the programs and end")
    return parser.parse_args()


def chosen(options):
    names = options.only.split(",") if options.only else [
        n for n, p in PROGRAMS.items() if p.quick or not options.quick]
    unknown = [n for n in [*names, *filter(None, options.skip.split(","))] if n not in PROGRAMS]
    if unknown:
        print(f"battery: no such program: {', '.join(unknown)} (--list shows them)", file=sys.stderr)
        raise SystemExit(2)
    return [PROGRAMS[n] for n in names if n not in options.skip.split(",")]


class Result:
    """What the rounds of one program with one library came to."""

    def __init__(self):
        self.costs, self.failure, self.skipped = [], None, None

    wall = property(lambda self: min(c.wall for c in self.costs))
    cpu = property(lambda self: min(c.cpu for c in self.costs))
    peak = property(lambda self: statistics.median(c.peak for c in self.costs))

    def as_json(self):
        if self.failure or self.skipped or not self.costs:
            return {"failure": self.failure, "skipped": self.skipped}
        return {"seconds": [c.wall for c in self.costs], "cpu_seconds": [c.cpu for c in self.costs],
                "peak_bytes": [c.peak for c in self.costs], "faults": [c.faults for c in self.costs]}


def difference(expected, found):
    for (label, digest, text), (_, other, seen) in zip(expected, found):
        if digest != other:
            at = next((i for i, (a, b) in enumerate(zip(text, seen)) if a != b), 0)
            return f'output differs ({label}): "{seen[at:at + 50]!r}", expected "{text[at:at + 50]!r}"'
    return f"{len(found)} outputs, expected {len(expected)}"


def run_program(program, libraries, options, place, launcher, show):
    """All rounds of one program; the first run, under the system's malloc, is the measure."""
    results = {library.name: Result() for library in libraries}
    system = results["system"]
    expected = None
    turns = [(libraries[0], 0)] + [(lib, r) for r in range(1, options.rounds + 1) for lib in libraries]
    for library, number in turns:
        result = results[library.name]
        if result.failure or system.skipped or system.failure:
            continue
        show(f"{program.name}: {library.name}, round {number} of {options.rounds}")
        run = harness.Run(launcher, place / "run", place / "data", library, options.scale,
                          number == 1, options.limit)
        try:
            program.function(run)
            run.check_mapped()
            expected = expected or run.evidence
            if run.evidence != expected:
                raise harness.Failure(difference(expected, run.evidence))
            if number > 0:
                result.costs.append(run.cost)
        except harness.Skip as reason:
            system.skipped = str(reason)
        except (harness.Failure, subprocess.TimeoutExpired, OSError) as problem:
            result.failure = str(problem)
    return results


class Table:
    """Rows as they come, with a progress line below them when someone is watching."""

    def __init__(self, libraries, count):
        self.libraries, self.count, self.done = libraries[1:], count, 0
        self.watched = sys.stdout.isatty()
        self.start = time.monotonic()

    def head(self):
        top = f"{'program':16} {'system':>17}"
        below = f"{'':16} {'time':>8} {'peak':>8}"
        for library in self.libraries:
            top += f" | {library.name[:26]:^27}"
            below += f" | {'check':6} {'time':>6} {'cpu':>6} {'peak':>6}"
        print(f"{top}\n{below}\n{'-' * len(below)}")

    def progress(self, text):
        if self.watched:
            bar = "#" * (20 * self.done // max(1, self.count))
            print(f"\r\033[K[{bar:20}] {self.done}/{self.count} {text}", end="", flush=True)

    def row(self, program, results):
        self.done += 1
        if self.watched:
            print("\r\033[K", end="")
        system = results["system"]
        if system.failure:
            print(f"{program.name:16} BROKEN without any library: {system.failure}", flush=True)
            return
        if system.skipped:
            print(f"{program.name:16} skipped: {system.skipped}", flush=True)
            return
        line = f"{program.name:16} {system.wall:6.2f} s {system.peak / 1e6:5.0f} MB"
        for library in self.libraries:
            r = results[library.name]
            if r.failure:
                line += f" | {'FAILED':6} {'':6} {'':6} {'':6}"
            else:
                line += (f" | {'pass':6} {ratio(r.wall, system.wall):6.2f} "
                         f"{ratio(r.cpu, system.cpu):6.2f} {ratio(r.peak, system.peak):6.2f}")
        print(line, flush=True)
        for library in self.libraries:
            if results[library.name].failure:
                print(f"    {library.name}: {results[library.name].failure}", flush=True)

    def foot(self, everything):
        line = f"{'geometric mean':16} {'':17}"
        for library in self.libraries:
            pairs = [(r[library.name], r["system"]) for r in everything.values()
                     if r["system"].costs and r[library.name].costs and not r[library.name].failure]
            means = [geometric_mean([ratio(getattr(a, what), getattr(b, what)) for a, b in pairs])
                     for what in ("wall", "cpu", "peak")]
            line += f" | {'':6} " + " ".join(f"{m:6.3f}" for m in means)
        print("-" * len(line))
        print(line)


def ratio(a, b):
    return a / b if b > 0 and a > 0 else 1.0


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


def main():
    options = arguments()
    if options.list:
        for name, program in PROGRAMS.items():
            print(f"{name:16} {'quick' if program.quick else '':6} {program.shows}"
                  + (f"  [{program.missing()}]" if program.missing() else ""))
        return 0
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.scale = options.scale or (0.25 if options.quick else 1)
    paths = options.library or [str(REPOSITORY / "build/libstrata.so")]
    for path in paths:
        if not pathlib.Path(path).is_file():
            print(f"battery: no library at {path} (`make` builds Strata's)", file=sys.stderr)
            return 2
    libraries = [harness.Library(), *map(harness.Library, paths)]
    if len({library.name for library in libraries}) < len(libraries):
        for i, library in enumerate(libraries[1:], 1):
            library.name = f"{library.name}#{i}"
    programs = chosen(options)
    table = Table(libraries, len(programs))
    everything = {}
    with harness.workplace(options.keep) as place:
        (place / "data").mkdir()
        table.progress("generating data")
        generate(place / "data", options.scale)
        launcher = harness.build_launcher(place)
        for i, library in enumerate(libraries):
            library.copy_to(place / "lib" / str(i))
        if table.watched:
            print("\r\033[K", end="")
        table.head()
        for program in programs:
            reason = program.missing()
            if reason:
                results = {library.name: Result() for library in libraries}
                results["system"].skipped = reason
            else:
                results = run_program(program, libraries, options, place, launcher, table.progress)
            everything[program.name] = results
            table.row(program, results)
        table.foot(everything)
        if options.keep:
            print(f"kept: {place}")
    return verdict(everything, libraries, options, table.start)


def verdict(everything, libraries, options, start):
    skipped = [name for name, r in everything.items() if r["system"].skipped]
    failed = sorted({name for name, r in everything.items() for library in libraries[1:]
                     if r[library.name].failure})
    broken = [name for name, r in everything.items() if r["system"].failure]
    failed = [name for name in failed if name not in broken]
    ran = len(everything) - len(skipped) - len(broken)
    print(f"{ran - len(failed)} programs passed, {len(failed)} failed, {len(skipped)} skipped, "
          f"{len(broken)} broken, "
          f"{options.rounds} round{'s' * (options.rounds > 1)}, {time.monotonic() - start:.0f} s")
    print("Ratios are to the system's malloc; peak is that of the largest process.")
    if failed:
        print("failed: " + " ".join(failed))
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(
            {"rounds": options.rounds, "libraries": {lib.name: str(lib.path or "") for lib in libraries},
             "programs": {name: {library: r.as_json() for library, r in results.items()}
                          for name, results in everything.items()}}, indent=1) + "\n")
    return 1 if failed or broken or ran == 0 else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nbattery: interrupted; everything it started has been ended", file=sys.stderr)
        sys.exit(130)
