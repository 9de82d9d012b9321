// SPDX-License-Identifier: GPL-2.0
/*
 * Nodes: what is taken, what comes back, and where more of it is looked for.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/sched/signal.h>

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

/* One chunk of the reserve is split, and all of it is of the node. */
static void node_fill_reserve(struct kunit *test)
{
	struct zcp_extent ext[3];
	struct zcp_node *node;
	unsigned int i;
	int nid;

	for_each_node_state(nid, N_MEMORY) {
		node = zcp_test_node(test, nid, 3, 8);
		KUNIT_EXPECT_EQ(test, node->nr_chunks, 3);
		KUNIT_EXPECT_EQ(test, node->nr_split, 1);
		KUNIT_EXPECT_EQ(test, node->nr[ZCP_CLEAN], 3 * ZCP_CHUNK_PAGES);
		KUNIT_EXPECT_EQ(test, zcp_node_lost(node), 0);
		EXPECT_SOUND(test, node);

		KUNIT_ASSERT_EQ(test, zcp_node_take_whole(node, ext, 3), 2);
		KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, ext + 2, ZCP_CHUNK_PAGES), 0);
		for (i = 0; i < 3; i++) {
			KUNIT_EXPECT_EQ(test, page_to_nid(zcp_test_page(ext + i)), nid);
			KUNIT_EXPECT_PTR_EQ(test, ext[i].chunk->node, node);
		}
		EXPECT_SOUND(test, node);
		zcp_node_give(ext, 3);
		EXPECT_SOUND(test, node);
	}
}

/* What cannot be had now is got as soon as there is room. */
static void node_lost(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 4, 2);

	KUNIT_EXPECT_EQ(test, node->nr_chunks, 2);
	KUNIT_EXPECT_EQ(test, zcp_node_lost(node), 2);
	zcp_node_settle(node);
	KUNIT_EXPECT_EQ(test, zcp_node_lost(node), 2);
	node->pool->max = 8;
	zcp_node_settle(node);
	KUNIT_EXPECT_EQ(test, zcp_node_lost(node), 0);
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 4);
	EXPECT_SOUND(test, node);
}

/* Nor is it given up when it cannot be had for long. */
static void node_lost_to_another(struct kunit *test)
{
	struct zcp_node *rich = zcp_test_node(test, first_memory_node, 3, 3);
	struct zcp_pool *pool = rich->pool;
	struct zcp_node *node;
	int i;

	node = zcp_test_node_in(test, pool, first_memory_node, 2);
	zcp_scrub_worker(&node->scrubber.work);
	KUNIT_EXPECT_EQ(test, zcp_node_lost(node), 2);

	rich->reserve = 1;
	zcp_node_settle(rich);
	for (i = 0; i < 1000 && READ_ONCE(node->nr_chunks) < 2; i++)
		msleep(20);
	KUNIT_EXPECT_EQ(test, zcp_node_lost(node), 0);
	KUNIT_EXPECT_EQ(test, rich->nr_chunks, 1);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&pool->nr_chunks), 3);
}

/* A split chunk's page if there is one, and it is in nobody's way. */
static void node_borrow(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 2);
	struct zcp_extent ext, all;

	KUNIT_ASSERT_TRUE(test, zcp_node_borrow(node, &ext));
	KUNIT_EXPECT_NOT_NULL(test, ext.chunk->split);
	KUNIT_EXPECT_EQ(test, ext.nr, 1);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_DIRTY], 1);
	KUNIT_EXPECT_EQ(test, zcp_node_take_block(node, &all, ZCP_CHUNK_PAGES), -ENOMEM);
	zcp_node_return(&ext);
	EXPECT_SOUND(test, node);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_CLEAN], 2 * ZCP_CHUNK_PAGES);

	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, &all, ZCP_CHUNK_PAGES), 0);
	KUNIT_ASSERT_TRUE(test, zcp_node_borrow(node, &ext));
	KUNIT_EXPECT_NULL(test, ext.chunk->split);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_DIRTY], ZCP_CHUNK_PAGES);
	KUNIT_EXPECT_FALSE(test, zcp_node_borrow(node, &ext));
	zcp_node_return(&ext);
	EXPECT_SOUND(test, node);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_CLEAN], ZCP_CHUNK_PAGES);
	zcp_node_give(&all, 1);
}

