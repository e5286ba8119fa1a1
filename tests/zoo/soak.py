#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""soak.py ROUSE BUILD SECONDS: healthy programs are watched for so long, and nothing may be found.

The twins of the zoo, the examples, mini_redis under redis-benchmark's load and the benchmark program, all at the same
time on the same machine, each looked at again and again: by its agent and by its memory, with few looks and with many.
What is PROVEN or LIKELY is an alarm, and a false one. At the end the counts are printed, by program.
"""

import argparse
import collections
import itertools
import json
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / ".." / "watch"))

from watch import FINDINGS, INCOMPLETE, LISTEN, NO_TARGET, OK, TIMEOUT, rouse, said  # noqa: E402

from harness import MiniRedis, Program, need  # noqa: E402  pylint: disable=wrong-import-order
from rows import all_rows  # noqa: E402  pylint: disable=wrong-import-order

EXAMPLES = ["actor", "builder", "channel", "five_step", "hello_join", "leaf_future", "mini_executor", "mini_tokio",
            "two_runtimes"]
CASES = ["rt_multi_threaded/spawn_many_remote_idle", "rt_multi_threaded/spawn_many_remote_busy1",
         "rt_multi_threaded/yield_many", "rt_multi_threaded/ping_pong", "rt_multi_threaded/chained_spawn",
         "rt_multi_threaded/x_spawn_from_worker", "rt_multi_threaded/x_spawn_join", "remote_spawn/threads_2",
         "spawn_blocking/concurrency_4", "sync_mpsc/contention_bounded", "sync_mpsc/contention_bounded_full",
         "sync_mpsc/contention_unbounded", "sync_mpsc/uncontented_bounded",
         "sync_mpsc_oneshot/request_reply_multi_threaded", "sync_mutex/x_contended8_hold_yield",
         "time/x_multi_register_cancel-8", "net/x_tcp_echo_1x64B", "net/x_tcp_echo_64x64B"]
# Looks, and the ms between them: a glance, the default of `rouse check`, and somebody who stays.
WAYS = [(2, 50), (3, 250), (8, 250), (26, 100), (40, 250)]
ALARMS = ("proven", "likely")
TELL_AT_MOST = 25  # false alarms that are told in full


class Counts:
    """Of one program."""

    def __init__(self):
        self.checks = self.looks = self.gone = self.no_answer = self.incomplete = self.failed = 0
        self.findings = collections.Counter()

    def alarms(self):
        return sum(n for (how_sure, _), n in self.findings.items() if how_sure in ALARMS)


class Soak:
    def __init__(self, build, seconds, seed):
        self.build, self.end = Path(build), time.monotonic() + seconds
        self.random = random.Random(seed)
        self.counts = collections.defaultdict(Counts)
        self.lock = threading.Lock()
        self.told = 0
        self.broken = []  # what went wrong with watching itself

    def over(self):
        return time.monotonic() > self.end

    def tell(self, text):
        with self.lock:
            self.told += 1
            if self.told <= TELL_AT_MOST:
                print(text, flush=True)

    def check(self, name, program, way=None):
        """One `rouse check`, counted."""
        looks, interval = way or self.random.choice(WAYS)
        source = self.random.choice(("socket", "memory"))
        done = rouse("check", "--json", "--source", source, "--looks", looks, "--interval", interval,
                     "--timeout", 20000, program.pid)
        counts = self.counts[name]
        with self.lock:
            counts.checks += 1
            counts.looks += looks
        if done.returncode in (OK, FINDINGS, INCOMPLETE):
            self.take(name, json.loads(done.stdout), f"{source}, {looks} looks")
        elif done.returncode == NO_TARGET:
            counts.gone += 1
        elif done.returncode == TIMEOUT:
            counts.no_answer += 1
        else:
            counts.failed += 1
            self.tell(f"{name}: {said(done)}"[:2000])
        return done.returncode

    def take(self, name, document, how):
        counts = self.counts[name]
        counts.incomplete += not document["complete"]
        for finding in document["findings"]:
            with self.lock:
                counts.findings[finding["class"], finding["code"]] += 1
            if finding["class"] in ALARMS:
                tasks = ", ".join(task.get("name", task["id"]) for task in finding["tasks"][:3])
                self.tell(f"FALSE ALARM {name} ({how}): {finding['class']} {finding['code']} {tasks}\n"
                          f"    {finding['evidence']}")

    # ---------------------------------------------------------- programs

    def twins(self, rows):
        """Each for a quarter of a minute at a time, round and round."""
        for turn in itertools.count():
            for row in rows:
                if self.over():
                    return
                size = [int(n) for n in row.words("healthy")] or [0, 100, 1000]
                argv = [self.build / "tests" / "zoo" / f"zoo_{row.name}_twin", "--healthy",
                        size[turn % len(size)], "--seed", self.random.randrange(1 << 32)]
                with Program(*argv, env=LISTEN, stdin=subprocess.PIPE) as program:
                    program.wait_line(r"^ready$")
                    until = min(self.end, time.monotonic() + 15)
                    while time.monotonic() < until:
                        if row.more.get("line"):
                            program.say("")
                        if self.check(f"twin {row.name}", program) == NO_TARGET:
                            break

    def examples(self):
        for name in itertools.cycle(EXAMPLES):
            if self.over():
                return
            with Program(self.build / "runtime" / "examples" / name, env=LISTEN, stdin=subprocess.DEVNULL) as program:
                while program.process.poll() is None:
                    self.check(f"example {name}", program, (2, 20))
            self.rest(0.5)

    def rest(self, seconds):
        until = min(self.end, time.monotonic() + seconds)
        while time.monotonic() < until:
            time.sleep(0.1)

    def load(self, port):
        """Load for mini_redis, with pauses: the others are to run too."""
        for pipeline in itertools.cycle((1, 16)):
            if self.over():
                return
            subprocess.run(["redis-benchmark", "-p", str(port), "-t", "ping,set,get,incr,mset", "-n", "20000", "-c", "50",
                            "-P", str(pipeline), "-q"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           check=False, timeout=600)
            self.rest(3)

    def redis(self):
        with MiniRedis(self.build / "runtime" / "examples" / "mini_redis", env=LISTEN) as redis:
            load = threading.Thread(target=self.guard, args=(self.load, redis.port), daemon=True)
            load.start()
            while not self.over():
                self.check("mini_redis", redis)
            load.join()
            redis.stop()

    def bench(self):
        program = self.build / "tests" / "bench" / "rouse_bench"
        for case in itertools.cycle(CASES):
            if self.over():
                return
            with Program(program, 2, case, 1, 12000, env=LISTEN, stdin=subprocess.DEVNULL) as running:
                while running.process.poll() is None:
                    self.check(f"bench {case}", running)
            self.rest(4)

    def hold(self):
        """Very many tasks, that all wait."""
        program = self.build / "tests" / "bench" / "rouse_bench"
        with Program(program, 2, "hold", 100000, env=LISTEN, stdin=subprocess.PIPE) as running:
            while not self.over():
                self.check("bench hold 100000", running)
                self.rest(5)
            running.process.stdin.close()

    # ---------------------------------------------------------- all of it

    def guard(self, work, *args):
        try:
            work(*args)
        except Exception as error:  # pylint: disable=broad-except
            with self.lock:
                self.broken.append(f"{work.__name__}: {type(error).__name__}: {error}"[:2000])

    def run(self):
        rows = all_rows()
        half = len(rows) // 2
        works = [(self.twins, rows[:half]), (self.twins, rows[half:]), (self.examples,), (self.redis,), (self.bench,),
                 (self.hold,)]
        threads = [threading.Thread(target=self.guard, args=work, daemon=True) for work in works]
        for thread in threads:
            thread.start()
        minutes = 0
        began = time.monotonic()
        while any(thread.is_alive() for thread in threads):
            threads[0].join(1)
            time.sleep(1)
            if (time.monotonic() - began) // 60 > minutes:
                minutes = int((time.monotonic() - began) // 60)
                with self.lock:
                    checks = sum(counts.checks for counts in self.counts.values())
                    alarms = sum(counts.alarms() for counts in self.counts.values())
                print(f"{minutes} min: {checks} checks, {alarms} false alarms", flush=True)

    def report(self):
        print(f"\n{'program':24} {'checks':>7} {'looks':>8} {'gone':>5} {'no answer':>9} {'incomplete':>10}  findings")
        for name, counts in sorted(self.counts.items()):
            findings = ", ".join(f"{n} {code} {how_sure.upper() if how_sure in ALARMS else how_sure}"
                                 for (how_sure, code), n in sorted(counts.findings.items())) or "none"
            print(f"{name:24} {counts.checks:7} {counts.looks:8} {counts.gone:5} {counts.no_answer:9} "
                  f"{counts.incomplete:10}  {findings}")
        every = self.counts.values()
        by_class = collections.Counter()
        for counts in every:
            for (how_sure, _), n in counts.findings.items():
                by_class[how_sure] += n
        print(f"\n{sum(c.checks for c in every)} checks with {sum(c.looks for c in every)} looks at {len(self.counts)} "
              f"programs: " + ", ".join(f"{by_class[name]} {name}" for name in
                                        ("proven", "likely", "incomplete", "suspect")))
        failed = sum(c.failed for c in every)
        for problem in self.broken:
            print(f"PROBLEM {problem}")
        if failed:
            print(f"PROBLEM {failed} checks failed")
        return not (by_class["proven"] or by_class["likely"] or self.broken or failed)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rouse")
    parser.add_argument("build")
    parser.add_argument("seconds", type=float)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    need("redis-benchmark")
    print(f"{options.seconds:g} s, on {os.cpu_count()} CPUs; --seed {options.seed}", flush=True)
    soak = Soak(options.build, options.seconds, options.seed)
    soak.run()
    sys.exit(0 if soak.report() else 1)


if __name__ == "__main__":
    main()
