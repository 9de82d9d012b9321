// SPDX-License-Identifier: GPL-2.0
/* The fuzzer's loop: programs that reach new edges are kept and changed further. */
#include <dirent.h>

#include "fuzz.h"
#include "session.h"

#define CORPUS_PROGS	4096
#define REPORT_SECONDS	30

struct corpus {
	unsigned int nr;
	unsigned int next_seed;	/* seeds run as they are first */
	unsigned int nr_seeds;
	struct prog prog[CORPUS_PROGS];
};

static void corpus_add(struct corpus *corpus, const struct prog *prog, struct random *random)
{
	unsigned int at = corpus->nr;

	if (at == CORPUS_PROGS)
		at = corpus->nr_seeds + random_below(random, CORPUS_PROGS - corpus->nr_seeds);
	else
		corpus->nr++;
	corpus->prog[at] = *prog;
}

static bool load_seeds(struct corpus *corpus, const char *path)
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

/* Half of the time one of the newest, as these are where something new was last seen. */
static const struct prog *pick_prog(const struct corpus *corpus, struct random *random)
{
	unsigned int last = corpus->nr < 32 ? corpus->nr : 32;

	if (random_below(random, 2))
		return &corpus->prog[corpus->nr - 1 - random_below(random, last)];
	return &corpus->prog[random_below(random, corpus->nr)];
}

static void make_round(struct corpus *corpus, struct random *random, struct round *round)
{
	unsigned int w, i;

	for (w = 0; w < ROUND_WORKERS; w++) {
		round->batch[w].nr = BATCH_PROGS;
		for (i = 0; i < BATCH_PROGS; i++) {
			struct prog *prog = &round->batch[w].prog[i];

			if (corpus->next_seed < corpus->nr_seeds) {
				*prog = corpus->prog[corpus->next_seed++];
				continue;
			}
			*prog = *pick_prog(corpus, random);
			prog_mutate(random, prog, pick_prog(corpus, random));
		}
	}
}

static void keep_new(struct corpus *corpus, struct random *random, const struct round *round,
		     const struct shared *shared)
{
	unsigned int w, i;

	for (w = 0; w < ROUND_WORKERS; w++)
		for (i = 0; i < round->batch[w].nr; i++)
			if (shared->new_edges[w][i])
				corpus_add(corpus, &round->batch[w].prog[i], random);
}

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - start->tv_sec + (now.tv_nsec - start->tv_nsec) / 1e9;
}

static void print_counts(const struct session *session, const struct corpus *corpus, double seconds)
{
	printf("# %.0f s: executions %u (%.0f a second), corpus %u, edges %u\n", seconds,
	       session->shared->programs, session->shared->programs / (seconds + 0.001),
	       corpus->nr, session->shared->edges);
	fflush(stdout);
}

/* So that a call which can do nothing is noticed. */
static void print_calls(const struct shared *shared)
{
	unsigned int i, never = 0;

	for (i = 0; i < nr_call_descs; i++)
		never += !shared->succeeded[i];
	printf("# of %u kinds of calls %u succeeded", nr_call_descs, nr_call_descs - never);
	for (i = 0; i < nr_call_descs; i++)
		if (!shared->succeeded[i])
			printf("%s %s", never ? "; never:" : "", call_table[i].name), never = 0;
	printf("\n");
}

/* What opening the pool alone reaches: the fuzzer must get further. */
static unsigned int edges_of_open(struct session *session)
{
	struct round round = {};

	round.batch[0].nr = 1;
	round.batch[0].prog[0].nr = 1;
	round.batch[0].prog[0].call[0].op = call_named("open");
	round.batch[0].prog[0].call[0].arg[1] = O_RDWR;
	session_run(session, &round);
	return session->shared->edges;
}

/* Not by programs: the kernel patches its code for this, which takes seconds. */
static void set_tracing(bool on)
{
	int fd = open("/sys/kernel/tracing/events/zcpool/enable", O_WRONLY | O_CLOEXEC);

	if (write(fd, on ? "1" : "0", 1) != 1)
		perror("fuzz: tracing");
	close(fd);
}

static bool loop(struct session *session, struct corpus *corpus, const struct options *options)
{
	struct random random = { options->seed };
	double reported = REPORT_SECONDS;
	static struct round round;
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (seconds_since(&start) < options->seconds) {
		make_round(corpus, &random, &round);
		if (!session_run(session, &round))
			break;
		keep_new(corpus, &random, &round, session->shared);
		if (seconds_since(&start) >= reported) {
			print_counts(session, corpus, seconds_since(&start));
			reported += REPORT_SECONDS;
		}
	}
	print_counts(session, corpus, seconds_since(&start));
	return !session->wrong[0] && session_end(session);
}

int fuzz_run(const struct options *options)
{
	static struct session session;
	static struct corpus corpus;
	char record[PATH_MAX];
	unsigned int floor;

	snprintf(record, sizeof(record), "%s/round", options->out ?: "");
	if (!load_seeds(&corpus, options->corpus) ||
	    !session_init(&session, options->out ? record : NULL))
		return 2;
	printf("# seed %llu, %u programs to begin with\n", options->seed, corpus.nr_seeds);
	set_tracing(true);
	floor = edges_of_open(&session);
	if (loop(&session, &corpus, options) && session.shared->edges <= floor)
		snprintf(session.wrong, sizeof(session.wrong),
			 "no edges seen but those of open, %u: does KCOV work?", floor);
	set_tracing(false);
	print_calls(session.shared);
	if (session.killed)
		printf("# batches that ended early: %u\n", session.killed);
	if (session.wrong[0])
		printf("# wrong: %s\n", session.wrong);
	else if (options->out)
		unlink(record);
	return session.wrong[0] != 0;
}
