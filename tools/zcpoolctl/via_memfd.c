// SPDX-License-Identifier: GPL-2.0
/* Through memfds: what a person shares memory with today. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "transfer.h"
#include "zcpoolctl.h"

static int prepare(struct transfer *t)
{
	(void)t;
	return -1;
}

static void create(struct transfer *t, struct buffer *b)
{
	b->fd = memfd_create("zcpoolctl", MFD_CLOEXEC);
	if (b->fd < 0 || ftruncate(b->fd, t->buffer_size))
		die(STATUS_TRANSFER, "cannot make a memfd: %s", strerror(errno));
	b->len = t->buffer_size;
	b->addr = map_memory(t, b->fd, b->len, PROT_READ | PROT_WRITE);
	bind_memory(t, b->addr, b->len);
}

static void attach(struct transfer *t, struct buffer *b)
{
	struct stat st;

	if (fstat(b->fd, &st) || !S_ISREG(st.st_mode) || (uint64_t)st.st_size < t->buffer_size)
		die(STATUS_PEER, "the sender passed no memfd of the size it announced");
	b->len = t->buffer_size;
	b->addr = map_memory(t, b->fd, b->len, PROT_READ);
}

const struct transport transport_memfd = {
	.name = "memfd",
	.direct = true,
	.nr_buffers = 8,
	.buffer_size = 4 << 20,
	.prepare = prepare,
	.create = create,
	.attach = attach,
	.node_of = node_of_pages,
};
