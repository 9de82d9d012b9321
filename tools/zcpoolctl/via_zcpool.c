// SPDX-License-Identifier: GPL-2.0
/* Through buffers of a zcpool pool. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <zcpool.h>
#include "quota.h"
#include "transfer.h"
#include "zcpoolctl.h"

#define MOVE_TRIES	40
#define MOVE_WAIT_MS	50	/* so 2 s in all */

static int prepare(struct transfer *t)
{
	t->pool = pool_open(&t->pool_name);
	return -1;
}

static void no_memory(struct transfer *t, int err)
{
	char all[SIZE_TEXT], one[SIZE_TEXT], max[SIZE_TEXT], left[SIZE_TEXT];
	struct zcpool_info info;

	if (zcpool_info(t->pool, -1, &info))
		memset(&info, 0, sizeof(info));
	die(STATUS_NO_MEMORY,
	    "%s: pool '%s' cannot give %u buffers of %s, %s in all: its maximum is %s, of which %s are not in use; use fewer --buffers or a smaller --buffer-size, or load the module with a larger max=",
	    strerror(err), t->pool_name, t->nr_buffers,
	    size_text(one, t->buffer_size),
	    size_text(all, t->nr_buffers * t->buffer_size),
	    size_text(max, info.max_bytes),
	    size_text(left, info.max_bytes - info.used_bytes));
}

static void create(struct transfer *t, struct buffer *b)
{
	uint64_t size = t->buffer_size;

	b->fd = zcpool_alloc(t->pool, &size, 0, t->node);
	if (b->fd < 0 && (errno == ENOSPC || errno == ENOMEM))
		no_memory(t, errno);
	if (b->fd < 0 && errno == EDQUOT)
		quota_reached(t->pool, t->pool_name);
	if (b->fd < 0 && errno == EINVAL && t->node >= 0)
		die(STATUS_USAGE, "pool '%s' has no node %d", t->pool_name, t->node);
	if (b->fd < 0)
		die(STATUS_TRANSFER, "cannot get a buffer from pool '%s': %s",
		    t->pool_name, strerror(errno));
	b->addr = zcpool_map(b->fd, PROT_READ | PROT_WRITE, 0, &b->len);
	if (b->addr == MAP_FAILED)
		die(STATUS_TRANSFER, "cannot map a buffer of pool '%s': %s",
		    t->pool_name, strerror(errno));
}

static noreturn void move_failed(int fd)
{
	int err = errno;
	uint32_t seals;

	switch (err) {
	case ENOTTY:
		die(STATUS_PEER, "the sender passed a descriptor that is no zcpool buffer");
	case EPERM:
		die(STATUS_PEER,
		    "the sender passed a buffer that is for reading only, and cannot be taken over");
	case ESTALE:
		die(STATUS_PEER, "the sender passed a buffer that has been taken away");
	case EOPNOTSUPP:
		die(STATUS_TRANSFER,
		    "the zcpool module that is loaded is too old to take buffers over; load the one that came with this zcpoolctl, or trust the sender: recv --share");
	case EDQUOT:
		die(STATUS_NO_MEMORY,
		    "cannot take a buffer over: you would have more of the pool than you may (its option user_max=, or RLIMIT_MEMLOCK); 'zcpoolctl pool show' has the figures; trust the sender, who has it then (recv --share), or have an administrator allow more");
	case EBUSY:
		if (!zcpool_get_seals(fd, &seals) && (seals & ZCPOOL_SEAL_REVOKE))
			die(STATUS_PEER,
			    "the sender has sealed a buffer against being taken over; trust the sender (recv --share), or have it send other buffers");
		die(STATUS_TRANSFER,
		    "cannot take a buffer over: for %d s something has held its memory (I/O in flight at the sender, a pipe, io_uring, RDMA)",
		    MOVE_TRIES * MOVE_WAIT_MS / 1000);
	default:
		die(STATUS_TRANSFER, "cannot take a buffer over: %s", strerror(err));
	}
}

/* Direct I/O lets go of memory a moment after it is done. */
static int move(int fd)
{
	const struct timespec pause = { .tv_nsec = MOVE_WAIT_MS * 1000000L };
	int own = zcpool_move(fd);
	int i;

	for (i = 0; i < MOVE_TRIES && own < 0 && errno == EBUSY; i++) {
		nanosleep(&pause, NULL);
		own = zcpool_move(fd);
	}
	if (own < 0)
		move_failed(fd);
	zcpool_close(fd);
	return own;
}

/* What has been moved is mapped nowhere yet, and all of it is going to be used. */
static int flags_of(const struct transfer *t)
{
	return t->moves ? MAP_POPULATE : 0;
}

static void attach(struct transfer *t, struct buffer *b)
{
	if (t->moves)
		b->fd = move(b->fd);
	b->addr = zcpool_map(b->fd, PROT_READ, flags_of(t), &b->len);
	if (b->addr != MAP_FAILED)
		return;
	if (errno == ENOTTY)
		die(STATUS_PEER, "the sender passed a descriptor that is no zcpool buffer");
	die(STATUS_TRANSFER, "cannot map a buffer: %s", strerror(errno));
}

static void regain(struct transfer *t, struct buffer *b)
{
	b->addr = zcpool_map(b->fd, PROT_READ | PROT_WRITE, flags_of(t), &b->len);
	if (b->addr == MAP_FAILED && errno != ENOMEM)
		die(STATUS_PEER, "what the receiver gave back cannot be used as a buffer: %s",
		    strerror(errno));
	if (b->addr == MAP_FAILED)
		die(STATUS_NO_MEMORY, "cannot map a buffer: %s", strerror(errno));
	if (b->len < t->buffer_size)
		die(STATUS_PEER, "the receiver gave back a smaller buffer than it got");
}

static int node_of(const struct buffer *b)
{
	struct zcpool_buf_info info;

	if (zcpool_buf_info(b->fd, &info))
		return NODE_UNKNOWN;
	return info.node < 0 ? NODE_SEVERAL : info.node;
}

const struct transport transport_zcpool = {
	.name = "zcpool",
	.direct = true,
	.nr_buffers = 8,
	.buffer_size = 4 << 20,
	.prepare = prepare,
	.create = create,
	.attach = attach,
	.regain = regain,
	.node_of = node_of,
};
