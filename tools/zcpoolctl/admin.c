// SPDX-License-Identifier: GPL-2.0
/* zcpoolctl revoke, zcpoolctl migrate: what an administrator may do to anybody's buffer. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <zcpool.h>
#include "zcpoolctl.h"

#define MAX_WAIT_S	4000000		/* in milliseconds it fits 32 bits */

/* What both verbs are told. */
struct order {
	const char *verb;
	const char *pool_name;
	int pool;
	uint64_t id;
	uint64_t wait_s;	/* revoke */
	int node;		/* migrate */
	bool json;
	bool quiet;
};

static noreturn void no_room(const struct order *o, int err)
{
	char max[SIZE_TEXT], left[SIZE_TEXT], here[SIZE_TEXT];
	struct zcpool_info all, node;

	if (zcpool_info(o->pool, -1, &all))
		memset(&all, 0, sizeof(all));
	if (zcpool_info(o->pool, o->node, &node))
		memset(&node, 0, sizeof(node));
	die(STATUS_NO_MEMORY,
	    "%s: node %d has no room for buffer %llu, which stays where it was: the maximum of pool '%s' is %s, of which %s are not in use, and it has %s free on that node; close buffers that are not needed, or load the module with a larger max=",
	    strerror(err), o->node, (unsigned long long)o->id, o->pool_name,
	    size_text(max, all.max_bytes), size_text(left, all.max_bytes - all.used_bytes),
	    size_text(here, node.clean_bytes + node.dirty_bytes));
}

/* Says why the call failed, and what can be done. */
static noreturn void failed(const struct order *o, const char *busy)
{
	unsigned long long id = o->id;

	switch (errno) {
	case EPERM:
		die(STATUS_NO_POOL,
		    "you may not %s other people's buffers: that takes CAP_SYS_ADMIN; be root",
		    o->verb);
	case ENOENT:
		die(STATUS_TRANSFER,
		    "there is no buffer %llu in pool '%s'; /sys/kernel/debug/zcpool/%s/buffers lists them, and /proc/PID/fdinfo shows those of a process",
		    id, o->pool_name, o->pool_name);
	case ESTALE:
		die(STATUS_TRANSFER, "buffer %llu has just been revoked or moved by somebody else",
		    id);
	case EBUSY:
		die(STATUS_TRANSFER, "cannot %s buffer %llu: %s", o->verb, id, busy);
	case ENOSPC:
	case ENOMEM:
		no_room(o, errno);
	case EDQUOT:
		die(STATUS_NO_MEMORY,
		    "whoever made buffer %llu has as much of pool '%s' as each user may (option user_max=, or RLIMIT_MEMLOCK), and for a moment there are two copies: have him close buffers, or allow more: zcpoolctl pool set --user-max SIZE %s",
		    id, o->pool_name, o->pool_name);
	case EINVAL:
		die(STATUS_USAGE,
		    "pool '%s' has no node %d, or this process' cpuset does not; 'zcpoolctl info' lists its nodes",
		    o->pool_name, o->node);
	case EINTR:
		die(STATUS_TRANSFER,
		    "a signal came; if buffer %llu is listed in /sys/kernel/debug/zcpool/%s/buffers it has not been touched",
		    id, o->pool_name);
	case EOPNOTSUPP:
		die(STATUS_TRANSFER,
		    "the zcpool module that is loaded is too old to %s buffers; load the one that came with this zcpoolctl",
		    o->verb);
	default:
		die(STATUS_TRANSFER, "cannot %s buffer %llu: %s", o->verb, id, strerror(errno));
	}
}

static void json_begin(const struct order *o)
{
	printf("{\"pool\": ");
	json_string(stdout, o->pool_name);
	printf(", \"id\": %llu, ", (unsigned long long)o->id);
}

