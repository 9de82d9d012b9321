// SPDX-License-Identifier: GPL-2.0
/* The ways of a message from the sender to the receiver. */
#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zcpool.h>

#include "transfer.h"

int fail(struct chan *c, const char *what)
{
	return because(&c->board->why, errno, "%s", what);
}

/* Private memory; not from the heap, so that every transport gets its THP. */
static char *memory(size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int no_setup(struct chan *c)
{
	(void)c;
	return 0;
}

static int own_copy(struct chan *c)
{
	c->copy = memory(c->size);
	return c->copy ? 0 : fail(c, "mmap");
}

static int own_slots(struct chan *c)
{
	char *p = memory(c->size * SLOTS);
	int i;

	if (!p)
		return fail(c, "mmap");
	for (i = 0; i < SLOTS; i++)
		c->slots[i] = p + i * c->size;
	return 0;
}

/* Small notifications, for transports that leave the message where it is */

int post(struct chan *c, int event, __u64 n)
{
	return write(event, &n, sizeof(n)) == sizeof(n) ? 0 : fail(c, "eventfd");
}

int wait_for(struct chan *c, int event, __u64 *n)
{
	if (read(event, n, sizeof(*n)) != sizeof(*n))
		return fail(c, "eventfd");
	return c->board->failed ? -1 : 0;
}

/* Called by the sender before it fills a slot */
int wait_emptied(struct chan *c)
{
	if (!c->nr_emptied && wait_for(c, c->emptied, &c->nr_emptied))
		return -1;
	c->nr_emptied--;
	return 0;
}

/* One system call hands back all that was taken since the last. */
static int wait_filled(struct chan *c)
{
	if (!c->nr_filled) {
		if (c->taken && post(c, c->emptied, c->taken))
			return -1;
		c->taken = 0;
		if (wait_for(c, c->filled, &c->nr_filled))
			return -1;
	}
	c->nr_filled--;
	c->taken++;
	return 0;
}

static int notify(struct chan *c, unsigned int slot)
{
	(void)slot;
	return post(c, c->filled, 1);
}

/* Pipe and Unix socket */

static int pipe_open(struct chan *c)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return fail(c, "pipe");
	c->in = fds[0];
	c->out = fds[1];
	if (fcntl(c->out, F_SETPIPE_SZ, (int)(c->size * SLOTS)) < 0)
		return fail(c, "F_SETPIPE_SZ");
	return 0;
}

static int socket_open(struct chan *c)
{
	int room = c->size * SLOTS, fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return fail(c, "socketpair");
	c->in = fds[0];
	c->out = fds[1];
	if (setsockopt(c->out, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)))
		return fail(c, "SO_SNDBUFFORCE");
	return 0;
}

static int stream_send(struct chan *c, unsigned int slot)
{
	size_t done = 0;

	while (done < c->size) {
		ssize_t n = write(c->out, c->slots[slot] + done, c->size - done);

		if (n < 0)
			return fail(c, "write");
		done += n;
	}
	return 0;
}

static char *stream_receive(struct chan *c, unsigned int slot)
{
	size_t done = 0;

	(void)slot;
	while (done < c->size) {
		ssize_t n = read(c->in, c->copy + done, c->size - done);

		if (n <= 0) {
			fail(c, "read");
			return NULL;
		}
		done += n;
	}
	return c->copy;
}

/* process_vm_readv: the slots lie at the same place before and after fork(). */

static char *vm_receive(struct chan *c, unsigned int slot)
{
	struct iovec to = { c->copy, c->size };
	struct iovec from = { c->slots[slot], c->size };

	if (wait_filled(c))
		return NULL;
	if (process_vm_readv(c->sender, &to, 1, &from, 1, 0) != (ssize_t)c->size) {
		fail(c, "process_vm_readv");
		return NULL;
	}
	return c->copy;
}

/* zcpool: every buffer is passed once, then only notifications are. */

static int zcpool_socket(struct chan *c)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return fail(c, "socketpair");
	c->in = fds[0];
	c->out = fds[1];
	return 0;
}

static int map_slot(struct chan *c, unsigned int slot, int buf)
{
	size_t len;

	c->slots[slot] = zcpool_map(buf, PROT_READ | PROT_WRITE, 0, &len);
	if (c->slots[slot] == MAP_FAILED)
		return fail(c, "mmap of a buffer");
	return zcpool_close(buf) ? fail(c, "close") : 0;
}

static int zcpool_sender(struct chan *c)
{
	int pool = zcpool_open(NULL), buf;
	uint64_t size = c->size;
	unsigned int i;

	if (pool < 0)
		return fail(c, "/dev/zcpool/default");
	for (i = 0; i < SLOTS; i++) {
		buf = zcpool_alloc(pool, &size, 0, -1);
		if (buf < 0)
			return fail(c, "ZCPOOL_IOC_ALLOC");
		if (zcpool_send(c->out, buf, "", 1))
			return fail(c, "sending a buffer");
		if (map_slot(c, i, buf))
			return -1;
	}
	return zcpool_close(pool) ? fail(c, "close") : 0;
}

static int zcpool_receiver(struct chan *c)
{
	unsigned int i;
	char byte;
	int buf;

	for (i = 0; i < SLOTS; i++) {
		if (zcpool_recv(c->in, &buf, &byte, 1) != 1 || buf < 0)
			return fail(c, "receiving a buffer");
		if (map_slot(c, i, buf))
			return -1;
	}
	return 0;
}

static char *zcpool_receive(struct chan *c, unsigned int slot)
{
	return wait_filled(c) ? NULL : c->slots[slot];
}

const struct transport transports[NR_TRANSPORTS] = {
	{
		.key = "zcpool", .name = "zcpool, buffers reused",
		.open = zcpool_socket, .sender = zcpool_sender,
		.receiver = zcpool_receiver, .notifies = true, .send = notify,
		.receive = zcpool_receive,
	}, {
		.key = "pipe", .name = "pipe",
		.open = pipe_open, .sender = own_slots, .receiver = own_copy,
		.send = stream_send, .receive = stream_receive,
	}, {
		.key = "unix", .name = "Unix socket",
		.open = socket_open, .sender = own_slots, .receiver = own_copy,
		.send = stream_send, .receive = stream_receive,
	}, {
		.key = "process_vm_readv", .name = "process_vm_readv",
		.open = own_slots, .sender = no_setup, .receiver = own_copy,
		.notifies = true, .send = notify, .receive = vm_receive,
	},
};

const char *transport_name(size_t i)
{
	return transports[i].name;
}
