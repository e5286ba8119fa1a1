/* SPDX-License-Identifier: MIT */
/**
 * rouse/agent.h - publishing this process on a socket.
 *
 * Linking rouse is enough: with ROUSE_LISTEN=1 in the environment (or
 * ROUSE_LISTEN=tcp:127.0.0.1:6669, see below) the agent starts with the first
 * runtime. Or call rouse_agent_start(). It is one
 * thread, all signals blocked, that sleeps while nobody is connected.
 */
#ifndef ROUSE_AGENT_H
#define ROUSE_AGENT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ROUSE_AGENT_API __attribute__((visibility("default")))

/** Zero members mean the default. */
struct rouse_agent_opts {
	size_t size;
	const char *path; /* of the unix socket; default: rouse_socket_path() of this process */
	/*
	 * Beside the socket, a TCP port on loopback: "127.0.0.1:6669", "[::1]:6669". Who connects there has to
	 * bring the token that stands in tcp-PORT.token beside the socket, which only its user can read. NULL: none.
	 */
	const char *tcp;
};
/** Starts serving this process: 0, -EALREADY, or -errno (said by the runtime's log too). Any thread. */
ROUSE_AGENT_API int rouse_agent_start(const struct rouse_agent_opts *opts);
/** Ends it, closes all clients, removes the socket. Any thread; waits for the agent's thread. */
ROUSE_AGENT_API void rouse_agent_stop(void);

#ifdef __cplusplus
}
#endif
#endif
