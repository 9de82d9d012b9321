// SPDX-License-Identifier: GPL-2.0
/* module: reserve=32M max=128M */
/*
 * A buffer that is taken away from everybody who has it: what they see then, where its
 * memory goes, and what is pinned of it.
 */
#include "zcpool_test.h"
#include <linux/futex.h>
#include <poll.h>

#define PIPE_PAGES	16
#define SEED		5

static const size_t sizes[] = {
	PAGE, 16 * PAGE, CHUNK, CHUNK + 3 * PAGE, 8 * MIB,
};

/* Everybody: other descriptors, other processes, other mappings */
TEST_F(pool, everybody_loses_it)
{
	struct zcpool_buf_info bi;
	int buf, ro, again, sock[2];
	char *p, *own, *part, byte;
	unsigned int i;
	size_t len;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		len = sizes[i];
		p = map_new(_metadata, self->fd, len, &buf);
		fill(p, len, SEED);
		ro = reopen(buf, O_RDONLY);
		again = dup(buf);
		part = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, len - PAGE);
		ASSERT_NE(MAP_FAILED, part);
		own = mmap(NULL, len, RDWR, MAP_PRIVATE, buf, 0);
		ASSERT_NE(MAP_FAILED, own);
		touch_write(own, PAGE);
		touch_read(part, PAGE);
		ASSERT_EQ(0, buf_info(buf, &bi));
		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sock));
		pid = fork();
		if (!pid) {
			touch_write(p, len);
			send(sock[1], "x", 1, 0);
			recv(sock[1], &byte, 1, 0);
			/* This one has it mapped, and is told by a signal. */
			touch_read(p, len);
			_exit(0);
		}
		ASSERT_EQ(1, recv(sock[0], &byte, 1, 0));

		EXPECT_EQ(0, buf_revoke(again, 0));
		EXPECT_EQ(1, send(sock[0], "x", 1, 0));
		EXPECT_EQ(128 + SIGBUS, child_status(pid));
		EXPECT_EQ(self->used, pool_used(self->fd));
		EXPECT_TRUE(buf_is_gone(buf));
		EXPECT_TRUE(buf_is_gone(ro));
		EXPECT_TRUE(buf_is_gone(again));
		EXPECT_EQ(SIGBUS, touch_signal(p));
		EXPECT_EQ(SIGBUS, touch_signal(p + len - PAGE));
		EXPECT_EQ(SIGBUS, touch_signal(part));
		EXPECT_EQ(SIGBUS, touch_signal(own));
		EXPECT_FALSE(writable(p));
		EXPECT_EQ(0, smaps_kb(p, len, "Rss"));
		munmap(p, len);
		munmap(own, len);
		munmap(part, PAGE);
		close(sock[0]);
		close(sock[1]);
		close(buf);
		close(ro);
		close(again);
	}
}

/* Who polls is told, whether he began before or not. */
static void *poll_for_hangup(void *arg)
{
	struct pollfd pfd = { .fd = *(int *)arg };

	return (void *)(long)(poll(&pfd, 1, -1) == 1 && pfd.revents == POLLHUP);
}

TEST_F(pool, poll_hangs_up)
{
	struct pollfd pfd = { .events = POLLIN | POLLOUT };
	pthread_t t[4];
	unsigned int i;
	void *ok;
	int buf;

	buf = buf_alloc(self->fd, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	pfd.fd = buf;
	ASSERT_EQ(1, poll(&pfd, 1, 0));
	EXPECT_EQ(POLLIN | POLLOUT, pfd.revents);
	for (i = 0; i < ARRAY_SIZE(t); i++)
		ASSERT_EQ(0, pthread_create(&t[i], NULL, poll_for_hangup, &buf));
	EXPECT_EQ(0, buf_revoke(buf, 0));
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		pthread_join(t[i], &ok);
		EXPECT_NE(NULL, ok);
	}
	close(buf);
}

/* What others get afterwards is zero, though some still have the buffer open and mapped. */
static void see_zero(char *p, size_t len, void *bad)
{
	if (!all_zero(p, len))
		*(int *)bad = 1;
	memset(p, 0xff, len);
}

