#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""names.py ROUSE HOSTILE: what a target calls itself never reaches the terminal raw, and JSON gives it back whole."""

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
import unicodedata
import unittest

from watch import FINDINGS, LISTEN, OK, ROUSE, ask, rouse, rouse_environment, said

from harness import DEADLINE_S, Program, eventually, main

HOSTILE = sys.argv[2]
RED, TITLE = "\x1b[31mred\x07", "\x1b]0;owned\x07\r\n\x7f"
RAW = (b"\x1b[31mred", b"\x1b]", b"\x07", b"\x7f", b"\xc2\x9b", b"\xff", b"\x1b[2J\xc2")


def wait_for_deadlock(program):
    def deadlocked():
        findings = ask("check", program.pid, "--looks", 2, "--interval", 10, exits=(OK, FINDINGS))["findings"]
        return any(finding["code"] == "wait-cycle" for finding in findings)

    eventually("its tasks are deadlocked", deadlocked)


class Names(unittest.TestCase):
    def with_hostile(self, test):
        for env in (None, LISTEN):
            with self.subTest(env), Program(HOSTILE, env=env, stdin=subprocess.PIPE) as program:
                program.wait_line("^ready$")
                wait_for_deadlock(program)
                test(program)
                program.process.stdin.close()
                self.assertEqual(program.end(), 0, program.said())

    def assert_printable(self, done):
        for stream in (done.stdout, done.stderr):
            stream.encode("utf-8")  # none of its bytes had to be escaped to be read
            raw = {char for char in stream if unicodedata.category(char) in ("Cc", "Cf") and char != "\n"}
            self.assertEqual(raw, set(), said(done))

    def test_no_verb_prints_them_raw(self):
        def test(program):
            red = next(task["id"] for task in ask("ps", program.pid)["tasks"] if task["name"] == RED)
            for charset in ([], ["--ascii"]):
                for args in (["ps"], ["dump"], ["check"], ["sched"], ["top", "-b", "-n", 2, "-d", 0.05]):
                    done = rouse(*args, *charset, program.pid)
                    self.assertIn(done.returncode, (OK, FINDINGS), said(done))
                    self.assert_printable(done)
                    if args[0] in ("ps", "dump", "check", "top"):
                        self.assertIn("red", done.stdout)
                done = rouse("why", program.pid, red, *charset)
                self.assertEqual(done.returncode, OK, said(done))
                self.assert_printable(done)
                self.assert_printable(rouse("list", *charset))

        self.with_hostile(test)

    def test_no_message_prints_them_raw(self):
        for args in (["ps", TITLE], [TITLE], ["ps", "/" + TITLE], ["check", "--fail-on", RED, "1"], ["top", "-b", RED],
                     ["why", os.getpid(), RED], [f"--{RED}"]):
            done = rouse(*args)
            self.assertIn(done.returncode, (2, 3), said(done))
            self.assert_printable(done)

        def test(program):
            self.assert_printable(rouse("why", program.pid, TITLE + "?"))

        self.with_hostile(test)

    def test_json_escapes_them_and_gives_them_back(self):
        def test(program):
            for verb, more in (("ps", []), ("dump", []), ("check", []), ("sched", []), ("why", [RED])):
                done = rouse(verb, "--json", program.pid, *more)
                self.assert_printable(done)
                document = json.loads(done.stdout)
                for part in ("tasks", "findings"):
                    for name in (task["name"] for row in document.get(part, []) for task in row.get("tasks", [row])):
                        self.assertIn(name, (RED, TITLE))
            self.assert_printable(rouse("list", "--json"))

        self.with_hostile(test)

    def screen(self, program):
        """Everything the screen writes to a terminal, from its opening until the names stood there and it was left."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(ROUSE, [ROUSE, str(program.pid)], rouse_environment())
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        written, deadline, asked = b"", time.monotonic() + DEADLINE_S, False
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], deadline - time.monotonic())[0]:
                break
            try:
                written += os.read(terminal, 65536)
            except OSError:  # the other side is closed: it has ended
                break
            if b"red" in written and b"owned" in written and not asked:
                os.write(terminal, b"q")
                asked = True
        os.close(terminal)
        _, status = os.waitpid(pid, 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), OK, written[-2000:])
        self.assertTrue(asked, written[-2000:])
        return written

    def test_the_screen_does_not_pass_them_on(self):
        def test(program):
            written = self.screen(program)
            for raw in RAW:
                self.assertNotIn(raw, written)

        self.with_hostile(test)


if __name__ == "__main__":
    main()
