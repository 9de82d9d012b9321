// SPDX-License-Identifier: GPL-2.0
/* module: reserve=64M max=256M */
/*
 * Private mappings: they show the buffer until their process writes to them, and what it
 * writes is its own.
 */
#include "zcpool_test.h"
#include <sys/personality.h>
#include <sys/ptrace.h>
#include "pagefault.h"

static const size_t sizes[] = { PAGE, 16 * PAGE, CHUNK, 2 * CHUNK + 4 * PAGE };

/* What a buffer is filled with, and what the private mapping is */
#define ITS	1
#define MINE	2

static char *map_private(int fd, size_t len, off_t off)
{
	return mmap(NULL, len, RDWR, MAP_PRIVATE, fd, off);
}

/* A buffer, filled, mapped both ways */
struct both {
	size_t len;
	int buf;
	char *s;
	char *p;
};

static struct both both_new(struct __test_metadata *_metadata, int pool, size_t len)
{
	struct both b = { .len = len };

	b.s = map_new(_metadata, pool, len, &b.buf);
	fill(b.s, len, ITS);
	b.p = map_private(b.buf, len, 0);
	ASSERT_NE(MAP_FAILED, b.p);
	return b;
}

static void both_end(const struct both *b)
{
	munmap(b->p, b->len);
	munmap(b->s, b->len);
	close(b->buf);
}

/* Pages that the process has copies of */
static long copies(const void *p, size_t len)
{
	return smaps_kb(p, len, "Anonymous") / (long)(PAGE / KIB);
}

/* What PMDs can map of so many bytes */
static long pmds_kb(size_t len)
{
	return has_pmds() ? (long)(len / CHUNK * CHUNK / KIB) : 0;
}

TEST_F(pool, reads_are_of_the_buffer)
{
	static __u64 shared[3 * CHUNK / PAGE], private[3 * CHUNK / PAGE];
	struct both b;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		b = both_new(_metadata, self->fd, sizes[i]);
		EXPECT_TRUE(filled(b.p, b.len, ITS));
		ASSERT_TRUE(pfns_of(b.s, shared, b.len / PAGE));
		ASSERT_TRUE(pfns_of(b.p, private, b.len / PAGE));
		EXPECT_NE(0, shared[0]);
		EXPECT_EQ(0, memcmp(shared, private, b.len / PAGE * sizeof(shared[0])));
		EXPECT_EQ(0, copies(b.p, b.len));
		EXPECT_EQ(pmds_kb(b.len), smaps_kb(b.p, b.len, "FilePmdMapped"));
		/* What has not been copied follows the buffer. */
		fill(b.s, b.len, 3);
		EXPECT_TRUE(filled(b.p, b.len, 3));
		both_end(&b);
	}
}

TEST_F(pool, faults)
{
	struct both b = both_new(_metadata, self->fd, 16 * PAGE);

	EXPECT_EQ(16, faults_of(touch_read, b.p, b.len));
	EXPECT_EQ(16, faults_of(touch_write, b.p, b.len));
	EXPECT_EQ(0, faults_of(touch_write, b.p, b.len));
	both_end(&b);
	if (!has_pmds())
		return;
	b = both_new(_metadata, self->fd, 2 * CHUNK);
	EXPECT_EQ(2, faults_of(touch_read, b.p, b.len));
	EXPECT_EQ((long)(b.len / PAGE), faults_of(touch_write, b.p, b.len));
	both_end(&b);
}

/* Whether the mapping has been read before or not */
TEST_F(pool, writes_are_not)
{
	struct both b;
	unsigned int i;

	for (i = 0; i < 2 * ARRAY_SIZE(sizes); i++) {
		b = both_new(_metadata, self->fd, sizes[i / 2]);
		if (i % 2)
			touch_read(b.p, b.len);
		fill(b.p, b.len, MINE);
		EXPECT_TRUE(filled(b.p, b.len, MINE));
		EXPECT_TRUE(filled(b.s, b.len, ITS));
		EXPECT_EQ((long)(b.len / PAGE), copies(b.p, b.len));
		EXPECT_EQ(0, smaps_kb(b.p, b.len, "FilePmdMapped"));
		fill(b.s, b.len, 3);
		EXPECT_TRUE(filled(b.p, b.len, MINE));
		both_end(&b);
	}
}

