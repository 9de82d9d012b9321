// SPDX-License-Identifier: GPL-2.0
/*
 * What changes the size, the holes or the name, and what asks for them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/fd.h"
#include "fsx.h"

/* By which of the calls that can. */
static int truncate_by(struct fsx *f, size_t size)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", f->fd);
	if (is_moved(f))
		return ftruncate(f->fd, size);
	if (!size && one_in(f, 2)) {
		fd = open(path, O_RDWR | O_TRUNC | O_CLOEXEC);
		return fd < 0 ? -1 : close(fd);
	}
	return one_in(f, 4) ? truncate(path, size) : ftruncate(f->fd, size);
}

void op_truncate(struct fsx *f)
{
	struct range r = any_range(f);
	size_t size;

	size = one_in(f, 8) ? 0 : one_in(f, 8) ? f->size : r.off + (one_in(f, 2) ? r.len : 0);
	note(f, "truncate %#zx to %#zx", f->size, size);
	if (truncate_by(f, size))
		fail(f, "truncate to %#zx: %s", size, strerror(errno));
	model_truncate(f, size);
}

static void do_fallocate(struct fsx *f, const char *what, int mode, const struct range *r)
{
	note(f, "%s %#zx %#zx", what, r->off, r->len);
	if (fallocate(f->fd, mode, r->off, r->len))
		fail(f, "%s %#zx %#zx: %s", what, r->off, r->len, strerror(errno));
}

void op_reserve(struct fsx *f)
{
	struct range r = any_range(f);

	if (one_in(f, 2)) {
		do_fallocate(f, "fallocate", 0, &r);
		model_grow(f, r.off + r.len);
	} else {
		do_fallocate(f, "fallocate KEEP_SIZE", FALLOC_FL_KEEP_SIZE, &r);
	}
	model_reserve(f, r.off, r.len);
}

void op_punch(struct fsx *f)
{
	struct range r = any_range(f);

	do_fallocate(f, "punch", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, &r);
	model_punch(f, r.off, r.len);
}

/* tmpfs has none. The memory may be kept, or new, or be none. */
void op_zero_range(struct fsx *f)
{
	int mode = FALLOC_FL_ZERO_RANGE | (one_in(f, 2) ? FALLOC_FL_KEEP_SIZE : 0);
	struct range r = any_range(f);

	note(f, "zero%s %#zx %#zx", mode & FALLOC_FL_KEEP_SIZE ? " KEEP_SIZE" : "", r.off, r.len);
	if (fallocate(f->fd, mode, r.off, r.len)) {
		if (f->where->is_zcpool || errno != EOPNOTSUPP)
			fail(f, "ZERO_RANGE: %s", strerror(errno));
		return;
	}
	model_punch(f, r.off, r.len);
	model_touch(f, r.off, r.len);
	f->most = max_of(f->most, r.off + r.len);
	if (!(mode & FALLOC_FL_KEEP_SIZE))
		model_grow(f, r.off + r.len);
}

/* Punching by way of the mapping, also behind the end */
void op_remove(struct fsx *f)
{
	struct range r;

	file_map(f);
	r = any_range_within(f, min_of(f->map_len, MOST));
	r.len = up_to(r.off + r.len, PAGE) - r.off / PAGE * PAGE;
	r.off = r.off / PAGE * PAGE;
	note(f, "MADV_REMOVE %#zx %#zx", r.off, r.len);
	if (madvise(f->map + r.off, r.len, MADV_REMOVE))
		fail(f, "MADV_REMOVE: %s", strerror(errno));
	model_punch(f, r.off, r.len);
}

/* What these file systems refuse changes nothing. */
void op_not_supported(struct fsx *f)
{
	static const int modes[] = {
		FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE, FALLOC_FL_PUNCH_HOLE,
		FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_KEEP_SIZE, 1 << 20,
	};
	int mode = modes[below(f, ARRAY_SIZE(modes))];

	if (!f->where->is_memory)
		return;
	note(f, "fallocate of mode %#x", mode);
	if (!fallocate(f->fd, mode, 0, PAGE))
		fail(f, "fallocate of mode %#x was not refused", mode);
	if (errno != EOPNOTSUPP && errno != EINVAL)
		fail(f, "fallocate of mode %#x: %s", mode, strerror(errno));
	if (!fallocate(f->fd, 0, 0, 0) || errno != EINVAL)
		fail(f, "fallocate of nothing: %s", strerror(errno));
	if (!ftruncate(f->fd, -1) || errno != EINVAL)
		fail(f, "ftruncate to -1: %s", strerror(errno));
}

