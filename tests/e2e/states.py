#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""states.py STATES [ROUSE]: every edge of the states diagram, walked by hand.

With the console given, each state is looked at through it too, from outside.
"""

import json
import subprocess
import sys
import unittest

from harness import DEADLINE_S, Program, main

STATES = sys.argv[1]
ROUSE = sys.argv[2] if len(sys.argv) > 2 else None


class Stage(Program):
    """The program under our hands: do() gives a command and answers the task's state."""

    def __init__(self):
        super().__init__(STATES, stdin=subprocess.PIPE)

    def do(self, command):
        self.say(command)
        match = self.wait_line(r"^(ok|error)(?: (.*))?$")
        if match.group(1) == "error":
            return "error: " + match.group(2)
        if not match.group(2):
            return "ok"
        state, task = match.group(2).split()
        seen = self.seen_from_outside(int(task))
        if seen not in (None, state):
            raise AssertionError(f"after {command!r} the task is {state}, but the console shows {seen}")
        return state

    def seen_from_outside(self, task):
        """What the console says of the task: None without one."""
        if not ROUSE:
            return None
        ps = subprocess.run([ROUSE, "ps", "--json", str(self.pid)], capture_output=True, text=True,
                            timeout=DEADLINE_S, check=False)
        if ps.returncode:
            raise AssertionError(f"rouse ps: exit {ps.returncode}: {ps.stderr}")
        rows = [row for row in json.loads(ps.stdout)["tasks"] if int(row["id"]) == task]
        return rows[0]["state"] if rows else "not there"


class Edges(unittest.TestCase):
    def walk(self, *steps):
        """steps: (command, state after it), in pairs."""
        with Stage() as stage:
            for command, state in zip(steps[::2], steps[1::2]):
                self.assertEqual(stage.do(command), state, f"after {command!r} of {steps[::2]}")
            stage.say("quit")
            self.assertEqual(stage.end(), 0, stage.said())

    def test_created_to_scheduled_to_pending(self):
        self.walk("create", "created", "hold", "created", "start", "scheduled", "release", "pending")

    def test_scheduled_to_running(self):
        self.walk("create", "created", "hold", "created", "start", "scheduled", "run", "scheduled",
                  "release", "running", "pend", "pending")

    def test_running_to_pending_and_back(self):
        self.walk("create", "created", "start", "pending", "run", "running", "pend", "pending", "run", "running",
                  "finish", "complete")

    def test_running_to_complete(self):
        self.walk("create", "created", "run", "created", "start", "running", "finish", "complete", "forget", "ok")

    def test_running_to_panicked(self):
        self.walk("create", "created", "run", "created", "start", "running", "panic", "panicked", "forget", "ok")

    def test_running_to_cancelled_when_its_poll_ends(self):
        self.walk("create", "created", "run", "created", "start", "running", "abort", "running",
                  "pend", "cancelled", "forget", "ok")

    def test_an_abort_does_not_undo_a_completion(self):
        self.walk("create", "created", "run", "created", "start", "running", "abort", "running", "finish", "complete")

    def test_pending_to_scheduled(self):
        self.walk("create", "created", "start", "pending", "hold", "pending", "wake", "scheduled",
                  "wake", "scheduled", "release", "pending")

    def test_pending_to_cancelled(self):
        self.walk("create", "created", "start", "pending", "abort", "cancelled", "forget", "ok")

    def test_scheduled_to_cancelled(self):
        self.walk("create", "created", "hold", "created", "start", "scheduled", "abort", "scheduled",
                  "release", "cancelled", "forget", "ok")

    def test_created_to_cancelled(self):
        self.walk("create", "created", "abort", "cancelled", "forget", "ok")

    def test_waking_an_ended_task_does_nothing(self):
        self.walk("create", "created", "start", "pending", "finish", "complete", "wake", "complete",
                  "abort", "complete", "start", "complete")

    def test_what_cannot_be_done_is_answered_not_tried(self):
        self.walk("start", "error: there is no task: create one first",
                  "create", "created", "create", "error: there is a task already: forget it first",
                  "start", "pending", "forget", "error: it has not ended",
                  "run", "running", "hold", "error: the task itself keeps the thread: pend it first",
                  "pend", "pending")

    def test_it_can_be_left_in_any_state(self):
        for steps in (["create"], ["create", "hold", "start"], ["create", "run", "start"], ["create", "start"]):
            with Stage() as stage:
                for command in steps:
                    stage.do(command)
                stage.process.stdin.close()
                self.assertEqual(stage.end(), 0, stage.said())


if __name__ == "__main__":
    main()
