// SPDX-License-Identifier: GPL-2.0
/* module: reserve=32M max=128M */
/*
 * Memory that changes hands: the new owner has all of it, and the old ones have nothing and can
 * do nothing to it, in whatever way they try.
 */
#include "zcpool_test.h"
#include "lib/async.h"
#include <sys/prctl.h>

#define SEED		5

static const size_t sizes[] = {
	PAGE, 16 * PAGE, CHUNK, CHUNK + 3 * PAGE, 8 * MIB,
};

/* Moves it as soon as nobody is just doing something with a page of it. */
static int move_when_idle(int buf)
{
	int fd;

	do {
		fd = buf_move(buf);
	} while (fd == -EBUSY);
	return fd;
}

TEST_F(pool, new_owner_has_it)
{
	struct zcpool_buf_info before, after;
	unsigned int i;
	int buf, fd;
	char *p, *q;
	size_t len;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		len = sizes[i];
		p = map_new(_metadata, self->fd, len, &buf);
		fill(p, len, SEED);
		ASSERT_EQ(0, buf_info(buf, &before));
		fd = buf_move(buf);
		ASSERT_LE(0, fd);
		EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
		EXPECT_TRUE(buf_is_gone(buf));
		EXPECT_EQ(-ESTALE, buf_revoke(buf, 0));
		EXPECT_EQ(SIGBUS, touch_signal(p));
		EXPECT_EQ(SIGBUS, touch_signal(p + len - PAGE));

		ASSERT_EQ(0, buf_info(fd, &after));
		EXPECT_LT(before.id, after.id);
		EXPECT_EQ(0, after.mappings);
		EXPECT_EQ(before.size, after.size);
		EXPECT_EQ(before.whole_bytes, after.whole_bytes);
		EXPECT_EQ(before.node, after.node);
		EXPECT_EQ(self->used + before.size, pool_used(self->fd));
		q = buf_map(fd, len, 0);
		ASSERT_NE(MAP_FAILED, q);
		EXPECT_TRUE(filled(q, len, SEED));
		fill(q, len, SEED + 1);
		if (has_pmds())
			EXPECT_EQ((long)(before.whole_bytes / KIB),
				  smaps_kb(q, len, "FilePmdMapped"));
		munmap(p, len);
		close(buf);
		EXPECT_TRUE(filled(q, len, SEED + 1));
		munmap(q, len);
		close(fd);
	}
}

/* A buffer that has been handed on many times loses nothing, and nothing else stays behind. */
TEST_F(pool, from_hand_to_hand)
{
	size_t len = CHUNK + 3 * PAGE;
	int buf, next, i;
	char *p;

	p = map_new(_metadata, self->fd, len, &buf);
	fill(p, len, SEED);
	munmap(p, len);
	for (i = 0; i < 100; i++) {
		next = buf_move(buf);
		ASSERT_LE(0, next);
		close(buf);
		buf = next;
	}
	p = buf_map(buf, len, 0);
	EXPECT_TRUE(filled(p, len, SEED));
	munmap(p, len);
	close(buf);
}

static void *move_it(void *arg)
{
	return (void *)(long)move_when_idle(*(int *)arg);
}

/* Of many who want it one gets it. */
TEST_F(pool, one_of_many_gets_it)
{
	unsigned int i, k, got;
	pthread_t t[8];
	size_t len;
	void *fd;
	int buf;
	char *p;

	for (i = 0; i < 30; i++) {
		len = sizes[i % ARRAY_SIZE(sizes)];
		p = map_new(_metadata, self->fd, len, &buf);
		fill(p, len, i);
		munmap(p, len);
		got = 0;
		for (k = 0; k < ARRAY_SIZE(t); k++)
			ASSERT_EQ(0, pthread_create(&t[k], NULL, move_it, &buf));
		for (k = 0; k < ARRAY_SIZE(t); k++) {
			pthread_join(t[k], &fd);
			if ((long)fd < 0) {
				EXPECT_EQ(-ESTALE, (long)fd);
				continue;
			}
			got++;
			p = buf_map((long)fd, len, 0);
			EXPECT_TRUE(filled(p, len, i));
			munmap(p, len);
			close((long)fd);
		}
		EXPECT_EQ(1, got);
		close(buf);
	}
}

/* Nothing at all has changed for who had it. */
static void refused(struct __test_metadata *_metadata, int buf, char *p, char *own, size_t len)
{
	struct zcpool_buf_info before, after;
	struct zcpool_new_fd n = { 0 };
	int fds = count_fds();

	ASSERT_EQ(0, buf_info(buf, &before));
	EXPECT_EQ(-EBUSY, buf_move(buf));
	ASSERT_EQ(0, buf_info(buf, &after));
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	EXPECT_EQ(-1, ioctl(buf, ZCPOOL_BUF_MOVE, &n));
	EXPECT_EQ(0, n.fd);
	EXPECT_EQ(fds, count_fds());
	EXPECT_TRUE(filled(p, len, SEED));
	EXPECT_TRUE(filled(own, len, SEED + 1));
	fill(p, len, SEED);
	EXPECT_EQ(1, pwrite(buf, p, 1, 0));
}

