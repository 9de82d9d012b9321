/* SPDX-License-Identifier: GPL-2.0 */
/* Where pools are mounted, as /proc/self/mountinfo says. */
#ifndef MOUNTS_H
#define MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#define POOL_FS_TYPE	"zcpool"
#define POOL_MOUNT_DIR	"/run/zcpool"	/* where 'pool create' mounts them */

struct mount {
	char *pool;		/* the source: the pool's name */
	char *path;
	char *options;		/* of the pool, "nodes=0+1,max=1G"; may be empty */
	bool whole;		/* all of it is there, and not a directory of it alone */
	dev_t dev;
	unsigned long id;
	unsigned long parent;
};

struct mounts {
	struct mount *at;
	size_t nr;
};

/*
 * Those of a process that are of file systems of ours, in the order in which they were made.
 * Returns false where they cannot be read.
 */
bool mounts_read(struct mounts *all, const char *mountinfo);

void mounts_free(struct mounts *all);

/* Reads our own, or that is the end. */
void mounts_read_own(struct mounts *all);

/* One of the pool's; all of it is there, if there is any such. NULL: it is not mounted. */
const struct mount *mounts_find(const struct mounts *all, const char *pool);

/* Whether the mount is the one that its path leads to, and not hidden by another. */
bool mount_is_on_top(const struct mount *m);

/* Prints a line for each mount that is mounted on that one. Returns how many there are. */
unsigned int mounts_print_on(FILE *to, const struct mount *m);

/* The name of the pool whose device or mount is at the path, or NULL. */
const char *pool_name_at(const char *path);

/* Which pool is meant: the name itself, or the name of what is at the path; or the end. */
const char *pool_name(const char *name_or_path);

#endif /* MOUNTS_H */
