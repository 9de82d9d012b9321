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
	init_waitqueue_head(&node->wait);
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

/**
 * zcp_node_begin() - note that a piece of memory is about to be on no list
 * @node: whose
 *
 * Between this and zcp_node_end() somebody gets, zeroes, converts or releases it
 * without the lock. It counts as dirty, unless it is not or no longer the pool's, and
 * whoever finds nothing else waits for it.
 *
 * Context: under the node's lock.
 */
void zcp_node_begin(struct zcp_node *node)
{
	lockdep_assert_held(&node->lock);
	WRITE_ONCE(node->busy, node->busy + 1);
}

/**
 * zcp_node_end() - note that such a piece is on a list again, or gone
 * @node: whose
 * @whole: whether that helps somebody who wants a whole chunk
 * @split: whether that helps somebody who wants a block of a split chunk
 *
 * Context: under the node's lock.
 */
void zcp_node_end(struct zcp_node *node, bool whole, bool split)
{
	lockdep_assert_held(&node->lock);
	WRITE_ONCE(node->done[0], node->done[0] + whole);
	WRITE_ONCE(node->done[1], node->done[1] + split);
	WRITE_ONCE(node->busy, node->busy - 1);
	wake_up_all(&node->wait);
}

/* 0 once a piece that helps has come back since done was seen; else -EAGAIN. */
static int zcp_node_await(struct zcp_node *node, bool split, unsigned long seen)
{
	bool helped;

	if (wait_event_killable(node->wait,
				READ_ONCE(node->done[split]) != seen ||
				!READ_ONCE(node->busy)))
		return -EINTR;
	mutex_lock(&node->lock);
	helped = node->done[split] != seen;
	mutex_unlock(&node->lock);
	return helped ? 0 : -EAGAIN;
}

/* A chunk all of whose pages are clean, on the list it belongs on. */
static void zcp_node_file_clean(struct zcp_chunk *chunk)
{
	if (chunk->split)
		zcp_node_file_split(chunk);
	else
		list_move(&chunk->link, &chunk->node->whole[ZCP_CLEAN]);
}

/**
 * zcp_node_release() - give one chunk back to the kernel
 * @chunk: free, all in one state
 * @state: which
 *
 * Until it is the kernel's, whoever finds no memory there waits for it.
 *
 * Context: may sleep; under the node's lock, which it drops.
 */
void zcp_node_release(struct zcp_chunk *chunk, enum zcp_state state)
{
	struct zcp_node *node = chunk->node;

	lockdep_assert_held(&node->lock);
	list_del_init(&chunk->link);
	node->nr_chunks--;
	node->nr[state] -= ZCP_CHUNK_PAGES;
	if (chunk->split)
		node->nr_split--;
	/* Whoever finds no memory now must find room to grow. */
	atomic_long_dec(&node->pool->nr_chunks);
	zcp_node_begin(node);
	mutex_unlock(&node->lock);

	zcp_chunk_destroy(chunk);

	mutex_lock(&node->lock);
	zcp_node_end(node, true, true);
	mutex_unlock(&node->lock);
}

/*
 * Get one more chunk from the kernel, within the pool's maximum. Whoever finds that
 * reached meanwhile waits for it: there may be room for more than one in it.
 */
static int zcp_node_grow(struct zcp_node *node, bool split, gfp_t gfp)
{
	struct zcp_pool *pool = node->pool;
	struct zcp_chunk *chunk;

	mutex_lock(&node->lock);
	if (!atomic_long_add_unless(&pool->nr_chunks, 1, pool->max)) {
		mutex_unlock(&node->lock);
		return -ENOSPC;
	}
	zcp_node_begin(node);
	mutex_unlock(&node->lock);

	chunk = zcp_chunk_create(node, split, gfp);

	mutex_lock(&node->lock);
	if (chunk) {
		trace_zcpool_grow(node, chunk->page, ZCP_CHUNK_PAGES);
		node->nr_chunks++;
		node->nr_split += split;
		node->nr[ZCP_CLEAN] += ZCP_CHUNK_PAGES;
		zcp_node_file_clean(chunk);
		/* Others may have made some clean meanwhile: then this is too much. */
		if (node->nr_chunks > node->reserve)
			zcp_scrub_kick(node);
	} else {
		atomic_long_dec(&pool->nr_chunks);
	}
	zcp_node_end(node, chunk && !split, !!chunk);
	mutex_unlock(&node->lock);
	return chunk ? 0 : -ENOMEM;
}

