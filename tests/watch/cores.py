#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""cores.py ROUSE MINI_REDIS LIVES WEDGED OTHER_LAYOUT: a dead process is explained like the living one it was.

Cores come from the kernel and, where gdb is, from gcore; whole, cut, bent, and of programs that are none of ours.
"""

import contextlib
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import unittest
from pathlib import Path

from watch import (FINDINGS, INCOMPATIBLE, INCOMPLETE, NO_TARGET, NOT_PERMITTED, OK, ROUSE, ask, kernel_state, rouse,
                   rouse_environment, said, stop, stop_at_rest)

from core_files import NO_KERNEL_CORES, Room
from harness import DEADLINE_S, MiniRedis, Program, eventually, main

MINI_REDIS, LIVES, WEDGED, OTHER_LAYOUT, CONSOLE = map(os.path.abspath, [*sys.argv[2:6], ROUSE])  # some run elsewhere
NOBODY = 65534
PT_LOAD, PT_NOTE, NT_FILE = 1, 4, 0x46494c45
UNFINDABLE = 0x12345678


class Elf:
    """As much of a core as it takes to know what is missing, and to bend it."""

    def __init__(self, path):
        self.image = bytearray(Path(path).read_bytes())
        self.offset, = struct.unpack_from("<Q", self.image, 32)
        self.n, = struct.unpack_from("<H", self.image, 56)

    def headers(self, wanted):
        """(offset, address, file bytes) of each segment of a type."""
        for i in range(self.n):
            kind, _, offset, address, _, bytes_ = struct.unpack_from("<IIQQQQ", self.image, self.offset + 56 * i)
            if kind == wanted:
                yield offset, address, bytes_

    def end_of_memory(self):
        return max(offset + bytes_ for offset, _, bytes_ in self.headers(PT_LOAD) if bytes_)

    def missing_behind(self, end):
        segments = [*self.headers(PT_LOAD), *self.headers(PT_NOTE)]
        return sum(bytes_ - min(bytes_, max(0, end - offset)) for offset, _, bytes_ in segments)

    def notes(self):
        """(where, type) of each note."""
        for at, _, bytes_ in self.headers(PT_NOTE):
            end = at + bytes_
            while at < end:
                name, description, kind = struct.unpack_from("<III", self.image, at)
                yield at, kind
                at += 12 + (name + 3) // 4 * 4 + (description + 3) // 4 * 4

    def without_file_list(self):
        """Its image, in which no note is NT_FILE."""
        image = bytearray(self.image)
        found = [at for at, kind in self.notes() if kind == NT_FILE]
        if len(found) != 1:
            raise AssertionError(f"{len(found)} lists of files")
        struct.pack_into("<I", image, found[0] + 8, UNFINDABLE)
        return image

    def without_page(self):
        """Its image, in which the segment of the runtime's memfd is nowhere."""
        image = bytearray(self.image)
        for i in range(self.n):
            at = self.offset + 56 * i
            kind, _, offset, _, _, bytes_ = struct.unpack_from("<IIQQQQ", image, at)
            if kind == PT_LOAD and bytes_ and self.image[offset:offset + 8] == b"rouse\x1a\n\0":
                struct.pack_into("<Q", image, at + 32, 0)
        return image


def chain_of(target, task, source):
    """What `why` says of a task, but for how long it has lasted."""
    why = ask("why", target, task, source=source)
    links = [{key: link.get(key) for key in ("parent", "kind", "relation", "id", "name", "resource", "future", "op",
                                             "at", "either", "guess", "cycle")} for link in why["chain"]]
    findings = [(finding["code"], finding["class"], [task["id"] for task in finding["tasks"]], finding["site"],
                 finding["leaf"]) for finding in why["findings"]]
    return {"task": why["task"], "state": why["state"], "valid": why["valid"], "chain": links, "findings": findings}


class Cores(unittest.TestCase):
    def setUp(self):
        self.room = Room()
        self.addCleanup(self.room.folder.cleanup)

    @contextlib.contextmanager
    def redis(self):
        with MiniRedis(MINI_REDIS, "--trouble", preexec=self.room.enter) as redis:
            yield redis

    def core_of(self, program, *args, line="^ready$", env=None):
        """The kernel's core of a program, once it has said its line."""
        if NO_KERNEL_CORES:
            self.skipTest(NO_KERNEL_CORES)
        with Program(program, *args, env=env, stdin=subprocess.PIPE, preexec=self.room.enter) as process:
            process.wait_line(line)
            return self.room.die(process), process.pid

    def assert_fails(self, exit_code, words, *args):
        done = rouse(*args)
        self.assertEqual((done.returncode, done.stdout), (exit_code, ""), said(done))
        self.assertRegex(done.stderr, r"\Arouse: [^\n]*\n\Z", said(done))
        self.assertIn(words, done.stderr, said(done))


