"""Each rule of house.py finds what it is for, and nothing in a tree that keeps the rules."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

HOUSE = pathlib.Path(__file__).parent / "house.py"
GOOD = "// Says what it is for, at some length.\n#pragma once\n"


def findings(rule, tree):
    """The lines that `rule` prints for a tree given as {path: content}."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "src").mkdir()
        for name, content in tree.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content)
        done = subprocess.run([sys.executable, HOUSE, "--root", root, rule], capture_output=True,
                              text=True, check=False)
        assert (done.returncode == 1) == bool(done.stdout), done
        return done.stdout


class House(unittest.TestCase):
    def test_a_file_may_include_what_stands_below(self):
        self.assertEqual("", findings("layers", {
            "src/heap/a.hpp": GOOD + '#include "base/b.hpp"\n#include "heap/c.hpp"\n'}))

    def test_including_a_higher_layer_is_found(self):
        self.assertIn("src/base/a.hpp:3: src/heap stands above", findings("layers", {
            "src/base/a.hpp": GOOD + '#include "heap/b.hpp"\n'}))

    def test_heap_and_region_stand_beside_each_other(self):
        self.assertIn("stands beside", findings("layers", {
            "src/region/a.hpp": GOOD + '#include "heap/b.hpp"\n'}))

    def test_an_include_by_bare_name_is_found(self):
        self.assertIn("not named from src/", findings("layers", {
            "src/heap/a.hpp": GOOD + '#include "b.hpp"\n'}))

    def test_a_folder_outside_the_order_is_found(self):
        self.assertIn("no layer", findings("layers", {"src/util/a.hpp": GOOD}))

    def test_a_hosted_header_in_the_core_is_found(self):
        self.assertIn("<atomic>", findings("headers", {
            "src/heap/a.hpp": GOOD + "#include <atomic>\n"}))
        self.assertIn("<errno.h>", findings("headers", {
            "src/heap/a.cpp": GOOD + "#  include <errno.h>\n"}))

    def test_libc_is_known_only_where_the_system_is_met(self):
        self.assertEqual("", findings("headers", {
            "src/front/a.cpp": GOOD + "#include <errno.h>\n",
            "src/platform/linux/a.cpp": GOOD + "#include <sys/mman.h>\n",
            "src/heap/a.hpp": GOOD + "#include <cstddef>\n"}))
        self.assertIn("<sys/mman.h>", findings("headers", {
            "src/platform/a.hpp": GOOD + "#include <sys/mman.h>\n"}))

    def test_a_file_without_an_opening_is_found(self):
        self.assertIn("tests/a.cpp:1", findings("openings", {"tests/a.cpp": "int a;\n"}))
        self.assertIn("scripts/b", findings("openings", {"scripts/b": "#!/bin/sh\nls\n"}))
        self.assertEqual("", findings("openings", {
            "src/base/a.hpp": GOOD, "tests/t.py": '#!/usr/bin/env python3\n"""Says what for."""\n'}))

    def test_a_path_of_somebodys_machine_is_found(self):
        home = "/ho" + "me/"
        self.assertIn("src/base/a.hpp:2", findings("paths", {
            "src/base/a.hpp": f"// Says what it is for.\n// see {home}jane/notes\n"}))

    def test_a_header_that_needs_another_is_found(self):
        self.assertIn("does not compile by itself", findings("alone", {
            "src/base/a.hpp": GOOD + "inline size_t f() { return 1; }\n"}))
        self.assertEqual("", findings("alone", {
            "src/base/a.hpp": GOOD + "#include <cstddef>\ninline std::size_t f() { return 1; }\n"}))


if __name__ == "__main__":
    unittest.main()
