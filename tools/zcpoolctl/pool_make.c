// SPDX-License-Identifier: GPL-2.0
/* zcpoolctl pool create, zcpoolctl pool set: options of mounts. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "mountapi.h"
#include "mounts.h"
#include "options.h"
#include "pool_verbs.h"
#include "zcpoolctl.h"

static void print_usage(const char *verb)
{
	bool creates = !strcmp(verb, "pool create");

	printf("Usage: zcpoolctl %s [OPTION]... NAME\n", verb);
	if (creates)
		puts("Make the pool NAME and mount it at " POOL_MOUNT_DIR "/NAME. If it exists\n"
		     "and is mounted nowhere, it is mounted again. 'default' is the module's own.\n");
	else
		puts("Change options of the mounted pool NAME, which may be in use. What is not\n"
		     "named stays. NAME may be a path in the mount.\n");
	puts("  --nodes LIST      NUMA nodes to have memory on: 0-1,3\n"
	     "  --reserve SIZE    memory to keep on each of them; or NODE:SIZE,...\n"
	     "  --max SIZE        the most to hold, over all nodes\n"
	     "  --user-max SIZE   the most of it that each user may have; 0: RLIMIT_MEMLOCK\n"
	     "  --policy POLICY   local, bind, prefer or interleave\n"
	     "  --huge HOW        files of huge pages: prefer, always or never\n"
	     "  --mode MODE       permissions of the directory and the device, octal\n"
	     "  --uid USER        their owner, and\n"
	     "  --gid GROUP       their group, by name or number\n"
	     "  -o OPTION,...     the same as for mount(8): max=2G,nodes=0+1\n"
	     "  --quiet           print nothing but errors\n"
	     "  --help            show this\n\n"
	     "A SIZE may have K, M or G after it. Needs root.\n"
	     "Exit status: 0 done; 1 failed; 2 wrong usage, or an option that the kernel refuses;\n"
	     "3 no such pool, or not allowed; 4 no memory. See zcpoolctl(1).");
}

/* Returns false where --help was asked for and printed. */
static bool parse(int argc, char **argv, struct options *o, bool *quiet)
{
	static const struct option options[] = {
		{ "nodes", required_argument, NULL, 'k' },
		{ "reserve", required_argument, NULL, 'k' },
		{ "max", required_argument, NULL, 'k' },
		{ "policy", required_argument, NULL, 'k' },
		{ "huge", required_argument, NULL, 'k' },
		{ "mode", required_argument, NULL, 'k' },
		{ "uid", required_argument, NULL, 'k' },
		{ "gid", required_argument, NULL, 'k' },
		{ "user-max", required_argument, NULL, 'u' },
		{ "options", required_argument, NULL, 'o' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int opt, which;

	while ((opt = getopt_long(argc, argv, "ho:", options, &which)) != -1) {
		switch (opt) {
		case 'k':
			options_add(o, options[which].name, optarg);
			break;
		case 'u':
			options_add(o, "user_max", optarg);
			break;
		case 'o':
			options_add_list(o, optarg);
			break;
		case 'q':
			*quiet = true;
			break;
		case 'h':
			print_usage(argv[0]);
			return false;
		default:
			exit(STATUS_USAGE);
		}
	}
	if (argc - optind != 1)
		die_usage(argv[0], "%s takes the NAME of one pool", argv[0]);
	return true;
}

static void make_directory(const char *path)
{
	if (mkdir(path, 0755) && errno != EEXIST)
		die(errno == EACCES || errno == EPERM ? STATUS_NO_POOL : STATUS_TRANSFER,
		    "cannot make the directory %s: %s", path, strerror(errno));
}

static void check_name(const char *name)
{
	if (!*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		die_usage("pool create", "'%s' cannot be a pool's name: it has to be a file name",
			  name);
	if (strlen(name) > 255)
		die_usage("pool create", "a pool's name has 255 bytes at the most");
}

static void check_not_mounted(const char *name)
{
	const struct mount *m;
	struct mounts all;

	mounts_read_own(&all);
	m = mounts_find(&all, name);
	if (m)
		die(STATUS_TRANSFER,
		    "pool '%s' is mounted at %s already; 'zcpoolctl pool set' changes it", name,
		    m->path);
}

int pool_create(int argc, char **argv)
{
	struct options o = { .verb = "pool create" };
	bool quiet = false;
	const char *name;
	char path[512];
	int mount, err;

	if (!parse(argc, argv, &o, &quiet))
		return 0;
	name = argv[optind];
	check_name(name);
	check_not_mounted(name);
	mount = pool_mount(name, &o);
	/* Now it exists, and goes with this process if there is no place for it. */
	snprintf(path, sizeof(path), "%s/%s", POOL_MOUNT_DIR, name);
	make_directory(POOL_MOUNT_DIR);
	make_directory(path);
	err = pool_attach(mount, path);
	if (err) {
		rmdir(path);
		die(STATUS_TRANSFER, "cannot mount pool '%s' at %s: %s", name, path, strerror(err));
	}
	if (!quiet)
		printf("pool %s is mounted at %s\n", name, path);
	return 0;
}

int pool_set(int argc, char **argv)
{
	struct options o = { .verb = "pool set" };
	const struct mount *m;
	struct mounts all;
	bool quiet = false;
	const char *name;

	if (!parse(argc, argv, &o, &quiet))
		return 0;
	if (!o.nr)
		die_usage(o.verb, "pool set takes an option, which is what to change");
	name = pool_name(argv[optind]);
	mounts_read_own(&all);
	m = mounts_find(&all, name);
	if (!m)
		die(STATUS_NO_POOL,
		    "there is no pool '%s' that is mounted here; 'zcpoolctl pool list' shows what there is",
		    name);
	if (!mount_is_on_top(m))
		die(STATUS_TRANSFER, "something else hides pool '%s' at %s", name, m->path);
	pool_remount(name, m->path, &o);
	if (quiet)
		return 0;
	mounts_read_own(&all);
	m = mounts_find(&all, name);
	printf("pool %s: %s\n", name, m ? m->options : "");
	return 0;
}
