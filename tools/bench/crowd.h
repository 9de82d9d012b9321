/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the measuring of calls among others (crowd.c) is made of: the others
 * (throng.c), and buffers that hold memory so that it is scarce (hoard.c).
 */
#ifndef ZCPOOL_BENCH_CROWD_H
#define ZCPOOL_BENCH_CROWD_H

#include <pthread.h>
#include <stdatomic.h>
#include <zcpool.h>

#include "bench.h"

#define THREADS		8
#define TICKERS		2	/* under icount, where there are CPUs for them */
#define PATIENCE	200000000ULL	/* ns of a call, after which the threads rest */

/* hoard.c: buffers that are only held */
#define MAX_HELD	4096

struct hoard {
	int pool;
	int fd[MAX_HELD];
	size_t nr;
};

int hoard_info(int pool, int node, struct zcpool_info *info, struct reason *why);
int hoard_wait_clean(int pool, int node, struct reason *why);
int hoard_take(struct hoard *h, uint64_t size, __u32 flags, int node, size_t most,
	       struct reason *why);
int hoard_take_all(struct hoard *h, struct reason *why);
void hoard_shuffle(struct hoard *h, __u64 *seed);
void hoard_drop(struct hoard *h);

/* throng.c: threads that make and close small buffers as fast as they can */
struct throng;

struct member {
	struct throng *throng;
	pthread_t thread;
	atomic_ullong done;
	atomic_ullong refused;
	char apart[64];		/* no cache line with another's */
};

struct throng {
	int pool;
	int node;		/* of their buffers; -1: they only keep the CPU busy */
	const struct setting *set;
	struct member members[THREADS];
	struct member tickers[TICKERS];
	unsigned int nr;	/* of the members there are */
	unsigned int nr_tickers;
	cpu_set_t cpus;		/* the members' */
	cpu_set_t ticker_cpus[TICKERS];
	pthread_mutex_t gate;
	pthread_barrier_t start;
	atomic_bool stop;
	atomic_bool sent_off;
	atomic_int error;
	atomic_ullong call;	/* when the call began that is timed; 0: none */
};

bool throng_ticks(const struct setting *set);
int throng_start(struct throng *t, struct reason *why);
int throng_pass(struct throng *t, __u64 pieces, struct reason *why);
void throng_stop(struct throng *t);
__u64 throng_done(struct throng *t);
__u64 throng_refused(struct throng *t);

#endif /* ZCPOOL_BENCH_CROWD_H */