TEST_F(pool, its_memory_is_used_again)
{
	int buf[4], bad = 0;
	unsigned int i;
	char *p[4];

	for (i = 0; i < ARRAY_SIZE(buf); i++) {
		p[i] = map_new(_metadata, self->fd, sizes[i], &buf[i]);
		fill(p[i], sizes[i], SEED);
		EXPECT_EQ(0, buf_revoke(buf[i], 0));
	}
	EXPECT_EQ(0, take_the_rest(self->fd, see_zero, &bad));
	EXPECT_EQ(0, bad);
	for (i = 0; i < ARRAY_SIZE(buf); i++) {
		EXPECT_EQ(SIGBUS, touch_signal(p[i]));
		munmap(p[i], sizes[i]);
		close(buf[i]);
	}
}

/* A pipe holds some of it: how much is said, and it can be waited for. */
static void revoke_in_a_pipe(struct __test_metadata *_metadata, int pool, size_t size,
			     size_t off, size_t pages, size_t held)
{
	static char in[PIPE_PAGES * PAGE];
	struct zcpool_info pi;
	int buf, fds[2];
	char *p;

	ASSERT_EQ(0, pipe(fds));
	p = map_new(_metadata, pool, size, &buf);
	fill(p, size, SEED);
	ASSERT_EQ((ssize_t)(pages * PAGE), gift(fds[1], p + off, pages * PAGE));

	EXPECT_EQ((long)held, buf_revoke(buf, 0));
	EXPECT_EQ((long)held, buf_revoke(buf, 30));
	EXPECT_TRUE(buf_is_gone(buf));
	EXPECT_EQ(0, pool_used(pool));
	ASSERT_EQ(0, pool_wait_scrubbed(pool, &pi));
	EXPECT_EQ(held, pi.quarantined_bytes);

	/* What is in the pipe is what was put there. */
	ASSERT_EQ((ssize_t)(pages * PAGE), read(fds[0], in, sizeof(in)));
	EXPECT_TRUE(filled_from(in, pages * PAGE, SEED, off));
	EXPECT_EQ(0, buf_revoke(buf, ZCPOOL_WAIT_FOREVER));
	EXPECT_EQ(0, pool_info(pool, -1, &pi));
	EXPECT_EQ(0, pi.quarantined_bytes);
	munmap(p, size);
	close(buf);
	close(fds[0]);
	close(fds[1]);
}

TEST_F(pool, pinned_pages)
{
	revoke_in_a_pipe(_metadata, self->fd, PAGE, 0, 1, PAGE);
	revoke_in_a_pipe(_metadata, self->fd, 16 * PAGE, 3 * PAGE, 5, 5 * PAGE);
	revoke_in_a_pipe(_metadata, self->fd, CHUNK, CHUNK - 2 * PAGE, 2, CHUNK);
	revoke_in_a_pipe(_metadata, self->fd, 2 * CHUNK + 4 * PAGE, 2 * CHUNK + PAGE, 1, PAGE);
	revoke_in_a_pipe(_metadata, self->fd, 2 * CHUNK + 4 * PAGE, CHUNK - PAGE, 2,
			 2 * CHUNK);
}

/* Whoever has the memory pinned may go first, or the buffer, or who waits for it. */
TEST_F(pool, closed_while_pinned)
{
	struct zcpool_info pi;
	int buf, fds[2];
	char *p;

	ASSERT_EQ(0, pipe(fds));
	p = map_new(_metadata, self->fd, CHUNK + 4 * PAGE, &buf);
	ASSERT_EQ((ssize_t)(6 * PAGE), gift(fds[1], p + CHUNK - 2 * PAGE, 6 * PAGE));
	EXPECT_LT(0, buf_revoke(buf, 0));
	munmap(p, CHUNK + 4 * PAGE);
	close(buf);
	close(fds[0]);
	close(fds[1]);
	EXPECT_EQ(0, pool_wait_idle(self->fd, &pi));
}

static void nothing(int sig)
{
}

static void *revoke_forever(void *arg)
{
	return (void *)buf_revoke(*(int *)arg, ZCPOOL_WAIT_FOREVER);
}

/* A signal ends the waiting, and not what has been done. */
TEST_F(pool, waiting_is_interrupted)
{
	struct sigaction act = { .sa_handler = nothing };
	int buf, fds[2];
	pthread_t t;
	void *ret;
	char *p;

	ASSERT_EQ(0, sigaction(SIGUSR1, &act, NULL));
	ASSERT_EQ(0, pipe(fds));
	p = map_new(_metadata, self->fd, 4 * PAGE, &buf);
	ASSERT_EQ((ssize_t)PAGE, gift(fds[1], p, PAGE));
	ASSERT_EQ(0, pthread_create(&t, NULL, revoke_forever, &buf));
	/* It may be hit before it waits, or before it has begun: then once more. */
	do {
		pthread_kill(t, SIGUSR1);
	} while (pthread_tryjoin_np(t, &ret) && !usleep(1000));
	EXPECT_EQ(-EINTR, (long)ret);
	EXPECT_TRUE(buf_is_gone(buf));
	EXPECT_EQ((long)PAGE, buf_revoke(buf, 0));
	close(fds[0]);
	close(fds[1]);
	munmap(p, 4 * PAGE);
	close(buf);
}

