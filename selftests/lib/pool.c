// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pool.h"

int pool_open(void)
{
	return open(POOL_PATH, O_RDWR | O_CLOEXEC);
}

int buf_alloc(int pool, __u64 size, __u32 flags, int node)
{
	struct zcpool_alloc a = { .size = size, .flags = flags };

	if (node >= 0) {
		a.flags |= ZCPOOL_ALLOC_NODE;
		a.node = node;
	}
	if (ioctl(pool, ZCPOOL_IOC_ALLOC, &a))
		return -errno;
	return a.fd;
}

int buf_info(int buf, struct zcpool_buf_info *bi)
{
	memset(bi, 0, sizeof(*bi));
	return ioctl(buf, ZCPOOL_BUF_INFO, bi);
}

void *buf_map(int buf, size_t len, off_t off)
{
	return mmap(NULL, len, RDWR, MAP_SHARED, buf, off);
}

int pool_info(int pool, int node, struct zcpool_info *pi)
{
	memset(pi, 0, sizeof(*pi));
	if (node >= 0) {
		pi->flags = ZCPOOL_INFO_NODE;
		pi->node = node;
	}
	return ioctl(pool, ZCPOOL_IOC_INFO, pi);
}

bool info_adds_up(const struct zcpool_info *pi)
{
	return pi->total_bytes == pi->clean_bytes + pi->dirty_bytes +
		pi->quarantined_bytes + pi->used_bytes + pi->retired_bytes;
}

__u64 pool_used(int pool)
{
	struct zcpool_info pi;

	return pool_info(pool, -1, &pi) ? ~0ULL : pi.used_bytes;
}

/* Whether the state that is waited for has come */
typedef bool reached_fn(const struct zcpool_info *pi, __u64 arg);

static int pool_wait_for(int tries, int pool, int node, reached_fn *reached, __u64 arg,
			 struct zcpool_info *pi)
{
	int i;

	for (i = 0; i < tries; i++) {
		if (pool_info(pool, node, pi))
			return -1;
		if (reached(pi, arg))
			return 0;
		usleep(POLL_USEC);
	}
	return -1;
}

static int pool_wait(int pool, int node, reached_fn *reached, __u64 arg, struct zcpool_info *pi)
{
	return pool_wait_for(POLL_TRIES, pool, node, reached, arg, pi);
}

static bool is_used(const struct zcpool_info *pi, __u64 bytes)
{
	return pi->used_bytes == bytes;
}

__u64 pool_wait_used(int pool, __u64 want)
{
	struct zcpool_info pi;

	return pool_wait(pool, -1, is_used, want, &pi) ? pool_used(pool) : want;
}

static bool is_scrubbed(const struct zcpool_info *pi, __u64 unused)
{
	return !pi->dirty_bytes;
}

int pool_wait_scrubbed(int pool, struct zcpool_info *pi)
{
	return pool_wait(pool, -1, is_scrubbed, 0, pi);
}

static bool is_idle(const struct zcpool_info *pi, __u64 unused)
{
	return !pi->dirty_bytes && !pi->quarantined_bytes;
}

int pool_wait_idle(int pool, struct zcpool_info *pi)
{
	return pool_wait(pool, -1, is_idle, 0, pi);
}

static bool has_reserve(const struct zcpool_info *pi, __u64 most)
{
	return is_idle(pi, 0) && pi->total_bytes >= pi->reserve_bytes && pi->total_bytes <= most;
}

int pool_wait_reserve(int pool, int node, __u64 more, struct zcpool_info *pi)
{
	if (pool_info(pool, node, pi))
		return -1;
	more *= node < 0 ? pi->nr_nodes : 1;
	if (!pool_wait_for(REGAIN_TRIES, pool, node, has_reserve, pi->reserve_bytes + more, pi))
		return 0;
	printf("# total %llu, of it clean %llu, dirty %llu, quarantined %llu\n",
	       pi->total_bytes, pi->clean_bytes, pi->dirty_bytes, pi->quarantined_bytes);
	return -1;
}

int take_the_rest(int pool, void (*see)(char *p, size_t len, void *arg), void *arg)
{
	static int buf[16384 + 64];
	struct rlimit r = { 20000, 20000 };
	size_t len = CHUNK;
	int n = 0, err = 0;
	char *p;

	setrlimit(RLIMIT_NOFILE, &r);
	while (n < (int)ARRAY_SIZE(buf)) {
		buf[n] = buf_alloc(pool, len, 0, -1);
		if (buf[n] < 0) {
			if (len == PAGE)
				break;
			len = len == CHUNK ? 64 * KIB : PAGE;
			continue;
		}
		p = buf_map(buf[n++], len, 0);
		if (p == MAP_FAILED) {
			err = -1;
			continue;
		}
		see(p, len, arg);
		munmap(p, len);
	}
	while (n)
		close(buf[--n]);
	return err;
}
