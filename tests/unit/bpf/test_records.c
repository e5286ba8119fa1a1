/* SPDX-License-Identifier: MIT */
/* Finding the workers of a process: lines of maps, and the records of a runtime of our own. */
#include "loader/records.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rouse/layout.h>

#include "test.h"

static size_t pages_in(const char *text, uint64_t *pages, size_t capacity)
{
	char *copy = strdup(text);
	size_t n = bl_pages_in(copy, pages, capacity);

	free(copy);
	return n;
}

static void only_beginnings_of_our_memfd_are_pages(void **state)
{
	uint64_t pages[2] = { 0 };

	(void)state;
	assert_int_equal(pages_in("7f0000000000-7f0000001000 rw-s 00000000 00:01 7    /memfd:rouse (deleted)\n"
				  "7f0000001000-7f0000002000 rw-s 00001000 00:01 7    /memfd:rouse (deleted)\n"
				  "7f0000003000-7f0000004000 rw-s 00000000 00:01 8    /memfd:rouse-reader (deleted)\n"
				  "7f0000005000-7f0000006000 rw-p 00000000 00:00 0\n"
				  "7f0000007000-7f0000008000 rw-p 00000000 00:00 0    /tmp/memfd:rouse (deleted)\n"
				  "7f0000009000-7f000000a000 rw-s 00000000 00:01 9    /memfd:rouse (deleted)\n",
				 pages, 2),
		2);
	assert_int_equal(pages[0], 0x7f0000000000);
	assert_int_equal(pages[1], 0x7f0000009000);
}

static void more_pages_than_fit_are_left_out_and_nonsense_is_none(void **state)
{
	static const char line[] = "1000-2000 rw-s 00000000 00:01 7 /memfd:rouse (deleted)\n";
	uint64_t pages[2] = { 0, 42 };
	char two[2 * sizeof(line)];

	(void)state;
	snprintf(two, sizeof(two), "%s%s", line, line);
	assert_int_equal(pages_in(two, pages, 1), 1);
	assert_int_equal(pages[1], 42);
	assert_int_equal(pages_in("", pages, 2), 0);
	assert_int_equal(pages_in("\n\nmemfd\n-\n2000-1000 rw-s 0 00:01 7 /memfd:rouse (deleted)\n", pages, 2), 0);
}

/* A page of ours, as hostile as the test wants it. */
static struct rouse_page *make_page(size_t bytes)
{
	int fd = memfd_create(ROUSE_MEMFD_NAME, MFD_CLOEXEC);
	struct rouse_page *page;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(page, MAP_FAILED);
	close(fd);
	memcpy(page->magic, ROUSE_LAYOUT_MAGIC, sizeof(page->magic));
	page->version = ROUSE_LAYOUT_VERSION;
	page->total_bytes = bytes;
	page->off_workers = 4096;
	page->workers = 3;
	return page;
}

static void workers_with_a_thread_are_found_with_what_they_poll(void **state)
{
	struct rouse_page *page = make_page(3 * 4096);
	struct rouse_worker_record *workers = (struct rouse_worker_record *)(void *)((char *)page + 4096);
	struct rouse_cell_record cell = { .id = 99, .spawn_site = 5 };
	struct bl_record records[4];
	uint64_t task;
	uint32_t site;

	(void)state;
	workers[0].tid = 11;
	workers[2].tid = 13;
	workers[2].current_task = 99;
	workers[2].current_cell = (uint64_t)(uintptr_t)&cell;
	assert_int_equal(bl_records_find(getpid(), records, 4), 2);
	assert_int_equal(records[1].tid, 13);
	assert_int_equal(records[1].index, 2);
	assert_int_equal(records[1].address, (uint64_t)(uintptr_t)&workers[2]);
	assert_int_equal(bl_record_task(getpid(), records[1].address, &task, &site), 0);
	assert_int_equal(task, 99);
	assert_int_equal(site, 5);
	cell.id = 98; /* the cell is another task's by now */
	assert_int_equal(bl_record_task(getpid(), records[1].address, &task, &site), 0);
	assert_int_equal(site, 0);
	workers[2].current_cell = 8; /* and unmapped */
	assert_int_equal(bl_record_task(getpid(), records[1].address, &task, &site), 0);
	assert_int_equal(site, 0);
	assert_int_equal(bl_records_find(getpid(), records, 1), 2);
	munmap(page, 3 * 4096);
}

static void page_that_lies_about_its_workers_has_none(void **state)
{
	struct rouse_page *page = make_page(3 * 4096);
	struct rouse_worker_record *workers = (struct rouse_worker_record *)(void *)((char *)page + 4096);
	struct bl_record records[4];

	(void)state;
	workers[0].tid = 11;
	page->workers = UINT32_MAX;
	assert_int_equal(bl_records_find(getpid(), records, 4), 0);
	page->workers = 1;
	page->off_workers = UINT64_MAX - 100;
	assert_int_equal(bl_records_find(getpid(), records, 4), 0);
	page->off_workers = 3 * 4096;
	assert_int_equal(bl_records_find(getpid(), records, 4), 0);
	page->off_workers = 4096;
	page->version++;
	assert_int_equal(bl_records_find(getpid(), records, 4), -EPROTO);
	munmap(page, 3 * 4096);
}

static void page_with_more_workers_than_any_target_has_is_none_of_ours(void **state)
{
	struct rouse_page *page = make_page(2 << 20);
	struct rouse_worker_record *workers = (struct rouse_worker_record *)(void *)((char *)page + 4096);
	struct bl_record records[4];

	(void)state;
	workers[0].tid = 11;
	page->workers = 1024;
	assert_int_equal(bl_records_find(getpid(), records, 4), 1);
	page->workers++;
	assert_int_equal(bl_records_find(getpid(), records, 4), 0);
	munmap(page, 2 << 20);
}

TEST_MAIN(cmocka_unit_test(only_beginnings_of_our_memfd_are_pages),
	cmocka_unit_test(more_pages_than_fit_are_left_out_and_nonsense_is_none),
	cmocka_unit_test(workers_with_a_thread_are_found_with_what_they_poll),
	cmocka_unit_test(page_that_lies_about_its_workers_has_none),
	cmocka_unit_test(page_with_more_workers_than_any_target_has_is_none_of_ours));
