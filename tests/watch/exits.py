#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""exits.py ROUSE MINI_REDIS OTHER_LAYOUT UNREADABLE: ends and their codes; data on stdout, the rest on stderr."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

from watch import (FINDINGS, INCOMPATIBLE, INCOMPLETE, LISTEN, NO_TARGET, NOT_PERMITTED, OK, ROUSE, TIMEOUT, USAGE,
                   agent_of, ask, kernel_state, rouse, rouse_environment, said)

from harness import DEADLINE_S, MiniRedis, Program, eventually, main

MINI_REDIS, OTHER_LAYOUT, UNREADABLE = sys.argv[2:5]
NOBODY = 65534
VERBS = ("ps", "top", "dump", "why", "check", "sched")


def ended_pid():
    with subprocess.Popen(["true"]) as process:
        process.wait()
    return process.pid


def a_task_if_needed(verb):
    return ["serve"] if verb == "why" else []


FAKE_AGENT = """
import select, socket, sys
print("ready", flush=True)
client = socket.socket(fileno=0).accept()[0]
select.select([client], [], [])  # it has been asked something
client.sendall(bytes.fromhex(sys.argv[1]))
while sys.argv[2] == "stays" and client.recv(4096):
    pass
"""


@contextlib.contextmanager
def fake_agent(answer, then="stays"):
    """A socket of ours that gives the first who asks `answer`, then says no more, or goes with the question unread."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        path = os.path.join(folder, "agent.sock")
        listener.bind(path)
        listener.listen()
        argv = [sys.executable, "-c", FAKE_AGENT, answer.hex(), then]
        with subprocess.Popen(argv, stdin=listener.fileno(), stdout=subprocess.PIPE) as server:
            server.stdout.readline()  # who asks waits half a second: less than an interpreter may take to start
            yield path
            server.kill()


class Test(unittest.TestCase):
    def assert_fails(self, exit_code, words, *args, **more):
        """It ends like that, says why on stderr, and nothing on stdout."""
        done = rouse(*args, **more)
        self.assertEqual((done.returncode, done.stdout), (exit_code, ""), said(done))
        self.assertRegex(done.stderr, r"^rouse: [^\n]*\n\Z", said(done))
        self.assertIn(words, done.stderr, said(done))


class Usage(Test):
    def test_what_makes_no_sense_is_refused(self):
        for words, args in (
                ("it needs TARGET", ["ps"]), ("it needs TARGET TASK", ["why", "1"]),
                ("there is nothing to do with 2", ["ps", "1", "2"]),
                ("it does not take --nosuch", ["ps", "--nosuch", "1"]),
                ("a value is missing after --source", ["ps", "1", "--source"]),
                ("--fail-on cannot be maybe: it is one of suspect, likely", ["check", "--fail-on", "maybe", "1"]),
                ("--source cannot be guess: it is one of auto, socket", ["ps", "--source", "guess", "1"]),
                ("--json goes with a verb, as in `rouse list --json`", ["--json"]),
                ("options of a verb come after it, not before ps", ["--delay", "1", "ps", "1"]),
                ("it needs B, too, or --for", ["diff", "1"]),
                ("--openmetrics, --perfetto or --folded", ["export", "1"]),
                ("--interval cannot be x", ["check", "--interval", "x", "1"]),
                ("--looks cannot be -1", ["check", "--looks", "-1", "1"]),
                ("--timeout cannot be empty", ["ps", "--timeout", "", "1"]),
                ("--count cannot be 1x", ["top", "-b", "-n", "1x", "1"]),
                ("--delay cannot be nan", ["top", "-d", "nan", "1"]),
                ("--color cannot be \\x1b[31m", ["ps", "--color", "\x1b[31m", "1"]),
                ("rouse: it does not take --nosuch", ["--nosuch"])):
            with self.subTest(args):
                self.assert_fails(USAGE, words, *args)

    def test_help_is_data_and_documents_every_exit_code(self):
        for args in (["--help"], ["-h"], ["help"], *([verb, "--help"] for verb in (*VERBS, "list"))):
            done = rouse(*args)
            self.assertEqual((done.returncode, done.stderr), (OK, ""), said(done))
            self.assertTrue(done.stdout)
        text = rouse("--help").stdout
        self.assertEqual(re.findall(r"^  (\d)  ", text, re.MULTILINE), [str(code) for code in range(8)])
        self.assertIn("rouse", rouse("--version").stdout)

    def test_help_of_a_verb_tells_its_own_exit_codes_alone(self):
        for verb, codes in (("list", "0 2 6"), ("check", "0 1 2 3 4 5 6 7"), ("watch", "0 2 3 4 5 6 7 130"),
                            ("run", "0 2 6 120 121 122 123 124 126 127")):
            told = re.findall(r"^  (\d+)  ", rouse(verb, "--help").stdout.split("Exit status:")[1], re.MULTILINE)
            self.assertEqual(told, codes.split(), verb)

    def test_what_is_no_program_may_be_a_verb_not_quite(self):
        self.assert_fails(NO_TARGET, "did you mean the verb why?", "whyy")
        self.assert_fails(NO_TARGET, "called whyy can be watched; `rouse list` shows all that can", "ps", "whyy")

    def test_a_name_that_fits_two_programs_is_refused_with_their_pids(self):
        with MiniRedis(MINI_REDIS) as one, MiniRedis(MINI_REDIS) as other:
            for verb in VERBS:
                done = rouse(verb, "mini_redis", *a_task_if_needed(verb))
                self.assertEqual((done.returncode, done.stdout), (USAGE, ""), said(done))
                for redis in (one, other):
                    self.assertRegex(done.stderr, rf"\b{redis.pid}\b")


class NoTarget(Test):
    def test_nothing_is_there(self):
        with tempfile.TemporaryDirectory() as folder:
            stale = os.path.join(folder, "stale.sock")
            with socket.socket(socket.AF_UNIX) as gone:
                gone.bind(stale)
            for verb in VERBS:
                more = a_task_if_needed(verb) + (["-b"] if verb == "top" else [])
                self.assert_fails(NO_TARGET, "there is no process", verb, ended_pid(), *more)
                self.assert_fails(NO_TARGET, "has no rouse runtime", verb, os.getpid(), *more)
                self.assert_fails(NO_TARGET, "no program or runtime called", verb, "nobody-is-called-so", *more)
                self.assert_fails(NO_TARGET, "there is no socket", verb, os.path.join(folder, "none.sock"), *more)
                self.assert_fails(NO_TARGET, "nobody serves", verb, stale, *more)

    def test_there_is_no_such_task(self):
        with MiniRedis(MINI_REDIS) as redis:
            for task in ("none", "18446744073709551616", "1"):
                self.assert_fails(NO_TARGET, f"no task {task} lives there now; `rouse ps {redis.pid}`", "why", redis.pid, task)
            self.assert_fails(NO_TARGET, "did you mean serve (", "why", redis.pid, "ERV")
            done = rouse("ps", "--where", "no such words", redis.pid)
            self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (OK, "No task matches --where."), said(done))
            redis.stop()

    def test_its_agent_goes_with_the_question_unread(self):
        with fake_agent(b"\x04\x0a\x02\x08\x01", "goes") as path:
            self.assert_fails(NO_TARGET, "has ended", "check", path)

    def test_it_has_no_agent(self):
        with MiniRedis(MINI_REDIS) as redis:
            self.assert_fails(NO_TARGET, "ROUSE_LISTEN=1", "ps", "--source", "socket", redis.pid)
            redis.stop()


class NotPermitted(Test):
    def setUp(self):
        if os.geteuid():
            self.skipTest("only root can become somebody else")
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        os.chmod(self.folder.name, 0o755)
        self.rouse = shutil.copy(ROUSE, self.folder.name)  # from where everybody may run it
        os.chmod(self.rouse, 0o755)

    def as_nobody(self, *args):
        env = {name: value for name, value in rouse_environment().items() if name not in ("XDG_RUNTIME_DIR", "HOME")}
        done = subprocess.run([self.rouse, *map(str, args)], capture_output=True, text=True, check=False, env=env,
                              timeout=DEADLINE_S, cwd="/", user=NOBODY, group=NOBODY, extra_groups=[])
        self.assertEqual((done.returncode, done.stdout), (NOT_PERMITTED, ""), said(done))
        self.assertRegex(done.stderr, "^rouse( probe)?: .*(root|-Dbpf=enabled)")

    def test_the_process_of_another_user(self):
        for env in (None, LISTEN):
            with MiniRedis(MINI_REDIS, env=env) as redis:
                for verb in ("ps", "dump", "why", "check", "sched"):
                    self.as_nobody(verb, redis.pid, *a_task_if_needed(verb))
                self.as_nobody("ps", "--source", "memory", redis.pid)
                if env:
                    self.as_nobody("ps", agent_of(redis))
                self.as_nobody("probe", "--events", redis.pid)
                self.as_nobody("probe", "--sched", redis.pid)
                self.as_nobody("probe", "--syscalls", redis.pid)
                redis.stop()


class Incompatible(Test):
    def test_a_page_of_another_layout_version(self):
        with Program(OTHER_LAYOUT, stdin=subprocess.PIPE) as program:
            program.wait_line("^ready$")
            for verb in ("ps", "dump", "why", "check", "sched"):
                self.assert_fails(INCOMPATIBLE, "another layout version", verb, program.pid, *a_task_if_needed(verb))
            program.process.stdin.close()
            self.assertEqual(program.end(), 0)

    def test_an_agent_of_another_protocol_version(self):
        with fake_agent(b"\x04\x0a\x02\x08\x63") as path:  # a frame with Hello { protocol: 99 }
            self.assert_fails(INCOMPATIBLE, "another version of the protocol", "ps", path)

    def test_a_socket_that_speaks_something_else(self):
        for answer in (b"HTTP/1.1 400 Bad Request\r\n\r\n" * 10, b"\xff" * 100, b"\x05\x0a\xff\xff\xff\x7f"):
            with self.subTest(answer), fake_agent(answer) as path:
                done = rouse("ps", path)
                self.assertEqual((done.returncode, done.stdout), (INCOMPATIBLE, ""), said(done))
                self.assertIn("protocol", done.stderr)


class Incomplete(Test):
    def test_a_part_of_the_tasks_cannot_be_read(self):
        with Program(UNREADABLE) as program:
            eventually("it has stopped", lambda: kernel_state(program.pid) in ("T", "Z", None))
            self.assertEqual(kernel_state(program.pid), "T", program.said())
            document = ask("check", program.pid, exits=(INCOMPLETE,))
            self.assertEqual((document["complete"], document["exit"]), (False, INCOMPLETE))
            self.assertEqual({finding["code"] for finding in document["findings"]}, {"incomplete-look"})
            self.assertFalse(ask("ps", program.pid)["complete"])
            done = rouse("check", program.pid)
            self.assertEqual((done.returncode, done.stderr), (INCOMPLETE, ""), said(done))
            self.assertIn("NOT COMPLETE", done.stdout)

    def test_what_an_agent_said_before_it_hung_up_is_told(self):
        with fake_agent(b"\x08\x72\x06\x12\x04busy", "goes") as path:  # a frame with Error { text: "busy" }
            self.assert_fails(INCOMPLETE, "the target says: busy", "ps", path)

    def test_an_answer_that_cannot_be_written(self):
        with MiniRedis(MINI_REDIS) as redis, open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([ROUSE, "ps", str(redis.pid)], stdout=full, stderr=subprocess.PIPE, text=True,
                                  env=rouse_environment(), check=False)
            self.assertEqual(done.returncode, INCOMPLETE, done.stderr)
            self.assertIn("No space left", done.stderr)
            redis.stop()


class Timeout(Test):
    def test_an_agent_that_never_answers(self):
        with fake_agent(b"") as path:
            self.assert_fails(TIMEOUT, "did not answer", "ps", path)

    def test_an_agent_that_says_hello_and_no_more(self):
        with fake_agent(b"\x04\x0a\x02\x08\x01") as path:
            self.assert_fails(TIMEOUT, "no answer", "ps", "--timeout", "100", path)

    def test_frames_are_waited_for_as_long_as_was_said(self):
        with MiniRedis(MINI_REDIS, env=LISTEN) as redis:
            frames = subprocess.Popen(
                [ROUSE, "top", "-b", "-d", "0.1", "--source", "socket", "--timeout", "300", str(redis.pid)],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=rouse_environment())
            self.addCleanup(frames.kill)
            frames.stdout.readline()
            redis.process.send_signal(signal.SIGSTOP)
            _, said = frames.communicate(timeout=DEADLINE_S)
            redis.process.send_signal(signal.SIGCONT)
            self.assertEqual(frames.returncode, TIMEOUT, said)
            self.assertIn("within 500 ms", said)  # two frames are due before one is late
            redis.stop()


class Output(Test):
    def test_every_verb_has_json_with_its_schema(self):
        for env in (None, LISTEN):
            with MiniRedis(MINI_REDIS, "--trouble", env=env) as redis:
                if env:
                    agent_of(redis)
                for source in ("socket", "memory") if env else ("memory",):
                    for verb in ("ps", "dump", "why", "check", "sched"):
                        document = ask(verb, redis.pid, *a_task_if_needed(verb), exits=(OK, FINDINGS), source=source)
                        self.assertEqual(document["target"]["pid"], redis.pid)
                    done = rouse("top", "--json", "-n", 1, "--source", source, redis.pid)
                    self.assertEqual((done.returncode, done.stderr), (OK, ""), said(done))
                    self.assertEqual(json.loads(done.stdout)["source"], source)
                listed = json.loads(rouse("list", "--json").stdout)
                self.assertEqual(listed["schema"], "rouse/list/1")
                target = next(target for target in listed["targets"] if target["pid"] == redis.pid)
                self.assertEqual((target["program"], target["agent"]), ("mini_redis", bool(env)))
                self.assertIn("schema", json.loads(rouse("version", "--json").stdout))
                redis.stop()

    def test_a_reader_that_goes_away_is_no_error(self):
        with MiniRedis(MINI_REDIS, "--trouble") as redis:
            for args in (["ps"], ["dump"], ["check"], ["ps", "--json"], ["top", "-b"], ["top", "--json"]):
                reader, writer = os.pipe()
                os.close(reader)
                done = subprocess.run([ROUSE, *args, str(redis.pid)], stdout=writer, stderr=subprocess.PIPE, text=True,
                                      env=rouse_environment(), timeout=DEADLINE_S, check=False, restore_signals=True)
                os.close(writer)
                self.assertEqual(done.stderr, "", args)
                self.assertIn(done.returncode, (-signal.SIGPIPE, OK, FINDINGS), args)
            head = subprocess.run(f"'{ROUSE}' ps {redis.pid} | head -1", shell=True, capture_output=True, text=True,
                                  env=rouse_environment(), timeout=DEADLINE_S, check=False)
            self.assertEqual((head.stderr, len(head.stdout.splitlines())), ("", 1))
            redis.stop()

    def test_an_empty_list_says_how_to_start_a_program(self):
        alone = ["unshare", "--pid", "--fork", "--mount-proc", *([] if os.geteuid() == 0 else ["--map-root-user"])]
        if not shutil.which("unshare") or subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
            self.skipTest("kernel: no process id namespace of our own is permitted here")
        for args in ([], ["list"], ["top"]):
            done = subprocess.run([*alone, ROUSE, *args], capture_output=True, text=True, env=rouse_environment(),
                                  timeout=DEADLINE_S, check=False)
            self.assertEqual((done.returncode, done.stdout), (OK, ""), args)
            self.assertIn("ROUSE_LISTEN=1 ./yourprogram", done.stderr)
        done = subprocess.run([*alone, ROUSE, "list", "--json"], capture_output=True, text=True, check=True,
                              env=rouse_environment(), timeout=DEADLINE_S)
        self.assertEqual((json.loads(done.stdout)["targets"], done.stderr), ([], ""))

    def test_a_program_with_an_agent_is_listed_and_watched_by_name(self):
        with MiniRedis(MINI_REDIS, env=LISTEN) as redis:
            path = agent_of(redis)
            self.assertRegex(rouse("list").stdout, rf"(?m)^ *{redis.pid} +mini_redis +mini_redis +1 +its agent$")
            self.assertEqual(ask("ps", path)["target"]["pid"], redis.pid)
            redis.stop()
        self.assertFalse(os.path.exists(path))


if __name__ == "__main__":
    main()
