#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tables.py ROUSE MINI_REDIS: tables and folded stacks say what the JSON documents say of the same program."""

import collections
import csv
import io
import signal
import sys
import unittest

from common import OK, USAGE, ask, at_rest, rouse, said, stop

from harness import MiniRedis, main

MINI_REDIS = sys.argv[2]


def text_of(*args):
    done = rouse(*args)
    if done.returncode != OK or done.stderr:
        raise AssertionError(said(done))
    return done.stdout


def table(pid, name=None):
    return list(csv.DictReader(io.StringIO(text_of("ps", f"--csv={name}" if name else "--csv", pid)), strict=True))


class Test(unittest.TestCase):
    def test_tables_are_what_the_documents_say(self):
        with MiniRedis(MINI_REDIS, "--trouble") as redis:
            at_rest(redis)
            stop(redis)
            dump = ask("dump", redis.pid, "--all", source="memory")
            rows = {row["id"]: row for row in table(redis.pid)}
            self.assertEqual(set(rows), {task["id"] for task in dump["tasks"]})
            for task in dump["tasks"]:
                row = rows[task["id"]]
                for name in ("name", "state", "parent"):
                    self.assertEqual(row[name], task[name])
                for name in ("polls", "wakes", "self_wakes", "wakers", "busy_ns", "frame_bytes"):
                    self.assertEqual(int(row[name]), task[name])
                self.assertEqual(row["at_line"], str(task["site"]["line"]) if task["site"] else "")
                self.assertNotIn(None, row, "no more cells than names")
                self.assertNotIn(None, row.values(), "no fewer")
            self.assertEqual(rows[next(t["id"] for t in dump["tasks"] if t["name"] == "trouble:deadlock-a")]["finding"],
                             "wait-cycle")
            resources = {row["serial"]: row for row in table(redis.pid, "resources")}
            self.assertEqual(set(resources), {resource["serial"] for resource in dump["resources"]})
            for resource in dump["resources"]:
                self.assertEqual(resources[resource["serial"]]["owner"], resource["owner"])
                self.assertEqual(int(resources[resource["serial"]]["waiters"]), resource["waiters"])
            only = text_of("ps", "--csv", "--where", "name~deadlock", redis.pid).splitlines()
            self.assertEqual(len(only), 1 + 2)
            groups = table(redis.pid, "groups")
            self.assertEqual(sum(int(row["count"]) for row in groups), len(dump["tasks"]))
            self.assertEqual(collections.Counter(row["name"] for row in groups),
                             collections.Counter(shape["name"] for shape in dump["shapes"]))
            redis.process.send_signal(signal.SIGCONT)
            redis.stop()

    def test_folded_chains_count_each_task_once_and_end_in_what_it_waits_for(self):
        with MiniRedis(MINI_REDIS, "--trouble") as redis:
            at_rest(redis)
            stop(redis)
            lines = [line.rsplit(" ", 1) for line in text_of("export", "--folded", redis.pid).splitlines()]
            tasks = ask("ps", redis.pid)["tasks"]
            self.assertEqual(sum(int(count) for _, count in lines), len(tasks))
            self.assertTrue(all(stack.startswith("mini_redis;") for stack, _ in lines))
            locks = [stack.split(";") for stack, _ in lines if stack.endswith(";rouse_mutex_lock;[lock]")]
            self.assertEqual(sorted(frames[2].split()[0] for frames in locks), ["deadlock_a", "deadlock_b"])
            busy = [line.rsplit(" ", 1) for line in text_of("export", "--folded", "--by", "busy", redis.pid).splitlines()]
            whole = sum(int(row["busy_ns"]) for row in table(redis.pid)) // 1000
            self.assertAlmostEqual(sum(int(us) for _, us in busy), whole, delta=len(tasks))
            redis.process.send_signal(signal.SIGCONT)
            redis.stop()

    def test_what_is_no_table_and_no_weight_is_refused(self):
        for args in (["ps", "--csv=all", "1"], ["export", "--folded", "--by", "polls", "1"],
                     ["ps", "--csv=groups", "--where", "a", "1"],
                     ["export", "--folded", "--openmetrics", "1"]):
            done = rouse(*args)
            self.assertEqual((done.returncode, done.stdout), (USAGE, ""), said(done))


if __name__ == "__main__":
    main()
