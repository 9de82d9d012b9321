// SPDX-License-Identifier: GPL-2.0
/* module: reserve=16M max=64M */
/*
 * How much a pool gives, what it says when there is no more, and that all of
 * it comes back: the reserve to the pool, the rest to the kernel.
 */
#include "zcpool_test.h"
#include "take_all.h"

TEST_F(pool, exhaustion_and_recovery)
{
	struct zcpool_info pi;
	int round, n, err = 0;

	for (round = 0; round < 3; round++) {
		n = take_all(self->fd, CHUNK, 0, -1, &err);
		EXPECT_EQ(ENOSPC, err);
		ASSERT_EQ(0, pool_info(self->fd, -1, &pi));
		/* An idle split chunk a node may be left from before. */
		EXPECT_GE(MAX / CHUNK, n);
		EXPECT_LE(MAX / CHUNK - pi.nr_nodes, n);
		EXPECT_EQ(n * CHUNK, pi.used_bytes);
		EXPECT_GE(MAX, pi.total_bytes);
		EXPECT_TRUE(info_adds_up(&pi));
		EXPECT_EQ(-ENOSPC, buf_alloc(self->fd, CHUNK, 0, -1));
		EXPECT_EQ(-ENOSPC, buf_alloc(self->fd, CHUNK, 0, 0));
		EXPECT_EQ(-ENOSPC, buf_alloc(self->fd, MAX, 0, -1));
		EXPECT_EQ(MAP_FAILED, mmap(NULL, CHUNK, RDWR, MAP_SHARED, self->fd, 0));
		EXPECT_EQ(ENOSPC, errno);
		/* One back is one to have. */
		close(bufs[0]);
		bufs[0] = buf_alloc(self->fd, CHUNK, 0, -1);
		EXPECT_LE(0, bufs[0]);
		give_back(0, n);
		EXPECT_EQ(0, shrinks_to_reserve(self->fd, &pi));
	}
}

/* One buffer of all there can be, and a byte more */
TEST_F(pool, one_buffer_of_all)
{
	struct zcpool_info pi;
	int buf;

	ASSERT_EQ(0, shrinks_to_reserve(self->fd, &pi));
	EXPECT_EQ(-ENOSPC, buf_alloc(self->fd, MAX + 1, 0, -1));
	buf = buf_alloc(self->fd, MAX - pi.nr_nodes * CHUNK, 0, -1);
	EXPECT_LE(0, buf);
	close(buf);
}

/* A large request that fails half way gives back the half it had. */
TEST_F(pool, failure_half_way)
{
	int buf, i;
	__u64 used;

	buf = buf_alloc(self->fd, 40 * MIB, 0, -1);
	ASSERT_LE(0, buf);
	used = pool_used(self->fd);
	for (i = 0; i < 10; i++) {
		EXPECT_EQ(-ENOSPC, buf_alloc(self->fd, 30 * MIB, 0, -1));
		EXPECT_EQ(-ENOSPC, buf_alloc(self->fd, 24 * MIB + PAGE, 0, -1));
		EXPECT_EQ(used, pool_used(self->fd));
	}
	close(buf);
}

/*
 * Single pages to the last one, then every other one freed: half of the pool
 * is free, none of it in whole chunks; with the rest freed, all of it is.
 */
