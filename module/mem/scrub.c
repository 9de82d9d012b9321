// SPDX-License-Identifier: GPL-2.0
/*
 * The scrubber: the only way from free to clean.
 *
 * Memory that comes back is dirty. Each node's worker takes it piece by piece,
 * looks whether a memory error has hit it (then it is retired) or somebody else
 * still has a reference (then it is quarantined, and looked at again later),
 * and zeroes it. An allocation that finds nothing clean does the same inline.
 * A piece being looked at is on no list, so it has one owner; its pages still
 * count as dirty.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/mm.h>

#include "../show/trace.h"
#include "mem.h"

/* A pin lasts as long as an I/O. */
#define ZCP_QUARANTINE_DELAY	msecs_to_jiffies(100)

/**
 * zcp_scrub_start() - give a node its workers, which sleep until they are woken
 * @node: new
 *
 * Context: any.
 */
void zcp_scrub_start(struct zcp_node *node)
{
	zcp_reserve_start(node);
	INIT_DELAYED_WORK(&node->scrubber, zcp_scrub_worker);
}

/**
 * zcp_scrub_stop() - stop a node's workers for good
 * @node: no buffer has memory of it any more
 *
 * A worker that is at its work does not wake the other after this.
 *
 * Context: may sleep.
 */
void zcp_scrub_stop(struct zcp_node *node)
{
	mutex_lock(&node->lock);
	node->stop = true;
	mutex_unlock(&node->lock);
	zcp_reserve_stop(node);
	cancel_delayed_work_sync(&node->scrubber);
}

static void zcp_warn_retired(const struct zcp_chunk *chunk)
{
	pr_warn("%s: node %d: memory error, chunk at pfn %#lx retired\n",
		chunk->node->pool_name, chunk->node->nid,
		page_to_pfn(chunk->page));
}

static enum zcp_state zcp_whole_verdict(struct zcp_chunk *chunk)
{
	if (zcp_pages_poisoned(chunk->page, ZCP_CHUNK_PAGES))
		return ZCP_RETIRED;
	if (zcp_chunk_pinned(chunk))
		return ZCP_QUARANTINED;
	return ZCP_CLEAN;
}

/**
 * zcp_scrub_whole() - deal with one dirty whole chunk
 * @node: where
 * @surplus: what becomes of the chunk if the node has more than its reserve
 *
 * Context: may sleep; without the node's lock.
 * Return: its pages, or 0 if there was none.
 */
unsigned int zcp_scrub_whole(struct zcp_node *node, enum zcp_surplus surplus)
{
	struct zcp_chunk *chunk;
	struct zcp_piece piece;
	enum zcp_state to;
	bool keep;

	mutex_lock(&node->lock);
	chunk = list_first_entry_or_null(&node->whole[ZCP_DIRTY],
					 struct zcp_chunk, link);
	if (!chunk) {
		mutex_unlock(&node->lock);
		return 0;
	}
	zcp_node_unfile(chunk);
	zcp_node_begin(node, &piece, NULL);
	keep = surplus == ZCP_KEEP_SURPLUS || node->nr_chunks <= node->reserve;
	mutex_unlock(&node->lock);

	to = zcp_whole_verdict(chunk);
	if (to != ZCP_QUARANTINED)
		zcp_pages_let_go(chunk, 0, ZCP_CHUNK_PAGES);
	if (to == ZCP_CLEAN && keep) {
		zcp_pages_clear(chunk->page, ZCP_CHUNK_PAGES);
		trace_zcpool_scrub(node, chunk->page, ZCP_CHUNK_PAGES);
	} else if (to == ZCP_QUARANTINED) {
		trace_zcpool_quarantine(node, chunk->page, ZCP_CHUNK_PAGES);
	} else if (to == ZCP_RETIRED) {
		zcp_warn_retired(chunk);
	}

	mutex_lock(&node->lock);
	if (to == ZCP_CLEAN && !keep) {
		zcp_node_release_and_unlock(chunk, ZCP_DIRTY);
		mutex_lock(&node->lock);
	} else {
		if (to == ZCP_CLEAN)
			zcp_node_news(node, ZCP_CHUNK_ORDER);
		zcp_node_file_whole(chunk, to);
		zcp_node_account(node, ZCP_DIRTY, to, ZCP_CHUNK_PAGES);
		if (node->nr_chunks > node->reserve)
			zcp_node_wake_scrubber(node);
	}
	zcp_node_end(node, &piece);
	mutex_unlock(&node->lock);
	return ZCP_CHUNK_PAGES;
}

