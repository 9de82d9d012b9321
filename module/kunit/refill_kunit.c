// SPDX-License-Identifier: GPL-2.0
/*
 * Supply and refill: what a node gets from the kernel and gives back, and where it looks
 * for memory when it has none at hand.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "fixture.h"

/* One chunk of the reserve is split, and all of it is of the node. */
static void supply_fill_reserve(struct kunit *test)
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
			KUNIT_EXPECT_EQ(test, page_to_nid(zcp_extent_page(ext + i)), nid);
			KUNIT_EXPECT_PTR_EQ(test, ext[i].chunk->node, node);
		}
		EXPECT_SOUND(test, node);
		zcp_node_free(ext, 3);
		EXPECT_SOUND(test, node);
	}
}

/* What cannot be had now is got as soon as there is room. */
static void supply_lost(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 4, 2);

	KUNIT_EXPECT_EQ(test, node->nr_chunks, 2);
	KUNIT_EXPECT_EQ(test, zcp_node_lost(node), 2);
	zcp_test_settle(node);
	KUNIT_EXPECT_EQ(test, zcp_node_lost(node), 2);
	node->budget->max = 8;
	zcp_test_settle(node);
	KUNIT_EXPECT_EQ(test, zcp_node_lost(node), 0);
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 4);
	EXPECT_SOUND(test, node);
}

/* Nor is it given up when it cannot be had for long. */
static void supply_lost_to_another(struct kunit *test)
{
	struct zcp_node *rich = zcp_test_node(test, first_memory_node, 3, 3);
	struct zcp_budget *budget = rich->budget;
	struct zcp_node *node;
	int i;

	node = zcp_test_node_in(test, budget, first_memory_node, 2);
	zcp_scrub_worker(&node->scrubber.work);
	KUNIT_EXPECT_EQ(test, zcp_node_lost(node), 2);

	rich->reserve = 1;
	zcp_test_settle(rich);
	for (i = 0; i < 1000 && READ_ONCE(node->nr_chunks) < 2; i++)
		msleep(20);
	KUNIT_EXPECT_EQ(test, zcp_node_lost(node), 0);
	KUNIT_EXPECT_EQ(test, rich->nr_chunks, 1);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&budget->nr_chunks), 3);
}

static void refill_grow(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 0, 2);

	KUNIT_EXPECT_EQ(test, zcp_test_refill(node, ZCP_WHOLE, ZCP_NO_GROW), -ENOMEM);
	KUNIT_EXPECT_EQ(test, zcp_test_refill(node, ZCP_SPLIT, ZCP_NO_GROW), -ENOMEM);
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 0);
	KUNIT_EXPECT_EQ(test, zcp_test_refill(node, ZCP_SPLIT, ZCP_MAY_GROW), 0);
	KUNIT_EXPECT_EQ(test, node->nr_split, 1);
	KUNIT_EXPECT_EQ(test, zcp_test_refill(node, ZCP_WHOLE, ZCP_MAY_GROW), 0);
	KUNIT_EXPECT_EQ(test, node->nr_split, 1);
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 2);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_CLEAN], 2 * ZCP_CHUNK_PAGES);
	EXPECT_SOUND(test, node);
}

/* At the maximum: nothing clean, nothing dirty, nothing to convert. */
static void refill_full(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 2);
	struct zcp_extent ext[2];

	KUNIT_ASSERT_EQ(test, zcp_node_take_whole(node, ext, 1), 1);
	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, ext + 1, ZCP_CHUNK_PAGES), 0);
	KUNIT_EXPECT_EQ(test, zcp_test_refill(node, ZCP_WHOLE, ZCP_MAY_GROW), -ENOSPC);
	KUNIT_EXPECT_EQ(test, zcp_test_refill(node, ZCP_SPLIT, ZCP_MAY_GROW), -ENOSPC);
	KUNIT_EXPECT_EQ(test, zcp_test_refill(node, ZCP_WHOLE, ZCP_NO_GROW), -ENOMEM);
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 2);
	EXPECT_SOUND(test, node);
	zcp_node_free(ext, 2);
}

