"""Does cost grow as it should: time per operation against live blocks, threads and size.

Minimum over the rounds, all allocators of a point side by side, as everywhere on the bench.
"""

import os
import sys
import time

from . import measure
from .lines import Line
from .rounds import Progress, turned

AXES = (
    ("scale_live", "parameter", "live blocks", (10**4, 10**5, 10**6, 10**7)),
    ("scale_threads", "threads", "threads", (1, 2, 4, 8, 16, 32, 64)),
    ("scale_size", "parameter", "bytes", tuple(16 * 4**k for k in range(13)) + (2**30,)),
)


def fits(axis, point):
    """Ten million blocks and a GiB need memory that a small machine lacks."""
    pages = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    needed = point * 130 if axis == "scale_live" else point * 2 if axis == "scale_size" else 0
    return needed < pages * 0.6


def points_of(axis, points, quick):
    """Within the machine's memory; a quick bench takes every second point."""
    chosen = [point for point in points if fits(axis, point)]
    return [p for i, p in enumerate(chosen) if i % 2 == 0 and p <= 10**6] if quick else chosen


def run(program, allocators, launcher, rounds, scale, quick, deadline=None):
    """[{"name", "axis", "points", "nanoseconds": {allocator: [...]}}]; None where it failed."""
    measured = [a for a in allocators if a.role != "twin"]
    plots = []
    progress = Progress(rounds * len(measured) * sum(
        len(points_of(axis, points, quick)) for axis, _, _, points in AXES))
    for axis, option, label, all_points in AXES:
        points = points_of(axis, all_points, quick)
        best = {a.name: [None] * len(points) for a in measured}
        failed = set()
        for round_number in range(rounds):
            for index, point in enumerate(points):
                if deadline is not None and time.monotonic() > deadline:
                    continue
                line = Line(f"{axis} {point}", "scaling", "", [
                    program, axis, "--scale", str(scale), "--" + option, str(point)], own_time=True)
                for allocator in turned(measured, round_number):
                    progress.step(f"scaling  {axis} {point}  {allocator.name}")
                    if (allocator.name, point) in failed:
                        continue
                    try:
                        figures = measure.run(line, allocator, launcher, timeout=20 if quick else 120)
                    except measure.Failure:
                        failed.add((allocator.name, point))
                        continue
                    each = figures["time"] / figures["operations"] * 1e9
                    known = best[allocator.name][index]
                    best[allocator.name][index] = each if known is None else min(known, each)
        if all(value is None for values in best.values() for value in values):
            print(f"bench: no time for {axis}", file=sys.stderr)
            continue
        plots.append({"name": axis, "axis": label, "points": points, "nanoseconds": best})
    progress.end()
    return plots
