/* SPDX-License-Identifier: MIT */
/** rouse/rouse.h - all of the runtime. */
#ifndef ROUSE_ROUSE_H
#define ROUSE_ROUSE_H

#include <rouse/async.h>
#include <rouse/future.h>
#include <rouse/layout.h>
#include <rouse/net.h>
#include <rouse/runtime.h>
#include <rouse/sync.h>
#include <rouse/task.h>
#include <rouse/time.h>

#endif
