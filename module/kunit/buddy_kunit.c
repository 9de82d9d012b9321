// SPDX-License-Identifier: GPL-2.0
/*
 * The buddy as the module has it: linked with the kernel's bitmaps, under the
 * kernel's checkers. selftests/buddy does more of it, faster, in user space.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/log2.h>
#include <linux/prandom.h>

#include "../mem/buddy.h"

#define NR_ORDERS	(ZCP_BUDDY_MAX_ORDER + 1)

/* Of the block that a bit stands for, see struct zcp_buddy */
static unsigned int order_of(unsigned int bit)
{
	return ilog2(ZCP_BUDDY_PAGES) - ilog2(bit);
}

/* Note the pages of all blocks of a bitmap; false if one was noted before. */
static bool cover(const unsigned long *blocks, unsigned long *pages)
{
	unsigned int bit, start, end;

	for_each_set_bit(bit, blocks, 2 * ZCP_BUDDY_PAGES) {
		if (bit < 2)
			return false;
		start = (bit << order_of(bit)) - ZCP_BUDDY_PAGES;
		end = start + (1U << order_of(bit));
		if (find_next_bit(pages, end, start) < end)
			return false;
		bitmap_set(pages, start, end - start);
	}
	return true;
}

/* What is wrong with a buddy by the rules of its struct; "" if nothing is. */
static const char *fault(const struct zcp_buddy *b)
{
	DECLARE_BITMAP(pages, ZCP_BUDDY_PAGES) = {};
	unsigned int count[NR_ORDERS] = {};
	unsigned int order, bit;

	if (!cover(b->free, pages))
		return "free blocks";
	if (bitmap_weight(pages, ZCP_BUDDY_PAGES) != zcp_buddy_nr_free(b))
		return "nr_free";
	if (!cover(b->used, pages) || !bitmap_full(pages, ZCP_BUDDY_PAGES))
		return "used blocks";
	for_each_set_bit(bit, b->free, 2 * ZCP_BUDDY_PAGES) {
		order = order_of(bit);
		count[order]++;
		if (order < ZCP_BUDDY_MAX_ORDER && test_bit(bit ^ 1, b->free))
			return "two free buddies";
	}
	for (order = 0; order < NR_ORDERS; order++) {
		if (count[order] != zcp_buddy_count(b, order))
			return "count";
		if (!count[order] == !!(b->avail & BIT(order)))
			return "avail";
	}
	return "";
}

static void buddy_init(struct kunit *test)
{
	struct zcp_buddy b;
	unsigned int idx;

	memset(&b, 0xff, sizeof(b));
	zcp_buddy_init(&b);
	KUNIT_EXPECT_STREQ(test, fault(&b), "");
	KUNIT_EXPECT_EQ(test, zcp_buddy_nr_free(&b), ZCP_BUDDY_PAGES);
	KUNIT_EXPECT_EQ(test, zcp_buddy_max_free(&b), ZCP_BUDDY_MAX_ORDER);
	KUNIT_EXPECT_EQ(test, zcp_buddy_count(&b, ZCP_BUDDY_MAX_ORDER), 2);
	for (idx = 0; idx < ZCP_BUDDY_PAGES; idx++)
		KUNIT_EXPECT_EQ(test, zcp_buddy_order(&b, idx), -EINVAL);
}