/* Had the page's chunk a memory error meanwhile, it is not for use any more. */
static void node_borrow_retired(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 2);
	struct zcp_extent ext, hit;

	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, &hit, 1), 0);
	KUNIT_ASSERT_TRUE(test, zcp_node_borrow(node, &ext));
	KUNIT_ASSERT_PTR_EQ(test, hit.chunk, ext.chunk);
	SetPageHWPoison(zcp_test_page(&hit));
	zcp_node_give(&hit, 1);
	KUNIT_EXPECT_TRUE(test, zcp_scrub_split(node));
	zcp_node_return(&ext);
	EXPECT_SOUND(test, node);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_RETIRED], ZCP_CHUNK_PAGES);
	ClearPageHWPoison(zcp_test_page(&hit));
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
	zcp_node_give(ext, 3);
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
	zcp_node_give(ext, run - 1);
	while (zcp_scrub_whole(node, true))
		;
	i = longest_run(node);
	KUNIT_EXPECT_EQ(test, zcp_node_take_run(node, ext, i + 1), -ENOMEM);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_USED], ZCP_CHUNK_PAGES);
	zcp_node_give(ext + run - 1, 1);
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
		zcp_node_give(&ext, 1);
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
	zcp_node_give(ext, 2);
	EXPECT_SOUND(test, node);
}

/* The fullest chunk that will do, so that others stay idle. */
static void node_take_block_fullest(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 2);
	struct zcp_extent ext[3];

	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, ext, 300), 0);
	KUNIT_ASSERT_EQ(test, zcp_node_refill(node, true, false, node->done[1]), 0);
	KUNIT_ASSERT_EQ(test, node->nr_split, 2);
	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, ext + 1, 1), 0);
	KUNIT_EXPECT_PTR_EQ(test, ext[1].chunk, ext[0].chunk);
	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, ext + 2, 256), 0);
	KUNIT_EXPECT_PTR_NE(test, ext[2].chunk, ext[0].chunk);
	zcp_node_give(ext, 3);
	EXPECT_SOUND(test, node);
}

/* Whole and split in one call; what was written is not there for the next. */
static void node_give(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 2);
	struct zcp_extent ext[2];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		KUNIT_ASSERT_EQ(test, zcp_node_take_whole(node, ext, 1), 1);
		KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, ext + 1, 33), 0);
		KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(zcp_test_page(ext), ext->nr, 0));
		KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(zcp_test_page(ext + 1), 33, 0));
		zcp_test_pages_fill(zcp_test_page(ext), ext->nr, 0xee);
		zcp_test_pages_fill(zcp_test_page(ext + 1), 33, 0xee);
		zcp_node_give(ext, 2);
		KUNIT_EXPECT_EQ(test, node->nr[ZCP_DIRTY], ZCP_CHUNK_PAGES + 33);
		EXPECT_SOUND(test, node);
		KUNIT_EXPECT_EQ(test, zcp_node_refill(node, false, false, 0), 0);
		KUNIT_EXPECT_EQ(test, zcp_node_refill(node, true, false, 0), 0);
		KUNIT_EXPECT_EQ(test, zcp_node_refill(node, true, false, 0), 0);
		KUNIT_EXPECT_EQ(test, node->nr[ZCP_CLEAN], 2 * ZCP_CHUNK_PAGES);
		EXPECT_SOUND(test, node);
	}
}

