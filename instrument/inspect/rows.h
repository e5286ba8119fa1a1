/* SPDX-License-Identifier: MIT */
/*
 * Rows on their way into frames. The columns of each table are listed once,
 * here; from the list come the row, the batch that collects rows column by
 * column as protobuf wants them packed, and the proof that a batch fits into a
 * frame.
 */
#ifndef RI_ROWS_H
#define RI_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include <frame.h>

#define RI_SITE_COLUMNS(X)                                                                         \
	X(uint32_t, id)                                                                            \
	X(uint32_t, kind)                                                                          \
	X(uint32_t, name)                                                                          \
	X(uint32_t, file)                                                                          \
	X(uint32_t, line)                                                                          \
	X(uint32_t, frame_bytes)                                                                   \
	X(uint32_t, op)

#define RI_TASK_COLUMNS(X)                                                                         \
	X(uint64_t, id)                                                                            \
	X(uint32_t, state)                                                                         \
	X(uint32_t, flags)                                                                         \
	X(uint32_t, stamp)                                                                         \
	X(uint32_t, waker_refs)                                                                    \
	X(uint32_t, handle_refs)                                                                   \
	X(uint32_t, name)                                                                          \
	X(uint32_t, spawn_site)                                                                    \
	X(uint32_t, kind)                                                                          \
	X(uint64_t, parent)                                                                        \
	X(uint64_t, spawned_ns)                                                                    \
	X(uint64_t, edge_ns)                                                                       \
	X(uint64_t, enqueue_ns)                                                                    \
	X(uint64_t, last_waker)                                                                    \
	X(uint32_t, polls)                                                                         \
	X(uint32_t, wakes)                                                                         \
	X(uint32_t, self_wakes)                                                                    \
	X(uint64_t, busy_ns)                                                                       \
	X(uint64_t, scheduled_ns)                                                                  \
	X(uint32_t, worker)                                                                        \
	X(uint32_t, valid)                                                                         \
	X(uint32_t, own_wakers)                                                                    \
	X(uint32_t, frame_bytes)

#define RI_AWAIT_COLUMNS(X)                                                                        \
	X(uint64_t, task)                                                                          \
	X(uint32_t, depth_index)                                                                   \
	X(uint32_t, parent)                                                                        \
	X(uint32_t, type)                                                                          \
	X(uint32_t, at)                                                                            \
	X(uint32_t, op)                                                                            \
	X(uint32_t, wait_state)                                                                    \
	X(uint64_t, resource)                                                                      \
	X(uint64_t, since_ns)                                                                      \
	X(uint64_t, arg)                                                                           \
	X(uint32_t, poll)                                                                          \
	X(uint64_t, waker_task)

#define RI_RESOURCE_COLUMNS(X)                                                                     \
	X(uint64_t, serial)                                                                        \
	X(uint32_t, kind)                                                                          \
	X(uint32_t, flags)                                                                         \
	X(uint32_t, site)                                                                          \
	X(uint32_t, name)                                                                          \
	X(uint64_t, owner)                                                                         \
	X(uint64_t, owner_since_ns)                                                                \
	X(uint64_t, creator)                                                                       \
	X(uint64_t, created_ns)                                                                    \
	X(uint64_t, value)                                                                         \
	X(uint64_t, capacity)                                                                      \
	X(uint64_t, side_a)                                                                        \
	X(uint64_t, side_b)                                                                        \
	X(uint64_t, last_user_a)                                                                   \
	X(uint64_t, last_user_b)                                                                   \
	X(uint32_t, granted)

#define RI_REFERENCE_COLUMNS(X)                                                                    \
	X(uint64_t, id)                                                                            \
	X(uint64_t, task)                                                                          \
	X(uint64_t, count)                                                                         \
	X(uint32_t, complete)

#define RI_EVENT_COLUMNS(X)                                                                        \
	X(int64_t, delta_ns)                                                                       \
	X(uint32_t, kind)                                                                          \
	X(uint64_t, task)                                                                          \
	X(uint32_t, worker)                                                                        \
	X(uint32_t, arg32)                                                                         \
	X(uint64_t, arg)

#define RI_QUEUE_COLUMNS(X)                                                                        \
	X(uint64_t, task)                                                                          \
	X(uint32_t, worker)

#define RI_THREAD_COLUMNS(X)                                                                       \
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

#define RI_SOCKET_COLUMNS(X)                                                                                           \
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

#define RI_HOLDER_COLUMNS(X)                                                                                           \
	X(uint64_t, serial)                                                                                            \
	X(uint64_t, task)                                                                                              \
	X(uint64_t, permits)                                                                                           \
	X(uint64_t, since_ns)

#define RI_DROP_COLUMNS(X)                                                                                             \
	X(uint64_t, task)                                                                                              \
	X(uint64_t, ns)                                                                                                \
	X(uint64_t, by)                                                                                                \
	X(uint64_t, pc)

/* In every batch. Few enough to fit into a frame whatever the numbers, more than one task's await frames. */
enum { RI_ROWS = 400 };
/* What a row can take (the widest varints), and announcing a column: two bytes of tag, three of length. */
#define RI_WIDTH_(TYPE, NAME) +(sizeof(TYPE) == 8 ? 10 : 5)
#define RI_HEAD_(TYPE, NAME) +5
#define RI_BYTES_(COLUMNS) ((0 COLUMNS(RI_HEAD_)) + RI_ROWS * (0 COLUMNS(RI_WIDTH_)))

#define RI_MEMBER_(TYPE, NAME) TYPE NAME;
#define RI_COLUMN_(TYPE, NAME) TYPE NAME[RI_ROWS];
#define RI_PUT_(TYPE, NAME) batch->NAME[batch->n] = row->NAME;
/* struct ri_X_row, struct ri_X_batch, ri_X_put() for a batch that has room. */
#define RI_TABLE_(X, COLUMNS)                                                                      \
	_Static_assert(RI_BYTES_(COLUMNS) + 64 <= RP_FRAME_MAX, #X " rows fit into a frame");      \
	struct ri_##X##_row {                                                                      \
		COLUMNS(RI_MEMBER_)                                                                \
	};                                                                                         \
	struct ri_##X##_batch {                                                                    \
		size_t n;                                                                          \
		COLUMNS(RI_COLUMN_)                                                                \
	};                                                                                         \
	static inline void ri_##X##_put(struct ri_##X##_batch *batch, const struct ri_##X##_row *row) \
	{                                                                                          \
		COLUMNS(RI_PUT_)                                                                   \
		batch->n++;                                                                        \
	}
RI_TABLE_(site, RI_SITE_COLUMNS)
RI_TABLE_(task, RI_TASK_COLUMNS)
RI_TABLE_(await, RI_AWAIT_COLUMNS)
RI_TABLE_(resource, RI_RESOURCE_COLUMNS)
RI_TABLE_(holder, RI_HOLDER_COLUMNS)
RI_TABLE_(drop, RI_DROP_COLUMNS)
RI_TABLE_(reference, RI_REFERENCE_COLUMNS)
RI_TABLE_(event, RI_EVENT_COLUMNS)
RI_TABLE_(queue, RI_QUEUE_COLUMNS)
RI_TABLE_(thread, RI_THREAD_COLUMNS)
RI_TABLE_(socket, RI_SOCKET_COLUMNS)

#endif
