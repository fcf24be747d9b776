"""`strata doctor` names the illness of programs that were made ill, and names it first."""

import json
import subprocess
import unittest

import harness
from harness import BUILD, MIB, strata

ILL = BUILD / "tests/observe/ill"


class Doctoring(harness.Observing):
    def ill(self, illness, **options):
        process = self.start(*(["sh", "-c", f"ulimit -v {options.pop('kilobytes')}; exec {ILL} {illness}"]
                               if "kilobytes" in options else [ILL, illness]), **options)
        self.assertEqual(b"ready\n", process.stdout.readline())
        return process

    def findings(self, process):
        done = strata("doctor", "--json", process.pid)
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout)["findings"]

    def first(self, illness, **options):
        return self.findings(self.ill(illness, **options))[0]


class Causes(Doctoring):
    def assert_first(self, cause, illness, least=0, **options):
        finding = self.first(illness, **options)
        self.assertEqual(cause, finding["cause"], finding)
        self.assertLessEqual(least, finding["bytes"])
        return finding

    def test_memory_that_waits_for_its_purge(self):
        finding = self.assert_first("waiting_for_purge", "dirty", 45 * MIB,
                                    env={"STRATA_DIRTY_LIMIT": "1GiB", "STRATA_PURGE_DELAY": "10min"})
        self.assertIn("Take back the options", finding["remedy"])

    def test_a_class_kept_alive_by_few_blocks(self):
        finding = self.assert_first("sparse_class", "sparse_class", 20 * MIB)
        self.assertIn("Blocks of 48 bytes", finding["finding"])

    def test_sparse_slabs_of_all_sizes(self):
        self.assert_first("fragmentation", "fragmented", 20 * MIB)

    def test_one_threads_cache(self):
        finding = self.assert_first("thread_cache", "thread_cache", 15 * MIB)
        self.assertIn("(hoarder)", finding["finding"])

    def test_stacks(self):
        self.assert_first("stacks", "stacks", 60 * MIB)

    def test_the_programs_own_variables(self):
        finding = self.assert_first("program", "program", 60 * MIB)
        self.assertIn("tests/observe/ill", finding["detail"])

    def test_memory_that_the_program_maps_itself(self):
        self.assert_first("other_mappings", "own_mappings", 50 * MIB)

    def test_shared_memory(self):
        self.assert_first("shared_memory", "shared_memory", 50 * MIB)

    def test_mapped_files(self):
        finding = self.assert_first("file_pages", "mapped_file", 50 * MIB)
        self.assertIn("strata-ill-", finding["detail"])

    def test_the_classic_heap(self):
        self.assert_first("other_malloc", "classic_heap", 50 * MIB)

    def test_huge_pages(self):
        with open("/sys/kernel/mm/transparent_hugepage/enabled") as state:
            if "[never]" in state.read():
                self.skipTest("this system has no transparent huge pages")
        finding = self.assert_first("huge_pages", "scattered", 20 * MIB,
                                    env={"STRATA_HUGE_PAGES": "on"})
        self.assertIn("STRATA_HUGE_PAGES=off", finding["remedy"])

    def test_eager_commit(self):
        self.assert_first("eager_commit", "scattered", 20 * MIB, env={"STRATA_COMMIT": "eager"})

    def test_a_misspelt_option(self):
        finding = self.assert_first("option", "healthy", env={"STRATA_DIRTY_LIMMIT": "1MiB"})
        self.assertIn("did you mean STRATA_DIRTY_LIMIT?", finding["finding"])

    def test_a_bad_value(self):
        finding = self.assert_first("option", "healthy", env={"STRATA_DIRTY_LIMIT": "lots"})
        self.assertIn('"lots" is no value for STRATA_DIRTY_LIMIT', finding["finding"])

    def test_requests_that_a_limit_refused(self):
        finding = self.assert_first("limit", "refused", kilobytes=300_000)
        self.assertIn("5 requests", finding["finding"])
        self.assertIn("Addresses are limited to 293.0 MiB", finding["detail"])

    def test_requests_that_no_limit_explains(self):
        process = self.shape("refused")
        self.assertIn("a size that nobody can have meant", self.findings(process)[0]["remedy"])

    def test_mappings_that_are_nearly_used_up(self):
        with open("/proc/sys/vm/max_map_count") as most:
            if int(most.read()) > 65_536:
                self.skipTest("this system allows more mappings")
        self.assert_first("mappings", "mappings")

    def test_a_program_with_a_malloc_of_its_own(self):
        finding = json.loads(strata("doctor", "--json", "--", BUILD / "tests/observe/own_malloc").stdout)
        self.assertEqual("not_served", finding["findings"][0]["cause"])
        self.assertIn("brings its own malloc", finding["findings"][0]["finding"])

    def test_a_healthy_program_is_told_that_it_has_what_it_asked_for(self):
        self.assert_first("live", "healthy", 50 * MIB)

    def test_python_is_told_of_its_arenas(self):
        process = self.start("python3", "-c", "x = [str(i) * 9 for i in range(500000)]\n"
                             "print('ready', flush=True)\ninput()")
        process.stdout.readline()
        self.assertIn("PYTHONMALLOC=malloc", self.findings(process)[0]["remedy"])


class Manners(Doctoring):
    def test_a_process_without_strata_is_seen_from_outside(self):
        findings = self.findings(self.ill("own_mappings", preload=False))
        self.assertEqual(["not_observed", "other_mappings"], [f["cause"] for f in findings][:2])

    def test_a_process_that_is_not_observed_is_seen_from_outside(self):
        findings = self.findings(self.ill("stacks", observed=False))
        self.assertEqual(["not_observed", "stacks"], [f["cause"] for f in findings][:2])

    def test_every_finding_has_a_figure_and_a_remedy(self):
        for finding in self.findings(self.ill("sparse_class")):
            self.assertRegex(finding["finding"], r"\d")
            self.assertNotEqual("", finding["remedy"])

    def test_words_are_for_people(self):
        done = strata("doctor", self.ill("stacks").pid)
        self.assertRegex(done.stdout, r"(?m)^ 1\. \d+\.\d MiB \(\d+% of what is resident\) are stacks")
        self.assertIn("To do: ", done.stdout)

    def test_a_program_is_run_and_looked_at_when_most_is_resident(self):
        done = strata("doctor", "--json", "--", "python3", "-c",
                      harness.SEEN + "x = bytearray(100_000_000); seen()")
        document = json.loads(done.stdout)
        self.assertEqual("live", document["findings"][0]["cause"])
        self.assertLess(100_000_000, self.assert_adds_up(document["statistics"])["live"])

    def test_a_program_that_is_not_there(self):
        self.assertEqual(127, strata("doctor", "no-such-program").returncode)

    def test_static_programs_are_told_so(self):
        done = strata("doctor", "--", BUILD / "tests/observe/static")
        self.assertIn("is statically linked", done.stdout)

    def test_nothing_is_a_usage_error(self):
        self.assertEqual(2, strata("doctor").returncode)


if __name__ == "__main__":
    unittest.main()
