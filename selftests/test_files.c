// SPDX-License-Identifier: GPL-2.0
/* module: reserve=32M max=64M */
/*
 * Files of a mounted pool: memory comes when it is used and goes when it is not, sizes are to the
 * byte, and all that can be done with a buffer can be done with a file.
 */
#include "zcpool_test.h"
#include "mounted.h"
#include <linux/falloc.h>
#include <linux/mempolicy.h>

FIXTURE(files) {
	struct mounted at;
	int pool;
	__u64 used;
	int file;
	char path[PATH_MAX];
};

FIXTURE_SETUP(files)
{
	int err = mounted_begin(&self->at, "default", "");

	ASSERT_EQ(0, err)
		TH_LOG("mount: %s", strerror(-err));
	ASSERT_TRUE(self->at.is_zcpool);
	self->pool = pool_open();
	ASSERT_LE(0, self->pool);
	self->used = pool_used(self->pool);
	snprintf(self->path, sizeof(self->path), "%s/file", self->at.dir);
	self->file = open(self->path, O_RDWR | O_CREAT | O_EXCL, 0600);
	ASSERT_LE(0, self->file);
}

FIXTURE_TEARDOWN(files)
{
	close(self->file);
	EXPECT_EQ(0, unlink(self->path));
	EXPECT_EQ(self->used, pool_wait_used(self->pool, self->used))
		TH_LOG("the test left memory in use");
	close(self->pool);
	EXPECT_EQ(0, mounted_end(&self->at));
}

static off_t size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? -1 : st.st_size;
}

/* Bytes that a file has memory for */
static off_t held(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? -1 : st.st_blocks * 512;
}

static int punch(int fd, off_t from, off_t len)
{
	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, len);
}

static char *map_file(int fd, size_t len, int flags)
{
	return mmap(NULL, len, PROT_READ | PROT_WRITE, flags, fd, 0);
}

/* What a file costs is what is in it, and it ends where it was written to last. */
TEST_F(files, written)
{
	char text[64] = "";
	int append;

	EXPECT_EQ(5, write(self->file, "hello", 5));
	EXPECT_EQ(5, size_of(self->file));
	EXPECT_EQ((off_t)PAGE, held(self->file));
	EXPECT_EQ(5, pread(self->file, text, sizeof(text), 0));
	EXPECT_EQ(0, memcmp(text, "hello", 5));
	EXPECT_EQ(0, pread(self->file, text, sizeof(text), 5));
	append = open(self->path, O_WRONLY | O_APPEND);
	ASSERT_LE(0, append);
	EXPECT_EQ(6, pwrite(append, " world", 6, 0));
	EXPECT_EQ(11, pread(self->file, text, sizeof(text), 0));
	EXPECT_EQ(0, memcmp(text, "hello world", 11));
	/* A hole is in between, and zeroes are before it. */
	EXPECT_EQ(1, pwrite(self->file, "!", 1, 3 * PAGE));
	EXPECT_EQ((off_t)(3 * PAGE + 1), size_of(self->file));
	EXPECT_EQ((off_t)(2 * PAGE), held(self->file));
	memset(text, 1, sizeof(text));
	EXPECT_EQ(64, pread(self->file, text, sizeof(text), 11));
	EXPECT_TRUE(all_zero(text, sizeof(text)));
	close(append);
}

TEST_F(files, seeks_data_and_holes)
{
	ASSERT_EQ(1, pwrite(self->file, "a", 1, 0));
	ASSERT_EQ(1, pwrite(self->file, "b", 1, 10 * PAGE));
	ASSERT_EQ(0, ftruncate(self->file, 20 * PAGE + 5));
	EXPECT_EQ(0, lseek(self->file, 0, SEEK_DATA));
	EXPECT_EQ((off_t)PAGE, lseek(self->file, 0, SEEK_HOLE));
	EXPECT_EQ((off_t)(10 * PAGE), lseek(self->file, PAGE, SEEK_DATA));
	EXPECT_EQ((off_t)(10 * PAGE + 7), lseek(self->file, 10 * PAGE + 7, SEEK_DATA));
	EXPECT_EQ((off_t)(11 * PAGE), lseek(self->file, 10 * PAGE, SEEK_HOLE));
	EXPECT_EQ((off_t)(15 * PAGE), lseek(self->file, 15 * PAGE, SEEK_HOLE));
	EXPECT_EQ(-1, lseek(self->file, 11 * PAGE, SEEK_DATA));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ(-1, lseek(self->file, 20 * PAGE + 5, SEEK_HOLE));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ((off_t)(20 * PAGE + 5), lseek(self->file, 0, SEEK_END));
}