/*
 * A chunk of the other kind in place of old, which becomes the kernel's. The new
 * one is got first, so that nothing is lost when there is none. Only for small
 * allocations, which fit nowhere else, is old put at stake: freeing it makes
 * room for the new one unless somebody is faster. The page may be freed to a
 * list of this CPU, and should be looked for there.
 */
static struct zcp_chunk *zcp_chunk_exchange(struct zcp_chunk *old, bool to_split)
{
	struct zcp_node *node = old->node;
	struct zcp_chunk *new = zcp_chunk_create(node, to_split, ZCP_GFP_GROW);

	if (!new && !to_split)
		return old;
	if (new) {
		zcp_chunk_destroy(old);
		return new;
	}
	migrate_disable();
	zcp_chunk_destroy(old);
	new = zcp_chunk_create(node, to_split, ZCP_GFP_RESERVE);
	migrate_enable();
	return new;
}

/*
 * Swap a clean chunk of one kind for one of the other. None is split if a block has
 * come back since done was seen: the chunk is then left to who wants it whole.
 */
static bool zcp_node_convert(struct zcp_node *node, bool to_split,
			     unsigned long seen)
{
	struct list_head *from = to_split ? &node->whole[ZCP_CLEAN] :
					    &node->split[ZCP_IDLE_SPLIT];
	struct zcp_chunk *old, *new;
	bool converted;

	mutex_lock(&node->lock);
	if (to_split && node->done[1] != seen) {
		mutex_unlock(&node->lock);
		return true;
	}
	old = list_first_entry_or_null(from, struct zcp_chunk, link);
	if (!old || (to_split && node->splitting)) {
		mutex_unlock(&node->lock);
		return false;
	}
	node->splitting |= to_split;
	list_del_init(&old->link);
	zcp_node_account(node, ZCP_CLEAN, ZCP_DIRTY, ZCP_CHUNK_PAGES);
	zcp_node_begin(node);
	mutex_unlock(&node->lock);

	new = zcp_chunk_exchange(old, to_split);
	/* Not by the pointer: new may have been given the address of old. */
	converted = new && !!new->split == to_split;

	mutex_lock(&node->lock);
	if (to_split)
		node->splitting = false;
	if (converted || !new)
		node->nr_split -= !to_split;
	if (converted)
		node->nr_split += to_split;
	if (new) {
		zcp_node_account(node, ZCP_DIRTY, ZCP_CLEAN, ZCP_CHUNK_PAGES);
		zcp_node_file_clean(new);
	} else {
		node->nr[ZCP_DIRTY] -= ZCP_CHUNK_PAGES;
		node->nr_chunks--;
		atomic_long_dec(&node->pool->nr_chunks);
		zcp_scrub_kick(node);
	}
	/* Whoever has looked for a block may split what came back whole. */
	zcp_node_end(node, new && !new->split, !!new);
	mutex_unlock(&node->lock);
	return converted;
}

/* A chunk to give back or convert: clean beyond the reserve, or idle but one. */
static struct zcp_chunk *zcp_node_surplus(struct zcp_node *node)
{
	struct list_head *clean = &node->whole[ZCP_CLEAN];
	struct list_head *idle = &node->split[ZCP_IDLE_SPLIT];

	if (!list_empty(idle) && !list_is_singular(idle))
		return list_first_entry(idle, struct zcp_chunk, link);
	if (node->nr_chunks > node->reserve)
		return list_first_entry_or_null(clean, struct zcp_chunk, link);
	return NULL;
}

/**
 * zcp_node_settle() - put a node at rest
 * @node: which
 *
 * Short of the reserve, chunks are got as long as the kernel has some. Beyond it,
 * free chunks go back to the kernel. Within it, idle split chunks become whole.
 * One idle split chunk stays in any case, or a program that makes and frees one
 * small buffer would have the kernel make a chunk each time.
 *
 * Context: may sleep; without the node's lock.
 */
