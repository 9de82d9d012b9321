// SPDX-License-Identifier: GPL-2.0
/*
 * The pools there are. One is made for whoever wants its name first, and goes with the last
 * reference: a mount, a file of its device, a buffer. What goes with it may take long, and the
 * last reference may be dropped anywhere, so a work item does it. Until then the name is
 * taken, and whoever wants it anew waits.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/wait.h>

#include "pool.h"

/* Protects the list, and who finds a pool there from its having gone. */
static DEFINE_SPINLOCK(zcp_pools_lock);
static LIST_HEAD(zcp_pools);
/* One has become ready, or has gone. */
static DECLARE_WAIT_QUEUE_HEAD(zcp_pools_wait);
static struct workqueue_struct *zcp_end_wq;
static const struct zcp_pool_ops *zcp_pools_ops;

/**
 * zcp_registry_init() - be ready for pools
 * @ops: what floors above do about each; stays valid
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int zcp_registry_init(const struct zcp_pool_ops *ops)
{
	zcp_pools_ops = ops;
	zcp_end_wq = alloc_workqueue("zcpool_end", WQ_UNBOUND, 0);
	return zcp_end_wq ? 0 : -ENOMEM;
}

static bool zcp_registry_is_empty(void)
{
	bool empty;

	spin_lock(&zcp_pools_lock);
	empty = list_empty(&zcp_pools);
	spin_unlock(&zcp_pools_lock);
	return empty;
}

/**
 * zcp_registry_exit() - undo zcp_registry_init()
 *
 * Context: may sleep, until the last pool has gone; nobody can get or make one any more.
 */
void zcp_registry_exit(void)
{
	wait_event(zcp_pools_wait, zcp_registry_is_empty());
	destroy_workqueue(zcp_end_wq);
}

/* The name says what there is below, and "layout" is a file of debugfs. */
static bool zcp_name_is_good(const char *name)
{
	const char *p;

	for (p = name; isascii(*p) && (isalnum(*p) || (*p && strchr("_.-", *p))); p++)
		;
	return p != name && !*p && p - name < ZCP_POOL_NAME_SIZE && strcmp(name, ".") &&
	       strcmp(name, "..") && strcmp(name, "layout");
}

/* Under zcp_pools_lock. */
static struct zcp_pool *zcp_pools_find(const char *name)
{
	struct zcp_pool *pool;

	list_for_each_entry(pool, &zcp_pools, link) {
		if (!strcmp(pool->name, name))
			return pool;
	}
	return NULL;
}

/* Nobody is making a pool of that name, or doing away with it. */
static bool zcp_name_is_settled(const char *name)
{
	struct zcp_pool *pool;
	bool settled;

	spin_lock(&zcp_pools_lock);
	pool = zcp_pools_find(name);
	settled = !pool || (pool->ready && kref_read(&pool->ref));
	spin_unlock(&zcp_pools_lock);
	return settled;
}

/* Undo what zcp_pool_bring_up() has done, as far as it came. */
static void zcp_pool_end(struct work_struct *work)
{
	struct zcp_pool *pool = container_of(work, struct zcp_pool, end);

	zcp_pools_ops->remove(pool);
	zcp_oom_exit(pool);
	zcp_pool_exit(pool);
	zcp_ceiling_claim(&pool->claimed, 0);
	if (pool->ready)
		pr_info("%s: all memory given back\n", pool->name);
	spin_lock(&zcp_pools_lock);
	list_del(&pool->link);
	spin_unlock(&zcp_pools_lock);
	wake_up_all(&zcp_pools_wait);
	kfree(pool->settings);
	kfree(pool);
}

static void zcp_pool_release(struct kref *ref)
{
	struct zcp_pool *pool = container_of(ref, struct zcp_pool, ref);

	queue_work(zcp_end_wq, &pool->end);
}

/**
 * zcp_pool_try_get() - hold a pool, unless nobody does any more
 * @pool: which; something else keeps it from being freed meanwhile
 *
 * Context: any.
 * Return: whether it is held.
 */
bool zcp_pool_try_get(struct zcp_pool *pool)
{
	return kref_get_unless_zero(&pool->ref);
}

/**
 * zcp_pool_get() - hold a pool
 * @pool: which; held already
 *
 * Context: any.
 */
