// SPDX-License-Identifier: GPL-2.0
/*
 * Pools: the policy that says from which nodes, and in which pieces, a buffer
 * gets its memory.
 */
#include <linux/cpuset.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "zcpool.h"

/**
 * zcp_pool_check_node() - whether the caller may ask for a node
 * @pool: which pool
 * @nid: number from user space
 *
 * Context: process, for its cpuset.
 * Return: 0, or -EINVAL if the pool or the caller's cpuset does not have it.
 */
int zcp_pool_check_node(const struct zcp_pool *pool, u32 nid)
{
	if (nid >= MAX_NUMNODES || !node_isset(nid, pool->mask) ||
	    !node_isset(nid, cpuset_current_mems_allowed))
		return -EINVAL;
	return 0;
}

/* Of the nodes that a request may use, those not tried yet. */
struct zcp_walk {
	unsigned int tried;
	nodemask_t left;
};

/*
 * The nearest node that the request may use and that has not been tried, or
 * NULL. Most requests are done with the first, so the mask waits.
 */
static struct zcp_node *zcp_walk_next(struct zcp_walk *walk,
				      const struct zcp_request *req)
{
	struct zcp_pool *pool = req->pool;
	int nid, distance, nearest = INT_MAX, best = NUMA_NO_NODE;

	if (!walk->tried++) {
		if (!zcp_pool_check_node(pool, req->nid))
			return pool->nodes[req->nid];
		walk->tried++;
	}
	if (req->flags & ZCPOOL_ALLOC_THISNODE)
		return NULL;
	if (walk->tried == 2) {
		nodes_and(walk->left, pool->mask, cpuset_current_mems_allowed);
		node_clear(req->nid, walk->left);
	}
	for_each_node_mask(nid, walk->left) {
		distance = node_distance(req->nid, nid);
		if (distance < nearest) {
			nearest = distance;
			best = nid;
		}
	}
	if (best == NUMA_NO_NODE)
		return NULL;
	node_clear(best, walk->left);
	return pool->nodes[best];
}

/* Of the errors of several nodes, the one the caller can do most about. */
static int zcp_worse(int a, int b)
{
	return a == -ENOSPC ? a : b;
}

/*
 * Take something of a node's clean memory that is at hand: set *want to what is
 * still missing.
 */
typedef void zcp_take_fn(struct zcp_node *node, struct zcp_buffer *buf,
			 unsigned int *want);

static void zcp_take_whole(struct zcp_node *node, struct zcp_buffer *buf,
			   unsigned int *want)
{
	unsigned int got = zcp_node_take_whole(node,
					       buf->extents + buf->nr_extents,
					       *want);

	buf->nr_extents += got;
	buf->nr_whole += got;
	*want -= got;
}

static void zcp_take_run(struct zcp_node *node, struct zcp_buffer *buf,
			 unsigned int *want)
{
	if (zcp_node_take_run(node, buf->extents, *want))
		return;
	buf->nr_extents = *want;
	buf->nr_whole = *want;
	*want = 0;
}

static void zcp_take_block(struct zcp_node *node, struct zcp_buffer *buf,
			   unsigned int *want)
{
	struct zcp_extent ext;

	if (zcp_node_take_block(node, &ext, *want))
		return;
	zcp_buffer_add_extent(buf, &ext);
	*want = 0;
}

/*
 * Neighbours from one node. To look for them is to sort: only once more, when all
 * is clean. Others may make chunks dirty without end, so each is looked at again,
 * zeroed and converted once at most. Another chunk from the kernel is hardly a
 * neighbour of ours.
 */
static int zcp_take_run_from(struct zcp_node *node, struct zcp_buffer *buf,
			     unsigned int *want)
{
	unsigned long left = 3 * READ_ONCE(node->nr_chunks);
	int err = 0;

	while (!err && left--)
		err = zcp_node_refill(node, false, false, READ_ONCE(node->done[0]));
	if (err == -EINTR)
		return err;
	zcp_take_run(node, buf, want);
	return *want ? -ENOMEM : 0;
}

/* From one node, until it can make nothing more clean. */
static int zcp_take_from(const struct zcp_request *req, struct zcp_node *node,
			 struct zcp_buffer *buf, zcp_take_fn *take,
			 unsigned int *want)
{
	const bool split = take == zcp_take_block;
	unsigned long seen;
	int err;

	do {
		seen = READ_ONCE(node->done[split]);
		take(node, buf, want);
		if (!*want)
			return 0;
		if (req->flags & ZCPOOL_ALLOC_NOWAIT)
			return -EAGAIN;
		if (take == zcp_take_run)
			return zcp_take_run_from(node, buf, want);
		err = zcp_node_refill(node, split, true, seen);
	} while (!err);
	return err;
}