class LikeTheLiving(Cores):
    """mini_redis --trouble: the same chains and the same proof, running, stopped, and from cores."""

    TASKS = ["trouble:deadlock-a", "trouble:deadlock-b", "trouble:never-registered", "trouble:dropped-waker",
             "trouble:stale-poller"]

    def chains(self, target, source):
        return {task: chain_of(target, task, source) for task in self.TASKS}

    def assert_whole(self, core, pid):
        """All verbs, by the path and with --source; at once, and without an age."""
        for verb, args, exits in (("ps", [], (OK,)), ("dump", [], (OK,)), ("sched", [], (OK,)),
                                  ("why", ["trouble:deadlock-a"], (OK,)), ("check", [], (FINDINGS,))):
            document = ask(verb, core, *args, exits=exits, source="core")
            self.assertEqual((document["target"]["pid"], document["target"]["program"]), (pid, "mini_redis"))
            self.assertEqual((document["complete"], document["note"], document["age_ns"]), (True, "", 0))
            done = rouse(verb, core, *args)
            self.assertEqual((done.returncode, done.stderr), (exits[0], ""), said(done))
            self.assertIn("source: core  complete", done.stdout)
            self.assertNotIn(" ago", done.stdout)
        ps = ask("ps", core)
        self.assertEqual({runtime["stopped"] for runtime in ps["runtimes"]}, {True})
        self.assertGreater(min(task["age_ns"] for task in ps["tasks"]), 0)
        frame = rouse("top", "-b", "-n", 3, core)
        self.assertEqual((frame.returncode, frame.stderr), (OK, ""), said(frame))
        self.assertRegex(frame.stdout, r"(?m)^ rouse  mini_redis  %d .* core .*complete$" % pid)
        self.assertIn("PROVEN wait cycle", frame.stdout)

    def test_by_core_of_kernel_and_gdb(self):
        if NO_KERNEL_CORES and not shutil.which("gcore"):
            self.skipTest(NO_KERNEL_CORES)
        with self.redis() as redis:
            stop_at_rest(redis)
            stopped = self.chains(redis.pid, "memory")
            redis.process.send_signal(signal.SIGCONT)
            eventually("it goes on", lambda: kernel_state(redis.pid) != "T")
            self.assertEqual(self.chains(redis.pid, "memory"), stopped)
            self.assertEqual(stopped["trouble:deadlock-a"]["findings"][0][:2], ("wait-cycle", "proven"))
            stop_at_rest(redis)
            if shutil.which("gcore"):
                core = self.room.gcore(redis)
                self.assertEqual(self.chains(core, "core"), stopped)
                self.assert_whole(core, redis.pid)
                os.unlink(core)
                stop(redis)
            if not NO_KERNEL_CORES:
                core = self.room.die(redis)
                self.assertEqual(self.chains(core, "core"), stopped)
                self.assert_whole(core, redis.pid)