TEST_F(pool, fragmentation)
{
	struct zcpool_info pi;
	int n, i, err = 0;

	raise_nofile();
	/* From one node first, wherever we run: neighbours are to come one after the other. */
	n = take_all(self->fd, PAGE, 0, 0, &err);
	EXPECT_EQ(ENOSPC, err);
	EXPECT_EQ(MAX_PAGES, (unsigned int)n);
	EXPECT_EQ(MAX, pool_used(self->fd));
	for (i = 0; i < n; i += 2)
		close(bufs[i]);
	ASSERT_EQ(0, pool_info(self->fd, -1, &pi));
	EXPECT_EQ(MAX / 2, pi.used_bytes);
	EXPECT_EQ(-ENOSPC, buf_alloc(self->fd, CHUNK, 0, -1));
	EXPECT_EQ(-ENOSPC, buf_alloc(self->fd, PAGE, ZCPOOL_ALLOC_HUGE, -1));
	/* Two pages in one piece are not to be had, in two pieces they are. */
	EXPECT_GT(0, buf_alloc(self->fd, 2 * PAGE, ZCPOOL_ALLOC_CONTIG, -1));
	bufs[0] = buf_alloc(self->fd, 100 * PAGE, 0, -1);
	EXPECT_LE(0, bufs[0]);
	EXPECT_EQ(MAX / 2 + 100 * PAGE, pool_used(self->fd));
	close(bufs[0]);
	for (i = 1; i < n; i += 2)
		close(bufs[i]);
	EXPECT_EQ(0, shrinks_to_reserve(self->fd, &pi));
	n = take_all(self->fd, CHUNK, 0, -1, &err);
	EXPECT_LE((int)(MAX / CHUNK - pi.nr_nodes), n);
	give_back(0, n);
	EXPECT_EQ(0, shrinks_to_reserve(self->fd, &pi));
}

/* NOWAIT takes what is clean and here: it neither zeroes nor asks the kernel. */
TEST_F(pool, nowait)
{
	struct zcpool_info pi;
	int n, err = 0, i, buf;

	ASSERT_EQ(0, shrinks_to_reserve(self->fd, &pi));
	n = take_all(self->fd, CHUNK, ZCPOOL_ALLOC_NOWAIT, -1, &err);
	EXPECT_EQ(EAGAIN, err);
	/* All of the reserve, but for a chunk a node that may be split */
	EXPECT_GE((int)(pi.reserve_bytes / CHUNK), n);
	EXPECT_LE((int)(pi.reserve_bytes / CHUNK - pi.nr_nodes), n);
	buf = buf_alloc(self->fd, CHUNK, 0, -1);
	EXPECT_LE(0, buf);
	close(buf);
	for (i = 0; i < n; i++) {
		char *p = buf_map(bufs[i], CHUNK, 0);

		ASSERT_NE(MAP_FAILED, p);
		memset(p, 1, CHUNK);
		munmap(p, CHUNK);
	}
	give_back(0, n);
	/* Once the scrubber has been, it works again. */
	ASSERT_EQ(0, shrinks_to_reserve(self->fd, &pi));
	buf = buf_alloc(self->fd, CHUNK, ZCPOOL_ALLOC_NOWAIT, -1);
	EXPECT_LE(0, buf);
	close(buf);
	EXPECT_EQ(-EAGAIN, buf_alloc(self->fd, pi.reserve_bytes + CHUNK,
				     ZCPOOL_ALLOC_NOWAIT, -1));
}

/* One that fails half way makes nothing dirty: what it had taken can be had at once. */
TEST_F(pool, nowait_half_way)
{
	const __u32 flags = ZCPOOL_ALLOC_NOWAIT | ZCPOOL_ALLOC_HUGE;
	struct zcpool_info pi;
	int nid, buf;

	/* There is room for all that is clean, but not in whole chunks. */
	for (nid = 0; node_exists(nid); nid++)
		close(buf_alloc(self->fd, PAGE, ZCPOOL_ALLOC_THISNODE, nid));
	ASSERT_EQ(0, shrinks_to_reserve(self->fd, &pi));
	EXPECT_EQ(-EAGAIN, buf_alloc(self->fd, pi.clean_bytes, flags, -1));
	buf = buf_alloc(self->fd, pi.reserve_bytes - pi.nr_nodes * CHUNK, flags, -1);
	EXPECT_LE(0, buf);
	close(buf);
}

