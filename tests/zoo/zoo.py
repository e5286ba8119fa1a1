#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""zoo.py ROUSE DIRECTORY ROW...: in each broken program its trouble is found, and nothing else; in its twin, nothing.

DIRECTORY has the programs. Each runs as it is and with other names of functions, with healthy tasks around, in a
spawn order that a seed decides. By default it is looked at through its agent, in two sizes; `--all` looks at memory
core files and recordings too, in all sizes, and `--readme FILE` writes down what was found by whom.
"""

import argparse
import json
import queue
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / ".." / "watch"))

from watch import (DEADLINE_S, FINDINGS, INCOMPLETE, LISTEN, NO_TARGET, OK, ROUSE, TIMEOUT, agent_of,  # noqa: E402
                   check_envelope, record, rouse, said)

from harness import Program, skip  # noqa: E402  pylint: disable=wrong-import-order
from rename import renamed  # noqa: E402  pylint: disable=wrong-import-order
from rows import CLASSES, Row, all_rows  # noqa: E402  pylint: disable=wrong-import-order

# Rows whose rule is still to come, with the reason.
PENDING = {}
LOOKS, TWIN_LOOKS, INTERVAL_MS = 5, 12, 250
CORE_LOOKS = 3  # one sees, one searches memory, one judges: as many as `rouse check` takes by itself
KERNEL_FOR = "8s"  # `rouse check` asks for 5 s; two windows of the kernel's sums fit, however late looks are
OVERLOADED = "the machine is overloaded"
SURE = CLASSES.index("likely")


class Unmeasured(Exception):
    """The kernel may not be asked, or cannot tell."""


class Case:
    """One program, in one of its forms, from its start to its end."""

    def __init__(self, directory, row, twin, is_renamed, healthy, seed):
        self.row, self.twin, self.is_renamed = row, twin, is_renamed
        self.healthy, self.seed = healthy, seed
        form = "twin" if twin else "broken"
        self.program = Path(directory) / f"zoo_{row.name}_{form}{'_renamed' if is_renamed else ''}"
        self.found = {}  # by source: findings, in the order of what is intended
        self.tasks = []  # of the row itself, as ps has them
        self.problem = self.unmeasured = None

    def __str__(self):
        return f"{self.program.name} --healthy {self.healthy} --seed {self.seed}"

    def fail(self, what):
        raise AssertionError(f"{self}: {what}")

    # ------------------------------------------------------------ looking

    def check(self, target, source, looks, *more):
        """The document of `rouse check`, with so many looks, or as many as it takes; None: nothing is there any more."""
        options = ["--source", source] if source in ("socket", "memory") else []
        options += ["--looks", looks, "--interval", INTERVAL_MS] if looks else []
        if "kernel" in self.row.more and source in ("socket", "memory"):
            options.append("--kernel=" + ",".join(self.row.words("kernel")))
        deadline = time.monotonic() + 3 * DEADLINE_S
        while True:
            done = rouse("check", "--json", *options, "--timeout", int(DEADLINE_S * 1000), *self.row.words("options"),
                         *more, target)
            # An agent has half a second to say who it is, however busy the machine: ask again.
            if done.returncode != TIMEOUT or time.monotonic() > deadline:
                break
        if done.returncode == NO_TARGET and self.twin and self.row.more.get("twin") == "ends":
            return None
        if done.returncode not in (OK, FINDINGS, INCOMPLETE):
            self.fail(said(done))
        document = json.loads(done.stdout)
        for group in document.get("kernel", {}).get("groups", []):
            if group["status"] != "ok":
                raise Unmeasured(f"{group['group']}: {group['why'] or group['status']}")
        if done.stderr:
            self.fail(said(done))
        if source in ("socket", "memory"):
            check_envelope(document, "check")
        return document

    def act(self, program, when):
        if self.row.more.get("line") == when:
            program.say("")

    def matches(self, finding, intended, source, weaker=False):
        """Whether it is that, as it should be: class, task, line, runtime."""
        # How sure it can be of a poll depends on the machine; it says so.
        at_least = 0 if weaker or OVERLOADED in finding["evidence"] else intended.at_least
        if source == "core":  # no second one will tell whether a thread had it in hand
            at_least = min(at_least, CLASSES.index("incomplete"))
        if finding["code"] != intended.code or CLASSES.index(finding["class"]) < at_least:
            return False
        names = self.row.names(intended, self.is_renamed)
        first = finding["tasks"][0].get("name") if finding["tasks"] else None
        if names and first not in names:
            return False
        asked = source != "core" or "kernel" not in self.row.more  # the kernel says nothing of who is dead
        if asked and not re_search(self.row.more.get("evidence", ""), finding["evidence"]):
            return False
        line = self.row.line_of(names.get(first))
        site = finding["site"]
        if line is not None and (not site or Path(site["file"]).name != self.row.path.name or site["line"] != line):
            return False
        return True

    def foreign(self, document, source):
        """What was found, and should not have been."""
        allowed = set() if self.twin else self.row.codes | set(self.row.words("companions"))
        bad = []
        for finding in document["findings"]:
            if finding["code"] == "cpu-wait" and finding["code"] not in self.row.codes:
                continue  # the machine has other things to do
            code, how_sure = finding["code"], CLASSES.index(finding["class"])
            if self.twin and code not in self.row.words("allows") and finding["class"] != "incomplete":
                bad.append(finding)
            elif not self.twin and code not in allowed and finding["class"] in ("likely", "proven"):
                bad.append(finding)
            elif not self.twin and code in self.row.codes and how_sure >= SURE and finding["class"] != "incomplete" \
                    and not any(self.matches(finding, intended, source) for intended in self.row.intended
                                if how_sure >= intended.at_least):
                bad.append(finding)
        return bad

    # ------------------------------------------------------------ a broken one

    def find(self, program, source):
        """Looks until all that is intended has been found."""
        deadline = time.monotonic() + 3 * DEADLINE_S
        looks = int(self.row.more.get("looks", LOOKS))
        while time.monotonic() < deadline:
            self.act(program, "again and again")
            document = self.check(program.pid, source, looks)
            bad = self.foreign(document, source)
            if bad:
                self.fail(f"by {source} this was found, which is not what the row says:\n{show(bad)}")
            found = self.all_intended(document, source)
            if all(found):
                self.found[source] = found
                return
        self.fail(f"by {source} was not found: {self.row.codes}, but:\n{show(document['findings'])}")

    def all_intended(self, document, source):
        return [next((finding for finding in document["findings"] if self.matches(finding, intended, source)), None)
                for intended in self.row.intended]

    def find_at_once(self, program, source):
        """What stands still is found by the first thing that anybody would type."""
        if "root" not in self.row.more or "between two looks" in self.row.more.get("core", ""):
            return
        for _ in range(3):
            document = self.check(program.pid, source, None)
            if all(self.all_intended(document, source)):
                return
        self.fail(f"by {source} was not found without --looks: {self.row.codes}, but:\n{show(document['findings'])}")

    def ask_why(self, program, source):
        """The chain of the task that is named first knows of the finding, and ends where the row says."""
        sick = [finding["tasks"][0]["id"] for finding in self.found[source]
                if finding["tasks"] and finding["tasks"][0].get("name")]
        if "why" in self.row.more:
            name = self.row.more["why"]
            sick = [task["id"] for task in self.own_tasks(program)
                    if task["name"] == (renamed(name) if self.is_renamed else name)][:1]
        for task in sick:
            done = rouse("why", "--source", source, "--ascii", "--color", "never",
                         "--timeout", int(DEADLINE_S * 1000), program.pid, task)
            if done.returncode == TIMEOUT:
                continue
            if done.returncode != OK:
                self.fail(said(done))
            root = self.row.more.get("root")
            if root and not re_search(root, done.stdout):
                self.fail(f"the chain does not end at {root!r}:\n{done.stdout}")

    def heal(self, program, source):
        """While somebody looks on, it heals: what was found is over, and who looks anew sees nothing."""
        with Program(ROUSE, "watch", "--json", "--source", source, "--interval", INTERVAL_MS, "--threshold", "stays=1s",
                     program.pid) as watcher:
            watcher.wait_line(r'"class":\s*"proven"')
            program.say("")
            watcher.wait_line(r'"edge":\s*"goes"')
            edges = [json.loads(line) for line in watcher.stdout]
        others = {edge["finding"]["code"] for edge in edges if "finding" in edge} - self.row.codes
        if others or edges[-1]["edge"] != "goes":
            self.fail(f"who looked on while it healed saw {others} besides, or it came back:\n{watcher.said()}")
        document = self.check(program.pid, source, LOOKS)
        if document["findings"]:
            self.fail(f"it healed, and is still found:\n{show(document['findings'])}")

    # ------------------------------------------------------------ a twin

    def find_nothing(self, program, source):
        self.act(program, "heals")
        for _ in range(2):
            self.act(program, "again and again")
            document = self.check(program.pid, source, max(TWIN_LOOKS, int(self.row.more.get("looks", 0))) // 2)
            bad = self.foreign(document, source) if document else []
            if bad:
                self.fail(f"by {source} this was found in the healthy twin:\n{show(bad)}")
            self.found[source] = []

    # ------------------------------------------------------------ all of it

    def run(self, sources):
        env = {**LISTEN} if "socket" in sources else None
        with Program(self.program, "--healthy", self.healthy, "--seed", self.seed, env=env,
                     stdin=subprocess.PIPE) as program:
            program.wait_line(r"^ready$")
            self.act(program, "at once")
            for source in sources:
                if source == "core":
                    self.look_at_core(program)
                elif source == "recording":
                    self.look_at_recording(program)
                elif self.twin:
                    self.find_nothing(program, source)
                else:
                    self.find(program, source)
                    self.find_at_once(program, source)
                    self.ask_why(program, source)
            if not self.twin:
                self.tasks = self.own_tasks(program)
                if self.row.more.get("line") == "heals":
                    self.heal(program, sources[0])
            if program.process.poll() is not None:
                self.fail(f"it has ended by itself:\n{program.said()}")
            if self.twin:
                program.process.stdin.close()
                status = program.end()
                if status != 0 and "exit" not in self.row.more:
                    self.fail(f"the twin ended with {status}:\n{program.said()}")

    def own_tasks(self, program):
        done = rouse("ps", "--json", "--source", "memory", program.pid)
        tasks = json.loads(done.stdout)["tasks"] if done.returncode == OK else []
        return [task for task in tasks if task["spawned"] and Path(task["spawned"]["file"]).name == self.row.path.name]

    def look_at_core(self, program):
        """A core file of it, by gdb, tells the same as far as one look can."""
        core = f"/tmp/zoo-{program.pid}"
        try:
            subprocess.run(["gcore", "-o", core, str(program.pid)], capture_output=True, check=True, timeout=120)
            document = self.check(f"{core}.{program.pid}", "core", CORE_LOOKS)
        finally:
            Path(f"{core}.{program.pid}").unlink(missing_ok=True)
        self.judge_later(document, "core")

    def look_at_recording(self, program):
        """What is kept in a file tells the same: what its agent said for a while, or, if the kernel is asked too, all
        that a console saw."""
        looks = max(int(self.row.more.get("looks", 0)), TWIN_LOOKS)
        kernel = ",".join(self.row.words("kernel"))
        file = f"/tmp/zoo-{program.pid}.{'rec' if kernel else 'frames'}"
        runtimes = 2 if "runtime" in self.row.more else 1
        try:
            if kernel:
                document = self.check_recorded(program, file, kernel)
            else:
                record(agent_of(program), file, (looks + 1) * runtimes, INTERVAL_MS)
                document = self.check_file("--looks", looks, "--interval", 10, "--frames", file)
        finally:
            Path(file).unlink(missing_ok=True)
        self.judge_later(document, "recording")

    def check_recorded(self, program, file, kernel):
        done = rouse("record", f"--kernel={kernel}", "--source", "socket", "--interval", INTERVAL_MS,
                     "--for", KERNEL_FOR, "-o", file, program.pid)
        if done.returncode != OK:
            self.fail(said(done))
        return self.check_file(file)

    def check_file(self, *argv):
        done = rouse("check", "--json", *self.row.words("options"), *argv)
        if done.returncode not in (OK, FINDINGS, INCOMPLETE) or done.stderr:
            self.fail(said(done))
        return json.loads(done.stdout)

    def judge_later(self, document, source):
        """What does not live any more is judged as it was, as far as it tells."""
        bad = self.foreign(document, source)
        if bad:
            self.fail(f"in the {source} this was found, which is not what the row says:\n{show(bad)}")
        says = self.row.more.get(source, "")
        found = [next((finding for finding in document["findings"]
                       if self.matches(finding, intended, source, says.startswith("weaker"))), None)
                 for intended in self.row.intended]
        if all(found) and not self.twin:
            self.found[source] = found
        elif not self.twin and not says.startswith("no"):
            self.fail(f"in the {source} was not found: {self.row.codes}, but:\n{show(document['findings'])}")


def re_search(pattern, text):
    import re  # pylint: disable=import-outside-toplevel
    return re.search(pattern, text, re.MULTILINE)


def show(findings):
    """A line or two for each."""
    lines = []
    for finding in findings:
        site = finding["site"]
        where = f"{Path(site['file']).name}:{site['line']}" if site else "nowhere"
        names = ", ".join(task.get("name", task["id"]) for task in finding["tasks"]) or "no task"
        lines.append(f"  {finding['class']} {finding['code']} {where} {names}\n      {finding['evidence']}")
    return "\n".join(lines) or "  nothing"


def cases_of(directory, row, options):
    sizes = [int(size) for size in row.words("healthy")] or (
        [0, 100, 10000] if options.all else [0, 100])
    cases = []
    for twin in (False, True):
        for is_renamed in (False, True):
            if options.all:
                cases += [Case(directory, row, twin, is_renamed, size, options.seed + size) for size in sizes]
            else:
                size = sizes[-1 if is_renamed else 0]
                cases.append(Case(directory, row, twin, is_renamed, size, options.seed))
    return cases


def run_cases(cases, sources, at_once):
    """All of them, so many side by side."""
    todo = queue.Queue()
    for case in cases:
        todo.put(case)

    def work():
        while True:
            try:
                case = todo.get_nowait()
            except queue.Empty:
                return
            try:
                case.run(sources)
            except Unmeasured as error:
                case.unmeasured = str(error)
            except Exception as error:  # pylint: disable=broad-except
                case.problem = f"{type(error).__name__}: {error}"

    threads = [threading.Thread(target=work) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rouse")
    parser.add_argument("directory")
    parser.add_argument("rows", nargs="*", help="default: all")
    parser.add_argument("--all", action="store_true", help="by agent, memory, core file and recording, in all sizes")
    parser.add_argument("--readme", help="the file to write")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--at-once", type=int, default=12, help="programs side by side")
    options = parser.parse_intermixed_args()
    rows = [Row(name) for name in options.rows] or all_rows()
    sources = ["socket", "memory", "recording", "core"] if options.all else ["socket"]
    waiting = [f"{row.name}: {PENDING[row.name]}" for row in rows if row.name in PENDING]
    results = [(row, cases_of(options.directory, row, options)) for row in rows if row.name not in PENDING]
    began = time.monotonic()
    # Those that need the machine for themselves come last, one by one.
    run_cases([case for row, cases in results if "alone" not in row.more for case in cases], sources, options.at_once)
    run_cases([case for row, cases in results if "alone" in row.more for case in cases], sources, 1)
    bad = 0
    for row, cases in results:
        problems = [case.problem for case in cases if case.problem]
        without = [case.unmeasured for case in cases if case.unmeasured]
        bad += bool(problems)
        print(f"{'FAIL' if problems else 'skip' if without else 'ok  '} {row.name}: "
              f"{without[0] if without and not problems else f'{len(cases)} programs'}", flush=True)
        for problem in problems[:3]:
            print(problem, flush=True)
    for line in waiting:
        print(f"PENDING {line}")
    if options.readme:
        import readme  # pylint: disable=import-outside-toplevel
        readme.write(options.readme, results, waiting)
    print(f"{len(results) - bad} rows well, {bad} not, {len(waiting)} pending, in {time.monotonic() - began:.0f} s; "
          f"--seed {options.seed}")
    if bad:
        sys.exit(1)
    if waiting and not results:
        skip("; ".join(waiting))
    unmeasured = [case.unmeasured for _, cases in results for case in cases]
    if all(unmeasured):
        skip(unmeasured[0])


if __name__ == "__main__":
    main()
