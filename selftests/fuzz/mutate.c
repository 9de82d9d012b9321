// SPDX-License-Identifier: GPL-2.0
/*
 * New programs from old ones. Values are taken from where limits are, and slots so
 * that most calls get what they are made for.
 */
#include <string.h>

#include "calls.h"
#include "prog.h"

__u64 random_next(struct random *random)
{
	__u64 z = random->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

unsigned int random_below(struct random *random, unsigned int n)
{
	return random_next(random) % n;
}

static bool one_in(struct random *random, unsigned int n)
{
	return !random_below(random, n);
}

static const __u64 usual_sizes[] = {
	1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 3 * PAGE, 3 * PAGE + 1234, 17 * PAGE, 64 * KIB,
	CHUNK / 2, CHUNK / 2 + PAGE, CHUNK - PAGE, CHUNK - 1, CHUNK, CHUNK, CHUNK, CHUNK + 1,
	CHUNK + PAGE, CHUNK + CHUNK / 2, 2 * CHUNK, 2 * CHUNK - PAGE, 3 * CHUNK + 5 * PAGE,
	4 * CHUNK,
};

/* The module is loaded with max=24M. */
static const __u64 odd_sizes[] = {
	0, 8 * MIB, 16 * MIB, 24 * MIB - PAGE, 24 * MIB, 24 * MIB + 1, 1ULL << 30,
	(1ULL << 31) - 1, 1ULL << 31, 1ULL << 32, (1ULL << 32) + PAGE, 1ULL << 43, 1ULL << 44,
	(1ULL << 44) + PAGE, 1ULL << 47, LLONG_MAX, 1ULL << 63, -CHUNK, -PAGE, -1ULL,
};

static __u64 pick_size(struct random *random)
{
	if (one_in(random, 8))
		return odd_sizes[random_below(random, ARRAY_SIZE(odd_sizes))];
	return usual_sizes[random_below(random, ARRAY_SIZE(usual_sizes))];
}

static __u64 pick_offset(struct random *random)
{
	switch (random_below(random, 4)) {
	case 0:
	case 1: return 0;
	case 2: return random_below(random, 4 * CHUNK / PAGE) * PAGE;
	default: return pick_size(random);
	}
}

/* The usual one half of the time */
static __u64 pick_constant(struct random *random, const struct arg_desc *desc)
{
	unsigned int i, n = 0;
	__u64 bits = 0;

	while (desc->constants[n].name)
		n++;
	if (desc->kind == ARG_ONE_OF) {
		if (one_in(random, 30))
			return random_below(random, 128);
		return desc->constants[one_in(random, 3) ? 0 : random_below(random, n)].value;
	}
	for (i = 0; i < n; i++)
		if (one_in(random, i ? 6 : 2))
			bits |= desc->constants[i].value;
	if (one_in(random, 40))
		bits |= 1ULL << random_below(random, 40);
	return bits;
}

/* Protection and sharing without which hardly anything can be done */
static __u64 pick_bits(struct random *random, const struct arg_desc *desc)
{
	if (!strcmp(desc->name, "prot") && !one_in(random, 4))
		return PROT_READ | PROT_WRITE;
	return pick_constant(random, desc) |
		(desc->constants[0].value == MAP_SHARED && !one_in(random, 8) ? MAP_SHARED : 0);
}

/* The first one third of the time */
static __u64 pick_text(struct random *random, const char * const *texts)
{
	return one_in(random, 3) ? 0 : random_below(random, text_count(texts));
}

/* What the slots hold before a call, as far as it can be known */
struct slots {
	unsigned int fd[FUZZ_FDS];
	bool map[FUZZ_MAPS];
	__u64 size;		/* that was allocated last */
};

static void find_slots(const struct prog *prog, unsigned int before, struct slots *slots)
{
	unsigned int i, j;

	memset(slots, 0, sizeof(*slots));
	for (i = 0; i < before; i++) {
		const struct call *call = &prog->call[i];
		const struct call_desc *desc = &call_table[call->op];

		for (j = 0; j < CALL_ARGS; j++) {
			if (desc->arg[j].kind == ARG_NEW_FD)
				slots->fd[call->arg[j] % FUZZ_FDS] = desc->arg[j].of;
			if (desc->arg[j].kind == ARG_NEW_MAP)
				slots->map[call->arg[j] % FUZZ_MAPS] = true;
			if (desc->arg[j].kind == ARG_SIZE && desc->arg[0].kind == ARG_NEW_FD)
				slots->size = call->arg[j];
		}
	}
}

static __u64 pick_fd(struct random *random, const struct slots *slots, unsigned int of)
{
	unsigned int start = random_below(random, FUZZ_FDS), i;

	if (one_in(random, 12))
		return start;
	for (i = start; i < start + FUZZ_FDS; i++)
		if (slots->fd[i % FUZZ_FDS] & of)
			return i % FUZZ_FDS;
	return start;
}

static __u64 pick_new_fd(struct random *random, const struct slots *slots)
{
	unsigned int start = random_below(random, FUZZ_FDS), i;

	for (i = start; i < start + FUZZ_FDS && !one_in(random, 4); i++)
		if (!slots->fd[i % FUZZ_FDS])
			return i % FUZZ_FDS;
	return start;
}

static __u64 pick_map(struct random *random, const struct slots *slots, bool mapped)
{
	unsigned int start = random_below(random, FUZZ_MAPS), i;

	for (i = start; i < start + FUZZ_MAPS && !one_in(random, 8); i++)
		if (slots->map[i % FUZZ_MAPS] == mapped)
			return i % FUZZ_MAPS;
	return start;
}

static __u64 pick_arg(struct random *random, const struct slots *slots, const struct arg_desc *desc)
{
	static const __u64 nodes[] = { 0, 1, 0, 1, 0, 1, 2, 7, 8, 64, 1024, UINT_MAX, 1ULL << 32 };

	switch (desc->kind) {
	case ARG_NEW_FD: return pick_new_fd(random, slots);
	case ARG_FD: return pick_fd(random, slots, desc->of);
	case ARG_NEW_MAP: return pick_map(random, slots, false);
	case ARG_MAP: return pick_map(random, slots, true);
	case ARG_SIZE:
		return slots->size && one_in(random, 2) ? slots->size : pick_size(random);
	case ARG_OFFSET: return pick_offset(random);
	case ARG_NODE: return nodes[random_below(random, ARRAY_SIZE(nodes))];
	case ARG_NUMBER: return random_below(random, desc->of + 1);
	case ARG_BITS: return pick_bits(random, desc);
	case ARG_ONE_OF: return pick_constant(random, desc);
	case ARG_TEXT: return pick_text(random, desc->texts);
	default: return 0;
	}
}

static unsigned int pick_op(struct random *random)
{
	unsigned int all = 0, i, at;

	for (i = 0; i < nr_call_descs; i++)
		all += call_table[i].weight;
	at = random_below(random, all);
	for (i = 0; at >= call_table[i].weight; i++)
		at -= call_table[i].weight;
	return i;
}

static void new_call(struct random *random, const struct prog *prog, unsigned int at,
		     struct call *call)
{
	struct slots slots;
	unsigned int i;

	find_slots(prog, at, &slots);
	*call = (struct call){ .op = pick_op(random) };
	for (i = 0; i < CALL_ARGS; i++)
		call->arg[i] = pick_arg(random, &slots, &call_table[call->op].arg[i]);
	if (at < prog->nr)
		call->thread = prog->call[at].thread;
	else if (at)
		call->thread = prog->call[at - 1].thread;
	if (one_in(random, 6))
		call->thread = random_below(random, PROG_THREADS);
}

static void insert(struct prog *prog, unsigned int at, const struct call *call)
{
	if (prog->nr == PROG_CALLS)
		prog->nr--;
	if (at > prog->nr)
		at = prog->nr;
	memmove(&prog->call[at + 1], &prog->call[at], (prog->nr - at) * sizeof(*call));
	prog->call[at] = *call;
	prog->nr++;
}

static void mutate_number(struct random *random, __u64 *value)
{
	switch (random_below(random, 6)) {
	case 0:
		*value += one_in(random, 2) ? 1 : -1;
		break;
	case 1:
		*value += one_in(random, 2) ? PAGE : -PAGE;
		break;
	case 2:
		*value += one_in(random, 2) ? CHUNK : -CHUNK;
		break;
	case 3:
		*value *= 2;
		break;
	case 4:
		*value /= 2;
		break;
	default:
		*value ^= 1ULL << random_below(random, 64);
		break;
	}
}

static void mutate_arg(struct random *random, struct prog *prog, unsigned int at)
{
	struct call *call = &prog->call[at];
	const struct call_desc *desc = &call_table[call->op];
	unsigned int i = random_below(random, call_nr_args(desc));
	struct slots slots;

	if ((desc->arg[i].kind == ARG_SIZE || desc->arg[i].kind == ARG_OFFSET) &&
	    one_in(random, 2)) {
		mutate_number(random, &call->arg[i]);
		return;
	}
	find_slots(prog, at, &slots);
	call->arg[i] = pick_arg(random, &slots, &desc->arg[i]);
}

/* From somewhere on, each call is made by a thread that chance chooses. */
static void spread(struct random *random, struct prog *prog)
{
	unsigned int i = random_below(random, prog->nr), threads = 2 + random_below(random, 2);

	for (; i < prog->nr; i++)
		prog->call[i].thread = random_below(random, threads);
}

static void append_other(struct random *random, struct prog *prog, const struct prog *other)
{
	unsigned int i = random_below(random, other->nr + 1);

	prog->nr = random_below(random, prog->nr) + 1;
	for (; i < other->nr && prog->nr < PROG_CALLS; i++)
		prog->call[prog->nr++] = other->call[i];
}

/**
 * prog_mutate() - change a program
 * @random: by chance, and in the same way for the same state of it
 * @prog: what to change, one call at least
 * @other: a program to take calls from
 */
void prog_mutate(struct random *random, struct prog *prog, const struct prog *other)
{
	unsigned int at, n = 1 + random_below(random, 6);
	struct call call;

	while (n--) {
		at = random_below(random, prog->nr);
		switch (random_below(random, 16)) {
		case 0:
			append_other(random, prog, other);
			break;
		case 1:
			spread(random, prog);
			break;
		case 2:
			prog->call[at].thread = random_below(random, PROG_THREADS);
			break;
		case 3:
			call = prog->call[at];
			insert(prog, random_below(random, prog->nr + 1), &call);
			break;
		case 4:
		case 5:
			if (prog->nr < 2)
				break;
			prog->nr--;
			memmove(&prog->call[at], &prog->call[at + 1],
				(prog->nr - at) * sizeof(call));
			break;
		case 6:
		case 7:
		case 8:
		case 9:
			mutate_arg(random, prog, at);
			break;
		default:
			at = random_below(random, prog->nr + 1);
			new_call(random, prog, at, &call);
			insert(prog, at, &call);
			break;
		}
	}
}
