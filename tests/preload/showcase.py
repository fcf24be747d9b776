#!/usr/bin/env python3
"""Shows real programs under Strata beside the system's malloc; what `make run` ends with.

Four programs run once with each: their time, their peak memory, and a curve of the memory that was
resident while they ran, read from /proc/PID/smaps_rollup. The first one knows what it holds at each
step, so it also shows where memory stands when nine tenths of it have been freed.

Not here: a verdict. One run of each is a look, not a measurement; `make run-binaries` compares
outputs and repeats, `make bench` measures.
"""

import argparse
import pathlib
import shutil
import sys
import threading
import time

import harness
from data import generate
from programs import PROGRAMS
import servers  # noqa: F401  (adds its programs to the table)

BARS = " ▁▂▃▄▅▆▇█"
WIDTH = 40

# Strings of mixed sizes, then nine tenths of them freed at random, then a rest, then all freed. Each
# step prints what the program itself holds; PYTHONMALLOC=malloc sends every object to malloc.
STEPS = """
import random, sys, time
rng = random.Random(1)
def say(step, live): print(step, live, flush=True); time.sleep(0.4)
blocks = [bytes(rng.choice((40, 100, 300, 700, 1500, 3500))) for _ in range(150_000)]
live = sum(map(len, blocks)); say("built", live)
rng.shuffle(blocks); del blocks[15_000:]
live = sum(map(len, blocks)); say("freed-90%", live)
time.sleep(2); say("2-s-later", live)
blocks.clear(); time.sleep(2); say("all-freed", 0)
"""


def memory_steps(run):
    run.command("python3", "-c", STEPS, env={"PYTHONMALLOC": "malloc"})


def compile_templates(run):
    run.command("g++", "-std=c++20", "-O1", "-c", run.data / "heavy.cpp", "-o", "heavy.o")


SHOWN = [
    ("python3", "150 000 strings, a random 90% freed, a rest", ["python3"], memory_steps),
    ("g++", "heavy templates compiled at -O1", ["g++"], compile_templates),
    ("sqlite3", "a database built, joined and vacuumed", ["sqlite3"], PROGRAMS["sqlite3"].function),
    ("redis", "a server under redis-benchmark", ["redis-server", "redis-benchmark"],
     PROGRAMS["redis"].function),
]


class Sampler(threading.Thread):
    """Reads how much of a process tree is resident, every few milliseconds, until told to stop."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        self.folder, self.samples, self.ended = folder, [], threading.Event()
        self.start_time = time.monotonic()

    def run(self):
        while not self.ended.wait(0.015):
            self.samples.append((time.monotonic() - self.start_time, self.resident()))

    def resident(self):
        """The largest process that works in the run's folder, in bytes."""
        largest = 0
        for pid in descendants("self"):
            try:
                with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
                    rss = next(line for line in rollup if line.startswith("Rss:"))
                largest = max(largest, int(rss.split()[1]) * 1024)
            except (OSError, StopIteration):
                continue
        return largest


def descendants(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            below = task.read_text().split()
        except OSError:
            continue
        for child in below:
            found += [child, *descendants(child)]
    return found


def curve(samples, top):
    """The samples as one line of bars, each column the largest of its share of the time."""
    if not samples or not top:
        return ""
    end = samples[-1][0] or 1
    columns = [0] * WIDTH
    for at, size in samples:
        column = min(WIDTH - 1, int(at / end * WIDTH))
        columns[column] = max(columns[column], size)
    for i in range(1, WIDTH):
        columns[i] = columns[i] or columns[i - 1]
    return "".join(BARS[min(8, -(-8 * size // top))] for size in columns)


def megabytes(size):
    return f"{size / 1e6:6.1f} MB" if size < 1e8 else f"{size / 1e6:6.0f} MB"


def steps_of(run, samples):
    """(step, live, resident) for the program that says what it holds: resident at the step's end."""
    said = [line.split() for line in (run.folder / ".stdout1").read_text().splitlines()]
    stamps = run.step_times
    table = []
    for (step, live), at in zip(said, stamps):
        later = [size for t, size in samples if at + 0.1 <= t <= at + 0.35]
        table.append((step, int(live), min(later) if later else 0))
    return table


def watch_steps(run, sampler):
    """Notes when each line of the program's output appeared."""
    run.step_times = []
    path = run.folder / ".stdout1"

    def watch():
        while not sampler.ended.wait(0.005):
            lines = path.read_bytes().count(b"\n") if path.exists() else 0
            while len(run.step_times) < lines:
                run.step_times.append(time.monotonic() - sampler.start_time)
    threading.Thread(target=watch, daemon=True).start()


def show(name, about, function, libraries, launcher, place):
    print(f"\n{name}: {about}")
    curves, steps = [], []
    for library in libraries:
        run = harness.Run(launcher, place / "run", place / "data", library, 0.5, False, 120)
        sampler = Sampler(run.folder)
        watch_steps(run, sampler)
        sampler.start()
        try:
            function(run)
        except harness.Failure as failure:
            print(f"  {library.name:8} FAILED: {failure}")
            return False
        finally:
            sampler.ended.set()
            sampler.join()
        curves.append((library, run.cost, sampler.samples))
        if function is memory_steps:
            steps.append((library, steps_of(run, sampler.samples)))
    top = max(max((size for _, size in samples), default=0) for _, _, samples in curves)
    for library, cost, samples in curves:
        print(f"  {library.name:8} {cost.wall:6.2f} s  cpu {cost.cpu:5.2f} s  "
              f"peak {megabytes(cost.peak)}  {curve(samples, top)}")
    if steps:
        print(f"  {'':10} {'the program holds':>18}" + "".join(
            f" {'resident, ' + library.name:>18}" for library, _ in steps))
        for i, (step, live, _) in enumerate(steps[0][1]):
            print(f"  {step:10} {megabytes(live):>18}" + "".join(
                f" {megabytes(rows[i][2]):>18}" for _, rows in steps if i < len(rows)))
    return True


def main():
    parser = argparse.ArgumentParser(description="Shows programs under Strata beside the system's malloc.")
    parser.add_argument("--library", default=str(harness.REPOSITORY / "build/libstrata.so"))
    options = parser.parse_args()
    if not pathlib.Path(options.library).is_file():
        print(f"showcase: no library at {options.library} (`make` builds it)", file=sys.stderr)
        return 2
    strata = harness.Library(options.library)
    libraries = [harness.Library(), strata]
    print("Real programs with the system's malloc and with Strata preloaded. The curve is the memory")
    print("resident over the run, both to the same scale.")
    good = True
    with harness.workplace() as place:
        (place / "data").mkdir()
        generate(place / "data", 0.5)
        launcher = harness.build_launcher(place)
        strata.copy_to(place / "lib")
        for name, about, needs, function in SHOWN:
            path = harness.base_environment()["PATH"]
            if not all(shutil.which(command, path=path) for command in needs):
                print(f"\n{name}: not installed, left out")
                continue
            good &= show(name, about, function, libraries, launcher, place)
    shown = pathlib.Path(options.library)
    if shown.is_relative_to(pathlib.Path.cwd()):
        shown = shown.relative_to(pathlib.Path.cwd())
    print(f"\nTry it yourself:  LD_PRELOAD={shown} grep -r TODO .\n"
          "More:             make run-binaries   make test   make help")
    return 0 if good else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        sys.exit(130)
