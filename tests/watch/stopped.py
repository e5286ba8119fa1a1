#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""stopped.py ROUSE MINI_REDIS WEDGED: a target that cannot answer is read all the same."""

import signal
import subprocess
import sys
import time
import unittest

from watch import (FINDINGS, LISTEN, TIMEOUT, agent_of, ask, at_rest, rouse, said, stop, stop_at_rest, task_named)

from harness import MiniRedis, Program, eventually, main

MINI_REDIS, WEDGED = sys.argv[2:4]


class Unanswering(unittest.TestCase):
    def assert_answered(self, pid, source="memory"):
        """ps, dump, why, check, sched, and top's frames: as text and as JSON, from the source named."""
        ps, dump, sched = (ask(*args) for args in (("ps", pid), ("dump", pid, "--all"), ("sched", pid)))
        why = ask("why", pid, "trouble:deadlock-a")
        check = ask("check", pid, exits=(FINDINGS,))
        self.assertEqual({document["source"] for document in (ps, dump, sched, why, check)}, {source})
        self.assertEqual({task["name"] for task in ps["tasks"]}, {task["name"] for task in dump["tasks"]})
        self.assertIn("serve", {task["name"] for task in ps["tasks"]})
        leaf = task_named(dump, "trouble:deadlock-b")["awaits"][-1]
        self.assertEqual((leaf["future"], leaf["op"], leaf["wait"]), ("rouse_mutex_lock", "lock", "waiting"))
        self.assert_deadlock(why)
        for args in (["ps", pid], ["dump", pid], ["why", pid, "trouble:deadlock-a"], ["sched", pid],
                     ["top", "-b", "-n", 1, pid]):
            done = rouse(*args)
            self.assertEqual((done.returncode, done.stderr), (0, ""), said(done))
            self.assertIn(source, done.stdout, said(done))
        return ps

    def assert_deadlock(self, why):
        self.assertTrue(why["cycle"])
        self.assertTrue(why["valid"])
        self.assertEqual(why["findings"][0]["code"], "wait-cycle")
        self.assertEqual(why["findings"][0]["class"], "proven")
        chain = [(link["kind"], link["name"]) for link in why["chain"] if "name" in link]
        self.assertEqual(chain, [("task", "trouble:deadlock-a"), ("resource", "trouble:right"),
                                 ("task", "trouble:deadlock-b"), ("resource", "trouble:left"),
                                 ("task", "trouble:deadlock-a")])

    def test_a_stopped_process_with_an_agent(self):
        with MiniRedis(MINI_REDIS, "--trouble", env=LISTEN) as redis:
            stop_at_rest(redis)
            ps = self.assert_answered(redis.pid)
            self.assertTrue(all(runtime["stopped"] for runtime in ps["runtimes"]))
            self.assertIn("STOPPED", rouse("ps", redis.pid).stdout)
            redis.process.send_signal(signal.SIGCONT)
            redis.stop()

    def test_its_agent_does_not_answer_and_that_is_said(self):
        with MiniRedis(MINI_REDIS, env=LISTEN) as redis:
            path = agent_of(redis)
            stop(redis)
            for args in (["ps", "--source", "socket", redis.pid], ["dump", path]):
                begin = time.monotonic()
                done = rouse(*args, "--timeout", 1500)
                took = time.monotonic() - begin
                self.assertEqual((done.returncode, done.stdout), (TIMEOUT, ""), said(done))
                self.assertIn("did not answer within 1500 ms", done.stderr)
                self.assertGreaterEqual(took, 1.5)
            redis.process.send_signal(signal.SIGCONT)
            redis.stop()

    def test_a_stopped_process_without_an_agent(self):
        with MiniRedis(MINI_REDIS, "--trouble") as redis:
            stop_at_rest(redis)
            self.assert_answered(redis.pid)
            redis.process.send_signal(signal.SIGCONT)
            redis.stop()

    def test_a_running_process_without_an_agent(self):
        with MiniRedis(MINI_REDIS, "--trouble") as redis:
            at_rest(redis)
            ps = self.assert_answered(redis.pid)
            self.assertFalse(any(runtime["stopped"] for runtime in ps["runtimes"]))
            redis.stop()

    def test_a_running_process_with_an_agent(self):
        with MiniRedis(MINI_REDIS, "--trouble", env=LISTEN) as redis:
            agent_of(redis)
            at_rest(redis)
            self.assert_answered(redis.pid, source="socket")
            redis.stop()

    def test_the_chain_of_a_deadlock_reads_as_one(self):
        with MiniRedis(MINI_REDIS, "--trouble") as redis:
            at_rest(redis)
            for task, order in (("a", "right.*left"), ("b", "left.*right")):
                done = rouse("why", redis.pid, f"trouble:deadlock-{task}")
                self.assertEqual(done.returncode, 0, said(done))
                self.assertRegex(" ".join(done.stdout.split()), f"mutex trouble:{order}.*PROVEN.*cycle")
            redis.stop()


class Wedged(unittest.TestCase):
    """Every worker is blocked in a poll: nothing of the runtime itself can run any more."""

    def look(self, source):
        with Program(WEDGED, env=LISTEN if source == "socket" else None, stdin=subprocess.PIPE) as program:
            program.wait_line("^wedged$")
            states = {task["name"]: task["state"] for task in ask("ps", program.pid, source=source)["tasks"]}
            self.assertEqual(states, {"holder": "running", "waiter": "pending", "hog": "running",
                                      "queued": "scheduled"})
            dump = ask("dump", program.pid, "--all", source=source)
            self.assertEqual(task_named(dump, "waiter")["awaits"][-1]["op"], "lock")
            why = ask("why", program.pid, "waiter", source=source)
            self.assertFalse(why["cycle"])
            names = [link["name"] for link in why["chain"] if "name" in link]
            self.assertEqual(names, ["waiter", "the lock", "holder"])
            self.assertEqual([link["kind"] for link in why["chain"][-2:]], ["worker", "thread"])
            self.assertEqual(why["chain"][-1]["evidence"], "blocked in futex()")
            self.assert_blocked(program, source)
            program.process.stdin.close()
            self.assertEqual(program.end(), 0, program.said())

    def assert_blocked(self, program, source):
        def found():
            document = ask("check", program.pid, source=source, exits=(0, FINDINGS))
            return {finding["tasks"][0]["name"] for finding in document["findings"]
                    if finding["code"] == "blocked-worker"} == {"holder", "hog"}

        eventually("both workers are found to be blocked", found)

    def test_it_is_seen_by_its_agent(self):
        self.look("socket")

    def test_it_is_seen_by_its_memory(self):
        self.look("memory")


if __name__ == "__main__":
    main()
