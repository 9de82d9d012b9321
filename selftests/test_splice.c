// SPDX-License-Identifier: GPL-2.0
/* module: reserve=32M max=64M */
/*
 * Buffers at either end of splice, sendfile and copy_file_range: what arrives is a copy.
 */
#include "zcpool_test.h"
#include <sys/sendfile.h>

static const size_t sizes[] = { PAGE, 5 * PAGE, CHUNK, 2 * CHUNK + 3 * PAGE };

static char *new_filled(struct __test_metadata *_metadata, int pool, size_t len, __u64 seed,
			int *buf)
{
	char *p = map_new(_metadata, pool, len, buf);

	fill(p, len, seed);
	return p;
}

static void end(char *p, size_t len, int buf)
{
	munmap(p, len);
	close(buf);
}

/* An open file that has no name any more */
static int temporary(void)
{
	char path[] = "/tmp/zcpool.XXXXXX";
	int fd = mkstemp(path);

	unlink(path);
	return fd;
}

/* All of len bytes from an offset on, however often that has to be asked for */
static bool send_all(int out, int in, off_t off, size_t len)
{
	ssize_t n;

	for (; len; len -= n) {
		n = sendfile(out, in, &off, len);
		if (n <= 0)
			return false;
	}
	return true;
}

TEST_F(pool, to_a_pipe)
{
	static char in[16 * PAGE];
	size_t off, want;
	unsigned int i;
	int buf, fds[2];
	loff_t at;
	ssize_t n;
	char *p;

	ASSERT_EQ(0, pipe(fds));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = new_filled(_metadata, self->fd, sizes[i], 1, &buf);
		/* From within a page and from its beginning, more than a pipe has room for */
		for (off = 8; off < sizes[i]; off += n) {
			at = off;
			n = splice(buf, &at, fds[1], NULL, sizes[i] - off, SPLICE_F_NONBLOCK);
			ASSERT_LT(0, n);
			EXPECT_EQ(off + n, (size_t)at);
			ASSERT_GE((ssize_t)sizeof(in), n);
			for (want = 0; (ssize_t)want < n; want += at) {
				at = read(fds[0], in + want, n - want);
				ASSERT_LT(0, at);
			}
			EXPECT_EQ(0, memcmp(in, p + off, n));
		}
		end(p, sizes[i], buf);
	}
	close(fds[0]);
	close(fds[1]);
}

static void soil(char *p, size_t len, void *arg)
{
	memset(p, 0xff, len);
}

/* Neither what is written later shows through the pipe, nor what the next owner writes. */
TEST_F(pool, pipe_holds_a_copy)
{
	static char in[2 * PAGE];
	struct zcpool_info pi;
	unsigned int i;
	int buf, fds[2];
	loff_t at;
	char *p;

	ASSERT_EQ(0, pipe(fds));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = new_filled(_metadata, self->fd, sizes[i], 1, &buf);
		at = 0;
		ASSERT_EQ((ssize_t)PAGE, splice(buf, &at, fds[1], NULL, PAGE, 0));
		fill(p, sizes[i], 2);
		at = sizes[i] - PAGE;
		ASSERT_EQ((ssize_t)PAGE, splice(buf, &at, fds[1], NULL, PAGE, 0));
		end(p, sizes[i], buf);
		EXPECT_EQ(self->used, pool_wait_used(self->fd, self->used));
		ASSERT_EQ(0, pool_wait_scrubbed(self->fd, &pi));
		EXPECT_EQ(0, pi.quarantined_bytes);
		EXPECT_EQ(0, take_the_rest(self->fd, soil, NULL));
		ASSERT_EQ((ssize_t)PAGE, read(fds[0], in, PAGE));
		EXPECT_TRUE(filled(in, PAGE, 1));
		ASSERT_EQ((ssize_t)PAGE, read(fds[0], in, PAGE));
		EXPECT_TRUE(filled_from(in, PAGE, 2, sizes[i] - PAGE));
	}
	close(fds[0]);
	close(fds[1]);
}