/* As many blocks of each order as there are, in address order, and then none. */
static void buddy_alloc(struct kunit *test)
{
	struct zcp_buddy b;
	unsigned int order, idx;

	for (order = 0; order < NR_ORDERS; order++) {
		zcp_buddy_init(&b);
		for (idx = 0; idx < ZCP_BUDDY_PAGES; idx += 1U << order) {
			KUNIT_ASSERT_EQ(test, zcp_buddy_alloc(&b, order), idx);
			KUNIT_EXPECT_EQ(test, zcp_buddy_order(&b, idx), order);
		}
		KUNIT_EXPECT_EQ(test, zcp_buddy_alloc(&b, order), -ENOMEM);
		KUNIT_EXPECT_EQ(test, zcp_buddy_max_free(&b), -1);
		KUNIT_EXPECT_STREQ(test, fault(&b), "");
		for (idx = 0; idx < ZCP_BUDDY_PAGES; idx += 1U << order)
			KUNIT_EXPECT_EQ(test, zcp_buddy_free(&b, idx, order), 0);
		KUNIT_EXPECT_EQ(test, zcp_buddy_count(&b, ZCP_BUDDY_MAX_ORDER), 2);
		KUNIT_EXPECT_STREQ(test, fault(&b), "");
	}
}

/* Each length of run is what it should be, and goes away block by block. */
static void buddy_alloc_all(struct kunit *test)
{
	struct zcp_buddy b;
	unsigned int npages, idx;
	int order;

	for (npages = 1; npages <= ZCP_BUDDY_PAGES; npages++) {
		zcp_buddy_init(&b);
		KUNIT_ASSERT_EQ(test, zcp_buddy_alloc_all(&b, npages), 0);
		KUNIT_EXPECT_EQ(test, zcp_buddy_nr_free(&b), ZCP_BUDDY_PAGES - npages);
		KUNIT_EXPECT_EQ(test, zcp_buddy_alloc_all(&b, 1), -ENOMEM);
		for (idx = 0; idx < npages; idx += 1U << order) {
			order = zcp_buddy_order(&b, idx);
			KUNIT_ASSERT_GE(test, order, 0);
			KUNIT_EXPECT_EQ(test, zcp_buddy_free(&b, idx, order), 0);
		}
		KUNIT_EXPECT_EQ(test, idx, npages);
		KUNIT_EXPECT_EQ(test, zcp_buddy_nr_free(&b), ZCP_BUDDY_PAGES);
	}
}

static void buddy_trim(struct kunit *test)
{
	struct zcp_buddy b;
	unsigned int npages;
	int idx;

	for (npages = 1; npages <= ZCP_BUDDY_PAGES / 2; npages++) {
		zcp_buddy_init(&b);
		zcp_buddy_alloc(&b, ZCP_BUDDY_MAX_ORDER);
		idx = zcp_buddy_alloc(&b, ZCP_BUDDY_MAX_ORDER);
		KUNIT_ASSERT_EQ(test, zcp_buddy_trim(&b, idx, npages), 0);
		KUNIT_EXPECT_EQ(test, zcp_buddy_nr_free(&b), ZCP_BUDDY_PAGES / 2 - npages);
		KUNIT_EXPECT_EQ(test, zcp_buddy_order(&b, idx), ilog2(npages));
		KUNIT_EXPECT_STREQ(test, fault(&b), "");
	}
}

static void buddy_shatter(struct kunit *test)
{
	struct zcp_buddy b;
	unsigned int i;

	zcp_buddy_init(&b);
	KUNIT_ASSERT_EQ(test, zcp_buddy_alloc(&b, 4), 0);
	KUNIT_ASSERT_EQ(test, zcp_buddy_shatter(&b, 0), 0);
	KUNIT_EXPECT_STREQ(test, fault(&b), "");
	for (i = 0; i < 16; i++)
		KUNIT_EXPECT_EQ(test, zcp_buddy_order(&b, i), 0);
	for (i = 0; i < 16; i += 2)
		KUNIT_EXPECT_EQ(test, zcp_buddy_free(&b, i, 0), 0);
	KUNIT_EXPECT_EQ(test, zcp_buddy_count(&b, 0), 8);
	for (i = 1; i < 16; i += 2)
		KUNIT_EXPECT_EQ(test, zcp_buddy_free(&b, i, 0), 0);
	KUNIT_EXPECT_EQ(test, zcp_buddy_nr_free(&b), ZCP_BUDDY_PAGES);
	KUNIT_EXPECT_STREQ(test, fault(&b), "");
}

