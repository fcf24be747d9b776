#!/usr/bin/env python3
"""Checks the rules of the house that no compiler checks.

    layers    a folder of src/ includes only what stands below it (LAYERS, bottom to top)
    headers   the core uses freestanding std headers alone; libc only where the system is met
    openings  every source file opens with a comment that says what it is for
    paths     no file names a path of somebody's own machine
    alone     every header of the core compiles by itself, freestanding

    tests/house/house.py [--root FOLDER] [RULE...]      all rules when none is named

Prints one line a finding, "file:line: what", and ends with 1 when there is one. house_test.py keeps
a tree that breaks every rule, so that none of them can pass by looking at nothing.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

# Bottom to top. Folders of one row stand beside each other and do not include one another.
LAYERS = [["base"], ["platform"], ["span"], ["frames"], ["ranges"], ["heap", "region"], ["harden"],
          ["observe"], ["options"], ["front"]]
HEIGHT = {folder: i for i, row in enumerate(LAYERS) for folder in row}

FREESTANDING = {"cstddef", "cstdint", "bit", "concepts", "type_traits", "limits", "new", "utility"}
# What C programs and std::pmr users include may name the headers its interface is made of.
C_PUBLIC = {"stddef.h", "stdint.h", "stdbool.h"}
PUBLIC = {"memory_resource.hpp": FREESTANDING | {"memory_resource", "memory"}}
# What meets the system knows libc, and so does the machine that a test process plays.
HOSTED = ("src/front/", "src/platform/linux/", "src/platform/sim/")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
SOURCE = {".hpp", ".cpp", ".h", ".c", ".def", ".S"}
OPENS = {**{s: ("//", "/*") for s in SOURCE}, ".py": ('"""', "#"), ".sh": ("#",), ".cmake": ("#",),
         "": ("#",), ".ld": ("/*",)}
FOLDERS = ["src", "include", "tool", "tests", "bench", "examples", "kernel", "scripts", "cmake",
           "packaging", ".ci"]
OWN_MACHINE = re.compile(r"(?<![\w.<])/(?:home|root|work|Users)/[A-Za-z0-9_.-]+")


def files(root, *folders):
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def includes(path):
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        found = INCLUDE.match(line)
        if found:
            yield number, found.group(1) == "<", found.group(2)


def layers(root):
    for path in files(root, "src"):
        folder = path.relative_to(root / "src").parts[0]
        if path.suffix not in SOURCE:
            continue
        if folder not in HEIGHT:
            yield path, 1, f"src/{folder} is no layer of the house"
            continue
        for number, system, name in includes(path):
            target = name.split("/")[0]
            if system or target == folder:
                continue
            if target == "strata" and (root / "include" / name).is_file():
                continue
            if target not in HEIGHT:
                yield path, number, f'"{name}" is not named from src/ or include/'
            elif HEIGHT[target] >= HEIGHT[folder]:
                side = "beside" if HEIGHT[target] == HEIGHT[folder] else "above"
                yield path, number, f"src/{target} stands {side} src/{folder}: {name}"


def headers(root):
    for path in files(root, "src", "include"):
        place = str(path.relative_to(root))
        if path.suffix not in SOURCE or place.startswith(HOSTED):
            continue
        allowed = FREESTANDING
        if place.startswith("include/"):
            allowed = C_PUBLIC if path.suffix == ".h" else PUBLIC.get(path.name, FREESTANDING)
        for number, system, name in includes(path):
            if system and name not in allowed:
                yield path, number, f"<{name}> is not for the core, which runs without libc"


def openings(root):
    for path in files(root, *FOLDERS):
        starts = OPENS.get(path.suffix)
        if starts is None or path.name == "__init__.py":
            continue
        lines = path.read_text(errors="replace").splitlines()
        if path.suffix == "" and not (lines and lines[0].startswith("#!")):
            continue
        lines = [line for line in lines if not line.startswith("#!")]
        first = lines[0] if lines else ""
        if not first.startswith(starts) or len(first) < 15:
            yield path, 1, "does not open with a comment that says what the file is for"


def paths(root):
    listed = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True, check=False)
    names = listed.stdout.decode().split("\0") if listed.returncode == 0 else [
        str(p.relative_to(root)) for p in files(root, *FOLDERS)]
    for name in filter(None, names):
        path = root / name
        if not path.is_file() or path.is_symlink():
            continue
        content = path.read_bytes()
        if b"\0" in content[:4096]:
            continue
        for number, line in enumerate(content.decode(errors="replace").splitlines(), 1):
            found = OWN_MACHINE.search(line)
            if found:
                yield path, number, f"names a path of somebody's machine: {found.group(0)}"


def alone(root):
    """Compiles each header as a program of its own, as a kernel would: freestanding, strictly."""
    compiler = os.environ.get("CXX") or shutil.which("g++") or "c++"
    subjects = [p for p in files(root, "src", "include") if p.suffix == ".hpp"
                and not str(p.relative_to(root)).startswith(HOSTED)
                and p.name not in PUBLIC]

    def compile_one(path):
        name = path.relative_to(root)
        shown = "/".join(name.parts[1:])
        return path, subprocess.run(
            [compiler, "-std=c++20", "-ffreestanding", "-fno-exceptions", "-fno-rtti", "-Wall",
             "-Wextra", "-Werror", "-fsyntax-only", f"-I{root}/src", f"-I{root}/include", "-x", "c++",
             "-"], input=f'#include "{shown}"\n', text=True, capture_output=True, check=False)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, done in pool.map(compile_one, subjects):
            if done.returncode != 0:
                error = next((line for line in done.stderr.splitlines() if "error" in line), "")
                yield path, 1, f"does not compile by itself: {error[:200]}"


RULES = {rule.__name__: rule for rule in (layers, headers, openings, paths, alone)}


def main():
    parser = argparse.ArgumentParser(description="Checks the rules of the house.")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).parents[2])
    parser.add_argument("rules", nargs="*", metavar="RULE", help=" ".join(RULES))
    options = parser.parse_args()
    unknown = [rule for rule in options.rules if rule not in RULES]
    if unknown:
        parser.error(f"no rule {unknown[0]!r}; there are: {' '.join(RULES)}")
    root = options.root.resolve()
    if not (root / "src").is_dir():
        parser.error(f"{root} has no src/")
    count = 0
    for name in options.rules or RULES:
        for path, line, what in RULES[name](root):
            print(f"{path.relative_to(root)}:{line}: {what}")
            count += 1
    if count:
        print(f"house: {count} finding{'s' * (count > 1)}")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
