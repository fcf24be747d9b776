#!/usr/bin/env python3
"""strata report: one page that needs nothing else, and that a browser draws without an error."""

import html
import json
import re
import shutil
import subprocess
import unittest

from harness import BUILD, CLEAN, Observing, strata

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
