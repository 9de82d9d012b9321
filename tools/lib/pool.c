// SPDX-License-Identifier: LGPL-2.1-or-later
/* Pools and buffers: one system call a function, arguments checked first. */
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <zcpool.h>
#include "internal.h"

int zcpool_info(int pool, int node, struct zcpool_info *info)
{
	if (!info || node < -1)
		return fail(EINVAL);
	memset(info, 0, sizeof(*info));
	if (node >= 0) {
		info->flags = ZCPOOL_INFO_NODE;
		info->node = node;
	}
	return ioctl(pool, ZCPOOL_IOC_INFO, info);
}

int zcpool_alloc(int pool, uint64_t *size, uint32_t flags, int node)
{
	struct zcpool_alloc req = { .flags = flags };

	if (!size || node < -1 || (flags & ZCPOOL_ALLOC_NODE))
		return fail(EINVAL);
	req.size = *size;
	if (node >= 0) {
		req.flags |= ZCPOOL_ALLOC_NODE;
		req.node = node;
	}
	if (ioctl(pool, ZCPOOL_IOC_ALLOC, &req) < 0)
		return -1;
	*size = req.size;
	return req.fd;
}

/*
 * That an ioctl is answered proves nothing: who serves a FUSE file system can answer any,
 * and then pull the memory from under a mapping. What type of file system it is, though,
 * the kernel says. (The magic has 31 bits: how wide f_type is, and whether it has a sign,
 * makes no difference.)
 */
int zcpool_check_buffer(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return -1;
	if (fs.f_type != ZCPOOL_SUPER_MAGIC)
		return fail(ENOTTY);
	return 0;
}

int zcpool_buf_info(int buf, struct zcpool_buf_info *info)
{
	if (!info)
		return fail(EINVAL);
	if (zcpool_check_buffer(buf) < 0)
		return -1;
	memset(info, 0, sizeof(*info));
	return ioctl(buf, ZCPOOL_BUF_INFO, info);
}

void *zcpool_map(int buf, int prot, int flags, size_t *len)
{
	struct zcpool_buf_info info;
	void *addr;

	/*
	 * This also proves that the descriptor is a buffer: one whose memory its
	 * sender cannot truncate.
	 */
	if (zcpool_buf_info(buf, &info) < 0)
		return MAP_FAILED;
	if (info.size > SIZE_MAX) {
		errno = EOVERFLOW;
		return MAP_FAILED;
	}
	/* The module itself chooses an address that PMDs can map. */
	addr = mmap(NULL, info.size, prot, MAP_SHARED | flags, buf, 0);
	if (addr != MAP_FAILED && len)
		*len = info.size;
	return addr;
}

void *zcpool_map_new(int pool, size_t len, int flags)
{
	return mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | flags, pool, 0);
}

int zcpool_close(int fd)
{
	/* Linux has closed the descriptor even where it says EINTR. */
	if (close(fd) < 0 && errno != EINTR)
		return -1;
	return 0;
}
