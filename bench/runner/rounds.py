"""Runs the lines, interleaved: in each round every line under every allocator, side by side.

Order. All allocators of a line run within seconds of each other, so a machine that slows down slows
them all. Every other round goes backwards, and where the row begins turns.

Failure. A cell that fails is not tried again; the reason is kept and shown. An allocator that does
not end on three lines in a row is given up, so that one which hangs does not cost hours.
"""

import concurrent.futures
import os
import sys
import time

from . import measure

HANGS = 3


class Progress:
    """A bar on a terminal; on anything else a line for each tenth."""

    def __init__(self, total):
        self.total, self.done, self.begin = max(total, 1), 0, time.monotonic()
        self.on_terminal = sys.stderr.isatty()
        self.tenth = -1

    def step(self, what):
        share = min(self.done / self.total, 1)
        spent = time.monotonic() - self.begin
        left = spent / self.done * (self.total - self.done) if self.done else 0
        if self.on_terminal:
            bar = "█" * int(share * 30) + "░" * (30 - int(share * 30))
            sys.stderr.write(f"\r{bar} {share:4.0%}  {int(left) // 60}:{int(left) % 60:02} left  {what:<44.44}")
            sys.stderr.flush()
        elif int(share * 10) > self.tenth:
            self.tenth = int(share * 10)
            print(f"bench: {share:4.0%} after {spent:.0f} s, {what}", file=sys.stderr, flush=True)
        self.done += 1

    def end(self):
        if self.on_terminal:
            sys.stderr.write("\r" + " " * 92 + "\r")
            sys.stderr.flush()


def turned(allocators, round_number):
    """Two rounds after the other, forth and back, begin at the same place, the next two elsewhere."""
    first = round_number // 2 * 2 % len(allocators)
    order = allocators[first:] + allocators[:first]
    return order if round_number % 2 == 0 else order[::-1]


def run_all(lines, allocators, launcher, rounds, deadline=None, interval=5, settle=0, timeout=120):
    """cells[line][allocator] = {"runs": [...], "error"?}. Stops at the deadline, between lines.

    In the first round resident memory is sampled every `interval` milliseconds, for the curve, and a
    workload idles `settle` milliseconds after it has freed all; its time does not include that.
    """
    cells = {line.name: {a.name: {"runs": []} for a in allocators} for line in lines}
    hangs = {a.name: 0 for a in allocators}
    progress = Progress(rounds * len(lines) * len(allocators))
    begin = time.monotonic()
    try:
        for round_number in range(rounds):
            for line in lines:
                if deadline is not None and time.monotonic() > deadline:
                    progress.end()
                    print(f"bench: time is up in round {round_number + 1} of {rounds}, after "
                          f"{time.monotonic() - begin:.0f} s", file=sys.stderr)
                    return cells
                for allocator in turned(allocators, round_number):
                    cell = cells[line.name][allocator.name]
                    progress.step(f"round {round_number + 1}/{rounds}  {line.name}  {allocator.name}")
                    if "error" in cell:
                        continue
                    if hangs[allocator.name] >= HANGS:
                        cell["error"] = f"given up: {HANGS} lines before it did not end"
                        continue
                    first = round_number == 0
                    try:
                        cell["runs"].append(measure.run(
                            line, allocator, launcher, interval if first else 0, settle if first else 0, timeout))
                        hangs[allocator.name] = 0
                    except measure.Failure as failure:
                        cell["error"] = str(failure)
                        hangs[allocator.name] += isinstance(failure, measure.Hang)
        progress.end()
    except KeyboardInterrupt:
        progress.end()
        print("bench: interrupted; what follows is what was measured so far", file=sys.stderr)
    return cells


def count_calls(lines, cells, allocators, launcher, strace, timeout=120):
    """One further run each under strace. Counts are no times, so as many run at once as there are cores."""
    counted = [(line, a) for line in lines for a in allocators
               if a.role != "twin" and cells[line.name][a.name]["runs"]]
    progress = Progress(len(counted))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        started = {pool.submit(measure.count_system_calls, line, a, launcher, strace, timeout): (line, a)
                   for line, a in counted}
        try:
            for done in concurrent.futures.as_completed(started):
                line, allocator = started[done]
                progress.step(f"system calls  {line.name}  {allocator.name}")
                try:
                    cells[line.name][allocator.name]["system_calls"] = done.result()
                except measure.Failure as failure:
                    cells[line.name][allocator.name]["trace_error"] = str(failure)
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            print("\nbench: interrupted; the tables follow", file=sys.stderr)
    progress.end()
