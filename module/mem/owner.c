// SPDX-License-Identifier: GPL-2.0
/*
 * Owners: memory counts as that of the user who made the buffer that it is in, as long as it
 * lives, whoever uses it. A pool may say how much each user may have; where it does not, users
 * who may not lock memory at will are held to RLIMIT_MEMLOCK, over all pools and all else that
 * counts there.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/limits.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/slab.h>

#include "owner.h"

/**
 * zcp_users_init() - list nobody
 * @all: list
 *
 * Context: any.
 */
void zcp_users_init(struct zcp_users *all)
{
	xa_init(&all->by_uid);
	all->max = 0;
}

/**
 * zcp_users_exit() - undo zcp_users_init()
 * @all: nobody in it has anything
 *
 * Context: may sleep.
 */
void zcp_users_exit(struct zcp_users *all)
{
	struct zcp_user *user;
	unsigned long uid;

	xa_for_each(&all->by_uid, uid, user) {
		WARN_ON_ONCE(atomic_long_read(&user->pages));
		kfree(user);
		cond_resched();
	}
	xa_destroy(&all->by_uid);
}

static struct zcp_user *zcp_user_find(struct zcp_users *all, kuid_t uid)
{
	return xa_load(&all->by_uid, __kuid_val(uid));
}

/* Somebody else may be faster to list him. */
static struct zcp_user *zcp_user_add(struct zcp_users *all, kuid_t uid)
{
	struct zcp_user *old, *user = kzalloc(sizeof(*user), GFP_KERNEL_ACCOUNT);

	if (!user)
		return ERR_PTR(-ENOMEM);
	user->all = all;
	user->uid = uid;
	old = xa_cmpxchg(&all->by_uid, __kuid_val(uid), NULL, user, GFP_KERNEL_ACCOUNT);
	if (!old)
		return user;
	kfree(user);
	return xa_is_err(old) ? ERR_PTR(xa_err(old)) : old;
}

/**
 * zcp_users_held() - how much somebody has
 * @all: of which pool
 * @uid: who
 *
 * Context: any.
 * Return: pages.
 */
unsigned long zcp_users_held(struct zcp_users *all, kuid_t uid)
{
	struct zcp_user *user = zcp_user_find(all, uid);

	return user ? atomic_long_read(&user->pages) : 0;
}

/* Pages that the caller may lock, with what he has locked already */
static unsigned long zcp_may_lock(void)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK);

	if (limit == RLIM_INFINITY || capable(CAP_IPC_LOCK))
		return LONG_MAX;
	return limit >> PAGE_SHIFT;
}

/**
 * zcp_owner_init() - have the caller's user own something
 * @owner: set up, to be given to zcp_owner_exit()
 * @all: the users of the pool it is of
 *
 * Context: process; may sleep.
 * Return: 0 or -ENOMEM.
 */
int zcp_owner_init(struct zcp_owner *owner, struct zcp_users *all)
{
	struct zcp_user *user = zcp_user_find(all, current_uid());

	if (!user)
		user = zcp_user_add(all, current_uid());
	if (IS_ERR(user))
		return PTR_ERR(user);
	owner->user = user;
	owner->lock_max = zcp_may_lock();
	owner->locked_by = NULL;
	if (!READ_ONCE(all->max) && owner->lock_max != LONG_MAX)
		owner->locked_by = get_current_cred();
	return 0;
}

/**
 * zcp_owner_copy() - have the owner of something own something else
 * @to: of that, to be given to zcp_owner_exit(), too
 * @from: of the first
 *
 * Context: any.
 */
void zcp_owner_copy(struct zcp_owner *to, const struct zcp_owner *from)
{
	*to = *from;
	if (to->locked_by)
		get_cred(to->locked_by);
}

/**
 * zcp_owner_exit() - undo zcp_owner_init() or zcp_owner_copy()
 * @owner: who has as much as has been given back
 *
 * Context: any.
 */
void zcp_owner_exit(struct zcp_owner *owner)
{
	put_cred(owner->locked_by);
}

static atomic_long_t *zcp_owner_locked(const struct zcp_owner *owner)
{
	return &owner->locked_by->user->locked_vm;
}

/**
 * zcp_owner_charge() - count memory that somebody is about to get
 * @owner: who
 * @pages: how many
 *
 * Context: any.
 * Return: 0; -EDQUOT it is more than the user may have.
 */
int zcp_owner_charge(const struct zcp_owner *owner, unsigned long pages)
{
	struct zcp_user *user = owner->user;
	unsigned long max = READ_ONCE(user->all->max);

	if (!zcp_count_up(&user->pages, pages, max ?: owner->lock_max))
		return -EDQUOT;
	if (!owner->locked_by ||
	    zcp_count_up(zcp_owner_locked(owner), pages, max ? LONG_MAX : owner->lock_max))
		return 0;
	atomic_long_sub(pages, &user->pages);
	return -EDQUOT;
}

/**
 * zcp_owner_charge_pinned() - go on to count memory that cannot be freed yet
 * @owner: whose it is
 * @pages: how many
 *
 * Context: any.
 */
void zcp_owner_charge_pinned(const struct zcp_owner *owner, unsigned long pages)
{
	atomic_long_add(pages, &owner->user->pages);
	if (owner->locked_by)
		atomic_long_add(pages, zcp_owner_locked(owner));
}

/**
 * zcp_owner_uncharge() - count memory no more
 * @owner: whose it was
 * @pages: how many
 *
 * Context: any.
 */
void zcp_owner_uncharge(const struct zcp_owner *owner, unsigned long pages)
{
	atomic_long_sub(pages, &owner->user->pages);
	if (owner->locked_by)
		atomic_long_sub(pages, zcp_owner_locked(owner));
}

/**
 * zcp_owner_take_over() - count memory as somebody else's
 * @owner: whose it is to be; the same as @old if they are the same user
 * @old: whose it is
 * @pages: how many
 *
 * Context: any.
 * Return: 0; -EDQUOT it is more than the user may have.
 */
int zcp_owner_take_over(const struct zcp_owner *owner, const struct zcp_owner *old,
			unsigned long pages)
{
	int err;

	if (owner->user == old->user)
		return 0;
	err = zcp_owner_charge(owner, pages);
	if (!err)
		zcp_owner_uncharge(old, pages);
	return err;
}

static unsigned long zcp_room_below(const atomic_long_t *count, unsigned long max)
{
	unsigned long now = max_t(long, atomic_long_read(count), 0);

	return max - min(max, now);
}

/**
 * zcp_owner_room() - how much more somebody may have now
 * @owner: who
 *
 * Context: any.
 * Return: pages.
 */
unsigned long zcp_owner_room(const struct zcp_owner *owner)
{
	const struct zcp_user *user = owner->user;
	unsigned long max = READ_ONCE(user->all->max);
	unsigned long room = zcp_room_below(&user->pages, max ?: owner->lock_max);

	if (!owner->locked_by || max)
		return room;
	return min(room, zcp_room_below(zcp_owner_locked(owner), owner->lock_max));
}
