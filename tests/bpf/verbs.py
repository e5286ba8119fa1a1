#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""verbs.py ROUSE OFF_CPU: rouse probe --blocks, --faults and --profile of a program that knows what its polls do."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import following
from privileges import CAP_SYS_ADMIN, HANG_S, MS, SKIPPED, drop_capabilities, reason_to_skip

ROUSE, OFF_CPU = sys.argv[1:3]
USAGE, NO_TARGET, NOT_PERMITTED = 2, 3, 4
CAP_PERFMON, CAP_BPF = 38, 39


SLOW_DNS = str(Path(__file__).with_name("slow_dns.py"))


class Target(following.Target):
    def __init__(self, *launcher):
        super().__init__(OFF_CPU, "idle", *launcher)


class Lines(following.Probe):
    """JSON a line: blocks, then the summary."""

    def __init__(self, target, *arguments):
        super().__init__(ROUSE, "--blocks", target, *arguments)

    def lines(self):
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=HANG_S)
        assert self.process.returncode == 0, (self.process.returncode, out, err)
        *blocks, summary = [following.as_the_schema_says(json.loads(line)) for line in out.splitlines()]
        assert all(block["event"] == "block" for block in blocks) and summary["event"] == "summary", out
        return blocks, summary


def functions_of(block):
    """Those on the stack, and what they are inlined into."""
    return [name for frame in block["stack"]["frames"]
            for name in (frame.get("function"), frame.get("inlined_in")) if name]


