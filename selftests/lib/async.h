/* SPDX-License-Identifier: GPL-2.0 */
/* Reads from files that go on while the caller does something else. */
#ifndef ZCPOOL_TEST_ASYNC_H
#define ZCPOOL_TEST_ASYNC_H

#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <stdbool.h>
#include <stddef.h>

/* Starts a read of the first len bytes of the file into p. */
int start_read(aio_context_t *ctx, int file, void *p, size_t len);
int end_read(aio_context_t ctx, size_t len);

/* An io_uring with one entry */
struct ring {
	int fd;
	struct io_uring_params params;
	char *queues;
	struct io_uring_sqe *sqe;
};

bool ring_open(struct ring *r);
void ring_close(const struct ring *r);

/* Has the kernel hold memory until it is told to let go; 0, or -1 and errno. */
int ring_register(struct ring *r, void *p, size_t len);
int ring_unregister(struct ring *r);

/* Reads the beginning of a file into a registered buffer; what the kernel answered. */
int ring_read(struct ring *r, int file, void *to, size_t len);

#endif /* ZCPOOL_TEST_ASYNC_H */