void zcp_pool_get(struct zcp_pool *pool)
{
	kref_get(&pool->ref);
}

/**
 * zcp_pool_put() - hold a pool no more
 * @pool: which
 *
 * After the last time it goes, in its own time, and with it its memory.
 *
 * Context: any.
 */
void zcp_pool_put(struct zcp_pool *pool)
{
	kref_put(&pool->ref, zcp_pool_release);
}

/**
 * zcp_pool_next() - go through all pools
 * @pool: the one before, which is put; NULL for the first
 *
 * Context: may not be in an interrupt.
 * Return: the next, held; NULL after the last.
 */
struct zcp_pool *zcp_pool_next(struct zcp_pool *pool)
{
	struct zcp_pool *next = NULL;
	struct list_head *link;

	spin_lock(&zcp_pools_lock);
	link = pool ? &pool->link : &zcp_pools;
	for (link = link->next; link != &zcp_pools; link = link->next) {
		next = list_entry(link, struct zcp_pool, link);
		if (next->ready && zcp_pool_try_get(next))
			break;
		next = NULL;
	}
	spin_unlock(&zcp_pools_lock);
	if (pool)
		zcp_pool_put(pool);
	return next;
}

static struct zcp_pool *zcp_pool_create(const char *name)
{
	struct zcp_pool *pool = kzalloc(sizeof(*pool), GFP_KERNEL);

	if (!pool)
		return NULL;
	strscpy(pool->name, name, sizeof(pool->name));
	kref_init(&pool->ref);
	INIT_WORK(&pool->end, zcp_pool_end);
	mutex_init(&pool->change_lock);
	mutex_init(&pool->settings_lock);
	mutex_init(&pool->buffers_lock);
	zcp_users_init(&pool->users);
	INIT_LIST_HEAD(&pool->buffers);
	pool->budget.ceiling = zcp_ceiling_budget();
	return pool;
}

/* Some pool that nobody holds has not gone yet. */
static bool zcp_pools_are_going(void)
{
	struct zcp_pool *pool;
	bool going = false;

	spin_lock(&zcp_pools_lock);
	list_for_each_entry(pool, &zcp_pools, link)
		going |= !kref_read(&pool->ref);
	spin_unlock(&zcp_pools_lock);
	return going;
}

/* Nobody is refused for the sake of a pool that has been given up. */
static int zcp_pool_claim(struct zcp_pool *pool, unsigned long reserve,
			  struct zcp_refusal *why)
{
	bool going;

	do {
		going = zcp_pools_are_going();
		if (zcp_ceiling_claim(&pool->claimed, reserve))
			return 0;
		if (wait_event_killable(zcp_pools_wait, !zcp_pools_are_going()))
			return -EINTR;
	} while (going);
	zcp_refuse(why, "reserve: %lu MiB, with other pools', are beyond the ceiling of %lu MiB",
		   ZCP_MIB(reserve), ZCP_MIB(zcp_ceiling_max()));
	return -ENOSPC;
}

/* After an error it has to go, as one does that nobody wants any more. */
static int zcp_pool_bring_up(struct zcp_pool *pool, struct zcp_settings *settings,
			     struct zcp_refusal *why)
{
	int err, nid;

	err = zcp_pool_init(pool);
	zcp_settings_apply(pool, settings);
	if (!err)
		err = zcp_pool_claim(pool, zcp_settings_reserve(settings), why);
	if (err)
		return err;
	for_each_node_mask(nid, pool->mask)
		pool->nodes[nid]->reserve = settings->reserve[nid];
	err = zcp_pool_fill(pool);
	if (!err)
		err = zcp_oom_init(pool);
	if (!err)
		err = zcp_pools_ops->add(pool);
	return err;
}

/* A pool that has just been put on the list, so that all others wait who want its name */
static struct zcp_pool *zcp_pool_make(struct zcp_pool *pool, const struct zcp_settings *given,
				      struct zcp_refusal *why)
{
	struct zcp_settings *settings = zcp_settings_merge(given, given);
	int err = -ENOMEM;

	if (settings) {
		err = zcp_settings_resolve(settings, NULL, why);
		if (err)
			kfree(settings);
		else
			err = zcp_pool_bring_up(pool, settings, why);
	}
	if (err) {
		zcp_pool_put(pool);
		return ERR_PTR(err);
	}
	spin_lock(&zcp_pools_lock);
	pool->ready = true;
	spin_unlock(&zcp_pools_lock);
	wake_up_all(&zcp_pools_wait);
	return pool;
}

