#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""stacks.py ROUSE STACKED STACKED.C STACK_OF: native stacks name what stands there, and disturb nobody.

Through the console, and where more than its answer matters, through the library itself (STACK_OF).
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

from watch import LISTEN, agent_of, ask, kernel_state, rouse, said

from harness import DEADLINE_S, Program, eventually, main

ROUSE, STACKED, STACKED_C, STACK_OF = sys.argv[1:5]
NOBODY = 65534

# What stands on each of them, innermost first, below what libc puts on top.
STANDS = {
    "napper": ["nap_inner", "nap_middle", "nap_outer", "napper_rouse_body_", "rs_poll_task"],
    "pauser": ["pause_inner", "pause_outer", "pauser_rouse_body_", "rs_poll_task"],
    "spinner": ["spin_inner", "spin_outer", "spinner_rouse_body_", "rs_poll_task"],
    "job": ["dig_inner", "dig", "rs_catch_panic"],
}
BEGINNING = ("clone3", "__clone3", "clone", "__clone")


def line_of(function):
    """Where it calls, or loops: marked in the program's text."""
    with open(STACKED_C, encoding="utf-8") as text:
        return next(i for i, line in enumerate(text, 1) if f"/* line: {function} */" in line)


def threads_of(pid):
    return [int(tid) for tid in os.listdir(f"/proc/{pid}/task")]


def status_of(pid, tid):
    with open(f"/proc/{pid}/task/{tid}/status", encoding="utf-8", errors="replace") as status:
        return dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)


def names_of(frame):
    """The functions that a frame may be taken for: the innermost, and what that is inlined into."""
    return [frame.get("function"), frame.get("inlined_in")]


def stack_of(program, target, *tids, user=None):
    """What the library says: [(why, [([function, compiled function], file, line, sure)])] in the order of tids; prints what it took."""
    prefix = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
    done = subprocess.run([*prefix, program, str(target), *map(str, tids)], capture_output=True, text=True,
                          errors="replace", timeout=3 * DEADLINE_S, check=False)
    if done.returncode:
        raise AssertionError(f"{done.args} ended with {done.returncode}: {done.stdout}{done.stderr}")
    stacks, took = [], []
    for line in done.stdout.splitlines():
        head = re.fullmatch(r"thread \d+ (\d+) (\d+)", line)
        if head:
            stacks.append((int(head.group(1)), []))
            took.append(int(head.group(2)))
        else:
            name, within, file, number, sure = re.fullmatch(r"(.*)\|(.*) (.*):(\d+) (sure|guess)", line).groups()
            stacks[-1][1].append(([name, within], os.path.basename(file), int(number), sure == "sure"))
    print(f"{len(took)} stacks, names not counted: {', '.join(f'{ns / 1e6:.2f}' for ns in took)} ms", file=sys.stderr)
    return stacks


def standing(stacks):
    """The library's stacks by who stands on them."""
    found = {}
    for why, frames in stacks:
        for who, functions in STANDS.items():
            if any(functions[0] in names for names, _, _, _ in frames):
                found[who] = (why, frames)
    return found


def stacks_of(target, **more):
    """The document, once there was time for every stack: a busy machine lets a running thread wait to be sampled."""
    document = {}

    def whole():
        document.update(ask("stacks", target, **more))
        return not any("took too long" in thread["stack"].get("why", "") for thread in document["threads"]
                       if thread["stack"])

    eventually("there was time for every stack", whole)
    return document


