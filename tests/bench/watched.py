#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What it costs to be watched: instructions and CPU time of each level, and events as fast as they come.

Instructions are callgrind's, of a loop of polls on a current-thread runtime, as the difference of a long and a short
run: the same each time. CPU time is taken in turn at each level in one process, and told as paired differences. Then
one worker writes events as fast as it can while a client reads them: whatever is not delivered is counted as lost, and
that the sums agree is checked. Printed as a section of RESULTS.md.
"""

import argparse
import os
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from figures import cell, number, table
from million import SUBSCRIBE_TAG

LOOPS = {"rt_current_thread/x_yield_many": "yield", "rt_current_thread/x_wake_pair": "wake another"}
FLOWS = ["rt_multi_threaded/yield_many", "rt_multi_threaded/x_spawn_join", "net/x_tcp_echo_64x64B"]
LEVELS = (0, 1, 2)
EVENTS_PER_OP = 2  # of those loops: a wake and a poll
SHORT, LONG = 1, 3  # iterations
FRAME_EVENTS, FRAME_END = 10, 12  # bodies of Frame in rouse.proto
EVENTS_KIND = 6
END_LOST, END_DELIVERED, END_EMITTED = 6, 7, 8
READY_S = 20

# Not of this run: console-subscriber 0.5.0 on Tokio 1.53, on a virtual machine like this one, its gRPC replaced by a
# channel in the process; best of 4 to 6. Off: Tokio built with tracing, nobody listening.
TOKIO_CONSOLE = [
    ["a yield, 64 tasks, 2 workers", "74 ns", "523 ns", "7"],
    ["a round trip over a channel of 1", "621 ns", "9.4 us (11.3 us with a client)", "15"],
    ["an uncontended mutex, locked and unlocked", "129 ns", "6.4 us", "50"],
    ["a spawn, a yield, a join", "533 ns", "25.9 us", "49"],
    ["10 000 parked tasks, resident", "7 MB", "490 MB", "70"],
]


# --------------------------------------------------------------- instructions

def instructions(options, case, level, iterations):
    """(instructions, operations) of a whole run."""
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", options.program, "current",
                           "fixed", case, str(level), str(iterations)], capture_output=True, text=True, check=True,
                          env=dict(os.environ, ROUSE_LISTEN="0"))
    return (int(re.search(r"Collected : (\d+)", done.stderr).group(1)),
            sum(int(line) for line in done.stdout.split()))


def instructions_per_op(options, case, level):
    short, long = (instructions(options, case, level, n) for n in (SHORT, LONG))
    return (long[0] - short[0]) / (long[1] - short[1])


# ------------------------------------------------------------------- CPU time

class Program:
    """rouse_bench, taking samples."""

    def __init__(self, options, argument, listen, folder=""):
        self.process = subprocess.Popen([options.program, argument], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, bufsize=1,
                                        env=dict(os.environ, ROUSE_LISTEN=listen, XDG_RUNTIME_DIR=folder))
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def sample(self, case, level, milliseconds):
        self.process.stdin.write(f"{case} {level} {milliseconds}\n")
        answer = self.process.stdout.readline().split()
        if len(answer) < 4:
            sys.exit(f"watched: no sample of {case}")
        return [float(word) for word in answer]


def cpu_by_level(options, case):
    """{level: [CPU ns an operation, ...]}, taken in turn."""
    taken = {level: [] for level in LEVELS}
    with Program(options, "current", "0") as running:
        for _ in range(options.rounds):
            for level in random.sample(LEVELS, len(LEVELS)):
                taken[level].append(running.sample(case, level, options.ms)[1])
    return taken


def more(taken, level):
    """Paired differences to the level below."""
    return [a - b for a, b in zip(taken[level], taken[level - 1])]


def level_rows(options, valgrind):
    for case, words in LOOPS.items():
        taken = cpu_by_level(options, case)
        counted = {level: instructions_per_op(options, case, level) if valgrind else None for level in LEVELS}
        for level in LEVELS:
            row = [words, f"L{level}", number(counted[level]) if valgrind else "-", cell(taken[level])]
            if level == 0:
                row += ["", "", ""]
            else:
                row += [number(counted[level] - counted[level - 1]) if valgrind else "-", cell(more(taken, level)),
                        cell([d / EVENTS_PER_OP for d in more(taken, level)]) if level == 2 else ""]
            yield row


# --------------------------------------------------------------------- events

def fields(message):
    """{number: value} of a protobuf message: varints as numbers, what is delimited as bytes; the last of each."""
    at, found = 0, {}

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            value, at, shift = value | (byte & 127) << shift, at + 1, shift + 7
            if byte < 128:
                return value

    while at < len(message):
        tag = varint()
        value = varint()
        if tag & 7 == 2:
            value, at = message[at:at + value], at + value
        found[tag >> 3] = value
    return found


def body_at(stream, at):
    """Where the frame at `at` begins and ends behind its length; None if that is not all there."""
    length = shift = 0
    for i in range(at, len(stream)):
        length |= (stream[i] & 127) << shift
        if stream[i] < 128:
            return i + 1, i + 1 + length
        shift += 7
    return None


class Reader(threading.Thread):
    """A client that asks for events, and counts what it gets."""

    def __init__(self, folder, pid):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.records = self.bytes = self.ends = 0
        self.end = {}
        self.changed = threading.Condition()
        self.connect(f"{folder}/rouse/{pid}.sock")
        wanted = bytes([8, 20, 24, 1])  # a look each 20 ms, with events
        subscribe = SUBSCRIBE_TAG + bytes([len(wanted)]) + wanted
        self.socket.sendall(bytes([len(subscribe)]) + subscribe)
        self.start()

    def connect(self, path):
        end = time.monotonic() + READY_S
        while self.socket.connect_ex(path):
            if time.monotonic() > end:
                sys.exit(f"watched: nobody listens at {path}")
            time.sleep(0.01)

    def run(self):
        buffered = bytearray()
        while piece := self.socket.recv(1 << 20):
            buffered += piece
            at = 0
            while (body := body_at(buffered, at)) and body[1] <= len(buffered):
                self.take(bytes(buffered[body[0]:body[1]]), body[1] - at)
                at = body[1]
            del buffered[:at]
        self.socket.close()

    def take(self, frame, size):
        for body, message in fields(frame).items():
            if body == FRAME_EVENTS:
                self.bytes += size
                self.records += len(fields(message)[EVENTS_KIND])  # each kind is a byte
            elif body == FRAME_END:
                with self.changed:
                    self.end, self.ends = fields(message), self.ends + 1
                    self.changed.notify_all()

    def next_ends(self, n):
        """(emitted, delivered, lost, records got, bytes got) after n more looks."""
        with self.changed:
            until = self.ends + n
            if not self.changed.wait_for(lambda: self.ends >= until, timeout=READY_S):
                sys.exit("watched: the agent does not answer")
            return tuple(self.end.get(i, 0) for i in (END_EMITTED, END_DELIVERED, END_LOST)) + (self.records, self.bytes)


def agent_cpu_ns(pid):
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/comm", encoding="ascii") as f:
            if f.read().strip() == "rouse-agent":
                with open(f"/proc/{pid}/task/{tid}/schedstat", encoding="ascii") as f:
                    return int(f.read().split()[0])
    sys.exit("watched: there is no thread rouse-agent")


def flow(options, case):
    """One worker, one reader; all events of one sample, from before it to after it."""
    with tempfile.TemporaryDirectory() as folder, Program(options, "1", "1", folder) as running:
        reader = Reader(folder, running.pid)
        before, agent = reader.next_ends(3), agent_cpu_ns(running.pid)
        start = time.monotonic()
        sample = running.sample(case, 2, options.flow_ms)
        seconds = time.monotonic() - start
        after = reader.next_ends(3)
        agent = agent_cpu_ns(running.pid) - agent
    emitted, delivered, lost, records, received = (b - a for a, b in zip(before, after))
    if emitted != delivered + lost or records != delivered:
        sys.exit(f"watched: {case}: emitted {emitted}, delivered {delivered}, lost {lost}; {records} came")
    return {"emitted a second, M": emitted / seconds / 1e6, "delivered, M": delivered / 1e6, "lost, M": lost / 1e6,
            "delivered a second, M": delivered / seconds / 1e6, "agent's CPU ns each": agent / max(delivered, 1),
            "bytes each": received / max(delivered, 1), "CPU ns per op, read": sample[1], "at L2, unread": quiet_cpu(options, case)}


def quiet_cpu(options, case):
    with Program(options, "1", "0") as running:
        return running.sample(case, 2, options.flow_ms)[1]


def flow_rows(options):
    for case in FLOWS:
        runs = [flow(options, case) for _ in range(options.flow_rounds)]
        yield [f"`{case}`", *[cell([run[what] for run in runs]) for what in runs[0]]], list(runs[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--rounds", type=int, default=11, help="of CPU time")
    parser.add_argument("--ms", type=int, default=40)
    parser.add_argument("--flow-rounds", type=int, default=3, help="of events")
    parser.add_argument("--flow-ms", type=int, default=1000)
    options = parser.parse_args()
    options.program = os.path.join(options.build, "tests/bench/rouse_bench")
    valgrind = shutil.which("valgrind")
    print("\n## What it costs to be watched\n")
    print(f"{time.strftime('%F %R %z')}, load {os.getloadavg()[0]:.1f} at start; {options.rounds} rounds of {options.ms} ms, "
          f"{options.flow_rounds} of {options.flow_ms} ms with a reader.\nMedian (95 % interval, or range)."
          f"{'' if valgrind else ' No valgrind: no instructions.'}\n")
    print("An operation is a wake and the poll it leads to, on a current-thread runtime. L0 counts, L1 adds time stamps, L2\n"
          "an event for each of the two.\n")
    print("\n".join(table(["loop", "level", "instructions per op", "CPU ns per op", "instructions more", "CPU ns more",
                           "CPU ns an event"], list(level_rows(options, valgrind)))))
    print("\nOne worker writes events as fast as the case makes them, while a client reads them all. Checked: emitted = "
          "delivered\n+ lost, and the client got as many as the agent says it delivered.\n", flush=True)
    rows = list(flow_rows(options))
    print("\n".join(table(["case", *rows[0][1]], [row for row, _ in rows])))
    print("\nBeside it tokio-console's side of this, measured at another time on such a virtual machine "
          "(console-subscriber 0.5.0,\nTokio 1.53; its gRPC replaced by a channel in the process; with 102 400 events "
          "waiting it drops new ones). dial9, which\nrecords Tokio's polls, says of itself some 50 ns a poll.\n")
    print("\n".join(table(["what", "off", "on", "times"], TOKIO_CONSOLE)))
    print(f"\nrouse at L2 on the yield: {statistics.median(ratio_of_yield(options)):.1f} times what it takes at L0.")


def ratio_of_yield(options):
    taken = cpu_by_level(options, next(iter(LOOPS)))
    return [a / b for a, b in zip(taken[2], taken[0])]


if __name__ == "__main__":
    main()
