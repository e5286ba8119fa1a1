#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The kernel's side of polls as a stream of frames: what it says of polls whose time, faults and calls are known.

usage: kernel.py ROUSE OFF_CPU KERNEL

Needs root and a kernel with BPF: exits 77 with the reason where probing is not possible. KERNEL decodes each frame with
the decoder that readers use, and prints its rows. Lower bounds of sleep are measured again as those of sched.py.
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

ROUSE, OFF_CPU, KERNEL = sys.argv[1:4]
SCHED, SYSCALLS, FAULTS, PROFILE = 1, 2, 3, 4
BY_TASK, BY_SITE, BY_WORKER = 1, 2, 3
CALL, FAULT = 1, 2
UNKNOWN, OWN, FOREIGN, INTERRUPT = range(4)
PREAD64, FUTEX = (17, 202) if os.uname().machine == "x86_64" else (67, 98)
SLEEPS = {35, 230} if os.uname().machine == "x86_64" else {101, 115}
REGISTER_BYTES = 136 if os.uname().machine == "x86_64" else 0


class Target(following.Target):
    def __init__(self, *launcher):
        super().__init__(OFF_CPU, "idle", *launcher)


class Stream:
    """Rows as they came, and the last state of each sum."""

    def __init__(self, text):
        self.rows = [json.loads(line) for line in text.splitlines()]
        self.rounds = self.of("kernel")
        self.last = self.rounds[-1]
        self.blocks, self.samples = self.of("block"), self.of("sample")
        self.sums = {}
        for row in self.of("sums"):
            self.sums.setdefault((row["by"], row["id"]), {}).update(row)

    def of(self, frame):
        return [row for row in self.rows if row["frame"] == frame]

    def by(self, by, member):
        return {key[1]: row[member] for key, row in self.sums.items() if key[0] == by and row.get(member)}

    def names(self, row):
        names = {symbol["pc"]: symbol["name"] for symbol in self.of("symbol")}
        return [names.get(pc) for pc in row["kernel_pc"]]


