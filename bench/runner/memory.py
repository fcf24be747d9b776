"""The memory table: what an allocator keeps, in scenarios of bench/memory_scenarios.cpp.

Memory hardly depends on how busy the machine is, and the scenarios wait more than they work: the
median of few runs is enough, and several run at the same time. Only the one that tells a time runs alone.
"""

import concurrent.futures
import os
import statistics
import subprocess
import sys

from .rounds import Progress

# Scenario, figure it prints, what it says, unit, and the most Strata wants to have there.
ROWS = (
    ("start", "resident", "a trivial program at its start", "KiB", 2662),
    ("idle_threads", "per_thread", "200 idle threads that used 1000 small blocks, each", "KiB", 80),
    ("idle_threads", "after_join", "the same, when they have ended", "KiB", None),
    ("idle_owners", "left", "640 MB of 16 idle threads freed by another", "KiB", 16384),
    ("idle_owners", "left_later", "the same, 1.5 s later", "KiB", 16384),
    ("sparse", "ratio_percent", "148 MB replaced at random: resident per requested", "%", 117),
    ("sparse", "left_after_90", "a random 90% of them freed, after 2 s", "KiB", 71680),
    ("sparse", "left_after_all", "then all freed, after 2 s", "KiB", 12288),
    ("burst", "left", "256 MB of 64 KiB-4 MiB freed, after 2 s", "KiB", 12288),
    ("realloc", "best_ms", "one block grown in 1000-byte steps to 40 MB", "ms", None),
)
SCENARIOS = tuple(dict.fromkeys(row[0] for row in ROWS))
TIMED = {row[0] for row in ROWS if row[3] == "ms"}


def run_scenario(program, scenario, allocator, replacements):
    environment = dict(os.environ, LC_ALL="C", **allocator.environment)
    environment.pop("LD_PRELOAD", None)
    if allocator.path:
        environment["LD_PRELOAD"] = allocator.path
    command = [program, scenario] + ([str(replacements)] if scenario == "sparse" else [])
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        return {}
    if done.returncode != 0:
        return {}
    return {name: float(value) for name, value in (row.split() for row in done.stdout.splitlines())}


def measure(program, allocators, repeats, replacements, together):
    """rows[i]["values"][allocator] = median; missing where the scenario failed."""
    measured = [a for a in allocators if a.role != "twin"]
    found = {}
    jobs = [(scenario, a) for _ in range(repeats) for scenario in SCENARIOS for a in measured]
    progress = Progress(len(jobs))
    try:
        for at_once, timed in ((together, False), (1, True)):
            with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
                started = {pool.submit(run_scenario, program, scenario, a, replacements): (scenario, a.name)
                           for scenario, a in jobs if (scenario in TIMED) == timed}
                try:
                    for done in concurrent.futures.as_completed(started):
                        scenario, name = started[done]
                        progress.step(f"memory  {scenario}  {name}")
                        for figure, value in done.result().items():
                            found.setdefault((scenario, figure, name), []).append(value)
                except KeyboardInterrupt:
                    pool.shutdown(cancel_futures=True)
                    raise
    except KeyboardInterrupt:
        print("\nbench: interrupted; the memory table is not complete", file=sys.stderr)
    progress.end()
    rows = []
    for scenario, figure, about, unit, target in ROWS:
        values = {a.name: statistics.median(found[scenario, figure, a.name]) for a in measured
                  if (scenario, figure, a.name) in found}
        rows.append({"scenario": scenario, "figure": figure, "about": about, "unit": unit,
                     "target": target, "values": values})
    return rows
