// SPDX-License-Identifier: GPL-2.0
/* module: reserve=32M max=128M */
/* order: last, it leaves poisoned pages behind */
/* keeps: 20480 */
/*
 * Memory that has gone bad: whoever touches it gets SIGBUS, and nobody gets it
 * again. The error is injected with madvise(MADV_HWPOISON), or as the hardware reports
 * it, by the number of a page that somebody uses or nobody does.
 */
#include "zcpool_test.h"
#include <setjmp.h>

static sigjmp_buf bus;

static void on_bus(int sig)
{
	siglongjmp(bus, 1);
}

/* Whether a touch ends in SIGBUS */
static bool touch_is_fatal(volatile char *p)
{
	struct sigaction sa = { .sa_handler = on_bus }, was;
	bool fatal;

	sigaction(SIGBUS, &sa, &was);
	fatal = sigsetjmp(bus, 1);
	if (!fatal)
		(void)*p;
	sigaction(SIGBUS, &was, NULL);
	return fatal;
}

/* Bit 19 of /proc/kpageflags is HWPOISON. */
static bool is_poisoned(__u64 pfn)
{
	int fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	__u64 flags = 0;
	bool ok;

	ok = pread(fd, &flags, 8, pfn * 8) == 8;
	close(fd);
	return ok && flags >> 19 & 1;
}

/*
 * Poisons one page of a buffer. The kernel may report that it could not do all
 * it would for a page of its own caches; what counts is the flag. Some kernels send
 * SIGBUS at once.
 */
static bool poison(char *p, __u64 *pfn)
{
	struct sigaction sa = { .sa_handler = on_bus }, was;

	touch_read(p, PAGE);
	*pfn = pfn_of(p);
	sigaction(SIGBUS, &sa, &was);
	if (!sigsetjmp(bus, 1))
		madvise(p, PAGE, MADV_HWPOISON);
	sigaction(SIGBUS, &was, NULL);
	return *pfn && is_poisoned(*pfn);
}

struct search {
	__u64 pfn;
	bool found;
};

/* Whether a page of a mapping is that physical page */
static void search(char *p, size_t len, void *arg)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	ssize_t bytes = len / PAGE * 8;
	struct search *s = arg;
	__u64 e[CHUNK / PAGE];
	size_t i;

	memset(p, 1, len);
	if (pread(fd, e, bytes, (unsigned long)p / PAGE * 8) != bytes)
		s->found = true;
	for (i = 0; i < len / PAGE; i++)
		s->found |= (e[i] & ((1ULL << 55) - 1)) == s->pfn;
	close(fd);
}

/* Whether any buffer to be had now has that physical page */
static bool comes_back(int pool, __u64 bad)
{
	struct search s = { .pfn = bad };

	return take_the_rest(pool, search, &s) || s.found;
}

