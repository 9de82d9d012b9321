// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "cleanup.h"
#include "file.h"
#include "zcpoolctl.h"

static size_t round_up(size_t len)
{
	return (len + DIRECT_BLOCK - 1) & ~(size_t)(DIRECT_BLOCK - 1);
}

static void to_buffered(struct file *f, const char *why)
{
	int flags = fcntl(f->fd, F_GETFL);

	if (flags >= 0)
		fcntl(f->fd, F_SETFL, flags & ~O_DIRECT);
	f->direct = false;
	notice("%s: %s; going through the page cache, which copies", f->path, why);
}

/*
 * Memory file systems take O_DIRECT since 6.6, and copy all the same. Others
 * accept the flag and ignore it for some files; statx() tells where they do.
 */
static bool direct_would_copy(const struct file *f)
{
	struct statfs fs;
#ifdef STATX_DIOALIGN
	struct statx sx;

	if (!statx(f->fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &sx) &&
	    (sx.stx_mask & STATX_DIOALIGN) && !sx.stx_dio_offset_align)
		return true;
#endif
	/* a block device lies in a memory file system, its data do not */
	return f->regular && !fstatfs(f->fd, &fs) &&
	       ((unsigned int)fs.f_type == TMPFS_MAGIC ||
		(unsigned int)fs.f_type == RAMFS_MAGIC);
}

static void try_direct(struct file *f)
{
	int flags = fcntl(f->fd, F_GETFL);

	if (flags < 0 || fcntl(f->fd, F_SETFL, flags | O_DIRECT))
		to_buffered(f, "the file system refuses direct I/O");
	else if (direct_would_copy(f))
		to_buffered(f, "the file system has no real direct I/O");
	else
		f->direct = true;
}

/*
 * The kernel makes up many a file of /proc and /sys when it is read, and their size says 0,
 * or a page. What a file has grown by since it was opened is no lie of its size.
 */
static bool holds_more(const struct file *f, uint64_t size)
{
	struct stat st;
	ssize_t n;
	char c;

	do {
		n = pread(f->fd, &c, 1, size);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		die(STATUS_TRANSFER, "cannot read %s at byte %llu: %s", f->path,
		    (unsigned long long)size, strerror(errno));
	return n && (fstat(f->fd, &st) || (uint64_t)st.st_size <= size);
}

void file_open_source(struct file *f, const char *path, bool direct, uint64_t *size)
{
	struct stat st;

	f->path = path;
	/* O_NONBLOCK: a FIFO must not stop us before it is refused */
	f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (f->fd < 0 || fstat(f->fd, &st))
		die(STATUS_TRANSFER, "cannot open %s: %s", path, strerror(errno));
	f->regular = S_ISREG(st.st_mode);
	if (f->regular)
		*size = st.st_size;
	else if (!S_ISBLK(st.st_mode))
		die(STATUS_USAGE, "%s is neither a regular file nor a block device", path);
	else if (ioctl(f->fd, BLKGETSIZE64, size))
		die(STATUS_TRANSFER, "cannot get the size of %s: %s", path, strerror(errno));
	if (f->regular && holds_more(f, *size))
		die(STATUS_USAGE,
		    "%s holds more than the %llu bytes that its size says; copy it to another file first and send that",
		    path, (unsigned long long)*size);
	if (direct)
		try_direct(f);
}

size_t file_read(struct file *f, void *buf, size_t len, uint64_t offset)
{
	size_t want = f->direct ? round_up(len) : len;
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = pread(f->fd, (char *)buf + done, want - done, offset + done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EINVAL && f->direct) {
			to_buffered(f, "the file system refuses direct reads");
			want = len;
			continue;
		}
		if (n < 0)
			die(STATUS_TRANSFER, "cannot read %s at byte %llu: %s", f->path,
			    (unsigned long long)(offset + done), strerror(errno));
		if (!n)
			break;
		done += n;
		if (!f->direct)
			*f->copied += n;
		else if (n % DIRECT_BLOCK)
			break;	/* only the end of a file is odd */
	}
	return done < len ? done : len;
}

void file_ended_early(const struct file *f, uint64_t at, uint64_t size)
{
	struct stat st;

	if (!f->regular || fstat(f->fd, &st) || (uint64_t)st.st_size < size)
		die(STATUS_TRANSFER, "%s was truncated: %llu of %llu bytes", f->path,
		    (unsigned long long)at, (unsigned long long)size);
	die(STATUS_TRANSFER,
	    "%s ends after %llu of the %llu bytes that its size says; copy it to another file first and send that",
	    f->path, (unsigned long long)at, (unsigned long long)size);
}

void file_open_out(struct file *f, const char *path, bool direct)
{
	struct stat before, st;
	bool is_ours;

	/* A link, a device, a pipe: not made by us, so not to be removed. */
	is_ours = lstat(path, &before) ? errno == ENOENT : S_ISREG(before.st_mode);
	f->path = path;
	f->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
	if (f->fd < 0 || fstat(f->fd, &st))
		die(STATUS_TRANSFER, "cannot open %s for writing: %s", path,
		    strerror(errno));
	f->regular = S_ISREG(st.st_mode);
	if (f->regular && is_ours)
		cleanup_add(CLEANUP_OUT, path);
	/* Rounding up would write past the end of anything else. */
	if (f->regular && direct)
		try_direct(f);
}

/* pwrite(), or write() where there is no position */
static ssize_t write_piece(struct file *f, const void *buf, size_t len, uint64_t offset)
{
	if (!f->regular)
		return write(f->fd, buf, len);
	return pwrite(f->fd, buf, len, offset);
}

void file_write(struct file *f, const void *buf, size_t len, uint64_t offset)
{
	size_t want = f->direct ? round_up(len) : len;
	size_t done = 0;
	ssize_t n;

	while (done < want) {
		n = write_piece(f, (const char *)buf + done, want - done, offset + done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EINVAL && f->direct) {
			to_buffered(f, "the file system refuses direct writes");
			want = len;
			continue;
		}
		if (n <= 0)
			die(STATUS_TRANSFER, "cannot write %s at byte %llu: %s", f->path,
			    (unsigned long long)(offset + done),
			    n ? strerror(errno) : "nothing was written");
		done += n;
		if (!f->direct)
			*f->copied += n;
	}
}

void file_finish(struct file *f, uint64_t size)
{
	if (f->regular && ftruncate(f->fd, size))
		die(STATUS_TRANSFER, "cannot cut %s to %llu bytes: %s", f->path,
		    (unsigned long long)size, strerror(errno));
	if (close(f->fd) && errno != EINTR)
		die(STATUS_TRANSFER, "cannot close %s: %s", f->path, strerror(errno));
	cleanup_forget(CLEANUP_OUT);
}

const char *file_io_text(const struct file *f)
{
	if (!f->path)
		return "none";
	return f->direct ? "direct" : "buffered";
}
