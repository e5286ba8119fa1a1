/* SPDX-License-Identifier: MIT */
/*
 * The search for a frame pointer, when only the stack pointer is known.
 *
 * A function that keeps frame pointers has pushed its caller's, right below the
 * address it returns to, and points at that pair:
 *
 *     stack pointer ->  locals, saved registers
 *     frame pointer ->  caller's frame pointer   higher than its own place, on this stack
 *                       return address           in code, right behind a call
 *
 * So the words from the stack pointer upward are read until such pairs are met.
 * What earlier calls have left among the locals can look the same. Therefore
 * candidates have a rank, and who asks (stack.c) takes the first from which
 * the whole rest of the stack can be unwound, each frame called by the next:
 *
 *     0  the call is to this very function
 *     1  the call goes through a pointer or the linkage table: it may be to this function
 *     2  as 0 or 1, but the caller's frame pointer is none: it was called by code without
 *     3  the call, or the one by which its own caller was called, is to another function:
 *        that one may have jumped on at its end, or keeps no frame pointer
 */
#include <stdlib.h>
#include <string.h>

#include "stack/private.h"

/* CALLS_MAX bounds what a stack full of addresses can cost: each is looked up in its file's symbols. */
enum { REACH_BYTES = 256 << 10, CHUNK_WORDS = 512, CALL_BYTES = 7, CALLS_MAX = 512 };

/* FF /2 with its addressing bytes, ending where `code` ends. */
static bool is_indirect_call(const uint8_t code[CALL_BYTES])
{
	for (size_t bytes = 2; bytes <= CALL_BYTES; bytes++) {
		const uint8_t *at = code + CALL_BYTES - bytes;
		unsigned int mod = at[1] >> 6, rm = at[1] & 7;
		size_t needs = 2 + (mod != 3 && rm == 4 ? 1 : 0);

		if (at[0] != 0xff || (at[1] >> 3 & 7) != 2)
			continue;
		if (mod == 1)
			needs += 1;
		if (mod == 2 || (mod == 0 && rm == 5))
			needs += 4;
		if (needs == bytes)
			return true;
	}
	return false;
}

static uint64_t function_at(struct rn_target *target, uint64_t pc)
{
	Dwfl_Module *module = dwfl_addrmodule(target->dwfl, pc);
	GElf_Off offset;
	GElf_Sym symbol;

	if (!module || !dwfl_module_addrinfo(module, pc, &offset, &symbol, NULL, NULL, NULL))
		return 0;
	return pc - offset;
}

/* What calls before `address`: 0 this function, 1 perhaps this one, 3 another one; -1 no call is there. */
static int rank_of_call(struct rn_target *target, uint64_t function, uint64_t address)
{
	const struct rn_map *map = rn_map_at(target, address);
	uint8_t code[CALL_BYTES];
	int32_t distance;
	uint64_t to;

	if (!map || !map->code || address - map->from < sizeof code ||
		!rn_read(target, address - sizeof code, code, sizeof code))
		return -1;
	if (code[2] != 0xe8)
		return is_indirect_call(code) ? 1 : -1;
	memcpy(&distance, code + 3, sizeof distance);
	to = address + (uint64_t)(int64_t)distance;
	if (to == function)
		return 0;
	map = rn_map_at(target, to);
	if (!map || !map->code)
		return is_indirect_call(code) ? 1 : -1;
	return function_at(target, to) == to ? 3 : 1;
}

bool rn_may_have_called(struct rn_target *target, uint64_t callee, uint64_t returns_to)
{
	int rank = rank_of_call(target, function_at(target, callee), returns_to);

	return rank == 0 || rank == 1;
}

/* The pair above: who made the call that returns to `returns_to` was called there, or may have been. */
static bool goes_on(struct rn_target *target, uint64_t returns_to, uint64_t above)
{
	uint64_t pair[2];

	return rn_read(target, above, pair, sizeof pair) && rn_may_have_called(target, returns_to - 1, pair[1]);
}

static int by_rank(const void *a, const void *b)
{
	const struct rn_candidate *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank - y->rank;
	return (x->frame_pointer > y->frame_pointer) - (x->frame_pointer < y->frame_pointer);
}

/* Keeps the best; those further up the stack give way. */
static size_t keep(struct rn_candidate *candidates, size_t n, struct rn_candidate candidate)
{
	if (n < RN_CANDIDATES_MAX)
		candidates[n++] = candidate;
	else if (candidate.rank < candidates[n - 1].rank)
		candidates[n - 1] = candidate;
	else
		return n;
	qsort(candidates, n, sizeof *candidates, by_rank);
	return n;
}

size_t rn_frame_pointers(struct rn_target *target, uint64_t pc, uint64_t sp, struct rn_candidate *candidates)
{
	const struct rn_map *stack = rn_map_at(target, sp);
	uint64_t words[CHUNK_WORDS], function = function_at(target, pc), from = sp & ~15ull, end;
	size_t n = 0, have = 0, calls = 0;

	if (!stack || stack->code)
		return 0;
	end = stack->to - from > REACH_BYTES ? from + REACH_BYTES : stack->to;
	for (uint64_t at = from; at + 16 <= end && calls < CALLS_MAX; at += 16) {
		size_t i = (at - from) / 8 % CHUNK_WORDS;

		if (i == 0) {
			have = end - at < sizeof words ? (end - at) / 8 : CHUNK_WORDS;
			if (!rn_read(target, at, words, have * 8))
				break;
		}
		if (i + 1 >= have || at < sp)
			continue;
		bool chained = words[i] > at && words[i] < stack->to && words[i] % 16 == 0;
		int rank = rank_of_call(target, function, words[i + 1]);

		calls += rank >= 0;
		if (rank < 0 || (!chained && rank > 1))
			continue;
		if (chained && rank <= 1 && !goes_on(target, words[i + 1], words[i]))
			rank = 3;
		n = keep(candidates, n, (struct rn_candidate){ at, chained ? rank : 2 });
	}
	return n;
}