TEST_F(pool, one_page_is_copied)
{
	const size_t at = 77 * PAGE;
	struct both b;
	int touched;

	for (touched = 0; touched < 2; touched++) {
		b = both_new(_metadata, self->fd, 2 * CHUNK);
		if (touched)
			touch_read(b.p, b.len);
		memset(b.p + at + 8, 0x5a, 8);
		EXPECT_EQ(1, copies(b.p, b.len));
		EXPECT_TRUE(filled(b.s, b.len, ITS));
		EXPECT_TRUE(filled(b.p, at + 8, ITS));
		EXPECT_TRUE(filled_from(b.p + at + 16, b.len - at - 16, ITS, at + 16));
		/* The other chunk still is one. */
		EXPECT_EQ(pmds_kb(CHUNK), smaps_kb(b.p, b.len, "FilePmdMapped"));
		fill(b.s, b.len, 3);
		EXPECT_TRUE(filled(b.p, at, 3));
		EXPECT_TRUE(filled_from(b.p + at + PAGE, b.len - at - PAGE, 3, at + PAGE));
		EXPECT_TRUE(filled_from(b.p + at + 16, PAGE - 16, ITS, at + 16));
		both_end(&b);
	}
}

TEST_F(pool, mappings_have_their_own)
{
	struct both b = both_new(_metadata, self->fd, CHUNK + 4 * PAGE);
	size_t off = CHUNK - 2 * PAGE;
	char *q = map_private(b.buf, b.len - off, off);

	ASSERT_NE(MAP_FAILED, q);
	fill(q, b.len - off, 3);
	EXPECT_TRUE(filled(b.p, b.len, ITS));
	fill(b.p, b.len, MINE);
	EXPECT_TRUE(filled(q, b.len - off, 3));
	EXPECT_TRUE(filled(b.s, b.len, ITS));
	munmap(q, b.len - off);
	both_end(&b);
}

/* Each has what it had, and what it writes from then on. */
TEST_F(pool, fork)
{
	struct both b = both_new(_metadata, self->fd, 2 * CHUNK + 4 * PAGE);
	const size_t mine = 10 * PAGE;
	int go[2];
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(go));
	touch_read(b.p, b.len);
	fill(b.p, mine, MINE);
	pid = fork();
	if (!pid) {
		if (read(go[0], &c, 1) != 1)
			_exit(1);
		if (!filled(b.p, mine, MINE) ||
		    !filled_from(b.p + mine, b.len - mine, ITS, mine))
			_exit(2);
		fill(b.p, b.len, 3);
		_exit(filled(b.p, b.len, 3) && filled(b.s, b.len, ITS) ? 0 : 3);
	}
	fill(b.p, b.len, 4);
	EXPECT_EQ(1, write(go[1], "x", 1));
	EXPECT_EQ(0, child_status(pid));
	EXPECT_TRUE(filled(b.p, b.len, 4));
	EXPECT_TRUE(filled(b.s, b.len, ITS));
	close(go[0]);
	close(go[1]);
	both_end(&b);
}

/* Memory of the pool stays beside the copies. */
TEST_F(pool, of_the_pool)
{
	static const size_t lens[] = { PAGE, 17 * PAGE, CHUNK, CHUNK + 3 * PAGE };
	unsigned int i;
	pid_t pid;
	char *p;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		p = map_private(self->fd, lens[i], 0);
		ASSERT_NE(MAP_FAILED, p);
		EXPECT_EQ(self->used + lens[i], pool_used(self->fd));
		EXPECT_TRUE(all_zero(p, lens[i]));
		EXPECT_EQ(pmds_kb(lens[i]), smaps_kb(p, lens[i], "FilePmdMapped"));
		fill(p, lens[i], MINE);
		pid = fork();
		if (!pid) {
			fill(p, lens[i], 3);
			_exit(filled(p, lens[i], 3) ? 0 : 1);
		}
		EXPECT_EQ(0, child_status(pid));
		EXPECT_TRUE(filled(p, lens[i], MINE));
		EXPECT_EQ((long)(lens[i] / PAGE), copies(p, lens[i]));
		EXPECT_EQ(self->used + lens[i], pool_used(self->fd));
		munmap(p, lens[i]);
		EXPECT_EQ(self->used, pool_wait_used(self->fd, self->used));
	}
}