class States(Cores):
    def assert_cycle(self, core):
        why = ask("why", core, "goes right", source="core")
        self.assertEqual((why["cycle"], why["valid"], why["complete"]), (True, True, True))
        self.assertEqual([(f["code"], f["class"]) for f in why["findings"]], [("wait-cycle", "proven")])

    def test_a_wedged_program(self):
        core, _ = self.core_of(WEDGED, line="^wedged$")
        states = {task["name"]: task["state"] for task in ask("ps", core)["tasks"]}
        self.assertEqual(states, {"holder": "running", "waiter": "pending", "hog": "running", "queued": "scheduled"})
        why = ask("why", core, "waiter")
        self.assertEqual([link["name"] for link in why["chain"] if "name" in link], ["waiter", "the lock", "holder"])
        self.assertIn("worker", {link["kind"] for link in why["chain"]})
        if os.uname().machine == "x86_64":
            self.assertIn("blocked in futex()", rouse("why", core, "waiter").stdout)

    def test_a_program_whose_workers_spin(self):
        self.assert_cycle(self.core_of(LIVES, "spin")[0])

    def test_a_program_whose_main_thread_had_ended(self):
        core, pid = self.core_of(LIVES, "leaderless")
        self.assert_cycle(core)
        self.assertEqual(ask("ps", core)["target"]["pid"], pid)

    def test_a_program_on_its_way_out(self):
        self.assert_cycle(self.core_of(LIVES, "exit")[0])

    def test_the_last_events_of_a_program_at_level_2_are_in_its_core(self):
        script = Path(self.room.path) / "script"
        script.write_text("wait 2\nkey 9\nsave -\nkey e\nsave -\n")
        for level, drawn in (("1", False), ("2", True)):
            core, _ = self.core_of(LIVES, "rest", env={"ROUSE_LEVEL": level})
            done = rouse(core, env={"ROUSE_SCRIPT": str(script)})
            self.assertEqual((done.returncode, done.stderr), (OK, ""), said(done))
            self.assertEqual("WRK" in done.stdout, drawn, said(done))
            self.assertEqual("No events: this program was not at level 2" in done.stdout, not drawn, said(done))
            self.assertIn("a file has the events that it has", done.stdout)

    def test_a_core_is_known_by_name_too_and_a_program_is_none(self):
        core, pid = self.core_of(LIVES, "rest")
        argv = [CONSOLE, "ps", os.path.basename(core)]
        done = subprocess.run(argv, capture_output=True, text=True, cwd=self.room.path, env=rouse_environment(),
                              timeout=DEADLINE_S, check=False)
        self.assertEqual((done.returncode, done.stderr), (OK, ""), said(done))
        self.assertIn(f"lives ({pid})", done.stdout)
        shutil.copy(LIVES, os.path.join(self.room.path, "nobody_runs_it"))
        done = subprocess.run([CONSOLE, "ps", "nobody_runs_it"], capture_output=True, text=True, cwd=self.room.path,
                              env=rouse_environment(), timeout=DEADLINE_S, check=False)
        self.assertEqual((done.returncode, done.stdout), (NO_TARGET, ""), said(done))
        self.assertIn("no program or runtime called nobody_runs_it", done.stderr)


