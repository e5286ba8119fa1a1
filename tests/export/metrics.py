#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""metrics.py ROUSE MINI_REDIS HOSTILE: what Prometheus is told is well-formed, and as true as what ps says."""

import contextlib
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

from common import LISTEN, NO_TARGET, OK, USAGE, ask, at_rest, rouse, said, stop
from openmetrics import parse

from harness import DEADLINE_S, MiniRedis, Program, eventually, main

ROUSE, MINI_REDIS, HOSTILE = sys.argv[1:4]
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0; charset=utf-8,text/plain;q=0.5"}


def metrics_of(program):
    done = rouse("export", "--openmetrics", program.pid)
    if done.returncode != OK or done.stderr:
        raise AssertionError(said(done))
    return parse(done.stdout)


@contextlib.contextmanager
def served(program):
    """The exporter and its port."""
    with Program(ROUSE, "export", "--openmetrics", "--listen", "127.0.0.1:0", program.pid) as exporter:
        yield exporter, int(exporter.wait_line(r"at http://127\.0\.0\.1:(\d+)/metrics").group(1))


def get(port, path="/metrics", headers=None, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    with contextlib.closing(connection):
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return answer, answer.read().decode()


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def raw(port, request):
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as s:
        s.sendall(request)
        s.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while part := s.recv(65536):
                answer += part
        return answer


class Truth(unittest.TestCase):
    def test_they_are_what_ps_and_check_say(self):
        with MiniRedis(MINI_REDIS, "--trouble") as redis:
            at_rest(redis)
            stop(redis)
            metrics, ps = metrics_of(redis), ask("ps", redis.pid)
            check = ask("check", redis.pid, exits=(OK, 1), source="memory")
            runtime = ps["runtimes"][0]
            for state, count in runtime["states"].items():
                self.assertEqual(metrics.one("rouse_tasks", state=state), count)
            for name, total in runtime["totals"].items():
                unit = re.sub("_ns$", "_seconds", name)
                self.assertAlmostEqual(metrics.sum("rouse_worker_" + unit), total / 1e9 if unit != name else total, 6)
            self.assertEqual(metrics.one("rouse_live_tasks"), runtime["live"])
            self.assertEqual(metrics.one("rouse_stopped"), 1)
            self.assertEqual(metrics.one("rouse_target", pid=str(redis.pid), program="mini_redis"), 1)
            proven = sum(finding["class"] == "proven" for finding in check["findings"])
            self.assertEqual(metrics.sum("rouse_findings", **{"class": "proven"}), proven)
            self.assertEqual(metrics.one("rouse_resources", kind="listener"), 1)
            polls = metrics.sum("rouse_poll_duration_seconds", le="+Inf")
            sites = ask("sched", redis.pid)["runtimes"][0]["spawn_sites"]
            self.assertEqual(polls, sum(site["poll_ns"]["count"] for site in sites))
            redis.process.send_signal(signal.SIGCONT)
            redis.stop()

    def test_no_label_has_a_tasks_id_or_name_and_hostile_names_are_escaped(self):
        with Program(HOSTILE, stdin=subprocess.PIPE) as program:
            program.wait_line("^ready$")
            metrics = metrics_of(program)
            values = {value for samples in metrics.values() for _, labels, _ in samples for value in labels.values()}
            self.assertTrue([value for value in values if "[2J" in value], "the runtime's name is there")
            self.assertFalse([value for value in values if re.search(r"red|owned|[\x00-\x1f\x7f-\x9f]", value)])
            names = {label for samples in metrics.values() for _, labels, _ in samples for label in labels}
            self.assertFalse({name for name in names if re.search("task|id$", name)} - {"pid"})
            program.process.stdin.close()
            program.end()

    def test_quotes_and_backslashes_in_a_name_are_escaped_and_read_back(self):
        with tempfile.TemporaryDirectory() as folder:
            odd = shutil.copy(MINI_REDIS, os.path.join(folder, 'a"b\\c{d'))
            with MiniRedis(odd) as redis:
                self.assertEqual(metrics_of(redis).one("rouse_target", program='a"b\\c{d'), 1)
                redis.stop()

    def test_help_names_every_metric(self):
        text = rouse("export", "--help").stdout
        with MiniRedis(MINI_REDIS) as redis:
            for samples in metrics_of(redis).values():
                for name in {re.sub("_bucket$", "", name) for name, _, _ in samples}:
                    self.assertRegex(text, rf"(?m)^  {name} ")
            redis.stop()


class Http(unittest.TestCase):
    def test_who_asks_for_openmetrics_gets_it_and_others_the_older_format(self):
        with MiniRedis(MINI_REDIS, env=LISTEN) as redis, served(redis) as (exporter, port):
            answer, text = get(port, headers=OPENMETRICS)
            self.assertEqual(answer.getheader("Content-Type"), "application/openmetrics-text; version=1.0.0; charset=utf-8")
            self.assertEqual(parse(text).one("rouse_target", source="socket"), 1)
            answer, text = get(port)
            self.assertIn("version=0.0.4", answer.getheader("Content-Type"))
            self.assertIn("\n# TYPE rouse_looks_total counter\nrouse_looks_total{", text)
            self.assertNotIn("# EOF", text)
            answer, text = get(port, method="HEAD")
            self.assertEqual((answer.status, text), (200, ""))
            self.assertEqual(exporter.end(signal.SIGTERM), 0)
            redis.stop()

    def test_what_is_no_question_of_a_scraper_is_refused_and_the_next_one_is_served(self):
        with MiniRedis(MINI_REDIS) as redis, served(redis) as (exporter, port):
            for request, status in ((b"GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403),
                                    (b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n", 403),
                                    (b"GET /metrics HTTP/1.1\r\n\r\n", 403),
                                    (b"GET /else HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
                                    (b"POST /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
                                    (b"GET http://x HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
                                    (b"\r\n\r\n", 400), (b"GET \0\r\n\r\n", 400),
                                    (b"GET / HTTP/1.1\r\nX: " + b"x" * 9000, 431)):
                self.assertRegex(raw(port, request), rb"^HTTP/1\.1 %d " % status, request[:60])
            self.assertEqual(raw(port, b"GET /met"), b"")
            self.assertEqual(get(port)[0].status, 200)
            self.assertEqual(exporter.end(signal.SIGINT), 130)
            redis.stop()

    def test_clients_that_ask_nothing_keep_their_places_only(self):
        with MiniRedis(MINI_REDIS) as redis, served(redis) as (exporter, port), contextlib.ExitStack() as stack:
            before, idle = open_files(exporter.pid), []
            for _ in range(5):  # all places are taken, one gets free, the next is served
                while len(idle) < 16:
                    idle.append(stack.enter_context(socket.create_connection(("127.0.0.1", port))))
                eventually("all places are taken", lambda: open_files(exporter.pid) == before + 16)
                late = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S))
                late.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
                idle.pop().close()
                self.assertEqual(late.recv(12), b"HTTP/1.1 200")
                late.close()
            self.assertEqual(exporter.end(signal.SIGTERM), 0)
            redis.stop()

    def test_it_ends_with_its_target(self):
        with MiniRedis(MINI_REDIS, env=LISTEN) as redis, served(redis) as (exporter, port):
            redis.stop()
            self.assertEqual(exporter.end(), NO_TARGET)
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port))

    def test_only_loopback_is_listened_on(self):
        with MiniRedis(MINI_REDIS) as redis:
            for where in ("0.0.0.0:9464", "[::]:9464", "10.0.0.1:1", "127.0.0.1", "9464", "here:1", "127.0.0.1:65536",
                          "127.0.0.1:1x", "[::1:1"):
                done = rouse("export", "--openmetrics", "--listen", where, redis.pid)
                self.assertEqual(done.returncode, USAGE, said(done))
            redis.stop()


class Usage(unittest.TestCase):
    def test_a_format_has_to_be_said(self):
        done = rouse("export", "1")
        self.assertEqual((done.returncode, done.stdout), (USAGE, ""), said(done))


if __name__ == "__main__":
    main()
