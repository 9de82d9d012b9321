// SPDX-License-Identifier: GPL-2.0
/*
 * Refill: where memory is looked for when a node has none at hand that is clean and of
 * the kind that is wanted.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "mem.h"

/* 0 once there has been news since it was seen; else -EAGAIN, if nobody is busy. */
static int zcp_node_await(struct zcp_node *node, enum zcp_kind kind,
			  unsigned long seen)
{
	bool helped;

	if (wait_event_killable(node->wait,
				READ_ONCE(node->news[kind]) != seen ||
				!READ_ONCE(node->busy)))
		return -EINTR;
	mutex_lock(&node->lock);
	helped = node->news[kind] != seen;
	mutex_unlock(&node->lock);
	return helped ? 0 : -EAGAIN;
}

/* One step towards clean memory with what the node has; false if it has none. */
static bool zcp_clean_some(struct zcp_node *node, enum zcp_kind kind)
{
	if (kind == ZCP_SPLIT)
		return zcp_scrub_split(node);
	return zcp_scrub_whole(node, ZCP_KEEP_SURPLUS);
}

/*
 * The same with memory of the other kind, until it helps. At most as much as is
 * dirty now: others may make more of it without end.
 */
static bool zcp_clean_other(struct zcp_node *node, enum zcp_kind kind,
			    unsigned long seen)
{
	enum zcp_kind other = kind == ZCP_SPLIT ? ZCP_WHOLE : ZCP_SPLIT;
	unsigned long left = READ_ONCE(node->nr[ZCP_DIRTY]);

	while (left-- && !fatal_signal_pending(current)) {
		if (!zcp_clean_some(node, other))
			return false;
		if (READ_ONCE(node->news[kind]) != seen)
			return true;
		cond_resched();
	}
	return false;
}

/**
 * zcp_refill() - try to make some memory clean
 * @node: where
 * @kind: of chunk it is wanted in
 * @growth: whether more memory from the kernel would help
 * @seen: zcp_node.news[@kind] as it was before the caller looked for memory
 *
 * Goes from what costs least to what costs most, and does one step of it.
 *
 * Context: may sleep; without the node's lock.
 * Return: 0 if there may be more clean memory than before; -ENOSPC the pool is
 * at its maximum; -ENOMEM the kernel has none; -EINTR killed.
 */
int zcp_refill(struct zcp_node *node, enum zcp_kind kind, enum zcp_growth growth,
	       unsigned long seen)
{
	int err = -ENOMEM, wait;

	if (fatal_signal_pending(current))
		return -EINTR;
	cond_resched();

	if (zcp_clean_some(node, kind))
		return 0;
	if (kind == ZCP_SPLIT && zcp_node_split_one(node, seen))
		return 0;
	if (growth == ZCP_MAY_GROW)
		err = zcp_node_grow(node, kind);
	if (!err)
		return 0;
	if (zcp_clean_other(node, kind, seen))
		return 0;
	if (kind == ZCP_WHOLE && zcp_node_join_one(node))
		return 0;
	if (zcp_quarantine_scan(node))
		return 0;
	wait = zcp_node_await(node, kind, seen);
	return wait == -EAGAIN ? err : wait;
}
