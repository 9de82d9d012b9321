// SPDX-License-Identifier: GPL-2.0
/* What the transports have in common: finding one, and memory on a node. */
#include <errno.h>
#include <linux/mempolicy.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "transfer.h"
#include "zcpoolctl.h"

#define LONG_BITS	(8 * sizeof(unsigned long))
#define BATCH		512	/* pages asked about at once */

const struct transport *transport_find(const char *name)
{
	static const struct transport * const all[] = {
		&transport_zcpool, &transport_memfd, &transport_pipe,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		if (!strcmp(all[i]->name, name))
			return all[i];
	}
	return NULL;
}

void *map_memory(struct transfer *t, int fd, size_t len, int prot)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	void *addr = mmap(NULL, len, prot, flags, fd, 0);
	char text[SIZE_TEXT];

	if (addr == MAP_FAILED)
		die(errno == ENOMEM ? STATUS_NO_MEMORY : STATUS_TRANSFER,
		    "cannot map a buffer of %s of the %u there are: %s",
		    size_text(text, len), t->nr_buffers, strerror(errno));
	return addr;
}

void buffer_drop(struct buffer *b)
{
	if (!b->addr)
		return;
	munmap(b->addr, b->len);
	b->addr = NULL;
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
}

void bind_memory(const struct transfer *t, void *addr, size_t len)
{
	unsigned long mask[MAX_NODES / LONG_BITS] = { 0 };

	if (t->node < 0)
		return;
	if (t->node >= MAX_NODES)
		die(STATUS_USAGE, "there is no node %d", t->node);
	mask[t->node / LONG_BITS] = 1UL << t->node % LONG_BITS;
	/* a system call and not libnuma: one call does not make a dependency */
	if (syscall(SYS_mbind, addr, len, MPOL_PREFERRED, mask, MAX_NODES, 0))
		die(errno == EINVAL ? STATUS_USAGE : STATUS_TRANSFER,
		    "cannot have memory on node %d: %s", t->node, strerror(errno));
}

int node_of_pages(const struct buffer *b)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t nr, i, at = 0;
	void *pages[BATCH];
	int status[BATCH];
	int node = NODE_UNKNOWN;

	for (; at < b->len; at += nr * page) {
		for (nr = 0; nr < BATCH && at + nr * page < b->len; nr++)
			pages[nr] = (char *)b->addr + at + nr * page;
		if (syscall(SYS_move_pages, 0, nr, pages, NULL, status, 0))
			return NODE_UNKNOWN;
		for (i = 0; i < nr; i++) {
			/* a page that was never touched has no node */
			if (status[i] < 0)
				continue;
			if (node >= 0 && node != status[i])
				return NODE_SEVERAL;
			node = status[i];
		}
	}
	return node;
}
