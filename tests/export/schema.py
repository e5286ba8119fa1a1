#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""schema.py ROUSE MINI_REDIS: what --json prints is what `rouse schema` says, member by member.

A verb that says more than the schema fails here, and one that says less: the members are listed in
console/cli/schema.c.
"""

import json
import re
import sys
import tempfile
import unittest

from common import FINDINGS, LISTEN, OK, at_rest, rouse, said

from harness import MiniRedis, main

MINI_REDIS = sys.argv[2]
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool,
         "null": type(None)}


class Schema:
    """Validates by those words of JSON Schema that ours uses; any other word is an error."""

    def __init__(self, text):
        self.root = json.loads(text)
        self.used = set()

    def fail(self, value, schema, where):
        """What is wrong with a value, or None."""
        for word, operand in schema.items():
            wrong = getattr(self, "is_" + word.replace("$", "").lower())(value, operand, schema, where)
            if wrong:
                return wrong
        return None

    def is_ref(self, value, pointer, _, where):
        name = pointer.removeprefix("#/$defs/").replace("~1", "/")
        self.used.add(name)
        return self.fail(value, self.root["$defs"][name], where)

    def is_type(self, value, name, _, where):
        right = isinstance(value, TYPES[name]) and not (name in ("integer", "number") and isinstance(value, bool))
        return None if right else f"{where} is {value!r}, no {name}"

    def is_enum(self, value, words, _, where):
        return None if value in words else f"{where} is {value!r}, none of {words}"

    def is_const(self, value, word, _, where):
        return None if value == word else f"{where} is {value!r}, not {word}"

    def is_minimum(self, value, least, _, where):
        return None if value >= least else f"{where} is {value!r}"

    def is_pattern(self, value, pattern, _, where):
        return None if re.search(pattern, value) else f"{where} is {value!r}"

    def is_anyof(self, value, schemas, _, where):
        wrong = [self.fail(value, schema, where) for schema in schemas]
        return None if None in wrong else wrong[0]

    def is_items(self, value, schema, _, where):
        wrong = (self.fail(item, schema, f"{where}[{i}]") for i, item in enumerate(value))
        return next(filter(None, wrong), None)

    def is_properties(self, value, schemas, _, where):
        wrong = (self.fail(value[key], schema, f"{where}.{key}") for key, schema in schemas.items() if key in value)
        return next(filter(None, wrong), None)

    def is_required(self, value, keys, _, where):
        return next((f"{where}: no {key}" for key in keys if key not in value), None)

    def is_additionalproperties(self, value, allowed, schema, where):
        return next((f"{where}: {key} is not in the schema" for key in value
                     if not allowed and key not in schema["properties"]), None)


SCHEMA = Schema(rouse("schema").stdout)


class Test(unittest.TestCase):
    def holds(self, document):
        self.assertTrue(document["schema"] in SCHEMA.root["$defs"], document["schema"])
        wrong = SCHEMA.fail(document, SCHEMA.root["$defs"][document["schema"]], document["schema"])
        self.assertIsNone(wrong)
        return document

    def printed(self, *args, exits=(OK,)):
        done = rouse(*args)
        self.assertIn(done.returncode, exits, said(done))
        return self.holds(json.loads(done.stdout))

    def test_the_schema_is_one(self):
        try:
            import jsonschema  # pylint: disable=import-outside-toplevel
        except ImportError:
            self.skipTest("there is no jsonschema for Python: Debian's python3-jsonschema")
        jsonschema.validators.validator_for(SCHEMA.root).check_schema(SCHEMA.root)
        validator = jsonschema.validators.validator_for(SCHEMA.root)(SCHEMA.root)
        version = json.loads(rouse("version", "--json").stdout)
        self.assertTrue(validator.is_valid(version))
        self.assertFalse(validator.is_valid({**version, "more": 1}))
        self.assertFalse(validator.is_valid({"schema": "rouse/version/1"}))

    def test_every_verb_with_json_has_its_definition(self):
        verbs = re.findall(r"^  ([a-z]+) .*$", rouse("help").stdout.split("Verbs:")[1].split("\n\n")[0], re.MULTILINE)
        for verb in set(verbs) - {"top", "probe"}:  # top prints those of ps; those of probe are held to it in tests/bpf
            if re.search(r"^ +--json  ", rouse(verb, "--help").stdout, re.MULTILINE):
                self.assertTrue(f"rouse/{verb}/1" in SCHEMA.root["$defs"], verb)

    def test_of_this_machine(self):
        self.printed("version", "--json")
        self.printed("config", "--json")
        self.printed("doctor", "--json", exits=(OK, 4))

    def test_of_a_program_in_trouble_by_its_memory_and_by_its_agent(self):
        for env in (None, LISTEN):
            with self.subTest(env), MiniRedis(MINI_REDIS, "--trouble", env=env) as redis:
                at_rest(redis)
                for verb in (["ps"], ["dump"], ["dump", "--all"], ["sched"], ["stacks"], ["doctor"]):
                    self.printed(*verb, "--json", redis.pid)
                self.printed("list", "--json")
                self.printed("check", "--json", redis.pid, exits=(FINDINGS,))
                for task in ("serve", "trouble:deadlock-a"):
                    self.printed("why", "--json", redis.pid, task)
                for line in rouse("watch", "--json", "-n", 3, "--interval", 50, redis.pid).stdout.splitlines():
                    self.holds(json.loads(line))
                for text in rouse("top", "-b", "-n", 2, "-d", 0.05, "--json", redis.pid).stdout.split("\n}\n")[:-1]:
                    self.holds(json.loads(text + "}"))
                redis.stop()

    def test_of_a_recording(self):
        with MiniRedis(MINI_REDIS, "--trouble") as redis, tempfile.TemporaryDirectory() as folder:
            file = f"{folder}/rec"
            at_rest(redis)
            done = rouse("record", "-o", file, "--for", "1s", "--interval", 100, redis.pid)
            self.assertEqual(done.returncode, OK, said(done))
            redis.stop()
            for verb in ("ps", "dump", "check"):
                self.assertTrue(self.printed(verb, "--json", file, exits=(OK, FINDINGS))["recording"])

    def test_members_that_are_missing_or_new_or_of_another_kind_are_noticed(self):
        good = self.printed("version", "--json")
        definition = SCHEMA.root["$defs"]["rouse/version/1"]
        for bad in ({**good, "new": 1}, {"schema": good["schema"]}, {**good, "layout": "1"}, {**good, "layout": True},
                    {**good, "layout": -1}):
            self.assertIsNotNone(SCHEMA.fail(bad, definition, ""))


if __name__ == "__main__":
    main()
