# SPDX-License-Identifier: MIT
"""What the tests of watching share: the console as people and scripts run it, beside the programs it looks at.

The first argument of every test program here is the console.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))

from harness import DEADLINE_S, eventually  # noqa: E402  pylint: disable=wrong-import-position

ROUSE = sys.argv[1]
LISTEN = {"ROUSE_LISTEN": "1"}
# The exit codes that `rouse --help` documents.
OK, FINDINGS, USAGE, NO_TARGET, NOT_PERMITTED, INCOMPATIBLE, INCOMPLETE, TIMEOUT = range(8)


def rouse_environment():
    """The user's, but for what would change how the console prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROUSE_") and name != "NO_COLOR"}
    return {**kept, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color", "LINES": "40", "COLUMNS": "120"}


def rouse(*args, env=None, **more):
    """Runs the console to its end. Answers what subprocess.run() does, as text; decides nothing."""
    argv = [ROUSE, *(str(arg) for arg in args)]
    return subprocess.run(argv, capture_output=True, encoding="utf-8", errors="surrogateescape",
                          timeout=3 * DEADLINE_S, check=False, env={**rouse_environment(), **(env or {})}, **more)


def said(done):
    return f"`{' '.join(done.args[1:])}` ended with {done.returncode}; stdout:\n{done.stdout}\nstderr:\n{done.stderr}"


def ask(verb, target, *args, exits=(OK,), source=None):
    """The JSON document of a verb about a target, its envelope checked; from `source`, if that matters."""
    options = ["--source", source] if source else []
    done = rouse(verb, "--json", *options, target, *args)
    if done.returncode not in exits or done.stderr:
        raise AssertionError(said(done))
    document = json.loads(done.stdout)
    check_envelope(document, verb)
    if source and document["source"] != source:
        raise AssertionError(f"asked for {source}, but: {said(done)}")
    return document


def check_envelope(document, verb):
    """What every document about a target says of itself."""
    if document["schema"] != f"rouse/{verb}/1":
        raise AssertionError(f"schema {document['schema']}, of {verb}")
    if document["source"] not in ("socket", "memory", "core") or not isinstance(document["complete"], bool):
        raise AssertionError(f"{verb}: source {document['source']}, complete {document['complete']}")
    if set(document["lost"]) != {"events", "generations"}:
        raise AssertionError(f"{verb}: lost {document['lost']}")
    if not document["target"]["pid"] or not document["target"]["program"]:
        raise AssertionError(f"{verb}: target {document['target']}")


def agent_of(program):
    """The path of the program's socket, once it is there."""
    path = []

    def found():
        for target in json.loads(rouse("list", "--json").stdout)["targets"]:
            if target["pid"] == program.pid and target["agent"]:
                path[:] = [target["socket"]]
        return path

    eventually(f"process {program.pid} has an agent", found)
    return path[0]


def record(path, file, generations, interval_ms=250):
    """Writes what an agent says to a file of frames, as it comes: so many generations, of all runtimes together."""
    wish = b"\x08" + varint(interval_ms)  # Subscribe.interval_ms
    frame = varint(32 << 3 | 2) + varint(len(wish)) + wish
    with socket.socket(socket.AF_UNIX) as agent, open(file, "wb") as out:
        agent.settimeout(DEADLINE_S)
        agent.connect(path)
        agent.sendall(varint(len(frame)) + frame)
        stream = agent.makefile("rb")
        while generations:
            length = read_varint(stream)
            body = stream.read(length)
            if len(body) != length:
                raise AssertionError(f"{path}: the agent hung up")
            out.write(varint(length) + body)
            generations -= body[0] == 12 << 3 | 2  # GenerationEnd


def varint(number):
    out = bytearray()
    while number > 0x7f:
        out.append(number & 0x7f | 0x80)
        number >>= 7
    return bytes(out + bytes([number]))


def read_varint(stream):
    number = shift = 0
    while True:
        byte = stream.read(1)[0]
        number |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            return number


def kernel_state(pid):
    """R, S, T...: as /proc has it; None once it has gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as status:
        return int(re.search(r"^VmRSS:\s+(\d+) kB$", status.read(), re.MULTILINE).group(1))


def task_named(document, name):
    tasks = [task for task in document["tasks"] if task["name"] == name]
    if len(tasks) != 1:
        raise AssertionError(f"{len(tasks)} tasks are called {name!r}: {[task['name'] for task in document['tasks']]}")
    return tasks[0]


# ------------------------------------------------- the deadlock of mini_redis --trouble


def at_rest(redis):
    """The deadlock stands: both tasks wait for the second lock."""
    def deadlocked():
        found = ask("check", redis.pid, "--looks", 2, "--interval", 10, exits=(0, FINDINGS))["findings"]
        return any(finding["code"] == "wait-cycle" for finding in found)

    eventually("the deadlock is there", deadlocked)


def stop(program):
    program.process.send_signal(signal.SIGSTOP)
    eventually("it has stopped", lambda: kernel_state(program.pid) == "T")


def stop_at_rest(redis):
    """Stopped in the very middle of a hand-off, what is PROVEN stays INCOMPLETE for ever: then it is done once more."""
    def proven():
        stop(redis)
        found = ask("check", redis.pid, "--looks", 2, "--interval", 10, exits=(FINDINGS,))["findings"]
        if {finding["class"] for finding in found if finding["code"] == "wait-cycle"} == {"proven"}:
            return True
        redis.process.send_signal(signal.SIGCONT)
        return False

    at_rest(redis)
    eventually("it was stopped outside of a hand-off", proven)
