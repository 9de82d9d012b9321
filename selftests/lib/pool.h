/* SPDX-License-Identifier: GPL-2.0 */
/* The ABI in plain calls, and waiting for what a pool does in the background. */
#ifndef ZCPOOL_TEST_POOL_H
#define ZCPOOL_TEST_POOL_H

#include <stdbool.h>
#include <sys/types.h>

#include "../../module/uapi/zcpool.h"
#include "sizes.h"

#define POOL_PATH	ZCPOOL_DEV_DIR "/" ZCPOOL_DEFAULT
#define DEBUGFS		"/sys/kernel/debug/zcpool/" ZCPOOL_DEFAULT
#define RDWR		(PROT_READ | PROT_WRITE)

/* Longest wait for something the module does in the background: 10 s */
#define POLL_TRIES	1000
#define POLL_USEC	10000
/* For what the kernel has to have memory for: it is asked again after 16 s at the latest. */
#define REGAIN_TRIES	4000

int pool_open(void);

/* A new buffer's descriptor, or -errno; node is -1 for "local". */
int buf_alloc(int pool, __u64 size, __u32 flags, int node);
int buf_info(int buf, struct zcpool_buf_info *bi);
void *buf_map(int buf, size_t len, off_t off);

/* node is -1 for the whole pool, here and below. */
int pool_info(int pool, int node, struct zcpool_info *pi);
bool info_adds_up(const struct zcpool_info *pi);
__u64 pool_used(int pool);

/* Gives the bytes in use time to come down to want; returns what they are. */
__u64 pool_wait_used(int pool, __u64 want);

/*
 * These wait for a state and return 0, or -1 if it did not come. What INFO said last is
 * in pi.
 */

/* Nothing is left to zero; quarantined memory may remain. */
int pool_wait_scrubbed(int pool, struct zcpool_info *pi);

/* All that is free is clean and nothing is held back. */
int pool_wait_idle(int pool, struct zcpool_info *pi);

/*
 * Idle as well, and with the reserve: no byte less, and at most so many bytes a node more.
 * A split chunk more (CHUNK) may stay on each node for whoever comes next.
 */
int pool_wait_reserve(int pool, int node, __u64 more, struct zcpool_info *pi);

/*
 * Takes all that a pool has left, in chunks and then in less, has see() look at each
 * buffer, and gives all back; -1 if one could not be mapped.
 */
int take_the_rest(int pool, void (*see)(char *p, size_t len, void *arg), void *arg);

#endif /* ZCPOOL_TEST_POOL_H */
