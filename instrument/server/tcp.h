/* SPDX-License-Identifier: MIT */
/*
 * The agent's port, for those who cannot reach its socket: another container,
 * the other end of a forwarded port. On loopback only. Anybody on the machine
 * may connect there, so the first frame has to bring a token, which stands in
 * a file that only the user can read.
 */
#ifndef RI_SERVER_TCP_H
#define RI_SERVER_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RI_TOKEN_BYTES = 32 };

struct ri_tcp {
	int fd; /* listening, -1 = there is none */
	uint16_t port;
	uint8_t token[RI_TOKEN_BYTES];
	char path[128]; /* of the file with the token, as hexadecimal digits and a line feed; "" = none */
};

/*
 * Listens at "127.0.0.1:6669" or "[::1]:6669" (port 0: any), makes a token and
 * its file tcp-PORT.token in `dir`. 0; -EINVAL: no such address; -EACCES: it
 * is not of this machine alone; other -errno.
 */
int ri_tcp_listen(const char *address, const char *dir, struct ri_tcp *ret_tcp);
/* Removes the file, too. */
void ri_tcp_close(struct ri_tcp *tcp);
/* In a time that does not tell where they differ. */
bool ri_token_equal(const uint8_t *a, const uint8_t *b);

#endif
