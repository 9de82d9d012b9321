// SPDX-License-Identifier: GPL-2.0
/*
 * Faults on the way of mounting a pool, which makes it, and of changing it. A pool that could not
 * be made is gone; one that could not be changed is as it was.
 */
#include "steps.h"
#include "../lib/mount.h"
#include <sys/mount.h>

#define DIR		"/run/zcpool_fault"
#define OPTIONS		"max=8M reserve=0:4M mode=0770 uid=1000 nodes=0"

static long call_mount(struct scene *s)
{
	s->fd = mount_pool_open("a", OPTIONS, NULL);
	return s->fd < 0 ? s->fd : 0;
}

/* Perhaps with less in reserve, and perhaps without a device node or files in debugfs */
static bool check_mount(struct scene *s, long ret)
{
	struct zcpool_info pi;
	int buf;

	if (pool_info(s->fd, -1, &pi) || pi.max_bytes != 8 * MIB || pi.reserve_bytes != 4 * MIB ||
	    !info_adds_up(&pi))
		return false;
	buf = buf_alloc(s->fd, CHUNK + PAGE, 0, -1);
	close(buf);
	return buf >= 0;
}

static bool kept_mount(struct scene *s)
{
	return pool_ends("a");
}

static void undo_mount(struct scene *s, long ret)
{
	if (ret >= 0)
		close(s->fd);
	pool_ends("a");
}

WALK_PATH(mount, .name = "mount", .params = RESERVE, .must = SLAB | PAGES | COPY,
	  .call = call_mount, .check = check_mount, .kept = kept_mount, .undo = undo_mount)

static int prepare_first(struct scene *s)
{
	return make_dir(DIR) && !mount_pool("a", "max=8M nodes=0", DIR, NULL) ? 0 : -1;
}

/* The first that anybody has of it */
static long call_first(struct scene *s)
{
	int root = open(DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC), buf;

	if (root < 0)
		return -errno;
	buf = buf_alloc(root, PAGE, 0, -1);
	if (buf >= 0)
		close(buf);
	close(root);
	return buf < 0 ? buf : 0;
}

static bool none_used(void)
{
	int root = open(DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool none = !pool_wait_used(root, 0);

	close(root);
	return none;
}

static bool check_first(struct scene *s, long ret)
{
	return none_used();
}

static bool kept_first(struct scene *s)
{
	return none_used();
}

static int prepare_remount(struct scene *s)
{
	return make_dir(DIR) && !mount_pool("a", OPTIONS, DIR, NULL) ? 0 : -1;
}

static long call_remount(struct scene *s)
{
	return remount_pool(DIR, "max=16M reserve=0:6M mode=0700 gid=7 policy=prefer", NULL);
}

static bool options_are(const char *want)
{
	char options[512], *at;

	if (!mounted_options(DIR, options, sizeof(options)))
		return false;
	at = strstr(options, ",nodes");
	return at && !strcmp(at, want);
}

static bool check_remount(struct scene *s, long ret)
{
	return options_are(",nodes=0,policy=prefer,reserve=0:6M,max=16M,uid=1000,gid=7");
}

static bool kept_remount(struct scene *s)
{
	return options_are(",nodes=0,reserve=0:4M,max=8M,mode=0770,uid=1000");
}

static void undo_remount(struct scene *s, long ret)
{
	umount(DIR);
	pool_ends("a");
}

WALK_PATH(first, .name = "mount-first-alloc", .params = RESERVE, .must = SLAB | PAGES | COPY,
	  .prepare = prepare_first, .call = call_first, .check = check_first,
	  .kept = kept_first, .undo = undo_remount)

WALK_PATH(remount, .name = "remount", .params = RESERVE, .must = SLAB | COPY,
	  .prepare = prepare_remount, .call = call_remount, .check = check_remount,
	  .kept = kept_remount, .undo = undo_remount)

TEST_HARNESS_MAIN
