#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""mini_redis_protocol.py MINI_REDIS: what goes over the wire, however it is cut."""

import sys
import unittest

from harness import MiniRedis, connect, main, read_exactly, read_until_closed

PROGRAM = sys.argv[1]

# Requests, each with its reply.
PIECES = [
    (b"PING\r\n", b"+PONG\r\n"),
    (b"*3\r\n$3\r\nSET\r\n$4\r\nk\r\n1\r\n$5\r\n\0\r\n\xff*\r\n", b"+OK\r\n"),
    (b"get \"k\\r\\n1\"\r\n", b"$5\r\n\0\r\n\xff*\r\n"),
    (b"\r\n", b""),
    (b"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", b"$0\r\n\r\n"),
    (b"mset n 41 m 'a b'\n", b"+OK\r\n"),
    (b"*2\r\n$4\r\nincr\r\n$1\r\nn\r\n", b":42\r\n"),
    (b"*4\r\n$4\r\nMGET\r\n$1\r\nn\r\n$1\r\nm\r\n$4\r\nnone\r\n", b"*3\r\n$2\r\n42\r\n$3\r\na b\r\n$-1\r\n"),
    (b"nonsense\r\n", b"-ERR unknown command 'nonsense'\r\n"),
    (b"incr m\r\n", b"-ERR value is not an integer or out of range\r\n"),
    (b"get\r\n", b"-ERR wrong number of arguments for 'get' command\r\n"),
    (b"DEL n m n none\r\n", b":2\r\n"),
]
SCRIPT = b"".join(request for request, _ in PIECES)
REPLIES = b"".join(reply for _, reply in PIECES)


def replies_within(n):
    """The replies to those requests that are whole in the script's first n bytes."""
    replies, at = b"", 0
    for request, reply in PIECES:
        at += len(request)
        if at <= n:
            replies += reply
    return replies


class Protocol(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.redis = MiniRedis(PROGRAM)

    @classmethod
    def tearDownClass(cls):
        with cls.redis:
            totals = cls.redis.stop()
            assert totals["panicked"] == 0 and totals["live"] == 0, totals

    def last_words(self, request):
        """All that the server says to a request and before it closes."""
        with connect(self.redis.port) as s:
            s.sendall(request)
            return read_until_closed(s)

    def test_a_pipeline_is_answered_in_order(self):
        self.redis.ask(SCRIPT * 50, REPLIES * 50)

    def test_it_may_be_split_anywhere(self):
        with connect(self.redis.port) as s:
            for cut in range(1, len(SCRIPT)):
                s.sendall(SCRIPT[:cut])
                first = read_exactly(s, len(replies_within(cut)))  # now it waits for the rest
                s.sendall(SCRIPT[cut:])
                self.assertEqual(first + read_exactly(s, len(REPLIES) - len(first)), REPLIES, f"cut at {cut}")

    def test_it_may_come_byte_by_byte(self):
        with connect(self.redis.port) as s:
            for i in range(len(SCRIPT)):
                s.sendall(SCRIPT[i:i + 1])
            self.assertEqual(read_exactly(s, len(REPLIES)), REPLIES)

    def test_large_values_come_back_whole(self):
        value = bytes(range(256)) * 4096  # a megabyte, the most one argument may have
        request = b"*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$%d\r\n%s\r\n" % (len(value), value)
        with connect(self.redis.port) as s:
            s.sendall(request + b"GET big\r\n" * 3)
            self.assertEqual(read_exactly(s, 5), b"+OK\r\n")
            for _ in range(3):
                head = b"$%d\r\n" % len(value)
                self.assertEqual(read_exactly(s, len(head)), head)
                self.assertTrue(read_exactly(s, len(value)) == value)
                self.assertEqual(read_exactly(s, 2), b"\r\n")

    def test_a_reply_that_is_too_big_is_an_error_and_no_more(self):
        value = b"x" * (1 << 20)
        with connect(self.redis.port) as s:
            s.sendall(b"*3\r\n$3\r\nSET\r\n$3\r\nfat\r\n$%d\r\n%s\r\n" % (len(value), value))
            s.sendall(b"MGET" + b" fat" * 17 + b"\r\nPING\r\n")
            expected = b"+OK\r\n-ERR the reply is too big, or memory is short\r\n+PONG\r\n"
            self.assertEqual(read_exactly(s, len(expected)), expected)

    def test_malformed_input_is_answered_and_closed(self):
        for request, error in {
                b"*x\r\n": b"invalid multibulk length",
                b"*1\r\nPING\r\n": b"expected '$'",
                b"*1\r\n*1\r\n" * 1000: b"expected '$'",
                b"*1\r\n$-5\r\n": b"invalid bulk length",
                b"*1\r\n$4\r\nPINGxx": b"expected CRLF after bulk",
                b"*1025\r\n": b"too many arguments",
                b"*99999999999999999999\r\n": b"invalid multibulk length",
                b"*1\r\n$1048577\r\n": b"invalid bulk length",
                b"*" + b"1" * 100: b"invalid multibulk length",
                b"set 'a b\r\n": b"unbalanced quotes in request",
                b"y" * 65536: b"too big inline request"}.items():
            self.assertEqual(self.last_words(b"PING\r\n" + request),
                             b"+PONG\r\n-ERR Protocol error: " + error + b"\r\n", f"to {request[:40]!r}")

    def test_the_error_arrives_though_more_was_sent(self):
        # Megabytes after the fault: closing at once would reset the connection and lose the reply.
        self.assertEqual(self.last_words(b"*x\r\n" + b"z" * (4 << 20)),
                         b"-ERR Protocol error: invalid multibulk length\r\n")

    def test_quit_answers_and_closes(self):
        self.assertEqual(self.last_words(b"PING\r\nQUIT\r\nPING\r\n"), b"+PONG\r\n+OK\r\n")

    def test_a_half_closed_client_still_gets_its_replies(self):
        with connect(self.redis.port) as s:
            s.sendall(SCRIPT)
            s.shutdown(1)
            self.assertEqual(read_until_closed(s), REPLIES)


if __name__ == "__main__":
    main()
