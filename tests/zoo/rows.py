# SPDX-License-Identifier: MIT
"""What a row of the zoo says of itself, at its head and by its "fault" marks.

    row: A9                 of the taxonomy
    finds: CODE CLASS       what is to be found, at least so surely; may be given several times, each with a
    task: NAME...           the async function whose task it names first: one of these; "-": none, or any
    companions: CODE...     what may be found besides
    allows: CODE...         what may be suspected in the twin
    healthy: N...           how many healthy tasks can be around, if not any number
    line: HOW               it acts at a line of its input: "at once" when ready, "again and again", or "heals"
    looks: N                looks that it takes to be sure, if more than usual
    options: WORD...        for `rouse check`
    runtime: NAME           where it is to be found, if the program has several
    twin: ends              the twin ends its runtime: there may be none to look at
    root: REGEX             in what `rouse why` says of that task
    why: NAME               the task to ask `rouse why` about, if the finding names none
    alone: REASON           only one such program at a time
    kernel: GROUP...        what the kernel is asked for besides; where it may not be, the row is not looked at
    evidence: REGEX         in what is said of the finding; of one that the kernel is asked for, not in a core file
    core: no, REASON        it cannot be found in a core file; "weaker, REASON": only as a weaker class
    recording: no, REASON   ... in what the agent said, kept in a file
"""

import re
from pathlib import Path

from rename import renamed

HERE = Path(__file__).parent
KEYS = {"row", "finds", "task", "companions", "allows", "healthy", "line", "looks", "options", "runtime", "twin",
        "root", "why", "alone", "kernel", "evidence", "core", "recording"}
CLASSES = ["suspect", "likely", "incomplete", "proven"]


class Intended:
    """One finding that a row is to have."""

    def __init__(self, code, at_least):
        self.code, self.at_least = code, CLASSES.index(at_least)
        self.tasks = []


class Row:
    def __init__(self, name):
        self.name = name
        self.path = HERE / f"{name}.c"
        self.text = self.path.read_text(encoding="utf-8")
        self.intended, self.more = [], {}
        head = self.text.split("*/", 2)[1]
        prose, keys = head.split(" * row:", 1)
        for key, value in re.findall(r"^ \* (\w+): (.*)$", " * row:" + keys, re.MULTILINE):
            self.take(key, value)
        self.about = " ".join(re.findall(r"^ \* (.*)$", prose, re.MULTILINE)).strip()
        self.faults = {}
        for number, line in enumerate(self.text.splitlines(), 1):
            for task in re.findall(r"/\* fault(?:: (\w+))? \*/", line):
                self.faults[task] = number
        self.check()

    def take(self, key, value):
        if key not in KEYS:
            raise ValueError(f"{self.path}: no such key: {key}")
        if key == "finds":
            self.intended.append(Intended(*value.split()))
        elif key == "task":
            self.intended[-1].tasks = [] if value == "-" else value.split()
        else:
            self.more[key] = value

    def check(self):
        if not self.intended or "row" not in self.more:
            raise ValueError(f"{self.path}: it does not say what is to be found")

    def words(self, key):
        return self.more.get(key, "").split()

    @property
    def codes(self):
        return {intended.code for intended in self.intended}

    def line_of(self, task):
        """Where the fault is that this task has (None: one without a task); None if the row marks none."""
        if task in self.faults or "" in self.faults:
            return self.faults.get(task, self.faults.get(""))
        lines = [number for name, number in self.faults.items() if not re.search(rf"\b{name}, int\b", self.text)]
        return lines[0] if lines else None

    def names(self, intended, is_renamed):
        """Names that the finding may have for its first task, each with the function of the source."""
        return {renamed(task) if is_renamed else task: task for task in intended.tasks}


def all_rows():
    names = re.search(r"zoo_rows = \{(.*?)\n\}", (HERE / "meson.build").read_text(encoding="utf-8"), re.DOTALL).group(1)
    return [Row(name) for name in sorted(re.findall(r"'(\w+)'(?!:)", names))]
