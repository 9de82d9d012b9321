// SPDX-License-Identifier: GPL-2.0
/*
 * Nodes: what is taken, and what comes back.
 */
#include <linux/mm.h>
#include <linux/prandom.h>

#include "fixture.h"

static void node_create(struct kunit *test)
{
	struct zcp_node *node;
	int nid, i;

	for_each_node_state(nid, N_MEMORY) {
		node = zcp_test_node(test, nid, 0, 4);
		KUNIT_EXPECT_EQ(test, node->nid, nid);
		KUNIT_EXPECT_EQ(test, node->nr_chunks, 0);
		for (i = 0; i < ZCP_NR_STATES; i++)
			KUNIT_EXPECT_EQ(test, node->nr[i], 0);
		EXPECT_SOUND(test, node);
	}
}

/* A split chunk's page if there is one, and it is in nobody's way. */
static void node_borrow(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 2);
	struct zcp_extent ext, all;
	struct zcp_piece piece;

	KUNIT_ASSERT_TRUE(test, zcp_node_borrow(node, &ext, &piece));
	KUNIT_EXPECT_NOT_NULL(test, ext.chunk->split);
	KUNIT_EXPECT_EQ(test, ext.nr, 1);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_DIRTY], 1);
	KUNIT_EXPECT_EQ(test, zcp_node_take_block(node, &all, ZCP_CHUNK_PAGES), -ENOMEM);
	zcp_node_return_borrowed(&ext, &piece);
	EXPECT_SOUND(test, node);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_CLEAN], 2 * ZCP_CHUNK_PAGES);

	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, &all, ZCP_CHUNK_PAGES), 0);
	KUNIT_ASSERT_TRUE(test, zcp_node_borrow(node, &ext, &piece));
	KUNIT_EXPECT_NULL(test, ext.chunk->split);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_DIRTY], ZCP_CHUNK_PAGES);
	KUNIT_EXPECT_FALSE(test, zcp_node_borrow(node, &ext, &piece));
	zcp_node_return_borrowed(&ext, &piece);
	EXPECT_SOUND(test, node);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_CLEAN], ZCP_CHUNK_PAGES);
	zcp_node_free(&all, 1);
}

/* Had the page's chunk a memory error meanwhile, it is not for use any more. */
static void node_borrow_retired(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 2);
	struct zcp_extent ext, hit;
	struct zcp_piece piece;

	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, &hit, 1), 0);
	KUNIT_ASSERT_TRUE(test, zcp_node_borrow(node, &ext, &piece));
	KUNIT_ASSERT_PTR_EQ(test, hit.chunk, ext.chunk);
	SetPageHWPoison(zcp_extent_page(&hit));
	zcp_node_free(&hit, 1);
	KUNIT_EXPECT_TRUE(test, zcp_scrub_split(node));
	zcp_node_return_borrowed(&ext, &piece);
	EXPECT_SOUND(test, node);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_RETIRED], ZCP_CHUNK_PAGES);
	ClearPageHWPoison(zcp_extent_page(&hit));
}

static void node_take_whole(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 4, 4);
	struct zcp_extent ext[4];
	unsigned int i;

	KUNIT_EXPECT_EQ(test, zcp_node_take_whole(node, ext, 0), 0);
	KUNIT_ASSERT_EQ(test, zcp_node_take_whole(node, ext, 2), 2);
	KUNIT_ASSERT_EQ(test, zcp_node_take_whole(node, ext + 2, 2), 1);
	KUNIT_EXPECT_EQ(test, zcp_node_take_whole(node, ext + 3, 1), 0);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_USED], 3 * ZCP_CHUNK_PAGES);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, ext[i].start, 0);
		KUNIT_EXPECT_EQ(test, ext[i].nr, ZCP_CHUNK_PAGES);
		KUNIT_EXPECT_PTR_NE(test, ext[i].chunk, ext[(i + 1) % 3].chunk);
	}
	EXPECT_SOUND(test, node);
	zcp_node_free(ext, 3);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_USED], 0);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_DIRTY], 3 * ZCP_CHUNK_PAGES);
	KUNIT_EXPECT_EQ(test, zcp_node_take_whole(node, ext, 1), 0);
	EXPECT_SOUND(test, node);
}

