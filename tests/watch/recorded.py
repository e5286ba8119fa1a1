#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""recorded.py ROUSE MINI_REDIS: what an agent said, kept in a file, is judged as it was when it was said."""

import sys
import tempfile
import unittest

from watch import FINDINGS, LISTEN, agent_of, ask, record, rouse, said

from harness import MiniRedis, eventually, main

MINI_REDIS = sys.argv[2]


def proven(document):
    return {(finding["code"], finding["site"]["line"], tuple(task["id"] for task in finding["tasks"]))
            for finding in document["findings"] if finding["class"] == "proven"}


class Recorded(unittest.TestCase):
    def test_the_same_is_proven_of_a_file_as_of_the_program(self):
        with MiniRedis(MINI_REDIS, "--trouble", env=LISTEN) as redis, tempfile.TemporaryDirectory() as folder:
            live = {}

            def all_proven():
                live.update(ask("check", redis.pid, exits=(FINDINGS,), source="socket"))
                return len(proven(live)) == 4

            eventually("four things are proven", all_proven)
            file = f"{folder}/frames"
            record(agent_of(redis), file, 8, 100)
            why = ask("why", redis.pid, "trouble:deadlock-a", source="socket")
            redis.stop()
            dead = ask("check", "--frames", file, "--looks", 8, "--interval", 20, exits=(FINDINGS,))
            self.assertEqual(proven(dead), proven(live))
            again = ask("why", "--frames", file, "trouble:deadlock-a")
            self.assertEqual([(link["kind"], link.get("id")) for link in again["chain"]],
                             [(link["kind"], link.get("id")) for link in why["chain"]])

    def test_a_file_that_is_cut_is_refused_and_that_is_said(self):
        with MiniRedis(MINI_REDIS, "--trouble", env=LISTEN) as redis, tempfile.TemporaryDirectory() as folder:
            whole, cut = f"{folder}/whole", f"{folder}/cut"
            record(agent_of(redis), whole, 4, 100)
            redis.stop()
            with open(whole, "rb") as file, open(cut, "wb") as out:
                out.write(file.read()[:-3])
            done = rouse("check", "--frames", cut, "--looks", 4, "--interval", 20)
            self.assertEqual(done.returncode, 5, said(done))
            self.assertIn("damaged", done.stderr)


if __name__ == "__main__":
    main()
