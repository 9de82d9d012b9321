// SPDX-License-Identifier: GPL-2.0
/*
 * The scrubber: what becomes of memory that comes back, when nobody holds it,
 * when somebody does, and when a memory error has hit it.
 */
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/page-flags.h>

#include "fixture.h"

/* Cleared only if it is kept. */
static void scrub_whole(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 1, 4);
	struct zcp_extent ext = take_whole(test, node);

	KUNIT_EXPECT_FALSE(test, zcp_scrub_whole(node, ZCP_KEEP_SURPLUS));
	zcp_test_pages_fill(zcp_extent_page(&ext), ext.nr, 0xee);
	zcp_node_free(&ext, 1);
	KUNIT_EXPECT_TRUE(test, zcp_scrub_whole(node, ZCP_RELEASE_SURPLUS));
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_CLEAN], ZCP_CHUNK_PAGES);
	ext = take_whole(test, node);
	KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(zcp_extent_page(&ext), ext.nr, 0));
	zcp_node_free(&ext, 1);

	node->reserve = 0;
	KUNIT_EXPECT_TRUE(test, zcp_scrub_whole(node, ZCP_KEEP_SURPLUS));
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 1);
	ext = take_whole(test, node);
	zcp_node_free(&ext, 1);
	KUNIT_EXPECT_TRUE(test, zcp_scrub_whole(node, ZCP_RELEASE_SURPLUS));
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 0);
	EXPECT_SOUND(test, node);
}

/* One block of the buddy at a time. */
static void scrub_split(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 2);
	struct zcp_extent ext = take_block(test, node, 13);
	unsigned int i;

	KUNIT_EXPECT_FALSE(test, zcp_scrub_split(node));
	zcp_test_pages_fill(zcp_extent_page(&ext), ext.nr, 0xee);
	zcp_node_free(&ext, 1);
	/* 8 + 4 + 1 */
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_TRUE(test, zcp_scrub_split(node));
		EXPECT_SOUND(test, node);
	}
	KUNIT_EXPECT_FALSE(test, zcp_scrub_split(node));
	KUNIT_EXPECT_EQ(test, zcp_buddy_count(&ext.chunk->split->buddy, ZCP_BUDDY_MAX_ORDER), 2);
	KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(ext.chunk->page, ZCP_CHUNK_PAGES, 0));
}

/* Whoever waits for a whole chunk is told when a split one has become free. */
static void scrub_split_zeroes(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 2);
	struct zcp_extent ext[2] = { take_block(test, node, 4), take_block(test, node, 4) };
	unsigned long news[] = {
		[ZCP_WHOLE] = zcp_test_news(node, ZCP_WHOLE),
		[ZCP_SPLIT] = zcp_test_news(node, ZCP_SPLIT),
	};

	zcp_node_free(ext, 1);
	KUNIT_EXPECT_TRUE(test, zcp_scrub_split(node));
	KUNIT_EXPECT_EQ(test, zcp_test_news(node, ZCP_WHOLE), news[ZCP_WHOLE]);
	KUNIT_EXPECT_EQ(test, zcp_test_news(node, ZCP_SPLIT), news[ZCP_SPLIT] + 1);
	zcp_node_free(ext + 1, 1);
	KUNIT_EXPECT_TRUE(test, zcp_scrub_split(node));
	KUNIT_EXPECT_EQ(test, zcp_test_news(node, ZCP_WHOLE), news[ZCP_WHOLE] + 1);
	KUNIT_EXPECT_EQ(test, zcp_test_news(node, ZCP_SPLIT), news[ZCP_SPLIT] + 2);
	KUNIT_EXPECT_TRUE(test, list_empty(&node->pieces));
}