void zcp_node_settle(struct zcp_node *node)
{
	struct zcp_chunk *chunk;

	while (READ_ONCE(node->nr_chunks) < node->reserve &&
	       !READ_ONCE(node->stop)) {
		if (zcp_node_grow(node, false, ZCP_GFP_GROW))
			break;
		cond_resched();
	}
	for (;;) {
		cond_resched();
		mutex_lock(&node->lock);
		chunk = node->stop ? NULL : zcp_node_surplus(node);
		if (chunk && node->nr_chunks > node->reserve) {
			zcp_node_release(chunk, ZCP_CLEAN);
			continue;
		}
		mutex_unlock(&node->lock);
		if (!chunk || !zcp_node_convert(node, false, 0))
			return;
	}
}

/**
 * zcp_node_fill_reserve() - get the chunks that a node is to keep
 * @node: with reserve set
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
	return 0;
}

/**
 * zcp_node_lost() - chunks of the reserve that the node does not have
 * @node: which
 *
 * The kernel had none at load, or was asked to convert one and lost it to
 * somebody else. Once the scrubber has run it tries to get them back, each second.
 *
 * Context: under the node's lock, or before anybody uses it.
 * Return: how many.
 */
unsigned long zcp_node_lost(const struct zcp_node *node)
{
	return node->reserve - min(node->reserve, node->nr_chunks);
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
	for (n = 0; n < want && !list_empty(clean); n++) {
		zcp_node_use_whole(list_first_entry(clean, struct zcp_chunk,
						    link), ext + n);
		cond_resched();
	}
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
 * zcp_node_borrow() - take a clean page for a moment
 * @node: from which
 * @ext: the page, as an extent of one; of a whole chunk if there is no other
 *
 * Not as a buffer does: it counts as dirty, like memory that is being zeroed, so
 * that who finds nothing else waits for it. It must come back as clean.
 *
 * Context: may sleep for the node's lock only.
 * Return: whether there was one at hand; zcp_node_return() takes it back.
 */
bool zcp_node_borrow(struct zcp_node *node, struct zcp_extent *ext)
{
	struct zcp_chunk *chunk;

	mutex_lock(&node->lock);
	chunk = zcp_node_find_split(node, 1) ?:
		list_first_entry_or_null(&node->whole[ZCP_CLEAN],
					 struct zcp_chunk, link);
	if (!chunk) {
		mutex_unlock(&node->lock);
		return false;
	}
	*ext = (struct zcp_extent){ .chunk = chunk, .nr = 1 };
	if (chunk->split) {
		ext->start = zcp_buddy_alloc(&chunk->split->buddy, 0);
		zcp_node_file_split(chunk);
	} else {
		list_del_init(&chunk->link);
	}
	zcp_node_account(node, ZCP_CLEAN, ZCP_DIRTY,
			 chunk->split ? 1 : ZCP_CHUNK_PAGES);
	zcp_node_begin(node);
	mutex_unlock(&node->lock);
	return true;
}

static void zcp_node_return_split(const struct zcp_extent *ext)
{
	struct zcp_chunk *chunk = ext->chunk;

	/* Another page of the chunk may have had a memory error meanwhile. */
	if (chunk->state == ZCP_RETIRED) {
		zcp_node_account(chunk->node, ZCP_DIRTY, ZCP_RETIRED, 1);
		return;
	}
	WARN_ON_ONCE(zcp_buddy_free(&chunk->split->buddy, ext->start, 0));
	zcp_node_account(chunk->node, ZCP_DIRTY, ZCP_CLEAN, 1);
	zcp_node_file_split(chunk);
}

/**
 * zcp_node_return() - undo zcp_node_borrow()
 * @ext: what was borrowed, not written to
 *
 * Context: may sleep for the node's lock only.
 */
void zcp_node_return(const struct zcp_extent *ext)
{
	struct zcp_chunk *chunk = ext->chunk;
	struct zcp_node *node = chunk->node;
	bool all = true;

	mutex_lock(&node->lock);
	if (chunk->split) {
		zcp_node_return_split(ext);
		all = zcp_buddy_nr_free(&chunk->split->buddy) == ZCP_BUDDY_PAGES;
	} else {
		list_add(&chunk->link, &node->whole[ZCP_CLEAN]);
		zcp_node_account(node, ZCP_DIRTY, ZCP_CLEAN, ZCP_CHUNK_PAGES);
	}
	zcp_node_end(node, all, true);
	mutex_unlock(&node->lock);
}

/* One step towards clean memory with what the node has; false if it has none. */
static bool zcp_node_clean_some(struct zcp_node *node, bool split)
{
	return split ? zcp_scrub_split(node) : zcp_scrub_whole(node, true);
}

/*
 * The same with memory of the other kind, until it helps. At most as much as is
 * dirty now: others may make more of it without end.
 */
static bool zcp_node_clean_other(struct zcp_node *node, bool split,
				 unsigned long seen)
{
	unsigned long left = READ_ONCE(node->nr[ZCP_DIRTY]);

	while (left-- && !fatal_signal_pending(current)) {
		if (!zcp_node_clean_some(node, !split))
			return false;
		if (READ_ONCE(node->done[split]) != seen)
			return true;
		cond_resched();
	}
	return false;
}

/**
 * zcp_node_refill() - try to make some memory clean
 * @node: where
 * @split: whether it is wanted in a split chunk
 * @grow: whether more memory from the kernel would help
 * @seen: zcp_node.done[@split] as it was before the caller looked for memory
 *
 * Goes from what costs least to what costs most, and does one step of it.
 *
 * Context: may sleep; without the node's lock.
 * Return: 0 if there may be more clean memory than before; -ENOSPC the pool is
 * at its maximum; -ENOMEM the kernel has none; -EINTR killed.
 */
int zcp_node_refill(struct zcp_node *node, bool split, bool grow,
		    unsigned long seen)
{
	int err = -ENOMEM, wait;

	if (fatal_signal_pending(current))
		return -EINTR;
	cond_resched();

	if (zcp_node_clean_some(node, split))
		return 0;
	if (split && zcp_node_convert(node, true, seen))
		return 0;
	if (grow)
		err = zcp_node_grow(node, split, ZCP_GFP_GROW);
	if (!err)
		return 0;
	if (zcp_node_clean_other(node, split, seen))
		return 0;
	if (!split && zcp_node_convert(node, false, seen))
		return 0;
	if (zcp_quarantine_scan(node))
		return 0;
	wait = zcp_node_await(node, split, seen);
	return wait == -EAGAIN ? err : wait;
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
		cond_resched();
	}
	zcp_scrub_kick(node);
	mutex_unlock(&node->lock);
}

