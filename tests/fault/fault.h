/* SPDX-License-Identifier: MIT */
/*
 * Failing system calls and allocations, one at a time. Every call that the
 * runtime makes of the functions below goes through a wrapper (--wrap, see
 * meson.build) that counts it and, if so told, fails the nth. Calls that libc
 * makes of its own are not seen.
 *
 *     for (uint32_t n = 1; fault_arm(kind, n), run(), fault_disarm(); n++)
 *         ... the nth call failed; is all well? ...
 *
 * ends with the run that needed fewer than n calls: nothing failed in it.
 */
#ifndef TEST_FAULT_H
#define TEST_FAULT_H

#include "test.h"

/*  function        what it fails with */
#define FAULTS(X)                                                                                  \
	X(epoll_create1, EMFILE)                                                                   \
	X(eventfd, ENFILE)                                                                         \
	X(epoll_ctl, ENOSPC)                                                                       \
	X(memfd_create, EMFILE)                                                                    \
	X(ftruncate, ENOSPC)                                                                       \
	X(mmap, ENOMEM)                                                                            \
	X(pthread_create, EAGAIN)                                                                  \
	X(malloc, ENOMEM)                                                                          \
	X(calloc, ENOMEM)                                                                          \
	X(aligned_alloc, ENOMEM)                                                                   \
	X(socket, EMFILE)                                                                          \
	X(bind, EADDRINUSE)                                                                        \
	X(listen, EADDRINUSE)                                                                      \
	X(connect, ENETUNREACH)                                                                    \
	X(accept4, ENFILE)
enum fault_kind {
#define X(name, error) FAULT_##name,
	FAULTS(X)
#undef X
	FAULT_KINDS
};

const char *fault_name(enum fault_kind kind);
int fault_error(enum fault_kind kind);
/* From now on the nth call of this kind, by whatever thread, fails. */
void fault_arm(enum fault_kind kind, uint32_t n);
/* No more. True if a call failed since. */
bool fault_disarm(void);

/* Bytes that the runtime has mapped and not unmapped. */
int64_t fault_mapped_bytes(void);

/*
 * What the program holds: descriptors, threads, mappings. fault_check_back()
 * fails the running test, naming `what`, if there is more than there was.
 */
struct fault_stock {
	int fds, threads;
	int64_t mapped_bytes;
};
struct fault_stock fault_take_stock(void);
void fault_check_back(const struct fault_stock *before, const char *what, uint32_t n);

/* Between the two nothing may be written to stdout or stderr; fault_loud() fails the running test otherwise. */
void fault_quiet(void);
void fault_loud(void);

#endif
