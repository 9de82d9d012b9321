// SPDX-License-Identifier: GPL-2.0
/*
 * zcpoolctl pool destroy: takes a pool's mounts away, and waits until it has gone, which is
 * when nothing of its memory is in use.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zcpool.h>
#include "mounts.h"
#include "pool_verbs.h"
#include "progress.h"
#include "users.h"
#include "zcpoolctl.h"

#define MAX_WAIT_S	4000000
#define RETRY_MS	200	/* that a mount is not in use any more nobody tells */

struct destroy {
	const char *name;
	char device[512];	/* its path */
	struct stat node;	/* it, as it was; st_ino is 0 if there was none */
	dev_t fs;		/* its mounts', or 0 */
	bool waits;
	bool quiet;
	long long until_ms;	/* LLONG_MAX: without end */
};

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* One of the same name may have come after it. */
static bool has_gone(const struct destroy *d)
{
	struct stat st;

	return !d->node.st_ino || lstat(d->device, &st) || st.st_ino != d->node.st_ino ||
	       st.st_rdev != d->node.st_rdev;
}

/* Who has it, a line each. Returns how many processes that are. */
static unsigned int print_users(FILE *f, const struct destroy *d)
{
	struct belongings b = { .pool = d->name, .fs = d->fs, .device = d->node.st_rdev };
	unsigned int users;

	buffers_read(&b);
	users = users_print(f, &b);
	free(b.buffers);
	return users;
}

static void say_busy(const struct destroy *d, const struct mount *m)
{
	progress_clear();
	fprintf(stderr, "zcpoolctl: pool '%s' is in use at %s, by:\n", d->name, m->path);
	if (!(print_users(stderr, d) + mounts_print_on(stderr, m)))
		fputs("  nothing that /proc shows: the kernel (swap, a loop device, an export),\n"
		      "  or it has just ended\n", stderr);
}

/* Says who still has some of it, if there is anybody. Returns whether there is. */
static bool say_still_there(const struct destroy *d)
{
	unsigned int users;
	char *text;
	size_t size;
	FILE *f;

	progress_clear();
	f = open_memstream(&text, &size);
	if (!f)
		die(STATUS_NO_MEMORY, "no memory");
	users = print_users(f, d);
	if (fclose(f))
		die(STATUS_NO_MEMORY, "no memory");
	if (users)
		fprintf(stderr,
			"zcpoolctl: pool '%s' is unmounted, but some of it is still in use, by:\n%s",
			d->name, text);
	free(text);
	return users;
}

/*
 * Waits for the directory of devices to change, or some time. Returns false when there is no
 * time left.
 */
static bool wait_a_moment(const struct destroy *d, int watch, const char *what)
{
	static long long start;
	long long now = now_ms(), pause = d->until_ms - now;
	struct pollfd p = { .fd = watch, .events = POLLIN };
	char events[4096], text[512];

	if (pause <= 0)
		return false;
	if (!start)
		start = now;
	snprintf(text, sizeof(text), "waiting until %s: %lld s", what, (now - start) / 1000);
	progress_say(text);
	if (pause > RETRY_MS)
		pause = RETRY_MS;
	if (poll(&p, 1, pause) > 0 && read(watch, events, sizeof(events)) < 0 && errno != EAGAIN)
		die(STATUS_TRANSFER, "cannot read from inotify: %s", strerror(errno));
	return true;
}

/* In mount namespaces that have got a copy of the mount, it goes with the directory. */
static void remove_directory(const struct mount *m)
{
	static const char ours[] = POOL_MOUNT_DIR "/";

	if (!strncmp(m->path, ours, strlen(ours)))
		rmdir(m->path);
}

static void take_down(const struct destroy *d, const struct mount *m, int watch)
{
	bool said = d->quiet;

	if (!mount_is_on_top(m))
		die(STATUS_TRANSFER, "something else hides pool '%s' at %s, and has to go first",
		    d->name, m->path);
	while (umount2(m->path, UMOUNT_NOFOLLOW)) {
		if (errno == EPERM)
			die(STATUS_NO_POOL,
			    "you may not unmount pool '%s': that takes CAP_SYS_ADMIN; be root",
			    d->name);
		if (errno != EBUSY)
			die(STATUS_TRANSFER, "cannot unmount pool '%s' from %s: %s", d->name,
			    m->path, strerror(errno));
		if (!said && d->waits)
			say_busy(d, m);
		said = true;
		if (d->waits && wait_a_moment(d, watch, "it can be unmounted"))
			continue;
		say_busy(d, m);
		exit(STATUS_TRANSFER);
	}
	remove_directory(m);
}

