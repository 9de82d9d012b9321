// SPDX-License-Identifier: GPL-2.0
/* module: reserve=64M max=256M */
/*
 * The descriptor: rights, reading and writing, passing on, and lifetimes.
 */
#include "zcpool_test.h"

TEST_F(pool, open_flags)
{
	int buf = buf_alloc(self->fd, PAGE, 0, -1);

	ASSERT_LE(0, buf);
	EXPECT_EQ(O_RDWR, fcntl(buf, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(FD_CLOEXEC, fcntl(buf, F_GETFD));
	close(buf);
}

TEST_F(pool, stat_size)
{
	struct stat st;
	int buf = buf_alloc(self->fd, 3 * MIB + 1, 0, -1);

	ASSERT_LE(0, buf);
	ASSERT_EQ(0, fstat(buf, &st));
	EXPECT_EQ((off_t)(2 * CHUNK), st.st_size);
	close(buf);
}

static int readonly_of(int buf)
{
	return reopen(buf, O_RDONLY);
}

TEST_F(pool, readonly_reopen)
{
	static const size_t sizes[] = { 3 * PAGE, CHUNK + PAGE };
	unsigned int i;
	int buf, ro;
	char *p, c;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		buf = buf_alloc(self->fd, sizes[i], 0, -1);
		ASSERT_LE(0, buf);
		p = buf_map(buf, sizes[i], 0);
		ASSERT_NE(MAP_FAILED, p);
		fill(p, sizes[i], 1);
		munmap(p, sizes[i]);
		ro = readonly_of(buf);
		ASSERT_LE(0, ro);
		close(buf);
		EXPECT_EQ(O_RDONLY, fcntl(ro, F_GETFL) & O_ACCMODE);

		EXPECT_EQ(-1, write(ro, "x", 1));
		EXPECT_EQ(EBADF, errno);
		EXPECT_EQ(-1, pwrite(ro, "x", 1, 0));
		EXPECT_EQ(EBADF, errno);
		EXPECT_EQ(1, pread(ro, &c, 1, 0));
		EXPECT_EQ(MAP_FAILED, buf_map(ro, sizes[i], 0));
		EXPECT_EQ(EACCES, errno);
		EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, ro, 0));
		EXPECT_EQ(EACCES, errno);

		p = mmap(NULL, sizes[i], PROT_READ, MAP_SHARED, ro, 0);
		ASSERT_NE(MAP_FAILED, p);
		EXPECT_TRUE(filled(p, sizes[i], 1));
		EXPECT_EQ(-1, mprotect(p, sizes[i], RDWR));
		EXPECT_EQ(EACCES, errno);
		EXPECT_EQ(-1, mprotect(p, PAGE, PROT_WRITE));
		EXPECT_EQ(EACCES, errno);
		EXPECT_FALSE(writable(p));
		munmap(p, sizes[i]);
		close(ro);
	}
}

/* Every way to a second descriptor, root or not, from either kind of first one */
TEST_F(pool, reopen_does_not_widen)
{
	static const int wider[] = {
		O_RDWR, O_WRONLY, O_RDWR | O_TRUNC, O_WRONLY | O_APPEND,
	};
	int buf, ro, path, fd;
	unsigned int i;
	char c = 0;

	buf = buf_alloc(self->fd, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	ro = readonly_of(buf);
	ASSERT_LE(0, ro);
	path = reopen(ro, O_PATH);
	/* Root's say over the file's mode must not matter either. */
	fchmod(buf, 0777);
	fchmod(ro, 0777);
	for (i = 0; i < ARRAY_SIZE(wider); i++) {
		EXPECT_EQ(-1, reopen(buf, wider[i]));
		EXPECT_EQ(EACCES, errno);
		EXPECT_EQ(-1, reopen(ro, wider[i]));
		EXPECT_EQ(EACCES, errno);
		if (path >= 0) {
			EXPECT_EQ(-1, reopen(path, wider[i]));
			EXPECT_EQ(EACCES, errno);
		}
	}
	fd = reopen(ro, O_RDONLY);
	EXPECT_LE(0, fd);
	close(fd);
	/* This may be refused or not, but it cuts nothing off. */
	ASSERT_EQ(1, pwrite(buf, "x", 1, 0));
	close(reopen(ro, O_RDONLY | O_TRUNC));
	EXPECT_EQ(1, pread(ro, &c, 1, 0));
	EXPECT_EQ('x', c);
	close(path);
	close(ro);
	close(buf);
}

/* The mapping's own link to the file is one more way in. */
TEST_F(pool, map_files_does_not_widen)
{
	char path[64];
	int buf, fd;
	char *p;

	buf = buf_alloc(self->fd, CHUNK, 0, -1);
	ASSERT_LE(0, buf);
	p = mmap(NULL, CHUNK, PROT_READ, MAP_SHARED, buf, 0);
	ASSERT_NE(MAP_FAILED, p);
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx",
		 (unsigned long)p, (unsigned long)p + CHUNK);
	fd = open(path, O_RDWR | O_CLOEXEC);
	EXPECT_EQ(-1, fd);
	EXPECT_EQ(EACCES, errno);
	munmap(p, CHUNK);
	close(buf);
}

