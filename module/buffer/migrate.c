// SPDX-License-Identifier: GPL-2.0
/*
 * Having a buffer's memory on another NUMA node, while it is in use.
 */
#include <linux/mm.h>

#include "../show/trace.h"
#include "buffer.h"

/* Shapes are equal: how much is in whole chunks follows from the size. */
static int zcp_buffer_alloc_on(const struct zcp_buffer *buf, int nid, unsigned long pages,
			       struct zcp_extents *list)
{
	struct zcp_request req = {
		.pool = buf->pool,
		.size = (u64)pages << PAGE_SHIFT,
		.flags = buf->flags & (ZCPOOL_ALLOC_CONTIG | ZCPOOL_ALLOC_HUGE),
		.nid = nid,
	};

	req.flags |= ZCPOOL_ALLOC_NODE | ZCPOOL_ALLOC_THISNODE;
	return zcp_pool_alloc(&req, pages, list);
}

/* Put a copy of a buffer's memory in its place; under its lock. */
static int zcp_buffer_replace(struct zcp_buffer *buf, struct zcp_extents *list)
{
	struct zcp_extents old;
	int err;

	if (zcp_buffer_seize(buf, ZCP_KEEP_COPIES))
		return -EBUSY;
	err = zcp_extents_copy(list, &buf->extents);
	if (err)
		return err;
	zcp_pieces_detach(buf->extents.ext, buf->extents.nr);
	zcp_extents_move(&old, &buf->extents);
	zcp_extents_move(&buf->extents, list);
	zcp_extents_move(list, &old);
	zcp_pieces_attach(buf->extents.ext, buf->extents.nr, &buf->inode.i_data);
	return 0;
}

/* Whether there is anything to be done, and how much */
static int zcp_buffer_check_migrate(struct zcp_buffer *buf, int nid, unsigned long *pages)
{
	int err = zcp_buffer_lock_shared(buf);

	if (err)
		return err;
	*pages = buf->nr_pages;
	if (buf->life != ZCP_ALIVE)
		err = -ESTALE;
	else if (zcp_extents_node(&buf->extents) == nid)
		*pages = 0;
	zcp_buffer_unlock_shared(buf);
	return err;
}

/**
 * zcp_buffer_migrate() - have all of a buffer's memory on one node
 * @buf: which
 * @nid: the node, which the caller may ask for
 *
 * Who wants to read or write meanwhile waits. Then the core maps the new memory, fault by
 * fault.
 *
 * Context: may sleep.
 * Return: 0; -ESTALE; -EBUSY pinned; -EIO a memory error; -EINTR killed; or an error of
 * zcp_pool_alloc(). After an error the memory is where it was.
 */
int zcp_buffer_migrate(struct zcp_buffer *buf, int nid)
{
	struct zcp_extents list;
	unsigned long pages;
	int err;

	err = zcp_buffer_check_migrate(buf, nid, &pages);
	if (err || !pages)
		return err;

	/* Nobody has to wait for this. */
	zcp_extents_init(&list);
	err = zcp_buffer_alloc_on(buf, nid, pages, &list);
	if (!err)
		err = zcp_buffer_lock(buf);
	if (!err) {
		err = buf->nr_pages == pages ? zcp_buffer_replace(buf, &list) : -ESTALE;
		trace_zcpool_migrate(buf, nid, err);
		zcp_buffer_unlock(buf);
	}
	zcp_pool_free(&list);
	zcp_extents_destroy(&list);
	return err;
}
