#!/usr/bin/env python3
"""strata profile: estimates of what a program of known allocations did, and files that others read.

Bounds are six standard deviations of the estimate or more: a fair run fails once in 10^8.
"""

import math
import re
import shutil
import sys
import unittest

from harness import BUILD, Observing, strata

try:
    from pprof import Profile
except ImportError:
    Profile = None

KNOWN = BUILD / "tests/observe/known"
MEAN = 32 * 1024


def tolerance(size, count, mean=MEAN):
    """Six standard deviations of the sum of `count` blocks of `size` bytes."""
    chance = -math.expm1(-size / mean)
    return 6 * size * math.sqrt(count * (1 - chance) / chance)


@unittest.skipIf(Profile is None, "python3-protobuf is not installed")
class Estimates(Observing):
    def profile(self, *words, options=(), code=0):
        path = self.folder / "heap.pb.gz"
        done = strata("profile", "--mean", MEAN, "-o", path, *options, "--", *words)
        self.assertEqual(code, done.returncode, done.stderr)
        return Profile(path)

    def assert_bytes(self, profile, kind, function, size, count, **labels):
        self.assertAlmostEqual(size * count, profile.total(kind, function, **labels),
                               delta=tolerance(size, count), msg=f"{kind} of {function}")

    def test_live_and_allocated_bytes_are_those_of_the_program(self):
        profile = self.profile(KNOWN)
        self.assert_bytes(profile, "inuse_space", "keep_small", 208, 100_000)
        self.assert_bytes(profile, "alloc_space", "keep_small", 208, 100_000)
        self.assert_bytes(profile, "alloc_space", "pass_medium", 1024, 100_000)
        self.assertEqual(0, profile.total("inuse_space", "pass_medium"))
        self.assertAlmostEqual(100_000, profile.total("inuse_objects", "keep_small"),
                               delta=tolerance(208, 100_000) / 208)

    def test_what_was_live_at_the_peak_is_known_although_it_was_freed(self):
        profile = self.profile(KNOWN)
        self.assertEqual(0, profile.total("inuse_space", "peak_in_vector"))
        self.assertAlmostEqual(40_000_000, profile.total("peak_space", "peak_in_vector"), delta=8192)

    def test_threads_are_profiled_with_the_functions_they_began_in(self):
        profile = self.profile(KNOWN)
        self.assert_bytes(profile, "inuse_space", "keep_in_thread", 65_536, 100)

    def test_children_have_profiles_of_their_own(self):
        profile = self.profile(KNOWN, "fork")
        self.assert_bytes(profile, "inuse_space", "keep_in_child", 400, 50_000)
        self.assert_bytes(profile, "inuse_space", "keep_small", 208, 100_000)
        pids = {labels["pid"] for _, _, labels in profile.samples}
        self.assertEqual(2, len(pids))

    def test_nothing_is_lost_when_the_program_is_killed_or_ends_without_a_word(self):
        self.assert_bytes(self.profile(KNOWN, "exit", code=7), "inuse_space", "keep_small", 208,
                          100_000)
        self.assert_bytes(self.profile(KNOWN, "kill", code=-9), "inuse_space", "keep_small", 208,
                          100_000)

    def test_every_program_of_a_chain_is_in_it(self):
        profile = self.profile("sh", "-c", f"{KNOWN} >/dev/null; exec {KNOWN} exit", code=7)
        self.assert_bytes(profile, "inuse_space", "keep_small", 208, 200_000, process="known")

    def test_what_holds_sparse_slabs_is_known_of_a_program(self):
        profile = self.profile(KNOWN, "sparse", options=("--held",))
        scattered = profile.total("held_space", "take_scattered")
        self.assertGreater(scattered, 3 * (profile.total("held_space") - scattered))

    def test_real_programs_run_as_they_do(self):
        done = strata("profile", "-q", "--", sys.executable, "-c",
                      "import sys; print(sum(len(str(i)) for i in range(300000))); sys.exit(3)")
        self.assertEqual((3, "1688890\n", ""), (done.returncode, done.stdout, done.stderr))


