// SPDX-License-Identifier: GPL-2.0
/*
 * Nodes: the chunks a pool has on one NUMA node, and what state they are in.
 *
 * Only clean memory is ever handed out, and free memory becomes clean in one
 * way only, through the scrubber's functions (scrub.c). So the lists of clean
 * whole chunks and the buddies of split ones hold nothing but zeroed pages.
 */
#include <linux/list_sort.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "trace.h"
#include "zcpool.h"

/* Filling the reserve is worth reclaim and compaction, growing is not. */
#define ZCP_GFP_RESERVE		__GFP_RETRY_MAYFAIL
#define ZCP_GFP_GROW		__GFP_NORETRY

/**
 * zcp_node_create() - make an empty node
 * @pool: pool it belongs to
 * @nid: NUMA node
 *
 * Context: may sleep.
 * Return: the node, or NULL without memory.
 */
struct zcp_node *zcp_node_create(struct zcp_pool *pool, int nid)
{
	struct zcp_node *node = kzalloc_node(sizeof(*node), GFP_KERNEL, nid);
	int i;

	if (!node)
		return NULL;
	node->pool = pool;
	node->nid = nid;
	mutex_init(&node->lock);
	for (i = 0; i < ZCP_NR_STATES; i++)
		INIT_LIST_HEAD(&node->whole[i]);
	for (i = 0; i <= ZCP_IDLE_SPLIT; i++)
		INIT_LIST_HEAD(&node->split[i]);
	INIT_LIST_HEAD(&node->full_split);
	INIT_LIST_HEAD(&node->retired_split);
	INIT_LIST_HEAD(&node->dirty_split);
	INIT_LIST_HEAD(&node->quarantined_split);
	INIT_DELAYED_WORK(&node->scrubber, zcp_scrub_worker);
	return node;
}

static void zcp_node_destroy_list(struct list_head *list)
{
	struct zcp_chunk *chunk, *next;

	list_for_each_entry_safe(chunk, next, list, link) {
		list_del(&chunk->link);
		zcp_chunk_destroy(chunk);
		cond_resched();
	}
}

/**
 * zcp_node_destroy() - give all of a node's memory back to the kernel
 * @node: with no buffer left and its scrubber stopped; freed
 *
 * Context: may sleep.
 */
void zcp_node_destroy(struct zcp_node *node)
{
	int i;

	WARN_ON_ONCE(node->nr[ZCP_USED]);
	for (i = 0; i < ZCP_NR_STATES; i++)
		zcp_node_destroy_list(&node->whole[i]);
	for (i = 0; i <= ZCP_IDLE_SPLIT; i++)
		zcp_node_destroy_list(&node->split[i]);
	zcp_node_destroy_list(&node->full_split);
	zcp_node_destroy_list(&node->retired_split);
	kfree(node);
}

/**
 * zcp_node_account() - note that pages changed their state
 * @node: whose
 * @from: state they were in
 * @to: state they are in
 * @pages: how many
 *
 * Context: under the node's lock.
 */
void zcp_node_account(struct zcp_node *node, enum zcp_state from,
		      enum zcp_state to, unsigned long pages)
{
	lockdep_assert_held(&node->lock);
	node->nr[from] -= pages;
	node->nr[to] += pages;
}

/**
 * zcp_node_file_split() - put a split chunk on the list that fits its buddy
 * @chunk: a split chunk
 *
 * Context: under the node's lock.
 */
void zcp_node_file_split(struct zcp_chunk *chunk)
{
	struct zcp_buddy *buddy = &chunk->split->buddy;
	struct zcp_node *node = chunk->node;
	struct list_head *list;
	int order = zcp_buddy_max_free(buddy);

	if (chunk->state == ZCP_RETIRED)
		list = &node->retired_split;
	else if (zcp_buddy_nr_free(buddy) == ZCP_BUDDY_PAGES)
		list = &node->split[ZCP_IDLE_SPLIT];
	else if (order >= 0)
		list = &node->split[order];
	else
		list = &node->full_split;
	list_move(&chunk->link, list);
}

/* Make a new chunk, whose pages are clean, one of the node's. */
static void zcp_node_adopt(struct zcp_chunk *chunk)
{
	struct zcp_node *node = chunk->node;

	mutex_lock(&node->lock);
	node->nr_chunks++;
	node->nr[ZCP_CLEAN] += ZCP_CHUNK_PAGES;
	if (chunk->split) {
		node->nr_split++;
		zcp_node_file_split(chunk);
	} else {
		list_add(&chunk->link, &node->whole[ZCP_CLEAN]);
	}
	mutex_unlock(&node->lock);
}