/*
 * The pool of that name, which is set to NULL where others are making one or doing away with
 * it; or new, put on the list.
 */
static bool zcp_pool_join(const char *name, struct zcp_pool *new, struct zcp_pool **pool)
{
	bool made;

	spin_lock(&zcp_pools_lock);
	*pool = zcp_pools_find(name);
	made = !*pool;
	if (made) {
		list_add_tail(&new->link, &zcp_pools);
		*pool = new;
	} else if (!(*pool)->ready || !zcp_pool_try_get(*pool)) {
		*pool = NULL;
	}
	spin_unlock(&zcp_pools_lock);
	return made;
}

/**
 * zcp_pool_open() - have the pool of a name, or make it
 * @name: which
 * @given: what it is wanted to be
 * @why: told if it cannot be had
 *
 * Context: may sleep, for as long as it takes to zero its reserve, or to give back all that
 * the one before had.
 * Return: the pool, held; -EINVAL the name or what is given; -EBUSY it is there and is not
 * what is wanted; -ENOSPC no room below the ceiling, or for another device; -ENOMEM; -EINTR
 * killed.
 */
struct zcp_pool *zcp_pool_open(const char *name, const struct zcp_settings *given,
			       struct zcp_refusal *why)
{
	struct zcp_pool *pool, *new;
	int err;

	why->text[0] = 0;
	if (!zcp_name_is_good(name)) {
		err = zcp_refuse(why, "source: '%.70s' is no name (up to %d of A-Z a-z 0-9 _ . -)",
				 name, ZCP_POOL_NAME_SIZE - 1);
		return ERR_PTR(err);
	}
	new = zcp_pool_create(name);
	if (!new)
		return ERR_PTR(-ENOMEM);
	for (;;) {
		if (zcp_pool_join(name, new, &pool))
			return zcp_pool_make(new, given, why);
		if (pool)
			break;
		if (wait_event_killable(zcp_pools_wait, zcp_name_is_settled(name))) {
			kfree(new);
			return ERR_PTR(-EINTR);
		}
	}
	kfree(new);
	err = zcp_settings_compare(pool, given, why);
	if (err) {
		zcp_pool_put(pool);
		return ERR_PTR(err);
	}
	return pool;
}

/* All that can fail */
static int zcp_pool_prepare(struct zcp_pool *pool, struct zcp_settings *new,
			    struct zcp_refusal *why)
{
	unsigned long before = pool->claimed, reserve;
	int err = zcp_settings_resolve(new, pool->settings, why);

	if (err)
		return err;
	/* What may be given up is, once it is certain that it need not be had again. */
	reserve = zcp_settings_reserve(new);
	err = zcp_pool_claim(pool, max(before, reserve), why);
	if (err)
		return err;
	err = zcp_pools_ops->change(pool, new);
	zcp_ceiling_claim(&pool->claimed, err ? before : reserve);
	return err;
}

/**
 * zcp_pool_set() - change a pool that may be in use
 * @pool: which
 * @given: what is to be other than it is
 * @why: told if it cannot be
 *
 * All or nothing. A reserve that grows is filled, and what is held beyond one that has shrunk
 * is given back, by the nodes' workers; what is in use stays until it is freed.
 *
 * Context: may sleep.
 * Return: 0; -EINVAL; -ENOSPC no room below the ceiling; -ENOMEM; -EINTR killed.
 */
int zcp_pool_set(struct zcp_pool *pool, const struct zcp_settings *given,
		 struct zcp_refusal *why)
{
	struct zcp_settings *new;
	int err, nid;

	why->text[0] = 0;
	err = mutex_lock_killable(&pool->change_lock);
	if (err)
		return err;
	new = zcp_settings_merge(pool->settings, given);
	err = new ? zcp_pool_prepare(pool, new, why) : -ENOMEM;
	if (err) {
		kfree(new);
	} else {
		zcp_settings_apply(pool, new);
		for_each_node_mask(nid, pool->mask)
			zcp_reserve_set(pool->nodes[nid], new->reserve[nid]);
	}
	mutex_unlock(&pool->change_lock);
	return err;
}
