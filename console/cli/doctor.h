/* SPDX-License-Identifier: MIT */
/* What `rouse doctor` finds out. Nothing is concluded that was not tried or read. */
#ifndef CN_CLI_DOCTOR_H
#define CN_CLI_DOCTOR_H

#include <stddef.h>

#include "cli/cli.h"

#define CN_HEALTHS(X)                                                                                                  \
	X(YES, "yes")       /* it works */                                                                             \
	X(PARTLY, "partly") /* not for everybody, or not all of it; the text says what */                              \
	X(NO, "no")                                                                                                    \
	X(FACT, "fact") /* good or bad depends on what one is after */
enum cn_health {
#define X(name, text) CN_HEALTH_##name,
	CN_HEALTHS(X)
#undef X
};
const char *cn_health_name(enum cn_health health);

struct cn_check {
	const char *name;
	enum cn_health health;
	char text[512];   /* what was tried or read, and what came of it; may quote the target */
	char advice[256]; /* what would permit more, "" = nothing */
};

void cn_check_set(struct cn_check *check, enum cn_health health, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void cn_check_advise(struct cn_check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

enum { CN_CHECKS_MAX = 16 };
/* Of this machine and this user; their number. The first is whether memory can be read at all. */
size_t cn_doctor_machine(struct cn_check checks[CN_CHECKS_MAX]);
/*
 * Of a target, by each source that could show it. CN_EXIT_OK if one of those
 * that were asked for does, else why the last does not. The target is said not to exist on stderr.
 */
enum cn_exit cn_doctor_target(const struct cn_cli *cli, struct cn_check checks[CN_CHECKS_MAX], size_t *ret_n);

#endif
