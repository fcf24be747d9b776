"""Finds the allocators to measure: Strata, glibc, the peers that the system has, and PEERS.

An allocator is a library to preload and, if it needs one, an environment. glibc is nothing
preloaded. The twin is a second entry for a peer that is measured like any other: what it differs
from itself is what the machine's noise makes of equal programs.
"""

import dataclasses
import glob
import os
import re
import signal
import subprocess

LIBRARY_FOLDERS = ("/usr/lib/*", "/usr/lib64", "/usr/lib", "/usr/local/lib")
SYSTEM_PEERS = (
    ("jemalloc", "libjemalloc.so.2", "libjemalloc2"),
    ("mimalloc", "libmimalloc.so.2*", "libmimalloc2.0"),
    ("tcmalloc", "libtcmalloc_minimal.so.4*", "libtcmalloc-minimal4"),
)


@dataclasses.dataclass
class Allocator:
    name: str
    path: str  # empty: nothing is preloaded
    role: str  # "strata", "peer" or "twin"
    environment: dict = dataclasses.field(default_factory=dict)

    @property
    def is_fast(self):
        """Peers that trade memory for speed; glibc does not."""
        return self.role == "peer" and self.name != "glibc"


def find_library(pattern):
    for folder in LIBRARY_FOLDERS:
        found = sorted(glob.glob(os.path.join(folder, pattern)))
        if found:
            return os.path.realpath(found[0])
    return ""


def libc_path():
    """For programs that are linked to another allocator: put first, libc's own malloc serves."""
    return find_library("libc.so.6") or "/lib64/libc.so.6"


def missing_packages():
    return [package for _, pattern, package in SYSTEM_PEERS if not find_library(pattern)]


def parse_peer(text):
    """name=path, or a path; followed by @VARIABLE=value as often as needed."""
    parts = text.split("@")
    name, equals, path = parts[0].partition("=")
    if not equals:
        path = name
        name = re.sub(r"^lib|\.so.*$", "", os.path.basename(path))
    environment = dict(part.split("=", 1) for part in parts[1:])
    return Allocator(name, os.path.abspath(path), "peer", environment)


def find(library, extra, twin, only=()):
    """All allocators in the order of the tables. Names stay unique."""
    found = [Allocator("strata", os.path.abspath(library), "strata"), Allocator("glibc", "", "peer")]
    for name, pattern, _ in SYSTEM_PEERS:
        path = find_library(pattern)
        if path:
            found.append(Allocator(name, path, "peer"))
    for text in extra:
        peer = parse_peer(text)
        while any(peer.name == other.name for other in found):
            peer.name += "+"
        found.append(peer)
    if only:
        unknown = set(only) - {allocator.name for allocator in found}
        if unknown:
            raise SystemExit("bench: no allocator named " + ", ".join(sorted(unknown)))
        found = [a for a in found if a.role == "strata" or a.name in only]
    peers = [a for a in found if a.role == "peer"]
    if twin and peers:
        of = next((a for a in peers if a.name == twin), None)
        of = of or next((a for a in peers if a.name != "glibc"), peers[0])
        found.append(Allocator(of.name + " again", of.path, "twin", dict(of.environment)))
    return found


def problem(allocator, workloads):
    """Why the library does not serve a program's malloc; empty when it does."""
    if allocator.path and not os.path.exists(allocator.path):
        return "there is no " + allocator.path
    environment = dict(os.environ, **allocator.environment)
    if allocator.path:
        environment["LD_PRELOAD"] = allocator.path
    try:
        done = subprocess.run(
            [workloads, "ring", "--scale", "0.0001", "--threads", "2"],
            env=environment, capture_output=True, text=True, timeout=30)
    except subprocess.TimeoutExpired:
        return "a small threaded program does not end under it"
    if done.returncode != 0:
        how = (f"is killed by {signal.Signals(-done.returncode).name}" if done.returncode < 0 else
               f"ends with {done.returncode}")
        return f"a small threaded program {how} under it {done.stderr[-200:].strip()}".strip()
    serving = re.search(r"^allocator (.*)$", done.stdout, re.M)
    served_by = os.path.realpath(serving.group(1)) if serving else ""
    expected = os.path.realpath(allocator.path) if allocator.path else os.path.realpath(libc_path())
    if served_by != expected:
        return f"malloc is served by {served_by or 'an unknown file'} instead"
    return ""
