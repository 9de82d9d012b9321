/* SPDX-License-Identifier: GPL-2.0 */
/* The programs to begin with, and those that have seen something new since. */
#ifndef ZCPOOL_FUZZ_CORPUS_H
#define ZCPOOL_FUZZ_CORPUS_H

#include "prog.h"

#define CORPUS_PROGS	4096

struct corpus {
	unsigned int nr;
	unsigned int next_seed;	/* seeds run as they are first */
	unsigned int nr_seeds;
	struct prog prog[CORPUS_PROGS];
};

/* When it is full, in the place of one that chance chooses, but not of a seed. */
void corpus_add(struct corpus *corpus, const struct prog *prog, struct random *random);

/* The seeds of a directory; false, with a message, if there are none, or not all are good. */
bool corpus_load(struct corpus *corpus, const char *path);

#endif /* ZCPOOL_FUZZ_CORPUS_H */
