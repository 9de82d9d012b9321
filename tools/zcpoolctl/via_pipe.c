// SPDX-License-Identifier: GPL-2.0
/*
 * Through a pipe, and memory of each process' own: what 'cat FILE | sha256sum'
 * does, its page cache and its 128 KiB at a time included.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "proto.h"
#include "transfer.h"
#include "zcpoolctl.h"

static int prepare(struct transfer *t)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		die(STATUS_TRANSFER, "cannot make a pipe: %s", strerror(errno));
	t->pipe = ends[1];
	return ends[0];
}

static void create(struct transfer *t, struct buffer *b)
{
	b->fd = -1;
	b->len = t->buffer_size;
	b->addr = map_memory(t, -1, b->len, PROT_READ | PROT_WRITE);
	bind_memory(t, b->addr, b->len);
}

static void push(struct transfer *t, struct buffer *b, size_t bytes)
{
	size_t done = 0;
	ssize_t n;

	while (done < bytes) {
		n = write(t->pipe, (char *)b->addr + done, bytes - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EPIPE)
			proto_peer_gone();
		if (n < 0)
			die(STATUS_TRANSFER, "cannot write to the pipe: %s", strerror(errno));
		done += n;
		t->copied += n;
	}
}

static void pull(struct transfer *t, struct buffer *b, size_t bytes)
{
	size_t done = 0;
	ssize_t n;

	while (done < bytes) {
		n = read(t->pipe, (char *)b->addr + done, bytes - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			die(STATUS_TRANSFER, "cannot read from the pipe: %s", strerror(errno));
		if (!n)
			proto_peer_gone();
		done += n;
		t->copied += n;
	}
}

const struct transport transport_pipe = {
	.name = "pipe",
	.direct = false,
	.nr_buffers = 1,
	.buffer_size = 128 << 10,
	.prepare = prepare,
	.create = create,
	.attach = create,
	.push = push,
	.pull = pull,
	.node_of = node_of_pages,
};
