#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""manual.py ROUSE: the pages are sound, and name every verb, option, key, finding, setting and variable there is."""

import json
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROUSE = sys.argv[1]
ROOT = Path(os.environ["ROUSE_SOURCE_ROOT"])
SOURCES = {"rouse": 1, "rouse-probe": 1, "rouse-config": 5, "rouse-runtime": 7}


def rouse(*words):
    return subprocess.run([ROUSE, *words], capture_output=True, text=True, timeout=30, check=True).stdout


def plain(page):
    """As it reads, without the language around it."""
    text = re.sub(r"\\f[BIR]", "", page)
    return text.replace("\\&", "").replace("\\-", "-").replace("\\(ga", "`").replace("\\e", "\\")


def lint(name, page):
    if not shutil.which("mandoc"):
        print("mandoc is not installed: nothing was linted")
        return
    run = subprocess.run(["mandoc", "-T", "lint", "-W", "warning"], input=page, capture_output=True, text=True, timeout=30)
    # There is no date in it: it would be that of whoever has built it.
    complaints = [line for line in run.stdout.splitlines() if "missing date" not in line]
    assert not complaints, (name, complaints)


def options_in_help(*words):
    return set(re.findall(r"^\s+(?:-\w, )?(--[a-z][a-z-]*)", rouse(*words, "--help"), re.M))


def main():
    pages = {name: plain(rouse("man", name)) for name in SOURCES}
    for name, section in SOURCES.items():
        page = rouse("man", name)
        lint(name, page)
        assert page.startswith(f'.TH "{name}" "{section}"'), page[:80]
    verbs = re.findall(r"^  ([a-z]+) ", rouse("help").split("Verbs:")[1].split("Exit status")[0], re.M)
    for verb in verbs:
        part = re.search(rf"^\.SS rouse {verb}\b.*?(?=^\.S[SH] )", pages["rouse"], re.M | re.S)
        assert part, verb
        if verb != "probe":
            missing = [option for option in options_in_help(verb) if option not in part.group(0)]
            assert not missing, (verb, missing)
    for finding in re.findall(r"^  ([a-z-]+)", rouse("check", "--help").split("Findings:")[1].split("\n\n")[0], re.M):
        assert f".TP\n{finding}\n" in pages["rouse"], finding
    for setting in json.loads(rouse("config", "--json"))["settings"]:
        assert f".TP\n{setting['name'].split('.')[-1]}\n" in pages["rouse-config"], setting
    for mode in ("events", "sched", "syscalls", "blocks", "faults", "profile"):
        assert f".TP\n--{mode}\n" in pages["rouse-probe"], mode
    variables()
    keys(pages["rouse"])
    a_terminal_gets_it_from_man()


def a_terminal_gets_it_from_man():
    with tempfile.TemporaryDirectory() as folder:
        for man, shown in (("#!/bin/sh\necho $#: $1 $2; exec head -c 11", "2: -l -\r\n.TH \"rouse\""), (None, ".TH \"rouse\" \"1\"")):
            if man:
                Path(folder, "man").write_text(man)
                Path(folder, "man").chmod(0o755)
            path = f"{folder}:/usr/bin:/bin" if man else "/nowhere"
            ours, theirs = pty.openpty()
            with subprocess.Popen([ROUSE, "man"], stdout=theirs, stdin=theirs, env={**os.environ, "PATH": path}) as process:
                os.close(theirs)
                text = os.read(ours, 4096).decode()
                while len(text) < len(shown):
                    text += os.read(ours, 4096).decode()
                os.close(ours)
                process.kill()
            assert text.startswith(shown), (man, text[:200])


def variables():
    """Those that the table in ARCHITECTURE.md says are read by the runtime, the agent or the console."""
    table = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("## Environment")[1].split("\n## ")[0]
    named = set()
    for row in re.findall(r"^\| (`[^|]*) \| ([^|]*) \|", table, re.M):
        if re.search(r"runtime|agent|console|`rouse`", row[1]):
            named |= set(re.findall(r"`([A-Z_]+)`", row[0]))
    text = plain(rouse("man", "rouse")) + plain(rouse("man", "rouse-runtime"))
    said = set(re.findall(r"^\.TP\n([A-Z_]+)\n", text.split(".SH ENVIRONMENT", 1)[1], re.M))
    assert said == named, said ^ named


def keys(page):
    header = (ROOT / "console/view/keymap.h").read_text(encoding="utf-8")
    table = header.split("#define CN_ACTIONS(X)")[1].split("enum cn_action")[0]
    names = re.findall(r'X\([A-Z_0-9]+,\s*"((?:[^"\\]|\\.)*)"', table)
    assert len(names) > 20
    for name in names:
        name = name.replace("\\\\", "\\")
        assert f"\n{name}\n" in page, name


main()
