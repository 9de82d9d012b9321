/* SPDX-License-Identifier: GPL-2.0 */
/* Descriptors as those of any file */
#ifndef ZCPOOL_FUZZ_CALLS_FILE_H
#define ZCPOOL_FUZZ_CALLS_FILE_H

#include <sys/file.h>
#include <sys/uio.h>

#include "../lib/fd.h"
#include "state.h"

static inline long fuzz_read(struct fuzz *z, const __u64 *a)
{
	size_t len = fuzz_io_len(a[1]);
	long n = read(fuzz_fd(z, a[0]), fuzz_scratch, len);

	fuzz_check_bytes(z, fuzz_scratch, n);
	return n;
}

static inline long fuzz_write(struct fuzz *z, const __u64 *a)
{
	return write(fuzz_fd(z, a[0]), fuzz_scratch, fuzz_io_len(a[1]));
}

static inline long fuzz_pread(struct fuzz *z, const __u64 *a)
{
	size_t len = fuzz_io_len(a[1]);
	long n = pread(fuzz_fd(z, a[0]), fuzz_scratch, len, a[2]);

	fuzz_check_bytes(z, fuzz_scratch, n);
	return n;
}

/* Between a file and a mapping, in two parts; the file may be the one that is mapped. */
static inline long fuzz_readv(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_touch_range(z, a[1], a[2], a[3]);
	struct iovec v[2] = { { r.p, r.len / 2 }, { r.p + r.len / 2, r.len - r.len / 2 } };

	return preadv2(fuzz_fd(z, a[0]), v, 2, a[4], a[5]);
}

static inline long fuzz_writev(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_touch_range(z, a[1], a[2], a[3]);
	struct iovec v[2] = { { r.p, r.len / 2 }, { r.p + r.len / 2, r.len - r.len / 2 } };

	return pwritev2(fuzz_fd(z, a[0]), v, 2, a[4], a[5]);
}

static inline long fuzz_close(struct fuzz *z, const __u64 *a)
{
	int fd = fuzz_fd(z, a[0]);

	z->fd[a[0] % FUZZ_FDS] = -1;
	return close(fd);
}

static inline long fuzz_dup(struct fuzz *z, const __u64 *a)
{
	return fuzz_put_fd(z, a[0], dup(fuzz_fd(z, a[1])));
}

static inline long fuzz_dup2(struct fuzz *z, const __u64 *a)
{
	int to = fuzz_fd(z, a[1]);

	return to < 0 ? -1 : dup2(fuzz_fd(z, a[0]), to);
}

static inline long fuzz_reopen(struct fuzz *z, const __u64 *a)
{
	return fuzz_put_fd(z, a[0], reopen(fuzz_fd(z, a[1]), a[2] | O_NONBLOCK));
}

/* A file without a name on the test machine's disk */
static inline long fuzz_tmpfile(struct fuzz *z, const __u64 *a)
{
	return fuzz_put_fd(z, a[0], open("/mnt", O_TMPFILE | O_RDWR | a[1], 0600));
}

static inline long fuzz_fcntl(struct fuzz *z, const __u64 *a)
{
	return fcntl(fuzz_fd(z, a[0]), a[1], a[1] == F_SETFL ? a[2] | O_NONBLOCK : a[2]);
}

static inline long fuzz_flock(struct fuzz *z, const __u64 *a)
{
	return flock(fuzz_fd(z, a[0]), a[1] | LOCK_NB);
}

static inline long fuzz_fsync(struct fuzz *z, const __u64 *a)
{
	return fsync(fuzz_fd(z, a[0]));
}

static inline long fuzz_fadvise(struct fuzz *z, const __u64 *a)
{
	return posix_fadvise(fuzz_fd(z, a[0]), a[1], a[2], a[3]);
}

#endif /* ZCPOOL_FUZZ_CALLS_FILE_H */