/* A dirty block of a split chunk, taken off the chunk's dirty bitmap. */
struct zcp_block {
	struct zcp_chunk *chunk;
	unsigned int start;
	unsigned int order;
	DECLARE_BITMAP(pinned, 1U << ZCP_BUDDY_MAX_ORDER);
};

/* Whether it is the one that is being swept. */
static bool zcp_split_is_first(const struct zcp_split *split)
{
	return list_is_first(&split->dirty_link, &split->chunk->node->dirty_split);
}

/* It has been swept, or has nothing dirty left. */
static void zcp_split_swept(struct zcp_split *split)
{
	struct zcp_node *node = split->chunk->node;

	split->next_dirty = 0;
	if (zcp_split_is_first(split))
		WRITE_ONCE(node->sweeps, node->sweeps + 1);
	if (bitmap_empty(split->dirty, ZCP_BUDDY_PAGES)) {
		list_del_init(&split->dirty_link);
		node->nr_dirty_split--;
	} else {
		list_move_tail(&split->dirty_link, &node->dirty_split);
	}
}

/*
 * The first dirty page from where the sweep is. That may be the middle of a block by now, of
 * which all is dirty: to go down to its start is to clear the lowest bits.
 */
static unsigned int zcp_split_next_dirty(const struct zcp_split *split)
{
	unsigned int start = find_next_bit(split->dirty, ZCP_BUDDY_PAGES, split->next_dirty);

	while (start && start < ZCP_BUDDY_PAGES && zcp_buddy_order(&split->buddy, start) < 0)
		start &= start - 1;
	return start;
}

static void zcp_block_take(struct zcp_block *block, struct zcp_split *split,
			   unsigned int start)
{
	int order = zcp_buddy_order(&split->buddy, start);

	/* A page that is no block's start is corruption: treat it alone. */
	block->order = WARN_ON_ONCE(order < 0) ? 0 : order;
	block->start = start;
	block->chunk = split->chunk;

	if (zcp_split_is_first(split))
		split->next_dirty = start + (1U << block->order);
	split->in_hand += 1U << block->order;
	bitmap_clear(split->dirty, start, 1U << block->order);
	if (bitmap_empty(split->dirty, ZCP_BUDDY_PAGES))
		zcp_split_swept(split);
}

/* However many become dirty meanwhile, each chunk has its turn, and in it each block. */
static bool zcp_block_take_next(struct zcp_block *block, struct zcp_node *node)
{
	struct zcp_split *split;
	unsigned int start;

	for (;;) {
		split = list_first_entry_or_null(&node->dirty_split, struct zcp_split,
						 dirty_link);
		if (!split)
			return false;
		start = zcp_split_next_dirty(split);
		if (start < ZCP_BUDDY_PAGES)
			break;
		zcp_split_swept(split);
	}
	zcp_block_take(block, split, start);
	return true;
}

static struct zcp_split *zcp_split_unused(struct zcp_node *node)
{
	struct zcp_split *split;

	list_for_each_entry(split, &node->dirty_split, dirty_link) {
		if (zcp_node_split_is_unused(split))
			return split;
		cond_resched();
	}
	return NULL;
}

/* Zero what nobody else holds. */
static void zcp_block_clear(struct zcp_block *block)
{
	struct zcp_node *node = block->chunk->node;
	struct page *page = block->chunk->page + block->start;
	unsigned int i, nr = 1U << block->order;

	bitmap_zero(block->pinned, nr);
	for (i = 0; i < nr; i++) {
		if (zcp_page_pinned(page + i)) {
			__set_bit(i, block->pinned);
			trace_zcpool_quarantine(node, page + i, 1);
		}
	}
	for_each_clear_bit(i, block->pinned, nr) {
		zcp_pages_let_go(block->chunk, block->start + i, 1);
		zcp_pages_clear(page + i, 1);
	}
	trace_zcpool_scrub(node, page, nr - bitmap_weight(block->pinned, nr));
}