class Follower:
    def __init__(self, target, **options):
        following.wait_until(lambda: following.workers_have_begun(ROUSE, target.pid))
        self.process = subprocess.Popen([KERNEL, str(target.pid), *(f"{name}={n}" for name, n in options.items())],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()

    def finish(self, status=0):
        out, err = self.process.communicate(timeout=HANG_S)
        assert self.process.returncode == status, (self.process.returncode, out, err)
        return Stream(out)


def names_of_tasks(target):
    done = subprocess.run([ROUSE, "ps", "--json", "--source", "memory", str(target.pid)], capture_output=True,
                          text=True, check=True, timeout=HANG_S)
    return {int(task["id"]): task["name"] for task in json.loads(done.stdout)["tasks"]}


class Truth(unittest.TestCase):
    def setUp(self):
        self.target = Target()
        self.addCleanup(self.target.__exit__)

    def measure(self, *commands, **options):
        follower = Follower(self.target, **options)
        begin = time.monotonic_ns()
        for verb, number in commands:
            self.target.run(verb, number)
        self.window = begin, time.monotonic_ns()
        self.tasks = names_of_tasks(self.target)
        return follower.finish()

    def blocks_of(self, stream, name):
        return [block for block in stream.blocks if self.tasks.get(block["task"]) == name]

    def task(self, name):
        found = [number for number, word in self.tasks.items() if word == name]
        self.assertEqual(len(found), 1, self.tasks)
        return found[0]

    def test_hello_comes_first_and_rounds_are_numbered(self):
        stream = self.measure(("nap", 20))
        self.assertEqual(stream.rows[0], {"frame": "hello", "protocol": 1, "pid": self.target.pid, "source": "kernel",
                                          "program": "off_cpu"})
        self.assertEqual([row["number"] for row in stream.rounds], list(range(1, len(stream.rounds) + 1)))
        self.assertGreaterEqual(len(stream.rounds), 4)
        for row in stream.rounds:
            self.assertEqual([(group["group"], group["status"], group["uncounted"]) for group in row["groups"]],
                             [(group, 0, 0) for group in (SCHED, SYSCALLS, FAULTS, PROFILE)])
            self.assertEqual((row["ended"], row["late_workers"]), (0, 0))
        # Nothing shrinks from round to round.
        before = {}
        for row in stream.of("sums"):
            for member in ("blocked_ns", "calls", "samples"):
                if member in row:
                    key = row["by"], row["id"], member
                    self.assertGreaterEqual(row[member], before.get(key, 0))
                    before[key] = row[member]

    @following.again
    def test_each_sleep_is_a_block_of_its_task_that_an_interrupt_ended(self):
        stream = self.measure(("nap", 5))
        blocks = [block for block in self.blocks_of(stream, "naps") if block["blocked_ns"] >= 18 * MS]
        self.assertEqual(len(blocks), 5)
        for block in blocks:
            self.assertEqual((block["kind"], block["owner"]), (CALL, 0))
            self.assertIn(block["number"], SLEEPS)
            self.assertIn(block["waker_kind"], (INTERRUPT, UNKNOWN))
            self.assertEqual((block["waker"], block["waker_name"]), (0, ""))
            self.assertEqual(block["register_bytes"], REGISTER_BYTES)
            self.assertGreater(block["stack_bytes"], 0)
            # The clock is that of this process.
            self.assertGreaterEqual(block["begin_ns"], self.window[0])
            self.assertLessEqual(block["begin_ns"] + block["blocked_ns"] + block["run_queue_ns"], self.window[1])
            names = stream.names(block)
            if any(names):
                self.assertIn("nanosleep", " ".join(map(str, names)))
        # The sums have them, and what was too short to be told.
        task = stream.sums[BY_TASK, self.task("naps")]
        self.assertGreaterEqual(task["blocked_ns"], sum(block["blocked_ns"] for block in blocks))
        self.assertGreaterEqual(task["calls_ns"], task["longest_ns"])
        self.assertEqual(task["longest_ns"], max(block["blocked_ns"] for block in blocks))

    @following.again
    def test_interrupt_is_told_from_the_thread_that_it_interrupted(self):
        hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count())]
        try:
            stream = self.measure(("nap", 10))
        finally:
            for hog in hogs:
                hog.kill()
                hog.wait()
        blocks = self.blocks_of(stream, "naps")
        self.assertGreaterEqual(len(blocks), 10)
        self.assertEqual({(block["waker"], block["waker_name"]) for block in blocks}, {(0, "")})
        self.assertLessEqual({block["waker_kind"] for block in blocks}, {INTERRUPT, UNKNOWN})

    @following.again
    def test_process_that_is_stopped_waits_for_nothing_and_another_program_ends_that(self):
        follower = Follower(self.target)
        self.target.begin("spin", 300)
        time.sleep(0.1)
        os.kill(self.target.pid, signal.SIGSTOP)
        time.sleep(0.2)
        os.kill(self.target.pid, signal.SIGCONT)
        self.target.end()
        self.tasks = names_of_tasks(self.target)
        stream = follower.finish()
        block = max(self.blocks_of(stream, "spins"), key=lambda block: block["blocked_ns"])
        self.assertGreaterEqual(block["blocked_ns"], 100 * MS)
        self.assertNotEqual(block["kind"], FAULT)
        self.assertIn(block["waker_kind"], (FOREIGN, UNKNOWN))
        if block["waker_kind"] == FOREIGN:
            with open("/proc/self/comm", encoding="utf-8") as name:
                self.assertEqual((block["waker"], block["waker_name"]), (os.getpid(), name.read().strip()))

    @following.again
    def test_mutex_names_the_thread_that_has_it(self):
        stream = self.measure(("lock", 45))
        block = max(self.blocks_of(stream, "locks"), key=lambda block: block["blocked_ns"])
        self.assertGreaterEqual(block["blocked_ns"], 30 * MS)
        self.assertEqual((block["kind"], block["number"]), (CALL, FUTEX))
        self.assertEqual((block["owner_name"], block["waker_name"]), ("keeper", "keeper"))
        self.assertEqual((block["waker_kind"], block["waker"]), (OWN, block["owner"]))

    def test_pages_touched_for_the_first_time_are_exactly_as_many_faults(self):
        few = self.measure(("touch", 100)).by(BY_TASK, "faults")[self.task("touches")]
        self.target = Target()
        self.addCleanup(self.target.__exit__)
        stream = self.measure(("touch", 1100))
        faults = stream.by(BY_TASK, "faults")
        # Whatever else a poll touches the first time, it is the same in both.
        self.assertEqual(faults[self.task("touches")] - few, 1000)
        self.assertEqual(sum(faults.values()), sum(stream.by(BY_SITE, "faults").values()))
        self.assertEqual(sum(faults.values()), sum(stream.by(BY_WORKER, "faults").values()))

    def test_samples_are_as_the_shares_of_the_cpu(self):
        stream = self.measure(("shares", 600), hz=499, groups=1 << PROFILE)
        samples = stream.by(BY_TASK, "samples")
        thrice, once = samples[self.task("thrice")], samples[self.task("once")]
        self.assertGreater(thrice, 100)
        self.assertGreater(thrice, 2 * once)
        self.assertLess(thrice, 4.5 * once)
        self.assertEqual(stream.last["samples"], len(stream.samples) + stream.last["samples_lost"])
        told = [sample for sample in stream.samples if sample["task"] == self.task("thrice")]
        self.assertEqual(len(told), thrice - stream.last["samples_lost"])
        for sample in told:
            self.assertEqual(sample["register_bytes"], REGISTER_BYTES)
            self.assertGreaterEqual(sample["ns"], self.window[0])
            self.assertLessEqual(sample["ns"], self.window[1])
        # Only what was asked for.
        self.assertEqual([group["group"] for group in stream.last["groups"]], [PROFILE])
        self.assertEqual((stream.blocks, stream.of("calls"), stream.by(BY_TASK, "blocked_ns")), ([], [], {}))

    def test_waiting_for_a_page_is_a_fault_and_a_read_is_a_call(self):
        stream = self.measure(("mapped", 40), ("disk", 40), block_ns=1)
        blocks = self.blocks_of(stream, "reads")
        if not blocks:
            self.skipTest("the file system keeps its files in memory")
        faults = [block for block in blocks if block["kind"] == FAULT]
        reads = [block for block in blocks if block["kind"] == CALL and block["number"] == PREAD64]
        self.assertGreater(len(faults), 0)
        self.assertGreater(len(reads), 0)
        self.assertEqual({block["task"] for block in faults} & {block["task"] for block in reads}, set())
        for block in reads:
            self.assertRegex(block["file"], r"^$|^/var/tmp/rouse-\w+ \(deleted\)$")
        sums = [stream.sums[BY_TASK, task] for task, name in self.tasks.items() if name == "reads"]
        self.assertGreaterEqual(sum(row["fault_ns"] for row in sums), sum(block["blocked_ns"] for block in faults))
        calls = [row for row in stream.of("calls") if row["number"] == PREAD64]
        self.assertEqual(max(row["calls"] for row in calls), 40)

    def test_blocks_that_find_no_room_are_counted(self):
        stream = self.measure(("churn", 1000), ring=16384, block_ns=1, stall=1)
        self.assertGreater(stream.last["blocks"], 900)
        self.assertGreater(stream.last["blocks_lost"], 0)
        self.assertGreater(len(stream.blocks), 0)
        self.assertEqual(stream.last["blocks"], len(stream.blocks) + stream.last["blocks_lost"])

    def test_blocks_and_samples_are_whole_where_there_is_room(self):
        stream = self.measure(("wander", 10), block_ns=1)
        self.assertEqual((stream.last["blocks_lost"], stream.last["samples_lost"]), (0, 0))
        self.assertEqual(stream.last["blocks"], len(stream.blocks))
        self.assertEqual(stream.last["samples"], len(stream.samples))
        # Each absence that waited was told, and it adds up to the nanosecond, but for absences that go on.
        told = sum(block["blocked_ns"] for block in stream.blocks)
        self.assertEqual(sum(stream.by(BY_WORKER, "blocked_ns").values()) +
                         sum(stream.by(BY_WORKER, "fault_ns").values()), told)

    def test_idle_worker_is_never_in_a_block(self):
        stream = self.measure(("idle", 300), block_ns=1)
        self.assertEqual([block for block in stream.blocks if block["blocked_ns"] >= 50 * MS], [])
        self.assertEqual([block for block in stream.blocks if block["task"] < 16], [])

    def test_block_that_goes_on_counts_in_the_rounds(self):
        follower = Follower(self.target, groups=1 << SCHED)
        self.target.run("wedge")
        self.tasks = names_of_tasks(self.target)
        time.sleep(0.5)
        stream = follower.finish()
        # Its thread may have had to wait for a CPU before.
        self.assertGreaterEqual(stream.by(BY_TASK, "blocked_ns")[self.task("wedged")], 250 * MS)
        self.assertEqual(self.blocks_of(stream, "wedged"), [])  # it has not ended
        self.check_waits(stream, had_begun=False)

    def test_block_that_had_begun_before_is_told_as_it_goes_on(self):
        self.target.run("wedge")
        following.wait_until(lambda: "wedged" in names_of_tasks(self.target).values())
        self.tasks = names_of_tasks(self.target)
        follower = Follower(self.target, groups=1 << SCHED)
        time.sleep(0.5)
        self.check_waits(follower.finish(), had_begun=True)

    def check_waits(self, stream, had_begun):
        waits = [wait for wait in stream.of("wait") if wait["task"] == self.task("wedged")]
        self.assertGreater(len(waits), 1)
        for wait in waits:
            self.assertEqual((wait["kind"], wait["number"], wait["owner_name"]), (CALL, FUTEX, "off_cpu"))
            self.assertEqual((wait["owner"], wait["begin_ns"] == 0), (self.target.pid, had_begun))
            self.assertEqual((wait["waker"], wait["waker_kind"], wait["kernel_pc"]), (0, UNKNOWN, []))
        self.assertEqual(len({wait["begin_ns"] for wait in waits}), 1)
        lasted = [wait["blocked_ns"] for wait in waits]
        self.assertEqual(lasted, sorted(lasted))
        self.assertGreaterEqual(lasted[-1], 250 * MS)

    def test_worker_that_does_not_block_waits_for_nothing(self):
        stream = self.measure(("idle", 300), ("spin", 300), block_ns=1, groups=1 << SCHED)
        names = [self.tasks[wait["task"]] for wait in stream.of("wait")]
        self.assertNotIn("spins", names)
        self.assertEqual([wait for wait in stream.of("wait") if wait["task"] < 16], [])


