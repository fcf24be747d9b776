"""The real programs: compiler, interpreters, database, key-value server, PDF renderer, git.

Each works on generated input (see inputs.py) with everything around it held still: no user's
configuration, C locale, fixed hash seeds. A program that is not installed is left out and named.
"""

import os
import shutil

from . import inputs
from .lines import Line

PACKAGES = {"g++": "g++", "python3": "python3", "lua5.4": "lua5.4", "perl": "perl",
            "sqlite3": "sqlite3", "redis-server": "redis-server", "redis-benchmark": "redis-tools",
            "gs": "ghostscript", "git": "git"}


def missing_packages():
    return sorted({package for program, package in PACKAGES.items() if not shutil.which(program)})


def program_lines(parent, scale):
    """The lines that can run here, and the names of those that cannot. Inputs stand in `parent`."""
    if not shutil.which("git"):
        return [], ["all programs: git is missing, which makes one of the inputs"]
    folder = inputs.folder_of(parent, scale)
    inputs.write_all(folder, scale)

    def at(name):
        return os.path.join(folder, name)

    def times(count):
        return str(max(1, round(count * scale)))

    git = ["git", "--git-dir", at("repository"), "-c", "safe.directory=*", "-c", "gc.auto=0"]
    quiet_git = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
    requests = max(2000, round(150000 * scale))
    lines = [
        Line("g++", "programs", "compiles a file of templates", ["g++", "-std=c++20", "-O1", "-S",
             at("work.cpp"), "-o", "/dev/null"]),
        Line("python", "programs", "JSON, dictionaries and objects on plain malloc",
             ["python3", "-S", "-E", at("work.py"), times(45)],
             {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"}),
        Line("lua", "programs", "trees, tables and strings", ["lua5.4", at("work.lua"), times(350)]),
        Line("perl", "programs", "hashes, splitting and patterns",
             ["perl", at("work.pl"), times(50)], {"PERL_HASH_SEED": "0"}),
        Line("sqlite", "programs", "a database in memory", ["sqlite3", "-batch", "-init", "/dev/null",
             ":memory:"], input_file=at("work.sql")),
        Line("gs", "programs", "renders pages of a PDF", ["gs", "-q", "-dBATCH", "-dNOPAUSE", "-dSAFER",
             "-sDEVICE=ppmraw", "-r72", "-sOutputFile=/dev/null", at("work.pdf")]),
        Line("git_log", "programs", "a history with its patches",
             git + ["log", "-p", "--no-color", "--stat", "main"], quiet_git),
        Line("git_pack", "programs", "packs all objects anew, two threads",
             git + ["pack-objects", "--no-reuse-delta", "--no-reuse-object", "--threads=2",
                    "--window=8", "--stdout", "-q"], quiet_git, at("objects.txt")),
        Line("redis", "programs", "lists, then strings that change size, under a pipelined load",
             ["redis-server", "--bind", "127.0.0.1", "--port", "PORT", "--save", "",
              "--appendonly", "no", "--daemonize", "no", "--loglevel", "warning", "--dir", "/tmp"],
             load=[["redis-benchmark", "-p", "PORT", "-q", "-r", "100000", "-n", str(requests), "-P", "16",
                    "-c", "20", "lpush", "list:__rand_int__", "a value", "another value", "a third"],
                   ["redis-benchmark", "-p", "PORT", "-q", "-r", "100000", "-n", str(requests),
                    "-P", "16", "-c", "20", "-d", "100", "-t", "set"],
                   ["redis-benchmark", "-p", "PORT", "-q", "-r", "100000", "-n", str(requests),
                    "-P", "16", "-c", "20", "-d", "300", "-t", "set"]]),
    ]
    here, absent = [], []
    for line in lines:
        needed = [line.command[0]] + ([line.load[0][0]] if line.load else [])
        lacking = [program for program in needed if not shutil.which(program)]
        (absent if lacking else here).append(
            f"{line.name}: {', '.join(lacking)} is not installed" if lacking else line)
    return here, absent