/* Clean whole chunks from this one on that follow each other in memory */
static unsigned int neighbours(struct zcp_node *node, struct zcp_chunk *chunk)
{
	struct zcp_chunk *other;

	list_for_each_entry(other, &node->whole[ZCP_CLEAN], link) {
		if (page_to_pfn(other->page) == page_to_pfn(chunk->page) + ZCP_CHUNK_PAGES)
			return 1 + neighbours(node, other);
	}
	return 1;
}

static unsigned int longest_run(struct zcp_node *node)
{
	struct zcp_chunk *chunk;
	unsigned int run = 0;

	list_for_each_entry(chunk, &node->whole[ZCP_CLEAN], link)
		run = max(run, neighbours(node, chunk));
	return run;
}

/* A run that there is, none that is longer, and not across a chunk that is used. */
static void node_take_run(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 17, 17);
	struct zcp_extent ext[16];
	unsigned int run = longest_run(node), i;

	if (run < 3)
		kunit_skip(test, "no three chunks of the node are neighbours");
	if (run < 16)
		KUNIT_EXPECT_EQ(test, zcp_node_take_run(node, ext, run + 1), -ENOMEM);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_USED], 0);
	KUNIT_ASSERT_EQ(test, zcp_node_take_run(node, ext, run), 0);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_USED], run * ZCP_CHUNK_PAGES);
	for (i = 0; i < run; i++) {
		KUNIT_EXPECT_EQ(test, page_to_pfn(ext[i].chunk->page),
				page_to_pfn(ext[0].chunk->page) + i * ZCP_CHUNK_PAGES);
		KUNIT_EXPECT_EQ(test, ext[i].nr, ZCP_CHUNK_PAGES);
	}
	EXPECT_SOUND(test, node);

	/* Without the second of them. */
	swap(ext[1], ext[run - 1]);
	zcp_node_free(ext, run - 1);
	while (zcp_scrub_whole(node, ZCP_KEEP_SURPLUS))
		;
	i = longest_run(node);
	KUNIT_EXPECT_EQ(test, zcp_node_take_run(node, ext, i + 1), -ENOMEM);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_USED], ZCP_CHUNK_PAGES);
	zcp_node_free(ext + run - 1, 1);
	EXPECT_SOUND(test, node);
}

/* Any number of pages, at a place aligned for it, and nothing beyond it. */
static void node_take_block(struct kunit *test)
{
	static const unsigned int sizes[] = { 1, 2, 3, 16, 17, 255, 256, 257, 300, 511, 512 };
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 2);
	struct zcp_extent ext;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, &ext, sizes[i]), 0);
		KUNIT_EXPECT_EQ(test, ext.nr, sizes[i]);
		KUNIT_EXPECT_EQ(test, ext.start % roundup_pow_of_two(sizes[i]), 0);
		KUNIT_EXPECT_EQ(test, node->nr[ZCP_USED], sizes[i]);
		KUNIT_EXPECT_EQ(test, zcp_buddy_nr_free(&ext.chunk->split->buddy),
				ZCP_CHUNK_PAGES - sizes[i]);
		EXPECT_SOUND(test, node);
		zcp_node_free(&ext, 1);
		KUNIT_EXPECT_EQ(test, node->nr[ZCP_DIRTY], sizes[i]);
		while (zcp_scrub_split(node))
			EXPECT_SOUND(test, node);
		KUNIT_EXPECT_EQ(test, node->nr[ZCP_CLEAN], 2 * ZCP_CHUNK_PAGES);
	}
}

