"""Measures one cell: one line under one allocator, once.

The launcher (bench/measure.cpp) keeps what the kernel says of the command: time, CPU time, peak of
resident memory, page faults, and samples of resident memory. A line that times its own steady part
says so on its output. A server is ended by its own command, so that what stands between it and the launcher
does not matter. System calls are counted by strace in a run of their own, because tracing changes the times.
"""

import os
import signal
import socket
import subprocess
import tempfile
import time

from .allocators import libc_path


class Failure(Exception):
    """The command did not do what it should; the message says what happened."""


class Hang(Failure):
    """It did not end in time."""


def environment_of(line, allocator):
    """A fixed environment: what a user has set must not differ from run to run."""
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": "/nonexistent",
                   "LC_ALL": "C", "TERM": "dumb"}
    environment.update(line.environment)
    environment.update(allocator.environment)
    path = allocator.path
    if not path and line.load:
        path = libc_path()  # Debian links its server to an allocator: libc first, so that libc serves
    if path:
        environment["LD_PRELOAD"] = path
    return environment


def parse(text):
    """"name value" lines; samples are gathered in a list."""
    figures, curve = {}, []
    for row in text.splitlines():
        name, _, value = row.partition(" ")
        if name == "sample":
            at, kib = value.split()
            curve.append((float(at), int(kib)))
        else:
            try:
                figures[name] = float(value)
            except ValueError:
                figures[name] = value
    return figures, curve


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def finish(process, timeout):
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # the session that this cell started
        process.wait()
        raise Hang(f"not done after {timeout:.0f} s") from None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_server(process, port):
    for _ in range(500):
        if process.poll() is not None:
            raise Failure("the server ended at once")
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as connection:
                connection.sendall(b"PING\r\n")
                if connection.recv(16).startswith(b"+PONG"):
                    return
        except OSError:
            pass
        time.sleep(0.02)
    raise Failure("the server does not answer")


def drive_server(line, process, port, timeout):
    """Puts the line's load on the server; returns the seconds it took."""
    wait_for_server(process, port)
    took = 0.0
    for command in line.load:
        filled = [part.replace("PORT", str(port)) for part in command]
        begin = time.monotonic()
        try:
            done = subprocess.run(filled, capture_output=True, text=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            raise Hang(f"the client is not done after {timeout:.0f} s") from None
        took += time.monotonic() - begin
        if done.returncode != 0 or "requests per second" not in done.stdout:
            raise Failure("the client: " + (done.stderr or done.stdout)[-200:])
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(b"SHUTDOWN NOSAVE\r\n")
    return took


def run(line, allocator, launcher, interval=0, settle=0, timeout=300, prefix=(), preload=True):
    """Runs the line once; returns its figures. `prefix` goes before the command, and preloads for it."""
    port = free_port() if line.load else 0
    command = [part.replace("PORT", str(port)) if line.load else part for part in line.command]
    if settle and line.settles:
        command = command + ["--settle", str(settle)]
    environment = environment_of(line, allocator)
    if not preload:
        environment.pop("LD_PRELOAD", None)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        out, output, errors = (os.path.join(folder, name) for name in ("out", "output", "errors"))
        keeps_output = line.own_time
        with open(line.input_file, "rb") as stdin, open(errors, "wb") as stderr, \
                open(output if keeps_output else os.devnull, "wb") as stdout:
            process = subprocess.Popen(
                [launcher, out, str(interval), *prefix, *command], stdin=stdin, stdout=stdout,
                stderr=stderr, env=environment, start_new_session=True)
            load_seconds = None
            try:
                if line.load:
                    load_seconds = drive_server(line, process, port, timeout)
                finish(process, timeout)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)  # the session that this cell started
                    process.wait()
        figures, curve = parse(read(out))
        complaint = read(errors)[-300:].strip()
        if "wall" not in figures:
            raise Failure("no measurement: " + complaint)
        if figures["status"] != 0:
            raise Failure(f"ended with {int(figures['status'])}: {complaint}")
        if "cannot be preloaded" in complaint:
            raise Failure(complaint)
        own = parse(read(output))[0] if keeps_output else {}
    wall = load_seconds if load_seconds is not None else figures["wall"]
    return {
        "time": own.get("seconds", wall) if line.own_time else wall,
        "cpu": figures["user"] + figures["system"],
        "peak_kib": figures["peak_kib"],
        "end_kib": own.get("resident_end", figures.get("end_kib")),
        "settled_kib": own.get("resident_settled") if settle else None,
        "faults": figures["faults"],
        "operations": own.get("operations"),
        "misaligned": own.get("misaligned"),
        "curve": curve,
    }


def count_system_calls(line, allocator, launcher, strace, timeout=300):
    """System calls of the line under the allocator, all threads and children together."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        summary = os.path.join(folder, "summary")
        environment = environment_of(line, allocator)
        prefix = [strace, "-f", "-c", "-o", summary]
        if "LD_PRELOAD" in environment:
            prefix += ["-E", "LD_PRELOAD=" + environment["LD_PRELOAD"]]
        run(line, allocator, launcher, timeout=timeout, prefix=prefix, preload=False)
        rows = read(summary).splitlines()
        if not rows or " calls" not in rows[0]:
            raise Failure("strace gave no summary")
        # The columns before "calls" may be empty, so it is found by where its heading ends.
        end = rows[0].index(" calls") + len(" calls")
        total = next(row for row in rows if row.endswith(" total"))
        return int(total[:end].split()[-1])
