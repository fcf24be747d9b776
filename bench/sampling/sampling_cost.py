#!/usr/bin/env python3
"""Counts what sampling adds to the instructions of programs that only allocate and free.

  sampling_cost.py [--build BUILD]      needs valgrind

The figures are of allocation alone: a program that spends a tenth of its instructions in malloc and
free pays a tenth of them. What a client does with a sample (the profiler walks the stack) is extra.
"""

import argparse
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
MEANS = (("512 KiB", 512 << 10), ("64 MiB", 64 << 20))
PATTERNS = (("one", "one block of 48 bytes, taken and given back"),
            ("mixed", "mixed sizes, random order of death"),
            ("batches", "20000 blocks of 32 bytes, then all freed"),
            ("full", "one block of 64 bytes in a slab that is full otherwise"))


def count(program, pattern, mean):
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, pattern, str(mean)],
                          capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found:
        sys.exit("sampling_cost: " + (done.stderr.strip() or "valgrind says nothing"))
    return int(found.group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(HERE, "..", "..", "build"))
    program = os.path.join(parser.parse_args().build, "bench", "sampling_cost")
    print(f"{'pattern':<56}{'off':>14}" + "".join(f"{name:>12}" for name, _ in MEANS))
    for pattern, words in PATTERNS:
        off = count(program, pattern, 0)
        more = [100 * (count(program, pattern, mean) - off) / off for _, mean in MEANS]
        print(f"{words:<56}{off:>14}" + "".join(f"{percent:>+11.2f}%" for percent in more))


main()
