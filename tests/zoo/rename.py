#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""rename.py IN OUT [NAME]: a row of the zoo with other names, the same lines: no finding may depend on a name.

What is renamed: async functions, leaf futures, and the texts that name tasks and resources. With NAME: only prints
what that becomes.
"""

import re
import sys
from pathlib import Path

FUNCTIONS = re.compile(r"\bROUSE_(?:ASYNC|LEAF|LEAF_WAIT)\((\w+),")
TEXTS = re.compile(r"(?<=_new\()\"(\w+)\"|(?<=_named\()\"(\w+)\"|(?<=_daemon\()\"(\w+)\"")


def renamed(name):
    """Backwards, and with a letter before it, so that no word of C comes out."""
    return "q" + name[::-1]


def rename(text):
    for name in set(FUNCTIONS.findall(text)):
        text = re.sub(rf"\b{name}\b", renamed(name), text)
    return TEXTS.sub(lambda match: f'"{renamed(next(filter(None, match.groups())))}"', text)


def main():
    source = Path(sys.argv[1])
    Path(sys.argv[2]).write_text(f'#line 1 "{source.name}"\n{rename(source.read_text(encoding="utf-8"))}',
                                 encoding="utf-8")


if __name__ == "__main__":
    main()