/* A descriptor for reading is enough, as with any file. */
TEST_F(pool, of_a_readonly_descriptor)
{
	struct both b = both_new(_metadata, self->fd, CHUNK + PAGE);
	int fd[2] = { reopen(b.buf, O_RDONLY), open(POOL_PATH, O_RDONLY | O_CLOEXEC) };
	unsigned int i;
	char *q;

	for (i = 0; i < ARRAY_SIZE(fd); i++) {
		ASSERT_LE(0, fd[i]);
		q = map_private(fd[i], b.len, 0);
		ASSERT_NE(MAP_FAILED, q);
		EXPECT_TRUE(i ? all_zero(q, b.len) : filled(q, b.len, ITS));
		fill(q, b.len, MINE);
		EXPECT_TRUE(filled(q, b.len, MINE));
		EXPECT_TRUE(filled(b.s, b.len, ITS));
		munmap(q, b.len);
		close(fd[i]);
	}
	both_end(&b);
}

TEST_F(pool, refusals)
{
	static const int prots[] = { PROT_EXEC, PROT_READ | PROT_EXEC, RDWR | PROT_EXEC };
	int fd[2], prot;
	unsigned int i;
	char *p;

	fd[0] = self->fd;
	fd[1] = buf_alloc(self->fd, CHUNK, 0, -1);
	ASSERT_LE(0, fd[1]);
	EXPECT_EQ(MAP_FAILED, map_private(fd[1], CHUNK + PAGE, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, map_private(fd[1], PAGE, CHUNK));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, map_private(self->fd, PAGE, PAGE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 1UL << 30, PROT_READ, MAP_PRIVATE, self->fd, 0));
	EXPECT_EQ(ENOSPC, errno);
	for (i = 0; i < 2 * ARRAY_SIZE(prots); i++) {
		prot = prots[i / 2];
		EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, prot, MAP_PRIVATE, fd[i % 2], 0));
		EXPECT_EQ(EPERM, errno);
		p = map_private(fd[i % 2], PAGE, 0);
		ASSERT_NE(MAP_FAILED, p);
		*p = 1;
		EXPECT_EQ(-1, mprotect(p, PAGE, prot));
		EXPECT_EQ(EACCES, errno);
		munmap(p, PAGE);
	}
	close(fd[1]);
}

TEST_F(pool, of_old_programs)
{
	struct both b;
	char *p;

	ASSERT_NE(-1, personality(personality(0xffffffff) | READ_IMPLIES_EXEC));
	b = both_new(_metadata, self->fd, PAGE);
	EXPECT_EQ(-1, mprotect(b.p, PAGE, PROT_EXEC));
	EXPECT_EQ(EACCES, errno);
	p = map_private(self->fd, PAGE, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(-1, mprotect(p, PAGE, PROT_EXEC));
	EXPECT_EQ(EACCES, errno);
	munmap(p, PAGE);
	both_end(&b);
}

/* Entries made for reading do not become writable along with the mapping. */
TEST_F(pool, mprotect)
{
	struct both b;
	unsigned int i;
	char *q;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		b = both_new(_metadata, self->fd, sizes[i]);
		q = mmap(NULL, b.len, PROT_READ, MAP_PRIVATE, b.buf, 0);
		ASSERT_NE(MAP_FAILED, q);
		EXPECT_TRUE(filled(q, b.len, ITS));
		EXPECT_FALSE(writable(q));
		EXPECT_EQ(0, mprotect(q + b.len - PAGE, PAGE, RDWR));
		fill(q + b.len - PAGE, PAGE, MINE);
		EXPECT_TRUE(filled(b.s, b.len, ITS));
		EXPECT_EQ(0, mprotect(q, b.len, RDWR));
		EXPECT_TRUE(filled(q, b.len - PAGE, ITS));
		EXPECT_TRUE(filled(q + b.len - PAGE, PAGE, MINE));
		fill(q, b.len, MINE);
		EXPECT_EQ(0, mprotect(q, b.len, PROT_READ));
		EXPECT_FALSE(writable(q));
		EXPECT_EQ(0, mprotect(q, b.len, RDWR));
		fill(q, b.len, 3);
		EXPECT_TRUE(filled(q, b.len, 3));
		EXPECT_TRUE(filled(b.s, b.len, ITS));
		munmap(q, b.len);
		both_end(&b);
	}
}

