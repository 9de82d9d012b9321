// SPDX-License-Identifier: GPL-2.0
/*
 * A buffer is taken away, from its mappings and from what else holds its pages, or goes to
 * another node. Only that may be done to a buffer that others have, too.
 */
#include "../lib/memory.h"
#include "../lib/take.h"
#include "soak.h"

/* Neither by its descriptor nor by its mappings is there any way to it. */
static void expect_dead(struct held *h, const char *call)
{
	int i;

	if (!buf_is_gone(h->fd))
		fail("%s of a buffer of %zu bytes: it lives", call, h->size);
	for (i = 0; i < 2; i++)
		if (h->piece[i].len && writable(h->piece[i].p))
			fail("%s of a buffer of %zu bytes: %p can be written to", call, h->size,
			     h->piece[i].p);
}

void op_revoke(struct worker *w, struct held *h)
{
	long pinned;

	if (h->fd < 0 || h->shared)
		return;
	held_verify(w, h);
	pinned = buf_revoke(h->fd, rnd(&w->seed) % 4);
	if (pinned < 0 || pinned > (long)h->size)
		fail("REVOKE of a buffer of %zu bytes: %ld", h->size, pinned);
	expect_dead(h, "REVOKE");
	held_forget(h);
	count(COUNT_REVOKE, 1);
}

/* The same memory as another buffer */
static void take_over(struct held *h, int fd)
{
	struct held new = *h;

	held_forget(h);
	*h = (struct held){ .fd = fd, .size = new.size, .tag = new.tag };
	h->piece[0] = (struct piece){ .p = buf_map(fd, h->size, 0), .len = h->size };
	if (h->piece[0].p == MAP_FAILED)
		fail("mmap of a moved buffer of %zu bytes: %s", h->size, strerror(errno));
}

/* Some of it may be in a pipe. */
void op_hand_over(struct worker *w, struct held *h)
{
	int fd;

	if (h->fd < 0 || h->shared)
		return;
	fd = buf_move(h->fd);
	if (fd < 0 && fd != -EBUSY && fd != -ENOMEM)
		fail("MOVE of a buffer of %zu bytes: %s", h->size, strerror(-fd));
	if (fd >= 0) {
		expect_dead(h, "MOVE");
		take_over(h, fd);
		count(COUNT_HAND_OVER, 1);
	}
	held_verify(w, h);
}

void op_migrate(struct worker *w, struct held *h)
{
	int node = rnd(&w->seed) % 2, err;

	if (h->fd < 0 || !node_exists(node))
		return;
	err = buf_migrate(h->fd, node);
	if (err && err != -EBUSY && err != -ENOSPC && err != -ENOMEM)
		fail("MIGRATE of a buffer of %zu bytes to node %d: %s", h->size, node,
		     strerror(-err));
	if (!err)
		count(COUNT_MIGRATE, 1);
	held_verify(w, h);
}