/* A whole chunk that somebody holds is neither cleared nor given to anybody. */
static void quarantine_whole(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 1, 1);
	struct zcp_extent ext = take_whole(test, node);
	struct page *page = zcp_extent_page(&ext);

	zcp_test_pages_fill(page, ext.nr, 0xee);
	get_page(page);
	zcp_node_free(&ext, 1);
	KUNIT_EXPECT_TRUE(test, zcp_scrub_whole(node, ZCP_KEEP_SURPLUS));
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_QUARANTINED], ZCP_CHUNK_PAGES);
	EXPECT_SOUND(test, node);
	KUNIT_EXPECT_FALSE(test, zcp_quarantine_scan(node));
	KUNIT_EXPECT_EQ(test, zcp_test_refill(node, ZCP_WHOLE, ZCP_MAY_GROW), -ENOSPC);
	KUNIT_EXPECT_EQ(test, zcp_node_take_whole(node, &ext, 1), 0);
	KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(page, ZCP_CHUNK_PAGES, 0xee));

	put_page(page);
	KUNIT_EXPECT_TRUE(test, zcp_quarantine_scan(node));
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_DIRTY], ZCP_CHUNK_PAGES);
	EXPECT_SOUND(test, node);
	KUNIT_EXPECT_FALSE(test, zcp_quarantine_scan(node));
	KUNIT_EXPECT_EQ(test, zcp_test_refill(node, ZCP_WHOLE, ZCP_MAY_GROW), 0);
	KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(page, ZCP_CHUNK_PAGES, 0));
	EXPECT_SOUND(test, node);
}

/* Of a block only the page that somebody holds; its neighbours are of use again. */
static void quarantine_split(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 2);
	struct zcp_extent ext = take_block(test, node, 8);
	struct zcp_buddy *buddy = &ext.chunk->split->buddy;
	struct page *page = zcp_extent_page(&ext) + 2;

	zcp_test_pages_fill(zcp_extent_page(&ext), ext.nr, 0xee);
	get_page(page);
	zcp_node_free(&ext, 1);
	KUNIT_EXPECT_TRUE(test, zcp_scrub_split(node));
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_QUARANTINED], 1);
	KUNIT_EXPECT_EQ(test, zcp_buddy_nr_free(buddy), ZCP_CHUNK_PAGES - 1);
	KUNIT_EXPECT_EQ(test, zcp_buddy_order(buddy, ext.start + 2), 0);
	KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(page, 1, 0xee));
	KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(page - 2, 2, 0));
	KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(page + 1, 5, 0));
	KUNIT_EXPECT_FALSE(test, zcp_quarantine_scan(node));
	EXPECT_SOUND(test, node);

	put_page(page);
	KUNIT_EXPECT_TRUE(test, zcp_quarantine_scan(node));
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_DIRTY], 1);
	EXPECT_SOUND(test, node);
	KUNIT_EXPECT_TRUE(test, zcp_scrub_split(node));
	KUNIT_EXPECT_EQ(test, zcp_buddy_nr_free(buddy), ZCP_CHUNK_PAGES);
	KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(page, 1, 0));
	EXPECT_SOUND(test, node);
}

/* A memory error anywhere in a whole chunk retires it, for good. */
static void retire_whole(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 1, 1);
	struct zcp_extent ext = take_whole(test, node);
	struct page *page = zcp_extent_page(&ext);

	SetPageHWPoison(page + 100);
	zcp_node_free(&ext, 1);
	KUNIT_EXPECT_TRUE(test, zcp_scrub_whole(node, ZCP_RELEASE_SURPLUS));
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_RETIRED], ZCP_CHUNK_PAGES);
	EXPECT_SOUND(test, node);
	KUNIT_EXPECT_FALSE(test, zcp_scrub_whole(node, ZCP_RELEASE_SURPLUS));
	KUNIT_EXPECT_EQ(test, zcp_test_refill(node, ZCP_WHOLE, ZCP_MAY_GROW), -ENOSPC);
	KUNIT_EXPECT_EQ(test, zcp_node_take_whole(node, &ext, 1), 0);
	node->reserve = 0;
	zcp_test_settle(node);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_RETIRED], ZCP_CHUNK_PAGES);
	EXPECT_SOUND(test, node);
	ClearPageHWPoison(page + 100);
}

