// SPDX-License-Identifier: GPL-2.0
/*
 * Pools: in which pieces a buffer gets its memory.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cred.h>
#include <linux/highmem.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "pool.h"

/* Of the errors of several nodes, the one the caller can do most about. */
static int zcp_worse(int a, int b)
{
	if (a == -EAGAIN || b == -EAGAIN)
		return -EAGAIN;
	return a == -ENOSPC ? a : b;
}

/*
 * Take something of a node's memory that is at hand: set *want to what is
 * still missing.
 */
typedef void zcp_take_fn(struct zcp_node *node, struct zcp_extents *list,
			 unsigned int *want);

/* So many whole chunks have been put at the end of the list. */
static void zcp_took_whole(struct zcp_extents *list, unsigned int *want, unsigned int got)
{
	list->nr += got;
	list->nr_whole += got;
	*want -= got;
}

static void zcp_take_whole(struct zcp_node *node, struct zcp_extents *list,
			   unsigned int *want)
{
	zcp_took_whole(list, want,
		       zcp_node_take_whole(node, list->ext + list->nr, *want));
}

static void zcp_take_whole_or_dirty(struct zcp_node *node, struct zcp_extents *list,
				    unsigned int *want)
{
	zcp_take_whole(node, list, want);
	if (*want)
		zcp_took_whole(list, want,
			       zcp_node_take_dirty(node, list->ext + list->nr, *want));
}

static void zcp_take_run(struct zcp_node *node, struct zcp_extents *list,
			 unsigned int *want)
{
	if (!zcp_node_take_run(node, list->ext, *want))
		zcp_took_whole(list, want, *want);
}

static void zcp_take_block(struct zcp_node *node, struct zcp_extents *list,
			   unsigned int *want)
{
	struct zcp_extent ext;

	if (zcp_node_take_block(node, &ext, *want))
		return;
	zcp_extents_append(list, &ext);
	*want = 0;
}

/*
 * Neighbours from one node. They are looked for once more, when all is clean. Others may make
 * chunks dirty without end, so each is looked at again, zeroed and converted once at most.
 */
static int zcp_take_run_from(struct zcp_search *search, struct zcp_extents *list,
			     unsigned int *want)
{
	unsigned long left = 3 * READ_ONCE(search->node->nr_chunks);
	int err = 0;

	while (!err && left--) {
		err = zcp_search_refill(search);
		zcp_search_look(search);
	}
	if (err == -EINTR)
		return err;
	zcp_take_run(search->node, list, want);
	if (!*want)
		return 0;
	return err ?: -ENOMEM;
}

/* From one node, until it can make nothing more clean. */
static int zcp_take_from(struct zcp_search *search, const struct zcp_request *req,
			 struct zcp_extents *list, zcp_take_fn *take,
			 unsigned int *want)
{
	int err;

	zcp_search_begin(search);
	do {
		zcp_search_look(search);
		take(search->node, list, want);
		if (!*want)
			return 0;
		if (req->flags & ZCPOOL_ALLOC_NOWAIT)
			return -EAGAIN;
		if (take == zcp_take_run)
			return zcp_take_run_from(search, list, want);
		err = zcp_search_refill(search);
	} while (!err);
	return err;
}

/* Another chunk from the kernel is hardly a neighbour of ours. */
static enum zcp_growth zcp_take_growth(zcp_take_fn *take)
{
	if (take == zcp_take_run)
		return ZCP_NO_GROW;
	return take == zcp_take_whole_or_dirty ? ZCP_MAY_GROW_DIRTY : ZCP_MAY_GROW;
}

/* From one node after the other. */
static int zcp_take_round(const struct zcp_request *req, struct zcp_extents *list,
			  zcp_take_fn *take, unsigned int *want,
			  enum zcp_patience patience)
{
	struct zcp_search search = {
		.kind = take == zcp_take_block ? ZCP_SPLIT : ZCP_WHOLE,
		.order = take == zcp_take_block ? order_base_2(*want) : ZCP_CHUNK_ORDER,
		.growth = zcp_take_growth(take),
		.patience = patience,
	};
	int err, worst = -ENOMEM;
	struct zcp_walk walk;

	zcp_walk_begin(&walk, req);
	while ((search.node = zcp_walk_next(&walk))) {
		err = zcp_take_from(&search, req, list, take, want);
		if (!err || err == -EINTR)
			return err;
		worst = zcp_worse(worst, err);
	}
	return worst;
}

