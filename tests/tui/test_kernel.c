/* SPDX-License-Identifier: MIT */
/*
 * The kernel's side on the screen, from looks and frames made by hand: tasks
 * whose polls take equally long, one each on the CPU, asleep, at a mutex, in
 * the run queue, preempted, and at pages that were not there.
 */
#include "looks.h"
#include "set.h"

#include <errno.h>
#include <sys/syscall.h>

#include "model/kernel.h"
#include "stage.h"
#include "view/block.h"
#include "view/columns.h"

enum { TID = 4001, OTHER_TID = 4002, KEEPER_TID = 4010, LINES = 100 };
enum { CRUNCH = 20, SLEEP, LOCK, CROWDED, PUSHED, TOUCH, IDLE, TASKS_END, TASKS = TASKS_END - CRUNCH };

static const char *const names[TASKS] = { "cruncher", "sleeper", "locker", "crowded", "pushed", "toucher", "idler" };

/* Of the two seconds that each was polled: blocked, in the run queue, preempted, at a page. */
static const uint64_t off_ms[TASKS][CN_OFF_KIND_MAX] = {
	[CRUNCH - CRUNCH] = { 0, 12, 30, 0 },
	[SLEEP - CRUNCH] = { 1900, 20, 0, 0 },
	[LOCK - CRUNCH] = { 1500, 40, 10, 0 },
	[CROWDED - CRUNCH] = { 10, 1400, 0, 0 },
	[PUSHED - CRUNCH] = { 0, 20, 1200, 0 },
	[TOUCH - CRUNCH] = { 0, 40, 0, 1100 },
};

/* Functions, by address. */
enum {
	START = 0x1000,
	WORKER = 0x2000,
	POLL = 0x3000,
	RUN = 0x4000,
	HASH = 0x5000,
	COPY = 0x6000,
	DIVIDE = 0x7000,
	TIDY = 0x8000,
	NAP = 0x9000,
	TAKE = 0xa000
};
#define KERNEL_CODE 0xffffffff81000000ull

/* ------------------------------------------------------------------ looks */

static void send_names(struct look *look)
{
	char name[16];

	look_string(look, 1, "src/shop.c");
	for (uint32_t i = 0; i < TASKS; i++) {
		look_string(look, 10 + i, names[i]);
		look_site(look,
			(struct site_row){
				.id = 1 + i, .kind = ROUSE_SITE_SPAWN, .name = 10 + i, .file = 1, .line = LINES + i });
	}
	snprintf(name, sizeof name, "next_job");
	look_string(look, 2, name);
	look_site(look, (struct site_row){ .id = 50, .kind = ROUSE_SITE_LEAF, .name = 2 });
	look_site(look, (struct site_row){ .id = 51, .kind = ROUSE_SITE_AWAIT, .name = 2, .file = 1, .line = 42 });
}

static void send_tasks(struct look *look, uint64_t now_ns, uint64_t busy_ns)
{
	for (uint32_t i = 0; i < TASKS; i++) {
		struct await_row leaf = { .type = 50,
			.at = 51,
			.op = ROUSE_OP_SLEEP,
			.wait_state = ROUSE_WAIT_WAITING,
			.since_ns = now_ns - 5 * MS,
			.arg = now_ns + 5 * MS,
			.poll = 1,
			.waker_task = CRUNCH + i };

		look_task(look, (struct task_row){ .id = CRUNCH + i,
					.state = ROUSE_TASK_PENDING,
					.name = 10 + i,
					.spawn_site = 1 + i,
					.spawned_ns = 1 * MS,
					.edge_ns = now_ns - 5 * MS,
					.polls = busy_ns ? 2000 + i : 1,
					.wakes = 3,
					.waker_refs = 1,
					.busy_ns = CRUNCH + i == IDLE ? 0 : busy_ns,
					.valid = 1 });
		look_awaits(look, CRUNCH + i, &leaf, 1);
	}
}

