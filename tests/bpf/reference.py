#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The probes of a linked program, the table in bpf/events.h, README.md and the scripts say the same.

usage: reference.py FILE...   ELF files that contain the runtime, or that only use librouse.so
"""

import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(os.environ.get("ROUSE_SOURCE_ROOT", Path(__file__).resolve().parents[2]))
FILES = [Path(name) for name in sys.argv[1:]]
SKIPPED = 77


def table():
    """{probe: (arguments, text)} of BL_PROBES."""
    rows = re.findall(r'X\(\w+, "(\w+)", "([^"]*)", "([^"]*)"\)', (ROOT / "bpf/events.h").read_text())
    return {probe: (arguments, text) for probe, arguments, text in rows}


def notes(path):
    """[{name, semaphore, arguments}] of provider rouse."""
    text = subprocess.run(["readelf", "-Wn", path], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"Provider: rouse\n\s+Name: (\w+)\n\s+Location: (\w+), Base: \w+, Semaphore: (\w+)\n"
                       r"\s+Arguments: ([^\n]*)", text)
    return [{"name": name, "location": int(location, 16), "semaphore": int(semaphore, 16),
             "arguments": arguments.split()} for name, location, semaphore, arguments in found]


def with_notes():
    return [(path, notes(path)) for path in FILES if notes(path)]


class Reference(unittest.TestCase):
    def test_runtime_has_probes_and_a_program_that_only_uses_it_has_none(self):
        self.assertTrue(with_notes())
        for path in FILES:
            dynamic = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True).stdout
            uses_library = re.search(r"\(NEEDED\).*librouse\.so", dynamic) is not None
            self.assertEqual(uses_library, not notes(path), path)

    def test_every_probe_has_one_site_and_a_semaphore_of_its_own(self):
        for path, found in with_notes():
            self.assertEqual(sorted(n["name"] for n in found), sorted(table()), path)
            self.assertEqual(len({n["semaphore"] for n in found} - {0}), len(found), path)
            self.assertEqual(len({n["location"] for n in found}), len(found), path)

    def test_arguments_are_as_many_as_the_table_says_and_in_registers(self):
        for path, found in with_notes():
            for note in found:
                expected = table()[note["name"]][0].split(", ")
                self.assertEqual(len(note["arguments"]), len(expected), f"{path}: {note}")
                for argument in note["arguments"]:
                    self.assertRegex(argument, r"^-?[48]@(%\w+|[xw]\d+)$", f"{path}: {note}")

    def test_sites_are_single_byte_nops(self):
        for path, found in with_notes():
            if "Advanced Micro Devices X86-64" not in subprocess.run(
                    ["readelf", "-h", path], capture_output=True, text=True, check=True).stdout:
                continue
            for note in found:
                at = note["location"]
                code = subprocess.run(
                    ["objdump", "-d", f"--start-address={at}", f"--stop-address={at + 1}", path],
                    capture_output=True, text=True, check=True).stdout
                self.assertRegex(code, rf"{at:x}:\s+90\s+nop", f"{path}: {note}")

    def test_semaphores_are_in_no_symbol_table_others_can_bind_to(self):
        for path, _ in with_notes():
            symbols = subprocess.run(["readelf", "-W", "--dyn-syms", path], capture_output=True, text=True, check=True)
            exported = re.findall(r"\b(rouse_task__\w+_semaphore)\b", symbols.stdout)
            self.assertEqual(exported, [], path)

    def test_readme_has_the_table(self):
        rows = re.findall(r"^\| `(\w+)` \| `([^`]*)` \| ([^|]*) \|$", (ROOT / "bpf/README.md").read_text(), re.M)
        self.assertEqual({probe: (arguments, text) for probe, arguments, text in rows}, table())

    def test_readme_names_every_script(self):
        readme = (ROOT / "bpf/README.md").read_text()
        for script in (ROOT / "bpf/scripts").glob("*.bt"):
            self.assertIn(f"scripts/{script.name}", readme)

    def test_scripts_use_probes_and_arguments_that_exist(self):
        for script in (ROOT / "bpf/scripts").glob("*.bt"):
            text = script.read_text()
            probes = re.split(r"^(?=(?:usdt|tracepoint|BEGIN|END))", text, flags=re.M)
            used = [(m.group(1), body) for body in probes if (m := re.match(r"usdt:\*:rouse:(\w+)", body))]
            self.assertTrue(used, script)
            for probe, body in used:
                self.assertIn(probe, table(), script)
                count = len(table()[probe][0].split(", "))
                for argument in re.findall(r"\barg(\d)\b", body):
                    self.assertLess(int(argument), count, f"{script}: {probe}")


if __name__ == "__main__":
    if not with_notes() and not list(Path("/usr/include").glob("**/sys/sdt.h")):
        print("skipped: built without probes, sys/sdt.h is missing")
        sys.exit(SKIPPED)
    unittest.main(argv=sys.argv[:1], verbosity=2)
