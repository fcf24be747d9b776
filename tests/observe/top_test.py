"""`strata top` as it is seen: driven in tmux, its screen read back."""

import os
import re
import shutil
import signal
import subprocess
import unittest

import harness
from harness import CLEAN, STRATA, strata


@unittest.skipUnless(shutil.which("tmux"), "tmux is not here")
class Screens(harness.Observing):
    def tmux(self, *words):
        return subprocess.run(["tmux", "-L", self.socket, "-f", "/dev/null", *words],
                              capture_output=True, text=True, check=False,
                              env={**CLEAN, "LC_ALL": "C.UTF-8"}).stdout

    def open(self, process, *options, columns=80, rows=24):
        # A server of its own: the one of the test before may still be on its way out.
        self.socket = f"strata-test-{os.getpid()}-{self.id()}"
        self.addCleanup(self.tmux, "kill-server")
        command = f"{STRATA} top {' '.join(options)} {process.pid}; echo left with $?; sleep 100"
        self.tmux("new-session", "-d", "-x", str(columns), "-y", str(rows), command)
        self.eventually("it is drawn", lambda: "q quit" in self.screen())

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def type(self, key):
        self.tmux("send-keys", key)

    def until(self, text):
        self.eventually(f"{text} is shown: {self.screen()}", lambda: re.search(text, self.screen()))

    def test_everything_fits_80_by_24(self):
        self.open(self.shape("sparse", 200_000, 48, 2))
        lines = self.screen().rstrip("\n").split("\n")
        self.assertEqual(24, len(lines), lines)
        self.assertTrue(all(len(line) <= 80 for line in lines))
        self.assertIn("shapes sparse", lines[0])
        self.assertRegex(lines[1], r"resident [\d.]+ MiB, kernel [\d.]+ MiB; live [\d.]+ MiB")
        # The bar is the RSS: as wide as the screen.
        self.assertEqual("█" * 80, lines[2])
        self.assertRegex(self.screen(), r"live +[\d.]+ MiB +\d+%")
        self.assertRegex(self.screen(), r"\n +48 B ")

    def test_keys_sort_pause_switch_and_quit(self):
        self.open(self.shape("threads", 4, 1000, 4000), "--interval", "0.2")
        self.until("resident▼")
        self.type("s")
        self.until("free▼")
        self.type("t")
        self.until(r"\d+ worker ")
        self.type("p")
        self.until(" paused")
        self.type("p")
        self.until("every 0.2 s")
        self.type("-")
        self.until("every 0.4 s")
        self.type("h")
        self.until("statistics.md explains")
        self.type("c")
        self.until("cached▼")
        self.type("q")
        self.until("left with 0")

    def test_rates_are_those_of_the_program(self):
        self.open(self.shape("busy", 1), "--interval", "0.5")
        self.until(r"a second: ~[1-9][\d.]*[kM]? small blocks")
        self.until(r"resident +[▁▂▃▄▅▆▇█]{3}")

    def test_sampling_ends_some_time_after_the_command(self):
        process = self.shape("live", 1, 1)
        self.open(process, "--interval", "0.1")
        self.assertEqual(65536, harness.statistics(process.pid)["allocations"]["sampled_every"])
        self.type("q")
        self.eventually("nobody samples", lambda: harness.statistics(process.pid)["allocations"]
                        ["sampled_every"] == 0)

    def test_a_program_that_ends_is_told(self):
        process = self.shape("live", 1, 1)
        self.open(process, "--interval", "0.1")
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.until("strata: error: .*ended")
        self.until("left with 1")

    def test_the_screen_may_change_its_size(self):
        self.open(self.shape("live", 1, 1), "--interval", "0.2")
        self.tmux("resize-window", "-x", "120", "-y", "30")
        self.until("█{120}")
        self.tmux("resize-window", "-x", "30", "-y", "8")
        self.until("needs 50 columns")

    def test_no_terminal_is_told(self):
        done = strata("top", self.shape("live", 1, 1).pid)
        self.assertEqual(1, done.returncode)
        self.assertIn("needs a terminal; `strata stat --watch`", done.stderr)


if __name__ == "__main__":
    unittest.main()
