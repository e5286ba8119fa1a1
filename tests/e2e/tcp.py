#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tcp.py PROGRAM ROUSE: a program's port from the console's side: the token from its file, from the environment, none."""

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import DEADLINE_S, eventually

PROGRAM, ROUSE = sys.argv[1:]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ps(target, home, **environment):
    env = {name: value for name, value in os.environ.items() if name != "ROUSE_TOKEN"}
    env.update(XDG_RUNTIME_DIR=str(home), **environment)
    return subprocess.run([ROUSE, "ps", target], env=env, capture_output=True, text=True, timeout=4 * DEADLINE_S)


def expect(run, status, text):
    assert run.returncode == status and text in run.stdout + run.stderr, (status, text, run)


def serve(home, listen):
    env = {**os.environ, "XDG_RUNTIME_DIR": str(home), "ROUSE_LISTEN": listen}
    return subprocess.Popen([PROGRAM, "60"], env=env, stderr=subprocess.PIPE, text=True)


def with_port(home, other):
    port = free_port()
    program = serve(home, f"tcp:127.0.0.1:{port}")
    token = home / f"rouse/tcp-{port}.token"
    try:
        eventually("a token", lambda: token.exists() and len(token.read_text()) == 65)
        for address in (f"127.0.0.1:{port}", f"localhost:{port}"):
            expect(ps(address, home), 0, "square")
        expect(ps(str(program.pid), home), 0, "square")  # its socket is there as well
        # As at the far end of a forwarded port: no file, but the environment.
        expect(ps(f"127.0.0.1:{port}", other), 3, "no token to show")
        expect(ps(f"127.0.0.1:{port}", other, ROUSE_TOKEN=token.read_text().strip()), 0, "square")
        expect(ps(f"127.0.0.1:{port}", home, ROUSE_TOKEN="0" * 64), 4, "token")
        expect(ps(f"127.0.0.1:{port}", home, ROUSE_TOKEN="short"), 2, "64 hexadecimal digits")
        token.chmod(0o644)
        expect(ps(f"127.0.0.1:{port}", home), 4, "not yours alone")
        expect(ps("192.0.2.1:80", home, ROUSE_TOKEN="0" * 64), 4, "not on this machine")
        token.chmod(0o600)
    finally:
        program.terminate()
        program.communicate()
    expect(ps(f"127.0.0.1:{port}", home, ROUSE_TOKEN="0" * 64), 3, "cannot connect")


def not_for_others(home):
    program = serve(home, "tcp:0.0.0.0:0")
    try:
        line = program.stderr.readline()
        assert "cannot listen" in line and "loopback" in line, line
    finally:
        program.kill()
        program.communicate()


def main():
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as other:
        with_port(Path(home), Path(other))
        not_for_others(Path(home))


main()