/* In a split chunk it retires what is free at once, and the rest as it comes back. */
static void retire_split(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 2);
	struct zcp_extent ext[2] = { take_block(test, node, 4), take_block(test, node, 16) };
	struct zcp_extent more;
	struct page *page = zcp_extent_page(ext);

	SetPageHWPoison(page + 3);
	zcp_node_free(ext, 1);
	KUNIT_EXPECT_TRUE(test, zcp_scrub_split(node));
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_RETIRED], ZCP_CHUNK_PAGES - 16);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_USED], 16);
	KUNIT_EXPECT_EQ(test, ext->chunk->state, ZCP_RETIRED);
	EXPECT_SOUND(test, node);
	KUNIT_EXPECT_EQ(test, zcp_node_take_block(node, &more, 1), -ENOMEM);

	zcp_node_free(ext + 1, 1);
	KUNIT_EXPECT_TRUE(test, zcp_scrub_split(node));
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_RETIRED], ZCP_CHUNK_PAGES);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_USED], 0);
	KUNIT_EXPECT_EQ(test, zcp_node_take_block(node, &more, 1), -ENOMEM);
	EXPECT_SOUND(test, node);
	ClearPageHWPoison(page + 3);
}

/* The kernel itself holds a poisoned page: it is not waited for. */
static void retire_quarantined(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 2);
	struct zcp_extent ext = take_block(test, node, 1);
	struct page *page = zcp_extent_page(&ext);

	get_page(page);
	zcp_node_free(&ext, 1);
	KUNIT_EXPECT_TRUE(test, zcp_scrub_split(node));
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_QUARANTINED], 1);
	SetPageHWPoison(page);
	KUNIT_EXPECT_TRUE(test, zcp_quarantine_scan(node));
	KUNIT_EXPECT_TRUE(test, zcp_scrub_split(node));
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_RETIRED], ZCP_CHUNK_PAGES);
	EXPECT_SOUND(test, node);
	ClearPageHWPoison(page);
	put_page(page);
}

/* All of that without being asked for, once it is told by zcp_node_free(). */
static void scrub_worker(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 4);
	struct zcp_extent ext[3] = { take_whole(test, node), take_block(test, node, 9) };
	struct page *page = zcp_extent_page(ext + 1) + 4;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, zcp_test_refill(node, ZCP_WHOLE, ZCP_MAY_GROW), 0);
	ext[2] = take_whole(test, node);
	get_page(page);
	node->scrub_due = false;
	zcp_node_free(ext, 3);
	flush_delayed_work(&node->scrubber);
	KUNIT_EXPECT_FALSE(test, node->scrub_due);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_DIRTY], 0);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_QUARANTINED], 1);
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 2);
	EXPECT_SOUND(test, node);

	/* It comes again by itself as long as something is quarantined. */
	put_page(page);
	for (i = 0; i < 1000 && READ_ONCE(node->nr[ZCP_CLEAN]) != 2 * ZCP_CHUNK_PAGES; i++)
		msleep(20);
	flush_delayed_work(&node->scrubber);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_CLEAN], 2 * ZCP_CHUNK_PAGES);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&node->scrubber));
	EXPECT_SOUND(test, node);
}

/* After it has been stopped nothing wakes it, and nothing is made of what is dirty. */
static void scrub_stop(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 1, 4);
	struct zcp_extent ext = take_whole(test, node);

	zcp_node_free(&ext, 1);
	mutex_lock(&node->lock);
	node->scrub_due = false;
	zcp_node_wake_scrubber(node);
	node->stop = true;
	mutex_unlock(&node->lock);
	zcp_scrub_stop(node);
	mutex_lock(&node->lock);
	node->scrub_due = false;
	zcp_node_wake_scrubber(node);
	mutex_unlock(&node->lock);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&node->scrubber));
	zcp_scrub_worker(&node->scrubber.work);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_DIRTY], ZCP_CHUNK_PAGES);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&node->scrubber));
	EXPECT_SOUND(test, node);
}

static struct kunit_case zcp_scrub_cases[] = {
	KUNIT_CASE(scrub_whole),
	KUNIT_CASE(scrub_split),
	KUNIT_CASE(scrub_split_zeroes),
	KUNIT_CASE(quarantine_whole),
	KUNIT_CASE(quarantine_split),
	KUNIT_CASE(retire_whole),
	KUNIT_CASE(retire_split),
	KUNIT_CASE(retire_quarantined),
	KUNIT_CASE(scrub_worker),
	KUNIT_CASE(scrub_stop),
	{}
};

static struct kunit_suite zcp_scrub_suite = {
	.name = "zcpool_scrub",
	.test_cases = zcp_scrub_cases,
};

kunit_test_suite(zcp_scrub_suite);
