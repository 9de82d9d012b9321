// SPDX-License-Identifier: GPL-2.0
/* module: reserve=16M max=64M */
/*
 * Nobody ever sees a byte of a previous owner. The pool is small, so that what
 * one process frees is what another one gets.
 */
#include <pthread.h>
#include <sys/uio.h>

#include "zcpool_test.h"

#define WORKERS		4

/* One buffer of a random size: all zero, then all pattern. 0 or an exit code */
static int take_check_soil(int pool, __u32 *seed, int hold_map)
{
	static char page[PAGE];
	struct zcpool_buf_info bi;
	size_t len, at;
	char *p;
	int buf;

	/* Each size from 4 KiB to 8 MiB about as often as its double */
	len = (PAGE << rnd(seed) % 12) + rnd(seed) % 3 * PAGE;
	buf = buf_alloc(pool, len, 0, -1);
	if (buf == -ENOSPC || buf == -ENOMEM)
		return 0;
	if (buf < 0 || buf_info(buf, &bi))
		return 1;
	p = buf_map(buf, bi.size, 0);
	if (p == MAP_FAILED)
		return 2;
	if (rnd(seed) % 2) {
		if (!all_zero(p, bi.size))
			return 3;
	} else {
		for (at = 0; at < bi.size; at += PAGE) {
			if (pread(buf, page, PAGE, at) != PAGE)
				return 4;
			if (!all_zero(page, PAGE))
				return 3;
		}
	}
	memset(p, 0xa5, bi.size);
	if (!hold_map)
		munmap(p, bi.size);
	close(buf);
	return 0;
}

static void worker(int pool, __u32 seed, int rounds)
{
	int i, err;

	for (i = 0; i < rounds; i++) {
		err = take_check_soil(pool, &seed, 0);
		if (err)
			_exit(err);
	}
	/* Leaves with something mapped */
	_exit(take_check_soil(pool, &seed, 1));
}

TEST_F(pool, several_owners)
{
	pid_t pid[WORKERS];
	int i;

	for (i = 0; i < WORKERS; i++) {
		pid[i] = fork();
		if (!pid[i])
			worker(self->fd, 100 + i, 80);
	}
	for (i = 0; i < WORKERS; i++)
		EXPECT_EQ(0, child_status(pid[i]));
}

TEST_F(pool, owners_that_crash)
{
	pid_t pid[WORKERS];
	__u32 seed = 7;
	int i, n, st;

	for (i = 0; i < WORKERS; i++) {
		pid[i] = fork();
		if (!pid[i])
			worker(self->fd, 200 + i, 1 << 30);
	}
	for (n = 0; n < 30; n++) {
		usleep(rnd(&seed) % 60000);
		i = rnd(&seed) % WORKERS;
		kill(pid[i], SIGKILL);
		EXPECT_EQ(128 + SIGKILL, child_status(pid[i]));
		pid[i] = fork();
		if (!pid[i])
			worker(self->fd, 300 + n, 1 << 30);
	}
	for (i = 0; i < WORKERS; i++) {
		kill(pid[i], SIGKILL);
		st = child_status(pid[i]);
		EXPECT_EQ(128 + SIGKILL, st);
	}
}

/* Soils all that the pool can hold, in buffers of one size. */
static int soil_everything(int pool, size_t len)
{
	static int buf[64 * MIB / (64 * KIB)];
	int n = 0, i, err = 0;
	char *p;

	while (n < (int)ARRAY_SIZE(buf)) {
		buf[n] = buf_alloc(pool, len, 0, -1);
		if (buf[n] < 0)
			break;
		p = buf_map(buf[n], len, 0);
		if (p == MAP_FAILED || !all_zero(p, len))
			err = 1;
		memset(p, 0xc3, len);
		munmap(p, len);
		n++;
	}
	for (i = 0; i < n; i++)
		close(buf[i]);
	return err || n * len < 32 * MIB;
}

/* All of the pool, used in one size and at once again in another */
TEST_F(pool, all_memory_in_turn)
{
	static const size_t sizes[] = { CHUNK, 64 * KIB, 3 * MIB, CHUNK, 256 * KIB, 8 * MIB };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		EXPECT_EQ(0, soil_everything(self->fd, sizes[i]));
}

