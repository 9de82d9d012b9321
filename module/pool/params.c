// SPDX-License-Identifier: GPL-2.0
/*
 * Settings as text, as module parameters and mount options have them. Where commas separate
 * options, a list has "+" in their place; either will do.
 */
#include <linux/cred.h>
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/stdarg.h>
#include <linux/string.h>

#include "pool.h"

#define ZCP_A_SIZE	"(a SIZE is digits with K, M or G)"

static const char *const zcp_policies[] = {
	[ZCP_POLICY_LOCAL] = "local",
	[ZCP_POLICY_BIND] = "bind",
	[ZCP_POLICY_PREFER] = "prefer",
	[ZCP_POLICY_INTERLEAVE] = "interleave",
};

static const char *const zcp_huges[] = {
	[ZCP_HUGE_PREFER] = "prefer",
	[ZCP_HUGE_ALWAYS] = "always",
	[ZCP_HUGE_NEVER] = "never",
};

/**
 * zcp_refuse() - say why something is not done
 * @why: to whom
 * @fmt: what to say, as for printf(), without an end of line
 *
 * Context: any.
 * Return: -EINVAL, for the caller to return.
 */
int zcp_refuse(struct zcp_refusal *why, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vscnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	return -EINVAL;
}

/**
 * zcp_policy_name() - a policy as text
 * @policy: which
 *
 * Context: any.
 * Return: what the option "policy" takes.
 */
const char *zcp_policy_name(enum zcp_policy policy)
{
	return zcp_policies[policy];
}

/**
 * zcp_huge_name() - what files are made of, as text
 * @huge: which
 *
 * Context: any.
 * Return: what the option "huge" takes.
 */
const char *zcp_huge_name(enum zcp_huge huge)
{
	return zcp_huges[huge];
}

/* "512M": digits and at most one of K, M, G; in chunks, rounded up. */
static int zcp_take_size(const char **pos, unsigned long *chunks)
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

/**
 * zcp_parse_size() - a size and nothing else
 * @arg: "2G"
 * @chunks: set to what that is, rounded up
 *
 * Context: any.
 * Return: 0 or -EINVAL.
 */
int zcp_parse_size(const char *arg, unsigned long *chunks)
{
	int err = zcp_take_size(&arg, chunks);

	return err || *arg ? -EINVAL : 0;
}

/* "0:512M": one node's share. Where there is nothing better to say, why is left alone. */
static int zcp_take_share(const char **pos, struct zcp_settings *settings, nodemask_t *seen,
			  struct zcp_refusal *why)
{
	unsigned long nid = 0;
	const char *p = *pos;

	if (!isdigit(*p))
		return -EINVAL;
	for (; isdigit(*p); p++) {
		/* Far beyond any node: what comes then does not matter. */
		if (nid < 100000000)
			nid = nid * 10 + (*p - '0');
	}
	if (*p++ != ':')
		return -EINVAL;
	if (nid >= MAX_NUMNODES || !node_state(nid, N_MEMORY))
		return zcp_refuse(why, "reserve: node %lu has no memory", nid);
	if (node_test_and_set(nid, *seen))
		return -EINVAL;
	*pos = p;
	return zcp_take_size(pos, &settings->reserve[nid]);
}

static int zcp_take_shares(const char *p, struct zcp_settings *settings,
			   struct zcp_refusal *why)
{
	nodemask_t seen = NODE_MASK_NONE;
	int err;

	memset(settings->reserve, 0, nr_node_ids * sizeof(*settings->reserve));
	for (;;) {
		err = zcp_take_share(&p, settings, &seen, why);
		if (err || !*p)
			return err;
		if (*p != ',' && *p != '+')
			return -EINVAL;
		p++;
	}
}

/* "512M" for each node, or "0:512M,1:256M" */
static int zcp_parse_reserve(struct zcp_settings *settings, const char *arg,
			     struct zcp_refusal *why)
{
	int err;

	settings->same_reserve = !strchr(arg, ':');
	if (settings->same_reserve)
		err = zcp_parse_size(arg, &settings->each);
	else
		err = zcp_take_shares(arg, settings, why);
	if (err && !*why->text)
		zcp_refuse(why, "reserve: '%.60s' is neither SIZE nor NODE:SIZE,... " ZCP_A_SIZE,
			   arg);
	return err;
}

static int zcp_parse_max(struct zcp_settings *settings, const char *arg,
			 struct zcp_refusal *why)
{
	unsigned long ram = totalram_pages() / ZCP_CHUNK_PAGES;

	if (zcp_parse_size(arg, &settings->max) || !settings->max)
		return zcp_refuse(why, "max: '%.60s' is no SIZE above 0 " ZCP_A_SIZE, arg);
	if (settings->max > ram)
		return zcp_refuse(why, "max: '%.60s' is more than the machine's %lu MiB", arg,
				  ZCP_MIB(ram));
	return 0;
}