static void zcp_page_quarantine(struct zcp_chunk *chunk, unsigned int start)
{
	struct zcp_split *split = chunk->split;

	__set_bit(start, split->quarantine);
	if (list_empty(&split->quarantine_link))
		list_add_tail(&split->quarantine_link,
			      &chunk->node->quarantined_split);
	zcp_node_account(chunk->node, ZCP_DIRTY, ZCP_QUARANTINED, 1);
}

static void zcp_split_make_clean(struct zcp_chunk *chunk, unsigned int start,
				 unsigned int order)
{
	/* What the buddy refuses stays allocated: lost, but in nobody's way. */
	bool bad = WARN_ON_ONCE(zcp_buddy_free(&chunk->split->buddy, start, order));

	zcp_node_account(chunk->node, ZCP_DIRTY, bad ? ZCP_RETIRED : ZCP_CLEAN,
			 1U << order);
}

/* What is not pinned, that is: the rest is quarantined, page by page. */
static void zcp_block_make_clean(struct zcp_block *block)
{
	struct zcp_chunk *chunk = block->chunk;
	unsigned int i, nr = 1U << block->order;

	if (bitmap_empty(block->pinned, nr)) {
		zcp_split_make_clean(chunk, block->start, block->order);
	} else {
		zcp_buddy_shatter(&chunk->split->buddy, block->start);
		for (i = 0; i < nr; i++) {
			if (test_bit(i, block->pinned))
				zcp_page_quarantine(chunk, block->start + i);
			else
				zcp_split_make_clean(chunk, block->start + i, 0);
		}
	}
	zcp_node_file_split(chunk);
}

/* The block stays allocated; so will whatever else of the chunk comes back. */
static void zcp_block_retire(struct zcp_block *block)
{
	struct zcp_chunk *chunk = block->chunk;
	struct zcp_node *node = chunk->node;

	if (chunk->state != ZCP_RETIRED) {
		zcp_warn_retired(chunk);
		chunk->state = ZCP_RETIRED;
		zcp_node_account(node, ZCP_CLEAN, ZCP_RETIRED,
				 zcp_buddy_nr_free(&chunk->split->buddy));
		zcp_node_file_split(chunk);
	}
	zcp_pages_let_go(chunk, block->start, 1U << block->order);
	zcp_node_account(node, ZCP_DIRTY, ZCP_RETIRED, 1U << block->order);
}

/* Under the node's lock, which it drops. */
static unsigned int zcp_block_scrub_and_unlock(struct zcp_block *block)
{
	struct zcp_chunk *chunk = block->chunk;
	struct zcp_node *node = chunk->node;
	struct zcp_piece piece;
	bool retire;

	zcp_node_begin(node, &piece, chunk->split);
	retire = chunk->state == ZCP_RETIRED ||
		 zcp_pages_poisoned(chunk->page + block->start, 1U << block->order);
	mutex_unlock(&node->lock);

	if (!retire)
		zcp_block_clear(block);

	mutex_lock(&node->lock);
	chunk->split->in_hand -= 1U << block->order;
	/* Another block of the chunk may have been found poisoned meanwhile. */
	if (retire || chunk->state == ZCP_RETIRED)
		zcp_block_retire(block);
	else
		zcp_block_make_clean(block);
	zcp_node_news_of(chunk);
	zcp_node_end(node, &piece);
	mutex_unlock(&node->lock);
	return 1U << block->order;
}

/**
 * zcp_scrub_split() - deal with one dirty block of a split chunk
 * @node: where
 *
 * Context: may sleep; without the node's lock.
 * Return: its pages, or 0 if there was none.
 */
unsigned int zcp_scrub_split(struct zcp_node *node)
{
	struct zcp_block block;

	mutex_lock(&node->lock);
	if (zcp_block_take_next(&block, node))
		return zcp_block_scrub_and_unlock(&block);
	mutex_unlock(&node->lock);
	return 0;
}

/**
 * zcp_scrub_unused() - the same in a chunk that will be free entirely
 * @node: where
 *
 * Context: may sleep; without the node's lock.
 * Return: its pages, or 0 if there is no such chunk.
 */
