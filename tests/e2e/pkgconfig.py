#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""pkgconfig.py README_C BUILD MESON...: a user's program finds the library, uninstalled and installed."""

import os
import shlex
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from harness import Program, connect, eventually, free_port, main, need, read_exactly

SOURCE, BUILD = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
MESON = sys.argv[3:]
need("pkg-config", "cc")


def run(*argv, env=None):
    done = subprocess.run([str(arg) for arg in argv], env={**os.environ, **(env or {})}, capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise AssertionError(f"{shlex.join(map(str, argv))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class PkgConfig(unittest.TestCase):
    def echoes(self, flags, libraries):
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder, "program")
            run("cc", "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", SOURCE, "-o", program, *flags)
            port = free_port()
            with Program(program, port, env={"LD_LIBRARY_PATH": str(libraries)}) as server:
                def answers():
                    try:
                        with connect(port) as s:
                            s.sendall(b"hello")
                            return read_exactly(s, 5) == b"hello"
                    except ConnectionRefusedError:
                        return server.process.poll() is not None
                eventually("the program echoes", answers)
                self.assertEqual(server.end(signal.SIGTERM), -signal.SIGTERM, server.said())

    def test_from_the_build_folder(self):
        env = {"PKG_CONFIG_PATH": str(BUILD / "meson-uninstalled")}
        self.echoes(shlex.split(run("pkg-config", "--cflags", "--libs", "rouse", env=env)), BUILD)

    def test_from_an_installation(self):
        with tempfile.TemporaryDirectory() as root:
            run(*MESON, "install", "-C", BUILD, "--no-rebuild", "--quiet", env={"DESTDIR": root})
            files = list(Path(root).rglob("rouse.pc"))
            self.assertEqual(len(files), 1, "one rouse.pc is installed")
            env = {"PKG_CONFIG_PATH": str(files[0].parent), "PKG_CONFIG_SYSROOT_DIR": root}
            flags = shlex.split(run("pkg-config", "--cflags", "--libs", "rouse", env=env))
            self.assertFalse([flag for flag in flags if str(SOURCE.parents[2]) in flag], "nothing from the source folder")
            self.echoes(flags, files[0].parents[1])


if __name__ == "__main__":
    main()
