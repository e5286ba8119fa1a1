/* SPDX-License-Identifier: MIT */
/*
 * What is known beside tasks, resources and workers: what the operating system
 * says of threads, which tasks the queues hold, when a last waker went, who has
 * taken permits; and on demand where an address stands in memory, how a socket
 * looks to the kernel, native stacks. Part of the model: read through it,
 * written by cn_model_apply(); and by cn_model_put_*(), for native stacks and
 * names of code are found on this side, whichever source the rest comes from. A source that knows none of it (a
 * recording made without, another user's process) leaves it empty: then it is
 * unknown, never absent.
 */
#ifndef CN_MODEL_EVIDENCE_H
#define CN_MODEL_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cn_model;
struct cn_resource;
struct cn_worker;

#define CN_THREAD_ID (1ull << 63) /* marks an owner, holder or dropper that is a thread outside of any task */

struct cn_thread {
	uint32_t tid;    /* as the program has it */
	uint32_t os_tid; /* as this system's root has it; 0 = not known */
	uint32_t worker; /* index, of workers */
	int syscall;     /* number, -1 = in none, or not known */
	uint64_t argument;
	uint64_t pc;           /* 0 = not known */
	uint64_t cpu_ns;       /* ever */
	uint64_t run_queue_ns; /* ever */
	uint64_t prev_cpu_ns;  /* of the look before */
	uint64_t prev_run_queue_ns;
	uint32_t seen_look, first_look;
	uint8_t role; /* enum rouse_thread_role */
	char state;   /* R, S, D, T, Z...; 0 = not known */
};

/* The last waker of a resting task was dropped, not called. */
struct cn_drop {
	uint64_t task;
	uint64_t ns;
	uint64_t by; /* task id, or CN_THREAD_ID + thread id */
	uint64_t pc; /* what called rouse_waker_drop() */
};

struct cn_holder {
	uint64_t task; /* task id, or CN_THREAD_ID + thread id */
	uint64_t permits;
	uint64_t since_ns;
};

/* Where the addresses of a resource, or the wakers of a task, stand. */
struct cn_place {
	uint64_t task; /* in whose frames; 0 = elsewhere in memory */
	uint64_t count;
};
enum { CN_DETAILS_MAX = 16, CN_PLACES_MAX = 64 };
struct cn_detail {
	uint64_t id;   /* resource serial, or task id */
	uint64_t ns;   /* when it was looked up */
	uint32_t look; /* and in which look at its runtime */
	bool complete; /* all memory that can be written was read, and there was room for all places */
	uint32_t n_places;
	struct cn_place places[CN_PLACES_MAX];
};

struct cn_socket {
	uint64_t serial;
	uint64_t ns;
	uint32_t tcp_state; /* as in /proc/net/tcp; 0 = not TCP */
	uint64_t rx_bytes, tx_bytes;
	char local[112], peer[112]; /* "" = not known; hostile */
	uint32_t peer_pid;          /* of this machine, has the other end; 0 = not known */
	uint32_t peer_others;       /* so many more processes have it, too */
	bool peer_is_rouse;         /* it has a runtime, and can be asked in turn */
	char peer_program[32];      /* hostile */
};

enum { CN_STACK_MAX = 64 };
struct cn_stack {
	uint32_t tid;
	int why; /* errno: why there is none, or why it ends before its thread's beginning; 0 = fine */
	uint32_t n;
	uint32_t sure; /* so many frames are certain; the others rest on a search of the stack */
	uint64_t ns;
	uint64_t pc[CN_STACK_MAX]; /* innermost first; but for that one, the address that a call returns to */
};

/* What stands at an address of code. All text is "" if it is not known, and hostile. */
struct cn_symbol {
	uint64_t pc;
	uint64_t offset; /* into the module's file image: what objdump and addr2line take */
	uint32_t line;   /* 0 = not known */
	char function[96];
	char within[96]; /* the compiled function, if that one is inlined into it */
	char file[160];
	char module[64]; /* name of the object file */
	bool refused;    /* that is another build now, or gone: nothing is named from it */
};

