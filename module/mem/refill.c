// SPDX-License-Identifier: GPL-2.0
/*
 * Refill: where memory is looked for when a node has none at hand that is clean and of
 * the kind that is wanted.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "mem.h"

/*
 * All that is dirty now may be made clean. The sweep that is under way has left some behind,
 * so the sweeps that are allowed begin when it has ended.
 */
static void zcp_search_allow(struct zcp_search *search)
{
	struct zcp_node *node = search->node;

	mutex_lock(&node->lock);
	search->left[ZCP_WHOLE] = node->nr[ZCP_DIRTY];
	search->left[ZCP_SPLIT] = node->nr[ZCP_DIRTY];
	search->sweeps = node->sweeps + 1;
	search->swept_one = false;
	search->allowed = true;
	mutex_unlock(&node->lock);
}

/* Who wants all of a chunk has no use for a block of one, unless the rest of it is free. */
static bool zcp_search_sweeps(const struct zcp_search *search, enum zcp_kind kind)
{
	return kind == ZCP_SPLIT && search->order < ZCP_CHUNK_ORDER;
}

static bool zcp_search_may_sweep(struct zcp_search *search)
{
	unsigned long nr = READ_ONCE(search->node->nr_dirty_split);
	unsigned long sweeps = READ_ONCE(search->node->sweeps);

	if ((long)(search->sweeps - sweeps) <= 0 && !search->swept_one) {
		search->swept_one = true;
		search->sweeps = sweeps + nr;
	}
	return (long)(search->sweeps - sweeps) > 0;
}

static bool zcp_search_may_clean(struct zcp_search *search, enum zcp_kind kind)
{
	if (zcp_search_sweeps(search, kind))
		return zcp_search_may_sweep(search);
	return search->left[kind] > 0;
}

/*
 * What the kernel has refused, it is not asked for again: among several who fail, each would
 * be the others' reason to begin anew.
 */
static void zcp_search_restart(struct zcp_search *search)
{
	search->moved = READ_ONCE(search->node->moved[search->order]);
	search->allowed = false;
	search->scanned = false;
	search->waits = false;
	search->last = false;
}

/**
 * zcp_search_begin() - begin to look for memory
 * @search: with node, kind, order, growth and patience set
 *
 * Context: any.
 */
void zcp_search_begin(struct zcp_search *search)
{
	search->refused = false;
	search->staked = false;
	zcp_search_restart(search);
}

/**
 * zcp_search_look() - note that one is about to look at the node's clean memory
 * @search: whose
 *
 * Context: any.
 */
void zcp_search_look(struct zcp_search *search)
{
	search->seen = READ_ONCE(search->node->news[search->order]);
}

static bool zcp_search_has_news(const struct zcp_search *search)
{
	return READ_ONCE(search->node->news[search->order]) != search->seen;
}

/* Whether somebody has taken or freed what would have done */
static bool zcp_search_is_stale(const struct zcp_search *search)
{
	return READ_ONCE(search->node->moved[search->order]) != search->moved;
}

static bool zcp_search_has_waited(const struct zcp_search *search)
{
	return (long)(READ_ONCE(search->node->ended) - search->until) >= 0;
}

/* Whether there is something dirty that was not, or was not found, before */
static bool zcp_search_has_dirty(struct zcp_search *search)
{
	struct zcp_node *node = search->node;

	if (zcp_search_may_clean(search, ZCP_WHOLE) && !list_empty(&node->whole[ZCP_DIRTY]))
		return true;
	if (!zcp_search_may_clean(search, ZCP_SPLIT))
		return false;
	if (zcp_search_sweeps(search, ZCP_SPLIT))
		return !list_empty(&node->dirty_split);
	return zcp_scrub_has_unused(node);
}

/*
 * The last of the pieces in others' hands that may help. A block does not help who wants all
 * of a chunk, unless all the rest of its chunk is free, too.
 */
static unsigned long zcp_search_last_piece(const struct zcp_search *search)
{
	const struct zcp_node *node = search->node;
	const struct zcp_piece *piece;

	list_for_each_entry_reverse(piece, &node->pieces, link) {
		if (search->order < ZCP_CHUNK_ORDER || !piece->split ||
		    zcp_node_split_is_unused(piece->split))
			return piece->nth;
	}
	return node->ended;
}

/* Whether there is reason to wait no longer */
static bool zcp_search_wait_ends(const struct zcp_search *search)
{
	return zcp_search_has_news(search) || zcp_search_is_stale(search) ||
	       zcp_search_has_waited(search);
}

/*
 * Wait until there is reason to look again, at most until all is back that was in others'
 * hands, and might help, when this was called first. Then is the last look, if there is hope
 * left. 0 to look again; -EAGAIN if there is something to wait for; -ENOMEM if not.
 */