/* A whole chunk becomes a split one, and that a whole one again. */
static void refill_convert(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 1, 1);
	unsigned long news[] = {
		[ZCP_WHOLE] = zcp_test_news(node, ZCP_WHOLE),
		[ZCP_SPLIT] = zcp_test_news(node, ZCP_SPLIT),
	};
	struct zcp_extent ext;

	KUNIT_EXPECT_EQ(test, node->nr_split, 0);
	KUNIT_EXPECT_EQ(test, zcp_test_refill(node, ZCP_SPLIT, ZCP_MAY_GROW), 0);
	KUNIT_EXPECT_EQ(test, node->nr_split, 1);
	KUNIT_EXPECT_NE(test, zcp_test_news(node, ZCP_SPLIT), news[ZCP_SPLIT]);
	/* It is free entirely: who wants more than half of one may have it, too. */
	KUNIT_EXPECT_NE(test, zcp_test_news(node, ZCP_WHOLE), news[ZCP_WHOLE]);
	EXPECT_SOUND(test, node);
	KUNIT_EXPECT_EQ(test, zcp_node_take_whole(node, &ext, 1), 0);

	news[ZCP_SPLIT] = zcp_test_news(node, ZCP_SPLIT);
	news[ZCP_WHOLE] = zcp_test_news(node, ZCP_WHOLE);
	KUNIT_EXPECT_EQ(test, zcp_test_refill(node, ZCP_WHOLE, ZCP_MAY_GROW), 0);
	KUNIT_EXPECT_EQ(test, node->nr_split, 0);
	KUNIT_EXPECT_NE(test, zcp_test_news(node, ZCP_WHOLE), news[ZCP_WHOLE]);
	/* Who looks for a block may split it again. */
	KUNIT_EXPECT_NE(test, zcp_test_news(node, ZCP_SPLIT), news[ZCP_SPLIT]);
	EXPECT_SOUND(test, node);
	KUNIT_ASSERT_EQ(test, zcp_node_take_whole(node, &ext, 1), 1);
	KUNIT_EXPECT_EQ(test, zcp_node_take_block(node, &ext, 1), -ENOMEM);
	KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(zcp_extent_page(&ext), ext.nr, 0));
	zcp_node_free(&ext, 1);
}

/* No chunk is split if a block came back meanwhile. */
static void refill_convert_not(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 1, 1);
	unsigned long seen = zcp_test_news(node, ZCP_SPLIT);

	mutex_lock(&node->lock);
	zcp_node_news(node, zcp_test_order(ZCP_SPLIT));
	mutex_unlock(&node->lock);
	KUNIT_EXPECT_EQ(test, zcp_test_refill_since(node, ZCP_SPLIT, ZCP_MAY_GROW, seen), 0);
	KUNIT_EXPECT_EQ(test, node->nr_split, 0);
	KUNIT_EXPECT_EQ(test, zcp_test_refill(node, ZCP_SPLIT, ZCP_MAY_GROW), 0);
	KUNIT_EXPECT_EQ(test, node->nr_split, 1);
	EXPECT_SOUND(test, node);
}

/* Dirty memory of the other kind is made clean, then converted. */
static void refill_other(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 1, 1);
	struct zcp_extent ext;

	KUNIT_ASSERT_EQ(test, zcp_test_refill(node, ZCP_SPLIT, ZCP_NO_GROW), 0);
	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, &ext, 5), 0);
	zcp_test_pages_fill(zcp_extent_page(&ext), 5, 0xee);
	zcp_node_free(&ext, 1);
	KUNIT_EXPECT_EQ(test, zcp_test_refill(node, ZCP_WHOLE, ZCP_MAY_GROW), 0);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_CLEAN], ZCP_CHUNK_PAGES);
	KUNIT_EXPECT_EQ(test, node->nr_split, 0);

	KUNIT_ASSERT_EQ(test, zcp_node_take_whole(node, &ext, 1), 1);
	KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(zcp_extent_page(&ext), ext.nr, 0));
	zcp_test_pages_fill(zcp_extent_page(&ext), ext.nr, 0xee);
	zcp_node_free(&ext, 1);
	KUNIT_EXPECT_EQ(test, zcp_test_refill(node, ZCP_SPLIT, ZCP_MAY_GROW), 0);
	KUNIT_EXPECT_EQ(test, zcp_test_refill(node, ZCP_SPLIT, ZCP_MAY_GROW), 0);
	KUNIT_EXPECT_EQ(test, node->nr_split, 1);
	EXPECT_SOUND(test, node);
}

/* A thread may be sent even what it cannot be killed by. */
static void refill_killed(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 0, 4);

	node->reserve = 4;
	allow_signal(SIGKILL);
	send_sig(SIGKILL, current, 1);
	KUNIT_EXPECT_EQ(test, zcp_test_refill(node, ZCP_WHOLE, ZCP_MAY_GROW), -EINTR);
	KUNIT_EXPECT_EQ(test, zcp_reserve_fill(node), -EINTR);
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 0);
	flush_signals(current);
	disallow_signal(SIGKILL);
	KUNIT_EXPECT_EQ(test, zcp_reserve_fill(node), 0);
	EXPECT_SOUND(test, node);
}

