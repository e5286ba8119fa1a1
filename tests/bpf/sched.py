#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""rouse probe --sched: what it says of polls whose time is known.

usage: sched.py ROUSE OFF_CPU

Needs root and a kernel with BPF: exits 77 with the reason where probing is not possible. Times are asserted as lower
bounds of what the program did for certain, and as sums that have to agree. Where time on a CPU and off it is added up,
the tolerance is what the two windows differ by (clock_error_ns), what the hypervisor and interrupts took in between
(it is no thread's CPU time, but no time off the CPU either), and 50 us for each switch.

A sleep begins on the CPU: until its thread has left that, interrupts, other threads and the hypervisor can come in
between, and the timer runs. So of N ms that a poll sleeps, N ms are its off-CPU and CPU time together, and blocked are
somewhat less; a very short sleep may be over before it has begun.
"""

import json
import os
import signal
import subprocess
import sys
import time
import unittest

import following
from privileges import CAP_LAST, HANG_S, MS, SKIPPED, drop_capabilities, reason_to_skip

ROUSE, OFF_CPU = sys.argv[1:3]
USAGE, NO_TARGET, NOT_PERMITTED, INCOMPLETE = 2, 3, 4, 6
CAP_SYS_PTRACE, CAP_PERFMON, CAP_BPF = 19, 38, 39
TICK_NS = 10**9 // os.sysconf("SC_CLK_TCK")
KINDS = ("blocked", "run_queue", "preempted", "fault")


def off(row):
    return sum(row[kind]["ns"] for kind in KINDS)


def stolen_ns():
    """Taken by the hypervisor and by interrupts, on all CPUs, since the start."""
    with open("/proc/stat", encoding="ascii") as file:
        fields = [int(word) for word in file.readline().split()[1:]]
    return sum(fields[5:8]) * TICK_NS


class Target(following.Target):
    def __init__(self, *launcher, **environment):
        super().__init__(OFF_CPU, "idle", *launcher, **environment)


class Probe(following.Probe):
    def __init__(self, target, *arguments):
        super().__init__(ROUSE, "--sched", target, *arguments)


def measure(target, verb, number, *arguments, status=0):
    """(document, what the program has measured itself)"""
    probe = Probe(target, *arguments)
    own = target.run(verb, number)
    return probe.finish(status=status), own


def named(document, name):
    found = [task for task in document["tasks"] if task["name"] == name]
    assert len(found) == 1, (name, document["tasks"])
    return found[0]


class Truth(unittest.TestCase):
    environment = {}

    def setUp(self):
        self.target = Target(**self.environment)
        self.addCleanup(self.target.__exit__)

    def agree(self, document):
        """The same time by task, by spawn site and by worker: to the nanosecond."""
        for kind in KINDS:
            for member in ("ns", "times"):
                sums = [sum(row[kind][member] for row in document[table])
                        for table in ("tasks", "spawn_sites", "workers")]
                self.assertEqual(len(set(sums)), 1, (kind, member, sums))
        self.assertEqual(set(document["not_counted"].values()), {0})

    @following.again
    def test_sleep_in_polls_is_blocked_and_hardly_cpu(self):
        document, own = measure(self.target, "nap", 5)
        task = named(document, "naps")
        self.agree(document)
        self.assertGreaterEqual(off(task) + task["cpu_ns"] + document["window"]["clock_error_ns"], 5 * 20 * MS)
        self.assertGreaterEqual(task["blocked"]["ns"], 5 * 16 * MS)
        self.assertGreaterEqual(task["blocked"]["times"], 5)
        self.assertGreaterEqual(task["longest"]["ns"], 16 * MS)
        self.assertEqual(task["polls"], 6)
        self.assertLess(own, 50 * MS)
        self.assertGreater(task["blocked"]["ns"], task["cpu_ns"])
        self.assertEqual(task["spawned_at"]["function"], "command")

    @following.again
    def test_mutex_of_another_thread_is_blocked(self):
        document, _ = measure(self.target, "lock", 45)
        task = named(document, "locks")
        self.agree(document)
        # The keeper naps 45 ms with the mutex; the task comes for it a little later.
        self.assertGreaterEqual(task["blocked"]["ns"], 30 * MS)
        self.assertEqual(task["longest"]["kind"], "blocked")
        self.assertGreater(task["blocked"]["ns"], task["cpu_ns"])

    @following.again
    def test_computing_beside_a_hog_waits_for_a_cpu_and_is_not_blocked(self):
        cpu = min(os.sched_getaffinity(0))
        hog = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        try:
            for pid in (hog.pid, *map(int, os.listdir(f"/proc/{self.target.pid}/task"))):
                os.sched_setaffinity(pid, {cpu})
            document, own = measure(self.target, "spin", 200)
        finally:
            hog.kill()
            hog.wait()
        task = named(document, "spins")
        self.agree(document)
        waited = task["preempted"]["ns"] + task["run_queue"]["ns"]
        self.assertGreaterEqual(own, 200 * MS)
        self.assertGreaterEqual(task["cpu_ns"] + document["window"]["clock_error_ns"], 200 * MS)
        self.assertGreater(task["preempted"]["times"], 0)
        self.assertGreaterEqual(waited, 50 * MS)
        self.assertGreater(waited, 10 * task["blocked"]["ns"])

    @following.again
    def test_time_on_a_cpu_and_off_it_is_the_time_of_polls(self):
        stolen = stolen_ns()
        document, own = measure(self.target, "both", 20)
        stolen = stolen_ns() - stolen + 4 * TICK_NS
        task = named(document, "does-both")
        self.agree(document)
        self.assertGreaterEqual(task["blocked"]["ns"], 20 * 4 * MS)
        error = document["window"]["clock_error_ns"] + 50_000 * document["switches"]
        # Poll time as the runtime has stamped it, less the time off the CPU, is what the thread's clock says.
        self.assertGreaterEqual(task["cpu_ns"] + error, own)
        self.assertLessEqual(task["cpu_ns"], own + stolen + error)

    def test_idle_worker_is_not_blamed(self):
        document, _ = measure(self.target, "idle", 300)
        self.agree(document)
        self.assertGreater(document["switches"], 0)
        # A worker parked for 300 ms less its way there: none of that is anybody's, and there is no task 0.
        self.assertEqual([task for task in document["tasks"] if int(task["task"]) < 16], [])
        self.assertLess(sum(off(worker) for worker in document["workers"]), 200 * MS)
        self.assertLess(off(named(document, "idles")) if document["tasks"] else 0, 300 * MS)

    @following.again
    def test_tasks_that_move_between_workers_keep_their_sums(self):
        document, _ = measure(self.target, "wander", 50)
        self.agree(document)
        tasks = [task for task in document["tasks"] if task["name"] == "wanders"]
        self.assertEqual(len(tasks), 8)
        for task in tasks:
            self.assertGreaterEqual(off(task) + task["cpu_ns"] + document["window"]["clock_error_ns"], 50 * MS)
            self.assertGreaterEqual(task["blocked"]["ns"], 30 * MS)
        self.assertEqual(sum(worker["blocked"]["ns"] > 0 for worker in document["workers"]), 2)

    def test_poll_that_blocks_since_before_is_seen(self):
        self.target.run("wedge")
        following.wait_until(lambda: self.is_polled("wedged"))
        document = Probe(self.target, "--for", "0.5").finish(send=None)
        task = named(document, "wedged")
        self.agree(document)
        self.assertGreaterEqual(task["blocked"]["ns"], 250 * MS)
        self.assertIn(task["task"], [worker["off_cpu_in_task"] for worker in document["workers"]])
        # And one that ends while it is looked at has its beginning as well.
        probe = Probe(self.target)
        time.sleep(0.1)
        self.target.run("free")
        again = named(probe.finish(), "wedged")
        self.assertGreaterEqual(again["blocked"]["ns"], 100 * MS)

    def is_polled(self, name):
        done = subprocess.run([ROUSE, "ps", "--json", str(self.target.pid)], capture_output=True, text=True,
                              timeout=HANG_S, check=True)
        return any(task["name"] == name and task["state"] == "running"
                   for runtime in [json.loads(done.stdout)] for task in runtime["tasks"])

    def test_worker_that_begins_meanwhile_is_said_to_be_late(self):
        probe = Probe(self.target)
        self.target.run("more")
        time.sleep(0.3)
        document = probe.finish(status=INCOMPLETE)
        self.assertEqual([name for name, n in document["not_counted"].items() if n], ["workers_followed_late"])
        self.assertEqual(document["not_counted"]["workers_followed_late"], 1)

    def test_child_of_fork_is_not_counted(self):
        document, _ = measure(self.target, "fork", 1000)
        self.agree(document)
        self.assertLess(off(named(document, "forks")), 1000 * MS)

    def test_ten_thousand_tasks_that_come_and_go_are_counted(self):
        document, _ = measure(self.target, "churn", 10_000, "-n", "20000")
        self.agree(document)
        ended = [task for task in document["tasks"] if task["ended"]]
        self.assertGreaterEqual(len(ended), 9_900)
        self.assertLessEqual(len(ended), 10_000)
        self.assertEqual({task["cpu_ns"] for task in ended}, {None})
        self.assertEqual({task["spawned_at"]["function"] for task in ended}, {"many"})
        site = next(site for site in document["spawn_sites"] if site["spawned_at"]["function"] == "many")
        self.assertIsNone(site["cpu_ns"])
        self.assertGreaterEqual(site["blocked"]["ns"], 10_000 * 50_000)

    def test_evicted_tasks_are_counted_and_stay_in_the_sums(self):
        document, _ = measure(self.target, "churn", 10_000, "-n", "20000", "--tasks", "1000", status=INCOMPLETE)
        evicted = document["not_counted"]["evicted_tasks"]
        ended = sum(task["ended"] for task in document["tasks"])
        self.assertGreaterEqual(evicted, 8_900)
        self.assertLessEqual(ended, 1_000)
        self.assertGreaterEqual(ended + evicted, 9_900)
        for kind in KINDS:
            self.assertEqual(sum(row[kind]["ns"] for row in document["spawn_sites"]),
                             sum(row[kind]["ns"] for row in document["workers"]))
        self.assertGreaterEqual(sum(row["blocked"]["ns"] for row in document["workers"]), 10_000 * 50_000)


class OtherNamespace(unittest.TestCase):
    @following.again
    def test_thread_ids_are_those_of_the_targets_own_pid_namespace(self):
        # Two of them: in namespaces of their own, their threads have the same numbers.
        with Target("unshare", "--pid", "--fork", "--kill-child") as other, \
                Target("unshare", "--pid", "--fork", "--kill-child") as target:
            with open(f"/proc/{target.pid}/task/{target.pid}/children", encoding="ascii") as file:
                target.pid = int(file.read())
            probe = Probe(target)
            target.run("nap", 3)
            other.run("nap", 3)
            document = probe.finish()
            target.run("wedge")
            wedged = Probe(target, "--for", "0.3").finish(send=None)
        self.assertEqual(set(document["not_counted"].values()), {0})
        self.assertGreaterEqual(named(document, "naps")["blocked"]["ns"], 3 * 16 * MS)
        self.assertGreaterEqual(named(wedged, "wedged")["blocked"]["ns"], 150 * MS)


class WithAgent(Truth):
    environment = {"ROUSE_LISTEN": "1"}

    def test_it_is_asked(self):
        document, _ = measure(self.target, "nap", 1)
        self.assertEqual(document["source"], "socket")


class Ends(unittest.TestCase):
    @following.again
    def test_target_that_exits_is_told_and_what_was_seen_stands(self):
        with Target() as target:
            probe = Probe(target)
            target.run("nap", 3)
            target.process.communicate()
            document = probe.finish(send=None)
        self.assertEqual(document["window"]["ended"], "exit")
        self.assertGreaterEqual(sum(row["blocked"]["ns"] for row in document["spawn_sites"]), 3 * 16 * MS,
                                document)
        self.assertEqual({task["cpu_ns"] for task in document["tasks"]}, {None})

    def test_target_that_is_killed_in_a_poll(self):
        with Target() as target:
            probe = Probe(target)
            target.run("wedge")
            target.process.kill()
            self.assertEqual(probe.finish(send=None)["window"]["ended"], "exit")

    def test_target_that_executes_another_program_is_told(self):
        with Target() as target:
            probe = Probe(target)
            target.run("exec", 1)
            document = probe.finish(send=None)
        self.assertEqual(document["window"]["ended"], "exec")

    def test_nothing_stays_attached_when_it_is_killed(self):
        before = following.programs_named("off_cpu_")
        with Target() as target:
            probe = Probe(target)
            self.assertEqual(len(following.programs_named("off_cpu_") - before), 2)
            probe.process.kill()
            probe.process.communicate()
            following.wait_until(lambda: not following.programs_named("off_cpu_") - before)
            target.run("nap", 1)

    def test_text_and_costs(self):
        with Target() as target:
            process = subprocess.Popen([ROUSE, "probe", "--sched", "--verbose", str(target.pid)], text=True,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            process.stderr.readline()
            target.run("nap", 2)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=HANG_S)
        self.assertEqual(process.returncode, 0, err)
        self.assertRegex(out, r"(?m)^off_cpu \(\d+\)  \S+ s of its polls; CPU time is true to \S+$")
        self.assertRegex(out, r"(?m)^  \d+ +naps +off_cpu.c:\d+ +3 +\S+ +4\d\.\dms ")
        self.assertRegex(out, r"(?m)switches and \d+ wake-ups of its workers were seen; nothing was lost\.$")
        costs = [line for line in out.splitlines() if line.startswith("  cost: ")]
        self.assertEqual(len(costs), 2)
        for line in costs:
            self.assertRegex(line, r" [1-9]\d* runs/s on this machine, [1-9]\d* ns each$")
            print(line, file=sys.stderr)


class Refusals(unittest.TestCase):
    def refused(self, status, words, *arguments, **options):
        done = subprocess.run([ROUSE, "probe", "--sched", *arguments], capture_output=True, text=True, timeout=HANG_S,
                              check=False, **options)
        self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
        self.assertRegex(done.stderr, words)

    def test_without_privileges_it_says_what_would_permit_it(self):
        with Target() as target:
            self.refused(NOT_PERMITTED, r"missing CAP_BPF .*CAP_PERFMON .*run it as root", str(target.pid),
                         preexec_fn=drop_capabilities(range(CAP_LAST)))

    def test_three_small_capabilities_are_enough(self):
        with Target() as target:
            done = subprocess.run([ROUSE, "probe", "--sched", "--json", "--for", "0.1", str(target.pid)], check=False,
                                  capture_output=True, text=True, timeout=HANG_S, preexec_fn=drop_capabilities(
                                      set(range(CAP_LAST)) - {CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE}))
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_process_without_a_runtime_is_no_target(self):
        self.refused(NO_TARGET, "has no rouse runtime", str(os.getpid()))

    def test_process_that_is_not_there_is_no_target(self):
        gone = subprocess.Popen(["true"])
        gone.wait()
        self.refused(NO_TARGET, f"no process {gone.pid}", str(gone.pid))
        self.refused(NO_TARGET, "not a socket", "/no/such/socket")

    def test_usage(self):
        self.refused(USAGE, "name a process")
        self.refused(USAGE, "one target at a time: 2", "1", "2")
        self.refused(USAGE, "not a positive number: -1", "--for", "-1", "1")
        self.refused(USAGE, "unknown option", "--events", "1")


if __name__ == "__main__":
    reason = reason_to_skip()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(SKIPPED)
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
