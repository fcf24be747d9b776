"""Boot: one start of the kernel in QEMU, and whether it went as expected.

A boot passes when the kernel's own verdict, told by QEMU's exit status, is the expected one:
33 that every proof held, 3 that one failed (or that there is no memory to start on), 7 a trap;
124 is a hang.
"""

import subprocess
import tempfile
import time

PASSED, FAILED = 33, 3
MIB = 1 << 20
GIB = 1 << 30
PATIENCE = 240  # seconds; a loaded host is slow, a hang is for ever

MACHINES = {
    "x86_64": ["-cpu", "max", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"],
    "aarch64": ["-semihosting"],
}


class Boot:
    """Its name, the machine's shape, the kernel's command line, a map module, what is expected."""

    def __init__(self, name, machine, memory, cpus=1, line="", module=None, extra=(), expect=PASSED,
                 text=None, threads="single"):
        self.name, self.machine, self.memory, self.cpus = name, machine, memory, cpus
        self.line, self.module, self.extra = line, module, list(extra)
        self.expect, self.text = expect, text
        self.arch = "aarch64" if machine.startswith("virt") else "x86_64"
        # One host thread for all CPUs: a waiting CPU yields, so a loaded host does not matter, and
        # "multi" for a boot or two, where CPUs really run at once.
        self.threads = threads

    def command(self, kernel, module_file):
        big = self.memory > 4 * GIB
        slots = ",slots=32,maxmem=64G" if any("pc-dimm" in word for word in self.extra) else ""
        command = [f"qemu-system-{self.arch}", "-accel", f"tcg,thread={self.threads}",
                   "-machine", self.machine + (",memory-backend=ram" if big else ""),
                   "-m", f"{self.memory // MIB}M{slots}", "-smp", str(self.cpus),
                   "-nodefaults", "-display", "none", "-monitor", "none", "-no-reboot",
                   "-serial", "stdio", "-kernel", str(kernel),
                   "-append", f"cpus={self.cpus} {self.line}", *MACHINES[self.arch]]
        if self.arch == "aarch64" and "-cpu" not in self.extra:
            command += ["-cpu", "max"]
        if big:  # the host need not have it: only what is touched is taken
            command += ["-object",
                        f"memory-backend-ram,id=ram,size={self.memory // MIB}M,reserve=off"]
        if module_file:
            command += ["-initrd", module_file]
        return command + self.extra

    def run(self, kernels):
        """Returns whether it passed, QEMU's exit status, the serial output, the seconds it took."""
        start = time.time()
        with tempfile.NamedTemporaryFile("w", suffix=".map") as module:
            if self.module:
                module.write(self.module)
                module.flush()
            command = self.command(kernels[self.arch], module.name if self.module else None)
            try:
                done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, timeout=PATIENCE, check=False)
                status, output = done.returncode, done.stdout.decode(errors="replace")
            except subprocess.TimeoutExpired as late:
                status, output = 124, (late.stdout or b"").decode(errors="replace")
        good = status == self.expect and (self.text is None or self.text in output)
        return good, status, output, time.time() - start
