// SPDX-License-Identifier: GPL-2.0
/* module: reserve=64M max=256M */
/*
 * The descriptor: rights, passing on, and lifetimes.
 */
#include "zcpool_test.h"

TEST_F(pool, open_flags)
{
	int buf = buf_alloc(self->fd, PAGE, 0, -1);

	ASSERT_LE(0, buf);
	EXPECT_EQ(O_RDWR, fcntl(buf, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(FD_CLOEXEC, fcntl(buf, F_GETFD));
	close(buf);
}

TEST_F(pool, stat_size)
{
	struct stat st;
	int buf = buf_alloc(self->fd, 3 * MIB + 1, 0, -1);

	ASSERT_LE(0, buf);
	ASSERT_EQ(0, fstat(buf, &st));
	EXPECT_EQ((off_t)(2 * CHUNK), st.st_size);
	close(buf);
}

static int readonly_of(int buf)
{
	return reopen(buf, O_RDONLY);
}

TEST_F(pool, readonly_reopen)
{
	static const size_t sizes[] = { 3 * PAGE, CHUNK + PAGE };
	unsigned int i;
	int buf, ro;
	char *p, c;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = map_new(_metadata, self->fd, sizes[i], &buf);
		fill(p, sizes[i], 1);
		munmap(p, sizes[i]);
		ro = readonly_of(buf);
		ASSERT_LE(0, ro);
		close(buf);
		EXPECT_EQ(O_RDONLY, fcntl(ro, F_GETFL) & O_ACCMODE);

		EXPECT_EQ(-1, write(ro, "x", 1));
		EXPECT_EQ(EBADF, errno);
		EXPECT_EQ(-1, pwrite(ro, "x", 1, 0));
		EXPECT_EQ(EBADF, errno);
		EXPECT_EQ(1, pread(ro, &c, 1, 0));
		EXPECT_EQ(MAP_FAILED, buf_map(ro, sizes[i], 0));
		EXPECT_EQ(EACCES, errno);
		EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, ro, 0));
		EXPECT_EQ(EACCES, errno);

		p = mmap(NULL, sizes[i], PROT_READ, MAP_SHARED, ro, 0);
		ASSERT_NE(MAP_FAILED, p);
		EXPECT_TRUE(filled(p, sizes[i], 1));
		EXPECT_EQ(-1, mprotect(p, sizes[i], RDWR));
		EXPECT_EQ(EACCES, errno);
		EXPECT_EQ(-1, mprotect(p, PAGE, PROT_WRITE));
		EXPECT_EQ(EACCES, errno);
		EXPECT_FALSE(writable(p));
		munmap(p, sizes[i]);
		close(ro);
	}
}

/* Every way to a second descriptor, root or not, from either kind of first one */
TEST_F(pool, reopen_does_not_widen)
{
	static const int wider[] = {
		O_RDWR, O_WRONLY, O_RDWR | O_TRUNC, O_WRONLY | O_APPEND,
	};
	int buf, ro, path, fd;
	unsigned int i;
	char c = 0;

	buf = buf_alloc(self->fd, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	ro = readonly_of(buf);
	ASSERT_LE(0, ro);
	path = reopen(ro, O_PATH);
	/* Root's say over the file's mode must not matter either. */
	fchmod(buf, 0777);
	fchmod(ro, 0777);
	for (i = 0; i < ARRAY_SIZE(wider); i++) {
		EXPECT_EQ(-1, reopen(buf, wider[i]));
		EXPECT_EQ(EACCES, errno);
		EXPECT_EQ(-1, reopen(ro, wider[i]));
		EXPECT_EQ(EACCES, errno);
		if (path >= 0) {
			EXPECT_EQ(-1, reopen(path, wider[i]));
			EXPECT_EQ(EACCES, errno);
		}
	}
	fd = reopen(ro, O_RDONLY);
	EXPECT_LE(0, fd);
	close(fd);
	/* This may be refused or not, but it cuts nothing off. */
	ASSERT_EQ(1, pwrite(buf, "x", 1, 0));
	close(reopen(ro, O_RDONLY | O_TRUNC));
	EXPECT_EQ(1, pread(ro, &c, 1, 0));
	EXPECT_EQ('x', c);
	close(path);
	close(ro);
	close(buf);
}

/* The mapping's own link to the file is one more way in. */
TEST_F(pool, map_files_does_not_widen)
{
	char path[64];
	int buf, fd;
	char *p;

	buf = buf_alloc(self->fd, CHUNK, 0, -1);
	ASSERT_LE(0, buf);
	p = mmap(NULL, CHUNK, PROT_READ, MAP_SHARED, buf, 0);
	ASSERT_NE(MAP_FAILED, p);
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx",
		 (unsigned long)p, (unsigned long)p + CHUNK);
	fd = open(path, O_RDWR | O_CLOEXEC);
	EXPECT_EQ(-1, fd);
	EXPECT_EQ(EACCES, errno);
	munmap(p, CHUNK);
	close(buf);
}

