#!/usr/bin/env python3
"""Builds the kernel and boots it in QEMU.

  run_tests.py            the whole matrix: memory sizes, CPUs, machines, maps; about two minutes
  run_tests.py --quick    a handful of boots, for `make test`
  run_tests.py --story    one boot, its story shown

Each boot is one test: it passes when the kernel's own verdict, told by QEMU's exit status, is that
every proof held. The last line is "N passed, M failed". Installs QEMU when it is missing.
"""

import argparse
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parent / "build"
PASSED = 33  # isa-debug-exit: twice 0x10, plus 1
MIB = 1 << 20
GIB = 1 << 30


def install(packages, command):
    if shutil.which(command):
        return
    print(f"{command} is missing: installing {' '.join(packages)}", flush=True)
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    apt = sudo + ["apt-get", "-o", "DPkg::Lock::Timeout=400"]
    subprocess.run(apt + ["install", "-y", "--no-install-recommends", *packages], check=True,
                   stdout=subprocess.DEVNULL)


def build(arch):
    directory = BUILD / f"kernel-{arch}"
    configure = ["cmake", "-S", HERE, "-B", directory, f"-DSTRATA_KERNEL_ARCH={arch}"]
    if arch == "aarch64":
        cross = "aarch64-linux-gnu-"
        configure += ["-DCMAKE_SYSTEM_NAME=Generic", "-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY",
                      f"-DCMAKE_CXX_COMPILER={cross}g++", f"-DCMAKE_ASM_COMPILER={cross}gcc"]
    subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", directory, "-j2"], check=True, stdout=subprocess.DEVNULL)
    return directory / "strata-kernel"


class Boot:
    """One boot: its name, QEMU's arguments, the kernel's command line, a map module."""

    def __init__(self, name, machine, memory, cpus=1, line="", module=None, extra=(), expect=PASSED,
                 text=None, arch="x86_64", threads="single"):
        self.name, self.machine, self.memory, self.cpus = name, machine, memory, cpus
        self.line, self.module, self.extra, self.expect = line, module, list(extra), expect
        self.text = text
        self.arch = arch
        # One host thread for all CPUs: a waiting CPU yields, so a loaded host does not matter, and
        # "multi" for a boot or two, where CPUs really run at once.
        self.threads = threads

    def command(self, kernel, module_file):
        big = self.memory > 4 * GIB
        machine = self.machine + (",memory-backend=ram" if big else "")
        command = ["qemu-system-x86_64", "-accel", f"tcg,thread={self.threads}", "-cpu", "max", "-machine", machine,
                   "-m", f"{self.memory // MIB}M" + self.slots(), "-smp", str(self.cpus),
                   "-nodefaults", "-display", "none", "-monitor", "none", "-no-reboot",
                   "-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04",
                   "-kernel", str(kernel), "-append", f"cpus={self.cpus} {self.line}"]
        if big:
            command += ["-object",
                        f"memory-backend-ram,id=ram,size={self.memory // MIB}M,reserve=off"]
        if module_file:
            command += ["-initrd", module_file]
        return command + self.extra

    def slots(self):
        return ",slots=32,maxmem=64G" if any("pc-dimm" in word for word in self.extra) else ""

    def run(self, kernels):
        start = time.time()
        with tempfile.NamedTemporaryFile("w", suffix=".map") as module:
            if self.module:
                module.write(self.module)
                module.flush()
            command = self.command(kernels[self.arch], module.name if self.module else None)
            try:
                done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, timeout=120)
                status, output = done.returncode, done.stdout.decode(errors="replace")
            except subprocess.TimeoutExpired as late:
                status, output = 124, (late.stdout or b"").decode(errors="replace")
        good = status == self.expect and (self.text is None or self.text in output)
        return good, status, output, time.time() - start


def dimms(count, seed):
    """QEMU arguments and map text for `count` DIMMs of 64 MiB with holes between them."""
    choose = random.Random(seed)
    at, extra, text = 5 * GIB, [], ""
    for i in range(count):
        at += 64 * MIB * choose.randint(1, 12)
        extra += ["-object", f"memory-backend-ram,id=m{i},size=64M",
                  "-device", f"pc-dimm,id=d{i},memdev=m{i},addr={at:#x}"]
        text += f"{at:#x} {64 * MIB:#x} dimm\n"
        at += 64 * MIB
    return extra, text


# In the style of maps recorded on real machines: a desktop with many small holes below 4 GiB.
RECORDED = [
    (0x0, 0x58000, "usable"), (0x58000, 0x1000, "reserved"), (0x59000, 0x45000, "usable"),
    (0x9e000, 0x2000, "reserved"), (0xf0000, 0x10000, "reserved"),
    (0x100000, 0x1ff00000, "usable"), (0x20000000, 0x200000, "reserved"),
    (0x20200000, 0x1fe04000, "usable"), (0x40004000, 0x1000, "reserved"),
    (0x40005000, 0x3d6f3800, "usable"), (0x7d6f8800, 0x5d7800, "reserved"),
    (0x7dcd0000, 0x1b2c000, "usable"), (0x7f7fc000, 0x804000, "reserved"),
    (0xe0000000, 0x10000000, "reserved"), (0xfec00000, 0x1000, "reserved"),
    (0xfee00000, 0x1000, "reserved"), (0x100000000, 0x77e000000, "usable"),
    (0xfd00000000, 0x300000000, "reserved"),
]


