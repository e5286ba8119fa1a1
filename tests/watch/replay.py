#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""replay.py ROUSE MINI_REDIS: a recording shows what was seen when it was made, forwards and backwards, and whatever ended it."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

from watch import FINDINGS, LISTEN, OK, ROUSE, TIMEOUT, ask, rouse, said

from harness import MiniRedis, eventually, main

MINI_REDIS = sys.argv[2]
TWO_RUNTIMES = pathlib.Path(os.environ["ROUSE_BUILD_ROOT"]) / "tests" / "zoo" / "zoo_two_runtimes_twin"
ROWS, COLS = 40, 120
LOOKS = 8

# What is done between looks, on the live screen and on the replayed one.
# The cursor is the user's: it goes to the first row, for it stays with a row that may be another one then.
VISITS = {"tasks": "key 1 g", "task": "key 1 g Enter", "workers": "key Esc 2 g", "resources": "key 3 g",
          "findings": "key 4 g", "groups": "key 6 g", "dashboard": "key 0", "timeline": "key 9", "why": "key 1 g w"}


def visit(folder, look):
    """Every view of the look that is shown, each into a file."""
    lines = []
    for name, keys in VISITS.items():
        lines += [keys, f"save {folder}/{look}.{name}"]
    return lines + ["key Esc Esc 1"]


def run_script(folder, lines, *args, **env):
    script = pathlib.Path(folder) / "script"
    script.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = rouse(*args, env={"ROUSE_SCRIPT": str(script), **env})
    return done


def without_first_row(path):
    return path.read_bytes().split(b"\n", 1)[1]


class Screens(unittest.TestCase):
    maxDiff = None

    def check_equal(self, env, source):
        with MiniRedis(MINI_REDIS, "--trouble", env=env) as redis, tempfile.TemporaryDirectory() as folder:
            live, again = pathlib.Path(folder) / "live", pathlib.Path(folder) / "again"
            live.mkdir()
            again.mkdir()
            file = f"{folder}/rec"
            lines = [f"size {ROWS} {COLS}"]
            for look in range(1, LOOKS + 1):
                lines += ["wait"] + visit(live, look)
            done = run_script(folder, lines, "-d", 0.1, "--source", source, "--record", file, redis.pid)
            self.assertEqual(done.returncode, OK, said(done))
            redis.stop()
            # On to the end, back look by look, by leaps, and to the start and on again.
            lines = [f"size {ROWS + 1} {COLS}", "wait"] + visit(again, 1)
            for look in range(2, LOOKS + 1):
                lines += ["key ]"] + visit(again, look)
            for look in range(LOOKS - 1, 3, -1):
                lines += ["key ["] + visit(again, f"back{look}")
            lines += ["key ("] + visit(again, "back1") + ["key )"] + visit(again, f"back{LOOKS}")
            done = run_script(folder, lines, "replay", file)
            self.assertEqual(done.returncode, OK, said(done))
            compared = 0
            for path in sorted(again.iterdir()):
                look, name = path.name.replace("back", "").split(".")
                self.assertEqual(without_first_row(path).decode(), (live / f"{look}.{name}").read_text(encoding="utf-8"),
                                 f"{path.name}, of a recording by {source}")
                compared += 1
            self.assertEqual(compared, (LOOKS + LOOKS - 4 + 2) * len(VISITS))

    def test_a_recording_of_memory_shows_the_screens_that_were_seen_also_backwards(self):
        self.check_equal(None, "memory")

    def test_a_recording_of_an_agent_shows_the_screens_that_were_seen_also_backwards(self):
        self.check_equal(LISTEN, "socket")