TEST_F(pool, readonly_keeps_it_alive)
{
	int buf, ro;
	char *p;

	buf = buf_alloc(self->fd, CHUNK, 0, -1);
	ASSERT_LE(0, buf);
	ro = readonly_of(buf);
	ASSERT_LE(0, ro);
	ASSERT_EQ(1, pwrite(buf, "y", 1, 12345));
	close(buf);
	EXPECT_EQ(self->used + CHUNK, pool_used(self->fd));
	p = mmap(NULL, CHUNK, PROT_READ, MAP_SHARED, ro, 0);
	ASSERT_NE(MAP_FAILED, p);
	close(ro);
	EXPECT_EQ('y', p[12345]);
	EXPECT_EQ(self->used + CHUNK, pool_used(self->fd));
	munmap(p, CHUNK);
	EXPECT_EQ(self->used, pool_used(self->fd));
}

TEST_F(pool, fd_and_mapping_in_either_order)
{
	static const size_t sizes[] = { PAGE, 10 * PAGE, CHUNK, 2 * CHUNK + PAGE };
	unsigned int i;
	char *p;
	int buf;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = map_new(_metadata, self->fd, sizes[i], &buf);
		close(buf);
		EXPECT_EQ(self->used + sizes[i], pool_used(self->fd));
		fill(p, sizes[i], 1);
		EXPECT_TRUE(filled(p, sizes[i], 1));
		munmap(p, sizes[i]);
		EXPECT_EQ(self->used, pool_used(self->fd));

		p = map_new(_metadata, self->fd, sizes[i], &buf);
		fill(p, sizes[i], 2);
		munmap(p, sizes[i]);
		EXPECT_EQ(self->used + sizes[i], pool_used(self->fd));
		p = buf_map(buf, sizes[i], 0);
		ASSERT_NE(MAP_FAILED, p);
		EXPECT_TRUE(filled(p, sizes[i], 2));
		munmap(p, sizes[i]);
		close(buf);
		EXPECT_EQ(self->used, pool_used(self->fd));
	}
}

/* The pool's own descriptor may go before what came from it. */
TEST_F(pool, buffers_outlive_the_pool_descriptor)
{
	int pool, buf;
	char *p;

	pool = pool_open();
	ASSERT_LE(0, pool);
	buf = buf_alloc(pool, CHUNK, 0, -1);
	ASSERT_LE(0, buf);
	close(pool);
	p = buf_map(buf, CHUNK, 0);
	ASSERT_NE(MAP_FAILED, p);
	fill(p, CHUNK, 1);
	EXPECT_TRUE(filled(p, CHUNK, 1));
	munmap(p, CHUNK);
	close(buf);
}

TEST_F(pool, dup_shares)
{
	int buf, d;
	char c;

	buf = buf_alloc(self->fd, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	d = dup(buf);
	ASSERT_LE(0, d);
	EXPECT_EQ(3, write(buf, "abc", 3));
	EXPECT_EQ(3, lseek(d, 0, SEEK_CUR));
	close(buf);
	EXPECT_EQ(self->used + PAGE, pool_used(self->fd));
	EXPECT_EQ(1, pread(d, &c, 1, 1));
	EXPECT_EQ('b', c);
	close(d);
}

/* One process makes it and is gone; another has it from a socket. */
TEST_F(pool, passed_on_and_the_sender_exits)
{
	static const size_t sizes[] = { 5 * PAGE, CHUNK, 5 * MIB };
	unsigned int i;
	int sk[2], fd;
	pid_t pid;
	char *p;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sk));
		pid = fork();
		if (!pid) {
			fd = buf_alloc(self->fd, sizes[i], 0, -1);
			p = fd < 0 ? MAP_FAILED : buf_map(fd, sizes[i], 0);
			if (p == MAP_FAILED)
				_exit(1);
			fill(p, sizes[i], 31 + i);
			_exit(send_fd(sk[0], fd) ? 2 : 0);
		}
		ASSERT_EQ(0, child_status(pid));
		/* In nobody's hands but the socket's */
		EXPECT_EQ(self->used + sizes[i], pool_used(self->fd));
		pid = fork();
		if (!pid) {
			struct zcpool_buf_info bi;

			fd = recv_fd(sk[1], 0);
			if (fd < 0 || buf_info(fd, &bi) || bi.size != sizes[i])
				_exit(1);
			p = buf_map(fd, sizes[i], 0);
			_exit(p != MAP_FAILED && filled(p, sizes[i], 31 + i) ? 0 : 2);
		}
		EXPECT_EQ(0, child_status(pid));
		close(sk[0]);
		close(sk[1]);
		EXPECT_EQ(self->used, pool_wait_used(self->fd, self->used));
	}
}

/* A descriptor left in a socket that is closed unread */
TEST_F(pool, dropped_in_flight)
{
	int sk[2], buf;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sk));
	buf = buf_alloc(self->fd, CHUNK, 0, -1);
	ASSERT_LE(0, buf);
	ASSERT_EQ(0, send_fd(sk[0], buf));
	close(buf);
	EXPECT_EQ(self->used + CHUNK, pool_used(self->fd));
	close(sk[0]);
	close(sk[1]);
	EXPECT_EQ(self->used, pool_wait_used(self->fd, self->used));
}

