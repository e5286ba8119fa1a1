#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""guide.py GUIDE FLAG...: the guide's code blocks, put together, compile with both compilers and print what it says."""

import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from shutil import which

from harness import Program, main

GUIDE = Path(sys.argv[1])
FLAGS = sys.argv[2:]


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


class Guide(unittest.TestCase):
    def runs_with(self, compiler):
        if not compiler:
            self.skipTest("this compiler is not installed")
        with tempfile.TemporaryDirectory() as folder:
            source, program = Path(folder, "guide.c"), Path(folder, "guide")
            source.write_text("\n".join(blocks("c")), encoding="utf-8")
            done = subprocess.run([compiler, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", source, "-o",
                                   program, *FLAGS, "-pthread"], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            with Program(program) as guide:
                self.assertEqual(guide.end(), 0, guide.said())
                self.assertEqual(guide.said(), "".join(blocks("text")))

    def test_its_program_compiles_and_runs_with_gcc(self):
        self.runs_with(which("gcc"))

    def test_its_program_compiles_and_runs_with_clang(self):
        self.runs_with(which("clang") or which("clang-14"))


if __name__ == "__main__":
    main()
