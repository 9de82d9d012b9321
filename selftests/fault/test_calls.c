// SPDX-License-Identifier: GPL-2.0
/*
 * Faults on the way of open and ioctl, for every way there is to get memory, and
 * of whatever else is done with a descriptor.
 */
#include "walk.h"

#define RESERVE		"reserve=4M max=128M"
#define NODE0		ZCPOOL_ALLOC_NODE
#define ONLY0		(ZCPOOL_ALLOC_NODE | ZCPOOL_ALLOC_THISNODE)

static long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

static void undo_fd(struct scene *s, long ret)
{
	if (ret >= 0)
		close(s->fd);
}

/* Open */

static long call_open(struct scene *s)
{
	s->fd = open(POOL_PATH, O_RDWR | O_CLOEXEC);
	return s->fd < 0 ? -errno : 0;
}

static bool check_open(struct scene *s, long ret)
{
	struct zcpool_info pi;

	return !pool_info(s->fd, -1, &pi) && pi.abi_version == ZCPOOL_ABI_VERSION;
}

static const struct path path_open = {
	.name = "open", .params = RESERVE, .must = SLAB | COPY,
	.call = call_open, .check = check_open, .undo = undo_fd,
};

TEST(walk_open)
{
	walk(_metadata, &path_open);
}

/* ZCPOOL_IOC_INFO and ZCPOOL_BUF_INFO */

static int prepare_info(struct scene *s)
{
	memset(&s->arg, 0, sizeof(s->arg));
	s->arg.info.flags = s->path->flags;
	s->arg.info.node = s->path->node;
	return 0;
}

static long call_info(struct scene *s)
{
	return result(ioctl(s->pool, _IOC(_IOC_READ | _IOC_WRITE, ZCPOOL_IOC_MAGIC,
					  0x10, s->path->size), &s->arg));
}

/* All that the caller's struct has room for, and nothing beyond it */
static bool check_info(struct scene *s, long ret)
{
	const bool node = s->path->flags & ZCPOOL_INFO_NODE;
	struct zcpool_info pi;
	size_t both = s->path->size, i;

	if (pool_info(s->pool, node ? (int)s->path->node : -1, &pi))
		return false;
	if (both > sizeof(pi))
		both = sizeof(pi);
	for (i = both; i < sizeof(s->arg); i++)
		if (s->arg.bytes[i])
			return false;
	return !memcmp(&pi, &s->arg, both);
}

