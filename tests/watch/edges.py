#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""edges.py ROUSE COMES_AND_GOES: `rouse watch` tells when trouble appears and goes, and runs a command for it."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from watch import INCOMPLETE, LISTEN, NO_TARGET, OK, ROUSE, rouse, rouse_environment, said

from harness import DEADLINE_S, Program, eventually, main

COMES_AND_GOES = sys.argv[2]
SOURCE = Path(__file__).with_name("comes_and_goes.c")
FAULT = next(n for n, line in enumerate(SOURCE.read_text(encoding="utf-8").splitlines(), 1) if "fault: crossing" in line)
QUICK = ["--interval", 20, "--threshold", "stays=200ms", "--fail-on", "proven"]
INTERRUPTED = 130


def target(**more):
    return Program(COMES_AND_GOES, stdin=subprocess.PIPE, **more)


def watch(program, *options):
    return Program(ROUSE, "watch", *QUICK, *options, program.pid, env=rouse_environment())


def do(program, what):
    program.say(what)
    program.wait_line(f"^{what}$")


class Edges(unittest.TestCase):
    def edge(self, watcher, kind):
        line = json.loads(watcher.wait_line(r"^\{.*\}$").group(0))
        self.assertEqual((line["schema"], line["edge"]), ("rouse/watch/1", kind), line)
        return line

    def check(self, env):
        with target(env=env) as program:
            program.wait_line("ready")
            with watch(program, "--json", "--min-interval", 0) as watcher:
                for _ in range(2):
                    do(program, "on")
                    appears = self.edge(watcher, "appears")
                    do(program, "off")
                    goes = self.edge(watcher, "goes")
                    for line in (appears, goes):
                        finding = line["finding"]
                        self.assertEqual((finding["code"], finding["class"]), ("wait-cycle", "proven"))
                        self.assertEqual(finding["site"]["line"], FAULT)
                        self.assertEqual(finding["tasks"][0]["id"], appears["finding"]["tasks"][0]["id"])
                        self.assertIsInstance(finding["tasks"][0]["id"], str)
                        self.assertEqual((line["pid"], line["suppressed"]), (program.pid, 0))
                        self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
                program.process.stdin.close()
                self.assertEqual(program.end(), OK)
                self.assertEqual(watcher.end(), NO_TARGET, watcher.said())
                last = json.loads(watcher.stdout[-1])
                self.assertEqual((last["edge"], len(watcher.stdout)), ("ended", 5))
                self.assertEqual(len(watcher.stderr), 1, watcher.said())

    def test_by_the_socket(self):
        self.check(LISTEN)

    def test_by_memory(self):
        self.check(None)

    def test_what_is_there_from_the_beginning_is_told_as_text(self):
        with target() as program:
            do(program, "on")
            done = rouse("watch", *QUICK, "--count", 1, program.pid)
            self.assertEqual((done.returncode, done.stderr), (OK, ""), said(done))
            self.assertRegex(done.stdout, rf"^\S+Z appears PROVEN wait cycle  crossing \(\d+\)  comes_and_goes\.c:{FAULT}  .*\n$")


def children_of(watcher):
    """Its command, if one runs: their ids."""
    return Path(f"/proc/{watcher.pid}/task/{watcher.pid}/children").read_text(encoding="utf-8").split()


