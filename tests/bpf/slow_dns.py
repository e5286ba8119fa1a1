#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a command where every name is found, slowly: slow_dns.py MS COMMAND...

As root, behind `unshare --net --mount`. There a server answers each question for an address with 127.0.0.1, so many
milliseconds after it was asked; it ends with the command.
"""

import ctypes
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

SIOCSIFFLAGS, IFF_UP, PR_SET_PDEATHSIG = 0x8914, 1, 1
ANSWER, NO_ERROR = 0x8180, 0
HEADER = struct.Struct("!6H")
TYPE_A = 1


def bring_loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def ask_here():
    with tempfile.NamedTemporaryFile("w", suffix=".conf", delete=False) as file:
        file.write("nameserver 127.0.0.1\n")
    subprocess.run(["mount", "--bind", file.name, os.path.realpath("/etc/resolv.conf")], check=True)
    os.unlink(file.name)


def answer_to(question):
    number = HEADER.unpack_from(question)[0]
    end = question.index(b"\0", HEADER.size) + 5  # the name, its type and class
    kind, = struct.unpack_from("!H", question, end - 4)
    answers = b""
    if kind == TYPE_A:
        answers = struct.pack("!HHHIH4B", 0xc00c, TYPE_A, 1, 0, 4, 127, 0, 0, 1)
    return HEADER.pack(number, ANSWER, 1, len(answers) // 16, 0, 0) + question[HEADER.size:end] + answers


def serve(server, seconds):
    while True:
        question, client = server.recvfrom(512)
        time.sleep(seconds)
        server.sendto(answer_to(question), client)


def main():
    seconds = int(sys.argv[1]) / 1000
    bring_loopback_up()
    ask_here()
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        for fd in (0, 1):
            os.close(fd)
        serve(server, seconds)
    server.close()
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
