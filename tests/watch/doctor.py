#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""doctor.py ROUSE LIVES OTHER_LAYOUT: what can be seen here, and by which source, is said as it is."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from watch import INCOMPATIBLE, LISTEN, NO_TARGET, NOT_PERMITTED, OK, ROUSE, agent_of, rouse, rouse_environment, said

from harness import DEADLINE_S, Program, main

LIVES, OTHER_LAYOUT = sys.argv[2:4]
NOBODY = 65534
WORKS = {"yes", "partly", "no", "fact"}


def checks(rows):
    return {row["name"]: row for row in rows}


class Doctor(unittest.TestCase):
    def ask(self, *args, exits=OK):
        done = rouse("doctor", "--json", *args)
        self.assertEqual((done.returncode, done.stderr), (exits, ""), said(done))
        document = json.loads(done.stdout)
        self.assertEqual((document["schema"], document["exit"]), ("rouse/doctor/1", exits))
        for row in document["machine"] + document.get("sources", []):
            self.assertIn(row["works"], WORKS)
            self.assertNotEqual(row["text"], "")
        return document

    def sources(self, *args, exits=OK):
        return checks(self.ask(*args, exits=exits)["sources"])

    def test_of_the_machine(self):
        found = checks(self.ask()["machine"])
        self.assertEqual(set(found), {"memory", "others", "cores", "stacks", "probe", "polls", "btf", "perf",
                                      "memfd", "membarrier", "kernel"})
        # Each step below the one that is there was tried as well.
        self.assertRegex(found["polls"]["text"], r"\(eBPF\) (yes|no); .*\(perf\) (yes|no); .*\(/proc schedstat\) (yes|no)$")
        self.assertEqual(found["polls"]["works"] == "yes", "(eBPF) yes" in found["polls"]["text"])
        self.assertEqual((found["memory"]["works"], found["memfd"]["works"]), ("yes", "yes"))
        self.assertIn(os.uname().release, found["kernel"]["text"])
        self.assertIn(Path("/proc/sys/kernel/core_pattern").read_text(encoding="utf-8").strip(),
                      found["cores"]["text"])
        self.assertEqual(found["btf"]["works"], "yes" if os.access("/sys/kernel/btf/vmlinux", os.R_OK) else "no")
        done = rouse("doctor")
        self.assertEqual((done.returncode, done.stderr), (OK, ""), said(done))
        for name, row in found.items():
            self.assertRegex(done.stdout, rf"(?m)^  \S {name} +{re.escape(row['text'].split(' ')[0])}")

    def test_of_a_program_without_and_with_an_agent(self):
        with Program(LIVES, "rest", stdin=subprocess.PIPE) as program:
            program.wait_line("^ready$")
            found = self.sources(program.pid)
            self.assertEqual((found["memory"]["works"], found["socket"]["works"]), ("yes", "no"))
            self.assertRegex(found["memory"]["text"], r"a look at lives found 1 runtime, 2 tasks, layout version \d+, complete")
            self.assertIn("ROUSE_LISTEN=1", found["socket"]["text"])
            self.assertRegex(found["process"]["text"], rf"^process {program.pid}, \d+ threads, alive$")
            self.assertEqual(set(self.sources("--source", "socket", program.pid, exits=NO_TARGET)),
                             {"process", "socket", "a core"})
        with Program(LIVES, "leaderless", env=LISTEN, stdin=subprocess.PIPE) as program:
            program.wait_line("^ready$")
            path = agent_of(program)
            found = self.sources(program.pid)
            self.assertEqual((found["memory"]["works"], found["socket"]["works"]), ("yes", "yes"))
            self.assertRegex(found["process"]["text"], r"its main thread has ended, \d+ others live")
            self.assertEqual({name: row["works"] for name, row in self.sources(path).items()}, {"socket": "yes"})

    def test_of_a_core_to_come(self):
        with Program(LIVES, "rest", stdin=subprocess.PIPE) as program:
            program.wait_line("^ready$")
            Path(f"/proc/{program.pid}/coredump_filter").write_text("0x31", encoding="ascii")
            found = self.sources(program.pid)["a core"]
            self.assertEqual((found["works"], found["advice"]),
                             ("partly", f"echo 0x33 > /proc/{program.pid}/coredump_filter"))

    def test_of_what_cannot_be_watched(self):
        with Program(OTHER_LAYOUT, stdin=subprocess.PIPE) as program:
            program.wait_line("^ready$")
            found = self.sources(program.pid, exits=INCOMPATIBLE)
            self.assertIn("another layout version", found["memory"]["text"])
        with Program("sh", "-c", "echo ready; read x", stdin=subprocess.PIPE) as program:
            program.wait_line("^ready$")
            self.assertIn("has no rouse runtime", self.sources(program.pid, exits=NO_TARGET)["memory"]["text"])
        self.assertIn("is not a core file", self.sources(ROUSE, exits=NO_TARGET)["core"]["text"])
        done = rouse("doctor", "nobody-is-called-that")
        self.assertEqual((done.returncode, done.stdout), (NO_TARGET, ""), said(done))

    @unittest.skipIf(os.geteuid() != 0, "root is needed to become somebody else")
    def test_of_another_users_program(self):
        with tempfile.TemporaryDirectory() as folder, Program(LIVES, "rest", stdin=subprocess.PIPE) as program:
            program.wait_line("^ready$")
            os.chmod(folder, 0o755)
            console = shutil.copy(ROUSE, folder)
            os.chmod(console, 0o755)
            done = subprocess.run([console, "doctor", "--json", str(program.pid)], capture_output=True, text=True,
                                  cwd="/", env=rouse_environment(), timeout=DEADLINE_S, user=NOBODY, group=NOBODY,
                                  extra_groups=[], check=False)
        self.assertEqual((done.returncode, done.stderr), (NOT_PERMITTED, ""), said(done))
        document = json.loads(done.stdout)
        self.assertRegex(checks(document["sources"])["memory"]["text"], "not permitted .* as root")
        self.assertNotEqual(checks(document["machine"])["others"]["works"], "yes")


if __name__ == "__main__":
    main()
