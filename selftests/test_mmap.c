// SPDX-License-Identifier: GPL-2.0
/* module: reserve=160M max=512M */
/*
 * Mapping a buffer: alignment, PMDs, fault counts, ranges, partial operations.
 */
#include "zcpool_test.h"
#include <linux/mempolicy.h>
#include <sys/syscall.h>

/*
 * A process with a policy of its own has no NUMA hinting faults in the memory of its
 * program either, which would be counted. What the pool gives does not depend on it.
 */
static __attribute__((constructor)) void no_hinting_faults(void)
{
	syscall(SYS_set_mempolicy, MPOL_LOCAL, NULL, 0UL);
}

TEST_F(pool, alignment)
{
	static const size_t sizes[] = {
		CHUNK, CHUNK + PAGE, 2 * CHUNK - PAGE, 7 * CHUNK, 64 * MIB,
	};
	struct zcpool_buf_info bi;
	unsigned int i;
	void *p;
	int buf;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		buf = buf_alloc(self->fd, sizes[i], 0, -1);
		ASSERT_LE(0, buf);
		ASSERT_EQ(0, buf_info(buf, &bi));
		p = buf_map(buf, bi.size, 0);
		ASSERT_NE(MAP_FAILED, p);
		EXPECT_EQ(0, (unsigned long)p % CHUNK);
		munmap(p, bi.size);

		p = mmap(NULL, sizes[i], RDWR, MAP_SHARED, self->fd, 0);
		ASSERT_NE(MAP_FAILED, p);
		EXPECT_EQ(0, (unsigned long)p % CHUNK);
		munmap(p, sizes[i]);
		close(buf);
	}
}

/*
 * Many mappings lie side by side: what is aligned must not leave a hole each. In a
 * 64-bit address space it is the core that aligns, with holes in 6.1.
 */
TEST_F(pool, no_holes)
{
	enum { NR = 16 };
	char *p[NR], *low = NULL, *high = NULL;
	int buf, i;

	buf = buf_alloc(self->fd, CHUNK, 0, -1);
	ASSERT_LE(0, buf);
	for (i = 0; i < NR; i++) {
		p[i] = buf_map(buf, CHUNK, 0);
		ASSERT_NE(MAP_FAILED, p[i]);
		EXPECT_EQ(0, (unsigned long)p[i] % CHUNK);
		low = !low || p[i] < low ? p[i] : low;
		high = p[i] > high ? p[i] : high;
	}
	if (sizeof(long) == 4)
		EXPECT_GT((NR + 2) * CHUNK, high - low + CHUNK);
	for (i = 0; i < NR; i++)
		munmap(p[i], CHUNK);
	close(buf);
}

TEST_F(pool, mapped_by_pmd)
{
	static const size_t sizes[] = { 2 * MIB, 64 * MIB };
	unsigned int i;
	void *p;
	int buf;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		buf = buf_alloc(self->fd, sizes[i], 0, -1);
		ASSERT_LE(0, buf);
		p = buf_map(buf, sizes[i], 0);
		ASSERT_NE(MAP_FAILED, p);
		EXPECT_EQ(0, smaps_kb(p, sizes[i], "FilePmdMapped"));
		touch_write(p, sizes[i]);
		EXPECT_EQ((long)(sizes[i] / KIB), smaps_kb(p, sizes[i], "FilePmdMapped"));
		EXPECT_EQ((long)(sizes[i] / KIB), smaps_kb(p, sizes[i], "Rss"));
		munmap(p, sizes[i]);
		close(buf);
	}
}

TEST_F(pool, small_is_not_mapped_by_pmd)
{
	void *p;
	int buf;

	buf = buf_alloc(self->fd, MIB, 0, -1);
	ASSERT_LE(0, buf);
	p = buf_map(buf, MIB, 0);
	ASSERT_NE(MAP_FAILED, p);
	touch_write(p, MIB);
	EXPECT_EQ(0, smaps_kb(p, MIB, "FilePmdMapped"));
	EXPECT_EQ(1024, smaps_kb(p, MIB, "Rss"));
	munmap(p, MIB);
	close(buf);
}

/* What a buffer of a size is made of, and what touching all of it costs */
FIXTURE(cost) {
	int pool;
	int buf;
	void *p;
};

FIXTURE_VARIANT(cost) {
	size_t ask, size, whole;
	long faults;
	__u32 flags;
};

