# SPDX-License-Identifier: MIT
"""What the end-to-end tests share: programs that are started, listened to and always ended.

Nothing here sleeps to let time pass. A program is waited for by a line it
prints, its end by its exit. Every wait has a deadline, far beyond what is
needed, that only turns a hang into a failure.
"""

import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

DEADLINE_S = 20 * float(os.environ.get("ROUSE_TEST_SLOWDOWN", "1"))


def skip(reason):
    """Ends this test program as skipped, for a reason that ./dev repeats."""
    print(f"SKIP: {reason}", file=sys.stderr)
    sys.exit(77)


def excused(missing):
    """Whether it is the machine's doing that these codes of findings are not there: where threads wait for CPUs for a good
    part of the time, a long poll is not held against the program.
    """
    if not missing <= {"long-polls", "blocked-worker"}:
        return False
    pressure = Path("/proc/pressure/cpu").read_text(encoding="ascii")
    if float(re.search(r"some avg10=([\d.]+)", pressure).group(1)) < 30:
        return False
    print(f"not there, on a machine that is overloaded: {sorted(missing)}\n{pressure}", file=sys.stderr, flush=True)
    return True


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            skip(f"{tool} is not installed")


def eventually(what, condition):
    """Waits until condition() is true; for things that announce themselves nowhere."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"never came true: {what}")
        time.sleep(0.005)


class Program:
    """A running program whose output is read by the line. Use as a context: it never survives it."""

    def __init__(self, *argv, env=None, stdin=None, preexec=None):
        self.argv = [str(arg) for arg in argv]
        self.process = subprocess.Popen(self.argv, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, errors="replace", env={**os.environ, **(env or {})},
                                        preexec_fn=preexec)
        self.stdout, self.stderr = [], []
        self._lines = queue.Queue()
        self._readers = [
            threading.Thread(target=self._read, args=(self.process.stdout, self.stdout), daemon=True),
            threading.Thread(target=self._read, args=(self.process.stderr, self.stderr), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream, lines):
        for line in stream:
            lines.append(line)
            self._lines.put(line)
        self._lines.put(None)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                stream.close()

    @property
    def pid(self):
        return self.process.pid

    def said(self):
        return "".join(self.stdout) + "".join(self.stderr)

    def wait_line(self, pattern):
        """The match of the next line, of either stream, that has the pattern."""
        deadline = time.monotonic() + DEADLINE_S
        ended = 0
        while ended < 2:
            try:
                line = self._lines.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if line is None:
                ended += 1
                continue
            match = re.search(pattern, line)
            if match:
                return match
        raise AssertionError(f"{self.argv[0]} never said {pattern!r}, but:\n{self.said()}")

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def end(self, sig=None):
        """Waits for its end, after a signal if one is given. Answers the exit status."""
        if sig is not None:
            self.process.send_signal(sig)
        try:
            status = self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.argv[0]} did not end; it said:\n{self.said()}") from None
        for reader in self._readers:
            reader.join()
        return status


def free_port():
    """A port nobody listens on just now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def connect(port):
    s = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def read_until_closed(s):
    """All that comes until the other side closes; a reset counts as an end."""
    parts = []
    while True:
        try:
            part = s.recv(65536)
        except ConnectionResetError:
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts)


def read_exactly(s, n):
    parts = b""
    while len(parts) < n:
        part = s.recv(n - len(parts))
        if not part:
            raise AssertionError(f"closed after {len(parts)} of {n} bytes: {parts[-200:]!r}")
        parts += part
    return parts


class MiniRedis(Program):
    """mini_redis on a free port, known once it listens."""

    def __init__(self, program, *options, **more):
        super().__init__(program, "--port", 0, *options, **more)
        self.port = int(self.wait_line(r"listening on 127\.0\.0\.1:(\d+)").group(1))

    def ask(self, request, reply):
        """One request on a connection of its own; fails if the reply is another."""
        with connect(self.port) as s:
            s.sendall(request)
            got = read_exactly(s, len(reply))
            if got != reply:
                raise AssertionError(f"{request!r} was answered {got!r}, not {reply!r}")

    def stop(self, sig=signal.SIGTERM):
        """Ends it as a user would; answers its totals, checked against each other."""
        status = self.end(sig)
        match = re.fullmatch(r"spawned=(\d+) completed=(\d+) cancelled=(\d+) panicked=(\d+) live=(\d+)\n",
                             self.stdout[-1] if self.stdout else "")
        if status != 0 or not match:
            raise AssertionError(f"exit {status}; it said:\n{self.said()}")
        totals = dict(zip(("spawned", "completed", "cancelled", "panicked", "live"), map(int, match.groups())))
        if totals["spawned"] != totals["completed"] + totals["cancelled"] + totals["panicked"] + totals["live"]:
            raise AssertionError(f"tasks were lost: {totals}")
        return totals


def main():
    """Runs the calling script's tests. Its arguments are in sys.argv[1:], for the tests to use."""
    result = unittest.main(argv=sys.argv[:1], exit=False, verbosity=2).result
    if not result.wasSuccessful():
        sys.exit(1)
    if result.testsRun and len(result.skipped) == result.testsRun:
        skip(result.skipped[0][1])
