// SPDX-License-Identifier: GPL-2.0
/* module: reserve=32M max=64M */
/*
 * Memory that is freed while something else still holds its pages: a pipe,
 * direct I/O in flight, another process reading it. It must not be reused
 * until they let go, and must come back when they do.
 */
#include "zcpool_test.h"
#include "lib/async.h"

#define PIPE_PAGES	16

static void soil(char *p, size_t len, void *bad)
{
	if (!all_zero(p, len))
		*(int *)bad = 1;
	memset(p, 0xff, len);
}

/* Soils all that the pool has left; whether it was not zero. */
static int soil_the_rest(int pool)
{
	int bad = 0;

	return take_the_rest(pool, soil, &bad) ? 1 : bad;
}

/*
 * size bytes are made, pinned bytes from off on are put into a pipe, and all
 * else is let go: held is what must then be in quarantine.
 */
static void free_while_in_a_pipe(struct __test_metadata *_metadata, int pool, size_t size,
				 size_t off, size_t pinned, size_t held)
{
	static char in[PIPE_PAGES * PAGE];
	struct zcpool_info pi;
	int buf, fds[2];
	size_t n;
	char *p;

	ASSERT_EQ(0, pipe(fds));
	p = map_new(_metadata, pool, size, &buf);
	fill(p, size, 41);
	ASSERT_EQ((ssize_t)pinned, gift(fds[1], p + off, pinned));
	munmap(p, size);
	close(buf);
	EXPECT_EQ(0, pool_used(pool));
	ASSERT_EQ(0, pool_wait_scrubbed(pool, &pi));
	EXPECT_EQ(held, pi.quarantined_bytes)
		TH_LOG("size %zu, %zu bytes pinned", size, pinned);
	EXPECT_TRUE(info_adds_up(&pi));
	EXPECT_EQ(0, soil_the_rest(pool));
	ASSERT_EQ(0, pool_wait_scrubbed(pool, &pi));
	EXPECT_EQ(held, pi.quarantined_bytes);
	for (n = 0; n < pinned; n += PAGE)
		ASSERT_EQ(PAGE, (size_t)read(fds[0], in + n, PAGE));
	EXPECT_TRUE(filled_from(in, pinned, 41, off))
		TH_LOG("size %zu: the pipe's pages were reused", size);
	EXPECT_EQ(0, pool_wait_idle(pool, &pi));
	EXPECT_EQ(0, pi.quarantined_bytes);
	close(fds[0]);
	close(fds[1]);
	EXPECT_EQ(0, soil_the_rest(pool));
}

TEST_F(pool, pipe_holds_one_page)
{
	free_while_in_a_pipe(_metadata, self->fd, PAGE, 0, PAGE, PAGE);
}

/* One page of 16 is held back, the other 15 are not. */
TEST_F(pool, pipe_holds_one_page_of_many)
{
	free_while_in_a_pipe(_metadata, self->fd, 16 * PAGE, 5 * PAGE, PAGE, PAGE);
}

TEST_F(pool, pipe_holds_all_pages)
{
	free_while_in_a_pipe(_metadata, self->fd, 16 * PAGE, 0, 16 * PAGE, 16 * PAGE);
}

/* A chunk has one count for all its pages: it is held back as a whole. */
TEST_F(pool, pipe_holds_a_chunk)
{
	free_while_in_a_pipe(_metadata, self->fd, 3 * CHUNK, CHUNK + 100 * PAGE, PAGE, CHUNK);
}

TEST_F(pool, pipe_holds_chunk_and_tail)
{
	free_while_in_a_pipe(_metadata, self->fd, CHUNK + 8 * PAGE, CHUNK - 2 * PAGE, 4 * PAGE,
			     CHUNK + 2 * PAGE);
}

/* The pipe dies with its process; what it held comes back. */
TEST_F(pool, pipe_of_a_killed_process)
{
	struct zcpool_info pi;
	int fds[2];
	pid_t pid;
	char *p;

	pid = fork();
	if (!pid) {
		if (pipe(fds))
			_exit(1);
		p = mmap(NULL, 16 * PAGE, RDWR, MAP_SHARED, self->fd, 0);
		if (p == MAP_FAILED || gift(fds[1], p, 16 * PAGE) != 16 * PAGE)
			_exit(2);
		munmap(p, 16 * PAGE);
		raise(SIGKILL);
	}
	EXPECT_EQ(128 + SIGKILL, child_status(pid));
	EXPECT_EQ(0, pool_wait_idle(self->fd, &pi));
	EXPECT_EQ(0, pi.quarantined_bytes);
}

