#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""trace.py ROUSE MINI_REDIS PERFETTO_PROTO: a trace for Perfetto, decoded by protoc: its slices nest, times ascend, flows match."""

import collections
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest

from common import INCOMPLETE, LISTEN, OK, USAGE, ask, rouse, said

from harness import MiniRedis, connect, main, need, read_exactly

MINI_REDIS, PROTO = sys.argv[2:4]
need("protoc")


class Message(dict):
    """Of protoc's text: {name: [value or Message]}"""

    def one(self, name, default=None):
        return self[name][0] if name in self else default


def parse(lines):
    message = Message()
    for line in lines:
        line = line.strip()
        if line == "}":
            break
        if line.endswith("{"):
            message.setdefault(line[:-2], []).append(parse(lines))
            continue
        name, value = line.split(": ", 1)
        if name.isdigit():
            raise AssertionError(f"a field that is not in the .proto: {line}")
        message.setdefault(name, []).append(int(value) if re.fullmatch(r"-?\d+", value) else value.strip('"'))
    return message


class Trace:
    def __init__(self, path):
        with open(path, "rb") as file:
            text = subprocess.run(["protoc", "--decode=perfetto.protos.Trace", f"-I{os.path.dirname(PROTO)}", PROTO],
                                  stdin=file, check=True, stdout=subprocess.PIPE, text=True).stdout
        packets = parse(iter(text.splitlines()))["packet"]
        self.tracks = {p.one("track_descriptor").one("uuid"): p.one("track_descriptor") for p in packets
                       if "track_descriptor" in p}
        self.packets = packets
        self.events = [(p.one("timestamp"), p.one("track_event")) for p in packets if "track_event" in p]
        self.slices = collections.defaultdict(list)  # by track: [begin, end, event]

    def check(self, test):
        """What must hold of any trace."""
        self.check_order(test)
        times = [time for time, _ in self.events]
        test.assertEqual(times, sorted(times), "times ascend")
        starts, ended, is_open = {}, set(), {}
        for time, event in self.events:
            track, kind = event.one("track_uuid"), event.one("type")
            test.assertIn(track, self.tracks)
            if kind == "TYPE_SLICE_BEGIN":
                test.assertNotIn(track, is_open, "slices of a track do not overlap")
                is_open[track] = (time, event)
            elif kind == "TYPE_SLICE_END":
                begin, of = is_open.pop(track)
                self.slices[track].append((begin, time, of))
            for flow in event.get("flow_ids", []):
                test.assertNotIn(flow, starts, "a flow begins once")
                starts[flow] = (time, event)
            for flow in event.get("terminating_flow_ids", []):
                test.assertIn(flow, starts, "a flow ends after it began")
                test.assertNotIn(flow, ended, "and once")
                test.assertEqual(annotation(event, "task"), annotation(starts[flow][1], "task"), "at the task that was woken")
                ended.add(flow)
        test.assertEqual(is_open, {}, "all that began has ended")
        test.assertEqual(set(starts), ended)
        for track in self.tracks.values():
            test.assertIn(track.one("parent_uuid", track.one("uuid")), self.tracks)
        return len(ended)

    def check_order(self, test):
        """A viewer reads once, from the front: each sequence by its own clock, and a track before what is on it."""
        known, newest = set(), {}
        for packet in self.packets:
            sequence, time = packet.one("trusted_packet_sequence_id"), packet.one("timestamp")
            test.assertTrue(sequence, "every packet is of a sequence")
            if "track_descriptor" in packet:
                track = packet.one("track_descriptor")
                test.assertNotIn(track.one("uuid"), known, "a track is described once")
                test.assertIn(track.one("parent_uuid", track.one("uuid")), known | {track.one("uuid")})
                known.add(track.one("uuid"))
            if "track_event" not in packet:
                continue
            event = packet.one("track_event")
            test.assertIn(event.one("track_uuid"), known, "a track is described before it is used")
            test.assertGreaterEqual(time, newest.get(sequence, 0), "times of a sequence ascend")
            newest[sequence] = time
            is_counter = "counter" in self.tracks[event.one("track_uuid")]
            test.assertEqual(event.one("type") == "TYPE_COUNTER", is_counter, "numbers are on counters, and only there")

    def named(self, pattern):
        return [uuid for uuid, track in self.tracks.items() if re.fullmatch(pattern, track.one("name"))]