class OtherNamespace(unittest.TestCase):
    @following.again
    def test_threads_go_by_the_ids_of_the_targets_own_pid_namespace(self):
        with Target("unshare", "--pid", "--fork", "--kill-child") as target:
            with open(f"/proc/{target.pid}/task/{target.pid}/children", encoding="ascii") as file:
                target.pid = int(file.read())
            follower = Follower(target)
            target.run("lock", 45)
            stream = follower.finish()
        block = max(stream.blocks, key=lambda block: block["blocked_ns"])
        self.assertGreaterEqual(block["blocked_ns"], 30 * MS)
        # Without a /proc of its own the program cannot name its threads.
        self.assertEqual((block["owner_name"], block["waker_name"], block["waker_kind"]), ("off_cpu", "off_cpu", OWN))
        self.assertEqual(block["waker"], block["owner"])
        self.assertGreater(block["owner"], 0)
        self.assertLess(max(block["owner"], block["worker"]), 100)  # it is the first process there
        self.assertEqual(stream.last["groups"][0]["uncounted"], 0)


class Ends(unittest.TestCase):
    def test_last_round_says_that_the_process_has_ended(self):
        with Target() as target:
            follower = Follower(target)
            target.run("nap", 3)
            target.process.communicate()
            following.wait_until(lambda: follower.process.poll() is not None)
            stream = follower.finish()
        self.assertEqual([row["ended"] for row in stream.rounds if row["ended"]], [1])
        self.assertEqual(stream.last["ended"], 1)
        self.assertEqual(stream.of("end"), [{"frame": "end", "rc": 1}])
        self.assertGreaterEqual(sum(stream.by(BY_SITE, "blocked_ns").values()), 3 * 16 * MS)

    def test_another_program_is_told(self):
        with Target() as target:
            follower = Follower(target)
            target.run("exec", 1)
            following.wait_until(lambda: follower.process.poll() is not None)
            self.assertEqual(follower.finish().last["ended"], 2)

    def test_group_that_cannot_be_had_leaves_the_others_measuring(self):
        with Target() as target:
            follower = Follower(target, forbid=1)
            target.run("nap", 3)
            stream = follower.finish()
        status = {group["group"]: group for group in stream.last["groups"]}
        self.assertLess(status[PROFILE]["status"], 0)
        self.assertRegex(status[PROFILE]["why"], "cannot open clocks to sample by: ")
        self.assertEqual([status[group]["status"] for group in (SCHED, SYSCALLS, FAULTS)], [0, 0, 0])
        self.assertGreater(sum(stream.by(BY_TASK, "blocked_ns").values()), 0)
        self.assertGreater(sum(stream.by(BY_TASK, "calls").values()), 0)

    def test_nothing_stays_attached_when_it_is_killed(self):
        def attached():
            return following.programs_named("off_cpu_") | following.programs_named("profile_tick") | \
                following.programs_named("faults_user")

        before = attached()
        with Target() as target:
            follower = Follower(target)
            self.assertEqual(len(attached() - before), 5)
            follower.process.kill()
            follower.process.communicate()
            following.wait_until(lambda: not attached() - before)
            target.run("nap", 1)

    def test_what_is_not_permitted_or_no_target_is_refused(self):
        for pid, words, prepare in ((str(os.getpid()), "has no rouse runtime", None), ("0", "no process", None)):
            done = subprocess.run([KERNEL, pid], capture_output=True, text=True, check=False, timeout=HANG_S,
                                  stdin=subprocess.DEVNULL, preexec_fn=prepare)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertRegex(done.stderr, words)
        with Target() as target:
            done = subprocess.run([KERNEL, str(target.pid)], capture_output=True, text=True, check=False,
                                  timeout=HANG_S, stdin=subprocess.DEVNULL,
                                  preexec_fn=drop_capabilities(range(CAP_LAST)))
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, "missing CAP_BPF .*CAP_PERFMON .*run it as root")


if __name__ == "__main__":
    reason = reason_to_skip()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(SKIPPED)
    unittest.main(argv=sys.argv[:1] + sys.argv[4:], verbosity=2)