/* From the nearest node on. */
static int zcp_take(const struct zcp_request *req, struct zcp_buffer *buf,
		    zcp_take_fn *take, unsigned int want)
{
	int err, worst = -ENOMEM;
	struct zcp_walk walk;
	struct zcp_node *node;

	walk.tried = 0;
	while ((node = zcp_walk_next(&walk, req))) {
		err = zcp_take_from(req, node, buf, take, &want);
		if (!err || err == -EINTR)
			return err;
		worst = zcp_worse(worst, err);
	}
	return worst;
}

static int zcp_alloc_block(const struct zcp_request *req, struct zcp_buffer *buf,
			   unsigned int nr)
{
	int err = zcp_buffer_reserve_extents(buf, 1);

	return err ? err : zcp_take(req, buf, zcp_take_block, nr);
}

/*
 * A tail is cut into the powers of two it consists of, largest first. Only where
 * no node has a block of that size left is one made up of smaller blocks.
 */
static int zcp_alloc_tail(const struct zcp_request *req, struct zcp_buffer *buf,
			  unsigned int nr)
{
	unsigned int block = ZCP_CHUNK_PAGES / 2;
	int err;

	while (nr) {
		block = min_t(unsigned int, block, rounddown_pow_of_two(nr));
		err = zcp_alloc_block(req, buf, block);
		if (err && (block == 1 || err == -EINTR))
			return err;
		if (err)
			block /= 2;
		else
			nr -= block;
	}
	return 0;
}

/* Pages that a node has or could make clean. */
static unsigned long zcp_node_room(struct zcp_node *node, bool nowait)
{
	unsigned long room;

	mutex_lock(&node->lock);
	room = node->nr[ZCP_CLEAN];
	if (!nowait)
		room += node->nr[ZCP_DIRTY] + node->nr[ZCP_QUARANTINED];
	mutex_unlock(&node->lock);
	return room;
}

/*
 * Whether a request could be met if all that is free were made clean, so that a
 * hopeless one does not turn the pool's clean memory into dirty. The pool's
 * count is read last: a chunk given back meanwhile is then seen twice rather
 * than not at all, and a wrong yes only fails later.
 */
static int zcp_pool_could(const struct zcp_request *req, unsigned long pages)
{
	const bool nowait = req->flags & ZCPOOL_ALLOC_NOWAIT;
	struct zcp_pool *pool = req->pool;
	unsigned long room = 0, held;
	struct zcp_walk walk;
	struct zcp_node *node;

	walk.tried = 0;
	while ((node = zcp_walk_next(&walk, req)))
		room += zcp_node_room(node, nowait);
	held = atomic_long_read(&pool->nr_chunks);
	if (!nowait && held < pool->max)
		room += (pool->max - held) * ZCP_CHUNK_PAGES;
	if (pages <= room)
		return 0;
	return nowait ? -EAGAIN : -ENOSPC;
}

/* Extents of one node follow each other: one call for each such run. */
static void zcp_pool_return(struct zcp_buffer *buf,
			    void (*give)(const struct zcp_extent *ext, unsigned int nr))
{
	struct zcp_extent *ext = buf->extents;
	unsigned int i, start;

	for (start = 0, i = 1; start < buf->nr_extents; i++) {
		if (i < buf->nr_extents &&
		    ext[i].chunk->node == ext[start].chunk->node)
			continue;
		give(ext + start, i - start);
		start = i;
	}
	buf->nr_extents = 0;
	buf->nr_whole = 0;
}

/**
 * zcp_pool_alloc() - get a buffer its memory
 * @req: what is wanted
 * @buf: with its sizes set and no extents
 *
 * Where it fails, what had been taken goes back as clean as it was.
 *
 * Context: may sleep; with ZCPOOL_ALLOC_NOWAIT neither for pages to be zeroed nor
 * for chunks.
 * Return: 0; -ENOSPC the pool is at its maximum; -ENOMEM the kernel has no
 * memory of that kind; -EAGAIN not without waiting; -EINTR killed.
 */
