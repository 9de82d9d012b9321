// SPDX-License-Identifier: GPL-2.0
/*
 * The module's parameters: sizes, and which node they are for.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/overflow.h>

#include "pool.h"

/* "512M": digits and at most one of K, M, G; in chunks, rounded up. */
static int zcp_parse_size(const char **pos, unsigned long *chunks)
{
	const char *p = *pos;
	u64 bytes = 0;
	int shift = 0;

	if (!isdigit(*p))
		return -EINVAL;
	for (; isdigit(*p); p++) {
		if (check_mul_overflow(bytes, (u64)10, &bytes) ||
		    check_add_overflow(bytes, (u64)(*p - '0'), &bytes))
			return -EINVAL;
	}
	switch (toupper(*p)) {
	case 'G':
		shift += 10;
		fallthrough;
	case 'M':
		shift += 10;
		fallthrough;
	case 'K':
		shift += 10;
		p++;
	}
	/* Larger than any machine, and rounding up must not wrap. */
	if (bytes > (1ULL << 60) >> shift)
		return -EINVAL;
	bytes = DIV_ROUND_UP_ULL(bytes << shift, ZCP_CHUNK_SIZE);
	/* Pages are counted in longs, of all nodes together. */
	if (bytes > ULONG_MAX / ZCP_CHUNK_PAGES / MAX_NUMNODES)
		return -EINVAL;
	*chunks = bytes;
	*pos = p;
	return 0;
}

/* "0:512M": one node's share. */
static int zcp_parse_node(const char **pos, struct zcp_pool *pool,
			  nodemask_t *seen)
{
	unsigned long nid = 0;
	const char *p = *pos;

	if (!isdigit(*p))
		return -EINVAL;
	for (; isdigit(*p) && nid < MAX_NUMNODES; p++)
		nid = nid * 10 + (*p - '0');
	if (*p++ != ':')
		return -EINVAL;
	if (nid >= MAX_NUMNODES || !node_isset(nid, pool->mask)) {
		pr_err("reserve: node %lu has no memory\n", nid);
		return -ENXIO;
	}
	if (node_test_and_set(nid, *seen))
		return -EINVAL;
	*pos = p;
	return zcp_parse_size(pos, &pool->nodes[nid]->reserve);
}

static int zcp_parse_nodes(const char *p, struct zcp_pool *pool)
{
	nodemask_t seen = NODE_MASK_NONE;
	int err;

	for (;;) {
		err = zcp_parse_node(&p, pool, &seen);
		if (err || !*p)
			return err;
		if (*p++ != ',')
			return -EINVAL;
	}
}

/**
 * zcp_parse_reserve() - take in the parameter "reserve"
 * @arg: "512M" for each node, or "0:512M,1:256M"; may be empty
 * @pool: with its nodes, whose reserve is set
 *
 * Context: any.
 * Return: 0; -EINVAL, after a line in the log.
 */
int zcp_parse_reserve(const char *arg, struct zcp_pool *pool)
{
	const char *p = arg;
	unsigned long chunks;
	int nid, err;

	if (!*arg)
		return 0;

	if (strchr(arg, ':')) {
		err = zcp_parse_nodes(arg, pool);
	} else {
		err = zcp_parse_size(&p, &chunks);
		if (!err && *p)
			err = -EINVAL;
		if (!err) {
			for_each_node_mask(nid, pool->mask)
				pool->nodes[nid]->reserve = chunks;
		}
	}
	if (err == -EINVAL)
		pr_err("reserve: '%s' is neither SIZE nor NODE:SIZE,... (a SIZE is digits with K, M or G)\n",
		       arg);
	return err ? -EINVAL : 0;
}

static unsigned long zcp_total_reserve(const struct zcp_pool *pool)
{
	unsigned long sum = 0;
	int nid;

	for_each_node_mask(nid, pool->mask)
		sum += pool->nodes[nid]->reserve;
	return sum;
}

/**
 * zcp_parse_max() - take in the parameter "max"
 * @arg: "2G"; empty for the default, which is a quarter of the machine's memory or
 *	the reserve if that is more
 * @pool: with its reserve set; its maximum is set
 *
 * Context: any.
 * Return: 0; -EINVAL, after a line in the log.
 */
int zcp_parse_max(const char *arg, struct zcp_pool *pool)
{
	unsigned long ram = totalram_pages() / ZCP_CHUNK_PAGES;
	unsigned long reserve = zcp_total_reserve(pool);
	const char *p = arg;

	if (!*arg) {
		pool->budget.max = max3(reserve, ram / 4, 1UL);
		return 0;
	}
	if (zcp_parse_size(&p, &pool->budget.max) || *p || !pool->budget.max) {
		pr_err("max: '%s' is no SIZE (digits with K, M or G, more than 0)\n",
		       arg);
		return -EINVAL;
	}
	if (pool->budget.max > ram) {
		pr_err("max: '%s' is more than the machine's %lu MiB\n", arg,
		       ram * (ZCP_CHUNK_SIZE >> 20));
		return -EINVAL;
	}
	if (reserve > pool->budget.max) {
		pr_err("max: '%s' is less than the reserve of %lu MiB\n", arg,
		       reserve * (ZCP_CHUNK_SIZE >> 20));
		return -EINVAL;
	}
	return 0;
}
