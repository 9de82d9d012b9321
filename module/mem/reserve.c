// SPDX-License-Identifier: GPL-2.0
/*
 * The reserve: chunks that a node keeps when they are free. It is filled at load; what is
 * missing later is got again by a worker of its own, since that may take the kernel long;
 * what is beyond it goes back.
 */
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/sched/signal.h>
#include <linux/vmstat.h>

#include "mem.h"

/*
 * Until the kernel is asked again. It looks for 2 MiB in one piece each time, and may
 * move other memory for that: where it has had none for long, less often.
 */
#define ZCP_REGAIN_MIN		msecs_to_jiffies(1000)
#define ZCP_REGAIN_MAX		msecs_to_jiffies(16000)

/**
 * zcp_reserve_start() - give a node the worker that regains its reserve
 * @node: new
 *
 * Context: any.
 */
void zcp_reserve_start(struct zcp_node *node)
{
	node->regain_delay = ZCP_REGAIN_MIN;
	INIT_DELAYED_WORK(&node->regainer, zcp_reserve_worker);
}

/**
 * zcp_reserve_stop() - stop that worker for good
 * @node: whose scrubber has been stopped
 *
 * Context: may sleep.
 */
void zcp_reserve_stop(struct zcp_node *node)
{
	cancel_delayed_work_sync(&node->regainer);
}

/**
 * zcp_reserve_fill() - get the chunks that a node is to keep
 * @node: with reserve set
 *
 * One of them is split, so that the first small buffer finds memory at hand.
 *
 * Context: may sleep, for as long as it takes to zero the reserve.
 * Return: 0, also if the reserve is not complete; -EINTR killed.
 */
int zcp_reserve_fill(struct zcp_node *node)
{
	enum zcp_kind kind;

	while (node->nr_chunks < node->reserve) {
		if (fatal_signal_pending(current))
			return -EINTR;
		kind = node->nr_chunks == 1 ? ZCP_SPLIT : ZCP_WHOLE;
		if (zcp_node_get_chunk(node, kind, ZCP_GFP_RESERVE))
			break;
		cond_resched();
	}
	return 0;
}

/* More than one that is split and free; the others had better be whole. */
static bool zcp_reserve_has_idle(const struct zcp_node *node)
{
	const struct list_head *idle = &node->split[ZCP_IDLE_SPLIT];

	return !list_empty(idle) && !list_is_singular(idle);
}

/* Whether the worker has something to do now */
static bool zcp_reserve_due(struct zcp_node *node)
{
	bool due;

	mutex_lock(&node->lock);
	due = !node->stop && !node->put_off && zcp_reserve_has_idle(node);
	mutex_unlock(&node->lock);
	return due;
}

/**
 * zcp_reserve_regain() - get what is missing of a node's reserve
 * @node: which
 *
 * As long as the kernel has some. Of split chunks that are idle all but one become
 * whole: without any, a program that makes and frees one small buffer would have the
 * kernel make a chunk each time.
 *
 * Context: may sleep; without the node's lock.
 */
void zcp_reserve_regain(struct zcp_node *node)
{
	while (READ_ONCE(node->nr_chunks) < READ_ONCE(node->reserve) &&
	       !READ_ONCE(node->stop) && !READ_ONCE(node->put_off)) {
		if (zcp_node_get_chunk(node, ZCP_WHOLE, ZCP_GFP_GROW))
			break;
		cond_resched();
	}
	while (zcp_reserve_due(node) && !zcp_node_join_one(node, ZCP_GFP_GROW, NULL))
		cond_resched();
}

/**
 * zcp_reserve_worker() - regain the reserve, now and later
 * @work: the regainer of a struct zcp_node
 *
 * Context: workqueue.
 */
void zcp_reserve_worker(struct work_struct *work)
{
	struct zcp_node *node = container_of(to_delayed_work(work),
					     struct zcp_node, regainer);
	unsigned long lost;

	mutex_lock(&node->lock);
	/* It was on its way when it was put off, and comes again then. */
	if (node->put_off && time_before(jiffies, node->regain_at)) {
		mutex_unlock(&node->lock);
		return;
	}
	WRITE_ONCE(node->put_off, false);
	lost = zcp_node_lost(node);
	mutex_unlock(&node->lock);

	zcp_reserve_regain(node);

	mutex_lock(&node->lock);
	/* Else it has been put off meanwhile. */
	if (!node->put_off) {
		if (zcp_node_lost(node) < lost || !lost)
			node->regain_delay = ZCP_REGAIN_MIN;
		else
			node->regain_delay = min(2 * node->regain_delay, ZCP_REGAIN_MAX);
		if (zcp_node_lost(node) && !node->stop)
			zcp_node_queue_regainer(node, node->regain_delay);
	}
	mutex_unlock(&node->lock);
}

/**
 * zcp_reserve_watch() - have the worker run if there is something for it to do
 * @node: which
 *
 * Context: under the node's lock.
 */