static void node_take_block_none(struct kunit *test)
{
	struct zcp_node *empty = zcp_test_node(test, first_memory_node, 0, 1);
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 2);
	struct zcp_extent ext[2];

	KUNIT_EXPECT_EQ(test, zcp_node_take_block(empty, ext, 1), -ENOMEM);
	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, ext, 1), 0);
	/* All but one page are clean, and yet there is no block of more than a half. */
	KUNIT_EXPECT_EQ(test, zcp_node_take_block(node, ext + 1, 257), -ENOMEM);
	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, ext + 1, 256), 0);
	KUNIT_EXPECT_EQ(test, zcp_node_take_block(node, ext + 1, 129), -ENOMEM);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_USED], 257);
	zcp_node_free(ext, 2);
	EXPECT_SOUND(test, node);
}

/* The fullest chunk that will do, so that others stay idle. */
static void node_take_block_fullest(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 2);
	struct zcp_extent ext[3];

	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, ext, 300), 0);
	KUNIT_ASSERT_EQ(test, zcp_test_refill(node, ZCP_SPLIT, ZCP_NO_GROW), 0);
	KUNIT_ASSERT_EQ(test, node->nr_split, 2);
	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, ext + 1, 1), 0);
	KUNIT_EXPECT_PTR_EQ(test, ext[1].chunk, ext[0].chunk);
	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, ext + 2, 256), 0);
	KUNIT_EXPECT_PTR_NE(test, ext[2].chunk, ext[0].chunk);
	zcp_node_free(ext, 3);
	EXPECT_SOUND(test, node);
}

/* Whole and split in one call; what was written is not there for the next. */
static void node_free(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 2);
	struct zcp_extent ext[2];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		KUNIT_ASSERT_EQ(test, zcp_node_take_whole(node, ext, 1), 1);
		KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, ext + 1, 33), 0);
		KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(zcp_extent_page(ext), ext->nr, 0));
		KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(zcp_extent_page(ext + 1), 33, 0));
		zcp_test_pages_fill(zcp_extent_page(ext), ext->nr, 0xee);
		zcp_test_pages_fill(zcp_extent_page(ext + 1), 33, 0xee);
		zcp_node_free(ext, 2);
		KUNIT_EXPECT_EQ(test, node->nr[ZCP_DIRTY], ZCP_CHUNK_PAGES + 33);
		EXPECT_SOUND(test, node);
		KUNIT_EXPECT_EQ(test, zcp_test_refill(node, ZCP_WHOLE, ZCP_NO_GROW), 0);
		KUNIT_EXPECT_EQ(test, zcp_test_refill(node, ZCP_SPLIT, ZCP_NO_GROW), 0);
		KUNIT_EXPECT_EQ(test, zcp_test_refill(node, ZCP_SPLIT, ZCP_NO_GROW), 0);
		KUNIT_EXPECT_EQ(test, node->nr[ZCP_CLEAN], 2 * ZCP_CHUNK_PAGES);
		EXPECT_SOUND(test, node);
	}
}

/* What was taken in vain is clean, in whatever pieces it was. */
static void node_untake(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 3, 3);
	unsigned long news[] = {
		[ZCP_WHOLE] = zcp_test_news(node, ZCP_WHOLE),
		[ZCP_SPLIT] = zcp_test_news(node, ZCP_SPLIT),
	};
	struct zcp_extent ext[3];

	KUNIT_ASSERT_EQ(test, zcp_node_take_whole(node, ext, 1), 1);
	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, ext + 1, 7), 0);
	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, ext + 2, 200), 0);
	zcp_node_untake(ext, 3);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_CLEAN], 3 * ZCP_CHUNK_PAGES);
	EXPECT_SOUND(test, node);
	/* Who had looked for it in vain meanwhile is told. */
	KUNIT_EXPECT_NE(test, zcp_test_news(node, ZCP_WHOLE), news[ZCP_WHOLE]);
	KUNIT_EXPECT_NE(test, zcp_test_news(node, ZCP_SPLIT), news[ZCP_SPLIT]);
	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, ext, ZCP_CHUNK_PAGES), 0);
	KUNIT_ASSERT_EQ(test, zcp_node_take_whole(node, ext + 1, 2), 2);
	zcp_node_untake(ext, 3);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_CLEAN], 3 * ZCP_CHUNK_PAGES);
	EXPECT_SOUND(test, node);
}

