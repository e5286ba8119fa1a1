#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""watched.py MINI_REDIS ROUSE TROUBLE_C: the console tells the truth about a server, sick or well.

The lines where findings must point are not known here: each fault is marked
in the source by a comment, "fault: NAME", and looked up.
"""

import json
import re
import signal
import subprocess
import sys
import unittest
from pathlib import Path

from harness import DEADLINE_S, MiniRedis, connect, eventually, excused, main, need, read_exactly

PROGRAM, ROUSE, SOURCE = sys.argv[1], sys.argv[2], Path(sys.argv[3])
need("redis-benchmark")

# fault in the source: the finding that must name it
FAULTS = {
    "never-registered": "never-registered",
    "dropped-waker": "dropped-waker",
    "own-waker": "held-by-itself",
    "stale-poller": "stale-waker",
    "deadlock-a": "wait-cycle",
    "deadlock-b": "wait-cycle",
    "blocks-worker": "long-polls",
    "self-wake": "wake-storm",
    "growing-channel": "growing-channel",
}


def marked_lines():
    lines = {}
    for number, line in enumerate(SOURCE.read_text(encoding="utf-8").splitlines(), 1):
        match = re.search(r"/\* fault: ([a-z-]+) \*/", line)
        if match:
            lines[match.group(1)] = number
    return lines


def rouse(*args, status=(0,)):
    done = subprocess.run([ROUSE, *map(str, args)], capture_output=True, text=True, timeout=5 * DEADLINE_S, check=False)
    if done.returncode not in status:
        raise AssertionError(f"rouse {' '.join(map(str, args))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def findings(pid):
    return json.loads(rouse("check", "--json", pid, status=(0, 1)))["findings"]


def places(finding):
    """Every (task name, line) a finding points at, each task's own await included."""
    own = [(task["name"], task.get("site", {}).get("line")) for task in finding["tasks"]]
    return own + [(task["name"], finding.get("site", {}).get("line")) for task in finding["tasks"]]


class Sick(unittest.TestCase):
    def test_each_trouble_is_found_at_the_line_that_is_at_fault(self):
        lines = marked_lines()
        self.assertEqual(sorted(lines), sorted(FAULTS), "every fault is marked, and every mark is known")
        missing = {(code, "trouble:" + name, lines[name]) for name, code in FAULTS.items()}
        seen = set()

        def all_found():
            for finding in findings(redis.pid):
                for task, line in places(finding):
                    seen.add((finding["code"], task, line))
            return missing <= seen

        with MiniRedis(PROGRAM, "--trouble") as redis:
            try:
                eventually("every trouble is found", all_found)
            except AssertionError as slow:
                if excused({code for code, _, _ in missing - seen}):
                    return
                raise AssertionError(f"not found: {sorted(missing - seen)}; found: {sorted(seen, key=str)}") from slow
            # Nothing else is accused: not the healthy tasks beside them, not the server's own.
            self.assertEqual({task for _, task, _ in seen} - {"trouble:" + name for name in FAULTS}, set())
            redis.stop()

    def test_a_stopped_target_answers_as_well(self):
        with MiniRedis(PROGRAM, "--trouble") as redis:
            eventually("the deadlock is there", lambda: "wait-cycle" in [f["code"] for f in findings(redis.pid)])
            redis.process.send_signal(signal.SIGSTOP)
            try:
                tasks = json.loads(rouse("ps", "--json", redis.pid))["tasks"]
                stuck = next(task for task in tasks if task["name"] == "trouble:deadlock-a")
                self.assertIn("trouble:deadlock-b", rouse("why", redis.pid, stuck["id"]))
                self.assertIn("trouble:left", rouse("dump", redis.pid))
            finally:
                redis.process.send_signal(signal.SIGCONT)
            redis.stop()


class Well(unittest.TestCase):
    def test_nothing_is_found_through_a_run_of_load(self):
        with MiniRedis(PROGRAM) as redis:
            load = subprocess.Popen(["redis-benchmark", "-p", str(redis.port), "-t", "ping,set,get,incr,mset", "-n",
                                     "100000", "-c", "50", "-q"], stdout=subprocess.DEVNULL)
            looks = 0
            while load.poll() is None or looks == 0:
                self.assertEqual(findings(redis.pid), [])
                looks += 1
            self.assertEqual(load.returncode, 0)
            self.assertEqual(findings(redis.pid), [])
            redis.stop()

    def test_its_totals_are_the_programs_own(self):
        with MiniRedis(PROGRAM) as redis:
            for _ in range(5):
                clients = [connect(redis.port) for _ in range(20)]
                for client in clients:
                    client.sendall(b"INCR n\r\n" * 10)
                for client in clients:
                    read_exactly(client, 4)
                    client.close()
            stay = [connect(redis.port) for _ in range(3)]
            for client in stay:
                client.sendall(b"PING\r\n")
                read_exactly(client, 7)

            def runtime():
                return json.loads(rouse("ps", "--json", redis.pid))["runtimes"][0]

            eventually("only those who stay are left", lambda: runtime()["live"] == 1 + len(stay))
            seen = runtime()["totals"]
            own = redis.stop()
            # Since that look the main task has completed, and those who stayed were cancelled.
            self.assertEqual((own["spawned"], own["completed"], own["cancelled"], own["panicked"], own["live"]),
                             (seen["spawned"], seen["completed"] + 1, seen["cancelled"] + len(stay), seen["panicked"], 0))
            self.assertEqual(own["spawned"], 1 + 5 * 20 + len(stay))
            for client in stay:
                client.close()


if __name__ == "__main__":
    main()