/* Somebody who wants memory, while the test's own thread has the only piece. */
struct waiter {
	struct work_struct work;
	struct zcp_node *node;
	enum zcp_kind kind;
	unsigned long seen;
	struct zcp_piece piece;
	int err;
	struct completion done;
};

static void waiter_refill(struct work_struct *work)
{
	struct waiter *waiter = container_of(work, struct waiter, work);

	waiter->err = zcp_test_refill_since(waiter->node, waiter->kind, ZCP_MAY_GROW, waiter->seen);
	complete(&waiter->done);
}

static struct waiter *wait_for(struct kunit *test, enum zcp_kind kind)
{
	struct waiter *waiter = kunit_kzalloc(test, sizeof(*waiter), GFP_KERNEL);
	struct zcp_node *node;

	KUNIT_ASSERT_NOT_NULL(test, waiter);
	node = zcp_test_node(test, first_memory_node, 0, 0);
	waiter->node = node;
	waiter->kind = kind;
	waiter->seen = zcp_test_news(node, kind);
	init_completion(&waiter->done);
	INIT_WORK(&waiter->work, waiter_refill);

	mutex_lock(&node->lock);
	zcp_node_begin(node, &waiter->piece, NULL);
	mutex_unlock(&node->lock);
	queue_work(system_unbound_wq, &waiter->work);
	while (!wq_has_sleeper(&node->wait) && !completion_done(&waiter->done))
		msleep(20);
	KUNIT_EXPECT_FALSE(test, completion_done(&waiter->done));
	return waiter;
}

/* What one gets who wants @kind, if the busy piece comes back with @news. */
static int wait_for_news(struct kunit *test, enum zcp_kind kind, enum zcp_kind news)
{
	struct waiter *waiter = wait_for(test, kind);

	mutex_lock(&waiter->node->lock);
	zcp_node_news(waiter->node, zcp_test_order(news));
	zcp_node_end(waiter->node, &waiter->piece);
	mutex_unlock(&waiter->node->lock);
	flush_work(&waiter->work);
	return waiter->err;
}

/* The same if it comes back in a way that helps nobody. */
static int wait_for_end(struct kunit *test, enum zcp_kind kind)
{
	struct waiter *waiter = wait_for(test, kind);

	mutex_lock(&waiter->node->lock);
	zcp_node_end(waiter->node, &waiter->piece);
	mutex_unlock(&waiter->node->lock);
	flush_work(&waiter->work);
	return waiter->err;
}

/* A whole chunk can be split, but of a block none can be made. */
static void refill_await(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, wait_for_news(test, ZCP_WHOLE, ZCP_WHOLE), 0);
	KUNIT_EXPECT_EQ(test, wait_for_news(test, ZCP_SPLIT, ZCP_SPLIT), 0);
	KUNIT_EXPECT_EQ(test, wait_for_news(test, ZCP_SPLIT, ZCP_WHOLE), 0);
	KUNIT_EXPECT_EQ(test, wait_for_news(test, ZCP_WHOLE, ZCP_SPLIT), -ENOSPC);
	KUNIT_EXPECT_EQ(test, wait_for_end(test, ZCP_WHOLE), -ENOSPC);
	KUNIT_EXPECT_EQ(test, wait_for_end(test, ZCP_SPLIT), -ENOSPC);
}

/* A piece that has come back between the look and the wait is not waited for. */
static void refill_await_not(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 0, 0);
	unsigned long seen = zcp_test_news(node, ZCP_WHOLE);
	struct zcp_piece pieces[2];

	mutex_lock(&node->lock);
	zcp_node_begin(node, pieces, NULL);
	zcp_node_begin(node, pieces + 1, NULL);
	zcp_node_news(node, ZCP_CHUNK_ORDER);
	zcp_node_end(node, pieces);
	mutex_unlock(&node->lock);
	KUNIT_EXPECT_EQ(test, zcp_test_refill_since(node, ZCP_WHOLE, ZCP_MAY_GROW, seen), 0);
	mutex_lock(&node->lock);
	zcp_node_end(node, pieces + 1);
	mutex_unlock(&node->lock);
	KUNIT_EXPECT_TRUE(test, list_empty(&node->pieces));
	KUNIT_EXPECT_EQ(test, zcp_test_refill(node, ZCP_WHOLE, ZCP_MAY_GROW), -ENOSPC);
}