/* Of many who revoke one buffer none fails, and all who wait are told. */
TEST_F(pool, many_at_once)
{
	int buf, fds[2];
	pthread_t t[8];
	unsigned int i;
	void *ret;
	char *p;

	ASSERT_EQ(0, pipe(fds));
	p = map_new(_metadata, self->fd, CHUNK + 4 * PAGE, &buf);
	ASSERT_EQ((ssize_t)(6 * PAGE), gift(fds[1], p + CHUNK - 2 * PAGE, 6 * PAGE));
	for (i = 0; i < ARRAY_SIZE(t); i++)
		ASSERT_EQ(0, pthread_create(&t[i], NULL, revoke_forever, &buf));
	close(fds[0]);
	close(fds[1]);
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		pthread_join(t[i], &ret);
		EXPECT_EQ(0, (long)ret);
	}
	munmap(p, CHUNK + 4 * PAGE);
	close(buf);
}

TEST_F(pool, by_number)
{
	struct zcpool_buf_info bi;
	char *p, *q, line[256];
	__u64 id = 0;
	FILE *maps;
	int buf;

	p = map_new(_metadata, self->fd, 4 * PAGE, &buf);
	ASSERT_EQ(0, buf_info(buf, &bi));
	EXPECT_EQ(-ENOENT, pool_revoke(self->fd, bi.id + 1000000, 0));
	EXPECT_EQ(-ENOENT, pool_revoke(self->fd, 0, 0));
	EXPECT_EQ(0, pool_revoke(self->fd, bi.id, 0));
	EXPECT_TRUE(buf_is_gone(buf));
	EXPECT_EQ(-ENOENT, pool_revoke(self->fd, bi.id, 0));
	munmap(p, 4 * PAGE);
	close(buf);

	/* One that nobody has a descriptor of; maps has its number. */
	q = mmap(NULL, CHUNK, RDWR, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, q);
	touch_write(q, CHUNK);
	maps = fopen("/proc/self/maps", "re");
	while (fgets(line, sizeof(line), maps))
		sscanf(line, "%*s %*s %*s %*s %*s /zcpool:%llu", &id);
	fclose(maps);
	EXPECT_EQ(0, pool_revoke(self->fd, id, 0));
	EXPECT_EQ(SIGBUS, touch_signal(q));
	munmap(q, CHUNK);
}

/* Only an administrator may; the owner of a descriptor may by that. */
TEST_F(pool, by_number_as_anybody)
{
	struct zcpool_buf_info bi;
	pid_t pid;
	int buf;

	buf = buf_alloc(self->fd, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	ASSERT_EQ(0, buf_info(buf, &bi));
	pid = fork();
	if (!pid) {
		if (setresuid(1000, 1000, 1000))
			_exit(1);
		_exit(pool_revoke(self->fd, bi.id, 0) != -EPERM ||
		      pool_migrate(self->fd, bi.id, 0) != -EPERM ||
		      buf_revoke(buf, 0) ? 2 : 0);
	}
	EXPECT_EQ(0, child_status(pid));
	EXPECT_TRUE(buf_is_gone(buf));
	close(buf);
}

TEST_F(pool, wrong_arguments)
{
	struct zcpool_revoke r = { .id = 1 };
	int buf, ro;

	buf = buf_alloc(self->fd, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	EXPECT_EQ(-1, ioctl(buf, ZCPOOL_BUF_REVOKE, &r));
	EXPECT_EQ(EINVAL, errno);
	r = (struct zcpool_revoke){ .flags = 1 };
	EXPECT_EQ(-1, ioctl(buf, ZCPOOL_BUF_REVOKE, &r));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(self->fd, ZCPOOL_IOC_REVOKE, &r));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(buf, ZCPOOL_BUF_REVOKE, NULL));
	EXPECT_EQ(EFAULT, errno);
	ro = buf_open_ro(buf);
	ASSERT_LE(0, ro);
	EXPECT_EQ(-EPERM, buf_revoke(ro, 0));
	close(ro);
	EXPECT_EQ(1, pwrite(buf, "x", 1, 0));
	close(buf);
}

