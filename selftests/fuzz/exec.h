/* SPDX-License-Identifier: GPL-2.0 */
/* Runs programs in a process of its own, and says which edges were new. */
#ifndef ZCPOOL_FUZZ_EXEC_H
#define ZCPOOL_FUZZ_EXEC_H

#include <semaphore.h>

#include "calls.h"
#include "prog.h"

#define EDGE_BITS	16
#define MAX_CALL_DESCS	128

/* Shared by all processes; counters go up by atomic operations. */
struct shared {
	struct round round;	/* what workers run, from start to done */
	sem_t start[ROUND_WORKERS];
	sem_t done[ROUND_WORKERS];
	unsigned char tag[ROUND_WORKERS];
	struct fuzz_report report[ROUND_WORKERS];
	unsigned int new_edges[ROUND_WORKERS][BATCH_PROGS];
	unsigned int programs;
	unsigned int edges;
	unsigned int made[MAX_CALL_DESCS];
	unsigned int succeeded[MAX_CALL_DESCS];
	__u8 edge[1U << EDGE_BITS];
};

/* A thread's record of where the kernel was: a count, and so many addresses */
struct kcov {
	int fd;
	__u64 *area;
};

struct worker {
	unsigned int nr;
	struct kcov kcov[PROG_THREADS];
	struct shared *shared;
	bool verbose;
};

/* False if the kernel has no KCOV; the worker works without it, and sees no edges. */
bool worker_init(struct worker *worker, unsigned int nr, struct shared *shared);

/* In a new process; does not return. It runs a batch whenever it is told to start. */
void __attribute__((noreturn)) worker_main(const struct worker *worker);

#endif /* ZCPOOL_FUZZ_EXEC_H */
