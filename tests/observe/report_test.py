#!/usr/bin/env python3
"""strata report: one page that needs nothing else, and that a browser draws without an error."""

import gzip
import html
import json
import re
import shutil
import subprocess
import unittest

import pprof
from harness import BUILD, CLEAN, SHAPES, Observing, parts, strata

KNOWN = BUILD / "tests/observe/known"
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
LARGEST = 2_000_000


class Page(Observing):
    def data(self, path):
        """What stands in the page, and that it is complete in itself."""
        text = path.read_text()
        self.assertLess(len(text), LARGEST)
        self.assertNotRegex(text, r"""(src|href)\s*=\s*["']?(https?:)?//""")
        self.assertNotRegex(text, r"@import|url\(\s*['\"]?https?:|fetch\(|XMLHttpRequest")
        found = re.search(r"const data = (.*);\n", text)
        return json.loads(found.group(1))

    def draw(self, path, width=1200, then=""):
        """The page's document after a browser has drawn it and a script of ours has been at it; none failed."""
        if then:
            text = path.read_text()
            at = text.rindex("</script>")
            path = self.folder / "with-script.html"
            path.write_text(text[:at] + then + text[at:])
        done = subprocess.run(
            [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
             f"--user-data-dir={self.folder}/browser", "--virtual-time-budget=3000",
             f"--window-size={width},900", "--dump-dom", path.as_uri()],
            capture_output=True, text=True, env=CLEAN, timeout=120, check=False)
        errors = [line for line in done.stderr.splitlines()
                  if "CONSOLE" in line and ("Error" in line or "Uncaught" in line)]
        self.assertEqual([], errors)
        return done.stdout

    def program(self):
        path = self.folder / "page.html"
        done = strata("report", "-o", path, "--", KNOWN)
        self.assertEqual(0, done.returncode, done.stderr)
        return path

    def test_a_program_is_reported_from_start_to_end(self):
        data = self.data(self.program())
        for part in ("statistics", "findings", "samples", "profile", "map"):
            self.assertTrue(data[part], part)
        names = " ".join(data["profile"]["names"])
        for function in ("main", "keep_small", "peak_in_vector"):
            self.assertIn(function, names)
        peak = data["profile"]["tree"][1][1]
        self.assertGreater(peak, 40_000_000)

    def test_a_process_is_reported_as_it_is(self):
        process = self.start(KNOWN, "hold")
        process.stdout.readline()
        path = self.folder / "page.html"
        self.assertEqual(0, strata("report", "-o", path, process.pid).returncode)
        data = self.data(path)
        self.assertTrue(data["statistics"] and data["findings"] and data["map"])
        self.assertIn("strata profile --on", " ".join(data["facts"]))
        strata("profile", "--on", "--mean", 4096, process.pid)
        process.stdin.write(b"\n")
        process.stdin.flush()
        process.stdout.readline()
        strata("report", "-o", path, process.pid)
        self.assertIn("keep_small", " ".join(self.data(path)["profile"]["names"]))

    def test_a_recording_of_run_is_reported(self):
        recording, path = self.folder / "run.json", self.folder / "page.html"
        strata("run", "--quiet", "--json", recording, "--", KNOWN)
        self.assertEqual(0, strata("report", "-o", path, recording).returncode)
        self.assertTrue(self.data(path)["samples"]["time"])
        recording.write_text("{}")
        done = strata("report", "-o", path, recording)
        self.assertEqual(1, done.returncode)
        self.assertIn("is not what `strata run --json` writes", done.stderr)

    def record(self, *command, sites=False, name="program.trace"):
        trace = self.folder / name
        done = strata("record", "-q", "-o", trace, *(["--sites"] if sites else []), "--", *command,
                      stdin=subprocess.DEVNULL)
        self.assertEqual(0, done.returncode, done.stderr)
        return trace

    def report(self, *words):
        path = self.folder / "page.html"
        done = strata("report", "-o", path, *words)
        self.assertEqual(0, done.returncode, done.stderr)
        return path

    def test_a_trace_is_replayed_and_looked_into(self):
        path = self.report(self.record(SHAPES, "live", 50_000, 1000))
        data = self.data(path)
        resident = data["statistics"]["resident"]
        self.assertEqual(resident["total"], parts(resident))
        self.assertEqual(resident["total"], resident["process"])
        for outside in ("program", "stacks", "other_mappings", "file_pages"):
            self.assertEqual(0, resident[outside], outside)
        entry = max(data["statistics"]["classes"], key=lambda c: c["live"])
        self.assertLessEqual(1000, entry["size"])
        self.assertAlmostEqual(50_000, entry["live"], delta=2_000)
        self.assertEqual("live", data["findings"][0]["cause"])
        self.assertAlmostEqual(50_000_000, data["samples"]["live"][-1], delta=100_000)
        # The curve is of the same bytes as the parts.
        self.assertAlmostEqual(1, max(data["samples"]["resident"]) / resident["total"], delta=0.02)
        self.assertAlmostEqual(50_000, sum(run[5] for run in data["map"] if run[2] == entry["size"]),
                               delta=2_000)
        self.assertIn("beside malloc", " ".join(data["unknown"]))
        self.assertIn("strata record --sites", " ".join(data["facts"]))

    def test_a_trace_shows_what_is_free_but_kept(self):
        trace = self.record(SHAPES, "sparse", 200_000, 200, 4)
        data = self.data(self.report("--set", "purge_delay=10min", "--set", "dirty_limit=1GiB", trace))
        # A block on each page keeps all of them resident.
        self.assertAlmostEqual(40_000_000, data["samples"]["resident"][-1], delta=4_000_000)
        self.assertAlmostEqual(10_000_000, data["samples"]["live"][-1], delta=200_000)
        self.assertIn("PURGE_DELAY=10min DIRTY_LIMIT=1GiB", " ".join(data["facts"]))

    def test_calling_places_of_a_trace_are_counted(self):
        path = self.report(self.record(KNOWN, sites=True))
        profile = self.data(path)["profile"]
        self.assertIn("Counted", profile["about"])
        allocated = profile["views"].index("allocated")
        by_name = {profile["names"][name]: bytes for name, bytes, _ in profile["tree"][2]}
        took = next(bytes[allocated] for name, bytes in by_name.items() if name.startswith("take("))
        self.assertEqual(100_000 * 200 + 100_000 * 1000 + 100 * 65_536, took)
        peak = profile["tree"][1][profile["views"].index("live at the peak")]
        self.assertLessEqual(60_000_000, peak)

    def test_a_profile_is_reported_and_adds_to_a_trace(self):
        profile = self.folder / "heap.pb.gz"
        strata("profile", "-o", profile, "--", KNOWN)
        total = pprof.Profile(profile).total("peak_space")
        data = self.data(self.report(profile))
        shown = data["profile"]["tree"][1][data["profile"]["views"].index("live at the peak")]
        self.assertEqual(total, shown)
        self.assertIn("keep_small", " ".join(data["profile"]["names"]))
        self.assertNotIn("statistics", data)
        self.assertIn("What is resident", " ".join(data["unknown"]))
        trace = self.record(SHAPES, "live", 1000, 1000)
        sites = self.record(SHAPES, "live", 1000, 1000, sites=True, name="sites.trace")
        for recordings in ((trace, profile), (profile, trace), (sites, profile), (profile, sites)):
            data = self.data(self.report(*recordings))
            self.assertIn("keep_small", " ".join(data["profile"]["names"]))
            self.assertTrue(data["profile"] and data["statistics"] and data["map"])
            self.assertNotIn("What is resident", " ".join(data["unknown"]))
            self.assertNotIn("No call sites", " ".join(data["facts"]))
        done = strata("report", "-o", self.folder / "page.html", profile, profile)
        self.assertEqual(1, done.returncode)
        self.assertIn("tells of the same", done.stderr)

    def test_what_is_no_recording_is_said(self):
        page, damaged = self.folder / "page.html", self.folder / "x.pb.gz"
        trace = self.record(SHAPES, "live", 1000, 1000)
        for content, text in ((gzip.compress(b"\x0a\xff\xff"), "no profile in pprof's format"),
                              (gzip.compress(b""), "is no heap profile"),
                              (gzip.compress(b"x" * 1000)[:20], "cannot be decompressed"),
                              (trace.read_bytes()[:40], "no events in it"), (b"", "is no recording")):
            damaged.write_bytes(content)
            done = strata("report", "-o", page, damaged)
            self.assertEqual(1, done.returncode, text)
            self.assertIn(text, done.stderr)
            self.assertEqual(1, done.stderr.count("\n"), done.stderr)
        done = strata("report", "-o", page, self.folder / "none.trace")
        self.assertIn("cannot read", done.stderr)
        done = strata("report", "-o", page, "--process", "nobody", trace)
        self.assertIn("nobody", done.stderr)
        self.assertFalse(page.exists())

    @unittest.skipIf(BROWSER is None, "no chromium")
    def test_a_browser_draws_a_recording(self):
        path = self.report(self.record(KNOWN, sites=True))
        document = html.unescape(self.draw(path))
        for part in ("overview", "findings", "timeline", "flame", "classes", "map", "unknown"):
            self.assertIn(f'<section id="{part}">', document)
        self.assertIn('aria-label="take(', document)

    def test_names_cannot_leave_the_script(self):
        name = self.folder / "a<script>b"
        shutil.copy(KNOWN, name)
        path = self.folder / "page.html"
        self.assertEqual(0, strata("report", "-o", path, "--", name).returncode)
        self.assertEqual("a<script>b", self.data(path)["title"].rpartition("/")[2])
        self.assertEqual(2, path.read_text().count("<script>", 0, path.read_text().index("const data")))

    @unittest.skipIf(BROWSER is None, "no chromium")
    def test_a_browser_draws_every_part(self):
        path = self.program()
        document = html.unescape(self.draw(path))
        for part in ("overview", "findings", "timeline", "flame", "classes", "map"):
            self.assertIn(f'<section id="{part}">', document)
        self.assertIn(f'<b>{self.data(path)["findings"][0]["finding"]}</b>', document)
        self.assertGreater(document.count('aria-label="keep_small'), 0)
        self.assertIn("aria-label=\"peak_in_vector", document)

    @unittest.skipIf(BROWSER is None, "no chromium")
    def test_a_slab_is_shown_block_by_block(self):
        path = self.folder / "page.html"
        strata("report", "-o", path, self.shape("sparse", 100_000, 48, 3).pid)
        document = self.draw(path, then="document.querySelectorAll('#map .tools button')[2].click();"
                             "document.querySelector('.closer canvas').dispatchEvent("
                             "new KeyboardEvent('keydown', {key: 'ArrowRight'}));")
        self.assertRegex(document, r"<h3>0x[0-9a-f]+: 1,365 blocks of 48 bytes, (45\d) live</h3>")
        self.assertRegex(document, r"Block 2 of 1,365 at 0x[0-9a-f]+: 48 bytes, (live|free)<")

    @unittest.skipIf(BROWSER is None, "no chromium")
    def test_no_width_scrolls_sideways(self):
        path = self.program()
        for width in (500, 1200):
            document = self.draw(path, width, then="document.title = 'too wide by ' + "
                                 "(document.documentElement.scrollWidth - innerWidth);")
            found = re.search(r"<title>too wide by (-?\d+)</title>", document)
            self.assertGreaterEqual(0, int(found.group(1)), width)


if __name__ == "__main__":
    unittest.main()
