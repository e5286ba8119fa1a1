#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the table of system calls, X(name, whether its first argument is a file descriptor), for syscalls.c.

usage: syscall_names.py COMPILER [ARGUMENT...]

The names are those that the compiler's <sys/syscall.h> has for the machine that is built for; which arguments are
descriptors no header says.
"""

import re
import subprocess
import sys

TAKES_DESCRIPTOR = set("""
accept accept4 bind cachestat close connect copy_file_range dup dup2 dup3 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait
faccessat faccessat2 fadvise64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr
finit_module flistxattr flock fremovexattr fsconfig fsetxattr fsmount fspick fstat fstatfs fsync ftruncate futimesat
getdents getdents64 getpeername getsockname getsockopt inotify_add_watch inotify_rm_watch io_uring_enter
io_uring_register ioctl kexec_file_load linkat listen lseek mkdirat mknodat mount_setattr move_mount name_to_handle_at
newfstatat open_by_handle_at open_tree openat openat2 pidfd_getfd pidfd_send_signal pread64 preadv preadv2
process_madvise process_mrelease pwrite64 pwritev pwritev2 read readahead readlinkat readv recvfrom recvmmsg recvmsg
renameat renameat2 sendmmsg sendmsg sendto setns setsockopt shutdown signalfd signalfd4 splice statx sync_file_range
syncfs tee timerfd_gettime timerfd_settime unlinkat utimensat vmsplice write writev
""".split())


def main():
    macros = subprocess.run([*sys.argv[1:], "-E", "-dM", "-x", "c", "-"], input="#include <sys/syscall.h>\n", text=True,
                            stdout=subprocess.PIPE, check=True).stdout
    for name in sorted(set(re.findall(r"^#define SYS_(\w+) ", macros, re.M))):
        print(f"X({name}, {int(name in TAKES_DESCRIPTOR)})")


if __name__ == "__main__":
    main()