/* What others have begun to do since is not waited for, in whatever order they end. */
static void refill_await_older(struct kunit *test)
{
	struct waiter *waiter = wait_for(test, ZCP_WHOLE);
	struct zcp_node *node = waiter->node;
	struct zcp_piece younger[2];

	mutex_lock(&node->lock);
	zcp_node_begin(node, younger, NULL);
	zcp_node_begin(node, younger + 1, NULL);
	zcp_node_end(node, younger);
	mutex_unlock(&node->lock);
	msleep(20);
	KUNIT_EXPECT_FALSE(test, completion_done(&waiter->done));

	mutex_lock(&node->lock);
	zcp_node_end(node, &waiter->piece);
	mutex_unlock(&node->lock);
	flush_work(&waiter->work);
	KUNIT_EXPECT_EQ(test, waiter->err, -ENOSPC);

	mutex_lock(&node->lock);
	zcp_node_end(node, younger + 1);
	KUNIT_EXPECT_EQ(test, node->ended, 3);
	mutex_unlock(&node->lock);
}

/* Who waits need not wait for the scrubber, too. */
static void refill_await_freed(struct kunit *test)
{
	struct waiter *waiter = wait_for(test, ZCP_WHOLE);
	struct zcp_node *node = waiter->node;
	struct zcp_extent ext;

	node->budget->max = 1;
	node->reserve = 1;
	KUNIT_ASSERT_EQ(test, zcp_node_get_chunk(node, ZCP_WHOLE, ZCP_GFP_GROW), 0);
	flush_work(&waiter->work);
	KUNIT_EXPECT_EQ(test, waiter->err, 0);

	KUNIT_ASSERT_EQ(test, zcp_node_take_whole(node, &ext, 1), 1);
	waiter->seen = zcp_test_news(node, ZCP_WHOLE);
	reinit_completion(&waiter->done);
	queue_work(system_unbound_wq, &waiter->work);
	while (!wq_has_sleeper(&node->wait))
		msleep(20);
	zcp_node_free(&ext, 1);
	flush_work(&waiter->work);
	KUNIT_EXPECT_EQ(test, waiter->err, 0);

	mutex_lock(&node->lock);
	zcp_node_end(node, &waiter->piece);
	mutex_unlock(&node->lock);
}

/* Single pages that others free do not help who wants more, so they keep nobody. */
static void refill_of_order(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 1, 1);
	struct zcp_search search = {
		.node = node,
		.kind = ZCP_SPLIT,
		.order = 2,
		.growth = ZCP_MAY_GROW,
		.patience = ZCP_DO_NOT_WAIT,
	};
	struct zcp_extent one[8], rest;
	int i;

	KUNIT_ASSERT_EQ(test, zcp_test_refill(node, ZCP_SPLIT, ZCP_NO_GROW), 0);
	for (i = 0; i < 8; i++)
		KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, one + i, 1), 0);
	while (!zcp_node_take_block(node, &rest, 8))
		;
	for (i = 0; i < 8; i += 2)
		zcp_node_free(one + i, 1);
	zcp_search_begin(&search);
	zcp_search_look(&search);
	KUNIT_EXPECT_EQ(test, zcp_search_refill(&search), -ENOSPC);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_CLEAN], 4);

	/* Where they make up what is wanted, they do. */
	for (i = 1; i < 8; i += 2)
		zcp_node_free(one + i, 1);
	zcp_search_begin(&search);
	zcp_search_look(&search);
	KUNIT_EXPECT_EQ(test, zcp_search_refill(&search), 0);
	KUNIT_EXPECT_EQ(test, zcp_node_take_block(node, &rest, 4), 0);
	EXPECT_SOUND(test, node);
}

/* Who wants all of a chunk neither cleans nor waits for blocks of one that others use. */
static void refill_of_used(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 1, 1);
	struct zcp_extent used, dirty, rest;
	struct zcp_piece piece;

	KUNIT_ASSERT_EQ(test, zcp_test_refill(node, ZCP_SPLIT, ZCP_NO_GROW), 0);
	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, &used, 1), 0);
	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, &dirty, 2), 0);
	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, &rest, 256), 0);
	zcp_node_free(&dirty, 1);
	mutex_lock(&node->lock);
	zcp_node_begin(node, &piece, used.chunk->split);
	mutex_unlock(&node->lock);
	KUNIT_EXPECT_EQ(test, zcp_test_refill(node, ZCP_WHOLE, ZCP_MAY_GROW), -ENOSPC);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_DIRTY], 2);

	mutex_lock(&node->lock);
	zcp_node_end(node, &piece);
	mutex_unlock(&node->lock);
	zcp_node_free(&used, 1);
	zcp_node_free(&rest, 1);
	KUNIT_EXPECT_EQ(test, zcp_test_refill(node, ZCP_WHOLE, ZCP_MAY_GROW), 0);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_DIRTY], 0);
	KUNIT_EXPECT_EQ(test, node->nr_split, 0);
	EXPECT_SOUND(test, node);
}

