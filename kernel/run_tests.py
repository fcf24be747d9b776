#!/usr/bin/env python3
"""Builds the kernels and boots them in QEMU.

  run_tests.py            the whole matrix: memory sizes, CPUs, machines, maps; about two minutes
  run_tests.py --quick    a handful of boots, for `make test`
  run_tests.py --story    one boot, its story shown (--arch aarch64: on the other architecture)

Each boot is one test; the last line is "N passed, M failed". What is missing is installed through
scripts/setup, or with --installed left out.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from maps import BOARD, DESKTOP, dimms, mutate, text_of
from qemu import FAILED, GIB, MIB, Boot

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
NEEDS = {"x86_64": ["qemu-system-x86_64"],
         "aarch64": ["qemu-system-aarch64", "aarch64-linux-gnu-g++"]}


class GuideKernel:
    """The kernel that docs/guide/porting.md shows: built from its snippets, and booted."""

    name, arch, expect = "the kernel of docs/guide/porting.md, from its snippets", "x86_64", 0

    def run(self, _kernels):
        start = time.time()
        done = subprocess.run([HERE / "guide.py"], stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return (done.returncode == 0, done.returncode, done.stdout.decode(errors="replace"),
                time.time() - start)


def build(arch):
    directory = ROOT / "build" / f"kernel-{arch}"
    configure = ["cmake", "-S", HERE, "-B", directory]
    if arch == "aarch64":
        configure.append(f"--toolchain={HERE / 'aarch64' / 'toolchain.cmake'}")
    for command in (configure, ["cmake", "--build", directory, "-j2"]):
        if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode != 0:
            sys.exit(f"the kernel for {arch} does not build: see above")
    return directory / "strata-kernel"


def size_name(memory):
    return f"{memory} MiB" if memory < 1024 else f"{memory // 1024} GiB"


def x86_boots():
    yield GuideKernel()
    for memory in (4, 16, 64, 512, 3072, 6144, 65536, 524288):
        for cpus in (1, 2, 4) if memory in (64, 512, 6144) else (2,):
            machine = "pc" if memory in (4, 64) or cpus == 4 else "q35"
            yield Boot(f"{machine}, {size_name(memory)}, {cpus} CPUs", machine, memory * MIB, cpus)
    yield Boot("pc, 2 GiB, 4 CPUs, hole below 4 GiB", "pc,max-ram-below-4g=1G", 2 * GIB, 4)
    yield Boot("q35, 512 MiB, 2 CPUs truly at once", "q35", 512 * MIB, 2, threads="multi")
    for seed in (1, 2, 3):
        extra, text = dimms(16, seed)
        yield Boot(f"q35, 16 DIMMs with holes, seed {seed}", "q35", 512 * MIB, 2,
                   f"seed={seed}", text, extra)
    yield Boot("q35, a desktop's map", "q35", 6 * GIB, 2, module=text_of(DESKTOP))
    for seed in range(1, 7):
        yield Boot(f"q35, a desktop's map, mutation {seed}", "q35", (1 if seed % 2 else 6) * GIB, 2,
                   f"seed={seed}", mutate(DESKTOP, seed))
    yield Boot("q35, a million cycles in a narrow window", "q35", 256 * MIB, 1, "cycles=1000000")
    nothing = "0x0 0x100000000000 reserved\n0x100000 0x40000000 usable\n"
    yield Boot("q35, a map without usable memory", "q35", 64 * MIB, 1, module=nothing,
               expect=FAILED, text="no usable memory")
    for pages, said in ((3, "no usable memory"), (8, "too little usable memory for ranges"),
                        (24, "too little usable memory for a heap")):
        few = f"0x1000000 {pages * 4096:#x} usable\n"
        yield Boot(f"q35, a map with {pages} usable pages", "q35", 64 * MIB, 1, module=few,
                   expect=FAILED, text=said)
    for base in (0x100000, 0x120000, 0x80000):  # the image is longer than 128 KiB
        yield Boot(f"q35, a module over the kernel, from {base:#x} on", "q35", 64 * MIB, 1,
                   f"module={base}", expect=FAILED, text="overlaps the kernel")
    yield Boot("q35, a module in the middle of usable memory", "q35", 64 * MIB, 1,
               f"module={24 * MIB}")
    over = "0x100000 0x8000000 usable\n0x108000 0x1000 reserved\n0x0 0x200000 usable\n"
    yield Boot("pc, a map whose usable memory holds the kernel", "pc", 128 * MIB, 1, module=over)


def aarch64_boots():
    for memory in (8, 64, 512, 3072, 6144, 524288):
        for cpus in (1, 2, 4) if memory == 512 else (2,):
            yield Boot(f"virt, {size_name(memory)}, {cpus} CPUs", "virt", memory * MIB, cpus)
    yield Boot("virt, 256 MiB, 2 CPUs that cannot split large pages", "virt", 256 * MIB, 2,
               extra=["-cpu", "cortex-a57"])
    yield Boot("virt, 512 MiB, 2 CPUs truly at once", "virt", 512 * MIB, 2, threads="multi")
    nodes = [word for i in range(2) for word in (
        "-object", f"memory-backend-ram,id=n{i},size=256M", "-numa", f"node,memdev=n{i}")]
    yield story("aarch64")
    yield Boot("virt, memory in two nodes, told high first", "virt", 512 * MIB, 2, extra=nodes)
    for seed in (1, 2):
        yield Boot(f"virt, a board's map, mutation {seed}", "virt", 2 * GIB, 2,
                   f"seed={seed}", mutate(BOARD, seed))


def story(arch="x86_64"):
    if arch == "aarch64":
        return Boot("virt, a board's map", "virt", 1 * GIB, 2, module=text_of(BOARD))
    extra, text = dimms(4, 5)
    return Boot("q35, 4 DIMMs, the story that `make kernel` shows", "q35", 512 * MIB, 2, "", text,
                extra)


def quick():
    extra, text = dimms(16, 7)
    return [
        story(),
        GuideKernel(),
        Boot("pc, 4 MiB", "pc", 4 * MIB, 1),
        Boot("q35, 256 MiB, 4 CPUs", "q35", 256 * MIB, 4),
        Boot("q35, 512 GiB", "q35", 512 * GIB, 1),
        Boot("q35, 16 DIMMs with holes", "q35", 256 * MIB, 2, "seed=7", text, extra),
        Boot("q35, a desktop's map, mutated", "q35", 1 * GIB, 1, "seed=9", mutate(DESKTOP, 9)),
        story("aarch64"),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a handful of boots")
    parser.add_argument("--story", action="store_true", help="one boot, shown")
    parser.add_argument("--installed", action="store_true",
                        help="install nothing: leave out what cannot be built or booted here")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="boots at a time")
    parser.add_argument("--arch", choices=sorted(NEEDS), help="boots of this architecture alone")
    parser.add_argument("--only", default="", metavar="TEXT",
                        help="boots whose name contains this")
    arguments = parser.parse_args()

    if arguments.story:
        boots = [story(arguments.arch or "x86_64")]
    else:
        boots = quick() if arguments.quick else [*x86_boots(), *aarch64_boots()]
    boots = [boot for boot in boots if arguments.only in boot.name
             and arguments.arch in (None, boot.arch)]
    if not boots:
        parser.error(f"no boot's name contains {arguments.only!r}")
    lacking = {arch for arch in {boot.arch for boot in boots}
               if not all(shutil.which(tool) for tool in NEEDS[arch])}
    if lacking and not arguments.installed:
        subprocess.run([ROOT / "scripts" / "setup", "kernel"], check=True)
        lacking = set()
    for arch in sorted(lacking):
        print(f"left out, for want of {' or '.join(NEEDS[arch])}: "
              f"{sum(boot.arch == arch for boot in boots)} boots of {arch}")
    boots = [boot for boot in boots if boot.arch not in lacking]
    kernels = {arch: build(arch) for arch in sorted({boot.arch for boot in boots})}

    if arguments.story:
        good, _, output, _ = boots[0].run(kernels)
        print(output.replace("\r", ""))
        return 0 if good else 1

    passed = failed = 0
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for boot, result in zip(boots, pool.map(lambda b: b.run(kernels), boots)):
            good, status, output, seconds = result
            passed, failed = passed + good, failed + (not good)
            print(f"{'ok  ' if good else 'FAIL'} {seconds:5.1f} s  {boot.name}", flush=True)
            if not good:
                print(f"     exit status {status}, {boot.expect} was expected; its last lines:")
                print("\n".join("     | " + line for line in output.splitlines()[-40:]))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
