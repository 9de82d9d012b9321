// SPDX-License-Identifier: GPL-2.0
/* module: reserve=64M max=512M */
/* timeout: 900 */
/*
 * Processes that do all that can be done with names, to the same few names of a tree, and to the
 * files behind them (fsstress/). When they have stopped, or been killed, names, inodes and
 * contents must agree, and when all has been removed all memory must be back. Meanwhile what the
 * small pool is like changes over and over. In a pool that is
 * mounted for it, or in ZCPOOL_TEST_DIR, which may be of another file system, tmpfs above all.
 *
 * By ZCPOOL_TEST_SEED, for ZCPOOL_TEST_SECONDS or so many ZCPOOL_TEST_STEPS.
 */
#include "zcpool_test.h"
#include "fsstress/fsstress.h"
#include "lib/mount.h"
#include <sys/statvfs.h>

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	(240 + (int)wanted("ZCPOOL_TEST_SECONDS", 0))

#define PROCS	4

FIXTURE(tree) {
	struct mounted where;
	struct statvfs empty;
	unsigned long *done;
	__u32 seed;
};

FIXTURE_VARIANT(tree) {
	const char *pool;
	const char *options;
};

FIXTURE_VARIANT_ADD(tree, roomy) {
	.pool = ZCPOOL_DEFAULT,
	.options = "",
};

/* So that there is not room for all, most of the time */
FIXTURE_VARIANT_ADD(tree, small) {
	.pool = "small",
	.options = "max=8M",
};

FIXTURE_SETUP(tree)
{
	int err;

	if (getenv("ZCPOOL_TEST_DIR") && variant->options[0])
		SKIP(return, "how much room is in ZCPOOL_TEST_DIR is not ours to say");
	err = mounted_begin(&self->where, variant->pool, variant->options);
	if (err == -ENODEV)
		SKIP(return, NO_MOUNT);
	ASSERT_EQ(0, err);
	ASSERT_EQ(0, statvfs(self->where.dir, &self->empty));
	self->done = mmap(NULL, PAGE, RDWR, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->done);
	self->seed = first_seed();
}

FIXTURE_TEARDOWN(tree)
{
	munmap(self->done, PAGE);
	EXPECT_EQ(0, mounted_end(&self->where));
}

static pid_t in_child(const struct mounted *where, __u32 seed, struct span *span,
		      unsigned long *done)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(work(where, seed, span, done));
	return pid;
}

/* What was freed may have to be zeroed, or looked at again, before it is free. */
static bool all_is_free(const char *dir, const struct statvfs *empty)
{
	struct statvfs now;
	int i;

	for (i = 0; i < POLL_TRIES; i++) {
		if (statvfs(dir, &now))
			return false;
		if (now.f_bfree >= empty->f_bfree && now.f_bavail >= empty->f_bavail &&
		    now.f_ffree >= empty->f_ffree)
			return true;
		usleep(POLL_USEC);
	}
	printf("# free, available, files: %llu, %llu, %llu, and were %llu, %llu, %llu\n",
	       (unsigned long long)now.f_bfree, (unsigned long long)now.f_bavail,
	       (unsigned long long)now.f_ffree, (unsigned long long)empty->f_bfree,
	       (unsigned long long)empty->f_bavail, (unsigned long long)empty->f_ffree);
	return false;
}

/* Leaves the directory empty. */
static void end_tree(struct __test_metadata *_metadata, struct mounted *where,
		     const struct statvfs *empty)
{
	EXPECT_EQ(0, tree_check(where));
	EXPECT_EQ(0, mounted_clear(where));
	/* On other file systems others may be at work, too. */
	EXPECT_TRUE(!where->is_memory || all_is_free(where->dir, empty));
}

/* Remounts as long as that process lives; how often, or -errno. In the end all is as before. */
static int remount_beside(const char *dir, pid_t pid)
{
	static const char *const ways[] = {
		"max=4M", "huge=never", "reserve=0:2M", "policy=interleave", "huge=always",
		"max=16M", "reserve=0:4M", "mode=755 policy=local", "huge=prefer", "max=6M",
		"max=8M reserve=0 mode=700",
	};
	char message[MESSAGE_SIZE];
	siginfo_t info = { 0 };
	int err = 0, n;

	for (n = 0; !err && !info.si_pid; n++) {
		err = remount_pool(dir, ways[n % ARRAY_SIZE(ways)], message);
		if (err)
			printf("# %s: %s\n", ways[n % ARRAY_SIZE(ways)], message);
		if (waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT))
			err = -errno;
		/* They are to get on meanwhile. */
		usleep(10000);
	}
	if (!err)
		err = remount_pool(dir, ways[ARRAY_SIZE(ways) - 1], message);
	return err ? err : n;
}

TEST_F(tree, processes)
{
	pid_t pids[PROCS];
	struct span span;
	int i;

	span = span_begin(1000);
	for (i = 0; i < PROCS; i++)
		pids[i] = in_child(&self->where, self->seed + i, &span, self->done);
	if (variant->options[0])
		EXPECT_LT(0, remount_beside(self->where.dir, pids[0]));
	for (i = 0; i < PROCS; i++)
		EXPECT_EQ(0, child_status(pids[i]));
	end_tree(_metadata, &self->where, &self->empty);
}

/* After they have done something, and whatever they are doing. */
static int kill_after(pid_t pid, const unsigned long *done, unsigned long more)
{
	unsigned long until = __atomic_load_n(done, __ATOMIC_RELAXED) + more;
	int status;

	while (__atomic_load_n(done, __ATOMIC_RELAXED) < until) {
		if (waitpid(pid, &status, WNOHANG))
			return -1;
		usleep(100);
	}
	kill(pid, SIGKILL);
	return child_status(pid);
}

TEST_F(tree, killed_processes)
{
	unsigned int i, n = 0, killed = 0;
	pid_t pids[PROCS];
	struct span span;
	__u32 seed;

	seed = self->seed + 1000;
	span = span_begin(40);
	for (i = 0; i < PROCS; i++)
		pids[i] = in_child(&self->where, seed + n++, NULL, self->done);
	while (!span_is_over(&span)) {
		i = rnd(&seed) % PROCS;
		ASSERT_EQ(128 + SIGKILL, kill_after(pids[i], self->done, rnd(&seed) % 200));
		killed++;
		pids[i] = in_child(&self->where, seed + n++, NULL, self->done);
	}
	for (i = 0; i < PROCS; i++) {
		kill(pids[i], SIGKILL);
		EXPECT_EQ(128 + SIGKILL, child_status(pids[i]));
	}
	EXPECT_LT(0, killed);
	end_tree(_metadata, &self->where, &self->empty);
}

TEST_HARNESS_MAIN