static void look_once(struct cn_model *model, uint64_t now_ns, uint64_t busy_ns)
{
	struct look look = look_at(model, now_ns);

	send_names(&look);
	send_tasks(&look, now_ns, busy_ns);
	for (uint32_t i = 0; i < 2; i++)
		look.workers[i] = (struct worker_row){ .index = i,
			.tid = TID + i,
			.state = ROUSE_WORKER_PARKED,
			.counters.busy_ticks = 3 * busy_ns,
			.next_deadline_ns = UINT64_MAX };
	look.n_workers = 2;
	look_end(&look);
}

/* ----------------------------------------------------------------- kernel */

static void apply(struct cn_model *model, Rouse__V1__Frame *frame)
{
	assert_true(cn_kernel_apply(model, frame) >= 0);
}

static void round_of(struct cn_model *model, uint64_t now_ns, bool permitted, bool lost)
{
	Rouse__V1__Kernel kernel = ROUSE__V1__KERNEL__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	const int rc = permitted ? 0 : -EPERM;
	uint32_t group[] = { CN_KERNEL_SCHED, CN_KERNEL_SYSCALLS, CN_KERNEL_FAULTS, CN_KERNEL_PROFILE };
	int32_t status[] = { rc, rc, rc, rc };
	char none[] = "", missing[] = "rouse-probe may not load BPF programs: run it as root, or give it CAP_BPF";
	char *say = permitted ? none : missing;
	char *why[] = { say, say, say, none };

	kernel.number = 1;
	kernel.since_ns = 1 * S;
	kernel.mono_ns = now_ns;
	kernel.n_group = kernel.n_status = kernel.n_why = 4;
	kernel.group = group;
	kernel.status = status;
	kernel.why = why;
	kernel.block_ns = 1 * MS;
	kernel.profile_hz = 99;
	kernel.samples = 400;
	kernel.samples_lost = lost ? 12 : 0;
	frame.body_case = ROUSE__V1__FRAME__BODY_KERNEL;
	frame.kernel = &kernel;
	apply(model, &frame);
}

/* by: 1 tasks, 2 spawn sites, each of one task, 3 the workers, which have done half of everything each. */
static void sums(struct cn_model *model, uint32_t by)
{
	enum { N = TASKS - 1 };
	const size_t n = by == 3 ? 2 : N;
	Rouse__V1__KernelSums rows = ROUSE__V1__KERNEL_SUMS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	uint32_t bys[N], workers[N], sites[N], kinds[N];
	uint64_t ids[N], ns[CN_OFF_KIND_MAX][N] = { 0 }, times[CN_OFF_KIND_MAX][N], calls[N], faults[N], samples[N],
			 longest_ns[N];

	for (size_t i = 0; i < n; i++) {
		bys[i] = by;
		workers[i] = TID;
		sites[i] = (uint32_t)i + 1;
		ids[i] = by == 1 ? CRUNCH + i : by == 2 ? i + 1 : TID + i;
		kinds[i] = 0;
		for (int kind = 0; kind < CN_OFF_KIND_MAX; kind++) {
			for (size_t task = 0; task < N; task++)
				if (by == 3 || task == i)
					ns[kind][i] += off_ms[task][kind] * MS / (by == 3 ? 2 : 1);
			times[kind][i] = ns[kind][i] / (10 * MS);
			if (ns[kind][i] > ns[kinds[i]][i])
				kinds[i] = (uint32_t)kind;
		}
		longest_ns[i] = ns[kinds[i]][i] / 15;
		calls[i] = 1000 * (i + 1);
		faults[i] = by == 1 && CRUNCH + i == TOUCH ? 26214 : 3;
		samples[i] = by == 1 && CRUNCH + i == CRUNCH ? 300 : 20;
	}
	rows.by = bys;
	rows.id = ids;
	rows.worker = workers;
	rows.site = sites;
	rows.blocked_ns = ns[CN_OFF_blocked];
	rows.run_queue_ns = ns[CN_OFF_run_queue];
	rows.preempted_ns = ns[CN_OFF_preempted];
	rows.fault_ns = ns[CN_OFF_fault];
	rows.blocked = times[CN_OFF_blocked];
	rows.run_queue = times[CN_OFF_run_queue];
	rows.preempted = times[CN_OFF_preempted];
	rows.fault = times[CN_OFF_fault];
	rows.longest_ns = longest_ns;
	rows.longest_kind = kinds;
	rows.calls = calls;
	rows.calls_ns = ns[CN_OFF_blocked];
	rows.faults = faults;
	rows.samples = samples;
	rows.n_by = rows.n_id = rows.n_worker = rows.n_site = n;
	rows.n_blocked_ns = rows.n_run_queue_ns = rows.n_preempted_ns = rows.n_fault_ns = n;
	rows.n_blocked = rows.n_run_queue = rows.n_preempted = rows.n_fault = n;
	rows.n_longest_ns = rows.n_longest_kind = rows.n_calls = rows.n_calls_ns = rows.n_faults = rows.n_samples = n;
	frame.body_case = ROUSE__V1__FRAME__BODY_KERNEL_SUMS;
	frame.kernel_sums = &rows;
	apply(model, &frame);
}