static void poisoned_buffer(struct __test_metadata *_metadata, int pool, size_t len, size_t off)
{
	struct zcpool_info before, pi;
	int buf, keep, fds[2];
	char *p, *other, c[PAGE];
	loff_t from = off;
	__u64 pfn;
	size_t at;

	ASSERT_EQ(0, pool_wait_idle(pool, &before));
	keep = buf_alloc(pool, len, 0, -1);
	ASSERT_LE(0, keep);
	other = buf_map(keep, len, 0);
	ASSERT_NE(MAP_FAILED, other);
	fill(other, len, 1);
	p = map_new(_metadata, pool, len, &buf);
	fill(p, len, 2);
	if (!poison(p + off, &pfn)) {
		munmap(p, len);
		munmap(other, len);
		close(buf);
		close(keep);
		SKIP(return, "MADV_HWPOISON: %s", strerror(errno));
	}
	/* A fresh mapping faults the page in anew. */
	munmap(p, len);
	p = buf_map(buf, len, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_TRUE(touch_is_fatal(p + off));
	if (len < CHUNK) {
		for (at = 0; at < len; at += PAGE)
			if (at != off && !touch_is_fatal(p + at))
				EXPECT_TRUE(filled_from(p + at, PAGE, 2, at));
	} else {
		/* The other chunk is none of this one's business. */
		at = off < CHUNK ? CHUNK : 0;
		EXPECT_FALSE(touch_is_fatal(p + at));
		EXPECT_TRUE(filled_from(p + at, CHUNK, 2, at));
	}
	/* A read must not hand out what the machine could not have read. */
	EXPECT_EQ(-1, pread(buf, c, PAGE, off));
	EXPECT_EQ(EIO, errno);
	ASSERT_EQ(0, pipe(fds));
	EXPECT_EQ(-1, splice(buf, &from, fds[1], NULL, PAGE, 0));
	EXPECT_EQ(EIO, errno);
	close(fds[0]);
	close(fds[1]);
	EXPECT_TRUE(filled(other, len, 1));
	munmap(p, len);
	close(buf);
	munmap(other, len);
	close(keep);
	EXPECT_EQ(0, pool_wait_used(pool, 0));
	ASSERT_EQ(0, pool_wait_idle(pool, &pi));
	EXPECT_TRUE(info_adds_up(&pi));
	EXPECT_LT(before.retired_bytes, pi.retired_bytes);
	EXPECT_GE(before.retired_bytes + CHUNK, pi.retired_bytes);
	EXPECT_FALSE(comes_back(pool, pfn));
	EXPECT_EQ(0, pool_wait_used(pool, 0));
	ASSERT_EQ(0, pool_wait_idle(pool, &before));
	EXPECT_EQ(pi.retired_bytes, before.retired_bytes);
}

TEST_F(pool, whole_chunk)
{
	poisoned_buffer(_metadata, self->fd, 2 * CHUNK, 77 * PAGE);
}

TEST_F(pool, last_page_of_a_chunk)
{
	poisoned_buffer(_metadata, self->fd, 2 * CHUNK, 2 * CHUNK - PAGE);
}

TEST_F(pool, split_chunk)
{
	poisoned_buffer(_metadata, self->fd, 16 * PAGE, 3 * PAGE);
}

/* As a machine check does it. What the kernel answers depends on who has the page. */
static bool poison_pfn(__u64 pfn)
{
	char address[32];

	snprintf(address, sizeof(address), "%#llx", pfn * PAGE);
	put("/sys/devices/system/memory/hard_offline_page", address);
	return is_poisoned(pfn);
}

#define NO_HARD_OFFLINE	"there is no hard_offline_page"

static bool has_hard_offline(void)
{
	return !access("/sys/devices/system/memory/hard_offline_page", W_OK);
}

/*
 * Others than the page that is hit can be used, by who had mapped them and by who does
 * so now; the bad one is in no mapping that is made afterwards, and once somebody has come upon
 * it, in none at all.
 */
static void hit_in_use(struct __test_metadata *_metadata, int pool, int advice)
{
	size_t len = 2 * CHUNK, bad = 77 * PAGE;
	struct zcpool_info before, pi;
	char *p, *q;
	__u64 pfn;
	int buf;

	if (!has_hard_offline())
		SKIP(return, NO_HARD_OFFLINE);
	ASSERT_EQ(0, pool_wait_idle(pool, &before));
	p = map_new(_metadata, pool, len, &buf);
	fill(p, len, 5);
	pfn = pfn_of(p + bad);
	ASSERT_TRUE(pfn && poison_pfn(pfn));
	q = buf_map(buf, len, 0);
	ASSERT_NE(MAP_FAILED, q);
	madvise(q, len, advice);
	/* The neighbour first: were all mapped by it, so would the bad page be. */
	EXPECT_FALSE(touch_is_fatal(q + bad + PAGE));
	EXPECT_EQ(pfn, pfn_of(p + bad));
	EXPECT_TRUE(touch_is_fatal(q + bad));
	EXPECT_EQ(0, pfn_of(p + bad));
	munmap(p, len);
	EXPECT_TRUE(filled_from(q, bad, 5, 0));
	EXPECT_TRUE(filled_from(q + bad + PAGE, len - bad - PAGE, 5, bad + PAGE));
	EXPECT_EQ(has_pmds() ? (long)(CHUNK / KIB) : 0, smaps_kb(q, len, "FilePmdMapped"));
	munmap(q, len);
	close(buf);
	EXPECT_EQ(0, pool_wait_used(pool, 0));
	ASSERT_EQ(0, pool_wait_idle(pool, &pi));
	EXPECT_EQ(before.retired_bytes + CHUNK, pi.retired_bytes);
	EXPECT_FALSE(comes_back(pool, pfn));
}

TEST_F(pool, chunk_is_hit_in_use)
{
	hit_in_use(_metadata, self->fd, MADV_NORMAL);
}

TEST_F(pool, chunk_is_hit_and_mapped_as_huge)
{
	hit_in_use(_metadata, self->fd, MADV_HUGEPAGE);
}

/* Nor does a private mapping get it, or a copy of it; copies of others it makes. */
TEST_F(pool, chunk_is_hit_and_mapped_privately)
{
	size_t len = 2 * CHUNK, bad = 77 * PAGE;
	struct zcpool_info pi;
	char *p, *q;
	__u64 pfn;
	int buf;

	if (!has_hard_offline())
		SKIP(return, NO_HARD_OFFLINE);
	p = map_new(_metadata, self->fd, len, &buf);
	fill(p, len, 5);
	pfn = pfn_of(p + bad);
	ASSERT_TRUE(pfn && poison_pfn(pfn));
	munmap(p, len);
	q = mmap(NULL, len, RDWR, MAP_PRIVATE, buf, 0);
	ASSERT_NE(MAP_FAILED, q);
	/* Before anything else of the chunk is mapped, and when its neighbour is */
	fill(q, PAGE, 6);
	EXPECT_FALSE(touch_is_fatal(q + bad + PAGE));
	EXPECT_TRUE(touch_is_fatal(q + bad));
	EXPECT_FALSE(writable(q + bad));
	EXPECT_TRUE(filled(q, PAGE, 6));
	EXPECT_TRUE(filled_from(q + PAGE, bad - PAGE, 5, PAGE));
	EXPECT_TRUE(filled_from(q + bad + PAGE, len - bad - PAGE, 5, bad + PAGE));
	fill(q + bad + PAGE, PAGE, 6);
	EXPECT_TRUE(filled(q + bad + PAGE, PAGE, 6));
	munmap(q, len);
	close(buf);
	EXPECT_EQ(0, pool_wait_used(self->fd, 0));
	ASSERT_EQ(0, pool_wait_idle(self->fd, &pi));
	EXPECT_FALSE(comes_back(self->fd, pfn));
}

TEST_F(pool, page_is_hit_in_use)
{
	size_t len = 16 * PAGE, bad = 3 * PAGE, at;
	__u64 pfn;
	char *p;
	int buf;

	if (!has_hard_offline())
		SKIP(return, NO_HARD_OFFLINE);
	p = map_new(_metadata, self->fd, len, &buf);
	fill(p, len, 6);
	pfn = pfn_of(p + bad);
	ASSERT_TRUE(pfn && poison_pfn(pfn));
	munmap(p, len);
	p = buf_map(buf, len, 0);
	ASSERT_NE(MAP_FAILED, p);
	for (at = 0; at < len; at += PAGE) {
		EXPECT_EQ(at == bad, touch_is_fatal(p + at));
		if (at != bad)
			EXPECT_TRUE(filled_from(p + at, PAGE, 6, at));
	}
	munmap(p, len);
	close(buf);
	EXPECT_EQ(0, pool_wait_used(self->fd, 0));
	EXPECT_FALSE(comes_back(self->fd, pfn));
}

/*
 * Nobody is told of what hits memory that is free; it must not be handed out. A second
 * buffer keeps a split chunk from being exchanged for a whole one.
 */
static void hit_while_free(struct __test_metadata *_metadata, int pool, size_t len)
{
	struct zcpool_info before, pi;
	int buf, keep;
	__u64 pfn;
	char *p;

	if (!has_hard_offline())
		SKIP(return, NO_HARD_OFFLINE);
	/* Both from the same node, or from the same split chunk */
	ASSERT_EQ(0, run_on_node(0));
	ASSERT_EQ(0, pool_wait_idle(pool, &before));
	keep = buf_alloc(pool, PAGE, 0, -1);
	ASSERT_LE(0, keep);
	p = map_new(_metadata, pool, len, &buf);
	touch_read(p, len);
	pfn = pfn_of(p + len - PAGE);
	munmap(p, len);
	close(buf);
	ASSERT_EQ(0, pool_wait_idle(pool, &pi));
	/* Not beyond the reserve: it is still the pool's. */
	ASSERT_GE(pi.reserve_bytes, pi.total_bytes);
	ASSERT_TRUE(pfn && poison_pfn(pfn));
	EXPECT_FALSE(comes_back(pool, pfn));
	close(keep);
	EXPECT_EQ(0, pool_wait_used(pool, 0));
	ASSERT_EQ(0, pool_wait_idle(pool, &pi));
	EXPECT_TRUE(info_adds_up(&pi));
	EXPECT_EQ(before.retired_bytes + CHUNK, pi.retired_bytes);
}

TEST_F(pool, chunk_is_hit_while_free)
{
	hit_while_free(_metadata, self->fd, CHUNK);
}

TEST_F(pool, page_is_hit_while_free)
{
	hit_while_free(_metadata, self->fd, 16 * PAGE);
}

/* Freed with the error in it, never touched again by anyone */
TEST_F(pool, poisoned_then_killed)
{
	struct zcpool_info before, pi;
	pid_t pid;
	__u64 pfn;
	char *p;

	ASSERT_EQ(0, pool_wait_idle(self->fd, &before));
	pid = fork();
	if (!pid) {
		p = mmap(NULL, CHUNK, RDWR, MAP_SHARED, self->fd, 0);
		_exit(p != MAP_FAILED && poison(p, &pfn) ? 0 : 1);
	}
	if (child_status(pid) == 1)
		SKIP(return, "MADV_HWPOISON does not work here");
	EXPECT_EQ(0, pool_wait_used(self->fd, 0));
	ASSERT_EQ(0, pool_wait_idle(self->fd, &pi));
	EXPECT_EQ(before.retired_bytes + CHUNK, pi.retired_bytes);
}

/*
 * A page with an error is in nobody's hands, though the kernel may hold it for ever: the buffer
 * can change hands, and is as bad as before; but what cannot be read cannot be copied.
 */
TEST_F(pool, taken_away_with_an_error)
{
	static const size_t lens[] = { 16 * PAGE, 2 * CHUNK };
	size_t off = 5 * PAGE;
	char *p, c[PAGE];
	unsigned int i;
	int buf, moved;
	__u64 pfn;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		buf = buf_alloc(self->fd, lens[i], ZCPOOL_ALLOC_THISNODE, 0);
		ASSERT_LE(0, buf);
		p = buf_map(buf, lens[i], 0);
		ASSERT_NE(MAP_FAILED, p);
		fill(p, lens[i], 3);
		if (!poison(p + off, &pfn)) {
			munmap(p, lens[i]);
			close(buf);
			SKIP(return, "MADV_HWPOISON: %s", strerror(errno));
		}
		munmap(p, lens[i]);
		EXPECT_EQ(node_exists(1) ? -EIO : -EINVAL, buf_migrate(buf, 1));
		moved = buf_move(buf);
		ASSERT_LE(0, moved);
		EXPECT_EQ(-1, pread(moved, c, PAGE, off));
		EXPECT_EQ(EIO, errno);
		EXPECT_EQ((ssize_t)PAGE, pread(moved, c, PAGE, off - PAGE));
		EXPECT_TRUE(filled_from(c, PAGE, 3, off - PAGE));
		EXPECT_EQ(0, buf_revoke(moved, ZCPOOL_WAIT_FOREVER));
		EXPECT_FALSE(comes_back(self->fd, pfn));
		close(moved);
		close(buf);
	}
}