static void node_refill_grow(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 0, 2);

	KUNIT_EXPECT_EQ(test, zcp_node_refill(node, false, false, 0), -ENOMEM);
	KUNIT_EXPECT_EQ(test, zcp_node_refill(node, true, false, 0), -ENOMEM);
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 0);
	KUNIT_EXPECT_EQ(test, zcp_node_refill(node, true, true, 0), 0);
	KUNIT_EXPECT_EQ(test, node->nr_split, 1);
	KUNIT_EXPECT_EQ(test, zcp_node_refill(node, false, true, 0), 0);
	KUNIT_EXPECT_EQ(test, node->nr_split, 1);
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 2);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_CLEAN], 2 * ZCP_CHUNK_PAGES);
	EXPECT_SOUND(test, node);
}

/* At the maximum: nothing clean, nothing dirty, nothing to convert. */
static void node_refill_full(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 2);
	struct zcp_extent ext[2];

	KUNIT_ASSERT_EQ(test, zcp_node_take_whole(node, ext, 1), 1);
	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, ext + 1, ZCP_CHUNK_PAGES), 0);
	KUNIT_EXPECT_EQ(test, zcp_node_refill(node, false, true, node->done[0]), -ENOSPC);
	KUNIT_EXPECT_EQ(test, zcp_node_refill(node, true, true, node->done[1]), -ENOSPC);
	KUNIT_EXPECT_EQ(test, zcp_node_refill(node, false, false, node->done[0]), -ENOMEM);
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 2);
	EXPECT_SOUND(test, node);
	zcp_node_give(ext, 2);
}

/* A whole chunk becomes a split one, and that a whole one again. */
static void node_refill_convert(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 1, 1);
	unsigned long done[2] = { node->done[0], node->done[1] };
	struct zcp_extent ext;

	KUNIT_EXPECT_EQ(test, node->nr_split, 0);
	KUNIT_EXPECT_EQ(test, zcp_node_refill(node, true, true, done[1]), 0);
	KUNIT_EXPECT_EQ(test, node->nr_split, 1);
	KUNIT_EXPECT_NE(test, node->done[1], done[1]);
	KUNIT_EXPECT_EQ(test, node->done[0], done[0]);
	EXPECT_SOUND(test, node);
	KUNIT_EXPECT_EQ(test, zcp_node_take_whole(node, &ext, 1), 0);

	done[1] = node->done[1];
	KUNIT_EXPECT_EQ(test, zcp_node_refill(node, false, true, done[0]), 0);
	KUNIT_EXPECT_EQ(test, node->nr_split, 0);
	KUNIT_EXPECT_NE(test, node->done[0], done[0]);
	/* Who looks for a block may split it again. */
	KUNIT_EXPECT_NE(test, node->done[1], done[1]);
	EXPECT_SOUND(test, node);
	KUNIT_ASSERT_EQ(test, zcp_node_take_whole(node, &ext, 1), 1);
	KUNIT_EXPECT_EQ(test, zcp_node_take_block(node, &ext, 1), -ENOMEM);
	KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(zcp_test_page(&ext), ext.nr, 0));
	zcp_node_give(&ext, 1);
}

/* No chunk is split if a block came back meanwhile. */
static void node_refill_convert_not(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 1, 1);
	unsigned long seen = node->done[1];

	mutex_lock(&node->lock);
	zcp_node_begin(node);
	zcp_node_end(node, false, true);
	mutex_unlock(&node->lock);
	KUNIT_EXPECT_EQ(test, zcp_node_refill(node, true, true, seen), 0);
	KUNIT_EXPECT_EQ(test, node->nr_split, 0);
	KUNIT_EXPECT_EQ(test, zcp_node_refill(node, true, true, node->done[1]), 0);
	KUNIT_EXPECT_EQ(test, node->nr_split, 1);
	EXPECT_SOUND(test, node);
}

