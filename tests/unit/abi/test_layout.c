/* SPDX-License-Identifier: MIT */
/*
 * The introspection layout, pinned. Readers of other versions, of other
 * processes and of dead ones rely on each of these numbers: a change here is
 * a new ROUSE_LAYOUT_VERSION, never an edit of this table alone.
 */
#include "test.h"

#include <rouse/layout.h>
#include <string.h>

struct golden {
	const char *record, *field; /* field NULL: the record's size */
	size_t offset, size;        /* of the compiler */
	size_t golden_offset, golden_size;
};
#define SIZE(RECORD, BYTES) { #RECORD, NULL, 0, sizeof(struct RECORD), 0, (BYTES) }
#define FIELD(RECORD, NAME, OFFSET, BYTES)                                                         \
	{ #RECORD, #NAME, offsetof(struct RECORD, NAME), sizeof(((struct RECORD *)0)->NAME), (OFFSET), (BYTES) }

/* clang-format off */
static const struct golden table[] = {
	SIZE(rouse_cell_record, 128),
	FIELD(rouse_cell_record, state, 0, 8),
	FIELD(rouse_cell_record, id, 8, 8),
	FIELD(rouse_cell_record, future, 16, 8),
	FIELD(rouse_cell_record, link, 24, 8),
	FIELD(rouse_cell_record, edge_ticks, 32, 8),
	FIELD(rouse_cell_record, enqueue_ticks, 40, 8),
	FIELD(rouse_cell_record, last_waker, 48, 8),
	FIELD(rouse_cell_record, polls, 56, 4),
	FIELD(rouse_cell_record, wakes, 60, 4),
	FIELD(rouse_cell_record, busy_ticks, 64, 8),
	FIELD(rouse_cell_record, scheduled_ticks, 72, 8),
	FIELD(rouse_cell_record, spawned_ticks, 80, 8),
	FIELD(rouse_cell_record, parent, 88, 8),
	FIELD(rouse_cell_record, self_wakes, 96, 4),
	FIELD(rouse_cell_record, spawn_site, 100, 4),
	FIELD(rouse_cell_record, worker, 104, 2),
	FIELD(rouse_cell_record, kind, 106, 1),
	FIELD(rouse_cell_record, reserved, 107, 1),
	FIELD(rouse_cell_record, name_offset, 108, 4),
	FIELD(rouse_cell_record, join_waker, 112, 16),

	SIZE(rouse_future_record, 32),
	FIELD(rouse_future_record, type, 0, 8),
	FIELD(rouse_future_record, at, 8, 8),
	FIELD(rouse_future_record, awaiting, 16, 8),
	FIELD(rouse_future_record, sibling, 24, 8),

	SIZE(rouse_wait_record, 64),
	FIELD(rouse_wait_record, next, 0, 8),
	FIELD(rouse_wait_record, prev, 8, 8),
	FIELD(rouse_wait_record, waker_data, 16, 8),
	FIELD(rouse_wait_record, waker_vtable, 24, 8),
	FIELD(rouse_wait_record, resource, 32, 8),
	FIELD(rouse_wait_record, since_ticks, 40, 8),
	FIELD(rouse_wait_record, arg, 48, 8),
	FIELD(rouse_wait_record, poll, 56, 4),
	FIELD(rouse_wait_record, state, 60, 1),
	FIELD(rouse_wait_record, op, 61, 1),
	FIELD(rouse_wait_record, reserved, 62, 2),

	SIZE(rouse_resource_record, 136),
	FIELD(rouse_resource_record, serial, 0, 8),
	FIELD(rouse_resource_record, kind, 8, 1),
	FIELD(rouse_resource_record, flags, 9, 1),
	FIELD(rouse_resource_record, reserved, 10, 2),
	FIELD(rouse_resource_record, site, 12, 4),
	FIELD(rouse_resource_record, name, 16, 24),
	FIELD(rouse_resource_record, owner, 40, 8),
	FIELD(rouse_resource_record, owner_since, 48, 8),
	FIELD(rouse_resource_record, creator, 56, 8),
	FIELD(rouse_resource_record, created_ticks, 64, 8),
	FIELD(rouse_resource_record, value, 72, 8),
	FIELD(rouse_resource_record, capacity, 80, 8),
	FIELD(rouse_resource_record, side_a, 88, 8),
	FIELD(rouse_resource_record, side_b, 96, 8),
	FIELD(rouse_resource_record, last_user_a, 104, 8),
	FIELD(rouse_resource_record, last_user_b, 112, 8),
	FIELD(rouse_resource_record, holders, 120, 8),
	FIELD(rouse_resource_record, holder_capacity, 128, 4),
	FIELD(rouse_resource_record, granted, 132, 4),

	SIZE(rouse_holder_record, 24),
	FIELD(rouse_holder_record, task, 0, 8),
	FIELD(rouse_holder_record, permits, 8, 8),
	FIELD(rouse_holder_record, since_ticks, 16, 8),

	SIZE(rouse_drop_record, 32),
	FIELD(rouse_drop_record, task, 0, 8),
	FIELD(rouse_drop_record, ticks, 8, 8),
	FIELD(rouse_drop_record, by, 16, 8),
	FIELD(rouse_drop_record, pc, 24, 8),

	SIZE(rouse_chunk_entry, 24),
	FIELD(rouse_chunk_entry, address, 0, 8),
	FIELD(rouse_chunk_entry, stride, 8, 4),
	FIELD(rouse_chunk_entry, cells, 12, 4),
	FIELD(rouse_chunk_entry, kind, 16, 4),
	FIELD(rouse_chunk_entry, shard, 20, 4),

	SIZE(rouse_site_entry, 32),
	FIELD(rouse_site_entry, address, 0, 8),
	FIELD(rouse_site_entry, name, 8, 4),
	FIELD(rouse_site_entry, file, 12, 4),
	FIELD(rouse_site_entry, line, 16, 4),
	FIELD(rouse_site_entry, kind, 20, 4),
	FIELD(rouse_site_entry, frame_bytes, 24, 4),
	FIELD(rouse_site_entry, node_offset, 28, 2),
	FIELD(rouse_site_entry, op, 30, 1),
	FIELD(rouse_site_entry, histogram, 31, 1),

	SIZE(rouse_counters, 216),
	FIELD(rouse_counters, spawned, 0, 8),
	FIELD(rouse_counters, completed, 8, 8),
	FIELD(rouse_counters, cancelled, 16, 8),
	FIELD(rouse_counters, panicked, 24, 8),
	FIELD(rouse_counters, polls, 32, 8),
	FIELD(rouse_counters, wakes, 40, 8),
	FIELD(rouse_counters, self_wakes, 48, 8),
	FIELD(rouse_counters, remote_schedules, 56, 8),
	FIELD(rouse_counters, steal_attempts, 64, 8),
	FIELD(rouse_counters, steals, 72, 8),
	FIELD(rouse_counters, stolen, 80, 8),
	FIELD(rouse_counters, migrations, 88, 8),
	FIELD(rouse_counters, overflows, 96, 8),
	FIELD(rouse_counters, lifo_polls, 104, 8),
	FIELD(rouse_counters, inject_polls, 112, 8),
	FIELD(rouse_counters, parks, 120, 8),
	FIELD(rouse_counters, spins, 128, 8),
	FIELD(rouse_counters, driver_turns, 136, 8),
	FIELD(rouse_counters, io_events, 144, 8),
	FIELD(rouse_counters, timers_armed, 152, 8),
	FIELD(rouse_counters, timers_fired, 160, 8),
	FIELD(rouse_counters, forced_yields, 168, 8),
	FIELD(rouse_counters, long_polls, 176, 8),
	FIELD(rouse_counters, emitted, 184, 8),
	FIELD(rouse_counters, busy_ticks, 192, 8),
	FIELD(rouse_counters, park_ticks, 200, 8),
	FIELD(rouse_counters, empty_wakes, 208, 8),

	SIZE(rouse_worker_record, 512),
	FIELD(rouse_worker_record, tid, 0, 4),
	FIELD(rouse_worker_record, index, 4, 4),
	FIELD(rouse_worker_record, state, 8, 4),
	FIELD(rouse_worker_record, flags, 12, 4),
	FIELD(rouse_worker_record, current_task, 16, 8),
	FIELD(rouse_worker_record, current_cell, 24, 8),
	FIELD(rouse_worker_record, poll_start, 32, 8),
	FIELD(rouse_worker_record, in_transit, 40, 8),
	FIELD(rouse_worker_record, state_since, 48, 8),
	FIELD(rouse_worker_record, queue, 56, 8),
	FIELD(rouse_worker_record, timers, 64, 8),
	FIELD(rouse_worker_record, next_deadline, 72, 8),
	FIELD(rouse_worker_record, stack, 80, 8),
	FIELD(rouse_worker_record, reserved, 88, 40),
	FIELD(rouse_worker_record, counters, 128, 216),
	FIELD(rouse_worker_record, tail, 344, 168),

	SIZE(rouse_blocked_record, 16),
	FIELD(rouse_blocked_record, magic, 0, 8),
	FIELD(rouse_blocked_record, word, 8, 4),
	FIELD(rouse_blocked_record, reserved, 12, 4),

	SIZE(rouse_queue_record, 2176),
	FIELD(rouse_queue_record, head, 0, 8),
	FIELD(rouse_queue_record, pad0, 8, 56),
	FIELD(rouse_queue_record, tail, 64, 4),
	FIELD(rouse_queue_record, pad1, 68, 4),
	FIELD(rouse_queue_record, lifo, 72, 8),
	FIELD(rouse_queue_record, pad2, 80, 48),
	FIELD(rouse_queue_record, slots, 128, 2048),

	SIZE(rouse_histogram, 160),
	FIELD(rouse_histogram, count, 0, 160),

	SIZE(rouse_histogram_pair, 320),
	FIELD(rouse_histogram_pair, poll, 0, 160),
	FIELD(rouse_histogram_pair, delay, 160, 160),

	SIZE(rouse_ring, 64),
	FIELD(rouse_ring, head, 0, 8),
	FIELD(rouse_ring, tid, 8, 4),
	FIELD(rouse_ring, worker, 12, 4),
	FIELD(rouse_ring, pad, 16, 48),

	SIZE(rouse_event, 32),
	FIELD(rouse_event, ticks, 0, 8),
	FIELD(rouse_event, task, 8, 8),
	FIELD(rouse_event, kind, 16, 2),
	FIELD(rouse_event, worker, 18, 2),
	FIELD(rouse_event, arg32, 20, 4),
	FIELD(rouse_event, arg, 24, 8),

	SIZE(rouse_clock_anchor, 40),
	FIELD(rouse_clock_anchor, seq, 0, 4),
	FIELD(rouse_clock_anchor, kind, 4, 4),
	FIELD(rouse_clock_anchor, ticks, 8, 8),
	FIELD(rouse_clock_anchor, mono_ns, 16, 8),
	FIELD(rouse_clock_anchor, real_ns, 24, 8),
	FIELD(rouse_clock_anchor, mult, 32, 8),

	SIZE(rouse_page, 352),
	FIELD(rouse_page, magic, 0, 8),
	FIELD(rouse_page, version, 8, 4),
	FIELD(rouse_page, page_bytes, 12, 4),
	FIELD(rouse_page, total_bytes, 16, 8),
	FIELD(rouse_page, address, 24, 8),
	FIELD(rouse_page, pid, 32, 4),
	FIELD(rouse_page, state, 36, 4),
	FIELD(rouse_page, flavor, 40, 4),
	FIELD(rouse_page, level, 44, 4),
	FIELD(rouse_page, name, 48, 32),
	FIELD(rouse_page, anchor, 80, 40),
	FIELD(rouse_page, started_ticks, 120, 8),
	FIELD(rouse_page, task_waker_vtable, 128, 8),
	FIELD(rouse_page, workers, 136, 4),
	FIELD(rouse_page, worker_capacity, 140, 4),
	FIELD(rouse_page, chunk_count, 144, 4),
	FIELD(rouse_page, chunk_capacity, 148, 4),
	FIELD(rouse_page, site_count, 152, 4),
	FIELD(rouse_page, site_capacity, 156, 4),
	FIELD(rouse_page, string_bytes, 160, 4),
	FIELD(rouse_page, string_capacity, 164, 4),
	FIELD(rouse_page, ring_count, 168, 4),
	FIELD(rouse_page, ring_capacity, 172, 4),
	FIELD(rouse_page, ring_stride, 176, 8),
	FIELD(rouse_page, off_workers, 184, 8),
	FIELD(rouse_page, off_chunks, 192, 8),
	FIELD(rouse_page, off_sites, 200, 8),
	FIELD(rouse_page, off_strings, 208, 8),
	FIELD(rouse_page, off_histograms, 216, 8),
	FIELD(rouse_page, off_rings, 224, 8),
	FIELD(rouse_page, inject_depth, 232, 8),
	FIELD(rouse_page, blocking_queued, 240, 8),
	FIELD(rouse_page, blocking_threads, 248, 8),
	FIELD(rouse_page, blocking_idle, 256, 8),
	FIELD(rouse_page, blocking_limit, 264, 8),
	FIELD(rouse_page, foreign_in_transit, 272, 8),
	FIELD(rouse_page, foreign_lost, 280, 8),
	FIELD(rouse_page, watchdog_ticks, 288, 8),
	FIELD(rouse_page, long_poll_ns, 296, 8),
	FIELD(rouse_page, watchdog_tid, 304, 4),
	FIELD(rouse_page, driver_worker, 308, 4),
	FIELD(rouse_page, agent, 312, 8),
	FIELD(rouse_page, off_drops, 320, 8),
	FIELD(rouse_page, drops, 328, 8),
	FIELD(rouse_page, drop_capacity, 336, 4),
	FIELD(rouse_page, reserved, 340, 4),
	FIELD(rouse_page, stopping_ticks, 344, 8),

	SIZE(rouse_panic_record, 24),
	FIELD(rouse_panic_record, site_address, 0, 8),
	FIELD(rouse_panic_record, file_address, 8, 8),
	FIELD(rouse_panic_record, line, 16, 4),
	FIELD(rouse_panic_record, bytes, 20, 4),
};
/* clang-format on */
enum { ROWS = sizeof table / sizeof table[0] };

static void every_offset_and_size_is_as_published(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++)
		if (table[i].offset != table[i].golden_offset || table[i].size != table[i].golden_size)
			fail_msg("struct %s, %s: %zu bytes at %zu, published as %zu at %zu", table[i].record,
				table[i].field ? table[i].field : "size", table[i].size, table[i].offset,
				table[i].golden_size, table[i].golden_offset);
}

