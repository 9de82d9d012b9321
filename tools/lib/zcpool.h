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

/* Opens the pool NAME ("default" where NULL), close-on-exec. */
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

/* Closes a pool or a buffer. Mappings of it stay until munmap(). */
int zcpool_close(int fd);

#ifdef __cplusplus
}
#endif

#endif /* ZCPOOL_H */
