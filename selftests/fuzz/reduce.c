// SPDX-License-Identifier: GPL-2.0
/*
 * Less and less of a round that goes wrong, until nothing more can be left out. A try
 * that costs the machine is found in the record by scripts/fuzz, which starts another
 * machine with it.
 */
#include "fuzz.h"
#include "session.h"

#define ROUND_CALLS	(ROUND_WORKERS * BATCH_PROGS * PROG_CALLS)

/* Programs without calls are left out, too. */
static void close_up(struct round *round)
{
	unsigned int w, i, n;

	for (w = 0; w < ROUND_WORKERS; w++) {
		struct batch *batch = &round->batch[w];

		for (i = n = 0; i < batch->nr; i++)
			if (batch->prog[i].nr)
				batch->prog[n++] = batch->prog[i];
		batch->nr = n;
	}
}

static unsigned int list_calls(struct round *round, struct call **list)
{
	unsigned int w, i, j, n = 0;

	for (w = 0; w < ROUND_WORKERS; w++)
		for (i = 0; i < round->batch[w].nr; i++)
			for (j = 0; j < round->batch[w].prog[i].nr; j++)
				list[n++] = &round->batch[w].prog[i].call[j];
	return n;
}

/* Leaves out the calls from one on, counted through the round. */
static void leave_out(struct round *round, unsigned int from, unsigned int nr)
{
	unsigned int w, i, j, kept, n = 0;

	for (w = 0; w < ROUND_WORKERS; w++) {
		for (i = 0; i < round->batch[w].nr; i++) {
			struct prog *prog = &round->batch[w].prog[i];

			for (j = kept = 0; j < prog->nr; j++, n++)
				if (n < from || n >= from + nr)
					prog->call[kept++] = prog->call[j];
			prog->nr = kept;
		}
	}
	close_up(round);
}

/* All by one thread, which makes what follows repeatable. As single_out(). */
static bool one_thread(struct call **list, unsigned int total, unsigned int *nth)
{
	unsigned int i, threaded = 0;

	for (i = 0; i < total; i++)
		threaded += !!list[i]->thread;
	if (!threaded || (*nth)--)
		return false;
	for (i = 0; i < total; i++)
		list[i]->thread = 0;
	return true;
}

/* Each program alone. False if nth is beyond these, and less by as many. */
static bool single_out(struct round *round, unsigned int *nth)
{
	unsigned int w, i, programs = 0;
	struct prog prog;

	for (w = 0; w < ROUND_WORKERS; w++)
		programs += round->batch[w].nr;
	if (programs == 1)
		return false;
	for (w = 0; w < ROUND_WORKERS; w++) {
		for (i = 0; i < round->batch[w].nr; i++) {
			if ((*nth)--)
				continue;
			prog = round->batch[w].prog[i];
			memset(round, 0, sizeof(*round));
			round->batch[0].nr = 1;
			round->batch[0].prog[0] = prog;
			return true;
		}
	}
	return false;
}

/*
 * Of a few calls, as many neighbours as possible; of many, halves, quarters, ... and
 * single ones. False if nth is beyond these, and less by as many.
 */
static bool shorten(struct round *round, unsigned int total, unsigned int *nth)
{
	const bool few = total <= PROG_CALLS;
	unsigned int len, tries, step;

	for (len = few ? total - 1 : (total + 1) / 2; total > 1 && len;
	     len = few ? len - 1 : len > 1 ? (len + 1) / 2 : 0) {
		step = few ? 1 : len;
		tries = few ? total - len + 1 : (total + len - 1) / len;
		if (*nth < tries) {
			leave_out(round, *nth * step, len);
			return true;
		}
		*nth -= tries;
	}
	return false;
}

/* One thread instead of several, a zero for a number */
static bool simplify(struct call **list, unsigned int total, unsigned int nth)
{
	unsigned int i, j;

	for (i = 0; i < total; i++) {
		const struct call_desc *desc = &call_table[list[i]->op];

		if (list[i]->thread && !nth--) {
			list[i]->thread = 0;
			return true;
		}
		for (j = 0; j < CALL_ARGS; j++) {
			if (desc->arg[j].kind < ARG_SIZE || !list[i]->arg[j] || nth--)
				continue;
			list[i]->arg[j] = 0;
			return true;
		}
	}
	return false;
}

static bool candidate(const struct round *whole, unsigned int nth, struct round *less)
{
	static struct call *list[ROUND_CALLS];
	unsigned int total;

	*less = *whole;
	total = list_calls(less, list);
	return one_thread(list, total, &nth) || single_out(less, &nth) ||
		shorten(less, total, &nth) || simplify(list, total, nth);
}

/* What does not race does the same each time, but for what the scrubber has done meanwhile. */
static bool goes_wrong(struct session *session, const struct round *round, unsigned int repeat)
{
	if (!round_races(round) && repeat > 2)
		repeat = 2;
	while (repeat--)
		if (!session_run(session, round))
			return true;
	return false;
}

static void save(const struct round *round, const char *directory)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/min", directory);
	f = fopen(path, "we");
	if (!f) {
		perror(path);
		return;
	}
	round_print(round, f);
	fclose(f);
}

int fuzz_reduce(const struct options *options)
{
	static struct round whole, less;
	static struct session session;
	char record[PATH_MAX];
	unsigned int nth = 0;

	snprintf(record, sizeof(record), "%s/round", options->out);
	if (!round_load(&whole, options->file) || !session_init(&session, record))
		return 2;
	close_up(&whole);
	if (!options->known && !goes_wrong(&session, &whole, options->repeat)) {
		unlink(record);
		return 3;
	}
	while (!session.spent && candidate(&whole, nth++, &less)) {
		if (!goes_wrong(&session, &less, options->repeat))
			continue;
		printf("# %s\n", session.wrong);
		whole = less;
		save(&whole, options->out);
		session.used = pool_used(session.pool);
		nth = 0;
	}
	unlink(record);
	return session.spent;
}
