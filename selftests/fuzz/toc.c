// SPDX-License-Identifier: GPL-2.0
/* A round as a selftest in C. */
#include <string.h>

#include "calls.h"
#include "fuzz.h"

/* How often a test repeats what depends on which thread is faster */
#define RACE_TURNS	200

static void print_arg(const struct arg_desc *desc, __u64 value)
{
	const struct constant *c = desc->constants;
	const char *between = "";

	switch (desc->kind) {
	case ARG_NEW_FD:
	case ARG_FD:
		printf("f%llu", (unsigned long long)value % FUZZ_FDS);
		return;
	case ARG_NEW_MAP:
	case ARG_MAP:
		printf("m%llu", (unsigned long long)value % FUZZ_MAPS);
		return;
	case ARG_TEXT:
		if (value)
			printf("TEXT(%s, \"%s\")", desc->list, text_at(desc->texts, value));
		else
			printf("0");
		return;
	default:
		break;
	}
	for (; c && c->name; c++) {
		if (desc->kind == ARG_ONE_OF ? value != c->value :
		    !c->value || (value & c->value) != c->value)
			continue;
		printf("%s%s", between, c->name);
		if (desc->kind == ARG_ONE_OF)
			return;
		between = " | ";
		value &= ~c->value;
	}
	if (value > 9)
		printf("%s%#llx%s", between, (unsigned long long)value, value >> 31 ? "ULL" : "");
	else if (value || !*between)
		printf("%s%llu", between, (unsigned long long)value);
}

static void print_call(const struct call *call)
{
	const struct call_desc *desc = &call_table[call->op];
	unsigned int i, n = call_nr_args(desc);

	printf("CALL(%s", desc->name);
	for (i = 0; i < n; i++) {
		printf(", ");
		print_arg(&desc->arg[i], call->arg[i]);
	}
	printf(")");
}

/* The calls of the mask, bit by bit of prog->call */
static void print_calls(const struct prog *prog, __u32 mask, int depth)
{
	unsigned int fork_op = call_named("fork"), i;
	const struct call *call;
	__u32 child;

	while (mask) {
		i = __builtin_ctz(mask);
		mask &= mask - 1;
		call = &prog->call[i];
		printf("%.*s%s", depth, "\t\t\t\t\t\t\t\t", call->op == fork_op ? "if (!" : "");
		print_call(call);
		if (call->op != fork_op) {
			printf(";\n");
			continue;
		}
		child = mask & prog_child_calls(prog, i);
		mask &= ~child;
		printf(") {\n");
		print_calls(prog, child, depth + 1);
		printf("%.*sfuzz_child_end(", depth + 1, "\t\t\t\t\t\t\t\t");
		print_arg(&call_table[fork_op].arg[1], call->arg[1]);
		printf(");\n%.*s}\n", depth, "\t\t\t\t\t\t\t\t");
	}
}

static __u32 thread_mask(const struct prog *prog, unsigned int thread)
{
	unsigned int i = prog_first_threaded(prog);
	__u32 mask = 0;

	for (; i < prog->nr; i++)
		if (prog->call[i].thread == thread)
			mask |= 1U << i;
	return mask;
}

/* A function for each thread of the part that threads run together, and one for all of it */
static void print_prog(const struct prog *prog, unsigned int nr)
{
	unsigned int first = prog_first_threaded(prog), t;
	const bool threaded = first < prog->nr;

	for (t = 0; threaded && t < PROG_THREADS; t++) {
		if (!thread_mask(prog, t))
			continue;
		printf("static void program_%u_thread_%u(struct fuzz *z)\n{\n", nr, t);
		print_calls(prog, thread_mask(prog, t), 1);
		printf("}\n\n");
	}
	printf("static void program_%u(struct fuzz *z)\n{\n", nr);
	if (threaded)
		printf("\tstatic replay_fn * const threads[REPLAY_THREADS] = {\n");
	for (t = 0; threaded && t < PROG_THREADS; t++) {
		if (thread_mask(prog, t))
			printf("\t\tprogram_%u_thread_%u,\n", nr, t);
		else
			printf("\t\tNULL,\n");
	}
	if (threaded)
		printf("\t};\n\n");
	print_calls(prog, (1U << first) - 1, 1);
	if (threaded)
		printf("\treplay_together(z, threads);\n");
	printf("\tfuzz_end(z);\n}\n\n");
}

static void print_worker(const struct batch *batch, unsigned int w, unsigned int first)
{
	unsigned int i;

	for (i = 0; i < batch->nr; i++)
		print_prog(&batch->prog[i], first + i);
	printf("static void worker_%u(struct fuzz *z)\n{\n", w);
	for (i = 0; i < batch->nr; i++)
		printf("\tprogram_%u(z);\n", first + i);
	printf("}\n\n");
}

int fuzz_to_c(const struct options *options)
{
	static struct round round;
	unsigned int w, nr = 0;

	if (!round_load(&round, options->file))
		return 2;
	printf("// %s: GPL-2.0\n"
	       "/* module: " FUZZ_ARGUMENTS " */\n"
	       "/* Found by scripts/fuzz; a crash or a leak shows, or what replay() returns. */\n"
	       "#include \"zcpool_test.h\"\n"
	       "#include \"fuzz/replay.h\"\n\n", "SPDX-License-Identifier");
	for (w = 0; w < ROUND_WORKERS; w++) {
		if (round.batch[w].nr)
			print_worker(&round.batch[w], w, nr);
		nr += round.batch[w].nr;
	}
	printf("TEST_F(pool, replay)\n{\n"
	       "\treplay_fn * const workers[REPLAY_WORKERS] = { %s, %s };\n\n"
	       "\tEXPECT_STREQ(\"\", replay(workers, %u));\n}\n\n"
	       "TEST_HARNESS_MAIN\n", round.batch[0].nr ? "worker_0" : "NULL",
	       round.batch[1].nr ? "worker_1" : "NULL", round_races(&round) ? RACE_TURNS : 1);
	return 0;
}
