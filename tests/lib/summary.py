#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads meson's testlog.json and says what a person wants to know of a run.

Counts cmocka's tests one by one and every other program as one test. Tells
what was skipped and why; shows the end of each failure's output and the line
that repeats it. Prints "PASSED FAILED SKIPPED" to --tally.

With --strict a skip is a failure, unless its reason begins with "kernel:":
that is the one thing neither this repository nor a package can mend.
"""

import argparse
import json
import re
import sys

TAIL_LINES = 30


def named(outcome, text):
    """Names of cmocka tests with that outcome; cmocka lists failures and skips twice."""
    return set(re.findall(r"^\[ +" + outcome + r" +\] (\w+)$", text, re.MULTILINE))


class Test:
    def __init__(self, record):
        self.name = record["name"].split(" / ")[-1]
        self.suite = record["name"]
        self.result = record["result"]
        self.text = (record.get("stdout") or "") + (record.get("stderr") or "")
        self.reasons = re.findall(r"^SKIP: (.*)$", self.text, re.MULTILINE)
        passed, failed, skipped = (len(named(o, self.text)) for o in ("OK", "FAILED", "SKIPPED"))
        if self.result in ("OK", "EXPECTEDFAIL"):
            self.counts = [max(passed, 0 if skipped else 1), 0, skipped]
        elif self.result == "SKIP":
            self.counts = [0, 0, max(skipped, 1)]
        else:
            self.counts = [passed, max(failed, 1), skipped]

    def unexcused(self):
        """Skips for which a package or a change here could be found."""
        excused = sum(reason.startswith("kernel:") for reason in self.reasons)
        return max(self.counts[2] - excused, 0)


def report_failure(test, rerun):
    print(f"\nFAILED {test.suite} ({test.result.lower()})")
    for line in test.text.splitlines()[-TAIL_LINES:]:
        print("  | " + line)
    print(f"  again: {rerun} {test.name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", help="meson-logs/testlog.json")
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("--rerun", default="./dev test", help="what repeats a test, before its name")
    parser.add_argument("--tally", help="file to append the three numbers to")
    options = parser.parse_args()

    with open(options.log, encoding="utf-8", errors="replace") as f:
        tests = [Test(json.loads(line)) for line in f]
    total = [0, 0, 0]
    for test in tests:
        if test.counts[1]:
            report_failure(test, options.rerun)
        for i, n in enumerate(test.counts):
            total[i] += n
    for test in tests:
        if not test.counts[2]:
            continue
        reasons = "; ".join(sorted(set(test.reasons))) or "no reason given"
        print(f"skipped: {test.suite}: {test.counts[2]} ({reasons})")
        if options.strict and test.unexcused():
            print("  counts as a failure here")
            total[1] += test.unexcused()
            total[2] -= test.unexcused()
    if options.tally:
        with open(options.tally, "a", encoding="utf-8") as f:
            print(*total, file=f)
    return 1 if total[1] or not tests else 0


if __name__ == "__main__":
    sys.exit(main())
