/* SPDX-License-Identifier: MIT */
/* What only the files of this room know of each other. */
#ifndef RN_PRIVATE_H
#define RN_PRIVATE_H

#include <elfutils/libdwfl.h>

#include "stack/regs.h"
#include "stack/stack.h"

/* A mapping of the target. */
struct rn_map {
	uint64_t from, to;
	uint64_t inode;
	bool code; /* may be executed */
	bool writable;
};

enum { RN_MAPS_MAX = 65536, RN_REFUSED_MAX = 64 };

struct rn_target {
	int pid; /* 0 = a core file */
	int tid; /* a thread that lives: through it maps and memory are read, for the first may have ended */
	int core_fd;
	Elf *core;
	Dwfl *dwfl;
	bool attached;
	struct rn_map *maps; /* by address */
	size_t n_maps;
	uint64_t refused[RN_REFUSED_MAX]; /* where modules begin whose files are not those that were mapped */
	size_t n_refused;
	uint64_t files;      /* a digest of what files are mapped as code */
	struct rn_regs regs; /* of the thread that is being unwound, from its innermost frame */
	bool beyond;         /* its stack was read past the sample's copy */
	bool cut;            /* its stack would have been, and is not any more what it was */
};

/*
 * memory.c. Reads as it was when `regs` were: from the sample's copy of the
 * stack, else from the process; of registers that are past, what cannot be written.
 */
bool rn_read(struct rn_target *target, uint64_t address, void *buffer, size_t bytes);
/* The mapping an address lies in, or NULL. */
const struct rn_map *rn_map_at(const struct rn_target *target, uint64_t address);
/* Reads the mappings of a process anew: 1 if other files are mapped as code, 0 if not, or -errno. */
int rn_maps_read(struct rn_target *target);
/* The number that thread `tid` of another PID namespace has here; 0 = there is none. */
uint32_t rn_tid_here(int pid, uint32_t tid);

/* modules.c. Makes target->dwfl anew: 0 or -errno. */
int rn_modules_read(struct rn_target *target);
int rn_modules_core(struct rn_target *target);
void rn_modules_free(struct rn_target *target);
/* How long a mapped file's name is without what the system says behind it of one that was deleted, or replaced. */
size_t rn_mapped_name(const char *name);
/* Was the file of the module that begins there found to be another one, or gone? */
bool rn_module_refused(const struct rn_target *target, Dwfl_Module *module, uint64_t from);

/* What the unwind tables know of an address: nothing, how to find the caller, or that there is none. */
enum rn_cfi { RN_CFI_NONE, RN_CFI_FRAME, RN_CFI_BEGINNING };
enum rn_cfi rn_cfi_at(struct rn_target *target, uint64_t pc);

/* search.c. A frame of which only the stack pointer is known, and what its frame pointer may be. */
enum { RN_CANDIDATES_MAX = 16 };
struct rn_candidate {
	uint64_t frame_pointer;
	int rank; /* 0 = best */
};
/* Can the call that returns there have been one to the function at `callee`, as far as can be seen? */
bool rn_may_have_called(struct rn_target *target, uint64_t callee, uint64_t returns_to);
/* Where the frame pointer of the function at `pc` may point, best first: their number. */
size_t rn_frame_pointers(struct rn_target *target, uint64_t pc, uint64_t sp, struct rn_candidate *candidates);

#endif