/* So the table has every member, and no record has padding that would leak or drift. */
static void members_fill_their_record_without_holes(void **state)
{
	const struct golden *record = NULL;
	size_t end = 0;

	(void)state;
	for (size_t i = 0; i <= ROWS; i++) {
		if (i == ROWS || !table[i].field) {
			if (record && end != record->size)
				fail_msg("struct %s: %zu of %zu bytes are in the table", record->record, end, record->size);
			record = i == ROWS ? NULL : &table[i];
			end = 0;
			continue;
		}
		if (table[i].offset != end)
			fail_msg("struct %s: a hole before %s", table[i].record, table[i].field);
		end += table[i].size;
	}
}

static void state_word_fields_cover_all_bits_once(void **state)
{
	const uint64_t stamp = ~0ull << ROUSE_STAMP_SHIFT;

	(void)state;
	assert_int_equal(ROUSE_STATE_FLAGS | ROUSE_WAKER_MASK | ROUSE_HANDLE_MASK | stamp, ~0ull);
	assert_int_equal(ROUSE_STATE_FLAGS ^ ROUSE_WAKER_MASK ^ ROUSE_HANDLE_MASK ^ stamp, ~0ull);
	assert_int_equal(ROUSE_WAKER_MASK & -ROUSE_WAKER_MASK, ROUSE_WAKER_ONE);
	assert_int_equal(ROUSE_HANDLE_MASK & -ROUSE_HANDLE_MASK, ROUSE_HANDLE_ONE);
	assert_int_equal(ROUSE_STAMP_ONE, stamp & -stamp);
	assert_int_equal(__builtin_popcountll(ROUSE_WAKER_MASK), 18);
	assert_int_equal(__builtin_popcountll(ROUSE_HANDLE_MASK), 14);
}

