// SPDX-License-Identifier: GPL-2.0
/* module: reserve=160M max=512M */
/*
 * Advice about a mapping, and locking it: no byte is lost, no account stays wrong.
 */
#include "zcpool_test.h"
#include "pagefault.h"

struct range { size_t off, len; };

/*
 * No advice loses a byte: the memory is the file's. Which of them the kernel
 * refuses for such a mapping is not ours to say, but for those named.
 */
TEST_F(pool, madvise_matrix)
{
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

		for (a = 0; a < ARRAY_SIZE(all_advice); a++) {
			p = map_new(_metadata, self->fd, len, &buf);
			fill(p, len, a + 1);
			for (r = 0; r < ARRAY_SIZE(ranges); r++) {
				madvise(p + ranges[r].off, ranges[r].len, all_advice[a]);
				EXPECT_TRUE(filled(p, len, a + 1))
					TH_LOG("advice %d lost data", all_advice[a]);
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

	p = map_new(_metadata, self->fd, len, &buf);
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

	p = map_new(_metadata, self->fd, CHUNK, &buf);
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

#define PIPES		3
#define PIPE_PAGES	256

/* Has the nth of many pipes' slots hold a reference to a page. */
static bool hold(int (*pipes)[2], unsigned int nth, char *page)
{
	struct iovec iov = { page, PAGE };

	return vmsplice(pipes[nth / PIPE_PAGES][1], &iov, 1, 0) == (ssize_t)PAGE;
}

/*
 * To page out a part of a chunk, the core would split its folio. It takes it for one that
 * the page cache has a reference to for each of its pages, and must not be misled by
 * as many that are somebody else's.
 */
TEST_F(pool, madvise_splits_no_chunk)
{
	int advice[] = { MADV_COLD, MADV_PAGEOUT }, pipes[PIPES][2], buf;
	unsigned int i, k;
	char *p;

	if (!has_pmds())
		SKIP(return, NO_PMDS);
	p = map_new(_metadata, self->fd, CHUNK, &buf);
	fill(p, CHUNK, 1);
	for (i = 0; i < PIPES; i++) {
		ASSERT_EQ(0, pipe(pipes[i]));
		ASSERT_LE(0, fcntl(pipes[i][1], F_SETPIPE_SZ, (int)(PIPE_PAGES * PAGE)));
	}
	for (i = 0; i < CHUNK / PAGE + 4; i++) {
		ASSERT_TRUE(hold(pipes, i, p + i * PAGE % CHUNK))
			TH_LOG("reference %u: %s", i, strerror(errno));
		if (i < CHUNK / PAGE - 8)
			continue;
		for (k = 0; k < ARRAY_SIZE(advice); k++)
			EXPECT_EQ(0, madvise(p + 5 * PAGE, 3 * PAGE, advice[k]));
		EXPECT_TRUE(filled(p, CHUNK, 1));
		EXPECT_EQ((long)(CHUNK / KIB), smaps_kb(p, CHUNK, "FilePmdMapped"));
	}
	for (i = 0; i < PIPES; i++) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
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
			p = map_new(_metadata, self->fd, len, &buf);
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

TEST_HARNESS_MAIN
