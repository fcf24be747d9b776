#!/usr/bin/env python3
"""Tests --help, config, explain, completion and the manual pages as a user meets them.

    teach_test.py --build FOLDER [--part PART] [TEST...]      all tests when none is named

Every test is a function named after what it shows. Shells and tools that are not installed are
skipped. Subcommands are those that `strata --help` shows: new ones are tested by being there.
"""

import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from part_tests import Failure, Skip, check, equal, run_tests, test  # noqa: E402

PATIENCE = 250  # seconds, only so that what hangs ends: no test depends on how fast the machine is
BUILD = None
WORK = None


def need(program):
    if not shutil.which(program):
        raise Skip(f"{program} is not installed")


def clean_environment(**more):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("STRATA_") and k != "LD_PRELOAD"}
    return dict(kept, **more)


def run(*command, **variables):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          timeout=PATIENCE, env=clean_environment(**variables))


def strata(*arguments, **variables):
    return run(BUILD / "strata", *arguments, **variables)


def commands():
    found = re.findall(r"^  ([a-z]+)  +\S", strata("--help").stdout.split("\nOptions:")[0], re.M)
    check(len(found) >= 4, found)
    return found


def options():
    return json.loads(strata("config", "--json").stdout)["options"]


# --help.

@test("help")
def every_command_tells_how_it_is_called():
    for command in commands():
        done = strata(command, "--help")
        equal(done.returncode, 0, command)
        check(done.stdout.startswith(f"strata {command}: "), done.stdout[:80])
        check(f"Usage: strata {command}" in done.stdout, command, "has no usage")
        check("  -h, --help" in done.stdout, command, "has no options")


@test("help")
def the_overview_groups_commands_and_shows_examples():
    text = strata("--help").stdout
    check("Learn and set up:\n  config" in text, text)
    check(re.search(r"Examples:\n  strata ", text), text)


@test("help")
def options_are_wrapped_with_their_values_and_defaults():
    text = strata("lab", "--help").stdout
    check("  --seed N                  Seed of the synthetic workload (1)" in text, text)
    check("--free immediate|batched|background|all" in text, text)
    for line in text.splitlines():
        check(len(line) <= 80, len(line), line)


# config and explain.

@test("options")
def config_shows_where_values_come_from():
    done = strata("config", "--json", STRATA_WORKER="off", STRATA_DIRTY_LIMIT="64MiB")
    equal(done.returncode, 0, done.stderr)
    told = {o["name"]: o for o in json.loads(done.stdout)["options"]}
    equal((told["WORKER"]["value"], told["WORKER"]["from"]), ("off", "environment"), "WORKER")
    equal((told["DIRTY_LIMIT"]["value"], told["DIRTY_LIMIT"]["default"]), ("64MiB", "8MiB"), "limit")
    equal((told["MODE"]["value"], told["MODE"]["from"]), ("default", "default"), "MODE")
    text = strata("config", STRATA_WORKER="off").stdout
    check(re.search(r"^WORKER +off +environment +on +on or off$", text, re.M), text)


@test("options")
def config_names_what_is_misspelt_and_what_is_no_value():
    done = strata("config", STRATA_DIRTY_LIMT="1MiB", STRATA_PURGE_DELAY="soon")
    equal(done.returncode, 1, "exit code")
    check("STRATA_DIRTY_LIMT; did you mean STRATA_DIRTY_LIMIT?" in done.stderr, done.stderr)
    check('"soon" is no value for STRATA_PURGE_DELAY' in done.stderr, done.stderr)
    check(re.search(r"^PURGE_DELAY +500ms +default", done.stdout, re.M), done.stdout)


@test("options")
def config_reads_what_a_process_was_started_with():
    library = BUILD / "libstrata.so"
    process = subprocess.Popen(["sleep", "1000"], env=clean_environment(
        STRATA_PURGE_DELAY="2s", STRATA_WORKR="off", LD_PRELOAD=str(library)))
    try:
        wait_for(lambda: "sleep" in pathlib.Path(f"/proc/{process.pid}/comm").read_text()
                 and "libstrata" in pathlib.Path(f"/proc/{process.pid}/maps").read_text())
        done = strata("config", process.pid)
        check(re.search(r"^PURGE_DELAY +2s +environment", done.stdout, re.M), done.stdout)
        check("STRATA_WORKR; did you mean STRATA_WORKER?" in done.stderr, done.stderr)
        check("libstrata.so" not in done.stderr, done.stderr)
    finally:
        process.kill()
        process.wait()
    done = strata("config", process.pid)
    equal(done.returncode, 1, "a process that is gone")
    check("no process" in done.stderr, done.stderr)
    done = strata("config", os.getpid())
    check("has no libstrata.so in it" in done.stderr, done.stderr)


