// SPDX-License-Identifier: GPL-2.0
/* The tables of what it costs to take memory back, or to hand it over */
#include <string.h>

#include "bench.h"

static void print_case(int width, const struct case_time *c)
{
	if (c->measured)
		print_us(width, c->time.median);
	else
		printf(" %*s", width, "n/a");
}

static void print_ratio(const struct case_time *c, const struct case_time *to)
{
	if (c->measured && to && to->measured && c->time.median)
		printf(" %8.1f", (double)to->time.median / c->time.median);
	else
		printf(" %8s", "-");
}

/* A byte a us is a million a second, as a thousand instructions are a us. */
static void print_rate(const struct takeback_row *row, const struct case_time *c)
{
	if (c->measured && c->time.median)
		printf(" %10.0f", row->size * 1e3 / c->time.median);
	else
		printf(" %10s", "-");
}

static void print_call_head(void)
{
	printf("\ntaking memory back: the time of one call, by how many processes map it\n");
	printf("touched: each of them has written to each 4 KiB. Free memory is clean before.\n\n");
	printf("%-7s %-25s %10s %10s %10s %10s %10s %5s\n", "size", "call", "nobody", "1",
	       "1, touched", "8", "8, touched", "runs");
}

static void print_call_row(const struct takeback_row *row)
{
	unsigned int i;

	for (i = 0; i < row->nr_cases; i++)
		print_case(10, &row->cases[i]);
	printf(" %5u\n", row->cases[0].runs);
}

static void print_copy_head(const struct setting *set)
{
	printf("\nto another node, of a buffer that a process maps and has touched\n");
	printf("memcpy: of as much, from a buffer on node %d to one on node %d, both mapped.\n",
	       set->node, set->other_node);
	printf("ratio: memcpy's bytes a us to MIGRATE's.\n\n");
	printf("%-7s %-25s %10s %9s %10s %10s %10s %8s %5s\n", "size", "call", "median", "p90",
	       "bytes/us", "memcpy", "bytes/us", "ratio", "runs");
}

static void print_copy_row(const struct takeback_row *row)
{
	const struct case_time *call = &row->cases[0], *copy = &row->cases[1];

	print_case(10, call);
	if (call->measured)
		print_us(9, call->time.p90);
	else
		printf(" %9s", "-");
	print_rate(row, call);
	print_case(10, copy);
	print_rate(row, copy);
	print_ratio(copy, call);
	printf(" %5u\n", call->runs);
}

static void print_handover_head(const struct setting *set)
{
	printf("\nhanding a message over to another process, so that it is that one's alone\n");
	printf("Writing and parsing it are not counted. pipe: write(2) and read(2). MOVE: the\n");
	printf("sender's unmapping (before; or after, where it is still mapped) and closing, to\n");
	printf("send and receive the descriptor, MOVE, map, and look at each 4 KiB.\n");
	printf("let go: and the receiver unmaps and closes it. made: and the sender makes it.\n");
	if (set->receiver_cpu == set->cpu)
		printf("Both processes run on one CPU: context switches are in the times.\n");
	printf("ratio: the pipe's time to this.\n\n");
	printf("%-7s %-29s %10s %9s %8s %10s %8s %10s %8s %5s\n", "size", "way", "median", "p90",
	       "ratio", "let go", "ratio", "made", "ratio", "runs");
}

static const struct case_time *pipe_case(const struct takeback_row *rows, size_t n, size_t size)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (rows[i].size == size && !strcmp(rows[i].key, "pipe"))
			return &rows[i].cases[0];
	return NULL;
}

static void print_handover_row(const struct takeback_row *row, const struct case_time *pipe)
{
	const struct case_time *handed = &row->cases[0];
	unsigned int i;

	print_case(10, handed);
	if (handed->measured)
		print_us(9, handed->time.p90);
	else
		printf(" %9s", "-");
	print_ratio(handed, pipe);
	for (i = 1; i < HANDOVER_CASES; i++) {
		if (i < row->nr_cases)
			print_case(10, &row->cases[i]);
		else
			printf(" %10s", "-");
		print_ratio(&row->cases[i], pipe);
	}
	printf(" %5u\n", handed->runs);
}

void print_takeback_head(enum takeback_table table, const struct setting *set)
{
	switch (table) {
	case CALL_TABLE:
		print_call_head();
		return;
	case COPY_TABLE:
		print_copy_head(set);
		return;
	case HANDOVER_TABLE:
		print_handover_head(set);
		return;
	}
}

/* The ith of rows, of which those before may be what it is compared with */
void print_takeback_row(const struct takeback_row *rows, size_t i)
{
	const struct takeback_row *row = &rows[i];

	printf("%-7s %-*s", size_text(row->size), row->table == HANDOVER_TABLE ? 29 : 25,
	       row->name);
	switch (row->table) {
	case CALL_TABLE:
		print_call_row(row);
		return;
	case COPY_TABLE:
		print_copy_row(row);
		return;
	case HANDOVER_TABLE:
		print_handover_row(row, pipe_case(rows, i, row->size));
		return;
	}
}

static void print_why_not(const struct takeback_row *row)
{
	unsigned int i;
	char name[64];

	for (i = 0; i < row->nr_cases; i++) {
		if (row->cases[i].measured)
			continue;
		snprintf(name, sizeof(name), "%s, %s", row->name, row->cases[i].name);
		print_why(name, row->size, row->cases[i].why.text);
	}
}

void print_takeback_foot(const struct takeback_row *rows, size_t n)
{
	size_t i;

	printf("\n");
	for (i = 0; i < n; i++)
		print_why_not(&rows[i]);
}
