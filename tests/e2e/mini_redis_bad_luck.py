#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""mini_redis_bad_luck.py MINI_REDIS: clients that die, stall or swarm; signals; a short supply of descriptors."""

import contextlib
import resource
import signal
import socket
import subprocess
import sys
import unittest

from harness import DEADLINE_S, MiniRedis, connect, main, read_exactly, read_until_closed

PROGRAM = sys.argv[1]


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def kill(client):
    """Ends a connection as a killed client's kernel may: with a reset."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()


class Clients(unittest.TestCase):
    def test_clients_that_are_killed_leave_nothing_behind(self):
        with MiniRedis(PROGRAM) as redis:
            for request in (b"", b"*3\r\n$3\r\nSE", b"GET a\r\n" * 10000, b"SET a " + b"x" * 60000 + b"\r\nGET a\r\n" * 100):
                for _ in range(20):
                    client = connect(redis.port)
                    client.sendall(request)
                    kill(client)
            redis.ask(b"PING\r\n", b"+PONG\r\n")
            totals = redis.stop()
            self.assertEqual((totals["panicked"], totals["live"]), (0, 0))
            self.assertGreater(totals["completed"], 1)

    def test_a_client_that_never_reads_is_not_read_either(self):
        value = b"v" * (1 << 20)
        with MiniRedis(PROGRAM) as redis, connect(redis.port) as deaf:
            redis.ask(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$%d\r\n%s\r\n" % (len(value), value), b"+OK\r\n")
            deaf.settimeout(0.2)
            sent = 0
            with contextlib.suppress(TimeoutError):  # full: nobody takes it any more
                while sent < 1 << 26:
                    sent += deaf.send(b"GET a\r\n" * 1000)
            self.assertLess(sent, 1 << 26)
            # What it asked for is gigabytes; what is held for it is bounded.
            self.assertLess(resident_bytes(redis.pid), 200 << 20)
            redis.ask(b"PING\r\n", b"+PONG\r\n")
            totals = redis.stop()
            self.assertGreaterEqual(totals["cancelled"], 1)
            self.assertEqual(totals["live"], 0)

    def test_a_client_that_stalls_in_mid_request_disturbs_nobody(self):
        with MiniRedis(PROGRAM) as redis:
            stalled = [connect(redis.port) for _ in range(200)]
            for client in stalled:
                client.sendall(b"*2\r\n$4\r\nECHO\r\n$5\r\nhel")
            redis.ask(b"PING\r\n", b"+PONG\r\n")
            for client in stalled:
                client.sendall(b"lo\r\n")
            for client in stalled:
                self.assertEqual(read_exactly(client, 11), b"$5\r\nhello\r\n")
                client.close()
            redis.stop()


class Descriptors(unittest.TestCase):
    def test_too_few_descriptors_are_said_and_waited_for(self):
        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))

        with MiniRedis(PROGRAM, preexec=few) as redis:
            clients = [connect(redis.port) for _ in range(60)]  # the kernel's queue takes those the server cannot
            redis.wait_line(r"cannot accept: Too many open files; will try again")
            clients[0].sendall(b"PING\r\n")  # those that are in are served
            self.assertEqual(read_exactly(clients[0], 7), b"+PONG\r\n")
            last = clients.pop()
            last.sendall(b"PING\r\n")
            for client in clients:
                client.close()
            self.assertEqual(read_exactly(last, 7), b"+PONG\r\n")  # and the rest, once there is room
            last.close()
            redis.stop()
            complaints = [line for line in redis.stderr if "cannot accept" in line]
            self.assertLess(len(complaints), 60)


class Signals(unittest.TestCase):
    def ended_by(self, sig):
        with MiniRedis(PROGRAM) as redis:
            clients = [connect(redis.port) for _ in range(10)]
            for client in clients:
                client.sendall(b"PING\r\n")
                self.assertEqual(read_exactly(client, 7), b"+PONG\r\n")
            totals = redis.stop(sig)
            self.assertEqual(totals, {"spawned": 11, "completed": 1, "cancelled": 10, "panicked": 0, "live": 0})
            for client in clients:
                self.assertEqual(read_until_closed(client), b"")
                client.close()

    def test_sigterm_ends_it_cleanly_with_clients_connected(self):
        self.ended_by(signal.SIGTERM)

    def test_sigint_ends_it_cleanly_with_clients_connected(self):
        self.ended_by(signal.SIGINT)

    def test_it_ends_cleanly_in_mid_load(self):
        with MiniRedis(PROGRAM) as redis:
            clients = [connect(redis.port) for _ in range(10)]
            for client in clients:
                client.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    while True:
                        client.send(b"SET a b\r\nGET a\r\n" * 1000)
            self.assertEqual(redis.stop()["live"], 0)
            for client in clients:
                client.close()

    def test_it_ends_cleanly_with_every_trouble(self):
        with MiniRedis(PROGRAM, "--trouble") as redis:
            redis.ask(b"PING\r\n", b"+PONG\r\n")
            totals = redis.stop()
            self.assertEqual((totals["panicked"], totals["live"]), (0, 0))


class Doors(unittest.TestCase):
    def run_with(self, *options):
        return subprocess.run([PROGRAM, *options], capture_output=True, text=True, timeout=DEADLINE_S, check=False)

    def test_a_port_that_is_taken_is_said_with_words(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            done = self.run_with("--port", str(taken.getsockname()[1]))
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot listen: Address already in use", done.stderr)

    def test_options_are_checked(self):
        for options in (["--port", "x"], ["--port", "65536"], ["--port", "-1"], ["--port"], ["--nonsense"], ["more"]):
            done = self.run_with(*options)
            self.assertEqual((done.returncode, done.stdout), (2, ""), options)
            self.assertIn("mini_redis", done.stderr)

    def test_help_names_every_command(self):
        done = self.run_with("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for command in "PING ECHO SET GET DEL INCR MSET MGET QUIT --port --trouble".split():
            self.assertIn(command, done.stdout)


if __name__ == "__main__":
    main()