/* As far as the file reaches, memory comes by the chunk and is mapped by PMDs. */
TEST_F(files, mapped_by_pmd)
{
	char *p;

	if (!has_pmds())
		SKIP(return, NO_PMDS);
	ASSERT_EQ(0, ftruncate(self->file, 2 * CHUNK + PAGE));
	EXPECT_EQ(0, held(self->file));
	p = map_file(self->file, 2 * CHUNK + PAGE, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, p);
	p[0] = 1;
	EXPECT_EQ((off_t)CHUNK, held(self->file));
	p[CHUNK + 5 * PAGE] = 2;
	p[2 * CHUNK] = 3;
	EXPECT_EQ((off_t)(2 * CHUNK + PAGE), held(self->file));
	EXPECT_EQ(2 * CHUNK >> 10, smaps_kb(p, 2 * CHUNK + PAGE, "FilePmdMapped"));
	munmap(p, 2 * CHUNK + PAGE);
}

/* The end is where it is, whatever the page tables are made of. */
TEST_F(files, ends_in_a_chunk)
{
	char *p;

	ASSERT_EQ(0, ftruncate(self->file, 2 * CHUNK));
	p = map_file(self->file, 2 * CHUNK, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, p);
	fill(p, 2 * CHUNK, 1);
	ASSERT_EQ(0, ftruncate(self->file, CHUNK + 3 * PAGE + 10));
	EXPECT_TRUE(filled(p, CHUNK + 3 * PAGE + 8, 1));
	EXPECT_TRUE(all_zero(p + CHUNK + 3 * PAGE + 10, PAGE - 10));
	EXPECT_EQ(SIGBUS, touch_signal(p + CHUNK + 4 * PAGE));
	EXPECT_EQ(SIGBUS, touch_signal(p + 2 * CHUNK - 1));
	EXPECT_EQ(has_pmds() ? CHUNK >> 10 : 0, smaps_kb(p, 2 * CHUNK, "FilePmdMapped"));
	/* What was behind the end is gone, and what was written there, too. */
	p[CHUNK + 3 * PAGE + 100] = 1;
	ASSERT_EQ(0, ftruncate(self->file, 2 * CHUNK));
	EXPECT_TRUE(all_zero(p + CHUNK + 3 * PAGE + 10, CHUNK - 3 * PAGE - 10));
	EXPECT_TRUE(filled(p, CHUNK + 3 * PAGE + 8, 1));
	if (has_pmds()) {
		/* Else the page table that there is would be used. */
		munmap(p, 2 * CHUNK);
		p = map_file(self->file, 2 * CHUNK, MAP_SHARED);
		ASSERT_NE(MAP_FAILED, p);
		touch_write(p, 2 * CHUNK);
		EXPECT_EQ(2 * CHUNK >> 10, smaps_kb(p, 2 * CHUNK, "FilePmdMapped"));
	}
	munmap(p, 2 * CHUNK);
}

