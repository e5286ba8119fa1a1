/* SPDX-License-Identifier: MIT */
/* Rows of evidence for looks made by hand: threads, holders, drops, and what is told on demand. One frame each. */
#ifndef TABLES_H
#define TABLES_H

#include "looks.h"

#define THREAD_ROW(X)                                                                              \
	X(uint32_t, tid)                                                                           \
	X(uint32_t, role)                                                                          \
	X(uint32_t, worker)                                                                        \
	X(uint32_t, os_tid)                                                                        \
	X(uint32_t, state)                                                                         \
	X(uint64_t, cpu_ns)                                                                        \
	X(uint64_t, run_queue_ns)                                                                  \
	X(uint32_t, syscall)                                                                       \
	X(uint64_t, argument)                                                                      \
	X(uint64_t, pc)
#define DROP_ROW(X)                                                                                \
	X(uint64_t, task)                                                                          \
	X(uint64_t, ns)                                                                            \
	X(uint64_t, by)                                                                            \
	X(uint64_t, pc)
#define HOLDER_ROW(X)                                                                              \
	X(uint64_t, serial)                                                                        \
	X(uint64_t, task)                                                                          \
	X(uint64_t, permits)                                                                       \
	X(uint64_t, since_ns)
#define REFERENCE_ROW(X)                                                                           \
	X(uint64_t, id)                                                                            \
	X(uint64_t, task)                                                                          \
	X(uint64_t, count)                                                                         \
	X(uint32_t, complete)
#define SOCKET_ROW(X)                                                                                                  \
	X(uint64_t, serial)                                                                                            \
	X(uint32_t, local)                                                                                             \
	X(uint32_t, peer)                                                                                              \
	X(uint64_t, rx_bytes)                                                                                          \
	X(uint64_t, tx_bytes)                                                                                          \
	X(uint32_t, tcp_state)                                                                                         \
	X(uint32_t, peer_pid)                                                                                          \
	X(uint32_t, peer_program)                                                                                      \
	X(uint32_t, peer_is_rouse)                                                                                     \
	X(uint32_t, peer_others)
#define STACK_ROW(X)                                                                               \
	X(uint32_t, tid)                                                                           \
	X(uint64_t, pc)                                                                            \
	X(uint32_t, why)
#define SYMBOL_ROW(X)                                                                              \
	X(uint64_t, pc)                                                                            \
	X(uint32_t, function)                                                                      \
	X(uint32_t, file)                                                                          \
	X(uint32_t, line)                                                                          \
	X(uint32_t, module)

/* name, rows, message of the protocol, its initializer, body of the frame, member of the frame */
#define TABLES(X)                                                                                                    \
	X(thread, THREAD_ROW, Rouse__V1__Threads, ROUSE__V1__THREADS__INIT, THREADS, threads)                          \
	X(drop, DROP_ROW, Rouse__V1__Drops, ROUSE__V1__DROPS__INIT, DROPS, drops)                                      \
	X(holder, HOLDER_ROW, Rouse__V1__Holders, ROUSE__V1__HOLDERS__INIT, HOLDERS, holders)                          \
	X(reference, REFERENCE_ROW, Rouse__V1__References, ROUSE__V1__REFERENCES__INIT, REFERENCES, references)        \
	X(socket, SOCKET_ROW, Rouse__V1__Sockets, ROUSE__V1__SOCKETS__INIT, SOCKETS, sockets)                          \
	X(stack, STACK_ROW, Rouse__V1__Stacks, ROUSE__V1__STACKS__INIT, STACKS, stacks)                                \
	X(symbol, SYMBOL_ROW, Rouse__V1__Symbols, ROUSE__V1__SYMBOLS__INIT, SYMBOLS, symbols)

#define MEMBER(TYPE, NAME) TYPE NAME;
#define X(name, rows, message, init, body, member)                                                                     \
	struct name##_row {                                                                                            \
		rows(MEMBER)                                                                                           \
	};                                                                                                             \
	void look_##name##s(struct look *look, const struct name##_row *rows_of_one_frame, size_t n);
TABLES(X)
#undef X
#undef MEMBER

#endif