FIXTURE_VARIANT_ADD(cost, 4k) { PAGE, PAGE, 0, 1 };
FIXTURE_VARIANT_ADD(cost, 64k) { 64 * KIB, 64 * KIB, 0, 1 };
FIXTURE_VARIANT_ADD(cost, 17_pages) { 17 * PAGE, 17 * PAGE, 0, 1 };
FIXTURE_VARIANT_ADD(cost, 1m) { MIB, MIB, 0, 1 };
FIXTURE_VARIANT_ADD(cost, 2m_less_4k) { CHUNK - PAGE, CHUNK - PAGE, 0, 1 };
FIXTURE_VARIANT_ADD(cost, 2m) { CHUNK, CHUNK, CHUNK, 1 };
FIXTURE_VARIANT_ADD(cost, 2m_and_4k) { CHUNK + PAGE, CHUNK + PAGE, CHUNK, 2 };
FIXTURE_VARIANT_ADD(cost, 3m) { 3 * MIB, 3 * MIB, CHUNK, 1 + 256 };
FIXTURE_VARIANT_ADD(cost, 3m_and_4k) { 3 * MIB + PAGE, 2 * CHUNK, 2 * CHUNK, 2 };
FIXTURE_VARIANT_ADD(cost, 4m_less_4k) { 2 * CHUNK - PAGE, 2 * CHUNK, 2 * CHUNK, 2 };
FIXTURE_VARIANT_ADD(cost, 64m) { 64 * MIB, 64 * MIB, 64 * MIB, 32 };
FIXTURE_VARIANT_ADD(cost, huge_4k) { PAGE, CHUNK, CHUNK, 1, ZCPOOL_ALLOC_HUGE };
FIXTURE_VARIANT_ADD(cost, huge_5m) { 5 * MIB, 3 * CHUNK, 3 * CHUNK, 3, ZCPOOL_ALLOC_HUGE };

FIXTURE_SETUP(cost)
{
	self->pool = pool_open();
	ASSERT_LE(0, self->pool);
	self->buf = buf_alloc(self->pool, variant->ask, variant->flags, -1);
	ASSERT_LE(0, self->buf);
}

FIXTURE_TEARDOWN(cost)
{
	/* Low addresses may be those of the program. */
	if (self->p)
		munmap(self->p, variant->size);
	close(self->buf);
	EXPECT_EQ(0, pool_wait_used(self->pool, 0));
	close(self->pool);
}

TEST_F(cost, made_of)
{
	struct zcpool_buf_info bi;

	ASSERT_EQ(0, buf_info(self->buf, &bi));
	EXPECT_EQ(variant->size, bi.size);
	EXPECT_EQ(variant->ask, bi.requested);
	EXPECT_EQ(variant->whole, bi.whole_bytes);
	EXPECT_EQ(variant->size - variant->whole, bi.split_bytes);
	EXPECT_EQ(variant->flags, bi.flags & ZCPOOL_ALLOC_HUGE);
	EXPECT_LE(1, bi.nr_extents);
}

TEST_F(cost, faults_writing)
{
	self->p = buf_map(self->buf, variant->size, 0);
	ASSERT_NE(MAP_FAILED, self->p);
	EXPECT_EQ(variant->faults, faults_of(touch_write, self->p, variant->size));
	EXPECT_EQ(0, faults_of(touch_write, self->p, variant->size));
}

TEST_F(cost, faults_reading_then_writing)
{
	self->p = buf_map(self->buf, variant->size, 0);
	ASSERT_NE(MAP_FAILED, self->p);
	EXPECT_EQ(variant->faults, faults_of(touch_read, self->p, variant->size));
	EXPECT_EQ(0, faults_of(touch_write, self->p, variant->size));
}

TEST_F(cost, faults_after_populate)
{
	self->p = mmap(NULL, variant->size, RDWR, MAP_SHARED | MAP_POPULATE, self->buf, 0);
	ASSERT_NE(MAP_FAILED, self->p);
	EXPECT_EQ(0, faults_of(touch_write, self->p, variant->size));
}

TEST_F(cost, readonly_mapping)
{
	self->p = mmap(NULL, variant->size, PROT_READ, MAP_SHARED, self->buf, 0);
	ASSERT_NE(MAP_FAILED, self->p);
	EXPECT_EQ(variant->faults, faults_of(touch_read, self->p, variant->size));
	EXPECT_FALSE(writable(self->p));
	EXPECT_TRUE(all_zero(self->p, variant->size));
}

/* All of it is one file: what is written at an offset is read back there. */
TEST_F(cost, contents)
{
	char *q;

	self->p = buf_map(self->buf, variant->size, 0);
	ASSERT_NE(MAP_FAILED, self->p);
	EXPECT_TRUE(all_zero(self->p, variant->size));
	fill(self->p, variant->size, 7);
	q = buf_map(self->buf, variant->size, 0);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_TRUE(filled(q, variant->size, 7));
	munmap(q, variant->size);
	if (variant->size < 2 * PAGE)
		return;
	/* A mapping of all but the first page holds the same. */
	q = buf_map(self->buf, variant->size - PAGE, PAGE);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_TRUE(filled_from(q, variant->size - PAGE, 7, PAGE));
	munmap(q, variant->size - PAGE);
}

