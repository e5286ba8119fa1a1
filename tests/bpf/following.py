# SPDX-License-Identifier: MIT
"""A program that does what it is told on standard input, and a `rouse probe` of it that sums in the kernel."""

import functools
import json
import os
import signal
import subprocess
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "export"))

from privileges import HANG_S  # noqa: E402  pylint: disable=wrong-import-position
from schema import SCHEMA  # noqa: E402  pylint: disable=wrong-import-position


def as_the_schema_says(document):
    """The document, if `rouse schema` describes it, member by member."""
    wrong = SCHEMA.fail(document, SCHEMA.root["$defs"][document["schema"]], document["schema"])
    assert wrong is None, wrong
    return document


class Target:
    """`first`: a command that says that the program is up."""

    def __init__(self, program, first, *launcher, **environment):
        self.process = subprocess.Popen([*launcher, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=dict(os.environ, **environment))
        self.pid = self.process.pid
        self.run(first, 0)

    def begin(self, verb, number=0):
        self.process.stdin.write(f"{verb} {number}\n")
        self.process.stdin.flush()

    def end(self):
        line = self.process.stdout.readline()
        assert line.startswith("done "), line
        return int(line.split()[1])

    def run(self, verb, number=0):
        """What it knows itself."""
        self.begin(verb, number)
        return self.end()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


def workers_have_begun(rouse, pid):
    """A thread that begins meanwhile is followed late, which is said and is no truth to measure."""
    done = subprocess.run([rouse, "ps", "--json", "--source", "memory", str(pid)], capture_output=True, text=True,
                          check=False)
    return done.returncode != 0 or all(worker["tid"] for runtime in json.loads(done.stdout)["runtimes"]
                                       for worker in runtime["workers"] if not worker["foreign"])


class Probe:
    """Measures from the constructor to finish()."""

    def __init__(self, rouse, group, target, *arguments):
        wait_until(lambda: workers_have_begun(rouse, target.pid))
        self.process = subprocess.Popen([rouse, "probe", group, "--json", *arguments, str(target.pid)],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        assert line.startswith("rouse probe: following process"), line + self.process.stderr.read()

    def finish(self, send=signal.SIGINT, status=0):
        if send:
            self.process.send_signal(send)
        out, err = self.process.communicate(timeout=HANG_S)
        assert self.process.returncode == status, (self.process.returncode, out, err)
        return as_the_schema_says(json.loads(out))


def again(test):
    """For truths that are lower bounds of time asleep: the host of a virtual machine may hold it for as long, and a nap
    is over before its thread has left the CPU. Each failure is told; what fails three times is wrong.
    """
    @functools.wraps(test)
    def measured_again(self):
        for _ in range(2):
            try:
                return test(self)
            except AssertionError as error:
                print(f"{test.__name__} is measured again: {error}", file=sys.stderr, flush=True)
        return test(self)
    return measured_again


def programs_named(prefix):
    """The BPF programs that are loaded on this machine and are called so."""
    return {line.split(":")[0] for line in subprocess.run(
        ["bpftool", "prog", "list"], capture_output=True, text=True, check=True).stdout.splitlines() if prefix in line}


def wait_until(condition):
    deadline = time.monotonic() + HANG_S
    while not condition():
        assert time.monotonic() < deadline