/* The reverse: the chunk, all in one state, is the caller's alone. */
static void zcp_node_forget(struct zcp_chunk *chunk, enum zcp_state state)
{
	struct zcp_node *node = chunk->node;

	lockdep_assert_held(&node->lock);
	list_del_init(&chunk->link);
	node->nr_chunks--;
	node->nr[state] -= ZCP_CHUNK_PAGES;
	if (chunk->split)
		node->nr_split--;
}

/**
 * zcp_node_release() - give one chunk back to the kernel
 * @chunk: free, all in one state
 * @state: which
 *
 * Context: may sleep; under the node's lock, which it drops.
 */
void zcp_node_release(struct zcp_chunk *chunk, enum zcp_state state)
{
	struct zcp_node *node = chunk->node;

	zcp_node_forget(chunk, state);
	mutex_unlock(&node->lock);
	zcp_chunk_destroy(chunk);
	atomic_long_dec(&node->pool->nr_chunks);
}

/* Get one more chunk from the kernel, within the pool's maximum. */
static int zcp_node_grow(struct zcp_node *node, bool split, gfp_t gfp)
{
	struct zcp_pool *pool = node->pool;
	struct zcp_chunk *chunk;

	if (!atomic_long_add_unless(&pool->nr_chunks, 1, pool->max))
		return -ENOSPC;
	chunk = zcp_chunk_create(node, split, gfp);
	if (!chunk) {
		atomic_long_dec(&pool->nr_chunks);
		return -ENOMEM;
	}
	trace_zcpool_grow(node, chunk->page, ZCP_CHUNK_PAGES);
	zcp_node_adopt(chunk);
	return 0;
}

/*
 * Swap a free chunk of one kind for one of the other. The new one is got first,
 * so that nothing is lost when there is none; only for small allocations, which
 * fit nowhere else, is the old one put at stake: freeing it makes room for the
 * new one unless somebody is faster.
 */
static bool zcp_node_convert(struct zcp_node *node, bool to_split)
{
	struct list_head *from = to_split ? &node->whole[ZCP_CLEAN] :
					    &node->split[ZCP_IDLE_SPLIT];
	struct zcp_chunk *old, *new;

	mutex_lock(&node->lock);
	old = list_first_entry_or_null(from, struct zcp_chunk, link);
	if (old)
		zcp_node_forget(old, ZCP_CLEAN);
	mutex_unlock(&node->lock);
	if (!old)
		return false;

	new = zcp_chunk_create(node, to_split, ZCP_GFP_GROW);
	if (!new && !to_split) {
		zcp_node_adopt(old);
		return false;
	}
	zcp_chunk_destroy(old);
	if (!new)
		new = zcp_chunk_create(node, to_split, ZCP_GFP_RESERVE);
	if (!new) {
		atomic_long_dec(&node->pool->nr_chunks);
		return false;
	}
	zcp_node_adopt(new);
	return true;
}

/**
 * zcp_node_settle_idle() - keep at most one idle split chunk
 * @node: on which
 *
 * The others become whole again, or go back to the kernel where the node has
 * more than its reserve. One stays, or a program that makes and frees one small
 * buffer would have the kernel make a chunk each time.
 *
 * Context: may sleep; without the node's lock.
 */
void zcp_node_settle_idle(struct zcp_node *node)
{
	struct list_head *idle = &node->split[ZCP_IDLE_SPLIT];

	for (;;) {
		mutex_lock(&node->lock);
		if (list_empty(idle) || list_is_singular(idle)) {
			mutex_unlock(&node->lock);
			return;
		}
		if (node->nr_chunks > node->reserve) {
			zcp_node_release(list_first_entry(idle, struct zcp_chunk,
							  link), ZCP_CLEAN);
		} else {
			mutex_unlock(&node->lock);
			if (!zcp_node_convert(node, false))
				return;
		}
		cond_resched();
	}
}

/**
 * zcp_node_fill_reserve() - get the chunks that a node is to keep
 * @node: with reserve set; lost is set where the kernel has less
 *
 * One of them is split, so that the first small buffer finds memory at hand.
 *
 * Context: may sleep, for as long as it takes to zero the reserve.
 * Return: 0, also if the reserve is not complete; -EINTR killed.
 */
