/* SPDX-License-Identifier: GPL-2.0 */
/* Which processes have something of a pool, as far as /proc says. */
#ifndef USERS_H
#define USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* What counts as the pool's */
struct belongings {
	const char *pool;	/* its name, by which it is mounted elsewhere */
	dev_t fs;		/* its file system, or 0 */
	dev_t device;		/* /dev/zcpool/NAME, or 0 */
	uint64_t *buffers;	/* numbers of its buffers, in ascending order */
	size_t nr_buffers;
};

/* Its buffers, as debugfs lists them, are put into *b. False: they cannot be read. */
bool buffers_read(struct belongings *b);

/*
 * Prints a line for each process that has one of its files or buffers open or mapped, its
 * device open, its directory or root there, or the file system mounted in a mount namespace
 * other than ours. Returns how many processes there are.
 */
unsigned int users_print(FILE *f, const struct belongings *b);

#endif /* USERS_H */