/* Every other page is a copy. Whether one is there is what advice may change, no more. */
static bool is_half_copied(const struct both *b, bool may_be_gone)
{
	bool mine, its;
	size_t at;

	for (at = 0; at < b->len; at += PAGE) {
		mine = filled_from(b->p + at, PAGE, MINE, at);
		its = filled_from(b->p + at, PAGE, ITS, at);
		if (at / PAGE % 2 ? !mine && !(its && may_be_gone) : !its)
			return false;
	}
	return filled(b->s, b->len, ITS);
}

static void copy_half(const struct both *b)
{
	static __u64 all[(CHUNK + 4 * PAGE) / 8];
	size_t at;

	fill(all, sizeof(all), MINE);
	for (at = PAGE; at < b->len; at += 2 * PAGE)
		memcpy(b->p + at, (char *)all + at, PAGE);
}

TEST_F(pool, advice)
{
	static const size_t lens[] = { 16 * PAGE, CHUNK + 4 * PAGE };
	unsigned int i, a, r;
	bool drops;
	struct both b;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		for (a = 0; a < ARRAY_SIZE(all_advice); a++) {
			b = both_new(_metadata, self->fd, lens[i]);
			copy_half(&b);
			/* MADV_DONTNEED, and the one that does so with what is locked */
			drops = all_advice[a] == 4 || all_advice[a] == 24;
			for (r = 0; r < 3; r++) {
				madvise(b.p + r * 5 * PAGE, b.len - r * 5 * PAGE, all_advice[a]);
				EXPECT_TRUE(is_half_copied(&b, drops))
					TH_LOG("advice %d", all_advice[a]);
			}
			both_end(&b);
		}
	}
}

TEST_F(pool, advice_that_works)
{
	struct both b = both_new(_metadata, self->fd, 2 * CHUNK + 4 * PAGE);

	EXPECT_EQ(0, madvise(b.p, b.len, MADV_POPULATE_READ));
	EXPECT_EQ(0, copies(b.p, b.len));
	EXPECT_EQ(0, faults_of(touch_read, b.p, b.len));
	EXPECT_EQ(0, madvise(b.p, b.len, MADV_POPULATE_WRITE));
	EXPECT_EQ((long)(b.len / PAGE), copies(b.p, b.len));
	EXPECT_TRUE(filled(b.p, b.len, ITS));
	fill(b.p, b.len, MINE);
	EXPECT_EQ(-1, madvise(b.p, b.len, MADV_FREE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, madvise(b.p, b.len, MADV_REMOVE));
	EXPECT_TRUE(filled(b.p, b.len, MINE));
	/* The copies go, and the buffer shows again, by PMDs. */
	EXPECT_EQ(0, madvise(b.p, b.len, MADV_DONTNEED));
	EXPECT_EQ(0, smaps_kb(b.p, b.len, "Rss"));
	EXPECT_TRUE(filled(b.p, b.len, ITS));
	EXPECT_EQ(0, copies(b.p, b.len));
	both_end(&b);
}

/* What is writable is copied at once, since the kernel cannot know what will be written. */
TEST_F(pool, mlock)
{
	struct both b;
	unsigned int i;
	char *q;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		b = both_new(_metadata, self->fd, sizes[i]);
		q = mmap(NULL, b.len, PROT_READ, MAP_PRIVATE, b.buf, 0);
		ASSERT_NE(MAP_FAILED, q);
		EXPECT_EQ(0, mlock(q, b.len));
		EXPECT_EQ(0, faults_of(touch_read, q, b.len));
		EXPECT_EQ(0, copies(q, b.len));
		EXPECT_EQ(0, mlock(b.p, b.len));
		EXPECT_EQ(0, faults_of(touch_write, b.p, b.len));
		fill(b.p, b.len, MINE);
		EXPECT_EQ(0, munlock(b.p, b.len));
		EXPECT_TRUE(filled(b.p, b.len, MINE));
		EXPECT_TRUE(filled(q, b.len, ITS));
		munmap(q, b.len);
		both_end(&b);
	}
}

static unsigned int mappings(int buf)
{
	struct zcpool_buf_info bi;

	return buf_info(buf, &bi) ? ~0U : bi.mappings;
}

