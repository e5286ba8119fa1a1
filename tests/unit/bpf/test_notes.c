/* SPDX-License-Identifier: MIT */
/*
 * Finding the probes of a process: lines of maps, notes of ELF files, and
 * files that only look like ELF.
 */
#include "loader/notes.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test.h"

/* A file in memory, to be read by fd. */
static int file_of(const void *bytes, size_t n)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/*
 * The smallest ELF file that has a probe: header, one note in .note.stapsdt,
 * section names, three section headers.
 */
struct elf_file {
	Elf64_Ehdr header;
	Elf64_Nhdr note;
	char owner[8];
	uint32_t addresses[6]; /* three of 64 bits, which are not aligned in a note */
	char words[32];        /* provider, probe, arguments */
	char names[32];
	Elf64_Shdr sections[3];
};

static struct elf_file elf_with_probe(const char *provider)
{
	struct elf_file f = {
		.header = {
			.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			.e_type = ET_DYN, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
			.e_shoff = offsetof(struct elf_file, sections), .e_ehsize = sizeof(Elf64_Ehdr),
			.e_shentsize = sizeof(Elf64_Shdr), .e_shnum = 3, .e_shstrndx = 2,
		},
		.note = { .n_namesz = 8, .n_descsz = 24 + 32, .n_type = 3 },
		.owner = "stapsdt",
		.names = "\0.note.stapsdt\0.shstrtab",
		.sections = {
			[1] = { .sh_name = 1, .sh_type = SHT_NOTE, .sh_offset = offsetof(struct elf_file, note),
				.sh_size = offsetof(struct elf_file, names) - offsetof(struct elf_file, note),
				.sh_addralign = 4 },
			[2] = { .sh_name = 15, .sh_type = SHT_STRTAB, .sh_offset = offsetof(struct elf_file, names),
				.sh_size = 32, .sh_addralign = 1 },
		},
	};

	snprintf(f.words, sizeof(f.words), "%s%cprobe%c8@%%rdi", provider, 0, 0);
	return f;
}

static int find_in(const struct elf_file *file)
{
	int fd = file_of(file, sizeof(*file)), rc = bl_notes_find(fd, "rouse");

	close(fd);
	return rc;
}

static void note_of_the_provider_is_found(void **state)
{
	struct elf_file ours = elf_with_probe("rouse"), other = elf_with_probe("rouses"),
			prefix = elf_with_probe("rous");

	(void)state;
	assert_int_equal(find_in(&ours), 1);
	assert_int_equal(find_in(&other), 0);
	assert_int_equal(find_in(&prefix), 0);
}

static void notes_of_other_owners_and_types_are_passed_over(void **state)
{
	struct elf_file owner = elf_with_probe("rouse"), type = elf_with_probe("rouse");

	(void)state;
	owner.owner[0] = 'S';
	type.note.n_type = 4;
	assert_int_equal(find_in(&owner), 0);
	assert_int_equal(find_in(&type), 0);
}

static void provider_that_is_not_terminated_is_no_provider(void **state)
{
	struct elf_file file = elf_with_probe("rouse");

	(void)state;
	memset(file.words, 'r', sizeof(file.words));
	assert_int_equal(find_in(&file), 0);
	file = elf_with_probe("rouse");
	file.note.n_descsz = 24 + 5; /* "rouse" without its end */
	assert_int_equal(find_in(&file), 0);
	file.note.n_descsz = 24;
	assert_int_equal(find_in(&file), 0);
}

static void sizes_beyond_the_section_are_survived(void **state)
{
	struct elf_file file = elf_with_probe("rouse");

	(void)state;
	file.note.n_descsz = UINT32_MAX - 3;
	assert_int_equal(find_in(&file), 0);
	file = elf_with_probe("rouse");
	file.note.n_namesz = UINT32_MAX - 3;
	assert_int_equal(find_in(&file), 0);
	file = elf_with_probe("rouse");
	file.sections[1].sh_size = UINT32_MAX;
	assert_true(find_in(&file) <= 0);
	file = elf_with_probe("rouse");
	file.header.e_shoff = UINT32_MAX;
	assert_true(find_in(&file) <= 0);
}

static void any_cut_or_flipped_byte_is_survived(void **state)
{
	const struct elf_file file = elf_with_probe("rouse");
	uint64_t random = test_seed();

	(void)state;
	for (size_t n = 1; n < sizeof(file); n += 7) {
		int fd = file_of(&file, n);

		assert_true(bl_notes_find(fd, "rouse") <= 0);
		close(fd);
	}
	for (int i = 0; i < 2000; i++) {
		struct elf_file flipped = file;

		for (uint64_t k = test_random(&random) % 4 + 1; k > 0; k--)
			((unsigned char *)&flipped)[test_random(&random) % sizeof(flipped)] ^=
				(unsigned char)test_random(&random);
		assert_true(find_in(&flipped) <= 1);
	}
}

static void what_is_no_elf_file_has_no_probes(void **state)
{
	int script = file_of("#!/bin/sh\n", 10), empty = memfd_create("empty", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(bl_notes_find(script, "rouse"), 0);
	assert_true(bl_notes_find(empty, "rouse") <= 0);
	close(script);
	close(empty);
}

static void maps_line_gives_the_file_behind_an_executable_mapping(void **state)
{
	struct bl_object object;

	(void)state;
	assert_true(bl_object_parse(42, "55d0c1a2f000-55d0c1a31000 r-xp 00002000 fd:01 393 /opt/my app\n", &object));
	assert_string_equal(object.file, "/proc/42/map_files/55d0c1a2f000-55d0c1a31000");
	assert_string_equal(object.path, "/opt/my app");
	assert_int_equal(object.device, (UINT64_C(0xfd) << 32) | 1);
	assert_int_equal(object.inode, 393);
}

static void maps_lines_without_code_from_a_file_are_passed_over(void **state)
{
	static const char *const LINES[] = {
		"55d0c1a2d000-55d0c1a2f000 r--p 00000000 fd:01 393 /opt/app\n",
		"7ffd5a5f5000-7ffd5a5f7000 r-xp 00000000 00:00 0   [vdso]\n",
		"7f1c4c000000-7f1c4c021000 rwxp 00000000 00:00 0 \n",
		"",
		"no line of maps\n",
	};
	struct bl_object object;

	(void)state;
	for (size_t i = 0; i < sizeof(LINES) / sizeof(*LINES); i++)
		assert_false(bl_object_parse(42, LINES[i], &object));
}

static void process_without_the_provider_has_no_objects(void **state)
{
	struct bl_object objects[2];
	int n;

	(void)state;
	n = bl_objects_find(getpid(), "no such provider", objects, 2);
	if (n == -EPERM || n == -EACCES)
		test_skip("/proc/self/map_files needs CAP_SYS_ADMIN here");
	assert_int_equal(n, 0);
}

TEST_MAIN(cmocka_unit_test(note_of_the_provider_is_found),
	cmocka_unit_test(notes_of_other_owners_and_types_are_passed_over),
	cmocka_unit_test(provider_that_is_not_terminated_is_no_provider),
	cmocka_unit_test(sizes_beyond_the_section_are_survived), cmocka_unit_test(any_cut_or_flipped_byte_is_survived),
	cmocka_unit_test(what_is_no_elf_file_has_no_probes),
	cmocka_unit_test(maps_line_gives_the_file_behind_an_executable_mapping),
	cmocka_unit_test(maps_lines_without_code_from_a_file_are_passed_over),
	cmocka_unit_test(process_without_the_provider_has_no_objects));