/* Dirty memory of the other kind is made clean, then converted. */
static void node_refill_other(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 1, 1);
	struct zcp_extent ext;

	KUNIT_ASSERT_EQ(test, zcp_node_refill(node, true, false, node->done[1]), 0);
	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, &ext, 5), 0);
	zcp_test_pages_fill(zcp_test_page(&ext), 5, 0xee);
	zcp_node_give(&ext, 1);
	KUNIT_EXPECT_EQ(test, zcp_node_refill(node, false, true, node->done[0]), 0);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_CLEAN], ZCP_CHUNK_PAGES);
	KUNIT_EXPECT_EQ(test, zcp_node_refill(node, false, true, node->done[0]), 0);
	KUNIT_EXPECT_EQ(test, node->nr_split, 0);

	KUNIT_ASSERT_EQ(test, zcp_node_take_whole(node, &ext, 1), 1);
	KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(zcp_test_page(&ext), ext.nr, 0));
	zcp_test_pages_fill(zcp_test_page(&ext), ext.nr, 0xee);
	zcp_node_give(&ext, 1);
	KUNIT_EXPECT_EQ(test, zcp_node_refill(node, true, true, node->done[1]), 0);
	KUNIT_EXPECT_EQ(test, zcp_node_refill(node, true, true, node->done[1]), 0);
	KUNIT_EXPECT_EQ(test, node->nr_split, 1);
	EXPECT_SOUND(test, node);
}

/* A thread may be sent even what it cannot be killed by. */
static void node_killed(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 0, 4);

	node->reserve = 4;
	allow_signal(SIGKILL);
	send_sig(SIGKILL, current, 1);
	KUNIT_EXPECT_EQ(test, zcp_node_refill(node, false, true, 0), -EINTR);
	KUNIT_EXPECT_EQ(test, zcp_node_fill_reserve(node), -EINTR);
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 0);
	flush_signals(current);
	disallow_signal(SIGKILL);
	KUNIT_EXPECT_EQ(test, zcp_node_fill_reserve(node), 0);
	EXPECT_SOUND(test, node);
}

/* Somebody who wants memory, while the test's own thread has the only piece. */
struct waiter {
	struct work_struct work;
	struct zcp_node *node;
	bool split;
	unsigned long seen;
	int err;
	struct completion done;
};

static void waiter_refill(struct work_struct *work)
{
	struct waiter *waiter = container_of(work, struct waiter, work);

	waiter->err = zcp_node_refill(waiter->node, waiter->split, true, waiter->seen);
	complete(&waiter->done);
}

/*
 * What it gets that finds nothing but a busy piece, which comes back then in a
 * way that helps for whole chunks, for split ones, or for none.
 */
static int wait_for_end(struct kunit *test, bool split, bool end_whole, bool end_split)
{
	struct waiter *waiter = kunit_kzalloc(test, sizeof(*waiter), GFP_KERNEL);
	struct zcp_node *node;

	KUNIT_ASSERT_NOT_NULL(test, waiter);
	node = zcp_test_node(test, first_memory_node, 0, 0);
	waiter->node = node;
	waiter->split = split;
	waiter->seen = node->done[split];
	init_completion(&waiter->done);
	INIT_WORK(&waiter->work, waiter_refill);

	mutex_lock(&node->lock);
	zcp_node_begin(node);
	mutex_unlock(&node->lock);
	queue_work(system_unbound_wq, &waiter->work);
	while (!wq_has_sleeper(&node->wait) && !completion_done(&waiter->done))
		msleep(20);
	KUNIT_EXPECT_FALSE(test, completion_done(&waiter->done));
	mutex_lock(&node->lock);
	zcp_node_end(node, end_whole, end_split);
	mutex_unlock(&node->lock);
	flush_work(&waiter->work);
	return waiter->err;
}

static void node_await(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, wait_for_end(test, false, true, false), 0);
	KUNIT_EXPECT_EQ(test, wait_for_end(test, true, false, true), 0);
	KUNIT_EXPECT_EQ(test, wait_for_end(test, false, true, true), 0);
	KUNIT_EXPECT_EQ(test, wait_for_end(test, false, false, true), -ENOSPC);
	KUNIT_EXPECT_EQ(test, wait_for_end(test, true, true, false), -ENOSPC);
	KUNIT_EXPECT_EQ(test, wait_for_end(test, true, false, false), -ENOSPC);
}

