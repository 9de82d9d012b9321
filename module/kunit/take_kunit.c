// SPDX-License-Identifier: GPL-2.0
/*
 * What is pinned of memory, and the account of what was when it was taken away: it goes down to
 * nothing however the memory is let go of.
 */
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/sched/signal.h>

#include "fixture.h"

static struct zcp_users users = { .by_uid = XARRAY_INIT(users.by_uid, 0) };

/* As whose all of this counts, to be given to zcp_owner_exit() */
static struct zcp_owner test_owner(struct kunit *test)
{
	struct zcp_owner owner;

	KUNIT_ASSERT_EQ(test, zcp_owner_init(&owner, &users), 0);
	return owner;
}

static struct zcp_pins *new_pins(struct kunit *test)
{
	struct zcp_owner owner = test_owner(test);
	struct zcp_pins *pins = zcp_pins_create(&owner);

	zcp_owner_exit(&owner);
	KUNIT_ASSERT_NOT_NULL(test, pins);
	return pins;
}

/* The test puts what is left of the account, by expect_let_go(). */
static struct zcp_pins *note_pins(struct kunit *test, const struct zcp_extent *ext,
				  unsigned int nr)
{
	struct zcp_pins *pins = new_pins(test);

	zcp_pieces_note_pins(ext, nr, pins);
	return pins;
}

#define EXPECT_PINNED(test, pins, nr)	\
	KUNIT_EXPECT_EQ(test, atomic_long_read(&(pins)->pages), nr)

/* Nothing is pinned any more, and nobody but the test has the account. */
static void expect_let_go(struct kunit *test, struct zcp_pins *pins)
{
	EXPECT_PINNED(test, pins, 0);
	KUNIT_EXPECT_EQ(test, kref_read(&pins->ref), 1);
	zcp_pins_put(pins);
}

/* A page of a whole chunk holds all of it, and only the chunk that it is of. */
static void pinned_whole(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 3, 3);
	struct zcp_extent ext[2] = { take_whole(test, node), take_whole(test, node) };
	unsigned int folio = compound_nr(ext->chunk->page);
	struct page *page = ext[1].chunk->page;

	KUNIT_EXPECT_EQ(test, zcp_pieces_pinned(ext, 2), 0);
	get_page(page + 3);
	KUNIT_EXPECT_EQ(test, zcp_pieces_pinned(ext, 1), 0);
	KUNIT_EXPECT_EQ(test, zcp_pieces_pinned(ext, 2), folio);
	get_page(ext->chunk->page);
	KUNIT_EXPECT_EQ(test, zcp_pieces_pinned(ext, 2), 2 * folio);
	put_page(ext->chunk->page);
	put_page(page + 3);
	KUNIT_EXPECT_EQ(test, zcp_pieces_pinned(ext, 2), 0);
	zcp_node_free(ext, 2);
	EXPECT_SOUND(test, node);
}

/* In a split one a page holds itself, and those beyond the piece do not count. */
static void pinned_split(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 2);
	struct zcp_extent ext[3] = {
		take_block(test, node, 8), take_block(test, node, 8), take_whole(test, node),
	};
	struct page *page = zcp_extent_page(ext);

	get_page(page + 7);
	get_page(zcp_extent_page(ext + 1));
	KUNIT_EXPECT_EQ(test, zcp_pieces_pinned(ext, 1), 1);
	KUNIT_EXPECT_EQ(test, zcp_pieces_pinned(ext, 2), 2);
	get_page(page + 1);
	KUNIT_EXPECT_EQ(test, zcp_pieces_pinned(ext, 1), 2);
	KUNIT_EXPECT_EQ(test, zcp_pieces_pinned(ext, 3), 3);
	put_page(page + 1);
	put_page(page + 7);
	put_page(zcp_extent_page(ext + 1));
	KUNIT_EXPECT_EQ(test, zcp_pieces_pinned(ext, 3), 0);
	zcp_node_free(ext, 3);
	EXPECT_SOUND(test, node);
}

static void pins_of_nothing(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 2);
	struct zcp_extent ext[2] = { take_whole(test, node), take_block(test, node, 8) };

	expect_let_go(test, note_pins(test, ext, 2));
	zcp_node_free(ext, 2);
}

