// SPDX-License-Identifier: GPL-2.0
/*
 * Settings of a pool: what they amount to together, whether a pool has them, and having them.
 */
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "pool.h"

static size_t zcp_settings_size(void)
{
	const struct zcp_settings *settings = NULL;

	return struct_size(settings, reserve, nr_node_ids);
}

/**
 * zcp_settings_create() - make settings in which nothing is given
 *
 * Context: may sleep.
 * Return: the settings, to be given to kfree(); NULL without memory.
 */
struct zcp_settings *zcp_settings_create(void)
{
	struct zcp_settings *settings = kzalloc(zcp_settings_size(), GFP_KERNEL);

	if (!settings)
		return NULL;
	settings->mode = ZCP_DEFAULT_MODE;
	settings->uid = GLOBAL_ROOT_UID;
	settings->gid = GLOBAL_ROOT_GID;
	return settings;
}

/* What an option is in other settings */
static void zcp_settings_copy(struct zcp_settings *to, const struct zcp_settings *from,
			      enum zcp_option option)
{
	switch (option) {
	case ZCP_OPT_NODES:
		to->nodes = from->nodes;
		break;
	case ZCP_OPT_RESERVE:
		to->same_reserve = from->same_reserve;
		to->each = from->each;
		memcpy(to->reserve, from->reserve, nr_node_ids * sizeof(*to->reserve));
		break;
	case ZCP_OPT_MAX:
		to->max = from->max;
		break;
	case ZCP_OPT_POLICY:
		to->policy = from->policy;
		break;
	case ZCP_OPT_HUGE:
		to->huge = from->huge;
		break;
	case ZCP_OPT_MODE:
		to->mode = from->mode;
		break;
	case ZCP_OPT_UID:
		to->uid = from->uid;
		break;
	case ZCP_OPT_GID:
		to->gid = from->gid;
		break;
	case ZCP_OPT_USER_MAX:
		to->user_max = from->user_max;
		break;
	case ZCP_NR_OPTIONS:
		break;
	}
}

/**
 * zcp_settings_merge() - what settings become where some are given
 * @old: the others are as here
 * @given: these
 *
 * Context: may sleep.
 * Return: new ones, for zcp_settings_resolve(); NULL without memory.
 */
struct zcp_settings *zcp_settings_merge(const struct zcp_settings *old,
					const struct zcp_settings *given)
{
	struct zcp_settings *new = kmemdup(old, zcp_settings_size(), GFP_KERNEL);
	int option;

	if (!new)
		return NULL;
	new->given |= given->given;
	for (option = 0; option < ZCP_NR_OPTIONS; option++) {
		if (given->given & BIT(option))
			zcp_settings_copy(new, given, option);
	}
	return new;
}

/**
 * zcp_settings_reserve() - what settings have kept on all nodes
 * @settings: of zcp_settings_resolve()
 *
 * Context: any.
 * Return: chunks.
 */
unsigned long zcp_settings_reserve(const struct zcp_settings *settings)
{
	unsigned long sum = 0;
	int nid;

	for_each_node_state(nid, N_MEMORY)
		sum += settings->reserve[nid];
	return sum;
}

/**
 * zcp_settings_policy() - the policy where none is given
 * @given: what is
 *
 * Context: any.
 * Return: the policy.
 */
enum zcp_policy zcp_settings_policy(unsigned int given)
{
	return given & BIT(ZCP_OPT_NODES) ? ZCP_POLICY_BIND : ZCP_POLICY_LOCAL;
}

static int zcp_resolve_nodes(struct zcp_settings *settings, struct zcp_refusal *why)
{
	if (!(settings->given & BIT(ZCP_OPT_POLICY)))
		settings->policy = zcp_settings_policy(settings->given);
	if (settings->given & BIT(ZCP_OPT_NODES))
		return 0;
	settings->nodes = node_states[N_MEMORY];
	if (settings->policy == ZCP_POLICY_BIND || settings->policy == ZCP_POLICY_PREFER)
		return zcp_refuse(why, "policy: %s wants nodes=LIST, too",
				  zcp_policy_name(settings->policy));
	return 0;
}

/* Whether a node that was not chosen may have memory all the same */
static bool zcp_policy_is_strict(enum zcp_policy policy)
{
	return policy == ZCP_POLICY_BIND || policy == ZCP_POLICY_INTERLEAVE;
}

/*
 * A node that is left out loses its reserve. Who changes a pool may repeat what the node had,
 * as mount(8) does.
 */
static int zcp_resolve_reserve(struct zcp_settings *settings, const struct zcp_settings *old,
			       struct zcp_refusal *why)
{
	bool strict = zcp_policy_is_strict(settings->policy);
	int nid;

	for_each_node_state(nid, N_MEMORY) {
		if (settings->same_reserve)
			settings->reserve[nid] = node_isset(nid, settings->nodes) ?
						 settings->each : 0;
		if (!settings->reserve[nid] || !strict || node_isset(nid, settings->nodes))
			continue;
		if (!old || old->reserve[nid] != settings->reserve[nid])
			return zcp_refuse(why, "reserve: node %d is not among nodes=", nid);
		settings->reserve[nid] = 0;
	}
	return 0;
}

