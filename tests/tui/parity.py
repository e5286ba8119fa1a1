#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""parity.py: the comparison in console/README.md is true as far as a program can see.

Everything that it names is there; a golden screen comes from the keys that stand beside it; what tokio-console has is
in the row that it belongs to; and a row without proof says that there is nothing.
"""

import os
import re
import sys
from pathlib import Path

ROOT = Path(os.environ["ROUSE_SOURCE_ROOT"])
# What tokio-console 0.1.14 has, by section: its words must stand in the first column.
THEIRS = {
    "Views": ["connection", "PAUSED", "dropped", "tasks list", "warnings", "task details", "resources list",
              "resource details", "async ops", "help", "fields", "waker"],
    "Columns": ["Warn", "ID", "State", "Name", "Total", "Busy", "Sched", "Idle", "Polls", "Kind", "Location", "Fields",
                "Parent", "Target", "Type", "Vis", "Attributes", "async ops"],
    "Histograms": ["p10", "p25", "p50", "p75", "p90", "p95", "p99", "scheduled", "mini histogram"],
    "Keys": ["left", "right", "h", "l", "up", "down", "k", "j", "gg", "G", "i:", "Enter", "Esc", "t, r", "space", "?", "q",
             "Ctrl-C", "Ctrl-D"],
    "Command line and settings": [
        "TARGET_ADDR", "http://", "file://", "vsock://", "--log", "--log-dir", "--warn", "--allow", "--lang", "--ascii-only",
        "--no-colors", "--colorterm", "--palette", "--no-duration-colors", "--no-terminated-colors", "--retain-for",
        "gen-config", "gen-completion", "help", "console.toml", "_BIND", "_PUBLISH_INTERVAL", "_BUFFER_CAPACITY",
        "RECORD_PATH"],
    "Lints": ["self-wakes", "lost-waker", "never-yielded", "auto-boxed-future", "large-future"],
}
NOTHING = re.compile(r"\bno(ne|t)?\b")


def scripts():
    """{golden screen: its keys} of the tables in the tests."""
    found = {}
    for path in (ROOT / "tests/tui").glob("test_*.c"):
        for name, keys in re.findall(r'\{ "([a-z0-9-]+)", \d+, \d+, [^"]*"((?:[^"\\]|\\.)*)" \}', path.read_text("utf-8")):
            found[name] = keys.replace('\\"', '"').replace("\\\\", "\\")
    return found


def sections(text):
    for part in text.split("\n### ")[1:]:
        title, _, body = part.partition("\n")
        rows = [[cell.strip() for cell in line.strip()[1:-1].split("|")] for line in body.splitlines()
                if line.startswith("|")]
        yield title, rows[0], rows[2:]


def check_proof(proof, keys, known):
    """Complaints about one cell of names."""
    names = re.findall(r"`([^`]+)`", proof)
    screens = []
    for name in names:
        path, _, function = name.partition(":")
        file = ROOT / "tests" / path
        if not file.exists():
            yield f"there is no tests/{path}"
        elif function and not re.search(rf"\b{function}\(", file.read_text(encoding="utf-8")):
            yield f"there is no {function} in tests/{path}"
        if path.startswith("tui/golden/"):
            screens.append(Path(path).stem)
    if keys and screens and not any(known.get(screen) == keys for screen in screens):
        yield f"{screens} do not come from {keys!r}, but from {[known.get(screen) for screen in screens]}"
    if keys and not screens and not names:
        yield "keys without a screen"


def main():
    text = (ROOT / "console/README.md").read_text(encoding="utf-8")
    known, complaints, rows_seen = scripts(), [], 0
    for title, head, rows in sections(text):
        if head[-1] != "shown by":
            continue
        theirs = " ".join(row[0] for row in rows)
        complaints += [f"{title}: nothing is said of {word!r}" for word in THEIRS.pop(title, []) if word not in theirs]
        for row in rows:
            rows_seen += 1
            where = f"{title}: {row[0]}"
            if len(row) != len(head):
                complaints.append(f"{where}: {len(row)} cells, not {len(head)}")
                continue
            keys = row[2] if head[2] == "keys" else ""
            if row[-1] == "-":
                if not NOTHING.search(row[1]):
                    complaints.append(f"{where}: no proof, and it does not say that there is nothing")
                continue
            if not re.search(r"`[^`]+`", row[-1]):
                complaints.append(f"{where}: shown by nothing")
            complaints += [f"{where}: {what}" for what in check_proof(row[-1], keys, known)]
    complaints += [f"there is no section {title!r}" for title in THEIRS]
    if len(known) < 50 or rows_seen < 90:
        complaints.append(f"{len(known)} scripts and {rows_seen} rows were found: this test reads them wrongly")
    print("\n".join(complaints), file=sys.stderr)
    return 1 if complaints else 0


sys.exit(main())
