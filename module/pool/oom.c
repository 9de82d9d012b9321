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

/*
 * Called by whoever wants memory, with whatever locks it has. None of the nodes' locks are
 * among these, for nobody asks for memory under one.
 */
static int zcp_oom_notify(struct notifier_block *nb, unsigned long unused, void *data)
{
	struct zcp_pool *pool = container_of(nb, struct zcp_pool, oom);
	unsigned long *freed = data, pages = 0;
	int nid;

	for_each_node_mask(nid, pool->mask)
		pages += zcp_reserve_give_up(pool->nodes[nid]);
	if (pages)
		pr_warn_ratelimited("%s: out of memory: %lu MiB that were free given back to the kernel\n",
				    pool->name, pages >> (20 - PAGE_SHIFT));
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
	pool->oom.notifier_call = zcp_oom_notify;
	return register_oom_notifier(&pool->oom);
}

/**
 * zcp_oom_exit() - undo zcp_oom_init()
 * @pool: which
 *
 * Context: may sleep.
 */
void zcp_oom_exit(struct zcp_pool *pool)
{
	unregister_oom_notifier(&pool->oom);
}
