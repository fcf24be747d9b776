#!/usr/bin/env python3
"""Counts what each protection of hardened mode costs: instructions and memory without it.

    bench/protections.py [--build FOLDER] [--workload NAME] [--scale X]

Runs one workload of the bench under valgrind's callgrind (instructions of the whole program, so that
they do not depend on what else the machine does) and once more without it (resident size at the end), in
default mode, in hardened mode, and under libraries that lack one protection each (cmake/protections.cmake
builds them; `ninja -C build protections` builds and runs). What a protection costs is what the row
without it has less. Needs valgrind.
"""

import argparse
import glob
import os
import re
import shutil
import subprocess
import sys


def run(command, library, mode, callgrind):
    """Instructions if callgrind is asked for, else the resident size at the end in KiB."""
    environment = dict(os.environ, LD_PRELOAD=library, STRATA_MODE=mode)
    if callgrind:
        command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                   "--trace-children=yes", *command]
        done = subprocess.run(command, env=environment, text=True, capture_output=True, check=True)
        return int(re.search(r"Collected : (\d+)", done.stderr).group(1))
    done = subprocess.run(command, env=environment, text=True, capture_output=True, check=True)
    return int(re.search(r"resident_end (\d+)", done.stdout).group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--workload", default="churn_typical")
    parser.add_argument("--scale", default="0.005")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        sys.exit("protections: valgrind is missing")
    whole = os.path.abspath(os.path.join(options.build, "libstrata.so"))
    rows = [("default mode", whole, "default"), ("hardened", whole, "hardened")]
    for path in sorted(glob.glob(os.path.join(options.build, "protections", "libwithout_*.so"))):
        name = os.path.basename(path)[len("libwithout_"):-len(".so")]
        rows.append(("hardened without " + name, os.path.abspath(path), "hardened"))
    command = [os.path.join(options.build, "bench", "workloads"), options.workload,
               "--scale", options.scale]
    print(f"{'':34}{'million instructions':>22}{'of hardened':>13}{'KiB':>11}")
    counted = {}
    for name, library, mode in rows:
        counted[name] = run(command, library, mode, True)
        share = counted[name] / counted["hardened"] if "hardened" in counted else None
        print(f"{name:34}{counted[name] / 1e6:22.1f}{f'{share:.2f}' if share else '':>13}"
              f"{run(command, library, mode, False):11}", flush=True)


if __name__ == "__main__":
    main()
