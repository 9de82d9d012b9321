/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where a process of the fuzzer mounts pools: in a mount namespace of its own, which takes
 * with it whatever is left there. And the default pool, which programs may change and which
 * is to be again what it was.
 */
#ifndef ZCPOOL_FUZZ_MOUNTS_H
#define ZCPOOL_FUZZ_MOUNTS_H

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../module/uapi/zcpool.h"
#include "../lib/sizes.h"

/* What the module is loaded with: a small pool is often full, and so are all together. */
#define FUZZ_ARGUMENTS	"reserve=8M max=24M ceiling=64M"
#define FUZZ_CEILING	(64UL << 20)

#define FUZZ_MOUNT_POINTS	4
#define FUZZ_MOUNT_DIR		"/tmp"

static inline const char *fuzz_mount_point(char path[16], unsigned int nr)
{
	snprintf(path, 16, FUZZ_MOUNT_DIR "/%u", nr % FUZZ_MOUNT_POINTS);
	return path;
}

/* Nothing else can be made in the directory of the mount points. */
static inline bool fuzz_mounts_begin(void)
{
	char path[16];
	unsigned int i;

	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("fuzz", FUZZ_MOUNT_DIR, "tmpfs", 0, "size=64K")) {
		perror("fuzz: mount namespace");
		return false;
	}
	for (i = 0; i < FUZZ_MOUNT_POINTS; i++)
		if (mkdir(fuzz_mount_point(path, i), 0755))
			return false;
	return !mount(NULL, FUZZ_MOUNT_DIR, NULL, MS_REMOUNT | MS_RDONLY, NULL);
}

static inline void fuzz_mounts_end(void)
{
	char path[16];
	unsigned int i;

	for (i = 0; i < FUZZ_MOUNT_POINTS; i++)
		while (!umount2(fuzz_mount_point(path, i), MNT_DETACH))
			;
}

/* "key=value", or "key" alone; which fails does not matter. */
static inline void fuzz_set_option(int fs, const char *text)
{
	char key[512], *value;

	if (!*text)
		return;
	snprintf(key, sizeof(key), "%s", text);
	value = strchr(key, '=');
	if (value)
		*value++ = 0;
	fsconfig(fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value, 0);
}

/* A mount without a place, for who has set the options of a context; -1 if none comes of it. */
static inline int fuzz_mount_detached(int fs, const char *name, unsigned int attributes)
{
	int fd = -1;

	fsconfig(fs, FSCONFIG_SET_STRING, "source", name, 0);
	if (!fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		fd = fsmount(fs, FSMOUNT_CLOEXEC, attributes);
	return fd;
}

/* Has the default pool have all settings as by FUZZ_ARGUMENTS; false if not all could be. */
static inline bool fuzz_restore_default(void)
{
	static const char * const options[] = {
		"nodes=0-1", "reserve=8M", "max=24M", "policy=local", "huge=prefer", "mode=0700",
		"uid=0", "gid=0",
	};
	int fs = fsopen("zcpool", FSOPEN_CLOEXEC);
	int dir = fuzz_mount_detached(fs, ZCPOOL_DEFAULT, 0), pick;
	unsigned int i;
	bool ok;

	close(fs);
	pick = fspick(dir, "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC);
	for (i = 0; i < ARRAY_SIZE(options); i++)
		fuzz_set_option(pick, options[i]);
	ok = !fsconfig(pick, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0);
	close(pick);
	close(dir);
	return ok;
}

#endif /* ZCPOOL_FUZZ_MOUNTS_H */