static void put_name(struct cn_model *model, uint64_t pc, const char *function)
{
	struct cn_symbol symbol = { .pc = pc, .module = "shop" };

	snprintf(symbol.function, sizeof symbol.function, "%s", function);
	if (cn_is_kernel_code(pc)) {
		snprintf(symbol.module, sizeof symbol.module, "[kernel]");
	} else {
		snprintf(symbol.file, sizeof symbol.file, "src/shop.c");
		symbol.line = (uint32_t)(pc >> 12) + 10;
	}
	assert_int_equal(cn_model_put_symbol(model, &symbol), 0);
}

static void put_block(struct cn_model *model, uint64_t task, uint64_t end_ns, uint64_t ms)
{
	struct cn_block block = { .begin_ns = end_ns - ms * MS,
		.blocked_ns = ms * MS,
		.run_queue_ns = ms % 3 * 100000,
		.task = task,
		.site = (uint32_t)(task - CRUNCH + 1),
		.tid = TID + (uint32_t)(task & 1),
		.kind = CN_BLOCK_CALL,
		.call = SYS_nanosleep,
		.waker_kind = CN_WAKER_INTERRUPT,
		.arguments = { 0x7ffd1000, 0, 0 },
		.stack = { .n = 7,
			.sure = 7,
			.pc = { KERNEL_CODE, KERNEL_CODE + 0x100, KERNEL_CODE + 0x200, NAP, RUN, POLL, WORKER } } };

	if (task == LOCK) {
		block.call = SYS_futex;
		block.owner = block.waker = KEEPER_TID;
		block.waker_kind = CN_WAKER_OWN;
		snprintf(block.owner_name, sizeof block.owner_name, "keeper");
		snprintf(block.waker_name, sizeof block.waker_name, "keeper");
		block.stack.pc[3] = TAKE;
	} else if (task == TOUCH) {
		block.kind = CN_BLOCK_FAULT;
	} else if (task == CROWDED) {
		block.call = SYS_read;
		block.waker_kind = CN_WAKER_FOREIGN;
		block.waker = 7777;
		snprintf(block.waker_name, sizeof block.waker_name, "feeder");
		snprintf(block.file, sizeof block.file, "/run/shop/orders");
	}
	assert_int_equal(cn_kernel_put_block(model, &block), 0);
}

static void put_samples(struct cn_model *model, uint64_t task, int count, uint64_t inner, uint64_t inmost)
{
	const uint64_t pc[] = { inmost, inner, RUN, POLL, WORKER, START };
	const uint32_t n = inmost ? 6 : 5;

	while (count-- > 0)
		assert_int_equal(
			cn_kernel_put_sample(model, 0, (uint32_t)(task - CRUNCH + 1), task, inmost ? pc : pc + 1, n),
			0);
}

