#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""clients_and_servers.py ECHO README HELLO_CLIENT: the examples that need somebody at the other end."""

import signal
import socket
import sys
import unittest

from harness import Program, connect, eventually, free_port, main, read_exactly, read_until_closed

ECHO, README, HELLO_CLIENT = sys.argv[1:4]


def listens(port):
    try:
        connect(port).close()
        return True
    except ConnectionRefusedError:
        return False


class EchoServers(unittest.TestCase):
    def echoes(self, port):
        """Three clients at once, each with more than fits one read."""
        clients = [connect(port) for _ in range(3)]
        try:
            for i, client in enumerate(clients):
                client.sendall(b"%d" % i * 9999)
            for i, client in reversed(list(enumerate(clients))):
                self.assertEqual(read_exactly(client, 9999), b"%d" % i * 9999)
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(read_until_closed(client), b"")
        finally:
            for client in clients:
                client.close()

    def test_echo_says_back_what_it_hears(self):
        with Program(ECHO, 0) as echo:
            self.echoes(int(echo.wait_line(r"listening on 127\.0\.0\.1:(\d+)").group(1)))

    def test_echo_outlives_a_client_that_is_killed(self):
        with Program(ECHO, 0) as echo:
            port = int(echo.wait_line(r"listening on 127\.0\.0\.1:(\d+)").group(1))
            with connect(port) as client:
                client.sendall(b"x" * 100000)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # close sends a reset
            self.echoes(port)

    def test_the_tiny_one_echoes_too(self):
        port = free_port()
        with Program(README, port) as server:
            eventually("tiny_echo listens", lambda: listens(port))
            self.echoes(port)
            self.assertEqual(server.end(signal.SIGTERM), -signal.SIGTERM)

    def test_a_port_that_is_taken_is_said_with_words(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            with Program(README, taken.getsockname()[1]) as server:
                self.assertEqual(server.end(), 1)
                self.assertIn("Address already in use", server.said())


class HelloClient(unittest.TestCase):
    def test_it_connects_writes_and_reports_success(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            with Program(HELLO_CLIENT, server.getsockname()[1]) as client:
                conn, _ = server.accept()
                with conn:
                    self.assertEqual(read_until_closed(conn), b"hello world\n")
                self.assertEqual(client.end(), 0)
                self.assertEqual(client.stdout, ["created stream\n", "wrote to stream; success=true\n"])

    def test_nobody_there_is_said_with_words(self):
        with Program(HELLO_CLIENT, free_port()) as client:
            self.assertEqual(client.end(), 1)
            self.assertIn("Connection refused", client.said())


if __name__ == "__main__":
    main()
