"""`strata run` is the program, and ten lines more."""

import json
import os
import pathlib
import pty
import signal
import stat
import subprocess
import unittest

import harness
from harness import CLEAN, MIB, SEEN, SHAPES, STRATA, statistics, strata

FOLDER = harness.BUILD / "tests/observe"


class Running(harness.Observing):
    def run_it(self, *command, options=(), **more):
        return strata("run", *options, "--", *command, **more)

    def document(self, *command, options=(), code=0):
        file = self.folder / "run.json"
        done = self.run_it(*command, options=("--json", file, *options), stdin=subprocess.DEVNULL)
        self.assertEqual(code, done.returncode, done.stderr)
        return json.loads(file.read_text())

    def background(self, *command, options=(), **more):
        process = subprocess.Popen([STRATA, "run", *options, "--", *map(str, command)], env=CLEAN,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, **more)
        self.addCleanup(process.stderr.close)
        self.addCleanup(self.end, process)
        return process


class Transparency(Running):
    def test_the_exit_code_is_the_programs(self):
        for code in (0, 1, 3, 77, 255):
            self.assertEqual(code, self.run_it("sh", "-c", f"exit {code}").returncode)

    def test_the_signal_that_ended_it_is_the_programs(self):
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGABRT):
            done = self.run_it("sh", "-c", f"kill -{int(number)} $$")
            self.assertEqual(-number, done.returncode)
            self.assertIn(f"with signal {number.name}", done.stderr)

    def test_input_and_output_are_the_programs(self):
        done = self.run_it("cat", input="some words")
        self.assertEqual("some words", done.stdout)

    def test_words_of_the_program_are_not_options_of_ours(self):
        for dashes in ([], ["--"]):
            done = strata("run", *dashes, "sh", "-c", "echo $0 $1", "--json", "--", "x")
            self.assertEqual("--json --\n", done.stdout)

    def test_a_program_that_is_not_there_ends_with_127(self):
        done = self.run_it("no-such-program")
        self.assertEqual(127, done.returncode)
        self.assertIn("cannot run no-such-program: No such file", done.stderr)

    def test_a_file_that_is_no_program_ends_with_126(self):
        file = self.folder / "plain"
        file.write_text("")
        self.assertEqual(126, self.run_it(file).returncode)

    def test_nothing_to_run_is_a_usage_error(self):
        self.assertEqual(2, strata("run").returncode)

    def test_signals_to_the_command_reach_the_program(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
            process = self.background(
                "python3", "-c", "import signal, sys, time\n"
                f"signal.signal({int(number)}, lambda *_: sys.exit(42))\n"
                "print('ready', flush=True)\ntime.sleep(60)")
            self.assertEqual("ready\n", process.stdout.readline())
            process.send_signal(number)
            self.assertEqual(42, process.wait(harness.PATIENCE), number)

    def test_an_interrupt_from_the_terminal_reaches_the_program_once(self):
        pid, terminal = pty.fork()
        if pid == 0:
            code = ("import signal, sys, time\ncount = 0\n"
                    "def more(*_):\n global count; count += 1\n"
                    "signal.signal(signal.SIGINT, more)\nprint('ready', flush=True)\n"
                    "while count == 0: time.sleep(0.05)\n"
                    "time.sleep(1)\nsys.exit(10 + count)")
            os.execve(STRATA, ["strata", "run", "--", "python3", "-c", code], CLEAN)
        self.addCleanup(os.close, terminal)
        seen = b""
        while b"ready" not in seen:
            seen += os.read(terminal, 1000)
        os.write(terminal, b"\x03")
        _, status = os.waitpid(pid, 0)
        self.assertEqual(11, os.waitstatus_to_exitcode(status))

    def test_the_program_keeps_the_signals_it_began_with(self):
        show = "grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status"
        self.assertEqual(subprocess.run(["sh", "-c", show], capture_output=True, text=True,
                                        check=True).stdout,
                         self.run_it("sh", "-c", show).stdout)

    def test_what_was_preloaded_stays_preloaded(self):
        other = self.folder / "libnothing.so"
        subprocess.run(["cc", "-shared", "-x", "c", "-o", other, "/dev/null"], check=True)
        done = self.run_it("grep", "-c", "libnothing\\|libstrata", "/proc/self/maps",
                           env={**CLEAN, "LD_PRELOAD": str(other)})
        self.assertLess(6, int(done.stdout))


class Summary(Running):
    def lines(self, *command, **more):
        done = self.run_it(*command, stdin=subprocess.DEVNULL, **more)
        return [line for line in done.stderr.splitlines() if line.startswith("strata: ")]

    def test_it_has_ten_lines(self):
        lines = self.lines(SHAPES, "live", 1000, 48)
        self.assertEqual(10, len(lines), lines)
        self.assertTrue(all(len(line) <= 100 for line in lines), lines)

    def test_it_has_ten_lines_for_a_command_of_several(self):
        self.assertEqual(10, len(self.run_it("sh", "-c", "true\nexec true").stderr.splitlines()))

    def test_quiet_says_nothing(self):
        self.assertEqual("", self.run_it("true", options=["--quiet"]).stderr)

    def test_the_peak_is_the_programs(self):
        for mebibytes in (30, 200):
            peak = self.document(SHAPES, "live", mebibytes * 1024, 1000)["peak"]["resident"]
            self.assertLess(mebibytes * MIB, peak)
            self.assertGreater(mebibytes * MIB * 1.1 + 4 * MIB, peak)

    def test_a_small_programs_peak_is_not_the_commands(self):
        self.assertGreater(4 * MIB, self.document("sleep", "0.2")["peak"]["resident"])

    def test_the_peak_is_seen_when_it_was(self):
        document = self.document("python3", "-c", SEEN + """
seen(seconds=1)
x = bytearray(300_000_000)
seen()
del x
seen(seconds=2)""")
        self.assertLess(1000, document["peak"]["at"])
        self.assertGreater(document["time"]["elapsed"] - 2000, document["peak"]["at"])
        self.assertLess(300_000_000, document["peak"]["live"])
        resident = document["samples"]["resident"]
        self.assertGreater(100_000_000, resident[0])
        self.assertGreater(100_000_000, resident[-1])

    def test_samples_hold_live_and_resident(self):
        samples = self.document("python3", "-c", SEEN + "x = bytearray(50_000_000); seen()")
        live = max(samples["samples"]["live"])
        self.assertAlmostEqual(50_000_000, live, delta=3_000_000)
        self.assertEqual(1, len({len(column) for column in samples["samples"].values()}))

    def test_the_account_at_the_peak_adds_up(self):
        document = self.document("python3", "-c", SEEN + "x = bytearray(50_000_000); seen()")
        self.assertLess(50_000_000, self.assert_adds_up(document["at_peak"])["live"])

    def test_allocations_are_estimated_by_size(self):
        # 500 samples or more each: five standard deviations are less than a quarter.
        for count, size, block in ((20_000_000, 16, 16), (3_000_000, 100, 112), (200_000, 3000, 3072)):
            document = self.document(SHAPES, "counted", count, size)
            entry = next(e for e in document["small_sizes"] if e["size"] == block)
            self.assertAlmostEqual(1, entry["allocated_estimate"] / count, delta=0.25, msg=size)
            self.assertAlmostEqual(count * block / (512 << 10), entry["samples"], delta=entry["samples"] / 4)

    def test_the_page_stands_alone_and_holds_the_run(self):
        page = self.folder / "run.html"
        self.run_it("sh", "-c", f"{SHAPES} live 50000 1000; : '</script>'", options=["--html", page],
                    stdin=subprocess.DEVNULL)
        text = page.read_text()
        data = json.loads(text.split("const data = ")[1].split(";\n")[0].replace("<\\/", "</"))
        self.assertIn("</script>", data["program"][2])
        self.assertLess(50_000_000, data["peak"]["resident"])
        self.assertNotRegex(text, r'(src|href)="')
        self.assertGreater(2_000_000, len(text))

    def test_what_is_purged_is_told(self):
        purge = self.document(SHAPES, "freed", 1000, 100_000,
                              options=["--set", "dirty_limit=0"])["purge"]
        self.assertLess(90_000_000, purge["bytes"])

    def test_all_processes_beneath_are_followed(self):
        document = self.document("sh", "-c", f"{SHAPES} live 50000 1000; {SHAPES} live 10 10; true")
        names = [process["name"] for process in document["processes"]]
        self.assertEqual(2, names.count("shapes"), names)
        self.assertLess(50 * MIB * 0.9, document["peak"]["resident"])

    def test_processes_that_run_at_once_are_added_up(self):
        # Each has its blocks before either ends.
        one = self.folder / "one.py"
        one.write_text(SEEN + "import os, sys\nx = bytearray(80_000_000)\n"
                       "pathlib.Path(sys.argv[1]).touch()\n"
                       "while not os.path.exists(sys.argv[2]): time.sleep(0.01)\nseen()")
        a, b = self.folder / "a", self.folder / "b"
        document = self.document("sh", "-c", f"python3 {one} {a} {b} & python3 {one} {b} {a} & wait")
        self.assertLess(160_000_000, document["peak"]["resident"])

    def test_a_double_free_is_among_the_errors(self):
        done = self.run_it("python3", "-c", "import ctypes\nlibc = ctypes.CDLL(None)\n"
                           "libc.malloc.restype = ctypes.c_void_p\n"
                           "libc.free.argtypes = [ctypes.c_void_p]\n"
                           "p = libc.malloc(1000)\nlibc.free(p)\nlibc.free(p)")
        self.assertEqual(-signal.SIGABRT, done.returncode)
        self.assertRegex(done.stderr, r"strata: errors +process \d+: strata: error: double free of")

    def test_refused_requests_are_among_the_errors(self):
        self.assertIn("errors     3 requests were refused",
                      self.run_it(SHAPES, "refused", stdin=subprocess.DEVNULL).stderr)

    def test_no_error_is_none(self):
        self.assertRegex(self.run_it("true").stderr, r"strata: errors +none\n$")

    def test_statistics_come_at_the_interval(self):
        file = self.folder / "run.json"
        done = self.run_it("sleep", "1.1", options=["--stats-interval", "0.25", "--json", file])
        lines = [line for line in done.stderr.splitlines() if "waiting" in line]
        intervals = json.loads(file.read_text())["time"]["elapsed"] / 250
        self.assertLessEqual(2, len(lines))
        self.assertGreaterEqual(intervals, len(lines))


class Options(Running):
    def test_settings_reach_the_program(self):
        done = self.run_it("sh", "-c", "echo $STRATA_DIRTY_LIMIT $STRATA_PURGE_DELAY",
                           options=["--set", "dirty_limit=64MiB", "--set", "purge-delay=1s"])
        self.assertEqual("64MiB 1s\n", done.stdout)

    def test_a_misspelt_option_is_refused_with_the_nearest_name(self):
        done = self.run_it("true", options=["--set", "dirty_limmit=1"])
        self.assertEqual(1, done.returncode)
        self.assertIn("did you mean DIRTY_LIMIT?", done.stderr)

    def test_a_bad_value_is_refused_with_what_would_be_good(self):
        done = self.run_it("true", options=["--set", "dirty_limit=much"])
        self.assertEqual(1, done.returncode)
        self.assertIn('"much" is no value for DIRTY_LIMIT: bytes, such as', done.stderr)

    def test_another_library_may_be_named(self):
        self.assertIn("there is no library /nowhere.so",
                      self.run_it("true", options=["--library", "/nowhere.so"]).stderr)


class Obstacles(Running):
    def assert_warned(self, done, text):
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("strata: warning: ", done.stderr)
        self.assertIn(text, done.stderr)
        self.assertIn("strata     not used: ", done.stderr)

    def test_a_static_program(self):
        self.assert_warned(self.run_it(FOLDER / "static"), "is statically linked")

    def test_a_program_with_a_malloc_of_its_own(self):
        done = self.run_it(FOLDER / "own_malloc")
        self.assertIn("brings its own malloc", done.stderr)
        self.assertEqual(0, done.returncode)

    def test_a_script_is_judged_by_its_interpreter(self):
        script = self.folder / "script"
        script.write_text(f"#!{FOLDER / 'static'}\n")
        script.chmod(0o755)
        self.assert_warned(self.run_it(script), "is statically linked")

    @unittest.skipUnless(harness.TWO_USERS, "needs root, and a folder that others may enter")
    def test_a_set_uid_program(self):
        program = pathlib.Path("/tmp") / f"strata-setuid-{os.getpid()}"
        self.addCleanup(program.unlink)
        program.write_bytes(SHAPES.read_bytes())
        program.chmod(stat.S_ISUID | 0o755)
        done = self.run_it(program, "counted", 0, 0, user="nobody", group="nogroup",
                           extra_groups=[], stdin=subprocess.DEVNULL)
        self.assert_warned(done, "more rights than you have")


class Together(Running):
    def test_a_process_under_run_can_be_looked_at_by_others(self):
        process = self.background(SHAPES, "live", 100_000, 1000)
        self.assertEqual("ready\n", process.stdout.readline())
        child = int(subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True,
                                   check=True, text=True).stdout)
        self.assertLess(100_000_000, self.assert_adds_up(statistics(child))["live"])
        process.stdin.close()
        self.assertEqual(0, process.wait(harness.PATIENCE))

    def test_a_program_that_outlives_the_command_goes_on_answering(self):
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        keep = os.open(pipe, os.O_RDWR)
        self.addCleanup(os.close, keep)
        said = self.folder / "said"
        said.write_text("")
        done = self.run_it("sh", "-c", f"{SHAPES} live 1000 1000 <{pipe} >{said} 2>&1 & echo $!",
                           stdin=subprocess.DEVNULL)
        left = int(done.stdout)
        try:
            self.eventually("it is ready", lambda: said.read_text() == "ready\n")
            self.assert_adds_up(statistics(left))
        finally:
            os.kill(left, signal.SIGKILL)

    def test_many_short_programs_are_no_trouble(self):
        document = self.document("sh", "-c", "for i in $(seq 300); do /bin/true; done")
        self.assertLess(300, len(document["processes"]))


if __name__ == "__main__":
    unittest.main()
