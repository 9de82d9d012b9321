// SPDX-License-Identifier: GPL-2.0
/* module: reserve=32M max=128M */
/*
 * libzcpool: pools, buffers and messages, in their use and in their errors.
 */
#include "zcpool_test.h"
#include "interpose.h"
#include <dlfcn.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <zcpool.h>

/* Whoever serves a descriptor may answer BUF_INFO, as a FUSE file system can. */
static int forgery(int fd, unsigned long cmd, void *arg)
{
	*(struct zcpool_buf_info *)arg = (struct zcpool_buf_info) { .id = 1, .size = CHUNK };
	return 0;
}

TEST_F(pool, lib_open)
{
	int fd;

	fd = zcpool_open(NULL);
	EXPECT_LE(0, fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(0, zcpool_close(fd));
	fd = zcpool_open("default");
	EXPECT_LE(0, fd);
	EXPECT_EQ(0, zcpool_close(fd));
	EXPECT_EQ(-1, zcpool_open("no-such-pool"));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(-1, zcpool_open(""));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, zcpool_open(".."));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, zcpool_close(-1));
	EXPECT_EQ(EBADF, errno);
}

#define MOUNTED	"/run/zcpool_lib"
#define BOUND	"/run/zcpool_lib_bound"
#define LINKED	"/run/zcpool_lib_link"
#define PIPED	"/run/zcpool_lib_pipe"

/* What is no pool is not opened: that of a pipe would wait for somebody. */
TEST_F(pool, lib_open_of_something_else)
{
	static const char *const paths[] = {
		"/dev/null", "/dev/zero", "/etc", "/", "/proc/self/exe", PIPED, "/dev/zcpool",
	};
	unsigned int i;

	unlink(PIPED);
	ASSERT_EQ(0, mkfifo(PIPED, 0600));
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		EXPECT_EQ(-1, zcpool_open(paths[i]));
		EXPECT_EQ(ENOTTY, errno)
			TH_LOG("%s", paths[i]);
	}
	EXPECT_EQ(-1, zcpool_open("/no/such"));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(-1, zcpool_open("./default"));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(-1, zcpool_open("/dev/null/default"));
	EXPECT_EQ(ENOTDIR, errno);
	unlink(PIPED);
}

/* The default pool, mounted for this test alone, with a directory in it */
static int mount_default(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -1;
	mkdir(MOUNTED, 0755);
	if (mount("default", MOUNTED, "zcpool", 0, NULL))
		return -1;
	return mkdir(MOUNTED "/a", 0755) || mkdir(MOUNTED "/a/b", 0755) ? -1 : 0;
}

/* Opened by any path, it is the same pool and does the same. */
TEST_F(pool, lib_open_path)
{
	static const char *const paths[] = {
		POOL_PATH, MOUNTED, MOUNTED "/", MOUNTED "/a/b", LINKED, "./", "./../b", "../../",
	};
	struct zcpool_info want, info;
	struct zcpool_buf_info bi;
	unsigned int i;
	uint64_t size;
	int fd, buf;

	ASSERT_EQ(0, mount_default());
	unlink(LINKED);
	ASSERT_EQ(0, symlink(MOUNTED "/a", LINKED));
	ASSERT_EQ(0, chdir(MOUNTED "/a/b"));
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		fd = zcpool_open(paths[i]);
		ASSERT_LE(0, fd)
			TH_LOG("%s: %s", paths[i], strerror(errno));
		EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
		EXPECT_EQ(0, zcpool_info(self->fd, 0, &want));
		EXPECT_EQ(0, zcpool_info(fd, 0, &info));
		EXPECT_EQ(want.reserve_bytes, info.reserve_bytes);
		EXPECT_EQ(want.max_bytes, info.max_bytes);
		size = PAGE;
		buf = zcpool_alloc(fd, &size, 0, -1);
		EXPECT_LE(0, buf);
		EXPECT_EQ(0, zcpool_buf_info(buf, &bi));
		EXPECT_EQ(PAGE, bi.size);
		EXPECT_EQ(self->used + PAGE, pool_used(self->fd));
		zcpool_close(buf);
		zcpool_close(fd);
		EXPECT_EQ(self->used, pool_wait_used(self->fd, self->used));
	}
	unlink(LINKED);
	EXPECT_EQ(0, chdir("/"));
	EXPECT_EQ(0, umount(MOUNTED));
}

