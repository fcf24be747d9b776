#!/usr/bin/env python3
"""Counts what each protection of hardened mode costs: instructions and memory without it.

    bench/protections.py [--build FOLDER] [--workload NAME] [--scale X]
    bench/protections.py --time NAME,NAME... [--scale X] [--rounds N]    processor time instead
    bench/protections.py --lines single [--scale X] [--rounds N]         of all lines of a group, and their mean
    PEERS=name=a.so,other=b.so bench/protections.py --time ...           and other allocators' time

Runs one workload of the bench under valgrind's callgrind (instructions of the whole program, so that
they do not depend on what else the machine does) and once more without it (resident size at the end), in
default mode, in hardened mode, and under libraries that lack one protection each (cmake/protections.cmake
builds them; `ninja -C build protections` builds and runs). What a protection costs is what the row
without it has less. Needs valgrind.

--time tells the processor time of workloads, the least of N runs of each in turn, as multiples of default
mode's. On a machine that does other things too it is no more than an estimate. --lines does so for every
workload of a group (single, threads), for hardened mode as a whole, with the geometric mean.
"""

import argparse
import glob
import math
import os
import re
import resource
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


def processor_time(command, library, mode):
    environment = dict(os.environ, LD_PRELOAD=library, STRATA_MODE=mode)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def peers():
    return [(name, path, "default") for name, path in
            (entry.split("=") for entry in os.environ.get("PEERS", "").split(",") if entry)]


def multiples(program, rows, workloads, scale, rounds):
    """{(row's name, workload): processor time, the first row's being 1}, the least of all rounds."""
    least = {}
    for _ in range(rounds):
        for workload in workloads:
            for name, library, mode in rows:
                spent = processor_time([program, workload, "--scale", scale], library, mode)
                least[name, workload] = min(spent, least.get((name, workload), spent))
    return {(name, w): least[name, w] / least[rows[0][0], w] for name, *_ in rows for w in workloads}


def show_times(program, rows, workloads, scale, rounds):
    print(f"{'':34}" + "".join(f"{workload:>19}" for workload in workloads))
    found = multiples(program, rows, workloads, scale, rounds)
    for name, *_ in rows:
        print(f"{name:34}" + "".join(f"{found[name, w]:19.2f}" for w in workloads))


def show_lines(program, rows, group, scale, rounds):
    listed = subprocess.run([program, "--list"], text=True, capture_output=True, check=True).stdout
    workloads = [line.split()[0] for line in listed.splitlines() if line.split()[1] == group]
    if not workloads:
        sys.exit(f"protections: no lines of the group '{group}'; {program} --list names them")
    names = [name for name, *_ in rows[1:]]
    print(f"{'':24}" + "".join(f"{name:>19}" for name in names))
    found = multiples(program, rows, workloads, scale, rounds)
    for workload in workloads:
        print(f"{workload:24}" + "".join(f"{found[name, workload]:19.2f}" for name in names))
    means = [math.exp(sum(math.log(found[name, w]) for w in workloads) / len(workloads)) for name in names]
    print(f"{'geometric mean':24}" + "".join(f"{mean:19.2f}" for mean in means))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--workload", default="churn_typical")
    parser.add_argument("--scale", default="0.005")
    parser.add_argument("--time", metavar="NAMES", help="workloads, with commas between")
    parser.add_argument("--lines", metavar="GROUP", help="all workloads of a group")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if not options.time and not options.lines and not shutil.which("valgrind"):
        sys.exit("protections: valgrind is missing")
    whole = os.path.abspath(os.path.join(options.build, "libstrata.so"))
    rows = [("default mode", whole, "default"), ("hardened", whole, "hardened")]
    program = os.path.join(options.build, "bench", "workloads")
    if options.lines:
        return show_lines(program, rows + peers(), options.lines, options.scale, options.rounds)
    for path in sorted(glob.glob(os.path.join(options.build, "protections", "libwithout_*.so"))):
        name = os.path.basename(path)[len("libwithout_"):-len(".so")]
        rows.append(("hardened without " + name, os.path.abspath(path), "hardened"))
    if options.time:
        return show_times(program, rows + peers(), options.time.split(","), options.scale, options.rounds)
    command = [program, options.workload, "--scale", options.scale]
    print(f"{'':34}{'million instructions':>22}{'of hardened':>13}{'KiB':>11}")
    counted = {}
    for name, library, mode in rows:
        counted[name] = run(command, library, mode, True)
        share = counted[name] / counted["hardened"] if "hardened" in counted else None
        print(f"{name:34}{counted[name] / 1e6:22.1f}{f'{share:.2f}' if share else '':>13}"
              f"{run(command, library, mode, False):11}", flush=True)
    return None


if __name__ == "__main__":
    main()
