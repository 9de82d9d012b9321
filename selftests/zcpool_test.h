/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a zcpool selftest begins with: the harness, what is in lib/, and a fixture.
 *
 * Every test that uses the "pool" fixture is also a test for leaks: when it
 * ends, the pool must have as many bytes in use as when it began. A test
 * therefore unmaps and closes all that it made.
 */
#ifndef ZCPOOL_TEST_H
#define ZCPOOL_TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/fd.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/random.h"
#include "lib/system.h"
#include "lib/take.h"

/* Emulated machines are slow: a limit against hanging, not an expectation. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	240

FIXTURE(pool) {
	int fd;
	__u64 used;
};

FIXTURE_SETUP(pool)
{
	self->fd = pool_open();
	ASSERT_LE(0, self->fd)
		TH_LOG("%s: %s", POOL_PATH, strerror(errno));
	self->used = pool_used(self->fd);
}

FIXTURE_TEARDOWN(pool)
{
	EXPECT_EQ(self->used, pool_wait_used(self->fd, self->used))
		TH_LOG("the test left memory in use");
	close(self->fd);
}

/* Maps all of a new buffer. Without one the test ends. */
static inline char *map_new(struct __test_metadata *_metadata, int pool, size_t len, int *buf)
{
	char *p;

	*buf = buf_alloc(pool, len, 0, -1);
	ASSERT_LE(0, *buf);
	p = buf_map(*buf, len, 0);
	ASSERT_NE(MAP_FAILED, p);
	return p;
}

#define NO_PMDS		"this kernel maps nothing by PMDs"

#endif /* ZCPOOL_TEST_H */
