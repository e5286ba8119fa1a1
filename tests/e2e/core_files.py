# SPDX-License-Identifier: MIT
"""Core files of programs under test: by the kernel, or by gdb's gcore."""

import os
import resource
import signal
import subprocess
import tempfile
from pathlib import Path

from harness import DEADLINE_S


def kernel_writes_cores_here():
    """None, or why the kernel does not put a core into the folder where its program ran."""
    pattern = Path("/proc/sys/kernel/core_pattern").read_text(encoding="utf-8").strip()
    if "/" in pattern or pattern.startswith("|") or not pattern:
        return f"kernel: core_pattern is {pattern!r}, which leads elsewhere"
    if resource.getrlimit(resource.RLIMIT_CORE)[1] not in (resource.RLIM_INFINITY,) and os.geteuid() != 0:
        return "kernel: the hard limit of core files is not unlimited"
    return None


NO_KERNEL_CORES = kernel_writes_cores_here()


class Room:
    """A folder that programs run in, and leave their cores in."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = self.folder.name

    def enter(self):
        """In the child, before its program begins."""
        os.chdir(self.path)
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def file(self, name, content=b""):
        path = os.path.join(self.path, name)
        Path(path).write_bytes(content)
        return path

    def die(self, program):
        """Has the kernel write the program's core. Its path, in a name of its own."""
        program.process.send_signal(signal.SIGABRT)
        program.process.send_signal(signal.SIGCONT)
        status = program.end()
        if status != -signal.SIGABRT:
            raise AssertionError(f"it ended with {status}: {program.said()}")
        cores = [entry.path for entry in os.scandir(self.path) if entry.name.startswith("core")]
        if len(cores) != 1:
            raise AssertionError(f"cores in {os.listdir(self.path)}")
        path = os.path.join(self.path, f"kernel.{program.pid}")
        os.rename(cores[0], path)
        return path

    def gcore(self, program):
        """Has gdb write one; the program goes on."""
        path = os.path.join(self.path, "gcore")
        done = subprocess.run(["gcore", "-o", path, str(program.pid)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=3 * DEADLINE_S, check=False)
        if not os.path.exists(f"{path}.{program.pid}"):
            raise AssertionError(done.stdout)
        return f"{path}.{program.pid}"