def text_of(entries):
    return "".join(f"{base:#x} {length:#x} {kind}\n" for base, length, kind in entries)


def mutate(entries, seed):
    """Shuffles, duplicates, overlaps, empties and wraps entries: what firmware does."""
    choose = random.Random(seed)
    out = list(entries)
    for _ in range(choose.randint(20, 300)):
        base, length, kind = choose.choice(entries)
        what = choose.randint(0, 5)
        if what == 0:
            out.append((base, 0, "usable"))
        elif what == 1:
            out.append((base + choose.randint(0, 1 << 16), length, kind))
        elif what == 2:
            out.append(((1 << 64) - 4096 * choose.randint(1, 9), 1 << 20, "usable"))
        elif what == 3:
            out.append((choose.randrange(1 << 31), choose.randint(1, 1 << 18), "reserved"))
        elif what == 4:
            out.append((base, length, kind))
        else:
            out.append((choose.randrange(1 << 32), choose.randint(1, 5000), "usable"))
    choose.shuffle(out)
    return text_of(out)


def matrix():
    boots = []
    for memory in (4, 16, 64, 512, 3072, 6144, 65536, 524288):
        for cpus in ((1, 2, 4) if memory in (64, 512, 6144) else (2,)):
            machine = "pc" if memory in (4, 64) or cpus == 4 else "q35"
            size = f"{memory} MiB" if memory < 1024 else f"{memory // 1024} GiB"
            boots.append(Boot(f"{machine}, {size}, {cpus} CPUs", machine, memory * MIB, cpus))
    boots.append(Boot("pc, 2 GiB, 4 CPUs, hole below 4 GiB", "pc,max-ram-below-4g=1G", 2 * GIB, 4))
    boots.append(Boot("q35, 512 MiB, 2 CPUs truly at once", "q35", 512 * MIB, 2, threads="multi"))
    for seed in (1, 2, 3):
        extra, text = dimms(16, seed)
        boots.append(Boot(f"q35, 16 DIMMs with holes, seed {seed}", "q35", 512 * MIB, 2,
                          f"seed={seed}", text, extra))
    boots.append(Boot("recorded map", "q35", 6 * GIB, 2, module=text_of(RECORDED)))
    for seed in range(1, 7):
        boots.append(Boot(f"recorded map, mutation {seed}", "q35", (1 if seed % 2 else 6) * GIB, 2,
                          f"seed={seed}", mutate(RECORDED, seed)))
    boots.append(Boot("a million cycles in a narrow window", "q35", 256 * MIB, 1,
                      "cycles=1000000"))
    nothing = "0x0 0x100000000000 reserved\n0x100000 0x40000000 usable\n"
    boots.append(Boot("a map without usable memory", "q35", 64 * MIB, 1, module=nothing, expect=3,
                      text="no usable memory"))
    over = "0x100000 0x8000000 usable\n0x108000 0x1000 reserved\n0x0 0x200000 usable\n"
    boots.append(Boot("a map whose usable memory holds the kernel", "pc", 128 * MIB, 1, module=over))
    return boots


def story():
    extra, text = dimms(4, 5)
    return Boot("q35, 4 DIMMs, the story that `make kernel` shows", "q35", 512 * MIB, 2, "", text, extra)


def quick():
    extra, text = dimms(16, 7)
    return [
        story(),
        Boot("pc, 4 MiB", "pc", 4 * MIB, 1),
        Boot("q35, 512 MiB, 4 CPUs", "q35", 512 * MIB, 4),
        Boot("q35, 512 GiB", "q35", 512 * GIB, 2),
        Boot("q35, 16 DIMMs with holes", "q35", 512 * MIB, 2, "seed=7", text, extra),
        Boot("recorded map, mutated", "q35", 2 * GIB, 2, "seed=9", mutate(RECORDED, 9)),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--story", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="boots whose name contains this")
    arguments = parser.parse_args()

    install(["qemu-system-x86", "seabios"], "qemu-system-x86_64")
    kernels = {"x86_64": build("x86_64")}
    if arguments.story:
        good, status, output, _ = story().run(kernels)
        print(output.replace("\r", ""))
        return 0 if good else 1

    boots = [b for b in (quick() if arguments.quick else matrix()) if arguments.only in b.name]
    passed = failed = 0
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for boot, result in zip(boots, pool.map(lambda b: b.run(kernels), boots)):
            good, status, output, seconds = result
            passed, failed = passed + good, failed + (not good)
            print(f"{'ok  ' if good else 'FAIL'} {seconds:5.1f} s  {boot.name}", flush=True)
            if not good:
                print(f"     exit status {status}, {boot.expect} was expected; its last lines:")
                print("\n".join("     | " + line for line in output.splitlines()[-25:]))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
