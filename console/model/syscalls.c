/* SPDX-License-Identifier: MIT */
/* Names of the system calls in which threads of a service are found waiting; others go by their number. */
#include <stddef.h>
#include <sys/syscall.h>

#include "model/evidence.h"

#define NAMED(X)                                                                                                       \
	X(accept)                                                                                                      \
	X(accept4) X(clock_nanosleep) X(close) X(connect) X(epoll_pwait) X(fallocate) X(fcntl) X(fdatasync) X(flock)   \
		X(fsync) X(ftruncate) X(futex) X(getrandom) X(ioctl) X(madvise) X(mmap) X(mprotect) X(msync) X(munmap) \
			X(nanosleep) X(openat) X(ppoll) X(pread64) X(preadv) X(pselect6) X(pwrite64) X(pwritev)        \
				X(read) X(readv) X(recvfrom) X(recvmmsg) X(recvmsg) X(renameat) X(restart_syscall)     \
					X(rt_sigsuspend) X(rt_sigtimedwait) X(sched_yield) X(sendfile) X(sendmmsg)     \
						X(sendmsg) X(sendto) X(splice) X(statx) X(sync) X(sync_file_range)     \
							X(unlinkat) X(wait4) X(waitid) X(write) X(writev)

const char *cn_syscall_name(int number)
{
	switch (number) {
#define X(NAME)                                                                                                        \
	case SYS_##NAME:                                                                                               \
		return #NAME;
		NAMED(X)
#undef X
#ifdef SYS_epoll_pwait2
	case SYS_epoll_pwait2:
		return "epoll_pwait2";
#endif
#ifdef SYS_epoll_wait
	case SYS_epoll_wait:
		return "epoll_wait";
#endif
#ifdef SYS_poll
	case SYS_poll:
		return "poll";
#endif
#ifdef SYS_select
	case SYS_select:
		return "select";
#endif
#ifdef SYS_open
	case SYS_open:
		return "open";
#endif
	default:
		return NULL;
	}
}
