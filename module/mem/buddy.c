// SPDX-License-Identifier: GPL-2.0
/*
 * The buddy allocator of one split chunk.
 *
 * Locking: none here. Every function is called with the lock held that guards
 * the struct zcp_buddy (in the module, the node's), and none of them sleeps,
 * allocates or prints. A refused call has changed nothing; it is for the caller
 * to report it.
 */
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/types.h>

#include "buddy.h"

static unsigned int block_at(unsigned int idx, unsigned int order)
{
	return (ZCP_BUDDY_PAGES + idx) >> order;
}

static void add_free(struct zcp_buddy *b, unsigned int block, unsigned int order)
{
	__set_bit(block, b->free);
	b->count[order]++;
	b->avail |= 1U << order;
}

static void del_free(struct zcp_buddy *b, unsigned int block, unsigned int order)
{
	__clear_bit(block, b->free);
	if (!--b->count[order])
		b->avail &= ~(1U << order);
}

/**
 * zcp_buddy_init - make every page of a chunk free
 * @b: the chunk's buddy, in whatever state
 *
 * Leaves two free blocks of order 8.
 *
 * Context: any; under the lock that guards @b, if others can see it. Does not
 * sleep.
 */
void zcp_buddy_init(struct zcp_buddy *b)
{
	memset(b, 0, sizeof(*b));
	add_free(b, block_at(0, ZCP_BUDDY_MAX_ORDER), ZCP_BUDDY_MAX_ORDER);
	add_free(b, block_at(ZCP_BUDDY_PAGES / 2, ZCP_BUDDY_MAX_ORDER), ZCP_BUDDY_MAX_ORDER);
	b->nr_free = ZCP_BUDDY_PAGES;
}

/**
 * zcp_buddy_alloc - allocate a block
 * @b: the chunk's buddy
 * @order: the block is of 2^@order pages and aligned to as many
 *
 * Takes the lowest-addressed free block of the smallest order that fits, and the
 * lower end of it where it is larger.
 *
 * Context: under the lock that guards @b; does not sleep.
 *
 * Return: index of the first page of the block; -EINVAL where @order is above
 * ZCP_BUDDY_MAX_ORDER; -ENOMEM where no free block is large enough.
 */
int zcp_buddy_alloc(struct zcp_buddy *b, unsigned int order)
{
	unsigned int fits, from, first, block;

	if (order > ZCP_BUDDY_MAX_ORDER)
		return -EINVAL;
	fits = b->avail >> order;
	if (!fits)
		return -ENOMEM;

	from = order + __ffs(fits);
	first = block_at(0, from);
	block = find_next_bit(b->free, 2 * first, first);
	del_free(b, block, from);
	while (from > order) {
		from--;
		block *= 2;
		add_free(b, block + 1, from);
	}

	__set_bit(block, b->used);
	b->nr_free -= 1U << order;
	return (block << order) - ZCP_BUDDY_PAGES;
}

/**
 * zcp_buddy_alloc_all - allocate one run of pages from a chunk that is all free
 * @b: the chunk's buddy
 * @npages: length of the run, 1 to ZCP_BUDDY_PAGES
 *
 * For a contiguous run above the highest order: takes pages 0 to @npages - 1 as
 * allocated blocks of descending order that add up to it (300 = 256 + 32 + 8 +
 * 4), each to be freed by itself. The rest stays free.
 *
 * Context: under the lock that guards @b; does not sleep.
 *
 * Return: 0; -EINVAL where @npages is out of range; -ENOMEM where a page of the
 * chunk is allocated.
 */
int zcp_buddy_alloc_all(struct zcp_buddy *b, unsigned int npages)
{
	int idx;

	if (!npages || npages > ZCP_BUDDY_PAGES)
		return -EINVAL;
	if (b->nr_free != ZCP_BUDDY_PAGES)
		return -ENOMEM;

	idx = zcp_buddy_alloc(b, ZCP_BUDDY_MAX_ORDER);
	if (npages > ZCP_BUDDY_PAGES / 2)
		idx = zcp_buddy_alloc(b, ZCP_BUDDY_MAX_ORDER);
	return zcp_buddy_trim(b, idx, npages - idx);
}

/**
 * zcp_buddy_free - free an allocated block
 * @b: the chunk's buddy
 * @idx: first page of the block
 * @order: order of the block
 *
 * Merges the block with its buddy as far up as that is free.
 *
 * Context: under the lock that guards @b; does not sleep.
 *
 * Return: 0; -EINVAL, with nothing changed, where no block of exactly this order
 * that starts at @idx is allocated: a double or wild free.
 */