/* Still mapped elsewhere: nothing is freed, so nothing is in quarantine. */
TEST_F(pool, pinned_and_alive)
{
	struct zcpool_info pi;
	char *p, in[PAGE];
	int fds[2], buf;

	ASSERT_EQ(0, pipe(fds));
	p = map_new(_metadata, self->fd, 4 * PAGE, &buf);
	fill(p, PAGE, 1);
	ASSERT_EQ((ssize_t)PAGE, gift(fds[1], p, PAGE));
	munmap(p, 4 * PAGE);
	ASSERT_EQ(0, pool_wait_scrubbed(self->fd, &pi));
	EXPECT_EQ(0, pi.quarantined_bytes);
	EXPECT_EQ(4 * PAGE, pi.used_bytes);
	EXPECT_EQ((ssize_t)PAGE, read(fds[0], in, PAGE));
	EXPECT_TRUE(filled(in, PAGE, 1));
	close(fds[0]);
	close(fds[1]);
	close(buf);
	EXPECT_EQ(0, pool_wait_idle(self->fd, &pi));
}

/* Direct I/O wants a file system on a disk. */
FIXTURE(dio) {
	int fd;
	int file;
};

FIXTURE_SETUP(dio)
{
	if (!has_disk())
		SKIP(return, NO_DISK);
	self->file = direct_file();
	ASSERT_LE(0, self->file);
	self->fd = pool_open();
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(dio)
{
	struct zcpool_info pi;

	close(self->file);
	unlink(DIRECT_FILE);
	EXPECT_EQ(0, pool_wait_used(self->fd, 0));
	EXPECT_EQ(0, pool_wait_idle(self->fd, &pi));
	close(self->fd);
}

static const size_t dio_sizes[] = {
	PAGE, 16 * PAGE, CHUNK - PAGE, CHUNK, CHUNK + PAGE, 3 * MIB, 8 * MIB,
};

TEST_F(dio, there_and_back)
{
	char *p, *q, back[PAGE];
	unsigned int i;
	int a, b, plain;
	size_t len;

	plain = open(DIRECT_FILE, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, plain);
	for (i = 0; i < ARRAY_SIZE(dio_sizes); i++) {
		len = dio_sizes[i];
		a = buf_alloc(self->fd, len, 0, -1);
		b = buf_alloc(self->fd, len, 0, -1);
		ASSERT_LE(0, a);
		ASSERT_LE(0, b);
		p = buf_map(a, len, 0);
		q = buf_map(b, len, 0);
		ASSERT_NE(MAP_FAILED, p);
		ASSERT_NE(MAP_FAILED, q);
		fill(p, len, 50 + i);
		EXPECT_EQ((ssize_t)len, pwrite(self->file, p, len, 0));
		/* Into memory that nobody has touched yet */
		EXPECT_EQ((ssize_t)len, pread(self->file, q, len, 0));
		EXPECT_TRUE(filled(q, len, 50 + i));
		EXPECT_EQ((ssize_t)PAGE, pread(plain, back, PAGE, len - PAGE));
		EXPECT_TRUE(filled_from(back, PAGE, 50 + i, len - PAGE));
		/* Half a page, at an address within one */
		EXPECT_EQ(512, pread(self->file, q + 1024, 512, 512));
		EXPECT_TRUE(filled_from(q + 1024, 512, 50 + i, 512));
		munmap(p, len);
		munmap(q, len);
		close(a);
		close(b);
	}
	close(plain);
}

TEST_F(dio, into_a_readonly_mapping)
{
	char *p;
	int buf;

	p = map_new(_metadata, self->fd, CHUNK, &buf);
	fill(p, CHUNK, 1);
	ASSERT_EQ((ssize_t)CHUNK, pwrite(self->file, p, CHUNK, 0));
	fill(p, CHUNK, 2);
	munmap(p, CHUNK);
	p = mmap(NULL, CHUNK, PROT_READ, MAP_SHARED, buf, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(-1, pread(self->file, p, CHUNK, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_TRUE(filled(p, CHUNK, 2));
	/* As the source of a write it serves. */
	EXPECT_EQ((ssize_t)CHUNK, pwrite(self->file, p, CHUNK, 0));
	munmap(p, CHUNK);
	close(buf);
}

/* The disk goes on writing into memory that its owner has given up. */
TEST_F(dio, freed_in_flight)
{
	static const size_t sizes[] = { 16 * PAGE, CHUNK, 8 * MIB };
	aio_context_t ctx;
	int buf, other, round;
	unsigned int i;
	size_t len;
	char *p, *q;

	p = map_new(_metadata, self->fd, 8 * MIB, &buf);
	memset(p, 0xdd, 8 * MIB);
	ASSERT_EQ((ssize_t)(8 * MIB), pwrite(self->file, p, 8 * MIB, 0));
	munmap(p, 8 * MIB);
	close(buf);
	for (round = 0; round < 5; round++) {
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			len = sizes[i];
			p = map_new(_metadata, self->fd, len, &buf);
			ASSERT_EQ(0, start_read(&ctx, self->file, p, len));
			munmap(p, len);
			close(buf);
			/* Whoever comes next must not see the disk's bytes. */
			other = buf_alloc(self->fd, len, 0, -1);
			ASSERT_LE(0, other);
			q = buf_map(other, len, 0);
			ASSERT_NE(MAP_FAILED, q);
			EXPECT_TRUE(all_zero(q, len));
			fill(q, len, 60);
			EXPECT_EQ(0, end_read(ctx, len));
			EXPECT_TRUE(filled(q, len, 60));
			munmap(q, len);
			close(other);
		}
	}
	EXPECT_EQ(0, soil_the_rest(self->fd));
}

TEST_F(dio, killed_in_flight)
{
	aio_context_t ctx;
	int i, go[2];
	pid_t pid;
	char *p, c;

	p = mmap(NULL, 8 * MIB, RDWR, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	memset(p, 0xdd, 8 * MIB);
	ASSERT_EQ((ssize_t)(8 * MIB), pwrite(self->file, p, 8 * MIB, 0));
	munmap(p, 8 * MIB);
	for (i = 0; i < 6; i++) {
		ASSERT_EQ(0, pipe(go));
		pid = fork();
		if (!pid) {
			p = mmap(NULL, 8 * MIB, RDWR, MAP_SHARED, self->fd, 0);
			if (p == MAP_FAILED)
				_exit(1);
			if (i % 2 && start_read(&ctx, self->file, p, 8 * MIB))
				_exit(2);
			if (write(go[1], "x", 1) != 1)
				_exit(3);
			for (;;)
				if (pread(self->file, p, 8 * MIB, 0) != 8 * MIB)
					_exit(4);
		}
		EXPECT_EQ(1, read(go[0], &c, 1));
		usleep(i * 3000);
		kill(pid, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, child_status(pid));
		EXPECT_EQ(0, soil_the_rest(self->fd));
		close(go[0]);
		close(go[1]);
	}
}

/* Another process reads and writes it while its owner frees it. */
TEST_F(pool, process_vm_partner)
{
	static char in[64 * PAGE];
	struct iovec mine = { in, sizeof(in) }, its;
	volatile int *stop;
	size_t off = 0;
	pid_t pid;
	char *room, *p;
	ssize_t n;
	int i, bad = 0, got = 0, missed = 0;

	stop = mmap(NULL, PAGE, RDWR, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, stop);
	room = mmap(NULL, 8 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, room);
	room = (char *)(((unsigned long)room + CHUNK - 1) / CHUNK * CHUNK);
	pid = fork();
	if (!pid) {
		while (!*stop) {
			p = mmap(room, CHUNK + 64 * PAGE, RDWR, MAP_SHARED | MAP_FIXED,
				 self->fd, 0);
			if (p == MAP_FAILED || !all_zero(p, CHUNK + 64 * PAGE))
				_exit(1);
			memset(p, 0x11, CHUNK + 64 * PAGE);
			munmap(p, CHUNK + 64 * PAGE);
		}
		_exit(0);
	}
	/* Missed is what was read before it was mapped, or between two mappings. */
	for (i = 0; got < 250 && missed < POLL_TRIES; i++) {
		off = i % 2 ? CHUNK - 32 * PAGE : CHUNK;
		its = (struct iovec){ room + off, sizeof(in) };
		memset(in, 0, sizeof(in));
		n = process_vm_readv(pid, &mine, 1, &its, 1, 0);
		if (n > 0) {
			got++;
		} else {
			missed++;
			usleep(POLL_USEC);
		}
		while (n-- > 0)
			bad |= in[n] != 0 && in[n] != 0x11;
	}
	*stop = 1;
	EXPECT_EQ(0, child_status(pid));
	EXPECT_EQ(0, bad);
	EXPECT_EQ(250, got);
	EXPECT_EQ(0, soil_the_rest(self->fd));
	munmap((void *)stop, PAGE);
}

TEST_HARNESS_MAIN