TEST_F(pool, huge_is_whole_or_fails)
{
	static const struct { size_t ask, get; } c[] = {
		{ 1, CHUNK }, { PAGE, CHUNK }, { CHUNK, CHUNK }, { CHUNK + 1, 2 * CHUNK },
		{ 5 * MIB, 3 * CHUNK },
	};
	struct zcpool_buf_info bi;
	unsigned int i;
	int buf;

	for (i = 0; i < ARRAY_SIZE(c); i++) {
		buf = buf_alloc(self->fd, c[i].ask, ZCPOOL_ALLOC_HUGE, -1);
		ASSERT_LE(0, buf);
		ASSERT_EQ(0, buf_info(buf, &bi));
		EXPECT_EQ(c[i].get, bi.size);
		EXPECT_EQ(c[i].get, bi.whole_bytes);
		EXPECT_EQ(0, bi.split_bytes);
		EXPECT_TRUE(bi.flags & ZCPOOL_ALLOC_HUGE);
		EXPECT_EQ(self->used + c[i].get, pool_used(self->fd));
		close(buf);
	}
}

static void on_alarm(int sig)
{
}

static int write_number(const char *path, int nr)
{
	FILE *f = fopen(path, "we");
	int err;

	if (!f)
		return -1;
	err = fprintf(f, "%d\n", nr) < 0;
	return fclose(f) | err;
}

/* Has hugetlb take what a node has in pieces of 2 MiB, or give it back. */
static int set_hugepages(int node, int nr)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	char path[96];
	int err, left;

	snprintf(path, sizeof(path),
		 "/sys/devices/system/node/node%d/hugepages/hugepages-2048kB/nr_hugepages", node);
	/* A kernel that reclaims and compacts for the last piece may take its time. */
	write_number("/proc/sys/vm/drop_caches", 3);
	sigaction(SIGALRM, &sa, NULL);
	alarm(200);
	err = write_number(path, nr);
	left = alarm(0);
	return err || (nr && !left) ? -1 : 0;
}

/* Whether debugfs comes to count all of a node's whole chunks as clean ones */
static bool whole_are_clean(int node)
{
	unsigned long long whole, clean;
	char line[256];
	int i, n;
	FILE *f;

	for (i = 0; i < POLL_TRIES; i++) {
		f = fopen(DEBUGFS "/nodes", "re");
		while (f && fgets(line, sizeof(line), f)) {
			if (sscanf(line, "%d %*u %*u %*u %*u %*u %*u %*u %llu %*u %llu",
				   &n, &whole, &clean) == 3 && n == node && whole == clean) {
				fclose(f);
				return true;
			}
		}
		if (f)
			fclose(f);
		usleep(POLL_USEC);
	}
	return false;
}

/*
 * The pool may grow, but the kernel has no 2 MiB in one piece on that node. An
 * idle split chunk cannot be made whole then: say so, do not try for ever.
 */
TEST_F(pool, the_kernel_has_none)
{
	const __u32 flags = ZCPOOL_ALLOC_THISNODE;
	struct zcpool_info pi;
	int n, err = 0, small;

	if (!node_exists(1))
		SKIP(return, "needs a second node");
	if (set_hugepages(1, 100000)) {
		set_hugepages(1, 0);
		SKIP(return, "hugetlb cannot take all of the node");
	}
	n = take_all(self->fd, CHUNK, flags, 1, &err);
	EXPECT_EQ(ENOMEM, err);
	/* Compaction may still come by a piece. */
	bufs[n] = buf_alloc(self->fd, CHUNK, flags, 1);
	EXPECT_TRUE(bufs[n] >= 0 || bufs[n] == -ENOMEM);
	n += bufs[n] >= 0;
	/*
	 * One that is given back can be made a split chunk only by way of the
	 * kernel, which may keep it here: an error, and the reserve is short of
	 * it until the kernel has memory again.
	 */
	close(bufs[0]);
	bufs[0] = -1;
	small = buf_alloc(self->fd, PAGE, flags, 1);
	EXPECT_TRUE(small >= 0 || small == -ENOMEM);
	close(small);
	EXPECT_EQ(0, set_hugepages(1, 0));
	give_back(0, n);
	EXPECT_EQ(0, shrinks_to_reserve(self->fd, &pi));
	EXPECT_TRUE(whole_are_clean(1));
}