/* A mapping may be longer than the file, and finds what comes later. */
TEST_F(files, grows_while_mapped)
{
	char *p = map_file(self->file, 4 * CHUNK, MAP_SHARED);
	char *q;

	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(SIGBUS, touch_signal(p));
	ASSERT_EQ(5, pwrite(self->file, "12345", 5, 3 * PAGE));
	EXPECT_EQ(0, memcmp(p + 3 * PAGE, "12345", 5));
	EXPECT_EQ(SIGBUS, touch_signal(p + 4 * PAGE));
	ASSERT_EQ(0, ftruncate(self->file, 4 * CHUNK));
	p[4 * CHUNK - 1] = 7;
	q = mremap(p, 4 * CHUNK, 6 * CHUNK, MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_EQ(7, q[4 * CHUNK - 1]);
	EXPECT_EQ(SIGBUS, touch_signal(q + 5 * CHUNK));
	munmap(q, 6 * CHUNK);
}

TEST_F(files, private_mapping)
{
	char *p;

	ASSERT_EQ(0, ftruncate(self->file, CHUNK + PAGE));
	ASSERT_EQ(3, pwrite(self->file, "abc", 3, CHUNK));
	p = map_file(self->file, CHUNK + PAGE, MAP_PRIVATE);
	ASSERT_NE(MAP_FAILED, p);
	p[0] = 1;
	EXPECT_EQ(0, memcmp(p + CHUNK, "abc", 3));
	p[CHUNK] = 'x';
	EXPECT_EQ(3, pread(self->file, p + 100, 3, CHUNK));
	EXPECT_EQ(0, memcmp(p + 100, "abc", 3));
	/* Copies behind the end go, others stay. */
	ASSERT_EQ(0, ftruncate(self->file, 1));
	EXPECT_EQ(1, p[0]);
	EXPECT_EQ(SIGBUS, touch_signal(p + CHUNK));
	munmap(p, CHUNK + PAGE);
}

/* Memory goes back by the page or by the chunk; of a chunk some is only zeroed. */
TEST_F(files, punched)
{
	char *p = map_file(self->file, 3 * CHUNK, MAP_SHARED);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, ftruncate(self->file, 2 * CHUNK + 100 * PAGE));
	fill(p, 2 * CHUNK + 100 * PAGE, 3);
	EXPECT_EQ((off_t)(2 * CHUNK + 100 * PAGE), held(self->file));
	ASSERT_EQ(0, punch(self->file, CHUNK + 100, CHUNK));
	EXPECT_TRUE(all_zero(p + CHUNK + 104, CHUNK - 8));
	EXPECT_TRUE(filled(p, CHUNK + 96, 3));
	EXPECT_EQ((off_t)(2 * CHUNK + 100 * PAGE), held(self->file));
	ASSERT_EQ(0, punch(self->file, CHUNK, CHUNK));
	EXPECT_EQ((off_t)(CHUNK + 100 * PAGE), held(self->file));
	ASSERT_EQ(0, madvise(p + 2 * CHUNK, 10 * PAGE, MADV_REMOVE));
	EXPECT_EQ((off_t)(CHUNK + 90 * PAGE), held(self->file));
	EXPECT_TRUE(all_zero(p + CHUNK, CHUNK + 10 * PAGE));
	EXPECT_EQ((off_t)(2 * CHUNK + 100 * PAGE), size_of(self->file));
	ASSERT_EQ(0, punch(self->file, 0, 10 * CHUNK));
	EXPECT_EQ(0, held(self->file));
	EXPECT_TRUE(all_zero(p, 2 * CHUNK));
	munmap(p, 3 * CHUNK);
}

TEST_F(files, fallocated)
{
	EXPECT_EQ(0, fallocate(self->file, FALLOC_FL_KEEP_SIZE, 0, 5 * PAGE));
	EXPECT_EQ(0, size_of(self->file));
	EXPECT_EQ((off_t)(5 * PAGE), held(self->file));
	EXPECT_EQ(0, ftruncate(self->file, 0));
	EXPECT_EQ(0, held(self->file));
	EXPECT_EQ(0, fallocate(self->file, FALLOC_FL_KEEP_SIZE, 0, 5 * PAGE));
	EXPECT_EQ(0, posix_fallocate(self->file, CHUNK, CHUNK + 1));
	EXPECT_EQ((off_t)(2 * CHUNK + 1), size_of(self->file));
	EXPECT_EQ((off_t)(CHUNK + 6 * PAGE), held(self->file));
	ASSERT_EQ(4, pwrite(self->file, "1234", 4, CHUNK));
	EXPECT_EQ(0, fallocate(self->file, FALLOC_FL_ZERO_RANGE, CHUNK + 1, 2 * CHUNK));
	EXPECT_EQ((off_t)(3 * CHUNK + 1), size_of(self->file));
	EXPECT_EQ(-1, fallocate(self->file, FALLOC_FL_COLLAPSE_RANGE, 0, PAGE));
	EXPECT_EQ(EOPNOTSUPP, errno);
	EXPECT_EQ(-1, fallocate(self->file, FALLOC_FL_INSERT_RANGE, 0, PAGE));
	EXPECT_EQ(EOPNOTSUPP, errno);
	EXPECT_EQ(-1, fallocate(self->file, 0, 0, LLONG_MAX));
	EXPECT_EQ(EFBIG, errno);
}