/* A file is no pool, and neither is a directory whose pool's root is not to be got at. */
TEST_F(pool, lib_open_path_without_root)
{
	pid_t pid;
	int fd;

	ASSERT_EQ(0, mount_default());
	fd = open(MOUNTED "/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ASSERT_LE(0, fd);
	close(fd);
	EXPECT_EQ(-1, zcpool_open(MOUNTED "/file"));
	EXPECT_EQ(ENOTTY, errno);
	mkdir(BOUND, 0755);
	ASSERT_EQ(0, mount(MOUNTED "/a", BOUND, NULL, MS_BIND, NULL));
	EXPECT_EQ(-1, zcpool_open(BOUND "/b"));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(0, umount(BOUND));
	pid = fork();
	if (!pid) {
		if (chroot(MOUNTED "/a") || chdir("/b"))
			_exit(1);
		_exit(zcpool_open("./") == -1 && errno == ENOTTY ? 0 : 2);
	}
	EXPECT_EQ(0, child_status(pid));
	EXPECT_EQ(0, umount(MOUNTED));
}

TEST_F(pool, lib_info)
{
	struct zcpool_info pi, ni;

	EXPECT_EQ(0, zcpool_info(self->fd, -1, &pi));
	EXPECT_EQ(ZCPOOL_ABI_VERSION, pi.abi_version);
	EXPECT_EQ(CHUNK, pi.chunk_size);
	EXPECT_TRUE(info_adds_up(&pi));
	EXPECT_EQ(0, zcpool_info(self->fd, 0, &ni));
	EXPECT_EQ(32 * MIB, ni.reserve_bytes);
	EXPECT_EQ(-1, zcpool_info(self->fd, 4096, &ni));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, zcpool_info(-1, -1, &pi));
	EXPECT_EQ(EBADF, errno);
}

TEST_F(pool, lib_alloc)
{
	struct zcpool_buf_info bi;
	uint64_t size;
	int buf;

	size = 3 * MIB + 1;
	buf = zcpool_alloc(self->fd, &size, 0, -1);
	ASSERT_LE(0, buf);
	EXPECT_EQ(2 * CHUNK, size);
	EXPECT_EQ(0, zcpool_buf_info(buf, &bi));
	EXPECT_EQ(2 * CHUNK, bi.size);
	EXPECT_EQ(0, zcpool_close(buf));

	size = 1;
	buf = zcpool_alloc(self->fd, &size, ZCPOOL_ALLOC_HUGE | ZCPOOL_ALLOC_THISNODE, 0);
	ASSERT_LE(0, buf);
	EXPECT_EQ(CHUNK, size);
	EXPECT_EQ(0, zcpool_buf_info(buf, &bi));
	EXPECT_EQ(0, bi.node);
	EXPECT_EQ(0, zcpool_close(buf));

	size = 0;
	EXPECT_EQ(-1, zcpool_alloc(self->fd, &size, 0, -1));
	EXPECT_EQ(EINVAL, errno);
	size = 1;
	EXPECT_EQ(-1, zcpool_alloc(self->fd, &size, 1U << 31, -1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, zcpool_alloc(self->fd, &size, 0, 4096));
	EXPECT_EQ(EINVAL, errno);
	size = 1ULL << 40;
	EXPECT_EQ(-1, zcpool_alloc(self->fd, &size, 0, -1));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(1ULL << 40, size);
	EXPECT_EQ(-1, zcpool_alloc(-1, &size, 0, -1));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, zcpool_buf_info(self->fd, &bi));
	EXPECT_EQ(ENOTTY, errno);
}

