#!/usr/bin/env python3
"""Counts the instructions of malloc, free, calloc and realloc, exactly; compares with the record.

  hot_path.py                 a table for Strata and every peer found (PEERS=name=a.so,... adds some)
  hot_path.py --gate          the same, and fails when a count of Strata's has grown past the record
  hot_path.py --record        writes Strata's counts to bench/hot_path/recorded.json

A count is what one warm call executes inside the allocator, from its first instruction to its
return; `other` means blocks that pass between two threads, in the mean over a batch, with the
atomic read-modify-writes per call. calloc includes clearing and realloc grow includes copying,
where memset and memcpy of the C library do it.

Counts below 100 are exact. Longer calls and means over a batch depend a little on locks and on who
runs when: the gate lets them have 5%, or 15% where a lock is met in each. The record holds for one compiler: with another, counts may be
15% above it before the gate fails.
"""

import argparse
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from runner import allocators, text  # noqa: E402

RECORD = os.path.join(HERE, "recorded.json")
MEANS = ("free other", "malloc other")
EXACT_BELOW = 100  # longer calls take locks and read clocks: a few instructions more or less
SLACK = 1.05
LOCKED_SLACK = 1.15  # means of calls that take a lock: where it is met depends on the other thread


def count(build, allocator):
    """{(operation, size): {"count", "atomics"}}, or the reason why there is none."""
    # On a busy machine a call would meet memory that has been free for the delay, and purge it.
    environment = dict(os.environ, LD_BIND_NOW="1", STRATA_PURGE_DELAY="10min", **allocator.environment)
    environment.pop("LD_PRELOAD", None)
    if allocator.path:
        environment["LD_PRELOAD"] = allocator.path
    try:
        done = subprocess.run(
            [os.path.join(build, "bench", "probe")], capture_output=True, text=True, env=environment, timeout=280)
    except subprocess.TimeoutExpired:
        return None, "not done after 280 s"
    except OSError as error:
        return None, str(error)
    serving = re.search(r"^allocator (.*)$", done.stdout, re.M)
    wanted = os.path.realpath(allocator.path or allocators.libc_path())
    if serving is None or os.path.realpath(serving.group(1)) != wanted:
        return None, "it does not serve malloc: " + (done.stderr.strip() or "no output")
    counts = {}
    for row in done.stdout.splitlines():
        cells = row.split("\t")
        if len(cells) == 6:
            operation, size, _, median, mean, atomics = cells
            counts[operation, int(size)] = {
                "count": float(mean) if operation in MEANS else int(median), "atomics": float(atomics)}
    return counts, done.stderr.strip() if done.returncode != 0 else ""


def shown(entry):
    if entry is None:
        return "-"
    number = entry["count"]
    plain = str(number) if isinstance(number, int) else f"{number:.1f}"
    return plain + (f" ({entry['atomics']:.2f})" if isinstance(number, float) else "")


def table(results):
    keys = list(dict.fromkeys(key for counts in results.values() for key in counts))
    rows = [[f"{operation} {size}"] + [shown(counts.get((operation, size))) for counts in results.values()]
            for operation, size in keys]
    return text.grid("INSTRUCTIONS PER CALL (atomic read-modify-writes per call)",
                     ["call"] + list(results), rows)


def as_record(counts, compiler):
    calls = {}
    for (operation, size), entry in counts.items():
        calls[f"{operation} {size}"] = entry
    return {"compiler": compiler, "calls": calls}


def grown(counts, record, compiler):
    """What has grown past the record, as lines to print."""
    other_compiler = bool(compiler) and compiler != record["compiler"]
    out = []
    for name, recorded in record["calls"].items():
        operation, _, size = name.rpartition(" ")
        now = counts.get((operation, int(size)))
        if now is None:
            out.append(f"  {name}: no longer counted")
            continue
        allowed = recorded["count"]
        allowed_atomics = recorded["atomics"]
        if operation in MEANS or recorded["count"] >= EXACT_BELOW:
            locked = operation in MEANS and recorded["atomics"] >= 1
            allowed = allowed * (LOCKED_SLACK if locked else SLACK) + 1
            allowed_atomics = allowed_atomics * SLACK + 0.02
        if other_compiler:
            allowed *= 1.15
        if now["count"] > allowed:
            out.append(f"  {name}: {shown(now)} instructions, recorded {shown(recorded)}")
        if now["atomics"] > allowed_atomics:
            out.append(f"  {name}: {now['atomics']:.3f} atomic read-modify-writes per call, recorded "
                       f"{recorded['atomics']:.3f}")
    return out


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(HERE, "..", "..", "build"), help="the build folder")
    parser.add_argument("--library", help="the library to count (BUILD/libstrata.so)")
    parser.add_argument("--compiler", default="", help="what compiled it; goes into the record")
    parser.add_argument("--gate", action="store_true", help="fail when a count has grown")
    parser.add_argument("--record", action="store_true", help="record Strata's counts")
    parser.add_argument("--strata-only", action="store_true", help="no peers")
    parser.add_argument("--json", metavar="FILE", help="all counts, for other programs")
    return parser.parse_args()


def main():
    chosen = options()
    build = os.path.abspath(chosen.build)
    library = chosen.library or os.path.join(build, "libstrata.so")
    peers = [part for part in os.environ.get("PEERS", "").split(",") if part]
    found = allocators.find(library, peers, None)
    results = {}
    for allocator in found[:1] if chosen.strata_only or chosen.record else found:
        print(f"hot_path: {allocator.name}", file=sys.stderr, flush=True)
        counts, trouble = count(build, allocator)
        if trouble:
            print(f"hot_path: {allocator.name}: {trouble}", file=sys.stderr)
        if counts:
            results[allocator.name] = counts
        if trouble and allocator.role == "strata":
            return 1
    print(table(results))
    if chosen.json:
        with open(chosen.json, "w", encoding="utf-8") as file:
            json.dump({name: as_record(counts, chosen.compiler) for name, counts in results.items()}, file)
    if chosen.record:
        with open(RECORD, "w", encoding="utf-8") as file:
            json.dump(as_record(results["strata"], chosen.compiler), file, indent=1)
            file.write("\n")
        print(f"hot_path: recorded in {os.path.relpath(RECORD)}")
    if chosen.gate:
        try:
            with open(RECORD, encoding="utf-8") as file:
                record = json.load(file)
        except OSError:
            print("hot_path: nothing is recorded yet; record with: cmake --build build --target bench_hot_path_record")
            return 1
        worse = grown(results["strata"], record, chosen.compiler)
        if worse:
            print("hot_path: these counts have grown:\n" + "\n".join(worse))
            print("hot_path: if that is the price of something worth it, record anew with:\n"
                  "  cmake --build build --target bench_hot_path_record   (and commit recorded.json)")
            return 1
        print(f"hot_path: no count has grown past the record ({len(record['calls'])} calls)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