/* What is to grow may get its memory first, by the chunk: rsync --preallocate does that. */
TEST_F(files, allocated_then_written)
{
	char page[PAGE] = { 5 }, *p;
	off_t at;

	ASSERT_EQ(0, fallocate(self->file, FALLOC_FL_KEEP_SIZE, 0, 2 * CHUNK + 3 * PAGE));
	EXPECT_EQ((off_t)(2 * CHUNK + 3 * PAGE), held(self->file));
	EXPECT_EQ(0, size_of(self->file));
	for (at = 0; at < (off_t)(CHUNK + 7 * PAGE); at += PAGE)
		ASSERT_EQ((ssize_t)PAGE, pwrite(self->file, page, PAGE, at));
	EXPECT_EQ((off_t)(2 * CHUNK + 3 * PAGE), held(self->file));
	p = map_file(self->file, 2 * CHUNK, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, p);
	for (at = 0; at < (off_t)(CHUNK + 7 * PAGE); at += PAGE)
		EXPECT_EQ(5, p[at]);
	EXPECT_EQ(has_pmds() ? CHUNK >> 10 : 0, smaps_kb(p, 2 * CHUNK, "FilePmdMapped"));
	EXPECT_EQ(SIGBUS, touch_signal(p + CHUNK + 7 * PAGE));
	munmap(p, 2 * CHUNK);
	/* What it has not grown to goes back, but for the rest of a chunk. */
	ASSERT_EQ(0, ftruncate(self->file, size_of(self->file)));
	EXPECT_EQ((off_t)(has_pmds() ? 2 * CHUNK : CHUNK + 7 * PAGE), held(self->file));
	ASSERT_EQ(0, ftruncate(self->file, CHUNK));
	EXPECT_EQ((off_t)CHUNK, held(self->file));
}

/* Where the pool is full a call says so, and whoever touches a hole is told by a signal. */
TEST_F(files, no_memory)
{
	char *p, page[PAGE] = { 1 }, six[6 * PAGE];
	struct zcpool_info pi;
	off_t size;

	ASSERT_EQ(0, pool_info(self->pool, -1, &pi));
	EXPECT_EQ(-1, fallocate(self->file, 0, 0, pi.max_bytes + 1));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(0, size_of(self->file));
	EXPECT_EQ(0, held(self->file));
	/* What there was stays, and nothing more, before the end and behind it. */
	ASSERT_EQ(0, ftruncate(self->file, pi.max_bytes + CHUNK));
	ASSERT_EQ(1, pwrite(self->file, page, 1, CHUNK));
	ASSERT_EQ(0, fallocate(self->file, FALLOC_FL_KEEP_SIZE, pi.max_bytes + 2 * CHUNK, PAGE));
	size = held(self->file);
	EXPECT_EQ(-1, fallocate(self->file, 0, 0, pi.max_bytes + 3 * CHUNK));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(size, held(self->file));
	EXPECT_EQ((off_t)(pi.max_bytes + CHUNK), size_of(self->file));
	ASSERT_EQ(0, ftruncate(self->file, 0));
	while (write(self->file, page, sizeof(page)) == sizeof(page))
		;
	EXPECT_EQ(ENOSPC, errno);
	size = size_of(self->file);
	EXPECT_EQ(size, held(self->file));
	EXPECT_LE((off_t)(pi.max_bytes - CHUNK), size);
	/* What need not be had anew is zeroed in its place. */
	EXPECT_EQ(0, fallocate(self->file, FALLOC_FL_ZERO_RANGE, PAGE, 2 * PAGE));
	EXPECT_EQ(size, held(self->file));
	/* Of what does not fit, as much as does is written. */
	memset(six, 2, sizeof(six));
	ASSERT_EQ(0, ftruncate(self->file, size - 3 * PAGE));
	EXPECT_EQ((ssize_t)(3 * PAGE), pwrite(self->file, six, sizeof(six), size - 3 * PAGE));
	EXPECT_EQ(size, size_of(self->file));
	ASSERT_EQ(0, ftruncate(self->file, size + PAGE));
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, self->file, size);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(SIGBUS, touch_signal(p));
	ASSERT_EQ(0, punch(self->file, 0, PAGE));
	/* What has been given back must be zeroed first. */
	EXPECT_EQ(0, touch_signal(p));
	munmap(p, PAGE);
}

/* What is pinned when the file loses it is nobody else's before it is let go of. */
TEST_F(files, pinned)
{
	struct zcpool_info pi;
	char back[PAGE];
	int pipes[2];
	char *p;

	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(0, ftruncate(self->file, 4 * PAGE));
	p = map_file(self->file, 4 * PAGE, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, p);
	fill(p, 4 * PAGE, 5);
	ASSERT_EQ((ssize_t)PAGE, gift(pipes[1], p, PAGE));
	ASSERT_EQ(0, ftruncate(self->file, 0));
	EXPECT_EQ(0, held(self->file));
	ASSERT_EQ(0, ftruncate(self->file, 4 * PAGE));
	EXPECT_TRUE(all_zero(p, 4 * PAGE));
	fill(p, 4 * PAGE, 6);
	ASSERT_EQ((ssize_t)PAGE, read(pipes[0], back, PAGE));
	EXPECT_TRUE(filled(back, PAGE, 5));
	EXPECT_EQ(0, pool_wait_idle(self->pool, &pi));
	EXPECT_EQ(0, pi.quarantined_bytes);
	munmap(p, 4 * PAGE);
	close(pipes[0]);
	close(pipes[1]);
}

