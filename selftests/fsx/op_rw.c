// SPDX-License-Identifier: GPL-2.0
/*
 * Reading and writing by system calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../lib/fd.h"
#include "fsx.h"

/* Numbers that no other step has: what is out of place shows. Up to 7 bytes more are written. */
static void make_data(struct fsx *f, size_t len)
{
	__u64 *to = (__u64 *)f->scratch, n = (__u64)f->steps << 32 | (f->first_seed & 0xff) << 24;
	size_t i;

	for (i = 0; i < up_to(len, 8) / 8; i++)
		to[i] = (n + i + 1) * 0x9e3779b97f4a7c15ULL;
}

static void expect(struct fsx *f, const char *what, ssize_t got, size_t want)
{
	if (got != (ssize_t)want)
		fail(f, "%s of %#zx bytes: %zd, %s", what, want, got,
		     got < 0 ? strerror(errno) : "no error");
}

/* By which of the calls that write */
static ssize_t write_by(struct fsx *f, const struct range *r)
{
	struct iovec iov[2] = {
		{ f->scratch, r->len / 3 }, { f->scratch + r->len / 3, r->len - r->len / 3 },
	};

	switch (below(f, 4)) {
	case 0:
		if (lseek(f->fd, r->off, SEEK_SET) != (off_t)r->off)
			fail(f, "lseek to %#zx: %s", r->off, strerror(errno));
		return write(f->fd, f->scratch, r->len);
	case 1:
		return pwritev(f->fd, iov, 2, r->off);
	default:
		return pwrite(f->fd, f->scratch, r->len, r->off);
	}
}

void op_write(struct fsx *f)
{
	struct range r = any_range(f);

	note(f, "write %#zx %#zx", r.off, r.len);
	make_data(f, r.len);
	expect(f, "write", write_by(f, &r), r.len);
	model_write(f, r.off, f->scratch, r.len);
}

void op_append(struct fsx *f)
{
	size_t len = 1 + below(f, 2 * PAGE), end = f->size;
	int fd;

	if (end + len > f->limit || is_moved(f))
		return;
	note(f, "append %#zx", len);
	fd = reopen(f->fd, O_WRONLY | O_APPEND);
	if (fd < 0)
		fail(f, "open O_APPEND: %s", strerror(errno));
	make_data(f, len);
	/* With O_APPEND the offset does not count. */
	expect(f, "append", pwrite(fd, f->scratch, len, below(f, MOST)), len);
	close(fd);
	model_write(f, end, f->scratch, len);
}

void op_read(struct fsx *f)
{
	struct range r = any_range(f);
	size_t want = r.off < f->size ? min_of(r.len, f->size - r.off) : 0;
	struct iovec iov[2] = {
		{ f->scratch, r.len / 5 }, { f->scratch + r.len / 5, r.len - r.len / 5 },
	};

	note(f, "read %#zx %#zx", r.off, r.len);
	f->scratch[want] = 0xee;
	if (one_in(f, 4))
		expect(f, "readv", preadv(f->fd, iov, 2, r.off), want);
	else
		expect(f, "read", pread(f->fd, f->scratch, r.len, r.off), want);
	check_same(f, "read", f->scratch, r.off, want);
	if (f->scratch[want] != 0xee)
		fail(f, "read wrote behind what it gave");
}

/* Not every file system lets itself be opened so. */
void op_read_direct(struct fsx *f)
{
	struct range r = any_range(f);
	size_t want;
	int fd;

	if (is_moved(f))
		return;
	r.off = r.off / PAGE * PAGE;
	r.len = up_to(r.len, PAGE);
	want = r.off < f->size ? min_of(r.len, f->size - r.off) : 0;
	note(f, "read O_DIRECT %#zx %#zx", r.off, r.len);
	fd = reopen(f->fd, O_RDONLY | O_DIRECT);
	if (fd < 0) {
		if (f->where->is_zcpool || errno != EINVAL)
			fail(f, "open O_DIRECT: %s", strerror(errno));
		return;
	}
	expect(f, "direct read", pread(fd, f->scratch, r.len, r.off), want);
	check_same(f, "direct read", f->scratch, r.off, want);
	close(fd);
}

/* Two ranges of the file that have nothing in common; false if there are none. */
static bool two_ranges(struct fsx *f, struct range *from, struct range *to)
{
	if (!f->size)
		return false;
	*from = any_range_within(f, f->size);
	*to = any_range(f);
	to->len = min_of(from->len, to->len);
	from->len = to->len;
	return from->off + from->len <= to->off || to->off + to->len <= from->off;
}