/*
 * Threads fault, and read and write the file, all the while. Whatever they get to see is of the
 * buffer's life, and after the call they get nothing.
 */
struct user {
	int buf;
	int zero;		/* /dev/zero: what is read from there is written by the kernel */
	char *p;
	char *own;		/* a private mapping */
	size_t len;
	volatile bool over;
	bool late;
	unsigned int steps;
};

static void *use(void *arg)
{
	struct user *u = arg;
	char page[PAGE];
	bool over;
	size_t at;

	for (at = 0;; at = (at + 7 * PAGE) % u->len) {
		over = u->over;
		/* The kernel reads the mapping: where there is none that is an error. */
		if (pwrite(u->buf, u->p + at, 8, 0) == 8 || pread(u->buf, page, PAGE, at) > 0 ||
		    read(u->zero, u->p + at, 8) > 0 || read(u->zero, u->own + at, 8) > 0)
			u->late |= over;
		madvise(u->p, u->len, MADV_DONTNEED);
		madvise(u->own, u->len, MADV_DONTNEED);
		__atomic_add_fetch(&u->steps, 1, __ATOMIC_RELAXED);
		if (over)
			return NULL;
	}
}

static struct user user_new(struct __test_metadata *_metadata, int pool, size_t len)
{
	struct user u = { .len = len, .zero = open("/dev/zero", O_RDONLY | O_CLOEXEC) };

	u.p = map_new(_metadata, pool, len, &u.buf);
	u.own = mmap(NULL, len, RDWR, MAP_PRIVATE, u.buf, 0);
	ASSERT_NE(MAP_FAILED, u.own);
	return u;
}

static void user_end(const struct user *u)
{
	munmap(u->p, u->len);
	munmap(u->own, u->len);
	close(u->buf);
	close(u->zero);
}

TEST_F(pool, while_it_is_used)
{
	struct user u;
	unsigned int i, k;
	pthread_t t[4];

	for (i = 0; i < 30; i++) {
		u = user_new(_metadata, self->fd, sizes[i % ARRAY_SIZE(sizes)]);
		for (k = 0; k < ARRAY_SIZE(t); k++)
			ASSERT_EQ(0, pthread_create(&t[k], NULL, use, &u));
		while (__atomic_load_n(&u.steps, __ATOMIC_RELAXED) < 10)
			sched_yield();
		EXPECT_EQ(0, buf_revoke(u.buf, ZCPOOL_WAIT_FOREVER));
		EXPECT_EQ(0, smaps_kb(u.p, u.len, "Rss"));
		EXPECT_EQ(0, smaps_kb(u.own, u.len, "Rss"));
		EXPECT_EQ(0, pool_used(self->fd));
		u.over = true;
		for (k = 0; k < ARRAY_SIZE(t); k++)
			pthread_join(t[k], NULL);
		EXPECT_FALSE(u.late);
		EXPECT_EQ(SIGBUS, touch_signal(u.p));
		EXPECT_EQ(SIGBUS, touch_signal(u.own));
		user_end(&u);
	}
}

