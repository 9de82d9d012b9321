// SPDX-License-Identifier: GPL-2.0
/*
 * Faults on the way of what is done with a buffer's descriptor as with any file's,
 * and of reading what the module says about itself.
 */
#include "steps.h"

/* Reading and writing */

#define IO_LEN	(3 * PAGE + 100)
#define IO_AT	(PAGE - 50)

static int prepare_read(struct scene *s)
{
	static char pattern[CHUNK];

	if (prepare_buf(s))
		return -1;
	fill(pattern, 8 * PAGE, 7);
	memset(s->data, 0xee, 8 * PAGE);
	return pwrite(s->buf, pattern, 8 * PAGE, 0) == 8 * PAGE ? 0 : -1;
}

/* The first n bytes of what was read are right, and no other was touched. */
static bool check_read(struct scene *s, long n)
{
	static char pattern[8 * PAGE];
	long i;

	fill(pattern, sizeof(pattern), 7);
	for (i = n; i < IO_LEN; i++)
		if (s->data[i] != (char)0xee)
			return false;
	return n > 0 && !memcmp(s->data, pattern + IO_AT, n);
}

static long call_pread(struct scene *s)
{
	return result(pread(s->buf, s->data, IO_LEN, IO_AT));
}

static int prepare_read_seek(struct scene *s)
{
	return prepare_read(s) || lseek(s->buf, IO_AT, SEEK_SET) != IO_AT ? -1 : 0;
}

static long call_read(struct scene *s)
{
	return result(read(s->buf, s->data, IO_LEN));
}

/* A short read leaves the offset behind what it has read. */
static bool check_read_seek(struct scene *s, long n)
{
	return check_read(s, n) && lseek(s->buf, 0, SEEK_CUR) == (off_t)IO_AT + n;
}

/* More pieces than the kernel has room for on its stack */
#define IO_PIECES	16

static int io_pieces(struct scene *s, struct iovec *iov)
{
	size_t piece = IO_LEN / IO_PIECES, i;

	for (i = 0; i < IO_PIECES; i++) {
		iov[i].iov_base = s->data + i * piece;
		iov[i].iov_len = i < IO_PIECES - 1 ? piece : IO_LEN - i * piece;
	}
	return IO_PIECES;
}

static long call_preadv(struct scene *s)
{
	struct iovec iov[IO_PIECES];

	return result(preadv(s->buf, iov, io_pieces(s, iov), IO_AT));
}

static int prepare_write(struct scene *s)
{
	if (prepare_buf(s))
		return -1;
	fill(s->data, 8 * PAGE, 9);
	return 0;
}

/* The first n bytes are written, and the rest is as it was: zero. */
static bool check_write(struct scene *s, long n)
{
	bool ok = n > 0;
	char *p;
	long i;

	p = buf_map(s->buf, 8 * PAGE, 0);
	if (p == MAP_FAILED)
		return false;
	ok &= all_zero(p, IO_AT / 8 * 8) && !memcmp(p + IO_AT, s->data, n);
	for (i = IO_AT + n; i < (long)(8 * PAGE); i++)
		ok &= !p[i];
	munmap(p, 8 * PAGE);
	return ok;
}

static long call_pwrite(struct scene *s)
{
	return result(pwrite(s->buf, s->data, IO_LEN, IO_AT));
}

static int prepare_write_seek(struct scene *s)
{
	return prepare_write(s) || lseek(s->buf, IO_AT, SEEK_SET) != IO_AT ? -1 : 0;
}

static long call_write(struct scene *s)
{
	return result(write(s->buf, s->data, IO_LEN));
}

static bool check_write_seek(struct scene *s, long n)
{
	return check_write(s, n) && lseek(s->buf, 0, SEEK_CUR) == (off_t)IO_AT + n;
}

static long call_pwritev(struct scene *s)
{
	struct iovec iov[IO_PIECES];

	return result(pwritev(s->buf, iov, io_pieces(s, iov), IO_AT));
}

/* A fault on the way may cut a transfer short, which is a success of fewer bytes. */
#define IO_PATH(id, points, prep, chk)					\
	WALK_PATH(id,							\
		  .name = #id, .params = RESERVE, .must = points,	\
		  .prepare = prep, .call = call_##id, .check = chk,	\
		  .result = IO_LEN)

IO_PATH(read, COPY, prepare_read_seek, check_read_seek)
IO_PATH(pread, COPY, prepare_read, check_read)
IO_PATH(preadv, SLAB | COPY, prepare_read, check_read)
IO_PATH(write, COPY, prepare_write_seek, check_write_seek)
IO_PATH(pwrite, COPY, prepare_write, check_write)
IO_PATH(pwritev, SLAB | COPY, prepare_write, check_write)

/* Nothing here allocates or copies, so that there need not be any point. */
static long call_lseek(struct scene *s)
{
	return result(lseek(s->buf, -(off_t)PAGE, SEEK_END));
}

