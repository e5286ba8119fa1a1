#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""states_of_process.py ROUSE LIVES LIVES_NO_PIE LIVES_STATIC: in whatever state a process is, it is explained the same.

LIVES_STATIC may be missing: "".
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from watch import FINDINGS, LISTEN, OK, agent_of, ask, kernel_state, rouse, said, stop, task_named

from harness import Program, eventually, main

LIVES, NO_PIE, STATIC = sys.argv[2:5]


@contextlib.contextmanager
def living(*argv, env=None):
    """A program in the state it was asked for. Whatever was done to it, it ends by itself in the end."""
    with Program(*argv, env=env, stdin=subprocess.PIPE) as program:
        program.wait_line("^ready$")
        yield program
        program.process.stdin.close()
        status = program.end()
        if status != 0:
            raise AssertionError(f"it ended with {status}: {program.said()}")


class States(unittest.TestCase):
    def assert_explained(self, pid, source="memory"):
        """Chain, cycle and proof, by every verb."""
        ps = ask("ps", pid, source=source)
        self.assertEqual(ps["target"]["pid"], pid)
        self.assertTrue(ps["complete"])
        right, left = task_named(ps, "goes right"), task_named(ps, "goes left")
        why = ask("why", pid, "--interval", 10, "goes right", source=source)
        self.assertEqual((why["cycle"], why["valid"]), (True, True))
        chain = [(link["kind"], link["name"]) for link in why["chain"] if "name" in link]
        self.assertEqual(chain, [("task", "goes right"), ("resource", "right"), ("task", "goes left"),
                                 ("resource", "left"), ("task", "goes right")])
        self.assertEqual([(f["code"], f["class"]) for f in why["findings"]], [("wait-cycle", "proven")])
        check = ask("check", pid, "--interval", 10, source=source, exits=(FINDINGS,))
        found = [finding for finding in check["findings"] if finding["class"] == "proven"]
        self.assertEqual([f["code"] for f in found], ["wait-cycle"])
        self.assertEqual({task["id"] for task in found[0]["tasks"]}, {right["id"], left["id"]})
        for args in (["ps"], ["dump"], ["sched"], ["top", "-b", "-n", 1]):
            done = rouse(*args, "--source", source, pid)
            self.assertEqual((done.returncode, done.stderr), (OK, ""), said(done))
        return ps

    def listed(self, pid):
        targets = json.loads(rouse("list", "--json").stdout)["targets"]
        return [target for target in targets if target["pid"] == pid]

    def test_at_rest(self):
        with living(LIVES, "rest") as program:
            ps = self.assert_explained(program.pid)
            self.assertEqual({runtime["stopped"] for runtime in ps["runtimes"]}, {False})

    def test_all_workers_spin(self):
        with living(LIVES, "spin") as program:
            ps = self.assert_explained(program.pid)
            self.assertEqual([task["state"] for task in ps["tasks"] if task["name"] == "spinner"], ["running"] * 2)

    def test_it_is_stopped(self):
        with living(LIVES, "rest") as program:
            stop(program)
            ps = self.assert_explained(program.pid)
            self.assertEqual({runtime["stopped"] for runtime in ps["runtimes"]}, {True})
            program.process.send_signal(signal.SIGCONT)

    def test_its_main_thread_has_ended(self):
        for env, source in ((None, "memory"), (LISTEN, "memory"), (LISTEN, "socket")):
            with self.subTest(env=env, source=source), living(LIVES, "leaderless", env=env) as program:
                self.assertEqual(kernel_state(program.pid), "Z")
                self.assertEqual(Path(f"/proc/{program.pid}/maps").read_bytes(), b"")
                if env:
                    agent_of(program)
                ps = self.assert_explained(program.pid, source)
                self.assertEqual({runtime["stopped"] for runtime in ps["runtimes"]}, {False})
                self.assertEqual([(t["program"], t["runtime"]) for t in self.listed(program.pid)], [("lives", "lives")])

    def test_its_main_thread_has_ended_and_the_rest_is_stopped(self):
        with living(LIVES, "leaderless") as program:
            program.process.send_signal(signal.SIGSTOP)
            eventually("its runtime is told to be stopped", lambda: ask("ps", program.pid)["runtimes"][0]["stopped"])
            self.assert_explained(program.pid)
            program.process.send_signal(signal.SIGCONT)

    def test_it_is_on_its_way_out(self):
        with living(LIVES, "exit") as program:
            self.assert_explained(program.pid)

    def test_position_dependent_static_and_stripped_programs(self):
        with tempfile.TemporaryDirectory() as folder:
            programs = {"no-pie": NO_PIE}
            if STATIC:
                programs["static"] = STATIC
            if shutil.which("strip"):
                for name in list(programs):
                    programs[name + " stripped"] = os.path.join(folder, name)
                    subprocess.run(["strip", "-s", "-o", programs[name + " stripped"], programs[name]], check=True)
            for name, path in programs.items():
                with self.subTest(name), living(path, "rest") as program:
                    self.assert_explained(program.pid)

    def test_it_lives_in_another_namespace_of_processes(self):
        alone = ["unshare", "--pid", "--fork", *([] if os.geteuid() == 0 else ["--map-root-user"])]
        if not shutil.which("unshare") or subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
            self.skipTest("kernel: no process id namespace of our own is permitted here")
        with living(*alone, LIVES, "rest") as program:
            children = Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text(encoding="ascii").split()
            self.assertEqual(len(children), 1)
            pid = int(children[0])
            status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
            self.assertRegex(status, rf"(?m)^NSpid:\t{pid}\t1$")
            self.assert_explained(pid)
            self.assertEqual([target["pid"] for target in self.listed(pid)], [pid])


if __name__ == "__main__":
    main()
