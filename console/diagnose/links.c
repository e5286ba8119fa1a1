/* SPDX-License-Identifier: MIT */
#include "diagnose/links.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINKS_MAX = 400 };

struct cn_spot cn_spot_under(uint32_t parent, const struct cn_builder *b, enum cn_relation relation)
{
	return (struct cn_spot){
		.parent = parent, .depth = b->chain->links[parent].depth, .relation = relation, .last = true
	};
}

uint32_t cn_link_add(struct cn_builder *b, struct cn_spot spot, enum cn_link_kind kind, uint64_t id, uint8_t runtime)
{
	struct cn_chain *chain = b->chain;

	if (b->rc || chain->n == LINKS_MAX) {
		chain->truncated = true;
		return UINT32_MAX;
	}
	if (chain->n == b->capacity) {
		uint32_t capacity = b->capacity ? b->capacity * 2 : 16;
		struct cn_link *links = realloc(chain->links, capacity * sizeof *links);

		if (!links) {
			b->rc = -ENOMEM;
			return UINT32_MAX;
		}
		chain->links = links;
		b->capacity = capacity;
	}
	chain->links[chain->n] = (struct cn_link){ .kind = (uint8_t)kind,
		.relation = (uint8_t)spot.relation,
		.either = spot.either,
		.last = spot.last,
		.runtime = runtime,
		.depth = spot.depth,
		.parent = chain->n ? spot.parent : 0,
		.id = id };
	return chain->n++;
}

void cn_link_say(struct cn_builder *b, uint32_t link, const char *format, ...)
{
	va_list args;
	char *text;
	size_t used;

	if (link == UINT32_MAX)
		return;
	text = b->chain->links[link].text;
	used = strlen(text);
	va_start(args, format);
	vsnprintf(text + used, sizeof b->chain->links[link].text - used, format, args);
	va_end(args);
}

uint64_t cn_builder_now(const struct cn_builder *b, uint8_t runtime)
{
	const struct cn_runtime *of = cn_model_runtime(b->model, runtime);

	return of ? of->now_ns : 0;
}
