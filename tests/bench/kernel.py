#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What it costs a server that the kernel is asked about its polls: CPU per request with and without each group.

The example servers mini_redis and echo, under redis-benchmark. (To the echo server the command PING comes back as a
reply like any other.) In each round, in an order that is shuffled, every group of `rouse probe` follows the server
once, and once nothing does; so each figure with has one without beside it, of the same moment. CPU time is what the
kernel counts for the server's threads (to the nanosecond, by no tick), and so has what its BPF programs take on their
behalf; that of the client is printed too, for programs on system calls and switches run for every process. Medians of
the rounds' quotients, and the middle half of them. Needs root. Printed as a section of RESULTS.md.

A server on a quiet machine takes more than twice the CPU a request that it takes on a busy one, so whatever keeps the
machine busy can make it look cheaper. Two rows are there to compare with: "company" is a process that computes a tenth
of the time, as `rouse probe --profile` does, and follows nobody; "clock" takes the same samples as profile, and nobody
reads them.
"""

import argparse
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import time

SERVERS = {"redis": ("mini_redis", ["--port"], ["set", "get"]), "echo": ("echo", [], ["ping_mbulk"])}
GROUPS = {"sched": ["--sched"], "syscalls": ["--syscalls"], "blocks": ["--blocks"], "faults": ["--faults"],
          "profile": ["--profile"], "company": None, "clock": None}
COMPANY = """
import time
while True:
    end = time.thread_time() + 0.002
    while time.thread_time() < end:
        pass
    time.sleep(0.018)
"""
PROFILE = 1 << 4  # as on the wire
READY_S = 20


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_ns(pid):
    """Of all threads so far: the kernel's own count, in nanoseconds."""
    total = 0
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total


def sleeps(pid):
    """How often a thread of it has given its CPU up to wait."""
    total = 0
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/status", encoding="utf-8", errors="replace") as file:
            total += sum(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt_switches:"))
    return total


class Server:
    def __init__(self, build, name):
        program, option, self.commands = SERVERS[name]
        self.port = free_port()
        self.process = subprocess.Popen([f"{build}/runtime/examples/{program}", *option, str(self.port)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        end = time.monotonic() + READY_S
        while True:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    break
            if self.process.poll() is not None or time.monotonic() > end:
                sys.exit(f"kernel: {program} did not start")
            time.sleep(0.01)

    def stop(self):
        self.process.kill()
        self.process.wait()

    def load(self, requests, connections):
        """(server's, client's) CPU ns, and times the server slept, a request."""
        before, slept = cpu_ns(self.process.pid), sleeps(self.process.pid)
        client = subprocess.Popen(["redis-benchmark", "-p", str(self.port), "-t", ",".join(self.commands), "-n",
                                   str(requests), "-c", str(connections), "-q"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(client.pid, 0)
        client.returncode = os.waitstatus_to_exitcode(status)
        if client.returncode:
            sys.exit(f"kernel: redis-benchmark ended with status {client.returncode}")
        n = requests * len(self.commands)
        return ((cpu_ns(self.process.pid) - before) / n, (usage.ru_utime + usage.ru_stime) * 1e9 / n,
                (sleeps(self.process.pid) - slept) / n)


def follow(build, options, pid):
    """Returns when it measures."""
    probe = subprocess.Popen([f"{build}/console/rouse", "probe", *options, str(pid)], stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True)
    line = probe.stderr.readline()
    if not line.startswith("rouse probe: following"):
        sys.exit("kernel: " + line + probe.stderr.read())
    return probe


def begin(build, group, pid):
    """What is to be there meanwhile, once it is."""
    if group == "company":
        return subprocess.Popen([sys.executable, "-c", COMPANY], stderr=subprocess.DEVNULL)
    if group == "clock":
        clock = subprocess.Popen([f"{build}/tests/bpf/kernel", str(pid), f"groups={PROFILE}", "stall=1"],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if "open" not in clock.stdout.readline():
            sys.exit("kernel: there is no clock to sample by")
        return clock
    return follow(build, GROUPS[group], pid)


def measure(arguments, server, group):
    other = begin(arguments.build, group, server.process.pid) if group else None
    figures = server.load(arguments.requests, arguments.connections)
    if other:
        other.send_signal(signal.SIGINT)
        other.communicate()
    return figures


def middle(values, form):
    values = sorted(values)
    return (f"{form.format(statistics.median(values))} ({form.format(values[len(values) // 4])}.."
            f"{form.format(values[(3 * len(values) - 1) // 4])})")


def rows_of(arguments, name):
    server = Server(arguments.build, name)
    figures = {group: [] for group in [None, *arguments.groups]}
    try:
        server.load(arguments.requests, arguments.connections)  # warm
        for _ in range(arguments.rounds):
            order = list(figures)
            random.shuffle(order)
            for group in order:
                figures[group].append(measure(arguments, server, group))
    finally:
        server.stop()
    for group in figures:
        ours = [a[0] / b[0] for a, b in zip(figures[group], figures[None])]
        client = [a[1] / b[1] for a, b in zip(figures[group], figures[None])]
        yield (f"| {name} | {group or 'nothing'} | {middle([f[0] / 1000 for f in figures[group]], '{:.2f}')} | "
               f"{middle(ours, '{:.3f}')} | {middle(client, '{:.3f}')} | "
               f"{middle([f[2] for f in figures[group]], '{:.3f}')} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--requests", type=int, default=40000)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--groups", type=lambda text: text.split(","), default=list(GROUPS))
    arguments = parser.parse_args()
    print("\n## A server whose polls the kernel is asked about\n")
    print(f"{time.strftime('%Y-%m-%d %H:%M %z')}, load {os.getloadavg()[0]:.1f} at start; {arguments.rounds} rounds of "
          f"{arguments.requests} requests on\n{arguments.connections} connections. Medians, and the middle half.\n")
    print("| server | followed by | us of its CPU a request | with / without | the client's, with / without | "
          "sleeps a request |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in SERVERS:
        for row in rows_of(arguments, name):
            print(row, flush=True)


if __name__ == "__main__":
    main()
