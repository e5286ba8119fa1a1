# SPDX-License-Identifier: MIT
"""What probing needs, for tests: whether it is there, and how to be without it."""

import ctypes
import os
import re
import struct

MS = 1_000_000
HANG_S = 60
SKIPPED = 77
PR_CAPBSET_DROP = 24
CAP_SYS_ADMIN, CAP_LAST = 21, 63


def drop_capabilities(names):
    """For a child of ours: root again after exec, but without these."""
    def drop():
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in names:
            libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    return drop


def bpf_is_allowed():
    """Asks the kernel itself, for a small array: a failure of ours must not look like one of these."""
    number = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
    attributes = struct.pack("5I", 2, 4, 4, 1, 0).ljust(120, b"\0")  # BPF_MAP_TYPE_ARRAY
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(number, 0, attributes, len(attributes))  # BPF_MAP_CREATE
    if fd >= 0:
        os.close(fd)
    return fd >= 0


def reason_to_skip():
    status = open("/proc/self/status").read()
    capabilities = int(re.search(r"^CapEff:\s+(\w+)$", status, re.M).group(1), 16)
    if not capabilities >> CAP_SYS_ADMIN & 1:
        return "probing needs root"
    if not os.path.exists("/sys/kernel/btf/vmlinux"):
        return "this kernel has no BTF"
    if not bpf_is_allowed():
        return "this kernel, or a sandbox, refuses bpf()"
    return None
