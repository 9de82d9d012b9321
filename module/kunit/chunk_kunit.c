// SPDX-License-Identifier: GPL-2.0
/*
 * Chunks: what they are made of on each node, and what is left when they go.
 */
#include <linux/mm.h>
#include <linux/page-flags.h>

#include "fixture.h"

/* Not in the node's account, so a test destroys it itself. */
static struct zcp_chunk *new_chunk(struct kunit *test, int nid, enum zcp_kind kind)
{
	struct zcp_node *node = zcp_test_node(test, nid, 0, 0);
	struct zcp_chunk *chunk = zcp_chunk_create(node, kind, ZCP_GFP_RESERVE);

	KUNIT_ASSERT_NOT_NULL(test, chunk);
	KUNIT_EXPECT_PTR_EQ(test, chunk->node, node);
	KUNIT_EXPECT_TRUE(test, list_empty(&chunk->link));
	KUNIT_EXPECT_EQ(test, chunk->state, ZCP_CLEAN);
	KUNIT_EXPECT_EQ(test, page_to_nid(chunk->page), nid);
	KUNIT_EXPECT_EQ(test, page_to_pfn(chunk->page) % ZCP_CHUNK_PAGES, 0);
	KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(chunk->page, ZCP_CHUNK_PAGES, 0));
	return chunk;
}

/* For what is true of a whole chunk only where it is a large folio */
static void skip_without_folios(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE))
		kunit_skip(test, "a whole chunk is single pages");
}

static void chunk_whole(struct kunit *test)
{
	struct zcp_chunk *chunk;
	int nid;

	skip_without_folios(test);
	for_each_node_state(nid, N_MEMORY) {
		chunk = new_chunk(test, nid, ZCP_WHOLE);
		KUNIT_EXPECT_NULL(test, chunk->split);
		KUNIT_EXPECT_TRUE(test, PageHead(chunk->page));
		KUNIT_EXPECT_EQ(test, compound_order(chunk->page), ZCP_CHUNK_ORDER);
		KUNIT_EXPECT_EQ(test, page_ref_count(chunk->page), 1);
		zcp_chunk_destroy(chunk);
	}
}

static void chunk_split(struct kunit *test)
{
	struct zcp_chunk *chunk;
	unsigned int i;
	int nid;

	for_each_node_state(nid, N_MEMORY) {
		chunk = new_chunk(test, nid, ZCP_SPLIT);
		KUNIT_ASSERT_NOT_NULL(test, chunk->split);
		KUNIT_EXPECT_PTR_EQ(test, chunk->split->chunk, chunk);
		KUNIT_EXPECT_EQ(test, zcp_buddy_nr_free(&chunk->split->buddy), ZCP_CHUNK_PAGES);
		KUNIT_EXPECT_TRUE(test, bitmap_empty(chunk->split->dirty, ZCP_BUDDY_PAGES));
		KUNIT_EXPECT_TRUE(test, bitmap_empty(chunk->split->quarantine, ZCP_BUDDY_PAGES));
		KUNIT_EXPECT_TRUE(test, list_empty(&chunk->split->dirty_link));
		KUNIT_EXPECT_TRUE(test, list_empty(&chunk->split->quarantine_link));
		for (i = 0; i < ZCP_CHUNK_PAGES; i++) {
			KUNIT_EXPECT_FALSE(test, PageCompound(chunk->page + i));
			KUNIT_EXPECT_EQ(test, page_ref_count(chunk->page + i), 1);
		}
		zcp_chunk_destroy(chunk);
	}
}

/* What others have left in the pages of a block, the page allocator clears in the first only. */
static void leave_private(struct kunit *test)
{
	struct page *page = alloc_pages_node(first_memory_node, GFP_HIGHUSER | __GFP_THISNODE,
					     ZCP_CHUNK_ORDER);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, page);
	for (i = 0; i < ZCP_CHUNK_PAGES; i++)
		set_page_private(page + i, 0x5a5a);
	__free_pages(page, ZCP_CHUNK_ORDER);
}

/* How many pages have something there that is not the pool's; it goes. */
static unsigned int clear_private(struct zcp_chunk *chunk)
{
	unsigned int i, found = 0;

	for (i = zcp_chunk_kind(chunk) == ZCP_WHOLE; i < ZCP_CHUNK_PAGES; i++) {
		if (PageTail(chunk->page + i))
			continue;
		found += !!page_private(chunk->page + i);
		set_page_private(chunk->page + i, 0);
	}
	return found;
}

/* Nothing that is found there may be taken for a note of ours. */
static void chunk_private_of_others(struct kunit *test)
{
	struct zcp_chunk *chunk;
	enum zcp_kind kind;

	for (kind = 0; kind < ZCP_NR_KINDS; kind++) {
		/* A block that has been freed is the next one that its CPU gives out. */
		migrate_disable();
		leave_private(test);
		chunk = new_chunk(test, first_memory_node, kind);
		migrate_enable();
		KUNIT_EXPECT_EQ(test, clear_private(chunk), 0);
		zcp_chunk_destroy(chunk);
	}
}

/* Exactly one reference goes, so that a page somebody else holds stays his. */
static void chunk_destroy_whole(struct kunit *test)
{
	struct zcp_chunk *chunk;
	struct page *page;

	skip_without_folios(test);
	chunk = new_chunk(test, first_memory_node, ZCP_WHOLE);
	page = chunk->page;
	get_page(page);
	zcp_test_pages_fill(page, ZCP_CHUNK_PAGES, 0x5a);
	zcp_chunk_destroy(chunk);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 1);
	KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(page, ZCP_CHUNK_PAGES, 0x5a));
	put_page(page);
}

