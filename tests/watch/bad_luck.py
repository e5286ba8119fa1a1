#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bad_luck.py ROUSE MINI_REDIS FORKS: hostile and dying clients, dying servers, forks, stale sockets.

The program under watch serves its clients all the while, and its memory stays
within what its agent is allowed to keep.
"""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from watch import LISTEN, NO_TARGET, OK, ROUSE, agent_of, ask, kernel_state, resident_kib, rouse, said

from harness import DEADLINE_S, MiniRedis, Program, eventually, main, need, read_until_closed

MINI_REDIS, FORKS = sys.argv[2:4]
CLIENTS_MAX, QUEUE_MIB = 16, 4  # of an agent: so many clients, and so much it keeps for each
# What a sanitizer keeps of freed memory is not growth.
BOUNDED = {**LISTEN, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"}
LOST, ERROR, END = 13, 14, 12  # Frame's bodies


def varint(number):
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def frame(payload):
    return varint(len(payload)) + payload


def subscribe(*fields):
    """A Subscribe of (field, number) pairs: 1 interval_ms, 2 level, 3 events, 4 watch, 5 pause."""
    body = b"".join(varint(field << 3) + varint(number) for field, number in fields)
    return frame(varint(32 << 3 | 2) + varint(len(body)) + body)


def frames(data):
    """The numbers of the bodies of the whole frames in what an agent has sent."""
    def number(at):
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value, at

    bodies, at = [], 0
    with contextlib.suppress(IndexError):
        while at < len(data):
            size, start = number(at)
            if start + size > len(data):
                break
            bodies.append(number(start)[0] >> 3)
            at = start + size
    return bodies


def join(path):
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)  # without a timeout: with one it would not wait for its turn
    client.settimeout(DEADLINE_S)
    return client


def hostile_bytes():
    """What a client should not say, each under its name."""
    seed = int(os.environ.get("ROUSE_SEED", random.randrange(1 << 32)))
    print(f"ROUSE_SEED={seed}", file=sys.stderr)
    rng = random.Random(seed)
    yield from ((f"random {size}", rng.randbytes(size)) for size in (1, 7, 100, 5000, 100000))
    yield "a truncated frame", b"\x64" + subscribe((1, 20))[1:4]
    yield "an oversize length", varint(1 << 20) + b"x" * 100
    yield "an endless length", b"\xff" * 64
    yield "groups in groups", frame(b"\x9b\x06" * 2000)
    yield "messages in messages", frame(nested(200))
    yield "groups left open in a subscription", frame(b"\x82\x02\x04" + b"\x33" * 4)
    yield "what only agents say", frame(b"\x0a\x02\x08\x01") * 10
    yield "empty frames", b"\x00" * 10000
    yield "more to watch than fits", frame(varint(32 << 3 | 2) + varint(3003) + b"\x22" + varint(3000) + b"\x10" * 3000)
    yield "subscriptions without end", subscribe((1, 20), (2, 3), (3, 1)) * 3000
    yield "numbers out of range", subscribe((1, (1 << 64) - 1), (2, (1 << 64) - 1), (4, (1 << 64) - 1))


def nested(depth):
    payload = b""
    for _ in range(depth):
        payload = varint(32 << 3 | 2) + varint(len(payload)) + payload
    return payload


class Clients(unittest.TestCase):
    """Of the agent, while redis-benchmark is a client of the program."""

    @contextlib.contextmanager
    def served(self, *options):
        need("redis-benchmark")
        with MiniRedis(MINI_REDIS, *options, env=BOUNDED) as redis:
            path = agent_of(redis)
            self.warm_up(redis, path)
            before = resident_kib(redis.pid)
            with Program("redis-benchmark", "-p", redis.port, "-t", "set,get", "-n", "200000", "-c", "20", "-P", "16",
                         "--csv") as load:
                yield redis, path, load
                self.assertEqual((load.end(), load.stderr, len(load.stdout)), (0, [], 3), load.said())
            self.assertEqual(ask("ps", redis.pid, source="socket")["target"]["pid"], redis.pid)
            self.assertLess(resident_kib(redis.pid) - before, (CLIENTS_MAX * QUEUE_MIB + 16) << 10)
            redis.stop()
            self.assertEqual([line for line in redis.stderr if "shutting down" not in line], [])

    def warm_up(self, redis, path):
        done = subprocess.run(["redis-benchmark", "-p", str(redis.port), "-t", "set,get", "-n", "10000", "-c", "20",
                               "-P", "16", "-q"], capture_output=True, check=True, timeout=DEADLINE_S)
        self.assertEqual(done.stderr, b"")
        self.assertEqual(ask("ps", path)["source"], "socket")

    def test_hostile_bytes(self):
        hostile = list(hostile_bytes())
        with self.served() as (redis, path, load):
            rounds = 0
            while rounds == 0 or load.process.poll() is None:
                for name, data in hostile:
                    with self.subTest(name), join(path) as client:
                        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                            client.sendall(data)
                            client.shutdown(socket.SHUT_WR)
                        read_until_closed(client)
                self.assertEqual(ask("ps", redis.pid, source="socket")["source"], "socket")
                rounds += 1

    def test_a_subscription_that_comes_byte_by_byte_is_understood(self):
        with self.served() as (_, path, _), join(path) as client:
            for byte in subscribe((1, 0)):
                client.sendall(bytes([byte]))
            self.assertIn(END, frames(read_until_closed(client)))

    def test_a_client_that_never_reads_loses_and_nobody_else(self):
        # The troubles are always good for more events than a client takes that reads as slowly as this.
        with self.served("--trouble") as (redis, path, _), contextlib.ExitStack() as stack:
            deaf = [stack.enter_context(join(path)) for _ in range(8)]
            for client in deaf:
                client.sendall(subscribe((1, 20), (2, 3), (3, 1)))
            got = []

            def told():
                for _ in range(5):
                    document = ask("ps", redis.pid, source="socket")
                    self.assertEqual((document["complete"], document["lost"]["generations"]), (True, 0))
                got.append(deaf[0].recv(1 << 16))
                return LOST in frames(b"".join(got))

            eventually("one of them reads a little, and is told of its loss", told)

    def test_more_clients_than_are_allowed(self):
        with self.served() as (redis, path, _):
            with contextlib.ExitStack() as stack:
                clients = [stack.enter_context(join(path)) for _ in range(32)]
                for client in clients[:CLIENTS_MAX]:
                    client.sendall(subscribe((1, 20)))
                    self.assertTrue(client.recv(1))
                for client in clients[CLIENTS_MAX:]:
                    self.assertEqual(frames(read_until_closed(client)), [ERROR])
                done = rouse("ps", "--source", "socket", redis.pid)
                self.assertNotEqual(done.returncode, OK)
                self.assertEqual(done.stdout, "")
                self.assertIn("watched by as many", done.stderr)
                self.assertEqual(ask("ps", redis.pid, source="memory")["source"], "memory")
            eventually("there is room again", lambda: rouse("ps", path).returncode == OK)

    def test_clients_that_are_killed_in_mid_stream(self):
        with self.served() as (redis, path, _):
            for _ in range(10):
                with Program(ROUSE, "top", "--json", "-d", "0.02", redis.pid) as watcher:
                    watcher.wait_line('"schema": "rouse/ps/1"')
                    watcher.end(signal.SIGKILL)
            self.assertEqual(ask("ps", path)["source"], "socket")


class Servers(unittest.TestCase):
    def test_one_that_is_killed_under_the_eyes_of_top(self):
        for source, env in (("socket", LISTEN), ("memory", None)):
            with self.subTest(source), MiniRedis(MINI_REDIS, env=env) as redis:
                path = agent_of(redis) if env else None
                with Program(ROUSE, "top", "-b", "-d", "0.05", "--source", source, redis.pid) as top:
                    top.wait_line("mini_redis")
                    self.assertEqual(redis.end(signal.SIGKILL), -signal.SIGKILL)
                    self.assertEqual(top.end(), NO_TARGET, top.said())
                    self.assertRegex("".join(top.stderr), r"^rouse: [^\n]*ended[^\n]*\n\Z")
                if path:  # it is left behind, and misleads nobody
                    self.assertTrue(os.path.exists(path))
                    self.assertIn("nobody serves", rouse("ps", path).stderr)
                    self.assertNotRegex(rouse("list").stdout, rf"\b{redis.pid}\b")
                    os.unlink(path)

    def test_one_that_ends_ends_the_stream_without_a_complaint(self):
        with MiniRedis(MINI_REDIS, env=LISTEN) as redis:
            with Program(ROUSE, "top", "--json", "-d", "0.05", redis.pid) as watcher:
                watcher.wait_line('"schema": "rouse/ps/1"')
                redis.stop()
                self.assertEqual((watcher.end(), watcher.stderr), (OK, []))


def bind_and_go(path):
    """Leaves a socket as one does that is killed."""
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(path)


class Sockets(unittest.TestCase):
    """What stands where the agent wants its socket. The child itself knows its pid in time to put it there."""

    def start(self, folder, put, listen=True):
        def put_it_there():
            home = os.path.join(folder, "rouse")
            os.makedirs(home, mode=0o700, exist_ok=True)
            put(os.path.join(home, f"{os.getpid()}.sock"))

        env = {**(LISTEN if listen else {}), "XDG_RUNTIME_DIR": folder}
        return MiniRedis(MINI_REDIS, env=env, preexec=put_it_there)

    def test_a_stale_one_is_replaced(self):
        with tempfile.TemporaryDirectory() as folder, self.start(folder, bind_and_go) as redis:
            path = os.path.join(folder, "rouse", f"{redis.pid}.sock")
            eventually("the agent serves it", lambda: rouse("ps", path).returncode == OK)
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
            redis.stop()
            self.assertEqual(os.listdir(os.path.dirname(path)), [])

    def test_one_of_an_earlier_process_is_no_agent(self):
        with tempfile.TemporaryDirectory() as folder, self.start(folder, bind_and_go, listen=False) as redis:
            env = {"XDG_RUNTIME_DIR": folder}
            done = rouse("ps", "--source", "socket", redis.pid, env=env)
            self.assertEqual(done.returncode, NO_TARGET, said(done))
            self.assertIn("ROUSE_LISTEN=1", done.stderr)
            listed = {t["pid"]: t for t in json.loads(rouse("list", "--json", env=env).stdout)["targets"]}
            self.assertFalse(listed[redis.pid]["agent"])
            self.assertEqual(json.loads(rouse("ps", "--json", redis.pid, env=env).stdout)["source"], "memory")

    def test_what_killed_ones_left_is_removed_by_the_next(self):
        with tempfile.TemporaryDirectory() as folder:
            home = os.path.join(folder, "rouse")
            os.makedirs(home, mode=0o700)
            with subprocess.Popen(["true"]) as ended:
                pass
            bind_and_go(os.path.join(home, f"{ended.pid}.sock"))
            with socket.socket(socket.AF_UNIX) as live:
                live.bind(os.path.join(home, "2000000001.sock"))
                live.listen()
                Path(home, "2000000002.sock").write_text("no socket", encoding="ascii")
                bind_and_go(os.path.join(home, "mine.sock"))
                kept = {"2000000001.sock", "2000000002.sock", "mine.sock"}
                # One that was bound a moment ago may be about to listen.
                with self.start(folder, lambda path: None) as redis:
                    path = os.path.join(home, f"{redis.pid}.sock")
                    eventually("the agent answers", lambda served=path: rouse("ps", served).returncode == OK)
                    self.assertIn(f"{ended.pid}.sock", os.listdir(home))
                    redis.stop()
                for name in os.listdir(home):
                    os.utime(os.path.join(home, name), (0, 0))
                with self.start(folder, lambda path: None) as redis:
                    path = f"{redis.pid}.sock"
                    eventually("it is swept", lambda own=path: set(os.listdir(home)) == kept | {own})
                    redis.stop()
                self.assertEqual(set(os.listdir(home)), kept)

    def test_one_that_is_served_and_other_things_are_left_alone(self):
        def served(path):
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(path)
            listener.listen()
            os.dup2(listener.fileno(), 0)  # the program's stdin serves it, as long as that lives

        def file(path):
            with open(path, "w", encoding="ascii") as out:
                out.write("mine")

        def link(path):
            os.symlink("/etc/passwd", path)

        for put in (served, file, link):
            with self.subTest(put.__name__), tempfile.TemporaryDirectory() as folder, self.start(folder, put) as redis:
                path = os.path.join(folder, "rouse", f"{redis.pid}.sock")
                eventually("that is said", lambda log=redis.stderr: "the agent cannot listen at" in "".join(log))
                redis.ask(b"PING\r\n", b"+PONG\r\n")
                self.assertEqual(ask("ps", redis.pid, source="memory")["target"]["pid"], redis.pid)
                redis.stop()
                self.assertTrue(os.path.lexists(path))


def descriptors(pid):
    """What a process has open. One that is closed between the listing and the look is the process's own."""
    names = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            names.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
        except FileNotFoundError:
            pass
    return names