class Recorder:
    """`rouse record`, running. Its file is there once something is in it."""

    def __init__(self, folder, target, *args):
        self.file = f"{folder}/rec"
        self.process = subprocess.Popen(
            [ROUSE, "record", "-o", self.file, "--interval", "20", *(str(arg) for arg in args), str(target)],
            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stderr.close()

    def looks(self):
        """How many can be read of it now, while it is being written."""
        done = rouse("ps", "--json", self.file)
        return json.loads(done.stdout)["recording"]["looks"] if done.returncode == OK else 0

    def await_looks(self, least):
        eventually(f"{least} looks are in {self.file}", lambda: self.looks() >= least)

    def end(self, number):
        self.process.send_signal(number)
        said_by_it = self.process.communicate()[1]
        return self.process.returncode, said_by_it


def recording_of(file, *args):
    """What a document says of the recording that it was made from."""
    return json.loads(rouse("ps", "--json", file, *args).stdout)["recording"]


class Records(unittest.TestCase):
    def test_who_is_killed_leaves_all_looks_that_were_whole(self):
        with MiniRedis(MINI_REDIS) as redis, tempfile.TemporaryDirectory() as folder:
            with Recorder(folder, redis.pid) as recorder:
                recorder.await_looks(5)
                before = recorder.looks()
                recorder.end(signal.SIGKILL)
            done = rouse("check", recorder.file)
            self.assertEqual(done.returncode, OK, said(done))
            self.assertIn("not closed", done.stderr)
            self.assertGreaterEqual(recording_of(recorder.file)["looks"], before)
            self.assertIn("not closed", rouse("top", "-b", "-n", 1, recorder.file).stdout)
            redis.stop()

    def test_an_interrupted_one_is_whole_and_says_what_it_has(self):
        with MiniRedis(MINI_REDIS) as redis, tempfile.TemporaryDirectory() as folder:
            with Recorder(folder, redis.pid) as recorder:
                recorder.await_looks(3)
                code, text = recorder.end(signal.SIGINT)
            self.assertEqual(code, OK, text)
            looks = recording_of(recorder.file)
            self.assertIn(f"{looks['looks']} looks", text)
            self.assertEqual(looks["note"], "")
            redis.stop()

    def test_it_ends_with_the_program_and_the_last_look_says_so(self):
        with MiniRedis(MINI_REDIS, env=LISTEN) as redis, tempfile.TemporaryDirectory() as folder:
            with Recorder(folder, redis.pid) as recorder:
                recorder.await_looks(3)
                redis.stop()
                self.assertEqual(recorder.process.wait(), OK)
            self.assertIn("has ended", rouse("ps", recorder.file).stdout)

    def test_a_flight_recorder_writes_when_it_is_asked_and_goes_on(self):
        with MiniRedis(MINI_REDIS) as redis, tempfile.TemporaryDirectory() as folder:
            with Recorder(folder, redis.pid, "--last", "1s") as recorder:
                eventually("it heeds signals", lambda: "SigBlk:\t0000000000000000" not in
                           pathlib.Path(f"/proc/{recorder.process.pid}/status").read_text(encoding="ascii"))
                self.assertFalse(os.path.exists(recorder.file))

                def has_written():
                    recorder.process.send_signal(signal.SIGUSR2)
                    return recorder.looks() > 0

                eventually("it has written a look", has_written)
                first = os.stat(recorder.file).st_ino
                code, text = recorder.end(signal.SIGTERM)
            self.assertEqual(code, OK, text)
            self.assertIn("wrote the last", text)
            self.assertNotEqual(os.stat(recorder.file).st_ino, first)
            self.assertEqual(recording_of(recorder.file)["note"], "")
            redis.stop()

    def test_a_finding_ends_it_and_is_in_it(self):
        with MiniRedis(MINI_REDIS, "--trouble") as redis, tempfile.TemporaryDirectory() as folder:
            file = f"{folder}/rec"
            done = rouse("record", "-o", file, "--last", "30s", "--interval", 50, "--until", "finding=wait-cycle",
                         "--fail-on", "proven", redis.pid)
            self.assertEqual(done.returncode, OK, said(done))
            redis.stop()
            self.assertIn("wait-cycle", [finding["code"] for finding in
                                         ask("check", file, exits=(FINDINGS,))["findings"]])

    def test_without_the_finding_its_time_runs_out(self):
        with MiniRedis(MINI_REDIS) as redis, tempfile.TemporaryDirectory() as folder:
            done = rouse("record", "-o", f"{folder}/rec", "--interval", 50, "--until", "finding=wait-cycle", "--for", "0.3",
                         redis.pid)
            self.assertEqual(done.returncode, TIMEOUT, said(done))
            self.assertRegex(done.stderr, r"its time is over: \d+ looks")
            redis.stop()

    if TWO_RUNTIMES.exists():  # the zoo is not built with sanitizers
        def test_where_it_is_cut_all_tasks_of_all_runtimes_are_there(self):
            for source in ("socket", "memory"):
                with tempfile.TemporaryDirectory() as folder, subprocess.Popen(
                        [TWO_RUNTIMES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **LISTEN}) as zoo:
                    self.assertEqual(zoo.stdout.read(5), b"ready")
                    file = f"{folder}/rec"
                    done = rouse("record", "-o", file, "--source", source, "--interval", 20, "--last", "0.2s", "--for", "1.5s",
                                 zoo.pid)
                    self.assertEqual(done.returncode, OK, said(done))
                    self.assertIn("earlier looks gave way", done.stderr)
                    # Of a runtime without a keyframe only tasks that have moved since would be known.
                    document = ask("ps", file)
                    self.assertEqual(document["recording"]["from"], 1)
                    self.assertEqual(sorted(runtime["name"] for runtime in document["runtimes"]),
                                     ["second", "zoo_two_runtimes_twin"])
                    for runtime in document["runtimes"]:
                        self.assertEqual(len([task for task in document["tasks"] if task["runtime"] == runtime["index"]]),
                                         runtime["live"])
                    zoo.communicate()


class Targets(unittest.TestCase):
    """Every verb on a recording of a program that is gone."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.file = f"{self.folder.name}/rec"
        with MiniRedis(MINI_REDIS, "--trouble") as redis:
            with Recorder(self.folder.name, redis.pid) as recorder:
                recorder.await_looks(20)
                recorder.end(signal.SIGINT)
            redis.stop()

    def tearDown(self):
        self.folder.cleanup()

    def test_verbs_take_it_for_a_target(self):
        self.assertEqual(len(ask("check", self.file, exits=(FINDINGS,))["recording"]["file"]), len(self.file))
        self.assertTrue(ask("why", self.file, "trouble:deadlock-a")["cycle"])
        self.assertTrue(ask("dump", self.file)["shapes"])
        told = rouse("watch", self.file)
        self.assertEqual(told.returncode, OK, said(told))
        self.assertIn("wait cycle", told.stdout)
        self.assertTrue(ask("sched", self.file)["runtimes"])
        frames = rouse("top", "-b", self.file)
        self.assertEqual(frames.returncode, OK, said(frames))
        self.assertEqual(frames.stdout.count(" rouse  mini_redis"), recording_of(self.file)["looks"])

    def test_a_moment_is_chosen_from_its_start_or_its_end(self):
        whole = recording_of(self.file)
        self.assertEqual((whole["look"], whole["at_ns"]), (whole["looks"], whole["of_ns"]))
        self.assertEqual(recording_of(self.file, "--at", 0)["look"], 1)
        self.assertEqual(recording_of(self.file, "--at", "-1h")["look"], 1)
        self.assertEqual(recording_of(self.file, "--at", "1h")["look"], whole["looks"])
        half = recording_of(self.file, "--at", f"{whole['of_ns'] // 2000000}ms")
        self.assertLessEqual(half["at_ns"], whole["of_ns"] / 2)
        self.assertLess(half["look"], whole["looks"])

    def test_what_is_no_recording_has_no_moments(self):
        with MiniRedis(MINI_REDIS) as redis:
            done = rouse("ps", "--at", "1s", redis.pid)
            self.assertEqual(done.returncode, 2, said(done))
            self.assertIn("recordings", done.stderr)
            redis.stop()
        done = rouse("replay", MINI_REDIS)
        self.assertEqual(done.returncode, 5, said(done))
        self.assertIn("no recording", done.stderr)


if __name__ == "__main__":
    main()
