#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Looks at a process with a million tasks of which 200 000 change each second; neither agent nor console is idle.

What one sees when one opens the screen on a large service: how long until the first frame, what each refresh
costs on either side, how long a key takes until its frame, memory, bytes on the wire, and that looks a slow
reader did not take are counted. Printed as a section of RESULTS.md.
"""

import argparse
import os
import pty
import resource
import select
import socket
import statistics
import struct
import sys
import termios
import time
import fcntl

from million import GENERATION_END, SUBSCRIBE_TAG, Holder, cpu_of, print_rounds, run, whole_frame

REFRESHES, KEYS, LOOKS = 5, 200, 5
QUIET_S = 0.02  # no more output for so long: the frame is there


def subscribe(client, interval_ms):
    varint = bytes([interval_ms & 127 | 128, interval_ms >> 7]) if interval_ms > 127 else bytes([interval_ms])
    message = SUBSCRIBE_TAG + bytes([1 + len(varint), 8]) + varint
    client.sendall(bytes([len(message)]) + message)


def wire(pid):
    """Bytes of a first look, of one a second later, and MB that the process has grown by for this client."""
    before = resident(pid)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect(f"/tmp/rouse-{os.getuid()}/{pid}.sock")
        subscribe(client, 1000)
        looks, buffered = [0], b""
        while len(looks) <= LOOKS:
            piece = client.recv(1 << 20)
            if not piece:
                sys.exit("churn: the agent hung up")
            buffered += piece
            at = 0
            while (frame := whole_frame(memoryview(buffered)[at:at + (1 << 17)])) is not None:
                at += frame[1]
                looks[-1] += frame[1]
                if frame[0] == GENERATION_END:
                    looks.append(0)
            buffered = buffered[at:]
        grown = resident(pid) - before
    return looks[0], statistics.median(looks[1:LOOKS]), grown


def resident(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


class Screen:
    """The console in a terminal of 80 x 24."""

    def __init__(self, command):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", LC_ALL="C.UTF-8")
            os.execv(command[0], command)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

    def wait(self, seconds):
        """Seconds until output begins; None: there was none in time. It is read until it pauses."""
        start = time.monotonic()
        if not select.select([self.fd], [], [], seconds)[0]:
            return None
        first = time.monotonic() - start
        while select.select([self.fd], [], [], QUIET_S)[0]:
            os.read(self.fd, 1 << 16)
        return first

    def key(self, key):
        os.write(self.fd, key)
        return self.wait(10)

    def close(self):
        os.write(self.fd, b"q")
        while select.select([self.fd], [], [], 5)[0]:
            try:
                if not os.read(self.fd, 1 << 16):
                    break
            except OSError:
                break
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def keys(console, pid):
    """Milliseconds from a key to the first of its frame, of all keys; the cursor moves, so each has one."""
    screen = Screen([console, pid])
    while screen.wait(3) is not None and not tasks_are_shown(screen):
        pass
    times = []
    for i in range(KEYS):
        time.sleep(0.03)
        taken = screen.key(b"j" if i % 20 < 10 else b"k")
        if taken is None:
            sys.exit("churn: a key was not answered in 10 s")
        times.append(1e3 * taken)
    screen.close()
    return sorted(times)


def tasks_are_shown(screen):
    return screen.key(b"j") is not None and screen.key(b"k") is not None


def measure(console, pid):
    start, before = time.monotonic(), cpu_of(pid)
    time.sleep(3)
    own = (cpu_of(pid) - before) / (time.monotonic() - start)
    first = run([console, "top", "-b", "-n", "1", pid])
    start, before = time.monotonic(), cpu_of(pid)
    more = run([console, "top", "-b", "-n", str(1 + REFRESHES), "-d", "1", pid])
    watched = (cpu_of(pid) - before) - own * (time.monotonic() - start)
    keyframe, change, grown = wire(pid)
    times = keys(console, pid)
    return {
        "the program's own CPU, unwatched, s a second": own,
        "first screen, s": first[0],
        "first screen, CPU s in the console": first[1],
        "refresh, ms of CPU in the console": 1e3 * (more[1] - first[1]) / REFRESHES,
        "the same in the agent, first look included, ms a refresh": 1e3 * watched / REFRESHES,
        "console memory, MB": more[2],
        "agent memory for a client, MB": grown,
        "bytes on the wire, first look, MB": keyframe / 1e6,
        "bytes on the wire, a second later, MB": change / 1e6,
        "key to frame, median, ms": times[len(times) // 2],
        "key to frame, p99, ms": times[len(times) * 99 // 100],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--tasks", type=int, default=1000000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    console = os.path.join(options.build, "console/rouse")
    load = os.getloadavg()[0]
    with Holder(options.build, "churn", options.tasks) as holder:
        rounds = [measure(console, holder.pid) for _ in range(options.rounds)]
    print(f"\n## {f'{options.tasks:,}'.replace(',', ' ')} tasks, of which 200 000 change each second\n")
    print(f"{time.strftime('%F %R %z')}, load {load:.1f} at start; one worker; churn.py says how each is measured.\n")
    print_rounds(rounds)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
