# SPDX-License-Identifier: MIT
"""rouse in gdb: the tasks of the program under the debugger.

    (gdb) source .../rouse/gdb/rouse.py
    (gdb) rouse tasks [TEXT]      tasks whose name, state or place contains TEXT
    (gdb) rouse workers           what each worker does, its queue, its task
    (gdb) rouse resources [TEXT]  locks, channels, sockets, timers
    (gdb) rouse why ID            what task ID waits for, and what that waits for

Works on a program that runs under gdb, that gdb is attached to, or whose core
gdb has opened. It needs no symbols of librouse: it finds the runtime's memfd
among the mappings, and reads it, and the chunks it lists, by the offsets of
rouse/layout.h (rouse_layout.py, made from that header). It calls nothing in
the program and writes nothing.

The program stands still while it is looked at, so one look is enough. All the
same it may have been stopped between two stores: links are followed only as
far as they make sense.
"""

import os
import re
import struct
import sys

import gdb

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rouse_layout as layout  # noqa: E402  pylint: disable=wrong-import-position

MAGIC = b"rouse\x1a\n\0"
FRAMES_MAX = 256  # of one task
CONSTANT, STRUCTS = layout.CONSTANTS, layout.STRUCTS


def text_of(table, index):
    rows = layout.TEXTS[table]
    return rows[index][1] if index < len(rows) else f"{index}?"


OPS = {name: index for index, (name, _) in enumerate(layout.TEXTS["OPS"])}
STATES = {name: text for name, text in layout.TEXTS["TASK_STATES"]}


# ------------------------------------------------------------------- memory


def read(address, size):
    return bytes(gdb.selected_inferior().read_memory(address, size))


def printable(data):
    """A NUL-terminated string of the program, fit for a terminal."""
    text = data.split(b"\0", 1)[0].decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "?" for c in text)


class Record:
    """A struct of layout.h in bytes that were read: members by name."""

    def __init__(self, name, data, at=0):
        self._members, self._data, self._at = STRUCTS[name][1], data, at

    def __getattr__(self, member):
        offset, form = self._members[member]
        if form in STRUCTS:
            return Record(form, self._data, self._at + offset)
        values = struct.unpack_from("<" + form, self._data, self._at + offset)
        return values[0] if len(values) == 1 else values

    @staticmethod
    def read(name, address):
        return Record(name, read(address, STRUCTS[name][0]))


def records(name, data, stride=None):
    size = STRUCTS[name][0]
    for at in range(0, len(data) - size + 1, stride or size):
        yield at, Record(name, data, at)


# ------------------------------------------------------------------ runtime


def state_of(word):
    """As rouse_state_of() in rouse/layout.h."""
    if word & CONSTANT["ROUSE_COMPLETE"]:
        name = ("PANICKED" if word & CONSTANT["ROUSE_PANICKED"] else
                "CANCELLED" if word & CONSTANT["ROUSE_CANCELLED"] else "COMPLETE")
    elif word & CONSTANT["ROUSE_RUNNING"]:
        name = "RUNNING"
    elif word & CONSTANT["ROUSE_CREATED"]:
        name = "CREATED"
    else:
        name = "SCHEDULED" if word & CONSTANT["ROUSE_NOTIFIED"] else "PENDING"
    return STATES[name]


def wakers_of(word):
    return (word & CONSTANT["ROUSE_WAKER_MASK"]) >> CONSTANT["ROUSE_WAKER_SHIFT"]


