#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Breaks one line at a time and sees whether the named test notices.

A test suite that passes says little if it would pass as well over broken code.
Each mutation in *.list is applied to a copy of the tree, what its test needs
is rebuilt, and the test has to fail. One that passes is a survivor: a promise
that nobody checks. The old text must stand in its file exactly once, so that
the list cannot rot unseen (the test mutate/list checks that on every run).

A mutation:

    # Why it matters, in one line.
    @ runtime/task/state.h :: model/state
    - the old text, one or more lines, each after "- "
    + the new text, none or more lines

After "::" stands the name of a test, of several, or `build` where the compiler
has to refuse it; x5 at the end runs it up to five times (for races).
"""

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
WORK = SOURCE / "build-mutate"
TREE = WORK / "tree"
BUILD = WORK / "build"


class Mutation:
    def __init__(self, where, why, file, tests, times):
        self.where, self.why, self.file, self.tests, self.times = where, why, file, tests, times
        self.old, self.new = [], []

    def texts(self):
        return "\n".join(self.old), "\n".join(self.new)

    def complaint(self, root):
        """Why it cannot be applied, or None."""
        path = root / self.file
        if not path.is_file():
            return f"{self.file} does not exist"
        n = path.read_text(encoding="utf-8").count(self.texts()[0])
        return None if n == 1 else f"its old text stands {n} times in {self.file}"

    def matches(self, pattern):
        return re.search(pattern, " ".join([self.file, self.why, *self.tests, *self.old, *self.new]))


def parse(path):
    found, why = [], ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        where = f"{path.name}:{number}"
        if line.startswith("#"):
            why = line[1:].strip()
        elif line.startswith("@"):
            head = re.fullmatch(r"@ (\S+) :: (.+?)(?: x(\d+))?", line)
            if not head:
                sys.exit(f"{where}: not a mutation: {line}")
            found.append(Mutation(where, why, head.group(1), head.group(2).split(), int(head.group(3) or 1)))
        elif line[:2] in ("- ", "+ ") or line in ("-", "+"):
            (found[-1].old if line[0] == "-" else found[-1].new).append(line[2:])
        elif line.strip():
            sys.exit(f"{where}: neither a comment nor a mutation: {line}")
    return found


def mutations():
    return [mutation for path in sorted(HERE.glob("*.list")) for mutation in parse(path)]


def check_lists(found):
    """For the test mutate/list."""
    complaints = [f"{m.where}: {c}" for m in found if (c := m.complaint(SOURCE))]
    complaints += [f"{m.where}: no reason given" for m in found if not m.why]
    print("\n".join(complaints), file=sys.stderr)
    return 1 if complaints or len(found) < 30 else 0


# ------------------------------------------------------------------ the copy


def copy_tree():
    """Brings the copy up to date, touching only what differs, so that little is rebuilt."""
    listing = subprocess.run(["git", "-C", SOURCE, "ls-files", "-co", "--exclude-standard", "-z"], capture_output=True,
                             check=True, text=True).stdout
    names = {name for name in listing.split("\0") if name and (SOURCE / name).is_file()}
    for name in names:
        source, target = SOURCE / name, TREE / name
        if not target.is_file() or source.read_bytes() != target.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            shutil.copymode(source, target)
    for path in [p for p in TREE.rglob("*") if p.is_file()]:
        if str(path.relative_to(TREE)) not in names:
            path.unlink()


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def configure():
    options = ["-Dbpf=auto", "-Dtests=enabled"]
    if (BUILD / "build.ninja").is_file():
        result = run("meson", "setup", "--reconfigure", BUILD, TREE, *options)
    else:
        result = run("meson", "setup", BUILD, TREE, *options)
    if result.returncode:
        sys.exit(result.stdout + result.stderr)


def programs_of_tests():
    """Test name -> what ninja must build for it; None: everything."""
    files = {target["id"]: target["filename"] for target in json.loads(run("meson", "introspect", "--targets", BUILD).stdout)}
    needed = {}
    for test in json.loads(run("meson", "introspect", "--tests", BUILD).stdout):
        programs = [test["cmd"][0]] + [file for target in test["depends"] for file in files.get(target, [])]
        inside = all(Path(program).is_relative_to(BUILD) for program in programs)
        needed[test["name"]] = [str(Path(program).relative_to(BUILD)) for program in programs] if inside else None
    return needed


def compiles(tests, needed):
    targets = [needed.get(test) for test in tests]
    result = run("ninja", "-C", BUILD, *([] if None in targets else sum(targets, [])))
    return result.returncode == 0, result.stdout


def passes(tests, **env):
    result = run("meson", "test", "-C", BUILD, "--no-rebuild", *tests, env=dict(os.environ, **env))
    return result.returncode == 0, result.stdout


# -------------------------------------------------------------------- verdict


def judge(mutation, needed):
    """killed, or what is wrong."""
    path = TREE / mutation.file
    old, new = mutation.texts()
    original = path.read_text(encoding="utf-8")
    path.write_text(original.replace(old, new), encoding="utf-8")
    try:
        if mutation.tests == ["build"]:
            return "SURVIVED" if compiles([None], {None: None})[0] else "killed"
        built, said = compiles(mutation.tests, needed)
        if not built:
            return "DOES NOT COMPILE\n" + "\n".join(said.splitlines()[-12:])
        # A mutation that hangs need not do so for long; the model checker has other reasons to take its time.
        hurry = {} if any(test.startswith("model/") for test in mutation.tests) else {"ROUSE_TEST_HANG_S": "15"}
        for _ in range(mutation.times):
            if not passes(mutation.tests, **hurry)[0]:
                return "killed"
        return "SURVIVED"
    finally:
        path.write_text(original, encoding="utf-8")


def check_baseline(chosen, needed):
    tests = sorted({test for m in chosen for test in m.tests if test != "build"})
    unknown = [test for test in tests if test not in needed]
    if unknown:
        sys.exit("no such tests: " + ", ".join(unknown))
    built, said = compiles(tests or [None], {**needed, None: None})
    if not built:
        sys.exit("the tree as it is does not build:\n" + said)
    passed, said = passes(tests) if tests else (True, "")
    if not passed:
        sys.exit("tests fail over the tree as it is:\n" + said)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", nargs="?", help="a number: so many, at random; else a pattern over file, test and text")
    parser.add_argument("--check", action="store_true", help="only whether each can still be applied")
    options = parser.parse_args()
    found = mutations()
    if options.check:
        return check_lists(found)
    chosen = found
    if options.which and options.which.isdigit():
        chosen = random.sample(found, min(int(options.which), len(found)))
    elif options.which:
        chosen = [m for m in found if m.matches(options.which)]
    if not chosen:
        sys.exit("no mutation matches")
    broken = [f"{m.where}: {c}" for m in chosen if (c := m.complaint(SOURCE))]
    if broken:
        sys.exit("\n".join(broken))

    copy_tree()
    configure()
    needed = programs_of_tests()
    check_baseline(chosen, needed)
    survivors = 0
    for number, mutation in enumerate(chosen, 1):
        start = time.monotonic()
        verdict = judge(mutation, needed)
        survivors += verdict != "killed"
        print(f"{number}/{len(chosen)} {verdict} by {' '.join(mutation.tests)} in {time.monotonic() - start:.0f} s: "
              f"{mutation.where}: {mutation.why}", flush=True)
    print(f"{len(chosen) - survivors} killed, {survivors} not killed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
