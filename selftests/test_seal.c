// SPDX-License-Identifier: GPL-2.0
/* module: reserve=32M max=128M */
/*
 * What is ruled out for ever: seals, with the meanings that memfd has given them, and
 * descriptors for reading only.
 */
#include "zcpool_test.h"
#include "lib/async.h"

#define SEED		5

static const size_t sizes[] = { PAGE, 16 * PAGE, CHUNK, CHUNK + 3 * PAGE };

static void *map(int buf, size_t len, int prot, int flags)
{
	return mmap(NULL, len, prot, flags, buf, 0);
}

static bool map_fails(int buf, int prot, int flags, int err)
{
	void *p = map(buf, PAGE, prot, flags);

	if (p == MAP_FAILED)
		return errno == err;
	munmap(p, PAGE);
	return false;
}

static bool write_fails(int buf, int err)
{
	return pwrite(buf, "x", 1, 0) == -1 && errno == err;
}

static bool file_has(const char *path, const char *text)
{
	char all[2048] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, all, sizeof(all) - 1);

	close(fd);
	return n > 0 && strstr(all, text);
}

TEST_F(pool, shown)
{
	struct zcpool_buf_info bi;
	char path[64];
	int buf;

	buf = buf_alloc(self->fd, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", buf);
	EXPECT_EQ(0, buf_seal(buf, 0));
	EXPECT_EQ(0, buf_info(buf, &bi));
	EXPECT_EQ(0, bi.seals);
	EXPECT_EQ((int)ZCPOOL_SEAL_REVOKE, buf_seal(buf, ZCPOOL_SEAL_REVOKE));
	EXPECT_EQ((int)(ZCPOOL_SEAL_REVOKE | ZCPOOL_SEAL_WRITE), buf_seal(buf, ZCPOOL_SEAL_WRITE));
	EXPECT_EQ(0, buf_info(buf, &bi));
	EXPECT_EQ(ZCPOOL_SEAL_REVOKE | ZCPOOL_SEAL_WRITE, bi.seals);
	EXPECT_TRUE(file_has(path, "zcpool-seals:\twrite revoke"));
	close(buf);
}

/* Once no more may be added, none is, whether it is there or not. */
TEST_F(pool, no_more_seals)
{
	int buf;

	buf = buf_alloc(self->fd, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	EXPECT_EQ(-EINVAL, buf_seal(buf, 1U << 4));
	EXPECT_EQ(-EINVAL, buf_seal(buf, 1U << 31 | ZCPOOL_SEAL_WRITE));
	EXPECT_EQ(1, pwrite(buf, "x", 1, 0));
	EXPECT_EQ(3, buf_seal(buf, ZCPOOL_SEAL_SEAL | ZCPOOL_SEAL_WRITE));
	EXPECT_EQ(-EPERM, buf_seal(buf, ZCPOOL_SEAL_WRITE));
	EXPECT_EQ(-EPERM, buf_seal(buf, ZCPOOL_SEAL_REVOKE));
	EXPECT_EQ(3, buf_seal(buf, 0));
	EXPECT_EQ(0, buf_revoke(buf, 0));
	close(buf);
}

/* No way to write is left, and all ways to read are. */
static void check_sealed(struct __test_metadata *_metadata, int buf, size_t len)
{
	int pipe_fds[2], ro = buf_open_ro(buf);
	char *p, *own;

	ASSERT_LE(0, ro);
	EXPECT_TRUE(write_fails(buf, EPERM));
	EXPECT_TRUE(map_fails(buf, RDWR, MAP_SHARED, EPERM));
	EXPECT_TRUE(map_fails(buf, PROT_WRITE, MAP_SHARED, EPERM));
	ASSERT_EQ(0, pipe(pipe_fds));
	ASSERT_EQ(1, write(pipe_fds[1], "x", 1));
	EXPECT_EQ(-1, splice(pipe_fds[0], NULL, buf, NULL, 1, 0));
	EXPECT_EQ(EPERM, errno);
	close(pipe_fds[0]);
	close(pipe_fds[1]);

	p = map(buf, len, PROT_READ, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(-1, mprotect(p, len, RDWR));
	EXPECT_EQ(EACCES, errno);
	munmap(p, len);
	p = map(ro, len, PROT_READ, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_TRUE(filled(p, len, SEED));
	EXPECT_EQ(-1, mprotect(p, len, RDWR));
	EXPECT_EQ(EACCES, errno);
	EXPECT_FALSE(writable(p));
	own = map(buf, len, RDWR, MAP_PRIVATE);
	ASSERT_NE(MAP_FAILED, own);
	fill(own, len, SEED + 1);
	EXPECT_TRUE(filled(p, len, SEED));
	munmap(own, len);
	munmap(p, len);
	close(ro);
}

TEST_F(pool, nobody_writes)
{
	unsigned int i;
	size_t len;
	char *p;
	int buf, moved;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		len = sizes[i];
		p = map_new(_metadata, self->fd, len, &buf);
		fill(p, len, SEED);
		EXPECT_EQ(-EBUSY, buf_seal(buf, ZCPOOL_SEAL_WRITE | ZCPOOL_SEAL_REVOKE));
		EXPECT_EQ(0, buf_seal(buf, 0));
		fill(p, len, SEED);
		munmap(p, len);
		EXPECT_EQ((int)ZCPOOL_SEAL_WRITE, buf_seal(buf, ZCPOOL_SEAL_WRITE));
		check_sealed(_metadata, buf, len);
		/* Nor does he who gets it. */
		moved = buf_move(buf);
		ASSERT_LE(0, moved);
		EXPECT_EQ((int)ZCPOOL_SEAL_WRITE, buf_seal(moved, 0));
		check_sealed(_metadata, moved, len);
		close(moved);
		close(buf);
	}
}

/* Mappings for reading, and private ones, stay and show what they did. */
TEST_F(pool, readers_stay)
{
	char *p, *ro_map, *own;
	unsigned int i;
	int buf, ro;
	size_t len;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		len = sizes[i];
		p = map_new(_metadata, self->fd, len, &buf);
		fill(p, len, SEED);
		munmap(p, len);
		ro = reopen(buf, O_RDONLY);
		ro_map = map(ro, len, PROT_READ, MAP_SHARED);
		own = map(buf, len, RDWR, MAP_PRIVATE);
		ASSERT_TRUE(ro_map != MAP_FAILED && own != MAP_FAILED);
		touch_read(ro_map, len);
		fill(own, len, SEED + 1);
		EXPECT_EQ((int)ZCPOOL_SEAL_WRITE, buf_seal(buf, ZCPOOL_SEAL_WRITE));
		EXPECT_TRUE(filled(ro_map, len, SEED));
		EXPECT_TRUE(filled(own, len, SEED + 1));
		munmap(ro_map, len);
		munmap(own, len);
		close(ro);
		close(buf);
	}
}

/* What is held by somebody might be written to. */
TEST_F(pool, not_while_pinned)
{
	unsigned int i;
	int buf, ro, fds[2];
	size_t len;
	char *p;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		len = sizes[i];
		ASSERT_EQ(0, pipe(fds));
		p = map_new(_metadata, self->fd, len, &buf);
		fill(p, len, SEED);
		munmap(p, len);
		ro = reopen(buf, O_RDONLY);
		p = map(ro, len, PROT_READ, MAP_SHARED);
		ASSERT_EQ((ssize_t)PAGE, gift(fds[1], p, PAGE));
		EXPECT_EQ(-EBUSY, buf_seal(buf, ZCPOOL_SEAL_WRITE));
		EXPECT_EQ(0, buf_seal(buf, 0));
		EXPECT_TRUE(filled(p, len, SEED));
		EXPECT_EQ(8, pwrite(buf, p, 8, 0));
		close(fds[0]);
		close(fds[1]);
		EXPECT_EQ((int)ZCPOOL_SEAL_WRITE, buf_seal(buf, ZCPOOL_SEAL_WRITE));
		munmap(p, len);
		close(ro);
		close(buf);
	}
}

/* Those who map it go on writing, and nobody else begins. */
TEST_F(pool, no_new_writers)
{
	const int seal = ZCPOOL_SEAL_FUTURE_WRITE;
	unsigned int i;
	char *p, *q;
	size_t len;
	int buf;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		len = sizes[i];
		p = map_new(_metadata, self->fd, len, &buf);
		EXPECT_EQ(seal, buf_seal(buf, seal));
		fill(p, len, SEED);
		EXPECT_TRUE(write_fails(buf, EPERM));
		EXPECT_TRUE(map_fails(buf, RDWR, MAP_SHARED, EPERM));
		q = map(buf, len, PROT_READ, MAP_SHARED);
		ASSERT_NE(MAP_FAILED, q);
		EXPECT_TRUE(filled(q, len, SEED));
		EXPECT_EQ(-1, mprotect(q, len, RDWR));
		EXPECT_EQ(EACCES, errno);
		munmap(q, len);
		munmap(p, len);
		check_sealed(_metadata, buf, len);
		close(buf);
	}
}