/* What NOWAIT gives is clean without any time for cleaning, and with it. */
TEST_F(pool, nowait_gives_zeroes)
{
	struct zcpool_info pi;
	int i, buf;
	char *p;

	for (i = 0; i < 200; i++) {
		if (i % 20 == 0)
			EXPECT_EQ(0, soil_everything(self->fd, CHUNK));
		buf = buf_alloc(self->fd, i % 2 ? CHUNK : 5 * PAGE, ZCPOOL_ALLOC_NOWAIT, -1);
		if (buf == -EAGAIN) {
			usleep(1000);
			continue;
		}
		ASSERT_LE(0, buf);
		p = buf_map(buf, 5 * PAGE, 0);
		ASSERT_NE(MAP_FAILED, p);
		EXPECT_TRUE(all_zero(p, 5 * PAGE));
		memset(p, 0x3c, 5 * PAGE);
		munmap(p, 5 * PAGE);
		close(buf);
	}
	EXPECT_EQ(0, soil_everything(self->fd, CHUNK));
	ASSERT_EQ(0, pool_wait_idle(self->fd, &pi));
	buf = buf_alloc(self->fd, CHUNK, ZCPOOL_ALLOC_NOWAIT, -1);
	ASSERT_LE(0, buf);
	p = buf_map(buf, CHUNK, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_TRUE(all_zero(p, CHUNK));
	munmap(p, CHUNK);
	close(buf);
}

/* The pages that rounding up adds belong to the caller as well. */
TEST_F(pool, rounded_up_part)
{
	static const struct { size_t ask; __u32 flags; } c[] = {
		{ 1, 0 }, { PAGE + 1, 0 }, { 3 * MIB + 1, 0 }, { PAGE, ZCPOOL_ALLOC_HUGE },
		{ 5 * PAGE, ZCPOOL_ALLOC_CONTIG },
	};
	struct zcpool_buf_info bi;
	unsigned int i;
	char *p;
	int buf;

	EXPECT_EQ(0, soil_everything(self->fd, CHUNK));
	EXPECT_EQ(0, soil_everything(self->fd, 64 * KIB));
	for (i = 0; i < ARRAY_SIZE(c); i++) {
		buf = buf_alloc(self->fd, c[i].ask, c[i].flags, -1);
		ASSERT_LE(0, buf);
		ASSERT_EQ(0, buf_info(buf, &bi));
		p = buf_map(buf, bi.size, 0);
		ASSERT_NE(MAP_FAILED, p);
		EXPECT_TRUE(all_zero(p, bi.size));
		munmap(p, bi.size);
		close(buf);
	}
}

/* A mapping made straight from the pool, too */
TEST_F(pool, pool_mmap_gives_zeroes)
{
	static const size_t sizes[] = { PAGE, 60 * PAGE, CHUNK, 3 * MIB };
	unsigned int i;
	char *p;
	int n;

	for (n = 0; n < 20; n++) {
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			p = mmap(NULL, sizes[i], RDWR, MAP_SHARED, self->fd, 0);
			ASSERT_NE(MAP_FAILED, p);
			EXPECT_TRUE(all_zero(p, sizes[i]));
			memset(p, 0x77, sizes[i]);
			munmap(p, sizes[i]);
		}
	}
}

/* A mapping of the pool, of memory that may not have been zeroed when it was made */
static char *map_soiled(int pool, size_t len, int flags)
{
	if (soil_everything(pool, CHUNK))
		return MAP_FAILED;
	return mmap(NULL, len, RDWR, MAP_SHARED | flags, pool, 0);
}

/* Ways to look at a page that nobody has touched; each copies it, and returns 0 */
static int by_touch(char *to, char *page)
{
	memcpy(to, page, PAGE);
	return 0;
}

static int by_process_vm_readv(char *to, char *page)
{
	struct iovec local = { to, PAGE }, remote = { page, PAGE };

	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != PAGE;
}

static int by_pread(const char *path, char *to, off_t at)
{
	int fd = open(path, O_RDONLY);
	int err = fd < 0 || pread(fd, to, PAGE, at) != PAGE;

	close(fd);
	return err;
}

static int by_proc_mem(char *to, char *page)
{
	return by_pread("/proc/self/mem", to, (off_t)(uintptr_t)page);
}

static char *mapping;
static size_t mapping_len;

static int by_map_files(char *to, char *page)
{
	char path[80];

	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)mapping,
		 (unsigned long)mapping + mapping_len);
	return by_pread(path, to, page - mapping);
}

