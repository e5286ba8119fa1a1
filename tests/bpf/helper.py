#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""rouse-probe, the part that has the privileges: whom it follows for whom, what it keeps, and what it leaves behind.

usage: helper.py ROUSE ROUSE_PROBE OFF_CPU KERNEL_SESSION CALLER

Spoken to by hand, in bytes: a client is whoever has a socket. Needs root and a kernel with BPF: exits 77 with the
reason where following is not possible.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import unittest

import following
from privileges import HANG_S, SKIPPED, drop_capabilities, reason_to_skip

ROUSE, PROBE, OFF_CPU, KERNEL_SESSION, CALLER = sys.argv[1:6]
NOBODY = 65534
EPERM, ESRCH, EBUSY, EINVAL, EBADMSG, ETIMEDOUT = 1, 3, 16, 22, 74, 110
CAP_SYS_PTRACE, CAP_SYSLOG, CAP_PERFMON, CAP_BPF = 19, 34, 38, 39
KEPT = 1 << CAP_SYS_PTRACE | 1 << CAP_SYSLOG | 1 << CAP_PERFMON | 1 << CAP_BPF
HELLO, LOST, ERROR, KERNEL, FOLLOW = 1, 13, 14, 24, 33
SCHED, SYSCALLS, FAULTS = 1 << 1, 1 << 2, 1 << 3
SILENCE_S = 5


