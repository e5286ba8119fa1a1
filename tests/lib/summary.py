#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads meson's testlog.json and says what a person wants to know of a run.

Counts cmocka's tests one by one and every other program as one test. Tells
what was skipped and why; shows the end of each failure's output and the line
that repeats it. Prints "PASSED FAILED SKIPPED" to --tally, and the failures
once more to --failures, for one who reads only the end of a long run.

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


def report_of_failure(test, rerun):
    lines = [f"FAILED {test.suite} ({test.result.lower()})"]
    lines += ["  | " + line for line in test.text.splitlines()[-TAIL_LINES:]]
    return "\n".join([*lines, f"  again: {rerun} {test.name}"])


def append(path, text):
    if path:
        with open(path, "a", encoding="utf-8") as f:
            print(text, file=f)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", help="meson-logs/testlog.json")
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("--rerun", default="./dev test", help="what repeats a test, before its name")
    parser.add_argument("--tally", help="file to append the three numbers to")
    parser.add_argument("--failures", help="file to append what failed to")
    options = parser.parse_args()

    with open(options.log, encoding="utf-8", errors="replace") as f:
        tests = [Test(json.loads(line)) for line in f]
    total = [0, 0, 0]
    for test in tests:
        if test.counts[1]:
            report = report_of_failure(test, options.rerun)
            print("\n" + report)
            append(options.failures, report)
        for i, n in enumerate(test.counts):
            total[i] += n
    for test in tests:
        if not test.counts[2]:
            continue
        reasons = "; ".join(sorted(set(test.reasons))) or "no reason given"
        print(f"skipped: {test.suite}: {test.counts[2]} ({reasons})")
        if options.strict and test.unexcused():
            print("  counts as a failure here")
            append(options.failures, f"FAILED {test.suite} (skipped: {reasons})")
            total[1] += test.unexcused()
            total[2] -= test.unexcused()
    append(options.tally, " ".join(map(str, total)))
    return 1 if total[1] or not tests else 0


if __name__ == "__main__":
    sys.exit(main())
