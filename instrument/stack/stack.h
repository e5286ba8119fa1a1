/* SPDX-License-Identifier: MIT */
/*
 * Native stacks of another process's threads, or of a core file's, and names
 * for addresses of code; by elfutils. For the console alone: librouse, and so
 * the target, never links it. Nothing is stopped, traced or written: see
 * regs.h for where a thread's registers come from then, and stack.c for what
 * is done when they are not enough.
 *
 *     rn_open_pid(pid, &target);
 *     rn_refresh(target);                  before each round: libraries come and go
 *     rn_stack_take(target, tid, &stack);
 *     rn_name(target, stack.pc[0], false, &name);
 *     rn_close(target);
 *
 * Nothing is fetched over the network: debug information is that of the file
 * itself, or what is installed under /usr/lib/debug by build id; so that it
 * stays so, DEBUGINFOD_URLS is taken out of this process's environment. The
 * target's object files are read by elfutils, as they are. Not thread-safe.
 */
#ifndef RN_STACK_H
#define RN_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rn_target;

/* 0; -ESRCH there is no such process; -EACCES; -ENOMEM; -ENOSYS on a machine this does not know. */
int rn_open_pid(int pid, struct rn_target **ret_target);
/* 0; -ENOENT and other errors of opening; -ENOEXEC it is no core file; -ENOMEM. */
int rn_open_core(const char *path, struct rn_target **ret_target);
void rn_close(struct rn_target *target);

/*
 * Sees which files are mapped now. 1 if that has changed (names given out
 * before may be wrong), 0 if not, or -errno.
 */
int rn_refresh(struct rn_target *target);

enum { RN_FRAMES_MAX = 64 };
struct rn_stack {
	int why; /* errno: why there is none, or why it ends before the thread's beginning; 0 = whole */
	uint32_t n;
	uint32_t sure; /* so many frames are certain; the others rest on a frame pointer that was searched for */
	uint64_t pc[RN_FRAMES_MAX]; /* innermost first; but for that one, the address that a call returns to */
};

/*
 * `tid` as the target has it, in its own PID namespace. `why`: ESRCH there is no such thread (any
 * more); EACCES its registers or memory may not be read; EPERM it runs, and
 * sampling it is not permitted; EAGAIN it moved whenever it was looked at;
 * ENOEXEC no unwind information; E2BIG more frames than there is room for.
 */
void rn_stack_take(struct rn_target *target, uint32_t tid, struct rn_stack *ret_stack);

/*
 * Of a sample that was taken a while ago: the thread has moved on since, or
 * ended, so of its stack the copy alone is read. The target is a process.
 * `registers`: by DWARF number, the stack pointer is [7], the address [16];
 * borrows `copy`, the stack from registers[7] up. `why`: E2BIG it goes on
 * behind the copy; ENOEXEC, EFAULT.
 */
void rn_stack_of_sample(struct rn_target *target, const uint64_t registers[17], const uint8_t *copy, size_t bytes,
	struct rn_stack *ret_stack);

struct rn_name {
	uint64_t offset; /* into the module's file image */
	uint32_t line;   /* 0 = not known */
	char function[96];
	char within[96]; /* the compiled function, if that one was inlined into it */
	char file[160];
	char module[64];
	bool refused; /* the file that stands where this one was mapped from is another build, or gone: no names from it */
};
/*
 * What stands at an address; of one that a call returns to, the call. Text is
 * cut where it does not fit, "" if it is not known, and whatever bytes the
 * target's files hold. 0, or -ENOENT: no file is mapped there.
 */
int rn_name(struct rn_target *target, uint64_t pc, bool returns, struct rn_name *ret_name);

#endif