unsigned int zcp_scrub_unused(struct zcp_node *node)
{
	struct zcp_split *split;
	struct zcp_block block;

	mutex_lock(&node->lock);
	split = zcp_split_unused(node);
	if (!split) {
		mutex_unlock(&node->lock);
		return 0;
	}
	zcp_block_take(&block, split, find_first_bit(split->dirty, ZCP_BUDDY_PAGES));
	return zcp_block_scrub_and_unlock(&block);
}

/**
 * zcp_scrub_has_unused() - whether zcp_scrub_unused() would find one
 * @node: where
 *
 * Context: under the node's lock.
 * Return: whether it would.
 */
bool zcp_scrub_has_unused(struct zcp_node *node)
{
	return zcp_split_unused(node);
}

static bool zcp_quarantine_scan_whole(struct zcp_node *node)
{
	struct zcp_chunk *chunk, *next;
	bool any = false;

	list_for_each_entry_safe(chunk, next, &node->whole[ZCP_QUARANTINED], link) {
		cond_resched();
		if (zcp_chunk_pinned(chunk))
			continue;
		zcp_node_file_whole(chunk, ZCP_DIRTY);
		zcp_node_account(node, ZCP_QUARANTINED, ZCP_DIRTY,
				 ZCP_CHUNK_PAGES);
		any = true;
	}
	return any;
}

static bool zcp_quarantine_scan_split(struct zcp_node *node)
{
	struct zcp_split *split, *next;
	struct page *page;
	unsigned int i;
	bool any = false;

	list_for_each_entry_safe(split, next, &node->quarantined_split,
				 quarantine_link) {
		for_each_set_bit(i, split->quarantine, ZCP_BUDDY_PAGES) {
			page = split->chunk->page + i;
			if (zcp_page_pinned(page) && !zcp_pages_poisoned(page, 1))
				continue;
			__clear_bit(i, split->quarantine);
			__set_bit(i, split->dirty);
			zcp_node_account(node, ZCP_QUARANTINED, ZCP_DIRTY, 1);
			any = true;
		}
		if (!bitmap_empty(split->dirty, ZCP_BUDDY_PAGES))
			zcp_node_file_dirty(split);
		if (bitmap_empty(split->quarantine, ZCP_BUDDY_PAGES))
			list_del_init(&split->quarantine_link);
		cond_resched();
	}
	return any;
}

/**
 * zcp_quarantine_scan() - look again at all quarantined memory of a node
 * @node: which
 *
 * What nobody else holds any more becomes dirty.
 *
 * Context: may sleep; without the node's lock.
 * Return: whether there was any.
 */
bool zcp_quarantine_scan(struct zcp_node *node)
{
	bool any;

	mutex_lock(&node->lock);
	any = zcp_quarantine_scan_whole(node);
	any |= zcp_quarantine_scan_split(node);
	mutex_unlock(&node->lock);
	return any;
}

/* How long until there may be something to do again; 0 if never by itself. */
static unsigned long zcp_scrub_again(const struct zcp_node *node)
{
	/*
	 * What somebody else is just looking at, which counts as dirty, may turn out
	 * to be pinned; and what an allocation has found to be pinned no longer, it may
	 * have left.
	 */
	if (node->nr[ZCP_QUARANTINED] || node->nr[ZCP_DIRTY])
		return ZCP_QUARANTINE_DELAY;
	return 0;
}

/**
 * zcp_scrub_worker() - deal with all that a node has dirty or quarantined
 * @work: the scrubber of a struct zcp_node
 *
 * Context: workqueue.
 */
void zcp_scrub_worker(struct work_struct *work)
{
	struct zcp_node *node = container_of(to_delayed_work(work),
					     struct zcp_node, scrubber);
	unsigned long again;

	mutex_lock(&node->lock);
	node->scrub_due = false;
	mutex_unlock(&node->lock);

	do {
		while (!READ_ONCE(node->stop) &&
		       (zcp_scrub_whole(node, ZCP_RELEASE_SURPLUS) ||
			zcp_scrub_split(node)))
			cond_resched();
	} while (!READ_ONCE(node->stop) && zcp_quarantine_scan(node));

	zcp_reserve_trim(node);

	mutex_lock(&node->lock);
	zcp_reserve_watch(node);
	again = zcp_scrub_again(node);
	if (again && !node->scrub_due && !node->stop)
		zcp_node_queue_scrubber(node, again);
	mutex_unlock(&node->lock);
}
