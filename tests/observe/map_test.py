"""`strata map` shows what is there: slots by what they hold, pages as the kernel has them."""

import json
import os
import pty
import re
import subprocess
import unittest

import harness
from harness import CLEAN, STRATA, statistics, strata

PAGES = "--html" in strata("map", "--help").stdout


class Maps(harness.Observing):
    def map_of(self, process):
        done = strata("map", "--json", process.pid)
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout)

    def slots(self, document, content):
        return [slot for slot in document["slots"] if slot["content"] == content]

    def test_slabs_of_live_blocks_are_full(self):
        slabs = [slot for slot in self.slots(self.map_of(self.shape("live", 100_000, 640)), "slab")
                 if slot.get("class") == 640]
        self.assertLessEqual(980, len(slabs))
        self.assertLess(0.95 * 64_000_000, sum(slot["live"] for slot in slabs))

    def test_sparse_slabs_are_half_live(self):
        slabs = [slot for slot in self.slots(self.map_of(self.shape("sparse", 1_000_000, 48, 2)), "slab")
                 if slot.get("class") == 48]
        self.assertAlmostEqual(0.5, sum(s["live"] for s in slabs) / sum(s["resident"] for s in slabs),
                               delta=0.03)

    def test_free_slots_wait_or_are_purged(self):
        waiting = self.map_of(self.shape("freed", 100, 100_000, env={"STRATA_PURGE_DELAY": "10min",
                                                                     "STRATA_DIRTY_LIMIT": "1GiB"}))
        self.assertLess(100, len(self.slots(waiting, "waiting for purge")))
        purged = self.map_of(self.shape("freed", 100, 100_000, env={"STRATA_DIRTY_LIMIT": "0"}))
        self.assertLess(100, len(self.slots(purged, "purged")))

    def test_pages_are_those_the_kernel_has(self):
        process = self.shape("live", 100_000, 640)
        document = self.map_of(process)
        for slot in document["slots"]:
            self.assertEqual(slot["resident"], 4096 * bin(int(slot["resident_units"], 16)).count("1"))
        resident = statistics(process.pid)["resident"]
        mapped = sum(slot["resident"] for slot in document["slots"])
        ours = sum(resident[part] for part in ("live", "free_in_slabs", "cached_in_threads",
                                               "waiting_for_purge", "untouched", "metadata"))
        self.assertAlmostEqual(1, mapped / ours, delta=0.05)

    def test_huge_blocks_are_listed(self):
        document = self.map_of(self.shape("live", 2, 40_000_000, env={"STRATA_RESERVE": "2MiB"}))
        self.assertEqual(2, len(document["huge"]))

    def live_blocks(self, process, size):
        """How many blocks of a size the page shows as live, and in how many slots it shows single ones."""
        page = self.folder / "map.html"
        done = strata("map", "--html", page, process.pid)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertGreater(2_000_000, page.stat().st_size)
        data = json.loads(re.search(r"const data = (.*);\n", page.read_text()).group(1))
        live, slots = 0, 0
        for run in data["map"]:
            if run[0] > 1 or run[2] != size:
                continue
            if len(run) > 8:
                live += sum(int(length, 36) for length in run[8].split(".")[1::2])
                slots += 1
            elif run[0] == 0:
                live += run[5]
        return live, slots

    @unittest.skipUnless(PAGES, "built without pages")
    def test_single_blocks_are_those_that_are_live(self):
        live, slots = self.live_blocks(self.shape("sparse", 100_000, 48, 3), 48)
        self.assertAlmostEqual(33_334, live, delta=10)
        self.assertLess(70, slots)

    @unittest.skipUnless(PAGES, "built without pages")
    def test_blocks_that_the_program_protects_are_live_and_no_danger(self):
        process = self.shape("protected", 100, 8192)
        live, _ = self.live_blocks(process, 8192)
        self.assertAlmostEqual(50, live, delta=5)
        self.assertIsNone(process.poll())

    def test_a_pipe_gets_letters(self):
        text = strata("map", self.shape("live", 100_000, 640).pid).stdout
        self.assertNotIn("\x1b", text)
        self.assertIn("s" * 64, text)
        self.assertTrue(all(len(line) <= 120 for line in text.splitlines()[1:]), text)

    def test_a_terminal_gets_half_blocks(self):
        process = self.shape("live", 100_000, 640)
        leader, follower = pty.openpty()
        self.addCleanup(os.close, leader)
        with subprocess.Popen([STRATA, "map", str(process.pid)], stdout=follower, env=CLEAN) as asking:
            os.close(follower)
            seen = b""
            try:
                while chunk := os.read(leader, 65536):
                    seen += chunk
            except OSError:
                pass  # how a terminal ends
        self.assertEqual(0, asking.returncode)
        # A thousand slots of 64 KiB, two in a character.
        self.assertLess(490, seen.decode().count("▀"))


if __name__ == "__main__":
    unittest.main()
