// SPDX-License-Identifier: GPL-2.0
/* Programs that are worth being changed. */
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "corpus.h"

void corpus_add(struct corpus *corpus, const struct prog *prog, struct random *random)
{
	unsigned int at = corpus->nr;

	if (at == CORPUS_PROGS)
		at = corpus->nr_seeds + random_below(random, CORPUS_PROGS - corpus->nr_seeds);
	else
		corpus->nr++;
	corpus->prog[at] = *prog;
}

bool corpus_load(struct corpus *corpus, const char *path)
{
	struct dirent **names;
	struct round round;
	char file[PATH_MAX];
	unsigned int j;
	int i, n;

	n = scandir(path, &names, NULL, alphasort);
	for (i = 0; i < n; i++) {
		if (strstr(names[i]->d_name, ".txt")) {
			snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
			if (!round_load(&round, file))
				return false;
			for (j = 0; j < round.batch[0].nr; j++)
				if (round.batch[0].prog[j].nr)
					corpus_add(corpus, &round.batch[0].prog[j], NULL);
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	corpus->nr_seeds = corpus->nr;
	if (!corpus->nr)
		fprintf(stderr, "fuzz: no seeds in %s\n", path);
	return corpus->nr;
}
