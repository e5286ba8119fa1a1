#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""diff.py ROUSE MINI_REDIS: two looks are compared by what things are and where they stand, not by their ids."""

import json
import signal
import sys
import tempfile
import unittest

from common import FINDINGS, NO_TARGET, OK, USAGE, at_rest, rouse, said, stop
from schema import SCHEMA

from harness import MiniRedis, connect, eventually, main, read_exactly

MINI_REDIS = sys.argv[2]


class Test(unittest.TestCase):
    def compare(self, *args, status):
        done = rouse("diff", "--interval", 50, "--json", *args)
        self.assertIn(done.returncode, status if isinstance(status, tuple) else (status,), said(done))
        document = json.loads(done.stdout)
        self.assertIsNone(SCHEMA.fail(document, SCHEMA.root["$defs"]["rouse/diff/1"], "diff"))
        self.assertEqual(document["exit"], done.returncode)
        return document

    def test_a_stopped_program_is_the_same_as_itself(self):
        with MiniRedis(MINI_REDIS) as redis:
            stop(redis)
            document = self.compare(redis.pid, redis.pid, status=OK)
            self.assertEqual((document["groups"], document["resources"], document["findings"]), ([], [], []))
            self.assertTrue(all(counter["a"] == counter["b"] for counter in document["counters"]))
            self.assertIn("The same groups", rouse("diff", "--interval", 50, redis.pid, redis.pid).stdout)
            redis.process.send_signal(signal.SIGCONT)
            redis.stop()

    def test_two_servers_alike_are_the_same_and_clients_of_one_are_told(self):
        with MiniRedis(MINI_REDIS) as one, MiniRedis(MINI_REDIS) as other:
            eventually("both rest", lambda: rouse("diff", "--interval", 50, one.pid, other.pid).returncode == OK)
            clients = [connect(other.port) for _ in range(3)]
            for client in clients:
                client.sendall(b"PING\r\n")
                read_exactly(client, 7)
            document = {}

            def all_wait():
                document.update(json.loads(rouse("diff", "--interval", 50, "--json", one.pid, other.pid).stdout))
                return [(change["a"], change["b"]) for change in document["groups"]] == [(0, 3)]

            eventually("all three wait for their next request", all_wait)
            self.assertRegex(document["groups"][0]["what"], r"^connection_spawn connection\.c:\d+;.*;\[read\]$")
            self.assertEqual([(change["what"].split()[0], change["a"], change["b"]) for change in document["resources"]],
                             [("socket", 0, 3)])
            self.assertEqual(document["span_ns"], 0)
            back = self.compare(other.pid, one.pid, status=FINDINGS)
            self.assertEqual([(change["a"], change["b"]) for change in back["groups"]], [(3, 0)])
            text = rouse("diff", "--interval", 50, one.pid, other.pid).stdout
            self.assertRegex(text, r"(?m)^ +0 +3  new  connection_spawn")
            for client in clients:
                client.close()
            one.stop()
            other.stop()

    def test_findings_that_are_new_or_gone_are_told(self):
        with MiniRedis(MINI_REDIS) as well, MiniRedis(MINI_REDIS, "--trouble") as sick:
            at_rest(sick)
            found = [change["what"] for change in self.compare(well.pid, sick.pid, status=FINDINGS)["findings"]
                     if (change["a"], change["b"]) == (0, 1)]
            self.assertTrue(any(what.startswith("wait-cycle  trouble:deadlock-a") for what in found), found)
            well.stop()
            sick.stop()

    def test_of_one_program_at_two_times_counters_are_rates(self):
        with MiniRedis(MINI_REDIS, "--trouble") as redis:
            document = self.compare("--for", "100ms", redis.pid, redis.pid, status=(OK, FINDINGS))
            self.assertGreaterEqual(document["span_ns"], 100_000_000)
            polls = next(counter for counter in document["counters"] if counter["what"] == "polls")
            self.assertGreater(polls["b"], polls["a"])
            again = self.compare("--for", "100ms", redis.pid, status=(OK, FINDINGS))
            self.assertEqual(again["a"]["pid"], again["b"]["pid"])
            redis.stop()

    def test_a_recording_is_compared_like_the_program(self):
        with MiniRedis(MINI_REDIS) as redis, tempfile.TemporaryDirectory() as folder:
            file = f"{folder}/rec"
            done = rouse("record", "-o", file, "--for", "500ms", "--interval", 50, redis.pid)
            self.assertEqual(done.returncode, OK, said(done))
            document = self.compare(file, redis.pid, status=OK)
            self.assertGreater(document["span_ns"], 0)
            redis.stop()

    def test_both_have_to_be_there(self):
        with MiniRedis(MINI_REDIS) as redis:
            for args, status in ((["diff", redis.pid], USAGE), (["diff", redis.pid, "nobody-is-called-so"], NO_TARGET)):
                done = rouse(*args)
                self.assertEqual((done.returncode, done.stdout), (status, ""), said(done))
            redis.stop()


if __name__ == "__main__":
    main()
