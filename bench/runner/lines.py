"""The lines of the bench: one workload, with a number of threads, or one real program.

A line knows how to build its command; it knows nothing of allocators or of measuring.
"""

import dataclasses
import fnmatch
import subprocess

THREADS = (2, 8)


@dataclasses.dataclass
class Line:
    name: str
    group: str  # "single", "2 threads", "8 threads", "programs"
    about: str
    command: list
    environment: dict = dataclasses.field(default_factory=dict)
    input_file: str = "/dev/null"
    own_time: bool = False  # prints "seconds" of its steady part
    settles: bool = False  # understands --settle
    load: list = None  # commands of a client, when the command is a server on PORT


def workload_lines(program, scale):
    """One line per workload; those for threads once per number of threads."""
    listing = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout
    lines = []
    for entry in listing.splitlines():
        name, group, about = entry.split("\t")
        if group == "single":
            variants = [(name, "single", 1)]
        elif group == "threads":
            variants = [(f"{name}/{n}", f"{n} threads", n) for n in THREADS]
        else:
            continue
        for full_name, full_group, threads in variants:
            command = [program, name, "--scale", str(scale), "--threads", str(threads)]
            lines.append(Line(full_name, full_group, about, command, own_time=True, settles=True))
    order = ["single"] + [f"{n} threads" for n in THREADS]
    return sorted(lines, key=lambda line: order.index(line.group))


def mixed(lines):
    """The lines in another order: however early time runs out, lines of every group have been run."""
    place = {}
    for group in {line.group for line in lines}:
        members = [line.name for line in lines if line.group == group]
        place.update({name: (i + 0.5) / len(members) for i, name in enumerate(members)})
    return sorted(lines, key=lambda line: place[line.name])


def select(lines, patterns):
    """Lines whose name, with or without its threads, or group is one of the patterns (* allowed)."""
    if not patterns:
        return lines
    chosen = [line for line in lines if any(
        fnmatch.fnmatchcase(part, pattern) for pattern in patterns
        for part in (line.name, line.name.split("/")[0], line.group))]
    if not chosen:
        raise SystemExit("bench: no line is named " + " or ".join(patterns) + " (see --list)")
    return chosen
