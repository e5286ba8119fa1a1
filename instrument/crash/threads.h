/* SPDX-License-Identifier: MIT */
/* What the runtime's hooks call. */
#ifndef RI_CRASH_THREADS_H
#define RI_CRASH_THREADS_H

/* ROUSE_RECORD, once, before a runtime's threads are made; logs why not. */
void ri_crash_from_environment(void);
/* On each thread of a runtime: its alternate stack, if crashes are recorded. */
void ri_crash_thread_begins(void);
void ri_crash_thread_ends(void);

#endif
