/* SPDX-License-Identifier: GPL-2.0 */
/* Who has how much of a pool's memory. */
#ifndef ZCPOOL_OWNER_H
#define ZCPOOL_OWNER_H

#include <linux/atomic.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/xarray.h>

struct cred;

/**
 * struct zcp_users - those who have, or have had, memory of a pool
 * @by_uid: struct zcp_user by number
 * @max: pages that each may have, 0 for what RLIMIT_MEMLOCK allows; changes at any time
 */
struct zcp_users {
	struct xarray by_uid;
	unsigned long max;
};

/**
 * struct zcp_user - one who has, or has had, memory of a pool; known as long as there is the pool
 * @all: where he is listed
 * @uid: his number
 * @pages: that he has: in buffers that he has made, whoever uses them, and what is still pinned
 *	of such as are no more
 */
struct zcp_user {
	struct zcp_users *all;
	kuid_t uid;
	atomic_long_t pages;
};

/**
 * struct zcp_owner - whose some memory is
 * @user: who
 * @locked_by: if the memory counts as locked, as by mlock(2): credentials by which the kernel's
 *	account of that user is held; else NULL
 * @lock_max: pages that RLIMIT_MEMLOCK let him lock when it came to be his: what he may have where
 *	the pool has no limit of its own
 *
 * Whoever else uses the memory, it is the limit of who owns it that counts.
 */
struct zcp_owner {
	struct zcp_user *user;
	const struct cred *locked_by;
	unsigned long lock_max;
};

/**
 * zcp_count_up() - count more, up to a limit
 * @count: what there is
 * @more: what comes to it
 * @max: the limit
 *
 * Context: any.
 * Return: whether it has been counted.
 */
static inline bool zcp_count_up(atomic_long_t *count, unsigned long more, unsigned long max)
{
	long now = atomic_long_read(count);

	if (more > max)
		return false;
	do {
		if (now > 0 && (unsigned long)now > max - more)
			return false;
	} while (!atomic_long_try_cmpxchg(count, &now, now + more));
	return true;
}

void zcp_users_init(struct zcp_users *all);
void zcp_users_exit(struct zcp_users *all);
unsigned long zcp_users_held(struct zcp_users *all, kuid_t uid);
int zcp_owner_init(struct zcp_owner *owner, struct zcp_users *all);
void zcp_owner_copy(struct zcp_owner *to, const struct zcp_owner *from);
void zcp_owner_exit(struct zcp_owner *owner);
int zcp_owner_charge(const struct zcp_owner *owner, unsigned long pages);
void zcp_owner_charge_pinned(const struct zcp_owner *owner, unsigned long pages);
int zcp_owner_take_over(const struct zcp_owner *owner, const struct zcp_owner *old,
			unsigned long pages);
void zcp_owner_uncharge(const struct zcp_owner *owner, unsigned long pages);
unsigned long zcp_owner_room(const struct zcp_owner *owner);

#endif /* ZCPOOL_OWNER_H */
