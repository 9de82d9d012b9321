/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the library share; the version script keeps it inside. */
#ifndef ZCPOOL_INTERNAL_H
#define ZCPOOL_INTERNAL_H

#include <errno.h>

static inline int fail(int err)
{
	errno = err;
	return -1;
}

/* 0 where the descriptor is a buffer's, whatever it answers; ENOTTY otherwise. */
__attribute__((visibility("hidden"))) int zcpool_check_buffer(int fd);

#endif /* ZCPOOL_INTERNAL_H */
