// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pool.h"
#include "take.h"

static long revoke_by(int fd, unsigned int cmd, __u64 id, __u32 timeout_ms)
{
	struct zcpool_revoke r = { .id = id, .timeout_ms = timeout_ms };

	return ioctl(fd, cmd, &r) ? -errno : (long)r.pinned;
}

long buf_revoke(int buf, __u32 timeout_ms)
{
	return revoke_by(buf, ZCPOOL_BUF_REVOKE, 0, timeout_ms);
}

long pool_revoke(int pool, __u64 id, __u32 timeout_ms)
{
	return revoke_by(pool, ZCPOOL_IOC_REVOKE, id, timeout_ms);
}

static int new_fd(int buf, unsigned int cmd)
{
	struct zcpool_new_fd n = { 0 };

	return ioctl(buf, cmd, &n) ? -errno : n.fd;
}

int buf_move(int buf)
{
	return new_fd(buf, ZCPOOL_BUF_MOVE);
}

int buf_open_ro(int buf)
{
	return new_fd(buf, ZCPOOL_BUF_OPEN_RO);
}

int buf_seal(int buf, __u32 seals)
{
	struct zcpool_seal s = { .seals = seals };

	return ioctl(buf, ZCPOOL_BUF_SEAL, &s) ? -errno : (int)s.seals;
}

int buf_migrate(int buf, int node)
{
	struct zcpool_migrate m = { .node = node };

	return ioctl(buf, ZCPOOL_BUF_MIGRATE, &m) ? -errno : 0;
}

int pool_migrate(int pool, __u64 id, int node)
{
	struct zcpool_migrate m = { .id = id, .node = node };

	return ioctl(pool, ZCPOOL_IOC_MIGRATE, &m) ? -errno : 0;
}

static bool is_stale(long ret, const char *what)
{
	if (ret == -1 && errno == ESTALE)
		return true;
	printf("# %s gives %ld (%m)\n", what, ret);
	return false;
}

/* One that is for reading only gives EBADF or EPERM where it is asked to write. */
bool buf_is_gone(int buf)
{
	bool rw = (fcntl(buf, F_GETFL) & O_ACCMODE) == O_RDWR, ok = true;
	struct pollfd pfd = { .fd = buf, .events = POLLIN };
	struct zcpool_buf_info bi;
	char byte = 0;

	ok &= is_stale(pread(buf, &byte, 1, 0), "read");
	ok &= is_stale(buf_info(buf, &bi), "BUF_INFO");
	ok &= is_stale(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, buf, 0) == MAP_FAILED ? -1 : 0,
		       "mmap");
	ok &= is_stale(buf_open_ro(buf) == -ESTALE ? -1 : 0, "OPEN_RO");
	if (rw) {
		ok &= is_stale(pwrite(buf, &byte, 1, 0), "write");
		ok &= is_stale(pwritev2(buf, &(struct iovec){ &byte, 1 }, 1, -1, RWF_APPEND),
			       "write at the end");
		ok &= is_stale(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, buf, 0) == MAP_FAILED ?
			       -1 : 0, "mmap for writing");
		ok &= is_stale(posix_fallocate(buf, 0, 1) == ESTALE ? -1 : 0, "fallocate");
		ok &= is_stale(buf_move(buf) == -ESTALE ? -1 : 0, "MOVE");
		ok &= is_stale(buf_seal(buf, 0) == -ESTALE ? -1 : 0, "SEAL");
		ok &= is_stale(buf_migrate(buf, 0) == -ESTALE ? -1 : 0, "MIGRATE");
	}
	if (poll(&pfd, 1, 0) != 1 || pfd.revents != POLLHUP) {
		printf("# poll says %#x\n", pfd.revents);
		ok = false;
	}
	return ok;
}

int touch_signal(void *p)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		(void)*(volatile char *)p;
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

ssize_t gift(int pipe, void *p, size_t len)
{
	struct iovec iov = { p, len };

	return vmsplice(pipe, &iov, 1, SPLICE_F_NONBLOCK);
}