TEST_F(pool, pool_mmap)
{
	static const struct { size_t len; long faults; } c[] = {
		{ PAGE, 1 }, { 100 * PAGE, 1 }, { CHUNK - PAGE, 1 }, { CHUNK, 1 },
		{ CHUNK + 3 * PAGE, 1 + 3 }, { CHUNK + 400 * PAGE, 1 + 400 },
		{ 16 * CHUNK, 16 },
	};
	unsigned int i;
	void *p;

	for (i = 0; i < ARRAY_SIZE(c); i++) {
		p = mmap(NULL, c[i].len, RDWR, MAP_SHARED, self->fd, 0);
		ASSERT_NE(MAP_FAILED, p);
		EXPECT_EQ(self->used + c[i].len, pool_used(self->fd));
		EXPECT_EQ(c[i].faults, faults_of(touch_write, p, c[i].len))
			TH_LOG("length %zu", c[i].len);
		EXPECT_EQ((long)(c[i].len / CHUNK * CHUNK / KIB),
			  smaps_kb(p, c[i].len, "FilePmdMapped"));
		munmap(p, c[i].len);
		EXPECT_EQ(self->used, pool_used(self->fd));

		p = mmap(NULL, c[i].len, RDWR, MAP_SHARED | MAP_POPULATE, self->fd, 0);
		ASSERT_NE(MAP_FAILED, p);
		EXPECT_EQ(0, faults_of(touch_write, p, c[i].len));
		munmap(p, c[i].len);
	}
}

TEST_F(pool, pool_mmap_odd_length)
{
	char *p = mmap(NULL, 3 * PAGE + 17, RDWR, MAP_SHARED, self->fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(self->used + 4 * PAGE, pool_used(self->fd));
	EXPECT_TRUE(all_zero(p, 4 * PAGE));
	memset(p, 1, 4 * PAGE);
	munmap(p, 3 * PAGE + 17);
}

TEST_F(pool, pool_mmap_is_private_to_its_mapping)
{
	char *a, *b;

	a = mmap(NULL, 3 * MIB, RDWR, MAP_SHARED, self->fd, 0);
	b = mmap(NULL, 3 * MIB, RDWR, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, a);
	ASSERT_NE(MAP_FAILED, b);
	fill(a, 3 * MIB, 1);
	EXPECT_TRUE(all_zero(b, 3 * MIB));
	fill(b, 3 * MIB, 2);
	EXPECT_TRUE(filled(a, 3 * MIB, 1));
	munmap(a, 3 * MIB);
	EXPECT_TRUE(filled(b, 3 * MIB, 2));
	munmap(b, 3 * MIB);
}

TEST_F(pool, pool_mmap_shared_by_fork)
{
	char *p = mmap(NULL, 3 * MIB, RDWR, MAP_SHARED, self->fd, 0);
	pid_t pid;

	ASSERT_NE(MAP_FAILED, p);
	fill(p, 3 * MIB, 1);
	pid = fork();
	if (!pid) {
		if (!filled(p, 3 * MIB, 1))
			_exit(1);
		fill(p, 3 * MIB, 2);
		_exit(0);
	}
	EXPECT_EQ(0, child_status(pid));
	EXPECT_TRUE(filled(p, 3 * MIB, 2));
	munmap(p, 3 * MIB);
}

TEST_F(pool, pool_mmap_partial_munmap)
{
	char *p = mmap(NULL, 6 * MIB, RDWR, MAP_SHARED, self->fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	fill(p, 6 * MIB, 1);
	EXPECT_EQ(0, munmap(p, CHUNK));
	EXPECT_EQ(0, munmap(p + 2 * CHUNK - PAGE, PAGE));
	EXPECT_TRUE(filled_from(p + CHUNK, CHUNK - PAGE, 1, CHUNK));
	EXPECT_TRUE(filled_from(p + 2 * CHUNK, CHUNK, 1, 2 * CHUNK));
	munmap(p, 6 * MIB);
}

TEST_F(pool, pool_mmap_refusals)
{
	int ro = open(POOL_PATH, O_RDONLY | O_CLOEXEC);
	void *p;

	ASSERT_LE(0, ro);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, CHUNK, RDWR, MAP_SHARED, self->fd, PAGE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, CHUNK, RDWR, MAP_SHARED, self->fd, CHUNK));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, CHUNK, RDWR, MAP_PRIVATE, self->fd, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, CHUNK, PROT_READ, MAP_PRIVATE, self->fd, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 0, RDWR, MAP_SHARED, self->fd, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 1UL << 30, RDWR, MAP_SHARED, self->fd, 0));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, CHUNK, RDWR, MAP_SHARED, ro, 0));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(self->used, pool_used(self->fd));
	p = mmap(NULL, CHUNK, PROT_READ, MAP_SHARED, ro, 0);
	if (p != MAP_FAILED) {
		EXPECT_TRUE(all_zero(p, CHUNK));
		EXPECT_EQ(-1, mprotect(p, CHUNK, RDWR));
		EXPECT_EQ(EACCES, errno);
		munmap(p, CHUNK);
	}
	close(ro);
}