def annotation(event, name):
    return next((a.one("uint_value") for a in event.get("debug_annotations", []) if a.one("name") == name), None)


class Test(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = os.path.join(folder.name, "trace")

    def export(self, redis, *args, exits=(OK,)):
        done = rouse("export", "--perfetto", "-o", self.file, *args, redis.pid)
        self.assertIn(done.returncode, exits, said(done))
        return done.stderr

    def test_polls_wakes_and_states_of_a_server_under_load(self):
        with MiniRedis(MINI_REDIS, env=LISTEN) as redis, connect(redis.port) as client:
            argv = [sys.argv[1], "export", "--perfetto", "-o", self.file, "--for", "30s", str(redis.pid)]
            with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as exporter:
                level = 0
                while level < 2:  # it has begun
                    level = ask("ps", redis.pid)["runtimes"][0]["level"]
                for _ in range(100):
                    client.sendall(b"PING\r\n")
                    read_exactly(client, 7)
                exporter.send_signal(signal.SIGINT)
                told = exporter.communicate()[1]
                self.assertEqual(exporter.returncode, OK, told)
            task = next(task for task in ask("ps", redis.pid)["tasks"] if task["name"] != "serve")
            redis.stop()
        trace = Trace(self.file)
        flows = trace.check(self)
        self.assertIn(f" {flows} wakes that led to a poll", told)
        self.assertNotIn("lost", told)
        polls = [event for track in trace.named("worker .*") for _, _, event in trace.slices[track]
                 if annotation(event, "task") == int(task["id"])]
        numbers = [annotation(event, "poll") for event in polls]
        self.assertEqual(sorted(numbers), list(range(min(numbers), min(numbers) + len(numbers))), "no poll is missing")
        self.assertEqual(max(numbers), task["polls"], "up to the last one")
        self.assertGreater(len(polls), 10)  # a poll may serve more than one request
        self.assertEqual({event.one("name") for event in polls}, {task["name"]})
        place = polls[0].one("source_location")
        self.assertEqual((place.one("function_name"), place.one("line_number")),
                         (task["spawned"]["function"], task["spawned"]["line"]))
        states = trace.slices[trace.named(f".* {task['id']}")[0]]
        names = [event.one("name") for _, _, event in states]
        self.assertEqual(names.count("running"), len(polls))
        for left, right in zip(names, names[1:]):
            self.assertIn((left, right), (("scheduled", "running"), ("running", "waiting"), ("waiting", "scheduled"),
                                          ("running", "scheduled"), ("scheduled", "scheduled"), ("waiting", "running")))
        live = [event.one("counter_value") for _, event in trace.events
                if event.one("track_uuid") in trace.named("live tasks of mini_redis")]
        self.assertEqual(live[-1], 2)
        wakes = [event for _, event in trace.events if event.one("name") == f"wake {task['name']}"]
        self.assertGreaterEqual(len(wakes), len(polls) - 1)

    def test_without_events_it_says_how_to_have_them(self):
        with MiniRedis(MINI_REDIS) as redis:
            self.assertIn("ROUSE_LISTEN=1", self.export(redis, "--for", "100ms", exits=(INCOMPLETE,)))
            redis.stop()

    def test_what_it_cannot_be_asked_is_refused(self):
        for args in (["--for", "0s"], ["--for", "x"], ["-o", ""]):
            done = rouse("export", "--perfetto", *args, "1")
            self.assertEqual(done.returncode, USAGE, said(done))


if __name__ == "__main__":
    main()
