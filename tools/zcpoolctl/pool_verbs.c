// SPDX-License-Identifier: GPL-2.0
/* zcpoolctl pool: the verbs for pools as such, each of which is a mount. */
#include <string.h>
#include "mounts.h"
#include "pool_verbs.h"
#include "zcpoolctl.h"

static const struct {
	const char *name;
	char *in_messages;
	int (*run)(int argc, char **argv);
	const char *what;
} verbs[] = {
	{ "list", (char[]){ "pool list" }, pool_list, "show which pools there are" },
	{ "create", (char[]){ "pool create" }, pool_create, "make one, or mount one again" },
	{ "set", (char[]){ "pool set" }, pool_set, "change one while it is in use" },
	{ "show", (char[]){ "pool show" }, pool_show, "show what one is, and what it has" },
	{ "destroy", (char[]){ "pool destroy" }, pool_destroy, "unmount one, which then goes" },
};

static void print_usage(FILE *f)
{
	size_t i;

	fputs("Usage: zcpoolctl pool VERB [OPTION]... [NAME]\n"
	      "A pool is a mount of type zcpool: these make, change and unmount such mounts below\n"
	      POOL_MOUNT_DIR ", and show those that are anywhere.\n\nVerbs:\n", f);
	for (i = 0; i < ARRAY_SIZE(verbs); i++)
		fprintf(f, "  %-9s%s\n", verbs[i].name, verbs[i].what);
	fputs("\nSee 'zcpoolctl pool VERB --help' and zcpoolctl(1).\n", f);
}

int cmd_pool(int argc, char **argv)
{
	size_t i;

	if (argc < 2) {
		print_usage(stderr);
		return STATUS_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		print_usage(stdout);
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(argv[1], verbs[i].name))
			continue;
		argv[1] = verbs[i].in_messages;
		return verbs[i].run(argc - 1, argv + 1);
	}
	die_usage("pool", "pool has no verb '%s'", argv[1]);
}