/* Every pair of offset and length that a buffer of 5 MiB has or has not */
TEST_F(pool, range_matrix)
{
	static const off_t offs[] = {
		0, PAGE, CHUNK - PAGE, CHUNK, CHUNK + PAGE, 2 * CHUNK - PAGE, 2 * CHUNK,
		5 * MIB - PAGE, 5 * MIB, 5 * MIB + PAGE, 6 * MIB, 1LL << 32, 1LL << 43,
	};
	static const size_t lens[] = {
		1, PAGE, PAGE + 1, CHUNK - PAGE, CHUNK, CHUNK + PAGE, 3 * MIB, 5 * MIB - PAGE,
		5 * MIB, 5 * MIB + PAGE, 6 * MIB, sizeof(long) > 4 ? 1ULL << 32 : 1 << 30,
	};
	size_t size = 5 * MIB, len, at;
	unsigned int i, j;
	char *all, *p;
	int buf;

	buf = buf_alloc(self->fd, size, 0, -1);
	ASSERT_LE(0, buf);
	all = buf_map(buf, size, 0);
	ASSERT_NE(MAP_FAILED, all);
	fill(all, size, 3);
	for (i = 0; i < ARRAY_SIZE(offs); i++) {
		for (j = 0; j < ARRAY_SIZE(lens); j++) {
			len = (lens[j] + PAGE - 1) / PAGE * PAGE;
			p = buf_map(buf, lens[j], offs[i]);
			if (offs[i] + len > size) {
				EXPECT_EQ(MAP_FAILED, p)
					TH_LOG("at %lld length %zu", (long long)offs[i], lens[j]);
				/* The core, beyond 4 GiB in a 32-bit address space */
				EXPECT_TRUE(errno == EINVAL ||
					    (sizeof(long) == 4 && errno == EOVERFLOW));
				continue;
			}
			ASSERT_NE(MAP_FAILED, p)
				TH_LOG("offset %lld length %zu", (long long)offs[i], lens[j]);
			EXPECT_TRUE(filled_from(p, len, 3, offs[i]));
			for (at = 0; at < len; at += CHUNK)
				EXPECT_EQ(pfn_of(all + offs[i] + at), pfn_of(p + at));
			munmap(p, len);
		}
	}
	munmap(all, size);
	close(buf);
}

/* The system call takes its offset in pages where a long has 32 bits. */
#ifdef SYS_mmap2
#define RAW_MMAP	SYS_mmap2
#define RAW_PAGE	1UL
#else
#define RAW_MMAP	SYS_mmap
#define RAW_PAGE	PAGE
#endif
#define TOP_BIT		(1UL << (8 * sizeof(long) - 1))

/* offset + length must not wrap (CVE-2018-8781); the core may refuse it first. */
TEST_F(pool, range_wraps)
{
	static const unsigned long offs[] = {
		-RAW_PAGE, -2 * RAW_PAGE, -512 * RAW_PAGE, TOP_BIT, TOP_BIT - RAW_PAGE,
		TOP_BIT / 2,
	};
	static const size_t lens[] = { PAGE, 2 * PAGE, CHUNK, CHUNK + PAGE };
	unsigned int i, j;
	void *p;
	int buf;

	buf = buf_alloc(self->fd, 2 * CHUNK, 0, -1);
	ASSERT_LE(0, buf);
	for (i = 0; i < ARRAY_SIZE(offs); i++) {
		for (j = 0; j < ARRAY_SIZE(lens); j++) {
			p = (void *)syscall(RAW_MMAP, NULL, lens[j], RDWR, MAP_SHARED, buf,
					    offs[i]);
			EXPECT_EQ(MAP_FAILED, p);
			EXPECT_TRUE(errno == EINVAL || errno == EOVERFLOW);
			p = (void *)syscall(RAW_MMAP, NULL, lens[j], RDWR, MAP_SHARED, self->fd,
					    offs[i]);
			EXPECT_EQ(MAP_FAILED, p);
			EXPECT_TRUE(errno == EINVAL || errno == EOVERFLOW);
		}
	}
	EXPECT_EQ(MAP_FAILED, buf_map(buf, PAGE, 100));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, buf_map(buf, 0, 0));
	EXPECT_EQ(EINVAL, errno);
	close(buf);
}

/* remap_file_pages() counts in pages, so its offset can be ULONG_MAX - 1. */
TEST_F(pool, remap_file_pages)
{
	static const unsigned long bad[] = { ULONG_MAX - 1, ULONG_MAX - 512, 1024,
					      ULONG_MAX / PAGE + 1 };
	unsigned int i;
	char *p;
	int buf;

	buf = buf_alloc(self->fd, 2 * CHUNK, 0, -1);
	ASSERT_LE(0, buf);
	p = buf_map(buf, 2 * CHUNK, 0);
	ASSERT_NE(MAP_FAILED, p);
	fill(p, 2 * CHUNK, 5);
	EXPECT_EQ(0, syscall(SYS_remap_file_pages, p + PAGE, PAGE, 0, 600UL, 0));
	EXPECT_TRUE(filled_from(p + PAGE, PAGE, 5, 600 * PAGE));
	EXPECT_TRUE(filled(p, PAGE, 5));
	EXPECT_TRUE(filled_from(p + 2 * PAGE, CHUNK, 5, 2 * PAGE));
	munmap(p, 2 * CHUNK);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		p = buf_map(buf, 2 * CHUNK, 0);
		ASSERT_NE(MAP_FAILED, p);
		EXPECT_EQ(-1, syscall(SYS_remap_file_pages, p, PAGE, 0, bad[i], 0));
		EXPECT_TRUE(errno == EINVAL || errno == EOVERFLOW);
		munmap(p, 2 * CHUNK);
	}
	close(buf);
}

