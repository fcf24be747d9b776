"""What `strata stat` says of a process is true: it sums to the RSS, and counts what is there."""

import json
import os
import pathlib
import signal
import subprocess
import unittest
from statistics import median

import harness
from harness import MIB, SHAPES, parts, statistics, strata


def by_size(document, size):
    none = {"live": 0}
    return next((entry for entry in document["classes"] if entry["size"] == size), none)


class Sums(harness.Observing):
    def of(self, *words, **options):
        document = statistics(self.shape(*words, **options).pid)
        return document, self.assert_adds_up(document)

    def test_small_live_blocks_are_live(self):
        document, resident = self.of("live", 1_000_000, 48)
        self.assertAlmostEqual(48_000_000, resident["live"], delta=500_000)
        self.assertLessEqual(1_000_000, by_size(document, 48)["live"])
        self.assertGreater(1_000_100, by_size(document, 48)["live"])

    def test_blocks_of_every_size_are_live(self):
        for size in (16, 100, 1000, 5000, 20_000, 32_768, 40_000, 1_000_000):
            count = 40_000_000 // size
            _, resident = self.of("live", count, size)
            self.assertAlmostEqual(1, resident["live"] / 40_000_000, delta=0.13, msg=size)

    def test_huge_blocks_are_live(self):
        document, resident = self.of("live", 2, (3 << 30) // 2, env={"STRATA_RESERVE": "2MiB"})
        self.assertEqual(2, document["live"]["huge_blocks"])
        self.assertAlmostEqual(1, resident["live"] / (3 << 30), delta=0.01)

    def test_freed_blocks_of_sparse_slabs_are_free_room(self):
        document, resident = self.of("sparse", 1_000_000, 48, 2)
        self.assertAlmostEqual(24_000_000, resident["live"], delta=500_000)
        free = resident["free_in_slabs"] + resident["cached_in_threads"]
        self.assertAlmostEqual(24_000_000, free, delta=1_000_000)
        self.assertAlmostEqual(500_000, by_size(document, 48)["live"], delta=100)

    def test_freed_slots_wait_for_purge(self):
        _, resident = self.of("freed", 100, 100_000, env={"STRATA_PURGE_DELAY": "10min",
                                                          "STRATA_DIRTY_LIMIT": "1GiB"})
        self.assertAlmostEqual(10_000_000, resident["waiting_for_purge"], delta=500_000)

    def test_memory_that_was_purged_is_nowhere(self):
        document, resident = self.of("freed", 1000, 100_000, env={"STRATA_DIRTY_LIMIT": "0"})
        self.assertGreater(MIB, resident["waiting_for_purge"])
        self.assertLess(90_000_000, document["purge"]["bytes"])

    def test_pages_that_were_only_read_are_not_resident(self):
        _, resident = self.of("zeros", 64 * MIB)
        self.assertGreater(MIB, resident["live"])

    def test_untouched_pages_under_eager_commit_are_named(self):
        _, resident = self.of("live", 100, 48, env={"STRATA_COMMIT": "eager"})
        self.assertLess(0, resident["cached_in_threads"] + resident["untouched"])

    def test_memory_outside_strata_has_its_own_parts(self):
        for shape, part in (("mapped", "other_mappings"), ("shared", "shared_memory"),
                            ("classic", "other_malloc")):
            _, resident = self.of(shape, 20 * MIB)
            self.assertAlmostEqual(20 * MIB, resident[part], delta=MIB, msg=shape)

    def test_threads_are_told_apart(self):
        document, resident = self.of("threads", 4, 1000, 4000)
        workers = [t for t in document["threads"] if t["name"] == "worker"]
        self.assertEqual(4, len(workers))
        for worker in workers:
            self.assertLess(256 * 1024, worker["stack_bytes"])
        self.assertLess(4 * 256 * 1024, resident["stacks"])
        self.assertLessEqual(sum(t["cached_bytes"] for t in document["threads"]),
                             resident["cached_in_threads"])

    def test_a_program_that_never_rests_adds_up(self):
        # One look may miss what moves meanwhile, now to one side and now to the other; a part that
        # is counted wrong is wrong in every look.
        process = self.shape("busy", 3)
        ratios = []
        for _ in range(11):
            document = statistics(process.pid)
            resident = document["resident"]
            self.assertEqual(parts(resident), resident["total"])
            self.assertLess(0, document["live"]["bytes"])
            ratios.append(resident["total"] / resident["process"])
        self.assertAlmostEqual(1, median(ratios), delta=0.02, msg=ratios)

    def test_a_python_program_adds_up(self):
        process = self.start("python3", "-c", "x = [str(i) * 9 for i in range(300000)]\n"
                             "print('ready', flush=True)\ninput()")
        process.stdout.readline()
        self.assert_adds_up(statistics(process.pid))


class Counts(harness.Observing):
    def test_large_allocations_are_counted_by_doubling(self):
        document = statistics(self.shape("counted", 77, 100_000).pid)
        entry = next(e for e in document["large_sizes"] if e["from"] == 65_537)
        self.assertEqual(77, entry["allocated"])
        self.assertLessEqual(77, document["allocations"]["large"])

    def test_allocations_of_ended_threads_are_counted(self):
        process = self.start("python3", "-c", """
import ctypes, threading
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
def work():
    for _ in range(1000): libc.free(libc.malloc(700_000))
for _ in range(10):
    t = threading.Thread(target=work); t.start(); t.join()
print('ready', flush=True)
input()""")
        process.stdout.readline()
        sizes = statistics(process.pid)["large_sizes"]
        entry = next(e for e in sizes if e["from"] == 524_289)
        self.assertLessEqual(10_000, entry["allocated"])
        self.assertGreater(10_100, entry["allocated"])

    def test_nothing_is_sampled_until_somebody_asks(self):
        allocations = statistics(self.shape("counted", 100_000, 1000).pid)["allocations"]
        self.assertEqual((0, 0), (allocations["samples"], allocations["sampled_every"]))

    def test_refused_requests_are_counted(self):
        self.assertEqual(3, statistics(self.shape("refused").pid)["allocations"]["refused"])

    def test_the_child_of_a_fork_answers_for_itself(self):
        process = self.start(SHAPES, "forked", 100_000, 640)
        child = int(process.stdout.readline().split()[1])
        process.stdout.readline()
        mine, its = statistics(process.pid), statistics(child)
        self.assert_adds_up(its)
        self.assertAlmostEqual(100_000, by_size(mine, 640)["live"], delta=10)
        self.assertLessEqual(100, mine["allocations"]["large"])
        self.assertGreater(10, its["allocations"]["large"])
        self.assertAlmostEqual(200_000, by_size(its, 640)["live"], delta=10)


class Refusals(harness.Observing):
    def assert_refused(self, done, *texts):
        self.assertEqual(1, done.returncode, done)
        self.assertEqual("", done.stdout)
        self.assertEqual(1, done.stderr.count("\n"), done.stderr)
        for text in ("strata: error: ",) + texts:
            self.assertIn(text, done.stderr)

    def test_no_such_process(self):
        self.assert_refused(strata("stat", 4_000_000), "there is no process 4000000")

    def test_a_process_without_strata(self):
        process = self.shape("live", 1, 1, preload=False)
        self.assert_refused(strata("stat", process.pid), "does not run under Strata",
                            "strata run -- PROGRAM")

    def test_a_process_that_is_not_observed(self):
        process = self.shape("live", 1, 1, observed=False)
        self.assert_refused(strata("stat", process.pid), "was not started to be looked into",
                            "STRATA_OBSERVE=on")

    def test_a_process_that_has_ended(self):
        process = self.shape("live", 1, 1)
        os.kill(process.pid, signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        self.assert_refused(strata("stat", process.pid), "has ended")

    def test_a_stopped_process(self):
        process = self.shape("live", 1, 1)
        self.stop(process)
        self.assert_refused(strata("stat", process.pid), "it is stopped", f"kill -CONT {process.pid}")
        process.send_signal(signal.SIGCONT)
        self.assert_adds_up(statistics(process.pid))

    def test_a_process_that_ends_while_it_is_asked(self):
        def ends_in_time():
            process = self.shape("live", 1, 1)
            self.stop(process)
            asking = subprocess.Popen([harness.STRATA, "stat", str(process.pid)], env=harness.CLEAN,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            # It asks once it has the board; soon after, it would find that the process is stopped.
            maps = pathlib.Path(f"/proc/{asking.pid}/maps")
            self.eventually("it has the board", lambda: "strata-board" in maps.read_text()
                            or asking.poll() is not None)
            process.kill()
            out, err = asking.communicate(timeout=harness.PATIENCE)
            self.assertEqual((1, ""), (asking.returncode, out))
            self.assertRegex(err, "ended while it was|is stopped")
            return "ended while it was" in err
        self.eventually("one ends in time", ends_in_time)

    def test_a_process_that_hangs(self):
        process = self.shape("live", 1, 1)
        frozen = harness.FrozenThread(process.pid)
        self.assert_refused(strata("stat", process.pid), "does not answer: it has not in 5 seconds")
        os.kill(process.pid, signal.SIGKILL)
        frozen.wait_for_end()

    def test_a_process_that_becomes_another_program_while_it_is_asked(self):
        def becomes_in_time():
            process = self.shape("replaced", SHAPES, "live", 1, 1)
            frozen = harness.FrozenThread(process.pid)
            asking = subprocess.Popen([harness.STRATA, "stat", str(process.pid)], env=harness.CLEAN,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            maps = pathlib.Path(f"/proc/{asking.pid}/maps")
            self.eventually("it has the board", lambda: "strata-board" in maps.read_text()
                            or asking.poll() is not None)
            process.stdin.write(b"x")
            process.stdin.flush()
            frozen.wait_for_end()
            self.assertEqual(b"ready\n", process.stdout.readline())
            out, err = asking.communicate(timeout=harness.PATIENCE)
            self.assertEqual((1, ""), (asking.returncode, out))
            self.assertRegex(err, "replaced itself by another program|it has not in 5 seconds")
            return "replaced itself" in err
        self.eventually("one becomes another in time", becomes_in_time)

    def test_a_process_that_becomes_another_program_under_strata_answers_anew(self):
        process = self.shape("replaced", SHAPES, "live", 1000, 640)
        self.assertEqual([], [c for c in statistics(process.pid)["classes"] if c["size"] == 640
                              and c["live"] >= 1000])
        process.stdin.write(b"x")
        process.stdin.flush()
        self.assertEqual(b"ready\n", process.stdout.readline())
        self.assertLessEqual(1000, by_size(statistics(process.pid), 640)["live"])

    @unittest.skipUnless(harness.TWO_USERS, "needs root, and a folder that others may enter")
    def test_another_users_process(self):
        process = self.shape("live", 1, 1)
        done = strata("stat", process.pid, user="nobody", group="nogroup", extra_groups=[])
        self.assert_refused(done, "belongs to root: only root")

    @unittest.skipUnless(harness.TWO_USERS, "needs root, and a folder that others may enter")
    def test_root_may_look_at_everybodys(self):
        process = self.shape("live", 1000, 640, user="nobody", group="nogroup", extra_groups=[])
        self.assert_adds_up(statistics(process.pid))

    def test_a_number_that_is_none_is_a_usage_error(self):
        self.assertEqual(2, strata("stat", "x").returncode)
        self.assertEqual(2, strata("stat").returncode)


class Attaching(harness.Observing):
    def test_the_program_keeps_its_own_descriptors(self):
        list_them = "import os; print(sorted(os.listdir('/proc/self/fd')), flush=True)"
        seen = {self.start("python3", "-c", list_them, observed=o).stdout.readline()
                for o in (True, False)}
        self.assertEqual(1, len(seen), seen)

    def test_a_program_that_closes_and_leaves_everything_answers(self):
        self.assert_adds_up(statistics(self.shape("hermit").pid))

    def test_a_pipe_that_the_program_closes_ends(self):
        # The observer of a forked child begins with copies of its descriptors.
        for _ in range(20):
            process = self.start("sh", "-c", "(exec 1>&-; sleep 100) & echo done; exec 1>&-; sleep 100",
                                 start_new_session=True)
            self.assertEqual(b"done\n", process.stdout.readline())
            self.assertEqual(b"", process.stdout.readline())
            os.killpg(process.pid, signal.SIGKILL)

    def test_commands_that_ask_at_once_all_get_an_answer(self):
        process = self.shape("busy", 2)
        asking = [subprocess.Popen([harness.STRATA, "stat", "--json", str(process.pid)],
                                   env=harness.CLEAN, stdout=subprocess.PIPE) for _ in range(8)]
        for one in asking:
            out, _ = one.communicate(timeout=harness.PATIENCE)
            self.assertEqual(0, one.returncode)
            json.loads(out)

    def test_a_command_that_is_killed_while_it_asks_leaves_no_trace(self):
        process = self.shape("live", 1_000_000, 48)
        for i in range(20):
            asking = subprocess.Popen([harness.STRATA, "stat", str(process.pid)], env=harness.CLEAN,
                                      stdout=subprocess.DEVNULL)
            try:
                asking.wait(timeout=i / 4000)
            except subprocess.TimeoutExpired:
                asking.kill()
                asking.wait()
        self.assert_adds_up(statistics(process.pid))

    def test_nothing_is_there_in_a_process_that_is_not_observed(self):
        process = self.shape("live", 1, 1, observed=False)
        self.assertEqual(1, len(os.listdir(f"/proc/{process.pid}/task")))
        with open(f"/proc/{process.pid}/maps") as maps:
            self.assertNotIn("strata-board", maps.read())

    def test_looking_again_and_again_takes_no_memory(self):
        process = self.shape("live", 100_000, 48)
        first = statistics(process.pid)["resident"]["process"]
        done = strata("stat", "--watch", "0.01", "--count", 50, "--json", process.pid)
        documents = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(50, len(documents))
        self.assertAlmostEqual(first, documents[-1]["resident"]["process"], delta=128 * 1024)


if __name__ == "__main__":
    unittest.main()