TEST_F(files, says_what_it_is)
{
	struct zcpool_buf_info bi;
	char *p, *q;

	ASSERT_EQ(0, buf_info(self->file, &bi));
	EXPECT_EQ(0, bi.size);
	EXPECT_EQ(-1, bi.node);
	EXPECT_EQ(0, bi.nr_extents);
	ASSERT_EQ(0, ftruncate(self->file, CHUNK + PAGE + 7));
	p = map_file(self->file, CHUNK + 2 * PAGE, MAP_SHARED);
	q = map_file(self->file, PAGE, MAP_PRIVATE);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_NE(MAP_FAILED, q);
	p[0] = 1;
	p[CHUNK] = 1;
	ASSERT_EQ(0, buf_info(self->file, &bi));
	EXPECT_EQ(CHUNK + PAGE + 7, bi.size);
	EXPECT_EQ(CHUNK + PAGE + 7, bi.requested);
	EXPECT_EQ((has_pmds() ? CHUNK : PAGE) + PAGE, bi.whole_bytes + bi.split_bytes);
	EXPECT_EQ(2, bi.nr_extents);
	EXPECT_EQ(2, bi.mappings);
	EXPECT_LE(0, bi.node);
	munmap(p, CHUNK + 2 * PAGE);
	munmap(q, PAGE);
	ASSERT_EQ(0, buf_info(self->file, &bi));
	EXPECT_EQ(0, bi.mappings);
}

/* A file that is taken away answers ESTALE by all its descriptors, and by its name. */
TEST_F(files, revoked)
{
	char *p, c = 1;
	int again;

	ASSERT_EQ(0, ftruncate(self->file, CHUNK + PAGE));
	p = map_file(self->file, CHUNK + PAGE, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, p);
	touch_write(p, CHUNK + PAGE);
	EXPECT_EQ(0, buf_revoke(self->file, 0));
	EXPECT_EQ(self->used, pool_wait_used(self->pool, self->used));
	EXPECT_EQ(SIGBUS, touch_signal(p));
	EXPECT_TRUE(buf_is_gone(self->file));
	again = open(self->path, O_RDWR);
	ASSERT_LE(0, again);
	EXPECT_EQ(-1, pwrite(again, &c, 1, 0));
	EXPECT_EQ(ESTALE, errno);
	EXPECT_EQ(-1, fallocate(again, 0, 0, PAGE));
	EXPECT_EQ(ESTALE, errno);
	close(again);
	/* Whoever truncates it begins anew. */
	again = open(self->path, O_RDWR | O_TRUNC);
	ASSERT_LE(0, again);
	EXPECT_EQ(1, pwrite(again, &c, 1, PAGE));
	EXPECT_EQ((off_t)(PAGE + 1), size_of(self->file));
	EXPECT_EQ(0, p[0]);
	EXPECT_EQ(1, p[PAGE]);
	EXPECT_EQ(0, buf_revoke(again, 0));
	EXPECT_EQ(0, ftruncate(again, 10));
	EXPECT_EQ(0, buf_revoke(again, 0));
	close(again);
	munmap(p, CHUNK + PAGE);
}