/*
 * Whoever holds a page of a chunk can write to it, and it does not matter which other page of the
 * chunk has gone bad: it does not change hands.
 */
TEST_F(pool, held_with_an_error)
{
	static const size_t bad[] = { 0, 5 * PAGE };
	int buf, moved, fds[2];
	char *p, c[PAGE];
	unsigned int i;
	__u64 pfn;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		ASSERT_EQ(0, pipe(fds));
		p = map_new(_metadata, self->fd, CHUNK, &buf);
		fill(p, CHUNK, 4);
		ASSERT_EQ((ssize_t)PAGE, gift(fds[1], p + 9 * PAGE, PAGE));
		if (!poison(p + bad[i], &pfn)) {
			munmap(p, CHUNK);
			close(buf);
			close(fds[0]);
			close(fds[1]);
			SKIP(return, "MADV_HWPOISON: %s", strerror(errno));
		}
		EXPECT_EQ(-EBUSY, buf_move(buf));
		EXPECT_EQ((ssize_t)PAGE, pread(buf, c, PAGE, 9 * PAGE));
		EXPECT_TRUE(filled_from(c, PAGE, 4, 9 * PAGE));
		close(fds[0]);
		close(fds[1]);
		moved = buf_move(buf);
		EXPECT_LE(0, moved);
		munmap(p, CHUNK);
		close(buf);
		close(moved);
	}
}

TEST_HARNESS_MAIN
