// SPDX-License-Identifier: GPL-2.0
/* zcpoolctl: makes and looks at zcpool pools, takes buffers back, and moves files through them. */
#include <stdlib.h>
#include <string.h>
#include <zcpool/uapi.h>
#include "zcpoolctl.h"

static const struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *what;
} verbs[] = {
	{ "info", cmd_info, "show what a pool has" },
	{ "send", cmd_send, "send a file through pool buffers" },
	{ "recv", cmd_recv, "receive one, and print its SHA-256" },
	{ "revoke", cmd_revoke, "take a buffer away from all who have it" },
	{ "migrate", cmd_migrate, "have a buffer's memory on another node" },
	{ "pool", cmd_pool, "make, change, show and destroy pools" },
};

static void print_usage(FILE *f)
{
	size_t i;

	fputs("Usage: zcpoolctl VERB [OPTION]... [ARGUMENT]...\n\nVerbs:\n", f);
	for (i = 0; i < ARRAY_SIZE(verbs); i++)
		fprintf(f, "  %-9s%s\n", verbs[i].name, verbs[i].what);
	fputs("  help     show this, or the help of a verb\n\n"
	      "Options:\n"
	      "  --help     show this\n"
	      "  --version  show the version\n\n"
	      "See 'zcpoolctl help VERB' and zcpoolctl(1).\n", f);
}

static const struct verb *find_verb(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	}
	die_usage(NULL, "there is no verb '%s'", name);
}

static int show_help(int argc, char **argv)
{
	char option[] = "--help";
	char *of_verb[3] = { NULL, option, NULL };

	if (argc < 2) {
		print_usage(stdout);
		return 0;
	}
	of_verb[0] = argv[1];
	return find_verb(argv[1])->run(2, of_verb);
}

int main(int argc, char **argv)
{
	int ret = 0;

	if (argc < 2) {
		print_usage(stderr);
		return STATUS_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		print_usage(stdout);
	else if (!strcmp(argv[1], "--version"))
		printf("zcpoolctl %s (ABI %d)\n", ZCPOOLCTL_VERSION,
		       ZCPOOL_ABI_VERSION);
	else if (!strcmp(argv[1], "help"))
		ret = show_help(argc - 1, argv + 1);
	else
		ret = find_verb(argv[1])->run(argc - 1, argv + 1);

	if (fflush(stdout) || ferror(stdout))
		die(STATUS_TRANSFER, "cannot write to the standard output");
	return ret;
}
