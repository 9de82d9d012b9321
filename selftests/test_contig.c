// SPDX-License-Identifier: GPL-2.0
/* module: reserve=16M max=64M */
/*
 * Memory in one piece: up to a chunk always, beyond that where chunks are neighbours.
 */
#include "zcpool_test.h"
#include "take_all.h"

/* Whether the physical pages follow one another */
static bool contiguous(int buf, size_t len)
{
	static __u64 pfn[4 * CHUNK / PAGE];
	char *p = buf_map(buf, len, 0);
	size_t i;
	bool ok;

	if (p == MAP_FAILED)
		return false;
	touch_read(p, len);
	ok = pfns_of(p, pfn, len / PAGE) && pfn[0];
	for (i = 0; i < len / PAGE; i++)
		ok = ok && pfn[i] == pfn[0] + i;
	munmap(p, len);
	return ok;
}

/* One piece of any number of pages, and the rest of its block returned */
TEST_F(pool, contig_up_to_a_chunk)
{
	struct zcpool_buf_info bi;
	unsigned int pages;
	int buf;

	for (pages = 1; pages <= 512; pages++) {
		buf = buf_alloc(self->fd, pages * PAGE, ZCPOOL_ALLOC_CONTIG, -1);
		ASSERT_LE(0, buf)
			TH_LOG("%u pages: %s", pages, strerror(-buf));
		ASSERT_EQ(0, buf_info(buf, &bi));
		EXPECT_EQ(1, bi.nr_extents)
			TH_LOG("%u pages", pages);
		EXPECT_EQ(pages * PAGE, bi.size);
		EXPECT_EQ(self->used + pages * PAGE, pool_used(self->fd))
			TH_LOG("%u pages", pages);
		if (pages % 37 == 0 || pages == 512)
			EXPECT_TRUE(contiguous(buf, pages * PAGE))
				TH_LOG("%u pages", pages);
		close(buf);
	}
	EXPECT_EQ(self->used, pool_used(self->fd));
}

/* More than a chunk in one piece, or an error: whether there is one is luck. */
TEST_F(pool, contig_above_a_chunk)
{
	static const size_t sizes[] = { 2 * CHUNK, 3 * CHUNK, 4 * CHUNK };
	struct zcpool_buf_info bi;
	unsigned int i;
	int buf;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		buf = buf_alloc(self->fd, sizes[i], ZCPOOL_ALLOC_CONTIG, -1);
		if (buf < 0) {
			EXPECT_EQ(-ENOMEM, buf);
			continue;
		}
		ASSERT_EQ(0, buf_info(buf, &bi));
		EXPECT_EQ(1, bi.nr_extents);
		EXPECT_EQ(sizes[i], bi.whole_bytes);
		EXPECT_TRUE(contiguous(buf, sizes[i]));
		close(buf);
	}
}

/* The physical address of a buffer of one chunk, in chunks */
static __u64 chunk_of(int buf)
{
	char *p = buf_map(buf, PAGE, 0);
	__u64 pfn;

	if (p == MAP_FAILED)
		return 0;
	touch_read(p, PAGE);
	pfn = pfn_of(p);
	munmap(p, PAGE);
	return pfn * PAGE / CHUNK;
}

/* Two of so many buffers of one chunk that are neighbours; false if none are */
static bool find_neighbours(int nr, int pair[2])
{
	__u64 chunk[MAX / CHUNK];
	int i, k;

	for (i = 0; i < nr; i++)
		chunk[i] = chunk_of(bufs[i]);
	for (i = 0; i < nr; i++) {
		for (k = 0; k < nr; k++) {
			if (chunk[k] == chunk[i] + 1) {
				pair[0] = bufs[i];
				pair[1] = bufs[k];
				return true;
			}
		}
	}
	return false;
}

/* Two chunks that lie side by side are found, and given as one piece. */
TEST_F(pool, contig_neighbours)
{
	const __u32 flags = ZCPOOL_ALLOC_THISNODE;
	int i, n, buf, pair[2], err = 0;
	struct zcpool_info pi;

	n = take_all(self->fd, CHUNK, flags, 0, &err);
	if (!find_neighbours(n, pair)) {
		give_back(0, n);
		SKIP(return, "the kernel gave the pool no neighbours");
	}
	for (i = 0; i < n; i++)
		if (bufs[i] != pair[0] && bufs[i] != pair[1])
			close(bufs[i]);
	/* Within its reserve, the node keeps what it has. */
	EXPECT_EQ(0, pool_wait_reserve(self->fd, 0, 0, &pi));
	close(pair[0]);
	close(pair[1]);
	buf = buf_alloc(self->fd, 2 * CHUNK, flags | ZCPOOL_ALLOC_CONTIG, 0);
	ASSERT_LE(0, buf)
		TH_LOG("%s", strerror(-buf));
	EXPECT_TRUE(contiguous(buf, 2 * CHUNK));
	close(buf);
}

/* What the kernel gives next is hardly a neighbour: not worth taking it all. */
TEST_F(pool, contig_does_not_grow_the_pool)
{
	struct zcpool_info before, after;

	ASSERT_EQ(0, shrinks_to_reserve(self->fd, &before));
	EXPECT_EQ(-ENOMEM, buf_alloc(self->fd, 40 * MIB, ZCPOOL_ALLOC_CONTIG, -1));
	ASSERT_EQ(0, pool_info(self->fd, -1, &after));
	EXPECT_GE(before.total_bytes, after.total_bytes);
	EXPECT_EQ(0, after.used_bytes);
}

/*
 * The pool is at its maximum, and one node has free chunks but no neighbours
 * among them: that is no memory of the kind wanted, not a full pool.
 */
TEST_F(pool, contig_without_neighbours)
{
	struct zcpool_info pi;
	int i, n, m, odd = 0, err = 0;
	bool free_odd;

	if (!node_exists(1))
		SKIP(return, "needs a second node");
	n = take_all(self->fd, CHUNK, ZCPOOL_ALLOC_THISNODE, 0, &err);
	for (m = n; m < (int)MAX_PAGES; m++) {
		bufs[m] = buf_alloc(self->fd, CHUNK, ZCPOOL_ALLOC_THISNODE, 1);
		if (bufs[m] < 0)
			break;
	}
	for (i = n; i < m; i++)
		odd += chunk_of(bufs[i]) % 2;
	free_odd = 2 * odd > m - n;
	for (i = n; i < m; i++) {
		if (chunk_of(bufs[i]) % 2 == free_odd) {
			close(bufs[i]);
			bufs[i] = -1;
		}
	}
	ASSERT_EQ(0, pool_wait_idle(self->fd, &pi));
	EXPECT_LE(pi.max_bytes - CHUNK, pi.total_bytes);
	EXPECT_EQ(-ENOMEM, buf_alloc(self->fd, 2 * CHUNK,
				     ZCPOOL_ALLOC_CONTIG | ZCPOOL_ALLOC_THISNODE, 1))
		TH_LOG("%llu of %llu bytes used", pi.used_bytes, pi.max_bytes);
	give_back(0, m);
	EXPECT_EQ(0, shrinks_to_reserve(self->fd, &pi));
}

TEST_HARNESS_MAIN
