/* SPDX-License-Identifier: MIT */
#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int rs_address_parse(const char *text, uint16_t port, struct rs_address *ret_address)
{
	struct rs_address a = { .bytes = 0 };

	if (!text)
		return -EINVAL;
	if (inet_pton(AF_INET, text, &a.as.v4.sin_addr) == 1) {
		a.as.v4.sin_family = AF_INET;
		a.as.v4.sin_port = htons(port);
		a.bytes = sizeof a.as.v4;
	} else if (inet_pton(AF_INET6, text, &a.as.v6.sin6_addr) == 1) {
		a.as.v6.sin6_family = AF_INET6;
		a.as.v6.sin6_port = htons(port);
		a.bytes = sizeof a.as.v6;
	} else {
		return -EINVAL;
	}
	*ret_address = a;
	return 0;
}

uint16_t rs_address_port(const struct rs_address *address)
{
	return ntohs(address->as.any.sa_family == AF_INET6 ? address->as.v6.sin6_port : address->as.v4.sin_port);
}

void rs_address_name(const struct rs_address *address, char name[RS_ADDRESS_NAME_BYTES])
{
	bool v6 = address->as.any.sa_family == AF_INET6;
	char host[INET6_ADDRSTRLEN] = "?";
	char whole[INET6_ADDRSTRLEN + sizeof "[]:65535"];

	(void)inet_ntop(address->as.any.sa_family,
		v6 ? (const void *)&address->as.v6.sin6_addr : (const void *)&address->as.v4.sin_addr, host,
		sizeof host);
	int n = snprintf(whole, sizeof whole, v6 ? "[%s]:%u" : "%s:%u", host, rs_address_port(address));

	/* The end tells connections apart: the port, and the part of the address that is the host's own. */
	if (n < RS_ADDRESS_NAME_BYTES)
		memcpy(name, whole, (size_t)n + 1);
	else
		snprintf(name, RS_ADDRESS_NAME_BYTES, "..%s", whole + n - (RS_ADDRESS_NAME_BYTES - 3));
}