/* Not contiguous: exact in bytes, however it is pieced together */
TEST_F(pool, exact_sizes)
{
	unsigned int pages;
	int buf;

	for (pages = 1; pages <= 768; pages += 7) {
		buf = buf_alloc(self->fd, pages * PAGE, 0, -1);
		ASSERT_LE(0, buf);
		EXPECT_EQ(self->used + pages * PAGE, pool_used(self->fd));
		close(buf);
	}
}

struct taker {
	pthread_barrier_t *start;
	int pool;
	int buf;
};

static void *take_page(void *arg)
{
	struct taker *taker = arg;

	pthread_barrier_wait(taker->start);
	taker->buf = buf_alloc(taker->pool, PAGE, 0, -1);
	return NULL;
}

/* Whether so many threads get a page each at the same moment; which they give back */
static bool pages_at_once(int pool, int nr)
{
	struct taker takers[8];
	pthread_barrier_t start;
	pthread_t threads[8];
	bool all = true;
	int i;

	pthread_barrier_init(&start, NULL, nr);
	for (i = 0; i < nr; i++) {
		takers[i] = (struct taker){ .start = &start, .pool = pool };
		if (pthread_create(&threads[i], NULL, take_page, &takers[i]))
			exit(KSFT_FAIL);
	}
	for (i = 0; i < nr; i++) {
		pthread_join(threads[i], NULL);
		if (takers[i].buf < 0) {
			printf("# %s\n", strerror(-takers[i].buf));
			all = false;
		}
	}
	for (i = 0; i < nr; i++)
		if (takers[i].buf >= 0)
			close(takers[i].buf);
	pthread_barrier_destroy(&start);
	return all;
}

/* The pool can grow by one chunk: that has room for all who want a page. */
TEST_F(pool, last_chunk_for_all)
{
	struct zcpool_info pi;
	int n, i, round, buf, err = 0;

	n = take_all(self->fd, CHUNK, 0, 0, &err);
	ASSERT_EQ(MAX / CHUNK, n);
	/* Of the node that has most of them, far beyond its reserve */
	close(bufs[0]);
	for (round = 0; round < 10; round++) {
		/* More than the reserve is given back, unless it is a split chunk. */
		for (i = 0; i < POLL_TRIES; i++) {
			ASSERT_EQ(0, pool_info(self->fd, -1, &pi));
			if (pi.total_bytes == pi.used_bytes)
				break;
			usleep(POLL_USEC);
		}
		ASSERT_EQ((n - 1) * CHUNK, pi.total_bytes);
		EXPECT_TRUE(pages_at_once(self->fd, 8));
		EXPECT_EQ((n - 1) * CHUNK, pool_used(self->fd));
		buf = buf_alloc(self->fd, CHUNK, 0, -1);
		ASSERT_LE(0, buf);
		close(buf);
	}
	give_back(1, n);
	EXPECT_EQ(0, shrinks_to_reserve(self->fd, &pi));
}

/* The kernel has what was grown back as soon as it is free. */
TEST_F(pool, growth_goes_back)
{
	static const size_t sizes[] = { CHUNK, 16 * PAGE, 3 * MIB };
	struct zcpool_info pi;
	int n, err = 0, i;

	raise_nofile();
	for (i = 0; i < (int)ARRAY_SIZE(sizes); i++) {
		n = take_all(self->fd, sizes[i], 0, -1, &err);
		EXPECT_EQ(ENOSPC, err);
		ASSERT_EQ(0, pool_info(self->fd, -1, &pi));
		EXPECT_LT(pi.reserve_bytes, pi.total_bytes);
		give_back(0, n);
		EXPECT_EQ(0, shrinks_to_reserve(self->fd, &pi));
		EXPECT_EQ(0, pi.used_bytes);
	}
}

TEST_HARNESS_MAIN
