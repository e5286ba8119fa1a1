#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The benchmark's arithmetic: intervals, quotients, means, verdicts, and that no row which is behind is left out."""

import unittest

import figures
import report

PLACE, PINNED = "2 workers, free", "2 workers, all on one CPU"
YIELD, PING, MEMORY = "rt_multi_threaded/yield_many", "rt_multi_threaded/ping_pong", "memory/parked_1m"


def samples(**by_case):
    """{(case, place, variant): figures} of {case: {variant: (ns, cpu)}}, each three times."""
    return {(case, PLACE, variant): {"ns": [ns] * 3, "cpu": [cpu] * 3, "switches": [0] * 3, "p99": [0] * 3}
            for case, variants in by_case.items() for variant, (ns, cpu) in variants.items()}


class Figures(unittest.TestCase):
    def test_the_interval_of_few_samples_is_their_range(self):
        self.assertEqual(figures.interval([3, 1, 2]), (2, 1, 3))
        self.assertEqual(figures.interval([5]), (5, 5, 5))

    def test_the_interval_of_many_leaves_out_as_many_as_it_may(self):
        # For n = 9, P(the median lies outside of the 2nd to the 8th) = 2 (1 + 9) / 2^9 = 3.9 %.
        self.assertEqual(figures.interval(list(range(1, 10))), (5, 2, 8))
        # For n = 7, leaving out one at each end would be 2 (1 + 7) / 2^7 = 12.5 %.
        self.assertEqual(figures.interval(list(range(1, 8))), (4, 1, 7))

    def test_the_order_of_samples_does_not_matter(self):
        self.assertEqual(figures.interval([9, 1, 5, 3, 7, 2, 8, 4, 6]), (5, 2, 8))

    def test_a_quotient_is_of_medians_and_missing_if_a_side_is(self):
        self.assertEqual(figures.quotient([1, 2, 99], [4, 4, 4]), 0.5)
        self.assertIsNone(figures.quotient([], [1]))
        self.assertIsNone(figures.quotient([1], []))
        self.assertIsNone(figures.quotient([1], [0]))

    def test_the_geometric_mean_is_that_of_what_is_there(self):
        self.assertAlmostEqual(figures.geometric_mean([0.5, 2, None]), 1)
        self.assertAlmostEqual(figures.geometric_mean([0.1, 0.4]), 0.2)
        self.assertIsNone(figures.geometric_mean([None]))

    def test_who_overlaps_is_level(self):
        self.assertEqual(figures.verdict([1, 2, 3], [4, 5, 6]), figures.AHEAD)
        self.assertEqual(figures.verdict([1, 2, 4], [4, 5, 6]), figures.LEVEL)
        self.assertEqual(figures.verdict([7, 8, 9], [4, 5, 6]), figures.BEHIND)
        self.assertIsNone(figures.verdict([1], []))

    def test_numbers_are_readable(self):
        self.assertEqual([figures.number(x) for x in (1.234, 12.34, 1234.5, 1234567)],
                         ["1.23", "12.3", "1 234", "1 234 567"])
        self.assertEqual(figures.cell([2, 1, 3]), "2.00 (1.00..3.00)")
        self.assertEqual(figures.cell([2, 2]), "2.00")
        self.assertEqual(figures.cell([]), "-")


class Report(unittest.TestCase):
    TAKEN = samples(**{
        YIELD: {"rouse L1": (50, 50), "watched": (80, 80), "Tokio": (100, 60), "Go": (25, 200)},
        PING: {"rouse L1": (400, 400), "watched": (400, 400), "Tokio": (200, 200)},
        MEMORY: {"rouse L1": (300, 10), "watched": (300, 10), "Tokio": (100, 20)},
    })

    def rows(self):
        return report.Rows(self.TAKEN, [PLACE])

    def test_the_means_are_of_speed_alone(self):
        text = report.paragraph(self.rows())
        self.assertIn("At L1 rouse takes 1.00 of Tokio's time and 1.29 of its CPU time", text)
        self.assertIn("of Go's time and 0.25 of its CPU time", text)

    def test_rows_are_counted_by_cpu(self):
        text = report.paragraph(self.rows())
        self.assertIn("ahead in 2 of 3 rows, level in 0, behind in 1", text)
        self.assertIn("Watched at L2 rouse takes 1.26 of Tokio's time and 1.63 of its CPU time (geometric means), and is "
                      "by CPU ahead in 1 of 3 rows, level in 0, behind in 2", text)

    def test_every_row_behind_is_named_with_both_figures(self):
        lines = report.behind_lines(self.rows())
        told = [tuple(word.strip() for word in line.strip("|").split("|"))[:4] for line in lines[2:]]
        self.assertEqual(told, [  # the worst first, by peer
            (f"`{MEMORY}`", PLACE, "Tokio", "bytes 3.00 x; bytes, watched 3.00 x"),
            (f"`{PING}`", PLACE, "Tokio", "CPU 2.00 x; ns 2.00 x; CPU, watched 2.00 x; ns, watched 2.00 x"),
            (f"`{YIELD}`", PLACE, "Tokio", "CPU, watched 1.33 x"),
            (f"`{YIELD}`", PLACE, "Go", "ns 2.00 x; ns, watched 3.20 x"),
        ])
        self.assertRegex(lines[4], r"\| 50.0 +\| 80.0 +\| 60.0 +\|")

    def test_who_is_slower_with_more_cpus_is_told(self):
        def at(place, ns):
            return {(case, place, "rouse L1"): {"ns": [time] * 3, "cpu": [1] * 3} for case, time in ns.items()}

        taken = {**at(PLACE, {YIELD: 70, PING: 10, MEMORY: 9}), **at(PINNED, {YIELD: 60, PING: 20, MEMORY: 1})}
        text = report.paragraph(report.Rows(taken, [PLACE, PINNED]))
        self.assertEqual(text, "With all CPUs it takes longer than with one in 1 of 2 cases (`yield_many`); "
                               "Tokio in 0 of 0; Go in 0 of 0.")

    def test_what_another_command_printed_goes_on_into_the_next_page(self):
        section = "## A server whose polls the kernel is asked about\n\nfigures\n"
        self.assertEqual(report.kept(f"# Page\n\n## Behind\n\nNone.\n\n{section}\n## Other\n\nx\n"), "\n" + section)
        self.assertEqual(report.kept(f"# Page\n\n{section}"), "\n" + section)
        self.assertEqual(report.kept("# Page\n"), "")

    def test_nobody_behind_is_said(self):
        self.assertEqual(report.behind_lines(report.Rows({}, [PLACE])), ["None."])
        self.assertEqual(report.paragraph(report.Rows({}, [PLACE])), "There was nothing to compare with.")

    def test_the_page_has_each_row_with_its_line_and_the_notes(self):
        text = report.text(["- head"], self.TAKEN, [PLACE], ["rouse L1", "Tokio"])
        self.assertIn("- `ping_pong`: 1 000 tasks: two oneshots, a partner, one message each way", text)
        self.assertRegex(text, r"\| yield_many +\| ns +\| 50.0 +\| 100 +\|")
        self.assertRegex(text, r"\| parked_1m +\| bytes +\| 300 +\| 100 +\|")
        self.assertIn("## Why, where it is behind", text)


if __name__ == "__main__":
    unittest.main()