/* Nobody waits for what is in others' hands where there is some to be had elsewhere. */
static int zcp_take(const struct zcp_request *req, struct zcp_extents *list,
		    zcp_take_fn *take, unsigned int want)
{
	int err = zcp_take_round(req, list, take, &want, ZCP_DO_NOT_WAIT);

	if (err == -EAGAIN && !(req->flags & ZCPOOL_ALLOC_NOWAIT))
		err = zcp_take_round(req, list, take, &want, ZCP_MAY_WAIT);
	return err;
}

/* Chunk by chunk, where nodes take turns, unless they are to be neighbours */
static int zcp_alloc_whole(const struct zcp_request *req, struct zcp_extents *list,
			   zcp_take_fn *take, unsigned int nr)
{
	unsigned int each = nr, got;
	struct zcp_request turn = *req;
	int err = 0;

	if (!zcp_policy_takes_turns(req))
		return zcp_take(req, list, take, nr);
	if (take != zcp_take_run)
		each = 1;
	for (got = 0; got < nr && !err; got += each) {
		zcp_policy_turn(&turn);
		err = zcp_take(&turn, list, take, each);
		cond_resched();
	}
	return err;
}

static int zcp_alloc_block(const struct zcp_request *req, struct zcp_extents *list,
			   unsigned int nr)
{
	struct zcp_request turn = *req;
	int err = zcp_extents_reserve(list, 1);

	if (err)
		return err;
	if (zcp_policy_takes_turns(req))
		zcp_policy_turn(&turn);
	return zcp_take(&turn, list, zcp_take_block, nr);
}

/*
 * A tail is cut into the powers of two it consists of, largest first. Only where
 * no node has a block of that size left is one made up of smaller blocks.
 */
