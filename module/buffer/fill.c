// SPDX-License-Identifier: GPL-2.0
/*
 * Memory for what was a hole in a file.
 *
 * Several may fill the same hole at once. Each gets memory first; who comes second gives his
 * back, as clean as it was.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/topology.h>

#include "../show/trace.h"
#include "buffer.h"

/* The most that is got in one piece of a split chunk */
#define ZCP_FILL_PAGES	(ZCP_CHUNK_PAGES / 2)

/* Memory for so many pages of a file */
static int zcp_fill_alloc(struct zcp_buffer *buf, unsigned int pages, u32 flags,
			  struct zcp_extents *list)
{
	struct zcp_request req = {
		.pool = buf->pool,
		.size = (u64)pages << PAGE_SHIFT,
		.flags = flags,
		.nid = numa_mem_id(),
		.exact = true,
	};

	zcp_extents_init(list);
	return zcp_pool_alloc(&req, pages, list);
}

/* Put a piece, a page or a whole chunk, into a file, or back where it comes from. */
static int zcp_fill_insert(struct zcp_buffer *buf, pgoff_t index, const struct zcp_extent *ext)
{
	int err;

	zcp_pieces_attach(ext, 1, &buf->inode.i_data, index);
	err = zcp_sparse_insert(buf->sparse, index, ext);
	if (!err) {
		inode_add_bytes(&buf->inode, (loff_t)ext->nr << PAGE_SHIFT);
		trace_zcpool_fill(buf, index, ext->nr);
		return 0;
	}
	zcp_pieces_detach(ext, 1);
	zcp_pool_untake_pieces(ext, 1);
	return err;
}

/*
 * Whether a chunk's worth of a file is to be one, by the pool's option huge=: as far as the file
 * reaches it will be used. What has been begun with pages goes on with these.
 */
static bool zcp_fill_wants_chunk(const struct zcp_buffer *buf, enum zcp_huge huge,
				 pgoff_t slot, pgoff_t reach)
{
	pgoff_t last = slot + ZCP_CHUNK_PAGES - 1;

	if (!IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) || huge == ZCP_HUGE_NEVER ||
	    (huge == ZCP_HUGE_PREFER && last >= reach))
		return false;
	return zcp_sparse_next(buf->sparse, slot, last) > last;
}

static int zcp_fill_chunk(struct zcp_buffer *buf, pgoff_t slot)
{
	struct zcp_extents list;
	int err;

	err = zcp_fill_alloc(buf, ZCP_CHUNK_PAGES, ZCPOOL_ALLOC_HUGE, &list);
	if (!err)
		err = zcp_fill_insert(buf, slot, &list.ext[0]);
	zcp_extents_destroy(&list);
	return err;
}

/* Page by page, for so they may be given back. Somebody else's are as good. */
static int zcp_fill_insert_pages(struct zcp_buffer *buf, pgoff_t index,
				 const struct zcp_extents *list)
{
	struct zcp_extent page;
	unsigned int i, n;
	int err = 0, ret;

	zcp_pool_shatter(list);
	for (i = 0; i < list->nr; i++) {
		page = (struct zcp_extent){ .chunk = list->ext[i].chunk, .nr = 1 };
		for (n = 0; n < list->ext[i].nr; n++) {
			page.start = list->ext[i].start + n;
			ret = zcp_fill_insert(buf, index++, &page);
			if (ret && ret != -EEXIST)
				err = ret;
		}
		cond_resched();
	}
	return err;
}

/* Fill what holes there are, up to and with last, with pages of split chunks. */
static int zcp_fill_pages(struct zcp_buffer *buf, pgoff_t index, pgoff_t last)
{
	struct zcp_extents list;
	pgoff_t end;
	int err = 0;

	while (!err && (index = zcp_sparse_next_hole(buf->sparse, index, last)) <= last) {
		end = zcp_sparse_next(buf->sparse, index, last);
		end = min(end, index + ZCP_FILL_PAGES);
		err = zcp_fill_alloc(buf, end - index, 0, &list);
		if (!err)
			err = zcp_fill_insert_pages(buf, index, &list);
		zcp_extents_destroy(&list);
		index = end;
	}
	return err;
}

/* What lies in one chunk's worth of a file */
static int zcp_fill_slot(struct zcp_buffer *buf, pgoff_t first, pgoff_t last, pgoff_t reach)
{
	enum zcp_huge huge = READ_ONCE(buf->pool->huge);
	pgoff_t slot = round_down(first, ZCP_CHUNK_PAGES);
	int err;

	if (zcp_sparse_next_hole(buf->sparse, first, last) > last)
		return 0;
	if (zcp_fill_wants_chunk(buf, huge, slot, reach)) {
		err = zcp_fill_chunk(buf, slot);
		if (!err || err == -EINTR || (huge == ZCP_HUGE_ALWAYS && err != -EEXIST))
			return err;
	}
	return zcp_fill_pages(buf, first, last);
}

/**
 * zcp_buffer_fill() - have no hole in some of a file
 * @buf: the file, which has not been taken away
 * @first: page in it
 * @last: last page in it, at most ZCP_LAST_PAGE
 * @reach: first page behind the file as it will be: whole chunks are got up to there
 *
 * After an error some may have been filled.
 *
 * Context: may sleep; under the buffer's lock.
 * Return: 0; or an error of zcp_pool_alloc().
 */
int zcp_buffer_fill(struct zcp_buffer *buf, pgoff_t first, pgoff_t last, pgoff_t reach)
{
	pgoff_t end;
	int err = 0;

	for (; !err && first <= last; first = end + 1) {
		end = min(last, round_down(first, ZCP_CHUNK_PAGES) + ZCP_CHUNK_PAGES - 1);
		err = zcp_fill_slot(buf, first, end, reach);
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
	}
	return err;
}
