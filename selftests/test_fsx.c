// SPDX-License-Identifier: GPL-2.0
/* module: reserve=64M max=512M */
/* timeout: 900 */
/*
 * A file, to which everything is done that can be done to one, in any order, against a model of
 * it in plain memory (fsx/). In a pool that is mounted for it, or in ZCPOOL_TEST_DIR, which may
 * be of another file system, tmpfs above all.
 *
 * By ZCPOOL_TEST_SEED, for ZCPOOL_TEST_SECONDS or so many ZCPOOL_TEST_STEPS.
 */
#include "zcpool_test.h"
#include "fsx/fsx.h"

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	(240 + (int)wanted("ZCPOOL_TEST_SECONDS", 0))

#define FILES	3

FIXTURE(directory) {
	struct mounted where;
	__u32 seed;
};

FIXTURE_SETUP(directory)
{
	int err = mounted_begin(&self->where, ZCPOOL_DEFAULT, "");

	if (err == -ENODEV)
		SKIP(return, NO_MOUNT);
	ASSERT_EQ(0, err);
	self->seed = first_seed();
}

FIXTURE_TEARDOWN(directory)
{
	EXPECT_EQ(0, mounted_end(&self->where));
}

/* What is wrong ends the process that does it. */
static pid_t in_child(const struct mounted *where, __u32 seed, unsigned int steps)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		fsx_run(where, seed, steps);
		_exit(0);
	}
	return pid;
}

TEST_F(directory, one_file)
{
	EXPECT_EQ(0, child_status(in_child(&self->where, self->seed, 1200)));
}

TEST_F(directory, a_file_for_each_process)
{
	pid_t pids[FILES];
	int i;

	for (i = 0; i < FILES; i++)
		pids[i] = in_child(&self->where, self->seed + 1000 + i, 250);
	for (i = 0; i < FILES; i++)
		EXPECT_EQ(0, child_status(pids[i]));
}

struct runner {
	const struct mounted *where;
	__u32 seed;
};

static void *run(void *arg)
{
	struct runner *r = arg;

	fsx_run(r->where, r->seed, 250);
	return NULL;
}

TEST_F(directory, a_file_for_each_thread)
{
	struct runner runners[FILES];
	pthread_t threads[FILES];
	pid_t pid;
	int i;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		for (i = 0; i < FILES; i++) {
			runners[i] = (struct runner){ &self->where, self->seed + 2000 + i };
			if (pthread_create(&threads[i], NULL, run, &runners[i]))
				_exit(3);
		}
		for (i = 0; i < FILES; i++)
			pthread_join(threads[i], NULL);
		_exit(0);
	}
	EXPECT_EQ(0, child_status(pid));
}

TEST_F(directory, seen_by_others)
{
	EXPECT_EQ(0, fsx_watched(&self->where, self->seed + 3000, 1500));
}

TEST_HARNESS_MAIN
