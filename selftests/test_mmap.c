// SPDX-License-Identifier: GPL-2.0
/* module: reserve=160M max=512M */
/*
 * Mapping a buffer or the pool: where it comes to lie, what is refused, what is there.
 */
#include "zcpool_test.h"
#include "pagefault.h"

TEST_F(pool, alignment)
{
	static const size_t sizes[] = {
		CHUNK, CHUNK + PAGE, 2 * CHUNK - PAGE, 7 * CHUNK, 64 * MIB,
	};
	struct zcpool_buf_info bi;
	unsigned int i;
	void *p;
	int buf;

	if (!has_pmds())
		SKIP(return, NO_PMDS);
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

	if (!has_pmds())
		SKIP(return, NO_PMDS);
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
		if (!has_pmds() && c[i].len >= CHUNK)
			break;
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

	all = map_new(_metadata, self->fd, size, &buf);
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

	p = map_new(_metadata, self->fd, 2 * CHUNK, &buf);
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
	EXPECT_EQ(has_pmds() ? (long)(len / KIB) : 0, smaps_kb(p, len, "FilePmdMapped"));
	munmap(p, len);
	close(buf);
}

/* An offset into a chunk, at an address congruent to it: PMDs for the rest */
TEST_F(pool, offset_is_congruent)
{
	size_t off = 7 * PAGE, len = 4 * CHUNK - off;
	char *p;
	int buf;

	if (!has_pmds())
		SKIP(return, NO_PMDS);
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

	if (!has_pmds())
		SKIP(return, NO_PMDS);
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

/* A fault beyond what is mapped cannot be: the VMA ends where the buffer does. */
TEST_F(pool, nothing_behind_the_end)
{
	char *p;
	int buf;

	p = map_new(_metadata, self->fd, CHUNK + PAGE, &buf);
	touch_write(p, CHUNK + PAGE);
	EXPECT_EQ((long)((CHUNK + PAGE) / KIB), smaps_kb(p, CHUNK + PAGE, "Size"));
	munmap(p, CHUNK + PAGE);
	close(buf);
}

TEST_HARNESS_MAIN
