#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""peers.py ROUSE WAITS MINI_REDIS: a wait that ends at a socket names the process at its other end."""

import os
import socket
import subprocess
import sys
import unittest

from watch import LISTEN, OK, agent_of, ask, rouse, said

from harness import MiniRedis, Program, eventually, main

WAITS, MINI_REDIS = sys.argv[2:4]
# Accepts, and never answers; calls itself what its argument says.
SERVER = """
import ctypes, socket, sys
ctypes.CDLL(None).prctl(15, sys.argv[1].encode("utf-8", "surrogateescape"), 0, 0, 0)
listener = socket.create_server(("127.0.0.1", 0))
print("port", listener.getsockname()[1], flush=True)
client, _ = listener.accept()
sys.stdin.read()
"""
HOSTILE = "\x1b]0;x\x07\x1b[31m\x7f"


class Peers(unittest.TestCase):
    def why(self, program, task, *source):
        """What it says, and the link of the socket as JSON has it."""
        done = rouse("why", *source, program.pid, task)
        self.assertEqual((done.returncode, done.stderr), (OK, ""), said(done))
        links = [link for link in ask("why", program.pid, task)["chain"] if link["kind"] == "socket"]
        self.assertEqual(len(links), 1, said(done))
        return done.stdout, links[0]

    def server(self, name):
        return Program(sys.executable, "-c", SERVER, name, stdin=subprocess.PIPE)

    def assert_peer(self, link, pid, program, is_rouse):
        self.assertEqual((link["peer_pid"], link["peer_program"], link["peer_is_rouse"], link["peer_others"]),
                         (pid, program, is_rouse, 0))

    def test_a_server_that_does_not_answer_is_named(self):
        for env, source in ((None, "memory"), (LISTEN, "socket")):
            with self.subTest(source), self.server("slowpoke") as server:
                port = server.wait_line(r"port (\d+)").group(1)
                with Program(WAITS, port, env=env) as program:
                    program.wait_line("^waiting$")
                    if env:
                        agent_of(program)
                    text, link = self.why(program, "asks", "--source", source)
                    self.assertIn(f"peer 127.0.0.1:{port} = process {server.pid} (slowpoke)", text)
                    self.assertIn(f"that is process {server.pid} (slowpoke)", text)
                    self.assertNotIn("go on with", text)
                    self.assert_peer(link, server.pid, "slowpoke", False)

    def test_one_that_has_a_runtime_can_be_asked_in_turn(self):
        with MiniRedis(MINI_REDIS) as redis, Program(WAITS, redis.port) as program:
            program.wait_line("^waiting$")
            text, link = self.why(program, "asks")
            self.assertIn(f"go on with: rouse why {redis.pid} TASK", text)
            self.assert_peer(link, redis.pid, "mini_redis", True)
            eventually("it serves the client", lambda: len(ask("ps", redis.pid)["tasks"]) == 2)
            task, = (task for task in ask("ps", redis.pid)["tasks"] if task["name"] != "serve")
            text, link = self.why(redis, task["id"])
            self.assertIn(f"go on with: rouse why {program.pid} TASK", text)
            self.assert_peer(link, program.pid, "waits", True)

    def test_the_other_end_of_a_unix_socket_is_named(self):
        ours, theirs = socket.socketpair()
        with ours, theirs, Program(WAITS, stdin=theirs) as program:
            theirs.close()
            program.wait_line("^waiting$")
            text, link = self.why(program, "listens")
            self.assertIn(f"peer = process {os.getpid()} (", text)
            self.assertEqual((link["peer_pid"], link["peer_is_rouse"]), (os.getpid(), False))
            self.assertEqual(link["peer"], "")

    def test_a_process_counts_once_and_others_that_have_the_socket_are_counted(self):
        ours, theirs = socket.socketpair()
        with ours, theirs, ours.dup(), Program(WAITS, stdin=theirs) as program:
            theirs.close()
            program.wait_line("^waiting$")
            def found():
                """A busy machine may cut a search short: it ends after a tenth of a second."""
                _, link = self.why(program, "listens")
                return link.get("peer_pid"), link.get("peer_others")
            eventually("this process is found, once", lambda: found() == (os.getpid(), 0))
            with subprocess.Popen(["sleep", "1000"], pass_fds=[ours.fileno()]) as other:
                try:
                    eventually("both are found", lambda: found() == (min(os.getpid(), other.pid), 1))
                finally:
                    other.kill()

    def test_a_hostile_name_comes_out_safe(self):
        with self.server(HOSTILE) as server:
            port = server.wait_line(r"port (\d+)").group(1)
            with Program(WAITS, port) as program:
                program.wait_line("^waiting$")
                text, link = self.why(program, "asks")
                self.assertIn(f"= process {server.pid} (\\x1b]0;x", text)
                self.assertFalse(any(raw in text for raw in "\x1b\x07\x7f"), ascii(text))
                self.assertEqual(link["peer_program"], HOSTILE)


if __name__ == "__main__":
    main()
