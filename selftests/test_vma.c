// SPDX-License-Identifier: GPL-2.0
/* module: reserve=160M max=512M */
/*
 * Mappings that are cut, protected, moved and inherited.
 */
#include "zcpool_test.h"

TEST_F(pool, munmap_of_the_middle)
{
	size_t len = 6 * MIB + 3 * PAGE, off;
	struct zcpool_buf_info bi;
	char *p, *q;
	int buf;

	p = map_new(_metadata, self->fd, len, &buf);
	fill(p, len, 11);
	ASSERT_EQ(0, buf_info(buf, &bi));
	EXPECT_EQ(1, bi.mappings);
	/* One page of the second chunk, then the whole of the third */
	EXPECT_EQ(0, munmap(p + CHUNK + PAGE, PAGE));
	EXPECT_TRUE(filled(p, CHUNK + PAGE, 11));
	off = CHUNK + 2 * PAGE;
	EXPECT_TRUE(filled_from(p + off, len - off, 11, off));
	ASSERT_EQ(0, buf_info(buf, &bi));
	EXPECT_EQ(2, bi.mappings);
	EXPECT_EQ(0, munmap(p + 2 * CHUNK, CHUNK));
	ASSERT_EQ(0, buf_info(buf, &bi));
	EXPECT_EQ(3, bi.mappings);
	EXPECT_TRUE(filled_from(p + 3 * CHUNK, 3 * PAGE, 11, 3 * CHUNK));
	/* The last page of the tail */
	EXPECT_EQ(0, munmap(p + 3 * CHUNK + 2 * PAGE, PAGE));
	EXPECT_TRUE(filled_from(p + 3 * CHUNK, 2 * PAGE, 11, 3 * CHUNK));
	q = buf_map(buf, len, 0);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_TRUE(filled(q, len, 11));
	munmap(q, len);
	munmap(p, len);
	ASSERT_EQ(0, buf_info(buf, &bi));
	EXPECT_EQ(0, bi.mappings);
	close(buf);
}

TEST_F(pool, munmap_of_the_middle_of_a_small_buffer)
{
	size_t len = 100 * PAGE;
	char *p;
	int buf;

	p = map_new(_metadata, self->fd, len, &buf);
	/* Before the first touch: the batch must cope with what is left. */
	EXPECT_EQ(0, munmap(p + 10 * PAGE, 20 * PAGE));
	fill(p, 10 * PAGE, 1);
	fill(p + 30 * PAGE, 70 * PAGE, 2);
	EXPECT_EQ(0, munmap(p + 50 * PAGE, PAGE));
	EXPECT_TRUE(filled(p, 10 * PAGE, 1));
	EXPECT_TRUE(filled(p + 30 * PAGE, 20 * PAGE, 2));
	EXPECT_TRUE(filled_from(p + 51 * PAGE, 49 * PAGE, 2, 21 * PAGE));
	munmap(p, len);
	p = buf_map(buf, len, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_TRUE(all_zero(p + 10 * PAGE, 20 * PAGE));
	EXPECT_TRUE(filled_from(p + 50 * PAGE, PAGE, 2, 20 * PAGE));
	munmap(p, len);
	close(buf);
}

TEST_F(pool, mprotect_of_a_part)
{
	size_t len = 2 * CHUNK + 4 * PAGE;
	size_t at[] = { 3 * PAGE, CHUNK + 17 * PAGE, 2 * CHUNK + PAGE };
	unsigned int i;
	char *p;
	int buf;

	p = map_new(_metadata, self->fd, len, &buf);
	fill(p, len, 13);
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		EXPECT_EQ(0, mprotect(p + at[i], PAGE, PROT_READ));
		EXPECT_FALSE(writable(p + at[i]));
		EXPECT_TRUE(writable(p + at[i] - PAGE));
		EXPECT_TRUE(writable(p + at[i] + PAGE));
		EXPECT_EQ(0, mprotect(p + at[i], PAGE, PROT_NONE));
		EXPECT_FALSE(writable(p + at[i]));
		EXPECT_EQ(0, mprotect(p + at[i], PAGE, RDWR));
		EXPECT_TRUE(writable(p + at[i]));
		fill(p, len, 13);
	}
	EXPECT_TRUE(filled(p, len, 13));
	munmap(p, len);
	close(buf);
}

