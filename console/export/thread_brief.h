/* SPDX-License-Identifier: MIT */
/* A thread's state in a few letters, the same wherever it is shown. */
#ifndef CN_EXPORT_THREAD_BRIEF_H
#define CN_EXPORT_THREAD_BRIEF_H

#include "model/evidence.h"

enum { CN_THREAD_BRIEF = 32 };

/* "nanosleep"; "call 451" if it has no name here; "" = in none, or not known. May answer a static text. */
const char *cn_thread_call(char out[CN_THREAD_BRIEF], const struct cn_thread *thread);
/* "R", "S nanosleep", "D"; "-" = not known, as is a thread that is NULL. */
const char *cn_thread_brief(char out[CN_THREAD_BRIEF], const struct cn_thread *thread);

#endif
