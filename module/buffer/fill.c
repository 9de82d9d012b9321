// SPDX-License-Identifier: GPL-2.0
/*
 * Memory for what was a hole in a file.
 *
 * Several may fill the same hole at once. Each gets memory first; who comes second gives his
 * back, as clean as it was.
 */
#include <linux/fs.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/topology.h>

#include "../show/trace.h"
#include "buffer.h"

/* The most that is got in one piece of a split chunk */
#define ZCP_FILL_PAGES	(ZCP_CHUNK_PAGES / 2)

/**
 * enum zcp_fill_keep - what becomes of what has been filled where not all can be
 * @ZCP_FILL_KEEP: it stays
 * @ZCP_FILL_UNDO: it goes, and so is marked as new until it is known whether all can be
 */
enum zcp_fill_keep {
	ZCP_FILL_KEEP,
	ZCP_FILL_UNDO
};

/**
 * struct zcp_fill - holes of a file being filled
 * @buf: the file
 * @reach: first page behind the file as it will be
 * @policy: NUMA policy of who fills them, or NULL
 * @keep: what becomes of what has been filled where not all can be
 */
struct zcp_fill {
	struct zcp_buffer *buf;
	pgoff_t reach;
	const struct mempolicy *policy;
	enum zcp_fill_keep keep;
};

#ifdef CONFIG_NUMA
/* That of the mapping that is touched, or that of the caller; neither changes meanwhile. */
static const struct mempolicy *zcp_fill_policy(const struct vm_area_struct *vma)
{
	return vma && vma_policy(vma) ? vma_policy(vma) : current->mempolicy;
}

/* One of some nodes, of which there is at least one */
static int zcp_nth_node(const nodemask_t *nodes, pgoff_t nth)
{
	int nid = first_node(*nodes);

	for (nth %= nodes_weight(*nodes); nth; nth--)
		nid = next_node(nid, *nodes);
	return nid;
}

/*
 * Have a request go by a policy as mbind(2) and set_mempolicy(2) know them, and only then by the
 * pool's. Where that says to take turns, chunks of the file do.
 */
static void zcp_fill_place(struct zcp_request *req, const struct mempolicy *policy, pgoff_t index)
{
	nodemask_t nodes;

	if (!policy)
		return;
	/* That of a process may be bound to other nodes meanwhile, as its cpuset is. */
	barrier();
	nodes = policy->nodes;
	barrier();
	if (policy->mode != MPOL_LOCAL && nodes_empty(nodes))
		return;
	switch (policy->mode) {
	case MPOL_BIND:
		req->bound = &policy->nodes;
		return;
	case MPOL_LOCAL:
		break;
	case MPOL_PREFERRED:
	case MPOL_PREFERRED_MANY:
		if (!node_isset(req->nid, nodes))
			req->nid = first_node(nodes);
		break;
	default:
		req->nid = zcp_nth_node(&nodes, index / ZCP_CHUNK_PAGES);
	}
	req->flags |= ZCPOOL_ALLOC_NODE;
}
#else
static const struct mempolicy *zcp_fill_policy(const struct vm_area_struct *vma)
{
	return NULL;
}

static void zcp_fill_place(struct zcp_request *req, const struct mempolicy *policy, pgoff_t index)
{
}
#endif

/* Memory for so many pages of a file, from a place on, is wanted. */
static struct zcp_request zcp_fill_request(const struct zcp_fill *fill, pgoff_t index,
					   unsigned long pages, u32 flags)
{
	struct zcp_request req = {
		.pool = fill->buf->pool,
		.owner = &fill->buf->owner,
		.size = (u64)pages << PAGE_SHIFT,
		.flags = flags,
		.nid = numa_mem_id(),
		.exact = true,
	};

	zcp_fill_place(&req, fill->policy, index);
	return req;
}

static int zcp_fill_alloc(const struct zcp_fill *fill, pgoff_t index, unsigned int pages,
			  u32 flags, struct zcp_extents *list)
{
	struct zcp_request req = zcp_fill_request(fill, index, pages, flags);

	zcp_extents_init(list);
	return zcp_pool_alloc(&req, pages, list);
}

/* Put a piece, a page or a whole chunk, into a file, or back where it comes from. */
static int zcp_fill_insert(const struct zcp_fill *fill, pgoff_t index,
			   const struct zcp_extent *ext)
{
	struct zcp_buffer *buf = fill->buf;
	int err;

	zcp_pieces_attach(ext, 1, &buf->inode.i_data, index);
	err = zcp_sparse_insert(buf->sparse, index, ext);
	if (!err) {
		inode_add_bytes(&buf->inode, (loff_t)ext->nr << PAGE_SHIFT);
		if (fill->keep == ZCP_FILL_UNDO)
			zcp_sparse_mark_new(buf->sparse, index);
		trace_zcpool_fill(buf, index, ext->nr);
		return 0;
	}
	zcp_pieces_detach(ext, 1);
	zcp_pool_untake_pieces(&buf->owner, ext, 1);
	return err;
}

/*
 * Whether a chunk's worth of a file is to be one, by the pool's option huge=: as far as the file
 * reaches it will be used. What has been begun with pages goes on with these.
 */