class Runtime:
    """One runtime of the program, read at construction."""

    def __init__(self, address):
        self.page = Record.read("rouse_page", address)
        if self.page.magic != MAGIC:
            raise gdb.GdbError(f"rouse: no page at {address:#x}: another magic")
        if (self.page.version != CONSTANT["ROUSE_LAYOUT_VERSION"] or
                self.page.page_bytes != STRUCTS["rouse_page"][0]):
            raise gdb.GdbError(f"rouse: the program has layout version {self.page.version}, these commands know "
                               f"{CONSTANT['ROUSE_LAYOUT_VERSION']}: use the ones installed with its library")
        self.address = address
        self.strings = read(address + self.page.off_strings, self.page.string_bytes)
        sites = read(address + self.page.off_sites, self.page.site_count * STRUCTS["rouse_site_entry"][0])
        self.sites = [site for _, site in records("rouse_site_entry", sites)]
        self.site_by_address = {site.address: site for site in self.sites if site.kind}
        self.tasks, self.resources = {}, {}
        self._read_chunks()

    def _read_chunks(self):
        size = self.page.chunk_count * STRUCTS["rouse_chunk_entry"][0]
        for _, chunk in records("rouse_chunk_entry", read(self.address + self.page.off_chunks, size)):
            data = read(chunk.address, chunk.stride * chunk.cells)
            if chunk.kind == CONSTANT["ROUSE_CHUNK_TASK"]:
                for at, cell in records("rouse_cell_record", data, chunk.stride):
                    if cell.id:
                        self.tasks[cell.id] = Task(self, cell, chunk.address + at)
            elif chunk.kind == CONSTANT["ROUSE_CHUNK_RESOURCE"]:
                for _, resource in records("rouse_resource_record", data, chunk.stride):
                    if resource.serial:
                        self.resources[resource.serial] = resource

    def string(self, offset):
        end = self.strings.find(b"\0", offset)
        return printable(self.strings[offset:end if end >= 0 else None])

    def place(self, site):
        return f"{self.string(site.file)}:{site.line}" if site else "?"

    def workers(self):
        size = self.page.workers * STRUCTS["rouse_worker_record"][0]
        for _, worker in records("rouse_worker_record", read(self.address + self.page.off_workers, size)):
            yield worker

    def resource_text(self, serial):
        resource = self.resources.get(serial)
        if not resource:
            return f"resource {serial}, which is gone"
        name = printable(resource.name)
        return f"{text_of('RESOURCE_KINDS', resource.kind)} {serial}" + (f' "{name}"' if name else "")

    def owner_of(self, serial):
        """The task that holds it, 0 = nobody or not known: only ownership that the runtime tracks counts."""
        resource = self.resources.get(serial)
        return resource.owner if resource and resource.flags & CONSTANT["ROUSE_RESOURCE_OWNED"] else 0


class Task:
    def __init__(self, runtime, cell, address):
        self.runtime, self.cell, self.address = runtime, cell, address

    @property
    def state(self):
        return state_of(self.cell.state)

    @property
    def name(self):
        if self.cell.name_offset:
            return printable(read(self.address + self.cell.name_offset, 64))
        for frame in self.frames():
            return frame.function
        return "?"

    def frames(self):
        """The await chain, parents first. An ended task has none: what its future points to is gone."""
        if self.cell.state & CONSTANT["ROUSE_COMPLETE"]:
            return
        todo, seen = [(self.cell.future, 0)], set()
        while todo:
            address, depth = todo.pop()
            if not address or address in seen or len(seen) == FRAMES_MAX:
                continue
            seen.add(address)
            try:
                frame = Frame(self.runtime, address, depth)
            except gdb.MemoryError:
                continue
            yield frame
            if depth:
                todo.append((frame.record.sibling, depth))
            todo.append((frame.record.awaiting, depth + 1))

    def waits(self):
        """The leaves that are waiting now."""
        return [frame for frame in self.frames() if frame.wait]

    def title(self):
        return f'task {self.cell.id} "{self.name}"'

    def summary(self):
        """In a few words: what for, and where in the source."""
        if self.state != STATES["PENDING"]:
            return "", ""
        deepest, place = None, "?"
        for frame in self.frames():
            deepest = frame
            place = frame.place if frame.at else place
        for frame in self.waits():
            return frame.wait_text(), place
        return (f"in {deepest.function}" if deepest else "?"), place