TEST_F(pool, not_while_pinned)
{
	unsigned int i;
	int buf, fds[2];
	char *p, *own;
	size_t len;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		len = sizes[i];
		ASSERT_EQ(0, pipe(fds));
		p = map_new(_metadata, self->fd, len, &buf);
		fill(p, len, SEED);
		own = mmap(NULL, len, RDWR, MAP_PRIVATE, buf, 0);
		ASSERT_NE(MAP_FAILED, own);
		fill(own, len, SEED + 1);
		ASSERT_EQ((ssize_t)PAGE, gift(fds[1], p + len - PAGE, PAGE));
		refused(_metadata, buf, p, own, len);
		close(fds[0]);
		close(fds[1]);
		close(move_when_idle(buf));
		EXPECT_EQ(SIGBUS, touch_signal(p));
		EXPECT_EQ(SIGBUS, touch_signal(own));
		munmap(p, len);
		munmap(own, len);
		close(buf);
	}
}

/* A registered buffer of an io_uring is held for as long as its owner likes. */
TEST_F(pool, not_while_registered)
{
	size_t len = CHUNK + 4 * PAGE;
	struct ring ring;
	char *p, *own;
	int buf;

	if (!ring_open(&ring))
		SKIP(return, "no io_uring: %s", strerror(errno));
	p = map_new(_metadata, self->fd, len, &buf);
	fill(p, len, SEED);
	own = mmap(NULL, len, RDWR, MAP_PRIVATE, buf, 0);
	fill(own, len, SEED + 1);
	if (ring_register(&ring, p, len)) {
		EXPECT_EQ(EOPNOTSUPP, errno);
	} else {
		refused(_metadata, buf, p, own, len);
		EXPECT_EQ(0, ring_unregister(&ring));
	}
	close(move_when_idle(buf));
	ring_close(&ring);
	munmap(p, len);
	munmap(own, len);
	close(buf);
}

/* How an old owner may try to write to it. Each returns when that no longer works. */
struct attack {
	int buf;
	char *p;
	size_t len;
};

static void by_mapping(const struct attack *a)
{
	size_t at;

	for (at = 0;; at = (at + 5 * PAGE + 8) % a->len)
		*(volatile char *)(a->p + at) = 1;
}

static void by_mem(const struct attack *a)
{
	int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	char page[PAGE];
	size_t at;

	memset(page, 1, sizeof(page));
	for (at = 0; pwrite(mem, page, PAGE, (unsigned long)a->p + at) > 0;)
		at = (at + 5 * PAGE) % a->len;
}

static void by_process_vm(const struct attack *a)
{
	struct iovec to = { a->p, a->len }, from = to;
	char *ones = malloc(a->len);

	from.iov_base = memset(ones, 1, a->len);
	while (process_vm_writev(getpid(), &from, 1, &to, 1, 0) > 0)
		;
}

static void by_read(const struct attack *a)
{
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	while (read(zero, a->p, a->len) > 0)
		;
}

static void by_write(const struct attack *a)
{
	char page[PAGE];
	size_t at;

	memset(page, 1, sizeof(page));
	for (at = 0; pwrite(a->buf, page, PAGE, at) > 0;)
		at = (at + 5 * PAGE) % a->len;
}

/* Its own mapping as the source and the target: the kernel writes while it reads. */
static void by_write_of_itself(const struct attack *a)
{
	*a->p = 1;
	while (pwrite(a->buf, a->p, a->len, a->len / 2) > 0)
		;
}

static void by_other_mapping(const struct attack *a)
{
	char *q;

	for (;;) {
		q = mmap(NULL, a->len, RDWR, MAP_SHARED, a->buf, 0);
		if (q == MAP_FAILED)
			return;
		memset(q, 1, a->len);
		munmap(q, a->len);
	}
}

static void (*const attacks[])(const struct attack *a) = {
	by_mapping, by_mem, by_process_vm, by_read, by_write, by_write_of_itself,
	by_other_mapping,
};

/*
 * Another process writes to the buffer without end, and goes on after the memory has changed
 * hands, until it is told that it may not. From when the call has returned nothing changes.
 */
TEST_F(pool, nobody_else_writes)
{
	unsigned int i, k;
	struct attack a;
	int fd, status;
	char *q, *saw;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		a.len = sizes[i];
		saw = malloc(a.len);
		for (k = 0; k < ARRAY_SIZE(attacks); k++) {
			a.p = map_new(_metadata, self->fd, a.len, &a.buf);
			memset(a.p, 7, a.len);
			pid = fork();
			if (!pid) {
				attacks[k](&a);
				_exit(0);
			}
			/* All begin there. */
			while (*(volatile char *)a.p == 7)
				sched_yield();
			fd = move_when_idle(a.buf);
			ASSERT_LE(0, fd);
			q = buf_map(fd, a.len, 0);
			ASSERT_NE(MAP_FAILED, q);
			memcpy(saw, q, a.len);
			status = child_status(pid);
			EXPECT_TRUE(status == 0 || status == 128 + SIGBUS)
				TH_LOG("way %u, size %zu: %d", k, a.len, status);
			EXPECT_EQ(0, memcmp(saw, q, a.len))
				TH_LOG("way %u, size %zu", k, a.len);
			munmap(q, a.len);
			munmap(a.p, a.len);
			close(a.buf);
			close(fd);
		}
		free(saw);
	}
}

