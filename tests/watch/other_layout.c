/* SPDX-License-Identifier: MIT */
/* other_layout - looks like a program whose rouse has another layout version. Stays until its stdin is closed. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rouse/layout.h>

enum { BYTES = 1 << 16 };

int main(void)
{
	int fd = memfd_create(ROUSE_MEMFD_NAME, MFD_CLOEXEC);
	struct rouse_page *page;
	char byte;

	if (fd < 0 || ftruncate(fd, BYTES))
		return 1;
	page = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return 1;
	memcpy(page->magic, ROUSE_LAYOUT_MAGIC, sizeof page->magic);
	page->version = ROUSE_LAYOUT_VERSION + 1;
	page->page_bytes = sizeof *page;
	page->total_bytes = BYTES;
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		continue;
	return 0;
}