static void put_kernel(struct cn_model *model)
{
	static const struct {
		uint64_t pc;
		const char *function;
	} symbols[] = { { START, "start_thread" }, { WORKER, "rs_worker_run" }, { POLL, "rs_task_poll" },
		{ RUN, "serve_customer" }, { HASH, "hash_block" }, { COPY, "copy_pages" }, { DIVIDE, "divide" },
		{ TIDY, "tidy_up" }, { NAP, "nap_between_orders" }, { TAKE, "take_stock_lock" },
		{ KERNEL_CODE, "schedule" }, { KERNEL_CODE + 0x100, "do_nanosleep" },
		{ KERNEL_CODE + 0x200, "entry_SYSCALL_64" }, { KERNEL_CODE + 0x300, "handle_mm_fault" } };

	for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++)
		put_name(model, symbols[i].pc, symbols[i].function);
	for (uint32_t by = 1; by <= 3; by++)
		sums(model, by);
	for (uint64_t i = 0; i < 3; i++) {
		put_block(model, SLEEP, 2 * S + i * S, 95 + i);
		put_block(model, LOCK, 2 * S + i * S + 300 * MS, 40 + 30 * i);
		put_block(model, TOUCH, 2 * S + i * S + 400 * MS, 3 + i);
		put_block(model, CROWDED, 2 * S + i * S + 500 * MS, 7 + i);
	}
	put_samples(model, CRUNCH, 160, HASH, 0);
	put_samples(model, CRUNCH, 90, HASH, DIVIDE);
	put_samples(model, CRUNCH, 30, COPY, 0);
	put_samples(model, CRUNCH, 20, COPY, KERNEL_CODE + 0x300);
	put_samples(model, TOUCH, 60, COPY, KERNEL_CODE + 0x300);
	put_samples(model, TOUCH, 8, TIDY, 0);
	put_samples(model, PUSHED, 30, TIDY, 0);
	put_samples(model, SLEEP, 2, NAP, KERNEL_CODE + 0x200);
}

/* -------------------------------------------------------------------- set */

enum said { SAYS_ALL, SAYS_LOST, SAYS_FORBIDDEN, SAYS_NOTHING /* was not asked */ };

static void open_set(struct set *set, int rows, int cols, bool ascii, int said)
{
	set_begin(set, ascii);
	assert_int_equal(look_hello(set->model, "socket"), CN_APPLIED);
	look_once(set->model, 1 * S, 0);
	if (said != SAYS_NOTHING)
		round_of(set->model, 1 * S, said != SAYS_FORBIDDEN, false);
	look_once(set->model, 11 * S, 2 * S);
	if (said == SAYS_ALL || said == SAYS_LOST)
		put_kernel(set->model);
	if (said != SAYS_NOTHING)
		round_of(set->model, 11 * S, said != SAYS_FORBIDDEN, said == SAYS_LOST);
	assert_int_equal(cn_shapes_build(set->model, NULL, &set->shapes), 0);
	if (said != SAYS_NOTHING)
		assert_int_equal(cn_spent_of_shapes(set->model, &set->shapes, &set->spent), 0);
	set_show(set, rows, cols, ascii);
}

/* ------------------------------------------------------------------ tests */