/* What had a name stays a file when it is moved, but has none. */
TEST_F(files, moved)
{
	char *p, *q;
	int to;

	ASSERT_EQ(0, ftruncate(self->file, 2 * CHUNK + 5));
	p = map_file(self->file, 2 * CHUNK + PAGE, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, p);
	fill(p, CHUNK + 4 * PAGE, 9);
	p[2 * CHUNK] = 1;
	to = buf_move(self->file);
	ASSERT_LE(0, to);
	EXPECT_EQ(SIGBUS, touch_signal(p));
	EXPECT_EQ(0, held(self->file));
	EXPECT_EQ((off_t)(2 * CHUNK + 5), size_of(to));
	q = map_file(to, 3 * CHUNK, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_TRUE(filled(q, CHUNK + 4 * PAGE, 9));
	EXPECT_EQ(1, q[2 * CHUNK]);
	EXPECT_EQ(0, ftruncate(to, 3 * CHUNK));
	q[3 * CHUNK - 1] = 2;
	EXPECT_EQ(0, punch(to, 0, 2 * CHUNK));
	EXPECT_EQ(0, q[0]);
	/* And the name can be used anew. */
	EXPECT_EQ(0, ftruncate(self->file, PAGE));
	EXPECT_EQ(0, p[0]);
	munmap(q, 3 * CHUNK);
	munmap(p, 2 * CHUNK + PAGE);
	close(to);
}

TEST_F(files, sealed)
{
	char c = 1;
	char *p;

	ASSERT_EQ(3, pwrite(self->file, "abc", 3, 0));
	p = map_file(self->file, PAGE, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, p);
	p[100] = 7;
	munmap(p, PAGE);
	EXPECT_EQ((int)ZCPOOL_SEAL_WRITE, buf_seal(self->file, ZCPOOL_SEAL_WRITE));
	EXPECT_EQ(-1, pwrite(self->file, &c, 1, 0));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, pwrite(self->file, &c, 1, 2 * PAGE));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, ftruncate(self->file, 0));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, ftruncate(self->file, PAGE));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, punch(self->file, 0, PAGE));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, open(self->path, O_WRONLY | O_TRUNC));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(MAP_FAILED, map_file(self->file, PAGE, MAP_SHARED));
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->file, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(0, memcmp(p, "abc", 3));
	EXPECT_EQ(7, p[100]);
	/* Nobody finds anything else where he has seen the seal. */
	EXPECT_EQ(0, buf_revoke(self->file, 0));
	EXPECT_EQ(-1, ftruncate(self->file, 0));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(SIGBUS, touch_signal(p));
	munmap(p, PAGE);
}

struct writer {
	int file;
	ssize_t done;
};

static void *write_much(void *arg)
{
	static char much[CHUNK / 2];
	struct writer *me = arg;

	memset(much, 3, sizeof(much));
	me->done = pwrite(me->file, much, sizeof(much), 0);
	return NULL;
}

/* A write that makes a file longer is all before it is moved, or all after. */
TEST_F(files, moved_while_written)
{
	struct writer writer = { .file = self->file };
	pthread_t thread;
	unsigned int round;
	off_t size;
	int to;

	for (round = 0; round < 20; round++) {
		ASSERT_EQ(0, ftruncate(self->file, 0));
		ASSERT_EQ(0, pthread_create(&thread, NULL, write_much, &writer));
		to = buf_move(self->file);
		pthread_join(thread, NULL);
		ASSERT_LE(0, to);
		size = size_of(to);
		EXPECT_TRUE(!size || size == (off_t)(CHUNK / 2));
		EXPECT_EQ(size, held(to));
		EXPECT_EQ(size ? (ssize_t)(CHUNK / 2) : -1, writer.done);
		close(to);
	}
	ASSERT_EQ(0, ftruncate(self->file, 0));
}

TEST_F(files, migrated)
{
	struct zcpool_buf_info bi;
	char *p;
	int to;

	if (!node_exists(1))
		SKIP(return, "there is one node");
	ASSERT_EQ(0, ftruncate(self->file, 2 * CHUNK + 9 * PAGE));
	p = map_file(self->file, 2 * CHUNK + 9 * PAGE, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, p);
	fill(p, CHUNK + 8, 4);
	fill(p + 2 * CHUNK, 3 * PAGE, 5);
	for (to = 0; to < 2; to++) {
		ASSERT_EQ(0, buf_migrate(self->file, to));
		ASSERT_EQ(0, buf_info(self->file, &bi));
		EXPECT_EQ(to, bi.node);
		EXPECT_TRUE(filled(p, CHUNK + 8, 4));
		EXPECT_EQ(to, node_of(p));
		EXPECT_TRUE(filled(p + 2 * CHUNK, 3 * PAGE, 5));
		EXPECT_EQ((off_t)(has_pmds() ? 2 * CHUNK : CHUNK + PAGE) + 3 * (off_t)PAGE,
			  held(self->file));
		p[2 * CHUNK + 4 * PAGE] = 1;
		ASSERT_EQ(0, punch(self->file, 2 * CHUNK + 4 * PAGE, PAGE));
	}
	munmap(p, 2 * CHUNK + 9 * PAGE);
}

static long bind_to(char *p, size_t len, int mode, unsigned long nodes)
{
	return syscall(SYS_mbind, p, len, mode, &nodes, 8 * sizeof(nodes), 0);
}