static bool check_lseek(struct scene *s, long ret)
{
	return lseek(s->buf, 0, SEEK_CUR) == ret;
}

WALK_PATH(lseek, .name = "lseek", .params = RESERVE, .prepare = prepare_buf,
	  .call = call_lseek, .check = check_lseek, .never = true,
	  .result = CHUNK + 2 * PAGE)

/* To a pipe, which gets pages of the kernel's own, and from one */

static int prepare_splice(struct scene *s)
{
	return prepare_read(s) ? -1 : hold_pipe(s);
}

/* A kernel that notes who has each page (page_owner) gives a page at a time. */
static long call_splice(struct scene *s)
{
	loff_t at = IO_AT;
	ssize_t n = 0, done;

	for (done = 0; done < IO_LEN; done += n) {
		n = splice(s->buf, &at, s->held[1], NULL, IO_LEN - done, 0);
		if (n <= 0)
			break;
	}
	return done ? done : result(n);
}

/* There may be a piece more: a call fails, too, that cannot say how far it got. */
static bool check_splice(struct scene *s, long n)
{
	ssize_t got = read(s->held[0], s->data, IO_LEN);

	return got >= n && check_read(s, got);
}

WALK_PATH(splice, .name = "splice", .params = RESERVE, .must = SLAB | PAGES | COPY,
	  .prepare = prepare_splice, .call = call_splice, .check = check_splice,
	  .result = IO_LEN)

static int prepare_splice_in(struct scene *s)
{
	if (prepare_write(s) || hold_pipe(s))
		return -1;
	return write(s->held[1], s->data, IO_LEN) == IO_LEN ? 0 : -1;
}

static long call_splice_in(struct scene *s)
{
	loff_t at = IO_AT;

	return result(splice(s->held[0], NULL, s->buf, &at, IO_LEN, 0));
}

WALK_PATH(splice_in, .name = "splice-in", .params = RESERVE, .must = SLAB | COPY,
	  .prepare = prepare_splice_in, .call = call_splice_in, .check = check_write,
	  .result = IO_LEN)

/* Opening a buffer again, and what is told about it */

static long call_reopen(struct scene *s)
{
	s->fd = reopen(s->buf, O_RDONLY);
	return s->fd < 0 ? -errno : 0;
}

static bool check_reopen(struct scene *s, long ret)
{
	struct zcpool_buf_info a, b;

	return !buf_info(s->buf, &a) && !buf_info(s->fd, &b) && a.id == b.id &&
	       write(s->fd, "x", 1) == -1 && errno == EBADF;
}

WALK_PATH(reopen, .name = "reopen", .params = RESERVE, .must = SLAB | COPY,
	  .prepare = prepare_buf, .call = call_reopen, .check = check_reopen,
	  .undo = undo_fd)

static int prepare_fdinfo(struct scene *s)
{
	char path[64];
	int fd;

	if (prepare_buf(s))
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", s->buf);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		s->held[s->nr_held++] = fd;
	memset(s->data, 0, PAGE);
	return fd < 0 ? -1 : 0;
}

static long call_fdinfo(struct scene *s)
{
	return read(s->held[0], s->data, PAGE - 1) < 0 ? -errno : 0;
}

static bool check_fdinfo(struct scene *s, long ret)
{
	return strstr(s->data, "zcpool-size:\t2109440\n") &&
	       strstr(s->data, "zcpool-whole:\t2097152\n");
}

WALK_PATH(fdinfo, .name = "fdinfo", .params = RESERVE, .must = SLAB | COPY,
	  .prepare = prepare_fdinfo, .call = call_fdinfo, .check = check_fdinfo)

/* debugfs, opened and read to its end by one call */

static long call_debugfs(struct scene *s)
{
	ssize_t n = 0, len = 0;
	int fd, err = 0;

	fd = open(s->path->addr, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while ((n = read(fd, s->data + len, CHUNK - 1 - len)) > 0)
		len += n;
	if (n < 0)
		err = -errno;
	s->data[len] = 0;
	close(fd);
	return err;
}

/* What there is without a fault: the buffers' ages apart, which change */
static bool check_debugfs(struct scene *s, long ret)
{
	static char text[1 << 16];
	size_t head;

	if (slurp(s->path->addr, text, sizeof(text)) < 0)
		return false;
	if (strstr(s->path->addr, "buffers")) {
		head = strcspn(text, "\n");
		return !strncmp(s->data, text, head) &&
		       strchr(s->data + head + 1, '\n');
	}
	return !strcmp(s->data, text);
}

#define DEBUGFS_PATH(file)						\
	WALK_PATH(debugfs_##file,					\
		  .name = "debugfs-" #file, .params = RESERVE,		\
		  .must = SLAB | COPY, .addr = DEBUGFS "/" #file,	\
		  .prepare = prepare_buf, .call = call_debugfs,		\
		  .check = check_debugfs)

DEBUGFS_PATH(nodes)
DEBUGFS_PATH(buddy)
DEBUGFS_PATH(buffers)

TEST_HARNESS_MAIN