/* Read-only from the start, made writable where the file allows it */
TEST_F(pool, mprotect_up)
{
	char *p;
	int buf;

	buf = buf_alloc(self->fd, CHUNK, 0, -1);
	ASSERT_LE(0, buf);
	p = mmap(NULL, CHUNK, PROT_READ, MAP_SHARED, buf, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_TRUE(all_zero(p, CHUNK));
	EXPECT_EQ(0, mprotect(p, CHUNK, RDWR));
	fill(p, CHUNK, 1);
	EXPECT_TRUE(filled(p, CHUNK, 1));
	munmap(p, CHUNK);
	close(buf);
}

TEST_F(pool, mremap_growth_refused)
{
	static const size_t sizes[] = { 4 * PAGE, CHUNK, 3 * CHUNK };
	struct zcpool_buf_info bi;
	unsigned int i;
	char *p;
	int buf;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = map_new(_metadata, self->fd, sizes[i], &buf);
		fill(p, sizes[i], 1);
		EXPECT_EQ(MAP_FAILED, mremap(p, sizes[i], sizes[i] + PAGE, 0));
		EXPECT_EQ(EFAULT, errno);
		EXPECT_EQ(MAP_FAILED, mremap(p, sizes[i], 2 * sizes[i], MREMAP_MAYMOVE));
		EXPECT_EQ(EFAULT, errno);
		EXPECT_EQ(MAP_FAILED, mremap(p, PAGE, 2 * sizes[i], MREMAP_MAYMOVE));
		EXPECT_EQ(EFAULT, errno);
		/* An old length of 0 asks for a second mapping: growth as well. */
		EXPECT_EQ(MAP_FAILED, mremap(p, 0, sizes[i], MREMAP_MAYMOVE));
		EXPECT_EQ(EFAULT, errno);
		EXPECT_TRUE(filled(p, sizes[i], 1));
		ASSERT_EQ(0, buf_info(buf, &bi));
		EXPECT_EQ(1, bi.mappings);
		munmap(p, sizes[i]);
		close(buf);
	}
}

/* Moves to an address that PMDs like and to one that they do not */
TEST_F(pool, mremap_move)
{
	static const size_t sizes[] = { 10 * PAGE, CHUNK, 2 * CHUNK + 3 * PAGE };
	char *room, *p, *q, *to;
	unsigned int i, odd;
	size_t len;
	int buf;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		len = sizes[i];
		for (odd = 0; odd < 2; odd++) {
			p = map_new(_metadata, self->fd, len, &buf);
			fill(p, len, 17);
			room = mmap(NULL, len + 2 * CHUNK, PROT_NONE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			ASSERT_NE(MAP_FAILED, room);
			to = (char *)(((unsigned long)room + PAGE + CHUNK - 1) / CHUNK * CHUNK);
			to += odd * PAGE;
			q = mremap(p, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, to);
			ASSERT_EQ(to, q);
			EXPECT_TRUE(filled(q, len, 17));
			EXPECT_FALSE(writable(p));
			fill(q, len, 18);
			/* One page out of the middle goes its own way. */
			p = mremap(q + 5 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, room);
			if (p == room) {
				EXPECT_TRUE(filled_from(p, PAGE, 18, 5 * PAGE));
				EXPECT_TRUE(filled(q, 5 * PAGE, 18));
			} else {
				EXPECT_EQ(room, p);
			}
			munmap(room, len + 2 * CHUNK);
			close(buf);
		}
	}
}

