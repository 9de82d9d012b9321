// SPDX-License-Identifier: GPL-2.0
/*
 * New seeds: of some programs those that go where the seeds do not, each with the calls that
 * it takes to get there.
 */
#include "corpus.h"
#include "fuzz.h"
#include "session.h"

/* What is less may be a race, or a matter of what memory was clean. */
#define DISTIL_EDGES	5
#define DISTIL_TURNS	2

static bool run_alone(struct session *session, const struct prog *prog)
{
	static struct round round;

	round.batch[0].nr = 1;
	round.batch[0].prog[0] = *prog;
	return session_run(session, &round);
}

/* How many edges a program has that are not known, each time; 0 if something goes wrong. */
static unsigned int gain(struct session *session, const struct prog *prog, const __u8 *known)
{
	unsigned int turn, new, least = ~0U;

	for (turn = 0; turn < DISTIL_TURNS; turn++) {
		memcpy(session->shared->edge, known, sizeof(session->shared->edge));
		if (!run_alone(session, prog))
			return 0;
		new = session->shared->new_edges[0][0];
		least = new < least ? new : least;
	}
	return least;
}

static void leave_out(struct prog *prog, unsigned int at)
{
	prog->nr--;
	memmove(&prog->call[at], &prog->call[at + 1], (prog->nr - at) * sizeof(prog->call[0]));
}

/* From the last on, for these make nothing that others need. */
static unsigned int distil(struct session *session, struct prog *prog, const __u8 *known)
{
	unsigned int i, now, edges = gain(session, prog, known);
	struct prog less;

	for (i = prog->nr; edges >= DISTIL_EDGES && i-- > 0 && prog->nr > 1;) {
		less = *prog;
		leave_out(&less, i);
		now = gain(session, &less, known);
		if (now < edges)
			continue;
		edges = now;
		*prog = less;
	}
	return edges;
}

int fuzz_distil(const struct options *options)
{
	static struct session session;
	static struct corpus corpus;
	static struct round round;
	static __u8 known[1U << EDGE_BITS];
	unsigned int w, i, edges;

	if (!round_load(&round, options->file) || !corpus_load(&corpus, options->corpus) ||
	    !session_init(&session, NULL))
		return 2;
	for (i = 0; i < DISTIL_TURNS * corpus.nr && !session.wrong[0]; i++)
		run_alone(&session, &corpus.prog[i % corpus.nr]);
	memcpy(known, session.shared->edge, sizeof(known));
	for (w = 0; w < ROUND_WORKERS; w++) {
		for (i = 0; i < round.batch[w].nr && !session.wrong[0]; i++) {
			edges = distil(&session, &round.batch[w].prog[i], known);
			if (edges < DISTIL_EDGES)
				continue;
			printf("# %u edges\n", edges);
			prog_print(&round.batch[w].prog[i], stdout);
			fflush(stdout);
			run_alone(&session, &round.batch[w].prog[i]);
			memcpy(known, session.shared->edge, sizeof(known));
		}
	}
	if (session.wrong[0])
		printf("# wrong: %s\n", session.wrong);
	return session.wrong[0] || !session_end(&session);
}
