# SPDX-License-Identifier: MIT
"""What is made of samples: medians with their intervals, quotients, means, and who is ahead. No I/O."""

import math
import statistics

AHEAD, LEVEL, BEHIND = "ahead", "level", "behind"


def interval(values):
    """Median, and the narrowest pair of order statistics that holds it with 95 %: the range, of fewer than 6."""
    values, n = sorted(values), len(values)
    low, tail = 0, 0.5**n
    while low + 1 < n // 2:
        tail += math.comb(n, low + 1) * 0.5**n
        if 2 * tail > 0.05:
            break
        low += 1
    return statistics.median(values), values[low], values[n - 1 - low]


def quotient(mine, theirs):
    """Of the medians; None where there is nothing to compare or to divide by."""
    if not mine or not theirs or statistics.median(theirs) <= 0 or statistics.median(mine) <= 0:
        return None
    return statistics.median(mine) / statistics.median(theirs)


def geometric_mean(quotients):
    """Of those that are there; None if none is."""
    there = [math.log(q) for q in quotients if q is not None]
    return math.exp(sum(there) / len(there)) if there else None


def verdict(mine, theirs):
    """By intervals: less is better, and what overlaps is level. None where there is nothing to compare."""
    if not mine or not theirs:
        return None
    _, my_low, my_high = interval(mine)
    _, low, high = interval(theirs)
    return AHEAD if my_high < low else BEHIND if my_low > high else LEVEL


def number(x):
    return f"{x:.2f}" if abs(x) < 10 else f"{x:.1f}" if abs(x) < 100 else f"{x:,.0f}".replace(",", " ")


def cell(values):
    """Median and interval; alone if there is one value, or all are alike."""
    if not values:
        return "-"
    middle, low, high = map(number, interval(values))
    return middle if low == high else f"{middle} ({low}..{high})"


def table(columns, rows):
    """Lines of a Markdown table, padded so that it can be read as it is."""
    widths = [max(len(row[i]) for row in [columns] + rows) for i in range(len(columns))]
    return ["| " + " | ".join(word.ljust(w) for word, w in zip(row, widths)) + " |"
            for row in [columns, ["-" * w for w in widths]] + rows]
