// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <zcpool.h>
#include "mounts.h"
#include "zcpoolctl.h"

static noreturn void no_pool(const char *name, int err)
{
	bool is_path = strchr(name, '/');
	char at[512];

	snprintf(at, sizeof(at), "%s%s", is_path ? "" : ZCPOOL_DEV_DIR "/", name);
	switch (err) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		die(STATUS_NO_POOL,
		    "there is no pool '%s' (%s: %s); is the module loaded? Try 'modprobe zcpool', or 'zcpoolctl pool list'",
		    name, at, strerror(err));
	case EACCES:
	case EPERM:
		die(STATUS_NO_POOL,
		    "you may not open %s; be root, or a member of the group that owns it", at);
	case ENOTTY:
		die(STATUS_USAGE,
		    "%s is neither a pool's device nor a directory of a mounted pool", at);
	case EINVAL:
	case ENAMETOOLONG:
		die(STATUS_USAGE,
		    "'%s' is no pool's name: a name is one file name in %s; a path has a slash in it",
		    name, ZCPOOL_DEV_DIR);
	default:
		die(STATUS_NO_POOL, "cannot open %s: %s", at, strerror(err));
	}
}

int pool_open(const char **name)
{
	int fd = zcpool_open(*name);
	const char *known;

	if (fd < 0)
		no_pool(*name, errno);
	known = strchr(*name, '/') ? pool_name_at(*name) : NULL;
	if (known)
		*name = known;
	return fd;
}