/* clang-format off */
static const struct set_screen screens[] = {
	{ "kernel-tasks", 24, 80, false, SAYS_ALL, "" },
	{ "kernel-tasks-ascii", 24, 80, true, SAYS_ALL, "" },
	{ "kernel-tasks-large", 60, 200, false, SAYS_ALL, "" },
	{ "kernel-tasks-small", 10, 40, false, SAYS_ALL, "" },
	{ "kernel-tasks-by-blocked", 24, 80, false, SAYS_ALL, "> > > >" },
	{ "kernel-tasks-lost", 24, 80, false, SAYS_LOST, "" },
	{ "kernel-tasks-forbidden", 24, 80, false, SAYS_FORBIDDEN, "" },
	{ "kernel-tasks-forbidden-large", 60, 200, false, SAYS_FORBIDDEN, "" },
	{ "kernel-groups", 24, 80, false, SAYS_ALL, "6" },
	{ "kernel-groups-large", 60, 200, false, SAYS_ALL, "6" },
	{ "kernel-groups-ascii", 24, 80, true, SAYS_ALL, "6" },
	{ "kernel-groups-small", 10, 40, false, SAYS_ALL, "6" },
	{ "kernel-workers", 24, 80, false, SAYS_ALL, "2" },
	{ "kernel-workers-large", 60, 200, false, SAYS_ALL, "2" },
	{ "kernel-workers-ascii", 24, 80, true, SAYS_ALL, "2" },
	{ "kernel-workers-small", 10, 40, false, SAYS_ALL, "2" },
	{ "kernel-task", 24, 80, false, SAYS_ALL, "j j Enter" },
	{ "kernel-task-below", 24, 80, false, SAYS_ALL, "j j Enter PgDn" },
	{ "kernel-task-ascii", 60, 80, true, SAYS_ALL, "j j Enter" },
	{ "kernel-task-large", 60, 200, false, SAYS_ALL, "j j Enter" },
	{ "kernel-task-small", 10, 40, false, SAYS_ALL, "j j Enter PgDn" },
	{ "kernel-blocks", 24, 80, false, SAYS_ALL, "7" },
	{ "kernel-blocks-ascii", 24, 80, true, SAYS_ALL, "7" },
	{ "kernel-blocks-large", 60, 200, false, SAYS_ALL, "7" },
	{ "kernel-blocks-small", 10, 40, false, SAYS_ALL, "7" },
	{ "kernel-blocks-longest", 24, 80, false, SAYS_ALL, "7 >" },
	{ "kernel-block", 24, 80, false, SAYS_ALL, "7 > j j j Enter" },
	{ "kernel-block-ascii", 24, 80, true, SAYS_ALL, "7 > Enter" },
	{ "kernel-block-small", 10, 40, false, SAYS_ALL, "7 > j j j Enter" },
	{ "kernel-block-large", 60, 200, false, SAYS_ALL, "7 > j j j Enter" },
	{ "kernel-flame", 24, 80, false, SAYS_ALL, "8" },
	{ "kernel-flame-ascii", 24, 80, true, SAYS_ALL, "8 Down Down Down Down Down" },
	{ "kernel-flame-large", 60, 200, false, SAYS_ALL, "8 Down Down Down Down Down" },
	{ "kernel-flame-zoomed", 24, 80, false, SAYS_ALL, "8 Down Down Down Down Down Right Enter" },
	{ "kernel-flame-task", 24, 80, false, SAYS_ALL, "j j j j j p" },
	{ "kernel-blocks-forbidden", 24, 80, false, SAYS_FORBIDDEN, "7" },
	{ "kernel-flame-forbidden", 24, 80, false, SAYS_FORBIDDEN, "8" },
	{ "kernel-flame-small", 10, 40, false, SAYS_ALL, "8" },
	{ "kernel-help", 60, 80, false, SAYS_ALL, "?" },
};
/* clang-format on */

static void screens_equal_their_golden_files(void **state)
{
	(void)state;
	set_check_golden(screens, sizeof screens / sizeof *screens, open_set);
}

static void no_screen_leaves_ascii_in_the_c_locale(void **state)
{
	(void)state;
	set_check_ascii(screens, sizeof screens / sizeof *screens, open_set);
}

static void nothing_of_it_is_there_unless_the_kernel_is_asked(void **state)
{
	struct set set;

	(void)state;
	open_set(&set, 60, 200, false, SAYS_NOTHING);
	assert_false(shows(&set, "PREEMPT") || shows(&set, "Blocks") || shows(&set, "Flame") || shows(&set, "kernel"));
	keys(&set, "7");
	assert_int_equal(set.ui.view, CN_VIEW_TASKS);
	assert_true(shows(&set, "rouse --kernel 4000"));
	keys(&set, "p");
	assert_int_equal(set.ui.view, CN_VIEW_TASKS);
	keys(&set, "6 Tab");
	assert_int_equal(set.ui.view, CN_VIEW_TIMELINE);
	keys(&set, "S-Tab");
	assert_int_equal(set.ui.view, CN_VIEW_GROUPS);
	close_set(&set);
}

