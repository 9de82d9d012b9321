// SPDX-License-Identifier: LGPL-2.1-or-later
/* Finding a pool: by its name, by its device, or by where it is mounted. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <zcpool.h>
#include "internal.h"

static int open_name(const char *name)
{
	char path[256];
	int n;

	/* A name is one component: what it opens is always a pool's node. */
	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return fail(EINVAL);
	n = snprintf(path, sizeof(path), "%s/%s", ZCPOOL_DEV_DIR, name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return fail(ENAMETOOLONG);
	return open(path, O_RDWR | O_CLOEXEC);
}

static int close_failing(int fd, int err)
{
	close(fd);
	return fail(err);
}

/* Gives the descriptor back where it is a pool's. */
static int if_pool(int fd)
{
	struct zcpool_info info;

	if (fd >= 0 && zcpool_info(fd, -1, &info))
		return close_failing(fd, errno == EOPNOTSUPP ? ENOTTY : errno);
	return fd;
}

/* From a directory, which is closed, to the root of the mount that it is in */
static int climb(int dir)
{
	struct statx here, above;
	int up;

	if (statx(dir, "", AT_EMPTY_PATH, STATX_INO, &here))
		return close_failing(dir, errno);
	while (!(here.stx_attributes & STATX_ATTR_MOUNT_ROOT)) {
		up = openat(dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (up < 0)
			return close_failing(dir, errno);
		close(dir);
		dir = up;
		if (statx(dir, "", AT_EMPTY_PATH, STATX_INO, &above))
			return close_failing(dir, errno);
		/* The root of a process is its own parent, wherever in a mount it is. */
		if (above.stx_ino == here.stx_ino)
			break;
		here = above;
	}
	return dir;
}

static int open_directory(int dir)
{
	struct statfs fs;
	int root;

	if (fstatfs(dir, &fs))
		return close_failing(dir, errno);
	/* Others may answer any ioctl. (The magic has 31 bits.) */
	if (fs.f_type != ZCPOOL_SUPER_MAGIC)
		return close_failing(dir, ENOTTY);
	dir = climb(dir);
	if (dir < 0)
		return -1;
	root = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return close_failing(dir, errno);
	close(dir);
	return if_pool(root);
}

/* It is looked at before it is opened, as that may do something. */
static int open_path(const char *path)
{
	int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st))
		return close_failing(fd, errno);
	if (S_ISDIR(st.st_mode))
		return open_directory(fd);
	close(fd);
	if (!S_ISCHR(st.st_mode))
		return fail(ENOTTY);
	return if_pool(open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
}

int zcpool_open(const char *name)
{
	if (!name)
		name = ZCPOOL_DEFAULT;
	return strchr(name, '/') ? open_path(name) : open_name(name);
}
