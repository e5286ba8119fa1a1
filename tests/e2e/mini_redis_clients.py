#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""mini_redis_clients.py MINI_REDIS: the clients that people have, redis-cli and redis-benchmark."""

import subprocess
import sys
import unittest

from harness import DEADLINE_S, MiniRedis, main, need

PROGRAM = sys.argv[1]
need("redis-cli", "redis-benchmark")

class RedisCli(unittest.TestCase):
    def cli(self, redis, *args, stdin=None):
        done = subprocess.run(["redis-cli", "-p", str(redis.port), *args], input=stdin, capture_output=True, text=True,
                              timeout=DEADLINE_S, check=False)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def test_every_command(self):
        with MiniRedis(PROGRAM) as redis:
            for command, answer in (("ping", "PONG\n"), ("ping hi", "hi\n"), ("echo x", "x\n"), ("get none", "\n"),
                                    ("set a 5", "OK\n"), ("incr a", "6\n"), ("get a", "6\n"),
                                    ("mset x 1 y 2", "OK\n"), ("mget x y z", "1\n2\n\n"), ("del x y z", "2\n"),
                                    ("config get save", "save\n\n"), ("command count", "12\n"),
                                    ("set a b c", "ERR wrong number of arguments for 'set' command\n\n"),
                                    ("flushall", "ERR unknown command 'flushall'\n\n")):
                self.assertEqual(self.cli(redis, *command.split()), answer, command)
            redis.stop()

    def test_a_session_over_one_connection(self):
        with MiniRedis(PROGRAM) as redis:
            self.assertEqual(self.cli(redis, stdin='set k "two words"\nget k\nincr n\nincr n\nquit\n'),
                             "OK\ntwo words\n1\n2\n")
            totals = redis.stop()
            self.assertEqual((totals["panicked"], totals["live"]), (0, 0))


class RedisBenchmark(unittest.TestCase):
    def benchmark(self, redis, *more):
        args = ["redis-benchmark", "-p", str(redis.port), "-t", "ping,set,get,incr,mset", "-n", "20000", "-c", "50",
                "--csv", *more]
        done = subprocess.run(args, capture_output=True, text=True, timeout=5 * DEADLINE_S, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        # A heading, a line for each test, and nothing else: complaints would be lines of their own.
        tests = [line.split(",")[0].strip('"') for line in done.stdout.splitlines()]
        self.assertEqual(tests, ["test", "PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "MSET (10 keys)"], done.stdout)

    def test_without_and_with_a_pipeline(self):
        with MiniRedis(PROGRAM) as redis:
            self.benchmark(redis)
            self.benchmark(redis, "-P", "16")
            totals = redis.stop()
            self.assertEqual((totals["panicked"], totals["live"]), (0, 0))
            self.assertGreaterEqual(totals["spawned"], 12 * 50)

    def test_random_keys_and_large_values(self):
        with MiniRedis(PROGRAM) as redis:
            self.benchmark(redis, "-r", "100000", "-d", "1000", "-P", "4")
            redis.stop()

    def test_beside_every_trouble(self):
        with MiniRedis(PROGRAM, "--trouble") as redis:
            self.benchmark(redis, "-P", "16")
            totals = redis.stop()
            self.assertEqual((totals["panicked"], totals["live"]), (0, 0))


if __name__ == "__main__":
    main()
