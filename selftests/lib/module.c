// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "module.h"
#include "pool.h"

int module_load(const char *params)
{
	const char *path = getenv("ZCPOOL_KO");
	int fd, err, i;

	fd = open(path ? path : "", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = syscall(SYS_finit_module, fd, params, 0) ? -errno : 0;
	close(fd);
	/* devtmpfs makes the node in its own time. */
	for (i = 0; !err && i < POLL_TRIES && access(POOL_PATH, F_OK); i++)
		usleep(POLL_USEC);
	return err;
}

int module_unload(void)
{
	return syscall(SYS_delete_module, "zcpool", O_NONBLOCK) ? -errno : 0;
}