/* All 256 flag sets, by a rule written another way than rouse_state_of(). */
static enum rouse_task_state by_priority(unsigned int flags)
{
	static const struct {
		unsigned int set;
		enum rouse_task_state state;
	} first_match[] = {
		{ ROUSE_COMPLETE | ROUSE_PANICKED, ROUSE_TASK_PANICKED },
		{ ROUSE_COMPLETE | ROUSE_CANCELLED, ROUSE_TASK_CANCELLED },
		{ ROUSE_COMPLETE, ROUSE_TASK_COMPLETE },
		{ ROUSE_RUNNING, ROUSE_TASK_RUNNING },
		{ ROUSE_CREATED, ROUSE_TASK_CREATED },
		{ ROUSE_NOTIFIED, ROUSE_TASK_SCHEDULED },
		{ 0, ROUSE_TASK_PENDING },
	};
	size_t i = 0;

	while ((flags & first_match[i].set) != first_match[i].set)
		i++;
	return first_match[i].state;
}

static void state_is_derived_from_flags_alone(void **state)
{
	const uint64_t refs = ROUSE_WAKER_MASK | ROUSE_HANDLE_MASK | ~0ull << ROUSE_STAMP_SHIFT;

	(void)state;
	for (unsigned int flags = 0; flags < 256; flags++) {
		assert_int_equal(rouse_state_of(flags), by_priority(flags));
		assert_int_equal(rouse_state_of(flags | refs), by_priority(flags));
	}
}