/* What comes from a pipe: bytes that were written there, and pages of another buffer */
TEST_F(pool, from_a_pipe)
{
	static char out[3 * PAGE];
	static const off_t offs[] = { 0, 24, CHUNK - PAGE - 8, CHUNK + 2 * PAGE };
	const size_t len = CHUNK + 8 * PAGE;
	char *p, *q, *from;
	int buf, other, fds[2];
	unsigned int i;
	loff_t at;

	ASSERT_EQ(0, pipe(fds));
	fill(out, sizeof(out), 2);
	q = new_filled(_metadata, self->fd, sizeof(out), 2, &other);
	for (i = 0; i < 2 * ARRAY_SIZE(offs); i++) {
		struct iovec iov = { q, sizeof(out) };

		from = i % 2 ? q : out;
		p = new_filled(_metadata, self->fd, len, 1, &buf);
		ASSERT_EQ((ssize_t)sizeof(out), from == q ? vmsplice(fds[1], &iov, 1, 0) :
							    write(fds[1], out, sizeof(out)));
		at = offs[i / 2];
		EXPECT_EQ((ssize_t)sizeof(out),
			  splice(fds[0], NULL, buf, &at, sizeof(out), 0));
		EXPECT_EQ((loff_t)(offs[i / 2] + sizeof(out)), at);
		EXPECT_TRUE(filled(p, offs[i / 2], 1));
		EXPECT_TRUE(filled(p + offs[i / 2], sizeof(out), 2));
		EXPECT_TRUE(filled_from(p + at, len - at, 1, at));
		end(p, len, buf);
	}
	end(q, sizeof(out), other);
	close(fds[0]);
	close(fds[1]);
}

TEST_F(pool, sendfile_to_a_file_and_back)
{
	int buf, other, file;
	unsigned int i;
	char *p, *q;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = new_filled(_metadata, self->fd, sizes[i], 1, &buf);
		q = map_new(_metadata, self->fd, sizes[i], &other);
		file = temporary();
		ASSERT_LE(0, file);
		EXPECT_TRUE(send_all(file, buf, 0, sizes[i]));
		EXPECT_EQ((off_t)sizes[i], lseek(file, 0, SEEK_END));
		EXPECT_TRUE(send_all(other, file, 0, sizes[i]));
		EXPECT_TRUE(filled(q, sizes[i], 1));
		/* From one buffer to another, and to where the file is at */
		fill(p, sizes[i], 2);
		EXPECT_EQ(8, lseek(other, 8, SEEK_SET));
		EXPECT_TRUE(send_all(other, buf, 8, sizes[i] - 8));
		EXPECT_EQ((off_t)sizes[i], lseek(other, 0, SEEK_CUR));
		EXPECT_TRUE(filled(q, 8, 1));
		EXPECT_TRUE(filled_from(q + 8, sizes[i] - 8, 2, 8));
		end(p, sizes[i], buf);
		end(q, sizes[i], other);
		close(file);
	}
}

TEST_F(pool, sendfile_to_a_socket)
{
	static char in[4 * PAGE];
	int buf, other, fds[2];
	size_t got, off;
	unsigned int i;
	char *p, *q;
	pid_t pid;
	ssize_t n;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = new_filled(_metadata, self->fd, sizes[i], 1, &buf);
		q = map_new(_metadata, self->fd, sizes[i], &other);
		pid = fork();
		if (!pid) {
			if (send_all(fds[0], buf, 0, sizes[i]))
				_exit(0);
			shutdown(fds[0], SHUT_WR);
			_exit(1);
		}
		for (got = 0; got < sizes[i]; got += n) {
			n = read(fds[1], q + got, sizes[i] - got);
			ASSERT_LT(0, n);
		}
		EXPECT_EQ(0, child_status(pid));
		EXPECT_TRUE(filled(q, sizes[i], 1));
		end(q, sizes[i], other);

		/* Written over while it is on its way */
		off = sizes[i] - PAGE;
		ASSERT_TRUE(send_all(fds[0], buf, off, PAGE));
		fill(p, sizes[i], 2);
		ASSERT_EQ((ssize_t)PAGE, recv(fds[1], in, PAGE, MSG_WAITALL));
		EXPECT_TRUE(filled_from(in, PAGE, 1, off));
		end(p, sizes[i], buf);
	}
	close(fds[0]);
	close(fds[1]);
}