static int zcp_resolve_max(struct zcp_settings *settings, struct zcp_refusal *why)
{
	unsigned long reserve = zcp_settings_reserve(settings);

	if (!(settings->given & BIT(ZCP_OPT_MAX)))
		settings->max = max3(reserve, totalram_pages() / ZCP_CHUNK_PAGES / 4, 1UL);
	if (reserve > settings->max)
		return zcp_refuse(why, "max: %lu MiB are less than the reserve of %lu MiB",
				  ZCP_MIB(settings->max), ZCP_MIB(reserve));
	return 0;
}

/**
 * zcp_settings_resolve() - fill in what is not given, and look whether it all fits together
 * @settings: which; not to be used after an error
 * @old: what they were before, or NULL for a pool that is being made
 * @why: told if they do not
 *
 * Context: any.
 * Return: 0 or -EINVAL.
 */
int zcp_settings_resolve(struct zcp_settings *settings, const struct zcp_settings *old,
			 struct zcp_refusal *why)
{
	int err = zcp_resolve_nodes(settings, why);

	if (!err)
		err = zcp_resolve_reserve(settings, old, why);
	if (!err)
		err = zcp_resolve_max(settings, why);
	return err;
}

/* Of what is given, an option that is another in resolved settings; NULL if there is none */
static const char *zcp_settings_differ(const struct zcp_settings *a,
				       const struct zcp_settings *b, unsigned int given)
{
	if (given & BIT(ZCP_OPT_NODES) && !nodes_equal(a->nodes, b->nodes))
		return "nodes";
	if (given & BIT(ZCP_OPT_RESERVE) &&
	    memcmp(a->reserve, b->reserve, nr_node_ids * sizeof(*a->reserve)))
		return "reserve";
	if (given & BIT(ZCP_OPT_MAX) && a->max != b->max)
		return "max";
	if (given & BIT(ZCP_OPT_POLICY) && a->policy != b->policy)
		return "policy";
	if (given & BIT(ZCP_OPT_HUGE) && a->huge != b->huge)
		return "huge";
	if (given & BIT(ZCP_OPT_MODE) && a->mode != b->mode)
		return "mode";
	if (given & BIT(ZCP_OPT_UID) && !uid_eq(a->uid, b->uid))
		return "uid";
	if (given & BIT(ZCP_OPT_GID) && !gid_eq(a->gid, b->gid))
		return "gid";
	if (given & BIT(ZCP_OPT_USER_MAX) && a->user_max != b->user_max)
		return "user_max";
	return NULL;
}

/**
 * zcp_settings_compare() - whether a pool is what somebody wants who finds it there
 * @pool: which
 * @given: what he wants; what is not given is as it is
 * @why: told if it is not
 *
 * Context: may sleep.
 * Return: 0; -EBUSY it is not; -EINVAL nothing can be so; -ENOMEM.
 */
int zcp_settings_compare(struct zcp_pool *pool, const struct zcp_settings *given,
			 struct zcp_refusal *why)
{
	struct zcp_settings *wanted;
	const char *option;
	int err = -ENOMEM;

	if (!given->given)
		return 0;
	mutex_lock(&pool->settings_lock);
	wanted = zcp_settings_merge(pool->settings, given);
	if (wanted)
		err = zcp_settings_resolve(wanted, NULL, why);
	if (!err) {
		option = zcp_settings_differ(wanted, pool->settings, given->given);
		if (option) {
			zcp_refuse(why, "%s: the pool '%s' is there with another (remount does it)",
				   option, pool->name);
			err = -EBUSY;
		}
	}
	mutex_unlock(&pool->settings_lock);
	kfree(wanted);
	return err;
}

/* Those that come before those that go, or for a moment there were none */
static void zcp_settings_choose(struct zcp_pool *pool, const struct zcp_settings *settings)
{
	int nid;

	for_each_node_mask(nid, pool->mask) {
		if (node_isset(nid, settings->nodes))
			node_set(nid, pool->chosen);
	}
	WRITE_ONCE(pool->policy, settings->policy);
	for_each_node_mask(nid, pool->mask) {
		if (!node_isset(nid, settings->nodes))
			node_clear(nid, pool->chosen);
	}
}

/**
 * zcp_settings_apply() - have a pool be so, but for its reserve and permissions
 * @pool: in use or not
 * @settings: resolved; the pool's from now on, instead of those it has
 *
 * Context: may sleep; under the pool's change_lock, or before anybody uses it.
 */
void zcp_settings_apply(struct zcp_pool *pool, struct zcp_settings *settings)
{
	struct zcp_settings *old = pool->settings;

	WRITE_ONCE(pool->budget.max, settings->max);
	WRITE_ONCE(pool->huge, settings->huge);
	WRITE_ONCE(pool->users.max, settings->user_max * ZCP_CHUNK_PAGES);
	zcp_settings_choose(pool, settings);
	mutex_lock(&pool->settings_lock);
	pool->settings = settings;
	mutex_unlock(&pool->settings_lock);
	kfree(old);
}
