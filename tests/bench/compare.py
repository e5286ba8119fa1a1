#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Takes the benchmark's samples in turn and writes what they say.

Every variant (rouse at its levels, rouse watched, each peer) is one process
that waits for `CASE LEVEL MILLISECONDS` lines. A round takes one sample of each
case from each variant, in an order shuffled per case, so that whatever changes
on the machine meanwhile (clocks, neighbours, caches) touches all alike. Figures
are medians over the rounds with the distribution-free 95 % interval from order
statistics. Good or bad, all of it is printed.
"""

import argparse
import dataclasses
import fnmatch
import os
import random
import subprocess
import sys
import time

import cases
import report
import servers

ROUNDS, ROUNDS_QUICK = 7, 3
SETTLE_S = 0.5
TAKEN = {"ns": 0, "cpu": 1, "switches": 2, "p99": 4}  # places in an answer


@dataclasses.dataclass(frozen=True)
class Configuration:
    name: str
    where: str  # whose cases
    argument: str  # of the programs
    pinned: bool

    def has(self, case):
        return case.where == self.where and (case.pinned or not self.pinned)

    def command(self, program):
        pin = ["taskset", "--cpu-list", str(max(os.sched_getaffinity(0)))] if self.pinned else []
        return [*pin, program, self.argument]


def configurations(workers):
    return [
        Configuration("a current-thread runtime, on one CPU", cases.CURRENT, "current", True),
        Configuration("1 worker, all on one CPU", cases.ONE, "1", True),
        Configuration("1 worker, free", cases.ONE, "1", False),
        Configuration(f"{workers} workers, all on one CPU", cases.WORKERS, str(workers), True),
        Configuration(f"{workers} workers, free", cases.WORKERS, str(workers), False),
    ]


class Variant:
    """How a process that takes samples is made."""

    def __init__(self, name, program, level=1, env=None, watcher=None):
        self.name, self.program, self.level, self.watcher = name, program, level, watcher
        self.env = dict(os.environ, **(env or {}))

    def start(self, configuration):
        return Process(self, configuration)


class Process:
    """A process that takes samples, and whoever watches it."""

    def __init__(self, variant, configuration):
        self.variant, self.watcher = variant, None
        self.process = subprocess.Popen(configuration.command(variant.program), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1, env=variant.env)
        if variant.watcher:
            time.sleep(SETTLE_S)  # until the agent listens; no figure depends on it
            self.watch()

    def watch(self):
        self.watcher = subprocess.Popen(self.variant.watcher(self.process.pid), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL)
        time.sleep(SETTLE_S)
        if self.watcher.poll() is not None:
            sys.exit(f"bench: the watcher ended with status {self.watcher.returncode}")

    def sample(self, case, milliseconds):
        """The figures, or None: it has no such case, or was not watched to the end."""
        self.process.stdin.write(f"{case.name} {self.variant.level} {milliseconds}\n")
        answer = self.process.stdout.readline().split()
        if not answer:
            sys.exit(f"bench: {self.variant.name} ended during {case.name}")
        if self.watcher and self.watcher.poll() is not None:
            print(f"bench: {case.name}: the watcher gave up (status {self.watcher.returncode}): this sample is left out",
                  file=sys.stderr)
            self.watch()
            return None
        return None if answer == ["-"] else [float(word) for word in answer]

    def close(self):
        if self.watcher:
            self.watcher.terminate()
            self.watcher.wait()
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def variants_of(options):
    bench = os.path.join(options.build, "tests/bench/rouse_bench")
    console = os.path.join(options.build, "console/rouse")
    quiet = {"ROUSE_LISTEN": "0"}
    found = [Variant(f"rouse L{level}", bench, level, quiet) for level in (0, 1, 2)]
    found.append(Variant("watched", bench, 2, {"ROUSE_LISTEN": "1"},
                         lambda pid: [console, "top", "-b", "-d", "1", "-n", "1000000", str(pid)]))
    for peer in options.peer:
        name, path = peer.split("=", 1)
        found.append(Variant(name, path))
    return [v for v in found if not options.variants or v.name in options.variants]


def shuffled(things):
    return random.sample(things, len(things))


def measure_together(variants, configuration, wanted, options, samples):
    """One sample a round of what can be taken again and again in one process."""
    processes = [variant.start(configuration) for variant in variants]
    try:
        for done in range(options.rounds):
            for case in wanted:
                for process in shuffled(processes):
                    take(process, case, configuration, options, samples)
            print(f"bench: {configuration.name}: round {done + 1} of {options.rounds}", file=sys.stderr)
    finally:
        for process in processes:
            process.close()


def measure_alone(variants, configuration, case, options, samples):
    """Each sample of a process of its own."""
    for _ in range(min(case.rounds, options.rounds)):
        for variant in shuffled(variants):
            process = variant.start(configuration)
            try:
                take(process, case, configuration, options, samples)
            finally:
                process.close()


def take(process, case, configuration, options, samples):
    taken = process.sample(case, options.ms)
    if taken:
        kept = samples.setdefault((case.name, configuration.name, process.variant.name), {})
        for what, place in TAKEN.items():
            kept.setdefault(what, []).append(taken[place])


def measure(options):
    """{(case, configuration, variant): {"ns": [...], "cpu": [...], ...}}"""
    samples, variants = {}, variants_of(options)
    for configuration in configurations(options.workers):
        wanted = [case for case in options.cases if configuration.has(case)]
        together = [case for case in wanted if not case.rounds]
        if together:
            measure_together(variants, configuration, together, options, samples)
        for case in wanted:
            if case.rounds:
                measure_alone([v for v in variants if v.name not in case.without], configuration, case, options, samples)
                print(f"bench: {case.name}", file=sys.stderr)
    wanted = [case for case in options.cases if case.where == cases.SERVERS]
    if wanted:
        servers.measure(options, wanted, samples)
    return samples


def configuration_names(options):
    return [c.name for c in configurations(options.workers)] + [servers.CONFIGURATION]


def variant_names(options):
    names = [v.name for v in variants_of(options)]
    return names + [name for name in ["redis"] if not options.variants or name in options.variants]


def some_cases(pattern):
    found = [case for case in cases.CASES if fnmatch.fnmatch(case.name, pattern) or case.group == pattern]
    if not found:
        raise argparse.ArgumentTypeError(f"no such case or group: {pattern}")
    return found


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="build folder")
    parser.add_argument("--quick", action="store_true", help=f"{ROUNDS_QUICK} rounds; intervals are then the range")
    parser.add_argument("--rounds", type=int, help=f"samples of each figure (default {ROUNDS})")
    parser.add_argument("--ms", type=int, default=40, help="milliseconds a sample, at least (default 40)")
    parser.add_argument("--requests", type=int, default=servers.REQUESTS, help="of each run of redis-benchmark")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="default: as many as CPUs")
    parser.add_argument("--cases", nargs="+", type=some_cases, metavar="CASE",
                        help="names, patterns of names (*/spawn*), or groups: " + ", ".join(cases.GROUPS))
    parser.add_argument("--variants", nargs="+", metavar="NAME", help="only these columns, such as 'rouse L1' Tokio")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PROGRAM")
    parser.add_argument("--version", action="append", default=[], metavar="TEXT", help="a line for the report's head")
    parser.add_argument("--output", help="file to write; always printed too")
    options = parser.parse_args()
    options.rounds = options.rounds or (ROUNDS_QUICK if options.quick else ROUNDS)
    options.cases = [case for some in options.cases for case in some] if options.cases else list(cases.CASES)
    return options


def main():
    options = parse()
    head = report.head(options)
    started = time.monotonic()
    samples = measure(options)
    head.append(f"- taken in {(time.monotonic() - started) / 60:.0f} minutes")
    text = report.text(head, samples, configuration_names(options), variant_names(options))
    print(text)
    if options.output:
        if os.path.exists(options.output):
            with open(options.output, encoding="utf-8") as f:
                text += report.kept(f.read())
        with open(options.output, "w", encoding="utf-8") as f:
            f.write(text)


if __name__ == "__main__":
    main()
