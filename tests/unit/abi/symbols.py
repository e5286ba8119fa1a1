#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The shared library exports what the public headers declare: no more, no less.

symbols.py LIBRARY HEADER...
"""

import re
import subprocess
import sys

# ROUSE_API, then a type that may span lines, then the name: a function's before "(", a variable's before ";" or "[".
DECLARED = re.compile(r"^ROUSE_(?:INSPECT_|AGENT_|CRASH_)?API\b[^;(]*?\b(\w+)\s*[(;\[]", re.MULTILINE)


def declared(headers):
    names = set()
    for header in headers:
        with open(header, encoding="utf-8") as f:
            names.update(DECLARED.findall(f.read()))
    return names


def exported(library):
    listing = subprocess.run(["nm", "-D", "--defined-only", "--format=posix", library], capture_output=True,
                             check=True, text=True).stdout
    found = set()
    for line in listing.splitlines():
        name, kind = line.split()[:2]
        if kind != "A":  # the version node itself
            found.add(name.split("@")[0])
    return found


def main():
    library, headers = sys.argv[1], sys.argv[2:]
    promised, given = declared(headers), exported(library)
    complaints = [f"{name}: declared, not exported" for name in sorted(promised - given)]
    complaints += [f"{name}: exported, in no public header" for name in sorted(given - promised)]
    complaints += [f"{name}: not called rouse_*" for name in sorted(promised) if not name.startswith("rouse_")]
    if len(promised) < 50:
        complaints.append(f"only {len(promised)} declarations were found: this test reads the headers wrongly")
    print("\n".join(complaints), file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