/* A piece that has come back between the look and the wait is not waited for. */
static void node_await_not(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 0, 0);
	unsigned long seen = node->done[0];

	mutex_lock(&node->lock);
	zcp_node_begin(node);
	zcp_node_begin(node);
	zcp_node_end(node, true, false);
	mutex_unlock(&node->lock);
	KUNIT_EXPECT_EQ(test, zcp_node_refill(node, false, true, seen), 0);
	mutex_lock(&node->lock);
	zcp_node_end(node, false, false);
	mutex_unlock(&node->lock);
	KUNIT_EXPECT_EQ(test, node->busy, 0);
	KUNIT_EXPECT_EQ(test, zcp_node_refill(node, false, true, node->done[0]), -ENOSPC);
}

/* What was taken in vain is clean, in whatever pieces it was. */
static void node_put_back(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 3, 3);
	unsigned long done[2] = { node->done[0], node->done[1] };
	struct zcp_extent ext[3];

	KUNIT_ASSERT_EQ(test, zcp_node_take_whole(node, ext, 1), 1);
	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, ext + 1, 7), 0);
	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, ext + 2, 200), 0);
	zcp_node_put_back(ext, 3);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_CLEAN], 3 * ZCP_CHUNK_PAGES);
	EXPECT_SOUND(test, node);
	/* Who had looked for it in vain meanwhile is told. */
	KUNIT_EXPECT_NE(test, node->done[0], done[0]);
	KUNIT_EXPECT_NE(test, node->done[1], done[1]);
	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, ext, ZCP_CHUNK_PAGES), 0);
	KUNIT_ASSERT_EQ(test, zcp_node_take_whole(node, ext + 1, 2), 2);
	zcp_node_put_back(ext, 3);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_CLEAN], 3 * ZCP_CHUNK_PAGES);
	EXPECT_SOUND(test, node);
}

/* Another page of its chunk had a memory error before it came back. */
static void node_put_back_retired(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 2);
	struct zcp_extent ext, hit;

	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, &hit, 1), 0);
	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, &ext, 5), 0);
	KUNIT_ASSERT_PTR_EQ(test, hit.chunk, ext.chunk);
	SetPageHWPoison(zcp_test_page(&hit));
	zcp_node_give(&hit, 1);
	KUNIT_EXPECT_TRUE(test, zcp_scrub_split(node));
	zcp_node_put_back(&ext, 1);
	EXPECT_SOUND(test, node);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_RETIRED], ZCP_CHUNK_PAGES);
	ClearPageHWPoison(zcp_test_page(&hit));
}

static void node_release(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 3, 3);
	struct zcp_chunk *chunk;

	mutex_lock(&node->lock);
	chunk = list_first_entry(&node->whole[ZCP_CLEAN], struct zcp_chunk, link);
	zcp_node_release(chunk, ZCP_CLEAN);
	KUNIT_EXPECT_FALSE(test, mutex_is_locked(&node->lock));
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 2);
	KUNIT_EXPECT_EQ(test, node->nr_split, 1);
	EXPECT_SOUND(test, node);

	mutex_lock(&node->lock);
	chunk = list_first_entry(&node->split[ZCP_IDLE_SPLIT], struct zcp_chunk, link);
	zcp_node_release(chunk, ZCP_CLEAN);
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 1);
	KUNIT_EXPECT_EQ(test, node->nr_split, 0);
	EXPECT_SOUND(test, node);
}

/* Beyond the reserve all goes back but one idle split chunk; within it, one stays split. */
static void node_settle(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 3, 8);
	unsigned int i;

	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, zcp_node_refill(node, false, true, 0), 0);
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 6);
	zcp_node_settle(node);
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 3);
	KUNIT_EXPECT_EQ(test, node->nr_split, 1);
	EXPECT_SOUND(test, node);

	KUNIT_ASSERT_EQ(test, zcp_node_refill(node, true, false, node->done[1]), 0);
	KUNIT_ASSERT_EQ(test, zcp_node_refill(node, true, false, node->done[1]), 0);
	KUNIT_EXPECT_EQ(test, node->nr_split, 3);
	zcp_node_settle(node);
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 3);
	KUNIT_EXPECT_EQ(test, node->nr_split, 1);
	EXPECT_SOUND(test, node);

	node->reserve = 0;
	zcp_node_settle(node);
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 1);
	KUNIT_EXPECT_EQ(test, node->nr_split, 1);
	EXPECT_SOUND(test, node);
}