static void pins_whole(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 3, 3);
	struct zcp_extent ext[2] = { take_whole(test, node), take_whole(test, node) };
	struct zcp_chunk *chunk = ext[1].chunk;
	struct zcp_pins *pins;

	get_page(chunk->page);
	pins = note_pins(test, ext, 2);
	EXPECT_PINNED(test, pins, ZCP_CHUNK_PAGES);
	zcp_node_free(ext, 2);
	zcp_test_scrub(node);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_QUARANTINED], ZCP_CHUNK_PAGES);
	EXPECT_PINNED(test, pins, ZCP_CHUNK_PAGES);
	KUNIT_EXPECT_EQ(test, zcp_pins_wait(pins, 0), 0);

	/* Not before it has been looked at again. */
	put_page(chunk->page);
	EXPECT_PINNED(test, pins, ZCP_CHUNK_PAGES);
	zcp_test_scrub(node);
	KUNIT_EXPECT_NULL(test, chunk->pins);
	expect_let_go(test, pins);
	EXPECT_SOUND(test, node);
}

static void pins_split(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 2);
	struct zcp_extent ext = take_block(test, node, 8);
	struct page *page = zcp_extent_page(&ext);
	struct zcp_pins *pins;
	unsigned int i;

	get_page(page + 2);
	get_page(page + 5);
	pins = note_pins(test, &ext, 1);
	EXPECT_PINNED(test, pins, 2);
	zcp_node_free(&ext, 1);
	zcp_test_scrub(node);
	EXPECT_PINNED(test, pins, 2);
	put_page(page + 2);
	zcp_test_scrub(node);
	EXPECT_PINNED(test, pins, 1);
	put_page(page + 5);
	zcp_test_scrub(node);
	for (i = 0; i < ZCP_CHUNK_PAGES; i++)
		KUNIT_EXPECT_EQ(test, page_private(ext.chunk->page + i), 0);
	expect_let_go(test, pins);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_CLEAN], 2 * ZCP_CHUNK_PAGES);
	EXPECT_SOUND(test, node);
}

/* It has been let go of before anybody had looked for the first time. */
static void pins_at_once(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 2);
	struct zcp_extent ext[2] = { take_whole(test, node), take_block(test, node, 3) };
	struct page *page = zcp_extent_page(ext + 1);
	struct zcp_pins *pins;

	get_page(ext->chunk->page);
	get_page(page);
	pins = note_pins(test, ext, 2);
	EXPECT_PINNED(test, pins, ZCP_CHUNK_PAGES + 1);
	put_page(ext->chunk->page);
	put_page(page);
	zcp_node_free(ext, 2);
	zcp_test_scrub(node);
	expect_let_go(test, pins);
	EXPECT_SOUND(test, node);
}

/* Two buffers had pages of one chunk, and each had its account. */
static void pins_of_two(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 2);
	struct zcp_extent ext[2] = { take_block(test, node, 4), take_block(test, node, 4) };
	struct page *page[2] = { zcp_extent_page(ext), zcp_extent_page(ext + 1) };
	struct zcp_pins *pins[2];
	int i;

	KUNIT_ASSERT_PTR_EQ(test, ext[0].chunk, ext[1].chunk);
	for (i = 0; i < 2; i++) {
		get_page(page[i]);
		pins[i] = note_pins(test, ext + i, 1);
	}
	zcp_node_free(ext, 2);
	zcp_test_scrub(node);
	put_page(page[0]);
	zcp_test_scrub(node);
	expect_let_go(test, pins[0]);
	EXPECT_PINNED(test, pins[1], 1);
	put_page(page[1]);
	zcp_test_scrub(node);
	expect_let_go(test, pins[1]);
	EXPECT_SOUND(test, node);
}

/* The kernel keeps a reference to what has had a memory error: that is not waited for. */
static void pins_retired_whole(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 1, 1);
	struct zcp_extent ext = take_whole(test, node);
	struct page *page = ext.chunk->page;
	struct zcp_pins *pins;

	get_page(page);
	SetPageHWPoison(page + 9);
	pins = note_pins(test, &ext, 1);
	EXPECT_PINNED(test, pins, ZCP_CHUNK_PAGES);
	zcp_node_free(&ext, 1);
	zcp_test_scrub(node);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_RETIRED], ZCP_CHUNK_PAGES);
	expect_let_go(test, pins);
	EXPECT_SOUND(test, node);
	ClearPageHWPoison(page + 9);
	put_page(page);
}

