/* SPDX-License-Identifier: GPL-2.0 */
/* For tests that take all of a pool of 64 MiB: "module: max=64M" */
#ifndef ZCPOOL_TAKE_ALL_H
#define ZCPOOL_TAKE_ALL_H

#include "zcpool_test.h"

#define MAX		(64 * MIB)
#define MAX_PAGES	(MAX / PAGE)

static int bufs[MAX_PAGES + 1];

/* Takes buffers until there is none; their number, the last error in *err */
static inline int take_all(int pool, size_t len, __u32 flags, int node, int *err)
{
	unsigned int n;
	int buf;

	for (n = 0; n < ARRAY_SIZE(bufs); n++) {
		buf = buf_alloc(pool, len, flags, node);
		if (buf < 0) {
			*err = -buf;
			break;
		}
		bufs[n] = buf;
	}
	return n;
}

static inline void give_back(int from, int to)
{
	while (from < to)
		close(bufs[from++]);
}

static inline void raise_nofile(void)
{
	struct rlimit r = { 2 * MAX_PAGES, 2 * MAX_PAGES };

	setrlimit(RLIMIT_NOFILE, &r);
}

/* The pool holds its reserve, and no more but a split chunk a node. */
static inline int shrinks_to_reserve(int pool, struct zcpool_info *pi)
{
	return pool_wait_reserve(pool, -1, CHUNK, pi);
}

#endif /* ZCPOOL_TAKE_ALL_H */
