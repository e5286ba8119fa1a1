#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Looks at a process with a million waiting tasks: how long, how much CPU, how much memory.

One process holds the tasks; `rouse` looks at it through its agent and, while
it is stopped, through its memory. Each figure is the median of the rounds and
their range. Printed as a section of RESULTS.md.
"""

import argparse
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import time

REFRESHES = 5


def run(command, counted=None):
    """(wall s, CPU s, MB at the peak, how often `counted` stands in what it printed)."""
    start, n, tail = time.monotonic(), 0, b""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    # Piece by piece: a child's peak begins with what this process had when it forked.
    while piece := process.stdout.read(1 << 20):
        if counted:
            n += (tail + piece).count(counted)
            tail = piece[-(len(counted) - 1):]
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"million: {' '.join(command)} ended with status {process.returncode}")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, n


def cpu_of(pid):
    """CPU s of a process so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(console, pid, tasks):
    first = run([console, "top", "-b", "-n", "1", pid])
    before = cpu_of(pid)
    more = run([console, "top", "-b", "-n", str(1 + REFRESHES), "-d", "1", pid])
    agent = cpu_of(pid) - before
    os.kill(int(pid), signal.SIGSTOP)
    before = cpu_of(pid)
    dump = run([console, "dump", pid])
    every = run([console, "dump", "--all", pid])
    own = json.loads(subprocess.run([console, "dump", "--json", pid], check=True, capture_output=True).stdout)["cost"]
    ps = run([console, "ps", "--json", pid], b'"state":')
    touched = cpu_of(pid) - before
    os.kill(int(pid), signal.SIGCONT)
    if own["tasks"] < tasks:
        sys.exit(f"million: {own['tasks']} of {tasks} tasks were dumped")
    if ps[3] < tasks:
        sys.exit(f"million: {ps[3]} of {tasks} tasks were seen")
    return {
        "first screen, s": first[0],
        "refresh, ms of CPU in the console": 1e3 * (more[1] - first[1]) / REFRESHES,
        "the same in the agent, first look included, ms a refresh": 1e3 * agent / REFRESHES,
        "console memory, MB": more[2],
        "`dump` of the stopped process, s": dump[0],
        "what it says of itself: s": own["ns"] / 1e9,
        "what it says of itself: MB": own["bytes"] / (1 << 20),
        "`dump --all` of the stopped process, s": every[0],
        "`ps --json` of the stopped process, s": ps[0],
        "CPU of the stopped process meanwhile, s": touched,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--tasks", type=int, default=1000000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    console = os.path.join(options.build, "console/rouse")
    holder = subprocess.Popen([os.path.join(options.build, "tests/bench/rouse_bench"), "1", "hold", str(options.tasks)],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                              env=dict(os.environ, ROUSE_LISTEN="1"))
    try:
        if holder.stdout.readline() != "ready\n":
            sys.exit("million: the tasks could not be made")
        rounds = [measure(console, str(holder.pid), options.tasks) for _ in range(options.rounds)]
    finally:
        holder.stdin.close()
        holder.wait()
    print(f"\n## {options.tasks:,} waiting tasks, looked at\n".replace(",", " ", 2))
    print(f"| what | median (range of {options.rounds}) |\n| --- | --- |")
    for what in rounds[0]:
        values = sorted(values[what] for values in rounds)
        print(f"| {what} | {statistics.median(values):.2f} ({values[0]:.2f}..{values[-1]:.2f}) |")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
