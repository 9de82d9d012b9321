// SPDX-License-Identifier: GPL-2.0
/* The fuzzer's loop: programs that reach new edges are kept and changed further. */
#include "corpus.h"
#include "fuzz.h"
#include "session.h"

#define REPORT_SECONDS	30
/* As many as a round can have */
#define FOUND_PROGS	(ROUND_WORKERS * BATCH_PROGS)

/* The programs that saw most that was new, most first */
struct found {
	unsigned int nr;
	unsigned int edges[FOUND_PROGS];
	struct prog prog[FOUND_PROGS];
};

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

static void note_found(struct found *found, const struct prog *prog, unsigned int edges)
{
	unsigned int at = 0, last = FOUND_PROGS - 1;

	while (at < found->nr && found->edges[at] >= edges)
		at++;
	if (at > last)
		return;
	if (found->nr <= last)
		found->nr++;
	memmove(&found->edges[at + 1], &found->edges[at], (last - at) * sizeof(*found->edges));
	memmove(&found->prog[at + 1], &found->prog[at], (last - at) * sizeof(*found->prog));
	found->edges[at] = edges;
	found->prog[at] = *prog;
}

/* Seeds are known already, and what runs beside them sees little. */
static void keep_new(struct corpus *corpus, struct random *random, const struct round *round,
		     const struct shared *shared, struct found *found)
{
	unsigned int w, i, edges;

	for (w = 0; w < ROUND_WORKERS; w++) {
		for (i = 0; i < round->batch[w].nr; i++) {
			edges = shared->new_edges[w][i];
			if (!edges)
				continue;
			corpus_add(corpus, &round->batch[w].prog[i], random);
			if (found)
				note_found(found, &round->batch[w].prog[i], edges);
		}
	}
}

/* As a round, for who looks for new seeds */
static void save_found(const struct found *found, const char *directory)
{
	static struct round round;
	char path[PATH_MAX];
	unsigned int i;
	FILE *f;

	for (i = 0; i < found->nr; i++)
		round.batch[i / BATCH_PROGS].prog[round.batch[i / BATCH_PROGS].nr++] =
			found->prog[i];
	snprintf(path, sizeof(path), "%s/found", directory);
	f = fopen(path, "we");
	if (!f) {
		perror(path);
		return;
	}
	round_print(&round, f);
	fclose(f);
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
	static struct found found;
	static struct round round;
	bool seeds;
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (seconds_since(&start) < options->seconds) {
		seeds = corpus->next_seed < corpus->nr_seeds;
		make_round(corpus, &random, &round);
		if (!session_run(session, &round))
			break;
		keep_new(corpus, &random, &round, session->shared, seeds ? NULL : &found);
		if (seconds_since(&start) >= reported) {
			print_counts(session, corpus, seconds_since(&start));
			reported += REPORT_SECONDS;
		}
	}
	print_counts(session, corpus, seconds_since(&start));
	if (options->out)
		save_found(&found, options->out);
	return !session->wrong[0] && session_end(session);
}

int fuzz_run(const struct options *options)
{
	static struct session session;
	static struct corpus corpus;
	char record[PATH_MAX];
	unsigned int floor;

	snprintf(record, sizeof(record), "%s/round", options->out ?: "");
	if (!corpus_load(&corpus, options->corpus) ||
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