static bool zcp_fill_wants_chunk(const struct zcp_fill *fill, enum zcp_huge huge, pgoff_t slot)
{
	pgoff_t last = slot + ZCP_CHUNK_PAGES - 1;

	if (!IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) || huge == ZCP_HUGE_NEVER ||
	    (huge == ZCP_HUGE_PREFER && last >= fill->reach))
		return false;
	return zcp_sparse_next(fill->buf->sparse, slot, last) > last;
}

static int zcp_fill_chunk(const struct zcp_fill *fill, pgoff_t slot)
{
	struct zcp_extents list;
	int err;

	err = zcp_fill_alloc(fill, slot, ZCP_CHUNK_PAGES, ZCPOOL_ALLOC_HUGE, &list);
	if (!err)
		err = zcp_fill_insert(fill, slot, &list.ext[0]);
	zcp_extents_destroy(&list);
	return err;
}

/* Page by page, for so they may be given back. Somebody else's are as good. */
static int zcp_fill_insert_pages(const struct zcp_fill *fill, pgoff_t index,
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
			ret = zcp_fill_insert(fill, index++, &page);
			if (ret && ret != -EEXIST)
				err = ret;
		}
		cond_resched();
	}
	return err;
}

/* Fill what holes there are, up to and with last, with pages of split chunks. */
static int zcp_fill_pages(const struct zcp_fill *fill, pgoff_t index, pgoff_t last)
{
	struct zcp_sparse *sparse = fill->buf->sparse;
	struct zcp_extents list;
	pgoff_t end;
	int err = 0;

	while (!err && (index = zcp_sparse_next_hole(sparse, index, last)) <= last) {
		end = zcp_sparse_next(sparse, index, last);
		end = min(end, index + ZCP_FILL_PAGES);
		err = zcp_fill_alloc(fill, index, end - index, 0, &list);
		if (!err)
			err = zcp_fill_insert_pages(fill, index, &list);
		zcp_extents_destroy(&list);
		index = end;
	}
	return err;
}

/* What lies in one chunk's worth of a file */
static int zcp_fill_slot(const struct zcp_fill *fill, pgoff_t first, pgoff_t last)
{
	enum zcp_huge huge = READ_ONCE(fill->buf->pool->huge);
	pgoff_t slot = round_down(first, ZCP_CHUNK_PAGES);
	int err;

	if (zcp_sparse_next_hole(fill->buf->sparse, first, last) > last)
		return 0;
	if (zcp_fill_wants_chunk(fill, huge, slot)) {
		err = zcp_fill_chunk(fill, slot);
		if (!err || err == -EINTR || (huge == ZCP_HUGE_ALWAYS && err != -EEXIST))
			return err;
	}
	return zcp_fill_pages(fill, first, last);
}

static int zcp_fill_range(const struct zcp_fill *fill, pgoff_t first, pgoff_t last)
{
	pgoff_t end;
	int err = 0;

	for (; !err && first <= last; first = end + 1) {
		end = min(last, round_down(first, ZCP_CHUNK_PAGES) + ZCP_CHUNK_PAGES - 1);
		err = zcp_fill_slot(fill, first, end);
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
	}
	return err;
}

/**
 * zcp_buffer_fill() - have no hole in some of a file
 * @buf: the file, which has not been taken away
 * @first: page in it
 * @last: last page in it, at most ZCP_LAST_PAGE
 * @reach: first page behind the file as it will be: whole chunks are got up to there
 * @vma: mapping that is touched, if so; the mmap lock or its own is held
 *
 * After an error some may have been filled.
 *
 * Context: may sleep; under the buffer's lock.
 * Return: 0; or an error of zcp_pool_alloc().
 */
int zcp_buffer_fill(struct zcp_buffer *buf, pgoff_t first, pgoff_t last, pgoff_t reach,
		    const struct vm_area_struct *vma)
{
	const struct zcp_fill fill = {
		.buf = buf, .reach = reach, .policy = zcp_fill_policy(vma),
	};

	return zcp_fill_range(&fill, first, last);
}

/**
 * zcp_buffer_fill_all() - the same, all or nothing
 * @buf: the file, which has not been taken away
 * @first: page in it
 * @last: last page in it, at most ZCP_LAST_PAGE
 * @reach: first page behind the file as it will be: whole chunks are got up to there
 *
 * Context: may sleep; the buffer's lock is held for writing.
 * Return: 0; or an error of zcp_pool_alloc(), and the holes are what they were.
 */
int zcp_buffer_fill_all(struct zcp_buffer *buf, pgoff_t first, pgoff_t last, pgoff_t reach)
{
	const struct zcp_fill fill = {
		.buf = buf, .reach = reach, .policy = zcp_fill_policy(NULL),
		.keep = ZCP_FILL_UNDO,
	};
	unsigned long pages = last - first + 1, held = buf->sparse->nr_pages;
	struct zcp_request req = zcp_fill_request(&fill, first, pages, 0);
	pgoff_t index = 0, end;
	int err = 0;

	/* What there is not is not taken from others first. */
	if (pages > held)
		err = zcp_pool_could(&req, pages - held);
	if (err)
		return err;
	err = zcp_fill_range(&fill, first, last);
	while (zcp_sparse_next_new(buf->sparse, &index, &end)) {
		/* Nobody has got to see it. */
		if (err)
			zcp_buffer_give_back(buf, index, end, NULL);
		index = end + 1;
		cond_resched();
	}
	return err;
}