int zcp_node_fill_reserve(struct zcp_node *node)
{
	while (node->nr_chunks < node->reserve) {
		if (fatal_signal_pending(current))
			return -EINTR;
		if (zcp_node_grow(node, node->nr_chunks == 1, ZCP_GFP_RESERVE))
			break;
		cond_resched();
	}
	node->lost = node->reserve - node->nr_chunks;
	return 0;
}

static void zcp_node_use_whole(struct zcp_chunk *chunk, struct zcp_extent *ext)
{
	chunk->state = ZCP_USED;
	list_move(&chunk->link, &chunk->node->whole[ZCP_USED]);
	zcp_node_account(chunk->node, ZCP_CLEAN, ZCP_USED, ZCP_CHUNK_PAGES);
	*ext = (struct zcp_extent){ .chunk = chunk, .nr = ZCP_CHUNK_PAGES };
}

/**
 * zcp_node_take_whole() - take clean whole chunks that are at hand
 * @node: from which
 * @ext: room for @want extents
 * @want: how many are wanted
 *
 * Context: may sleep for the node's lock only.
 * Return: how many were taken.
 */
unsigned int zcp_node_take_whole(struct zcp_node *node, struct zcp_extent *ext,
				 unsigned int want)
{
	struct list_head *clean = &node->whole[ZCP_CLEAN];
	unsigned int n;

	mutex_lock(&node->lock);
	for (n = 0; n < want && !list_empty(clean); n++)
		zcp_node_use_whole(list_first_entry(clean, struct zcp_chunk,
						    link), ext + n);
	mutex_unlock(&node->lock);
	return n;
}

static int zcp_chunk_cmp(void *priv, const struct list_head *a,
			 const struct list_head *b)
{
	unsigned long pa = page_to_pfn(list_entry(a, struct zcp_chunk, link)->page);
	unsigned long pb = page_to_pfn(list_entry(b, struct zcp_chunk, link)->page);

	cond_resched();
	return pa > pb;
}

/**
 * zcp_node_take_run() - take physically neighbouring clean whole chunks
 * @node: from which
 * @ext: room for @want extents
 * @want: how many are wanted
 *
 * Context: may sleep. Sorts the clean chunks, so it takes O(n log n).
 * Return: 0, or -ENOMEM if there is no such run; then none was taken.
 */
int zcp_node_take_run(struct zcp_node *node, struct zcp_extent *ext,
		      unsigned int want)
{
	struct list_head *clean = &node->whole[ZCP_CLEAN];
	struct zcp_chunk *chunk, *first = NULL;
	unsigned long pfn, next_pfn = 0;
	unsigned int n = 0;

	mutex_lock(&node->lock);
	list_sort(NULL, clean, zcp_chunk_cmp);
	list_for_each_entry(chunk, clean, link) {
		pfn = page_to_pfn(chunk->page);
		if (!n || pfn != next_pfn) {
			first = chunk;
			n = 0;
		}
		next_pfn = pfn + ZCP_CHUNK_PAGES;
		if (++n == want)
			break;
		cond_resched();
	}
	if (n < want) {
		mutex_unlock(&node->lock);
		return -ENOMEM;
	}
	for (n = 0; n < want; n++) {
		chunk = list_next_entry(first, link);
		zcp_node_use_whole(first, ext + n);
		first = chunk;
	}
	mutex_unlock(&node->lock);
	return 0;
}

/* A split chunk with nr clean neighbouring pages, the fullest that will do. */
static struct zcp_chunk *zcp_node_find_split(struct zcp_node *node,
					     unsigned int nr)
{
	unsigned int order;

	for (order = order_base_2(nr); order <= ZCP_IDLE_SPLIT; order++) {
		if (!list_empty(&node->split[order]))
			return list_first_entry(&node->split[order],
						struct zcp_chunk, link);
	}
	return NULL;
}

static int zcp_split_alloc(struct zcp_buddy *buddy, unsigned int nr)
{
	unsigned int order = order_base_2(nr);
	int start;

	if (order > ZCP_BUDDY_MAX_ORDER)
		return zcp_buddy_alloc_all(buddy, nr);

	start = zcp_buddy_alloc(buddy, order);
	if (start >= 0 && nr != 1U << order)
		zcp_buddy_trim(buddy, start, nr);
	return start;
}

