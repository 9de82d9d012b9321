// SPDX-License-Identifier: GPL-2.0
/* Tables for people, in microseconds. */
#include <string.h>

#include "bench.h"

const char * const stage_names[NR_STAGES] = {
	"alloc", "map", "touch", "unmap", "free",
};

/* What zcpool with clean memory should reach under icount, in microseconds */
static const struct {
	size_t size;
	unsigned int us;
} targets[] = {
	{ 4 * KIB, 21 }, { 64 * KIB, 30 }, { 2 * MIB, 28 }, { 64 * MIB, 254 },
};

const char *size_text(size_t size)
{
	static char text[32];

	if (size < MIB)
		snprintf(text, sizeof(text), "%zu KiB", size / KIB);
	else if (size < GIB)
		snprintf(text, sizeof(text), "%zu MiB", size / MIB);
	else
		snprintf(text, sizeof(text), "%zu GiB", size / GIB);
	return text;
}

/* Microseconds: one decimal below 1000, thousands set apart above */
static const char *us_text(__u64 ns)
{
	static char text[32];
	__u64 us = (ns + 500) / 1000;

	if (ns < 999950)
		snprintf(text, sizeof(text), "%.1f", ns / 1e3);
	else if (us < 1000000)
		snprintf(text, sizeof(text), "%llu,%03llu",
			 us / 1000, us % 1000);
	else
		snprintf(text, sizeof(text), "%llu,%03llu,%03llu",
			 us / 1000000, us / 1000 % 1000, us % 1000);
	return text;
}

void print_us(int width, __u64 ns)
{
	printf(" %*s", width, us_text(ns));
}

void print_why(const char *name, size_t size, const char *why)
{
	printf("n/a: %s, %s: %s\n", size_text(size), name, why);
}

void print_setting(const struct setting *set)
{
	printf("zcpool-bench on Linux %s, CPU %d of node %d\n", set->kernel,
	       set->cpu, set->node);
	if (set->icount)
		printf("Times are instructions of a virtual machine, 1,000 a us.\n");
	else
		printf("Times are wall time of this machine.\n");
	printf("Medians in us, less the %llu ns of reading the clock.\n",
	       set->clock_cost);
}

void print_alloc_head(void)
{
	int i;

	printf("\nalloc + map + touch every 4 KiB + unmap + free\n");
	printf("\"whole\" is timed apart from the stages, without a clock between.\n");
	printf("zcpool waits, untimed, until memory is clean, but for \"none clean\".\n");
	printf("PMDs: huge page-table entries; a row that is to have them and has not is n/a.\n");
	printf("-: there is no such step, or no such size. node ?: the kernel does not tell.\n\n");
	printf("%-7s %-25s %10s %9s", "size", "memory", "whole", "p90");
	for (i = 0; i < NR_STAGES; i++)
		printf(" %9s", stage_names[i]);
	printf(" %6s %4s %4s %4s\n", "faults", "PMDs", "node", "runs");
}

void print_alloc_row(const struct alloc_row *row)
{
	int i;

	printf("%-7s %-25s", size_text(row->size), row->peer->name);
	if (!row->measured) {
		printf(" %10s\n", row->size < row->peer->min_size ? "-" : "n/a");
		return;
	}
	print_us(10, row->whole.median);
	print_us(9, row->whole.p90);
	for (i = 0; i < NR_STAGES; i++) {
		if (row->peer->stages & (1U << i))
			print_us(9, row->stage[i].median);
		else
			printf(" %9s", "-");
	}
	printf(" %6ld %4zu", row->faults, row->pmds);
	if (row->node >= 0)
		printf(" %4d", row->node);
	else
		printf(" %4s", "?");
	printf(" %4u\n", row->runs);
}

void print_alloc_foot(const struct alloc_row *rows, size_t n)
{
	size_t i;

	printf("\n");
	for (i = 0; i < n; i++)
		if (!rows[i].measured && rows[i].size >= rows[i].peer->min_size)
			print_why(rows[i].peer->name, rows[i].size, rows[i].why.text);
}

static const struct alloc_row *find(const struct alloc_row *rows, size_t n,
				    size_t size, const char *key)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (rows[i].size == size && rows[i].measured &&
		    !strcmp(rows[i].peer->key, key))
			return &rows[i];
	return NULL;
}

static const struct alloc_row *best_peer(const struct alloc_row *rows, size_t n,
					 size_t size)
{
	const struct alloc_row *best = NULL;
	size_t i;

	for (i = 0; i < n; i++)
		if (rows[i].size == size && rows[i].measured &&
		    !rows[i].peer->zcpool &&
		    (!best || rows[i].whole.median < best->whole.median))
			best = &rows[i];
	return best;
}

void print_compare(const struct setting *set, const struct alloc_row *rows,
		   size_t n)
{
	const struct alloc_row *alloc, *pool, *best;
	size_t i;

	printf("zcpool with clean memory, and the best peer\n");
	printf("%-7s %10s", "size", "ALLOC");
	if (set->icount)
		printf(" %7s", "target");
	printf(" %10s %10s %8s  %s\n", "mmap", "peer", "ratio", "which");
	for (i = 0; i < ARRAY_SIZE(targets); i++) {
		alloc = find(rows, n, targets[i].size, "zcpool_alloc");
		pool = find(rows, n, targets[i].size, "zcpool_mmap");
		best = best_peer(rows, n, targets[i].size);
		if (!alloc || !pool || !best)
			continue;
		printf("%-7s", size_text(targets[i].size));
		print_us(10, alloc->whole.median);
		if (set->icount)
			printf(" %7u", targets[i].us);
		print_us(10, pool->whole.median);
		print_us(10, best->whole.median);
		printf(" %8.1f  %s\n",
		       (double)best->whole.median / alloc->whole.median,
		       best->peer->name);
	}
}

void print_transfer_head(const struct setting *set)
{
	printf("\none-way transfer, us a message\n");
	printf("The sender writes and the receiver reads each cache line of it.\n");
	if (set->receiver_cpu == set->cpu)
		printf("Both processes run on one CPU: context switches are in the times.\n");
	else
		printf("The sender runs on CPU %d, the receiver on CPU %d.\n",
		       set->cpu, set->receiver_cpu);
	printf("alone: one message on its way at a time; streamed: room for 16.\n\n");
	printf("%-7s %-25s %10s %9s %10s %9s\n", "size", "transport", "alone", "p90",
	       "streamed", "p90");
}

void print_transfer_row(const struct transfer_row *row)
{
	printf("%-7s %-25s", size_text(row->size), row->name);
	if (row->measured) {
		print_us(10, row->alone.median);
		print_us(9, row->alone.p90);
		print_us(10, row->stream.median);
		print_us(9, row->stream.p90);
		printf("\n");
	} else {
		printf(" %10s\n", "n/a");
	}
}

void print_transfer_foot(const struct transfer_row *rows, size_t n)
{
	size_t i;

	printf("\n");
	for (i = 0; i < n; i++)
		if (!rows[i].measured)
			print_why(rows[i].name, rows[i].size, rows[i].why.text);
}
