#!/usr/bin/env python3
"""Counts what the heap profiler adds to the instructions of real programs, stack walks and all.

  profile_cost.py [--build BUILD]      needs valgrind, python3, g++

Each program runs under Strata and callgrind without a profile, and under `strata profile` at several
means. Exact but for some thousands of instructions that depend on addresses; no clock is read, so a
busy machine does not matter. What a switched-off profiler costs on the hot path is bench/hot_path's
to count: nothing.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
MEANS = ("8MiB", "512KiB", "64KiB", "4KiB")
CALLGRIND = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")
JSON = """import json
d = [{"a": i, "b": str(i) * 3, "c": [i] * 5} for i in range(4000)]
for _ in range(3): d = json.loads(json.dumps(d))
"""
SOURCE = "#include <map>\n#include <string>\nstd::map<std::string, int> words;\n"


def programs(folder):
    (folder / "job.py").write_text(JSON)
    (folder / "source.cpp").write_text(SOURCE)
    asked = ["-print-prog-name=cc1plus", "-print-multiarch"]
    compiler, machine = (subprocess.run(["g++", question], capture_output=True, text=True,
                                        check=True).stdout.strip() for question in asked)
    return (("python3, PYTHONMALLOC=malloc, JSON", ("/usr/bin/python3", folder / "job.py")),
            ("cc1plus, <map> and <string>", (compiler, "-quiet", "-imultiarch", machine, folder / "source.cpp", "-o", "/dev/null")))


def count(command, environment):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          env={**os.environ, "PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0", **environment})
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found:
        sys.exit("profile_cost: " + (done.stderr.strip() or "valgrind says nothing"))
    samples = re.search(r"from ([\d,]+k?) samples", done.stderr)
    return int(found.group(1)), samples.group(1) if samples else "0"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    build = parser.parse_args().build.resolve()
    with tempfile.TemporaryDirectory(prefix="strata-profile-cost-") as folder:
        for name, command in programs(pathlib.Path(folder)):
            off, _ = count((*CALLGRIND, *command), {"LD_PRELOAD": str(build / "libstrata.so")})
            print(f"{name}: {off:,} instructions without a profile")
            for mean in MEANS:
                on, samples = count((build / "strata", "profile", "--allocated", "--mean", mean, "--",
                                     *CALLGRIND, *command), {})
                print(f"  one sample in {mean:<8} {on - off:>+13,} {100 * (on - off) / off:>+7.2f}%   {samples} samples",
                      flush=True)


main()
