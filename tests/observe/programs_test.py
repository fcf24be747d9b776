"""The command looks into real programs while they work: redis under load, node, python3, g++."""

import json
import os
import shutil
import subprocess
import unittest
from statistics import median

import harness
import pprof
from harness import CLEAN, parts, statistics, strata

BUSY_PYTHON = """
import json
print('ready', flush=True)
while True:
    json.loads(json.dumps([{str(i): [i] * 5} for i in range(20000)]))
"""
BUSY_NODE = """
const kept = new Map();
console.log('ready');
setInterval(() => {
  for (let i = 0; i < 200; ++i) kept.set(i, Buffer.alloc(20000 + i * 100, i));
  JSON.parse(JSON.stringify(Array.from({length: 5000}, (_, i) => ({i}))));
}, 0);
"""


def needs(*programs):
    missing = [program for program in programs if not shutil.which(program)]
    return unittest.skipIf(missing, f"not installed: {missing}")


class Programs(harness.Observing):
    def assert_every_look_works(self, process):
        """stat, map, doctor, profile and report of a program that goes on meanwhile."""
        # One look may miss what moves meanwhile, now to one side and now to the other.
        ratios = []
        for _ in range(11):
            resident = statistics(process)["resident"]
            self.assertAlmostEqual(1, parts(resident) / resident["total"], delta=0.02)
            ratios.append(resident["total"] / resident["process"])
        self.assertAlmostEqual(1, median(ratios), delta=0.02, msg=ratios)

        heap = json.loads(self.done("map", "--json", process))
        self.assertTrue(heap["slots"])
        findings = json.loads(self.done("doctor", "--json", process))["findings"]
        self.assertTrue(findings)
        for finding in findings:
            self.assertTrue(finding["finding"].endswith("."), finding)
        self.assertIn("RESERVE", self.done("config", process))

        profile = self.folder / "heap.pb.gz"
        self.done("profile", "--on", "--mean", 4096, process)
        def is_sampled():
            self.done("profile", "--allocated", "-o", profile, process)
            return pprof.Profile(profile).total("alloc_space") > 0
        self.eventually("something is sampled", is_sampled)
        page = self.folder / "page.html"
        self.done("report", "-o", page, process)
        self.assertIn('"tree"', page.read_text())
        self.assertGreater(2_000_000, page.stat().st_size)
        self.done("profile", "--off", process)

    def done(self, *words):
        done = strata(*words)
        self.assertEqual(0, done.returncode, (words, done.stderr))
        return done.stdout

    @needs("redis-server", "redis-benchmark", "redis-cli")
    def test_a_redis_server_under_load(self):
        socket = self.folder / "socket"
        server = self.start("redis-server", "--port", 0, "--unixsocket", socket, "--save", "",
                            "--loglevel", "warning")
        answers = lambda: b"PONG" in subprocess.run(["redis-cli", "-s", socket, "ping"], env=CLEAN,  # noqa: E731
                                                    capture_output=True, check=False).stdout
        self.eventually("the server answers", answers)
        self.start("redis-benchmark", "-s", socket, "-l", "-q", "-c", 10, "-r", 50000, "-d", 100,
                   "-t", "set,get,lpush,lpop", preload=False, observed=False)
        self.assert_every_look_works(server.pid)

    @needs("python3")
    def test_a_busy_python_program(self):
        program = self.start("python3", "-c", BUSY_PYTHON, env={"PYTHONMALLOC": "malloc"})
        self.assertEqual(b"ready\n", program.stdout.readline())
        self.assert_every_look_works(program.pid)

    @needs("node")
    def test_a_busy_node_program(self):
        program = self.start("node", "-e", BUSY_NODE)
        self.assertEqual(b"ready\n", program.stdout.readline())
        self.assert_every_look_works(program.pid)

    @needs("g++")
    def test_a_compiler_from_start_to_end(self):
        source, run = self.folder / "x.cpp", self.folder / "run.json"
        source.write_text("#include <map>\n#include <string>\n#include <regex>\n"
                          "std::map<std::string, std::regex> m;\n")
        compile_it = ("g++", "-O1", "-c", source, "-o", self.folder / "x.o")
        self.done("run", "--json", run, "--", *compile_it)
        document = json.loads(run.read_text())
        self.assertEqual(parts(document["at_peak"]["resident"]), document["at_peak"]["resident"]["total"])
        resident = document["at_peak"]["resident"]
        self.assertAlmostEqual(1, resident["total"] / resident["process"], delta=0.02)
        self.assertLessEqual(3, len(document["processes"]))  # g++, cc1plus, as
        profile, page = self.folder / "heap.pb.gz", self.folder / "page.html"
        self.done("profile", "--allocated", "-o", profile, "--", *compile_it)
        self.assertLess(10_000_000, pprof.Profile(profile).total("alloc_space"))
        self.done("report", "-o", page, "--", *compile_it)
        self.assertIn('"tree"', page.read_text())


if __name__ == "__main__":
    unittest.main()