class Frame:
    """A future that is being awaited, or awaits."""

    def __init__(self, runtime, address, depth):
        self.runtime, self.depth = runtime, depth
        self.record = Record.read("rouse_future_record", address)
        self.type = runtime.site_by_address.get(self.record.type)
        self.at = runtime.site_by_address.get(self.record.at)
        self.wait = None
        if self.type and self.type.node_offset:
            wait = Record.read("rouse_wait_record", address + self.type.node_offset)
            if wait.state == CONSTANT["ROUSE_WAIT_WAITING"]:
                self.wait = wait

    @property
    def function(self):
        return self.runtime.string(self.type.name) if self.type else "?"

    @property
    def place(self):
        return self.runtime.place(self.at)

    def wait_text(self):
        op = text_of("OPS", self.wait.op)
        if self.wait.op == OPS["JOIN"]:
            return f"{op} task {self.wait.resource}"
        return f"{op} {self.runtime.resource_text(self.wait.resource)}" if self.wait.resource else op

    def blames(self):
        """The task that has to do something first, 0 = none, or none that is known for sure."""
        if self.wait.op == OPS["JOIN"]:
            return self.wait.resource
        return self.runtime.owner_of(self.wait.resource)


# -------------------------------------------------------------------- pages


def page_addresses():
    """Where rouse's memfds begin. The kernel may show one in several pieces: the first has offset 0."""
    try:
        mappings = gdb.execute("info proc mappings", to_string=True)
    except gdb.error as error:
        raise gdb.GdbError(f"rouse: gdb does not know the mappings ({error}): start the program, or attach to it")
    line = re.compile(r"^\s*0x([0-9a-f]+)\s+0x[0-9a-f]+\s+0x[0-9a-f]+\s+(?:0x)?0\s.*/memfd:rouse(?: \(deleted\))?\s*$")
    return [int(match.group(1), 16) for match in map(line.match, mappings.splitlines()) if match]


def runtimes():
    found = [Runtime(address) for address in page_addresses()]
    if not found:
        raise gdb.GdbError("rouse: this program has no rouse runtime now (no mapping of /memfd:rouse)")
    return found


def show(runtime, title, rows):
    """Rows as a table; the last column may be as wide as it likes."""
    page = runtime.page
    gdb.write(f"{title} of runtime \"{printable(page.name)}\" (pid {page.pid})\n")
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]) - 1)]
    for row in rows:
        cells = [str(cell).ljust(width) for cell, width in zip(row, widths)]
        gdb.write("  ".join([*cells, str(row[-1])]).rstrip() + "\n")


def matching(rows, text):
    """The head, and the rows that contain the text in any column."""
    return rows[:1] + [row for row in rows[1:] if any(text in str(cell) for cell in row)]


# ----------------------------------------------------------------- commands


class Rouse(gdb.Command):
    """Tasks, workers and resources of a rouse program: rouse tasks|workers|resources|why."""

    def __init__(self):
        super().__init__("rouse", gdb.COMMAND_STATUS, gdb.COMPLETE_NONE, True)