static void zcp_node_put_back_split(const struct zcp_extent *ext)
{
	struct zcp_chunk *chunk = ext->chunk;
	struct zcp_buddy *buddy = &chunk->split->buddy;
	unsigned int i, end = ext->start + ext->nr;
	int order;

	/* A page of the chunk may have had a memory error meanwhile. */
	if (chunk->state == ZCP_RETIRED) {
		zcp_node_account(chunk->node, ZCP_USED, ZCP_RETIRED, ext->nr);
		return;
	}
	for (i = ext->start; i < end; i += 1U << order) {
		order = zcp_buddy_order(buddy, i);
		if (WARN_ON_ONCE(order < 0 || zcp_buddy_free(buddy, i, order)))
			break;
		zcp_node_account(chunk->node, ZCP_USED, ZCP_CLEAN, 1UL << order);
	}
	zcp_node_file_split(chunk);
}

/**
 * zcp_node_put_back() - undo taking memory for a buffer that could not be made
 * @ext: extents, all of one node, that nobody has written to
 * @nr: how many
 *
 * They are as clean as they were.
 *
 * Context: may sleep for the node's lock only.
 */
void zcp_node_put_back(const struct zcp_extent *ext, unsigned int nr)
{
	struct zcp_node *node = ext->chunk->node;

	mutex_lock(&node->lock);
	for (; nr; nr--, ext++) {
		if (ext->chunk->split) {
			zcp_node_put_back_split(ext);
		} else {
			ext->chunk->state = ZCP_CLEAN;
			list_move(&ext->chunk->link, &node->whole[ZCP_CLEAN]);
			zcp_node_account(node, ZCP_USED, ZCP_CLEAN, ZCP_CHUNK_PAGES);
		}
		cond_resched();
	}
	/* Whoever has looked in vain meanwhile is to look again. */
	zcp_node_begin(node);
	zcp_node_end(node, true, true);
	zcp_scrub_kick(node);
	mutex_unlock(&node->lock);
}