static int zcp_search_await(struct zcp_search *search)
{
	struct zcp_node *node = search->node;
	bool hope, waited;

	mutex_lock(&node->lock);
	if (!search->waits)
		search->until = zcp_search_last_piece(search);
	search->waits = true;
	hope = !zcp_search_has_waited(search);
	mutex_unlock(&node->lock);

	if (search->patience == ZCP_MAY_WAIT &&
	    wait_event_killable(node->wait, zcp_search_wait_ends(search)))
		return -EINTR;
	if (zcp_search_is_stale(search))
		return 0;

	mutex_lock(&node->lock);
	waited = zcp_search_has_waited(search);
	hope &= waited;
	hope |= zcp_search_has_news(search) || zcp_search_has_dirty(search);
	mutex_unlock(&node->lock);
	if (!hope || search->last)
		return waited ? -ENOMEM : -EAGAIN;
	search->last = waited || search->patience == ZCP_DO_NOT_WAIT;
	return 0;
}

static unsigned int zcp_search_clean_one(const struct zcp_search *search, enum zcp_kind kind)
{
	if (kind == ZCP_WHOLE)
		return zcp_scrub_whole(search->node, ZCP_KEEP_SURPLUS);
	if (zcp_search_sweeps(search, kind))
		return zcp_scrub_split(search->node);
	return zcp_scrub_unused(search->node);
}

/* Make so many dirty pages in chunks of some kind clean, or until it helps; whether it does. */
static bool zcp_search_clean(struct zcp_search *search, enum zcp_kind kind, unsigned long most)
{
	unsigned int pages;
	unsigned long done;

	for (done = 0; done < most && zcp_search_may_clean(search, kind); done += pages) {
		pages = zcp_search_clean_one(search, kind);
		if (!pages || fatal_signal_pending(current))
			return false;
		search->left[kind] -= pages;
		if (zcp_search_has_news(search))
			return true;
		cond_resched();
	}
	return false;
}

/* Have a whole chunk in place of a split one, unless the kernel has refused one already. */
static bool zcp_search_join(struct zcp_search *search, gfp_t gfp)
{
	int err;

	if (search->refused)
		return false;
	err = zcp_node_join_one(search->node, gfp, &search->moved);
	search->refused = err == -ENOMEM;
	return !err;
}

/* The other way round, for who wants a block */
static bool zcp_search_split(struct zcp_search *search, enum zcp_stake stake)
{
	bool *refused = stake == ZCP_STAKE_CHUNK ? &search->staked : &search->refused;
	int err;

	if (*refused)
		return false;
	err = zcp_node_split_one(search, stake);
	*refused = err == -ENOMEM;
	return !err;
}

/* What nobody else holds any more is dirty then; whether that could help. */
static bool zcp_search_quarantine(struct zcp_search *search)
{
	struct zcp_node *node = search->node;
	bool dirty;

	if (search->scanned)
		return false;
	search->scanned = true;
	zcp_quarantine_scan(node);
	/* Somebody else's scan may have made some dirty, too. */
	zcp_search_allow(search);
	mutex_lock(&node->lock);
	dirty = zcp_search_has_dirty(search);
	mutex_unlock(&node->lock);
	return dirty;
}

/**
 * zcp_search_refill() - try to make some memory clean
 * @search: whose look has been in vain
 *
 * Goes from what costs least to what costs most, and does one step of it.
 *
 * Context: may sleep; without the node's lock.
 * Return: 0 to look again; -ENOSPC the pool is at its maximum; -ENOMEM the kernel has
 * none; -EAGAIN with ZCP_DO_NOT_WAIT, there is something to wait for; -EINTR killed.
 */
int zcp_search_refill(struct zcp_search *search)
{
	gfp_t gfp = search->growth == ZCP_MAY_GROW_DIRTY ? ZCP_GFP_GROW_DIRTY : ZCP_GFP_GROW;
	struct zcp_node *node = search->node;
	int err = -ENOMEM, wait;

	if (fatal_signal_pending(current))
		return -EINTR;
	cond_resched();

	if (zcp_search_is_stale(search))
		zcp_search_restart(search);
	if (!search->allowed)
		zcp_search_allow(search);
	/* To get a chunk, or to convert one, costs about as much as to zero one. */
	if (zcp_search_clean(search, search->kind, ZCP_CHUNK_PAGES))
		return 0;
	if (search->kind == ZCP_SPLIT && zcp_search_split(search, ZCP_KEEP_CHUNK))
		return 0;
	if (search->growth != ZCP_NO_GROW)
		err = zcp_node_get_chunk(node, search->kind, gfp);
	if (!err)
		return 0;
	if (zcp_search_clean(search, search->kind, ULONG_MAX))
		return 0;
	if (search->kind == ZCP_SPLIT && zcp_search_split(search, ZCP_STAKE_CHUNK))
		return 0;
	if (search->kind == ZCP_SPLIT && zcp_search_clean(search, ZCP_WHOLE, ULONG_MAX))
		return 0;
	if (search->kind == ZCP_WHOLE) {
		zcp_search_clean(search, ZCP_SPLIT, ULONG_MAX);
		if (zcp_search_join(search, gfp))
			return 0;
	}
	if (zcp_search_quarantine(search))
		return 0;
	wait = zcp_search_await(search);
	return wait == -ENOMEM ? err : wait;
}