static int by_pipe(char *to, char *page)
{
	struct iovec iov = { page, PAGE };
	int fds[2], err;

	if (pipe(fds))
		return 1;
	err = vmsplice(fds[1], &iov, 1, 0) != PAGE || read(fds[0], to, PAGE) != PAGE;
	close(fds[0]);
	close(fds[1]);
	return err;
}

static int by_child(char *to, char *page)
{
	pid_t pid = fork();

	if (!pid)
		_exit(!all_zero(page, PAGE));
	memset(to, 0, PAGE);
	return child_status(pid);
}

/* The middle of each chunk is looked at first, and then all that there is. */
TEST_F(pool, pool_mmap_whatever_looks_first)
{
	int (*const ways[])(char *to, char *page) = {
		by_touch, by_process_vm_readv, by_proc_mem, by_map_files, by_pipe, by_child,
	};
	static char copy[PAGE];
	unsigned int i;
	char *p, *page;

	mapping_len = 16 * MIB;
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		p = map_soiled(self->fd, mapping_len, 0);
		ASSERT_NE(MAP_FAILED, p);
		mapping = p;
		for (page = p + CHUNK / 2; page < p + mapping_len; page += CHUNK) {
			memset(copy, 1, PAGE);
			ASSERT_EQ(0, ways[i](copy, page)) TH_LOG("way %u: %s", i, strerror(errno));
			EXPECT_TRUE(all_zero(copy, PAGE)) TH_LOG("way %u", i);
		}
		EXPECT_TRUE(all_zero(p, mapping_len));
		munmap(p, mapping_len);
	}
	p = map_soiled(self->fd, mapping_len, MAP_POPULATE);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_TRUE(all_zero(p, mapping_len));
	munmap(p, mapping_len);
}

static struct {
	pthread_barrier_t barrier;
	char *map;
	size_t len;
} race;

/* Each writes to pages of its own, in each chunk; what is not written to stays zero. */
static void *write_every_nth(void *arg)
{
	size_t nth = (size_t)arg, at;

	for (at = 0; at < race.len; at += CHUNK) {
		pthread_barrier_wait(&race.barrier);
		memset(race.map + at + nth * PAGE, 1 + nth, PAGE);
	}
	return NULL;
}

TEST_F(pool, pool_mmap_touched_by_many_at_once)
{
	pthread_t threads[WORKERS];
	size_t round, i, at;
	char *rest;

	ASSERT_EQ(0, pthread_barrier_init(&race.barrier, NULL, WORKERS));
	race.len = 16 * MIB;
	for (round = 0; round < 2; round++) {
		race.map = map_soiled(self->fd, race.len, 0);
		ASSERT_NE(MAP_FAILED, race.map);
		for (i = 0; i < WORKERS; i++)
			ASSERT_EQ(0, pthread_create(threads + i, NULL, write_every_nth, (void *)i));
		for (i = 0; i < WORKERS; i++)
			pthread_join(threads[i], NULL);
		for (at = 0; at < race.len; at += CHUNK) {
			for (i = 0; i < WORKERS; i++)
				EXPECT_EQ(1 + (char)i, race.map[at + i * PAGE]);
			rest = race.map + at + WORKERS * PAGE;
			EXPECT_TRUE(all_zero(rest, CHUNK - WORKERS * PAGE));
		}
		munmap(race.map, race.len);
	}
	pthread_barrier_destroy(&race.barrier);
}

/* What was mapped and never touched, and what was taken in vain, is as dirty as before. */
TEST_F(pool, pool_mmap_not_touched)
{
	struct zcpool_info pi;
	char *p, *rest;

	p = map_soiled(self->fd, 32 * MIB, 0);
	ASSERT_NE(MAP_FAILED, p);
	rest = mmap(NULL, 40 * MIB, RDWR, MAP_SHARED, self->fd, 0);
	EXPECT_EQ(MAP_FAILED, rest);
	EXPECT_EQ(ENOSPC, errno);
	munmap(p, 32 * MIB);
	EXPECT_EQ(0, soil_everything(self->fd, CHUNK));
	ASSERT_EQ(0, pool_wait_idle(self->fd, &pi));
	EXPECT_EQ(0, pi.used_bytes);
	EXPECT_TRUE(info_adds_up(&pi));
}

TEST_HARNESS_MAIN
