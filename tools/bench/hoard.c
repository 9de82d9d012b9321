// SPDX-License-Identifier: GPL-2.0
/* Buffers that nobody uses: who holds all other memory knows what a call will find. */
#include <errno.h>
#include <unistd.h>

#include "crowd.h"

#define WAIT_STEPS	20000	/* of a millisecond, for the scrubber */

int hoard_info(int pool, int node, struct zcpool_info *info, struct reason *why)
{
	if (zcpool_info(pool, node, info))
		return because(why, errno, "ZCPOOL_IOC_INFO");
	return 0;
}

/* Until all that is free on the node, or with -1 on all, is clean. */
int hoard_wait_clean(int pool, int node, struct reason *why)
{
	struct zcpool_info info;
	int i;

	for (i = 0; i < WAIT_STEPS; i++) {
		if (hoard_info(pool, node, &info, why))
			return -1;
		if (!info.dirty_bytes && !info.quarantined_bytes)
			return 0;
		usleep(1000);
	}
	return because(why, 0, "memory did not become clean");
}

/* Takes pieces of a size until no more is clean, or most have been taken. */
int hoard_take(struct hoard *h, uint64_t size, __u32 flags, int node, size_t most,
	       struct reason *why)
{
	uint64_t granted;
	int fd;

	for (; most; most--) {
		if (h->nr == MAX_HELD)
			return because(why, 0, "more than %d pieces to hold", MAX_HELD);
		granted = size;
		fd = zcpool_alloc(h->pool, &granted, flags | ZCPOOL_ALLOC_NOWAIT, node);
		if (fd < 0 && errno == EAGAIN)
			return 0;
		if (fd < 0)
			return because(why, errno, "holding memory");
		h->fd[h->nr++] = fd;
	}
	return 0;
}

/* All that is clean, on all nodes */
int hoard_take_all(struct hoard *h, struct reason *why)
{
	static const uint64_t sizes[] = { 64 * MIB, HUGE, 64 * KIB, PAGE };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		if (hoard_take(h, sizes[i], 0, -1, MAX_HELD, why))
			return -1;
	return 0;
}

static __u64 next_random(__u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* The order in which they will be dropped */
void hoard_shuffle(struct hoard *h, __u64 *seed)
{
	size_t i, j;
	int fd;

	for (i = h->nr; i > 1; i--) {
		j = next_random(seed) % i;
		fd = h->fd[i - 1];
		h->fd[i - 1] = h->fd[j];
		h->fd[j] = fd;
	}
}

void hoard_drop(struct hoard *h)
{
	while (h->nr)
		close(h->fd[--h->nr]);
}
