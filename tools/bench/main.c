// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "bench.h"

static const size_t alloc_sizes[] = { 4 * KIB, 64 * KIB, 2 * MIB, 64 * MIB };
static const size_t message_sizes[] = { 4 * KIB, 64 * KIB, 1 * MIB };

static const char usage[] =
"Usage: zcpool-bench [options]\n"
"Measures what memory from zcpool's default pool costs, and what it costs from\n"
"memfd, hugetlb, dma-heap, udmabuf and transparent huge pages, of memfd too; then\n"
"what a message to another process costs; then what others cost: calls that meet\n"
"threads at the same memory, or find it dirty or in disorder; then what it costs\n"
"to take memory back, or hand it over for good. Prints tables.\n"
"\n"
"  -j, --json=FILE    write the results, with percentiles, to FILE as JSON too\n"
"  -o, --only=WORD    only rows whose name has WORD in it\n"
"  -x, --except=WORD  no rows whose name has WORD in it; may be given again\n"
"  -i, --icount       the clock counts instructions (scripts/bench sees to that)\n"
"  -h, --help         this text\n"
"\n"
"It needs /dev/zcpool/default with a reserve of 256 MiB or more on the node it\n"
"runs on, 32 free 2 MiB huge pages, /dev/dma_heap/system and /dev/udmabuf, and\n"
"\"advise\" in /sys/kernel/mm/transparent_hugepage/shmem_enabled; what is missing\n"
"is shown as n/a. Rows with \"crowd\" in their name, of what others cost, need a\n"
"pool that is all reserve, and say more with CPUs and a node beside ours. Rows\n"
"with \"take back\" in it need 1 GiB of reserve on our node, and on another one.\n"
"taskset(1) chooses the CPU. Exit status: 0, 1 when zcpool itself could not be\n"
"measured, 2 for a wrong option.\n";

static int add_except(struct options *opts, const char *word)
{
	if (opts->nr_except == MAX_EXCEPT) {
		fputs("zcpool-bench: too many --except\n", stderr);
		return -1;
	}
	opts->except[opts->nr_except++] = word;
	return 0;
}

/* Returns an exit status, or -1 to go on. */
static int parse(int argc, char **argv, struct options *opts)
{
	static const struct option longs[] = {
		{ "json", required_argument, NULL, 'j' },
		{ "only", required_argument, NULL, 'o' },
		{ "except", required_argument, NULL, 'x' },
		{ "icount", no_argument, NULL, 'i' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "j:o:x:ih", longs, NULL)) != -1) {
		switch (c) {
		case 'j':
			opts->json = optarg;
			break;
		case 'o':
			opts->only = optarg;
			break;
		case 'x':
			if (add_except(opts, optarg))
				return 2;
			break;
		case 'i':
			opts->icount = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs("Try zcpool-bench --help.\n", stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "zcpool-bench: what is \"%s\"? Try --help.\n",
			argv[optind]);
		return 2;
	}
	return -1;
}

/*
 * We stay on the CPU we are on, or the first, where all is to be the same each time. The
 * receiver gets another where there is one.
 */
static int settle_down(struct setting *set)
{
	struct utsname uts;
	cpu_set_t all, one;
	unsigned int cpu, node;
	int i;

	if (sched_getaffinity(0, sizeof(all), &all) || getcpu(&cpu, &node))
		return -1;
	for (i = 0; set->icount && i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, &all)) {
			cpu = i;
			break;
		}
	}
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one) || getcpu(&cpu, &node) ||
	    uname(&uts))
		return -1;
	set->cpu = cpu;
	set->node = node;
	set->receiver_cpu = cpu;
	CPU_CLR(cpu, &all);
	set->others = all;
	set->nr_others = CPU_COUNT(&all);
	set->other_node = crowd_other_node(node);
	for (i = 0; i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, &all)) {
			set->receiver_cpu = i;
			break;
		}
	}
	snprintf(set->kernel, sizeof(set->kernel), "%.64s", uts.release);
	set->clock_cost = clock_cost();
	return 0;
}

/* "None clean" holds all clean memory in buffers, a descriptor each. */
static void many_files(void)
{
	struct rlimit limit = { 8192, 8192 };

	setrlimit(RLIMIT_NOFILE, &limit);
}

static bool wanted(const struct options *opts, const char *name)
{
	size_t i;

	for (i = 0; i < opts->nr_except; i++)
		if (strstr(name, opts->except[i]))
			return false;
	return !opts->only || strstr(name, opts->only);
}