TEST_F(pool, readonly_keeps_it_alive)
{
	int buf, ro;
	char *p;

	buf = buf_alloc(self->fd, CHUNK, 0, -1);
	ASSERT_LE(0, buf);
	ro = readonly_of(buf);
	ASSERT_LE(0, ro);
	ASSERT_EQ(1, pwrite(buf, "y", 1, 12345));
	close(buf);
	EXPECT_EQ(self->used + CHUNK, pool_used(self->fd));
	p = mmap(NULL, CHUNK, PROT_READ, MAP_SHARED, ro, 0);
	ASSERT_NE(MAP_FAILED, p);
	close(ro);
	EXPECT_EQ('y', p[12345]);
	EXPECT_EQ(self->used + CHUNK, pool_used(self->fd));
	munmap(p, CHUNK);
	EXPECT_EQ(self->used, pool_used(self->fd));
}

TEST_F(pool, fd_and_mapping_in_either_order)
{
	static const size_t sizes[] = { PAGE, 10 * PAGE, CHUNK, 2 * CHUNK + PAGE };
	unsigned int i;
	char *p;
	int buf;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		buf = buf_alloc(self->fd, sizes[i], 0, -1);
		ASSERT_LE(0, buf);
		p = buf_map(buf, sizes[i], 0);
		ASSERT_NE(MAP_FAILED, p);
		close(buf);
		EXPECT_EQ(self->used + sizes[i], pool_used(self->fd));
		fill(p, sizes[i], 1);
		EXPECT_TRUE(filled(p, sizes[i], 1));
		munmap(p, sizes[i]);
		EXPECT_EQ(self->used, pool_used(self->fd));

		buf = buf_alloc(self->fd, sizes[i], 0, -1);
		ASSERT_LE(0, buf);
		p = buf_map(buf, sizes[i], 0);
		ASSERT_NE(MAP_FAILED, p);
		fill(p, sizes[i], 2);
		munmap(p, sizes[i]);
		EXPECT_EQ(self->used + sizes[i], pool_used(self->fd));
		p = buf_map(buf, sizes[i], 0);
		ASSERT_NE(MAP_FAILED, p);
		EXPECT_TRUE(filled(p, sizes[i], 2));
		munmap(p, sizes[i]);
		close(buf);
		EXPECT_EQ(self->used, pool_used(self->fd));
	}
}

/* The pool's own descriptor may go before what came from it. */
TEST_F(pool, buffers_outlive_the_pool_descriptor)
{
	int pool, buf;
	char *p;

	pool = pool_open();
	ASSERT_LE(0, pool);
	buf = buf_alloc(pool, CHUNK, 0, -1);
	ASSERT_LE(0, buf);
	close(pool);
	p = buf_map(buf, CHUNK, 0);
	ASSERT_NE(MAP_FAILED, p);
	fill(p, CHUNK, 1);
	EXPECT_TRUE(filled(p, CHUNK, 1));
	munmap(p, CHUNK);
	close(buf);
}

