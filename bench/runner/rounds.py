"""Runs the lines, interleaved: in each round every line under every allocator, side by side.

Order. All allocators of a line run within seconds of each other, so a machine that slows down slows
them all; where in that row each stands turns from round to round, and odd rounds go backwards.
A cell that fails is not tried again; the reason is kept and shown.
"""

import sys
import time

from . import measure


class Progress:
    """A bar on a terminal; on anything else a line for each tenth."""

    def __init__(self, total, deadline=None):
        self.total, self.done, self.begin, self.deadline = max(total, 1), 0, time.monotonic(), deadline
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
    first = round_number % len(allocators)
    order = allocators[first:] + allocators[:first]
    return order if round_number % 2 == 0 else order[::-1]


def run_all(lines, allocators, launcher, rounds, deadline=None, sample=False, timeout=300):
    """cells[line][allocator] = {"runs": [...], "error"?}. Stops at the deadline, between lines."""
    cells = {line.name: {a.name: {"runs": []} for a in allocators} for line in lines}
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
                    try:
                        cell["runs"].append(measure.run(line, allocator, launcher,
                                                        interval=10 if sample else 0, timeout=timeout))
                    except measure.Failure as failure:
                        cell["error"] = str(failure)
        progress.end()
    except KeyboardInterrupt:
        progress.end()
        print("bench: interrupted; what follows is what was measured so far", file=sys.stderr)
    return cells


def trace_all(lines, cells, allocators, launcher, strace, settle, timeout=300):
    """One further run each for the curve of resident memory, and one under strace for system calls."""
    traced = [a for a in allocators if a.role != "twin"]
    progress = Progress(len(lines) * len(traced) * (2 if strace else 1))
    try:
        for line in lines:
            for allocator in traced:
                cell = cells[line.name][allocator.name]
                progress.step(f"memory over time  {line.name}  {allocator.name}")
                if not cell["runs"]:
                    progress.done += 1 if strace else 0
                    continue
                try:
                    cell["traced"] = measure.run(line, allocator, launcher, interval=5, settle=settle,
                                                 timeout=timeout)
                    if strace:
                        progress.step(f"system calls  {line.name}  {allocator.name}")
                        if not line.load:
                            cell["system_calls"] = measure.count_system_calls(
                                line, allocator, launcher, strace, timeout)
                except measure.Failure as failure:
                    cell["trace_error"] = str(failure)
    except KeyboardInterrupt:
        print("\nbench: interrupted; the tables follow", file=sys.stderr)
    progress.end()
