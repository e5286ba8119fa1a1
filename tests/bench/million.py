#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Looks at a process with a million waiting tasks: how long, how much CPU, how much memory.

One process holds the tasks; `rouse` looks at it through its agent and, while
it is stopped, while its only worker spins in a poll, and when nothing but a
core file is left of it, through its memory. Each figure is the median of the
rounds and their range. Printed as a section of RESULTS.md.
"""

import argparse
import glob
import json
import os
import re
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

REFRESHES = 5
IDLE_LOOKS = 100
IDLE_MS = 20
GENERATION_END = 12 << 3 | 2  # tags of Frame in rouse.proto
SUBSCRIBE_TAG = bytes([32 << 3 & 127 | 2 | 128, 32 >> 4])


def run(command, counted=None):
    """(wall s, CPU s, MB at the peak, how often `counted` stands in what it printed, the end of that)."""
    start, n, tail = time.monotonic(), 0, b""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    # Piece by piece: a child's peak begins with what this process had when it forked.
    while piece := process.stdout.read(1 << 20):
        if counted:
            n += (tail[-(len(counted) - 1):] + piece).count(counted)
        tail = (tail + piece)[-4096:]
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"million: {' '.join(command)} ended with status {process.returncode}")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, n, tail


def cpu_of(pid):
    """CPU s of a process so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def switches_of(thread):
    """Voluntary context switches of a thread so far: how often it slept, or was made to."""
    with open(f"/proc/{thread}/status", encoding="ascii") as f:
        return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", f.read(), re.M).group(1))


def threads_of(pid):
    return [f"{pid}/task/{tid}" for tid in os.listdir(f"/proc/{pid}/task")]


def stop(pid):
    """Returns when all its threads stand."""
    os.kill(int(pid), signal.SIGSTOP)
    for thread in threads_of(pid):
        while True:
            with open(f"/proc/{thread}/stat", encoding="ascii") as f:
                if f.read().rsplit(")", 1)[1].split()[0] == "T":
                    break


def check_own_account(what, text, seen, peak):
    """What a dump prints of its own time and memory against what the system says of it."""
    said = re.search(rb"(\d+) tasks in ([0-9.]+)(ns|us|\xc2\xb5s|ms|s), (\d+) MB\n$", text)
    if not said:
        sys.exit(f"million: {what} does not end with its time and memory")
    seconds = float(said.group(2)) * {b"s": 1, b"ms": 1e-3}.get(said.group(3), 1e-6)
    if not seen * 0.5 <= seconds <= seen or abs(int(said.group(4)) - peak) > 2:
        sys.exit(f"million: {what} says {seconds} s and {int(said.group(4))} MB, it was {seen:.2f} s, {peak:.0f} MB")


def dumps(console, target, name, tasks, source="memory"):
    """Each sort of dump: time, CPU, peak; that each has all tasks and says its cost as it was."""
    figures = {}
    for options, counted in (([], None), (["--json"], None), (["--all"], None), (["--all", "--json"], b'"spawned_ns":')):
        what = " ".join(["dump", *options])
        wall, cpu, peak, n, tail = run([console, *what.split(), "--source", source, target], counted)
        if "--json" not in options:
            check_own_account(what, tail, wall, peak)
        elif json.loads(tail[tail.rindex(b'"cost":') + 7:].split(b"}")[0] + b"}")["tasks"] < tasks:
            sys.exit(f"million: {what} has not all tasks")
        figures[f"`{what}` of {name}, s"] = wall
        figures[f"`{what}` of {name}, CPU s"] = cpu
        figures[f"`{what}` of {name}, MB"] = peak
        if source == "core":
            break
    return figures


def measure(console, pid, tasks):
    first = run([console, "top", "-b", "-n", "1", pid])
    before = cpu_of(pid)
    more = run([console, "top", "-b", "-n", str(1 + REFRESHES), "-d", "1", pid])
    agent = cpu_of(pid) - before
    stop(pid)
    before, switches = cpu_of(pid), sum(map(switches_of, threads_of(pid)))
    stopped = dumps(console, pid, "the stopped process", tasks)
    ps = run([console, "ps", "--json", pid], b'"state":')
    touched, slept = cpu_of(pid) - before, sum(map(switches_of, threads_of(pid))) - switches
    os.kill(int(pid), signal.SIGCONT)
    if ps[3] < tasks:
        sys.exit(f"million: {ps[3]} of {tasks} tasks were seen")
    return {
        "first screen, s": first[0],
        "first screen, CPU s in the console": first[1],
        "refresh, ms of CPU in the console": 1e3 * (more[1] - first[1]) / REFRESHES,
        "the same in the agent, first look included, ms a refresh": 1e3 * agent / REFRESHES,
        "console memory, MB": more[2],
        **stopped,
        "`ps --json` of the stopped process, s": ps[0],
        "CPU of the stopped process meanwhile, s": touched,
        "voluntary switches of the stopped process meanwhile": slept,
    }