TEST_F(pool, mremap_shrink)
{
	struct zcpool_buf_info bi;
	char *p;
	int buf;

	p = map_new(_metadata, self->fd, 3 * CHUNK, &buf);
	fill(p, 3 * CHUNK, 1);
	EXPECT_EQ(p, mremap(p, 3 * CHUNK, CHUNK + PAGE, 0));
	EXPECT_TRUE(filled(p, CHUNK + PAGE, 1));
	EXPECT_FALSE(writable(p + CHUNK + PAGE));
	/* Not even back to where it was */
	EXPECT_EQ(MAP_FAILED, mremap(p, CHUNK + PAGE, 2 * CHUNK, 0));
	EXPECT_EQ(EFAULT, errno);
	ASSERT_EQ(0, buf_info(buf, &bi));
	EXPECT_EQ(1, bi.mappings);
	EXPECT_EQ(3 * CHUNK, bi.size);
	munmap(p, 3 * CHUNK);
	close(buf);
}

/* Both kernels refuse MREMAP_DONTUNMAP of what may not be expanded. */
TEST_F(pool, mremap_dontunmap)
{
	char *p;
	int buf;

	p = map_new(_metadata, self->fd, 2 * CHUNK, &buf);
	fill(p, 2 * CHUNK, 1);
	EXPECT_EQ(MAP_FAILED, mremap(p, 2 * CHUNK, 2 * CHUNK,
				     MREMAP_MAYMOVE | MREMAP_DONTUNMAP));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_TRUE(filled(p, 2 * CHUNK, 1));
	munmap(p, 2 * CHUNK);
	close(buf);
}

/* The child goes on using what the parent has unmapped and closed. */
TEST_F(pool, fork_then_the_parent_frees)
{
	static const size_t sizes[] = { 10 * PAGE, CHUNK, 3 * MIB };
	int buf, other, to[2], from[2];
	struct zcpool_buf_info bi;
	unsigned int i;
	char *p, *q, c;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(0, pipe(to));
		ASSERT_EQ(0, pipe(from));
		p = map_new(_metadata, self->fd, sizes[i], &buf);
		fill(p, sizes[i], 21);
		pid = fork();
		if (!pid) {
			close(to[1]);
			close(buf);
			if (write(from[1], "x", 1) != 1 || read(to[0], &c, 1) != 1)
				_exit(1);
			if (!filled(p, sizes[i], 21))
				_exit(2);
			fill(p, sizes[i], 22);
			_exit(filled(p, sizes[i], 22) ? 0 : 3);
		}
		ASSERT_EQ(1, read(from[0], &c, 1));
		ASSERT_EQ(0, buf_info(buf, &bi));
		EXPECT_EQ(2, bi.mappings);
		munmap(p, sizes[i]);
		close(buf);
		EXPECT_EQ(self->used + sizes[i], pool_used(self->fd));
		other = buf_alloc(self->fd, sizes[i], 0, -1);
		ASSERT_LE(0, other);
		q = buf_map(other, sizes[i], 0);
		ASSERT_NE(MAP_FAILED, q);
		memset(q, 0xee, sizes[i]);
		EXPECT_EQ(1, write(to[1], "x", 1));
		EXPECT_EQ(0, child_status(pid));
		munmap(q, sizes[i]);
		close(other);
		EXPECT_EQ(self->used, pool_wait_used(self->fd, self->used));
		close(to[0]);
		close(to[1]);
		close(from[0]);
		close(from[1]);
	}
}

/* A child of a child, each unmapping another part, and the last one exiting */
TEST_F(pool, forks_unmap_parts)
{
	size_t len = 2 * CHUNK + 8 * PAGE;
	pid_t pid, pid2;
	char *p;
	int buf;

	p = map_new(_metadata, self->fd, len, &buf);
	close(buf);
	fill(p, len, 1);
	pid = fork();
	if (!pid) {
		munmap(p, CHUNK - PAGE);
		pid2 = fork();
		if (!pid2) {
			munmap(p + CHUNK + 5 * PAGE, 100 * PAGE);
			_exit(filled_from(p + CHUNK, 5 * PAGE, 1, CHUNK) ? 0 : 1);
		}
		if (child_status(pid2))
			_exit(2);
		_exit(filled_from(p + CHUNK - PAGE, CHUNK, 1, CHUNK - PAGE) ? 0 : 3);
	}
	EXPECT_EQ(0, child_status(pid));
	EXPECT_TRUE(filled(p, len, 1));
	munmap(p, len);
}

TEST_HARNESS_MAIN
