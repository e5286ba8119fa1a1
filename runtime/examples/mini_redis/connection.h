/* SPDX-License-Identifier: MIT */
/*
 * connection - one client, one task.
 */
#ifndef MINI_REDIS_CONNECTION_H
#define MINI_REDIS_CONNECTION_H

#include <rouse/net.h>

#include "store.h"

/*
 * Serves a client in a task of its own, named "client ADDRESS:PORT". Takes the
 * connection, also when it fails; borrows the store, which must outlive the
 * runtime's tasks. 0 or a negative error.
 */
int connection_spawn(struct rouse_tcp *tcp, struct store *store);

#endif