def varint(number):
    out = b""
    while number > 0x7f:
        out += bytes([number & 0x7f | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def frame(body, message):
    whole = field(body, message)
    return varint(len(whole)) + whole


def follow(pid, groups=SCHED | SYSCALLS | FAULTS, round_ms=200):
    return frame(FOLLOW, field(1, pid) + field(2, groups) + field(3, round_ms))


class Client:
    """One end of a conversation: frames as (body, message). Or just bytes to read in."""

    def __init__(self, end=None, held=b""):
        self.end = end
        self.bytes = held
        if end:
            end.settimeout(HANG_S)

    def _take(self, n):
        while len(self.bytes) < n:
            try:
                more = self.end.recv(65536)
            except ConnectionResetError:  # it has closed with something of ours unread
                more = b""
            if not more:
                self.end.close()
                raise EOFError
            self.bytes += more
        taken, self.bytes = self.bytes[:n], self.bytes[n:]
        return taken

    def _varint(self):
        value = shift = 0
        while True:
            byte = self._take(1)[0]
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value

    def frame(self):
        inner = Client(held=self._take(self._varint()))
        body = inner._varint() >> 3
        inner._varint()
        return body, inner.bytes

    def until(self, wanted):
        """The bodies of all frames up to one of these."""
        seen = []
        while not seen or seen[-1] != wanted:
            seen.append(self.frame()[0])
            assert wanted == ERROR or seen[-1] != ERROR, seen
        return seen

    def refusal(self):
        """(errno, text) of the Error that is all it says."""
        body, message = self.frame()
        assert body == ERROR, body
        try:
            raise AssertionError(self.frame())
        except EOFError:
            pass
        inner = Client(held=message)
        inner._varint()
        code = inner._varint()
        inner._varint()
        return (1 << 64) - code, inner._take(inner._varint()).decode()


class Started:
    """A helper of our own: --fd."""

    def __init__(self, probe=PROBE, **options):
        ours, its = socket.socketpair()
        self.process = subprocess.Popen([probe, "--fd", str(its.fileno())], pass_fds=[its.fileno()], **options)
        its.close()
        self.client = Client(ours)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.end.close()
        self.process.wait(HANG_S)


class Service:
    """One for everybody: --listen."""

    def __init__(self):
        self.room = tempfile.TemporaryDirectory()
        os.chmod(self.room.name, 0o755)
        self.path = os.path.join(self.room.name, "probe.sock")
        self.process = subprocess.Popen([PROBE, "--listen", self.path])
        following.wait_until(self.answers)

    def answers(self):
        with contextlib.suppress(OSError):
            self.connect().end.close()
            return True
        return False

    def connect(self, user=0):
        end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        os.seteuid(user)
        try:
            end.connect(self.path)
        except OSError:
            end.close()
            raise
        finally:
            os.seteuid(0)
        return Client(end)

    def children(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(HANG_S) == 0
        assert not os.path.exists(self.path)
        self.room.cleanup()


def privileges_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        found = dict(re.findall(r"^(Cap\w+|NoNewPrivs|Uid):\s+(\w+)", file.read(), re.M))
    return {name: int(value, 16) for name, value in found.items()}


def has_ended(pid):
    """Whoever inherits it may not have waited for it yet."""
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    return True


def target():
    return following.Target(OFF_CPU, "nap")


@contextlib.contextmanager
def anothers_target(program=OFF_CPU, first="nap"):
    """Of nobody, with what nobody may execute."""
    with tempfile.TemporaryDirectory() as room:
        os.chmod(room, 0o755)
        program = shutil.copy(program, room)
        with following.Target(program, first, "setpriv", f"--reuid={NOBODY}", "--clear-groups") as theirs:
            yield theirs


class TestFollowing(unittest.TestCase):
    def test_rounds_come_until_the_client_closes(self):
        with target() as mine, Started() as helper:
            helper.client.end.sendall(follow(mine.pid))
            self.assertEqual(helper.client.until(KERNEL)[0], HELLO)
            helper.client.until(KERNEL)
            helper.client.end.close()
            self.assertEqual(helper.process.wait(HANG_S), 0)

    def test_it_ends_with_the_process_it_follows(self):
        with target() as mine, Started() as helper:
            helper.client.end.sendall(follow(mine.pid))
            helper.client.until(KERNEL)
            mine.process.kill()
            with self.assertRaises(EOFError):
                helper.client.until(ERROR)
            self.assertEqual(helper.process.wait(HANG_S), 0)

    def test_it_keeps_what_it_needs_and_nothing_else(self):
        with target() as mine, Started() as helper:
            helper.client.end.sendall(follow(mine.pid))
            helper.client.until(KERNEL)
            has = privileges_of(helper.process.pid)
        self.assertEqual([has["CapEff"], has["CapPrm"], has["CapBnd"]], [KEPT, KEPT, KEPT])
        self.assertEqual([has["CapInh"], has["CapAmb"], has["NoNewPrivs"]], [0, 0, 1])

    def test_killed_it_leaves_nothing_loaded(self):
        def ours():
            return following.programs_named("name off_cpu_") | following.programs_named("name calls_")
        before = ours()
        with target() as mine, Started() as helper:
            helper.client.end.sendall(follow(mine.pid))
            helper.client.until(KERNEL)
            self.assertTrue(ours() - before)
            helper.process.kill()
            following.wait_until(lambda: not ours() - before)
            mine.run("nap", 1)

    def test_it_dies_with_who_started_it(self):
        ours, its = socket.socketpair()
        with target() as mine:
            script = "import os, subprocess, sys; " \
                     f"print(subprocess.Popen([{PROBE!r}, '--fd', sys.argv[1]], pass_fds=[int(sys.argv[1])]).pid, " \
                     "flush=True); sys.stdin.read()"
            parent = subprocess.Popen([sys.executable, "-c", script, str(its.fileno())], pass_fds=[its.fileno()],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            its.close()
            pid = int(parent.stdout.readline())
            client = Client(ours)
            client.end.sendall(follow(mine.pid))
            client.until(KERNEL)
            parent.kill()
            parent.communicate()
            following.wait_until(lambda: has_ended(pid))
            client.end.close()

    def test_client_that_does_not_read_costs_no_memory(self):
        with target() as mine, Started() as helper:
            helper.client.end.sendall(follow(mine.pid, round_ms=100))
            mine.run("nap", 20)
            with open(f"/proc/{helper.process.pid}/status", encoding="ascii") as file:
                resident = int(re.search(r"^VmRSS:\s+(\d+)", file.read(), re.M).group(1))
            self.assertLess(resident, 64 << 10)
            helper.client.until(KERNEL)


class TestRefusals(unittest.TestCase):
    def refusal(self, said, **options):
        with Started(**options) as helper:
            with contextlib.suppress(BrokenPipeError):
                helper.client.end.sendall(said)
            answer = helper.client.refusal()
            self.assertNotEqual(helper.process.wait(HANG_S), 0)
            return answer

    def test_no_such_process(self):
        for pid in (0, 4194305, (1 << 32) - 1):
            code, text = self.refusal(follow(pid))
            self.assertEqual(code, ESRCH)
            self.assertIn(f"there is no process {pid}", text)

    def test_process_without_a_runtime(self):
        code, text = self.refusal(follow(os.getpid()))
        self.assertNotEqual(code, 0)
        self.assertIn("no rouse runtime", text)

    def test_no_group_that_is_known(self):
        self.assertEqual(self.refusal(follow(os.getpid(), groups=1))[0], EINVAL)

    def test_missing_capability_is_named(self):
        with target() as mine:
            for capability, name in ((CAP_BPF, "CAP_BPF"), (CAP_PERFMON, "CAP_PERFMON")):
                code, text = self.refusal(follow(mine.pid), preexec_fn=drop_capabilities([capability]))
                self.assertEqual(code, EPERM)
                self.assertIn(f"lacks {name};", text)
                self.assertIn("setcap", text)

    def test_what_is_no_follow(self):
        for said in (b"\xff\xff\xff\xff", b"\x00", b"\x04abcd", frame(HELLO, field(1, 1)), b"\xff\x7f" + 2000 * b"x",
                     frame(FOLLOW, field(1, os.getpid()) + 300 * b"x"), follow(os.getpid()) + b"\x01"):
            code, text = self.refusal(said)
            self.assertIn(code, (EBADMSG, 90), text)

    def test_silence_has_an_end(self):
        begin = time.monotonic()
        with Started() as helper:
            helper.client.end.sendall(b"\x20")
            self.assertEqual(helper.client.refusal()[0], ETIMEDOUT)
        self.assertGreaterEqual(time.monotonic() - begin, SILENCE_S - 0.1)

    def test_who_closes_at_once_is_no_trouble(self):
        with Started() as helper:
            helper.client.end.close()
            helper.process.wait(HANG_S)

    def test_misuse(self):
        for arguments in ([], ["--fd"], ["--fd", "0"], ["--fd", "77"], ["--fd", "x"], ["--what", "3"]):
            done = subprocess.run([PROBE, *arguments], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn("usage:", done.stderr)


class TestService(unittest.TestCase):
    def test_everybody_may_ask_and_is_told_of_their_own(self):
        with Service() as service, target() as roots, anothers_target() as theirs:
            self.assertEqual(stat.S_IMODE(os.stat(service.path).st_mode), 0o666)
            for user, whose in ((0, roots), (0, theirs), (NOBODY, theirs)):
                client = service.connect(user)
                client.end.sendall(follow(whose.pid))
                self.assertEqual(client.until(KERNEL)[0], HELLO)
                has = privileges_of(service.children()[0])
                self.assertEqual([has["CapEff"], has["CapBnd"], has["NoNewPrivs"]], [KEPT, KEPT, 1])
                client.end.close()
                following.wait_until(lambda: not service.children())

    def test_nobody_is_told_of_others(self):
        with Service() as service, target() as roots:
            client = service.connect(NOBODY)
            client.end.sendall(follow(roots.pid))
            code, text = client.refusal()
        self.assertEqual(code, EPERM)
        self.assertIn(f"process {roots.pid} is one of user 0, and you are {NOBODY}", text)

    def test_nobody_takes_all_places(self):
        with Service() as service, target() as mine:
            silent = [service.connect(NOBODY) for _ in range(4)]
            following.wait_until(lambda: len(service.children()) == 4)
            self.assertEqual(service.connect(NOBODY).refusal()[0], EBUSY)
            others = [service.connect() for _ in range(12)]
            following.wait_until(lambda: len(service.children()) == 16)
            self.assertEqual(service.connect().refusal()[0], EBUSY)
            for client in silent + others:
                client.end.close()
            following.wait_until(lambda: not service.children())
            client = service.connect()
            client.end.sendall(follow(mine.pid))
            client.until(KERNEL)
            client.end.close()

    def test_clients_end_with_the_service(self):
        with target() as mine:
            with Service() as service:
                client = service.connect()
                client.end.sendall(follow(mine.pid))
                client.until(KERNEL)
            with self.assertRaises(EOFError):
                client.until(ERROR)

    def test_socket_that_was_left_behind_is_replaced_and_other_files_are_not(self):
        with Service() as service:
            service.process.kill()
            service.process.wait()
            service.process = subprocess.Popen([PROBE, "--listen", service.path])
            following.wait_until(service.answers)
            done = subprocess.run([PROBE, "--listen", service.path], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"cannot listen at {service.path}", done.stderr)

    def test_socket_of_systemd_is_taken(self):
        with tempfile.TemporaryDirectory() as room, target() as mine:
            path = os.path.join(room, "given.sock")
            given = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            given.bind(path)
            given.listen()
            self.addCleanup(given.close)
            process = subprocess.Popen(["sh", "-c", f'exec "$0" --listen {path} 3<&{given.fileno()}', PROBE],
                                       pass_fds=[given.fileno()])
            end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            end.connect(path)
            client = Client(end)
            client.end.sendall(follow(mine.pid))
            client.until(KERNEL)
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(HANG_S), 0)
            self.assertTrue(os.path.exists(path))
            client.end.close()


class TestWithFileCapabilities(unittest.TestCase):
    """As a user has it: no root in sight."""

    def setUp(self):
        self.room = tempfile.TemporaryDirectory()
        self.addCleanup(self.room.cleanup)
        os.chmod(self.room.name, 0o755)
        self.probe = shutil.copy(PROBE, self.room.name)
        self.rouse = shutil.copy(ROUSE, self.room.name)

    def give(self):
        done = subprocess.run(["setcap", "cap_bpf,cap_perfmon,cap_sys_ptrace,cap_syslog+ep", self.probe], check=False,
                              capture_output=True, text=True)
        if done.returncode:
            self.skipTest("setcap: " + done.stderr.strip())

    def check(self, pid):
        done = subprocess.run(["setpriv", f"--reuid={NOBODY}", "--clear-groups", self.rouse, "check", "--kernel", "--json",
                               "--for", "0.1", str(pid)], capture_output=True, text=True, check=False, timeout=HANG_S,
                              env={**os.environ, "HOME": "/"})
        return {group["group"]: (group["status"], group["why"])
                for group in json.loads(done.stdout)["kernel"]["groups"]}, done

    def test_a_user_follows_what_is_theirs(self):
        self.give()
        with anothers_target() as theirs:
            groups, done = self.check(theirs.pid)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual({name: status for name, (status, _) in groups.items()},
                         {"sched": "ok", "syscalls": "ok", "faults": "ok"}, groups)

    def test_without_them_it_is_said_what_would_permit_it(self):
        with anothers_target() as theirs:
            groups, done = self.check(theirs.pid)
        self.assertEqual(done.returncode, 0, done.stderr)
        for status, why in groups.values():
            self.assertEqual(status, "EPERM")
            self.assertRegex(why, r"lacks CAP_BPF, CAP_PERFMON; .*setcap")
        self.assertRegex(done.stderr, r"^rouse: the kernel does not tell of sched, syscalls, faults: not permitted: ")

    def test_what_is_not_theirs_is_refused(self):
        self.give()
        with target() as roots, Started(self.probe, user=NOBODY, extra_groups=[]) as helper:
            helper.client.end.sendall(follow(roots.pid))
            self.assertEqual(helper.client.refusal()[0], EPERM)


class TestFiles(unittest.TestCase):
    def test_descriptor_of_another_users_process_is_known_without_reading_its_directory(self):
        with anothers_target(CALLER, "up") as theirs:
            probe = following.Probe(ROUSE, "--blocks", theirs, "--threshold", "10")
            descriptor = theirs.run("pipe", 60)
            before = os.listdir(f"/proc/{theirs.pid}/fd")
            file = os.readlink(f"/proc/{theirs.pid}/fd/{descriptor}")
            probe.process.send_signal(signal.SIGINT)
            out, err = probe.process.communicate(timeout=HANG_S)
            self.assertEqual(probe.process.returncode, 0, err)
            self.assertEqual(os.listdir(f"/proc/{theirs.pid}/fd"), before)
        calls = [block["syscall"] for block in map(json.loads, out.splitlines()) if block.get("syscall")]
        self.assertEqual([(call["name"], call["file"]) for call in calls], [("read", file)])
        self.assertRegex(file, r"^pipe:\[\d+\]$")


class TestSession(unittest.TestCase):
    def test_blocks_and_samples_come_with_the_kernels_frames_and_the_users(self):
        with tempfile.TemporaryDirectory() as room, target() as mine:
            shutil.copy(PROBE, room)  # it is looked for there
            program = shutil.copy(KERNEL_SESSION, room)
            session = subprocess.Popen([program, str(mine.pid), "3000"], stdout=subprocess.PIPE, text=True)
            self.assertEqual(session.stdout.readline(), "measuring\n")
            mine.run("lock", 60)
            mine.run("spin", 500)
            out, _ = session.communicate(timeout=HANG_S)
        self.assertEqual(session.returncode, 0)
        lines = [line.split(" ", 4) for line in out.splitlines()]
        locks = [line for line in lines if line[0] == "block" and "lock_rouse_body_" in line[-1]]
        self.assertTrue(locks, out)
        frames = locks[0][-1].split(";")
        self.assertLess(frames.index("entry_SYSCALL_64_after_hwframe"), frames.index("lock_rouse_body_"))
        self.assertEqual(locks[0][3], "keeper")
        spins = [line for line in lines if line[0] == "sample" and line[1] != "0" and "rs_worker_run" in line[-1].split(";")]
        self.assertTrue(spins, out)
        self.assertIn(["lost", "0"], lines)

    def test_check_asks_the_kernel_for_long_enough_to_find_what_blocks_each_two_seconds(self):
        with target() as mine:
            rouse = subprocess.Popen([ROUSE, "check", "--kernel", "--json", str(mine.pid)], stdout=subprocess.PIPE, text=True)
            begin = time.monotonic()
            while rouse.poll() is None and time.monotonic() - begin < HANG_S:
                mine.run("nap", 1)
                time.sleep(1.9)
            document = json.loads(rouse.communicate(timeout=HANG_S)[0])
        self.assertGreaterEqual(document["kernel"]["span_ns"], 5e9)
        self.assertIn(("blocking-call", "likely"), [(finding["code"], finding["class"]) for finding in document["findings"]])

    def test_killed_helper_is_told_and_all_else_goes_on(self):
        with target() as mine:
            rouse = subprocess.Popen([ROUSE, "check", "--kernel", "--json", "--looks", "20", "--interval", "100",
                                      str(mine.pid)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

            def helper():
                with open(f"/proc/{rouse.pid}/task/{rouse.pid}/children", encoding="ascii") as file:
                    return file.read().split()
            following.wait_until(helper)
            os.kill(int(helper()[0]), signal.SIGKILL)
            out, err = rouse.communicate(timeout=HANG_S)
        self.assertEqual(rouse.returncode, 0, err)
        groups = json.loads(out)["kernel"]["groups"]
        self.assertEqual({group["status"] for group in groups}, {"EPIPE"})
        self.assertEqual({group["why"] for group in groups}, {"the helper has ended"})
        self.assertIn("the helper has ended", err)

    def test_without_a_helper_it_says_so(self):
        with tempfile.TemporaryDirectory() as room, target() as mine:
            alone = shutil.copy(ROUSE, room)
            if os.path.exists("/run/rouse/probe.sock"):
                self.skipTest("one serves here")
            done = subprocess.run([alone, "check", "--kernel", str(mine.pid)], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stderr, "there is no rouse-probe|sched, syscalls, faults")

    def test_groups_are_chosen_by_word(self):
        with target() as mine:
            for words, wanted in (("sched", {"sched"}), ("all", {"sched", "syscalls", "faults", "profile"}),
                                  ("faults,sched", {"sched", "faults"})):
                done = subprocess.run([ROUSE, "check", f"--kernel={words}", "--json", "--for", "0.1", "--interval", "100",
                                       str(mine.pid)],
                                      capture_output=True, text=True, check=False, timeout=HANG_S)
                self.assertEqual({group["group"] for group in json.loads(done.stdout)["kernel"]["groups"]}, wanted)
            for words in ("", "x", "sched,", ",", "sched,x"):
                done = subprocess.run([ROUSE, "check", f"--kernel={words}", str(mine.pid)], capture_output=True, text=True,
                                      check=False)
                self.assertEqual((words, done.returncode), (words, 0 if words == "sched," else 2), done.stderr)


if __name__ == "__main__":
    REASON = reason_to_skip()
    if REASON:
        print(REASON)
        sys.exit(SKIPPED)
    unittest.main(argv=sys.argv[:1] + sys.argv[6:], verbosity=2)
