#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes tests/PROMISES.md from promises.list: what is promised, what proves it, the last figure.

promises.list holds sections (`# heading`) of promises. A promise begins with
`* ` and may go on in indented lines; its proofs follow it:

    > test ROOM/NAME [cmocka test]    a test of the build, and one within it
    > bench CASE; VARIANT; WHERE; FIGURE    a cell of bench/RESULTS.md
    > million WHAT                  a row of its section about a million tasks
    > mutate FILE                     that mutations of this file are killed

A proof that cannot be found is an error, so that the page cannot claim what is
not there. A promise without proof is listed as OPEN: that is the honest state.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent


class Promise:
    def __init__(self, text):
        self.text, self.proofs = text, []


def parse(path):
    sections, promise = [], None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("# SPDX"):
            continue
        if line.startswith("# "):
            sections.append((line[2:], []))
        elif line.startswith("* "):
            promise = Promise(line[2:])
            sections[-1][1].append(promise)
        elif line.lstrip().startswith("> "):
            promise.proofs.append(line.lstrip()[2:])
        elif line.startswith("  "):
            promise.text += " " + line.strip()
        else:
            sys.exit(f"{path.name}:{number}: not a promise: {line}")
    return sections


class Evidence:
    """What the build, the sources and the last benchmark have."""

    def __init__(self, build):
        listing = subprocess.run(["meson", "introspect", "--tests", build], capture_output=True, text=True, check=True)
        self.tests = {test["name"] for test in json.loads(listing.stdout)}
        self.sources = "\n".join(p.read_text(encoding="utf-8", errors="replace") for p in TESTS.rglob("*")
                                 if p.suffix in {".c", ".h", ".py", ".sh"})
        self.mutations = "\n".join(p.read_text(encoding="utf-8") for p in (TESTS / "mutate").glob("*.list"))
        results = TESTS / "bench/RESULTS.md"
        self.results = results.read_text(encoding="utf-8") if results.is_file() else ""

    def cell(self, case, variant, where, figure):
        """A cell of RESULTS.md, or None: in a group's section, under the place's name, the line of a case's figure."""
        group, _, short = case.partition("/")
        section = re.search(rf"^### {re.escape(group)}$(.*?)(?=^##|\Z)", self.results, re.M | re.S)
        table = section and re.search(rf"^\*\*{re.escape(where)}\*\*\n\n(.*?)(?=\n\n|\Z)", section.group(1), re.M | re.S)
        if not table:
            return None
        head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.group(1).splitlines()]
        here = None
        for row in rows:
            here = row[0] or here
            if here == short and row[1] == figure and variant in head:
                return row[head.index(variant)]
        return None

    def of(self, proof):
        """(what proves it, its figure), or an error."""
        kind, _, rest = proof.partition(" ")
        if kind == "test":
            name, _, inner = rest.partition(" ")
            if name not in self.tests:
                return None, f"there is no test {name}"
            if inner and not re.search(rf"\b{re.escape(inner)}\b", self.sources):
                return None, f"{name} has no {inner}"
            return f"`{name}`" + (f" {inner}" if inner else ""), ""
        if kind == "mutate":
            n = self.mutations.count(f"@ {rest} ::")
            return (f"`./dev mutate {rest}`", f"{n} mutations") if n else (None, f"no mutation of {rest}")
        if kind == "bench":
            case, variant, where, what = (word.strip() for word in rest.split(";"))
            figure = self.cell(case, variant, where, what)
            place = f"bench {case}, {variant}, {where}"
            return (place, f"{figure} {what}") if figure else (place, "not measured yet")
        if kind == "million":
            row = re.search(rf"^\| {re.escape(rest)} \| (.*?) \|$", self.results, re.M)
            return f"bench a million tasks: {rest}", row.group(1) if row else "not measured yet"
        return None, f"unknown kind of proof: {proof}"


def page(sections, evidence):
    errors, proven, total = [], 0, 0
    lines = ["# Promises", "", "Written by `./dev promises` from tests/promises/promises.list. Each promise, what proves",
             "it, the last figure measured. OPEN: nothing proves it yet."]
    for heading, promises in sections:
        lines += ["", f"## {heading}", "", "| promise | proof | last figure |", "| --- | --- | --- |"]
        for promise in promises:
            found = [(proof, *evidence.of(proof)) for proof in promise.proofs]
            errors += [f"{promise.text}: {figure}" for _, place, figure in found if place is None]
            places = "<br>".join(place for _, place, _ in found if place) or "OPEN"
            figures = "<br>".join(figure for _, place, figure in found if place and figure)
            total += 1
            proven += places != "OPEN"
            lines.append(f"| {promise.text} | {places} | {figures} |")
    lines += ["", f"{proven} of {total} promises have a proof.", ""]
    return "\n".join(lines), errors


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a proof is not there")
    options = parser.parse_args()
    text, errors = page(parse(HERE / "promises.list"), Evidence(options.build))
    print("\n".join(errors), file=sys.stderr, end="\n" if errors else "")
    if not errors and not options.check:
        (TESTS / "PROMISES.md").write_text(text, encoding="utf-8")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