TEST_F(pool, dup_shares)
{
	int buf, d;
	char c;

	buf = buf_alloc(self->fd, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	d = dup(buf);
	ASSERT_LE(0, d);
	EXPECT_EQ(3, write(buf, "abc", 3));
	EXPECT_EQ(3, lseek(d, 0, SEEK_CUR));
	close(buf);
	EXPECT_EQ(self->used + PAGE, pool_used(self->fd));
	EXPECT_EQ(1, pread(d, &c, 1, 1));
	EXPECT_EQ('b', c);
	close(d);
}

/* One process makes it and is gone; another has it from a socket. */
TEST_F(pool, passed_on_and_the_sender_exits)
{
	static const size_t sizes[] = { 5 * PAGE, CHUNK, 5 * MIB };
	unsigned int i;
	int sk[2], fd;
	pid_t pid;
	char *p;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sk));
		pid = fork();
		if (!pid) {
			fd = buf_alloc(self->fd, sizes[i], 0, -1);
			p = fd < 0 ? MAP_FAILED : buf_map(fd, sizes[i], 0);
			if (p == MAP_FAILED)
				_exit(1);
			fill(p, sizes[i], 31 + i);
			_exit(send_fd(sk[0], fd) ? 2 : 0);
		}
		ASSERT_EQ(0, child_status(pid));
		/* In nobody's hands but the socket's */
		EXPECT_EQ(self->used + sizes[i], pool_used(self->fd));
		pid = fork();
		if (!pid) {
			struct zcpool_buf_info bi;

			fd = recv_fd(sk[1], 0);
			if (fd < 0 || buf_info(fd, &bi) || bi.size != sizes[i])
				_exit(1);
			p = buf_map(fd, sizes[i], 0);
			_exit(p != MAP_FAILED && filled(p, sizes[i], 31 + i) ? 0 : 2);
		}
		EXPECT_EQ(0, child_status(pid));
		close(sk[0]);
		close(sk[1]);
		EXPECT_EQ(self->used, pool_wait_used(self->fd, self->used));
	}
}

/* A descriptor left in a socket that is closed unread */
TEST_F(pool, dropped_in_flight)
{
	int sk[2], buf;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sk));
	buf = buf_alloc(self->fd, CHUNK, 0, -1);
	ASSERT_LE(0, buf);
	ASSERT_EQ(0, send_fd(sk[0], buf));
	close(buf);
	EXPECT_EQ(self->used + CHUNK, pool_used(self->fd));
	close(sk[0]);
	close(sk[1]);
	EXPECT_EQ(self->used, pool_wait_used(self->fd, self->used));
}

TEST_F(pool, fdinfo)
{
	struct zcpool_buf_info bi;
	char path[64];
	int buf;

	buf = buf_alloc(self->fd, CHUNK + 3 * PAGE, ZCPOOL_ALLOC_THISNODE, 0);
	ASSERT_LE(0, buf);
	ASSERT_EQ(0, buf_info(buf, &bi));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", buf);
	EXPECT_EQ((long)bi.id, file_field(path, "zcpool-id:"));
	EXPECT_EQ((long)bi.size, file_field(path, "zcpool-size:"));
	EXPECT_EQ(0, file_field(path, "zcpool-node:"));
	EXPECT_EQ((long)CHUNK, file_field(path, "zcpool-whole:"));
	close(buf);
}

TEST_F(pool, ids_are_not_reused)
{
	struct zcpool_buf_info bi;
	__u64 last = 0;
	int i, buf;

	for (i = 0; i < 20; i++) {
		buf = buf_alloc(self->fd, PAGE, 0, -1);
		ASSERT_LE(0, buf);
		ASSERT_EQ(0, buf_info(buf, &bi));
		EXPECT_LT(last, bi.id);
		last = bi.id;
		close(buf);
	}
}

/* Through the mapping and through the calls, at every kind of edge */
TEST_F(pool, read_write_edges)
{
	static char in[3 * PAGE], out[3 * PAGE];
	size_t size = CHUNK + 9 * PAGE;
	size_t at[] = { 0, 1, PAGE - 1, PAGE, CHUNK - PAGE - 7, CHUNK - 1, CHUNK, CHUNK + PAGE - 5,
			size - sizeof(out) };
	size_t n[] = { 1, 7, PAGE - 1, PAGE, PAGE + 1, sizeof(out) };
	unsigned int i, j;
	char *p;
	int buf;

	buf = buf_alloc(self->fd, size, 0, -1);
	ASSERT_LE(0, buf);
	p = buf_map(buf, size, 0);
	ASSERT_NE(MAP_FAILED, p);
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		for (j = 0; j < ARRAY_SIZE(n); j++) {
			memset(p, 0, size);
			fill(out, sizeof(out), i * 100 + j + 1);
			ASSERT_EQ(n[j], pwrite(buf, out, n[j], at[i]));
			EXPECT_EQ(0, memcmp(p + at[i], out, n[j]));
			EXPECT_EQ(0, p[at[i] + n[j] == size ? 0 : at[i] + n[j]]);
			if (at[i])
				EXPECT_EQ(0, p[at[i] - 1]);
			memset(in, 0x55, sizeof(in));
			EXPECT_EQ(n[j], pread(buf, in, n[j], at[i]));
			EXPECT_EQ(0, memcmp(in, out, n[j]));
			if (n[j] < sizeof(in))
				EXPECT_EQ(0x55, in[n[j]]);
		}
	}
	munmap(p, size);
	close(buf);
}

