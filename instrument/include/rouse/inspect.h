/* SPDX-License-Identifier: MIT */
/**
 * rouse/inspect.h - reading a rouse process through read(addr, len).
 *
 * One reader for the own process, another process (running, stopped, wedged)
 * and core files. It knows the target by rouse/layout.h only, runs
 * nothing in it, takes none of its locks, and dereferences none of its
 * pointers: an address that is gone is a failed read. All bytes read are
 * treated as hostile: every length, index and chain is bounded.
 */
#ifndef ROUSE_INSPECT_H
#define ROUSE_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ROUSE_INSPECT_API __attribute__((visibility("default")))

/** Reads `bytes` at `address` of the target: 0, or -errno if any of it cannot be read. */
typedef int (*rouse_read_fn)(void *arg, uint64_t address, void *buffer, size_t bytes);

struct rouse_inspect;

/**
 * Takes aim at a process by pid. 0, or: -ESRCH no such process, -ENOENT it has
 * no rouse runtime, -EACCES not permitted, -EPROTO another layout version.
 * The own pid is fine. *ret_inspect is freed with rouse_inspect_close().
 */
ROUSE_INSPECT_API int rouse_inspect_open_pid(int pid, struct rouse_inspect **ret_inspect);
/**
 * Takes aim at a core file, of the kernel's or of gdb's gcore: an ELF64 core of
 * this machine's kind. A file that is cut works as far as its memory goes; its
 * looks are then not complete, and Hello.note says so. 0, or: -ESRCH no such
 * file, -EACCES not permitted, -ENOEXEC not a core file, -EBADMSG a damaged
 * one, -ENOTSUP of another kind of machine, -ENOENT no rouse runtime in it,
 * -ENODATA it had one, whose page was not stored (see `coredump_filter` in
 * core(5)), -EPROTO another layout version. *ret_inspect is freed with
 * rouse_inspect_close(). Blocks as long as reading the file does.
 */
ROUSE_INSPECT_API int rouse_inspect_open_core(const char *path, struct rouse_inspect **ret_inspect);
/**
 * The same through a reader of your own; `pages` are the addresses where "rouse"
 * memfds are mapped (at most 16). Borrows arg until close.
 */
ROUSE_INSPECT_API int rouse_inspect_open_memory(rouse_read_fn read, void *arg, const uint64_t *pages, size_t n_pages,
	struct rouse_inspect **ret_inspect);
ROUSE_INSPECT_API void rouse_inspect_close(struct rouse_inspect *inspect);

/** What a look should contain. */
struct rouse_look_opts {
	size_t size;
	const char *source;      /* for Hello: by default "memory", or "core" */
	bool events;             /* also drain the rings, from where the last look ended */
	const uint64_t *watch;   /* tasks whose histograms are wanted, since the first look that named them */
	size_t n_watch;
	const uint64_t *detail; /* tasks and resources of which more is wanted, at most 16: References, Sockets */
	size_t n_detail;
	bool peers;              /* and of Sockets the process at the other end: all processes are searched for it */
	bool changes_only;       /* rows that changed since the last look, and Removed; else a keyframe */
	uint32_t asked;          /* told by GenerationBegin: which request for a keyframe this look has heard of */
};

/**
 * Takes one look at every runtime of the target and hands it out as encoded
 * frames of proto/rouse/v1 (without the length prefix), Hello first on the
 * first look. `frame` answers 0 to go on, or a negative error that ends the
 * look and is returned. Not thread-safe per inspect.
 */
typedef int (*rouse_frame_fn)(void *arg, const uint8_t *bytes, size_t n);
ROUSE_INSPECT_API int rouse_inspect_look(struct rouse_inspect *inspect, const struct rouse_look_opts *opts,
	rouse_frame_fn frame, void *arg);

/**
 * Between looks: takes in events of rings that would be full before the next
 * one, for that to hand out, if the last look asked for events. `now_ns` is of
 * CLOCK_MONOTONIC. Answers when it wants to be called again, UINT64_MAX = after
 * the next look; whoever never calls it loses the events that a ring of
 * its size cannot keep from look to look, and is told so. Memory and time are
 * bounded (16 MiB a runtime, a quarter of a CPU). Not thread-safe per inspect.
 */
ROUSE_INSPECT_API uint64_t rouse_inspect_drain(struct rouse_inspect *inspect, uint64_t now_ns);

/** A process that has a rouse runtime. */
struct rouse_target {
	int pid;
	char program[32];
	char runtime[32];   /* name of its first runtime */
	uint32_t runtimes;
	uint64_t tasks;     /* live, all runtimes */
	bool readable;      /* false: not permitted (or other_version), only pid and program are known */
	bool agent;         /* a socket is there */
	char socket[108];   /* its path, if there is one */
	bool other_version; /* it has a runtime, in a layout that this reader does not know */
};
/** Lists the processes that have one, by pid. Returns their number or -errno; fills at most `capacity`. */
ROUSE_INSPECT_API int rouse_inspect_list(struct rouse_target *targets, size_t capacity);
/** The path where process `pid` of user `uid` has, or would have, its socket. 0 or -ENAMETOOLONG. */
ROUSE_INSPECT_API int rouse_socket_path(int pid, uint32_t uid, char *path, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
