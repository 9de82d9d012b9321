// SPDX-License-Identifier: GPL-2.0
/*
 * Lists of extents that are moved, and ranges that are copied.
 */
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/sched/signal.h>

#include "fixture.h"

/* Many small pieces of one chunk, none the neighbour of the last */
static void make_list(struct kunit *test, struct zcp_extents *list, struct zcp_chunk *chunk,
		      unsigned int nr)
{
	struct zcp_extent ext = { .chunk = chunk, .nr = 1 };

	zcp_extents_init(list);
	KUNIT_ASSERT_EQ(test, zcp_extents_reserve(list, nr), 0);
	for (; nr; nr--, ext.start += 2)
		zcp_extents_append(list, &ext);
}

static void extents_move(struct kunit *test)
{
	const unsigned int sizes[] = { 0, 1, ZCP_INLINE_EXTENTS, ZCP_INLINE_EXTENTS + 1, 200 };
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 2);
	struct zcp_extent ext = take_block(test, node, ZCP_CHUNK_PAGES);
	struct zcp_extents from, to;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		make_list(test, &from, ext.chunk, sizes[i]);
		from.nr_whole = sizes[i] / 2;
		zcp_extents_move(&to, &from);
		KUNIT_EXPECT_EQ(test, from.nr, 0);
		KUNIT_EXPECT_EQ(test, from.nr_whole, 0);
		KUNIT_EXPECT_TRUE(test, from.ext == from.inline_ext);
		KUNIT_EXPECT_EQ(test, from.max, ZCP_INLINE_EXTENTS);
		KUNIT_EXPECT_EQ(test, to.nr, sizes[i]);
		KUNIT_EXPECT_EQ(test, to.nr_whole, sizes[i] / 2);
		KUNIT_EXPECT_EQ(test, to.ext == to.inline_ext, sizes[i] <= ZCP_INLINE_EXTENTS);
		for (j = 0; j < sizes[i]; j++)
			KUNIT_EXPECT_EQ(test, to.ext[j].start, 2 * j);

		/* The old one is as good as new, and does not write into the other. */
		KUNIT_ASSERT_EQ(test, zcp_extents_reserve(&from, 1), 0);
		zcp_extents_append(&from, &ext);
		KUNIT_EXPECT_EQ(test, from.nr, 1);
		if (sizes[i])
			KUNIT_EXPECT_EQ(test, to.ext->nr, 1);
		zcp_extents_destroy(&from);
		zcp_extents_destroy(&to);
	}
	zcp_node_free(&ext, 1);
	EXPECT_SOUND(test, node);
}

/* A whole chunk, and a tail in pieces of so many pages */
static void take_range(struct kunit *test, struct zcp_node *node, struct zcp_extents *list,
		       const unsigned int *cuts, unsigned int nr)
{
	unsigned int i;

	zcp_extents_init(list);
	KUNIT_ASSERT_EQ(test, zcp_extents_reserve(list, nr + 1), 0);
	list->ext[0] = take_whole(test, node);
	list->nr_whole = 1;
	list->nr = 1;
	/* Not by zcp_extents_append(), which would make one piece of neighbours. */
	for (i = 0; i < nr; i++)
		list->ext[list->nr++] = take_block(test, node, cuts[i]);
}

/* Each page of it holds the number of its own. */
static void fill_range(const struct zcp_extents *list)
{
	struct page *page;
	unsigned int nr;
	pgoff_t i;

	for (i = 0; (page = zcp_extents_run(list, i, &nr)); i++)
		zcp_test_pages_fill(page, 1, 1 + i % 255);
}

static void wipe_range(const struct zcp_extents *list)
{
	unsigned int i;

	for (i = 0; i < list->nr; i++)
		zcp_pages_clear(zcp_extent_page(&list->ext[i]), list->ext[i].nr);
}

/* How many pages of it do, from one on */
static unsigned int filled_pages(const struct zcp_extents *list, pgoff_t first)
{
	unsigned int filled = 0, nr;
	struct page *page;
	pgoff_t i;

	for (i = first; (page = zcp_extents_run(list, i, &nr)); i++)
		filled += zcp_test_pages_are(page, 1, 1 + i % 255);
	return filled;
}

static void drop_range(struct zcp_extents *list)
{
	zcp_node_free(list->ext, list->nr);
	zcp_extents_destroy(list);
}

/* Pages of the tail, the sum of its cuts */
#define TAIL	16U

struct copy_fixture {
	struct zcp_node *node;
	struct zcp_extents from;
	struct zcp_extents to;
};