class Tasks(gdb.Command):
    """rouse tasks [TEXT]: all tasks, or those with TEXT in a column."""

    def __init__(self):
        super().__init__("rouse tasks", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        for runtime in runtimes():
            rows = [("ID", "STATE", "POLLS", "WAKERS", "NAME", "WAITS FOR", "AT")]
            for number, task in sorted(runtime.tasks.items()):
                rows.append((number, task.state, task.cell.polls, wakers_of(task.cell.state), task.name,
                             *task.summary()))
            show(runtime, f"{len(runtime.tasks)} tasks", matching(rows, argument.strip()))


class Workers(gdb.Command):
    """rouse workers: what each worker thread does, and what waits in its queue."""

    def __init__(self):
        super().__init__("rouse workers", gdb.COMMAND_STATUS)

    @staticmethod
    def queue(worker):
        if not worker.queue:
            return 0
        queue = Record.read("rouse_queue_record", worker.queue)
        depth = (queue.tail - (queue.head & 0xffffffff)) & 0xffffffff
        return min(depth, CONSTANT["ROUSE_QUEUE_SLOTS"]) + (queue.lifo != 0)

    def invoke(self, argument, from_tty):
        for runtime in runtimes():
            rows = [("WORKER", "THREAD", "STATE", "QUEUE", "POLLS", "TASK")]
            for worker in runtime.workers():
                task = runtime.tasks.get(worker.current_task)
                rows.append((worker.index, worker.tid, text_of("WORKER_STATES", worker.state), self.queue(worker),
                             worker.counters.polls, task.title() if task else worker.current_task or ""))
            show(runtime, f"{runtime.page.workers} workers", rows)
            gdb.write(f"global queue: {runtime.page.inject_depth}\n")


def amount(resource):
    """What its value says; that of a notify which is waited for is not a permit."""
    kind = text_of("RESOURCE_KINDS", resource.kind)
    return 0 if kind == "notify" and resource.value == CONSTANT["ROUSE_NOTIFY_WAITED"] else resource.value


class Resources(gdb.Command):
    """rouse resources [TEXT]: locks, channels, sockets, timers; or those with TEXT in a column."""

    def __init__(self):
        super().__init__("rouse resources", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        for runtime in runtimes():
            waiting = {}
            for number, task in sorted(runtime.tasks.items()):
                for frame in task.waits():
                    if frame.wait.op != OPS["JOIN"]:
                        waiting.setdefault(frame.wait.resource, []).append(str(number))
            rows = [("SERIAL", "KIND", "NAME", "VALUE", "CAPACITY", "HELD BY", "AWAITED BY")]
            for serial, resource in sorted(runtime.resources.items()):
                rows.append((serial, text_of("RESOURCE_KINDS", resource.kind), printable(resource.name),
                             amount(resource), resource.capacity, runtime.owner_of(serial) or "",
                             " ".join(waiting.get(serial, []))))
            show(runtime, f"{len(runtime.resources)} resources", matching(rows, argument.strip()))


class Why(gdb.Command):
    """rouse why ID: the await chain of a task, then of whoever it waits for, to the end or round the circle."""

    def __init__(self):
        super().__init__("rouse why", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        arguments = gdb.string_to_argv(argument)
        if len(arguments) != 1 or not arguments[0].isdigit():
            raise gdb.GdbError("rouse why: the id of a task, please (rouse tasks lists them)")
        number = int(arguments[0])
        for runtime in runtimes():
            if number in runtime.tasks:
                self.explain(runtime, number)
                return
        raise gdb.GdbError(f"rouse why: there is no task {number} (any more): rouse tasks lists those there are")

    def explain(self, runtime, number):
        todo, seen = [(number, ())], {number}
        while todo:
            number, path = todo.pop()
            path += (number,)
            for blamed in self.explain_one(runtime, runtime.tasks[number]):
                if blamed in path:
                    gdb.write(f"  a circle: back to task {blamed}\n")
                elif blamed in seen:
                    gdb.write(f"  task {blamed}: see above\n")
                elif blamed in runtime.tasks:
                    seen.add(blamed)
                    todo.append((blamed, path))
                else:
                    gdb.write(f"  task {blamed} is gone\n")

    @staticmethod
    def explain_one(runtime, task):
        """Writes what is known of one task; answers the tasks it waits for."""
        gdb.write(f"{task.title()} {task.state}, wakers: {wakers_of(task.cell.state)}\n")
        if task.state == STATES["RUNNING"]:
            threads = [worker.tid for worker in runtime.workers() if worker.current_task == task.cell.id]
            gdb.write(f"  runs on thread {threads[0]}: see its backtrace\n" if threads else "  runs\n")
            return []
        blamed = []
        for frame in task.frames():
            indent = "  " * (frame.depth + 1)
            gdb.write(f"{indent}{frame.function}" + (f" at {frame.place}\n" if frame.at else "\n"))
            if frame.wait:
                holder = frame.blames()
                gdb.write(f"{indent}  {frame.wait_text()}" + (f", of task {holder}\n" if holder else "\n"))
                blamed += [holder] if holder else []
        if task.state == STATES["PENDING"] and not task.waits() and not wakers_of(task.cell.state):
            gdb.write("  nobody holds a waker of it: it will never run again\n")
        return blamed


for command in (Rouse, Tasks, Workers, Resources, Why):
    command()
