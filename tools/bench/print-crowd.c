// SPDX-License-Identifier: GPL-2.0
/* The table of what others cost, in microseconds */
#include "crowd.h"

static void print_quiet(const struct setting *set)
{
	if (set->other_node < 0) {
		printf("quiet: they loop instead, as the pool has but one node; crowded: they\n");
		printf("make them of what is free.\n");
		return;
	}
	printf("quiet: those are buffers of node %d; crowded: of node %d, in what is free.\n",
	       set->other_node, set->node);
}

static void print_cpus(const struct setting *set)
{
	if (!set->nr_others) {
		printf("The threads share our CPU, as there is no other: their turns are in the\n");
		printf("times.\n");
	} else if (set->icount) {
		printf("The CPUs run by turns, so a time is that of all of them. Turns are %s.\n",
		       throng_ticks(set) ? "kept short" :
					   "long: 4 CPUs are needed");
	} else {
		printf("The threads run on %d other CPU(s).\n", set->nr_others);
	}
}

void print_crowd_head(const struct setting *set)
{
	printf("\nwhat others cost: the time of one call\n");
	printf("CONTIG and HUGE: on a node with one split chunk that is free, but for a page,\n");
	printf("and a pool at its maximum, while %d threads make and close buffers of 4 KiB.\n",
	       THREADS);
	print_quiet(set);
	print_cpus(set);
	printf("mmap: of the pool, where as much is free as is mapped; it has the mmap lock.\n");
	printf("CONTIG run: neighbouring chunks; the list of clean ones is as the call before\n");
	printf("has left it, or shuffled.\n");
	printf("ratio: to the figure of the line above it. sent: calls that ended only after\n");
	printf("the threads were sent off to rest, %llu ms after the call began.\n\n",
	       PATIENCE / 1000000);
	printf("%-7s %-29s %10s %9s %9s %7s %7s %9s %5s %7s %4s\n", "size", "call",
	       "median", "p90", "max", "ratio", "of max", "ns/chunk", "runs", "refused",
	       "sent");
}

static void print_ratio(__u64 ns, __u64 base)
{
	double ratio = base ? (double)ns / base : 0;

	if (base)
		printf(" %6.*fx", ratio < 100 ? 2 : 0, ratio);
	else
		printf(" %7s", "-");
}

static void print_side(const struct crowd_row *row, const struct crowd_side *side,
		       const struct crowd_side *base)
{
	char name[64];

	snprintf(name, sizeof(name), "%s, %s", row->name, side->name);
	printf("%-7s %-29s", size_text(row->size), name);
	if (!side->measured) {
		printf(" %10s\n", "n/a");
		return;
	}
	print_us(10, side->time.median);
	print_us(9, side->time.p90);
	print_us(9, side->time.max);
	print_ratio(side->time.median, base ? base->time.median : 0);
	print_ratio(side->time.max, base ? base->time.max : 0);
	if (side->chunks)
		printf(" %9.1f", (double)side->time.median / side->chunks);
	else
		printf(" %9s", "-");
	printf(" %5u %7u %4u\n", side->runs, side->refused, side->sent_off);
}

void print_crowd_row(const struct crowd_row *row)
{
	const struct crowd_side *calm = &row->side[CALM];

	print_side(row, calm, NULL);
	print_side(row, &row->side[BUSY], calm->measured ? calm : NULL);
}

void print_crowd_foot(const struct crowd_row *rows, size_t n)
{
	const struct crowd_side *side;
	char name[64];
	size_t i;

	printf("\n");
	for (i = 0; i < n * NR_SIDES; i++) {
		side = &rows[i / NR_SIDES].side[i % NR_SIDES];
		if (side->measured)
			continue;
		snprintf(name, sizeof(name), "%s, %s", rows[i / NR_SIDES].name, side->name);
		print_why(name, rows[i / NR_SIDES].size, side->why.text);
	}
}
