/* SPDX-License-Identifier: GPL-2.0 */
/* Taking buffers away, in plain calls, and what is left of one then. */
#ifndef ZCPOOL_TEST_TAKE_H
#define ZCPOOL_TEST_TAKE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* All of these give -errno where they fail. */

/* Bytes that are still pinned */
long buf_revoke(int buf, __u32 timeout_ms);
long pool_revoke(int pool, __u64 id, __u32 timeout_ms);
/* A descriptor */
int buf_move(int buf);
int buf_open_ro(int buf);
/* All seals that there are then */
int buf_seal(int buf, __u32 seals);
int buf_migrate(int buf, int node);
int pool_migrate(int pool, __u64 id, int node);

/* Whether all that a descriptor of a buffer can be asked says that it has been taken away. */
bool buf_is_gone(int buf);

/* The signal that ends who reads there; 0 if none does. */
int touch_signal(void *p);

/* Puts len bytes at p into a pipe by reference, not by copy: it holds the pages. */
ssize_t gift(int pipe, void *p, size_t len);

#endif /* ZCPOOL_TEST_TAKE_H */
