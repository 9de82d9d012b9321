/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The buddy allocator of one split chunk: arithmetic over page indices, which
 * knows nothing of struct page, so that the same source runs in user space.
 */
#ifndef ZCPOOL_BUDDY_H
#define ZCPOOL_BUDDY_H

#include <linux/bitmap.h>
#include <linux/types.h>

#define ZCP_BUDDY_MAX_ORDER	8
#define ZCP_BUDDY_PAGES		512

/**
 * struct zcp_buddy - which blocks of a split chunk are free, which allocated
 * @free: blocks that are free
 * @used: blocks that are allocated
 * @nr_free: free pages
 * @avail: bit per order, set where @count is not 0
 * @count: free blocks of each order
 *
 * The possible blocks of all orders form a binary tree, and both bitmaps number
 * them as a heap does: the block of a given order that starts at page idx is bit
 * (512 + idx) >> order. So its buddy is bit ^ 1, the block of both is bit >> 1,
 * and the blocks of one order lie next to each other, in address order. The
 * two blocks of order 8 are bits 2 and 3; bits 0 and 1 stay clear.
 *
 * Each page is in exactly one block that has its bit set in one of the bitmaps,
 * and two buddies are never both in @free.
 */
struct zcp_buddy {
	DECLARE_BITMAP(free, 2 * ZCP_BUDDY_PAGES);
	DECLARE_BITMAP(used, 2 * ZCP_BUDDY_PAGES);
	u16 nr_free;
	u16 avail;
	u16 count[ZCP_BUDDY_MAX_ORDER + 1];
};

void zcp_buddy_init(struct zcp_buddy *b);
int zcp_buddy_alloc(struct zcp_buddy *b, unsigned int order);
int zcp_buddy_alloc_all(struct zcp_buddy *b, unsigned int npages);
int zcp_buddy_free(struct zcp_buddy *b, unsigned int idx, unsigned int order);
int zcp_buddy_trim(struct zcp_buddy *b, unsigned int idx, unsigned int npages);
int zcp_buddy_shatter(struct zcp_buddy *b, unsigned int idx);
int zcp_buddy_order(const struct zcp_buddy *b, unsigned int idx);
int zcp_buddy_max_free(const struct zcp_buddy *b);
unsigned int zcp_buddy_nr_free(const struct zcp_buddy *b);
unsigned int zcp_buddy_count(const struct zcp_buddy *b, unsigned int order);

#endif /* ZCPOOL_BUDDY_H */
