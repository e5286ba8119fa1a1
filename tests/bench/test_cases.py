#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each of rouse's cases runs, answers as the driver expects, and is one the driver knows; events add up under load.

Figures are looked at only for being there: this is no place to measure.
"""

import argparse
import os
import subprocess
import sys
import unittest

import cases
import watched

PROGRAM = sys.argv.pop(1)
WORKERS = {cases.CURRENT: "current", cases.ONE: "1", cases.WORKERS: "2"}


def listed():
    text = subprocess.run([PROGRAM, "list"], capture_output=True, text=True, check=True).stdout
    return {name: kind for kind, name in (line.split() for line in text.splitlines())}


def ask(argument, lines):
    """The answers of one process."""
    done = subprocess.run([PROGRAM, argument], input="".join(f"{line}\n" for line in lines), capture_output=True,
                          text=True, check=True, env=dict(os.environ, ROUSE_LISTEN="0"))
    return done.stdout.splitlines()


class Cases(unittest.TestCase):
    def test_the_driver_and_the_program_have_the_same_cases(self):
        expected = {case.name: "current" if case.where == cases.CURRENT else "workers" for case in cases.CASES
                    if case.where != cases.SERVERS}
        self.assertEqual(listed(), expected)
        self.assertEqual({case.group for case in cases.CASES}, set(cases.GROUPS))

    def test_each_case_runs_and_answers(self):
        for where, argument in WORKERS.items():
            # Those that want a process of their own want gigabytes, too.
            names = [case.name for case in cases.CASES if case.where == where and not case.rounds]
            answers = ask(argument, [f"{name} 2 0" for name in names])
            self.assertEqual(len(answers), len(names))
            for name, answer in zip(names, answers):
                figures = [float(word) for word in answer.split()]
                self.assertEqual(len(figures), 5, name)
                self.assertGreater(figures[0], 0, name)
                self.assertGreaterEqual(figures[3], 1, name)

    def test_a_fixed_number_of_iterations_is_what_is_run(self):
        done = subprocess.run([PROGRAM, "current", "fixed", "rt_current_thread/x_wake_pair", "1", "3"],
                              capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout.split(), ["20000"] * 3)

    def test_what_it_does_not_have_is_answered_by_a_dash(self):
        self.assertEqual(ask("2", ["no/such 1 0", "rt_current_thread/x_yield_many 1 0"]), ["-", "-"])

    def test_each_event_is_delivered_or_counted_as_lost(self):
        options = argparse.Namespace(program=PROGRAM, flow_ms=0)
        figures = watched.flow(options, "rt_multi_threaded/yield_many")  # ends this if the sums do not agree
        polls = 2 * 200 * 1000  # of an iteration that warms up, and one that is measured
        self.assertGreaterEqual(round(1e6 * (figures["delivered, M"] + figures["lost, M"])), 2 * polls)
        self.assertGreater(figures["delivered, M"], 0)


if __name__ == "__main__":
    unittest.main()
