#!/usr/bin/env python3
"""What the bench says of figures that are known: ratios, means, losses, noise, and who failed.

The runs are made up, so nothing here depends on time; the launcher of the last tests is a shell command
that crashes, hangs or writes what the real one writes.
"""

import contextlib
import io
import os
import pathlib
import stat
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

from runner import allocators, figures, lines, page, rounds, text  # noqa: E402

STRATA = allocators.Allocator("strata", "/s.so", "strata")
GLIBC = allocators.Allocator("glibc", "", "peer")
FAST = allocators.Allocator("fast", "/f.so", "peer")
TWIN = allocators.Allocator("fast again", "/f.so", "twin")
ALL = [STRATA, GLIBC, FAST, TWIN]


def line(name, group="single"):
    return lines.Line(name, group, "about " + name, ["true"])


def runs(*times, kib=1000):
    return {"runs": [{"time": t, "cpu": t, "peak_kib": kib, "end_kib": kib, "faults": 5, "operations": 1,
                      "settled_kib": None, "misaligned": None, "curve": [(0.0, kib)]} for t in times]}


def cells(**others):
    """A line of strata 0.8 s, glibc 2 s, fast 1 s and its twin 1.02 s, but for what is given."""
    return {"strata": runs(0.9, 0.8, 1.0), "glibc": runs(2.0), "fast": runs(1.0), "fast again": runs(1.02),
            **others}


def report(lines_and_cells, left_out=()):
    made = [made_line for made_line, _ in lines_and_cells]
    result = figures.summary(made, {made_line.name: found for made_line, found in lines_and_cells}, ALL)
    result["allocators"] = [{"name": a.name, "role": a.role, "path": a.path} for a in ALL]
    result["missing_lines"] = []
    result["run"] = {"when": "then", "quick": False, "scale": 1.0, "rounds": 3, "seconds": 60,
                     "load_before": 0.0, "left_out": list(left_out)}
    result["machine"] = {"processor": "one", "cores": 2, "memory_kib": 1 << 22, "kernel": "k", "system": "s"}
    return result


class Figures(unittest.TestCase):
    def test_a_line_has_least_median_spread_ratio_and_noise(self):
        shown = report([(line("a"), cells())])["lines"][0]
        self.assertEqual(shown["cells"]["strata"]["time"], 0.8)
        self.assertEqual(shown["cells"]["strata"]["time_median"], 0.9)
        self.assertAlmostEqual(shown["cells"]["strata"]["time_spread"], 0.2 / 0.9)
        self.assertEqual(shown["ratio"]["time"]["strata"], 0.8)
        self.assertEqual(shown["best_peer"]["time"], "fast")
        self.assertAlmostEqual(shown["noise"], 1.02)

    def test_a_twin_is_no_peer(self):
        shown = report([(line("a"), cells(**{"fast again": runs(0.1)}))])["lines"][0]
        self.assertEqual(shown["best_peer"]["time"], "fast")

    def test_each_group_has_its_own_verdict(self):
        result = report([(line("a"), cells()), (line("b/2", "2 threads"), cells(strata=runs(2.0)))])
        self.assertAlmostEqual(result["by_group"]["single"]["time"]["ratio"], 0.8)
        self.assertAlmostEqual(result["by_group"]["2 threads"]["time"]["ratio"], 2.0)
        self.assertAlmostEqual(result["headline"]["time"]["ratio"], (0.8 * 2.0) ** 0.5)

    def test_losses_are_named_and_noise_excuses_only_time(self):
        noisy = cells(strata=runs(1.2, kib=1100), **{"fast again": runs(1.3)})
        lost = report([(line("a"), noisy)])["losses"]
        self.assertEqual([(loss["metric"], loss["within_noise"]) for loss in lost],
                         [("time", True), ("peak RSS", False)])

    def test_who_fails_most_lines_does_not_take_them_from_the_others(self):
        broken = {"runs": [], "error": "ended with 139"}
        result = report([(line(name), cells(glibc=broken)) for name in "abc"])
        self.assertEqual(result["means"]["time"]["all"]["lines"], 3)
        self.assertNotIn("glibc", result["means"]["time"]["all"])

    def test_who_fails_one_line_takes_it_from_the_means(self):
        broken = {"runs": [], "error": "ended with 139"}
        result = report([(line("a"), cells()), (line("b"), cells()), (line("c"), cells(glibc=broken))])
        self.assertEqual(result["means"]["time"]["all"]["lines"], 2)


