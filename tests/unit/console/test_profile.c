/* SPDX-License-Identifier: MIT */
/* Samples as trees of functions, as folded stacks, and as pprof reads them. */
#include "test.h"

#include "looks.h"

#include <stdlib.h>
#include <string.h>

#include "export/pprof.h"
#include "export/profile.h"
#include "pprof.pb-c.h"

enum { MAIN = 0x1000, POLL = 0x2000, READ = 0x3000, PARSE = 0x4000, PARK = 0x5000, SPAWN_SITE = 3 };
#define KERNEL_COPY 0xffffffff81000000ull
#define KERNEL_UNNAMED 0xffffffff81000100ull

static int unmake(void **state)
{
	cn_model_free(*state);
	return 0;
}

static void name(struct cn_model *model, uint64_t pc, const char *function, const char *within)
{
	struct cn_symbol symbol = { .pc = pc, .line = 7, .file = "src/echo.c", .module = "echo" };

	snprintf(symbol.function, sizeof symbol.function, "%s", function);
	snprintf(symbol.within, sizeof symbol.within, "%s", within);
	assert_int_equal(cn_model_put_symbol(model, &symbol), 0);
}

static void sample(struct cn_model *model, uint64_t task, uint32_t count, uint32_t n, const uint64_t *pc)
{
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(cn_kernel_put_sample(model, 0, task ? SPAWN_SITE : 0, task, pc, n), 0);
}
#define SAMPLE(model, task, count, ...)                                                                                \
	sample(model, task, count, sizeof((uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t), (uint64_t[]){ __VA_ARGS__ })

static void apply_kernel(struct cn_model *model)
{
	Rouse__V1__Kernel kernel = ROUSE__V1__KERNEL__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	kernel.number = 1;
	kernel.since_ns = 1 * S;
	kernel.mono_ns = 3 * S;
	kernel.profile_hz = 100;
	frame.body_case = ROUSE__V1__FRAME__BODY_KERNEL;
	frame.kernel = &kernel;
	assert_true(cn_kernel_apply(model, &frame) >= 0);
}

/* Two tasks of one spawn site, one of them has ended; and a worker in no poll. */
static int make(void **state)
{
	struct cn_model *model = cn_model_new();
	struct look look;

	if (!model)
		return -1;
	assert_int_equal(look_hello(model, "memory"), CN_APPLIED);
	look = look_at(model, 1 * S);
	look_string(&look, 1, "reader");
	look_string(&look, 2, "src/echo.c");
	look_site(&look,
		(struct site_row){ .id = SPAWN_SITE, .kind = ROUSE_SITE_SPAWN, .name = 1, .file = 2, .line = 12 });
	look_task(&look,
		(struct task_row){
			.id = 20, .state = ROUSE_TASK_PENDING, .name = 1, .spawn_site = SPAWN_SITE, .polls = 1 });
	look_end(&look);
	apply_kernel(model);
	name(model, MAIN, "main", "");
	name(model, POLL, "poll", "");
	name(model, READ, "read;all", "");
	name(model, PARSE, "parse", "read_line");
	name(model, PARK, "park\x1b[2J", "");
	name(model, KERNEL_COPY, "copy_to_user", "");
	SAMPLE(model, 20, 5, READ, POLL, MAIN);
	SAMPLE(model, 20, 3, PARSE, POLL, MAIN);
	SAMPLE(model, 20, 2, KERNEL_COPY, READ, POLL, MAIN);
	SAMPLE(model, 21, 1, KERNEL_UNNAMED, POLL, MAIN);
	SAMPLE(model, 0, 4, PARK, MAIN);
	*state = model;
	return 0;
}

static struct cn_profile *tree_of(const struct cn_model *model, struct cn_profile_wish wish)
{
	struct cn_profile *profile = NULL;

	assert_int_equal(cn_profile_tree(model, &wish, &profile), 0);
	return profile;
}

static char *folded_of(const struct cn_model *model, struct cn_profile_wish wish)
{
	struct cn_profile *profile = tree_of(model, wish);
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	assert_int_equal(cn_profile_folded(profile, out), 0);
	fclose(out);
	cn_profile_free(profile);
	return text;
}

static void assert_folded(const struct cn_model *model, struct cn_profile_wish wish, const char *want)
{
	char *text = folded_of(model, wish);

	assert_string_equal(text, want);
	free(text);
}

static void folded_stacks_sum_up_to_the_samples(void **state)
{
	assert_folded(*state, (struct cn_profile_wish){ .outside = true, .roots = true },
		"prog;echo.c:12;reader;main;poll;read,all 5\n"
		"prog;echo.c:12;reader;main;poll;read,all;copy_to_user_[k] 2\n"
		"prog;echo.c:12;reader;main;poll;read_line;parse 3\n"
		"prog;echo.c:12;(ended);main;poll;(kernel)_[k] 1\n"
		"prog;(no poll);(no task);main;park\\x1b[2J 4\n");
}

static void a_selection_is_of_one_task_or_one_site_and_of_polls(void **state)
{
	struct cn_profile *profile;

	assert_folded(*state, (struct cn_profile_wish){ .task = 21 }, "prog;main;poll;(kernel)_[k] 1\n");
	profile = tree_of(*state, (struct cn_profile_wish){ 0 });
	assert_int_equal(profile->nodes[0].samples, 11);
	cn_profile_free(profile);
	profile = tree_of(*state, (struct cn_profile_wish){ .by_site = true, .site = SPAWN_SITE, .outside = true });
	assert_int_equal(profile->nodes[0].samples, 11);
	cn_profile_free(profile);
	profile = tree_of(*state, (struct cn_profile_wish){ .by_site = true, .site = SPAWN_SITE + 1 });
	assert_int_equal(profile->nodes[0].samples, 0);
	assert_int_equal(profile->n, 1);
	assert_int_equal(profile->nodes[0].first_child, CN_PROFILE_NONE);
	cn_profile_free(profile);
}

static uint32_t child(const struct cn_profile *profile, uint32_t node, const char *want)
{
	uint32_t at = profile->nodes[node].first_child;

	while (at != CN_PROFILE_NONE && strcmp(profile->nodes[at].name, want) != 0)
		at = profile->nodes[at].next_sibling;
	assert_int_not_equal(at, CN_PROFILE_NONE);
	return at;
}

static void a_tree_says_what_is_whose_and_the_heaviest_come_first(void **state)
{
	struct cn_profile *profile = tree_of(*state, (struct cn_profile_wish){ 0 });
	const struct cn_profile_node *nodes = profile->nodes;
	uint32_t poll = child(profile, child(profile, 0, "main"), "poll"), read, inner, parse;

	assert_int_equal(nodes[poll].samples, 11);
	assert_int_equal(nodes[poll].self, 0);
	read = nodes[poll].first_child;
	assert_string_equal(nodes[read].name, "read;all");
	assert_int_equal(nodes[read].samples, 7);
	assert_int_equal(nodes[read].self, 5);
	assert_true(nodes[child(profile, read, "copy_to_user")].kernel);
	inner = nodes[read].next_sibling;
	assert_string_equal(nodes[inner].name, "read_line");
	assert_false(nodes[inner].inlined);
	parse = child(profile, inner, "parse");
	assert_true(nodes[parse].inlined);
	assert_int_equal(nodes[parse].self, 3);
	assert_int_equal(nodes[parse].parent, inner);
	assert_int_equal(profile->depth, 4);
	assert_int_equal(profile->cut, 0);
	cn_profile_free(profile);
}

static void functions_are_counted_once_a_stack(void **state)
{
	struct cn_model *model = *state;
	struct cn_profile *profile;
	struct cn_profile_function *functions;
	size_t n;

	SAMPLE(model, 50, 3, READ, POLL, READ, POLL, MAIN);
	SAMPLE(model, 50, 2, POLL, MAIN);
	profile = tree_of(model, (struct cn_profile_wish){ .task = 50, .roots = true });
	assert_int_equal(cn_profile_functions(profile, &functions, &n), 0);
	assert_int_equal(n, 3);
	assert_string_equal(functions[0].name, "read;all");
	assert_int_equal(functions[0].self, 3);
	assert_int_equal(functions[0].total, 3);
	assert_string_equal(functions[1].name, "poll");
	assert_int_equal(functions[1].self, 2);
	assert_int_equal(functions[1].total, 5);
	assert_string_equal(functions[2].name, "main");
	assert_int_equal(functions[2].self, 0);
	assert_int_equal(functions[2].total, 5);
	free(functions);
	cn_profile_free(profile);
}

/* Each frame is two, one inlined into the other. */
static void what_is_too_deep_is_counted_as_its_callers(void **state)
{
	struct cn_model *model = *state;
	struct cn_profile *profile;
	uint64_t pc[CN_STACK_MAX];
	uint64_t self = 0;

	for (uint64_t i = 0; i < CN_STACK_MAX; i++) {
		pc[i] = 0x10000 + i;
		name(model, pc[i], "inner", "outer");
	}
	sample(model, 30, 9, CN_STACK_MAX, pc);
	profile = tree_of(model, (struct cn_profile_wish){ .task = 30 });
	assert_int_equal(profile->depth, CN_PROFILE_DEPTH);
	assert_int_equal(profile->n, CN_PROFILE_DEPTH + 1);
	assert_int_equal(profile->cut, 9);
	for (uint32_t i = 0; i < profile->n; i++)
		self += profile->nodes[i].self;
	assert_int_equal(self, 9);
	cn_profile_free(profile);
}

/* ------------------------------------------------------------------- pprof */

static Perftools__Profiles__Profile *pprof_of(const struct cn_model *model, struct cn_profile_wish wish)
{
	Perftools__Profiles__Profile *profile;
	char *bytes = NULL;
	size_t n;
	FILE *out = open_memstream(&bytes, &n);

	assert_int_equal(cn_pprof_write(model, &wish, 1234, out), 0);
	fclose(out);
	profile = perftools__profiles__profile__unpack(NULL, n, (const uint8_t *)bytes);
	free(bytes);
	assert_non_null(profile);
	return profile;
}

static const char *text(const Perftools__Profiles__Profile *profile, int64_t number)
{
	assert_true(number >= 0 && (size_t)number < profile->n_string_table);
	return profile->string_table[number];
}

static const Perftools__Profiles__Location *location(const Perftools__Profiles__Profile *profile, uint64_t id)
{
	assert_true(id >= 1 && id <= profile->n_location);
	assert_int_equal(profile->location[id - 1]->id, id);
	return profile->location[id - 1];
}

static const char *function(const Perftools__Profiles__Profile *profile, const Perftools__Profiles__Line *line)
{
	assert_true(line->function_id >= 1 && line->function_id <= profile->n_function);
	assert_int_equal(profile->function[line->function_id - 1]->id, line->function_id);
	return text(profile, profile->function[line->function_id - 1]->name);
}

static void pprof_has_each_sample_with_its_labels(void **state)
{
	Perftools__Profiles__Profile *profile = pprof_of(*state, (struct cn_profile_wish){ .outside = true });
	const Perftools__Profiles__Sample *first = profile->sample[0], *parse = profile->sample[1],
					  *outside = profile->sample[4];
	const Perftools__Profiles__Location *inlined;

	assert_string_equal(profile->string_table[0], "");
	assert_int_equal(profile->n_sample, 5);
	assert_int_equal(profile->n_location, 7);
	assert_string_equal(text(profile, profile->sample_type[0]->unit), "count");
	assert_string_equal(text(profile, profile->sample_type[1]->type), "cpu");
	assert_int_equal(profile->period, 10000000);
	assert_int_equal(profile->time_nanos, 1234);
	assert_int_equal(profile->duration_nanos, 2 * S);
	assert_int_equal(first->value[0], 5);
	assert_int_equal(first->value[1], 50000000);
	assert_int_equal(first->n_location_id, 3);
	assert_string_equal(function(profile, location(profile, first->location_id[0])->line[0]), "read;all");
	assert_string_equal(text(profile, first->label[0]->str), "echo.c:12");
	assert_string_equal(text(profile, first->label[1]->str), "reader");
	assert_string_equal(text(profile, first->label[2]->key), "task_id");
	assert_int_equal(first->label[2]->num, 20);
	inlined = location(profile, parse->location_id[0]);
	assert_int_equal(inlined->n_line, 2);
	assert_string_equal(function(profile, inlined->line[0]), "parse");
	assert_string_equal(function(profile, inlined->line[1]), "read_line");
	assert_int_equal(outside->n_label, 2);
	assert_string_equal(text(profile, outside->label[0]->str), "(no poll)");
	perftools__profiles__profile__free_unpacked(profile, NULL);
}

static void pprof_says_whose_code_it_is_and_leaves_names_out_that_it_has_not(void **state)
{
	Perftools__Profiles__Profile *profile = pprof_of(*state, (struct cn_profile_wish){ .task = 21 });
	const Perftools__Profiles__Location *unnamed = location(profile, profile->sample[0]->location_id[0]);
	const Perftools__Profiles__Location *poll = location(profile, profile->sample[0]->location_id[1]);

	assert_int_equal(profile->n_sample, 1);
	assert_int_equal(unnamed->n_line, 0);
	assert_int_equal(unnamed->address, KERNEL_UNNAMED);
	assert_string_equal(text(profile, profile->mapping[unnamed->mapping_id - 1]->filename), "[kernel.kallsyms]");
	assert_string_equal(text(profile, profile->mapping[poll->mapping_id - 1]->filename), "echo");
	perftools__profiles__profile__free_unpacked(profile, NULL);
}

/* As many rows as a model holds, and more different addresses than are kept. */
static void many_samples_stay_within_bounds(void **state)
{
	struct cn_model *model = *state;
	struct cn_profile *profile;
	Perftools__Profiles__Profile *read;
	uint64_t pc[12], sum = 0, next = 0x100000;

	for (uint32_t row = 0; row < 32768 - 5; row++) {
		for (size_t i = 0; i < sizeof pc / sizeof pc[0]; i++)
			pc[i] = next++;
		sample(model, 40, 1, sizeof pc / sizeof pc[0], pc);
	}
	profile = tree_of(model, (struct cn_profile_wish){ .task = 40 });
	assert_int_equal(profile->nodes[0].samples, 32768 - 5);
	assert_true(profile->n <= CN_PROFILE_NODES_MAX);
	assert_true(profile->cut > 0);
	for (uint32_t i = 0; i < profile->n; i++)
		sum += profile->nodes[i].self;
	assert_int_equal(sum, 32768 - 5);
	cn_profile_free(profile);
	read = pprof_of(model, (struct cn_profile_wish){ .task = 40 });
	assert_int_equal(read->n_sample, 32768 - 5);
	assert_int_equal(read->n_location, CN_PROFILE_NODES_MAX);
	perftools__profiles__profile__free_unpacked(read, NULL);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, make, unmake)
TEST_MAIN(TEST(folded_stacks_sum_up_to_the_samples), TEST(a_selection_is_of_one_task_or_one_site_and_of_polls),
	TEST(a_tree_says_what_is_whose_and_the_heaviest_come_first), TEST(functions_are_counted_once_a_stack),
	TEST(what_is_too_deep_is_counted_as_its_callers), TEST(pprof_has_each_sample_with_its_labels),
	TEST(pprof_says_whose_code_it_is_and_leaves_names_out_that_it_has_not), TEST(many_samples_stay_within_bounds));