/* The kernel faults in what it writes from, which is a page of the file it writes to. */
void op_write_from_itself(struct fsx *f)
{
	struct range from, to;

	file_map(f);
	if (!two_ranges(f, &from, &to) || from.off + from.len > f->map_len)
		return;
	note(f, "write %#zx %#zx from the mapping at %#zx", to.off, to.len, from.off);
	if (one_in(f, 2))
		madvise(f->map, f->map_len, MADV_DONTNEED);
	expect(f, "write from the mapping", pwrite(f->fd, f->map + from.off, to.len, to.off),
	       to.len);
	model_touch(f, from.off, from.len);
	model_write(f, to.off, f->model + from.off, to.len);
}

void op_read_into_itself(struct fsx *f)
{
	struct range from, to;

	file_map(f);
	if (!two_ranges(f, &from, &to) || to.off + to.len > min_of(f->map_len, f->size))
		return;
	note(f, "read %#zx %#zx into the mapping at %#zx", from.off, from.len, to.off);
	if (one_in(f, 2))
		madvise(f->map, f->map_len, MADV_DONTNEED);
	expect(f, "read into the mapping", pread(f->fd, f->map + to.off, from.len, from.off),
	       from.len);
	model_touch(f, from.off, from.len);
	model_write(f, to.off, f->model + from.off, to.len);
}

void op_copy_range(struct fsx *f)
{
	struct range from, to;
	off_t in, out;
	ssize_t n;

	if (!two_ranges(f, &from, &to))
		return;
	note(f, "copy_file_range %#zx %#zx to %#zx", from.off, from.len, to.off);
	in = from.off;
	out = to.off;
	n = copy_file_range(f->fd, &in, f->fd, &out, from.len, 0);
	/* Not every kernel does it for all file systems. */
	if (n < 0 && (errno == EOPNOTSUPP || errno == EXDEV || errno == EINVAL))
		return;
	if (n <= 0 || n > (ssize_t)from.len)
		fail(f, "copy_file_range of %#zx bytes: %zd, %s", from.len, n, strerror(errno));
	model_touch(f, from.off, n);
	model_write(f, to.off, f->model + from.off, n);
}

void op_sendfile(struct fsx *f)
{
	struct range r;
	size_t done = 0;
	off_t off;
	ssize_t n;
	int to;

	if (!f->size)
		return;
	r = any_range_within(f, f->size);
	note(f, "sendfile %#zx %#zx", r.off, r.len);
	to = memfd_create("fsx", MFD_CLOEXEC);
	off = r.off;
	while (done < r.len) {
		n = sendfile(to, f->fd, &off, r.len - done);
		if (n <= 0)
			fail(f, "sendfile: %zd, %s", n, strerror(errno));
		done += n;
	}
	expect(f, "read of what was sent", pread(to, f->scratch, r.len, 0), r.len);
	check_same(f, "sendfile", f->scratch, r.off, r.len);
	model_touch(f, r.off, r.len);
	close(to);
}

/* Pages of the file into a pipe, where they stay for a while. */
void op_splice_out(struct fsx *f)
{
	struct range r;
	off_t off;
	ssize_t n;

	file_empty_pipe(f);
	if (!f->size)
		return;
	r = any_range_within(f, f->size);
	if (one_in(f, 2))
		r.off = r.off / PAGE * PAGE;
	r.len = min_of(r.len, MOST_IN_PIPE - PAGE);
	note(f, "splice %#zx %#zx into the pipe", r.off, r.len);
	off = r.off;
	n = splice(f->fd, &off, f->pipe[1], NULL, r.len, SPLICE_F_NONBLOCK);
	if (n <= 0 || n > (ssize_t)r.len)
		fail(f, "splice from the file: %zd, %s", n, strerror(errno));
	memcpy(f->piped, f->model + r.off, n);
	memset(f->piped_since, 0, sizeof(f->piped_since));
	f->piped_off = r.off;
	f->piped_len = n;
	model_touch(f, r.off, r.len);
}

void op_splice_in(struct fsx *f)
{
	struct range r = any_range(f);
	size_t done = 0;
	off_t off;
	ssize_t n;

	file_empty_pipe(f);
	r.len = min_of(r.len, 2 * PAGE);
	note(f, "splice %#zx %#zx out of the pipe", r.off, r.len);
	make_data(f, r.len);
	expect(f, "write to a pipe", write(f->pipe[1], f->scratch, r.len), r.len);
	off = r.off;
	while (done < r.len) {
		n = splice(f->pipe[0], NULL, f->fd, &off, r.len - done, 0);
		if (n <= 0)
			fail(f, "splice into the file: %zd, %s", n, strerror(errno));
		done += n;
	}
	model_write(f, r.off, f->scratch, r.len);
}
