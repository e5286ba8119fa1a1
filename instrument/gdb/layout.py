#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""layout.py LAYOUT_H: rouse/layout.h as Python tables, on stdout.

The gdb commands need the offsets of the header, and may not need its debug
information: the library they look at may have none. So the build reads the
header once, by the few rules it is written in (fixed-width members, natural
alignment, tables of X(name, text)), and checks the result against the sizes
that the header itself states.
"""

import re
import sys

INTEGERS = {"uint8_t": (1, "B"), "uint16_t": (2, "H"), "uint32_t": (4, "I"), "uint64_t": (8, "Q"), "char": (1, "s")}
STATED = {"rouse_cell_record": "ROUSE_CELL_BYTES", "rouse_resource_record": "ROUSE_RESOURCE_BYTES",
          "rouse_worker_record": "ROUSE_WORKER_BYTES"}
MEMBER = re.compile(r"(?:struct )?(\w+) (\w+)(?:\[(\w+)\])?;|ROUSE_(\w+)\(X\)")


def plain(text):
    """Without comments, continued lines joined."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return re.sub(r"\\\n", " ", text)


def number(text, known):
    return eval(re.sub(r"\b(0x[0-9a-f]+|\d+)u?l*\b", r"\1", text), {"__builtins__": {}}, known)


def read_texts(text):
    """{"TASK_STATES": [("CREATED", "created"), ...]}: the tables of X(name, text)."""
    tables = re.findall(r"#define ROUSE_(\w+)\(X\)(.*)", text)
    return {name: re.findall(r'X\((\w+), "([^"]*)"\)', rows) for name, rows in tables}


def read_constants(text):
    known = {}
    for name, value in re.findall(r"#define (ROUSE_\w+) (\(?[\dx(].*)", text):
        known[name] = number(value.strip(), known)
    for body in re.findall(r"enum \w+ \{([^{}#]*)\};", text):
        value = -1
        for name, equals in re.findall(r"(\w+)(?: = (\w+))?", body):
            value = number(equals, known) if equals else value + 1
            known[name] = value
    return known


def members_of(body, texts):
    for kind, name, count, table in MEMBER.findall(re.sub(r"#.*", "", body)):
        if table:
            yield from (("uint64_t", row[0], "") for row in texts[table])
        else:
            yield kind, name, count


def read_structs(text, texts, constants):
    """{name: (bytes, alignment, {member: (offset, format)})}; format: of struct.unpack, or the name of a struct."""
    structs = {}
    for struct, body in re.findall(r"struct (rouse_\w+) \{(.*?)\n\};", text, flags=re.S):
        offset, widest, members = 0, 1, {}
        for kind, name, count in members_of(body, texts):
            times = number(count, constants) if count else 1
            if kind in INTEGERS:
                size, code = INTEGERS[kind]
                align, form = size, f"{times}{code}" if count else code
            else:
                size, align, _ = structs[kind]
                form = kind
            offset = (offset + align - 1) // align * align
            members[name] = (offset, form)
            offset += size * times
            widest = max(widest, align)
        structs[struct] = ((offset + widest - 1) // widest * widest, widest, members)
    return structs


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        text = plain(f.read())
    texts, constants = read_texts(text), read_constants(text)
    structs = read_structs(text, texts, constants)
    for struct, name in STATED.items():
        if structs[struct][0] != constants[name]:
            sys.exit(f"{sys.argv[1]}: struct {struct} has {structs[struct][0]} bytes by these rules, "
                     f"{constants[name]} by its own word")
    print("# SPDX-License-Identifier: MIT\n# Made from rouse/layout.h by layout.py.")
    for name, table in (("CONSTANTS", constants), ("TEXTS", texts)):
        print(f"{name} = {{")
        for key, value in table.items():
            print(f"    {key!r}: {value!r},")
        print("}")
    print("STRUCTS = {")
    for key, (size, _, members) in structs.items():
        print(f"    {key!r}: ({size}, {members!r}),")
    print("}")


if __name__ == "__main__":
    main()