def measure_wedged(console, pid, tasks):
    """Its worker computes all the time, looked at or not: what can be told is that it never slept."""
    worker = max(threads_of(pid), key=cpu_of)
    switches = switches_of(worker)
    figures = dumps(console, pid, "the wedged process", tasks)
    figures["voluntary switches of the wedged worker meanwhile"] = switches_of(worker) - switches
    return figures


def make_core(pid, folder):
    path = os.path.join(folder, "core")
    subprocess.run(["gcore", "-o", path, pid], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return f"{path}.{pid}"


class Holder:
    """The process with the tasks."""

    def __init__(self, build, mode, tasks):
        self.process = subprocess.Popen(
            [os.path.join(build, "tests/bench/rouse_bench"), "1", mode, str(tasks)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ, ROUSE_LISTEN="1"))
        self.pid = str(self.process.pid)

    def __enter__(self):
        if self.process.stdout.readline() != "ready\n":
            sys.exit("million: the tasks could not be made")
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.close()
        self.process.wait()


def print_rounds(rounds):
    print(f"| what | median (range of {len(rounds)}) |\n| --- | --- |")
    for what in rounds[0]:
        values = sorted(values[what] for values in rounds)
        print(f"| {what} | {statistics.median(values):.2f} ({values[0]:.2f}..{values[-1]:.2f}) |")


def ran_ns(pid):
    """What all its threads have run so far."""
    total = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with open(path, encoding="ascii") as f:
            total += int(f.read().split()[0])
    return total


def measure_idle(build, looks=IDLE_LOOKS):
    """Bytes and the process's CPU time for one look of a client at a process in which nothing happens."""
    with Holder(build, "hold", 1) as holder, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect(f"/tmp/rouse-{os.getuid()}/{holder.pid}.sock")
        interval = bytes([8, IDLE_MS])  # field 1: interval_ms
        subscribe = SUBSCRIBE_TAG + bytes([len(interval)]) + interval
        client.sendall(bytes([len(subscribe)]) + subscribe)
        buffered, ends, received, began, ended = b"", 0, 0, 0, 0
        while ends < 2 + looks:
            piece = client.recv(1 << 16)
            if not piece:
                sys.exit("million: the agent hung up")
            buffered += piece
            while (frame := whole_frame(buffered)) is not None:
                buffered = buffered[frame[1]:]
                received += frame[1] if ends >= 2 else 0
                ends += frame[0] == GENERATION_END
                if ends == 2 and not began:
                    began = ran_ns(holder.pid)
                ended = ran_ns(holder.pid) if ends == 2 + looks else 0
        before = ran_ns(holder.pid)
        client.shutdown(socket.SHUT_RDWR)
        time.sleep(looks * IDLE_MS / 1e3)
        alone = ran_ns(holder.pid) - before
    return {
        "an idle process, watched: bytes a look": received / looks,
        "an idle process, watched: us of its CPU a look": (ended - began - alone) / looks / 1e3,
    }


def whole_frame(stream):
    """(the tag it begins with, bytes) of the first frame in it, None if that is not whole."""
    n = shift = at = 0
    while at < len(stream):
        n |= (stream[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if stream[at - 1] < 128:
            return (stream[at], at + n) if len(stream) >= at + n else None
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--tasks", type=int, default=1000000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    console = os.path.join(options.build, "console/rouse")
    load = os.getloadavg()[0]
    with Holder(options.build, "hold", options.tasks) as holder:
        rounds = [measure(console, holder.pid, options.tasks) for _ in range(options.rounds)]
        with tempfile.TemporaryDirectory() as folder:
            core = make_core(holder.pid, folder)
            for figures in rounds:
                figures.update(dumps(console, core, "its core file", options.tasks, source="core"))
    with Holder(options.build, "wedge", options.tasks) as holder:
        for figures in rounds:
            figures.update(measure_wedged(console, holder.pid, options.tasks))
    print(f"\n## {options.tasks:,} waiting tasks, looked at\n".replace(",", " ", 2))
    print(f"{time.strftime('%F %R %z')}, load {load:.1f} at start; one worker.\n")
    for figures in rounds:
        figures.update(measure_idle(options.build))
    print_rounds(rounds)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
