// SPDX-License-Identifier: GPL-2.0
/*
 * Having a buffer's memory on another NUMA node, while it is in use.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "../show/trace.h"
#include "buffer.h"

/**
 * struct zcp_twin - memory of the shape of a buffer's, on another node
 * @owner: the buffer's, as whose this counts, too
 * @extents: if the buffer's is a list
 * @sparse: if the buffer is a file, else NULL
 */
struct zcp_twin {
	const struct zcp_owner *owner;
	struct zcp_extents extents;
	struct zcp_sparse *sparse;
};

/* Shapes are equal: how much is in whole chunks follows from the size. */
static int zcp_alloc_on(const struct zcp_buffer *buf, int nid, unsigned long pages,
			struct zcp_extents *list)
{
	struct zcp_request req = {
		.pool = buf->pool,
		.owner = &buf->owner,
		.size = (u64)pages << PAGE_SHIFT,
		.flags = buf->flags & (ZCPOOL_ALLOC_CONTIG | ZCPOOL_ALLOC_HUGE),
		.nid = nid,
	};

	req.flags |= ZCPOOL_ALLOC_NODE | ZCPOOL_ALLOC_THISNODE;
	zcp_extents_init(list);
	return zcp_pool_alloc(&req, pages, list);
}

/* Put a piece into a twin, or give it back. */
static int zcp_twin_insert(struct zcp_twin *twin, pgoff_t index, const struct zcp_extent *ext)
{
	int err = zcp_sparse_insert(twin->sparse, index, ext);

	if (err)
		zcp_pool_untake_pieces(twin->owner, ext, 1);
	return err;
}

/* As much as there is of one piece of a file that a twin has not yet */
static int zcp_twin_add(struct zcp_twin *twin, const struct zcp_buffer *buf, pgoff_t index,
			const struct zcp_extent *ext, int nid)
{
	struct zcp_extents list;
	struct zcp_extent page;
	unsigned int i;
	int err = 0;

	if (zcp_chunk_kind(ext->chunk) == ZCP_WHOLE) {
		if (zcp_sparse_find(twin->sparse, index, &page))
			return 0;
		err = zcp_alloc_on(buf, nid, ZCP_CHUNK_PAGES, &list);
		if (!err)
			err = zcp_twin_insert(twin, index, &list.ext[0]);
		zcp_extents_destroy(&list);
		return err;
	}
	for (i = 0; !err && i < ext->nr; i++) {
		if (zcp_sparse_find(twin->sparse, index + i, &page))
			continue;
		err = zcp_alloc_on(buf, nid, 1, &list);
		if (!err)
			err = zcp_twin_insert(twin, index + i, &list.ext[0]);
		zcp_extents_destroy(&list);
	}
	return err;
}

/* Have a twin have all that a file has; under the file's lock. */
static int zcp_twin_add_all(struct zcp_twin *twin, const struct zcp_buffer *buf, int nid)
{
	struct zcp_span span;
	unsigned int i;
	pgoff_t index;
	int err = 0;

	zcp_span_all(&span);
	while (!err && zcp_span_next(buf, &span)) {
		for (index = span.index, i = 0; !err && i < span.nr; i++) {
			err = zcp_twin_add(twin, buf, index, &span.ext[i], nid);
			index += span.ext[i].nr;
			if (!err && fatal_signal_pending(current))
				err = -EINTR;
		}
	}
	return err;
}

static void zcp_twin_empty(struct zcp_twin *twin)
{
	struct zcp_extent ext[ZCP_SPAN_PIECES];
	pgoff_t index = 0;
	unsigned int nr;

	if (!twin->sparse) {
		zcp_pool_free(twin->owner, &twin->extents);
		return;
	}
	while ((nr = zcp_sparse_take(twin->sparse, &index, ZCP_LAST_PAGE, ext, ARRAY_SIZE(ext))))
		zcp_pool_free_pieces(twin->owner, ext, nr);
}

static void zcp_twin_destroy(struct zcp_twin *twin)
{
	zcp_twin_empty(twin);
	zcp_extents_destroy(&twin->extents);
	zcp_sparse_destroy(twin->sparse);
}

