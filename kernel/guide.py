#!/usr/bin/env python3
"""Builds the kernel that docs/guide/porting.md shows, from its snippets as they stand there.

  guide.py [--keep DIR]    writes the snippets to files, runs the guide's build commands, and its
                           boot command when QEMU is installed; DIR keeps the files

The exit code is 0 when it was built and, if booted, said that the heap works.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
GUIDE = ROOT / "docs" / "guide" / "porting.md"
PASSED = 33


def snippets(text):
    """The files of the guide, by name, and its shell commands in order."""
    files = dict(re.findall(r"^`([\w./]+)`:\n```\w+\n(.*?)^```$", text, re.M | re.S))
    commands = re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
    return files, commands


def build(directory):
    """Builds the guide's kernel in `directory`, and returns the command that boots it."""
    files, (building, booting) = snippets(GUIDE.read_text())
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    subprocess.run(["bash", "-euc", building], cwd=directory, check=True,
                   env={**os.environ, "STRATA": str(ROOT)})
    return booting


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", metavar="DIR", help="where to write the files, for good")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        directory = pathlib.Path(arguments.keep or scratch).absolute()
        directory.mkdir(parents=True, exist_ok=True)
        booting = build(directory)
        if shutil.which("qemu-system-x86_64") is None:
            print("built; not booted, for want of qemu-system-x86_64")
            return 0
        done = subprocess.run(["bash", "-uc", booting], cwd=directory, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, timeout=240, check=False)
        said = done.stdout.decode(errors="replace").strip()
        print(f"{said} (QEMU ended with {done.returncode})")
        return 0 if done.returncode == PASSED and said == "the heap works" else 1


if __name__ == "__main__":
    sys.exit(main())
