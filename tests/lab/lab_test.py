#!/usr/bin/env python3
"""Tests the command `strata lab` as a user runs it: lab_test.py STRATA

Every test is a function named after what it shows.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

STRATA = sys.argv[1]
PLACE = pathlib.Path(tempfile.mkdtemp(prefix="strata-lab-"))
QUICK = ["--ops", "2000", "--live", "100", "--samples", "0", "--repeats", "1", "--quiet"]


def lab(*arguments):
    return subprocess.run([STRATA, "lab", *arguments], capture_output=True, text=True, timeout=120)


def results(*arguments):
    ran = lab("--json", *arguments)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)["results"]


def trace(text):
    file = PLACE / "trace.txt"
    file.write_text(text)
    return str(file)


def without_choices_all_fits_under_immediate_and_batched_frees():
    found = [(r["fit"], r["free"]) for r in results(*QUICK)]
    fits = ["first", "best", "next", "good", "score"]
    assert found == [(fit, free) for fit in fits for free in ["immediate", "batched"]], found


def every_product_can_be_chosen_and_passes_its_checks():
    found = results("--fit", "all", "--coalesce", "all", "--free", "all", "--provision", "all",
                    "--check-every", "500", *QUICK)
    products = {(r["fit"], r["coalesce"], r["free"], r["provision"]) for r in found}
    assert len(found) == len(products) == 5 * 3 * 3 * 2
    assert all(r["failed_checks"] == 0 and r["refused"] == 0 for r in found)


def the_figures_of_a_product_are_there():
    for r in results("--samples", "5", *QUICK[:4], "--repeats", "1", "--quiet", "--fit", "good"):
        for key in ["nanoseconds_per_operation", "worst_nanoseconds", "footprint_bytes", "mean_search",
                    "longest_search", "fragmentation_end", "fragmentation_peak"]:
            assert r[key] >= 0, key
        assert r["operations"] == 2000 and len(r["over_time"]) >= 50
        assert {"instructions_per_operation", "worst_instructions"} <= r.keys()


def the_same_seed_gives_the_same_figures():
    footprints = [[r["footprint_bytes"] for r in results("--seed", seed, *QUICK)] for seed in "778"]
    assert footprints[0] == footprints[1] != footprints[2]


def a_text_trace_is_run_line_by_line():
    file = trace("# four events\na 1 100\nm 2 64 64\nr 1 300\nf 1\n")
    for r in results("--trace", file, "--quiet"):
        assert r["operations"] == 4 and r["peak_live_bytes"] == 364, r


def a_wrong_line_of_a_trace_is_named():
    for line in ["q 2", "a", "a 1", "a 1 x", "a 1 -5", "a 1 5 5", "a 5 9", "f 7", "r 7 10", "m 1 8",
                 "m 1 8 3"]:
        ran = lab("--trace", trace(f"a 5 100\n{line}\n"), "--quiet")
        assert ran.returncode == 1 and "trace.txt:2:" in ran.stderr, (line, ran.stderr)


def memory_that_is_scarce_is_told_as_refusals():
    assert all(r["refused"] > 0 and r["failed_checks"] == 0
               for r in results("--memory", "8kb", *QUICK))


def the_page_stands_alone_and_holds_the_results():
    file = PLACE / "page.html"
    assert lab("--html", str(file), *QUICK).returncode == 0
    page = file.read_text()
    assert not re.search(r'(src|href)="?(https?:)?//', page)
    data = json.loads(re.search(r"<script>const data = (.*);\n", page).group(1).replace("<\\/", "</"))
    assert len(data["results"]) == 10 and len(data["results"][0]["cells"]) >= 50


def what_cannot_be_done_is_an_error():
    for arguments, named in [(["--fit", "tight"], "tight not in"), (["--law", "none"], "none not in"),
                             (["--trace", "/nonexistent"], "/nonexistent"),
                             (["--ops", "0"], "0 is no whole number >= 1"),
                             (["--ops", "1e3"], "1e3 is no whole number"),
                             (["--seed", "-1"], "-1 is no whole number >= 0"),
                             (["--check-every", "-1"], "-1 is no whole number >= 0"),
                             (["--repeats", "0"], "0 is no whole number >= 1"),
                             (["--samples", "-3"], "-3 is no whole number >= 0"),
                             (["--html", "/nonexistent/page.html", *QUICK],
                              "cannot write /nonexistent/page.html")]:
        ran = lab(*arguments)
        assert ran.returncode != 0 and named in ran.stderr, (arguments, ran.stderr)


def instructions_are_counted_the_same_each_time():
    counted = [[(r["instructions_per_operation"], r["worst_instructions"])
                for r in results("--samples", "5", *QUICK[:4], "--repeats", "1", "--fit", "good")]
               for _ in range(2)]
    assert counted[0] == counted[1], counted


failed = 0
for name, test in [(n, f) for n, f in globals().copy().items() if callable(f)]:
    if name in ("lab", "results", "trace"):
        continue
    try:
        test()
        print(f"ok      {name}")
    except Exception as problem:  # an assertion, a missing key, output that is no JSON
        failed += 1
        print(f"FAILED  {name}: {type(problem).__name__}: {problem}")
sys.exit(1 if failed else 0)
