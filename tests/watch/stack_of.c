/* SPDX-License-Identifier: MIT */
/*
 * stack_of PID|CORE TID... - the stacks that instrument/stack/ takes, a line a
 * frame: function|compiled function, file:line, "sure" or "guess". Before each: "thread TID WHY NANOSECONDS".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <stack.h>

static unsigned long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned long long)now.tv_sec * 1000000000u + (unsigned long long)now.tv_nsec;
}

static int print(struct rn_target *target, const char *tid)
{
	struct rn_stack stack;
	struct rn_name name;
	unsigned long long from;

	from = now_ns();
	rn_stack_take(target, (uint32_t)strtoul(tid, NULL, 10), &stack);
	printf("thread %s %d %llu\n", tid, stack.why, now_ns() - from);
	for (uint32_t i = 0; i < stack.n; i++) {
		memset(&name, 0, sizeof name);
		if (rn_name(target, stack.pc[i], i > 0, &name) && i == 0)
			return 1;
		printf("%s|%s %s:%u %s\n", name.function, name.within, name.file, name.line,
			i < stack.sure ? "sure" : "guess");
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct rn_target *target;
	char *end;
	int rc, failed = 0;
	long pid;

	if (argc < 3)
		return 2;
	pid = strtol(argv[1], &end, 10);
	rc = *end ? rn_open_core(argv[1], &target) : rn_open_pid((int)pid, &target);
	if (rc) {
		printf("error %d\n", -rc);
		return 3;
	}
	for (int i = 2; i < argc; i++)
		failed |= print(target, argv[i]);
	rn_close(target);
	return failed;
}