#define INFO_PATH(id, title, bytes, fl, nid)				\
	static const struct path path_##id = {				\
		.name = title, .params = RESERVE, .must = COPY,		\
		.prepare = prepare_info, .call = call_info,		\
		.check = check_info,					\
		.size = bytes, .flags = fl, .node = nid,		\
	};								\
	TEST(walk_##id)							\
	{								\
		walk(_metadata, &path_##id);				\
	}

INFO_PATH(info, "info", sizeof(struct zcpool_info), 0, 0)
INFO_PATH(info_node, "info-node", sizeof(struct zcpool_info), ZCPOOL_INFO_NODE, 1)
INFO_PATH(info_short, "info-short", ZCPOOL_INFO_SIZE_MIN, 0, 0)
INFO_PATH(info_long, "info-long", 200, 0, 0)

static int prepare_buf(struct scene *s)
{
	memset(&s->arg, 0xee, sizeof(s->arg));
	s->buf = buf_alloc(s->pool, CHUNK + 3 * PAGE, 0, 0);
	return s->buf < 0 ? -1 : 0;
}

static long call_buf_info(struct scene *s)
{
	return result(ioctl(s->buf, _IOC(_IOC_READ, ZCPOOL_IOC_MAGIC, 0x20,
					 s->path->size), &s->arg));
}

static bool check_buf_info(struct scene *s, long ret)
{
	struct zcpool_buf_info bi;
	size_t both = s->path->size, i;

	if (buf_info(s->buf, &bi))
		return false;
	if (both > sizeof(bi))
		both = sizeof(bi);
	for (i = both; i < sizeof(s->arg); i++)
		if (s->arg.bytes[i] != (i < s->path->size ? 0 : (char)0xee))
			return false;
	return !memcmp(&bi, &s->arg, both) &&
	       s->arg.buf_info.size == CHUNK + 3 * PAGE;
}

#define BUF_INFO_PATH(id, title, bytes)					\
	static const struct path path_##id = {				\
		.name = title, .params = RESERVE, .must = COPY,		\
		.prepare = prepare_buf, .call = call_buf_info,		\
		.check = check_buf_info, .size = bytes,			\
	};								\
	TEST(walk_##id)							\
	{								\
		walk(_metadata, &path_##id);				\
	}

BUF_INFO_PATH(buf_info, "buf-info", sizeof(struct zcpool_buf_info))
BUF_INFO_PATH(buf_info_short, "buf-info-short", ZCPOOL_BUF_INFO_SIZE_MIN)
BUF_INFO_PATH(buf_info_long, "buf-info-long", 64)

/* ZCPOOL_IOC_ALLOC */

static int prepare_alloc(struct scene *s)
{
	memset(&s->arg, 0, sizeof(s->arg));
	s->arg.alloc.size = s->path->size;
	s->arg.alloc.flags = s->path->flags;
	s->arg.alloc.node = s->path->node;
	return 0;
}

static long call_alloc(struct scene *s)
{
	return result(ioctl(s->pool, ZCPOOL_IOC_ALLOC, &s->arg.alloc));
}

/* By mapping it: each page if it is not a lot, else the first bytes of each */
static bool buffer_is_zero(int buf, size_t size)
{
	bool zero = true;
	char *p;
	size_t i;

	p = mmap(NULL, size, PROT_READ, MAP_SHARED, buf, 0);
	if (p == MAP_FAILED)
		return false;
	for (i = 0; i < size && zero; i += PAGE)
		zero = all_zero(p + i, size > 64 * MIB ? 64 : PAGE);
	munmap(p, size);
	return zero;
}

static bool check_alloc(struct scene *s, long ret)
{
	const struct zcpool_alloc *a = &s->arg.alloc;
	struct zcpool_buf_info bi;
	struct stat st;

	if (buf_info(a->fd, &bi) || fstat(a->fd, &st))
		return false;
	if (bi.size != a->size || (__u64)st.st_size != a->size ||
	    a->size < s->path->size || bi.flags != s->path->flags ||
	    bi.requested != (s->path->size + PAGE - 1) / PAGE * PAGE ||
	    bi.whole_bytes + bi.split_bytes != a->size || bi.mappings)
		return false;
	if ((s->path->flags & ONLY0) == ONLY0 && bi.node != (int)s->path->node)
		return false;
	if (s->path->flags & ZCPOOL_ALLOC_CONTIG && bi.nr_extents != 1)
		return false;
	return buffer_is_zero(a->fd, a->size);
}

static void undo_alloc(struct scene *s, long ret)
{
	if (ret >= 0)
		close(s->arg.alloc.fd);
}

/* Takes all of a kind that is clean on node 0, in pieces of size or less. */
static int hold_clean(struct scene *s, __u64 size, __u32 flags)
{
	int fd;

	for (; size >= PAGE && s->nr_held < MAX_HELD; size /= 2) {
		while (s->nr_held < MAX_HELD) {
			fd = buf_alloc(s->pool, size, ZCPOOL_ALLOC_NOWAIT |
				       ZCPOOL_ALLOC_THISNODE | flags, 0);
			if (fd < 0)
				break;
			s->held[s->nr_held++] = fd;
		}
		if (fd != -EAGAIN)
			return -1;
		if (flags & ZCPOOL_ALLOC_HUGE)
			return 0;
	}
	return s->nr_held < MAX_HELD ? 0 : -1;
}

static int prepare_no_whole(struct scene *s)
{
	prepare_alloc(s);
	return hold_clean(s, CHUNK, ZCPOOL_ALLOC_HUGE);
}

static int prepare_no_split(struct scene *s)
{
	prepare_alloc(s);
	return hold_clean(s, CHUNK / 2, 0);
}

static int prepare_nothing_clean(struct scene *s)
{
	return prepare_no_whole(s) ? -1 : hold_clean(s, CHUNK / 2, 0);
}

/* Node 0 has a split chunk that is clean, whatever was made and freed before. */
static int prepare_split(struct scene *s)
{
	struct zcpool_info pi;
	int fd = buf_alloc(s->pool, PAGE, ZCPOOL_ALLOC_THISNODE, 0);

	if (fd < 0)
		return -1;
	close(fd);
	return pool_wait_idle(s->pool, &pi) ? -1 : prepare_alloc(s);
}

/* That is all that is left of node 0, which is at its maximum. */
static int prepare_idle_split(struct scene *s)
{
	return prepare_split(s) ? -1 : prepare_no_whole(s);
}

/* Node 0 has nothing but a chunk that is about to be freed. */
static int prepare_dirty(struct scene *s)
{
	int err = prepare_nothing_clean(s);
	void *p;

	if (err || !s->nr_held)
		return -1;
	p = buf_map(s->held[0], CHUNK, 0);
	if (p == MAP_FAILED)
		return -1;
	fill(p, CHUNK, 1);
	return munmap(p, CHUNK);
}

/* Before the scrubber gets at it, the freed chunk is zeroed by who wants it. */
static long call_alloc_dirty(struct scene *s)
{
	close(s->held[0]);
	return call_alloc(s);
}

static void undo_alloc_dirty(struct scene *s, long ret)
{
	undo_alloc(s, ret);
	s->held[0] = buf_alloc(s->pool, CHUNK, ZCPOOL_ALLOC_THISNODE, 0);
}

#define ALLOC_PATH(id, title, par, prep, bytes, fl)			\
	static const struct path path_##id = {				\
		.name = title, .params = par, .must = SLAB | COPY,	\
		.prepare = prep, .call = call_alloc,			\
		.check = check_alloc, .undo = undo_alloc,		\
		.size = bytes, .flags = fl,				\
	};								\
	TEST(walk_##id)							\
	{								\
		walk(_metadata, &path_##id);				\
	}

#define GROW_PATH(id, title, prep, bytes, fl)				\
	static const struct path path_##id = {				\
		.name = title, .params = RESERVE,			\
		.must = SLAB | PAGES | COPY,				\
		.prepare = prep, .call = call_alloc,			\
		.check = check_alloc, .undo = undo_alloc,		\
		.size = bytes, .flags = fl,				\
	};								\
	TEST(walk_##id)							\
	{								\
		walk(_metadata, &path_##id);				\
	}

ALLOC_PATH(alloc_whole, "alloc-whole", RESERVE, prepare_alloc, CHUNK, NODE0)
ALLOC_PATH(alloc_split, "alloc-split", RESERVE, prepare_alloc, 64 * KIB, NODE0)
ALLOC_PATH(alloc_tail, "alloc-tail", RESERVE, prepare_alloc, CHUNK + 100 * PAGE, ONLY0)
ALLOC_PATH(alloc_huge, "alloc-huge", RESERVE, prepare_alloc, 3 * MIB, NODE0 | ZCPOOL_ALLOC_HUGE)
ALLOC_PATH(alloc_nowait, "alloc-nowait", RESERVE, prepare_split, CHUNK + PAGE,
	   ONLY0 | ZCPOOL_ALLOC_NOWAIT)
ALLOC_PATH(alloc_contig, "alloc-contig", RESERVE, prepare_alloc, MIB, ONLY0 | ZCPOOL_ALLOC_CONTIG)
ALLOC_PATH(alloc_run, "alloc-contig-run", "reserve=64M max=128M", prepare_alloc, 2 * CHUNK,
	   ONLY0 | ZCPOOL_ALLOC_CONTIG)
ALLOC_PATH(alloc_array, "alloc-extents", "reserve=12M max=64M", prepare_alloc, 5 * CHUNK, ONLY0)
ALLOC_PATH(alloc_many, "alloc-many-extents", "reserve=0:520M max=600M", prepare_alloc,
	   257 * CHUNK, ONLY0)
ALLOC_PATH(alloc_nodes, "alloc-nodes", "reserve=8M max=16M", prepare_alloc, 6 * CHUNK, NODE0)
ALLOC_PATH(alloc_fallback, "alloc-fallback", "reserve=8M max=16M", prepare_nothing_clean,
	   CHUNK, NODE0)

GROW_PATH(grow_whole, "grow-whole", prepare_nothing_clean, CHUNK, ONLY0)
GROW_PATH(grow_whole_spare, "grow-whole-or-convert", prepare_no_whole, CHUNK, ONLY0)
GROW_PATH(grow_several, "grow-several", prepare_nothing_clean, 3 * CHUNK, ONLY0)
GROW_PATH(grow_split, "grow-split", prepare_nothing_clean, 64 * KIB, ONLY0)
GROW_PATH(grow_tail, "grow-tail", prepare_nothing_clean, CHUNK + 100 * PAGE, ONLY0)
GROW_PATH(grow_any_node, "grow-any-node", prepare_nothing_clean, CHUNK, NODE0)
GROW_PATH(to_split, "convert-to-split", prepare_no_split, 64 * KIB, ONLY0)

/* At the maximum, and what is free cannot be converted: ENOSPC tells of the maximum. */
static const struct path path_to_whole = {
	.name = "convert-to-whole", .params = "reserve=0:4M max=4M",
	.must = SLAB | PAGES | COPY, .also = ENOSPC,
	.prepare = prepare_idle_split, .call = call_alloc,
	.check = check_alloc, .undo = undo_alloc,
	.size = CHUNK, .flags = ONLY0,
};

TEST(walk_to_whole)
{
	walk(_metadata, &path_to_whole);
}

static const struct path path_dirty = {
	.name = "alloc-dirty", .params = RESERVE, .must = SLAB | COPY,
	.prepare = prepare_dirty, .call = call_alloc_dirty,
	.check = check_alloc, .undo = undo_alloc_dirty,
	.size = CHUNK, .flags = ONLY0,
};

TEST(walk_dirty)
{
	walk(_metadata, &path_dirty);
}

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
	static const struct path path_##id = {				\
		.name = #id, .params = RESERVE, .must = points,		\
		.prepare = prep, .call = call_##id, .check = chk,	\
		.result = IO_LEN,					\
	};								\
	TEST(walk_##id)							\
	{								\
		walk(_metadata, &path_##id);				\
	}

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

static const struct path path_lseek = {
	.name = "lseek", .params = RESERVE, .prepare = prepare_buf,
	.call = call_lseek, .check = check_lseek, .never = true,
	.result = CHUNK + 2 * PAGE,
};

TEST(walk_lseek)
{
	walk(_metadata, &path_lseek);
}

/* There is no splice: with a fault or without, it says so and moves nothing. */
static int prepare_splice(struct scene *s)
{
	int pipes[2];

	if (prepare_read(s) || pipe2(pipes, O_CLOEXEC | O_NONBLOCK))
		return -1;
	s->held[s->nr_held++] = pipes[0];
	s->held[s->nr_held++] = pipes[1];
	return 0;
}

static long call_splice(struct scene *s)
{
	loff_t at = 0;

	return result(splice(s->buf, &at, s->held[1], NULL, PAGE, 0));
}

static const struct path path_splice = {
	.name = "splice", .params = RESERVE, .must = COPY,
	.prepare = prepare_splice, .call = call_splice, .result = -EINVAL,
};

TEST(walk_splice)
{
	walk(_metadata, &path_splice);
}

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

static const struct path path_reopen = {
	.name = "reopen", .params = RESERVE, .must = SLAB | COPY,
	.prepare = prepare_buf, .call = call_reopen, .check = check_reopen,
	.undo = undo_fd,
};

TEST(walk_reopen)
{
	walk(_metadata, &path_reopen);
}

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

static const struct path path_fdinfo = {
	.name = "fdinfo", .params = RESERVE, .must = SLAB | COPY,
	.prepare = prepare_fdinfo, .call = call_fdinfo, .check = check_fdinfo,
};

TEST(walk_fdinfo)
{
	walk(_metadata, &path_fdinfo);
}

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
	static const struct path path_debugfs_##file = {		\
		.name = "debugfs-" #file, .params = RESERVE,		\
		.must = SLAB | COPY, .addr = DEBUGFS "/" #file,		\
		.prepare = prepare_buf, .call = call_debugfs,		\
		.check = check_debugfs,					\
	};								\
	TEST(walk_debugfs_##file)						\
	{								\
		walk(_metadata, &path_debugfs_##file);			\
	}

DEBUGFS_PATH(nodes)
DEBUGFS_PATH(buddy)
DEBUGFS_PATH(buffers)

TEST_HARNESS_MAIN
