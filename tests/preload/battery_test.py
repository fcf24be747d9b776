"""The battery finds what is wrong with a library, and leaves nothing behind.

Each test gives it a library made to be bad in one way. A battery that could not fail would prove
nothing about a good one.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

BATTERY = pathlib.Path(__file__).parent / "battery.py"


class Battery(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.addCleanup(self.place.cleanup)
        self.folder = pathlib.Path(self.place.name)

    def library(self, code):
        source = self.folder / "bad.c"
        source.write_text("#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <errno.h>\n"
                          "#include <signal.h>\n#include <stdio.h>\n#include <stdlib.h>\n"
                          "#include <string.h>\n#include <unistd.h>\n" + code)
        out = self.folder / f"libbad{os.getpid()}.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-w", "-o", out, source], check=True)
        return out

    def battery(self, library, *options, only="sed"):
        return subprocess.run(
            [sys.executable, BATTERY, "--quick", "--scale", "0.02", "--only", only, "--library",
             library, *options], capture_output=True, text=True, check=False)

    def assert_found(self, done, text):
        self.assertEqual(1, done.returncode, done.stdout + done.stderr)
        self.assertIn("FAILED", done.stdout)
        self.assertIn(text, done.stdout)

    def test_a_harmless_library_passes(self):
        done = self.battery(self.library("int nothing;"), "--json", self.folder / "out.json")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertIn("1 programs passed, 0 failed, 0 skipped, 0 broken", done.stdout)
        figures = json.loads((self.folder / "out.json").read_text())
        self.assertGreater(figures["programs"]["sed"][f"bad{os.getpid()}"]["peak_bytes"][0], 500_000)

    def test_a_crash_is_found(self):
        code = 'void* malloc(size_t n) { raise(SIGSEGV); return 0; }'
        self.assert_found(self.battery(self.library(code), only="lua"), "killed by SIGSEGV")

    def test_a_crash_inside_a_pipeline_after_its_output_is_found(self):
        code = ('__attribute__((destructor)) static void end(void) {'
                '  if (strcmp(program_invocation_short_name, "sed") == 0) raise(SIGSEGV); }')
        self.assert_found(self.battery(self.library(code)), "ended with code 139")

    def test_a_report_on_stderr_is_found(self):
        code = ('__attribute__((destructor)) static void end(void) {'
                '  write(2, "strata: error: double free of 0x10\\n", 35); }')
        self.assert_found(self.battery(self.library(code)), "double free of 0x10")

    def test_a_wrong_output_is_found(self):
        code = ('size_t fwrite(const void* p, size_t a, size_t b, FILE* f) {'
                '  size_t (*real)(const void*, size_t, size_t, FILE*) = dlsym(RTLD_NEXT, "fwrite");'
                '  return *(char*)p > \'0\' ? real("0", 1, 1, f), b : real(p, a, b, f); }')
        self.assert_found(self.battery(self.library(code), only="lua"), "output differs")

    def test_a_library_the_loader_refuses_is_found(self):
        refused = self.folder / "libtext.so"
        refused.write_text("not an ELF file")
        self.assert_found(self.battery(refused), "cannot be preloaded")

    def test_a_program_that_hangs_is_ended(self):
        code = "__attribute__((constructor)) static void begin(void) { pause(); }"
        library = self.library(code)
        self.assert_found(self.battery(library, "--limit", "10"), "did not end within 10 s")
        self.assertEqual([], still_running(library))

    def test_a_server_that_fails_is_ended(self):
        # Answers while it starts, then hangs when asked for memory of the size of large values.
        code = ('void* malloc(size_t n) { static void* (*real)(size_t);'
                '  if (!real) real = dlsym(RTLD_NEXT, "malloc");'
                '  if (n > 2500 && n < 3000) pause(); return real(n); }')
        library = self.library(code)
        done = self.battery(library, "--limit", "20", only="redis")
        if "skipped" in done.stdout and "not installed" in done.stdout:
            self.skipTest("redis is not installed")
        self.assertEqual(1, done.returncode, done.stdout + done.stderr)
        self.assertEqual([], still_running(library))

    def test_bad_usage_says_what_to_do(self):
        done = self.battery(self.folder / "libnone.so")
        self.assertEqual(2, done.returncode)
        self.assertIn("no library at", done.stderr)
        done = self.battery(self.library("int nothing;"), only="sed,nosuch")
        self.assertEqual(2, done.returncode)
        self.assertIn("no such program: nosuch", done.stderr)


def still_running(library):
    """Processes that still have the library, or the battery's copy of it, in their environment."""
    found = []
    for environ in pathlib.Path("/proc").glob("[0-9]*/environ"):
        try:
            if library.name.encode() in environ.read_bytes():
                found.append(environ.parent.name)
        except OSError:
            continue
    return found


if __name__ == "__main__":
    unittest.main()
