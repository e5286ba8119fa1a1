# SPDX-License-Identifier: MIT
"""RESULTS.md from samples: the verdict in numbers, the notes written by hand, a line a row, then all figures."""

import datetime
import math
import os
import platform
import re
import subprocess

import cases
from figures import AHEAD, BEHIND, LEVEL, cell, geometric_mean, number, quotient, table, verdict

HERE = os.path.dirname(os.path.abspath(__file__))
NOTES = os.path.join(HERE, "NOTES.md")
OURS, WATCHED = "rouse L1", "watched"
PEERS = ["Tokio", "Go"]
PINNED, FREE = "all on one CPU", "free"  # how the names of places that differ in that alone end
# Sections that other commands print, and whoever ran them put here.
KEPT = re.compile(r"^## A server whose polls the kernel is asked about\n.*?(?=^## |\Z)", re.M | re.S)
FIRST = {"time": "ns", "late": "ns late, median", "bytes": "bytes", "rate": "ns"}


def first_line(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "none"


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = re.search(r"model name\s*: (.*)", f.read())
    return f"{model.group(1) if model else platform.machine()}, {len(os.sched_getaffinity(0))} CPUs, " \
           f"Linux {platform.release()}, load {os.getloadavg()[0]:.1f} at start"


def head(options):
    commit = first_line(["git", "-C", HERE, "describe", "--always", "--dirty"])
    return [f"- date: {datetime.datetime.now().astimezone():%Y-%m-%d %H:%M %z}", f"- commit: {commit}",
            f"- machine: {machine()}", *[f"- {text}" for text in options.version],
            f"- {options.rounds} rounds of at least {options.ms} ms a sample, all variants in turn in each"]


class Rows:
    """The samples, by row: a case in a configuration."""

    def __init__(self, samples, configurations):
        self.samples = samples
        self.keys = [(case, configuration) for case in cases.CASES for configuration in configurations
                     if any(key[:2] == (case.name, configuration) for key in samples)]

    def column(self, key, variant, what):
        return self.samples.get((key[0].name, key[1], variant), {}).get(what, [])

    def quotients(self, mine, theirs, what):
        """One for each row that both have, and in which that is a figure of speed."""
        return [quotient(self.column(key, mine, what), self.column(key, theirs, what)) for key in self.keys
                if key[0].figure in ("time", "rate") or (what == "cpu" and key[0].figure != "bytes")]

    def with_verdict(self, wanted, mine, theirs, what):
        return [key for key in self.keys
                if verdict(self.column(key, mine, what), self.column(key, theirs, what)) == wanted]


def shown(x):
    return "-" if x is None else number(x)


def against(rows, mine, theirs):
    """A sentence on one of ours beside one of theirs."""
    time, cpu = (geometric_mean(rows.quotients(mine, theirs, what)) for what in ("ns", "cpu"))
    ahead, level, behind = (len(rows.with_verdict(v, mine, theirs, "cpu")) for v in (AHEAD, LEVEL, BEHIND))
    if not ahead + level + behind:
        return []
    return [f"{'At L1' if mine == OURS else 'Watched at L2'} rouse takes {shown(time)} of {theirs}'s time and {shown(cpu)} of "
            f"its CPU time (geometric means), and is by CPU ahead in {ahead} of {ahead + level + behind} rows, level in "
            f"{level}, behind in {behind}."]


def slower_free(rows, variant):
    """(cases that take longer with all CPUs than with one, how many have both)."""
    both = [(key, (key[0], key[1].replace(PINNED, FREE))) for key in rows.keys if key[1].endswith(PINNED)]
    there = [(pinned, free) for pinned, free in both if free in rows.keys and pinned[0].figure == "time" and
             rows.column(pinned, variant, "ns") and rows.column(free, variant, "ns")]
    return [free[0].short for pinned, free in there
            if verdict(rows.column(free, variant, "ns"), rows.column(pinned, variant, "ns")) == BEHIND], len(there)


def scaling(rows):
    """A sentence on whether a second CPU is of use, or none if that was not asked."""
    slower = {variant: slower_free(rows, variant) for variant in [OURS, *PEERS]}
    if not slower[OURS][1]:
        return []
    told = "; ".join(f"{variant} in {len(slower[variant][0])} of {slower[variant][1]}" for variant in PEERS)
    names = ", ".join(f"`{name}`" for name in slower[OURS][0])
    return [f"With all CPUs it takes longer than with one in {len(slower[OURS][0])} of {slower[OURS][1]} cases"
            f"{f' ({names})' if names else ''}; {told}."]


def paragraph(rows):
    sentences = [sentence for peer in PEERS for mine in (OURS, WATCHED) for sentence in against(rows, mine, peer)]
    return " ".join(sentences + scaling(rows)) or "There was nothing to compare with."


def kept(old):
    """What of an old page goes on into a new one."""
    return "".join("\n" + section.rstrip() + "\n" for section in KEPT.findall(old))


def behind_in(rows, key, peer):
    """[(times, words)] of the figures of ours that lie wholly above theirs."""
    found = []
    for mine, who in ((OURS, ""), (WATCHED, ", watched")):
        for what, words in (("cpu", "CPU"), ("ns", FIRST[key[0].figure].split(",")[0])):
            ours, theirs = rows.column(key, mine, what), rows.column(key, peer, what)
            if verdict(ours, theirs) == BEHIND:
                times = quotient(ours, theirs) or math.inf
                found.append((times, f"{words}{who} {number(times)} x"))
    return found


def behind_lines(rows):
    """Every row in which a figure of ours lies wholly above theirs, worst first: none is left out."""
    lines = []
    for peer in PEERS:
        found = [(behind_in(rows, key, peer), key) for key in rows.keys]
        for behind, key in sorted((f for f in found if f[0]), key=lambda f: -max(f[0])[0]):
            lines.append([f"`{key[0].name}`", key[1], peer, "; ".join(words for _, words in behind),
                          *[cell(rows.column(key, variant, "cpu")) for variant in (OURS, WATCHED, peer)]])
    return table(["row", "where", "beside", "behind in", "CPU ns: rouse L1", "watched", "theirs"], lines) if lines else \
        ["None."]


def summary(rows):
    columns = ["row", "where", "time / Tokio's", "CPU / Tokio's", "watched: CPU / Tokio's", "time / Go's", "CPU / Go's",
               "by CPU, beside Tokio"]
    lines = []
    for key in rows.keys:
        def over(mine, peer, what, key=key):
            return shown(quotient(rows.column(key, mine, what), rows.column(key, peer, what)))

        verdicts = [verdict(rows.column(key, mine, "cpu"), rows.column(key, "Tokio", "cpu")) or "-"
                    for mine in (OURS, WATCHED)]
        lines.append([key[0].name, key[1], over(OURS, "Tokio", "ns"), over(OURS, "Tokio", "cpu"),
                      over(WATCHED, "Tokio", "cpu"), over(OURS, "Go", "ns"), over(OURS, "Go", "cpu"),
                      verdicts[0] if verdicts[0] == verdicts[1] else f"{verdicts[0]}, watched {verdicts[1]}"])
    return table(columns, lines)


def lines_of_row(rows, key, variants):
    """One line for each figure."""
    more = {"late": [("p99", "ns late, p99")], "rate": [("rate", "requests / s"), ("p50", "us, p50"), ("p99", "us, p99")]}
    what = [("ns", FIRST[key[0].figure]), *more.get(key[0].figure, []), ("cpu", "CPU ns"),
            ("switches", "switches / 1000")]
    for i, (figure, words) in enumerate(what):
        yield [key[0].short if i == 0 else "", words] + [cell(rows.column(key, v, figure)) for v in variants]


def groups(rows, variants, configurations):
    lines = []
    for group, words in cases.GROUPS.items():
        own = [key for key in rows.keys if key[0].group == group]
        if not own:
            continue
        lines += ["", f"### {group}", ""] + ([words, ""] if words else [])
        told = set()
        for case, _ in own:
            if case.name not in told:
                lines.append(f"- `{case.short}`: {case.what}")
                told.add(case.name)
        for configuration in configurations:
            here = [key for key in own if key[1] == configuration]
            there = [v for v in variants if any(rows.column(key, v, "ns") for key in here)]
            if here:
                lines += ["", f"**{configuration}**", ""]
                lines += table(["case", "per op", *there], [l for key in here for l in lines_of_row(rows, key, there)])
    return lines


def text(head_lines, samples, configurations, variants):
    rows = Rows(samples, configurations)
    lines = ["# Benchmark results", "", paragraph(rows), "",
             "Ahead and behind: the 95 % intervals of both medians (of fewer than 6 samples: the ranges) do not overlap.",
             "Memory and lateness are not in the means of time. *Watched* is L2 with `rouse top -b -d 1` attached, on the",
             "same CPUs; the agent's CPU time is in its figures. A row is a case in one of its places.", "",
             "Written by `./dev bench --peers`; compare.py says how, cases.py what.", "", *head_lines,
             "", "## Behind", ""]
    lines += behind_lines(rows)
    if os.path.exists(NOTES):
        with open(NOTES, encoding="utf-8") as f:
            lines += ["", f.read().rstrip()]
    lines += ["", "## Each row in one line", "", "Quotients of medians: below 1 is in rouse's favour; L1 if not said.", ""]
    lines += summary(rows)
    lines += ["", "## All figures", "", "Median (95 % interval). Switches are voluntary ones, of 1000 operations."]
    lines += groups(rows, variants, configurations)
    return "\n".join(lines) + "\n"