/* Dirty as it was freed, unless somebody still holds it; zeroed once, before it is seen. */
static void node_take_dirty(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 3, 3);
	struct zcp_extent ext[2];
	struct page *pinned;

	KUNIT_ASSERT_EQ(test, zcp_node_take_whole(node, ext, 2), 2);
	zcp_test_pages_fill(zcp_extent_page(ext), ZCP_CHUNK_PAGES, 0xee);
	pinned = zcp_page_get(zcp_extent_page(ext + 1));
	zcp_node_free(ext, 2);
	KUNIT_ASSERT_EQ(test, zcp_node_take_dirty(node, ext, 2), 1);
	KUNIT_EXPECT_TRUE(test, ext->chunk->to_zero);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_DIRTY], ZCP_CHUNK_PAGES);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_USED], ZCP_CHUNK_PAGES);
	EXPECT_SOUND(test, node);

	zcp_node_untake(ext, 1);
	KUNIT_EXPECT_FALSE(test, ext->chunk->to_zero);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_DIRTY], 2 * ZCP_CHUNK_PAGES);
	EXPECT_SOUND(test, node);
	put_page(pinned);

	KUNIT_ASSERT_EQ(test, zcp_node_take_dirty(node, ext, 2), 2);
	zcp_chunk_zero(ext[0].chunk);
	zcp_chunk_zero(ext[1].chunk);
	KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(zcp_extent_page(ext), ZCP_CHUNK_PAGES, 0));
	KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(zcp_extent_page(ext + 1), ZCP_CHUNK_PAGES, 0));
	zcp_test_pages_fill(zcp_extent_page(ext), ZCP_CHUNK_PAGES, 0xee);
	zcp_chunk_zero(ext[0].chunk);
	KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(zcp_extent_page(ext), ZCP_CHUNK_PAGES, 0xee));
	zcp_node_free(ext, 2);
	EXPECT_SOUND(test, node);
}

/* What the kernel was not asked to zero, and what is joined so, is dirty. */
static void node_grow_dirty(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 3);
	struct zcp_extent ext[2];

	KUNIT_ASSERT_EQ(test, zcp_node_get_chunk(node, ZCP_WHOLE, ZCP_GFP_GROW_DIRTY), 0);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_DIRTY], ZCP_CHUNK_PAGES);
	EXPECT_SOUND(test, node);
	KUNIT_EXPECT_EQ(test, zcp_node_join_one(node, ZCP_GFP_GROW_DIRTY, NULL), 0);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_DIRTY], 2 * ZCP_CHUNK_PAGES);
	KUNIT_EXPECT_EQ(test, node->nr_split, 0);
	EXPECT_SOUND(test, node);
	KUNIT_ASSERT_EQ(test, zcp_node_take_dirty(node, ext, 2), 2);
	zcp_node_free(ext, 2);
	EXPECT_SOUND(test, node);
}

/* Another page of its chunk had a memory error before it came back. */
static void node_untake_retired(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 2);
	struct zcp_extent ext, hit;

	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, &hit, 1), 0);
	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, &ext, 5), 0);
	KUNIT_ASSERT_PTR_EQ(test, hit.chunk, ext.chunk);
	SetPageHWPoison(zcp_extent_page(&hit));
	zcp_node_free(&hit, 1);
	KUNIT_EXPECT_TRUE(test, zcp_scrub_split(node));
	zcp_node_untake(&ext, 1);
	EXPECT_SOUND(test, node);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_RETIRED], ZCP_CHUNK_PAGES);
	ClearPageHWPoison(zcp_extent_page(&hit));
}

