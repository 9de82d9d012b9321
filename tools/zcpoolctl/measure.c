// SPDX-License-Identifier: GPL-2.0
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include "measure.h"

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static bool is_buffer(const struct transfer *t, unsigned long start, unsigned long end)
{
	unsigned int i;

	for (i = 0; i < t->nr_buffers; i++) {
		unsigned long addr = (unsigned long)t->buffer[i].addr;

		if (addr && addr < end && addr + t->buffer[i].len > start)
			return true;
	}
	return false;
}

static uint64_t pmd_mapped_kb(const struct transfer *t)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long start, end, kb;
	bool ours = false;
	uint64_t sum = 0;
	char *line = NULL;
	size_t room = 0;

	if (!f)
		return 0;
	while (getline(&line, &room, f) > 0) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			ours = is_buffer(t, start, end);
		else if (ours && (sscanf(line, "FilePmdMapped: %lu kB", &kb) == 1 ||
				  sscanf(line, "ShmemPmdMapped: %lu kB", &kb) == 1))
			sum += kb;
	}
	free(line);
	fclose(f);
	return sum;
}

static int memory_node(const struct transfer *t)
{
	int node = NODE_UNKNOWN;
	unsigned int i;
	int one;

	for (i = 0; i < t->nr_buffers; i++) {
		if (!t->buffer[i].addr)
			continue;
		one = t->via->node_of(&t->buffer[i]);
		if (one == NODE_UNKNOWN)
			continue;
		if (node != NODE_UNKNOWN && node != one)
			return NODE_SEVERAL;
		node = one;
	}
	return node;
}

static int node_of_cpu(void)
{
	unsigned int cpu, node;

	return getcpu(&cpu, &node) ? NODE_UNKNOWN : (int)node;
}

void measure_start(struct measure *m)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	m->minor_faults = -ru.ru_minflt;
	m->major_faults = -ru.ru_majflt;
	m->seconds = -now();
}

void measure_stop(struct measure *m, const struct transfer *t)
{
	struct rusage ru;

	/* first, as the rest takes time and faults of its own */
	m->seconds += now();
	getrusage(RUSAGE_SELF, &ru);
	m->minor_faults += ru.ru_minflt;
	m->major_faults += ru.ru_majflt;
	m->pmd_kb = pmd_mapped_kb(t);
	m->memory_node = memory_node(t);
	m->cpu_node = node_of_cpu();
}