/* What can be got while others use the buffer. Of a file there may be more, or less, soon. */
static int zcp_twin_create(struct zcp_twin *twin, struct zcp_buffer *buf, int nid)
{
	unsigned long pages;
	int err;

	twin->owner = &buf->owner;
	zcp_extents_init(&twin->extents);
	twin->sparse = NULL;
	err = zcp_buffer_lock_shared(buf);
	if (err)
		return err;
	pages = buf->nr_pages;
	if (buf->life != ZCP_ALIVE)
		err = -ESTALE;
	else if (buf->sparse)
		twin->sparse = zcp_sparse_create();
	if (!err && buf->sparse)
		err = twin->sparse ? zcp_twin_add_all(twin, buf, nid) : -ENOMEM;
	zcp_buffer_unlock_shared(buf);
	if (!err && !twin->sparse)
		err = zcp_alloc_on(buf, nid, pages, &twin->extents);
	return err;
}

/* Have a twin have just what the buffer has now; under the buffer's lock for writing. */
static int zcp_twin_adjust(struct zcp_twin *twin, const struct zcp_buffer *buf, int nid)
{
	if (buf->life != ZCP_ALIVE)
		return -ESTALE;
	if (!twin->sparse)
		return 0;
	if (!zcp_twin_add_all(twin, buf, nid) &&
	    twin->sparse->nr_pages == buf->sparse->nr_pages)
		return 0;
	/* Something has become a hole, or comes in other pieces. */
	zcp_twin_empty(twin);
	return zcp_twin_add_all(twin, buf, nid);
}

static int zcp_twin_copy_piece(struct zcp_twin *twin, pgoff_t index,
			       const struct zcp_extent *from)
{
	struct zcp_extent to;
	unsigned int i, nr;

	for (i = 0; i < from->nr; i += nr) {
		if (WARN_ON_ONCE(!zcp_sparse_find(twin->sparse, index + i, &to)))
			return -EIO;
		nr = min_t(unsigned int, to.nr, from->nr - i);
		if (zcp_pages_poisoned(zcp_extent_page(from) + i, nr))
			return -EIO;
		zcp_pages_copy(zcp_extent_page(&to), zcp_extent_page(from) + i, nr);
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

static int zcp_twin_copy(struct zcp_twin *twin, const struct zcp_buffer *buf)
{
	struct zcp_span span;
	unsigned int i;
	pgoff_t index;
	int err = 0;

	if (!twin->sparse)
		return zcp_extents_copy(&twin->extents, &buf->extents);
	zcp_span_all(&span);
	while (!err && zcp_span_next(buf, &span)) {
		for (index = span.index, i = 0; !err && i < span.nr; i++) {
			err = zcp_twin_copy_piece(twin, index, &span.ext[i]);
			index += span.ext[i].nr;
		}
	}
	return err;
}

/* Have a buffer have its twin's memory, and the twin what was the buffer's. */
static void zcp_twin_swap(struct zcp_twin *twin, struct zcp_buffer *buf)
{
	struct zcp_sparse *sparse = twin->sparse;
	struct zcp_extents old;

	zcp_buffer_detach(buf);
	zcp_extents_move(&old, &buf->extents);
	zcp_extents_move(&buf->extents, &twin->extents);
	zcp_extents_move(&twin->extents, &old);
	twin->sparse = buf->sparse;
	WRITE_ONCE(buf->sparse, sparse);
	zcp_buffer_attach(buf);
}

/* Put a copy of a buffer's memory in its place; under its lock for writing. */
static int zcp_buffer_replace(struct zcp_buffer *buf, struct zcp_twin *twin, int nid)
{
	int err = zcp_twin_adjust(twin, buf, nid);

	if (err)
		return err;
	if (zcp_buffer_seize(buf, ZCP_KEEP_COPIES))
		return -EBUSY;
	err = zcp_twin_copy(twin, buf);
	if (!err)
		zcp_twin_swap(twin, buf);
	return err;
}

/* Whether all is where it is to be, or there is nothing */
static int zcp_buffer_is_on(struct zcp_buffer *buf, int nid)
{
	int is_on, err = zcp_buffer_lock_shared(buf);

	if (err)
		return err;
	if (buf->life != ZCP_ALIVE)
		is_on = -ESTALE;
	else
		is_on = !zcp_buffer_held(buf) || zcp_buffer_node(buf) == nid;
	zcp_buffer_unlock_shared(buf);
	return is_on;
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
	struct zcp_twin twin;
	int err = zcp_buffer_is_on(buf, nid);

	if (err)
		return min(err, 0);
	err = zcp_twin_create(&twin, buf, nid);
	if (!err)
		err = zcp_buffer_lock(buf);
	if (!err) {
		err = zcp_buffer_replace(buf, &twin, nid);
		trace_zcpool_migrate(buf, nid, err);
		zcp_buffer_unlock(buf);
	}
	zcp_twin_destroy(&twin);
	return err;
}
