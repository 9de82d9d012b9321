/* SPDX-License-Identifier: GPL-2.0 */
/* What each user may have of a pool. */
#ifndef QUOTA_H
#define QUOTA_H

#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>

/* Says what limit EDQUOT stands for, how near it is, and what can be done. */
noreturn void quota_reached(int pool, const char *pool_name);

/* A user, and what he has of a pool in bytes */
struct holder {
	unsigned long uid;
	uint64_t held;
};

/* All there are, as debugfs lists them; an array to be freed, NULL if it cannot be read. */
struct holder *holders_read(const char *pool_name, size_t *nr);

#endif /* QUOTA_H */