@test("options")
def every_option_has_a_lesson():
    for option in options():
        done = strata("explain", option["name"].lower())
        equal(done.returncode, 0, option["name"])
        for part in ("takes", "default", "What it does", "When to change it", "What it costs",
                     "Example"):
            check(part in done.stdout, option["name"], "lacks", part)


@test("options")
def explain_knows_names_in_any_form_and_suggests_the_nearest():
    one = strata("explain", "dirty_limit").stdout
    for name in ("STRATA_DIRTY_LIMIT", "dirty-limit", "DIRTY_LIMIT"):
        equal(strata("explain", name).stdout, one, name)
    done = strata("explain", "purge_dely")
    equal(done.returncode, 1, "exit code")
    check("did you mean PURGE_DELAY?" in done.stderr, done.stderr)
    check("here     5s, environment" in strata("explain", "purge_delay", STRATA_PURGE_DELAY="5s").stdout)


# What completion offers, whatever the shell.

def offered(*words):
    lines = strata("__complete", *words).stdout.splitlines()
    check(lines and lines[-1].startswith(":"), words, lines)
    return [line.split("\t")[0] for line in lines[:-1]], lines[-1]


@test("completion")
def words_are_completed_by_what_they_stand_for():
    equal(offered("")[0], commands(), "commands")
    equal(offered("rec"), (["record"], ":none"), "a command begun")
    equal(offered("record", "--fi"), (["--first-only"], ":none"), "an option")
    equal(offered("record", "--with", "sys"), (["system"], ":files"), "an allocator")
    equal(offered("record", "-o", ""), ([], ":files"), "a file")
    equal(offered("lab", "--law", "p"), (["powers", "phases"], ":none"), "a choice")
    equal(offered("lab", "--law=po"), (["--law=powers"], ":none"), "a choice behind =")
    equal(offered("replay", "x", "--set", "wor"), (["worker="], ":none"), "a setting")
    equal(offered("replay", "--set", "worker="), (["worker=on", "worker=off"], ":none"), "its values")
    equal(offered("explain", "dirty"), (["dirty_limit"], ":none"), "an option of the library")
    equal(offered("completion", ""), (["bash", "zsh", "fish"], ":none"), "a shell")
    equal(offered("nonsense", ""), ([], ":none"), "an unknown command")


@test("completion")
def a_programs_own_words_are_left_to_it():
    equal(offered("record", ""), ([], ":commands"), "the program")
    equal(offered("record", "--", ""), ([], ":commands"), "the program behind --")
    equal(offered("record", "-o", "x", "--", "gcc", "-"), ([], ":after 5"), "its words")
    equal(offered("record", "--sites", "gcc", "-o"), ([], ":after 3"), "its words, without --")


@test("completion")
def every_command_offers_its_options():
    for command in commands():
        words, _ = offered(command, "--")
        check("--help" in words, command, words)


@test("completion")
def processes_under_strata_are_offered():
    process = subprocess.Popen(["sleep", "1000"], env=clean_environment(
        LD_PRELOAD=str(BUILD / "libstrata.so")))
    try:
        wait_for(lambda: str(process.pid) in offered("config", "")[0])
    finally:
        process.kill()
        process.wait()


# In the shells themselves, with keys pressed.

def wait_for(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        check(time.monotonic() < end, "waited in vain")
        time.sleep(0.02)


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, *command):
        self.seen = ""
        environment = clean_environment(TERM="dumb", HOME=str(WORK), INPUTRC="/dev/null", PS1="$ ",
                                        PATH=f"{BUILD}:{os.environ['PATH']}")
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.chdir(WORK)
            os.execvpe(command[0], command, environment)

    def type(self, text):
        os.write(self.file, text.encode())

    def expect(self, pattern):
        end = time.monotonic() + PATIENCE
        while not re.search(pattern, self.seen):
            check(time.monotonic() < end, "never came:", pattern, "in", repr(self.seen[-2000:]))
            if select.select([self.file], [], [], 1)[0]:
                try:
                    self.seen += os.read(self.file, 4096).decode(errors="replace")
                except OSError:
                    raise Failure(f"ended without {pattern}: {self.seen[-2000:]!r}") from None

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.file)