int zcp_pool_alloc(const struct zcp_request *req, struct zcp_buffer *buf)
{
	unsigned int whole = buf->nr_pages / ZCP_CHUNK_PAGES;
	unsigned int tail = buf->nr_pages % ZCP_CHUNK_PAGES;
	const bool contig = req->flags & ZCPOOL_ALLOC_CONTIG;
	int err;

	err = zcp_buffer_reserve_extents(buf, whole + hweight32(tail));
	if (!err && whole > 1)
		err = zcp_pool_could(req, buf->nr_pages);
	if (!err && whole)
		err = zcp_take(req, buf, contig && whole > 1 ? zcp_take_run :
							       zcp_take_whole,
			       whole);
	if (!err && tail)
		err = contig ? zcp_alloc_block(req, buf, tail) :
			       zcp_alloc_tail(req, buf, tail);
	if (err)
		zcp_pool_return(buf, zcp_node_put_back);
	return err;
}

/**
 * zcp_pool_free() - give a buffer's memory back
 * @buf: nobody's any more; has no extents afterwards
 *
 * Context: may sleep for the nodes' locks only.
 */
void zcp_pool_free(struct zcp_buffer *buf)
{
	zcp_pool_return(buf, zcp_node_give);
}

static void zcp_node_info(struct zcp_node *node, struct zcpool_info *info)
{
	mutex_lock(&node->lock);
	info->reserve_bytes += (u64)node->reserve * ZCP_CHUNK_SIZE;
	info->total_bytes += (u64)node->nr_chunks * ZCP_CHUNK_SIZE;
	info->clean_bytes += (u64)node->nr[ZCP_CLEAN] << PAGE_SHIFT;
	info->dirty_bytes += (u64)node->nr[ZCP_DIRTY] << PAGE_SHIFT;
	info->quarantined_bytes += (u64)node->nr[ZCP_QUARANTINED] << PAGE_SHIFT;
	info->used_bytes += (u64)node->nr[ZCP_USED] << PAGE_SHIFT;
	info->retired_bytes += (u64)node->nr[ZCP_RETIRED] << PAGE_SHIFT;
	mutex_unlock(&node->lock);
}

/**
 * zcp_pool_info() - fill in what ZCPOOL_IOC_INFO answers
 * @pool: which pool
 * @info: with flags and node as asked, and checked; the rest 0
 *
 * Each node's figures are of one moment; those of different nodes are not.
 *
 * Context: may sleep for the nodes' locks.
 */
void zcp_pool_info(struct zcp_pool *pool, struct zcpool_info *info)
{
	int nid;

	info->abi_version = ZCPOOL_ABI_VERSION;
	info->nr_nodes = nodes_weight(pool->mask);
	info->features = ZCPOOL_FEAT_POOL_MMAP;
	if (has_transparent_hugepage())
		info->features |= ZCPOOL_FEAT_HUGE;
	info->chunk_size = ZCP_CHUNK_SIZE;
	info->max_bytes = (u64)pool->max * ZCP_CHUNK_SIZE;

	if (info->flags & ZCPOOL_INFO_NODE) {
		zcp_node_info(pool->nodes[info->node], info);
		return;
	}
	for_each_node_mask(nid, pool->mask)
		zcp_node_info(pool->nodes[nid], info);
}

/**
 * zcp_pool_init() - make a pool with an empty node for each that has memory
 * @pool: with its name set; zcp_pool_exit() also after an error
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int zcp_pool_init(struct zcp_pool *pool)
{
	int nid;

	mutex_init(&pool->buffers_lock);
	INIT_LIST_HEAD(&pool->buffers);
	pool->nodes = kcalloc(nr_node_ids, sizeof(*pool->nodes), GFP_KERNEL);
	if (!pool->nodes)
		return -ENOMEM;

	for_each_node_state(nid, N_MEMORY) {
		pool->nodes[nid] = zcp_node_create(pool, nid);
		if (!pool->nodes[nid])
			return -ENOMEM;
		node_set(nid, pool->mask);
	}
	return 0;
}

/**
 * zcp_pool_exit() - give all of a pool's memory back to the kernel
 * @pool: which; nothing of it is used any more
 *
 * Context: may sleep.
 */
void zcp_pool_exit(struct zcp_pool *pool)
{
	int nid;

	for_each_node_mask(nid, pool->mask) {
		zcp_scrub_stop(pool->nodes[nid]);
		zcp_node_destroy(pool->nodes[nid]);
	}
	nodes_clear(pool->mask);
	kfree(pool->nodes);
	pool->nodes = NULL;
}