/**
 * zcp_node_take_block() - take neighbouring clean pages of a split chunk
 * @node: from which
 * @ext: the extent
 * @nr: pages, 1 to ZCP_CHUNK_PAGES; where this is not a power of two, what is
 *	left of the block that it needs goes back to the buddy
 *
 * Context: may sleep for the node's lock only.
 * Return: 0, or -ENOMEM if there is no such block at hand.
 */
int zcp_node_take_block(struct zcp_node *node, struct zcp_extent *ext,
			unsigned int nr)
{
	struct zcp_chunk *chunk;
	int start = -ENOMEM;

	mutex_lock(&node->lock);
	chunk = zcp_node_find_split(node, nr);
	if (chunk)
		start = zcp_split_alloc(&chunk->split->buddy, nr);
	if (start >= 0) {
		*ext = (struct zcp_extent){
			.chunk = chunk, .start = start, .nr = nr
		};
		zcp_node_file_split(chunk);
		zcp_node_account(node, ZCP_CLEAN, ZCP_USED, nr);
	}
	mutex_unlock(&node->lock);
	return start < 0 ? -ENOMEM : 0;
}

/**
 * zcp_node_refill() - try to make some memory clean
 * @node: where
 * @split: whether it is wanted in a split chunk
 *
 * Goes from what costs least to what costs most, and does one step of it.
 *
 * Context: may sleep; without the node's lock.
 * Return: 0 if there may be more clean memory than before; -ENOSPC the pool is
 * at its maximum; -ENOMEM the kernel has none; -EINTR killed.
 */
int zcp_node_refill(struct zcp_node *node, bool split)
{
	int err;

	if (fatal_signal_pending(current))
		return -EINTR;
	cond_resched();

	if (split ? zcp_scrub_split(node) : zcp_scrub_whole(node, true))
		return 0;
	if (split && zcp_node_convert(node, true))
		return 0;
	err = zcp_node_grow(node, split, ZCP_GFP_GROW);
	if (!err)
		return 0;
	if (split ? zcp_scrub_whole(node, true) : zcp_scrub_split(node))
		return 0;
	if (!split && zcp_node_convert(node, false))
		return 0;
	if (zcp_quarantine_scan(node))
		return 0;
	return err;
}

static void zcp_node_give_whole(struct zcp_chunk *chunk)
{
	struct zcp_node *node = chunk->node;

	if (WARN_ON_ONCE(chunk->state != ZCP_USED))
		return;
	chunk->state = ZCP_DIRTY;
	list_move_tail(&chunk->link, &node->whole[ZCP_DIRTY]);
	zcp_node_account(node, ZCP_USED, ZCP_DIRTY, ZCP_CHUNK_PAGES);
}

static void zcp_node_give_split(const struct zcp_extent *ext)
{
	struct zcp_split *split = ext->chunk->split;
	struct zcp_node *node = ext->chunk->node;
	unsigned int end = ext->start + ext->nr;

	if (WARN_ON_ONCE(find_next_bit(split->dirty, end, ext->start) < end ||
			 find_next_bit(split->quarantine, end, ext->start) < end ||
			 zcp_buddy_order(&split->buddy, ext->start) < 0))
		return;
	bitmap_set(split->dirty, ext->start, ext->nr);
	if (list_empty(&split->dirty_link))
		list_add_tail(&split->dirty_link, &node->dirty_split);
	zcp_node_account(node, ZCP_USED, ZCP_DIRTY, ext->nr);
}

/**
 * zcp_node_give() - take back memory that a buffer no longer needs
 * @ext: extents, all of one node, not mapped any more
 * @nr: how many
 *
 * They wait for the scrubber, pinned or not: it looks. An extent that is not
 * allocated is refused, with a warning.
 *
 * Context: may sleep for the node's lock only.
 */
void zcp_node_give(const struct zcp_extent *ext, unsigned int nr)
{
	struct zcp_node *node = ext->chunk->node;

	mutex_lock(&node->lock);
	for (; nr; nr--, ext++) {
		if (ext->chunk->split)
			zcp_node_give_split(ext);
		else
			zcp_node_give_whole(ext->chunk);
	}
	mutex_unlock(&node->lock);
	zcp_scrub_kick(node);
}
