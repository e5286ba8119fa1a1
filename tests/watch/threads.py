#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""threads.py ROUSE WEDGED LIVES: what the system says of a runtime's threads, as ps and sched tell it."""

import subprocess
import sys
import unittest

from watch import LISTEN, ask, rouse, said, stop

from harness import Program, eventually, main

WEDGED, LIVES = sys.argv[2:4]


def threads_of(pid, verb="ps", *args, source=None):
    """The threads of the only runtime, by role and worker."""
    (runtime,) = ask(verb, pid, *args, source=source)["runtimes"]
    return {(thread["role"], thread["worker"]): thread for thread in runtime["threads"]}


class Threads(unittest.TestCase):
    def check_blocked(self, pid, source):
        threads = threads_of(pid, source=source)
        self.assertEqual(set(threads), {("worker", 0), ("worker", 1), ("watchdog", None)})
        for worker in (0, 1):
            thread = threads["worker", worker]
            self.assertEqual((thread["state"], thread["syscall"]), ("S", "futex"))
            self.assertEqual(thread["tid"], thread["os_tid"])
            self.assertRegex(thread["pc"], "^0x[0-9a-f]+$")
            self.assertIsNone(thread["cpu_share"], "one look knows no share")
            self.assertIsNotNone(threads_of(pid, "sched", source=source)["worker", worker]["cpu_share"])

    def test_blocked_workers_are_in_a_call(self):
        for source in ("memory", "socket"):
            with Program(WEDGED, env=LISTEN if source == "socket" else None, stdin=subprocess.PIPE) as program:
                program.wait_line("wedged")
                self.check_blocked(program.pid, source)
                for verb, line in (("ps", r"worker 0 +\d+ +S futex"), ("sched", r"0 +polling .* S futex")):
                    done = rouse(verb, program.pid)
                    self.assertEqual((done.returncode, done.stderr), (0, ""), said(done))
                    self.assertRegex(done.stdout, line, said(done))
                program.process.stdin.close()
                program.process.wait()

    def test_a_stopped_one_is_stopped(self):
        with Program(WEDGED, stdin=subprocess.PIPE) as program:
            program.wait_line("wedged")
            stop(program)
            eventually("all its threads are", lambda: {t["state"] for t in threads_of(program.pid).values()} == {"T"})

    def test_workers_that_compute_take_their_share_of_the_cpus(self):
        with Program(LIVES, "spin", stdin=subprocess.PIPE) as program:
            program.wait_line("ready")

            def computing():
                workers = [thread for (role, _), thread in threads_of(program.pid, "sched").items() if role == "worker"]
                return len(workers) == 2 and all(thread["state"] == "R" and thread["syscall"] is None and
                                                 thread["pc"] is None and thread["cpu_share"] > 0 and
                                                 thread["run_queue_share"] is not None for thread in workers)

            eventually("both workers are on a CPU or wait for one", computing)


if __name__ == "__main__":
    main()
