#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py ROUSE MINI_REDIS TESTED CORES: `rouse run` says by its exit status how a test program did, and leaves what tells why."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ET

from common import USAGE, rouse, said

from harness import Program, eventually, main
from schema import SCHEMA

ROUSE, MINI_REDIS, TESTED, CORES = sys.argv[1:5]
ERROR, FINDINGS, BUDGET, LEAKS, TIMED_OUT, NOT_EXECUTABLE, NOT_FOUND = 120, 121, 122, 123, 124, 126, 127


def group_lives(pid):
    try:
        os.killpg(pid, 0)
        return True
    except ProcessLookupError:
        return False


class Test(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = lambda name: os.path.join(folder.name, name)

    def run_it(self, *args, status):
        done = rouse("run", *args)
        self.assertEqual(done.returncode, status, said(done))
        return done

    def report(self, *args, status):
        path = self.file("report")
        self.run_it("--report", path, "--format", "json", *args, status=status)
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
        self.assertIsNone(SCHEMA.fail(report, SCHEMA.root["$defs"]["rouse/run/1"], "report"))
        self.assertEqual(report["exit"], status)
        return report

    def test_a_command_without_a_runtime_is_run_and_that_is_said(self):
        done = self.run_it("--", "sh", "-c", "echo out; echo $ROUSE_LISTEN; exit 7", status=7)
        self.assertEqual(done.stdout, "out\n1\n")
        self.assertIn("sh was not watched", done.stderr)
        self.run_it("sh", "-c", "exit 0", status=0)
        self.run_it("--", "sh", "-c", "kill -USR1 $$", status=128 + signal.SIGUSR1)

    def test_what_cannot_be_run_is_said_as_shells_do(self):
        self.run_it("--", self.file("none"), status=NOT_FOUND)
        with open(self.file("text"), "w", encoding="utf-8") as file:
            file.write("no program")
        self.run_it("--", self.file("text"), status=NOT_EXECUTABLE)
        self.run_it(status=USAGE)
        self.run_it("--timeout", "soon", "--", "true", status=USAGE)
        self.run_it("--record", self.file("no/such/folder"), "--", "true", status=ERROR)

    def test_a_program_that_is_well_says_nothing_and_leaves_nothing(self):
        done = self.run_it("--record", self.file("rec"), "--max-poll", "10s", "--max-scheduled", "10s", "--no-leaks", "--",
                           TESTED, 1, 0, status=0)
        self.assertEqual(done.stderr, "")
        self.assertFalse(os.path.exists(self.file("rec")))
        report = self.report("--", TESTED, 1, 5, status=5)
        self.assertEqual((report["outcome"], report["status"]), ("failed", 5))
        self.assertGreater(report["looks"], 0)

    def test_a_poll_beyond_its_budget_is_told_with_its_place(self):
        report = self.report("--max-poll", "20ms", "--", TESTED, 100, 0, status=BUDGET)
        self.assertEqual(report["outcome"], "budget")
        self.assertTrue(report["poll"]["exceeded"])
        self.assertGreaterEqual(report["poll"]["at_least_ns"], 2**26)  # 67 ms: where the bucket of 100 ms begins
        self.assertIn("tested.c:", report["poll"]["spawned_at"])
        # The command's own status says more.
        self.assertEqual(self.report("--max-poll", "20ms", "--", TESTED, 100, 3, status=3)["outcome"], "failed")

    def test_a_crash_is_told_by_its_signal_and_leaves_a_recording(self):
        # Not SIGSEGV: of that a sanitizer makes an exit.
        report = self.report("--record", self.file("rec"), "--", TESTED, 1, -signal.SIGABRT, status=128 + signal.SIGABRT)
        self.assertEqual((report["outcome"], report["signal"]), ("crashed", signal.SIGABRT))
        self.assertGreater(os.path.getsize(self.file("rec")), 0)
        if CORES != "cores":
            return
        # Its last moment it has written itself.
        self.assertEqual(report["core"], self.file(f"tested.{report['pid']}.core"))
        dump = rouse("dump", report["core"]).stdout
        self.assertRegex(dump, r"(?s)SIGABRT.*Running now.*computes")
        done = self.run_it("--record", self.file("rec"), "--", TESTED, 1, -signal.SIGABRT, status=128 + signal.SIGABRT)
        self.assertRegex(done.stderr, r"how it stood when it crashed is in .*/tested\.\d+\.core: rouse dump shows it")

    def test_at_a_time_out_it_is_looked_at_and_killed_with_its_group(self):
        script = f"(trap '' TERM; exec sleep 1000) & exec {MINI_REDIS} --port 0 --trouble"
        report = self.report("--timeout", "1s", "--record", self.file("rec"), "--", "sh", "-c", script, status=TIMED_OUT)
        self.assertEqual(report["outcome"], "timeout")
        self.assertIn("wait-cycle", {f["code"] for f in report["findings"] if f["class"] == "proven"})
        eventually("its group has ended", lambda: not group_lives(report["pid"]))
        self.assertGreater(os.path.getsize(self.file("rec")), 0)

    def test_a_finding_counts_from_the_class_that_is_asked_for(self):
        with Program(ROUSE, "run", "--report", self.file("r"), "--", MINI_REDIS, "--port", 0, "--trouble") as running:
            running.wait_line("listening on")
            eventually("it is watched", lambda: self.findings_of(running))
            self.assertEqual(running.end(signal.SIGTERM), FINDINGS, running.said())  # handed on: the server ends well
        with open(self.file("r"), encoding="utf-8") as file:
            self.assertIn("PROVEN wait cycle", file.read())

    def test_a_leak_of_tasks_counts_if_none_may_be_found(self):
        for how, asked, status, outcome in (("leaks", ["--no-leaks"], LEAKS, "leaks"), ("leaks", [], 0, "well"),
                                            ("spawns", ["--no-leaks"], 0, "well")):
            with self.subTest((how, asked)):
                report, record = (self.file(f"{how}{len(asked)}.{kind}") for kind in ("json", "rec"))
                with Program(ROUSE, "run", *asked, "--threshold", "leak-tasks=20", "--report", report, "--format", "json",
                             "--record", record, "--", TESTED, how, stdin=subprocess.PIPE) as running:
                    eventually("it is there", lambda: self.child_of(running))
                    # As many looks as the rule asks for, and some more: who watches has made them meanwhile, too.
                    found = self.leaks_of(running, "--looks", 24, "--threshold", "leak-tasks=20")
                    self.assertEqual(found, how == "leaks")
                    running.process.stdin.close()
                    self.assertEqual(running.end(), status, running.said())
                with open(report, encoding="utf-8") as file:
                    report = json.load(file)
                self.assertIsNone(SCHEMA.fail(report, SCHEMA.root["$defs"]["rouse/run/1"], "report"))
                self.assertEqual((report["outcome"], report["exit"], report["status"]), (outcome, status, 0))
                self.assertEqual("task-leak" in {f["code"] for f in report["findings"]}, how == "leaks")
                self.assertEqual(os.path.exists(record), status == LEAKS)

    @staticmethod
    def child_of(running):
        with open(f"/proc/{running.pid}/task/{running.pid}/children", encoding="ascii") as file:
            return next(iter(file.read().split()), None)

    def leaks_of(self, running, *args):
        document = json.loads(rouse("check", "--json", *args, self.child_of(running)).stdout)
        return any(f["code"] == "task-leak" for f in document["findings"])

    def findings_of(self, running):
        document = json.loads(rouse("check", "--json", self.child_of(running)).stdout)
        return any(f["class"] == "proven" for f in document["findings"])

    def test_junit_is_xml_with_a_case_each(self):
        path = self.file("junit")
        done = self.run_it("--report", path, "--format", "junit", "--max-poll", "20ms", "--", TESTED, 100, 0, status=BUDGET)
        self.assertEqual(done.stderr, f"rouse: run: {TESTED} took longer than it may: the report is in {path}\n")
        suite = ET.parse(path).getroot()
        cases = {case.get("name"): case.find("failure") is not None for case in suite}
        self.assertEqual(cases, {"end": False, "findings": False, "max-poll": True})
        self.assertEqual((suite.get("tests"), suite.get("failures")), ("3", "1"))
        self.run_it("--report", path, "--format", "junit", "--", "sh", "-c", "exit 4", '<&">\x01', status=4)
        self.assertRegex(ET.parse(path).getroot()[0].find("failure").get("message"), "status 4")

    def test_the_help_has_the_statuses(self):
        text = rouse("run", "--help").stdout
        for status in (ERROR, FINDINGS, BUDGET, LEAKS, TIMED_OUT, NOT_EXECUTABLE, NOT_FOUND):
            self.assertTrue(re.search(rf"(?m)^ +{status}  run:", text), status)


if __name__ == "__main__":
    main()
