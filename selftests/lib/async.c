// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "async.h"
#include "pool.h"

int start_read(aio_context_t *ctx, int file, void *p, size_t len)
{
	struct iocb cb = {
		.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = file,
		.aio_buf = (__u64)(unsigned long)p, .aio_nbytes = len,
	};
	struct iocb *list = &cb;

	*ctx = 0;
	if (syscall(SYS_io_setup, 4, ctx))
		return -1;
	return syscall(SYS_io_submit, *ctx, 1L, &list) == 1 ? 0 : -1;
}

int end_read(aio_context_t ctx, size_t len)
{
	struct io_event ev;
	int ok;

	ok = syscall(SYS_io_getevents, ctx, 1L, 1L, &ev, NULL) == 1 &&
	     (__s64)ev.res == (__s64)len;
	syscall(SYS_io_destroy, ctx);
	return ok ? 0 : -1;
}

bool ring_open(struct ring *r)
{
	memset(r, 0, sizeof(*r));
	r->fd = syscall(SYS_io_uring_setup, 1, &r->params);
	if (r->fd < 0)
		return false;
	r->queues = mmap(NULL, PAGE, RDWR, MAP_SHARED, r->fd, IORING_OFF_SQ_RING);
	r->sqe = mmap(NULL, PAGE, RDWR, MAP_SHARED, r->fd, IORING_OFF_SQES);
	return r->queues != MAP_FAILED && r->sqe != MAP_FAILED;
}

void ring_close(const struct ring *r)
{
	munmap(r->queues, PAGE);
	munmap(r->sqe, PAGE);
	close(r->fd);
}

int ring_register(struct ring *r, void *p, size_t len)
{
	struct iovec iov = { p, len };

	return syscall(SYS_io_uring_register, r->fd, IORING_REGISTER_BUFFERS, &iov, 1);
}

int ring_unregister(struct ring *r)
{
	return syscall(SYS_io_uring_register, r->fd, IORING_UNREGISTER_BUFFERS, NULL, 0);
}

int ring_read(struct ring *r, int file, void *to, size_t len)
{
	unsigned int *tail = (unsigned int *)(r->queues + r->params.sq_off.tail);
	struct io_uring_cqe *cqes = (void *)(r->queues + r->params.cq_off.cqes);

	r->sqe[0] = (struct io_uring_sqe){
		.opcode = IORING_OP_READ_FIXED, .fd = file,
		.addr = (unsigned long)to, .len = len,
	};
	((unsigned int *)(r->queues + r->params.sq_off.array))[0] = 0;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, r->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0L) != 1)
		return -errno;
	return cqes[0].res;
}