/* 0 takes the limit away. */
static int zcp_parse_user_max(struct zcp_settings *settings, const char *arg,
			      struct zcp_refusal *why)
{
	if (zcp_parse_size(arg, &settings->user_max))
		return zcp_refuse(why, "user_max: '%.60s' is no SIZE " ZCP_A_SIZE, arg);
	return 0;
}

/* "0,2-3" */
static int zcp_parse_nodes(struct zcp_settings *settings, const char *arg,
			   struct zcp_refusal *why)
{
	char *list = kstrdup(arg, GFP_KERNEL);
	int err, nid;

	if (!list)
		return -ENOMEM;
	strreplace(list, '+', ',');
	err = nodelist_parse(list, settings->nodes);
	kfree(list);
	if (err == -ENOMEM)
		return err;
	if (err || nodes_empty(settings->nodes))
		return zcp_refuse(why, "nodes: '%.60s' is no LIST of nodes (such as 0+2-3)", arg);
	for_each_node_mask(nid, settings->nodes) {
		if (!node_state(nid, N_MEMORY))
			return zcp_refuse(why, "nodes: node %d has no memory", nid);
	}
	return 0;
}

static int zcp_parse_policy(struct zcp_settings *settings, const char *arg,
			    struct zcp_refusal *why)
{
	int nth = match_string(zcp_policies, ARRAY_SIZE(zcp_policies), arg);

	if (nth < 0)
		return zcp_refuse(why, "policy: '%.60s' is none of local, bind, prefer, interleave",
				  arg);
	settings->policy = nth;
	return 0;
}

static int zcp_parse_huge(struct zcp_settings *settings, const char *arg,
			  struct zcp_refusal *why)
{
	int nth = match_string(zcp_huges, ARRAY_SIZE(zcp_huges), arg);

	if (nth < 0)
		return zcp_refuse(why, "huge: '%.60s' is none of prefer, always, never", arg);
	settings->huge = nth;
	return 0;
}

static int zcp_parse_mode(struct zcp_settings *settings, const char *arg,
			  struct zcp_refusal *why)
{
	unsigned int mode;

	if (kstrtouint(arg, 8, &mode) || mode & ~(unsigned int)S_IALLUGO)
		return zcp_refuse(why, "mode: '%.60s' is no octal number up to 7777", arg);
	settings->mode = mode;
	return 0;
}

static int zcp_parse_uid(struct zcp_settings *settings, const char *arg,
			 struct zcp_refusal *why)
{
	unsigned int id;

	if (!kstrtouint(arg, 10, &id))
		settings->uid = make_kuid(current_user_ns(), id);
	else
		settings->uid = INVALID_UID;
	if (!uid_valid(settings->uid))
		return zcp_refuse(why, "uid: '%.60s' is no number of a user", arg);
	return 0;
}

static int zcp_parse_gid(struct zcp_settings *settings, const char *arg,
			 struct zcp_refusal *why)
{
	unsigned int id;

	if (!kstrtouint(arg, 10, &id))
		settings->gid = make_kgid(current_user_ns(), id);
	else
		settings->gid = INVALID_GID;
	if (!gid_valid(settings->gid))
		return zcp_refuse(why, "gid: '%.60s' is no number of a group", arg);
	return 0;
}

/**
 * zcp_parse_option() - take in one option
 * @settings: where to
 * @option: which
 * @arg: its value
 * @why: told if it cannot be
 *
 * Context: process, for its user namespace; may sleep.
 * Return: 0, -EINVAL or -ENOMEM.
 */
int zcp_parse_option(struct zcp_settings *settings, enum zcp_option option, const char *arg,
		     struct zcp_refusal *why)
{
	static int (*const parse[])(struct zcp_settings *settings, const char *arg,
				    struct zcp_refusal *why) = {
		[ZCP_OPT_NODES] = zcp_parse_nodes,
		[ZCP_OPT_RESERVE] = zcp_parse_reserve,
		[ZCP_OPT_MAX] = zcp_parse_max,
		[ZCP_OPT_POLICY] = zcp_parse_policy,
		[ZCP_OPT_HUGE] = zcp_parse_huge,
		[ZCP_OPT_MODE] = zcp_parse_mode,
		[ZCP_OPT_UID] = zcp_parse_uid,
		[ZCP_OPT_GID] = zcp_parse_gid,
		[ZCP_OPT_USER_MAX] = zcp_parse_user_max,
	};
	int err;

	why->text[0] = 0;
	err = parse[option](settings, arg, why);
	if (!err)
		settings->given |= BIT(option);
	return err;
}
