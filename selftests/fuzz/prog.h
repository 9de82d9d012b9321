/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Programs: short lists of calls, each with the thread that makes it. The text form,
 * one call a line:
 *
 *   f0 = open
 *   f1 = alloc f0 size=0x200000 flags=ZCPOOL_ALLOC_HUGE
 *   m0 = mmap f1 len=0x200000 prot=PROT_READ|PROT_WRITE flags=MAP_SHARED
 *   1: store m0 len=0x200000
 *   2: munmap m0 off=0x1000 len=0x1000
 *
 * What is not given is 0. The calls up to the first with another thread than 0 are
 * made one after the other, from there on each thread goes its own way.
 */
#ifndef ZCPOOL_FUZZ_PROG_H
#define ZCPOOL_FUZZ_PROG_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdio.h>

#define CALL_ARGS	8
#define PROG_CALLS	24
#define PROG_THREADS	3
/* Programs that one process runs, and processes at once */
#define BATCH_PROGS	12
#define ROUND_WORKERS	2

struct fuzz;

/* What an argument is, for the text and for the choice of values */
enum arg_kind {
	ARG_NONE,
	ARG_NEW_FD, ARG_FD, ARG_NEW_MAP, ARG_MAP,	/* slots; the new ones come first */
	ARG_SIZE, ARG_OFFSET, ARG_NODE, ARG_NUMBER, ARG_BITS, ARG_ONE_OF, ARG_TEXT
};

/* What a descriptor is of; a mask says what a call had best be given */
#define OF_POOL		1
#define OF_BUFFER	2
#define OF_PIPE		4
#define OF_SOCKET	8
#define OF_FILE		16
#define OF_DIR		32	/* of a mounted pool */
#define OF_ANY		63
#define OF_SOURCE	(OF_POOL | OF_DIR)

/* A constant of C by its name */
struct constant {
	const char *name;
	__u64 value;
};

/*
 * ARG_NUMBER: of is the largest that makes sense. Of constants the first is the usual one.
 * ARG_TEXT is an index into texts, which are called list in C.
 */
struct arg_desc {
	enum arg_kind kind;
	const char *name;
	unsigned int of;
	const struct constant *constants;
	const char * const *texts;
	const char *list;
};

struct call_desc {
	const char *name;
	long (*run)(struct fuzz *z, const __u64 *a);
	unsigned int weight;
	struct arg_desc arg[CALL_ARGS];
};

extern const struct call_desc call_table[];
extern const unsigned int nr_call_descs;
/* The calls that others have to know */
unsigned int call_named(const char *name);
unsigned int call_nr_args(const struct call_desc *desc);

struct call {
	__u8 op;
	__u8 thread;
	__u64 arg[CALL_ARGS];
};

struct prog {
	unsigned int nr;
	struct call call[PROG_CALLS];
};

struct batch {
	unsigned int nr;
	struct prog prog[BATCH_PROGS];
};

/* What runs at the same time, a batch in each worker */
struct round {
	struct batch batch[ROUND_WORKERS];
};

/* Calls that the child of a fork at index i makes: bit by bit of prog->call */
__u32 prog_child_calls(const struct prog *prog, unsigned int i);
/* Index of the first call that is not made alone */
unsigned int prog_first_threaded(const struct prog *prog);

/* Whether it depends on which thread or worker is faster */
bool round_races(const struct round *round);

void prog_print(const struct prog *prog, FILE *to);
void call_print(const struct call *call, FILE *to);
void round_print(const struct round *round, FILE *to);
/* What a file has; false, with a message, if it is not a round */
bool round_load(struct round *round, const char *path);

/* mutate.c */
struct random {
	__u64 state;
};

__u64 random_next(struct random *random);
/* From 0 to below n */
unsigned int random_below(struct random *random, unsigned int n);
void prog_mutate(struct random *random, struct prog *prog, const struct prog *other);

#endif /* ZCPOOL_FUZZ_PROG_H */
