/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a test of names begins with: it works in an empty directory of a mounted pool, which is
 * its working directory, and leaves it empty. Every name that it made is given back then.
 */
#ifndef ZCPOOL_TEST_NAMES_H
#define ZCPOOL_TEST_NAMES_H

#include "zcpool_test.h"
#include "mounted.h"
#include <grp.h>
#include <sys/statvfs.h>

FIXTURE(names) {
	struct mounted m;
	fsfilcnt_t free;
};

static inline fsfilcnt_t free_names(void)
{
	struct statvfs fs;

	return statvfs(".", &fs) ? 0 : fs.f_ffree;
}

FIXTURE_SETUP(names)
{
	int err = mounted_begin(&self->m, ZCPOOL_DEFAULT, NULL);

	if (err == -ENODEV)
		SKIP(return, NO_MOUNT);
	ASSERT_EQ(0, err);
	ASSERT_EQ(0, chdir(self->m.dir));
	ASSERT_EQ(0, chmod(".", 0755));
	self->free = free_names();
	umask(022);
}

FIXTURE_TEARDOWN(names)
{
	EXPECT_EQ(self->free, free_names())
		TH_LOG("the test left names");
	ASSERT_EQ(0, chdir("/"));
	EXPECT_EQ(0, mounted_end(&self->m));
}

/* What a system call has returned, or -errno */
static inline long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

/* A new, empty file that is closed again; 0 or -errno */
static inline int make(const char *path, mode_t mode)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* What an open answers, whose descriptor nobody wants: 0 or -errno */
static inline int try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static inline struct stat look(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		memset(&st, 0, sizeof(st));
	return st;
}

/* The only things that somebody else is: no root, and in one group */
static inline void become(uid_t uid, gid_t gid)
{
	if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		_exit(255);
}

/* What a call answers to somebody else, in a process of its own: 0 or -errno */
#define AS(uid, gid, call) ({						\
	pid_t pid_ = fork();						\
									\
	if (!pid_) {							\
		become(uid, gid);					\
		_exit((call) < 0 ? errno : 0);				\
	}								\
	-child_status(pid_);						\
})

/* Waits until what happens next is later, by the clock that inodes' times are taken from. */
static inline void later(void)
{
	struct timespec t0, t;

	clock_gettime(CLOCK_REALTIME_COARSE, &t0);
	do {
		sched_yield();
		clock_gettime(CLOCK_REALTIME_COARSE, &t);
	} while (t.tv_sec == t0.tv_sec && t.tv_nsec == t0.tv_nsec);
}

static inline bool is_after(struct timespec a, struct timespec b)
{
	return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

/* Which times have changed */
#define NEW_CTIME	1
#define NEW_MTIME	2

static inline int changed(const char *path, const struct stat *before)
{
	struct stat st = look(path);

	return (is_after(st.st_ctim, before->st_ctim) ? NEW_CTIME : 0) |
	       (is_after(st.st_mtim, before->st_mtim) ? NEW_MTIME : 0);
}

#endif /* ZCPOOL_TEST_NAMES_H */
