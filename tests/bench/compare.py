#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Takes the benchmark's samples in turn and writes what they say.

Every variant (rouse at its levels, rouse watched, each peer) is one process
that waits for `CASE LEVEL MILLISECONDS` lines. A round takes one sample of each
case from each variant, in an order shuffled per case, so that whatever changes
on the machine meanwhile (clocks, neighbours, caches) touches all alike. Figures
are medians over the rounds with the distribution-free 95 % interval from order
statistics; ratios are medians of the per-round ratios. Good or bad, all of it
is printed.
"""

import argparse
import datetime
import math
import os
import platform
import random
import re
import signal
import statistics
import subprocess
import sys
import time

CASES = {
    "spawn_outside": "10 000 tasks spawned by a thread that is no worker, run to their end",
    "spawn_worker": "10 000 tasks spawned by a task, run to their end",
    "spawn_join": "a task spawns 1 000 tasks and joins them in order",
    "yield": "200 tasks yield 1 000 times each",
    "ping_pong": "1 000 tasks: two oneshots, a partner, one message each way",
    "chained_spawn": "a task spawns the next, 1 000 deep",
    "channel_bounded": "5 senders x 1 000 messages, capacity 1 000 000 (Go: 5 000)",
    "channel_full": "the same, capacity 100",
    "channel_unbounded": "the same, unbounded (Go has none)",
    "channel_alone": "5 000 sends, then 5 000 receives, by one task",
    "request_reply": "1 000 requests over a channel of 10, each answered by a oneshot",
    "timer_cancel": "8 tasks register a timer of 1 s and drop it, 1 000 times",
    "sleep_lateness": "100 tasks sleep 1 to 2 ms, 10 times: \"ns\" is the median lateness",
    "echo_1": "TCP echo of 64 bytes on 1 connection, both ends in one process",
    "echo_64": "the same on 64 connections",
    "task_memory": "200 000 tasks wait for a semaphore: \"ns\" is bytes for each, its future not counted (Go: the stack is)",
}


class Variant:
    """A process that takes samples."""

    def __init__(self, name, command, level=0, env=None, watcher=None):
        self.name, self.level = name, level
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
                                        env=dict(os.environ, **(env or {})))
        self.watcher = None
        if watcher:
            time.sleep(0.5)  # until the agent listens; no figure depends on it
            self.watcher = subprocess.Popen(watcher(self.process.pid), stdin=subprocess.DEVNULL,
                                            stdout=subprocess.DEVNULL)
            time.sleep(0.5)
            if self.watcher.poll() is not None:
                sys.exit(f"bench: the watcher ended with status {self.watcher.returncode}")
            self.signal(signal.SIGSTOP)

    def signal(self, number):
        """A watched process and its watcher work by themselves: between samples both are stopped."""
        if self.watcher:
            self.process.send_signal(number)
            self.watcher.send_signal(number)

    def sample(self, case, milliseconds):
        self.signal(signal.SIGCONT)
        self.process.stdin.write(f"{case} {self.level} {milliseconds}\n")
        answer = self.process.stdout.readline().split()
        self.signal(signal.SIGSTOP)
        if not answer:
            sys.exit(f"bench: {self.name} ended during {case}")
        return None if answer == ["-"] else [float(word) for word in answer]

    def close(self):
        self.signal(signal.SIGCONT)
        if self.watcher:
            self.watcher.terminate()
            self.watcher.wait()
        self.process.stdin.close()
        self.process.wait()


def interval(values):
    """Median, and the narrowest pair of order statistics that holds it with 95 %."""
    values, n = sorted(values), len(values)
    low, tail = 0, 0.5**n
    while low + 1 < n // 2:
        tail += math.comb(n, low + 1) * 0.5**n
        if 2 * tail > 0.05:
            break
        low += 1
    return statistics.median(values), values[low], values[n - 1 - low]


def number(x):
    return f"{x:.2f}" if x < 10 else f"{x:.1f}" if x < 100 else f"{x:,.0f}".replace(",", " ")


def cell(values):
    return "-" if not values else "{} ({}..{})".format(*map(number, interval(values)))


def table(heading, columns, rows):
    widths = [max(len(row[i]) for row in [columns] + rows) for i in range(len(columns))]
    lines = ["", f"### {heading}", ""]
    for row in [columns, ["-" * w for w in widths]] + rows:
        lines.append("| " + " | ".join(word.ljust(w) for word, w in zip(row, widths)) + " |")
    return lines


def first_line(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "none"


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = re.search(r"model name\s*: (.*)", f.read())
    return f"{model.group(1) if model else platform.machine()}, {len(os.sched_getaffinity(0))} CPUs, " \
           f"Linux {platform.release()}, load {os.getloadavg()[0]:.1f} at start"


def variants_for(workers, options):
    bench = os.path.join(options.build, "tests/bench/rouse_bench")
    console = os.path.join(options.build, "console/rouse")
    count = str(workers)
    quiet = {"ROUSE_LISTEN": "0"}
    found = [Variant(f"rouse L{level}", [bench, count], level, quiet) for level in (0, 1, 2)]
    if os.access(console, os.X_OK):
        found.append(Variant("watched", [bench, count], 1, {"ROUSE_LISTEN": "1"},
                             lambda pid: [console, "top", "-b", "-d", "1", "-n", "1000000", str(pid)]))
    for peer in options.peer:
        name, path = peer.split("=", 1)
        found.append(Variant(name, [path, count]))
    return found


def measure(variants, options):
    """{(case, variant): [[ns, cpu, switches, ops], ...]}, one sample a round."""
    samples = {}
    for done in range(options.rounds):
        for case in options.cases:
            for variant in random.sample(variants, len(variants)):
                taken = variant.sample(case, options.ms)
                if taken:
                    samples.setdefault((case, variant.name), []).append(taken)
        print(f"bench: round {done + 1} of {options.rounds}", file=sys.stderr)
    return samples


def report(workers, names, samples, options):
    def column(case, name, i):
        return [taken[i] for taken in samples.get((case, name), [])]

    lines = [f"\n## {workers} worker{'s' if workers > 1 else ''}"]
    for i, heading in enumerate(["ns per op", "CPU ns per op", "voluntary switches per 1000 ops"]):
        rows = [[case] + [cell(column(case, name, i)) for name in names] for case in options.cases]
        lines += table(heading, ["case"] + names, rows)
    base = "rouse L1"
    others = [name for name in names if name != base]
    rows = []
    for case in options.cases:
        mine = column(case, base, 0)
        rows.append([case] + [cell([b / a for a, b in zip(mine, column(case, name, 0))]) for name in others])
    lines += table(f"times as long as {base}", ["case"] + others, rows)
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="build folder")
    parser.add_argument("--rounds", type=int, default=7, help="samples of each figure (at least 5)")
    parser.add_argument("--ms", type=int, default=80, help="milliseconds a sample")
    parser.add_argument("--workers", type=int, nargs="+", default=sorted({1, len(os.sched_getaffinity(0))}))
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=list(CASES), metavar="CASE")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PROGRAM")
    parser.add_argument("--version", action="append", default=[], metavar="TEXT", help="a line for the report's head")
    parser.add_argument("--output", help="file to write; always printed too")
    options = parser.parse_args()
    options.rounds = max(5, options.rounds)

    commit = first_line(["git", "-C", os.path.dirname(os.path.abspath(__file__)), "describe", "--always", "--dirty"])
    lines = ["# Benchmark results", "", "Written by `./dev bench`; see compare.py for how, bench.h for what.", "",
             f"- date: {datetime.datetime.now().astimezone():%Y-%m-%d %H:%M %z}", f"- commit: {commit}",
             f"- machine: {machine()}"]
    lines += [f"- {text}" for text in options.version]
    lines += [f"- {options.rounds} rounds of {options.ms} ms a sample; figures are median (95 % interval; the range if fewer than 6 rounds)",
              "- watched: L1 with `rouse top -b -d 1` attached, which runs on the same CPUs", ""]
    lines += table("Cases", ["case", "one operation is one of"], [[c, CASES[c]] for c in options.cases])
    for workers in options.workers:
        variants = variants_for(workers, options)
        try:
            samples = measure(variants, options)
        finally:
            for variant in variants:
                variant.close()
        lines += report(workers, [v.name for v in variants], samples, options)
    text = "\n".join(lines) + "\n"
    print(text)
    if options.output:
        with open(options.output, "w", encoding="utf-8") as f:
            f.write(text)


if __name__ == "__main__":
    main()
