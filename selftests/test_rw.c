// SPDX-License-Identifier: GPL-2.0
/* module: reserve=64M max=256M */
/*
 * Reading and writing a buffer as a file, which has one size for good.
 */
#include "zcpool_test.h"

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

	p = map_new(_metadata, self->fd, size, &buf);
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
	/* Where pages are counted in 32 bits, this is page 0 again. */
	EXPECT_EQ(-1, pwrite(buf, b, 1, 1LL << 44));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(0, pread(buf, b, 1, 1LL << 44));
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

/*
 * Whether n is the result of a copy of 200 bytes of which the last 100 have no memory: an
 * error, or what was copied, which may stop short where a processor copies many bytes at once.
 */
static bool copied_up_to_100(ssize_t n)
{
	return n < 0 ? errno == EFAULT : n > 0 && n <= 100;
}

/* Memory that ends half way: what could be copied was, or nothing. */
TEST_F(pool, faulting_user_memory)
{
	static char in[2 * PAGE];
	char *edge;
	ssize_t n;
	int buf;

	edge = edge_page();
	ASSERT_NE(MAP_FAILED, edge);
	buf = buf_alloc(self->fd, 4 * PAGE, 0, -1);
	ASSERT_LE(0, buf);
	EXPECT_EQ(-1, pwrite(buf, edge + PAGE, PAGE, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, pread(buf, edge + PAGE, PAGE, 0));
	EXPECT_EQ(EFAULT, errno);
	memset(edge, 'e', PAGE);
	n = pwrite(buf, edge + PAGE - 100, 200, 0);
	EXPECT_TRUE(copied_up_to_100(n))
		TH_LOG("wrote %zd", n);
	EXPECT_EQ(2 * PAGE, pread(buf, in, 2 * PAGE, 0));
	EXPECT_EQ(0, memcmp(in, edge + PAGE - 100, n > 0 ? n : 0));
	EXPECT_TRUE(all_zero(in + 104, PAGE));
	n = pread(buf, edge + PAGE - 100, 200, 0);
	EXPECT_TRUE(copied_up_to_100(n))
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
		q = map_new(_metadata, self->fd, sizes[i], &buf);
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

TEST_HARNESS_MAIN
