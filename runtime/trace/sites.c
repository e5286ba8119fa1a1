/* SPDX-License-Identifier: MIT */
/*
 * Sites are static descriptors scattered over all linked modules. Constructors
 * hand them over module by module, some before any runtime exists, some later
 * (dlopen). Here they get their index, one for the whole process, and are
 * copied, strings included, into each runtime's memfd: rodata is not part of a
 * default core file, and a reader must not need the program's ELF files.
 *
 * Modules are never forgotten: a task of an unloaded module could not exist.
 */
#include "trace/sites.h"

#include "base/lock.h"

#include <string.h>

enum { MODULES = 64, PAGES = 64, HISTOGRAM_SITES = ROUSE_HISTOGRAM_SITES };

struct module {
	const struct rouse_future_type *const *types, *const *types_end;
	const struct rouse_site *const *sites, *const *sites_end;
	uint32_t first; /* index of its first type; sites follow its types */
};

static struct rs_lock lock;
static struct module modules[MODULES];
static uint32_t module_count, site_count = 1, histogram_count;
static struct rouse_page *pages[PAGES];

static uint32_t put_string(struct rouse_page *page, const char *text, size_t n)
{
	char *base = (char *)page + page->off_strings;
	uint32_t at = page->string_bytes;

	if (n + 1 > page->string_capacity - at)
		return 0;
	memcpy(base + at, text, n);
	base[at + n] = 0;
	rs_store(&page->string_bytes, at + (uint32_t)n + 1, RS_RELEASE);
	return at;
}

/* Neighbours mostly share their file: one look back saves most of the copies. */
static uint32_t put_file(struct rouse_page *page, uint32_t index, const char *file)
{
	const struct rouse_site_entry *entries =
		(const struct rouse_site_entry *)((char *)page + page->off_sites);
	const char *strings = (const char *)page + page->off_strings;

	if (index > 1 && strcmp(strings + entries[index - 1].file, file) == 0)
		return entries[index - 1].file;
	return put_string(page, file, strlen(file));
}

/* The body of async function f is f_rouse_body_ to the compiler. */
static uint32_t put_function(struct rouse_page *page, const char *name)
{
	static const char suffix[] = "_rouse_body_";
	size_t n = strlen(name), m = sizeof suffix - 1;

	return put_string(page, name, n > m && memcmp(name + n - m, suffix, m) == 0 ? n - m : n);
}

static struct rouse_site_entry *entry_at(struct rouse_page *page, uint32_t index)
{
	if (index >= page->site_capacity)
		return NULL;
	return (struct rouse_site_entry *)((char *)page + page->off_sites) + index;
}

/* `kind` is stored last: an entry with a kind is whole. */
static void publish_entry(struct rouse_page *page, uint32_t index, struct rouse_site_entry entry, const char *name,
	const char *file)
{
	struct rouse_site_entry *slot = entry_at(page, index);
	uint32_t kind = entry.kind;

	if (!slot)
		return;
	entry.name = put_function(page, name);
	entry.file = put_file(page, index, file);
	entry.kind = 0;
	*slot = entry;
	rs_store(&slot->kind, kind, RS_RELEASE);
	rs_store(&page->site_count, index + 1, RS_RELEASE);
}

static uint8_t histogram_of(const struct rouse_site *site, uint32_t index);

static void publish_module(struct rouse_page *page, const struct module *m)
{
	uint32_t index = m->first;

	for (const struct rouse_future_type *const *p = m->types; p < m->types_end; p++, index++) {
		const struct rouse_future_type *t = *p;
		struct rouse_site_entry e = { .address = (uintptr_t)t, .line = t->line, .kind = t->kind,
			.frame_bytes = t->bytes, .node_offset = t->node_offset, .op = t->op };

		publish_entry(page, index, e, t->name, t->file);
	}
	for (const struct rouse_site *const *p = m->sites; p < m->sites_end; p++, index++) {
		const struct rouse_site *s = *p;
		struct rouse_site_entry e = { .address = (uintptr_t)s, .line = s->line, .kind = s->kind,
			.histogram = histogram_of(s, index) };

		publish_entry(page, index, e, s->function, s->file);
	}
}

/* The first spawn sites of a process have histograms of their own. Stable: it depends on the order only. */
static uint32_t histogram_sites[HISTOGRAM_SITES];

static uint8_t histogram_of(const struct rouse_site *site, uint32_t index)
{
	if (site->kind != ROUSE_SITE_SPAWN)
		return 0;
	for (uint32_t i = 0; i < histogram_count; i++)
		if (histogram_sites[i] == index)
			return (uint8_t)(i + 1);
	if (histogram_count == HISTOGRAM_SITES)
		return 0;
	histogram_sites[histogram_count++] = index;
	return (uint8_t)histogram_count;
}

static void assign(struct module *m)
{
	m->first = site_count;
	site_count += (uint32_t)(m->types_end - m->types);
	for (const struct rouse_site *const *p = m->sites; p < m->sites_end; p++, site_count++)
		if ((*p)->index)
			rs_store((*p)->index, site_count, RS_RELAXED);
}

void rouse_sites_register_(const struct rouse_future_type *const *types, const struct rouse_future_type *const *types_end,
	const struct rouse_site *const *sites, const struct rouse_site *const *sites_end)
{
	rs_lock_take(&lock);
	bool known = module_count == MODULES || (types == types_end && sites == sites_end);

	/* Every object file calls with the bounds of its whole module. */
	for (uint32_t i = 0; i < module_count; i++)
		known |= modules[i].types == types && modules[i].sites == sites;
	if (!known) {
		struct module *m = &modules[module_count++];

		*m = (struct module){ types, types_end, sites, sites_end, 0 };
		assign(m);
		for (int i = 0; i < PAGES; i++)
			if (pages[i])
				publish_module(pages[i], m);
	}
	rs_lock_drop(&lock);
}

void rs_sites_publish(struct rouse_page *page)
{
	rs_lock_take(&lock);
	page->string_bytes = 1; /* offset 0 is "" */
	page->site_count = 1;
	for (uint32_t i = 0; i < module_count; i++)
		publish_module(page, &modules[i]);
	for (int i = 0; i < PAGES; i++) {
		if (!pages[i]) {
			pages[i] = page;
			break;
		}
	}
	rs_lock_drop(&lock);
}

void rs_sites_forget(struct rouse_page *page)
{
	rs_lock_take(&lock);
	for (int i = 0; i < PAGES; i++)
		if (pages[i] == page)
			pages[i] = NULL;
	rs_lock_drop(&lock);
}

uint32_t rs_site_index(const struct rouse_site *site)
{
	uint32_t index = 0;

	if (site->index)
		return rs_load(site->index, RS_RELAXED);
	rs_lock_take(&lock);
	for (uint32_t i = 0; i < module_count && !index; i++) {
		const struct module *m = &modules[i];

		for (const struct rouse_site *const *p = m->sites; p < m->sites_end; p++)
			if (*p == site)
				index = m->first + (uint32_t)(m->types_end - m->types) + (uint32_t)(p - m->sites);
	}
	rs_lock_drop(&lock);
	return index;
}