TEST_F(pool, not_taken_away)
{
	struct zcpool_buf_info bi;
	int buf;
	char *p;

	p = map_new(_metadata, self->fd, CHUNK + 2 * PAGE, &buf);
	fill(p, CHUNK + 2 * PAGE, SEED);
	EXPECT_EQ((int)ZCPOOL_SEAL_REVOKE, buf_seal(buf, ZCPOOL_SEAL_REVOKE));
	ASSERT_EQ(0, buf_info(buf, &bi));
	EXPECT_EQ(-EBUSY, buf_revoke(buf, 0));
	EXPECT_EQ(-EBUSY, pool_revoke(self->fd, bi.id, 0));
	EXPECT_EQ(-EBUSY, buf_move(buf));
	EXPECT_TRUE(filled(p, CHUNK + 2 * PAGE, SEED));
	EXPECT_EQ(1, pwrite(buf, "x", 1, 0));
	munmap(p, CHUNK + 2 * PAGE);
	close(buf);
}

struct race {
	int buf;
	size_t len;
	volatile bool over;
	unsigned long wrote;
};

/* Writes by mappings and by the file until it may not. */
static void *write_on(void *arg)
{
	struct race *r = arg;
	char *p;

	while (!r->over) {
		p = map(r->buf, r->len, RDWR, MAP_SHARED);
		if (p != MAP_FAILED) {
			touch_write(p, r->len);
			munmap(p, r->len);
		}
		if (pwrite(r->buf, "xyz", 3, 7) == 3 || p != MAP_FAILED)
			__atomic_add_fetch(&r->wrote, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* From when the call has returned nothing changes, though many are about to map it. */
TEST_F(pool, against_writers)
{
	struct race r = { 0 };
	unsigned int i, k;
	pthread_t t[3];
	char *p, *saw;
	int ro, ret;

	for (i = 0; i < 12; i++) {
		r.len = sizes[i % ARRAY_SIZE(sizes)];
		r.over = false;
		r.wrote = 0;
		saw = malloc(r.len);
		r.buf = buf_alloc(self->fd, r.len, 0, -1);
		ASSERT_LE(0, r.buf);
		for (k = 0; k < ARRAY_SIZE(t); k++)
			ASSERT_EQ(0, pthread_create(&t[k], NULL, write_on, &r));
		while (!__atomic_load_n(&r.wrote, __ATOMIC_RELAXED))
			sched_yield();
		/* Mappings that come and go are in the way: so none may come. */
		do {
			ret = buf_seal(r.buf, ZCPOOL_SEAL_WRITE);
			if (ret == -EBUSY)
				buf_seal(r.buf, ZCPOOL_SEAL_FUTURE_WRITE);
		} while (ret == -EBUSY);
		EXPECT_EQ((int)ZCPOOL_SEAL_WRITE, ret & (int)ZCPOOL_SEAL_WRITE);
		ro = buf_open_ro(r.buf);
		p = map(ro, r.len, PROT_READ, MAP_SHARED);
		ASSERT_NE(MAP_FAILED, p);
		memcpy(saw, p, r.len);
		for (k = 0; k < 100; k++)
			sched_yield();
		EXPECT_EQ(0, memcmp(saw, p, r.len));
		r.over = true;
		for (k = 0; k < ARRAY_SIZE(t); k++)
			pthread_join(t[k], NULL);
		EXPECT_EQ(0, memcmp(saw, p, r.len));
		munmap(p, r.len);
		free(saw);
		close(ro);
		close(r.buf);
	}
}

/* Who seals it, or opens it for reading, is killed: it is sealed or it is not. */
TEST_F(pool, while_who_seals_is_killed)
{
	unsigned int i;
	int buf, seals;
	size_t len;
	pid_t pid;
	char *p;

	for (i = 0; i < 20; i++) {
		len = sizes[i % ARRAY_SIZE(sizes)];
		p = map_new(_metadata, self->fd, len, &buf);
		fill(p, len, SEED);
		munmap(p, len);
		pid = fork();
		if (!pid) {
			for (;;) {
				close(buf_open_ro(buf));
				buf_seal(buf, ZCPOOL_SEAL_WRITE);
			}
		}
		usleep(i * 200);
		kill(pid, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, child_status(pid));
		seals = buf_seal(buf, 0);
		EXPECT_TRUE(seals == 0 || seals == ZCPOOL_SEAL_WRITE);
		EXPECT_TRUE(seals ? write_fails(buf, EPERM) : pwrite(buf, "x", 1, 0) == 1);
		close(buf);
	}
}

/* A descriptor for reading is for reading, whatever one does with it. */
TEST_F(pool, for_reading_only)
{
	struct zcpool_buf_info a, b;
	unsigned int i;
	int buf, ro, fd;
	size_t len;
	char *p, *q;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		len = sizes[i];
		p = map_new(_metadata, self->fd, len, &buf);
		fill(p, len, SEED);
		ro = buf_open_ro(buf);
		ASSERT_LE(0, ro);
		EXPECT_EQ(O_RDONLY, fcntl(ro, F_GETFL) & O_ACCMODE);
		EXPECT_EQ(FD_CLOEXEC, fcntl(ro, F_GETFD));
		ASSERT_EQ(0, buf_info(buf, &a));
		ASSERT_EQ(0, buf_info(ro, &b));
		EXPECT_EQ(a.id, b.id);
		EXPECT_TRUE(write_fails(ro, EBADF));
		EXPECT_TRUE(map_fails(ro, RDWR, MAP_SHARED, EACCES));
		q = map(ro, len, PROT_READ, MAP_SHARED);
		ASSERT_NE(MAP_FAILED, q);
		EXPECT_TRUE(filled(q, len, SEED));
		EXPECT_EQ(-1, mprotect(q, len, RDWR));
		EXPECT_EQ(EACCES, errno);
		EXPECT_FALSE(writable(q));
		EXPECT_EQ(-1, reopen(ro, O_RDWR));
		EXPECT_EQ(EACCES, errno);
		EXPECT_EQ(-1, reopen(ro, O_WRONLY));
		EXPECT_EQ(0, fchmod(ro, 0666));
		EXPECT_EQ(-1, reopen(ro, O_RDWR));
		EXPECT_EQ(-EPERM, buf_move(ro));
		EXPECT_EQ(-EPERM, buf_revoke(ro, 0));
		EXPECT_EQ(-EPERM, buf_seal(ro, ZCPOOL_SEAL_WRITE));
		EXPECT_EQ(-EPERM, buf_migrate(ro, 0));
		fd = buf_open_ro(ro);
		ASSERT_LE(0, fd);
		EXPECT_TRUE(write_fails(fd, EBADF));
		close(fd);
		EXPECT_EQ(-1, ftruncate(ro, 0));
		EXPECT_EQ(-1, fallocate(ro, 0, 0, 1));
		/* It shows what is written by others. */
		fill(p, len, SEED + 1);
		EXPECT_TRUE(filled(q, len, SEED + 1));
		munmap(p, len);
		close(buf);
		EXPECT_TRUE(filled(q, len, SEED + 1));
		munmap(q, len);
		close(ro);
	}
}

TEST_HARNESS_MAIN