#define NR_HELD		24

/* Extents that are taken; each was zero when it was, and is not any more */
struct held {
	struct zcp_extent ext[NR_HELD];
	unsigned int nr;
};

static void random_take(struct kunit *test, struct zcp_node *node, struct held *held, bool split,
			unsigned int pages)
{
	struct zcp_extent *ext = held->ext + held->nr;
	unsigned long seen = node->done[split];
	int err;

	if (split)
		err = zcp_node_take_block(node, ext, pages);
	else
		err = zcp_node_take_whole(node, ext, 1) ? 0 : -ENOMEM;
	if (err) {
		err = zcp_node_refill(node, split, true, seen);
		KUNIT_ASSERT_TRUE(test, !err || err == -ENOSPC);
		return;
	}
	KUNIT_ASSERT_TRUE(test, zcp_test_pages_are(zcp_test_page(ext), ext->nr, 0));
	zcp_test_pages_fill(zcp_test_page(ext), ext->nr, 0xee);
	held->nr++;
}

static void random_give(struct held *held, unsigned int pick)
{
	zcp_node_give(held->ext + pick, 1);
	held->ext[pick] = held->ext[--held->nr];
}

/* Takes, gives and scrubs in any order: lists and counts agree after each. */
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
				random_take(test, node, held, pick % 8, 1 + pick / 8 %
					    (pick % 3 ? 20 : ZCP_CHUNK_PAGES));
			break;
		case 8 ... 12:
			if (held->nr)
				random_give(held, pick % held->nr);
			break;
		case 13:
			zcp_scrub_whole(node, pick % 2);
			break;
		case 14:
			zcp_scrub_split(node);
			break;
		case 15:
			zcp_node_settle(node);
			break;
		}
		ASSERT_SOUND(test, node);
	}
	while (held->nr)
		random_give(held, 0);
	while (zcp_scrub_whole(node, false) || zcp_scrub_split(node))
		;
	zcp_node_settle(node);
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 3);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_CLEAN], 3 * ZCP_CHUNK_PAGES);
	EXPECT_SOUND(test, node);
}

static struct kunit_case zcp_node_cases[] = {
	KUNIT_CASE(node_create),
	KUNIT_CASE(node_fill_reserve),
	KUNIT_CASE(node_lost),
	KUNIT_CASE(node_lost_to_another),
	KUNIT_CASE(node_borrow),
	KUNIT_CASE(node_borrow_retired),
	KUNIT_CASE(node_take_whole),
	KUNIT_CASE(node_take_run),
	KUNIT_CASE(node_take_block),
	KUNIT_CASE(node_take_block_none),
	KUNIT_CASE(node_take_block_fullest),
	KUNIT_CASE(node_give),
	KUNIT_CASE(node_refill_grow),
	KUNIT_CASE(node_refill_full),
	KUNIT_CASE(node_refill_convert),
	KUNIT_CASE(node_refill_convert_not),
	KUNIT_CASE(node_refill_other),
	KUNIT_CASE(node_killed),
	KUNIT_CASE(node_await),
	KUNIT_CASE(node_await_not),
	KUNIT_CASE(node_put_back),
	KUNIT_CASE(node_put_back_retired),
	KUNIT_CASE(node_release),
	KUNIT_CASE(node_settle),
	KUNIT_CASE(node_any_order),
	{}
};

static struct kunit_suite zcp_node_suite = {
	.name = "zcpool_node",
	.test_cases = zcp_node_cases,
};

kunit_test_suite(zcp_node_suite);
