// SPDX-License-Identifier: GPL-2.0
/*
 * Policy: which nodes a request may have memory of, and in which order they are asked.
 *
 * A pool's policy and nodes may change at any time (settings.c), while there is no lock: of a
 * node it is asked, bit by bit, whether it is among those chosen. A request that comes while
 * they change goes by the old ones, the new ones, or some of each.
 */
#include <linux/cpuset.h>
#include <linux/limits.h>
#include <linux/topology.h>

#include "pool.h"

/* Further than any node is, for what comes after all that is preferred */
#define ZCP_FAR		256

static bool zcp_policy_chose(const struct zcp_pool *pool, int nid)
{
	return node_isset(nid, pool->chosen);
}

/* Whether the pool may have memory there at all */
static bool zcp_policy_allows(const struct zcp_pool *pool, int nid)
{
	switch (READ_ONCE(pool->policy)) {
	case ZCP_POLICY_BIND:
	case ZCP_POLICY_INTERLEAVE:
		return zcp_policy_chose(pool, nid);
	default:
		return true;
	}
}

/**
 * zcp_pool_check_node() - whether the caller may ask for a node
 * @pool: which pool
 * @nid: number from user space
 *
 * Context: process, for its cpuset.
 * Return: 0, or -EINVAL if the pool or the caller's cpuset does not have it.
 */
int zcp_pool_check_node(const struct zcp_pool *pool, u32 nid)
{
	if (nid >= MAX_NUMNODES || !node_isset(nid, pool->mask) ||
	    !node_isset(nid, cpuset_current_mems_allowed) || !zcp_policy_allows(pool, nid))
		return -EINVAL;
	return 0;
}

/**
 * zcp_policy_takes_turns() - whether a request goes to one node after the other
 * @req: which
 *
 * Context: any.
 * Return: whether it does: if so, each piece of it goes by zcp_policy_turn().
 */
bool zcp_policy_takes_turns(const struct zcp_request *req)
{
	return READ_ONCE(req->pool->policy) == ZCP_POLICY_INTERLEAVE &&
	       !req->bound && !(req->flags & (ZCPOOL_ALLOC_NODE | ZCPOOL_ALLOC_THISNODE));
}

/**
 * zcp_policy_turn() - have a request begin at the node whose turn it is
 * @req: of a pool that takes turns; its node is set, if it may use any
 *
 * Context: process, for its cpuset.
 */
void zcp_policy_turn(struct zcp_request *req)
{
	struct zcp_pool *pool = req->pool;
	unsigned int nth, nr = 0;
	int nid;

	for_each_node_mask(nid, pool->mask)
		nr += !zcp_pool_check_node(pool, nid);
	if (!nr)
		return;
	nth = (unsigned int)atomic_inc_return(&pool->turn) % nr;
	for_each_node_mask(nid, pool->mask) {
		if (zcp_pool_check_node(pool, nid))
			continue;
		req->nid = nid;
		if (!nth--)
			return;
	}
}

/**
 * zcp_walk_begin() - look at the nodes that a request may use
 * @walk: set up
 * @req: whose
 *
 * Context: any.
 */
void zcp_walk_begin(struct zcp_walk *walk, const struct zcp_request *req)
{
	walk->req = req;
	walk->first = NUMA_NO_NODE;
	walk->begun = false;
	walk->listed = false;
}

/* Whether neither pool, nor caller, nor request rule a node out */
static bool zcp_walk_may_use(const struct zcp_request *req, int nid)
{
	return !zcp_pool_check_node(req->pool, nid) &&
	       (!req->bound || node_isset(nid, *req->bound));
}

/* Whether a node that has been asked for, or that is near, comes before all others */
static bool zcp_walk_first(const struct zcp_request *req)
{
	if (!zcp_walk_may_use(req, req->nid))
		return false;
	return READ_ONCE(req->pool->policy) != ZCP_POLICY_PREFER ||
	       req->flags & (ZCPOOL_ALLOC_NODE | ZCPOOL_ALLOC_THISNODE) ||
	       zcp_policy_chose(req->pool, req->nid);
}

static void zcp_walk_list(struct zcp_walk *walk)
{
	const struct zcp_request *req = walk->req;
	const struct zcp_pool *pool = req->pool;
	int nid;

	walk->listed = true;
	walk->left = pool->mask;
	for_each_node_mask(nid, pool->mask) {
		if (nid == walk->first || !zcp_walk_may_use(req, nid))
			node_clear(nid, walk->left);
	}
}

static int zcp_walk_distance(const struct zcp_request *req, int nid)
{
	int distance = node_distance(req->nid, nid);

	if (READ_ONCE(req->pool->policy) == ZCP_POLICY_PREFER && !zcp_policy_chose(req->pool, nid))
		distance += ZCP_FAR;
	return distance;
}

/**
 * zcp_walk_next() - go on to the next node
 * @walk: of zcp_walk_begin()
 *
 * Most requests are done with the first, so the others wait to be listed.
 *
 * Context: process, for its cpuset.
 * Return: the nearest that the request may use and that has not been returned yet, or NULL.
 */
struct zcp_node *zcp_walk_next(struct zcp_walk *walk)
{
	const struct zcp_request *req = walk->req;
	int nid, distance, nearest = INT_MAX, best = NUMA_NO_NODE;

	if (!walk->begun) {
		walk->begun = true;
		if (zcp_walk_first(req)) {
			walk->first = req->nid;
			return req->pool->nodes[req->nid];
		}
	}
	if (req->flags & ZCPOOL_ALLOC_THISNODE)
		return NULL;
	if (!walk->listed)
		zcp_walk_list(walk);
	for_each_node_mask(nid, walk->left) {
		distance = zcp_walk_distance(req, nid);
		if (distance < nearest) {
			nearest = distance;
			best = nid;
		}
	}
	if (best == NUMA_NO_NODE)
		return NULL;
	node_clear(best, walk->left);
	return req->pool->nodes[best];
}