/* Whatever is no block, or out of range, is refused and changes nothing. */
static void buddy_refuses(struct kunit *test)
{
	struct zcp_buddy b, before;
	unsigned int idx, order;

	zcp_buddy_init(&b);
	KUNIT_ASSERT_EQ(test, zcp_buddy_alloc(&b, 4), 0);
	KUNIT_ASSERT_EQ(test, zcp_buddy_alloc(&b, 4), 16);
	KUNIT_ASSERT_EQ(test, zcp_buddy_free(&b, 0, 4), 0);
	before = b;

	for (idx = 0; idx <= ZCP_BUDDY_PAGES; idx++) {
		for (order = 0; order <= NR_ORDERS; order++) {
			if (idx != 16 || order != 4)
				KUNIT_EXPECT_EQ(test, zcp_buddy_free(&b, idx, order), -EINVAL);
		}
		if (idx != 16) {
			KUNIT_EXPECT_EQ(test, zcp_buddy_trim(&b, idx, 1), -EINVAL);
			KUNIT_EXPECT_EQ(test, zcp_buddy_shatter(&b, idx), -EINVAL);
			KUNIT_EXPECT_EQ(test, zcp_buddy_order(&b, idx), -EINVAL);
		}
	}
	KUNIT_EXPECT_EQ(test, zcp_buddy_trim(&b, 16, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, zcp_buddy_trim(&b, 16, 17), -EINVAL);
	KUNIT_EXPECT_EQ(test, zcp_buddy_alloc(&b, NR_ORDERS), -EINVAL);
	KUNIT_EXPECT_EQ(test, zcp_buddy_alloc(&b, UINT_MAX), -EINVAL);
	KUNIT_EXPECT_EQ(test, zcp_buddy_alloc_all(&b, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, zcp_buddy_alloc_all(&b, ZCP_BUDDY_PAGES + 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, zcp_buddy_count(&b, NR_ORDERS), 0);
	KUNIT_EXPECT_MEMEQ(test, &b, &before, sizeof(b));
}

/* The blocks that a sequence of calls holds, oldest first */
struct held {
	struct zcp_buddy b;
	unsigned int start[ZCP_BUDDY_PAGES];
	unsigned int nr;
};

static void held_free(struct kunit *test, struct held *held, unsigned int i)
{
	int order = zcp_buddy_order(&held->b, held->start[i]);

	KUNIT_ASSERT_GE(test, order, 0);
	KUNIT_ASSERT_EQ(test, zcp_buddy_free(&held->b, held->start[i], order), 0);
	held->nr--;
	memmove(held->start + i, held->start + i + 1,
		(held->nr - i) * sizeof(*held->start));
}

static void held_alloc(struct held *held, unsigned int order)
{
	int start = zcp_buddy_alloc(&held->b, order);

	if (start >= 0)
		held->start[held->nr++] = start;
}

/* Only what is left of its first block is held on to; the rest stays allocated. */
static void held_cut(struct kunit *test, struct held *held, bool shatter)
{
	unsigned int start = held->start[held->nr - 1];
	int order = zcp_buddy_order(&held->b, start);

	if (shatter)
		KUNIT_ASSERT_EQ(test, zcp_buddy_shatter(&held->b, start), 0);
	else
		KUNIT_ASSERT_EQ(test, zcp_buddy_trim(&held->b, start, (3U << order) / 4 ?: 1), 0);
}

enum { ALLOC_LARGE, ALLOC_HALF, ALLOC_ONE, FREE_OLDEST, FREE_NEWEST, TRIM, SHATTER, NR_STEPS };

static void held_step(struct kunit *test, struct held *held, unsigned int step)
{
	if (step == ALLOC_LARGE)
		held_alloc(held, ZCP_BUDDY_MAX_ORDER);
	else if (step == ALLOC_HALF)
		held_alloc(held, ZCP_BUDDY_MAX_ORDER - 1);
	else if (step == ALLOC_ONE)
		held_alloc(held, 0);
	else if (!held->nr)
		return;
	else if (step == FREE_OLDEST || step == FREE_NEWEST)
		held_free(test, held, step == FREE_OLDEST ? 0 : held->nr - 1);
	else
		held_cut(test, held, step == SHATTER);
}

/* Every sequence of four calls. */
static void buddy_sequences(struct kunit *test)
{
	struct held *held = kunit_kzalloc(test, sizeof(*held), GFP_KERNEL);
	unsigned int seq, rest, i;

	KUNIT_ASSERT_NOT_NULL(test, held);
	for (seq = 0; seq < NR_STEPS * NR_STEPS * NR_STEPS * NR_STEPS; seq++) {
		zcp_buddy_init(&held->b);
		held->nr = 0;
		for (i = 0, rest = seq; i < 4; i++, rest /= NR_STEPS) {
			held_step(test, held, rest % NR_STEPS);
			KUNIT_ASSERT_STREQ_MSG(test, fault(&held->b), "", "sequence %u", seq);
		}
	}
}

/*
 * Random calls beside a model that knows only which pages are taken: there is a
 * block if and only if as many free pages lie in its place.
 */
static void buddy_random(struct kunit *test)
{
	struct held *held = kunit_kzalloc(test, sizeof(*held), GFP_KERNEL);
	DECLARE_BITMAP(taken, ZCP_BUDDY_PAGES) = {};
	unsigned int i, pick, order, nr, place;
	struct rnd_state rnd;
	int start;

	KUNIT_ASSERT_NOT_NULL(test, held);
	prandom_seed_state(&rnd, 1);
	zcp_buddy_init(&held->b);
	for (i = 0; i < 20000; i++) {
		if (held->nr && prandom_u32_state(&rnd) % 16 < 7 + i / 1000 % 3) {
			pick = prandom_u32_state(&rnd) % held->nr;
			nr = 1U << zcp_buddy_order(&held->b, held->start[pick]);
			bitmap_clear(taken, held->start[pick], nr);
			held_free(test, held, pick);
		} else {
			order = prandom_u32_state(&rnd) % 64 ? prandom_u32_state(&rnd) % 6 :
							       prandom_u32_state(&rnd) % NR_ORDERS;
			nr = 1U << order;
			place = bitmap_find_next_zero_area(taken, ZCP_BUDDY_PAGES, 0, nr, nr - 1);
			start = zcp_buddy_alloc(&held->b, order);
			KUNIT_ASSERT_EQ(test, start >= 0, place < ZCP_BUDDY_PAGES);
			if (start < 0)
				continue;
			KUNIT_ASSERT_EQ(test, start % nr, 0);
			KUNIT_ASSERT_GE(test, find_next_bit(taken, start + nr, start), start + nr);
			bitmap_set(taken, start, nr);
			held->start[held->nr++] = start;
		}
		KUNIT_ASSERT_EQ(test, zcp_buddy_nr_free(&held->b),
				ZCP_BUDDY_PAGES - bitmap_weight(taken, ZCP_BUDDY_PAGES));
	}
	KUNIT_EXPECT_STREQ(test, fault(&held->b), "");
}

static struct kunit_case zcp_buddy_cases[] = {
	KUNIT_CASE(buddy_init),
	KUNIT_CASE(buddy_alloc),
	KUNIT_CASE(buddy_alloc_all),
	KUNIT_CASE(buddy_trim),
	KUNIT_CASE(buddy_shatter),
	KUNIT_CASE(buddy_refuses),
	KUNIT_CASE_SLOW(buddy_sequences),
	KUNIT_CASE_SLOW(buddy_random),
	{}
};

static struct kunit_suite zcp_buddy_suite = {
	.name = "zcpool_buddy",
	.test_cases = zcp_buddy_cases,
};

kunit_test_suite(zcp_buddy_suite);