static void shares_are_of_the_time_in_polls(void **state)
{
	struct cn_spent spent;
	struct cn_text text;
	struct set set;

	(void)state;
	open_set(&set, 24, 80, false, SAYS_ALL);
	spent = cn_spent_of_task(&set.scene, cn_model_task(set.model, SLEEP));
	cn_spent_cell(&spent, CN_KERNEL_COLUMN_BLOCKED, &text);
	assert_string_equal(text.text, "95%");
	cn_spent_cell(&spent, CN_KERNEL_COLUMN_CPU, &text);
	assert_string_equal(text.text, "4%");
	spent = cn_spent_of_task(&set.scene, cn_model_task(set.model, IDLE));
	cn_spent_cell(&spent, CN_KERNEL_COLUMN_CPU, &text);
	assert_string_equal(text.text, "-");
	/* As the model itself says, which asks every task for each site. */
	for (size_t i = 0; i < set.shapes.n; i++) {
		struct cn_split split;

		assert_true(cn_site_split(set.model, set.shapes.all[i].runtime, set.shapes.all[i].spawn_site, &split));
		assert_memory_equal(&split, &set.spent[i].split, sizeof split);
	}
	close_set(&set);
}

static void where_tasks_have_ended_a_share_is_a_bound(void **state)
{
	struct cn_spent spent = { .timed = true,
		.split = { .busy_ns = 100, .cpu_ns = 60, .off_ns = { 40 }, .at_least = true } };
	struct cn_text text;

	(void)state;
	cn_spent_cell(&spent, CN_KERNEL_COLUMN_CPU, &text);
	assert_string_equal(text.text, ">60%");
	cn_spent_cell(&spent, CN_KERNEL_COLUMN_BLOCKED, &text);
	assert_string_equal(text.text, "<41%");
	cn_spent_cell(&spent, CN_KERNEL_COLUMN_FAULT, &text);
	assert_string_equal(text.text, "0%");
}

static void columns_that_are_not_there_are_passed_over(void **state)
{
	struct cn_sheet *sheet;
	struct set set;

	(void)state;
	open_set(&set, 24, 80, false, SAYS_FORBIDDEN);
	sheet = &set.ui.sheets[CN_VIEW_TASKS];
	for (size_t i = 0; i < 2 * sheet->kind->n_columns; i++) {
		keys(&set, ">");
		assert_false(sheet->absent >> sheet->sorted & 1);
	}
	close_set(&set);
}

static void escape_leads_back_to_where_the_flame_was_asked_for(void **state)
{
	struct set set;

	(void)state;
	open_set(&set, 24, 80, false, SAYS_ALL);
	keys(&set, "Enter p");
	assert_int_equal(set.ui.view, CN_VIEW_FLAME);
	assert_int_equal(set.ui.flame.of.task, CRUNCH);
	keys(&set, "Down Down Enter Esc");
	assert_int_equal(set.ui.view, CN_VIEW_FLAME); /* out of the zoom first */
	keys(&set, "Esc");
	assert_int_equal(set.ui.view, CN_VIEW_TASKS);
	assert_int_equal(set.ui.page_kind, CN_PAGE_TASK);
	keys(&set, "q 6 p");
	assert_true(set.ui.flame.of.by_site);
	keys(&set, "Esc");
	assert_int_equal(set.ui.view, CN_VIEW_GROUPS);
	close_set(&set);
}

static void the_cursor_stays_on_its_function_as_samples_come(void **state)
{
	struct set set;

	(void)state;
	open_set(&set, 24, 80, false, SAYS_ALL);
	keys(&set, "8 Down Down Down Down Down Right");
	assert_string_equal(set.ui.flame.tree->nodes[set.ui.flame.selected].name, "copy_pages");
	put_samples(set.model, TOUCH, 1000, COPY, 0);
	round_of(set.model, 12 * S, true, false);
	keys(&set, "C-l");
	assert_string_equal(set.ui.flame.tree->nodes[set.ui.flame.selected].name, "copy_pages");
	assert_true(shows(&set, "1110 samples"));
	close_set(&set);
}

TEST_MAIN(cmocka_unit_test(screens_equal_their_golden_files), cmocka_unit_test(no_screen_leaves_ascii_in_the_c_locale),
	cmocka_unit_test(nothing_of_it_is_there_unless_the_kernel_is_asked),
	cmocka_unit_test(shares_are_of_the_time_in_polls), cmocka_unit_test(where_tasks_have_ended_a_share_is_a_bound),
	cmocka_unit_test(columns_that_are_not_there_are_passed_over),
	cmocka_unit_test(escape_leads_back_to_where_the_flame_was_asked_for),
	cmocka_unit_test(the_cursor_stays_on_its_function_as_samples_come));
