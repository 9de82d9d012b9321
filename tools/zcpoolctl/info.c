// SPDX-License-Identifier: GPL-2.0
/* zcpoolctl info: a pool's figures, whole and by node. */
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <zcpool.h>
#include "info.h"
#include "zcpoolctl.h"

/* The figures that a pool and each of its nodes have. */
static const struct figure {
	const char *name;
	const char *json;
	size_t offset;
} figures[] = {
#define FIGURE(name)	{ #name, #name "_bytes", offsetof(struct zcpool_info, name##_bytes) }
	FIGURE(reserve),
	FIGURE(total),
	FIGURE(clean),
	FIGURE(dirty),
	FIGURE(quarantined),
	FIGURE(used),
	FIGURE(retired),
};

static uint64_t figure_of(const struct zcpool_info *info, const struct figure *f)
{
	uint64_t value;

	memcpy(&value, (const char *)info + f->offset, sizeof(value));
	return value;
}

/* The next node from *node on that the pool has memory on; false at the end. */
static bool next_node(int pool, int *node, struct zcpool_info *info)
{
	for (; *node < MAX_NODES; (*node)++) {
		if (!zcpool_info(pool, *node, info))
			return true;
		/* node numbers may have holes */
		if (errno != EINVAL)
			die(STATUS_TRANSFER, "cannot ask about node %d: %s", *node,
			    strerror(errno));
	}
	return false;
}

static void human_line(const char *who, const struct zcpool_info *info)
{
	char text[SIZE_TEXT];
	size_t i;

	printf("%-8s", who);
	for (i = 0; i < ARRAY_SIZE(figures); i++)
		printf("%12s", size_text(text, figure_of(info, &figures[i])));
	putchar('\n');
}

void info_table(int pool, const struct zcpool_info *all)
{
	struct zcpool_info info;
	unsigned int found = 0;
	char who[32];
	size_t i;
	int node;

	printf("%-8s", "");
	for (i = 0; i < ARRAY_SIZE(figures); i++)
		printf("%12s", figures[i].name);
	putchar('\n');
	for (node = 0; found < all->nr_nodes && next_node(pool, &node, &info); node++) {
		snprintf(who, sizeof(who), "node %d", node);
		human_line(who, &info);
		found++;
	}
	human_line("all", all);
}

static void human(int pool, const char *name, const struct zcpool_info *all)
{
	char max[SIZE_TEXT], chunk[SIZE_TEXT];

	printf("pool %s: ABI %u, max %s, chunks of %s\n", name, all->abi_version,
	       size_text(max, all->max_bytes), size_text(chunk, all->chunk_size));
	info_table(pool, all);
}

static void json_figures(const struct zcpool_info *info)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(figures); i++)
		printf("%s\"%s\": %llu", i ? ", " : "", figures[i].json,
		       (unsigned long long)figure_of(info, &figures[i]));
}

void info_json(int pool, const struct zcpool_info *all)
{
	struct zcpool_info info;
	unsigned int found = 0;
	int node;

	printf("\"abi_version\": %u, \"features\": %llu, ", all->abi_version,
	       (unsigned long long)all->features);
	printf("\"chunk_size\": %llu, \"max_bytes\": %llu, ",
	       (unsigned long long)all->chunk_size, (unsigned long long)all->max_bytes);
	json_figures(all);
	printf(", \"nodes\": [");
	for (node = 0; found < all->nr_nodes && next_node(pool, &node, &info); node++) {
		printf("%s{\"node\": %d, ", found ? ", " : "", node);
		json_figures(&info);
		printf("}");
		found++;
	}
	printf("]");
}

static void json(int pool, const char *name, const struct zcpool_info *all)
{
	printf("{\"pool\": ");
	json_string(stdout, name);
	printf(", ");
	info_json(pool, all);
	printf("}\n");
}

static void print_usage(void)
{
	puts("Usage: zcpoolctl info [OPTION]...\n"
	     "Show how much memory a pool has, by NUMA node, and in what state.\n\n"
	     "  --pool NAME  the pool, by its name or a path (default: default)\n"
	     "  --json       print one JSON object, sizes in bytes\n"
	     "  --help       show this");
}

int cmd_info(int argc, char **argv)
{
	static const struct option options[] = {
		{ "pool", required_argument, NULL, 'p' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	const char *name = ZCPOOL_DEFAULT;
	struct zcpool_info info;
	bool as_json = false;
	int pool, opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case 'p':
			name = optarg;
			break;
		case 'j':
			as_json = true;
			break;
		case 'h':
			print_usage();
			return 0;
		default:
			return STATUS_USAGE;
		}
	}
	if (optind < argc)
		die_usage("info", "'%s' is one argument too many", argv[optind]);

	pool = pool_open(&name);
	if (zcpool_info(pool, -1, &info))
		die(STATUS_TRANSFER, "cannot ask pool '%s': %s", name, strerror(errno));
	if (as_json)
		json(pool, name, &info);
	else
		human(pool, name, &info);
	zcpool_close(pool);
	return 0;
}