static size_t run_allocs(const struct options *opts, const struct setting *set,
			 struct alloc_row *rows)
{
	size_t i, j, n = 0;

	for (i = 0; i < ARRAY_SIZE(alloc_sizes); i++) {
		if (n)
			printf("\n");
		for (j = 0; j < NR_PEERS; j++) {
			if (!wanted(opts, peers[j].name))
				continue;
			if (!n)
				print_alloc_head();
			rows[n].size = alloc_sizes[i];
			measure_alloc(&peers[j], set, &rows[n]);
			print_alloc_row(&rows[n++]);
			fflush(stdout);
		}
	}
	if (n)
		print_alloc_foot(rows, n);
	return n;
}

static size_t run_transfers(const struct options *opts,
			    const struct setting *set, struct transfer_row *rows)
{
	size_t i, j, n = 0;

	for (i = 0; i < ARRAY_SIZE(message_sizes); i++) {
		if (n)
			printf("\n");
		for (j = 0; j < NR_TRANSPORTS; j++) {
			if (!wanted(opts, transport_name(j)))
				continue;
			if (!n)
				print_transfer_head(set);
			rows[n].size = message_sizes[i];
			measure_transfer(j, set, &rows[n]);
			print_transfer_row(&rows[n++]);
			fflush(stdout);
		}
	}
	if (n)
		print_transfer_foot(rows, n);
	return n;
}

static size_t run_crowds(const struct options *opts, const struct setting *set,
			 struct crowd_row *rows)
{
	size_t i, n = 0;

	for (i = 0; i < NR_CROWDS; i++) {
		if (!wanted(opts, crowd_name(i)))
			continue;
		if (!n)
			print_crowd_head(set);
		fflush(stdout);
		measure_crowd(i, set, &rows[n]);
		print_crowd_row(&rows[n++]);
		fflush(stdout);
	}
	if (n)
		print_crowd_foot(rows, n);
	return n;
}

static size_t run_takebacks(const struct options *opts, const struct setting *set,
			    struct takeback_row *rows)
{
	size_t i, j, n = 0;

	for (i = 0; i < NR_TAKEBACKS; i++) {
		if (!wanted(opts, takeback_name(i)))
			continue;
		for (j = 0; takeback_size(i, j); j++) {
			rows[n].size = takeback_size(i, j);
			measure_takeback(i, set, &rows[n]);
			if (!n || rows[n].table != rows[n - 1].table)
				print_takeback_head(rows[n].table, set);
			print_takeback_row(rows, n++);
			fflush(stdout);
		}
	}
	if (n)
		print_takeback_foot(rows, n);
	return n;
}

static int missing(const struct alloc_row *rows, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (rows[i].peer->zcpool && !rows[i].measured)
			return 1;
	return 0;
}

static int run(const struct options *opts, const struct setting *set)
{
	static struct alloc_row allocs[ARRAY_SIZE(alloc_sizes) * NR_PEERS];
	static struct transfer_row
		transfers[ARRAY_SIZE(message_sizes) * NR_TRANSPORTS];
	static struct crowd_row crowds[NR_CROWDS];
	static struct takeback_row takebacks[NR_TAKEBACKS * MAX_SIZES];
	struct results results = {
		.allocs = allocs, .transfers = transfers, .crowds = crowds,
		.takebacks = takebacks,
	};

	print_setting(set);
	results.nr_allocs = run_allocs(opts, set, allocs);
	if (!opts->only)
		print_compare(set, allocs, results.nr_allocs);
	results.nr_transfers = run_transfers(opts, set, transfers);
	results.nr_crowds = run_crowds(opts, set, crowds);
	results.nr_takebacks = run_takebacks(opts, set, takebacks);
	if (!results.nr_allocs && !results.nr_transfers && !results.nr_crowds &&
	    !results.nr_takebacks) {
		fprintf(stderr, "zcpool-bench: no row's name has \"%s\" in it\n",
			opts->only ? opts->only : "");
		return 2;
	}
	if (opts->json && write_json(opts->json, set, &results)) {
		fprintf(stderr, "zcpool-bench: %s: %s\n", opts->json,
			strerror(errno));
		return 1;
	}
	return missing(allocs, results.nr_allocs);
}

int main(int argc, char **argv)
{
	struct options opts = { 0 };
	struct setting set = { 0 };
	int status = parse(argc, argv, &opts);

	if (status >= 0)
		return status;
	set.icount = opts.icount;
	if (settle_down(&set)) {
		perror("zcpool-bench");
		return 1;
	}
	many_files();
	return run(&opts, &set);
}