TEST_F(pool, read_write_at_the_end)
{
	size_t size = CHUNK + PAGE;
	char b[64];
	int buf;

	buf = buf_alloc(self->fd, size, 0, -1);
	ASSERT_LE(0, buf);
	memset(b, 'z', sizeof(b));
	/* What crosses the end is cut short. */
	EXPECT_EQ(10, pwrite(buf, b, sizeof(b), size - 10));
	memset(b, 0, sizeof(b));
	EXPECT_EQ(10, pread(buf, b, sizeof(b), size - 10));
	EXPECT_EQ('z', b[9]);
	EXPECT_EQ(0, b[10]);
	/* At the end and behind it */
	EXPECT_EQ(0, pread(buf, b, 1, size));
	EXPECT_EQ(0, pread(buf, b, 1, size + PAGE));
	EXPECT_EQ(0, pread(buf, b, 1, 1LL << 40));
	EXPECT_EQ(-1, pwrite(buf, b, 1, size));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(-1, pwrite(buf, b, 1, size + 1));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(-1, pwrite(buf, b, 1, 1LL << 40));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(0, pwrite(buf, b, 0, size));
	EXPECT_EQ(0, pwrite(buf, b, 0, 0));
	EXPECT_EQ(0, pread(buf, b, 0, 0));
	close(buf);
}

TEST_F(pool, offsets_out_of_reach)
{
	char b[8] = { 0 };
	ssize_t n;
	int buf;

	buf = buf_alloc(self->fd, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	EXPECT_EQ(-1, pread(buf, b, 1, -1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, pwrite(buf, b, 1, -1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, pread(buf, b, 1, LLONG_MIN));
	EXPECT_EQ(EINVAL, errno);
	/* Reading far behind the end is nothing or an error, never a byte. */
	n = pread(buf, b, 8, LLONG_MAX);
	EXPECT_GE(0, n);
	n = pread(buf, b, 8, LLONG_MAX - 8);
	EXPECT_GE(0, n);
	n = pwrite(buf, b, 8, LLONG_MAX);
	EXPECT_EQ(-1, n);
	n = pwrite(buf, b, 8, LLONG_MAX - 8);
	EXPECT_EQ(-1, n);
	close(buf);
}

TEST_F(pool, lseek)
{
	off_t size = CHUNK + PAGE;
	char b[4] = "abc";
	int buf;

	buf = buf_alloc(self->fd, size, 0, -1);
	ASSERT_LE(0, buf);
	EXPECT_EQ(0, lseek(buf, 0, SEEK_CUR));
	EXPECT_EQ(CHUNK - 1, lseek(buf, CHUNK - 1, SEEK_SET));
	EXPECT_EQ(3, write(buf, b, 3));
	EXPECT_EQ(CHUNK + 2, lseek(buf, 0, SEEK_CUR));
	EXPECT_EQ(CHUNK - 1, lseek(buf, -3, SEEK_CUR));
	memset(b, 0, sizeof(b));
	EXPECT_EQ(3, read(buf, b, 3));
	EXPECT_EQ(0, memcmp(b, "abc", 3));
	EXPECT_EQ(size, lseek(buf, 0, SEEK_END));
	EXPECT_EQ(0, read(buf, b, 3));
	EXPECT_EQ(size - 1, lseek(buf, -1, SEEK_END));
	EXPECT_EQ(1, read(buf, b, 3));
	EXPECT_EQ(size, lseek(buf, size, SEEK_SET));
	EXPECT_EQ(-1, lseek(buf, size + 1, SEEK_SET));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, lseek(buf, 1, SEEK_END));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, lseek(buf, -1, SEEK_SET));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, lseek(buf, LLONG_MAX, SEEK_SET));
	EXPECT_EQ(-1, lseek(buf, LLONG_MAX, SEEK_CUR));
	EXPECT_EQ(-1, lseek(buf, 0, SEEK_DATA));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, lseek(buf, 0, SEEK_HOLE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, lseek(buf, 0, 77));
	EXPECT_EQ(EINVAL, errno);
	/* None of the refused ones has moved it. */
	EXPECT_EQ(size, lseek(buf, 0, SEEK_CUR));
	close(buf);
}

