// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and unloading.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/moduleparam.h>

#include "door/door.h"
#include "show/show.h"

static char *reserve = "";
module_param(reserve, charp, 0444);
MODULE_PARM_DESC(reserve, "memory to keep on each NUMA node: SIZE, or NODE:SIZE,... (K, M, G; default 0)");

static char *max = "";
module_param(max, charp, 0444);
MODULE_PARM_DESC(max, "most memory to hold in all: SIZE (K, M, G; default a quarter of the machine's, or the reserve if that is more)");

static struct zcp_pool zcp_default = { .name = ZCPOOL_DEFAULT };

static int __init zcp_init(void)
{
	struct zcp_pool *pool = &zcp_default;
	int err;

	err = zcp_node_init();
	if (err)
		return err;
	err = zcp_buffer_init();
	if (err)
		goto exit_node;
	err = zcp_pool_init(pool);
	if (!err)
		err = zcp_parse_reserve(reserve, pool);
	if (!err)
		err = zcp_parse_max(max, pool);
	if (!err)
		err = zcp_pool_fill(pool);
	if (err)
		goto exit_pool;
	err = zcp_oom_init(pool);
	if (err)
		goto exit_pool;
	err = zcp_dev_init(pool);
	if (err)
		goto exit_oom;
	err = zcp_mount_init(pool);
	if (err)
		goto exit_dev;
	/* Last, and it cannot fail: a file that is open outlives debugfs_remove(). */
	zcp_debugfs_init(pool);
	return 0;

exit_dev:
	zcp_dev_exit();
exit_oom:
	zcp_oom_exit(pool);
exit_pool:
	zcp_pool_exit(pool);
	zcp_buffer_exit();
exit_node:
	zcp_node_exit();
	return err;
}

static void __exit zcp_exit(void)
{
	struct zcp_pool *pool = &zcp_default;

	zcp_debugfs_exit();
	zcp_mount_exit();
	zcp_dev_exit();
	zcp_oom_exit(pool);
	zcp_pool_exit(pool);
	zcp_buffer_exit();
	zcp_node_exit();
	pr_info("%s: all memory given back\n", pool->name);
}

module_init(zcp_init);
module_exit(zcp_exit);

MODULE_AUTHOR("The zcpool developers");
MODULE_DESCRIPTION("Pools of huge, NUMA-local memory handed out as files");
MODULE_LICENSE("GPL");
