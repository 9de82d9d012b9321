// SPDX-License-Identifier: GPL-2.0
/* Timing one peer's pieces of memory, and the statistics of it. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <linux/mempolicy.h>
#include <unistd.h>

#include "bench.h"

#define MAX_RUNS	101
#define MIN_RUNS	5
#define PADS		16
#define BUDGET		300000000ULL	/* ns for one row, MIN_RUNS permitting */

int because(struct reason *why, int err, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	if (err && n >= 0 && (size_t)n < sizeof(why->text))
		snprintf(why->text + n, sizeof(why->text) - n, ": %s", strerror(err));
	return -1;
}

static int compare(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return x < y ? -1 : x > y;
}

struct spread spread_of(__u64 *samples, unsigned int n)
{
	struct spread s;

	qsort(samples, n, sizeof(*samples), compare);
	s.median = samples[n / 2];
	s.p90 = samples[(n * 9 - 1) / 10];
	s.max = samples[n - 1];
	return s;
}

/* What two timestamps with nothing between them are apart */
__u64 clock_cost(void)
{
	__u64 samples[MAX_RUNS];
	unsigned int i;

	for (i = 0; i < MAX_RUNS; i++) {
		__u64 start = now();

		samples[i] = now() - start;
	}
	return spread_of(samples, MAX_RUNS).median;
}

static void touch(const struct job *job)
{
	char *p = job->addr, *end = p + job->size;

	for (; p < end; p += PAGE)
		*p = 1;
}

static int run_whole(const struct peer *peer, struct job *job, __u64 *ns)
{
	__u64 start = now();

	if (peer->alloc(job) || peer->map(job))
		return -1;
	touch(job);
	if (peer->unmap(job) || peer->free(job))
		return -1;
	*ns = now() - start;
	return 0;
}

static int run_staged(const struct peer *peer, struct job *job, __u64 *ns)
{
	__u64 t[NR_STAGES + 1];
	int i;

	t[ALLOC] = now();
	if (peer->alloc(job))
		return -1;
	t[MAP] = now();
	if (peer->map(job))
		return -1;
	t[TOUCH] = now();
	touch(job);
	t[UNMAP] = now();
	if (peer->unmap(job))
		return -1;
	t[FREE] = now();
	if (peer->free(job))
		return -1;
	t[NR_STAGES] = now();
	for (i = 0; i < NR_STAGES; i++)
		ns[i] = t[i + 1] - t[i];
	return 0;
}

/* Memory of a new owner has to be zero: after touch(), all but what it wrote. */
static int check_zero(struct job *job)
{
	size_t i;

	for (i = 0; i < job->size; i += sizeof(__u64))
		if (*(__u64 *)(job->addr + i) != (i % PAGE ? 0 : 1))
			return because(&job->why, 0, "memory was not zero");
	return 0;
}

static long page_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

static size_t pmd_kb(const char *line)
{
	static const char * const fields[] = {
		"AnonHugePages:", "ShmemPmdMapped:", "FilePmdMapped:", "Shared_Hugetlb:",
	};
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		n = strlen(fields[i]);
		if (!strncmp(line, fields[i], n))
			return strtoul(line + n, NULL, 10);
	}
	return 0;
}

/* How many huge page-table entries map what was touched */
static size_t count_pmds(const struct job *job)
{
	uintptr_t first = (uintptr_t)job->addr, last = first + job->size - 1;
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long start, end;
	bool within = false;
	char line[512];
	size_t kb = 0;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			within = start <= last && end > first;
		else if (within)
			kb += pmd_kb(line);
	}
	if (f)
		fclose(f);
	return kb * KIB / HUGE;
}

/* Not timed: warms up, and looks at what cannot be looked at while timing. */
static int rehearse(const struct peer *peer, struct job *job,
		    struct alloc_row *row)
{
	long faults;
	int node;

	if (peer->ready(job) || peer->alloc(job) || peer->map(job))
		return -1;
	faults = page_faults();
	touch(job);
	row->faults = page_faults() - faults;
	if (check_zero(job))
		return -1;
	row->pmds = count_pmds(job);
	if (peer->huge && row->pmds < job->size / HUGE)
		return because(&job->why, 0, "%zu huge page-table entries, not %zu",
			       row->pmds, job->size / HUGE);
	if (syscall(SYS_get_mempolicy, &node, NULL, 0, job->addr,
		    MPOL_F_NODE | MPOL_F_ADDR))
		node = -1;
	row->node = node;
	return peer->unmap(job) || peer->free(job) ? -1 : 0;
}

/*
 * The kernel keeps the mappings of a process in a tree, and to map costs more
 * where that has just to split a node. So that no row depends on how full the
 * nodes happen to be, some mapping comes or goes before each run.
 */
static void change_layout(unsigned int run)
{
	static void *pads[PADS];
	void **pad = &pads[run % PADS];

	if (*pad) {
		munmap(*pad, PAGE);
		*pad = NULL;
		return;
	}
	*pad = mmap(NULL, PAGE, run % 2 ? PROT_READ : PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (*pad == MAP_FAILED)
		*pad = NULL;
}

static int run_all(const struct peer *peer, struct job *job, __u64 cost,
		   struct alloc_row *row)
{
	static __u64 whole[MAX_RUNS], stage[NR_STAGES][MAX_RUNS];
	__u64 start = now(), ns[NR_STAGES];
	unsigned int n, i;

	for (n = 0; n < MAX_RUNS; n++) {
		if (n >= MIN_RUNS && now() - start > BUDGET)
			break;
		change_layout(n);
		if (peer->ready(job) || run_whole(peer, job, &whole[n]))
			return -1;
		whole[n] = less(whole[n], cost);
		if (peer->ready(job) || run_staged(peer, job, ns))
			return -1;
		for (i = 0; i < NR_STAGES; i++)
			stage[i][n] = less(ns[i], cost);
	}
	row->runs = n;
	row->whole = spread_of(whole, n);
	for (i = 0; i < NR_STAGES; i++)
		row->stage[i] = spread_of(stage[i], n);
	return 0;
}

/* Fills in row, whose size is set. */
void measure_alloc(const struct peer *peer, const struct setting *set,
		   struct alloc_row *row)
{
	struct job job = {
		.size = row->size, .node = set->node,
		.pool = -1, .fd = -1, .memfd = -1,
	};

	row->peer = peer;
	if (row->size < peer->min_size) {
		because(&row->why, 0, "makes no pieces of less than %zu KiB",
			peer->min_size / KIB);
		return;
	}
	if (!peer->open(&job) && !rehearse(peer, &job, row) &&
	    !rehearse(peer, &job, row) &&
	    !run_all(peer, &job, set->clock_cost, row))
		row->measured = true;
	else
		row->why = job.why;
	peer->close(&job);
}