#define NR_HELD		24

/* Extents that are taken; each was zero when it was, and is not any more */
struct held {
	struct zcp_extent ext[NR_HELD];
	unsigned int nr;
};

static void random_take(struct kunit *test, struct zcp_node *node, struct held *held,
			enum zcp_kind kind, unsigned int pages)
{
	struct zcp_extent *ext = held->ext + held->nr;
	unsigned long seen = zcp_test_news(node, kind);
	int err;

	if (kind == ZCP_SPLIT)
		err = zcp_node_take_block(node, ext, pages);
	else
		err = zcp_node_take_whole(node, ext, 1) ? 0 : -ENOMEM;
	if (err) {
		err = zcp_test_refill_since(node, kind, ZCP_MAY_GROW, seen);
		KUNIT_ASSERT_TRUE(test, !err || err == -ENOSPC);
		return;
	}
	KUNIT_ASSERT_TRUE(test, zcp_test_pages_are(zcp_extent_page(ext), ext->nr, 0));
	zcp_test_pages_fill(zcp_extent_page(ext), ext->nr, 0xee);
	held->nr++;
}

static void random_free(struct held *held, unsigned int pick)
{
	zcp_node_free(held->ext + pick, 1);
	held->ext[pick] = held->ext[--held->nr];
}

/* Takes, frees and scrubs in any order: lists and counts agree after each. */
static void node_any_order(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 3, 6);
	struct held *held = kunit_kzalloc(test, sizeof(*held), GFP_KERNEL);
	struct rnd_state rnd;
	unsigned int i, pick;

	KUNIT_ASSERT_NOT_NULL(test, held);
	prandom_seed_state(&rnd, 2);
	for (i = 0; i < 1000; i++) {
		pick = prandom_u32_state(&rnd) >> 8;
		switch (prandom_u32_state(&rnd) % 16) {
		case 0 ... 7:
			if (held->nr < NR_HELD)
				random_take(test, node, held,
					    pick % 8 ? ZCP_SPLIT : ZCP_WHOLE,
					    1 + pick / 8 % (pick % 3 ? 20 : ZCP_CHUNK_PAGES));
			break;
		case 8 ... 12:
			if (held->nr)
				random_free(held, pick % held->nr);
			break;
		case 13:
			zcp_scrub_whole(node, pick % 2 ? ZCP_KEEP_SURPLUS :
						       ZCP_RELEASE_SURPLUS);
			break;
		case 14:
			zcp_scrub_split(node);
			break;
		case 15:
			zcp_test_settle(node);
			break;
		}
		ASSERT_SOUND(test, node);
	}
	while (held->nr)
		random_free(held, 0);
	while (zcp_scrub_whole(node, ZCP_RELEASE_SURPLUS) || zcp_scrub_split(node))
		;
	zcp_test_settle(node);
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 3);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_CLEAN], 3 * ZCP_CHUNK_PAGES);
	EXPECT_SOUND(test, node);
}

static struct kunit_case zcp_node_cases[] = {
	KUNIT_CASE(node_create),
	KUNIT_CASE(node_borrow),
	KUNIT_CASE(node_borrow_retired),
	KUNIT_CASE(node_take_whole),
	KUNIT_CASE(node_take_run),
	KUNIT_CASE(node_take_block),
	KUNIT_CASE(node_take_block_none),
	KUNIT_CASE(node_take_block_fullest),
	KUNIT_CASE(node_free),
	KUNIT_CASE(node_untake),
	KUNIT_CASE(node_take_dirty),
	KUNIT_CASE(node_grow_dirty),
	KUNIT_CASE(node_untake_retired),
	KUNIT_CASE(node_any_order),
	{}
};

static struct kunit_suite zcp_node_suite = {
	.name = "zcpool_node",
	.test_cases = zcp_node_cases,
};

kunit_test_suite(zcp_node_suite);
