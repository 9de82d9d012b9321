/* SPDX-License-Identifier: GPL-2.0 */
/* The pool's own calls, as programs of 64 and of 32 bits make them */
#ifndef ZCPOOL_FUZZ_CALLS_POOL_H
#define ZCPOOL_FUZZ_CALLS_POOL_H

#include <sys/ioctl.h>
#include <sys/stat.h>

#include "calls_mount.h"
#include "state.h"

/* "/" in a name would lead elsewhere, and so would none. */
static inline long fuzz_open(struct fuzz *z, const __u64 *a)
{
	char name[TEXT_SIZE], path[TEXT_SIZE + 16];

	fuzz_text(z, fuzz_pools, a[2], name);
	if (!*name || strchr(name, '/') || !strcmp(name, ".."))
		return -1;
	snprintf(path, sizeof(path), ZCPOOL_DEV_DIR "/%s", name);
	return fuzz_put_fd(z, a[0], open(path, a[1] | O_CLOEXEC | O_NONBLOCK));
}

static inline long fuzz_alloc(struct fuzz *z, const __u64 *a)
{
	struct zcpool_alloc arg = { .size = a[2], .flags = a[3], .node = a[4] };

	if (ioctl(fuzz_fd(z, a[1]), ZCPOOL_IOC_ALLOC, &arg))
		return -1;
	return fuzz_put_fd(z, a[0], arg.fd);
}

/*
 * Whether a buffer nobody has touched yet is zero, each 64th byte of it. Another thread
 * may write to a descriptor that was just closed, and is now this buffer's.
 */
static inline bool fuzz_is_zero(const struct fuzz *z, const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i += 64)
		if (p[i] && !(z->threaded && (z->report->foreign || p[i] == 'x' ||
					      (unsigned char)p[i] == z->tag)))
			return false;
	return true;
}

/* Nobody else knows the buffer yet, but by its number it can be revoked. */
static inline void fuzz_soil(struct fuzz *z, char *p, size_t len, __u64 size)
{
	struct fuzz_jump here;

	fuzz_jump = &here;
	if (!sigsetjmp(here.env, 0)) {
		if (!fuzz_is_zero(z, p, len))
			fuzz_wrong(z, "a new buffer is not zero, of size", size);
		memset(p, z->tag, len);
	}
	fuzz_jump = NULL;
}

/* A new buffer that is looked at before anybody else knows it, and then soiled. */
static inline long fuzz_fresh(struct fuzz *z, const __u64 *a)
{
	size_t len = (a[3] + PAGE - 1) & -PAGE;
	size_t touched = len < FUZZ_TOUCH * PAGE ? len : FUZZ_TOUCH * PAGE;
	int fd = buf_alloc(fuzz_fd(z, a[2]), a[3], a[4], -1);
	char *p;

	if (fd < 0)
		return -1;
	p = len > FUZZ_ARENA_MOST ? MAP_FAILED :
		mmap(fuzz_place(z, len, 0), len, RDWR, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED)
		fuzz_soil(z, p, touched, a[3]);
	if (fuzz_put_fd(z, a[0], fd) < 0)
		return -1;
	return fuzz_put_map(z, a[1], p, len);
}

static inline long fuzz_info(struct fuzz *z, const __u64 *a)
{
	struct zcpool_info info = { .flags = a[1], .node = a[2] };
	int err = ioctl(fuzz_fd(z, a[0]), ZCPOOL_IOC_INFO, &info);

	if (!err && a[1] && !info_adds_up(&info))
		fuzz_wrong(z, "a node's bytes do not add up, of", info.total_bytes);
	return err;
}

/* By its number somebody may revoke the buffer meanwhile. */
static inline long fuzz_buf_info(struct fuzz *z, const __u64 *a)
{
	struct zcpool_buf_info info, again;
	int fd = fuzz_fd(z, a[0]);
	struct stat st;

	if (buf_info(fd, &info))
		return -1;
	if (fuzz_is_alone(z) && !fstat(fd, &st) && !buf_info(fd, &again) &&
	    !memcmp(&info, &again, sizeof(info)) &&
	    info.whole_bytes + info.split_bytes != st.st_blocks * 512ULL)
		fuzz_wrong(z, "st_blocks is not what a buffer has, but", st.st_blocks);
	return 0;
}

/* A 32-bit program's system call: its pointers are short, and so is its table. */
static inline long fuzz_int80(long nr, long b, long c, long d)
{
	long ret = nr;

#ifdef __x86_64__
	asm volatile("int $0x80" : "+a"(ret) : "b"(b), "c"(c), "d"(d)
		     : "memory", "r8", "r9", "r10", "r11");
#endif
	return ret;
}

#define FUZZ_COMPAT_IOCTL	54

/* The descriptor that a command has made; -1 if it makes none */
static inline int fuzz_made_fd(unsigned int cmd, const void *arg)
{
	switch (cmd & ~IOCSIZE_MASK) {
	case ZCPOOL_IOC_ALLOC & ~IOCSIZE_MASK:
		return ((const struct zcpool_alloc *)arg)->fd;
	case ZCPOOL_BUF_MOVE & ~IOCSIZE_MASK:
	case ZCPOOL_BUF_OPEN_RO & ~IOCSIZE_MASK:
		return ((const struct zcpool_new_fd *)arg)->fd;
	default:
		return -1;
	}
}

/* Any command, any size of struct: its first three words are given, the rest is one byte. */
static inline long fuzz_ioctl(struct fuzz *z, const __u64 *a)
{
	unsigned int cmd = (a[2] & ~((__u64)_IOC_SIZEMASK << _IOC_SIZESHIFT)) |
		(a[3] & _IOC_SIZEMASK) << _IOC_SIZESHIFT;
	char *arg = fuzz_scratch + FUZZ_SCRATCH - 32 * KIB;
	int fd = -1;
	long err;

	memset(arg, a[7], 17 * KIB);
	memcpy(arg, &a[4], 3 * sizeof(*a));
	if (sizeof(long) == 8 && a[7] & 0x100)
		err = fuzz_int80(FUZZ_COMPAT_IOCTL, fuzz_fd(z, a[1]), cmd, (long)arg);
	else
		err = ioctl(fuzz_fd(z, a[1]), cmd, arg);
	if (!err)
		fd = fuzz_made_fd(cmd, arg);
	memset(arg, z->tag, 17 * KIB);
	return fd < 0 ? err : fuzz_put_fd(z, a[0], fd);
}

/* The struct is in a mapping, so that copying it faults. A descriptor may come of it. */
static inline long fuzz_ioctl_map(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_range(z, a[2], a[3], 0);
	unsigned int nr = _IOC_NR(a[1]);

	/* What happens to be there may be a timeout of days. */
	if (nr == _IOC_NR(ZCPOOL_BUF_REVOKE) || nr == _IOC_NR(ZCPOOL_IOC_REVOKE))
		return -1;
	z->report->foreign = true;
	return ioctl(fuzz_fd(z, a[0]), a[1], r.p);
}

#endif /* ZCPOOL_FUZZ_CALLS_POOL_H */
