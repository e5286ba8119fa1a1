#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""trouble.py ROUSE MINI_REDIS TROUBLE_C: each trouble of the demo is found, at the line that is at fault.

Which line that is, the source itself says by a comment "fault: NAME".
"""

import re
import sys
import time
import unittest
from pathlib import Path

from watch import FINDINGS, LISTEN, OK, ask, rouse, said

from harness import DEADLINE_S, MiniRedis, excused, main

MINI_REDIS, TROUBLE_C = sys.argv[2:4]
FAULTS = {name: number for number, line in enumerate(Path(TROUBLE_C).read_text(encoding="utf-8").splitlines(), 1)
          for name in re.findall(r"/\* fault: ([a-z-]+) \*/", line)}

# What is found by its code: the line's mark, the task it names first (None: a channel's finding names who is there),
# and how sure it is in the end.
TROUBLES = {
    "never-registered": ("never-registered", "trouble:never-registered", {"proven"}),
    "dropped-waker": ("dropped-waker", "trouble:dropped-waker", {"proven"}),
    "held-by-itself": ("own-waker", "trouble:own-waker", {"likely", "proven"}),
    "stale-waker": ("stale-poller", "trouble:stale-poller", {"likely", "proven"}),
    "wait-cycle": ("deadlock-a", "trouble:deadlock-a", {"proven"}),
    "wake-storm": ("self-wake", "trouble:self-wake", {"likely", "proven"}),
    "growing-channel": ("growing-channel", "trouble:growing-channel", {"suspect", "likely"}),
    "long-polls": ("blocks-worker", "trouble:blocks-worker", {"likely", "proven"}),
    "blocked-worker": ("blocks-worker", "trouble:blocks-worker", {"likely", "proven"}),
}


class Troubles(unittest.TestCase):
    def gather(self, redis, source):
        """Checks until every trouble has shown as sure as it gets: the findings by code."""
        found = {}
        # The worker is blocked for 200 ms in every 2 s: only looks close to each other are sure to meet that. On a machine
        # that lets the program wait for CPUs it has to be met twice.
        options = ["--looks", 52, "--interval", 100]
        deadline = time.monotonic() + 3 * DEADLINE_S
        while set(found) != set(TROUBLES):
            if time.monotonic() > deadline and excused(set(TROUBLES) - set(found)):
                return found
            self.assertLess(time.monotonic(), deadline, f"not found: {set(TROUBLES) - set(found)}")
            document = ask("check", redis.pid, *options, source=source, exits=(FINDINGS,))
            for finding in document["findings"]:
                # Whatever shows at any time has to be one of them.
                self.assertIn(finding["code"], TROUBLES, finding)
                if finding["class"] in TROUBLES[finding["code"]][2]:
                    found[finding["code"]] = finding
            self.assertTrue(document["complete"])
        return found

    def check_each(self, source):
        with MiniRedis(MINI_REDIS, "--trouble", env=LISTEN if source == "socket" else None) as redis:
            found = self.gather(redis, source)
            tasks = {task["name"]: task for task in ask("ps", redis.pid, source=source)["tasks"]}
            redis.stop()
        for code, finding in found.items():
            fault, task, _ = TROUBLES[code]
            with self.subTest(code):
                self.assertEqual(Path(finding["site"]["file"]).name, "trouble.c")
                self.assertEqual(finding["site"]["line"], FAULTS[fault], finding)
                self.assertEqual(finding["tasks"][0]["id"], tasks[task]["id"], finding)
                self.assertNotEqual(finding["evidence"], "")
                self.assertNotEqual(finding["advice"], "")
        self.check_details(found, tasks)

    def check_details(self, found, tasks):
        cycle = found["wait-cycle"]
        self.assertEqual([task["name"] for task in cycle["tasks"]], ["trouble:deadlock-a", "trouble:deadlock-b"])
        self.assertEqual(cycle["tasks"][1]["site"]["line"], FAULTS["deadlock-b"])
        self.assertIn("trouble:left", cycle["evidence"])
        self.assertIn("trouble:right", cycle["evidence"])
        self.assertEqual(found["stale-waker"]["owner"], tasks["trouble:first-poller"]["id"])
        self.assertEqual(found["growing-channel"]["resource"]["name"], "trouble:backlog")
        self.assertEqual(found["never-registered"]["leaf"]["function"], "forgetful")
        self.assertEqual(found["dropped-waker"]["leaf"]["function"], "careless")

    def test_each_is_found_by_the_socket(self):
        self.check_each("socket")

    def test_each_is_found_by_memory(self):
        self.check_each("memory")


class FailOn(unittest.TestCase):
    def test_findings_below_the_class_do_not_fail(self):
        with MiniRedis(MINI_REDIS) as calm, MiniRedis(MINI_REDIS, "--trouble") as troubled:
            for name in ("suspect", "likely", "proven"):
                self.assertEqual(rouse("check", "--fail-on", name, calm.pid).returncode, OK)
                done = rouse("check", "--fail-on", name, troubled.pid)
                self.assertEqual(done.returncode, FINDINGS, said(done))
                self.assertEqual(done.stderr, "")
            calm.stop()
            troubled.stop()

    def test_text_and_json_tell_the_same(self):
        with MiniRedis(MINI_REDIS, "--trouble") as redis:
            text = rouse("check", redis.pid)
            self.assertEqual(text.returncode, FINDINGS, said(text))
            for name in ("deadlock-a", "deadlock-b", "never-registered", "dropped-waker"):
                self.assertRegex(text.stdout, rf"trouble\.c:{FAULTS[name]}\b")
            self.assertRegex(text.stdout, r"PROVEN wait cycle +trouble:deadlock-a \(\d+\), trouble:deadlock-b \(\d+\)")
            redis.stop()


if __name__ == "__main__":
    main()
