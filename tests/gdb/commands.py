#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""commands.py MINI_REDIS STATES SCRIPT ROUSE: the gdb commands, on programs that are attached to, run by gdb, or dead.

The programs are asked for everything without their debug information: the
commands must do with what the runtime says of itself.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))

from core_files import NO_KERNEL_CORES, Room  # noqa: E402
from harness import DEADLINE_S, MiniRedis, Program, eventually, main, need, skip  # noqa: E402

MINI_REDIS, STATES, SCRIPT, ROUSE = map(os.path.abspath, sys.argv[1:5])


def gdb(*commands, program=()):
    """What gdb says to the commands, once it has the program (-p PID, a core, ...) and our script."""
    argv = ["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-iex", "set auto-load safe-path /",
            "-ex", f"source {SCRIPT}"]
    for command in commands:
        argv += ["-ex", command]
    done = subprocess.run([*argv, *map(str, program)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, encoding="utf-8", timeout=3 * DEADLINE_S, check=False)
    if re.search(r"ptrace: Operation not permitted", done.stdout):
        skip("kernel: ptrace is not permitted")
    if "Traceback" in done.stdout or "Python Exception" in done.stdout:
        raise AssertionError(done.stdout)
    return done.stdout


def attached(pid, *commands):
    return gdb(*commands, program=("-p", pid))


def row(text, name):
    """The line of a table with that name in it, cut into its columns."""
    for line in text.splitlines():
        columns = re.split(r"\s{2,}", line.strip())
        if name in columns:
            return columns
    raise AssertionError(f"no line has {name!r} in:\n{text}")


class Attached(unittest.TestCase):
    """A server with troubles, stopped by gdb while it is looked at."""

    @classmethod
    def setUpClass(cls):
        cls.server = MiniRedis(MINI_REDIS, "--trouble")
        eventually("both tasks of the deadlock wait for a lock",
                   lambda: attached(cls.server.pid, "rouse tasks trouble:deadlock").count("  lock mutex ") == 2)

    @classmethod
    def tearDownClass(cls):
        with cls.server:
            cls.server.stop()

    def task(self, name):
        return row(attached(self.server.pid, "rouse tasks"), name)[0]

    def test_tasks_have_states_and_places(self):
        said = attached(self.server.pid, "rouse tasks")
        self.assertRegex(said, r'\d+ tasks of runtime "mini_redis" \(pid %d\)' % self.server.pid)
        a = row(said, "trouble:deadlock-a")
        self.assertEqual(a[1], "pending")
        self.assertRegex(a[5], r'^lock mutex \d+ "trouble:right"$')
        self.assertRegex(a[6], r"mini_redis/trouble\.c:\d+$")
        self.assertEqual(row(said, "trouble:never-registered")[3:6], ["0", "trouble:never-registered", "in forgetful"])

    def test_a_text_selects(self):
        said = attached(self.server.pid, "rouse tasks trouble:deadlock")
        self.assertEqual(len(re.findall(r"^\d+ .* trouble:", said, re.M)), 2, said)

    def test_why_goes_round_the_circle(self):
        a, b = self.task("trouble:deadlock-a"), self.task("trouble:deadlock-b")
        said = attached(self.server.pid, f"rouse why {a}")
        self.assertRegex(said, rf'(?s)task {a} "trouble:deadlock-a" pending, wakers: 1\n'
                               rf'  deadlock_a at \S*trouble\.c:\d+\n    rouse_mutex_lock\n'
                               rf'      lock mutex \d+ "trouble:right", of task {b}\n'
                               rf'task {b} .*"trouble:left", of task {a}\n  a circle: back to task {a}\n')

    def test_why_says_that_nobody_holds_a_waker(self):
        said = attached(self.server.pid, f"rouse why {self.task('trouble:never-registered')}")
        self.assertIn("nobody holds a waker of it: it will never run again\n", said)

    def test_resources_name_holder_and_waiters(self):
        said = attached(self.server.pid, "rouse resources", "rouse tasks")
        a, b = row(said, "trouble:deadlock-a")[0], row(said, "trouble:deadlock-b")[0]
        self.assertEqual(row(said, "trouble:left")[1:], ["mutex", "trouble:left", "0", "1", a, b])
        self.assertEqual(row(said, "trouble:right")[1:], ["mutex", "trouble:right", "0", "1", b, a])

    def test_workers_are_the_threads_that_the_kernel_knows(self):
        said = attached(self.server.pid, "rouse workers")
        shown = set(re.findall(r"^\d+ +(\d+)  ", said, re.M))
        threads = Path(f"/proc/{self.server.pid}/task")
        workers = {path.name for path in threads.iterdir() if (path / "comm").read_text().startswith("rouse-worker")}
        self.assertEqual(shown, workers, said)

    def test_what_cannot_be_answered_is_said(self):
        self.assertIn("rouse why: there is no task 1 ", attached(self.server.pid, "rouse why 1"))
        self.assertIn("rouse why: the id of a task, please", attached(self.server.pid, "rouse why x"))

    def test_the_server_is_none_the_worse(self):
        attached(self.server.pid, "rouse tasks")
        self.server.ask(b"*1\r\n$4\r\nPING\r\n", b"+PONG\r\n")


class States(unittest.TestCase):
    """A program whose one task is brought into a state by hand."""

    def walk(self, program, *commands):
        """Gives the commands; answers the task's state and id."""
        for command in commands:
            program.say(command)
            match = program.wait_line(r"^ok (\w+) (\d+)")
        return match.groups()

    def test_a_running_task_is_on_a_thread(self):
        with Program(STATES, stdin=subprocess.PIPE) as program:
            state, task = self.walk(program, "create", "run", "start")
            self.assertEqual(state, "running")
            said = attached(program.pid, f"rouse why {task}", "rouse workers")
            thread = re.search(rf"task {task} .* running, wakers: \d+\n  runs on thread (\d+): see its backtrace\n", said)
            self.assertTrue(thread, said)
            self.assertRegex(said, rf"(?m)^\d+ +{thread.group(1)} +polling .* task {task} ")

    def test_a_core_says_the_same(self):
        with tempfile.TemporaryDirectory() as folder, Program(STATES, stdin=subprocess.PIPE) as program:
            state, task = self.walk(program, "create", "start")
            self.assertEqual(state, "pending")
            core = os.path.join(folder, "core")
            question = (f"rouse why {task}", "echo that was all\\n")
            alive = attached(program.pid, *question, f"gcore {core}")
            dead = gdb(*question, program=(STATES, core))
            story = re.compile(rf"^task {task} .*that was all$", re.M | re.S)
            self.assertEqual(story.search(dead).group(), story.search(alive).group())


class Dead(unittest.TestCase):
    """A server with troubles that the kernel has written the core of."""

    @unittest.skipIf(NO_KERNEL_CORES, NO_KERNEL_CORES)
    def test_its_core_lists_what_the_console_lists(self):
        room = Room()
        self.addCleanup(room.folder.cleanup)
        with MiniRedis(MINI_REDIS, "--trouble", preexec=room.enter) as server:
            eventually("both tasks of the deadlock wait for a lock",
                       lambda: attached(server.pid, "rouse tasks trouble:deadlock").count("  lock mutex ") == 2)
            core = room.die(server)
        done = subprocess.run([ROUSE, "ps", "--json", core], capture_output=True, text=True, check=True,
                              timeout=DEADLINE_S)
        tasks = {(str(task["id"]), task["state"], str(task["polls"]), task["name"])
                 for task in json.loads(done.stdout)["tasks"]}
        for program in ((MINI_REDIS, core), ("-c", core)):
            said = gdb("rouse tasks", "rouse workers", program=program)
            self.assertIn(f'{len(tasks)} tasks of runtime "mini_redis" (pid {server.pid})', said)
            rows = [re.split(r"\s{2,}", line) for line in said.splitlines() if re.match(r"\d+  ", line)]
            # Workers have a thread's number where tasks have a state; a task that runs waits for nothing.
            rows = [cells for cells in rows if cells[1].isalpha()]
            self.assertEqual({(cells[0], cells[1], cells[2], cells[4]) for cells in rows}, tasks)
            self.assertRegex(row(said, "trouble:deadlock-a")[5], r'^lock mutex \d+ "trouble:right"$')


class Started(unittest.TestCase):
    def test_a_program_that_gdb_runs(self):
        """Stopped while it makes its runtime: the page is there, the threads are not."""
        said = gdb("catch syscall epoll_create1", "run </dev/null >/dev/null", "rouse workers", program=(STATES,))
        self.assertRegex(said, r'\d+ workers of runtime "states"')
        self.assertRegex(said, r"(?m)^0 +0 +stopped +0 +0$")

    def test_a_runtime_that_is_gone(self):
        said = gdb("catch syscall exit_group", "run </dev/null >/dev/null", "rouse tasks", program=(STATES,))
        self.assertIn("this program has no rouse runtime now", said)

    def test_before_the_program_runs(self):
        self.assertRegex(gdb("rouse tasks", program=(STATES,)), r"rouse: .*start the program, or attach to it")


if __name__ == "__main__":
    need("gdb")
    main()