struct shrinker {
	int file;
	bool over;
	bool failed;
};

/* Takes pages out of a file, and puts the same back. */
static void *shrink_and_grow(void *arg)
{
	struct shrinker *s = arg;
	size_t at, len = 40 * PAGE;
	char page[PAGE];

	while (!__atomic_load_n(&s->over, __ATOMIC_RELAXED)) {
		s->failed |= punch(s->file, 0, len) != 0;
		for (at = 0; at < len; at += PAGE) {
			fill(page, PAGE, at);
			s->failed |= pwrite(s->file, page, PAGE, at) != (ssize_t)PAGE;
		}
	}
	return NULL;
}

/* What it has when it is copied is not what it had when the copy was made. */
TEST_F(files, migrated_while_it_shrinks)
{
	struct shrinker s = { .file = self->file };
	unsigned int moved = 0, tried = 0;
	size_t len = 200 * PAGE, at;
	char page[PAGE];
	pthread_t t;
	int err;

	if (!node_exists(1))
		SKIP(return, "there is one node");
	for (at = 0; at < len; at += PAGE) {
		fill(page, PAGE, at);
		ASSERT_EQ((ssize_t)PAGE, pwrite(self->file, page, PAGE, at));
	}
	ASSERT_EQ(0, pthread_create(&t, NULL, shrink_and_grow, &s));
	while (moved < 20 && tried < 10000) {
		err = buf_migrate(self->file, tried++ % 2);
		EXPECT_TRUE(!err || err == -EBUSY);
		moved += !err;
	}
	__atomic_store_n(&s.over, true, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
	EXPECT_EQ(20, moved);
	EXPECT_FALSE(s.failed);
	for (at = 0; at < len; at += PAGE) {
		ASSERT_EQ((ssize_t)PAGE, pread(self->file, page, PAGE, at));
		EXPECT_TRUE(filled(page, PAGE, at));
	}
	EXPECT_EQ((off_t)len, held(self->file));
	ASSERT_EQ(0, ftruncate(self->file, 0));
}

/* Memory comes from where the mapping that is touched, or else the process, wants it. */
TEST_F(files, placed_by_policy)
{
	unsigned long nodes = 1 << 1;
	char *p;
	int to;

	if (!node_exists(1))
		SKIP(return, "there is one node");
	ASSERT_EQ(0, ftruncate(self->file, 5 * CHUNK + PAGE));
	p = map_file(self->file, 5 * CHUNK + PAGE, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, p);
	for (to = 0; to < 2; to++) {
		ASSERT_EQ(0, run_on_node(!to));
		ASSERT_EQ(0, bind_to(p, 5 * CHUNK, MPOL_BIND, 1UL << to));
		p[to * CHUNK] = 1;
		EXPECT_EQ(to, node_of(p + to * CHUNK));
	}
	ASSERT_EQ(0, bind_to(p, 5 * CHUNK, MPOL_INTERLEAVE, 3));
	p[2 * CHUNK] = 1;
	p[3 * CHUNK] = 1;
	EXPECT_NE(node_of(p + 2 * CHUNK), node_of(p + 3 * CHUNK));
	ASSERT_EQ(0, bind_to(p, 5 * CHUNK, MPOL_DEFAULT, 0));
	/* The process runs on node 0. */
	ASSERT_EQ(0, syscall(SYS_set_mempolicy, MPOL_PREFERRED, &nodes, 8 * sizeof(nodes)));
	p[4 * CHUNK] = 1;
	EXPECT_EQ(1, node_of(p + 4 * CHUNK));
	ASSERT_EQ(1, pwrite(self->file, "a", 1, 5 * CHUNK));
	EXPECT_EQ('a', p[5 * CHUNK]);
	EXPECT_EQ(1, node_of(p + 5 * CHUNK));
	munmap(p, 5 * CHUNK + PAGE);
}

#define CROWD	8

struct crowd {
	char *p;
	size_t len;
	int file;
	int nth;
	bool wrong;
};

/* Each its own byte of each page */
static void *touch_all(void *arg)
{
	struct crowd *me = arg;
	size_t i;

	for (i = 0; i < me->len; i += PAGE)
		me->p[i + me->nth] = me->nth + 1;
	return NULL;
}

/* Who comes second to a hole finds what who came first has made of it. */
TEST_F(files, filled_by_many_at_once)
{
	const size_t len = 2 * CHUNK + 64 * PAGE;
	struct crowd crowd[CROWD];
	pthread_t threads[CROWD];
	unsigned int round, i;
	size_t at;
	char *p;

	p = map_file(self->file, len, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, p);
	for (round = 0; round < 4; round++) {
		ASSERT_EQ(0, ftruncate(self->file, 0));
		ASSERT_EQ(0, ftruncate(self->file, len));
		for (i = 0; i < CROWD; i++) {
			crowd[i] = (struct crowd){ .p = p, .len = len, .nth = i };
			ASSERT_EQ(0, pthread_create(&threads[i], NULL, touch_all, &crowd[i]));
		}
		for (i = 0; i < CROWD; i++)
			pthread_join(threads[i], NULL);
		for (at = 0; at < len; at += PAGE) {
			for (i = 0; i < CROWD; i++)
				ASSERT_EQ((int)i + 1, p[at + i]);
		}
		EXPECT_EQ((off_t)len, held(self->file));
	}
	munmap(p, len);
}

static void *write_and_look(void *arg)
{
	struct crowd *me = arg;
	char page[PAGE], back[PAGE];
	unsigned int round;
	size_t i;

	for (round = 0; round < 8; round++) {
		for (i = me->nth * PAGE; i < me->len; i += CROWD * PAGE) {
			memset(page, me->nth + 1, PAGE);
			if (pwrite(me->file, page, PAGE, i) != PAGE ||
			    pread(me->file, back, PAGE, i) != PAGE ||
			    memcmp(page, back, PAGE) || memcmp(page, me->p + i, PAGE))
				me->wrong = true;
			if (round % 2 && punch(me->file, i, PAGE))
				me->wrong = true;
			if (round % 2 && !all_zero(me->p + i, PAGE))
				me->wrong = true;
		}
	}
	return NULL;
}

/* Neighbours that write, punch and look do not disturb each other. */
TEST_F(files, used_by_many_at_once)
{
	const size_t len = CHUNK + 32 * PAGE;
	struct crowd crowd[CROWD];
	pthread_t threads[CROWD];
	unsigned int i;
	char *p;

	ASSERT_EQ(0, ftruncate(self->file, len));
	p = map_file(self->file, len, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, p);
	for (i = 0; i < CROWD; i++) {
		crowd[i] = (struct crowd){ .p = p, .len = len, .file = self->file, .nth = i };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, write_and_look, &crowd[i]));
	}
	for (i = 0; i < CROWD; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_FALSE(crowd[i].wrong);
	}
	munmap(p, len);
}