/* Whether it was quarantined before or after another page of its chunk was hit */
static void pins_retired_split(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 2, 2);
	struct zcp_extent ext[2] = { take_block(test, node, 4), take_block(test, node, 4) };
	struct page *page[2] = { zcp_extent_page(ext), zcp_extent_page(ext + 1) };
	struct zcp_pins *pins;

	get_page(page[0]);
	get_page(page[1]);
	pins = note_pins(test, ext, 2);
	EXPECT_PINNED(test, pins, 2);
	zcp_node_free(ext, 1);
	zcp_test_scrub(node);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_QUARANTINED], 1);

	SetPageHWPoison(page[1] + 3);
	zcp_node_free(ext + 1, 1);
	zcp_test_scrub(node);
	KUNIT_EXPECT_EQ(test, ext->chunk->state, ZCP_RETIRED);
	EXPECT_PINNED(test, pins, 1);
	put_page(page[0]);
	zcp_test_scrub(node);
	KUNIT_EXPECT_EQ(test, node->nr[ZCP_RETIRED], ZCP_CHUNK_PAGES);
	expect_let_go(test, pins);
	EXPECT_SOUND(test, node);
	ClearPageHWPoison(page[1] + 3);
	put_page(page[1]);
}

/* What the node need not keep is given back to the kernel without being zeroed. */
static void pins_given_back(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 1, 1);
	struct zcp_extent ext = take_whole(test, node);
	struct zcp_pins *pins;

	get_page(ext.chunk->page);
	pins = note_pins(test, &ext, 1);
	zcp_node_free(&ext, 1);
	node->reserve = 0;
	KUNIT_EXPECT_TRUE(test, zcp_scrub_whole(node, ZCP_RELEASE_SURPLUS));
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 1);
	EXPECT_PINNED(test, pins, ZCP_CHUNK_PAGES);

	put_page(ext.chunk->page);
	KUNIT_EXPECT_TRUE(test, zcp_quarantine_scan(node));
	KUNIT_EXPECT_TRUE(test, zcp_scrub_whole(node, ZCP_RELEASE_SURPLUS));
	KUNIT_EXPECT_EQ(test, node->nr_chunks, 0);
	expect_let_go(test, pins);
	EXPECT_SOUND(test, node);
}

/* When a pool goes, what is still pinned goes, too: nobody would ever look again. */
static void pins_destroyed(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 0, 0);
	struct zcp_extent ext = { .nr = ZCP_CHUNK_PAGES };
	struct zcp_pins *pins;
	struct page *page;
	enum zcp_kind kind;

	for (kind = 0; kind < ZCP_NR_KINDS; kind++) {
		ext.chunk = zcp_chunk_create(node, kind, ZCP_GFP_RESERVE);
		KUNIT_ASSERT_NOT_NULL(test, ext.chunk);
		page = ext.chunk->page;
		get_page(page);
		pins = note_pins(test, &ext, 1);
		EXPECT_PINNED(test, pins, kind == ZCP_WHOLE ? ZCP_CHUNK_PAGES : 1);
		zcp_chunk_destroy(ext.chunk);
		KUNIT_EXPECT_EQ(test, page_ref_count(page), 1);
		KUNIT_EXPECT_EQ(test, page_private(page), 0);
		put_page(page);
		expect_let_go(test, pins);
	}
}

/* Who takes a chunk as it is sees that nobody holds it any more, as the scrubber would. */
static void pins_taken_dirty(struct kunit *test)
{
	struct zcp_node *node = zcp_test_node(test, first_memory_node, 1, 1);
	struct zcp_extent ext = take_whole(test, node);
	struct page *page = ext.chunk->page;
	struct zcp_pins *pins;

	get_page(page);
	pins = note_pins(test, &ext, 1);
	zcp_node_free(&ext, 1);
	KUNIT_EXPECT_EQ(test, zcp_node_take_dirty(node, &ext, 1), 0);
	EXPECT_PINNED(test, pins, ZCP_CHUNK_PAGES);
	put_page(page);
	KUNIT_ASSERT_EQ(test, zcp_node_take_dirty(node, &ext, 1), 1);
	expect_let_go(test, pins);

	/* It is somebody else's now. */
	get_page(page);
	pins = note_pins(test, &ext, 1);
	EXPECT_PINNED(test, pins, ZCP_CHUNK_PAGES);
	put_page(page);
	zcp_node_free(&ext, 1);
	zcp_test_scrub(node);
	expect_let_go(test, pins);
	EXPECT_SOUND(test, node);
}

