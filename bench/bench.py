#!/usr/bin/env python3
"""Measures Strata and every peer over workloads and real programs; what `make bench` runs.

  bench.py                 everything in half an hour: tables, build/bench/report.json and .html
  bench.py --quick         the same in less than two minutes, for a first look
  bench.py --only redis --only ring --rounds 9
  PEERS=name=a.so,b.so bench.py        adds allocators (name=path@VARIABLE=value sets its environment)

`make bench BENCH="--quick"` passes options through. docs/design/benchmarks.md says what each line
measures and how to read the result.
"""

import argparse
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, HERE)

from runner import (allocators, figures, lines, memory, page, programs, rounds, scaling,  # noqa: E402
                    text)


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(ROOT, "build"), help="the build folder")
    parser.add_argument("--library", help="the library to measure (BUILD/libstrata.so)")
    parser.add_argument("--quick", action="store_true", help="end within two minutes")
    parser.add_argument("--rounds", type=int, help="rounds of all lines (4; quick: 2)")
    parser.add_argument("--scale", type=float, help="size of every line (1; quick: 0.06)")
    parser.add_argument("--only", action="append", default=[], metavar="NAME",
                        help="lines of this name or group (* allowed), or memory, or scaling; repeatable")
    parser.add_argument("--against", action="append", default=[], metavar="PEER",
                        help="only these peers; repeatable")
    parser.add_argument("--twin", default="mimalloc", help="peer that is measured twice, for the noise")
    parser.add_argument("--no-twin", action="store_true", help="leave it out")
    parser.add_argument("--no-trace", action="store_true",
                        help="no idling at a line's end, no system calls (as with --quick)")
    parser.add_argument("--no-install", action="store_true", help="do not install what is missing")
    parser.add_argument("--json", metavar="FILE", help="BUILD/bench/report.json")
    parser.add_argument("--html", metavar="FILE", help="BUILD/bench/report.html")
    parser.add_argument("--from", dest="source", metavar="JSON",
                        help="show an earlier report again, measuring nothing")
    parser.add_argument("--picture", metavar="SVG", help="also the bars of what stays resident, as a picture")
    parser.add_argument("--list", action="store_true", help="the lines and allocators, measuring nothing")
    return parser.parse_args(sys.argv[1:] + shlex.split(os.environ.get("BENCH", "")))


def install_missing():
    """Peers, programs and tools. What cannot be installed is left out of the bench and named."""
    setup = os.path.join(ROOT, "scripts", "setup")
    if os.path.exists(setup):
        subprocess.run([setup, "bench"], stdout=sys.stderr)
    missing = allocators.missing_packages() + programs.missing_packages()
    missing += [p for p, tool in (("strace", "strace"), ("npm", "npm")) if not shutil.which(tool)]
    if not missing or not shutil.which("apt-get"):
        return
    print("bench: missing " + " ".join(missing) + "; installing with apt-get", file=sys.stderr)
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    command = root + ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300", "--no-install-recommends", "install"]
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    if subprocess.run(command + missing, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                      env=environment).returncode != 0:
        for package in missing:  # one that does not exist here must not keep the others away
            subprocess.run(command + [package], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           env=environment)


def machine():
    def first(path, pattern):
        try:
            with open(path, encoding="utf-8") as file:
                found = re.search(pattern, file.read(), re.M)
        except OSError:
            return "unknown"
        return found.group(1).strip() if found else "unknown"
    return {"processor": first("/proc/cpuinfo", r"^model name\s*:\s*(.*)$"), "cores": os.cpu_count(),
            "memory_kib": int(first("/proc/meminfo", r"^MemTotal:\s*(\d+)") or 0),
            "kernel": platform.release(), "libc": " ".join(platform.libc_ver()),
            "system": first("/etc/os-release", r'^PRETTY_NAME="?([^"\n]*)')}


def programs_of(build):
    """The bench's own programs; says how to build them when they are not there."""
    paths = {name: os.path.join(build, "bench", name) for name in ("workloads", "memory_scenarios", "measure")}
    for path in paths.values():
        if not os.path.exists(path):
            sys.exit(f"bench: {path} is missing; build it with: cmake --build {build} --target bench_programs")
    return paths


