# SPDX-License-Identifier: MIT
"""redis-benchmark against mini_redis, Debian's redis-server and the same as mini_redis on Tokio.

All servers run all the time, and the client goes to one after the other. What is counted of a server is what the kernel
counts of its threads, its agent's included; requests a second and latencies are the client's own figures. The client
runs on the same CPUs, so requests a second say what both take together.
"""

import csv
import os
import random
import shutil
import socket
import subprocess
import sys
import time

from kernel import cpu_ns, free_port

CONFIGURATION = "server and client free on all CPUs"
CONNECTIONS = 50
REQUESTS = 50000
# What redis-benchmark is asked for, by case.
LOADS = {
    "redis/ping": ["-t", "ping_mbulk"],
    "redis/set": ["-t", "set"],
    "redis/get": ["-t", "get"],
    "redis/incr": ["-t", "incr"],
    "redis/get_pipelined": ["-t", "get", "-P", "16"],
}
READY_S = 20


def voluntary_switches(pid):
    total = 0
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/status", encoding="ascii") as file:
            total += next(int(line.split()[1]) for line in file if line.startswith("voluntary"))
    return total


class Server:
    def __init__(self, name, command, env=None, watcher=None):
        self.name, self.port = name, free_port()
        self.process = subprocess.Popen([word.format(port=self.port) for word in command], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, env=dict(os.environ, **(env or {})))
        self.group = [self.process]
        end = time.monotonic() + READY_S
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                sys.exit(f"bench: the server {name} did not start")
            time.sleep(0.01)
        if watcher:
            self.group.append(subprocess.Popen([*watcher, str(self.process.pid)], stdin=subprocess.DEVNULL,
                                               stdout=subprocess.DEVNULL))
            time.sleep(0.5)  # until it watches; no figure depends on it

    def answers(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def check(self):
        for process in self.group:
            if process.poll() is not None:
                sys.exit(f"bench: of {self.name}, {process.args[0]} ended with status {process.returncode}")

    def stop(self):
        for process in reversed(self.group):
            process.kill()
            process.wait()

    def sample(self, case, requests):
        """The figures of one run of the client."""
        cpu, switches = cpu_ns(self.process.pid), voluntary_switches(self.process.pid)
        done = subprocess.run(["redis-benchmark", "--csv", "-p", str(self.port), "-n", str(requests), "-c",
                               str(CONNECTIONS), *LOADS[case]], capture_output=True, text=True, check=True)
        cpu = (cpu_ns(self.process.pid) - cpu) / requests
        switches = (voluntary_switches(self.process.pid) - switches) * 1e3 / requests
        self.check()
        row = next(csv.DictReader(done.stdout.splitlines()))
        rate = float(row["rps"])
        return {"ns": 1e9 / rate, "rate": rate, "cpu": cpu, "switches": switches,
                "p50": float(row["p50_latency_ms"]) * 1e3, "p99": float(row["p99_latency_ms"]) * 1e3}


def started(options):
    ours = [os.path.join(options.build, "runtime/examples/mini_redis"), "--port", "{port}"]
    console = os.path.join(options.build, "console/rouse")
    workers = {"ROUSE_WORKER_THREADS": str(options.workers)}
    servers = [Server("rouse L1", ours, {**workers, "ROUSE_LISTEN": "0", "ROUSE_LEVEL": "1"}),
               Server("watched", ours, {**workers, "ROUSE_LISTEN": "1", "ROUSE_LEVEL": "2"},
                      [console, "top", "-b", "-d", "1", "-n", "1000000"])]
    if shutil.which("redis-server"):
        servers.append(Server("redis", ["redis-server", "--port", "{port}", "--bind", "127.0.0.1", "--save", "",
                                        "--appendonly", "no"]))
    for peer in options.peer:
        name, path = peer.split("=", 1)
        tokio = os.path.join(os.path.dirname(path), "mini_redis")
        if name == "Tokio" and os.access(tokio, os.X_OK):
            servers.append(Server(name, [tokio, "{port}", str(options.workers)]))
    return [s for s in servers if not options.variants or s.name in options.variants]


def measure(options, wanted, samples):
    """Adds to {(case, configuration, variant): {figure: [...]}}."""
    if not shutil.which("redis-benchmark"):
        print("bench: no redis-benchmark: the servers are left out", file=sys.stderr)
        return
    servers = started(options)
    try:
        for done in range(options.rounds):
            for case in wanted:
                for server in random.sample(servers, len(servers)):
                    kept = samples.setdefault((case.name, CONFIGURATION, server.name), {})
                    for figure, value in server.sample(case.name, options.requests).items():
                        kept.setdefault(figure, []).append(value)
            print(f"bench: redis: round {done + 1} of {options.rounds}", file=sys.stderr)
    finally:
        for server in servers:
            server.stop()