struct pins_waiter {
	struct work_struct work;
	struct zcp_pins *pins;
	int err;
};

static void pins_waiter_wait(struct work_struct *work)
{
	struct pins_waiter *waiter = container_of(work, struct pins_waiter, work);

	waiter->err = zcp_pins_wait(waiter->pins, MAX_SCHEDULE_TIMEOUT);
}

/* Until the last of them has been let go of */
static void pins_wait(struct kunit *test)
{
	struct pins_waiter *waiter = kunit_kzalloc(test, sizeof(*waiter), GFP_KERNEL);
	struct zcp_pins *pins = new_pins(test);

	KUNIT_ASSERT_NOT_NULL(test, waiter);
	zcp_pins_add(pins, 3);
	zcp_pins_add(pins, 1);
	waiter->pins = pins;
	waiter->err = -EAGAIN;
	INIT_WORK(&waiter->work, pins_waiter_wait);
	queue_work(system_unbound_wq, &waiter->work);
	while (!wq_has_sleeper(&pins->wait))
		msleep(20);
	zcp_pins_sub(pins, 3);
	msleep(20);
	KUNIT_EXPECT_TRUE(test, wq_has_sleeper(&pins->wait));
	zcp_pins_sub(pins, 1);
	flush_work(&waiter->work);
	KUNIT_EXPECT_EQ(test, waiter->err, 0);
	expect_let_go(test, pins);
}

static void pins_wait_killed(struct kunit *test)
{
	struct zcp_pins *pins = new_pins(test);

	zcp_pins_add(pins, 1);
	allow_signal(SIGKILL);
	send_sig(SIGKILL, current, 1);
	KUNIT_EXPECT_EQ(test, zcp_pins_wait(pins, MAX_SCHEDULE_TIMEOUT), -EINTR);
	flush_signals(current);
	disallow_signal(SIGKILL);
	zcp_pins_sub(pins, 1);
	expect_let_go(test, pins);
}

/* It counts as its owner's for as long as it is pinned, when the buffer has long gone. */
static void pins_count_as_owned(struct kunit *test)
{
	struct zcp_owner owner = test_owner(test);
	struct zcp_pins *pins = new_pins(test);
	atomic_long_t *pages = &owner.user->pages;

	zcp_pins_add(pins, 3);
	zcp_pins_add(pins, 512);
	KUNIT_EXPECT_EQ(test, atomic_long_read(pages), 515);
	zcp_pins_sub(pins, 3);
	KUNIT_EXPECT_EQ(test, atomic_long_read(pages), 512);
	zcp_pins_sub(pins, 512);
	KUNIT_EXPECT_EQ(test, atomic_long_read(pages), 0);
	expect_let_go(test, pins);
	zcp_owner_exit(&owner);
}

static struct kunit_case zcp_take_cases[] = {
	KUNIT_CASE(pinned_whole),
	KUNIT_CASE(pinned_split),
	KUNIT_CASE(pins_of_nothing),
	KUNIT_CASE(pins_whole),
	KUNIT_CASE(pins_split),
	KUNIT_CASE(pins_at_once),
	KUNIT_CASE(pins_of_two),
	KUNIT_CASE(pins_retired_whole),
	KUNIT_CASE(pins_retired_split),
	KUNIT_CASE(pins_given_back),
	KUNIT_CASE(pins_destroyed),
	KUNIT_CASE(pins_taken_dirty),
	KUNIT_CASE(pins_wait),
	KUNIT_CASE(pins_wait_killed),
	KUNIT_CASE(pins_count_as_owned),
	{}
};

static void zcp_take_exit(struct kunit *test)
{
	zcp_users_exit(&users);
}

static struct kunit_suite zcp_take_suite = {
	.name = "zcpool_take",
	.exit = zcp_take_exit,
	.test_cases = zcp_take_cases,
};

kunit_test_suite(zcp_take_suite);
