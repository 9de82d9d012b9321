/* SPDX-License-Identifier: GPL-2.0 */
/* What the command can do; each returns its exit status. */
#ifndef ZCPOOL_FUZZ_FUZZ_H
#define ZCPOOL_FUZZ_FUZZ_H

#include "prog.h"

struct options {
	unsigned int seconds;
	unsigned long long seed;
	unsigned int repeat;
	bool verbose;
	bool known;		/* that the file's round goes wrong */
	const char *corpus;	/* directory of seeds */
	const char *out;	/* directory for what outlives the machine, or NULL */
	const char *file;	/* a round */
};

/* loop.c: mutates and runs until the time is over or something is wrong */
int fuzz_run(const struct options *options);

/* main.c: runs a file's round */
int fuzz_replay(const struct options *options);

/*
 * reduce.c: runs a file's round with less and less in it, as long as it goes wrong.
 * What is left is in "min" of the directory, and in "round" what the machine died of.
 * 1 when another machine has to go on, 3 when nothing goes wrong.
 */
int fuzz_reduce(const struct options *options);

/* distil.c: prints what a file's programs have that the seeds have not */
int fuzz_distil(const struct options *options);

/* toc.c: prints a test that makes the same calls */
int fuzz_to_c(const struct options *options);

#endif /* ZCPOOL_FUZZ_FUZZ_H */