static int do_revoke(const struct order *o)
{
	char text[SIZE_TEXT];
	uint64_t pinned;

	if (zcpool_revoke_id(o->pool, o->id, o->wait_s * 1000, &pinned)) {
		if (errno == ENOMEM)
			die(STATUS_NO_MEMORY,
			    "cannot %s buffer %llu: the machine has no memory left",
			    o->verb, (unsigned long long)o->id);
		failed(o, "it is sealed against that; it goes when those who have it close it");
	}
	if (o->json) {
		json_begin(o);
		printf("\"pinned_bytes\": %llu}\n", (unsigned long long)pinned);
	} else if (!o->quiet) {
		printf("revoked buffer %llu of pool %s\n", (unsigned long long)o->id, o->pool_name);
		if (pinned)
			printf("%s are still pinned, and quarantined until they are let go of\n",
			       size_text(text, pinned));
	}
	return pinned ? STATUS_PINNED : 0;
}

static int do_migrate(const struct order *o)
{
	if (zcpool_migrate_id(o->pool, o->id, o->node))
		failed(o,
		       "something holds its memory (I/O in flight, a pipe, RDMA); try again later");
	if (o->json) {
		json_begin(o);
		printf("\"node\": %d}\n", o->node);
	} else if (!o->quiet) {
		printf("buffer %llu of pool %s is on node %d\n", (unsigned long long)o->id,
		       o->pool_name, o->node);
	}
	return 0;
}

static void print_usage(const char *verb)
{
	bool revokes = !strcmp(verb, "revoke");

	if (revokes)
		puts("Usage: zcpoolctl revoke [OPTION]... ID\n"
		     "Take buffer ID away from everybody who has it: their descriptors answer ESTALE,\n"
		     "their mappings SIGBUS, and its memory is the pool's again.\n");
	else
		puts("Usage: zcpoolctl migrate [OPTION]... ID NODE\n"
		     "Have the memory of buffer ID on NUMA node NODE, while it stays in use.\n");
	puts("  --pool NAME     the pool, by its name or a path (default: default)");
	if (revokes)
		puts("  --wait SECONDS  wait so long until nothing holds the memory (default: 0)");
	puts("  --json          print one JSON object, sizes in bytes\n"
	     "  --quiet         print nothing but errors\n"
	     "  --help          show this\n\n"
	     "IDs are in /sys/kernel/debug/zcpool/NAME/buffers and /proc/PID/fdinfo. Needs root.");
	printf("Exit status: 0 done; 1 failed; 2 wrong usage; 3 no such pool, or not allowed;\n"
	       "4 no memory%s. See zcpoolctl(1).\n",
	       revokes ? "; 6 revoked, but something still holds some of the memory" : "");
}

/* Returns false where --help was asked for and printed. */
static bool parse_options(int argc, char **argv, struct order *o)
{
	static const struct option options[] = {
		{ "pool", required_argument, NULL, 'p' },
		{ "json", no_argument, NULL, 'j' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ "wait", required_argument, NULL, 'w' },	/* revoke's alone */
		{ }
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case 'p':
			o->pool_name = optarg;
			break;
		case 'j':
			o->json = true;
			break;
		case 'q':
			o->quiet = true;
			break;
		case 'h':
			print_usage(o->verb);
			return false;
		case 'w':
			if (strcmp(o->verb, "revoke"))
				die_usage(o->verb, "--wait is an option of revoke");
			o->wait_s = parse_number(o->verb, "--wait", optarg, 0, MAX_WAIT_S);
			break;
		default:
			exit(STATUS_USAGE);
		}
	}
	return true;
}

/* Returns whether there is something to be done, and then with the pool open. */
static bool take_order(int argc, char **argv, const char *arguments, int nr, struct order *o)
{
	o->verb = argv[0];
	o->pool_name = ZCPOOL_DEFAULT;
	if (!parse_options(argc, argv, o))
		return false;
	if (argc - optind != nr)
		die_usage(o->verb, "%s takes %s", o->verb, arguments);
	o->id = parse_number(o->verb, "ID", argv[optind], 1, UINT64_MAX);
	if (nr > 1)
		o->node = parse_number(o->verb, "NODE", argv[optind + 1], 0, MAX_NODES - 1);
	o->pool = pool_open(&o->pool_name);
	return true;
}

int cmd_revoke(int argc, char **argv)
{
	struct order o = { 0 };

	return take_order(argc, argv, "ID", 1, &o) ? do_revoke(&o) : 0;
}

int cmd_migrate(int argc, char **argv)
{
	struct order o = { 0 };

	return take_order(argc, argv, "ID and NODE", 2, &o) ? do_migrate(&o) : 0;
}