class Reports(unittest.TestCase):
    def test_failures_and_losses_stand_in_text_and_page(self):
        broken = {"runs": [], "error": "ended with 139: <Segmentation fault>"}
        result = report([(line("a"), cells()), (line("b"), cells(strata=runs(3.0))), (line("c"), cells(glibc=broken))],
                        ["other: there is no /other.so"])
        for shown in (text.everything(result), page.body(result, False, "no npm here")):
            for words in ("other: there is no /other.so", "c under glibc: ended with 139", "3.00"):
                self.assertIn(words, shown)
        self.assertNotIn("<Segmentation", page.body(result, False, ""))

    def test_without_a_peer_nothing_is_won(self):
        alone = {name: {"runs": []} for name in ("glibc", "fast", "fast again")}
        result = report([(line("a"), cells(**alone))])
        self.assertIn("no peer to compare", text.everything(result))
        for shown in (text.everything(result), page.body(result, False, "")):
            self.assertNotIn("no line", shown)

    def test_the_page_needs_no_network(self):
        with tempfile.TemporaryDirectory() as folder:
            target = os.path.join(folder, "page.html")
            bundle, page.bundle = page.bundle, lambda *_: ("", "no npm here")
            try:
                page.write(target, report([(line("a"), cells())]), str(ROOT / "bench" / "page"), folder)
            finally:
                page.bundle = bundle
            content = pathlib.Path(target).read_text(encoding="utf-8")
        self.assertNotIn("http", content)
        self.assertIn("no npm here", content)


class Order(unittest.TestCase):
    def test_turns_put_everybody_everywhere(self):
        first = {rounds.turned(ALL, n)[0].name for n in range(len(ALL) * 2)}
        self.assertEqual(first, {a.name for a in ALL})

    def test_a_quick_look_begins_with_lines_of_every_group(self):
        many = [line(f"s{n}") for n in range(30)] + [line(f"p{n}", "programs") for n in range(10)]
        self.assertEqual({shown.group for shown in lines.mixed(many)[:4]}, {"single", "programs"})


class Failures(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def launcher(self, script):
        """A stand-in for the launcher: OUT INTERVAL COMMAND..."""
        path = os.path.join(self.folder.name, "launcher")
        pathlib.Path(path).write_text("#!/bin/sh\n" + script, encoding="utf-8")
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
        return path

    def run_all(self, script, timeout=60):
        names = [line("a"), line("b"), line("c"), line("d")]
        with contextlib.redirect_stderr(io.StringIO()):  # the progress
            return rounds.run_all(names, [GLIBC], self.launcher(script), 2, timeout=timeout)

    def test_a_run_that_crashes_is_a_failed_cell_and_not_tried_again(self):
        found = self.run_all('echo x >> "$0.calls"\n'
                             'printf "wall 1\\nuser 1\\nsystem 0\\npeak_kib 9\\nfaults 1\\nstatus 139\\n" > "$1"\n')
        self.assertIn("ended with 139", found["a"]["glibc"]["error"])
        calls = pathlib.Path(self.folder.name, "launcher.calls").read_text(encoding="utf-8")
        self.assertEqual(len(calls.split()), 4)

    def test_who_hangs_three_times_is_given_up(self):
        found = self.run_all("exec sleep 1000\n", timeout=0.2)
        self.assertIn("not done", found["c"]["glibc"]["error"])
        self.assertIn("given up", found["d"]["glibc"]["error"])

    def test_a_peer_that_is_missing_or_serves_nothing_is_named(self):
        self.assertIn("there is no", allocators.problem(FAST, "true"))
        serves_nothing = self.launcher("echo allocator /other.so\n")
        peer = allocators.Allocator("peer", serves_nothing, "peer")
        self.assertIn("served by /other.so", allocators.problem(peer, serves_nothing))

    def test_peers_are_named_by_file_or_by_hand_and_bring_an_environment(self):
        self.assertEqual(allocators.parse_peer("/x/libmi.so.3").name, "mi")
        peer = allocators.parse_peer("new=/x/a.so@A=1@B=2")
        self.assertEqual((peer.name, peer.environment), ("new", {"A": "1", "B": "2"}))


if __name__ == "__main__":
    unittest.main()
