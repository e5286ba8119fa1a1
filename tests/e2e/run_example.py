#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run_example.py PROGRAM EXPECTED [MS]: the program prints exactly that, exits 0, and not before MS have passed."""

import difflib
import sys
import time
from pathlib import Path

from harness import Program


def main():
    program, expected = sys.argv[1], Path(sys.argv[2]).read_text(encoding="utf-8")
    at_least_ms = float(sys.argv[3]) if len(sys.argv) > 3 else 0
    began = time.monotonic()
    with Program(program) as example:
        status = example.end()
        took_ms = (time.monotonic() - began) * 1000
        said = "".join(example.stdout)
        errors = "".join(example.stderr)
    sys.stdout.writelines(difflib.unified_diff(expected.splitlines(True), said.splitlines(True), "expected", "printed"))
    if status != 0 or errors:
        print(f"exit {status}; stderr: {errors}")
    if took_ms < at_least_ms:
        print(f"it was over after {took_ms:.0f} ms: its timers fired too early")
    return 0 if said == expected and status == 0 and not errors and took_ms >= at_least_ms else 1


if __name__ == "__main__":
    sys.exit(main())
