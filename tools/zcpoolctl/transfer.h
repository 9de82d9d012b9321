/* SPDX-License-Identifier: GPL-2.0 */
/* One run of send or recv, and what its data can go through. */
#ifndef TRANSFER_H
#define TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Each DATA, RETURN and descriptor in flight is a message in a socket's queue,
 * which takes some 160 of ours. With fewer buffers than that neither side can
 * wait for the other to read while being waited for itself.
 */
#define MAX_BUFFERS	128

/* Where memory is, when it is not on a single node that can be told. */
#define NODE_SEVERAL	-1
#define NODE_UNKNOWN	-2

struct buffer {
	int fd;			/* -1: none, memory of this process alone */
	void *addr;		/* NULL: not made, or not received, yet */
	size_t len;
	bool passed;		/* the receiver knows it */
	bool busy;		/* the receiver works on it */
};

struct transfer {
	const struct transport *via;
	const char *pool_name;
	int node;		/* -1: that of the CPU */
	bool moves;		/* a buffer is its side's alone that works on it */
	unsigned int nr_buffers;
	uint64_t buffer_size;
	struct buffer buffer[MAX_BUFFERS];

	int pool;		/* zcpool: the pool */
	int pipe;		/* pipe: this side's end */

	const char *name;	/* of the file, for people */
	char sent_name[256];	/* the sender's, without directories */
	uint64_t size;		/* of the file, at open */
	uint64_t done;		/* bytes sent or received */
	uint64_t copied;	/* bytes copied by the CPU, counted where it happens */
};

/*
 * What the data goes through. push and pull are NULL where both processes map
 * the same memory, which is then handed back with a message.
 */
struct transport {
	const char *name;
	bool direct;		/* files are read and written with O_DIRECT */
	unsigned int nr_buffers;	/* defaults; most buffers where only one is used */
	uint64_t buffer_size;

	/* Sender, before it connects. Returns a descriptor for HELLO, or -1. */
	int (*prepare)(struct transfer *t);
	/* Sender: makes a buffer. Receiver: maps one, b->fd is what came along. */
	void (*create)(struct transfer *t, struct buffer *b);
	void (*attach)(struct transfer *t, struct buffer *b);
	/* Sender: maps what the receiver moved. NULL where memory cannot be moved. */
	void (*regain)(struct transfer *t, struct buffer *b);
	void (*push)(struct transfer *t, struct buffer *b, size_t bytes);
	void (*pull)(struct transfer *t, struct buffer *b, size_t bytes);
	/* The NUMA node of a buffer's memory, or NODE_* */
	int (*node_of)(const struct buffer *b);
};

extern const struct transport transport_zcpool;
extern const struct transport transport_memfd;
extern const struct transport transport_pipe;

/* NULL where there is none of that name. */
const struct transport *transport_find(const char *name);

/* mmap() of len bytes, of fd or (fd -1) anonymous; dies of no memory. */
void *map_memory(struct transfer *t, int fd, size_t len, int prot);

/* Unmaps and closes a buffer, if there is one. */
void buffer_drop(struct buffer *b);

/* Asks for memory on t->node, if one was given, for a mapping not touched yet. */
void bind_memory(const struct transfer *t, void *addr, size_t len);

/* The node of the pages mapped at a buffer's address, as move_pages() says. */
int node_of_pages(const struct buffer *b);

#endif /* TRANSFER_H */