TEST_F(pool, fdinfo)
{
	struct zcpool_buf_info bi;
	char path[64];
	int buf;

	buf = buf_alloc(self->fd, CHUNK + 3 * PAGE, ZCPOOL_ALLOC_THISNODE, 0);
	ASSERT_LE(0, buf);
	ASSERT_EQ(0, buf_info(buf, &bi));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", buf);
	EXPECT_EQ((long)bi.id, file_field(path, "zcpool-id:"));
	EXPECT_EQ((long)bi.size, file_field(path, "zcpool-size:"));
	EXPECT_EQ(0, file_field(path, "zcpool-node:"));
	EXPECT_EQ((long)CHUNK, file_field(path, "zcpool-whole:"));
	close(buf);
}

TEST_F(pool, ids_are_not_reused)
{
	struct zcpool_buf_info bi;
	__u64 last = 0;
	int i, buf;

	for (i = 0; i < 20; i++) {
		buf = buf_alloc(self->fd, PAGE, 0, -1);
		ASSERT_LE(0, buf);
		ASSERT_EQ(0, buf_info(buf, &bi));
		EXPECT_LT(last, bi.id);
		last = bi.id;
		close(buf);
	}
}

TEST_F(pool, no_descriptor_left)
{
	struct rlimit was, none;
	int i, fds = count_fds(), buf;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &was));
	none = was;
	none.rlim_cur = dup(0);
	close(none.rlim_cur);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	for (i = 0; i < 50; i++) {
		buf = buf_alloc(self->fd, CHUNK + PAGE, 0, -1);
		EXPECT_EQ(-EMFILE, buf);
	}
	EXPECT_EQ(self->used, pool_used(self->fd));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &was));
	EXPECT_EQ(fds, count_fds());
	buf = buf_alloc(self->fd, PAGE, 0, -1);
	EXPECT_LE(0, buf);
	close(buf);
}

/* Exit with everything still open and mapped, half of it by pool mmap */
TEST_F(pool, exit_with_all_mapped)
{
	static const size_t sizes[] = { PAGE, 100 * PAGE, CHUNK, 5 * MIB };
	unsigned int i;
	pid_t pid;
	char *p;
	int buf;

	pid = fork();
	if (!pid) {
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			buf = buf_alloc(self->fd, sizes[i], 0, -1);
			p = buf < 0 ? MAP_FAILED : buf_map(buf, sizes[i], 0);
			if (p == MAP_FAILED)
				_exit(1);
			touch_write(p, sizes[i]);
			p = mmap(NULL, sizes[i], RDWR, MAP_SHARED, self->fd, 0);
			if (p == MAP_FAILED)
				_exit(2);
			touch_write(p, sizes[i]);
		}
		_exit(pool_used(self->fd) > self->used ? 0 : 3);
	}
	EXPECT_EQ(0, child_status(pid));
	EXPECT_EQ(self->used, pool_wait_used(self->fd, self->used));
}

/* What a victim does until it is killed */
static void churn_for_ever(int pool, __u32 seed)
{
	int buf, flags;
	char *p, *q;
	size_t len;

	for (;;) {
		len = (rnd(&seed) % 4 ? rnd(&seed) % 300 + 1 : 512 + rnd(&seed) % 2048) * PAGE;
		buf = buf_alloc(pool, len, 0, -1);
		if (buf < 0)
			_exit(1);
		p = buf_map(buf, len, 0);
		flags = MAP_SHARED | (rnd(&seed) % 2 ? MAP_POPULATE : 0);
		q = mmap(NULL, len, RDWR, flags, pool, 0);
		if (p == MAP_FAILED || q == MAP_FAILED)
			_exit(2);
		touch_write(p, len);
		touch_write(q, len / 2 + 1);
		munmap(p, len / PAGE / 2 * PAGE + PAGE);
		munmap(p, len);
		munmap(q, len);
		close(buf);
	}
}

TEST_F(pool, killed_at_any_moment)
{
	__u32 seed = 1;
	pid_t pid;
	int i;

	for (i = 0; i < 40; i++) {
		pid = fork();
		if (!pid)
			churn_for_ever(self->fd, i + 1);
		usleep(rnd(&seed) % 50000);
		kill(pid, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, child_status(pid));
		EXPECT_EQ(self->used, pool_wait_used(self->fd, self->used));
	}
}

/* Killed while the kernel zeroes what it asked for: no clean memory is left. */
TEST_F(pool, killed_while_zeroing)
{
	pid_t pid;
	int i, buf;

	for (i = 0; i < 10; i++) {
		pid = fork();
		if (!pid) {
			for (;;) {
				buf = buf_alloc(self->fd, 240 * MIB, 0, -1);
				if (buf < 0)
					_exit(1);
				close(buf);
			}
		}
		usleep(20000 + i * 15000);
		kill(pid, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, child_status(pid));
		EXPECT_EQ(self->used, pool_wait_used(self->fd, self->used));
	}
}

TEST_HARNESS_MAIN
