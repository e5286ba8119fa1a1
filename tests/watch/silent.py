#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""silent.py ROUSE MINI_REDIS TOTALS EXAMPLE...: where nothing is wrong nothing is found, and counts are true."""

import json
import subprocess
import sys
import time
import unittest

from watch import LISTEN, NO_TARGET, OK, ROUSE, ask, rouse, said

from harness import DEADLINE_S, MiniRedis, Program, eventually, main, need

MINI_REDIS, TOTALS = sys.argv[2:4]
EXAMPLES = sys.argv[4:]
COUNTS = ("spawned", "completed", "cancelled", "panicked")


def counts_of(document):
    """Of all runtimes together, as the console shows them."""
    counts = {name: sum(runtime["totals"][name] for runtime in document["runtimes"]) for name in COUNTS}
    return {**counts, "live": sum(runtime["live"] for runtime in document["runtimes"])}


class Load(unittest.TestCase):
    def benchmark(self, redis, *more):
        args = ["redis-benchmark", "-p", str(redis.port), "-t", "ping,set,get,incr,mset", "-n", "50000", "-c", "50",
                "--csv", *more]
        return Program(*args)

    def assert_no_error(self, load):
        self.assertEqual((load.end(), load.stderr), (0, []))
        tests = [line.split(",")[0].strip('"') for line in load.stdout]
        self.assertEqual(tests, ["test", "PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "MSET (10 keys)"])

    def assert_silent(self, redis, source):
        done = rouse("check", "--json", "--source", source, redis.pid)
        self.assertEqual((done.returncode, done.stderr), (OK, ""), said(done))
        self.assertEqual(json.loads(done.stdout)["findings"], [])

    def test_nothing_is_found_under_load_and_every_task_is_counted(self):
        need("redis-benchmark")
        for more in ([], ["-P", "16"]):
            with self.subTest(more), MiniRedis(MINI_REDIS, env=LISTEN) as redis, \
                    Program(ROUSE, "top", "--json", "-d", "0.1", redis.pid) as watcher:
                checks = 0
                with self.benchmark(redis, *more) as load:
                    while load.process.poll() is None:
                        self.assert_silent(redis, ("socket", "memory")[checks % 2])
                        checks += 1
                    self.assert_no_error(load)
                self.assertGreater(checks, 0)
                self.assert_totals(redis)
                self.assert_watcher_saw_it(watcher)

    def assert_totals(self, redis):
        """At rest only the server itself lives; it completes when it is told to end."""
        eventually("every connection has ended", lambda: counts_of(ask("ps", redis.pid))["live"] == 1)
        by_socket, by_memory = (counts_of(ask("ps", redis.pid, source=source)) for source in ("socket", "memory"))
        self.assertEqual(by_socket, by_memory)
        self.assert_silent(redis, "socket")
        by_socket["completed"] += by_socket.pop("live")
        self.assertEqual({**by_socket, "live": 0}, redis.stop())

    def assert_watcher_saw_it(self, watcher):
        """One that looked on all the time had whole looks, and ends with the program."""
        watcher.end()
        decoder, text, looks = json.JSONDecoder(), "".join(watcher.stdout), []
        while text.strip():
            look, end = decoder.raw_decode(text.lstrip())
            text = text.lstrip()[end:]
            looks.append(look)
        self.assertTrue(looks)
        for runtime in (runtime for look in looks for runtime in look["runtimes"]):
            totals = runtime["totals"]
            self.assertGreaterEqual(totals["spawned"], sum(totals[name] for name in COUNTS[1:]))


class Totals(unittest.TestCase):
    def test_ps_shows_what_the_program_itself_counts(self):
        for env in (None, LISTEN):
            with Program(TOTALS, env=env, stdin=subprocess.PIPE) as program:
                line = program.wait_line(r"^spawned=(\d+) completed=(\d+) cancelled=(\d+) panicked=(\d+) live=(\d+)$")
                own = dict(zip((*COUNTS, "live"), map(int, line.groups())))
                self.assertTrue(all(own.values()), f"a kind of end has no example: {own}")
                self.assertEqual(own["spawned"], own["completed"] + own["cancelled"] + own["panicked"] + own["live"])
                for source in ("memory", "socket") if env else ("memory",):
                    document = ask("ps", program.pid, source=source)
                    self.assertEqual(counts_of(document), own)
                    alive = [task for task in document["tasks"] if task["state"] not in COUNTS]
                    ended = [task["state"] for task in document["tasks"] if task["state"] in COUNTS]
                    self.assertEqual(len(alive), own["live"])
                    self.assertEqual(sorted(ended), ["cancelled", "complete", "panicked"][: len(ended)])
                program.process.stdin.close()
                self.assertEqual(program.end(), 0, program.said())


class Examples(unittest.TestCase):
    """They end by themselves: each look has either to find nothing, or to say that it came too late."""

    def looks_at(self, path):
        looks = 0
        with Program(path, env=LISTEN, stdin=subprocess.DEVNULL) as example:
            while example.process.poll() is None:
                done = rouse("check", "--json", "--looks", 2, "--interval", 20, example.pid)
                self.assertIn(done.returncode, (OK, NO_TARGET), said(done))
                if done.returncode == OK:
                    self.assertEqual(json.loads(done.stdout)["findings"], [])
                    looks += 1
            self.assertEqual(example.end(), 0, example.said())
        return looks

    def test_nothing_is_found_in_the_examples(self):
        looks = sum(self.looks_at(path) for path in EXAMPLES)
        deadline = time.monotonic() + DEADLINE_S
        while not looks and time.monotonic() < deadline:
            looks = sum(self.looks_at(path) for path in EXAMPLES)
        self.assertGreater(looks, 0, "every look came too late")


if __name__ == "__main__":
    main()