static void chunk_destroy_split(struct kunit *test)
{
	struct zcp_chunk *chunk = new_chunk(test, first_memory_node, ZCP_SPLIT);
	struct page *page = chunk->page;
	unsigned int i;

	for (i = 0; i < ZCP_CHUNK_PAGES; i++)
		get_page(page + i);
	zcp_test_pages_fill(page, ZCP_CHUNK_PAGES, 0x5a);
	zcp_chunk_destroy(chunk);
	KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(page, ZCP_CHUNK_PAGES, 0x5a));
	for (i = 0; i < ZCP_CHUNK_PAGES; i++) {
		KUNIT_EXPECT_EQ(test, page_ref_count(page + i), 1);
		put_page(page + i);
	}
}

/* The kernel would hand out a poisoned page that is freed inside a large folio. */
static void chunk_destroy_poisoned(struct kunit *test)
{
	struct zcp_chunk *chunk;
	struct page *page;

	skip_without_folios(test);
	chunk = new_chunk(test, first_memory_node, ZCP_WHOLE);
	page = chunk->page;
	SetPageHWPoison(page + 7);
	zcp_chunk_destroy(chunk);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 1);
	ClearPageHWPoison(page + 7);
	put_page(page);
}

static void chunk_poisoned(struct kunit *test)
{
	struct zcp_chunk *chunk;
	struct page *page;
	enum zcp_kind kind;

	for (kind = 0; kind < ZCP_NR_KINDS; kind++) {
		chunk = new_chunk(test, first_memory_node, kind);
		page = chunk->page;
		KUNIT_EXPECT_FALSE(test, zcp_pages_poisoned(page, ZCP_CHUNK_PAGES));
		SetPageHWPoison(page + 9);
		KUNIT_EXPECT_TRUE(test, zcp_pages_poisoned(page, ZCP_CHUNK_PAGES));
		KUNIT_EXPECT_TRUE(test, zcp_pages_poisoned(page, 10));
		KUNIT_EXPECT_TRUE(test, zcp_pages_poisoned(page + 9, 1));
		KUNIT_EXPECT_FALSE(test, zcp_pages_poisoned(page, 9));
		KUNIT_EXPECT_FALSE(test, zcp_pages_poisoned(page + 10, 1));
		ClearPageHWPoison(page + 9);
		KUNIT_EXPECT_FALSE(test, zcp_pages_poisoned(page, ZCP_CHUNK_PAGES));
		zcp_chunk_destroy(chunk);
	}
}

/* A reference to any of its pages holds a whole chunk; in a split one, the page alone. */
static void chunk_pinned(struct kunit *test)
{
	struct zcp_chunk *whole = new_chunk(test, first_memory_node, ZCP_WHOLE);
	struct zcp_chunk *split = new_chunk(test, first_memory_node, ZCP_SPLIT);

	KUNIT_EXPECT_FALSE(test, zcp_chunk_pinned(whole));
	get_page(whole->page + 3);
	KUNIT_EXPECT_TRUE(test, zcp_chunk_pinned(whole));
	put_page(whole->page + 3);
	KUNIT_EXPECT_FALSE(test, zcp_chunk_pinned(whole));
	zcp_chunk_destroy(whole);

	get_page(split->page + 3);
	KUNIT_EXPECT_FALSE(test, zcp_page_pinned(split->page));
	KUNIT_EXPECT_TRUE(test, zcp_page_pinned(split->page + 3));
	put_page(split->page + 3);
	KUNIT_EXPECT_FALSE(test, zcp_page_pinned(split->page + 3));
	zcp_chunk_destroy(split);
}

static void chunk_clear(struct kunit *test)
{
	struct zcp_chunk *chunk = new_chunk(test, first_memory_node, ZCP_WHOLE);
	struct page *page = chunk->page;

	zcp_test_pages_fill(page, ZCP_CHUNK_PAGES, 0xff);
	zcp_pages_clear(page + 3, 0);
	KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(page, ZCP_CHUNK_PAGES, 0xff));
	zcp_pages_clear(page + 3, 65);
	KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(page, 3, 0xff));
	KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(page + 3, 65, 0));
	KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(page + 68, ZCP_CHUNK_PAGES - 68, 0xff));
	zcp_pages_clear(page, ZCP_CHUNK_PAGES);
	KUNIT_EXPECT_TRUE(test, zcp_test_pages_are(page, ZCP_CHUNK_PAGES, 0));
	zcp_chunk_destroy(chunk);
}

static struct kunit_case zcp_chunk_cases[] = {
	KUNIT_CASE(chunk_whole),
	KUNIT_CASE(chunk_split),
	KUNIT_CASE(chunk_private_of_others),
	KUNIT_CASE(chunk_destroy_whole),
	KUNIT_CASE(chunk_destroy_split),
	KUNIT_CASE(chunk_destroy_poisoned),
	KUNIT_CASE(chunk_poisoned),
	KUNIT_CASE(chunk_pinned),
	KUNIT_CASE(chunk_clear),
	{}
};

static struct kunit_suite zcp_chunk_suite = {
	.name = "zcpool_chunk",
	.test_cases = zcp_chunk_cases,
};

kunit_test_suite(zcp_chunk_suite);