/* The tail is cut in other pieces where it is copied to. */
static void make_copy(struct kunit *test, struct copy_fixture *copy)
{
	static const unsigned int five_pieces[] = { 1, 4, 3, 7, 1 }, three_pieces[] = { 8, 5, 3 };

	copy->node = zcp_test_node(test, first_memory_node, 3, 3);
	take_range(test, copy->node, &copy->from, five_pieces, ARRAY_SIZE(five_pieces));
	take_range(test, copy->node, &copy->to, three_pieces, ARRAY_SIZE(three_pieces));
	fill_range(&copy->from);
}

static void drop_copy(struct kunit *test, struct copy_fixture *copy)
{
	drop_range(&copy->from);
	drop_range(&copy->to);
	zcp_test_scrub(copy->node);
	KUNIT_EXPECT_EQ(test, copy->node->nr[ZCP_CLEAN], 3 * ZCP_CHUNK_PAGES);
	EXPECT_SOUND(test, copy->node);
}

static void extents_copy(struct kunit *test)
{
	struct copy_fixture copy;

	make_copy(test, &copy);
	KUNIT_EXPECT_EQ(test, zcp_extents_copy(&copy.to, &copy.from), 0);
	KUNIT_EXPECT_EQ(test, filled_pages(&copy.to, 0), ZCP_CHUNK_PAGES + TAIL);
	KUNIT_EXPECT_EQ(test, filled_pages(&copy.from, 0), ZCP_CHUNK_PAGES + TAIL);

	/* And back, from fewer pieces to more */
	wipe_range(&copy.from);
	KUNIT_EXPECT_EQ(test, filled_pages(&copy.from, 0), 0);
	KUNIT_EXPECT_EQ(test, zcp_extents_copy(&copy.from, &copy.to), 0);
	KUNIT_EXPECT_EQ(test, filled_pages(&copy.from, 0), ZCP_CHUNK_PAGES + TAIL);
	drop_copy(test, &copy);
}

/* What is in a chunk that nobody has looked at yet is somebody else's: zeroes instead. */
static void extents_copy_to_zero(struct kunit *test)
{
	struct copy_fixture copy;
	unsigned int nr;

	make_copy(test, &copy);
	copy.from.ext->chunk->to_zero = true;
	KUNIT_EXPECT_EQ(test, zcp_extents_copy(&copy.to, &copy.from), 0);
	KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(zcp_extents_run(&copy.to, 0, &nr),
						   ZCP_CHUNK_PAGES, 0));
	KUNIT_EXPECT_EQ(test, filled_pages(&copy.to, ZCP_CHUNK_PAGES), TAIL);
	KUNIT_EXPECT_FALSE(test, copy.to.ext->chunk->to_zero);
	drop_copy(test, &copy);
}

/* Neither what has been hit is copied, nor what follows it. */
static void extents_copy_poisoned(struct kunit *test)
{
	const pgoff_t hits[] = { 7, ZCP_CHUNK_PAGES + 9 };
	struct copy_fixture copy;
	struct page *page;
	unsigned int i, nr;

	for (i = 0; i < ARRAY_SIZE(hits); i++) {
		make_copy(test, &copy);
		page = zcp_extents_run(&copy.from, hits[i], &nr);
		SetPageHWPoison(page);
		KUNIT_EXPECT_EQ(test, zcp_extents_copy(&copy.to, &copy.from), -EIO);
		KUNIT_EXPECT_EQ(test, filled_pages(&copy.to, hits[i]), 0);
		ClearPageHWPoison(page);
		KUNIT_EXPECT_EQ(test, filled_pages(&copy.from, 0), ZCP_CHUNK_PAGES + TAIL);
		drop_copy(test, &copy);
	}
}

static void extents_copy_killed(struct kunit *test)
{
	struct copy_fixture copy;

	make_copy(test, &copy);
	allow_signal(SIGKILL);
	send_sig(SIGKILL, current, 1);
	KUNIT_EXPECT_EQ(test, zcp_extents_copy(&copy.to, &copy.from), -EINTR);
	flush_signals(current);
	disallow_signal(SIGKILL);
	KUNIT_EXPECT_EQ(test, filled_pages(&copy.from, 0), ZCP_CHUNK_PAGES + TAIL);
	drop_copy(test, &copy);
}

static struct kunit_case zcp_extent_cases[] = {
	KUNIT_CASE(extents_move),
	KUNIT_CASE(extents_copy),
	KUNIT_CASE(extents_copy_to_zero),
	KUNIT_CASE(extents_copy_poisoned),
	KUNIT_CASE(extents_copy_killed),
	{}
};

static struct kunit_suite zcp_extent_suite = {
	.name = "zcpool_extent",
	.test_cases = zcp_extent_cases,
};

kunit_test_suite(zcp_extent_suite);
