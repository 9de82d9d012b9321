// SPDX-License-Identifier: GPL-2.0
/*
 * What the suites of chunks and nodes share.
 */
#include <linux/highmem.h>
#include <linux/mm.h>

#include "fixture.h"

static void zcp_test_node_destroy(void *data)
{
	struct zcp_node *node = data;

	zcp_scrub_stop(node);
	/* A test that gave up half-way has failed already, and need not warn too. */
	node->nr[ZCP_USED] = 0;
	zcp_node_destroy(node);
}

/**
 * zcp_test_node() - make a node whose scrubber sleeps
 * @test: whose; the node goes with it
 * @nid: NUMA node
 * @reserve: in chunks; filled
 * @max: of its budget, which no other node shares, in chunks
 *
 * The scrubber counts as told and is never woken, so that a test sees each step
 * that it makes itself. A test that wants it clears scrub_due.
 *
 * Context: test case.
 * Return: the node; the test ends where there is no memory for it.
 */
struct zcp_node *zcp_test_node(struct kunit *test, int nid, unsigned long reserve,
			       unsigned long max)
{
	struct zcp_budget *budget = kunit_kzalloc(test, sizeof(*budget), GFP_KERNEL);
	struct zcp_node *node;

	KUNIT_ASSERT_NOT_NULL(test, budget);
	budget->max = max;
	node = zcp_test_node_in(test, budget, nid, reserve);
	KUNIT_ASSERT_EQ(test, node->nr_chunks, min(reserve, max));
	return node;
}

/**
 * zcp_test_node_in() - make a node whose scrubber sleeps, beside others
 * @test: whose; the node goes with it
 * @budget: what it shares with them, with its maximum set
 * @nid: NUMA node
 * @reserve: in chunks; filled as far as the budget has room
 *
 * Context: test case.
 * Return: the node; the test ends where there is no memory for it.
 */
struct zcp_node *zcp_test_node_in(struct kunit *test, struct zcp_budget *budget, int nid,
				  unsigned long reserve)
{
	struct zcp_node *node;

	node = zcp_node_create(budget, "kunit", nid);
	KUNIT_ASSERT_NOT_NULL(test, node);
	zcp_scrub_start(node);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, zcp_test_node_destroy, node), 0);
	node->reserve = reserve;
	node->scrub_due = true;
	KUNIT_ASSERT_EQ(test, zcp_reserve_fill(node), 0);
	return node;
}

/* What the lists of a node have, for comparison with what it says */
struct zcp_tally {
	unsigned long nr[ZCP_NR_STATES];
	unsigned long chunks;
	unsigned long split;
	bool misfiled;
};

static void zcp_tally_whole(struct zcp_node *node, struct zcp_tally *tally)
{
	struct zcp_chunk *chunk;
	int state;

	for (state = 0; state < ZCP_NR_STATES; state++) {
		list_for_each_entry(chunk, &node->whole[state], link) {
			tally->nr[state] += ZCP_CHUNK_PAGES;
			tally->chunks++;
			if (chunk->split || chunk->node != node ||
			    chunk->state != state || zcp_chunk_at(chunk->place) != chunk)
				tally->misfiled = true;
			if (state == ZCP_CLEAN &&
			    test_bit(chunk->place - node->first_place, node->not_clean))
				tally->misfiled = true;
		}
	}
	if (node->nr_places - bitmap_weight(node->not_clean, node->nr_places) !=
	    list_count_nodes(&node->whole[ZCP_CLEAN]))
		tally->misfiled = true;
}

/* Split chunks are found by the largest block they have free. */
static struct list_head *zcp_list_of(const struct zcp_chunk *chunk)
{
	const struct zcp_buddy *buddy = &chunk->split->buddy;
	struct zcp_node *node = chunk->node;

	if (chunk->state == ZCP_RETIRED)
		return &node->retired_split;
	if (!zcp_buddy_nr_free(buddy))
		return &node->full_split;
	if (zcp_buddy_nr_free(buddy) == ZCP_BUDDY_PAGES)
		return &node->split[ZCP_IDLE_SPLIT];
	return &node->split[zcp_buddy_max_free(buddy)];
}

/* Pages of a retired chunk that are in no bitmap are taken for retired, not used. */
static void zcp_tally_split(struct zcp_node *node, struct list_head *list,
			    struct zcp_tally *tally)
{
	unsigned int clean, dirty, pinned, rest;
	struct zcp_chunk *chunk;
	bool retired;