/* A thread that works for a runtime, as all tables together have it. */
struct cn_native {
	uint32_t tid;
	uint32_t role;                  /* enum rouse_thread_role */
	const struct cn_thread *thread; /* NULL if the system's side of it is not known */
	const struct cn_worker *worker; /* NULL if it is none */
	const struct cn_resource *job;  /* the blocking job that it runs, NULL = none */
};

size_t cn_model_threads(const struct cn_model *model, size_t runtime);
const struct cn_thread *cn_model_thread_at(const struct cn_model *model, size_t runtime, size_t index);
/* By the program's own thread id; NULL if it is not known. */
const struct cn_thread *cn_model_thread(const struct cn_model *model, size_t runtime, uint32_t tid);
/* Time on a CPU, and waiting for one, between the last two looks: false if that is not known. */
bool cn_thread_delta(const struct cn_model *model, size_t runtime, const struct cn_thread *thread, uint64_t *ret_cpu_ns,
	uint64_t *ret_run_queue_ns, uint64_t *ret_span_ns);

/*
 * Workers, then threads that run a blocking job, then what other threads are
 * known. Their number; at most `capacity` are stored. Borrowed until the next frame.
 */
size_t cn_model_natives(const struct cn_model *model, size_t runtime, struct cn_native *natives, size_t capacity);
/* It is in a poll, or runs a job: its stack says more than that it waits for work. */
bool cn_native_busy(const struct cn_native *native);

/* The newest drop of that task's last waker, NULL if none is known. */
const struct cn_drop *cn_model_drop(const struct cn_model *model, size_t runtime, uint64_t task);

/* All that are known: their number, *ret_drops is borrowed until the next frame. */
size_t cn_model_drops(const struct cn_model *model, size_t runtime, const struct cn_drop **ret_drops);

/* Did the last look bring the queues at all? Then cn_task_queued() tells of each task. */
bool cn_model_queues_known(const struct cn_model *model, size_t runtime);

/* Who has taken permits of a semaphore: their number, *ret_holders is borrowed until the next frame. */
size_t cn_model_holders(const struct cn_model *model, uint64_t serial, const struct cn_holder **ret_holders);

/* NULL: it was not asked for, or has not come yet. */
const struct cn_detail *cn_model_detail(const struct cn_model *model, uint64_t id);
const struct cn_socket *cn_model_socket(const struct cn_model *model, uint64_t serial);
const struct cn_stack *cn_model_stack(const struct cn_model *model, size_t runtime, uint32_t tid);
/* NULL if it is not known. */
const struct cn_symbol *cn_model_symbol(const struct cn_model *model, uint64_t pc);
/*
 * "function (file.c:123)", "libc.so.6+0x1234" (and that its file was replaced) or "0x7f12", always
 * NUL-terminated, cut where it does not fit, safe to print. Returns its length.
 */
size_t cn_symbol_format(const struct cn_model *model, uint64_t pc, char *out, size_t bytes);
/* Takes a copy, in place of what was known. A runtime that there is not, an address 0: left out. 0 or -ENOMEM. */
void cn_model_put_stack(struct cn_model *model, size_t runtime, const struct cn_stack *stack);
int cn_model_put_symbol(struct cn_model *model, const struct cn_symbol *symbol);
/* Why there is no stack, or no more of it, and what would help: of cn_stack.why, which is not 0. */
const char *cn_stack_why(int why);

/* "nanosleep", or NULL: of this machine's architecture. */
const char *cn_syscall_name(int number);
/* Its first argument is a file descriptor (or AT_FDCWD). */
bool cn_syscall_takes_fd(int number);
/* What it was last seen in is a system call on the descriptor `argument`. */
bool cn_thread_on_descriptor(const struct cn_thread *thread);
const char *cn_thread_role_name(unsigned int role);

#endif