TEST_F(pool, at_the_end)
{
	const size_t len = CHUNK + PAGE;
	static char bytes[2 * PAGE];
	int buf, file, fds[2];
	loff_t at;
	char *p;

	ASSERT_EQ(0, pipe(fds));
	file = temporary();
	ASSERT_LE(0, file);
	p = new_filled(_metadata, self->fd, len, 1, &buf);
	at = len - 100;
	EXPECT_EQ(100, splice(buf, &at, fds[1], NULL, PAGE, 0));
	EXPECT_EQ(0, splice(buf, &at, fds[1], NULL, PAGE, 0));
	at = len + PAGE;
	EXPECT_EQ(0, splice(buf, &at, fds[1], NULL, PAGE, 0));
	EXPECT_EQ(100, read(fds[0], bytes, sizeof(bytes)));
	at = len - 100;
	EXPECT_EQ(100, sendfile(file, buf, &at, PAGE));
	EXPECT_EQ(0, sendfile(file, buf, &at, PAGE));

	/* What does not fit stays in the pipe. */
	memset(bytes, 'z', sizeof(bytes));
	ASSERT_EQ(200, write(fds[1], bytes, 200));
	at = len - 100;
	EXPECT_EQ(100, splice(fds[0], NULL, buf, &at, 200, 0));
	EXPECT_EQ('z', p[len - 1]);
	EXPECT_TRUE(filled(p, len - 104, 1));
	EXPECT_EQ(-1, splice(fds[0], NULL, buf, &at, 100, 0));
	EXPECT_EQ(ENOSPC, errno);
	at = len + 1;
	EXPECT_EQ(-1, splice(fds[0], NULL, buf, &at, 100, 0));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(100, read(fds[0], bytes, sizeof(bytes)));

	ASSERT_EQ(200, pwrite(file, bytes, 200, 0));
	EXPECT_EQ((off_t)len - 100, lseek(buf, -100, SEEK_END));
	at = 0;
	EXPECT_EQ(100, sendfile(buf, file, &at, 200));
	EXPECT_EQ(-1, sendfile(buf, file, &at, 100));
	EXPECT_EQ(ENOSPC, errno);
	close(file);
	close(fds[0]);
	close(fds[1]);
	end(p, len, buf);
}

static ssize_t copy_range(int in, loff_t from, int out, loff_t to, size_t len)
{
	return copy_file_range(in, &from, out, &to, len, 0);
}

TEST_F(pool, copy_file_range)
{
	const size_t len = 2 * CHUNK + 3 * PAGE, half = CHUNK;
	int buf, other, file;
	char *p, *q;

	file = temporary();
	ASSERT_LE(0, file);
	p = new_filled(_metadata, self->fd, len, 1, &buf);
	q = map_new(_metadata, self->fd, len, &other);
	EXPECT_EQ((ssize_t)len, copy_range(buf, 0, other, 0, len));
	EXPECT_TRUE(filled(q, len, 1));
	/* Within one buffer, if the ranges are apart */
	fill(q, half, 2);
	EXPECT_EQ((ssize_t)half, copy_range(other, 0, other, half, half));
	EXPECT_TRUE(filled(q + half, half, 2));
	EXPECT_EQ(-1, copy_range(other, 0, other, PAGE, half));
	EXPECT_EQ(EINVAL, errno);
	/* Short at the end of either */
	EXPECT_EQ(100, copy_range(buf, len - 100, other, 0, PAGE));
	EXPECT_EQ(0, copy_range(buf, len, other, 0, PAGE));
	EXPECT_EQ(100, copy_range(buf, 0, other, len - 100, PAGE));
	EXPECT_EQ(-1, copy_range(buf, 0, other, len, PAGE));
	EXPECT_EQ(ENOSPC, errno);
	/* Another file system's, which programs know as a reason to read and write */
	EXPECT_EQ(-1, copy_range(buf, 0, file, 0, PAGE));
	EXPECT_EQ(EXDEV, errno);
	ASSERT_EQ((ssize_t)PAGE, pwrite(file, p, PAGE, 0));
	EXPECT_EQ(-1, copy_range(file, 0, buf, 0, PAGE));
	EXPECT_EQ(EXDEV, errno);
	EXPECT_TRUE(filled(p, len, 1));
	close(file);
	end(p, len, buf);
	end(q, len, other);
}

TEST_F(pool, refusals)
{
	int buf, other, ro, fds[2];
	loff_t at = 0, to = 0;
	char *p, *q;

	ASSERT_EQ(0, pipe(fds));
	p = new_filled(_metadata, self->fd, PAGE, 1, &buf);
	q = new_filled(_metadata, self->fd, PAGE, 2, &other);
	/* One of the two must be a pipe. */
	EXPECT_EQ(-1, splice(buf, &at, other, &to, PAGE, 0));
	EXPECT_EQ(EINVAL, errno);
	ro = reopen(buf, O_RDONLY);
	ASSERT_LE(0, ro);
	ASSERT_EQ(5, write(fds[1], "12345", 5));
	EXPECT_EQ(-1, splice(fds[0], NULL, ro, &to, 5, 0));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, sendfile(ro, other, &at, PAGE));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, copy_range(other, 0, ro, 0, PAGE));
	EXPECT_EQ(EBADF, errno);
	/* For reading it serves. */
	EXPECT_EQ((ssize_t)PAGE, sendfile(other, ro, &at, PAGE));
	EXPECT_TRUE(filled(p, PAGE, 1));
	EXPECT_TRUE(filled(q, PAGE, 1));
	close(ro);
	close(fds[0]);
	close(fds[1]);
	end(p, PAGE, buf);
	end(q, PAGE, other);
}

TEST_HARNESS_MAIN