/* Nothing but faults, one after the other, by the mapping that is given */
static void *fault_on(void *arg)
{
	struct user *u = arg;

	while (read(u->zero, u->own, 8) == 8) {
		madvise(u->own, PAGE, MADV_DONTNEED);
		__atomic_add_fetch(&u->steps, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* A fault may be half way; what it was to map must not be mapped afterwards. */
TEST_F(pool, while_a_fault_is_half_way)
{
	unsigned int i, k;
	char *own, *p[2];
	struct user u;
	pthread_t t;

	for (i = 0; i < 24; i++) {
		u = user_new(_metadata, self->fd, i % 2 ? PAGE : CHUNK);
		own = u.own;
		p[0] = u.p;
		p[1] = own;
		u.own = p[i / 2 % 2];
		ASSERT_EQ(0, pthread_create(&t, NULL, fault_on, &u));
		while (__atomic_load_n(&u.steps, __ATOMIC_RELAXED) < 5 + i)
			sched_yield();
		EXPECT_EQ(0, buf_revoke(u.buf, 0));
		pthread_join(t, NULL);
		for (k = 0; k < ARRAY_SIZE(p); k++)
			EXPECT_EQ(0, smaps_kb(p[k], u.len, "Rss"));
		u.own = own;
		user_end(&u);
	}
}

static void *futex_wait(void *futex)
{
	if (!syscall(SYS_futex, futex, FUTEX_WAIT, 0, NULL, NULL, 0))
		return (void *)0L;
	return (void *)(long)errno;
}

/* Who waits in it, or is about to, is not left waiting for ever: nobody could wake him. */
TEST_F(pool, futex_waiters)
{
	unsigned int i, k;
	pthread_t t[4];
	void *err;
	size_t len;
	pid_t pid;
	char *p;
	int buf;

	for (i = 0; i < 20; i++) {
		len = sizes[i % ARRAY_SIZE(sizes)];
		p = map_new(_metadata, self->fd, len, &buf);
		pid = fork();
		if (!pid)
			_exit((long)futex_wait(p + len - PAGE) == EFAULT ? 0 : 1);
		for (k = 0; k < ARRAY_SIZE(t); k++)
			ASSERT_EQ(0, pthread_create(&t[k], NULL, futex_wait, p + 8 * k));
		EXPECT_EQ(0, buf_revoke(buf, 0));
		for (k = 0; k < ARRAY_SIZE(t); k++) {
			pthread_join(t[k], &err);
			EXPECT_EQ(EFAULT, (long)err);
		}
		EXPECT_EQ(0, child_status(pid));
		munmap(p, len);
		close(buf);
	}
}

static void *futex_lock_pi(void *futex)
{
	if (!syscall(SYS_futex, futex, FUTEX_LOCK_PI, 0, NULL, NULL, 0))
		return (void *)0L;
	return (void *)(long)errno;
}

/* Nor is who waits for a lock in it that its owner can never unlock. */
TEST_F(pool, futex_lock_waiters)
{
	unsigned int i, k;
	pthread_t t[3];
	void *err;
	size_t len;
	char *p;
	int buf;

	for (i = 0; i < 10; i++) {
		len = sizes[i % ARRAY_SIZE(sizes)];
		p = map_new(_metadata, self->fd, len, &buf);
		*(volatile __u32 *)p = gettid();
		for (k = 0; k < ARRAY_SIZE(t); k++)
			ASSERT_EQ(0, pthread_create(&t[k], NULL, futex_lock_pi, p));
		EXPECT_EQ(0, buf_revoke(buf, 0));
		for (k = 0; k < ARRAY_SIZE(t); k++) {
			pthread_join(t[k], &err);
			EXPECT_EQ(EFAULT, (long)err);
		}
		munmap(p, len);
		close(buf);
	}
}

/* Who has it is killed at any moment. */
TEST_F(pool, while_its_users_are_killed)
{
	struct user u;
	unsigned int i;
	pid_t pid;

	for (i = 0; i < 30; i++) {
		u = user_new(_metadata, self->fd, sizes[i % ARRAY_SIZE(sizes)]);
		pid = fork();
		if (!pid)
			use(&u);
		if (i % 2)
			kill(pid, SIGKILL);
		EXPECT_EQ(0, buf_revoke(u.buf, ZCPOOL_WAIT_FOREVER));
		kill(pid, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, child_status(pid));
		EXPECT_EQ(0, pool_used(self->fd));
		user_end(&u);
	}
}

/* Who revokes, or waits, is killed. */
TEST_F(pool, while_who_revokes_is_killed)
{
	struct zcpool_info pi;
	unsigned int i;
	int buf, fds[2];
	pid_t pid;
	char *p;

	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, pipe(fds));
		p = map_new(_metadata, self->fd, 4 * MIB, &buf);
		touch_write(p, 4 * MIB);
		ASSERT_EQ((ssize_t)PAGE, gift(fds[1], p, PAGE));
		pid = fork();
		if (!pid) {
			buf_revoke(buf, ZCPOOL_WAIT_FOREVER);
			_exit(0);
		}
		usleep(i * 400);
		kill(pid, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, child_status(pid));
		/* It happened or it did not. */
		EXPECT_TRUE(writable(p) ? pwrite(buf, "x", 1, 0) == 1 : buf_is_gone(buf));
		munmap(p, 4 * MIB);
		close(buf);
		close(fds[0]);
		close(fds[1]);
		EXPECT_EQ(0, pool_wait_idle(self->fd, &pi));
	}
}

TEST_HARNESS_MAIN