TEST_F(pool, private_refused)
{
	int buf = buf_alloc(self->fd, CHUNK, 0, -1);

	ASSERT_LE(0, buf);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, CHUNK, RDWR, MAP_PRIVATE, buf, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, CHUNK, PROT_READ, MAP_PRIVATE, buf, 0));
	EXPECT_EQ(EINVAL, errno);
	close(buf);
}

/* At an address that no PMD can serve, the mapping works by small pages. */
TEST_F(pool, fixed_odd_address)
{
	size_t len = 3 * CHUNK;
	char *room, *p;
	int buf;

	buf = buf_alloc(self->fd, len, 0, -1);
	ASSERT_LE(0, buf);
	room = mmap(NULL, len + 2 * CHUNK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, room);
	p = (char *)(((unsigned long)room + CHUNK) / CHUNK * CHUNK + 5 * PAGE);
	p = mmap(p, len, RDWR, MAP_SHARED | MAP_FIXED, buf, 0);
	ASSERT_NE(MAP_FAILED, p);
	fill(p, len, 9);
	EXPECT_EQ(0, smaps_kb(p, len, "FilePmdMapped"));
	EXPECT_TRUE(filled(p, len, 9));
	munmap(room, len + 2 * CHUNK);
	p = buf_map(buf, len, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_TRUE(filled(p, len, 9));
	EXPECT_EQ((long)(len / KIB), smaps_kb(p, len, "FilePmdMapped"));
	munmap(p, len);
	close(buf);
}

/* An offset into a chunk, at an address congruent to it: PMDs for the rest */
TEST_F(pool, offset_is_congruent)
{
	size_t off = 7 * PAGE, len = 4 * CHUNK - off;
	char *p;
	int buf;

	buf = buf_alloc(self->fd, 4 * CHUNK, 0, -1);
	ASSERT_LE(0, buf);
	p = buf_map(buf, len, off);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(off, (unsigned long)p % CHUNK);
	touch_write(p, len);
	EXPECT_EQ((long)(3 * CHUNK / KIB), smaps_kb(p, len, "FilePmdMapped"));
	munmap(p, len);
	close(buf);
}

TEST_F(pool, munmap_of_the_middle)
{
	size_t len = 6 * MIB + 3 * PAGE, off;
	struct zcpool_buf_info bi;
	char *p, *q;
	int buf;

	buf = buf_alloc(self->fd, len, 0, -1);
	ASSERT_LE(0, buf);
	p = buf_map(buf, len, 0);
	ASSERT_NE(MAP_FAILED, p);
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

	buf = buf_alloc(self->fd, len, 0, -1);
	ASSERT_LE(0, buf);
	p = buf_map(buf, len, 0);
	ASSERT_NE(MAP_FAILED, p);
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

	buf = buf_alloc(self->fd, len, 0, -1);
	ASSERT_LE(0, buf);
	p = buf_map(buf, len, 0);
	ASSERT_NE(MAP_FAILED, p);
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
		buf = buf_alloc(self->fd, sizes[i], 0, -1);
		ASSERT_LE(0, buf);
		p = buf_map(buf, sizes[i], 0);
		ASSERT_NE(MAP_FAILED, p);
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
			buf = buf_alloc(self->fd, len, 0, -1);
			ASSERT_LE(0, buf);
			p = buf_map(buf, len, 0);
			ASSERT_NE(MAP_FAILED, p);
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

	buf = buf_alloc(self->fd, 3 * CHUNK, 0, -1);
	ASSERT_LE(0, buf);
	p = buf_map(buf, 3 * CHUNK, 0);
	ASSERT_NE(MAP_FAILED, p);
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

	buf = buf_alloc(self->fd, 2 * CHUNK, 0, -1);
	ASSERT_LE(0, buf);
	p = buf_map(buf, 2 * CHUNK, 0);
	ASSERT_NE(MAP_FAILED, p);
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
		buf = buf_alloc(self->fd, sizes[i], 0, -1);
		ASSERT_LE(0, buf);
		p = buf_map(buf, sizes[i], 0);
		ASSERT_NE(MAP_FAILED, p);
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

	buf = buf_alloc(self->fd, len, 0, -1);
	ASSERT_LE(0, buf);
	p = buf_map(buf, len, 0);
	ASSERT_NE(MAP_FAILED, p);
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

struct range { size_t off, len; };

/*
 * No advice loses a byte: the memory is the file's. Which of them the kernel
 * refuses for such a mapping is not ours to say, but for those named.
 */
TEST_F(pool, madvise_matrix)
{
	static const int advice[] = {
		0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
		24, 25, 26, 27, 99, -1,
	};
	static const size_t sizes[] = { 16 * PAGE, CHUNK + 4 * PAGE };
	unsigned int s, a, r;
	char *p;
	int buf;

	for (s = 0; s < ARRAY_SIZE(sizes); s++) {
		size_t len = sizes[s];
		struct range ranges[] = {
			{ 0, len }, { 5 * PAGE, PAGE }, { len - PAGE, PAGE },
			{ len > CHUNK ? CHUNK - 2 * PAGE : PAGE, 4 * PAGE },
		};

		for (a = 0; a < ARRAY_SIZE(advice); a++) {
			buf = buf_alloc(self->fd, len, 0, -1);
			ASSERT_LE(0, buf);
			p = buf_map(buf, len, 0);
			ASSERT_NE(MAP_FAILED, p);
			fill(p, len, a + 1);
			for (r = 0; r < ARRAY_SIZE(ranges); r++) {
				madvise(p + ranges[r].off, ranges[r].len, advice[a]);
				EXPECT_TRUE(filled(p, len, a + 1))
					TH_LOG("advice %d lost data", advice[a]);
				fill(p, len, a + 1);
			}
			munmap(p, len);
			close(buf);
		}
	}
}

TEST_F(pool, madvise_that_works)
{
	size_t len = 2 * CHUNK + 4 * PAGE;
	char *p;
	int buf;

	buf = buf_alloc(self->fd, len, 0, -1);
	ASSERT_LE(0, buf);
	p = buf_map(buf, len, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(0, madvise(p, len, MADV_POPULATE_WRITE));
	EXPECT_EQ(0, faults_of(touch_write, p, len));
	fill(p, len, 1);
	/* DONTNEED drops the mapping, not the contents. */
	EXPECT_EQ(0, madvise(p, len, MADV_DONTNEED));
	EXPECT_EQ(0, smaps_kb(p, len, "Rss"));
	EXPECT_EQ(0, madvise(p, len, MADV_POPULATE_READ));
	EXPECT_EQ(0, faults_of(touch_read, p, len));
	EXPECT_TRUE(filled(p, len, 1));
	EXPECT_EQ(-1, madvise(p, len, MADV_REMOVE));
	EXPECT_EQ(-1, madvise(p, len, MADV_FREE));
	EXPECT_EQ(-1, madvise(p, len, MADV_WIPEONFORK));
	EXPECT_TRUE(filled(p, len, 1));
	munmap(p, len);
	close(buf);
}

TEST_F(pool, madvise_dontfork)
{
	struct zcpool_buf_info bi;
	pid_t pid;
	char *p;
	int buf;

	buf = buf_alloc(self->fd, CHUNK, 0, -1);
	ASSERT_LE(0, buf);
	p = buf_map(buf, CHUNK, 0);
	ASSERT_NE(MAP_FAILED, p);
	fill(p, CHUNK, 1);
	EXPECT_EQ(0, madvise(p, CHUNK, MADV_DONTFORK));
	pid = fork();
	if (!pid) {
		if (buf_info(buf, &bi))
			_exit(1);
		_exit(bi.mappings == 1 && !writable(p) ? 0 : 2);
	}
	EXPECT_EQ(0, child_status(pid));
	EXPECT_TRUE(filled(p, CHUNK, 1));
	munmap(p, CHUNK);
	close(buf);
}

static long mlocked_kb(void)
{
	return file_field("/proc/meminfo", "Mlocked:");
}

/* Gives per-CPU batches of the kernel's count time to be folded in. */
static long mlocked_settles_at(long want)
{
	long now = mlocked_kb();
	int i;

	for (i = 0; i < POLL_TRIES && now != want; i++) {
		usleep(POLL_USEC);
		now = mlocked_kb();
	}
	return now;
}

/*
 * The core takes such a mapping as never paged out: mlock() faults it in. What
 * it counts as locked must be gone when the memory is.
 */
TEST_F(pool, mlock)
{
	static const size_t sizes[] = { 16 * PAGE, 2 * CHUNK + 4 * PAGE };
	long before = mlocked_kb();
	unsigned int i, how;
	char *p, *q;
	pid_t pid;
	int buf;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t len = sizes[i];

		for (how = 0; how < 4; how++) {
			buf = buf_alloc(self->fd, len, 0, -1);
			ASSERT_LE(0, buf);
			p = buf_map(buf, len, 0);
			ASSERT_NE(MAP_FAILED, p);
			EXPECT_EQ(0, how & 1 ? mlock2(p, len, MLOCK_ONFAULT) : mlock(p, len));
			if (!(how & 1))
				EXPECT_EQ(0, faults_of(touch_write, p, len));
			fill(p, len, 1);
			/* A second mapping, not locked, and a child's */
			q = buf_map(buf, len, 0);
			ASSERT_NE(MAP_FAILED, q);
			EXPECT_TRUE(filled(q, len, 1));
			pid = fork();
			if (!pid)
				_exit(filled(p, len, 1) ? 0 : 1);
			EXPECT_EQ(0, child_status(pid));
			munmap(q, len);
			if (how & 2) {
				EXPECT_EQ(0, munlock(p + PAGE, PAGE));
				EXPECT_EQ(0, munlock(p, len));
			}
			EXPECT_TRUE(filled(p, len, 1));
			munmap(p, len);
			close(buf);
		}
		/* Locked at exit */
		pid = fork();
		if (!pid) {
			p = mmap(NULL, len, RDWR, MAP_SHARED, self->fd, 0);
			if (p == MAP_FAILED || mlock(p, len))
				_exit(1);
			fill(p, len, 1);
			_exit(0);
		}
		EXPECT_EQ(0, child_status(pid));
	}
	EXPECT_EQ(before, mlocked_settles_at(before));
}

TEST_F(pool, mlockall_future)
{
	char *p;

	ASSERT_EQ(0, mlockall(MCL_FUTURE));
	p = mmap(NULL, 3 * MIB, RDWR, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(0, munlockall());
	EXPECT_EQ(0, faults_of(touch_write, p, 3 * MIB));
	munmap(p, 3 * MIB);
}

/* The kernel's own way into a mapping, as a debugger uses it */
TEST_F(pool, proc_self_mem)
{
	size_t len = CHUNK + 4 * PAGE, at[] = { 100, CHUNK - 8, CHUNK + PAGE - 3 };
	char out[16] = "through /proc/..", in[16];
	unsigned int i;
	int buf, mem;
	char *p;

	mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, mem);
	buf = buf_alloc(self->fd, len, 0, -1);
	ASSERT_LE(0, buf);
	p = buf_map(buf, len, 0);
	ASSERT_NE(MAP_FAILED, p);
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		EXPECT_EQ(16, pwrite(mem, out, 16, (unsigned long)p + at[i]));
		EXPECT_EQ(0, memcmp(p + at[i], out, 16));
		EXPECT_EQ(16, pread(mem, in, 16, (unsigned long)p + at[i]));
		EXPECT_EQ(0, memcmp(in, out, 16));
		EXPECT_EQ(16, pread(buf, in, 16, at[i]));
		EXPECT_EQ(0, memcmp(in, out, 16));
	}
	munmap(p, len);
	close(mem);
	close(buf);
}

/* Clearing the referenced and soft-dirty bits write-protects and splits. */
TEST_F(pool, clear_refs)
{
	size_t len = 2 * CHUNK + 4 * PAGE;
	static const char * const what[] = { "1", "3", "4", "5" };
	unsigned int i;
	int buf, fd;
	char *p;

	buf = buf_alloc(self->fd, len, 0, -1);
	ASSERT_LE(0, buf);
	p = buf_map(buf, len, 0);
	ASSERT_NE(MAP_FAILED, p);
	fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	for (i = 0; i < ARRAY_SIZE(what); i++) {
		fill(p, len, i + 1);
		EXPECT_EQ(1, write(fd, what[i], 1));
		EXPECT_TRUE(filled(p, len, i + 1));
		fill(p, len, i + 2);
		EXPECT_TRUE(filled(p, len, i + 2));
	}
	close(fd);
	munmap(p, len);
	close(buf);
}

#if defined(__x86_64__)
/* mmap2 of a 32-bit program, made from here by int 0x80; its sixth argument is rbp. */
static long mmap32(size_t len, int fd, off_t off)
{
	long ret;

	asm volatile("mov %%rbp, %%r12\n\t"
		     "mov %[pgoff], %%rbp\n\t"
		     "int $0x80\n\t"
		     "mov %%r12, %%rbp"
		     : "=a" (ret)
		     : "0" (192L), "b" (0L), "c" (len), "d" ((long)RDWR), "S" ((long)MAP_SHARED),
		       "D" ((long)fd), [pgoff] "r" ((long)(off / PAGE))
		     : "r8", "r9", "r10", "r11", "r12", "memory");
	return (int)ret < 0 && (int)ret > -4096 ? (int)ret : (long)(unsigned int)ret;
}

/* The kernel itself aligns for PMDs in 64-bit address spaces only. */
TEST_F(pool, compat_mmap)
{
	const size_t len = 3 * CHUNK;
	int buf, i;
	pid_t pid;
	long at;
	char *p;

	pid = fork();
	if (!pid) {
		mmap32(PAGE, -1, 0);
		_exit(0);
	}
	if (child_status(pid))
		SKIP(return, "the kernel runs no 32-bit programs");
	buf = buf_alloc(self->fd, len, 0, -1);
	ASSERT_LE(0, buf);
	for (i = 0; i < 3; i++) {
		at = mmap32(len - i * PAGE, buf, i * PAGE);
		ASSERT_LT(0, at);
		p = (char *)at;
		EXPECT_EQ(i * PAGE, at % CHUNK);
		fill(p, len - i * PAGE, i + 1);
		EXPECT_EQ((long)((i ? 2 : 3) * CHUNK / KIB),
			  smaps_kb(p, len - i * PAGE, "FilePmdMapped"));
		EXPECT_TRUE(filled(p, len - i * PAGE, i + 1));
		munmap(p, len - i * PAGE);
	}
	at = mmap32(PAGE, buf, 0);
	EXPECT_LT(0, at);
	munmap((void *)at, PAGE);
	close(buf);
}
#endif

static int readers_stop;

static void *read_proc(void *path)
{
	static char sink[65536];
	int fd;

	while (!__atomic_load_n(&readers_stop, __ATOMIC_RELAXED)) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		while (read(fd, sink, sizeof(sink)) > 0)
			;
		close(fd);
	}
	return NULL;
}

