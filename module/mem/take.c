// SPDX-License-Identifier: GPL-2.0
/*
 * What is handed out of a node's clean memory, and how it comes back: freed, which
 * makes it dirty; untaken, as clean as it was; or lent for a moment and returned.
 */
#include <linux/bitmap.h>
#include <linux/log2.h>
#include <linux/mm.h>

#include "mem.h"

/* Whoever does so accounts for it. */
static void zcp_node_use_whole(struct zcp_chunk *chunk, struct zcp_extent *ext)
{
	zcp_node_file_whole(chunk, ZCP_USED);
	*ext = (struct zcp_extent){ .chunk = chunk, .nr = ZCP_CHUNK_PAGES };
}

/* So many chunks have been taken that were in one state. */
static void zcp_node_took(struct zcp_node *node, enum zcp_state from, unsigned int n)
{
	zcp_node_account(node, from, ZCP_USED, (unsigned long)n * ZCP_CHUNK_PAGES);
	if (n)
		zcp_node_moved(node, ZCP_CHUNK_ORDER);
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
	zcp_node_took(node, ZCP_CLEAN, n);
	mutex_unlock(&node->lock);
	return n;
}

/**
 * zcp_node_take_dirty() - take dirty whole chunks, to be zeroed by who sees them first
 * @node: from which
 * @ext: room for @want extents
 * @want: how many are wanted
 *
 * Not those that somebody else still holds; the scrubber sorts them out.
 *
 * Context: may sleep for the node's lock only.
 * Return: how many were taken.
 */
unsigned int zcp_node_take_dirty(struct zcp_node *node, struct zcp_extent *ext,
				 unsigned int want)
{
	struct zcp_chunk *chunk, *next;
	unsigned int n = 0;

	mutex_lock(&node->lock);
	list_for_each_entry_safe(chunk, next, &node->whole[ZCP_DIRTY], link) {
		if (n == want)
			break;
		cond_resched();
		if (zcp_chunk_pinned(chunk))
			continue;
		zcp_pages_let_go(chunk, 0, ZCP_CHUNK_PAGES);
		chunk->to_zero = true;
		zcp_node_use_whole(chunk, ext + n++);
	}
	zcp_node_took(node, ZCP_DIRTY, n);
	mutex_unlock(&node->lock);
	return n;
}

/**
 * zcp_node_take_run() - take physically neighbouring clean whole chunks
 * @node: from which
 * @ext: room for @want extents
 * @want: how many are wanted
 *
 * Context: may sleep for the node's lock only.
 * Return: 0, or -ENOMEM if there is no such run; then none was taken.
 */
int zcp_node_take_run(struct zcp_node *node, struct zcp_extent *ext,
		      unsigned int want)
{
	unsigned long place;
	unsigned int n;

	mutex_lock(&node->lock);
	place = bitmap_find_next_zero_area(node->not_clean, node->nr_places, 0, want, 0);
	if (place >= node->nr_places) {
		mutex_unlock(&node->lock);
		return -ENOMEM;
	}
	place += node->first_place;
	for (n = 0; n < want; n++) {
		zcp_node_use_whole(zcp_chunk_at(place + n), ext + n);
		cond_resched();
	}
	zcp_node_took(node, ZCP_CLEAN, n);
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
		zcp_node_moved(node, order_base_2(nr));
	}
	mutex_unlock(&node->lock);
	return start < 0 ? -ENOMEM : 0;
}

/**
 * zcp_node_shatter() - have each page of extents be freed by itself
 * @ext: extents of split chunks, all of one node
 * @nr: how many
 *
 * Context: may sleep for the node's lock only.
 */
void zcp_node_shatter(const struct zcp_extent *ext, unsigned int nr)
{
	struct zcp_node *node = ext->chunk->node;
	struct zcp_buddy *buddy;
	unsigned int i, order;

	mutex_lock(&node->lock);
	for (; nr; nr--, ext++) {
		buddy = &ext->chunk->split->buddy;
		for (i = ext->start; i < ext->start + ext->nr; i += 1U << order) {
			order = zcp_buddy_order(buddy, i);
			if (WARN_ON_ONCE(zcp_buddy_shatter(buddy, i)))
				break;
		}
	}
	mutex_unlock(&node->lock);
}

/* Clean as it was, unless another page of the chunk has had a memory error meanwhile. */
static void zcp_split_untake(const struct zcp_extent *ext, enum zcp_state from)
{
	struct zcp_chunk *chunk = ext->chunk;
	struct zcp_buddy *buddy = &chunk->split->buddy;
	unsigned int i, end = ext->start + ext->nr;
	int order;

	if (chunk->state == ZCP_RETIRED) {
		zcp_node_account(chunk->node, from, ZCP_RETIRED, ext->nr);
		return;
	}
	for (i = ext->start; i < end; i += 1U << order) {
		order = zcp_buddy_order(buddy, i);
		if (WARN_ON_ONCE(order < 0 || zcp_buddy_free(buddy, i, order)))
			break;
		zcp_node_account(chunk->node, from, ZCP_CLEAN, 1UL << order);
	}
	zcp_node_file_split(chunk);
}