int zcp_buddy_free(struct zcp_buddy *b, unsigned int idx, unsigned int order)
{
	unsigned int block;

	if (idx >= ZCP_BUDDY_PAGES || order > ZCP_BUDDY_MAX_ORDER ||
	    idx & ((1U << order) - 1))
		return -EINVAL;
	block = block_at(idx, order);
	if (!__test_and_clear_bit(block, b->used))
		return -EINVAL;

	b->nr_free += 1U << order;
	while (order < ZCP_BUDDY_MAX_ORDER && test_bit(block ^ 1, b->free)) {
		del_free(b, block ^ 1, order);
		block /= 2;
		order++;
	}
	add_free(b, block, order);
	return 0;
}

/**
 * zcp_buddy_trim - free the tail of an allocated block
 * @b: the chunk's buddy
 * @idx: first page of the block
 * @npages: pages to keep from its start, 1 to all of them
 *
 * What is kept becomes allocated blocks of descending order that add up to
 * @npages (17 = 16 + 1), each to be freed by itself.
 *
 * Context: under the lock that guards @b; does not sleep.
 *
 * Return: 0; -EINVAL, with nothing changed, where no allocated block starts at
 * @idx or @npages is out of range.
 */
int zcp_buddy_trim(struct zcp_buddy *b, unsigned int idx, unsigned int npages)
{
	int order = zcp_buddy_order(b, idx);
	unsigned int block;

	if (order < 0 || !npages || npages > 1U << order)
		return -EINVAL;

	b->nr_free += (1U << order) - npages;
	block = block_at(idx, order);
	__clear_bit(block, b->used);
	/* What is freed on the way down has a buddy that is kept in part: no merging. */
	while (npages < 1U << order) {
		order--;
		block *= 2;
		if (npages > 1U << order) {
			__set_bit(block, b->used);
			npages -= 1U << order;
			block++;
		} else {
			add_free(b, block + 1, order);
		}
	}
	__set_bit(block, b->used);
	return 0;
}

/**
 * zcp_buddy_shatter - turn an allocated block into blocks of one page
 * @b: the chunk's buddy
 * @idx: first page of the block
 *
 * Its pages stay allocated and can then be freed one by one, as blocks of
 * order 0.
 *
 * Context: under the lock that guards @b; does not sleep.
 *
 * Return: 0; -EINVAL where no allocated block starts at @idx.
 */
int zcp_buddy_shatter(struct zcp_buddy *b, unsigned int idx)
{
	int order = zcp_buddy_order(b, idx);

	if (order < 0)
		return -EINVAL;
	__clear_bit(block_at(idx, order), b->used);
	bitmap_set(b->used, block_at(idx, 0), 1U << order);
	return 0;
}

/**
 * zcp_buddy_order - order of an allocated block
 * @b: the chunk's buddy
 * @idx: first page of the block
 *
 * Context: under the lock that guards @b; does not sleep.
 *
 * Return: the order; -EINVAL where no allocated block starts at @idx.
 */
int zcp_buddy_order(const struct zcp_buddy *b, unsigned int idx)
{
	unsigned int block, order;

	if (idx >= ZCP_BUDDY_PAGES)
		return -EINVAL;
	block = block_at(idx, 0);
	for (order = 0; order <= ZCP_BUDDY_MAX_ORDER; order++) {
		if (test_bit(block, b->used))
			return order;
		/* A right-hand child: the blocks above it start at a lower page. */
		if (block & 1)
			break;
		block /= 2;
	}
	return -EINVAL;
}

/**
 * zcp_buddy_max_free - the largest order with a free block
 * @b: the chunk's buddy
 *
 * Context: under the lock that guards @b; does not sleep.
 *
 * Return: the order; -1 where no page is free.
 */
int zcp_buddy_max_free(const struct zcp_buddy *b)
{
	return fls(b->avail) - 1;
}

/**
 * zcp_buddy_nr_free - free pages
 * @b: the chunk's buddy
 *
 * Context: under the lock that guards @b; does not sleep.
 *
 * Return: number of free pages.
 */
unsigned int zcp_buddy_nr_free(const struct zcp_buddy *b)
{
	return b->nr_free;
}

/**
 * zcp_buddy_count - free blocks of one order
 * @b: the chunk's buddy
 * @order: the order
 *
 * A block counts for its own order only, not for the smaller ones it could be
 * cut into.
 *
 * Context: under the lock that guards @b; does not sleep.
 *
 * Return: number of free blocks; 0 where @order is above ZCP_BUDDY_MAX_ORDER.
 */
unsigned int zcp_buddy_count(const struct zcp_buddy *b, unsigned int order)
{
	return order <= ZCP_BUDDY_MAX_ORDER ? b->count[order] : 0;
}
