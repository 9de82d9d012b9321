// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and unloading.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>

#include "door/door.h"
#include "show/show.h"

static char *reserve = "";
module_param(reserve, charp, 0444);
MODULE_PARM_DESC(reserve, "memory the default pool keeps on each NUMA node: SIZE, or NODE:SIZE,... (K, M, G; default 0)");

static char *max = "";
module_param(max, charp, 0444);
MODULE_PARM_DESC(max, "most memory the default pool holds in all: SIZE (K, M, G; default a quarter of the machine's, or the reserve if that is more)");

static char *user_max = "";
module_param(user_max, charp, 0444);
MODULE_PARM_DESC(user_max, "most memory each user may have of the default pool: SIZE (K, M, G; default what RLIMIT_MEMLOCK allows)");

static int zcp_set_ceiling(const char *arg, const struct kernel_param *param)
{
	char text[32];
	unsigned long chunks;

	/* Whoever writes to a file of sysfs ends the line. */
	strscpy(text, arg, sizeof(text));
	if (zcp_parse_size(strim(text), &chunks) || strlen(arg) >= sizeof(text)) {
		pr_err("ceiling: '%.60s' is no SIZE (digits with K, M or G)\n", arg);
		return -EINVAL;
	}
	if (zcp_ceiling_set(chunks)) {
		pr_err("ceiling: %lu MiB are nothing, or less than what pools have in reserve\n",
		       ZCP_MIB(chunks));
		return -EINVAL;
	}
	return 0;
}

static int zcp_get_ceiling(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%luM\n", ZCP_MIB(zcp_ceiling_max()));
}

static const struct kernel_param_ops zcp_ceiling_ops = {
	.set = zcp_set_ceiling,
	.get = zcp_get_ceiling,
};
module_param_cb(ceiling, &zcp_ceiling_ops, NULL, 0644);
MODULE_PARM_DESC(ceiling, "most memory all pools hold together: SIZE (K, M, G; default half of the machine's, or the default pool's max if that is more)");

static int zcp_pool_added(struct zcp_pool *pool)
{
	int err = zcp_device_add(pool);

	if (!err)
		zcp_debugfs_add(pool);
	return err;
}

static void zcp_pool_removed(struct zcp_pool *pool)
{
	zcp_device_remove(pool);
	zcp_debugfs_remove(pool);
}

static const struct zcp_pool_ops zcp_pool_ops = {
	.add	= zcp_pool_added,
	.change	= zcp_device_change,
	.remove	= zcp_pool_removed,
};

/* Held as long as the module is loaded */
static struct zcp_pool *zcp_default;

static int __init zcp_default_settings(struct zcp_settings *settings, struct zcp_refusal *why)
{
	int err = 0;

	if (*reserve)
		err = zcp_parse_option(settings, ZCP_OPT_RESERVE, reserve, why);
	if (!err && *max)
		err = zcp_parse_option(settings, ZCP_OPT_MAX, max, why);
	if (!err && *user_max)
		err = zcp_parse_option(settings, ZCP_OPT_USER_MAX, user_max, why);
	if (!err)
		err = zcp_settings_resolve(settings, NULL, why);
	if (!err)
		zcp_ceiling_default(settings->max);
	return err;
}

static int __init zcp_make_default(void)
{
	struct zcp_settings *settings = zcp_settings_create();
	struct zcp_refusal why = {};
	int err;

	if (!settings)
		return -ENOMEM;
	err = zcp_default_settings(settings, &why);
	if (!err) {
		zcp_default = zcp_pool_open(ZCPOOL_DEFAULT, settings, &why);
		err = PTR_ERR_OR_ZERO(zcp_default);
	}
	kfree(settings);
	if (err && *why.text)
		pr_err("%s\n", why.text);
	return err;
}

static int __init zcp_init(void)
{
	int err;

	err = zcp_node_init();
	if (err)
		return err;
	err = zcp_buffer_init();
	if (err)
		goto exit_node;
	err = zcp_device_init();
	if (err)
		goto exit_buffer;
	err = zcp_registry_init(&zcp_pool_ops);
	if (err)
		goto exit_device;
	zcp_debugfs_init();
	/* From here on somebody may have a file open. What comes after hardly ever fails. */
	err = zcp_make_default();
	if (err)
		goto exit_registry;
	err = zcp_mount_init();
	if (err)
		goto put_default;
	return 0;

put_default:
	zcp_pool_put(zcp_default);
exit_registry:
	zcp_registry_exit();
	zcp_debugfs_exit();
exit_device:
	zcp_device_exit();
exit_buffer:
	zcp_buffer_exit();
exit_node:
	zcp_node_exit();
	return err;
}

static void __exit zcp_exit(void)
{
	zcp_mount_exit();
	zcp_pool_put(zcp_default);
	zcp_registry_exit();
	zcp_debugfs_exit();
	zcp_device_exit();
	zcp_buffer_exit();
	zcp_node_exit();
}

module_init(zcp_init);
module_exit(zcp_exit);

MODULE_AUTHOR("The zcpool developers");
MODULE_DESCRIPTION("Pools of huge, NUMA-local memory handed out as files");
MODULE_LICENSE("GPL");
