#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""dump.py ROUSE MINI_REDIS: tasks that stand alike are one entry, and nothing is lost by that."""

import re
import sys
import unittest

from watch import LISTEN, ask, rouse, said

from harness import MiniRedis, connect, eventually, main

MINI_REDIS = sys.argv[2]
CLIENTS = 12


def shapes_by_name(document):
    return {shape["name"]: shape for shape in document["shapes"]}


class Shapes(unittest.TestCase):
    def check(self, source):
        with MiniRedis(MINI_REDIS, "--trouble", env=LISTEN if source == "socket" else None) as redis:
            clients = [connect(redis.port) for _ in range(CLIENTS)]

            def serving():
                counts = [shape["count"] for shape in ask("dump", redis.pid, source=source)["shapes"]]
                return CLIENTS in counts

            eventually("every client has its task, and they are of one shape", serving)
            document = ask("dump", redis.pid, "--all", source=source)
            self.check_sums(document)
            text = rouse("dump", "--source", source, redis.pid)
            self.assertEqual((text.returncode, text.stderr), (0, ""), said(text))
            self.assertRegex(text.stdout, rf"(?m)^ +{CLIENTS} \w+ \(\w+\.c:\d+\)  pending, longest .*  e\.g\. \d+, \d+, \d+$")
            self.assertRegex(text.stdout, r"\d+ tasks in [0-9.]+m?s, \d+ MB\n$")
            self.assertRegex(text.stdout, r"PROVEN wait cycle +trouble:deadlock-a")
            for client in clients:
                client.close()
            redis.stop()

    def check_sums(self, document):
        """Every task is in one shape; samples are real; those with findings come first."""
        ids = {task["id"] for task in document["tasks"]}
        shapes = document["shapes"]
        self.assertEqual(sum(shape["count"] for shape in shapes) + document["tasks_left_out"], len(ids))
        for shape in shapes:
            self.assertLessEqual(set(shape["samples"]), ids)
            self.assertEqual(len(shape["samples"]), min(3, shape["count"]))
            self.assertIn(shape["oldest"]["id"], ids)
        self.assertEqual(document["cost"]["tasks"], len(ids))
        classes = [shape.get("class") for shape in shapes]
        self.assertEqual(classes[0], "proven")
        first_without = classes.index(None)
        self.assertEqual(set(classes[first_without:]), {None})
        waits = shapes_by_name(document)["trouble:deadlock-a"]["waits"]
        self.assertEqual([wait["op"] for wait in waits], ["lock"])
        self.assertRegex(waits[0]["text"], r"^mutex trouble:right \(1 waiting\), held by trouble:deadlock-b \(\d+\)$")

    def test_by_the_socket(self):
        self.check("socket")

    def test_by_memory(self):
        self.check("memory")

    def test_without_all_no_task_is_listed(self):
        with MiniRedis(MINI_REDIS) as redis:
            self.assertNotIn("tasks", ask("dump", redis.pid))
            plain, every = rouse("dump", redis.pid).stdout, rouse("dump", "--all", redis.pid).stdout
            self.assertTrue(re.search(r"(?m)^ +1 serve ", plain), plain)
            self.assertFalse(re.search(r"(?m)^ +1 serve ", every), every)
            redis.stop()


if __name__ == "__main__":
    main()
