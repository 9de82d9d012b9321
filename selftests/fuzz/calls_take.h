/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What takes a buffer away, seals it or has its memory elsewhere. By its number any buffer
 * can be named, those of the other worker, too.
 */
#ifndef ZCPOOL_FUZZ_CALLS_TAKE_H
#define ZCPOOL_FUZZ_CALLS_TAKE_H

#include <errno.h>
#include <poll.h>

#include "../lib/take.h"
#include "state.h"

/* Longest wait for what is pinned, and may be for good */
#define FUZZ_REVOKE_MS	4

/*
 * One that has been taken away stays so. Another thread may have closed the descriptor
 * meanwhile, and have another buffer behind it.
 */
static inline void fuzz_expect_dead(struct fuzz *z, int fd, const char *wrong)
{
	struct zcpool_buf_info info;

	if (!z->threaded && (!buf_info(fd, &info) || errno != ESTALE))
		fuzz_wrong(z, wrong, errno);
}

static inline long fuzz_revoke(struct fuzz *z, const __u64 *a)
{
	int fd = fuzz_fd(z, a[0]);
	long pinned = buf_revoke(fd, a[1] % FUZZ_REVOKE_MS);

	if (pinned >= 0)
		fuzz_expect_dead(z, fd, "a revoked buffer lives, with error");
	return pinned;
}

/* The number of a slot's buffer, or one a bit beyond it; 0 if there is no buffer. */
static inline __u64 fuzz_id(struct fuzz *z, __u64 slot, __u64 beyond)
{
	struct zcpool_buf_info info;

	return buf_info(fuzz_fd(z, slot), &info) ? 0 : info.id + beyond;
}

static inline long fuzz_revoke_id(struct fuzz *z, const __u64 *a)
{
	return pool_revoke(fuzz_fd(z, a[0]), fuzz_id(z, a[1], a[2]), a[3] % FUZZ_REVOKE_MS);
}

static inline long fuzz_move(struct fuzz *z, const __u64 *a)
{
	int old = fuzz_fd(z, a[1]), fd = buf_move(old);

	if (fd >= 0)
		fuzz_expect_dead(z, old, "a moved buffer lives, with error");
	return fuzz_put_fd(z, a[0], fd);
}

static inline long fuzz_open_ro(struct fuzz *z, const __u64 *a)
{
	return fuzz_put_fd(z, a[0], buf_open_ro(fuzz_fd(z, a[1])));
}

static inline long fuzz_seal(struct fuzz *z, const __u64 *a)
{
	return buf_seal(fuzz_fd(z, a[0]), a[1]);
}

static inline long fuzz_migrate(struct fuzz *z, const __u64 *a)
{
	return buf_migrate(fuzz_fd(z, a[0]), a[1]);
}

static inline long fuzz_migrate_id(struct fuzz *z, const __u64 *a)
{
	return pool_migrate(fuzz_fd(z, a[0]), fuzz_id(z, a[1], a[2]), a[3]);
}

static inline long fuzz_poll(struct fuzz *z, const __u64 *a)
{
	struct pollfd poll_fd = { .fd = fuzz_fd(z, a[0]), .events = a[1] };

	return poll(&poll_fd, 1, 0);
}

#endif /* ZCPOOL_FUZZ_CALLS_TAKE_H */