static char *watched;

static void *read_pagemap(void *arg)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	static __u64 e[1024];

	while (!__atomic_load_n(&readers_stop, __ATOMIC_RELAXED))
		if (pread(fd, e, sizeof(e), (unsigned long)watched / PAGE * 8) < 0)
			break;
	close(fd);
	return NULL;
}

/* Readers walk the page tables while huge entries come and go (CVE-2026-31456). */
TEST_F(pool, proc_readers_during_faults)
{
	size_t len = 2 * CHUNK + 16 * PAGE;
	pthread_t t[3];
	int buf, i;
	char *p;

	buf = buf_alloc(self->fd, len, 0, -1);
	ASSERT_LE(0, buf);
	p = buf_map(buf, len, 0);
	ASSERT_NE(MAP_FAILED, p);
	fill(p, len, 1);
	watched = p;
	ASSERT_EQ(0, pthread_create(&t[0], NULL, read_proc, "/proc/self/smaps"));
	ASSERT_EQ(0, pthread_create(&t[1], NULL, read_proc, "/proc/self/numa_maps"));
	ASSERT_EQ(0, pthread_create(&t[2], NULL, read_pagemap, NULL));
	for (i = 0; i < 100; i++) {
		EXPECT_EQ(0, madvise(p, len, MADV_DONTNEED));
		touch_read(p, len);
		EXPECT_EQ(0, mprotect(p + CHUNK + i * PAGE, PAGE, PROT_READ));
		EXPECT_EQ(0, mprotect(p, len, RDWR));
		if (i % 10 == 0) {
			EXPECT_EQ(p, mmap(p, len, RDWR, MAP_SHARED | MAP_FIXED, buf, 0));
			EXPECT_TRUE(filled(p, len, 1));
		}
	}
	__atomic_store_n(&readers_stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	EXPECT_TRUE(filled(p, len, 1));
	munmap(p, len);
	close(buf);
}

static char *raced;
static size_t raced_len;
static pthread_barrier_t raced_barrier;

static void *race_touch(void *arg)
{
	pthread_barrier_wait(&raced_barrier);
	touch_write(raced, raced_len);
	return NULL;
}

/* Threads that touch a fresh buffer at the same moment all get it. */
TEST_F(pool, threads_fault_together)
{
	static const size_t sizes[] = { PAGE, 16 * PAGE, CHUNK, CHUNK + 16 * PAGE };
	int buf, i, j, round;
	pthread_t t[4];

	ASSERT_EQ(0, pthread_barrier_init(&raced_barrier, NULL, 4));
	for (round = 0; round < 25; round++) {
		for (i = 0; i < (int)ARRAY_SIZE(sizes); i++) {
			raced_len = sizes[i];
			buf = buf_alloc(self->fd, raced_len, 0, -1);
			ASSERT_LE(0, buf);
			raced = buf_map(buf, raced_len, 0);
			ASSERT_NE(MAP_FAILED, raced);
			for (j = 0; j < 4; j++)
				ASSERT_EQ(0, pthread_create(&t[j], NULL, race_touch, NULL));
			for (j = 0; j < 4; j++)
				pthread_join(t[j], NULL);
			EXPECT_EQ((long)(raced_len / KIB), smaps_kb(raced, raced_len, "Rss"));
			munmap(raced, raced_len);
			close(buf);
		}
	}
}

/* A fault beyond what is mapped cannot be: the VMA ends where the buffer does. */
TEST_F(pool, nothing_behind_the_end)
{
	char *p;
	int buf;

	buf = buf_alloc(self->fd, CHUNK + PAGE, 0, -1);
	ASSERT_LE(0, buf);
	p = buf_map(buf, CHUNK + PAGE, 0);
	ASSERT_NE(MAP_FAILED, p);
	touch_write(p, CHUNK + PAGE);
	EXPECT_EQ((long)((CHUNK + PAGE) / KIB), smaps_kb(p, CHUNK + PAGE, "Size"));
	munmap(p, CHUNK + PAGE);
	close(buf);
}

TEST_HARNESS_MAIN