TEST_F(pool, lib_map)
{
	uint64_t size = 5 * MIB;
	size_t len = 0;
	char *p, *q;
	int buf;

	buf = zcpool_alloc(self->fd, &size, 0, -1);
	ASSERT_LE(0, buf);
	p = zcpool_map(buf, RDWR, 0, &len);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(size, len);
	if (has_pmds())
		EXPECT_EQ(0, (unsigned long)p % CHUNK);
	fill(p, len, 1);
	q = zcpool_map(buf, PROT_READ, MAP_POPULATE, &len);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_TRUE(filled(q, len, 1));
	EXPECT_FALSE(writable(q));
	munmap(p, len);
	munmap(q, len);
	zcpool_close(buf);
	EXPECT_EQ(MAP_FAILED, zcpool_map(self->fd, RDWR, 0, &len));
	EXPECT_EQ(MAP_FAILED, zcpool_map(-1, RDWR, 0, &len));
	EXPECT_EQ(EBADF, errno);
}

/* What is no buffer is refused, whatever it is. */
TEST_F(pool, lib_map_of_something_else)
{
	struct zcpool_buf_info bi;
	int fds[6], pipes[2];
	unsigned int i;
	size_t len = 7;

	ASSERT_EQ(0, pipe(pipes));
	fds[0] = memfd_create("buffer", MFD_CLOEXEC);
	fds[1] = open("/dev/null", O_RDWR | O_CLOEXEC);
	fds[2] = pipes[0];
	fds[3] = pipes[1];
	fds[4] = zcpool_open(NULL);
	fds[5] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		ASSERT_LE(0, fds[i]);
		EXPECT_EQ(MAP_FAILED, zcpool_map(fds[i], PROT_READ, 0, &len));
		EXPECT_EQ(ENOTTY, errno);
		EXPECT_EQ(-1, zcpool_buf_info(fds[i], &bi));
		EXPECT_EQ(ENOTTY, errno);
		close(fds[i]);
	}
	EXPECT_EQ(7, len);
}

/* Nor does it help to answer as a buffer would. */
TEST_F(pool, lib_map_of_a_forgery)
{
	struct zcpool_buf_info bi;
	size_t len;
	int forged;

	forged = memfd_create("forged", MFD_CLOEXEC);
	ASSERT_LE(0, forged);
	ASSERT_EQ(0, ftruncate(forged, CHUNK));
	ioctl_answer = forgery;
	EXPECT_EQ(0, ioctl(forged, ZCPOOL_BUF_INFO, &bi));
	EXPECT_EQ(MAP_FAILED, zcpool_map(forged, PROT_READ, 0, &len));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, zcpool_buf_info(forged, &bi));
	EXPECT_EQ(ENOTTY, errno);
	ioctl_answer = NULL;
	close(forged);
}

/* A program that was linked when the struct had no seals has no room for them. */
TEST_F(pool, lib_info_for_older_programs)
{
	int (*older)(int buf, struct zcpool_buf_info *info);
	struct zcpool_buf_info now, then;
	const size_t len = offsetof(struct zcpool_buf_info, seals);
	int buf;

	older = dlvsym(RTLD_DEFAULT, "zcpool_buf_info", "ZCPOOL_0.1");
	ASSERT_NE(NULL, older);
	buf = buf_alloc(self->fd, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	memset(&then, 0x55, sizeof(then));
	EXPECT_EQ(0, zcpool_buf_info(buf, &now));
	EXPECT_EQ(0, older(buf, &then));
	EXPECT_EQ(0, memcmp(&now, &then, len));
	EXPECT_EQ(0x55555555, then.seals);
	EXPECT_EQ(0x55555555, then.reserved);
	EXPECT_EQ(-1, older(buf, NULL));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, older(self->fd, &then));
	EXPECT_EQ(ENOTTY, errno);
	close(buf);
}