def completes(terminal):
    """Keys, and what the command line must have become: it is echoed by going to its front."""
    cases = [("strata rec\t--fi\t", "strata record --first-only"),
             ("strata lab --law po\t", "strata lab --law powers"),
             ("strata replay strange\t", "strata replay strangely-named.trace"),
             ("strata replay --set wor\tof\t", "strata replay --set worker=off"),
             ("strata record -- ls strange\t", "strata record -- ls strangely-named.trace")]
    (WORK / "strangely-named.trace").write_text("")
    for number, (keys, line) in enumerate(cases):
        terminal.type(keys)
        terminal.type(f"\x01echo case {number}: \r")
        terminal.expect(rf"(?:^|[\r\n])case {number}: {re.escape(line)} *[\r\n]")


@test("shells")
def bash_completes():
    need("bash")
    terminal = Terminal("bash", "--noprofile", "--norc", "-i")
    try:
        terminal.type("source <(strata completion bash); echo rea''dy\r")
        terminal.expect("ready")
        completes(terminal)
    finally:
        terminal.close()


@test("shells")
def zsh_completes():
    need("zsh")
    terminal = Terminal("zsh", "-f", "-i")
    try:
        terminal.type("autoload -U compinit; compinit -u -D; source <(strata completion zsh); "
                      "echo rea''dy\r")
        terminal.expect("ready")
        completes(terminal)
    finally:
        terminal.close()


@test("shells")
def zsh_completes_by_an_installed_file():
    need("zsh")
    (WORK / "functions").mkdir()
    (WORK / "functions/_strata").write_text(strata("completion", "zsh").stdout)
    terminal = Terminal("zsh", "-f", "-i")
    try:
        terminal.type(f"fpath=({WORK}/functions $fpath); autoload -U compinit; compinit -u -D; "
                      "echo rea''dy\r")
        terminal.expect("ready")
        completes(terminal)
    finally:
        terminal.close()


@test("shells")
def fish_completes():
    need("fish")
    (WORK / "strangely-named.trace").write_text("")

    def fish(line):
        environment = clean_environment(HOME=str(WORK), PATH=f"{BUILD}:{os.environ['PATH']}")
        script = "strata completion fish | source; complete -C " + "'" + line + "'"
        done = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True,
                              timeout=PATIENCE, env=environment, cwd=WORK)
        return [found.split("\t")[0] for found in done.stdout.splitlines()]

    equal(fish("strata rec"), ["record"], "a command")
    equal(fish("strata record --fi"), ["--first-only"], "an option")
    equal(sorted(fish("strata lab --law p")), ["phases", "powers"], "a choice")
    equal(fish("strata replay strange"), ["strangely-named.trace"], "a file")
    equal(fish("strata replay --set wor"), ["worker="], "a setting")
    equal(fish("strata record -- ls strange"), ["strangely-named.trace"], "the program's words")


# The manual.

def manual():
    folder = WORK / "man"
    equal(strata("__manual", folder).returncode, 0, "writing the manual")
    return {str(page.relative_to(folder)): page for page in folder.glob("man*/*")}


@test("manual")
def there_is_a_page_for_every_command():
    expected = {"man1/strata.1", "man7/strata.7"} | {f"man1/strata-{c}.1" for c in commands()}
    equal(set(manual()), expected, "pages")


@test("manual")
def the_pages_are_well_formed():
    need("mandoc")
    for name, page in manual().items():
        done = run("mandoc", "-T", "lint", "-W", "warning", page)
        equal((name, done.stdout, done.returncode), (name, "", 0), "complaints")


@test("manual")
def the_pages_say_what_help_says():
    need("mandoc")
    pages = manual()

    def words(name):
        shown = run("mandoc", "-T", "utf8", "-O", "width=500", pages[name]).stdout
        return re.sub(r"\s+", " ", re.sub(".\b", "", shown))  # without overstriking
    for command in commands():
        page = words(f"man1/strata-{command}.1")
        for name in re.findall(r"^  (?:-\w, )?(--[\w-]+)", strata(command, "--help").stdout, re.M):
            check(name in page, command, "does not tell of", name)
    page = words("man7/strata.7")
    for option in options():
        check(f"STRATA_{option['name']} {option['help']}" in page, option["name"], "is not told of")


@test("manual")
def what_is_built_is_what_is_installed():
    share = BUILD / "share"
    for name in ("man/man1/strata.1", "man/man7/strata.7", "completion/zsh/site-functions/_strata",
                 "completion/bash-completion/completions/strata",
                 "completion/fish/vendor_completions.d/strata.fish"):
        check((share / name).stat().st_size > 100, name)
    equal((share / "completion/zsh/site-functions/_strata").read_text(),
          strata("completion", "zsh").stdout, "the script for zsh")


def begin(build, work):
    global BUILD, WORK
    BUILD, WORK = build, work


if __name__ == "__main__":
    sys.exit(run_tests(__doc__, begin))
