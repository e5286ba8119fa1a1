#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The part of the house style that a program can see: `./dev check` runs it.

Names each breach as FILE:LINE: what, and exits 1 if there was one.
"""

import re
import subprocess
import sys
from pathlib import Path

FILE_LINES_MAX = 700  # a file wants to stay under 600; here it is told
FUNCTION_LINES_MAX = 80  # a function wants to stay under 60
LINE_COLUMNS_MAX = 130  # a line wants to stay within 120
TAB = 8

CODE = {".c", ".h", ".py", ".sh", ".build", ".proto", ".rs", ".go", ".bt"}
C = {".c", ".h"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
ATOMIC = re.compile(r"\b(__atomic_\w+|__sync_\w+|atomic_(load|store|fetch|exchange|compare)\w*)\s*\(")
PUBLIC = re.compile(r"^ROUSE_(?:INSPECT_|AGENT_|CRASH_)?API\b[^;(]*?\b(\w+)\s*\(")


def tracked():
    names = subprocess.run(["git", "ls-files", "-z"], capture_output=True, check=True, text=True).stdout
    return [Path(name) for name in names.split("\0") if name and Path(name).is_file()]


def is_script(path, lines):
    return path.suffix == "" and lines and lines[0].startswith("#!")


def functions(lines):
    """(first line, length) of each function: house style opens and closes them in column one."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            yield start, number - start - 1
            start = None


def breaches_of_text(path, lines):
    if (path.suffix in CODE or is_script(path, lines)) and not any("SPDX-License-Identifier:" in l for l in lines[:2]):
        yield 1, "no SPDX line at the top"
    if len(lines) > FILE_LINES_MAX and path.suffix in C:
        yield len(lines), f"{len(lines)} lines: is there a second concept in it?"
    for number, line in enumerate(lines, 1):
        if line != line.rstrip() and (path.suffix in CODE | {".md"} or is_script(path, lines)):
            yield number, "space at the end of the line"
        if UNFINISHED.search(line) and path.suffix in CODE and path.name != "style.py":
            yield number, "unfinished by its own words"


def breaches_of_c(path, lines):
    for number, line in enumerate(lines, 1):
        if len(line.expandtabs(TAB).rstrip("\\ \t")) > LINE_COLUMNS_MAX and not line.startswith("#define"):
            yield number, f"more than {LINE_COLUMNS_MAX} columns"
        if re.match(r" {8,}\S", line):
            yield number, "indented by spaces"
        if path.parts[0] == "runtime" and path.name != "atomic.h" and "include" not in path.parts \
                and "examples" not in path.parts and ATOMIC.search(line) and "_fence(" not in line:
            yield number, "an atomic operation that does not go through base/atomic.h"
        public = PUBLIC.match(line)
        if public and not public.group(1).startswith("rouse_"):
            yield number, f"public function {public.group(1)} is not called rouse_*"
        if re.match(r"typedef\s+struct\b[^()]*(;|\{)$", line):
            yield number, "a typedef of a struct"
    for number, length in functions(lines):
        if length > FUNCTION_LINES_MAX:
            yield number, f"a function of {length} lines"


def breaches_of_layers():
    """Who may include what; the build's include directories enforce most of it."""
    forbidden = [
        ("runtime", re.compile(r'#include\s+[<"](inspect|drain|server|source|model)/|rouse\.pb-c\.h|rouse/(agent|inspect)\.h')),
        ("instrument", re.compile(r'#include\s+[<"](base|trace|task|sched|driver|time|sync|net)/')),
        ("console", re.compile(r'#include\s+[<"](base|trace|task|sched|driver|inspect|drain|server)/')),
        ("bpf", re.compile(r'#include\s+[<"](base|task|sched|inspect|drain|server)/')),
    ]
    for path in tracked():
        for room, pattern in forbidden:
            if path.parts[0] == room and path.suffix in C:
                for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
                    if pattern.search(line):
                        yield path, number, f"{room}/ may not include that"


def main():
    found = [(path, number, what) for path, number, what in breaches_of_layers()]
    for path in tracked():
        if "vmlinux" in path.parts or path.suffix in {".golden", ".bin", ".lock"} or "corpus" in path.parts:
            continue
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        checks = [breaches_of_text] + ([breaches_of_c] if path.suffix in C else [])
        for check in checks:
            found += [(path, number, what) for number, what in check(path, lines)]
    for path, number, what in sorted(found, key=lambda breach: (str(breach[0]), breach[1])):
        print(f"{path}:{number}: {what}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