void zcp_reserve_watch(struct zcp_node *node)
{
	lockdep_assert_held(&node->lock);
	if (node->stop)
		return;
	if (zcp_node_lost(node))
		zcp_node_queue_regainer(node, node->regain_delay);
	else if (zcp_reserve_has_idle(node))
		zcp_node_queue_regainer(node, 0);
}

/**
 * zcp_reserve_set() - have a node keep more or less than it does
 * @node: which
 * @chunks: from now on
 *
 * What is missing is got, and what is free beyond it is given back, by the workers, soon.
 *
 * Context: may sleep for the node's lock.
 */
void zcp_reserve_set(struct zcp_node *node, unsigned long chunks)
{
	mutex_lock(&node->lock);
	if (chunks != node->reserve) {
		WRITE_ONCE(node->reserve, chunks);
		node->regain_delay = ZCP_REGAIN_MIN;
		if (zcp_node_lost(node) && !node->put_off && !node->stop)
			zcp_node_put_off_regainer(node, 0);
		zcp_node_wake_scrubber(node);
	}
	mutex_unlock(&node->lock);
}

/* A free chunk beyond the reserve; of split ones that are idle, one stays. */
static struct zcp_chunk *zcp_reserve_surplus(struct zcp_node *node)
{
	if (node->stop || node->nr_chunks <= node->reserve)
		return NULL;
	if (zcp_reserve_has_idle(node))
		return list_first_entry(&node->split[ZCP_IDLE_SPLIT],
					struct zcp_chunk, link);
	return list_first_entry_or_null(&node->whole[ZCP_CLEAN],
					struct zcp_chunk, link);
}

/**
 * zcp_reserve_trim() - give back what a node has beyond its reserve
 * @node: which
 *
 * Context: may sleep; without the node's lock.
 */
void zcp_reserve_trim(struct zcp_node *node)
{
	struct zcp_chunk *chunk;

	for (;;) {
		cond_resched();
		mutex_lock(&node->lock);
		chunk = zcp_reserve_surplus(node);
		if (!chunk)
			break;
		zcp_node_release_and_unlock(chunk, ZCP_CLEAN);
	}
	mutex_unlock(&node->lock);
}

/**
 * zcp_reserve_short() - whether the kernel is short of memory on a node
 * @node: which
 *
 * Where it asks anybody to give memory back, it has found all zones that will do below
 * this mark. Those that nothing can be had from, as of a device, have none at all.
 *
 * Context: any.
 * Return: whether a zone there has no more free than that.
 */
bool zcp_reserve_short(const struct zcp_node *node)
{
	struct zone *zones = NODE_DATA(node->nid)->node_zones, *zone;

	for (zone = zones; zone < zones + MAX_NR_ZONES; zone++) {
		if (managed_zone(zone) &&
		    zone_page_state(zone, NR_FREE_PAGES) <= high_wmark_pages(zone))
			return true;
	}
	return false;
}

/* Whoever has nothing to give had better not ask for any now, either. */
static void zcp_reserve_put_off(struct zcp_node *node)
{
	mutex_lock(&node->lock);
	if (!node->stop) {
		WRITE_ONCE(node->put_off, true);
		node->regain_delay = ZCP_REGAIN_MAX;
		node->regain_at = jiffies + ZCP_REGAIN_MAX;
		zcp_node_put_off_regainer(node, ZCP_REGAIN_MAX);
	}
	mutex_unlock(&node->lock);
}

/* Free entirely, of any kind. What is dirty may be pinned: the scrubber looks. */
static struct zcp_chunk *zcp_reserve_any(struct zcp_node *node)
{
	return list_first_entry_or_null(&node->whole[ZCP_CLEAN],
					struct zcp_chunk, link) ?:
	       list_first_entry_or_null(&node->split[ZCP_IDLE_SPLIT],
					struct zcp_chunk, link);
}

/**
 * zcp_reserve_give_up() - give all back that is free, since the kernel has nothing left
 * @node: which
 *
 * The reserve is regained when the kernel has memory again, but not at once. Whoever is
 * just getting a chunk from the kernel keeps it.
 *
 * Context: may sleep for the node's lock only.
 * Return: pages given back.
 */
unsigned long zcp_reserve_give_up(struct zcp_node *node)
{
	unsigned long left = READ_ONCE(node->nr_chunks), pages = 0;
	struct zcp_chunk *chunk;

	zcp_reserve_put_off(node);
	/* Others may free more of it without end. */
	while (left--) {
		cond_resched();
		mutex_lock(&node->lock);
		chunk = zcp_reserve_any(node);
		if (!chunk) {
			mutex_unlock(&node->lock);
			break;
		}
		zcp_node_release_and_unlock(chunk, ZCP_CLEAN);
		pages += ZCP_CHUNK_PAGES;
	}
	return pages;
}