TEST_F(pool, vectors)
{
	static char out[5 * PAGE], in[5 * PAGE];
	struct iovec o[3] = {
		{ out, 100 }, { out + 100, 2 * PAGE }, { out + 100 + 2 * PAGE, PAGE + 1 },
	};
	struct iovec i[2] = { { in, PAGE }, { in + PAGE, 2 * PAGE + 101 } };
	size_t len = 3 * PAGE + 101;
	int buf;

	buf = buf_alloc(self->fd, CHUNK + 4 * PAGE, 0, -1);
	ASSERT_LE(0, buf);
	fill(out, sizeof(out), 1);
	EXPECT_EQ(len, pwritev(buf, o, 3, CHUNK - PAGE - 50));
	EXPECT_EQ(len, preadv(buf, i, 2, CHUNK - PAGE - 50));
	EXPECT_EQ(0, memcmp(in, out, len));
	close(buf);
}

/* Memory that ends half way: what could be copied was, or nothing. */
TEST_F(pool, faulting_user_memory)
{
	static char in[2 * PAGE];
	char *edge;
	ssize_t n;
	int buf;

	edge = mmap(NULL, 2 * PAGE, RDWR, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, edge);
	munmap(edge + PAGE, PAGE);
	buf = buf_alloc(self->fd, 4 * PAGE, 0, -1);
	ASSERT_LE(0, buf);
	EXPECT_EQ(-1, pwrite(buf, edge + PAGE, PAGE, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, pread(buf, edge + PAGE, PAGE, 0));
	EXPECT_EQ(EFAULT, errno);
	memset(edge, 'e', PAGE);
	n = pwrite(buf, edge + PAGE - 100, 200, 0);
	EXPECT_TRUE(n == 100 || (n == -1 && errno == EFAULT))
		TH_LOG("wrote %zd", n);
	EXPECT_EQ(2 * PAGE, pread(buf, in, 2 * PAGE, 0));
	EXPECT_TRUE(all_zero(in + 104, PAGE));
	n = pread(buf, edge + PAGE - 100, 200, 0);
	EXPECT_TRUE(n == 100 || (n == -1 && errno == EFAULT))
		TH_LOG("read %zd", n);
	munmap(edge, PAGE);
	close(buf);
}

/* The user memory of read() and write() is a mapping of the same file, untouched. */
TEST_F(pool, copy_within_itself)
{
	static const size_t sizes[] = { 8 * PAGE, 2 * CHUNK + 8 * PAGE };
	unsigned int i;
	size_t half;
	char *p, *q;
	int buf;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		half = sizes[i] / 2;
		buf = buf_alloc(self->fd, sizes[i], 0, -1);
		ASSERT_LE(0, buf);
		q = buf_map(buf, sizes[i], 0);
		ASSERT_NE(MAP_FAILED, q);
		fill(q, half, 1);
		p = buf_map(buf, sizes[i], 0);
		ASSERT_NE(MAP_FAILED, p);
		EXPECT_EQ(half, pread(buf, p + half, half, 0));
		EXPECT_TRUE(filled(q + half, half, 1));
		munmap(p, sizes[i]);
		memset(q + half, 0, half);
		p = buf_map(buf, sizes[i], 0);
		ASSERT_NE(MAP_FAILED, p);
		EXPECT_EQ(half, pwrite(buf, p, half, half));
		EXPECT_TRUE(filled(q + half, half, 1));
		munmap(p, sizes[i]);
		munmap(q, sizes[i]);
		close(buf);
	}
}