static void zcp_extent_untake(const struct zcp_extent *ext, enum zcp_state from)
{
	struct zcp_chunk *chunk = ext->chunk;

	if (zcp_chunk_kind(chunk) == ZCP_SPLIT) {
		zcp_split_untake(ext, from);
		return;
	}
	zcp_node_file_whole(chunk, chunk->to_zero ? ZCP_DIRTY : ZCP_CLEAN);
	chunk->to_zero = false;
	zcp_node_account(chunk->node, from, chunk->state, ZCP_CHUNK_PAGES);
}

/**
 * zcp_node_untake() - undo taking memory for a buffer that could not be made
 * @ext: extents, all of one node, that nobody has written to
 * @nr: how many
 *
 * They are as clean or as dirty as they were.
 *
 * Context: may sleep for the node's lock only.
 */
void zcp_node_untake(const struct zcp_extent *ext, unsigned int nr)
{
	struct zcp_node *node = ext->chunk->node;

	mutex_lock(&node->lock);
	for (; nr; nr--, ext++) {
		zcp_extent_untake(ext, ZCP_USED);
		if (ext->chunk->state == ZCP_DIRTY)
			zcp_node_moved(node, ZCP_CHUNK_ORDER);
		else
			zcp_node_news_of(ext->chunk);
		cond_resched();
	}
	zcp_node_wake_scrubber(node);
	mutex_unlock(&node->lock);
}

/* These two say how many pages have become dirty, always neighbours. */
static unsigned int zcp_whole_free(struct zcp_chunk *chunk)
{
	if (WARN_ON_ONCE(chunk->state != ZCP_USED))
		return 0;
	zcp_node_file_whole(chunk, ZCP_DIRTY);
	chunk->to_zero = false;
	return ZCP_CHUNK_PAGES;
}

static unsigned int zcp_split_free(const struct zcp_extent *ext)
{
	struct zcp_split *split = ext->chunk->split;
	unsigned int end = ext->start + ext->nr;

	if (WARN_ON_ONCE(find_next_bit(split->dirty, end, ext->start) < end ||
			 find_next_bit(split->quarantine, end, ext->start) < end ||
			 zcp_buddy_order(&split->buddy, ext->start) < 0))
		return 0;
	bitmap_set(split->dirty, ext->start, ext->nr);
	zcp_node_file_dirty(split);
	return ext->nr;
}

/**
 * zcp_node_free() - take back memory that a buffer no longer needs
 * @ext: extents, all of one node, not mapped any more
 * @nr: how many
 *
 * They wait for the scrubber, pinned or not: it looks. So does who waits for memory. An
 * extent that is not allocated is refused, with a warning.
 *
 * Context: may sleep for the node's lock only.
 */
void zcp_node_free(const struct zcp_extent *ext, unsigned int nr)
{
	struct zcp_node *node = ext->chunk->node;
	unsigned int freed, largest = 1;
	unsigned long pages = 0;

	mutex_lock(&node->lock);
	for (; nr; nr--, ext++) {
		if (zcp_chunk_kind(ext->chunk) == ZCP_SPLIT)
			freed = zcp_split_free(ext);
		else
			freed = zcp_whole_free(ext->chunk);
		largest = max(largest, freed);
		pages += freed;
		cond_resched();
	}
	zcp_node_account(node, ZCP_USED, ZCP_DIRTY, pages);
	zcp_node_moved(node, order_base_2(largest));
	if (wq_has_sleeper(&node->wait))
		wake_up_all(&node->wait);
	zcp_node_wake_scrubber(node);
	mutex_unlock(&node->lock);
}

/**
 * zcp_node_borrow() - take a clean page for a moment
 * @node: from which
 * @ext: the page, as an extent of one; of a whole chunk if there is no other
 * @piece: to be given to zcp_node_return_borrowed()
 *
 * Not as a buffer does: it counts as dirty, like memory that is being zeroed, so
 * that who finds nothing else waits for it. It must come back as clean.
 *
 * Context: may sleep for the node's lock only.
 * Return: whether there was one at hand; zcp_node_return_borrowed() takes it back.
 */
bool zcp_node_borrow(struct zcp_node *node, struct zcp_extent *ext,
		     struct zcp_piece *piece)
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
	if (zcp_chunk_kind(chunk) == ZCP_SPLIT) {
		ext->start = zcp_buddy_alloc(&chunk->split->buddy, 0);
		zcp_node_file_split(chunk);
	} else {
		zcp_node_unfile(chunk);
	}
	zcp_node_account(node, ZCP_CLEAN, ZCP_DIRTY,
			 zcp_chunk_kind(chunk) == ZCP_SPLIT ? 1 : ZCP_CHUNK_PAGES);
	zcp_node_begin(node, piece, NULL);
	mutex_unlock(&node->lock);
	return true;
}

/**
 * zcp_node_return_borrowed() - undo zcp_node_borrow()
 * @ext: what was borrowed, not written to
 * @piece: what zcp_node_borrow() was given
 *
 * Context: may sleep for the node's lock only.
 */
void zcp_node_return_borrowed(const struct zcp_extent *ext, struct zcp_piece *piece)
{
	struct zcp_chunk *chunk = ext->chunk;
	struct zcp_node *node = chunk->node;

	mutex_lock(&node->lock);
	zcp_extent_untake(ext, ZCP_DIRTY);
	zcp_node_news_of(chunk);
	zcp_node_end(node, piece);
	mutex_unlock(&node->lock);
}
