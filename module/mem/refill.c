// SPDX-License-Identifier: GPL-2.0
/*
 * Refill: where memory is looked for when a node has none at hand that is clean and of
 * the kind that is wanted.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "mem.h"

/**
 * zcp_search_begin() - begin to look for memory
 * @search: with node, kind, order, growth and patience set
 *
 * Context: any.
 */
void zcp_search_begin(struct zcp_search *search)
{
	const struct zcp_node *node = search->node;

	search->moved = READ_ONCE(node->moved[search->order]);
	/* Others may make some of it dirty again while the rest is being found. */
	search->left = 2 * READ_ONCE(node->nr[ZCP_DIRTY]) + ZCP_CHUNK_PAGES;
	search->scanned = false;
	search->waits = false;
	search->last = false;
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

/*
 * Wait until there is reason to look again, at most until all is back that was in others'
 * hands when this was called first. Then is the last look, if there has been news since the
 * one before. 0 to look again; -EAGAIN if there is something to wait for; -ENOMEM if not.
 */
static int zcp_search_await(struct zcp_search *search)
{
	struct zcp_node *node = search->node;
	bool news, waited;

	mutex_lock(&node->lock);
	if (!search->waits)
		search->until = node->begun;
	search->waits = true;
	mutex_unlock(&node->lock);

	if (search->patience == ZCP_MAY_WAIT &&
	    wait_event_killable(node->wait, zcp_search_has_news(search) ||
					    zcp_search_is_stale(search) ||
					    zcp_search_has_waited(search)))
		return -EINTR;
	if (zcp_search_is_stale(search))
		return 0;

	mutex_lock(&node->lock);
	news = zcp_search_has_news(search);
	waited = zcp_search_has_waited(search);
	mutex_unlock(&node->lock);
	if (!news || search->last)
		return waited ? -ENOMEM : -EAGAIN;
	search->last = waited || search->patience == ZCP_DO_NOT_WAIT;
	return 0;
}

/* Make dirty memory in chunks of some kind clean, until it helps; false if it does not. */
static bool zcp_search_clean(struct zcp_search *search, enum zcp_kind kind)
{
	struct zcp_node *node = search->node;
	unsigned int pages;

	while (search->left > 0 && !fatal_signal_pending(current)) {
		pages = kind == ZCP_SPLIT ? zcp_scrub_split(node) :
					    zcp_scrub_whole(node, ZCP_KEEP_SURPLUS);
		if (!pages)
			return false;
		search->left -= pages;
		if (zcp_search_has_news(search))
			return true;
		cond_resched();
	}
	return false;
}

/* What nobody else holds any more is dirty then. */
static bool zcp_search_quarantine(struct zcp_search *search)
{
	if (search->scanned)
		return false;
	search->scanned = true;
	if (!zcp_quarantine_scan(search->node))
		return false;
	search->left += READ_ONCE(search->node->nr[ZCP_DIRTY]);
	return true;
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
	enum zcp_kind other = search->kind == ZCP_SPLIT ? ZCP_WHOLE : ZCP_SPLIT;
	gfp_t gfp = search->growth == ZCP_MAY_GROW_DIRTY ? ZCP_GFP_GROW_DIRTY : ZCP_GFP_GROW;
	struct zcp_node *node = search->node;
	int err = -ENOMEM, wait;

	if (fatal_signal_pending(current))
		return -EINTR;
	cond_resched();

	if (zcp_search_is_stale(search))
		zcp_search_begin(search);
	if (zcp_search_clean(search, search->kind))
		return 0;
	if (search->kind == ZCP_SPLIT &&
	    zcp_node_split_one(node, search->order, search->seen))
		return 0;
	if (search->growth != ZCP_NO_GROW)
		err = zcp_node_get_chunk(node, search->kind, gfp);
	if (!err)
		return 0;
	if (zcp_search_clean(search, other))
		return 0;
	if (search->kind == ZCP_WHOLE && zcp_node_join_one(node, gfp))
		return 0;
	if (zcp_search_quarantine(search))
		return 0;
	wait = zcp_search_await(search);
	return wait == -ENOMEM ? err : wait;
}
