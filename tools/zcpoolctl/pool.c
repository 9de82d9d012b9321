// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <zcpool.h>
#include "zcpoolctl.h"

int pool_open(const char *name)
{
	int fd = zcpool_open(name);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		die(STATUS_NO_POOL,
		    "there is no pool '%s' (%s/%s: %s); is the module loaded? Try 'modprobe zcpool'",
		    name, ZCPOOL_DEV_DIR, name, strerror(errno));
	case EACCES:
	case EPERM:
		die(STATUS_NO_POOL,
		    "you may not open %s/%s; be root, or a member of the group that owns it",
		    ZCPOOL_DEV_DIR, name);
	case EINVAL:
	case ENAMETOOLONG:
		die(STATUS_USAGE,
		    "'%s' is no pool's name: a name is one file name in %s",
		    name, ZCPOOL_DEV_DIR);
	default:
		die(STATUS_NO_POOL, "cannot open %s/%s: %s", ZCPOOL_DEV_DIR, name,
		    strerror(errno));
	}
}
