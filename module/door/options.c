// SPDX-License-Identifier: GPL-2.0
/*
 * Mount options: taken in, and shown so that they mount the same again.
 */
#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/user_namespace.h>

#include "door.h"

/* Whatever there is, also nothing: params.c knows better what to say of it. */
static int zcp_option_is_any(struct p_log *log, const struct fs_parameter_spec *spec,
			     struct fs_parameter *param, struct fs_parse_result *result)
{
	return 0;
}

#define ZCP_ALL_OPTIONS		"nodes, reserve, max, policy, huge, mode, uid, gid, user_max"

#define ZCP_OPTION(name, option)	__fsparam(zcp_option_is_any, name, option, 0, NULL)

static const struct fs_parameter_spec zcp_option_specs[] = {
	ZCP_OPTION("nodes", ZCP_OPT_NODES),
	ZCP_OPTION("reserve", ZCP_OPT_RESERVE),
	ZCP_OPTION("max", ZCP_OPT_MAX),
	ZCP_OPTION("policy", ZCP_OPT_POLICY),
	ZCP_OPTION("huge", ZCP_OPT_HUGE),
	ZCP_OPTION("mode", ZCP_OPT_MODE),
	ZCP_OPTION("uid", ZCP_OPT_UID),
	ZCP_OPTION("gid", ZCP_OPT_GID),
	ZCP_OPTION("user_max", ZCP_OPT_USER_MAX),
	{}
};

/* One that is refused changes nothing: the context may be used on without it. */
static int zcp_option_take(struct fs_context *fc, enum zcp_option option, const char *value)
{
	struct zcp_settings *settings = zcp_settings_merge(fc->fs_private, fc->fs_private);
	struct zcp_refusal why;
	int err;

	if (!settings)
		return -ENOMEM;
	err = zcp_parse_option(settings, option, value, &why);
	if (err && *why.text)
		errorfc(fc, "%s", why.text);
	if (err) {
		kfree(settings);
		return err;
	}
	kfree(fc->fs_private);
	fc->fs_private = settings;
	return 0;
}

/**
 * zcp_option_parse() - take in one mount option
 * @fc: whose fs_private are settings
 * @param: key and value
 *
 * Context: may sleep.
 * Return: 0; -ENOPARAM the VFS knows it; -EINVAL after a message, -ENOMEM.
 */
int zcp_option_parse(struct fs_context *fc, struct fs_parameter *param)
{
	struct fs_parse_result result;
	const char *value;
	int option;

	if (!strcmp(param->key, "source"))
		return -ENOPARAM;
	option = fs_parse(fc, zcp_option_specs, param, &result);
	if (option == -ENOPARAM)
		return invalfc(fc, "%s: is none of " ZCP_ALL_OPTIONS, param->key);
	if (option < 0)
		return option;
	value = param->type == fs_value_is_string ? param->string : "";
	return zcp_option_take(fc, option, value);
}

/* "0+2-3" */
static void zcp_show_nodes(struct seq_file *m, const nodemask_t *nodes)
{
	int nid, last = NUMA_NO_NODE;
	char between = '=';

	for_each_node_mask(nid, *nodes) {
		if (nid <= last)
			continue;
		last = nid;
		while (last + 1 < MAX_NUMNODES && node_isset(last + 1, *nodes))
			last++;
		seq_printf(m, "%c%d", between, nid);
		if (last > nid)
			seq_printf(m, "-%d", last);
		between = '+';
	}
}

static void zcp_show_reserve(struct seq_file *m, const struct zcp_settings *settings)
{
	char between = '=';
	int nid;

	if (!zcp_settings_reserve(settings))
		return;
	seq_puts(m, ",reserve");
	if (settings->same_reserve) {
		seq_printf(m, "=%luM", ZCP_MIB(settings->each));
		return;
	}
	for_each_node_state(nid, N_MEMORY) {
		if (!settings->reserve[nid])
			continue;
		seq_printf(m, "%c%d:%luM", between, nid, ZCP_MIB(settings->reserve[nid]));
		between = '+';
	}
}

/**
 * zcp_options_show() - show the options that a pool has and others need not have
 * @m: where to
 * @pool: whose
 *
 * Context: may sleep.
 */
void zcp_options_show(struct seq_file *m, struct zcp_pool *pool)
{
	const struct zcp_settings *settings;

	mutex_lock(&pool->settings_lock);
	settings = pool->settings;
	if (settings->given & BIT(ZCP_OPT_NODES)) {
		seq_puts(m, ",nodes");
		zcp_show_nodes(m, &settings->nodes);
	}
	if (settings->policy != zcp_settings_policy(settings->given))
		seq_printf(m, ",policy=%s", zcp_policy_name(settings->policy));
	zcp_show_reserve(m, settings);
	if (settings->given & BIT(ZCP_OPT_MAX))
		seq_printf(m, ",max=%luM", ZCP_MIB(settings->max));
	if (settings->huge != ZCP_HUGE_PREFER)
		seq_printf(m, ",huge=%s", zcp_huge_name(settings->huge));
	if (settings->mode != ZCP_DEFAULT_MODE)
		seq_printf(m, ",mode=%04o", settings->mode);
	if (!uid_eq(settings->uid, GLOBAL_ROOT_UID))
		seq_printf(m, ",uid=%u", from_kuid_munged(&init_user_ns, settings->uid));
	if (!gid_eq(settings->gid, GLOBAL_ROOT_GID))
		seq_printf(m, ",gid=%u", from_kgid_munged(&init_user_ns, settings->gid));
	if (settings->user_max)
		seq_printf(m, ",user_max=%luM", ZCP_MIB(settings->user_max));
	mutex_unlock(&pool->settings_lock);
}
