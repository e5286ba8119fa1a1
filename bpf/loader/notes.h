/* SPDX-License-Identifier: MIT */
/*
 * Which files of a process carry the probes of provider "rouse".
 */
#ifndef BL_NOTES_H
#define BL_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 1 if the ELF file behind `fd` has a probe of `provider`, 0 if not (or it is no ELF file), or -errno. Borrows fd. */
int bl_notes_find(int fd, const char *provider);

/* A file mapped into a process, executable. */
struct bl_object {
	char file[64];  /* opens its very inode, whatever happened to the path: /proc/PID/map_files/... */
	char path[512]; /* as the process knows it; for words only */
	uint64_t device, inode;
};

/* Reads one line of /proc/PID/maps: true, and *ret_object, if it is an executable mapping of a file. */
bool bl_object_parse(int pid, const char *line, struct bl_object *ret_object);

/*
 * The files of process `pid` that have probes of `provider`, each once. Returns
 * their number, of which at most `capacity` are filled in, or -errno.
 */
int bl_objects_find(int pid, const char *provider, struct bl_object *objects, size_t capacity);

#endif