def measure(chosen):
    """Everything that is asked for; returns the report."""
    begin = time.monotonic()
    build = os.path.abspath(chosen.build)
    paths = programs_of(build)
    if not chosen.no_install and not chosen.list:
        install_missing()
    quick = chosen.quick
    scale = chosen.scale or (0.06 if quick else 1.0)
    repeats = chosen.rounds or (2 if quick else 4)
    # Of a quick look's two minutes the lines get this much; memory, scaling and page the rest.
    deadline = begin + 78 if quick else None
    patience = 20 if quick else 120 * max(1.0, scale)  # seconds after which a run is taken to hang
    peers = [part for part in os.environ.get("PEERS", "").split(",") if part]
    found = allocators.find(chosen.library or os.path.join(build, "libstrata.so"), peers,
                            None if chosen.no_twin else chosen.twin, chosen.against)
    working, left_out = [], []
    for allocator in found:
        trouble = allocators.problem(allocator, paths["workloads"])
        if trouble:
            left_out.append(f"{allocator.name}: {trouble}")
        else:
            working.append(allocator)
    if not any(a.role == "strata" for a in working):
        sys.exit("bench: Strata itself does not run; nothing to measure")

    program_scale = max(scale, 0.05)
    real, absent = programs.program_lines(os.path.join(build, "bench"), program_scale)
    left_out += absent
    for reason in left_out:
        print("bench: left out, " + reason, file=sys.stderr)
    all_lines = lines.workload_lines(paths["workloads"], scale) + real
    shown_order = {line.name: number for number, line in enumerate(all_lines)}
    if quick:
        all_lines = lines.mixed(all_lines)
    extra = {"memory", "scaling"}
    wanted = [name for name in chosen.only if name not in extra]
    selected = lines.select(all_lines, wanted) if wanted or not chosen.only else []
    if chosen.list:
        print("allocators: " + ", ".join(f"{a.name} ({a.path or 'the system'})" for a in working))
        print(text.grid("", ["line", "group", "what it is"], [[l.name, l.group, l.about] for l in all_lines]))
        sys.exit(0)
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"bench: the machine is busy (load {load:.1f}); times will be noisy, see the noise column",
              file=sys.stderr)

    thorough = not quick and not chosen.no_trace
    cells = rounds.run_all(selected, working, paths["measure"], repeats, deadline, 10 if quick else 5,
                           1500 if thorough else 0, patience)
    strace = shutil.which("strace")
    if thorough and strace:
        rounds.count_calls(selected, cells, working, paths["measure"], strace, patience * 2)
    selected.sort(key=lambda line: shown_order[line.name])
    report = figures.summary(selected, cells, working)
    report["missing_lines"] = [line.name for line in selected
                               if not any(cells[line.name][a.name]["runs"] for a in working)]
    for name in report["missing_lines"]:
        print(f"bench: no time for {name}", file=sys.stderr)
    if not chosen.only or "memory" in chosen.only:
        report["memory"] = memory.measure(paths["memory_scenarios"], working, 1 if quick else 3,
                                          500000 if quick else 10000000, 4 if quick else 2)
    if not chosen.only or "scaling" in chosen.only:
        report["scaling"] = scaling.run(paths["workloads"], working, paths["measure"], 1 if quick else 3,
                                        0.05 if quick else 1.0, quick, begin + 110 if quick else None)
    report["allocators"] = [{"name": a.name, "role": a.role, "path": a.path,
                             "environment": a.environment} for a in working]
    report["machine"] = machine()
    report["run"] = {"when": time.strftime("%Y-%m-%d %H:%M"), "quick": quick, "scale": scale,
                     "rounds": repeats, "seconds": round(time.monotonic() - begin), "load_before": load,
                     "left_out": left_out}
    return report


def main():
    chosen = options()
    folder = os.path.join(os.path.abspath(chosen.build), "bench")
    kept = chosen.source or chosen.json or os.path.join(folder, "report.json")
    if chosen.source:
        with open(kept, encoding="utf-8") as file:
            report = json.load(file)
    else:
        report = measure(chosen)
        with open(kept, "w", encoding="utf-8") as file:
            json.dump(report, file, separators=(",", ":"))
        print(f"bench: {os.path.relpath(kept)}", file=sys.stderr)
    target = chosen.html or os.path.join(folder, "report.html")
    note = page.write(target, report, os.path.join(HERE, "page"), os.path.join(folder, "page"))
    print(f"bench: {os.path.relpath(target)}{note}", file=sys.stderr)
    if chosen.picture:
        page.picture(chosen.picture, kept, os.path.join(HERE, "page"), os.path.join(folder, "page"))
    print(text.everything(report))  # last: whoever reads only the first lines has the page all the same
    return 0


if __name__ == "__main__":
    sys.exit(main())