/* A disk that has begun to write to it is waited for, or the call is refused. */
TEST_F(pool, not_while_the_disk_writes)
{
	size_t len = 8 * MIB;
	aio_context_t ctx;
	int buf, file, fd, i;
	char *p, *q, *saw;

	if (!has_disk())
		SKIP(return, NO_DISK);
	file = direct_file();
	ASSERT_LE(0, file);
	saw = malloc(len);
	p = map_new(_metadata, self->fd, len, &buf);
	memset(p, 0xdd, len);
	ASSERT_EQ((ssize_t)len, pwrite(file, p, len, 0));
	munmap(p, len);
	close(buf);
	for (i = 0; i < 8; i++) {
		p = map_new(_metadata, self->fd, len, &buf);
		ASSERT_EQ(0, start_read(&ctx, file, p, len));
		fd = move_when_idle(buf);
		ASSERT_LE(0, fd);
		q = buf_map(fd, len, 0);
		memcpy(saw, q, len);
		EXPECT_EQ(0, end_read(ctx, len));
		EXPECT_EQ(0, memcmp(saw, q, len));
		munmap(q, len);
		munmap(p, len);
		close(fd);
		close(buf);
	}
	free(saw);
	close(file);
	unlink(DIRECT_FILE);
}

/* A receiver that parses in place: what it has checked is what it uses. */
TEST_F(pool, while_others_fault)
{
	unsigned int i, k;
	struct attack a;
	pid_t pid[3];
	int fd;

	for (i = 0; i < 20; i++) {
		a.len = sizes[i % ARRAY_SIZE(sizes)];
		a.p = map_new(_metadata, self->fd, a.len, &a.buf);
		for (k = 0; k < ARRAY_SIZE(pid); k++) {
			pid[k] = fork();
			if (!pid[k]) {
				attacks[(i + k) % ARRAY_SIZE(attacks)](&a);
				_exit(0);
			}
		}
		fd = move_when_idle(a.buf);
		ASSERT_LE(0, fd);
		for (k = 0; k < ARRAY_SIZE(pid); k++) {
			if (i % 2)
				kill(pid[k], SIGKILL);
			child_status(pid[k]);
		}
		EXPECT_TRUE(buf_is_gone(a.buf));
		munmap(a.p, a.len);
		close(a.buf);
		close(fd);
	}
}

/* Who moves it is killed: it is one's or the other's, and goes with him. */
TEST_F(pool, while_who_moves_is_killed)
{
	unsigned int i;
	size_t len;
	pid_t pid;
	int buf;
	char *p;

	for (i = 0; i < 30; i++) {
		len = sizes[i % ARRAY_SIZE(sizes)];
		p = map_new(_metadata, self->fd, len, &buf);
		fill(p, len, i);
		pid = fork();
		if (!pid) {
			move_when_idle(buf);
			pause();
		}
		usleep(i * 200);
		kill(pid, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, child_status(pid));
		EXPECT_TRUE(writable(p) ? filled_from(p + 8, len - 8, i, 8) : buf_is_gone(buf));
		munmap(p, len);
		close(buf);
		EXPECT_EQ(self->used, pool_wait_used(self->fd, self->used));
	}
}

TEST_F(pool, wrong_arguments)
{
	struct zcpool_new_fd n = { .flags = 1 };
	struct rlimit limit, few = { .rlim_cur = 0 };
	int buf, ro, fds;

	buf = buf_alloc(self->fd, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	ro = buf_open_ro(buf);
	ASSERT_LE(0, ro);
	fds = count_fds();
	EXPECT_EQ(-1, ioctl(buf, ZCPOOL_BUF_MOVE, &n));
	EXPECT_EQ(EINVAL, errno);
	n = (struct zcpool_new_fd){ .fd = 3 };
	EXPECT_EQ(-1, ioctl(buf, ZCPOOL_BUF_MOVE, &n));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(buf, ZCPOOL_BUF_MOVE, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-EPERM, buf_move(ro));
	EXPECT_EQ(fds, count_fds());
	/* Without a number for the new descriptor nothing is taken away. */
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	few.rlim_max = limit.rlim_max;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &few));
	EXPECT_EQ(-EMFILE, buf_move(buf));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(1, pwrite(buf, "x", 1, 0));
	close(ro);
	close(buf);
}

TEST_HARNESS_MAIN
