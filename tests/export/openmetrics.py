# SPDX-License-Identifier: MIT
"""A strict reader of OpenMetrics 1.0 text, by the rules of its specification; anything it does not know is an error."""

import re

TYPES = {"gauge": ("",), "counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "info": ("_info",)}
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL})(?:,{LABEL})*)\}})? (-?[0-9]+(?:\.[0-9]+)?)")
META = re.compile(rf"# (TYPE|UNIT|HELP) ({NAME}) (.+)")
ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


def require(truth, what):
    if not truth:
        raise AssertionError(what)


def labels_of(text):
    labels = {}
    for name, value in re.findall(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"', text or ""):
        require(name not in labels, f"label {name} twice in {text}")
        labels[name] = re.sub(r"\\.", lambda match: ESCAPES[match.group()], value)
    return labels


def check_histogram(family, samples):
    """By its other labels each has ascending bounds, counts that do not fall, and +Inf."""
    series = {}
    for name, labels, value in samples:
        require(name == family + "_bucket", f"{name}: without a sum there is no count")
        rest = tuple(sorted((key, text) for key, text in labels.items() if key != "le"))
        series.setdefault(rest, []).append((float(labels["le"].replace("+Inf", "inf")), value))
    for rest, buckets in series.items():
        require(buckets == sorted(buckets), f"{family} {rest}: bounds in order")
        require([v for _, v in buckets] == sorted(v for _, v in buckets), f"{family} {rest}: counts fall")
        require(buckets[-1][0] == float("inf"), f"{family} {rest}: no +Inf")


class Families(dict):
    """{family: [(sample name, {label: value}, number)]}"""

    def one(self, family, **labels):
        found = [value for _, of, value in self[family] if labels.items() <= of.items()]
        require(len(found) == 1, f"{len(found)} of {family} with {labels}")
        return found[0]

    def sum(self, family, **labels):
        return sum(value for _, of, value in self[family] if labels.items() <= of.items())


def parse(text):
    require(text.endswith("\n# EOF\n"), "does not end with # EOF")
    families, types, units, seen, current = Families(), {}, {}, set(), None
    for line in text.splitlines()[:-1]:
        meta = META.fullmatch(line)
        if meta:
            word, family, what = meta.groups()
            if family != current:
                require(family not in families, f"{family} comes in two parts")
                current = family
                families[family] = []
            require(not families[family], f"{line}: after its samples")
            if word == "TYPE":
                require(what in TYPES, line)
                require(not family.endswith(("_total", "_info", "_bucket")), f"{family} has a suffix of samples")
                types[family] = what
            elif word == "UNIT":
                require(family.endswith("_" + what), line)
                units[family] = what
            continue
        sample = SAMPLE.fullmatch(line)
        require(sample, f"neither a sample nor known: {line!r}")
        name, labels, value = sample.group(1), labels_of(sample.group(2)), float(sample.group(3))
        require(current and name in {current + suffix for suffix in TYPES[types[current]]}, f"{name} in {current}")
        require((name, tuple(sorted(labels.items()))) not in seen, f"twice: {line}")
        seen.add((name, tuple(sorted(labels.items()))))
        require(types[current] != "counter" or value >= 0, line)
        families[current].append((name, labels, value))
    for family, samples in families.items():
        require(family in types, f"{family} has no type")
        require(not family.endswith(("_seconds", "_bytes")) or family in units, f"{family} has no unit")
        if types[family] == "histogram":
            check_histogram(family, samples)
    return families
