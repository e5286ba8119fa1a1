#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""rouse probe on real programs.

usage: probe.py ROUSE PROBED PROBED_SHARED [PROBED_STATIC]

Needs root and a kernel with BPF: exits 77 with the reason where probing is not possible. Times are asserted as lower
bounds of what the program did for certain, and as proportions; never as upper bounds.
"""

import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from collections import Counter

from privileges import CAP_LAST, HANG_S, MS, SKIPPED, drop_capabilities, reason_to_skip

ROUSE, PROBED, PROBED_SHARED = sys.argv[1:4]
PROBED_STATIC = sys.argv[4] if len(sys.argv) > 4 else None
USAGE, NO_TARGET, NOT_PERMITTED, INCOMPLETE = 2, 3, 4, 6


def probe(*arguments, **options):
    return subprocess.run([ROUSE, "probe", "--events", *arguments], capture_output=True, text=True, timeout=HANG_S,
                          **options)


def watch(program, *commands):
    """Runs a program under the probe: (exit status, events by kind, summary, its own totals)."""
    done = probe("--json", "--", program, *commands)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    totals = re.search(r"^totals (.*)$", done.stderr, re.M)
    totals = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", totals.group(1))} if totals else None
    return done.returncode, lines[:-1], lines[-1], totals


class Interactive:
    """A probed program that waits for commands."""

    def __init__(self, program=PROBED):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        self.run("load", 1)  # it is up

    def run(self, verb, number):
        self.process.stdin.write(f"{verb} {number}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def end(self):
        """No more commands: it says its totals and exits."""
        self.process.communicate()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


class Attached:
    """A probe on an interactive program, once its first line has shown that it is attached."""

    def __init__(self, target):
        self.process = subprocess.Popen([ROUSE, "probe", "--events", "--json", str(target.pid)],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        os.set_blocking(self.process.stdout.fileno(), False)
        first = ""
        while not first:
            assert self.process.poll() is None, self.process.stderr.read()
            target.run("load", 1)
            first = os.read(self.process.stdout.fileno(), 1).decode() if self.readable() else ""
        os.set_blocking(self.process.stdout.fileno(), True)
        self.first = first

    def readable(self):
        return bool(select.select([self.process.stdout], [], [], 0.05)[0])

    def finish(self):
        """(exit status, events, summary)"""
        out, err = self.process.communicate(timeout=HANG_S)
        lines = [json.loads(line) for line in (self.first + out).splitlines()]
        assert lines, err
        return self.process.returncode, lines[:-1], lines[-1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


class Counts(unittest.TestCase):
    def check(self, program):
        status, events, summary, totals = watch(program, "load", "3000")
        kinds = Counter(event["event"] for event in events)
        self.assertEqual(status, 0)
        self.assertEqual(summary["lost"], 0)
        self.assertTrue(summary["ended"])
        self.assertEqual(summary["exit"], 0)
        self.assertEqual(totals["live"], 0)
        self.assertGreater(totals["cancelled"], 0)
        self.assertGreater(totals["panicked"], 0)
        ended = totals["completed"] + totals["cancelled"] + totals["panicked"]
        for kind, total, expected in [("spawn", "spawned", totals["spawned"]), ("wake", "wakes", totals["wakes"]),
                                      ("poll", "polls", totals["polls"]), ("complete", "completed", ended)]:
            self.assertEqual(summary[total], expected, total)
            self.assertEqual(kinds[kind], expected, kind)
        states = Counter(event["state"] for event in events if event["event"] == "complete")
        self.assertEqual(states, {"complete": totals["completed"], "cancelled": totals["cancelled"],
                                  "panicked": totals["panicked"]})
        self.assertEqual(summary["delivered"], len(events))

    def test_counts_equal_the_programs_own(self):
        self.check(PROBED)

    def test_runtime_in_a_shared_library_is_found(self):
        self.check(PROBED_SHARED)

    @unittest.skipUnless(PROBED_STATIC, "no static executable in this build")
    def test_runtime_in_a_static_executable_is_found(self):
        self.check(PROBED_STATIC)

    def test_events_of_a_task_are_in_order(self):
        _, events, _, _ = watch(PROBED, "load", "200")
        polls, ended = {}, set()
        for event in events:
            task = event["task"]
            self.assertNotIn(task, ended)
            if event["event"] == "spawn":
                self.assertNotIn(task, polls)
                polls[task] = 0
            elif event["event"] == "poll":
                polls[task] += 1
                self.assertEqual(event["poll"], polls[task])
            elif event["event"] == "complete":
                ended.add(task)
        self.assertEqual(set(polls), ended)

    def test_program_is_found_by_name(self):
        with tempfile.TemporaryDirectory() as directory:
            program = os.path.join(directory, f"named-{os.getpid()}")  # fits into the kernel's 15 bytes
            shutil.copy(PROBED, program)
            with Interactive(program) as target:
                done = probe("--json", "--for", "0.1", os.path.basename(program))
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(json.loads(done.stdout.splitlines()[-1])["pid"], target.pid)

    def test_records_lost_are_counted_and_told(self):
        with Interactive() as target, Attached(target) as attached:
            attached.process.send_signal(signal.SIGSTOP)
            target.run("load", 150_000)  # more than the ring holds
            attached.process.send_signal(signal.SIGCONT)
            target.end()
            status, events, summary = attached.finish()
        gaps = sum(event["records"] for event in events if event["event"] == "lost")
        emitted = sum(summary[kind] for kind in ("spawned", "wakes", "polls", "completed", "long_polls"))
        self.assertEqual(status, INCOMPLETE)
        self.assertGreater(summary["lost"], 0)
        self.assertEqual(gaps, summary["lost"])
        self.assertEqual(summary["delivered"], sum(event["event"] != "lost" for event in events))
        self.assertEqual(summary["delivered"] + summary["lost"], emitted)


class LongPolls(unittest.TestCase):
    def long_poll(self, *commands, **affinity):
        _, events, summary, _ = watch(PROBED, *commands)
        found = [event for event in events if event["event"] == "long_poll"]
        found = max(found, key=lambda event: event["duration_ns"])
        parts = found["on_cpu_ns"] + found["blocked_ns"] + found["run_queue_ns"]
        self.assertEqual(parts, found["duration_ns"])
        self.assertGreaterEqual(summary["long_polls"], 1)
        return found

    def test_sleep_within_a_poll_is_blocked(self):
        found = self.long_poll("block", "50")
        self.assertGreaterEqual(found["duration_ns"], 50 * MS)
        self.assertGreaterEqual(found["blocked_ns"], 45 * MS)
        self.assertGreater(found["blocked_ns"], found["on_cpu_ns"])
        self.assertGreater(found["run_queue_ns"], 0)  # from the wake-up to the CPU it is not blocked any more

    def test_computation_within_a_poll_is_on_cpu(self):
        found = self.long_poll("spin", "50")
        self.assertGreaterEqual(found["on_cpu_ns"], 45 * MS)
        self.assertGreater(found["on_cpu_ns"], found["blocked_ns"])

    def test_competition_within_a_poll_is_waiting_for_a_cpu(self):
        cpu = min(os.sched_getaffinity(0))
        all_cpus = os.sched_getaffinity(0)
        rival = subprocess.Popen([sys.executable, "-c", "while True: pass"],
                                 preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
        os.sched_setaffinity(0, {cpu})
        try:
            found = self.long_poll("spin", "100")
        finally:
            os.sched_setaffinity(0, all_cpus)
            rival.kill()
            rival.wait()
        self.assertGreaterEqual(found["on_cpu_ns"], 90 * MS)
        self.assertGreaterEqual(found["run_queue_ns"], 5 * MS)
        self.assertGreater(found["run_queue_ns"], found["blocked_ns"])

    def test_lines_say_it_in_words(self):
        done = probe("--", PROBED, "block", "50")
        self.assertRegex(done.stdout, r"(?m)long poll task \d+ +poll 1 took \S+: \S+ on CPU, \S+ blocked off CPU, "
                                      r"\S+ waiting for a CPU$")
        self.assertRegex(done.stdout.splitlines()[-1], r"^probed \(\d+\), .* 1 long polls; \d+ records, 0 lost$")

    def test_threshold_can_be_chosen(self):
        done = probe("--json", "--long", "1000", "--", PROBED, "block", "50")
        self.assertEqual(json.loads(done.stdout.splitlines()[-1])["long_polls"], 0)


class Endings(unittest.TestCase):
    def test_targets_death_ends_the_probe(self):
        with Interactive() as target, Attached(target) as attached:
            target.process.kill()
            status, _, summary = attached.finish()
        self.assertEqual(status, 0)
        self.assertTrue(summary["ended"])

    def test_interrupt_ends_with_the_summary_and_leaves_the_target_alone(self):
        with Interactive() as target, Attached(target) as attached:
            attached.process.send_signal(signal.SIGINT)
            status, _, summary = attached.finish()
            self.assertEqual(status, 0)
            self.assertFalse(summary["ended"])
            target.run("load", 10)

    def test_count_ends_it(self):
        done = probe("--json", "-n", "3", "--", PROBED, "load", "100")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(len(done.stdout.splitlines()), 3 + 1)

    def test_time_ends_it(self):
        with Interactive() as target:
            done = probe("--json", "--for", "0.2", str(target.pid))
        self.assertEqual(done.returncode, 0)
        self.assertFalse(json.loads(done.stdout.splitlines()[-1])["ended"])

    def test_reader_that_has_seen_enough_ends_it_and_the_command(self):
        # The command asks for no end of work: it ends because the probe does.
        command = f"'{ROUSE}' probe --events -- '{PROBED}' load 100000000 | head -n 1"
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=HANG_S)
        self.assertEqual(len(done.stdout.splitlines()), 1)
        self.assertNotIn("rouse probe:", done.stderr)

    def test_frames_are_a_stream_of_the_protocol(self):
        with tempfile.NamedTemporaryFile() as file:
            done = probe("--json", "--frames", file.name, "--", PROBED, "load", "100")
            self.assertEqual(done.returncode, 0)
            self.check_frames(file.read())
        done = subprocess.run([ROUSE, "probe", "--events", "--frames", "-", "--", PROBED, "load", "100"],
                              capture_output=True, timeout=HANG_S)
        self.assertEqual(done.returncode, 0)
        self.check_frames(done.stdout)
        self.assertRegex(done.stderr.decode(), r"(?m)^probed \(\d+\), .* 0 lost$")

    def check_frames(self, stream):
        """Length prefixes that add up; a Hello (field 1) that says bpf, then Events (field 10)."""
        bodies, at = [], 0
        while at < len(stream):
            length, shift = 0, 0
            while True:
                byte = stream[at]
                at += 1
                length |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
            bodies.append(stream[at:at + length])
            at += length
        self.assertEqual(at, len(stream))
        self.assertEqual(bodies[0][0], 1 << 3 | 2)
        self.assertIn(b"bpf", bodies[0])
        self.assertEqual({body[0] for body in bodies[1:]}, {10 << 3 | 2})


class Refusals(unittest.TestCase):
    def refused(self, status, words, *arguments, **options):
        done = probe(*arguments, **options)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertRegex(done.stderr, words)

    def test_without_privileges_it_says_what_is_missing(self):
        with Interactive() as target:
            self.refused(NOT_PERMITTED, r"missing CAP_BPF .*CAP_PERFMON .*run it as root", str(target.pid),
                         preexec_fn=drop_capabilities(range(CAP_LAST)))
            target.run("load", 10)

    def test_command_is_not_run_without_privileges(self):
        with tempfile.TemporaryDirectory() as directory:
            made = os.path.join(directory, "made")
            self.refused(NOT_PERMITTED, "missing CAP_BPF", "--", "touch", made,
                         preexec_fn=drop_capabilities(range(CAP_LAST)))
            self.assertFalse(os.path.exists(made))

    def test_process_without_a_runtime_is_no_target(self):
        self.refused(NO_TARGET, "has no rouse runtime", str(os.getpid()))
        self.refused(NO_TARGET, "has no rouse runtime", "--", "true")

    def test_process_that_is_not_there_is_no_target(self):
        gone = subprocess.Popen(["true"])
        gone.wait()
        self.refused(NO_TARGET, f"no process {gone.pid}", str(gone.pid))
        self.refused(NO_TARGET, "called no-such-name", "no-such-name")
        self.refused(NO_TARGET, "is a socket", "/no/such/socket")
        self.refused(NO_TARGET, "cannot start /no/such/program", "--", "/no/such/program")

    def test_usage(self):
        self.refused(USAGE, "usage:")
        self.refused(USAGE, "not a positive number: -1", "-n", "-1", "1")
        self.refused(USAGE, "one target at a time: 2", "1", "2")
        self.refused(USAGE, "name a process", "1", "--", "true")
        self.refused(USAGE, "unknown option", "--no-such-option", "1")


if __name__ == "__main__":
    reason = reason_to_skip()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(SKIPPED)
    unittest.main(argv=sys.argv[:1], verbosity=2)
