/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The second floor: pools, which say from which nodes, and in which pieces, memory is
 * taken. pool -> node
 */
#ifndef ZCPOOL_POOL_H
#define ZCPOOL_POOL_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/notifier.h>
#include <linux/types.h>

#include "../mem/mem.h"
#include "../uapi/zcpool.h"

/**
 * enum zcp_huge - when files with names have whole chunks
 * @ZCP_HUGE_PREFER: where a chunk's range of the file is asked for and one is to be had
 * @ZCP_HUGE_ALWAYS: for all of the file's range, the last part of it included
 * @ZCP_HUGE_NEVER: not; files consist of pages
 */
enum zcp_huge {
	ZCP_HUGE_PREFER,
	ZCP_HUGE_ALWAYS,
	ZCP_HUGE_NEVER
};

/**
 * struct zcp_pool - a named policy and the memory under it
 * @name: of its device node under /dev/zcpool
 * @budget: what its nodes may hold together
 * @mask: NUMA nodes it has a struct zcp_node for
 * @nodes: these, by number
 * @huge: what files with names are made of
 * @buffers_lock: protects @buffers; no other lock of ours is taken inside it
 * @buffers: whatever is made of its memory, for debugfs
 * @oom: its place among those whom the kernel asks when it is out of memory
 */
struct zcp_pool {
	const char *name;
	struct zcp_budget budget;
	nodemask_t mask;
	struct zcp_node **nodes;
	enum zcp_huge huge;
	struct mutex buffers_lock;	/* @buffers */
	struct list_head buffers;
	struct notifier_block oom;
};

/**
 * struct zcp_request - one allocation's constraints, from ioctl or mmap to the nodes
 * @pool: from which
 * @size: bytes
 * @flags: ZCPOOL_ALLOC_*
 * @nid: NUMA node, or the one to be near
 * @exact: @size is not to be rounded up to a whole chunk
 * @zero_later: whole chunks may be zeroed when they are touched first, for others are kept
 *	waiting now
 */
struct zcp_request {
	struct zcp_pool *pool;
	u64 size;
	u32 flags;
	int nid;
	bool exact;
	bool zero_later;
};

/* params.c */
int zcp_parse_reserve(const char *arg, struct zcp_pool *pool);
int zcp_parse_max(const char *arg, struct zcp_pool *pool);

/* oom.c */
int zcp_oom_init(struct zcp_pool *pool);
void zcp_oom_exit(struct zcp_pool *pool);

/* pool.c */
int zcp_pool_init(struct zcp_pool *pool);
int zcp_pool_fill(struct zcp_pool *pool);
void zcp_pool_exit(struct zcp_pool *pool);
int zcp_pool_check_node(const struct zcp_pool *pool, u32 nid);
int zcp_pool_alloc(const struct zcp_request *req, unsigned long nr_pages,
		   struct zcp_extents *list);
void zcp_pool_free(struct zcp_extents *list);
void zcp_pool_free_pieces(const struct zcp_extent *ext, unsigned int nr);
void zcp_pool_untake_pieces(const struct zcp_extent *ext, unsigned int nr);
void zcp_pool_shatter(const struct zcp_extents *list);
void zcp_pool_info(struct zcp_pool *pool, struct zcpool_info *info);

#endif /* ZCPOOL_POOL_H */
