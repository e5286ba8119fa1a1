/* SPDX-License-Identifier: MIT */
/* Whose processes the helper follows for whom. */
#include "permit.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

enum { ROOT = 0, ANN = 1000, BOB = 1001, NOBODY = 65534 };

static void owner_is_read_by_all_three_ids(void **state)
{
	struct bh_owner owner = { .file = 9 };

	(void)state;
	assert_int_equal(bh_owner_parse("Name:\tx\nPid:\t1\nUid:\t5\t6\t7\t8\nGid:\t1\t1\t1\t1\n", &owner), 0);
	assert_int_equal(owner.real, 5);
	assert_int_equal(owner.effective, 6);
	assert_int_equal(owner.saved, 7);
	assert_int_equal(owner.file, 9);
}

static void text_without_ids_is_refused(void **state)
{
	static const char *const texts[] = { "", "Uid:\t0\t0\t0\t0\n", "Name:\tx\nUid:\t1\t2\n",
		"Name:\tx\nUid:\tu\t0\t0\n", "Name:\tUid:\t1\t1\t1\n" };
	struct bh_owner owner;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(bh_owner_parse(texts[i], &owner), -EBADMSG);
}

static void root_may_follow_any_and_others_only_what_is_wholly_theirs(void **state)
{
	static const struct {
		struct bh_owner owner;
		uint32_t client;
		bool permitted;
	} cases[] = {
		{ { ANN, ANN, ANN, ANN }, ANN, true },
		{ { ANN, ANN, ANN, ANN }, BOB, false },
		{ { ANN, ANN, ANN, ANN }, ROOT, true },
		{ { ROOT, ROOT, ROOT, ROOT }, ANN, false },
		{ { BOB, ANN, ANN, ANN }, ANN, false },
		{ { ANN, ROOT, ROOT, ANN }, ANN, false }, /* setuid */
		{ { ANN, ANN, ROOT, ANN }, ANN, false },  /* setuid, for the moment itself again */
		{ { ANN, ANN, ANN, ROOT }, ANN, false },  /* it has shut its memory off */
		{ { ANN, ANN, ANN, ROOT }, ROOT, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(bh_owner_permits(&cases[i].owner, cases[i].client), cases[i].permitted);
}

static void own_process_is_permitted_and_nobody_elses(void **state)
{
	struct bl_why why;
	int pidfd;

	(void)state;
	prctl(PR_SET_DUMPABLE, 1);
	assert_int_equal(bh_permit(getuid(), getpid(), &pidfd, &why), 0);
	assert_int_equal(bh_permit_again(getuid(), getpid(), pidfd, &why), 0);
	assert_int_equal(bh_permit_again(getuid() + 1, getpid(), pidfd, &why), -EPERM);
	assert_non_null(strstr(why.text, "is one of user"));
	close(pidfd);
}

/* In the child: of that user, its memory shut off, until it is killed. */
static void shut_off(uid_t user, int told)
{
	if (setresuid(user, user, user) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0 && write(told, "", 1) == 1)
		pause();
	_exit(1);
}

static void process_that_shut_its_memory_off_is_not_permitted(void **state)
{
	const uid_t user = getuid() ? getuid() : NOBODY; /* root may follow any process */
	struct bl_why why;
	int told[2], pidfd;
	char byte;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(told), 0);
	child = fork();
	if (child == 0)
		shut_off(user, told[1]);
	assert_true(child > 0);
	close(told[1]);
	assert_int_equal(read(told[0], &byte, 1), 1);
	assert_int_equal(bh_permit(user, child, &pidfd, &why), -EPERM);
	assert_non_null(strstr(why.text, "keeps its memory to itself"));
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(told[0]);
}

static void pid_that_ended_is_not_taken_for_who_gets_it_later(void **state)
{
	struct bl_why why;
	siginfo_t ended;
	int pidfd;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		pause();
		_exit(0);
	}
	assert_true(child > 0);
	assert_int_equal(bh_permit(getuid(), child, &pidfd, &why), 0);
	kill(child, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)child, &ended, WEXITED | WNOWAIT), 0);
	/* It is still there to be read, as whoever had its number would be. */
	assert_int_equal(bh_permit_again(getuid(), child, pidfd, &why), -ESRCH);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(bh_permit_again(getuid(), child, pidfd, &why), -ESRCH);
	close(pidfd);
	assert_int_equal(bh_permit(getuid(), child, &pidfd, &why), -ESRCH);
	assert_non_null(strstr(why.text, "there is no process"));
}

TEST_MAIN(cmocka_unit_test(owner_is_read_by_all_three_ids), cmocka_unit_test(text_without_ids_is_refused),
	cmocka_unit_test(root_may_follow_any_and_others_only_what_is_wholly_theirs),
	cmocka_unit_test(own_process_is_permitted_and_nobody_elses),
	cmocka_unit_test(process_that_shut_its_memory_off_is_not_permitted),
	cmocka_unit_test(pid_that_ended_is_not_taken_for_who_gets_it_later));
