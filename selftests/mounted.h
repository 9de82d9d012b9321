/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A directory to test in: a new one in ZCPOOL_TEST_DIR, which may be of any file system, or else
 * a pool that is mounted for it, in a mount namespace of its own, with which it goes.
 */
#ifndef ZCPOOL_TEST_MOUNTED_H
#define ZCPOOL_TEST_MOUNTED_H

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "../module/uapi/zcpool.h"

#define TMPFS_MAGIC	0x01021994
#define NO_MOUNT	"this kernel has no file system type zcpool"

/**
 * struct mounted - a directory to test in
 * @dir: its path
 * @is_ours: something was mounted on it
 * @is_zcpool: it is of a pool
 * @is_memory: it is of a pool or of tmpfs: then it is known what a file takes up
 */
struct mounted {
	char dir[PATH_MAX - NAME_MAX - 2];
	bool is_ours;
	bool is_zcpool;
	bool is_memory;
};

/* In a mount namespace of its own, or -errno */
static inline int mount_anew(struct mounted *m, const char *name, const char *options)
{
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	if (mount(name, m->dir, "zcpool", 0, options))
		return -errno;
	m->is_ours = true;
	return 0;
}

/* 0, or -errno: -ENODEV where there is no such file system. */
static inline int mounted_begin(struct mounted *m, const char *name, const char *options)
{
	const char *in = getenv("ZCPOOL_TEST_DIR");
	struct statfs fs;
	int err = 0;

	memset(m, 0, sizeof(*m));
	snprintf(m->dir, sizeof(m->dir), "%s/zcpool.XXXXXX", in ? in : "/tmp");
	if (!mkdtemp(m->dir))
		return -errno;
	if (!in)
		err = mount_anew(m, name, options);
	if (!err && statfs(m->dir, &fs))
		err = -errno;
	if (err) {
		rmdir(m->dir);
		return err;
	}
	m->is_zcpool = (__u32)fs.f_type == ZCPOOL_SUPER_MAGIC;
	m->is_memory = m->is_zcpool || fs.f_type == TMPFS_MAGIC;
	return 0;
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	return at->level ? remove(path) : 0;
}

/* Removes all that is in it; 0 or -errno. */
static inline int mounted_clear(const struct mounted *m)
{
	return nftw(m->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) ? -errno : 0;
}

/* 0 or -errno; -ENOTEMPTY if a test left something there. */
static inline int mounted_end(struct mounted *m)
{
	int err;

	if (m->is_ours && umount(m->dir))
		return -errno;
	if (!rmdir(m->dir))
		return 0;
	err = -errno;
	mounted_clear(m);
	rmdir(m->dir);
	return err;
}

/* A number from the environment, or what it is without. */
static inline unsigned int wanted(const char *name, unsigned int otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : otherwise;
}

/* How long to go on: ZCPOOL_TEST_SECONDS, else ZCPOOL_TEST_STEPS, else so many steps. */
struct span {
	time_t end;
	unsigned int steps;
};

static inline struct span span_begin(unsigned int steps)
{
	unsigned int seconds = wanted("ZCPOOL_TEST_SECONDS", 0);
	struct span span = { 0 };
	struct timespec now;

	if (seconds) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		span.end = now.tv_sec + seconds;
	} else {
		span.steps = wanted("ZCPOOL_TEST_STEPS", steps);
	}
	return span;
}

static inline bool span_is_over(struct span *span)
{
	struct timespec now;

	if (!span->end)
		return !span->steps || !span->steps--;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec >= span->end;
}

/* The same numbers wherever a test is run, unless others are wanted */
static inline unsigned int first_seed(void)
{
	return wanted("ZCPOOL_TEST_SEED", 1);
}

#endif /* ZCPOOL_TEST_MOUNTED_H */