@unittest.skipIf(Profile is None, "python3-protobuf is not installed")
class Files(Observing):
    def test_the_pprof_file_says_what_it_holds(self):
        path = self.folder / "heap.pb.gz"
        strata("profile", "--allocated", "--mean", "64KiB", "-o", path, "--", KNOWN)
        profile = Profile(path)
        self.assertEqual(["alloc_objects", "alloc_space", "inuse_objects", "inuse_space",
                          "peak_objects", "peak_space"], profile.types)
        self.assertEqual({"count", "bytes"}, set(profile.units))
        self.assertEqual("alloc_space", profile.default_type)
        self.assertEqual(64 * 1024, profile.raw.period)
        self.assertGreater(profile.raw.duration_nanos, 300_000_000)
        self.assertIn(str(KNOWN), profile.mappings)
        self.assertTrue(any(name.endswith("known.cpp") for name in profile.files), profile.files)

    def test_stacks_reach_from_the_call_to_main(self):
        path = self.folder / "heap.pb.gz"
        strata("profile", "--mean", MEAN, "-o", path, "--", KNOWN)
        stacks = [names for names, _, _ in Profile(path).samples
                  if any(name.startswith("keep_small") for name in names)]
        self.assertTrue(stacks)
        for names in stacks:
            self.assertTrue(names[0].startswith("take"), names)
            self.assertLess(names.index("main"), len(names), names)

    def test_collapsed_stacks_sum_to_what_the_profile_says(self):
        folded, pprof = self.folder / "heap.folded", self.folder / "heap.pb.gz"
        strata("profile", "--live", "--mean", MEAN, "-o", folded, "-o", pprof, "--", KNOWN)
        lines = folded.read_text().splitlines()
        for line in lines:
            self.assertRegex(line, r"^known;.* \d+$")
        small = sum(int(line.rpartition(" ")[2]) for line in lines if ";keep_small" in line)
        expected = Profile(pprof).total("inuse_space", "keep_small")
        self.assertAlmostEqual(expected, small, delta=expected * 1e-3)

    def test_the_table_names_the_largest_site_first(self):
        done = strata("profile", "--allocated", "--mean", MEAN, "--", KNOWN)
        first = re.search(r"site\n.*", done.stderr).group(0)
        self.assertRegex(first, r"site\n +\d.* take \(known\.cpp:\d+\)")
        self.assertIn("< pass_medium < main", done.stderr)

    def test_a_container_is_named_by_who_uses_it(self):
        done = strata("profile", "--mean", MEAN, "--", KNOWN)
        self.assertRegex(done.stderr, r"38\.1 MiB +\d+% +1  peak_in_vector \(known\.cpp:\d+\)")


@unittest.skipIf(Profile is None, "python3-protobuf is not installed")
class Attached(Observing):
    def hold(self):
        process = self.start(KNOWN, "hold")
        self.assertEqual(b"ready\n", process.stdout.readline())
        return process

    def go_on(self, process):
        process.stdin.write(b"\n")
        process.stdin.flush()
        self.assertEqual(b"done\n", process.stdout.readline())

    def take(self, process, *options):
        path = self.folder / "heap.pb.gz"
        done = strata("profile", "-o", path, *options, process.pid)
        self.assertEqual(0, done.returncode, done.stderr)
        return Profile(path), done.stderr

    def test_a_process_is_profiled_from_when_it_is_switched_on(self):
        process = self.hold()
        self.assertEqual(0, strata("profile", "--on", "--mean", MEAN, process.pid).returncode)
        self.go_on(process)
        profile, _ = self.take(process)
        self.assertAlmostEqual(208 * 100_000, profile.total("inuse_space", "keep_small"),
                               delta=tolerance(208, 100_000))
        self.assertEqual(0, strata("profile", "--off", process.pid).returncode)
        process.stdin.write(b"\n")
        process.stdin.flush()
        self.assertEqual(0, process.wait(30))

    def test_it_is_off_again_after_a_look(self):
        process = self.hold()
        _, text = self.take(process, "--seconds", "0.1")
        self.assertIn("before the profile began", text)
        self.go_on(process)
        profile, _ = self.take(process, "--seconds", "0")
        self.assertEqual(0, profile.total("inuse_space", "keep_small"))

    def test_what_holds_sparse_slabs_is_named(self):
        process = self.hold()
        strata("profile", "--on", "--mean", 8192, process.pid)
        self.go_on(process)
        profile, text = self.take(process, "--held")
        scattered = profile.total("held_space", "take_scattered")
        self.assertGreater(scattered, 3 * (profile.total("held_space") - scattered))
        self.assertEqual("held_space", profile.default_type)
        self.assertRegex(text, r"site\n.* take .*\n +< take_scattered < ")

    def test_a_process_that_is_not_observed_is_refused_with_the_reason(self):
        process = self.start(KNOWN, "hold", observed=False)
        self.assertEqual(b"ready\n", process.stdout.readline())
        done = strata("profile", process.pid)
        self.assertEqual(1, done.returncode)
        self.assertIn("was not started to be looked into", done.stderr)

    def test_a_mode_that_checks_has_none(self):
        process = self.start(KNOWN, "hold", env={"STRATA_MODE": "hardened"})
        self.assertEqual(b"ready\n", process.stdout.readline())
        done = strata("profile", "--on", process.pid)
        self.assertEqual(1, done.returncode)
        self.assertIn("only the default mode", done.stderr)


class Refusals(Observing):
    def test_a_program_that_is_not_there_is_said_to_be_so(self):
        done = strata("profile", "--", "/nowhere/at/all")
        self.assertEqual(127, done.returncode)
        self.assertIn("cannot run /nowhere/at/all", done.stderr)

    def test_a_bad_mean_is_refused(self):
        for mean in ("0", "1TiB", "often"):
            self.assertEqual(2, strata("profile", "--mean", mean, "--", "true").returncode, mean)

    def test_the_library_alone_does_not_write_to_other_files(self):
        other = self.folder / "other"
        other.write_bytes(b"x" * 8192)
        process = self.start(shutil.which("true"), observed=False, env={"STRATA_PROFILE": str(other)},
                             stderr=-1)
        text = process.stderr.read().decode()
        process.stderr.close()
        self.assertIn("no heap profile", text)
        self.assertEqual(b"x" * 8192, other.read_bytes())


if __name__ == "__main__":
    unittest.main()
