/* SPDX-License-Identifier: MIT */
/* What a program that writes its own core says of it beside ELF's notes: plain data, for inspect to read. */
#ifndef RI_CRASH_NOTE_H
#define RI_CRASH_NOTE_H

#include <stdint.h>

#define RI_CRASH_NOTE_OWNER "ROUSE"
enum { RI_CRASH_NOTE = 1 };

struct ri_crash_note {
	int32_t signal;
	int32_t code;      /* of siginfo */
	uint32_t tid;      /* who took it */
	uint32_t went_on;  /* threads that could not be stopped while this was written */
	uint64_t address;  /* that could not be used, for signals that tell */
	uint64_t left_out; /* bytes of memory in use that are not here, for want of room; about */
	uint64_t limit;
	int32_t error;     /* errno that ended the writing, 0 = none */
	uint32_t reserved;
};

#endif
