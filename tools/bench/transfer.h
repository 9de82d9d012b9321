/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the ways to another process (transports.c) and the measuring of them
 * (transfer.c) share.
 */
#ifndef ZCPOOL_BENCH_TRANSFER_H
#define ZCPOOL_BENCH_TRANSFER_H

#include <sys/types.h>

#include "bench.h"

#define SLOTS		16	/* messages there is room for on the way */
#define ALONE		31	/* messages timed one by one */
#define ROUNDS		3	/* of streaming */

/* Both processes see it. */
struct board {
	__u64 start;			/* of the message or the round on its way */
	__u64 alone[ALONE];
	__u64 stream[ROUNDS];
	bool failed;
	struct reason why;
};

struct chan {
	size_t size;
	struct board *board;
	pid_t sender;
	int out, in;		/* pipe or socket */
	int filled, emptied;	/* eventfds counting slots */
	int seen;		/* eventfd: the receiver is done with a message */
	__u64 nr_filled, nr_emptied, taken;
	char *slots[SLOTS];	/* the sender's, or what both map */
	char *copy;		/* the receiver's own */
};

struct transport {
	const char *key;
	const char *name;
	int (*open)(struct chan *c);	/* before the processes part */
	int (*sender)(struct chan *c);	/* each in its own process */
	int (*receiver)(struct chan *c);
	bool notifies;		/* waits for an emptied slot before it fills one */
	int (*send)(struct chan *c, unsigned int slot);
	char *(*receive)(struct chan *c, unsigned int slot);
};

extern const struct transport transports[NR_TRANSPORTS];

/* Writes down for both processes what failed, with errno's text; returns -1. */
int fail(struct chan *c, const char *what);

/* Small notifications */
int post(struct chan *c, int event, __u64 n);
int wait_for(struct chan *c, int event, __u64 *n);
int wait_emptied(struct chan *c);

#endif /* ZCPOOL_BENCH_TRANSFER_H */
