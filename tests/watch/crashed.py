#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""crashed.py ROUSE CRASHES STACKS: a program that dies leaves a file which explains it, and dies as it would have.

STACKS is "yes" if this console names native stacks.
"""

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import unittest
from pathlib import Path

from watch import FINDINGS, INCOMPLETE, ask, rouse, said

from core_files import Room
from harness import Program, eventually, main

CRASHES, STACKS = os.path.abspath(sys.argv[2]), sys.argv[3] == "yes"
MIB = 1 << 20


class Crashes(unittest.TestCase):
    def setUp(self):
        self.room = Room()
        self.addCleanup(self.room.folder.cleanup)

    def limits(self):
        """In the child: no core of the kernel, which would only take time."""
        os.chdir(self.room.path)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def crash(self, *mode, expect, record=True, before=None, level="1"):
        """Runs it to its end, which is expected to be by that signal or status. Answers (files, what it said)."""
        env = {"ROUSE_LEVEL": level, **({"ROUSE_RECORD": self.room.path} if record else {})}
        with Program(CRASHES, *mode, env=env, stdin=subprocess.PIPE, preexec=self.limits) as program:
            program.wait_line("^ready$")
            if before:
                before(program)
            if mode[0] != "sent":
                program.say("go")
            self.assertEqual(program.end(), expect, program.said())
            return sorted(str(path) for path in Path(self.room.path).glob("*.core")), program.said()

    def one_of(self, files, text):
        self.assertEqual(len(files), 1, files)
        self.assertIn(f"look at it with: rouse dump {files[0]}\n", text)
        return files[0]

    def assert_explained(self, file, note):
        """The tasks that wait for each other are proven to, and the one that crashed runs."""
        document = ask("check", file, exits=(FINDINGS,), source="core")
        self.assertEqual([(f["code"], f["class"]) for f in document["findings"]], [("wait-cycle", "proven")])
        self.assertTrue(document["complete"])
        self.assertRegex(document["note"], note)

    def states(self, file):
        return sorted((task["name"], task["state"]) for task in ask("ps", file)["tasks"])


CROSSED = [("goes left", "pending"), ("goes right", "pending")]


class Signals(Crashes):
    def test_whichever_signal_it_was(self):
        for mode, sig in (("segv", signal.SIGSEGV), ("bus", signal.SIGBUS), ("ill", signal.SIGILL),
                          ("fpe", signal.SIGFPE), ("abort", signal.SIGABRT)):
            with self.subTest(mode):
                files, text = self.crash(mode, expect=-sig)
                file = self.one_of(files, text)
                self.assertEqual(os.stat(file).st_mode & 0o777, 0o600)
                self.assertLess(os.stat(file).st_blocks * 512, 16 * MIB)
                self.assert_explained(file, rf"\Awritten by the program itself, at {sig.name} in thread \d+")
                self.assertEqual(self.states(file), [("culprit", "running"), *CROSSED])
                if STACKS:
                    # Without debugging information it is the program that is told, and the compiler's name of its part.
                    self.assertRegex(rouse("dump", file).stdout,
                                     r"(?s)Running now.*culprit.*go_wrong(\.cold)? \(crashes(\.c:\d+)?\)")
                os.unlink(file)

    def test_the_address_and_the_thread_are_told(self):
        files, text = self.crash("segv", expect=-signal.SIGSEGV)
        file = self.one_of(files, text)
        document = ask("ps", file)
        running, = (task["id"] for task in document["tasks"] if task["state"] == "running")
        tid, = (worker["tid"] for worker in document["runtimes"][0]["workers"] if worker["current_task"] == running)
        self.assertTrue(document["note"].endswith(f"in thread {tid}, address 0x10"), document["note"])

    def test_a_panic_that_no_task_could_be_blamed_for(self):
        files, text = self.crash("panic", expect=-signal.SIGABRT)
        self.assertIn("panic outside any task, in run", text)
        self.assert_explained(self.one_of(files, text), "at SIGABRT")

    def test_a_stack_that_overflowed(self):
        files, text = self.crash("deep", expect=-signal.SIGSEGV)
        file = self.one_of(files, text)
        self.assert_explained(file, "at SIGSEGV")
        if STACKS:
            self.assertIn("recurse (crashes", rouse("dump", file).stdout)

    def test_a_signal_that_somebody_sent(self):
        for sig in (signal.SIGSEGV, signal.SIGABRT):
            files, text = self.crash("sent", expect=-sig, before=lambda program, sig=sig: os.kill(program.pid, sig))
            file = self.one_of(files, text)
            self.assert_explained(file, f"at {sig.name} in thread")
            self.assertEqual(self.states(file), CROSSED)
            os.unlink(file)

    def test_two_threads_at_once_are_one_file(self):
        files, text = self.crash("both", expect=-signal.SIGSEGV)
        self.assertEqual(self.states(self.one_of(files, text)), [("culprit", "running")] * 2 + CROSSED)

    def test_the_last_events_of_a_program_at_level_2(self):
        script = Path(self.room.path) / "script"
        script.write_text("wait 2\nkey 9\nsave -\n")
        for level, drawn in (("1", False), ("2", True)):
            files, text = self.crash("segv", expect=-signal.SIGSEGV, level=level)
            done = rouse(self.one_of(files, text), env={"ROUSE_SCRIPT": str(script)})
            self.assertEqual((done.returncode, done.stderr), (0, ""), said(done))
            self.assertEqual("WRK" in done.stdout, drawn, said(done))
            os.unlink(files[0])


class Others(Crashes):
    """Who else has a say in it."""

    def test_nothing_is_written_unasked(self):
        files, text = self.crash("segv", expect=-signal.SIGSEGV, record=False)
        self.assertEqual((files, text), ([], "ready\n"))

    def test_the_handler_that_was_there_before_has_its_turn(self):
        files, text = self.crash("handled", expect=7)
        self.assert_explained(self.one_of(files, text), "at SIGSEGV")

    def test_a_process_is_written_once_also_if_its_handler_ends_it_otherwise(self):
        files, text = self.crash("twice", expect=-signal.SIGABRT)
        self.assert_explained(self.one_of(files, text), "at SIGSEGV")
        self.assertEqual(text.count("what was going on"), 1, text)

    def test_a_child_dies_without_a_file(self):
        self.assertEqual(self.crash("child", expect=0), ([], "ready\n"))

    def test_a_signal_writes_and_the_program_goes_on(self):
        def ask_twice(program):
            for i in (1, 2):
                os.kill(program.pid, signal.SIGUSR2)
                program.wait_line(f"SIGUSR2: what was going on is in {self.room.path}/crashes.{program.pid}.{i}.core")
        files, _ = self.crash("ask", int(signal.SIGUSR2), expect=-signal.SIGSEGV, record=False, before=ask_twice)
        self.assertEqual(len(files), 3)
        for file in files:
            last = file.count(".") == 2
            self.assert_explained(file, "at SIGSEGV" if last else "at SIGUSR2")
            self.assertEqual(self.states(file), [("culprit", "running")] * last + CROSSED)

    def test_a_signal_of_the_programs_is_not_taken_unasked(self):
        files, _ = self.crash("sent", expect=-signal.SIGUSR2,
                              before=lambda program: os.kill(program.pid, signal.SIGUSR2))
        self.assertEqual(files, [])

    def test_a_folder_that_cannot_be_written_to_is_said_at_once(self):
        missing = os.path.join(self.room.path, "missing")
        with Program(CRASHES, "sent", env={"ROUSE_RECORD": missing}, stdin=subprocess.PIPE) as program:
            program.wait_line(f"ROUSE_RECORD: no crash can be recorded into {missing}: No such file or directory")

    def test_a_folder_that_has_gone_is_said(self):
        folder = os.path.join(self.room.path, "folder")
        os.mkdir(folder)
        env = {"ROUSE_RECORD": folder}
        with Program(CRASHES, "segv", env=env, stdin=subprocess.PIPE, preexec=self.limits) as program:
            program.wait_line("^ready$")
            os.rmdir(folder)
            program.say("go")
            self.assertEqual(program.end(), -signal.SIGSEGV)
            self.assertRegex(program.said(), rf"could not be written to {folder}/crashes\.\d+\.core: No such file")


class WithoutMeans(Crashes):
    """No room, no rights."""

    def assert_cut(self, files, text, why):
        """It opens, says what is missing, and proves nothing of what it does not hold."""
        self.assertEqual(len(files), 1, text)
        done = rouse("check", "--json", files[0])
        if done.returncode in (0, FINDINGS):
            document = ask("check", files[0], exits=(0, FINDINGS), source="core")
            self.assertRegex(document["note"], rf"some \d+ KiB of memory were left out: {why}; written by")
        else:  # the page itself had no room
            self.assertEqual(done.returncode, INCOMPLETE, said(done))

    def test_a_limit_is_kept_and_what_is_left_out_is_said(self):
        for bytes_ in (1 * MIB, 4 * MIB):
            files, text = self.crash("ask", 0, bytes_, expect=-signal.SIGSEGV, record=False)
            self.assertLess(os.stat(files[0]).st_blocks * 512, bytes_ + MIB // 2)
            if bytes_ == MIB:
                self.assert_cut(files, text, "its limit")
            else:
                self.assert_explained(files[0], r"\Asome \d+ KiB of memory were left out: its limit; written by")
            os.unlink(files[0])

    def test_files_that_may_not_be_larger(self):
        def limit(program):
            resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (3 * MIB, 3 * MIB))
        files, text = self.crash("segv", expect=-signal.SIGSEGV, before=limit)
        self.assertIn("a part of what was going on is in ", text)
        self.assertIn("(then: File too large)", text)
        self.assert_cut(files, text, "File too large")

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("mount"), "root is needed to mount a small disk")
    def test_a_full_disk(self):
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", self.room.path], check=False).returncode:
            self.skipTest("this machine lets nobody mount")
        try:
            files, text = self.crash("segv", expect=-signal.SIGSEGV)
            self.assertIn("(then: No space left on device)", text)
            self.assert_cut(files, text, "No space left on device")
            os.unlink(files[0])
            Path(self.room.path, "rest").write_bytes(b"x" * (2 * MIB))
            files, text = self.crash("segv", expect=-signal.SIGSEGV)
            self.assertEqual(files, [])
            self.assertRegex(text, r"could not be written to \S+: No space left on device\n")
        finally:
            subprocess.run(["umount", self.room.path], check=True)

    def test_without_ptrace_the_threads_go_on_and_nothing_is_proven(self):
        for mode in ("untraced", "alone"):
            files, text = self.crash(mode, expect=-signal.SIGSEGV)
            document = ask("check", self.one_of(files, text), exits=(INCOMPLETE,), source="core")
            self.assertFalse(document["complete"])
            self.assertEqual([finding["code"] for finding in document["findings"]], ["incomplete-look"])
            self.assertRegex(document["note"], r"\A\d+ threads could not be stopped, and went on while it was written; ")
            self.assertEqual(self.states(files[0]), [("culprit", "running"), *CROSSED])
            os.unlink(files[0])

    def test_a_writer_that_dies_takes_nobody_along(self):
        files, text = self.crash("mute", expect=-signal.SIGSEGV)
        self.assertEqual(files, [])
        self.assertTrue(re.search(r"could not be written to \S+: the writer ended\n", text), text)


if __name__ == "__main__":
    main()