class Forks(unittest.TestCase):
    def start(self):
        return Program(FORKS, env=LISTEN, stdin=subprocess.PIPE)

    def child(self, program, command):
        program.say(command)
        pid, word = program.wait_line(r"^(\d+) (\w+)$").groups()
        return int(pid), word

    def assert_is_not_watched(self, pid):
        done = rouse("ps", pid)
        self.assertEqual((done.returncode, done.stdout), (NO_TARGET, ""), said(done))
        self.assertNotRegex(rouse("list").stdout, rf"(?m)^ *{pid} ")

    def test_a_child_without_exec_finds_the_runtime_dead_and_the_parent_goes_on(self):
        with self.start() as program:
            program.wait_line("^ready$")
            path = agent_of(program)
            with Program(ROUSE, "top", "--json", "-d", "0.02", program.pid) as watcher:
                for _ in range(10):
                    watcher.wait_line('"schema": "rouse/ps/1"')
                    pid, word = self.child(program, "fork")
                    self.assertEqual(word, "forked")
                    self.assert_is_not_watched(pid)
                    program.say("spawn")
                    program.wait_line("^spawned$")
                self.assertEqual(ask("ps", path)["target"]["pid"], program.pid)
                self.assertIsNone(watcher.process.poll(), watcher.said())
            program.process.stdin.close()
            self.assertEqual(program.end(), 0, program.said())
            self.assertFalse(os.path.exists(path))

    def test_a_child_with_exec_has_inherited_nothing(self):
        with self.start() as program:
            program.wait_line("^ready$")
            path = agent_of(program)
            with Program(ROUSE, "top", "--json", "-d", "0.02", program.pid) as watcher:
                watcher.wait_line('"schema": "rouse/ps/1"')
                pid, _ = self.child(program, "exec")

                def execed():
                    with open(f"/proc/{pid}/comm", encoding="ascii") as comm:
                        return comm.read() == "cat\n"

                eventually("it has become another program", execed)
                names = descriptors(pid)
                self.assertEqual([name for name in names if "rouse" in name or "socket" in name or "anon" in name], [])
                self.assert_is_not_watched(pid)
            self.assertEqual(ask("ps", path)["target"]["pid"], program.pid)
            program.process.stdin.close()
            self.assertEqual(program.end(), 0, program.said())

    def test_a_child_does_not_keep_the_socket_of_a_parent_that_was_killed(self):
        with self.start() as program:
            program.wait_line("^ready$")
            path = agent_of(program)
            with Program(ROUSE, "top", "-b", "-d", "0.02", "--source", "socket", program.pid) as watcher:
                watcher.wait_line("forks")
                pid, _ = self.child(program, "fork")
                stop = os.pidfd_open(pid)
                self.addCleanup(os.close, stop)
                signal.pidfd_send_signal(stop, signal.SIGSTOP)  # or it would end with its parent
                eventually("the child stays", lambda: kernel_state(pid) == "T")
                program.process.kill()
                try:
                    self.assertEqual(watcher.end(), NO_TARGET, watcher.said())
                    self.assertIn("nobody serves", rouse("ps", path).stderr)
                finally:
                    signal.pidfd_send_signal(stop, signal.SIGKILL)
            os.unlink(path)


if __name__ == "__main__":
    main()