class Commands(unittest.TestCase):
    def run_command(self, command, count=2):
        """Through one trouble that comes and goes."""
        with target() as program:
            program.wait_line("ready")
            with watch(program, "--exec", command, "--count", count, "--min-interval", 0) as watcher:
                do(program, "on")
                watcher.wait_line(r"^\S+Z appears ")
                do(program, "off")
                status = watcher.end()
                return program, watcher, status

    def test_it_finds_the_edge_in_its_environment_and_on_its_input(self):
        with tempfile.TemporaryDirectory() as folder:
            names = ["EDGE", "FINDING", "CLASS", "PID", "LINE", "SUPPRESSED"]
            values = " ".join(f'"$ROUSE_{name}"' for name in names)
            program, watcher, status = self.run_command(
                f'printf "%s " {values} >>{folder}/edges; echo "$ROUSE_FILE" >>{folder}/edges; '
                f'test "$ROUSE_TASK" -gt 0 && cat >>{folder}/input; echo out')
            self.assertEqual(status, OK, watcher.said())
            common = rf"wait-cycle proven {program.pid} {FAULT} 0 .*comes_and_goes\.c"
            self.assertRegex(Path(folder, "edges").read_text(encoding="utf-8"), rf"^appears {common}\ngoes {common}\n$")
            documents = [json.loads(line) for line in Path(folder, "input").read_text(encoding="utf-8").splitlines()]
            self.assertEqual([document["edge"] for document in documents], ["appears", "goes"])
            # What it prints is no edge.
            self.assertEqual([line for line in watcher.stdout if "out" == line.strip()], [])
            self.assertEqual([line.strip() for line in watcher.stderr], ["out", "out"])

    def test_one_runs_at_a_time_and_the_watch_goes_on_meanwhile(self):
        with tempfile.TemporaryDirectory() as folder:
            os.mkfifo(f"{folder}/gate")
            with target() as program:
                program.wait_line("ready")
                command = f"echo begin >>{folder}/log; read x <{folder}/gate; echo end >>{folder}/log"
                with watch(program, "--exec", command, "--count", 3, "--min-interval", 0) as watcher:
                    do(program, "on")
                    watcher.wait_line(r"^\S+Z appears ")
                    do(program, "off")
                    watcher.wait_line(r"^\S+Z goes ") # though the first command still runs
                    do(program, "on")
                    watcher.wait_line(r"^\S+Z appears ") # what the edge before asked for has been done by now
                    self.assertEqual(len(children_of(watcher)), 1)
                    log = Path(folder, "log")
                    for i in range(3):
                        so_far = "begin\nend\n" * i + "begin\n"
                        eventually("the command has begun", lambda: log.exists() and log.read_text() == so_far)
                        Path(folder, "gate").write_text("go\n", encoding="utf-8")
                    self.assertEqual(watcher.end(), OK, watcher.said())
                    self.assertEqual(log.read_text(encoding="utf-8"), "begin\nend\n" * 3)

    def test_a_command_that_fails_is_told(self):
        _, watcher, status = self.run_command("exit 7")
        self.assertEqual(status, OK)
        self.assertEqual([line for line in watcher.stderr if "the command ended with status 7" in line],
                         watcher.stderr)
        self.assertEqual(len(watcher.stderr), 2)


class Signals(unittest.TestCase):
    def test_term_and_int_end_it(self):
        for sig, status in ((signal.SIGTERM, OK), (signal.SIGINT, INTERRUPTED)):
            with target() as program:
                do(program, "on")
                with watch(program, "--exec", "exec sleep 1000") as watcher:
                    watcher.wait_line(r"^\S+Z appears ")
                    eventually("the command has been started", lambda: children_of(watcher))
                    command = int(children_of(watcher)[0])
                    try:
                        watcher.process.send_signal(sig)
                        self.assertEqual(watcher.process.wait(DEADLINE_S), status)
                    finally:
                        os.kill(command, signal.SIGKILL) # what runs goes on by itself

    def test_a_reader_that_goes_ends_it(self):
        with target() as program:
            do(program, "on")
            with open("/dev/full", "w", encoding="utf-8") as full:
                done = subprocess.run([ROUSE, "watch", *map(str, QUICK), str(program.pid)], stdout=full,
                                      stderr=subprocess.PIPE, text=True, env=rouse_environment(), timeout=60, check=False)
            self.assertEqual(done.returncode, INCOMPLETE, done.stderr)
            self.assertIn("cannot write the answer", done.stderr)


if __name__ == "__main__":
    main()