/* The file system's type is a buffer's alone, and that of each descriptor of one. */
TEST_F(pool, lib_magic)
{
	struct statfs fs;
	int buf, again;

	buf = buf_alloc(self->fd, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	again = reopen(buf, O_RDONLY);
	ASSERT_LE(0, again);
	EXPECT_EQ(0, fstatfs(buf, &fs));
	EXPECT_EQ(ZCPOOL_SUPER_MAGIC, fs.f_type);
	EXPECT_EQ(0, fstatfs(again, &fs));
	EXPECT_EQ(ZCPOOL_SUPER_MAGIC, fs.f_type);
	EXPECT_EQ(0, fstatfs(self->fd, &fs));
	EXPECT_NE(ZCPOOL_SUPER_MAGIC, fs.f_type);
	close(again);
	close(buf);
}

TEST_F(pool, lib_map_new)
{
	char *p;

	p = zcpool_map_new(self->fd, 3 * MIB, MAP_POPULATE);
	ASSERT_NE(MAP_FAILED, p);
	if (has_pmds())
		EXPECT_EQ(0, (unsigned long)p % CHUNK);
	EXPECT_TRUE(all_zero(p, 3 * MIB));
	fill(p, 3 * MIB, 1);
	munmap(p, 3 * MIB);
	EXPECT_EQ(MAP_FAILED, zcpool_map_new(self->fd, 0, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, zcpool_map_new(self->fd, 1UL << 30, 0));
	EXPECT_EQ(ENOSPC, errno);
}

/* A buffer and a few bytes to another process, over each kind of socket */
TEST_F(pool, send_and_recv)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM };
	uint64_t size = 3 * MIB;
	char msg[16], *p;
	int buf, got, sk[2];
	unsigned int i;
	size_t len;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		ASSERT_EQ(0, socketpair(AF_UNIX, types[i], 0, sk));
		buf = zcpool_alloc(self->fd, &size, 0, -1);
		ASSERT_LE(0, buf);
		p = zcpool_map(buf, RDWR, 0, &len);
		ASSERT_NE(MAP_FAILED, p);
		fill(p, len, 80 + i);
		munmap(p, len);
		pid = fork();
		if (!pid) {
			zcpool_close(buf);
			if (zcpool_recv(sk[1], &got, msg, 6) != 6 || memcmp(msg, "hello", 6))
				_exit(1);
			if (got < 0 || !(fcntl(got, F_GETFD) & FD_CLOEXEC))
				_exit(2);
			p = zcpool_map(got, RDWR, 0, &len);
			if (p == MAP_FAILED || !filled(p, len, 80 + i))
				_exit(3);
			/* Bytes alone */
			if (zcpool_recv(sk[1], &got, msg, 3) != 3 || got != -1)
				_exit(4);
			_exit(0);
		}
		EXPECT_EQ(0, zcpool_send(sk[0], buf, "hello", 6));
		EXPECT_EQ(0, zcpool_send(sk[0], -1, "end", 3));
		zcpool_close(buf);
		EXPECT_EQ(0, child_status(pid));
		close(sk[0]);
		close(sk[1]);
		EXPECT_EQ(self->used, pool_wait_used(self->fd, self->used));
	}
}

TEST_F(pool, recv_at_the_end)
{
	char msg[4];
	int buf = 7, sk[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sk));
	close(sk[0]);
	EXPECT_EQ(0, zcpool_recv(sk[1], &buf, msg, 4));
	EXPECT_EQ(-1, buf);
	EXPECT_EQ(-1, zcpool_send(sk[1], -1, "x", 1));
	EXPECT_EQ(EPIPE, errno);
	close(sk[1]);
}

/* A message with more descriptors than one: refused, and none is left open. */
TEST_F(pool, recv_of_too_many)
{
	char ctl[CMSG_SPACE(3 * sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = "abcd", .iov_len = 4 };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = ctl, .msg_controllen = sizeof(ctl),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int three[3], buf = 7, sk[2], fds, i;
	char msg[4];

	for (i = 0; i < 3; i++) {
		three[i] = buf_alloc(self->fd, PAGE, 0, -1);
		ASSERT_LE(0, three[i]);
	}
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sk));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(three));
	memcpy(CMSG_DATA(c), three, sizeof(three));
	ASSERT_EQ(4, sendmsg(sk[0], &m, 0));
	for (i = 0; i < 3; i++)
		close(three[i]);
	fds = count_fds();
	EXPECT_EQ(-1, zcpool_recv(sk[1], &buf, msg, 4));
	EXPECT_EQ(EPROTO, errno);
	EXPECT_EQ(-1, buf);
	EXPECT_EQ(fds, count_fds());
	close(sk[0]);
	close(sk[1]);
}

TEST_HARNESS_MAIN