class Damaged(Cores):
    def test_what_was_cut_off_is_counted_and_nothing_is_proven(self):
        core, _ = self.core_of(LIVES, "rest")
        elf = Elf(core)
        whole = ask("ps", core)
        answered = 0
        end = elf.end_of_memory()
        for part in (1, 2, 5, 9, 20, 50, 90, 97, 99):
            cut = self.room.file("cut", elf.image[:end * part // 100])
            done = rouse("check", "--json", cut)
            self.assertIn(done.returncode, (FINDINGS, INCOMPLETE, INCOMPATIBLE), said(done))
            if done.stderr:  # the page, or the headers, were behind the cut
                self.assertRegex(done.stderr, r"\Arouse: core file [^\n]*(cut|damaged)[^\n]*\n\Z")
                continue
            answered += 1
            document = ask("check", cut, exits=(done.returncode,), source="core")
            self.assertFalse(document["complete"])
            self.assertIn(f"{elf.missing_behind(end * part // 100)} bytes of memory are missing", document["note"])
            self.assertNotIn("proven", {finding["class"] for finding in document["findings"]})
            ps = ask("ps", cut)
            self.assertLessEqual({task["id"] for task in ps["tasks"]}, {task["id"] for task in whole["tasks"]})
            text = rouse("ps", cut)
            self.assertIn("NOT COMPLETE\n  the core file is cut: ", text.stdout)
            self.assertIn("the core file is cut: ", rouse("top", "-b", "-n", 1, cut).stdout)
        self.assertGreater(answered, 0)

    def test_the_page_is_found_without_a_list_of_files(self):
        core, pid = self.core_of(LIVES, "rest")
        bent = self.room.file("bent", Elf(core).without_file_list())
        document = ask("check", bent, exits=(FINDINGS,), source="core")
        self.assertEqual((document["target"]["pid"], document["complete"]), (pid, True))
        self.assertIn("does not name the mapped files", document["note"])
        self.assertEqual([(f["code"], f["class"]) for f in document["findings"]], [("wait-cycle", "proven")])

    def test_a_core_without_the_page_says_what_would_have_kept_it(self):
        core, _ = self.core_of(LIVES, "rest")
        self.assert_fails(INCOMPLETE, "coredump_filter", "ps", self.room.file("bent", Elf(core).without_page()))

    def test_a_filter_without_shared_memory(self):
        if NO_KERNEL_CORES:
            self.skipTest(NO_KERNEL_CORES)
        with Program(LIVES, "rest", stdin=subprocess.PIPE, preexec=self.room.enter) as program:
            program.wait_line("^ready$")
            Path(f"/proc/{program.pid}/coredump_filter").write_text("0x31", encoding="ascii")
            core = self.room.die(program)
        self.assert_fails(INCOMPLETE, "coredump_filter", "check", core)

    def test_bytes_bent_at_random_end_in_an_answer_or_a_reason(self):
        core, _ = self.core_of(LIVES, "rest")
        elf = Elf(core)
        seed = int(os.environ.get("ROUSE_SEED", random.SystemRandom().randrange(1 << 32)))
        print(f"seed: ROUSE_SEED={seed}", flush=True)
        dice = random.Random(seed)
        heads = [0, *range(elf.offset, elf.offset + 56 * elf.n, 8),
                 *(at for at, _, bytes_ in elf.headers(PT_NOTE) for at in range(at, at + min(bytes_, 8192), 4))]
        path = self.room.file("bent", elf.image)
        for _ in range(60):
            with open(path, "r+b") as file:
                for _ in range(dice.choice((1, 1, 2, 8))):
                    file.seek(dice.choice(heads) + dice.randrange(8))
                    file.write(dice.choice((b"\0", b"\xff", b"\xff" * 8, bytes([dice.randrange(256)]))))
            done = rouse("check", "--source", "core", path)
            self.assertIn(done.returncode, range(OK, INCOMPLETE + 1), said(done))
            self.assertRegex(done.stderr, r"\A(rouse: [^\n]*\n)?\Z", said(done))
            shutil.copyfile(core, path)


class NoneOfOurs(Cores):
    def test_files_that_are_no_cores(self):
        text = self.room.file("text", b"ROUSE")
        for path in (text, self.room.file("empty"), self.room.file("noise", os.urandom(5000)), ROUSE,
                     self.room.file("head", b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 4, 62))):
            self.assert_fails(NO_TARGET, "is not a core file", "ps", path)
        self.assert_fails(NO_TARGET, "is not a core file", "ps", "--source", "core", self.room.path)
        self.assert_fails(NO_TARGET, "is not a core file", "ps", "--source", "core", "/dev/zero")
        self.assert_fails(NO_TARGET, "there is no file", "ps", "--source", "core", os.path.join(self.room.path, "x"))

    def test_a_program_without_rouse(self):
        if NO_KERNEL_CORES:
            self.skipTest(NO_KERNEL_CORES)
        with Program("sh", "-c", "echo ready; read x", stdin=subprocess.PIPE, preexec=self.room.enter) as program:
            program.wait_line("^ready$")
            core = self.room.die(program)
        self.assert_fails(NO_TARGET, "had no rouse runtime", "ps", core)

    def test_another_layout_version(self):
        self.assert_fails(INCOMPATIBLE, "another layout version", "ps", self.core_of(OTHER_LAYOUT)[0])

    def test_another_machine(self):
        image = Elf(self.core_of(LIVES, "rest")[0]).image
        for offset, value in ((18, 0x2a), (4, 1), (5, 2)):  # machine, 32 bits, the other end first
            bent = bytearray(image)
            bent[offset] = value
            self.assert_fails(INCOMPATIBLE, "another kind of machine", "check", self.room.file("bent", bent))

    def test_a_core_that_must_not_be_read(self):
        if os.geteuid() != 0:
            self.skipTest("root is needed to become somebody else")
        core, _ = self.core_of(LIVES, "rest")
        os.chmod(self.room.path, 0o755)
        console = shutil.copy(ROUSE, self.room.path)
        os.chmod(console, 0o755)
        os.chmod(core, 0o600)
        done = subprocess.run([console, "ps", core], capture_output=True, text=True, check=False, cwd="/",
                              env=rouse_environment(), timeout=DEADLINE_S, user=NOBODY, group=NOBODY, extra_groups=[])
        self.assertEqual((done.returncode, done.stdout), (NOT_PERMITTED, ""), said(done))
        self.assertRegex(done.stderr, r"\Arouse: not permitted to read core file .*owner, or as root\n\Z")


if __name__ == "__main__":
    main()
