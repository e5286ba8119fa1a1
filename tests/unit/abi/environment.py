#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""environment.py SOURCE_ROOT: the table "Environment" of ARCHITECTURE.md names every variable that the code reads.

And no other. Variables of tools that scripts only pass on (ASAN_OPTIONS, CI) are theirs to explain.
"""

import re
import sys
from pathlib import Path

ROOMS = ("runtime", "instrument", "proto", "bpf", "console", "tests")
READS = {
    # getenv, and the functions here that get a variable's name to read
    ".c": re.compile(r'\b(?:secure_getenv|getenv|positive_number|size_of)\([^"();]*"([A-Z_]+)"'),
    ".py": re.compile(r'environ(?:\.get\(|\[)"(ROUSE_[A-Z_]+)"'),
    ".sh": re.compile(r"\$\{?(ROUSE_[A-Z_]+)"),
}


def read_by_code(root):
    """{variable: a file that reads it}"""
    found = {}
    files = [path for room in ROOMS for path in sorted((root / room).rglob("*"))]
    for path in [*files, root / "dev"]:
        pattern = READS.get(path.suffix or ".sh")
        if pattern and path.is_file():
            for name in pattern.findall(path.read_text(encoding="utf-8", errors="replace")):
                found.setdefault(name, path.relative_to(root))
    return found


def in_table(root):
    text = (root / "ARCHITECTURE.md").read_text(encoding="utf-8")
    section = re.search(r"^## Environment\n(.*?)^## ", text, re.M | re.S)
    rows = re.findall(r"^\| (`.*?) \|", section.group(1) if section else "", re.M)
    return {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}


def main():
    root = Path(sys.argv[1])
    code, table = read_by_code(root), in_table(root)
    complaints = [f"{path}: reads {name}, which ARCHITECTURE.md does not name" for name, path in sorted(code.items())
                  if name not in table]
    complaints += [f"ARCHITECTURE.md: nothing reads {name}" for name in sorted(table - set(code))]
    if len(code) < 10:
        complaints.append(f"only {len(code)} variables were found: this test reads the code wrongly")
    print("\n".join(complaints), file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
