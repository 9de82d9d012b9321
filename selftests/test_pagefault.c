// SPDX-License-Identifier: GPL-2.0
/* module: reserve=160M max=512M */
/*
 * Page faults: what huge pages and small ones cost, and who may look or touch meanwhile.
 */
#include "zcpool_test.h"
#include "pagefault.h"

TEST_F(pool, mapped_by_pmd)
{
	static const size_t sizes[] = { 2 * MIB, 64 * MIB };
	unsigned int i;
	void *p;
	int buf;

	if (!has_pmds())
		SKIP(return, NO_PMDS);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = map_new(_metadata, self->fd, sizes[i], &buf);
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

	p = map_new(_metadata, self->fd, MIB, &buf);
	touch_write(p, MIB);
	EXPECT_EQ(0, smaps_kb(p, MIB, "FilePmdMapped"));
	EXPECT_EQ(1024, smaps_kb(p, MIB, "Rss"));
	munmap(p, MIB);
	close(buf);
}

static void touch_backwards(void *p, size_t len)
{
	volatile char *c = p;

	for (; len; len -= PAGE)
		c[len - PAGE] = 1;
}

/*
 * The first fault maps all of a small buffer, with entries that nothing has to come back for:
 * no other page, and no first write where it is not the hardware that notes it.
 */
TEST_F(pool, one_fault_for_sixteen_pages)
{
	static void (* const touch[])(void *p, size_t len) = {
		touch_write, touch_read, touch_backwards
	};
	const size_t len = 16 * PAGE;
	struct zcpool_buf_info bi;
	unsigned int i, mapping;
	int buf;
	void *p;

	for (i = 0; i < ARRAY_SIZE(touch); i++) {
		buf = buf_alloc(self->fd, len, 0, -1);
		ASSERT_LE(0, buf);
		ASSERT_EQ(0, buf_info(buf, &bi));
		EXPECT_EQ(len, bi.split_bytes);
		for (mapping = 0; mapping < 2; mapping++) {
			p = buf_map(buf, len, 0);
			ASSERT_NE(MAP_FAILED, p);
			EXPECT_EQ(1, faults_of(touch[i], p, len))
				TH_LOG("touch %u in mapping %u", i, mapping);
			EXPECT_EQ(0, faults_of(touch_write, p, len));
			munmap(p, len);
		}
		close(buf);
	}
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
	if (variant->whole && !has_pmds())
		SKIP(return, NO_PMDS);
	self->p = buf_map(self->buf, variant->size, 0);
	ASSERT_NE(MAP_FAILED, self->p);
	EXPECT_EQ(variant->faults, faults_of(touch_write, self->p, variant->size));
	EXPECT_EQ(0, faults_of(touch_write, self->p, variant->size));
}

TEST_F(cost, faults_reading_then_writing)
{
	if (variant->whole && !has_pmds())
		SKIP(return, NO_PMDS);
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
	if (variant->whole && !has_pmds())
		SKIP(return, NO_PMDS);
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
	p = map_new(_metadata, self->fd, len, &buf);
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

	p = map_new(_metadata, self->fd, len, &buf);
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

	p = map_new(_metadata, self->fd, len, &buf);
	fill(p, len, 1);
	watched = p;
	ASSERT_EQ(0, pthread_create(&t[0], NULL, read_proc, "/proc/self/smaps"));
	ASSERT_EQ(0, pthread_create(&t[1], NULL, read_proc, "/proc/self/numa_maps"));
	ASSERT_EQ(0, pthread_create(&t[2], NULL, read_pagemap, NULL));
	for (i = 0; i < 40; i++) {
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
			raced = map_new(_metadata, self->fd, raced_len, &buf);
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

TEST_HARNESS_MAIN
