#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""first.py PROGRAM: the README's program is the one in runtime/examples, and does what it says."""

import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

from harness import main

PROGRAM = Path(sys.argv[1]).resolve()
ROOT = Path(os.environ["ROUSE_SOURCE_ROOT"])


class First(unittest.TestCase):
    def test_readme_quotes_it_whole(self):
        block = re.search(r"```c\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S).group(1)
        source = (ROOT / "runtime/examples/first.c").read_text(encoding="utf-8")
        self.assertEqual(block, "".join(source.splitlines(keepends=True)[2:]))

    def test_it_prints_the_square(self):
        done = subprocess.run([PROGRAM, "1"], capture_output=True, text=True, check=False, timeout=20)
        self.assertEqual((done.returncode, done.stdout), (0, "1\n"))


main()
