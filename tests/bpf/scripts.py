#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The ready scripts for bpftrace and perf, run on a program: what they print is what it did.

usage: scripts.py PROBED

Needs root, a kernel with BPF, and bpftrace; the recipe for perf needs perf and tracefs. Exits 77 with the reason where
none can run.
"""

import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from privileges import HANG_S, SKIPPED, reason_to_skip

PROBED = sys.argv[1]
SCRIPTS = Path(__file__).resolve().parents[2] / "bpf/scripts"
TASKS = 200
# Seen by the command alone, where the machine has not mounted it.
WITH_TRACEFS = ["unshare", "--mount", "sh", "-c",
                '[ -e /sys/kernel/tracing/events ] || mount -t tracefs nodev /sys/kernel/tracing; exec "$@"', "sh"]


class Scripts(unittest.TestCase):
    def setUp(self):
        self.program = subprocess.Popen([PROBED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.run_command("load 1")

    def tearDown(self):
        self.program.kill()
        self.program.communicate()

    def run_command(self, command):
        self.program.stdin.write(command + "\n")
        self.program.stdin.flush()
        self.assertEqual(self.program.stdout.readline(), "done\n")

    def output_of(self, script, *commands):
        """What it prints, of these commands."""
        # BEGIN runs when all probes are attached.
        text = (SCRIPTS / script).read_text() + '\nBEGIN { printf("attached\\n"); }\n'
        with tempfile.NamedTemporaryFile("w", suffix=".bt") as file:
            file.write(text)
            file.flush()
            tracer = subprocess.Popen([*WITH_TRACEFS, "bpftrace", "-p", str(self.program.pid), file.name],
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            line = "-"
            while line and line != "attached\n":
                line = tracer.stdout.readline()
            self.assertEqual(line, "attached\n", tracer.stderr.read() if not line else "")
            for command in commands:
                self.run_command(command)
            tracer.send_signal(signal.SIGINT)  # bpftrace has taken the shell's place
            out, err = tracer.communicate(timeout=HANG_S)
        self.assertEqual(tracer.returncode, 0, err)
        return out

    def test_polls(self):
        out = self.output_of("polls.bt", f"load {TASKS}", "block 30")
        counts = [int(n) for n in re.findall(r"^\[\d+\w?, \d+\w?\) +(\d+) \|", out, re.M)]
        self.assertGreater(sum(counts), TASKS)
        slowest = [int(ns) for ns in re.findall(r"^@slowest_ns\[\d+, \d+\]: (\d+)$", out, re.M)]
        self.assertGreaterEqual(max(slowest), 30_000_000)

    def test_delay(self):
        out = self.output_of("delay.bt", f"load {TASKS}")
        self.assertIn("@delay_ns:", out)
        self.assertNotIn("@woken", out)

    def test_lifetimes(self):
        out = self.output_of("lifetimes.bt", f"load {TASKS}")
        ended = {int(state): int(n) for state, n in re.findall(r"^@ended\[(\d+)\]: (\d+)$", out, re.M)}
        self.assertEqual(sum(ended.values()), TASKS + 1)  # and the one that spawned them
        self.assertEqual(set(ended), {4, 5, 6})
        spawned = [int(n) for n in re.findall(r"^@spawned_at_site\[\d+\]: (\d+)$", out, re.M)]
        self.assertEqual(sum(spawned), TASKS + 1)

    def test_wakers(self):
        out = self.output_of("wakers.bt", f"load {TASKS}")
        self.assertTrue(re.search(r"^@wakes\[\d+, \d+\]: \d+$", out, re.M), out)

    def test_offcpu(self):
        out = self.output_of("offcpu.bt", "block 30")
        self.assertTrue(re.search(r"^@why\[\d+, blocked\]: \d+$", out, re.M), out)
        self.assertIn("@off_cpu_us[", out)

    @unittest.skipUnless(shutil.which("perf"), "perf is missing")
    def test_perf_polls(self):
        perf = subprocess.Popen([*WITH_TRACEFS, SCRIPTS / "perf-polls.sh", str(self.program.pid), "3"],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        begun = ended = 0
        while perf.poll() is None:
            self.run_command("block 20")
        out, err = perf.communicate(timeout=HANG_S)
        self.assertEqual(perf.returncode, 0, err)
        for line in out.splitlines():
            fields = re.match(r" *\d+ +\d+\.\d+: +sdt_rouse:task__poll__(start|end): \(\w+\) arg1=\d+ arg2=\d+", line)
            self.assertTrue(fields, line)
            begun += fields.group(1) == "start"
            ended += fields.group(1) == "end"
        self.assertGreater(begun, 5)
        self.assertLessEqual(abs(begun - ended), 2)


if __name__ == "__main__":
    reason = reason_to_skip() or (None if shutil.which("bpftrace") else "bpftrace is missing")
    if reason:
        print(f"skipped: {reason}")
        sys.exit(SKIPPED)
    unittest.main(argv=sys.argv[:1], verbosity=2)
