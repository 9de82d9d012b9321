/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the suites of chunks and nodes share: a node in a pool of its own, and a
 * second opinion on its state.
 */
#ifndef ZCPOOL_KUNIT_FIXTURE_H
#define ZCPOOL_KUNIT_FIXTURE_H

#include <kunit/test.h>

#include "../mem/mem.h"

struct zcp_node *zcp_test_node(struct kunit *test, int nid, unsigned long reserve,
			       unsigned long max);
struct zcp_node *zcp_test_node_in(struct kunit *test, struct zcp_budget *budget, int nid,
				  unsigned long reserve);
const char *zcp_test_fault(struct zcp_node *node);
bool zcp_test_pages_are(struct page *page, unsigned int nr, u8 byte);
void zcp_test_pages_fill(struct page *page, unsigned int nr, u8 byte);

#define EXPECT_SOUND(test, node)	KUNIT_EXPECT_STREQ(test, zcp_test_fault(node), "")
#define ASSERT_SOUND(test, node)	KUNIT_ASSERT_STREQ(test, zcp_test_fault(node), "")

/* A clean whole chunk, or a clean block of so many pages; the test ends where there is none. */
static inline struct zcp_extent take_whole(struct kunit *test, struct zcp_node *node)
{
	struct zcp_extent ext;

	KUNIT_ASSERT_EQ(test, zcp_node_take_whole(node, &ext, 1), 1);
	return ext;
}

static inline struct zcp_extent take_block(struct kunit *test, struct zcp_node *node,
					   unsigned int nr)
{
	struct zcp_extent ext;

	KUNIT_ASSERT_EQ(test, zcp_node_take_block(node, &ext, nr), 0);
	return ext;
}

/* The order that the tests want memory of some kind in: a page, or all of a chunk */
static inline unsigned int zcp_test_order(enum zcp_kind kind)
{
	return kind == ZCP_SPLIT ? 0 : ZCP_CHUNK_ORDER;
}

static inline unsigned long zcp_test_news(const struct zcp_node *node, enum zcp_kind kind)
{
	return node->news[zcp_test_order(kind)];
}

/*
 * As somebody does who has looked for memory when there had been so much news; and once more
 * if he is to look again though there is none.
 */
static inline int zcp_test_refill_since(struct zcp_node *node, enum zcp_kind kind,
					enum zcp_growth growth, unsigned long seen)
{
	struct zcp_search search = {
		.node = node,
		.kind = kind,
		.order = zcp_test_order(kind),
		.growth = growth,
		.patience = ZCP_MAY_WAIT,
	};
	int err;

	zcp_search_begin(&search);
	search.seen = seen;
	err = zcp_search_refill(&search);
	if (!err && search.last && zcp_test_news(node, kind) == seen)
		err = zcp_search_refill(&search);
	return err;
}

static inline int zcp_test_refill(struct zcp_node *node, enum zcp_kind kind,
				  enum zcp_growth growth)
{
	return zcp_test_refill_since(node, kind, growth, zcp_test_news(node, kind));
}

/* As the scrubber does, but that it keeps what there is beyond the reserve */
static inline void zcp_test_scrub(struct zcp_node *node)
{
	do {
		while (zcp_scrub_whole(node, ZCP_KEEP_SURPLUS) || zcp_scrub_split(node))
			;
	} while (zcp_quarantine_scan(node));
}

/* As the workers do when a node comes to rest. */
static inline void zcp_test_settle(struct zcp_node *node)
{
	zcp_reserve_trim(node);
	zcp_reserve_regain(node);
}

#endif /* ZCPOOL_KUNIT_FIXTURE_H */
