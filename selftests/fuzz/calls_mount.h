/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pools that are mounted, mounted again, changed and unmounted. Whatever way a pool is
 * mounted, what is to be had is a descriptor of its root directory.
 */
#ifndef ZCPOOL_FUZZ_CALLS_MOUNT_H
#define ZCPOOL_FUZZ_CALLS_MOUNT_H

#include <sys/statfs.h>

#include "state.h"

/* Those that begin with "%" no other program has. */
static const char * const fuzz_pools[] = {
	"default", "%a", "%a", "%a", "shared", "%b", "%c", "-", "..", "layout", "%/", "%*", "*",
	NULL
};

/* What is more frequent is there more often. */
static const char * const fuzz_options[] = {
	"", "max=8M", "max=8M", "max=8M", "max=16M", "max=4M", "max=24M", "max=2M", "max=0",
	"max=64M", "max=1G", "max=9999G", "max=-1", "max=1", "max", "max=8MM",
	"reserve=2M", "reserve=4M", "reserve=0", "reserve=0:2M+1:6M", "reserve=1:4M",
	"reserve=0:2M+0:2M", "reserve=9:2M", "reserve=0:", "reserve=48M", "reserve=16M",
	"reserve=1G", "reserve", "nodes=0", "nodes=1", "nodes=0+1", "nodes=0-1", "nodes=0,1",
	"nodes=7", "nodes=1-0", "nodes=", "nodes=99999", "nodes=0-1:1/2",
	"policy=local", "policy=bind", "policy=prefer", "policy=interleave", "policy=x",
	"huge=always", "huge=never", "huge=prefer", "huge", "huge=alwaysx",
	"mode=0777", "mode=0755", "mode=0700", "mode=0", "mode=7777", "mode=17777", "mode=8",
	"uid=1", "uid=0", "uid=4294967295", "uid=x", "gid=1", "gid=0", "gid=-1",
	"ro", "rw", "sync", "lazytime", "source=other", "unknown=1", "unknown", "x=*", NULL
};

/* The root directory of what is mounted at a place */
static inline int fuzz_open_mount(unsigned int at)
{
	char path[16];

	return open(fuzz_mount_point(path, at), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* A mount by its descriptor is put where it is to be, if anywhere, and its root opened. */
static inline int fuzz_put_mount(int mount, __u64 at)
{
	char path[16];
	int fd;

	if (mount < 0)
		return -1;
	if (at)
		move_mount(mount, "", AT_FDCWD, fuzz_mount_point(path, at),
			   MOVE_MOUNT_F_EMPTY_PATH);
	fd = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(mount);
	return fd;
}

/* Without a place all there is of the mount is the descriptor, and what is opened by it. */
static inline long fuzz_fsmount(struct fuzz *z, const __u64 *a)
{
	int fs = fsopen("zcpool", FSOPEN_CLOEXEC), mount;
	char name[TEXT_SIZE], option[TEXT_SIZE];
	unsigned int i;

	fuzz_text(z, fuzz_pools, a[1], name);
	for (i = 2; i < 5; i++)
		fuzz_set_option(fs, fuzz_text(z, fuzz_options, a[i], option));
	mount = fuzz_mount_detached(fs, name, a[5]);
	close(fs);
	return fuzz_put_fd(z, a[0], fuzz_put_mount(mount, a[6]));
}

/* As mount(8) of old does it; with MS_REMOUNT it changes what is there. */
static inline long fuzz_mount(struct fuzz *z, const __u64 *a)
{
	char name[TEXT_SIZE], options[2 * TEXT_SIZE + 1], path[16];
	unsigned long flags;
	size_t n;

	fuzz_text(z, fuzz_pools, a[1], name);
	n = strlen(fuzz_text(z, fuzz_options, a[2], options));
	if (n && a[3])
		options[n++] = ',';
	fuzz_text(z, fuzz_options, a[3], options + n);
	if (a[4] & MS_REMOUNT)
		z->remounted = true;
	/* For this one the kernel has a warning to print. */
	flags = a[4] & ~(__u64)MS_MANDLOCK;
	if (mount(name, fuzz_mount_point(path, a[5]), "zcpool", flags, options))
		return -1;
	return fuzz_put_fd(z, a[0], fuzz_open_mount(a[5]));
}

static inline long fuzz_remount(struct fuzz *z, const __u64 *a)
{
	int fs = fspick(fuzz_fd(z, a[0]), "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC);
	char option[TEXT_SIZE];
	unsigned int i;
	long err;

	if (fs < 0)
		return -1;
	z->remounted = true;
	for (i = 1; i < 4; i++)
		fuzz_set_option(fs, fuzz_text(z, fuzz_options, a[i], option));
	err = fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0);
	close(fs);
	return err;
}

/* A further mount of what is mounted somewhere, or of a directory in it */
static inline long fuzz_bind(struct fuzz *z, const __u64 *a)
{
	struct mount_attr attr = { .attr_set = a[2] };
	int mount = open_tree(fuzz_fd(z, a[1]), "",
			      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);

	if (mount >= 0 && a[2])
		mount_setattr(mount, "", AT_EMPTY_PATH, &attr, sizeof(attr));
	return fuzz_put_fd(z, a[0], fuzz_put_mount(mount, a[3]));
}

/* Of what is mounted there last */
static inline long fuzz_root(struct fuzz *z, const __u64 *a)
{
	return fuzz_put_fd(z, a[0], fuzz_open_mount(a[1]));
}

static inline long fuzz_umount(struct fuzz *z, const __u64 *a)
{
	char path[16];

	return umount2(fuzz_mount_point(path, a[0]), a[1]);
}

static inline long fuzz_statfs(struct fuzz *z, const __u64 *a)
{
	struct statfs fs;

	if (fstatfs(fuzz_fd(z, a[0]), &fs))
		return -1;
	if (fs.f_bavail > fs.f_blocks || fs.f_ffree > fs.f_files)
		fuzz_wrong(z, "more is free than there is, of blocks", fs.f_blocks);
	return 0;
}

#endif /* ZCPOOL_FUZZ_CALLS_MOUNT_H */
