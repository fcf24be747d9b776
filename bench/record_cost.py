#!/usr/bin/env python3
"""Measures what being recorded costs real programs: time, and bytes an event.

    bench/record_cost.py [--build FOLDER] [--rounds N] [NAME...]
    bench/record_cost.py [--build FOLDER] --count      instructions an event, exactly; needs valgrind

Each program runs N times under Strata alone and N times recorded, in turns; the least of each counts.
`wall` is what a user waits; `cpu` is the processor time of program and collector together, which is
what a machine with one free core pays. Programs that are not installed are left out.
"""

import argparse
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

JSON = ("import json, random\n"
        "r = random.Random(1)\n"
        "d = [{'a': i, 'b': str(i), 'c': [r.random() for _ in range(5)]} for i in range(120000)]\n"
        "print(len(json.dumps(json.loads(json.dumps(d)))))\n")
SOURCE = "#include <map>\n#include <regex>\n#include <string>\nstd::map<std::string, std::regex> m;\n" \
         "bool f(const std::string& s) { return std::regex_match(s, m[s]); }\n"
SQL = ("create table t(a integer primary key, b text); "
       "with recursive n(i) as (select 1 union all select i + 1 from n where i < 300000) "
       "insert into t select i, hex(i * 7919) from n; create index x on t(b); "
       "select count(*), max(b) from t; delete from t where a % 3 = 0; vacuum;")
NODE = "const o = []; for (let i = 0; i < 400000; i++) o.push({a: i, b: 'x' + i}); " \
       "console.log(JSON.stringify(JSON.parse(JSON.stringify(o))).length)"


def programs(folder):
    source = folder / "x.cpp"
    source.write_text(SOURCE)
    return {
        "python-malloc": ([sys.executable, "-c", JSON], {"PYTHONMALLOC": "malloc"}),
        "python": ([sys.executable, "-c", JSON], {}),
        "g++": (["g++", "-std=c++20", "-O1", "-c", str(source), "-o", str(folder / "x.o")], {}),
        "sqlite": (["sqlite3", str(folder / "db"), SQL], {}),
        "node": (["node", "-e", NODE], {}),
        "git": (["git", "-C", str(pathlib.Path(__file__).parents[1]), "log", "--stat", "-p"], {}),
    }


def measure(command, environment):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.monotonic()
    done = subprocess.run(command, env=dict(os.environ, **environment), stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, check=False)
    wall = time.monotonic() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit(f"record_cost: {command[0]} ended with {done.returncode}: {done.stderr[-300:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu


def count_instructions(build, folder):
    """What the recorder adds to a program that runs in callgrind: no clock, no collector in it."""
    (folder / "job.py").write_text("import json\nd = [{'a': i, 'b': str(i) * 3} for i in range(4000)]\n"
                                   "for _ in range(3): d = json.loads(json.dumps(d))\n")
    callgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    command = [*callgrind, "/usr/bin/python3", str(folder / "job.py")]
    environment = {**os.environ, "PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"}

    def counted(words, more):
        done = subprocess.run(words, env={**environment, **more}, capture_output=True, text=True, check=True)
        return int(re.search(r"Collected : (\d+)", done.stderr).group(1))
    alone = counted(command, {"LD_PRELOAD": str(build / "libstrata.so")})
    trace = folder / "cost.trace"
    recorded = counted([str(build / "strata"), "record", "-q", "-o", str(trace), "--", *command], {})
    told = json.loads(subprocess.run([str(build / "strata"), "trace", str(trace), "--json"],
                                     capture_output=True, check=True).stdout)
    events = max(process["events"] for process in told["processes"])
    print(f"python3, JSON: {alone} instructions, {recorded - alone} more when recorded: "
          f"{(recorded - alone) / events:.1f} for each of {events} events")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    build = options.build.resolve()
    if options.count:
        with tempfile.TemporaryDirectory(prefix="strata-record-cost.") as name:
            count_instructions(build, pathlib.Path(name))
        return
    print(f"{'program':15} {'events':>10} {'bytes':>6} {'alone':>8} {'recorded':>9} {'wall':>6} {'cpu':>6}")
    with tempfile.TemporaryDirectory(prefix="strata-record-cost.") as name:
        folder = pathlib.Path(name)
        trace = folder / "cost.trace"
        for program, (command, environment) in programs(folder).items():
            if options.names and program not in options.names or not shutil.which(command[0]):
                continue
            alone, recorded = [], []
            for _ in range(options.rounds):
                (folder / "db").unlink(missing_ok=True)
                alone.append(measure(command, {**environment, "LD_PRELOAD": str(build / "libstrata.so")}))
                (folder / "db").unlink(missing_ok=True)
                recorded.append(measure(
                    [str(build / "strata"), "record", "-q", "-o", str(trace), "--", *command], environment))
            told = json.loads(subprocess.run([str(build / "strata"), "trace", str(trace), "--json"],
                                             capture_output=True, check=True).stdout)
            wall, cpu = (min(r[i] for r in recorded) / min(a[i] for a in alone) for i in (0, 1))
            print(f"{program:15} {told['events']:10} {told['bytes'] / told['events']:6.2f} "
                  f"{min(a[0] for a in alone):7.2f}s {min(r[0] for r in recorded):8.2f}s {wall:6.2f} {cpu:6.2f}",
                  flush=True)


if __name__ == "__main__":
    main()
