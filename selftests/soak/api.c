// SPDX-License-Identifier: GPL-2.0
/*
 * The ABI as it is, and other things that all need.
 */
#include "soak.h"

int pool_open(void)
{
	return open(POOL_PATH, O_RDWR | O_CLOEXEC);
}

/* A new buffer's descriptor, or -errno; node is -1 for "local". */
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

/* node is -1 for the whole pool. */
int pool_info(int pool, int node, struct zcpool_info *pi)
{
	memset(pi, 0, sizeof(*pi));
	if (node >= 0) {
		pi->flags = ZCPOOL_INFO_NODE;
		pi->node = node;
	}
	return ioctl(pool, ZCPOOL_IOC_INFO, pi);
}

void *buf_map(int buf, size_t len, off_t off)
{
	return mmap(NULL, len, RDWR, MAP_SHARED, buf, off);
}

bool node_exists(int node)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d", node);
	return !access(path, F_OK);
}

/* 24 bits, by a small generator of its own, so that a seed gives the same numbers anywhere. */
__u32 rnd(__u32 *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* One write to a file of the kernel's. */
void put_string(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail("'%s' into %s: %s", text, path, strerror(errno));
	close(fd);
}