TEST_F(files, opened_as_usual)
{
	char path[64];
	char *p;
	int fd;

	ASSERT_EQ(3, pwrite(self->file, "abc", 3, 0));
	fd = open(self->path, O_RDWR | O_DIRECT);
	EXPECT_LE(0, fd);
	close(fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->file);
	fd = open(path, O_RDWR);
	EXPECT_LE(0, fd);
	EXPECT_EQ(0, fsync(fd));
	EXPECT_EQ(0, fdatasync(fd));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, 0x3 | 0x80000 /* SHARED_VALIDATE, SYNC */,
				   fd, 0));
	EXPECT_EQ(EOPNOTSUPP, errno);
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(0, msync(p, PAGE, MS_SYNC));
	EXPECT_EQ(0, memcmp(p, "abc", 3));
	munmap(p, PAGE);
	close(fd);
}

/* Neighbouring mappings become one, as those of any file. */
TEST_F(files, mappings_merge)
{
	char *p, *q;
	FILE *maps;
	char line[512];
	unsigned long start, end;
	unsigned int n = 0;

	ASSERT_EQ(0, ftruncate(self->file, 4 * PAGE));
	p = map_file(self->file, 4 * PAGE, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, p);
	munmap(p + 2 * PAGE, 2 * PAGE);
	q = mmap(p + 2 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		 self->file, 2 * PAGE);
	ASSERT_EQ(p + 2 * PAGE, q);
	ASSERT_EQ(0, mprotect(p + PAGE, PAGE, PROT_READ));
	ASSERT_EQ(0, mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE));
	maps = fopen("/proc/self/maps", "r");
	ASSERT_NE(NULL, maps);
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx", &start, &end) == 2 &&
		    start < (unsigned long)p + 4 * PAGE && end > (unsigned long)p)
			n++;
	}
	fclose(maps);
	EXPECT_EQ(1, n);
	munmap(p, 4 * PAGE);
}

TEST_HARNESS_MAIN
