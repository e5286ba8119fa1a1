/* SPDX-License-Identifier: MIT */
/*
 * resp - the Redis protocol, version 2: reading requests, writing replies.
 *
 * No I/O and no allocation while parsing: bytes in, requests out. So it can be
 * tested with every split of every script, and fuzzed.
 */
#ifndef MINI_REDIS_RESP_H
#define MINI_REDIS_RESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What one client may ask of the server's memory. Beyond it: an error, then the connection is closed. */
#define RESP_MAX_ARGS 1024u
#define RESP_MAX_BULK_BYTES (1u << 20)    /* one argument */
#define RESP_MAX_REQUEST_BYTES (4u << 20) /* all of a request */
#define RESP_MAX_INLINE_BYTES (64u << 10) /* an inline request, newline included */
#define RESP_MAX_REPLY_BYTES (16u << 20)  /* replies that wait to be written */

/* --------------------------------------------------------------- requests */

/* An argument, by its place in the request, so that the buffer may move. */
struct resp_arg {
	uint32_t at;
	uint32_t bytes;
};

enum resp_status {
	RESP_MORE,      /* not complete: call again with more bytes */
	RESP_REQUEST,   /* argc, argv and used are set; argc 0: an empty line, nothing to do */
	RESP_MALFORMED  /* `error` says why; nothing after it can be understood */
};

enum resp_phase { RESP_AT_START, RESP_AT_LENGTH, RESP_AT_BULK };

/* Starts zeroed. The fields above the line are the result, those below are where it stands. */
struct resp_parser {
	size_t used; /* bytes of the finished request */
	const char *error;
	uint32_t argc;
	struct resp_arg argv[RESP_MAX_ARGS];
	/* ------------------------------ */
	enum resp_phase phase;
	uint32_t wanted;  /* arguments announced */
	size_t at;        /* everything before it is understood */
	size_t looked;    /* no newline between `at` and here */
};

/*
 * Goes on with a request. `bytes` begins where the request begins: each call
 * sees the same bytes as the one before, and more. After RESP_REQUEST the next
 * call starts a new request, `used` bytes further. Quoted words of an inline
 * request are decoded in place.
 *
 * Every byte is looked at a fixed number of times, however the input is cut.
 */
enum resp_status resp_parse(struct resp_parser *parser, char *bytes, size_t n);

/* A decimal number as Redis wants it: no spaces, no plus, no leading zeros. False: it is none, or does not fit. */
bool resp_integer(const char *bytes, size_t n, int64_t *ret_value);

/* ---------------------------------------------------------------- replies */

/* Replies in the order of their requests, to be written in one go. Starts zeroed. */
struct resp_out {
	char *bytes;
	size_t n;
	size_t room;
	bool failed; /* out of memory or of bounds; says so until resp_out_cut() */
};

void resp_out_fini(struct resp_out *out);
/* Takes back everything from `n` on, and the failure. */
void resp_out_cut(struct resp_out *out, size_t n);
/* Empties it once all is written; gives memory back after an unusually large reply. */
void resp_out_clear(struct resp_out *out);

void resp_put_simple(struct resp_out *out, const char *text);
/* "-text\r\n". Bytes that would break the line, or a terminal, become '?'. */
void resp_put_error(struct resp_out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void resp_put_integer(struct resp_out *out, int64_t value);
void resp_put_bulk(struct resp_out *out, const char *bytes, size_t n);
void resp_put_nil(struct resp_out *out);
/* The head of an array; its elements follow. */
void resp_put_array(struct resp_out *out, size_t elements);

#endif
