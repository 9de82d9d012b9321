/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libzcpool: a thin C library over the zcpool character devices.
 *
 * Every handle is a file descriptor: close() it and the object is gone when
 * nothing else holds it. There is no state behind the library's back, so every
 * function may be called from any thread. Functions return -1 (or MAP_FAILED)
 * and set errno.
 */
#ifndef ZCPOOL_H
#define ZCPOOL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <zcpool/uapi.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Opens a pool, close-on-exec: the one with that name ("default" where NULL). What has a slash
 * in it is a path: of a pool's device, or of a directory of a mounted pool, whose root is
 * opened then. ENOTTY: there is something else.
 */
int zcpool_open(const char *name);

/* Fills in *info; node is a NUMA node, or -1 for the whole pool. */
int zcpool_info(int pool, int node, struct zcpool_info *info);

/*
 * Makes a buffer of at least *size bytes and returns its descriptor; *size is
 * then what was granted. flags are ZCPOOL_ALLOC_* without _NODE; node is a NUMA
 * node to start at, or -1 for that of the calling CPU.
 */
int zcpool_alloc(int pool, uint64_t *size, uint32_t flags, int node);

/* Fills in *info of a buffer. */
int zcpool_buf_info(int buf, struct zcpool_buf_info *info);

/*
 * Maps the whole of a buffer, shared, aligned so that PMDs can map it; *len is
 * then its length in bytes. prot is as for mmap(); flags are ORed to
 * MAP_SHARED (MAP_POPULATE is the useful one). munmap() it.
 */
void *zcpool_map(int buf, int prot, int flags, size_t *len);

/* Allocates and maps in one call, without a descriptor; munmap() it. */
void *zcpool_map_new(int pool, size_t len, int flags);

/*
 * Sends a buffer (or, with buf -1, none) with len bytes (1 or more) of the
 * caller's own beside it, over a Unix socket, as one message; and receives one.
 * Works on SOCK_SEQPACKET, and on SOCK_STREAM as long as every message is
 * received with the length it was sent with: a stream has no boundaries of its
 * own, so zcpool_recv waits there until len bytes have come.
 *
 * zcpool_recv returns the bytes received, 0 at the end of the stream; *buf is
 * the new close-on-exec descriptor, or -1 where none came along. EPROTO: what
 * came holds more than one descriptor (all are closed), or was cut short.
 * EMFILE: a descriptor came along and this process has no room for it.
 *
 * On a non-blocking socket EAGAIN means that nothing was sent or received; a
 * message that has begun is always finished. A peer that is gone is EPIPE, never
 * a signal.
 */
int zcpool_send(int sock, int buf, const void *data, size_t len);
ssize_t zcpool_recv(int sock, int *buf, void *data, size_t len);

/*
 * The functions that follow take a buffer away from those who have it, or rule out for ever
 * that something is done to it. Where the module loaded is too old to know one of them it
 * fails with EOPNOTSUPP.
 */

/*
 * Takes the buffer away from everybody, the caller too: all descriptors of it answer ESTALE
 * and all mappings SIGBUS. Waits up to timeout_ms, or without end (ZCPOOL_WAIT_FOREVER),
 * until nothing holds its memory any more (I/O in flight, a pipe, RDMA); *pinned, unless
 * that is NULL, is how many bytes something still holds. It may be asked again.
 */
int zcpool_revoke(int buf, uint32_t timeout_ms, uint64_t *pinned);

/*
 * Takes the memory over: returns a new descriptor that alone has it. All others, buf too,
 * answer ESTALE, and all mappings SIGBUS: who had the buffer can change nothing any more.
 * EBUSY: something holds the memory, or a seal forbids it; nothing has changed then.
 */
int zcpool_move(int buf);

/* Returns a descriptor of the same buffer for reading, which nothing widens. */
int zcpool_open_ro(int buf);

/* Adds ZCPOOL_SEAL_*, which stay for ever; tells which there are. */
int zcpool_seal(int buf, uint32_t seals);
int zcpool_get_seals(int buf, uint32_t *seals);

/* Has the buffer's memory on another NUMA node, its contents unchanged. */
int zcpool_migrate(int buf, int node);

/*
 * The same of any buffer in a pool, by its number; for CAP_SYS_ADMIN, EPERM for others. One
 * that has been revoked or moved has no number any more: ENOENT.
 */
int zcpool_revoke_id(int pool, uint64_t id, uint32_t timeout_ms, uint64_t *pinned);
int zcpool_migrate_id(int pool, uint64_t id, int node);

/* Closes a pool or a buffer. Mappings of it stay until munmap(). */
int zcpool_close(int fd);

#ifdef __cplusplus
}
#endif

#endif /* ZCPOOL_H */
