/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "diagnose/edge.h"

#define S 1000000000ull

/* Findings as the test wants them: edges look at nothing else. */
struct cn_findings {
	struct cn_finding all[128];
	size_t n;
};

size_t cn_findings_count(const struct cn_findings *findings)
{
	return findings->n;
}

const struct cn_finding *cn_findings_at(const struct cn_findings *findings, size_t index)
{
	return &findings->all[index];
}

struct scene {
	struct cn_findings findings;
	struct cn_edges *edges;
	uint64_t now_ns;
	struct cn_edge told[128];
	uint32_t n;
};

static int make(void **state)
{
	static struct scene scene;

	scene = (struct scene){ .now_ns = 10 * S };
	*state = &scene;
	return 0;
}

static int unmake(void **state)
{
	struct scene *scene = *state;

	cn_edges_free(scene->edges);
	return 0;
}

static void start(struct scene *scene, enum cn_class least, uint64_t min_interval_ns, uint64_t max_interval_ns)
{
	scene->edges = cn_edges_new(&(struct cn_edges_opts){ least, min_interval_ns, max_interval_ns });
	assert_non_null(scene->edges);
}

static void keep(void *arg, const struct cn_edge *edge)
{
	struct scene *scene = arg;

	assert_true(scene->n < sizeof scene->told / sizeof scene->told[0]);
	scene->told[scene->n++] = *edge;
}

/* A look a second after the last, that shows so many findings. Answers how many edges were told. */
static uint32_t look(struct scene *scene, uint32_t n, enum cn_class class)
{
	scene->findings.n = n;
	for (uint32_t i = 0; i < n; i++)
		scene->findings.all[i] =
			(struct cn_finding){ .key = 1000 + i, .class = (uint8_t) class, .tasks = { 20 + i } };
	scene->n = 0;
	assert_int_equal(cn_edges_take(scene->edges, &scene->findings, scene->now_ns, keep, scene), 0);
	scene->now_ns += S;
	return scene->n;
}

/* Once each, not in every look; that it becomes surer is told, too. */
static void a_finding_appears_grows_and_goes(void **state)
{
	struct scene *scene = *state;

	start(scene, CN_SUSPECT, 0, 0);
	assert_int_equal(look(scene, 0, CN_SUSPECT), 0);
	assert_int_equal(look(scene, 1, CN_SUSPECT), 1);
	assert_int_equal(scene->told[0].kind, CN_EDGE_APPEARS);
	assert_int_equal(scene->told[0].finding.tasks[0], 20);
	assert_int_equal(scene->told[0].suppressed, 0);
	assert_int_equal(look(scene, 1, CN_SUSPECT), 0);
	assert_int_equal(look(scene, 1, CN_PROVEN), 1);
	assert_int_equal(scene->told[0].kind, CN_EDGE_GROWS);
	assert_int_equal(scene->told[0].finding.class, CN_PROVEN);
	assert_int_equal(look(scene, 1, CN_LIKELY), 0);
	assert_int_equal(look(scene, 0, CN_SUSPECT), 1);
	assert_int_equal(scene->told[0].kind, CN_EDGE_GOES);
	assert_int_equal(scene->told[0].finding.class, CN_PROVEN); /* as strong as it was */
	assert_int_equal(look(scene, 0, CN_SUSPECT), 0);
}

static void weaker_findings_than_wanted_are_none(void **state)
{
	struct scene *scene = *state;

	start(scene, CN_PROVEN, 0, 0);
	assert_int_equal(look(scene, 1, CN_SUSPECT), 0);
	assert_int_equal(look(scene, 1, CN_PROVEN), 1); /* now it is proven: for who waits for that, it appears */
	assert_int_equal(scene->told[0].kind, CN_EDGE_APPEARS);
}

/* Seconds 10 to 19 are one interval: what happens in it is told by the next edge. */
static void what_flaps_is_told_once_in_an_interval(void **state)
{
	struct scene *scene = *state;

	start(scene, CN_SUSPECT, 10 * S, 600 * S);
	assert_int_equal(look(scene, 1, CN_SUSPECT), 1);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(look(scene, 0, CN_SUSPECT), 0);
		assert_int_equal(look(scene, 1, CN_SUSPECT), 0);
	}
	assert_int_equal(look(scene, 0, CN_SUSPECT), 0);
	assert_int_equal(look(scene, 0, CN_SUSPECT), 1); /* second 20 */
	assert_int_equal(scene->told[0].kind, CN_EDGE_GOES);
	assert_int_equal(scene->told[0].suppressed, 8);
}

/* The second interval is twice as long, and so on to the longest; calm brings back the first. */
static void the_interval_doubles_while_it_flaps(void **state)
{
	static const uint64_t told_after[] = { 10, 20, 40, 40 };
	struct scene *scene = *state;
	uint64_t last;

	start(scene, CN_SUSPECT, 10 * S, 40 * S);
	last = scene->now_ns;
	assert_int_equal(look(scene, 1, CN_SUSPECT), 1);
	for (size_t i = 0, looks = 0; i < sizeof told_after / sizeof told_after[0]; looks++) {
		uint64_t now = scene->now_ns;

		assert_true(looks < 200);
		if (!look(scene, looks % 2, CN_SUSPECT))
			continue;
		assert_in_range((now - last) / S, told_after[i], told_after[i] + 1);
		assert_true(scene->told[0].suppressed > 0);
		last = now;
		i++;
	}
	for (int i = 0; i < 400; i++) /* told at its time, and then it stays */
		look(scene, 1, CN_SUSPECT);
	assert_int_equal(look(scene, 0, CN_SUSPECT), 1);
	assert_int_equal(scene->told[0].suppressed, 0);
	for (int i = 0; i < 9; i++)
		assert_int_equal(look(scene, 1, CN_SUSPECT), 0);
	assert_int_equal(look(scene, 1, CN_SUSPECT), 1);
}

/* What stands in the end is told in the end, however much was kept back. */
static void the_last_state_is_told(void **state)
{
	struct scene *scene = *state;
	uint64_t random = test_seed();
	bool here = false, told_here = false;

	start(scene, CN_SUSPECT, 3 * S, 20 * S);
	for (int i = 0; i < 300; i++) {
		here = test_random(&random) % 2;
		if (look(scene, here, CN_SUSPECT))
			told_here = scene->told[scene->n - 1].kind != CN_EDGE_GOES;
	}
	for (int i = 0; i < 25; i++)
		if (look(scene, here, CN_SUSPECT))
			told_here = scene->told[scene->n - 1].kind != CN_EDGE_GOES;
	assert_int_equal(told_here, here);
}

static void many_at_once_are_told_over_several_looks(void **state)
{
	struct scene *scene = *state;
	uint32_t told = 0;

	start(scene, CN_SUSPECT, 0, 0);
	assert_int_equal(look(scene, 100, CN_SUSPECT), 64);
	for (int i = 0; i < 5; i++) {
		uint32_t n = look(scene, 100, CN_SUSPECT);

		assert_true(n <= 64);
		for (uint32_t k = 0; k < n; k++)
			told += scene->told[k].kind == CN_EDGE_APPEARS;
	}
	assert_int_equal(told, 36);
}

#define T(name) cmocka_unit_test_setup_teardown(name, make, unmake)
TEST_MAIN(T(a_finding_appears_grows_and_goes), T(weaker_findings_than_wanted_are_none),
	T(what_flaps_is_told_once_in_an_interval), T(the_interval_doubles_while_it_flaps), T(the_last_state_is_told),
	T(many_at_once_are_told_over_several_looks));