/* Where there can be a hole, from there on: the first byte that is not known to be data */
static size_t next_free(struct fsx *f, size_t off)
{
	while (off < f->size && f->pages[off / PAGE] == PAGE_IS_DATA)
		off = (off / PAGE + 1) * PAGE;
	return min_of(off, f->size);
}

static size_t next_data(struct fsx *f, size_t off)
{
	while (off < f->size && f->pages[off / PAGE] != PAGE_IS_DATA)
		off = (off / PAGE + 1) * PAGE;
	return off;
}

/* No hole where there is data. That a hole is called data is a file system's right. */
static void check_hole(struct fsx *f, size_t off)
{
	off_t hole = lseek(f->fd, off, SEEK_HOLE), data;

	if (hole < (off_t)next_free(f, off) || hole > (off_t)f->size)
		fail(f, "SEEK_HOLE from %#zx: %lld and must be %#zx to %#zx", off,
		     (long long)hole, next_free(f, off), f->size);
	if (hole == (off_t)f->size)
		return;
	data = lseek(f->fd, hole, SEEK_DATA);
	if (data == hole)
		fail(f, "both data and hole at %#llx", (long long)hole);
}

static void check_data(struct fsx *f, size_t off)
{
	size_t first = next_data(f, off);
	off_t data = lseek(f->fd, off, SEEK_DATA);

	if (data < 0 && errno == ENXIO && first >= f->size)
		return;
	if (data < (off_t)off || data >= (off_t)f->size || data > (off_t)first)
		fail(f, "SEEK_DATA from %#zx: %lld (%s), there is some at %#zx", off,
		     (long long)data, data < 0 ? strerror(errno) : "no error", first);
}

void op_seek(struct fsx *f)
{
	size_t off = below(f, f->limit);

	note(f, "seek from %#zx", off);
	if (off < f->size) {
		check_data(f, off);
		check_hole(f, off);
	} else if (lseek(f->fd, off, SEEK_DATA) != -1 || errno != ENXIO ||
		   lseek(f->fd, off, SEEK_HOLE) != -1 || errno != ENXIO) {
		fail(f, "seek from behind the end: %s", strerror(errno));
	}
	if (lseek(f->fd, 0, SEEK_END) != (off_t)f->size)
		fail(f, "SEEK_END is not %#zx", f->size);
	if (lseek(f->fd, -1, SEEK_SET) != -1 || errno != EINVAL)
		fail(f, "SEEK_SET to -1: %s", strerror(errno));
}

void op_sync(struct fsx *f)
{
	note(f, "sync");
	if (fsync(f->fd) || fdatasync(f->fd))
		fail(f, "fsync: %s", strerror(errno));
	if (f->map && (msync(f->map, f->map_len, MS_SYNC) || msync(f->map, f->map_len, MS_ASYNC)))
		fail(f, "msync: %s", strerror(errno));
}

void op_reopen(struct fsx *f)
{
	bool by_name = f->is_named && one_in(f, 2);
	int fd;

	note(f, "reopen%s", by_name ? " by name" : "");
	fd = by_name ? open(f->path, O_RDWR | O_CLOEXEC) : reopen(f->fd, O_RDWR);
	if (is_moved(f)) {
		if (fd >= 0 || errno != EACCES)
			fail(f, "open of what was moved: %s", strerror(errno));
		return;
	}
	if (fd < 0)
		fail(f, "open: %s", strerror(errno));
	close(f->fd);
	f->fd = fd;
}

/* To another name and back; or what has none yet gets it. */
void op_rename(struct fsx *f)
{
	char other[PATH_MAX + 2], path[32];

	note(f, "rename");
	snprintf(other, sizeof(other), "%s.2", f->path);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", f->fd);
	if (is_moved(f))
		return;
	if (!f->is_named && linkat(AT_FDCWD, path, AT_FDCWD, f->path, AT_SYMLINK_FOLLOW))
		fail(f, "linkat: %s", strerror(errno));
	f->is_named = true;
	if (rename(f->path, other) || rename(other, f->path))
		fail(f, "rename: %s", strerror(errno));
}

/* Then it has no memory. */
void op_punch_all(struct fsx *f)
{
	struct range all = { 0, MOST };

	do_fallocate(f, "punch all,", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, &all);
	model_punch(f, 0, MOST);
	if (one_in(f, 2))
		check_by_reading(f);
}

void op_compare(struct fsx *f)
{
	note(f, "compare");
	check_by_reading(f);
	check_by_mapping(f, one_in(f, 16));
	check_own(f);
}

void op_new_file(struct fsx *f)
{
	file_end(f);
	file_begin(f);
}
