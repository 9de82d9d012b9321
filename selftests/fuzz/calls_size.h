/* SPDX-License-Identifier: GPL-2.0 */
/* The size of files and the holes in them: what was not written, or taken away, is zeroes. */
#ifndef ZCPOOL_FUZZ_CALLS_SIZE_H
#define ZCPOOL_FUZZ_CALLS_SIZE_H

#include <linux/falloc.h>
#include <sys/stat.h>

#include "state.h"

/* As a hole is made */
#define FALLOC_PUNCH	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

static inline __s64 fuzz_size(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? -1 : st.st_size;
}

static inline void fuzz_expect_zero_at(struct fuzz *z, int fd, off_t from, off_t to,
				       const char *wrong)
{
	char bytes[1024];
	ssize_t i, n;

	n = pread(fd, bytes, to - from < (off_t)sizeof(bytes) ? to - from : (off_t)sizeof(bytes),
		  from);
	for (i = 0; i < n; i++) {
		if (bytes[i]) {
			fuzz_wrong(z, wrong, from + i);
			return;
		}
	}
}

/* Where nobody else writes: at both ends and in the middle, as far as the file reaches. */
static inline void fuzz_expect_zero(struct fuzz *z, int fd, off_t from, off_t to, const char *wrong)
{
	off_t size = fuzz_size(fd);

	if (to > size)
		to = size;
	if (!fuzz_is_alone(z) || from >= to)
		return;
	fuzz_expect_zero_at(z, fd, from, to, wrong);
	fuzz_expect_zero_at(z, fd, from + (to - from) / 2, to, wrong);
	fuzz_expect_zero_at(z, fd, to - from < 1024 ? from : to - 1024, to, wrong);
}

static inline long fuzz_ftruncate(struct fuzz *z, const __u64 *a)
{
	int fd = fuzz_fd(z, a[0]);
	__s64 before = fuzz_size(fd);
	long err = ftruncate(fd, a[1]);

	if (!err && before >= 0)
		fuzz_expect_zero(z, fd, before, a[1], "a file grew by what is not zero, at");
	return err;
}

static inline long fuzz_fallocate(struct fuzz *z, const __u64 *a)
{
	int fd = fuzz_fd(z, a[0]);
	long err = fallocate(fd, a[1], a[2], a[3]);

	if (!err && a[1] & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		fuzz_expect_zero(z, fd, a[2], a[2] + a[3], "a hole is not zero, at");
	return err;
}

/* Behind the end, which leaves a hole. With O_APPEND it goes elsewhere. */
static inline long fuzz_pwrite(struct fuzz *z, const __u64 *a)
{
	int fd = fuzz_fd(z, a[0]);
	__s64 before = fuzz_size(fd), pos = a[2];
	long n = pwrite(fd, fuzz_scratch, fuzz_io_len(a[1]), pos);

	if (n > 0 && before >= 0 && pos > before && fuzz_size(fd) == pos + n)
		fuzz_expect_zero(z, fd, before, pos, "a gap is not zero, at");
	return n;
}

static inline long fuzz_lseek(struct fuzz *z, const __u64 *a)
{
	off_t pos = lseek(fuzz_fd(z, a[0]), a[1], a[2]);

	if (pos >= 0 && (a[2] == SEEK_DATA || a[2] == SEEK_HOLE) && pos < (off_t)a[1])
		fuzz_wrong(z, "data or a hole is sought ahead, and found at", pos);
	return pos;
}

#endif /* ZCPOOL_FUZZ_CALLS_SIZE_H */