class Stacks(unittest.TestCase):
    def started(self, *args, **more):
        program = Program(STACKED, *args, stdin=subprocess.PIPE, **more)
        self.addCleanup(program.__exit__)
        program.wait_line("^stacked$")
        return program

    def assert_in_order(self, who, frames):
        """[(names, line)]: the program's plain functions follow each other, then the others do; the innermost stands
        at its line."""
        want = STANDS[who]
        at = next((i for i, (names, _) in enumerate(frames) if want[0] in names), None)
        self.assertIsNotNone(at, (who, frames))
        lines = range(line_of(want[0]) - (who == "spinner"), line_of(want[0]) + 1)
        self.assertIn(frames[at][1], lines, who)
        plain = [name for name in want if re.search("_(inner|middle|outer)$", name)]
        for i, name in enumerate(plain):
            self.assertIn(name, frames[at + i][0], (who, frames))
        rest = iter(frames[at + len(plain):])
        for name in want[len(plain):]:
            self.assertTrue(any(name in names for names, _ in rest), (who, name, frames))

    def assert_known(self, document, spinner=True):
        """Every thread that stands somewhere stands where the program put it, down to its thread's beginning."""
        threads = {thread["task"]["name"]: thread for thread in document["threads"] if "task" in thread}
        threads.update({"job": thread for thread in document["threads"] if "job" in thread})
        self.assertEqual(set(threads), set(STANDS), document)
        self.assertRegex(threads["job"]["job"]["function"], r"^dig \(stacked\.c:\d+\)$")
        for who, thread in threads.items():
            stack = thread["stack"]
            if who == "spinner" and not spinner:
                continue
            frames = stack["frames"]
            self.assertTrue(stack["whole"], (who, stack))
            self.assert_in_order(who, [(names_of(frame), frame.get("line")) for frame in frames])
            self.assertIn(frames[-1]["function"], BEGINNING, who)
            self.assertEqual({os.path.basename(frame["file"]) for frame in frames
                              if frame.get("function") in STANDS[who][:2]}, {"stacked.c"})
        return threads

    def sampling(self, document):
        """Whether a running thread could be sampled; if not, then that was said."""
        spinner = next(thread for thread in document["threads"] if thread.get("task", {}).get("name") == "spinner")
        why = spinner["stack"].get("why", "")
        if "perf_event_paranoid" in why:
            print(f"no sampling here: {why}", file=sys.stderr)
        return "perf_event_paranoid" not in why

    def test_each_thread_is_named_down_to_its_beginning(self):
        program = self.started()
        document = stacks_of(program.pid, source="memory")
        self.assert_known(document, self.sampling(document))

    def test_a_running_thread_is_sampled(self):
        program = self.started()
        document = stacks_of(program.pid)
        if not self.sampling(document):
            self.skipTest("sampling a running thread is not permitted here")
        spinner = self.assert_known(document)["spinner"]
        self.assertTrue(all(frame["sure"] for frame in spinner["stack"]["frames"]))

    def test_what_rests_on_a_search_is_marked(self):
        program = self.started()
        document = stacks_of(program.pid)
        frames = self.assert_known(document, self.sampling(document))["pauser"]["stack"]["frames"]
        at = next(i for i, frame in enumerate(frames) if "pauser_rouse_body_" in names_of(frame))
        self.assertEqual([frame["sure"] for frame in frames if frame.get("function") == "pause_inner"], [True])
        self.assertFalse(any(frame["sure"] for frame in frames[at:]))
        text = rouse("stacks", program.pid)
        self.assertRegex(text.stdout, r"(?m)^    pause_inner \(stacked\.c:\d+\)$", said(text))
        self.assertRegex(text.stdout, r"(?m)^    pauser_rouse_body_ \(stacked\.c:\d+\).*  \?$", said(text))

    def test_idle_workers_stand_where_they_wait(self):
        program = self.started()

        def idle():
            workers = [thread for thread in stacks_of(program.pid)["threads"]
                       if "worker" in thread and "task" not in thread]
            names = [{name for frame in thread["stack"]["frames"] for name in names_of(frame)} for thread in workers]
            return len(workers) == 2 and all(thread["stack"]["whole"] for thread in workers) and \
                all({"rs_futex_wait", "epoll_pwait2"} & found for found in names)

        eventually("both idle workers wait on a futex or in epoll", idle)

    def test_nobody_is_stopped_or_woken(self):
        program = self.started()
        tids = threads_of(program.pid)
        asleep = [tid for who, tid in self.tids_by_role(program).items() if who in ("napper", "pauser", "job")]
        before = {tid: status_of(program.pid, tid)["voluntary_ctxt_switches"] for tid in asleep}
        with subprocess.Popen([sys.argv[1], "top", "-b", "-n", "1", str(program.pid)], stdout=subprocess.DEVNULL) as top:
            top.wait()
        for _ in range(5):
            with subprocess.Popen([sys.argv[1], "stacks", str(program.pid)], stdout=subprocess.DEVNULL) as looker:
                while looker.poll() is None:
                    for tid in tids:
                        status = status_of(program.pid, tid)
                        self.assertEqual(status["TracerPid"], "0")
                        self.assertNotIn(status["State"][0], "tT")
        self.assertEqual({tid: status_of(program.pid, tid)["voluntary_ctxt_switches"] for tid in asleep}, before)

    def tids_by_role(self, program):
        document = stacks_of(program.pid)
        return {thread["task"]["name"] if "task" in thread else "job": thread["tid"]
                for thread in document["threads"] if "task" in thread or "job" in thread}

    def test_a_stopped_process(self):
        program = self.started()
        program.process.send_signal(signal.SIGSTOP)
        eventually("it has stopped", lambda: kernel_state(program.pid) == "T")
        self.assert_known(stacks_of(program.pid, source="memory"))

    def test_by_the_agent_too(self):
        program = self.started(env=LISTEN)
        path = agent_of(program)
        document = stacks_of(path)
        self.assertEqual(document["source"], "socket")
        self.assert_known(document, self.sampling(document))

    def test_a_core_file(self):
        if not shutil.which("gcore"):
            self.skipTest("gcore is not installed")
        program = self.started()
        if int(status_of(program.pid, program.pid)["VmSize"].split()[0]) > 1 << 30:
            self.skipTest("a sanitizer has taken terabytes of addresses: no core file of those")
        with tempfile.TemporaryDirectory() as folder:
            tids = threads_of(program.pid)
            done = subprocess.run(["gcore", "-o", f"{folder}/core", str(program.pid)], capture_output=True, text=True,
                                  timeout=3 * DEADLINE_S, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            core = f"{folder}/core.{program.pid}"
            self.assert_known(stacks_of(core, source="core"))
            found = standing(stack_of(STACK_OF, core, *tids))
        self.assertEqual(set(found), set(STANDS))
        for who, (why, frames) in found.items():
            self.assertEqual(why, 0, frames)
            self.assertTrue(all(sure for _, _, _, sure in frames), frames)
            self.assertIn(frames[-1][0][0], BEGINNING)
            self.assert_in_order(who, [(names, line) for names, _, line, _ in frames])

    def assert_library_knows(self, stacks, *who):
        found = standing(stacks)
        for name in who:
            why, frames = found[name]
            self.assertEqual(why, 0, frames)
            self.assert_in_order(name, [(names, line) for names, _, line, _ in frames])

    def test_a_process_whose_main_thread_has_ended(self):
        program = self.started("leave")
        program.process.stdin.close()
        eventually("its main thread has ended", lambda: kernel_state(program.pid) == "Z")
        document = stacks_of(program.pid, source="memory")
        self.assert_known(document, self.sampling(document))

    def test_another_pid_namespace(self):
        probe = subprocess.run(["unshare", "--pid", "--fork", "true"], capture_output=True, check=False)
        if probe.returncode:
            self.skipTest(f"no PID namespace can be made: {probe.stderr.decode(errors='replace').strip()}")
        program = Program("unshare", "--pid", "--fork", "--kill-child", STACKED, stdin=subprocess.PIPE)
        self.addCleanup(program.__exit__)
        program.wait_line("^stacked$")
        with open(f"/proc/{program.pid}/task/{program.pid}/children", encoding="utf-8") as children:
            pid = int(children.read().split()[0])
        inside = [int(status_of(pid, tid)["NSpid"].split()[-1]) for tid in threads_of(pid)]
        self.assertIn(1, inside)
        self.assert_library_knows(stack_of(STACK_OF, pid, *inside), "napper", "pauser", "job")

    def replaced(self, user=None):
        """A copy of the program runs, and another one stands at its path now."""
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        os.chmod(folder, 0o755)
        copy, tool = shutil.copy(STACKED, f"{folder}/copy"), shutil.copy(STACK_OF, f"{folder}/stack_of")
        prefix = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        program = Program(*prefix, copy, stdin=subprocess.PIPE)
        self.addCleanup(program.__exit__)
        program.wait_line("^stacked$")
        os.rename(shutil.copy(STACK_OF, f"{folder}/other"), copy)
        return program, tool

    def test_a_program_that_was_replaced_has_its_own_names(self):
        program, tool = self.replaced()
        self.assert_library_knows(stack_of(tool, program.pid, *threads_of(program.pid)), "napper", "pauser", "job")

    def test_an_ordinary_user_sees_the_same(self):
        if os.geteuid() != 0 or not shutil.which("setpriv"):
            self.skipTest("becoming another user needs root and setpriv")
        program, tool = self.replaced(NOBODY)
        stacks = stack_of(tool, program.pid, *threads_of(program.pid), user=NOBODY)
        self.assert_library_knows(stacks, "napper", "pauser", "job")

    def without_its_libc(self, user=None):
        """A program runs with a copy of libc, and another file stands at its path now."""
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        os.chmod(folder, 0o755)
        with open(f"/proc/{os.getpid()}/maps", encoding="utf-8", errors="replace") as maps:
            libc = next(line.split()[-1] for line in maps if "/libc.so.6" in line)
        shutil.copy(libc, f"{folder}/libc.so.6")
        prefix = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        program = Program("env", f"LD_LIBRARY_PATH={folder}", *prefix, shutil.copy(STACKED, folder), stdin=subprocess.PIPE)
        self.addCleanup(program.__exit__)
        program.wait_line("^stacked$")
        os.rename(shutil.copy(STACK_OF, f"{folder}/other"), f"{folder}/libc.so.6")
        console = shutil.copy(ROUSE, folder)

        def stacks(*options):
            done = subprocess.run([*prefix, console, "stacks", *options, str(program.pid)], capture_output=True, text=True,
                                  timeout=3 * DEADLINE_S, check=False, env={**os.environ, "HOME": folder})
            self.assertEqual(done.returncode, 0, said(done))
            return done.stdout
        frames = [frame for thread in json.loads(stacks("--json"))["threads"] if thread["stack"]
                  for frame in thread["stack"]["frames"] if frame.get("module") == "libc.so.6"]
        self.assertTrue(frames)
        return frames, stacks()

    def test_a_library_of_another_build_names_nothing_and_that_is_said(self):
        if os.geteuid() != 0 or not shutil.which("setpriv"):
            self.skipTest("becoming another user needs root and setpriv")
        frames, text = self.without_its_libc(NOBODY)
        for frame in frames:
            self.assertNotIn("function", frame)
            self.assertIs(frame["refused"], True)
        self.assertRegex(text, r"libc\.so\.6\+0x[0-9a-f]+ \(its file is another build now, or gone\)")

    def test_who_may_open_what_is_mapped_names_it_nevertheless(self):
        if os.geteuid() != 0:
            self.skipTest("opening mapped files needs CAP_CHECKPOINT_RESTORE")
        frames, text = self.without_its_libc()
        self.assertTrue(any("function" in frame for frame in frames), frames)
        self.assertNotIn("another build", text)
        self.assertFalse(any("refused" in frame for frame in frames), frames)


if __name__ == "__main__":
    main()