	list_for_each_entry(chunk, list, link) {
		retired = chunk->state == ZCP_RETIRED;
		clean = zcp_buddy_nr_free(&chunk->split->buddy);
		dirty = bitmap_weight(chunk->split->dirty, ZCP_BUDDY_PAGES);
		pinned = bitmap_weight(chunk->split->quarantine, ZCP_BUDDY_PAGES);
		rest = ZCP_CHUNK_PAGES - clean - dirty - pinned;
		tally->nr[retired ? ZCP_RETIRED : ZCP_USED] += rest;
		tally->nr[retired ? ZCP_RETIRED : ZCP_CLEAN] += clean;
		tally->nr[ZCP_DIRTY] += dirty;
		tally->nr[ZCP_QUARANTINED] += pinned;
		tally->chunks++;
		tally->split++;
		if (list_empty(&chunk->split->dirty_link) != !dirty ||
		    list_empty(&chunk->split->quarantine_link) != !pinned ||
		    chunk->node != node || list != zcp_list_of(chunk))
			tally->misfiled = true;
	}
}

/* Retired chunks may have used pages, which only the node's count tells apart. */
static const char *zcp_tally_compare(const struct zcp_node *node,
				     const struct zcp_tally *tally)
{
	if (node->nr[ZCP_CLEAN] != tally->nr[ZCP_CLEAN])
		return "clean pages";
	if (node->nr[ZCP_DIRTY] != tally->nr[ZCP_DIRTY])
		return "dirty pages";
	if (node->nr[ZCP_QUARANTINED] != tally->nr[ZCP_QUARANTINED])
		return "quarantined pages";
	if (node->nr[ZCP_USED] < tally->nr[ZCP_USED])
		return "used pages";
	if (node->nr[ZCP_USED] + node->nr[ZCP_RETIRED] !=
	    tally->nr[ZCP_USED] + tally->nr[ZCP_RETIRED])
		return "retired pages";
	if (node->nr_chunks != tally->chunks ||
	    atomic_long_read(&node->budget->nr_chunks) != tally->chunks)
		return "chunks";
	if (atomic_long_read(&node->held_low) +
	    atomic_long_read(&node->held_high) != tally->chunks)
		return "chunks held";
	return node->nr_split == tally->split ? "" : "split chunks";
}

/**
 * zcp_test_fault() - what is wrong with a node's lists and counts
 * @node: of zcp_test_node(), nothing of which is being zeroed or converted
 *
 * Context: takes the node's lock.
 * Return: what differs; "" if nothing does.
 */
const char *zcp_test_fault(struct zcp_node *node)
{
	struct zcp_tally tally = {};
	const char *fault;
	int i;

	mutex_lock(&node->lock);
	zcp_tally_whole(node, &tally);
	for (i = 0; i <= ZCP_IDLE_SPLIT; i++)
		zcp_tally_split(node, &node->split[i], &tally);
	zcp_tally_split(node, &node->full_split, &tally);
	zcp_tally_split(node, &node->retired_split, &tally);
	fault = zcp_tally_compare(node, &tally);
	if (!*fault && tally.misfiled)
		fault = "a chunk on the wrong list";
	if (!*fault && (!list_empty(&node->pieces) || node->splitting))
		fault = "busy";
	mutex_unlock(&node->lock);
	return fault;
}

/**
 * zcp_test_pages_are() - whether pages hold nothing but one byte
 * @page: the first
 * @nr: how many
 * @byte: which
 *
 * Context: any but NMI.
 * Return: whether they do.
 */
bool zcp_test_pages_are(struct page *page, unsigned int nr, u8 byte)
{
	bool same = true;
	void *p;

	for (; nr && same; nr--, page++) {
		p = kmap_local_page(page);
		same = !memchr_inv(p, byte, PAGE_SIZE);
		kunmap_local(p);
	}
	return same;
}

/**
 * zcp_test_pages_fill() - write one byte all over pages
 * @page: the first
 * @nr: how many
 * @byte: which
 *
 * Context: any but NMI.
 */
void zcp_test_pages_fill(struct page *page, unsigned int nr, u8 byte)
{
	void *p;

	for (; nr; nr--, page++) {
		p = kmap_local_page(page);
		memset(p, byte, PAGE_SIZE);
		kunmap_local(p);
	}
}