static void supply_release(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 3, 3);
	struct zcp_chunk *chunk;

	mutex_lock(&node->lock);
	chunk = list_first_entry(&node->whole[ZCP_CLEAN], struct zcp_chunk, link);
	zcp_node_release_and_unlock(chunk, ZCP_CLEAN);
	KUNIT_EXPECT_FALSE(test, mutex_is_locked(&node->lock));
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 2);
	KUNIT_EXPECT_EQ(test, node->nr_split, 1);
	EXPECT_SOUND(test, node);

	mutex_lock(&node->lock);
	chunk = list_first_entry(&node->split[ZCP_IDLE_SPLIT], struct zcp_chunk, link);
	zcp_node_release_and_unlock(chunk, ZCP_CLEAN);
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 1);
	KUNIT_EXPECT_EQ(test, node->nr_split, 0);
	EXPECT_SOUND(test, node);
}

/* Beyond the reserve all goes back but one idle split chunk; within it, one stays split. */
static void supply_settle(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 3, 8);
	unsigned int i;

	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, zcp_test_refill(node, ZCP_WHOLE, ZCP_MAY_GROW), 0);
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 6);
	zcp_test_settle(node);
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 3);
	KUNIT_EXPECT_EQ(test, node->nr_split, 1);
	EXPECT_SOUND(test, node);

	KUNIT_ASSERT_EQ(test, zcp_test_refill(node, ZCP_SPLIT, ZCP_NO_GROW), 0);
	KUNIT_ASSERT_EQ(test, zcp_test_refill(node, ZCP_SPLIT, ZCP_NO_GROW), 0);
	KUNIT_EXPECT_EQ(test, node->nr_split, 3);
	zcp_test_settle(node);
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 3);
	KUNIT_EXPECT_EQ(test, node->nr_split, 1);
	EXPECT_SOUND(test, node);

	node->reserve = 0;
	zcp_test_settle(node);
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 1);
	KUNIT_EXPECT_EQ(test, node->nr_split, 1);
	EXPECT_SOUND(test, node);
}

/* All that is free goes, of either kind; what is missing does not come back at once. */
static void reserve_give_up(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 4, 8);
	struct zcp_extent ext[2];

	KUNIT_ASSERT_EQ(test, zcp_node_take_whole(node, ext, 1), 1);
	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, ext + 1, 3), 0);
	KUNIT_EXPECT_EQ(test, zcp_reserve_give_up(node), 2 * ZCP_CHUNK_PAGES);
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 2);
	KUNIT_EXPECT_EQ(test, zcp_node_lost(node), 2);
	EXPECT_SOUND(test, node);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&node->regainer));
	zcp_reserve_regain(node);
	KUNIT_EXPECT_EQ(test, zcp_node_lost(node), 2);
	/* Nor does a worker that was on its way get any. */
	node->regain_at = jiffies + 1000 * HZ;
	zcp_reserve_worker(&node->regainer.work);
	KUNIT_EXPECT_EQ(test, zcp_node_lost(node), 2);
	node->regain_at = jiffies;
	zcp_reserve_worker(&node->regainer.work);
	KUNIT_EXPECT_EQ(test, zcp_node_lost(node), 0);
	zcp_node_free(ext, 2);
	EXPECT_SOUND(test, node);
}

static struct kunit_case zcp_refill_cases[] = {
	KUNIT_CASE(supply_fill_reserve),
	KUNIT_CASE(supply_lost),
	KUNIT_CASE(supply_lost_to_another),
	KUNIT_CASE(refill_grow),
	KUNIT_CASE(refill_full),
	KUNIT_CASE(refill_convert),
	KUNIT_CASE(refill_convert_not),
	KUNIT_CASE(refill_other),
	KUNIT_CASE(refill_killed),
	KUNIT_CASE(refill_await),
	KUNIT_CASE(refill_await_not),
	KUNIT_CASE(refill_await_older),
	KUNIT_CASE(refill_await_freed),
	KUNIT_CASE(refill_of_order),
	KUNIT_CASE(refill_of_used),
	KUNIT_CASE(supply_release),
	KUNIT_CASE(supply_settle),
	KUNIT_CASE(reserve_give_up),
	{}
};

static struct kunit_suite zcp_refill_suite = {
	.name = "zcpool_refill",
	.test_cases = zcp_refill_cases,
};

kunit_test_suite(zcp_refill_suite);
