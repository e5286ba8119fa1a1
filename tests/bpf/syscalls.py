#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""rouse probe --syscalls: what it says of polls whose system calls are known.

usage: syscalls.py ROUSE SYSCALLS

Needs root and a kernel with BPF: exits 77 with the reason where probing is not possible. Counts are asserted exactly,
times as lower bounds of what the program did for certain, and as sums that have to agree to the nanosecond. A poll
also calls futex to say that it is done; so the counts of a task are asserted by the sums of its spawn site.
"""

import os
import re
import signal
import subprocess
import sys
import time
import unittest

import following
from privileges import CAP_LAST, HANG_S, MS, SKIPPED, drop_capabilities, reason_to_skip

ROUSE, SYSCALLS = sys.argv[1:3]
USAGE, NO_TARGET, NOT_PERMITTED, INCOMPLETE = 2, 3, 4, 6
CAP_SYS_PTRACE, CAP_PERFMON, CAP_BPF = 19, 38, 39
SLEEPS = ("nanosleep", "clock_nanosleep")
SUMS = ("calls", "ns", "not_ended")


class Target(following.Target):
    def __init__(self, *launcher, **environment):
        super().__init__(SYSCALLS, "up", *launcher, **environment)


class Probe(following.Probe):
    def __init__(self, target, *arguments):
        super().__init__(ROUSE, "--syscalls", target, *arguments)


def measure(target, verb, number, *arguments, status=0):
    """(document, what the program knows itself)"""
    probe = Probe(target, *arguments)
    own = target.run(verb, number)
    return probe.finish(status=status), own


def named(document, name):
    found = [task for task in document["tasks"] if task["name"] == name]
    assert len(found) == 1, (name, document["tasks"])
    return found[0]


def calls_of(document, row, *names):
    """The sums of that spawn site, of calls with these names: all of them, if there are none."""
    return [site for site in document["spawn_sites"] if site["spawned_at"] == row["spawned_at"] and
            (not names or site["syscall"]["name"] in names)]


def only_call_of(document, row, *names):
    found = calls_of(document, row, *names)
    assert len(found) == 1, (names, document["spawn_sites"])
    return found[0]


def reads_pipe(pid, fd):
    """Whether a thread of it is in a read() of that descriptor."""
    number = {"x86_64": 0, "aarch64": 63}[os.uname().machine]
    for tid in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{tid}/syscall", encoding="ascii") as file:
                words = file.read().split()
        except OSError:  # it has ended
            continue
        if words[0] == str(number) and int(words[1], 16) == fd:
            return True
    return False


class Truth(unittest.TestCase):
    environment = {}

    def setUp(self):
        self.target = Target(**self.environment)
        self.addCleanup(self.target.__exit__)

    def agree(self, document):
        """The same by task, by spawn site and by worker; nothing lost, and nobody is no task."""
        for member in SUMS:
            sums = [sum(row[member] for row in document[table]) for table in ("tasks", "spawn_sites", "workers")]
            self.assertEqual(len(set(sums)), 1, (member, sums))
        self.assertEqual(document["calls"], sum(row["calls"] for row in document["workers"]))
        self.assertEqual(set(document["not_counted"].values()), {0})
        self.assertEqual([task for task in document["tasks"] if int(task["task"]) < 16], [])
        for row in document["tasks"] + document["spawn_sites"]:
            self.assertLessEqual(row["longest"]["ns"], row["ns"])

    def test_every_call_of_a_poll_is_counted(self):
        document, _ = measure(self.target, "ppid", 100_000)
        self.agree(document)
        task = named(document, "calls")
        site = only_call_of(document, task, "getppid")
        self.assertEqual(site["calls"], 100_000)
        self.assertEqual(site["spawned_at"]["function"], "command")
        self.assertGreater(site["ns"], 0)
        self.assertIsNone(site["longest"]["fd"])
        self.assertEqual(task["calls"], sum(row["calls"] for row in calls_of(document, task)))

    def test_calls_of_other_threads_are_nobodys(self):
        document, _ = measure(self.target, "alone", 10_000)
        self.agree(document)
        self.assertEqual([site for site in document["spawn_sites"] if site["syscall"]["name"] == "getppid"], [])
        self.assertLess(document["calls"] + document["outside_polls"], 10_000)

    def test_sleep_in_polls_is_the_tasks_with_its_name_and_time(self):
        document, _ = measure(self.target, "nap", 3)
        self.agree(document)
        task = named(document, "naps")
        site = only_call_of(document, task, *SLEEPS)
        self.assertEqual(site["calls"], 3)
        self.assertGreaterEqual(site["ns"], 3 * 20 * MS)
        self.assertGreaterEqual(task["ns"], 3 * 20 * MS)
        self.assertIn(task["longest"]["syscall"]["name"], SLEEPS)
        self.assertGreaterEqual(task["longest"]["ns"], 20 * MS)
        self.assertIsNone(task["longest"]["fd"])

    def test_descriptor_of_a_long_read_is_told(self):
        document, fd = measure(self.target, "pipe", 50)
        self.agree(document)
        task = named(document, "reads-pipe")
        site = only_call_of(document, task, "read")
        self.assertEqual(site["calls"], 1)
        for row in (site, task):
            self.assertEqual((row["longest"]["fd"], row["longest"]["syscall"]["name"]), (fd, "read"))
            self.assertRegex(row["longest"]["file"], r"^pipe:\[\d+\]$")
            self.assertTrue(row["longest"]["ended"])
        # The writer may have begun its nap a little before the read began.
        self.assertGreater(site["ns"], 0)

    def test_name_of_a_file_cannot_reach_the_terminal(self):
        document, _ = measure(self.target, "file", 5)
        self.agree(document)
        site = only_call_of(document, named(document, "reads-file"), "read")
        self.assertEqual(site["calls"], 5)
        self.assertRegex(site["longest"]["file"], r"^/tmp/rouse-\x1b\[31m-\w+ \(deleted\)$")
        process = subprocess.Popen([ROUSE, "probe", "--syscalls", str(self.target.pid)], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        process.stderr.readline()
        self.target.run("file", 2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=HANG_S)
        self.assertEqual(process.returncode, 0, err)
        self.assertRegex(out.decode(), r"(?m) read +2 .* fd \d+ /tmp/rouse-\\x1b\[31m-\w+ \(deleted\)$")
        self.assertNotIn(b"\x1b[31m", out)

    def test_call_that_the_kernel_does_not_have_goes_by_its_number(self):
        document, _ = measure(self.target, "odd", 0)
        self.agree(document)
        found = [site for site in calls_of(document, named(document, "odd")) if site["syscall"]["number"] == 4000]
        self.assertEqual([(site["calls"], site["syscall"]["name"]) for site in found], [(1, None)])

    def test_parked_worker_is_not_blamed(self):
        document, _ = measure(self.target, "idle", 300)
        self.agree(document)
        # It waited for 300 ms: in no poll, and so in no sum.
        self.assertGreater(document["outside_polls"], 0)
        self.assertEqual({site["syscall"]["name"] for site in document["spawn_sites"]} - {"futex"}, set())
        self.assertLessEqual(sum(site["calls"] for site in document["spawn_sites"]), 1)  # that it is done

    def test_tasks_that_move_between_workers_keep_their_sums(self):
        document, _ = measure(self.target, "wander", 25)
        self.agree(document)
        tasks = [task for task in document["tasks"] if task["name"] == "wanders"]
        self.assertEqual(len(tasks), 8)
        for task in tasks:
            self.assertGreaterEqual(task["calls"], 25 * 1001)
            self.assertGreaterEqual(task["ns"], 25 * MS)
        self.assertEqual(only_call_of(document, tasks[0], "getppid")["calls"], 8 * 25 * 1000)
        self.assertEqual(only_call_of(document, tasks[0], *SLEEPS)["calls"], 8 * 25)
        self.assertEqual(sum(worker["calls"] > 1000 for worker in document["workers"]), 2)

    def test_child_of_fork_is_not_counted(self):
        document, _ = measure(self.target, "fork", 10_000)
        self.agree(document)
        task = named(document, "forks")
        self.assertEqual(calls_of(document, task, "getppid"), [])
        self.assertEqual(only_call_of(document, task, "clone", "clone3", "fork")["calls"], 1)

    def test_call_that_has_not_ended_is_told_with_its_time(self):
        probe = Probe(self.target)
        fd = self.target.run("stick", 2)
        following.wait_until(lambda: reads_pipe(self.target.pid, fd))
        time.sleep(0.1)
        document = probe.finish()
        self.agree(document)
        task = named(document, "stuck")
        self.assertEqual((task["calls"], task["not_ended"]), (3, 1))
        self.assertGreaterEqual(task["longest"]["ns"], 100 * MS)
        for row in (task, only_call_of(document, task, "read")):
            self.assertFalse(row["longest"]["ended"])
            self.assertEqual((row["longest"]["fd"], row["longest"]["ns"]), (fd, task["longest"]["ns"]))
        found = [worker["in_call"] for worker in document["workers"] if worker["in_call"]]
        self.assertEqual([(call["task"], call["syscall"]["name"], call["fd"], call["ns"], call["began_before"])
                          for call in found], [(task["task"], "read", fd, task["longest"]["ns"], False)])

    def test_call_that_began_before_is_told_and_not_counted(self):
        fd = self.target.run("stick")
        following.wait_until(lambda: reads_pipe(self.target.pid, fd))
        document = Probe(self.target, "--for", "0.3").finish(send=None)
        self.agree(document)
        self.assertEqual((document["tasks"], document["spawn_sites"], document["began_before"]), ([], [], 1))
        found = [worker["in_call"] for worker in document["workers"] if worker["in_call"]]
        self.assertEqual([(call["syscall"]["name"], call["fd"], call["ns"], call["began_before"]) for call in found],
                         [("read", fd, None, True)])
        # And one that ends while it is looked at.
        probe = Probe(self.target)
        self.target.run("free")
        document = probe.finish()
        self.agree(document)
        self.assertEqual(document["began_before"], 1)
        self.assertEqual([site for site in document["spawn_sites"] if site["syscall"]["name"] == "read"], [])
        self.assertEqual([worker["in_call"] for worker in document["workers"]], [None, None])

    def test_ten_thousand_tasks_that_come_and_go_are_counted(self):
        document, _ = measure(self.target, "churn", 10_000, "-n", "20000")
        self.agree(document)
        self.assertEqual((document["tasks_found"], sum(task["ended"] for task in document["tasks"])), (10_000, 10_000))
        self.assertEqual({task["spawned_at"]["function"] for task in document["tasks"]}, {"many"})
        self.assertEqual(only_call_of(document, document["tasks"][0], "getppid")["calls"], 10_000)

    def test_evicted_tasks_are_counted_and_stay_in_the_sums(self):
        document, _ = measure(self.target, "churn", 10_000, "-n", "20000", "--tasks", "1000", status=INCOMPLETE)
        evicted = document["not_counted"]["evicted_tasks"]
        self.assertGreaterEqual(evicted, 9_000)
        self.assertGreaterEqual(document["tasks_found"] + evicted, 10_000)
        for member in SUMS:
            self.assertEqual(sum(row[member] for row in document["spawn_sites"]),
                             sum(row[member] for row in document["workers"]))
        self.assertEqual(only_call_of(document, document["tasks"][0], "getppid")["calls"], 10_000)


    def test_worker_that_begins_meanwhile_is_followed_and_said_to_be_late(self):
        probe = Probe(self.target)
        self.target.run("more")
        time.sleep(0.3)
        self.target.run("ppid", 1000)
        document = probe.finish(status=INCOMPLETE)
        self.assertEqual([name for name, n in document["not_counted"].items() if n], ["workers_followed_late"])
        self.assertEqual(document["not_counted"]["workers_followed_late"], 1)
        self.assertEqual(sorted((worker["runtime"], worker["worker"]) for worker in document["workers"]),
                         [(0, 0), (0, 1), (1, 0)])
        self.assertEqual(only_call_of(document, named(document, "calls"), "getppid")["calls"], 1000)


class WithAgent(Truth):
    environment = {"ROUSE_LISTEN": "1"}

    def test_it_is_asked(self):
        document, _ = measure(self.target, "nap", 1)
        self.assertEqual(document["source"], "socket")


class OtherNamespace(unittest.TestCase):
    def test_thread_ids_are_those_of_the_targets_own_pid_namespace(self):
        # Two of them: in namespaces of their own, their threads have the same numbers.
        with Target("unshare", "--pid", "--fork", "--kill-child") as other, \
                Target("unshare", "--pid", "--fork", "--kill-child") as target:
            with open(f"/proc/{target.pid}/task/{target.pid}/children", encoding="ascii") as file:
                target.pid = int(file.read())
            probe = Probe(target)
            target.run("ppid", 1000)
            other.run("ppid", 5000)
            fd = target.run("pipe", 10)
            document = probe.finish()
        self.assertEqual(set(document["not_counted"].values()), {0})
        self.assertEqual(only_call_of(document, named(document, "calls"), "getppid")["calls"], 1000)
        read = only_call_of(document, named(document, "reads-pipe"), "read")["longest"]
        self.assertEqual(read["fd"], fd)
        self.assertRegex(read["file"], r"^pipe:\[\d+\]$")


class Ends(unittest.TestCase):
    def test_target_that_exits_is_told_and_what_was_seen_stands(self):
        with Target() as target:
            probe = Probe(target)
            target.run("ppid", 1000)
            target.process.communicate()
            document = probe.finish(send=None)
        self.assertEqual(document["window"]["ended"], "exit")
        found = [site["calls"] for site in document["spawn_sites"] if site["syscall"]["name"] == "getppid"]
        self.assertEqual(found, [1000])

    def test_target_that_is_killed_in_a_call(self):
        with Target() as target:
            probe = Probe(target)
            fd = target.run("stick")
            following.wait_until(lambda: reads_pipe(target.pid, fd))
            target.process.kill()
            document = probe.finish(send=None)
        self.assertEqual(document["window"]["ended"], "exit")
        self.assertEqual([site["calls"] for site in document["spawn_sites"] if site["syscall"]["name"] == "read"], [1])

    def test_main_thread_that_has_ended_is_no_end(self):
        with Target() as target:
            fd = target.run("leave")
            following.wait_until(lambda: reads_pipe(target.pid, fd))
            document = Probe(target, "--for", "0.3").finish(send=None)
        self.assertEqual(document["window"]["ended"], "no")
        found = [worker["in_call"] for worker in document["workers"] if worker["in_call"]]
        self.assertEqual([(call["syscall"]["name"], call["fd"]) for call in found], [("read", fd)])
        self.assertRegex(found[0]["file"], r"^pipe:\[\d+\]$")

    def test_target_that_executes_another_program_is_told(self):
        with Target() as target:
            probe = Probe(target)
            target.run("exec")
            document = probe.finish(send=None)
        self.assertEqual(document["window"]["ended"], "exec")

    def test_nothing_stays_attached_when_it_is_killed(self):
        before = following.programs_named("calls_")
        with Target() as target:
            probe = Probe(target)
            self.assertEqual(len(following.programs_named("calls_") - before), 2)
            probe.process.kill()
            probe.process.communicate()
            following.wait_until(lambda: not following.programs_named("calls_") - before)
            target.run("ppid", 10)

    def test_both_groups_at_once(self):
        with Target() as target:
            probe, other = Probe(target), following.Probe(ROUSE, "--sched", target)
            target.run("nap", 3)
            document, scheduler = probe.finish(), other.finish()
        self.assertEqual(set(scheduler["not_counted"].values()), {0})
        # Who slept was off its CPU for most of that.
        self.assertGreaterEqual(only_call_of(document, named(document, "naps"), *SLEEPS)["ns"], 60 * MS)
        self.assertGreaterEqual(named(scheduler, "naps")["blocked"]["ns"], 48 * MS)

    def test_text_and_costs(self):
        with Target() as target:
            process = subprocess.Popen([ROUSE, "probe", "--syscalls", "--verbose", str(target.pid)], text=True,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            process.stderr.readline()
            target.run("nap", 2)
            fd = target.run("stick")
            following.wait_until(lambda: reads_pipe(target.pid, fd))
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=HANG_S)
        self.assertEqual(process.returncode, 0, err)
        self.assertRegex(out, r"(?m)^syscalls \(\d+\)  system calls in \S+ s of its polls$")
        self.assertRegex(out, r"(?m)^  syscalls.c:\d+ +(clock_)?nanosleep +2 +\S+ +\S+$")
        self.assertRegex(out, r"(?m)^  \d+ +naps +syscalls.c:\d+ +3 +\S+ +\S+ (clock_)?nanosleep$")
        self.assertRegex(out, r"(?m)^  \d+ +stuck +syscalls.c:\d+ +1 +\S+ +\S+ read fd \d+ pipe:\S+ \(not ended yet\)$")
        self.assertRegex(out, r"(?m)^  worker \d, task \d+ stuck: read fd \d+ pipe:\S+, for \S+ so far$")
        self.assertRegex(out, r"(?m)^  \d+ calls in polls, \d+ of its workers in none; nothing was lost\.$")
        costs = [line for line in out.splitlines() if line.startswith("  cost: ")]
        self.assertEqual(len(costs), 2)
        for line in costs:
            self.assertRegex(line, r" [1-9]\d* runs/s on this machine, [1-9]\d* ns each$")
            print(line, file=sys.stderr)


class Refusals(unittest.TestCase):
    def refused(self, status, words, *arguments, **options):
        done = subprocess.run([ROUSE, "probe", "--syscalls", *arguments], capture_output=True, text=True,
                              timeout=HANG_S, check=False, **options)
        self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
        self.assertRegex(done.stderr, words)

    def test_without_privileges_it_says_what_would_permit_it(self):
        with Target() as target:
            self.refused(NOT_PERMITTED, r"missing CAP_BPF .*CAP_PERFMON .*run it as root", str(target.pid),
                         preexec_fn=drop_capabilities(range(CAP_LAST)))

    def test_without_the_kernels_types_it_says_so(self):
        with Target() as target:
            done = subprocess.run(["unshare", "--mount", "sh", "-c",
                                   'mount -t tmpfs nodev /sys/kernel/btf && exec "$@"', "sh",
                                   ROUSE, "probe", "--syscalls", str(target.pid)], capture_output=True, text=True,
                                  timeout=HANG_S, check=False)
        self.assertEqual((done.returncode, done.stdout), (NOT_PERMITTED, ""), done.stderr)
        self.assertRegex(done.stderr, r"missing /sys/kernel/btf/vmlinux .*CONFIG_DEBUG_INFO_BTF")

    def test_three_small_capabilities_are_enough(self):
        with Target() as target:
            done = subprocess.run([ROUSE, "probe", "--syscalls", "--json", "--for", "0.1", str(target.pid)],
                                  check=False, capture_output=True, text=True, timeout=HANG_S,
                                  preexec_fn=drop_capabilities(
                                      set(range(CAP_LAST)) - {CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE}))
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_what_is_no_target(self):
        self.refused(NO_TARGET, "has no rouse runtime", str(os.getpid()))
        gone = subprocess.Popen(["true"])
        gone.wait()
        self.refused(NO_TARGET, f"no process {gone.pid}", str(gone.pid))
        self.refused(NO_TARGET, "to follow system calls, name a process, not a socket", "/no/such/socket")

    def test_usage(self):
        self.refused(USAGE, "name a process")
        self.refused(USAGE, "one target at a time: 2", "1", "2")
        self.refused(USAGE, "not a positive number: -1", "--for", "-1", "1")
        self.refused(USAGE, "unknown option", "--events", "1")
        done = subprocess.run([ROUSE, "probe", "--help"], capture_output=True, text=True, check=True, timeout=HANG_S)
        self.assertTrue(re.search(r"rouse probe --syscalls ", done.stdout))


if __name__ == "__main__":
    reason = reason_to_skip()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(SKIPPED)
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
