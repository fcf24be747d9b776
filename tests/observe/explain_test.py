"""`strata explain REPORT` names functions and lines in what diagnose mode says of a real error."""

import re
import shutil
import signal
import subprocess
import unittest

import harness
from harness import BUILD, CLEAN, LIBRARY, strata

FORGETS = BUILD / "tests/observe/forgets"
SOURCE = (harness.pathlib.Path(__file__).parent / "forgets.c").read_text(encoding="utf-8").splitlines()


def line_of(text):
    """The number of the source's only line with the text."""
    numbers = [number for number, line in enumerate(SOURCE, 1) if ("\n" + line).find(text.replace("^", "\n")) >= 0]
    assert len(numbers) == 1, (text, numbers)
    return numbers[0]


class Reports(harness.Observing):
    def report(self, error, program=FORGETS, **options):
        """What the program says of the error, in a file of its own."""
        log = self.folder / "report"
        environment = dict(CLEAN, LD_PRELOAD=str(LIBRARY), STRATA_LOG=str(log))
        environment.update({f"STRATA_{name}": value for name, value in options.items()})
        done = subprocess.run([program, error], env=environment, capture_output=True, text=True,
                              timeout=harness.PATIENCE, check=False)
        self.assertIn(-done.returncode, (signal.SIGABRT, signal.SIGSEGV), done.stderr)
        self.assertEqual("", done.stderr)
        return log

    def explain(self, log):
        if not shutil.which("addr2line"):
            self.skipTest("addr2line is missing")
        done = strata("explain", log)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        return done.stdout

    def assert_places(self, text, what, *places):
        """Under "WHAT by thread N at" stand the places, the first ones first."""
        stack = re.search(rf"^strata:   {what} by thread \d+ at\n((strata:     .*\n)+)", text, re.M)
        self.assertTrue(stack, f"{what} in {text}")
        for line, (function, call) in zip(stack[1].splitlines(), places):
            self.assertRegex(line, rf"^strata:     {function} at .*/forgets\.c:{line_of(call)} \(forgets\)$")

    def test_a_double_free_is_told_by_who_made_and_who_freed_the_block(self):
        text = self.explain(self.report("twice", MODE="diagnose"))
        self.assertRegex(text, r"\Astrata: error: double free of 0x[0-9a-f]+ \(\d+-byte block, freed before by"
                               r" thread \d+\)\n")
        self.assert_places(text, "found", ("serve", '"twice"'), ("main", "serve(count"))
        self.assert_places(text, "allocated", ("open_session", "malloc(sizeof"), ("serve", "open_session(name, sizeof"))
        self.assert_places(text, "freed", ("close_session", "^  free(session);"), ("serve", "  close_session(session);"))
        self.assertRegex(text, r"\nstrata:   help: the block was given back before\. .*\n\Z")

    def test_an_overflow_is_told_by_who_made_the_block(self):
        text = self.explain(self.report("overflow", MODE="diagnose"))
        self.assertRegex(text, r"\Astrata: error: overflow of 0x[0-9a-f]+ \(13-byte block, .*\n")
        self.assert_places(text, "found", ("close_session", "free(session->name)"))
        self.assert_places(text, "allocated", ("open_session", "malloc(bytes)"))
        self.assertIn("Does the size count a string's closing zero?", text)

    def test_a_sampled_block_is_told_the_same_way(self):
        text = self.explain(self.report("twice", GUARD_SAMPLE="1"))
        self.assert_places(text, "freed now", ("serve", '"twice"'))
        self.assert_places(text, "allocated", ("open_session", "malloc(sizeof"))
        self.assertRegex(text, r"\nstrata:   help: .*\n\Z")

    def test_a_report_may_come_by_the_standard_input(self):
        log = self.report("twice", MODE="diagnose")
        done = strata("explain", "-", input=log.read_text(encoding="utf-8"))
        self.assertEqual(self.explain(log), done.stdout)

    def test_what_has_no_names_stays_as_it_is(self):
        if not shutil.which("strip"):
            self.skipTest("strip is missing")
        stripped = self.folder / "forgets"
        subprocess.run(["strip", "-o", stripped, FORGETS], check=True)
        text = self.explain(self.report("twice", program=stripped, MODE="diagnose"))
        self.assertRegex(text, rf"\nstrata:     {re.escape(str(stripped))}\+0x[0-9a-f]+\n")

    def test_the_report_itself_says_how_it_gets_names(self):
        text = self.report("twice", MODE="diagnose").read_text(encoding="utf-8")
        self.assertIn("strata explain", text.splitlines()[-1])


if __name__ == "__main__":
    unittest.main()