/* The last one first: it may be mounted on another one. */
static void take_all_down(struct destroy *d, int watch)
{
	struct mounts all;
	size_t i;

	mounts_read_own(&all);
	if (!mounts_find(&all, d->name) && !d->node.st_ino)
		die(STATUS_NO_POOL,
		    "there is no pool '%s'; 'zcpoolctl pool list' shows what there is", d->name);
	for (i = all.nr; i-- > 0;) {
		if (strcmp(all.at[i].pool, d->name))
			continue;
		d->fs = all.at[i].dev;
		take_down(d, &all.at[i], watch);
	}
}

static int done(const struct destroy *d, const char *what)
{
	progress_clear();
	if (!d->quiet)
		printf("pool %s %s\n", d->name, what);
	return 0;
}

static int wait_until_gone(const struct destroy *d, int watch)
{
	if (!d->quiet)
		say_still_there(d);
	while (!has_gone(d)) {
		if (wait_a_moment(d, watch, "nothing of it is in use"))
			continue;
		if (!say_still_there(d))
			notice("pool '%s' is unmounted, but %s", d->name,
			       "something that /proc does not show has some of it: I/O in flight, RDMA, a descriptor on its way through a socket");
		return STATUS_PINNED;
	}
	return done(d, "is destroyed");
}

static int destroy(struct destroy *d)
{
	int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	/* It is a hint: what is waited for is looked at itself. */
	if (watch >= 0)
		inotify_add_watch(watch, ZCPOOL_DEV_DIR, IN_DELETE | IN_MOVED_FROM);
	snprintf(d->device, sizeof(d->device), "%s/%s", ZCPOOL_DEV_DIR, d->name);
	if (lstat(d->device, &d->node) || !S_ISCHR(d->node.st_mode))
		memset(&d->node, 0, sizeof(d->node));
	take_all_down(d, watch);
	if (!strcmp(d->name, ZCPOOL_DEFAULT))
		return done(d, "is mounted nowhere here, and goes with the module");
	if (has_gone(d))
		return done(d, "is destroyed");
	if (d->waits)
		return wait_until_gone(d, watch);
	return say_still_there(d) ? STATUS_PINNED : done(d, "is unmounted, and on its way");
}

static void print_usage(void)
{
	puts("Usage: zcpoolctl pool destroy [OPTION]... NAME\n"
	     "Unmount the pool NAME wherever it is mounted in this mount namespace. It goes when\n"
	     "none of its memory is in use any more. Where it is busy it is said by whom, and it\n"
	     "stays. NAME may be the path of a mount.\n\n"
	     "  --wait [SECONDS]  wait so long, or without end, until it has gone\n"
	     "  --quiet           print nothing but errors\n"
	     "  --help            show this\n\n"
	     "Needs root. Exit status: 0 done; 1 in use, or failed; 2 wrong usage; 3 no such pool,\n"
	     "or not allowed; 6 unmounted, but after SECONDS still in use. See zcpoolctl(1).");
}

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

/* A number after --wait is its own. */
static const char *seconds_after(int argc, char **argv)
{
	if (optarg)
		return optarg;
	return optind < argc && is_number(argv[optind]) ? argv[optind++] : NULL;
}

static void set_wait(struct destroy *d, const char *seconds)
{
	d->waits = true;
	d->until_ms = !seconds ? INT64_MAX :
		now_ms() + 1000 * parse_number("pool destroy", "--wait", seconds, 0, MAX_WAIT_S);
}

/* Returns false where --help was asked for and printed. */
static bool parse(int argc, char **argv, struct destroy *d)
{
	static const struct option options[] = {
		{ "wait", optional_argument, NULL, 'w' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case 'w':
			set_wait(d, seconds_after(argc, argv));
			break;
		case 'q':
			d->quiet = true;
			break;
		case 'h':
			print_usage();
			return false;
		default:
			exit(STATUS_USAGE);
		}
	}
	if (argc - optind != 1)
		die_usage("pool destroy", "pool destroy takes the NAME of one pool");
	return true;
}

/* Whoever names a directory that is not mounted yet does not mean what that lies in. */
static void check_path(const char *path, const char *name)
{
	struct statx stx;

	if (!strchr(path, '/') || statx(AT_FDCWD, path, AT_NO_AUTOMOUNT, STATX_TYPE, &stx))
		return;
	if (S_ISDIR(stx.stx_mode) && !(stx.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		die_usage("pool destroy",
			  "%s is a directory in pool '%s', and not where that is mounted", path,
			  name);
}

int pool_destroy(int argc, char **argv)
{
	struct destroy d = { 0 };

	if (!parse(argc, argv, &d))
		return 0;
	d.name = pool_name(argv[optind]);
	check_path(argv[optind], d.name);
	/* Or we might be in the way ourselves. */
	if (chdir("/"))
		die(STATUS_TRANSFER, "cannot change to /: %s", strerror(errno));
	return destroy(&d);
}
