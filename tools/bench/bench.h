/* SPDX-License-Identifier: GPL-2.0 */
/*
 * zcpool-bench: what a piece of shared memory costs, from zcpool and from its
 * peers. All times are nanoseconds of CLOCK_MONOTONIC.
 */
#ifndef ZCPOOL_BENCH_H
#define ZCPOOL_BENCH_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <linux/types.h>

#define KIB		((size_t)1 << 10)
#define MIB		((size_t)1 << 20)
#define GIB		((size_t)1 << 30)
#define PAGE		(4 * KIB)
#define HUGE		(2 * MIB)
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* The life of a piece of memory; a peer may do two of them in one call. */
enum stage { ALLOC, MAP, TOUCH, UNMAP, FREE, NR_STAGES };

struct spread {
	__u64 median;
	__u64 p90;
	__u64 max;
};

/* Why something was not measured; empty where it was */
struct reason {
	char text[160];
};

/* One piece of memory of one peer, on its way through the stages */
struct job {
	size_t size;
	int pool;		/* what it comes from: the pool, the heap, ... */
	int node;		/* of the CPU we run on */
	int fd;
	int memfd;		/* beneath a udmabuf */
	char *map;
	size_t map_len;
	char *addr;		/* the part of map to touch */
	int *hogs;		/* buffers that hold all the clean memory */
	size_t nr_hogs;
	struct reason why;
};

struct peer {
	const char *key;
	const char *name;
	size_t min_size;
	bool zcpool;
	bool huge;		/* from 2 MiB on nothing without huge page-table entries */
	unsigned int stages;	/* bit per enum stage that is a step of its own */
	int (*open)(struct job *job);
	int (*ready)(struct job *job);	/* before each run, not timed */
	int (*alloc)(struct job *job);
	int (*map)(struct job *job);
	int (*unmap)(struct job *job);
	int (*free)(struct job *job);
	void (*close)(struct job *job);
};

struct alloc_row {
	const struct peer *peer;
	size_t size;
	bool measured;
	struct reason why;
	struct spread whole;
	struct spread stage[NR_STAGES];
	unsigned int runs;
	long faults;		/* of one run */
	size_t pmds;		/* huge page-table entries, of one run */
	int node;		/* of the memory; -1 where the kernel does not tell */
};

struct transfer_row {
	const char *key;
	const char *name;
	size_t size;
	bool measured;
	struct reason why;
	struct spread alone;	/* one message in flight: its way, one by one */
	struct spread stream;	/* many in flight: time of all by their number */
	unsigned int messages;
};

/* A call is timed twice: where nothing is in its way, and where something is. */
enum side { CALM, BUSY, NR_SIDES };

struct crowd_side {
	const char *name;
	bool measured;
	struct reason why;
	struct spread time;
	unsigned int runs;
	unsigned int refused;	/* of the runs */
	unsigned int sent_off;	/* runs for which the threads had to rest, to have them end */
	__u64 others;		/* what the threads did meanwhile: pieces, ... */
	__u64 others_refused;	/* ... and those that they did not get */
	unsigned int chunks;	/* clean, that the call looked at; 0 where it is not about that */
};

struct crowd_row {
	const char *key;
	const char *name;
	size_t size;
	struct crowd_side side[NR_SIDES];
};

/* One of the ways in which a call, or what stands beside it, is timed */
struct case_time {
	const char *name;
	bool measured;
	struct reason why;
	struct spread time;
	unsigned int runs;
};

/* The cases differ from table to table. */
enum takeback_table { CALL_TABLE, COPY_TABLE, HANDOVER_TABLE };

#define MAX_CASES	5
#define HANDOVER_CASES	3	/* of HANDOVER_TABLE */

struct takeback_row {
	const char *key;
	const char *name;
	enum takeback_table table;
	size_t size;
	unsigned int nr_cases;
	struct case_time cases[MAX_CASES];
};

#define MAX_EXCEPT	4

struct options {
	bool icount;		/* the clock counts instructions */
	const char *json;
	const char *only;
	const char *except[MAX_EXCEPT];
	size_t nr_except;
};

/* What is true of the whole run */
struct setting {
	bool icount;
	int cpu;
	int node;
	int receiver_cpu;	/* -1: any other */
	cpu_set_t others;	/* CPUs but ours that we may run on */
	int nr_others;
	int other_node;		/* another of the pool's; -1 where there is none */
	__u64 clock_cost;
	char kernel[80];
};

static inline __u64 now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (__u64)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static inline __u64 less(__u64 ns, __u64 cost)
{
	return ns > cost ? ns - cost : 0;
}

/* Writes down why, with errno's text where err is not 0; returns -1. */
__attribute__((format(printf, 3, 4)))
int because(struct reason *why, int err, const char *fmt, ...);

/* measure.c */
struct spread spread_of(__u64 *samples, unsigned int n);
__u64 clock_cost(void);
void measure_alloc(const struct peer *peer, const struct setting *set,
		   struct alloc_row *row);

/* peers.c */
#define NR_PEERS	9
extern const struct peer peers[NR_PEERS];

/* transfer.c */
#define NR_TRANSPORTS	4
const char *transport_name(size_t i);
void measure_transfer(size_t i, const struct setting *set,
		      struct transfer_row *row);

/* crowd.c */
#define NR_CROWDS	6
const char *crowd_name(size_t i);
int crowd_other_node(int node);
void measure_crowd(size_t i, const struct setting *set, struct crowd_row *row);

/* takeback.c */
#define NR_TAKEBACKS	7
#define MAX_SIZES	5	/* of each */
const char *takeback_name(size_t i);
size_t takeback_size(size_t i, size_t n);
void measure_takeback(size_t i, const struct setting *set, struct takeback_row *row);

/* What there is to write down */
struct results {
	const struct alloc_row *allocs;
	size_t nr_allocs;
	const struct transfer_row *transfers;
	size_t nr_transfers;
	const struct crowd_row *crowds;
	size_t nr_crowds;
	const struct takeback_row *takebacks;
	size_t nr_takebacks;
};

/* print.c */
extern const char * const stage_names[NR_STAGES];
const char *size_text(size_t size);
void print_us(int width, __u64 ns);
void print_why(const char *name, size_t size, const char *why);
void print_setting(const struct setting *set);
void print_alloc_head(void);
void print_alloc_row(const struct alloc_row *row);
void print_alloc_foot(const struct alloc_row *rows, size_t n);
void print_compare(const struct setting *set, const struct alloc_row *rows,
		   size_t n);
void print_transfer_head(const struct setting *set);
void print_transfer_row(const struct transfer_row *row);
void print_transfer_foot(const struct transfer_row *rows, size_t n);

/* print-crowd.c */
void print_crowd_head(const struct setting *set);
void print_crowd_row(const struct crowd_row *row);
void print_crowd_foot(const struct crowd_row *rows, size_t n);

/* print-takeback.c */
void print_takeback_head(enum takeback_table table, const struct setting *set);
void print_takeback_row(const struct takeback_row *rows, size_t i);
void print_takeback_foot(const struct takeback_row *rows, size_t n);

/* json.c */
int write_json(const char *path, const struct setting *set,
	       const struct results *results);

#endif /* ZCPOOL_BENCH_H */