TEST_F(pool, moved_and_cut)
{
	struct both b;
	unsigned int i;
	char *q;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		b = both_new(_metadata, self->fd, sizes[i]);
		EXPECT_EQ(2, mappings(b.buf));
		touch_read(b.p, b.len);
		fill(b.p, PAGE, MINE);
		EXPECT_EQ(MAP_FAILED, mremap(b.p, b.len, b.len + PAGE, MREMAP_MAYMOVE));
		EXPECT_EQ(EFAULT, errno);
		q = mmap(NULL, b.len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ASSERT_NE(MAP_FAILED, q);
		b.p = mremap(b.p, b.len, b.len, MREMAP_MAYMOVE | MREMAP_FIXED, q);
		ASSERT_EQ(q, b.p);
		EXPECT_EQ(2, mappings(b.buf));
		EXPECT_TRUE(filled(b.p, PAGE, MINE));
		EXPECT_TRUE(filled_from(b.p + PAGE, b.len - PAGE, ITS, PAGE));
		if (b.len > 3 * PAGE) {
			EXPECT_EQ(0, munmap(b.p + 2 * PAGE, PAGE));
			EXPECT_EQ(3, mappings(b.buf));
		}
		EXPECT_TRUE(filled(b.p, PAGE, MINE));
		EXPECT_TRUE(filled(b.s, b.len, ITS));
		munmap(b.p, b.len);
		EXPECT_EQ(1, mappings(b.buf));
		both_end(&b);
	}
}

/* What a debugger writes where the program itself may not is the program's own, too. */
TEST_F(pool, debugger)
{
	struct both b;
	unsigned int i;
	pid_t pid;
	char *q;
	int st;

	for (i = 0; i < 2 * ARRAY_SIZE(sizes); i++) {
		b = both_new(_metadata, self->fd, sizes[i / 2]);
		q = mmap(NULL, b.len, PROT_READ, i % 2 ? MAP_PRIVATE : MAP_SHARED, b.buf, 0);
		ASSERT_NE(MAP_FAILED, q);
		pid = fork();
		if (!pid) {
			touch_read(q, b.len);
			ptrace(PTRACE_TRACEME, 0, NULL, NULL);
			raise(SIGSTOP);
			if (*(volatile long *)q != (i % 2 ? 4711 : *(long *)b.s))
				_exit(1);
			_exit(filled(b.s, b.len, ITS) ? 0 : 2);
		}
		ASSERT_EQ(pid, waitpid(pid, &st, 0));
		ASSERT_TRUE(WIFSTOPPED(st));
		/* Of what is shared there is no copy to write to. */
		EXPECT_EQ(i % 2 ? 0 : -1, ptrace(PTRACE_POKEDATA, pid, q, (void *)4711L));
		EXPECT_EQ(0, ptrace(PTRACE_CONT, pid, NULL, NULL));
		EXPECT_EQ(0, child_status(pid));
		EXPECT_TRUE(filled(q, b.len, ITS));
		munmap(q, b.len);
		both_end(&b);
	}
}

struct race {
	struct both b;
	int rounds;
	bool bad;
};

/* Reads all, drops all, over and over. */
static void *read_and_drop(void *arg)
{
	struct race *r = arg;
	size_t at;
	int i;

	for (i = 0; i < r->rounds; i++) {
		for (at = 8; at < r->b.len; at += PAGE)
			r->bad |= !filled_from(r->b.p + at, 8, ITS, at);
		madvise(r->b.p, r->b.len, MADV_DONTNEED);
	}
	return NULL;
}

/* Writes to the first word of each page; some of it is dropped by the others. */
static void *write_first_words(void *arg)
{
	struct race *r = arg;
	size_t at;
	int i;

	for (i = 0; i < r->rounds; i++)
		for (at = 0; at < r->b.len; at += 7 * PAGE)
			*(volatile __u64 *)(r->b.p + at) = 0x1234;
	return NULL;
}

/* However the faults of threads meet, nothing of the copies gets into the buffer. */
TEST_F(pool, threads)
{
	void *(*work[])(void *) = {
		read_and_drop, read_and_drop, write_first_words, write_first_words,
	};
	struct race r = { .rounds = 60 };
	pthread_t threads[4];
	unsigned int i;

	r.b = both_new(_metadata, self->fd, CHUNK + 8 * PAGE);
	for (i = 0; i < ARRAY_SIZE(work); i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, work[i], &r));
	for (i = 0; i < ARRAY_SIZE(work); i++)
		pthread_join(threads[i], NULL);
	EXPECT_FALSE(r.bad);
	EXPECT_TRUE(filled(r.b.s, r.b.len, ITS));
	both_end(&r.b);
}

TEST_HARNESS_MAIN