static int zcp_alloc_tail(const struct zcp_request *req, struct zcp_extents *list,
			  unsigned int nr)
{
	unsigned int block = ZCP_CHUNK_PAGES / 2;
	int err;

	while (nr) {
		block = min_t(unsigned int, block, rounddown_pow_of_two(nr));
		err = zcp_alloc_block(req, list, block);
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
static unsigned long zcp_node_room(struct zcp_node *node, u32 flags)
{
	unsigned long room;

	mutex_lock(&node->lock);
	room = node->nr[ZCP_CLEAN];
	if (!(flags & ZCPOOL_ALLOC_NOWAIT))
		room += node->nr[ZCP_DIRTY] + node->nr[ZCP_QUARANTINED];
	mutex_unlock(&node->lock);
	return room;
}

/*
 * Whether there is enough for a request, if all that is free were made clean, so that a hopeless
 * one does not turn the pool's clean memory into dirty. The pool's count is read last: a chunk
 * given back meanwhile is then seen twice rather than not at all, and a wrong yes only fails
 * later.
 */
static int zcp_pool_has(const struct zcp_request *req, unsigned long pages)
{
	const bool nowait = req->flags & ZCPOOL_ALLOC_NOWAIT;
	struct zcp_pool *pool = req->pool;
	unsigned long room = 0;
	struct zcp_walk walk;
	struct zcp_node *node;

	zcp_walk_begin(&walk, req);
	while ((node = zcp_walk_next(&walk)))
		room += zcp_node_room(node, req->flags);
	if (!nowait)
		room += zcp_budget_room(&pool->budget) * ZCP_CHUNK_PAGES;
	if (pages <= room)
		return 0;
	return nowait ? -EAGAIN : -ENOSPC;
}

/**
 * zcp_pool_could() - whether a request may be had at all
 * @req: what is wanted
 * @pages: how much
 *
 * For who gets it in more than one go. It may fail all the same.
 *
 * Context: process, for its cpuset; may sleep for the nodes' locks.
 * Return: 0; -EDQUOT the owner may not have so much; -ENOSPC there is not so much, or with
 * ZCPOOL_ALLOC_NOWAIT -EAGAIN.
 */
int zcp_pool_could(const struct zcp_request *req, unsigned long pages)
{
	if (pages > zcp_owner_room(req->owner))
		return -EDQUOT;
	return zcp_pool_has(req, pages);
}

/* Extents of one node follow each other: one call for each such run. */
static void zcp_by_node(const struct zcp_extent *ext, unsigned int nr,
			void (*call)(const struct zcp_extent *ext, unsigned int nr))
{
	unsigned int i, start;

	for (start = 0, i = 1; start < nr; i++) {
		if (i < nr && ext[i].chunk->node == ext[start].chunk->node)
			continue;
		call(ext + start, i - start);
		start = i;
	}
}

static void zcp_empty(struct zcp_extents *list,
		      void (*take_back)(const struct zcp_extent *ext, unsigned int nr))
{
	zcp_by_node(list->ext, list->nr, take_back);
	list->nr = 0;
	list->nr_whole = 0;
}

/*
 * Nobody is told of a memory error in free memory. What has had one is freed, and so
 * retired; the rest goes back as clean as it was.
 */
static void zcp_sort_out_poisoned(struct zcp_extents *list)
{
	const struct zcp_extent *ext;

	for (ext = list->ext; ext < list->ext + list->nr; ext++) {
		if (zcp_pieces_poisoned(ext, 1))
			zcp_node_free(ext, 1);
		else
			zcp_node_untake(ext, 1);
		cond_resched();
	}
	list->nr = 0;
	list->nr_whole = 0;
}

/* What the size says: whole chunks, and a tail. */
static int zcp_alloc_all(const struct zcp_request *req, unsigned long nr_pages,
			 struct zcp_extents *list)
{
	unsigned int whole = nr_pages / ZCP_CHUNK_PAGES;
	unsigned int tail = nr_pages % ZCP_CHUNK_PAGES;
	const bool contig = req->flags & ZCPOOL_ALLOC_CONTIG;
	zcp_take_fn *take = zcp_take_whole;
	int err;

	if (req->zero_later)
		take = zcp_take_whole_or_dirty;
	else if (contig && whole > 1)
		take = zcp_take_run;

	err = zcp_extents_reserve(list, whole + hweight32(tail));
	if (!err && whole > 1)
		err = zcp_pool_has(req, nr_pages);
	if (!err && whole)
		err = zcp_alloc_whole(req, list, take, whole);
	if (!err && tail)
		err = contig ? zcp_alloc_block(req, list, tail) :
			       zcp_alloc_tail(req, list, tail);
	return err;
}

/* As zcp_pool_alloc(), whoever is to own it. */
static int zcp_alloc_sound(const struct zcp_request *req, unsigned long nr_pages,
			   struct zcp_extents *list)
{
	struct zcp_request again = *req;
	int err;

	for (;;) {
		err = zcp_alloc_all(&again, nr_pages, list);
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
		if (err || !zcp_pieces_poisoned(list->ext, list->nr))
			break;
		/* Not often: what is retired does not come back. Dirty memory might. */
		zcp_sort_out_poisoned(list);
		again.zero_later = false;
	}
	if (err)
		zcp_empty(list, zcp_node_untake);
	return err;
}

/**
 * zcp_pool_alloc() - get memory
 * @req: what is wanted
 * @nr_pages: how much, with what @req is rounded up to
 * @list: empty; filled with its extents
 *
 * Where it fails, what had been taken goes back as clean as it was.
 *
 * Context: may sleep; with ZCPOOL_ALLOC_NOWAIT neither for pages to be zeroed nor
 * for chunks.
 * Return: 0; -EDQUOT the owner may not have so much; -ENOSPC the pool is at its maximum, or all
 * pools are at their ceiling; -ENOMEM the kernel has no memory of that kind; -EAGAIN not without
 * waiting; -EINTR killed.
 */
int zcp_pool_alloc(const struct zcp_request *req, unsigned long nr_pages,
		   struct zcp_extents *list)
{
	int err = zcp_owner_charge(req->owner, nr_pages);

	if (err)
		return err;
	err = zcp_alloc_sound(req, nr_pages, list);
	if (err)
		zcp_owner_uncharge(req->owner, nr_pages);
	return err;
}

static unsigned long zcp_pieces_pages(const struct zcp_extent *ext, unsigned int nr)
{
	unsigned long pages = 0;

	for (; nr; nr--, ext++)
		pages += ext->nr;
	return pages;
}

/**
 * zcp_pool_free() - take memory back
 * @owner: whose it was
 * @list: nobody's any more; empty afterwards
 *
 * Context: may sleep for the nodes' locks only.
 */
void zcp_pool_free(const struct zcp_owner *owner, struct zcp_extents *list)
{
	unsigned long pages = zcp_pieces_pages(list->ext, list->nr);

	zcp_empty(list, zcp_node_free);
	zcp_owner_uncharge(owner, pages);
}

/**
 * zcp_pool_free_pieces() - take pieces back
 * @owner: whose they were
 * @ext: nobody's any more
 * @nr: how many
 *
 * Context: may sleep for the nodes' locks only.
 */
void zcp_pool_free_pieces(const struct zcp_owner *owner, const struct zcp_extent *ext,
			  unsigned int nr)
{
	zcp_by_node(ext, nr, zcp_node_free);
	zcp_owner_uncharge(owner, zcp_pieces_pages(ext, nr));
}

/**
 * zcp_pool_untake_pieces() - take pieces back that nobody has got to see
 * @owner: whose they were
 * @ext: as zcp_pool_alloc() made them
 * @nr: how many
 *
 * Context: may sleep for the nodes' locks only.
 */
void zcp_pool_untake_pieces(const struct zcp_owner *owner, const struct zcp_extent *ext,
			    unsigned int nr)
{
	zcp_by_node(ext, nr, zcp_node_untake);
	zcp_owner_uncharge(owner, zcp_pieces_pages(ext, nr));
}

/**
 * zcp_pool_shatter() - have each page be given back by itself
 * @list: of split chunks
 *
 * Context: may sleep for the nodes' locks only.
 */
void zcp_pool_shatter(const struct zcp_extents *list)
{
	zcp_by_node(list->ext, list->nr, zcp_node_shatter);
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
 * zcp_pool_max_names() - how many names the mount of a pool may have
 * @pool: which
 *
 * Each costs about a KiB of kernel memory that the pool does not count. As with tmpfs there
 * is one for each page that the files can have, and at most half as many as the kernel has
 * pages that it can address.
 *
 * Context: any.
 * Return: number of inodes, and of their further names, together.
 */
unsigned long zcp_pool_max_names(const struct zcp_pool *pool)
{
	unsigned long pages = totalram_pages();

	return min3(pages - totalhigh_pages(), pages / 2,
		    READ_ONCE(pool->budget.max) * ZCP_CHUNK_PAGES);
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
	info->features = ZCPOOL_FEAT_POOL_MMAP | ZCPOOL_FEAT_REVOKE | ZCPOOL_FEAT_MOVE |
			 ZCPOOL_FEAT_SEAL | ZCPOOL_FEAT_OPEN_RO | ZCPOOL_FEAT_MIGRATE;
	if (has_transparent_hugepage())
		info->features |= ZCPOOL_FEAT_HUGE;
	info->chunk_size = ZCP_CHUNK_SIZE;
	info->max_bytes = (u64)READ_ONCE(pool->budget.max) * ZCP_CHUNK_SIZE;
	info->user_bytes = (u64)zcp_users_held(&pool->users, current_uid()) << PAGE_SHIFT;
	info->user_max_bytes = (u64)READ_ONCE(pool->users.max) << PAGE_SHIFT;

	if (info->flags & ZCPOOL_INFO_NODE) {
		zcp_node_info(pool->nodes[info->node], info);
		return;
	}
	for_each_node_mask(nid, pool->mask)
		zcp_node_info(pool->nodes[nid], info);
}

/**
 * zcp_pool_init() - give a pool an empty node for each that has memory
 * @pool: which; zcp_pool_exit() also after an error
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int zcp_pool_init(struct zcp_pool *pool)
{
	int nid;

	pool->nodes = kcalloc(nr_node_ids, sizeof(*pool->nodes), GFP_KERNEL);
	if (!pool->nodes)
		return -ENOMEM;

	for_each_node_state(nid, N_MEMORY) {
		pool->nodes[nid] = zcp_node_create(&pool->budget, pool->name, nid);
		if (!pool->nodes[nid])
			return -ENOMEM;
		zcp_scrub_start(pool->nodes[nid]);
		node_set(nid, pool->mask);
	}
	return 0;
}

/**
 * zcp_pool_fill() - get all nodes of a pool their reserve, and say what came of it
 * @pool: with its parameters taken in
 *
 * Context: may sleep, for as long as it takes to zero the reserve.
 * Return: 0, also if the reserve is not complete; -EINTR killed.
 */
int zcp_pool_fill(struct zcp_pool *pool)
{
	unsigned long want = 0, lost = 0;
	int nid, err;

	for_each_node_mask(nid, pool->mask) {
		err = zcp_reserve_fill(pool->nodes[nid]);
		if (err)
			return err;
		want += pool->nodes[nid]->reserve;
		lost += zcp_node_lost(pool->nodes[nid]);
		if (zcp_node_lost(pool->nodes[nid]))
			pr_warn("%s: reserve: node %d gave %lu of %lu MiB\n",
				pool->name, nid,
				ZCP_MIB(pool->nodes[nid]->nr_chunks),
				ZCP_MIB(pool->nodes[nid]->reserve));
	}
	pr_info("%s: %lu MiB in reserve on %d node(s), at most %lu MiB\n",
		pool->name, ZCP_MIB(want - lost), nodes_weight(pool->chosen),
		ZCP_MIB(pool->budget.max));
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
	zcp_users_exit(&pool->users);
	nodes_clear(pool->mask);
	kfree(pool->nodes);
	pool->nodes = NULL;
}
