// SPDX-License-Identifier: GPL-2.0
/* Through buffers of a zcpool pool. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <zcpool.h>
#include "transfer.h"
#include "zcpoolctl.h"

static int prepare(struct transfer *t)
{
	t->pool = pool_open(t->pool_name);
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

static void attach(struct transfer *t, struct buffer *b)
{
	(void)t;
	b->addr = zcpool_map(b->fd, PROT_READ, 0, &b->len);
	if (b->addr != MAP_FAILED)
		return;
	if (errno == ENOTTY)
		die(STATUS_PEER, "the sender passed a descriptor that is no zcpool buffer");
	die(STATUS_TRANSFER, "cannot map a buffer: %s", strerror(errno));
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
	.node_of = node_of,
};
