"""Programs to look at and commands that look, for the tests of the command `strata`.

Started by ctest with STRATA_BUILD, the build's folder, in the environment.
"""

import ctypes
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

BUILD = pathlib.Path(os.environ.get("STRATA_BUILD", pathlib.Path(__file__).parents[2] / "build"))
STRATA = BUILD / "strata"
LIBRARY = BUILD / "libstrata.so"
SHAPES = BUILD / "tests/observe/shapes"
PATIENCE = 120  # seconds, only so that what hangs ends: no test depends on how fast the machine is
MIB = 1 << 20
# Whether one user here can be two, and the other one can run what was built.
TWO_USERS = os.geteuid() == 0 and all(folder.stat().st_mode & 0o1 for folder in STRATA.parents)

# What the tests themselves run under must not tell on what they start.
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith("STRATA_") and k != "LD_PRELOAD"}

# For Python programs under `strata run`: seen() comes back when the command has looked several times
# at what is there now. Each question wakes the thread that answers.
SEEN = """
import pathlib, time
def asked():
    for task in pathlib.Path('/proc/self/task').iterdir():
        status = (task / 'status').read_text()
        if status.startswith('Name:\\tstrata-observe\\n'):
            return int(status.rpartition('\\nvoluntary_ctxt_switches:')[2].split()[0])
    return 0
def seen(questions=8, seconds=0.5):
    start, until = asked(), time.monotonic() + seconds
    while asked() < start + questions or time.monotonic() < until: time.sleep(0.01)
"""


def strata(*arguments, **options):
    """Runs the command to its end; its text comes back."""
    return subprocess.run([STRATA, *map(str, arguments)], capture_output=True, text=True, check=False,
                          timeout=PATIENCE, **{"env": CLEAN, **options})


def statistics(process):
    done = strata("stat", "--json", process)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def parts(resident):
    return sum(bytes for name, bytes in resident.items() if name not in ("total", "process"))


class FrozenThread:
    """The thread of a child of ours that answers, kept from doing so: its process looks alive."""

    SEIZE, INTERRUPT, WALL = 0x4206, 0x4207, 0x40000000

    def __init__(self, process):
        self.number = next(int(task.name) for task in pathlib.Path(f"/proc/{process}/task").iterdir()
                           if (task / "comm").read_text() == "strata-observe\n")
        self.trace(self.SEIZE)
        self.trace(self.INTERRUPT)
        os.waitpid(self.number, self.WALL)

    def trace(self, request):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.ptrace(request, self.number, None, None) != 0:
            raise unittest.SkipTest("no right to trace: " + os.strerror(ctypes.get_errno()))

    def wait_for_end(self):
        os.waitpid(self.number, self.WALL)


class Observing(unittest.TestCase):
    """Ends what a test has started, also when the test fails."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def start(self, *command, observed=True, preload=True, env=None, **options):
        """A program under Strata that may be looked into."""
        environment = dict(CLEAN)
        if preload:
            environment["LD_PRELOAD"] = str(LIBRARY)
        if observed:
            environment["STRATA_OBSERVE"] = "on"
        environment.update(env or {})
        process = subprocess.Popen([str(word) for word in command], env=environment,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        process.kill()
        process.stdin.close()
        process.stdout.close()
        process.wait()

    def shape(self, *words, **options):
        """A program of shapes.c that has said it is ready. Its blocks are counted one by one: none
        is put between guard pages."""
        env = {"STRATA_GUARD_SAMPLE": "0", **(options.pop("env", None) or {})}
        process = self.start(SHAPES, *words, env=env, **options)
        self.assertEqual(b"ready\n", process.stdout.readline(), words)
        return process

    def stop(self, process):
        process.send_signal(signal.SIGSTOP)
        states = pathlib.Path(f"/proc/{process.pid}/task").glob("*/stat")
        self.eventually("every thread stops", lambda: all(
            path.read_text().rpartition(") ")[2].startswith("T") for path in list(states)))

    def eventually(self, what, holds, seconds=PATIENCE):
        """Waits for a state, for what is promised soon and not at once."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if holds():
                return
            time.sleep(0.02)
        self.fail(f"not within {seconds} s: {what}")

    def assert_adds_up(self, document):
        """The parts sum to the total, the total to what the kernel counts."""
        resident = document["resident"]
        self.assertAlmostEqual(1, parts(resident) / resident["total"], delta=0.02)
        self.assertAlmostEqual(1, resident["total"] / resident["process"], delta=0.02)
        return resident