TEST_F(pool, append_does_not_grow)
{
	struct stat st;
	int buf;

	buf = buf_alloc(self->fd, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	if (!fcntl(buf, F_SETFL, O_APPEND)) {
		EXPECT_EQ(-1, write(buf, "x", 1));
		EXPECT_EQ(ENOSPC, errno);
	}
	ASSERT_EQ(0, fstat(buf, &st));
	EXPECT_EQ((off_t)PAGE, st.st_size);
	close(buf);
}

TEST_F(pool, size_cannot_be_changed)
{
	off_t sizes[] = { 0, PAGE, CHUNK, 2 * CHUNK, 1LL << 40 };
	struct stat st;
	unsigned int i;
	char *p;
	int buf;

	buf = buf_alloc(self->fd, CHUNK, 0, -1);
	ASSERT_LE(0, buf);
	p = buf_map(buf, CHUNK, 0);
	ASSERT_NE(MAP_FAILED, p);
	fill(p, CHUNK, 1);
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		EXPECT_EQ(-1, ftruncate(buf, sizes[i]));
	EXPECT_EQ(-1, fallocate(buf, 0, 0, 2 * CHUNK));
	EXPECT_EQ(-1, fallocate(buf, 3 /* PUNCH_HOLE | KEEP_SIZE */, 0, CHUNK));
	EXPECT_EQ(-1, fallocate(buf, 0x10 /* ZERO_RANGE */, 0, CHUNK));
	EXPECT_NE(0, posix_fallocate(buf, CHUNK, PAGE));
	ASSERT_EQ(0, fstat(buf, &st));
	EXPECT_EQ((off_t)CHUNK, st.st_size);
	EXPECT_TRUE(filled(p, CHUNK, 1));
	munmap(p, CHUNK);
	close(buf);
}

TEST_F(pool, no_descriptor_left)
{
	struct rlimit was, none;
	int i, fds = count_fds(), buf;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &was));
	none = was;
	none.rlim_cur = dup(0);
	close(none.rlim_cur);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	for (i = 0; i < 50; i++) {
		buf = buf_alloc(self->fd, CHUNK + PAGE, 0, -1);
		EXPECT_EQ(-EMFILE, buf);
	}
	EXPECT_EQ(self->used, pool_used(self->fd));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &was));
	EXPECT_EQ(fds, count_fds());
	buf = buf_alloc(self->fd, PAGE, 0, -1);
	EXPECT_LE(0, buf);
	close(buf);
}

/* Exit with everything still open and mapped, half of it by pool mmap */
TEST_F(pool, exit_with_all_mapped)
{
	static const size_t sizes[] = { PAGE, 100 * PAGE, CHUNK, 5 * MIB };
	unsigned int i;
	pid_t pid;
	char *p;
	int buf;

	pid = fork();
	if (!pid) {
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			buf = buf_alloc(self->fd, sizes[i], 0, -1);
			p = buf < 0 ? MAP_FAILED : buf_map(buf, sizes[i], 0);
			if (p == MAP_FAILED)
				_exit(1);
			touch_write(p, sizes[i]);
			p = mmap(NULL, sizes[i], RDWR, MAP_SHARED, self->fd, 0);
			if (p == MAP_FAILED)
				_exit(2);
			touch_write(p, sizes[i]);
		}
		_exit(pool_used(self->fd) > self->used ? 0 : 3);
	}
	EXPECT_EQ(0, child_status(pid));
	EXPECT_EQ(self->used, pool_wait_used(self->fd, self->used));
}

/* What a victim does until it is killed */
static void churn_for_ever(int pool, __u32 seed)
{
	int buf, flags;
	char *p, *q;
	size_t len;

	for (;;) {
		len = (rnd(&seed) % 4 ? rnd(&seed) % 300 + 1 : 512 + rnd(&seed) % 2048) * PAGE;
		buf = buf_alloc(pool, len, 0, -1);
		if (buf < 0)
			_exit(1);
		p = buf_map(buf, len, 0);
		flags = MAP_SHARED | (rnd(&seed) % 2 ? MAP_POPULATE : 0);
		q = mmap(NULL, len, RDWR, flags, pool, 0);
		if (p == MAP_FAILED || q == MAP_FAILED)
			_exit(2);
		touch_write(p, len);
		touch_write(q, len / 2 + 1);
		munmap(p, len / PAGE / 2 * PAGE + PAGE);
		munmap(p, len);
		munmap(q, len);
		close(buf);
	}
}

TEST_F(pool, killed_at_any_moment)
{
	__u32 seed = 1;
	pid_t pid;
	int i;

	for (i = 0; i < 40; i++) {
		pid = fork();
		if (!pid)
			churn_for_ever(self->fd, i + 1);
		usleep(rnd(&seed) % 50000);
		kill(pid, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, child_status(pid));
		EXPECT_EQ(self->used, pool_wait_used(self->fd, self->used));
	}
}

/* Killed while the kernel zeroes what it asked for: no clean memory is left. */
TEST_F(pool, killed_while_zeroing)
{
	pid_t pid;
	int i, buf;

	for (i = 0; i < 10; i++) {
		pid = fork();
		if (!pid) {
			for (;;) {
				buf = buf_alloc(self->fd, 240 * MIB, 0, -1);
				if (buf < 0)
					_exit(1);
				close(buf);
			}
		}
		usleep(20000 + i * 15000);
		kill(pid, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, child_status(pid));
		EXPECT_EQ(self->used, pool_wait_used(self->fd, self->used));
	}
}

TEST_HARNESS_MAIN
