/* SPDX-License-Identifier: MIT */
/* Numeric socket addresses, as text and as the kernel wants them. */
#ifndef RS_NET_ADDRESS_H
#define RS_NET_ADDRESS_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

/* As much as a resource's name holds, its NUL included. */
#define RS_ADDRESS_NAME_BYTES 24

struct rs_address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} as;
	socklen_t bytes;
};

/* "127.0.0.1", "::1". 0, or -EINVAL if it is neither (names are not looked up). */
int rs_address_parse(const char *text, uint16_t port, struct rs_address *ret_address);
uint16_t rs_address_port(const struct rs_address *address);
/* "127.0.0.1:51234", "[::1]:51234"; what does not fit loses its front: "..42:8329]:51234". */
void rs_address_name(const struct rs_address *address, char name[RS_ADDRESS_NAME_BYTES]);

#endif
