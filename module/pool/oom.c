// SPDX-License-Identifier: GPL-2.0
/*
 * When the machine is out of memory: what is free in a pool goes back before the kernel
 * kills anybody. Most of it is the reserve, since what is beyond is hardly ever free.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/notifier.h>
#include <linux/oom.h>
#include <linux/printk.h>

#include "pool.h"

static unsigned long zcp_oom_give_up(struct zcp_pool *pool, int nid)
{
	unsigned long pages = zcp_reserve_give_up(pool->nodes[nid]);

	if (pages)
		pr_warn_ratelimited("%s: out of memory: node %d: %lu MiB that were free given back to the kernel\n",
				    pool->name, nid, pages >> (20 - PAGE_SHIFT));
	return pages;
}

/*
 * Called by whoever wants memory, with whatever locks it has. None of the nodes' locks are
 * among these, for nobody asks for memory under one.
 *
 * A task that may not have memory of all nodes, by its policy or cpuset, has use only for
 * that of a node that is short. Where none is, what the kernel has free will not do, as
 * when it is in pieces that are too small: then any may help.
 */
static int zcp_oom_notify(struct notifier_block *nb, unsigned long unused, void *data)
{
	struct zcp_pool *pool = container_of(nb, struct zcp_pool, oom);
	unsigned long *freed = data, pages = 0;
	nodemask_t wanted = NODE_MASK_NONE;
	int nid;

	for_each_node_mask(nid, pool->mask) {
		if (zcp_reserve_short(pool->nodes[nid]))
			node_set(nid, wanted);
	}
	if (nodes_empty(wanted))
		wanted = pool->mask;
	for_each_node_mask(nid, wanted)
		pages += zcp_oom_give_up(pool, nid);
	*freed += pages;
	return NOTIFY_OK;
}

/**
 * zcp_oom_init() - have the kernel ask a pool before it kills a process
 * @pool: ready for use
 *
 * Context: may sleep.
 * Return: 0 or an error of register_oom_notifier().
 */
int zcp_oom_init(struct zcp_pool *pool)
{
	int err;

	pool->oom.notifier_call = zcp_oom_notify;
	err = register_oom_notifier(&pool->oom);
	if (err)
		pool->oom.notifier_call = NULL;
	return err;
}

/**
 * zcp_oom_exit() - undo zcp_oom_init(), if it has been done
 * @pool: which
 *
 * Context: may sleep.
 */
void zcp_oom_exit(struct zcp_pool *pool)
{
	if (pool->oom.notifier_call)
		unregister_oom_notifier(&pool->oom);
}