/* The order of these tables is what readers see in memory. */
static void numbers_of_the_tables_are_as_published(void **state)
{
#define NAME(name, ...) #name " "
	static const struct {
		const char *is, *published;
	} tables[] = {
		{ ROUSE_TASK_STATES(NAME), "CREATED SCHEDULED RUNNING PENDING COMPLETE PANICKED CANCELLED " },
		{ ROUSE_WAKE_SOURCES(NAME), "NONE SPAWN FOREIGN TIMER IO BLOCKING ABORT SHUTDOWN WHILE_RUNNING " },
		{ ROUSE_OPS(NAME),
			"NONE YIELD SLEEP JOIN LOCK ACQUIRE NOTIFIED ONESHOT_RECV RECV SEND READ WRITE ACCEPT "
			"CONNECT BLOCKING CUSTOM " },
		{ ROUSE_RESOURCE_KINDS(NAME),
			"FREE TIMERS MUTEX SEMAPHORE NOTIFY ONESHOT MPSC UNBOUNDED LISTENER SOCKET FD BLOCKING_JOB " },
		{ ROUSE_WORKER_STATES(NAME), "STOPPED POLLING SEARCHING PARKED DRIVER " },
		{ ROUSE_THREAD_ROLES(NAME), "WORKER BLOCKING WATCHDOG OTHER " },
		{ ROUSE_EVENTS(NAME), "NONE SPAWN POLL WAKE COMPLETE PARK STEAL " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
		assert_string_equal(tables[i].is, tables[i].published);
	assert_true(ROUSE_WAKE_SOURCE_MAX <= ROUSE_FIRST_TASK_ID);
	assert_int_equal(ROUSE_SITE_FUNCTION, 1);
	assert_int_equal(ROUSE_SITE_RESOURCE, 8);
	assert_int_equal(ROUSE_CHUNK_TASK, 1);
	assert_int_equal(ROUSE_CHUNK_RESOURCE, 2);
	assert_int_equal(ROUSE_WAIT_GRANTED, 2);
	assert_int_equal(ROUSE_NOTIFY_WAITED, 2);
	assert_int_equal(ROUSE_RUNTIME_STOPPED, 4);
}

static void constants_agree_with_the_records(void **state)
{
	(void)state;
	assert_int_equal(ROUSE_LAYOUT_VERSION, 4);
	assert_int_equal(sizeof ROUSE_LAYOUT_MAGIC, sizeof(((struct rouse_page *)0)->magic));
	assert_int_equal(sizeof(struct rouse_cell_record), ROUSE_CELL_BYTES);
	assert_int_equal(sizeof(struct rouse_resource_record), ROUSE_RESOURCE_BYTES);
	assert_int_equal(sizeof(struct rouse_worker_record), ROUSE_WORKER_BYTES);
	assert_int_equal(sizeof(struct rouse_ring), ROUSE_RING_RECORDS_OFFSET);
	assert_int_equal(sizeof(struct rouse_event), 32);
}

TEST_MAIN(cmocka_unit_test(every_offset_and_size_is_as_published),
	cmocka_unit_test(members_fill_their_record_without_holes),
	cmocka_unit_test(state_word_fields_cover_all_bits_once),
	cmocka_unit_test(state_is_derived_from_flags_alone),
	cmocka_unit_test(numbers_of_the_tables_are_as_published),
	cmocka_unit_test(constants_agree_with_the_records));