class Blocks(unittest.TestCase):
    def setUp(self):
        self.target = Target()
        self.addCleanup(self.target.__exit__)

    def test_nap_is_told_with_its_call_and_the_function_that_made_it(self):
        probe = Lines(self.target, "--threshold", "10")
        self.target.run("nap", 5)
        blocks, summary = probe.lines()
        # A page of the program that has to be read from a disk may block as long.
        naps = [block for block in blocks if block["syscall"]]
        self.assertEqual(len(naps), 5, blocks)
        for block in naps:
            self.assertIn(block["syscall"]["name"], ("nanosleep", "clock_nanosleep"))
            self.assertGreaterEqual(block["blocked_ns"], 15 * MS)
            self.assertEqual(block["name"], "naps")  # which began after the first look
            names = functions_of(block)
            self.assertIn("nap", names)
            self.assertIn("work_rouse_body_", names)
            self.assertLess(names.index("nap"), names.index("work_rouse_body_"))
        self.assertEqual((summary["blocks"], summary["told"], summary["not_told"]), (len(blocks), len(blocks), 0))
        self.assertEqual(summary["threshold_ns"], 10 * MS)

    def test_wait_for_a_mutex_names_its_owner_and_who_ended_it(self):
        probe = Lines(self.target, "--threshold", "10")
        self.target.run("lock", 40)
        blocks, _ = probe.lines()
        calls = [block for block in blocks if block["syscall"]]
        self.assertEqual([block["syscall"]["name"] for block in calls], ["futex"], blocks)
        self.assertEqual(calls[0]["mutex_owner"]["name"], "keeper")
        self.assertEqual(calls[0]["ended_by"], calls[0]["mutex_owner"])

    def test_a_name_that_is_looked_up_is_a_wait_for_its_server(self):
        with Target("unshare", "--net", "--mount", sys.executable, SLOW_DNS, "60") as target:
            probe = Lines(target, "--threshold", "10")
            target.run("lookup")
            blocks, _ = probe.lines()
        waits = [block for block in blocks if block["syscall"]]
        self.assertEqual([block["syscall"]["name"] for block in waits], ["poll"], blocks)
        self.assertGreaterEqual(waits[0]["blocked_ns"], 45 * MS)
        self.assertIn("looks_up_rouse_body_", functions_of(waits[0]))

    def test_text_has_the_longest_with_their_stacks(self):
        probe = subprocess.Popen([ROUSE, "probe", "--blocks", "-n", "1", str(self.target.pid)], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        self.assertIn("following", probe.stderr.readline())
        self.target.run("nap", 3)
        probe.send_signal(signal.SIGINT)
        out, _ = probe.communicate(timeout=HANG_S)
        told, longest = out.split("what blocked in")
        self.assertEqual(told.count("from nap (off_cpu.c:"), 3, out)
        self.assertEqual(longest.count("nanosleep("), 1, out)
        self.assertIn("work_rouse_body_", longest)
        self.assertIn("Nothing was lost.", longest)


class Faults(unittest.TestCase):
    def test_sums_agree_between_spawn_sites_and_workers(self):
        with Target() as target:
            probe = following.Probe(ROUSE, "--faults", target)
            target.run("churn", 200)
            document = probe.finish()
        self.assertEqual(document["not_measured"], [])
        for member in ("faults", "blocked", "blocked_ns"):
            sites = sum(row[member] for row in document["spawn_sites"])
            self.assertEqual(sites, sum(row[member] for row in document["workers"]), (member, document))


class Profile(unittest.TestCase):
    def measure(self, *arguments):
        with Target() as target:
            probe = following.Probe(ROUSE, "--profile", target, "-n", "10000", "--hz", "199", *arguments)
            cpu_ns = target.run("spin", 1000)
            return probe.finish(), cpu_ns

    @following.again
    def test_spin_is_of_its_task_and_function(self):
        document, cpu_ns = self.measure()
        spins = [task for task in document["tasks"] if task["name"] == "spins"]
        self.assertEqual(len(spins), 1, document["tasks"])
        total = {function["function"]: function["total"] for function in document["functions"]}
        # The clock ticks by time on a CPU, of which the host of a virtual machine may take some: a quarter is chance.
        self.assertAlmostEqual(spins[0]["samples"], cpu_ns / 1e9 * 199, delta=0.25 * 199)
        self.assertGreaterEqual(total["work_rouse_body_"], 0.9 * spins[0]["samples"])
        self.assertGreaterEqual(total["cpu_ns"], 0.7 * spins[0]["samples"])
        self.assertEqual(sum(task["samples"] for task in document["tasks"]), document["samples"])
        self.assertEqual(sum(site["samples"] for site in document["spawn_sites"]), document["samples"])
        self.assertEqual(sum(function["self"] for function in document["functions"]), document["samples"])

    def test_files_hold_all_samples(self):
        with tempfile.TemporaryDirectory() as directory:
            folded, pprof = os.path.join(directory, "folded"), os.path.join(directory, "pprof")
            document, _ = self.measure("--folded", folded, "--pprof", pprof)
            with open(folded, encoding="utf-8") as lines:
                stacks = [line.rsplit(" ", 1) for line in lines]
            with open(pprof, "rb") as file:
                first = file.read(2)
        self.assertEqual(sum(int(count) for _, count in stacks), document["samples"] + document["outside_polls"])
        self.assertTrue(any(names.split(";")[2] == "spins" and "work_rouse_body_" in names for names, _ in stacks))
        self.assertEqual(first, b"\x32\x00")  # the empty text comes first

    def test_folded_stacks_to_standard_output_are_alone_there(self):
        with Target() as target:
            done = subprocess.run([ROUSE, "probe", "--profile", "--for", "0.2", "--folded", "-", str(target.pid)],
                                  capture_output=True, text=True, timeout=HANG_S, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Nothing was lost.", done.stderr)
        for line in done.stdout.splitlines():
            self.assertRegex(line, r"^off_cpu;.* \d+$")


class Refusals(unittest.TestCase):
    def ask(self, *arguments, **options):
        return subprocess.run([ROUSE, "probe", *arguments], capture_output=True, text=True, timeout=HANG_S, check=False,
                              **options)

    def test_what_makes_no_sense_or_is_no_target(self):
        for arguments in (("--blocks",), ("--blocks", "--hz", "9", "1"), ("--faults", "--threshold", "1", "1"),
                          ("--profile", "--hz", "2000", "1"), ("--profile", "--tasks", "9", "1"),
                          ("--profile", "--folded", "-", "--pprof", "-", "1")):
            self.assertEqual(self.ask(*arguments).returncode, USAGE, arguments)
        for group in ("--blocks", "--faults", "--profile"):
            self.assertEqual(self.ask(group, "no-such-program").returncode, NO_TARGET)
            self.assertIn("usage: rouse probe " + group, self.ask(group, "--help").stdout)

    def test_who_may_not_is_told_so(self):
        with Target() as target:
            for group in ("--blocks", "--faults", "--profile"):
                done = self.ask(group, "--for", "1", str(target.pid),
                                preexec_fn=drop_capabilities((CAP_SYS_ADMIN, CAP_PERFMON, CAP_BPF)))
                self.assertEqual(done.returncode, NOT_PERMITTED, done.stderr)
                self.assertIn("cannot be followed", done.stderr)


if __name__ == "__main__":
    reason = reason_to_skip()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(SKIPPED)
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
