// SPDX-License-Identifier: GPL-2.0
/* module: reserve=32M max=128M */
/*
 * libzcpool: taking buffers away, over, or elsewhere, and ruling that out; in their use and
 * in their errors.
 */
#include "zcpool_test.h"
#include "interpose.h"
#include <zcpool.h>

#define NOBODY		65534

/* A buffer of pages with a pattern in it, and its mapping */
static char *filled_buffer(struct __test_metadata *_metadata, int pool, size_t len, int *buf)
{
	char *p = map_new(_metadata, pool, len, buf);

	fill(p, len, 5);
	return p;
}

static uint64_t id_of(int buf)
{
	struct zcpool_buf_info bi;

	return zcpool_buf_info(buf, &bi) ? 0 : bi.id;
}

/* Each call, and what errno is afterwards; 0 where it did not fail */
enum call { REVOKE, MOVE, OPEN_RO, SEAL, GET_SEALS, MIGRATE, NR_CALLS };

static int error_of(enum call call, int fd)
{
	uint32_t seals;
	int ret = -1;

	errno = 0;
	switch (call) {
	case REVOKE:
		ret = zcpool_revoke(fd, 0, NULL);
		break;
	case MOVE:
		ret = zcpool_move(fd);
		break;
	case OPEN_RO:
		ret = zcpool_open_ro(fd);
		break;
	case SEAL:
		ret = zcpool_seal(fd, 0);
		break;
	case GET_SEALS:
		ret = zcpool_get_seals(fd, &seals);
		break;
	default:
		ret = zcpool_migrate(fd, 0);
	}
	return ret < 0 ? errno : 0;
}

/* What is left of one that has been revoked or moved */
static void expect_gone(struct __test_metadata *_metadata, int buf, char *p)
{
	enum call call;

	EXPECT_EQ(SIGBUS, touch_signal(p));
	EXPECT_TRUE(buf_is_gone(buf));
	EXPECT_EQ(MAP_FAILED, zcpool_map(buf, PROT_READ, 0, NULL));
	EXPECT_EQ(ESTALE, errno);
	for (call = 0; call < NR_CALLS; call++) {
		/* Who revokes again only waits. */
		if (call != REVOKE)
			EXPECT_EQ(ESTALE, error_of(call, buf)) TH_LOG("call %d", call);
	}
}

TEST_F(pool, lib_revoke)
{
	uint64_t pinned = 7;
	char *p;
	int buf;

	p = filled_buffer(_metadata, self->fd, CHUNK + PAGE, &buf);
	EXPECT_EQ(0, zcpool_revoke(buf, 0, &pinned));
	EXPECT_EQ(0, pinned);
	expect_gone(_metadata, buf, p);
	EXPECT_EQ(self->used, pool_wait_used(self->fd, self->used));
	/* It may be asked again, and without wanting to know. */
	EXPECT_EQ(0, zcpool_revoke(buf, ZCPOOL_WAIT_FOREVER, NULL));
	munmap(p, CHUNK + PAGE);
	close(buf);
}

/* Has a pipe hold a page. */
static void pin(struct __test_metadata *_metadata, int pipes[2], char *page)
{
	ASSERT_EQ(0, pipe2(pipes, O_CLOEXEC));
	ASSERT_EQ(PAGE, (size_t)gift(pipes[1], page, PAGE));
}

static void unpin(int pipes[2])
{
	close(pipes[0]);
	close(pipes[1]);
}

TEST_F(pool, lib_revoke_pinned)
{
	uint64_t pinned = 0;
	int buf, pipes[2];
	char *p;

	p = filled_buffer(_metadata, self->fd, 4 * PAGE, &buf);
	pin(_metadata, pipes, p + PAGE);
	EXPECT_EQ(0, zcpool_revoke(buf, 0, &pinned));
	EXPECT_EQ(PAGE, pinned);
	expect_gone(_metadata, buf, p);
	EXPECT_EQ(0, zcpool_revoke(buf, 10, &pinned));
	EXPECT_EQ(PAGE, pinned);
	unpin(pipes);
	EXPECT_EQ(0, zcpool_revoke(buf, ZCPOOL_WAIT_FOREVER, &pinned));
	EXPECT_EQ(0, pinned);
	munmap(p, 4 * PAGE);
	close(buf);
}

TEST_F(pool, lib_move)
{
	int old, new, pipes[2];
	size_t len;
	char *p, *q;

	p = filled_buffer(_metadata, self->fd, CHUNK + PAGE, &old);
	pin(_metadata, pipes, p);
	EXPECT_EQ(-1, zcpool_move(old));
	EXPECT_EQ(EBUSY, errno);
	EXPECT_TRUE(writable(p));
	fill(p, CHUNK + PAGE, 5);
	unpin(pipes);
	new = zcpool_move(old);
	ASSERT_LE(0, new);
	EXPECT_EQ(FD_CLOEXEC, fcntl(new, F_GETFD));
	expect_gone(_metadata, old, p);
	EXPECT_EQ(-1, zcpool_revoke(old, 0, NULL));
	EXPECT_EQ(ESTALE, errno);
	q = zcpool_map(new, RDWR, 0, &len);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_EQ(CHUNK + PAGE, len);
	EXPECT_TRUE(filled(q, len, 5));
	EXPECT_TRUE(writable(q));
	munmap(q, len);
	munmap(p, len);
	close(old);
	close(new);
}

TEST_F(pool, lib_open_ro)
{
	uint32_t seals = 7;
	int buf, ro;
	size_t len;
	char *p;

	munmap(filled_buffer(_metadata, self->fd, 3 * PAGE, &buf), 3 * PAGE);
	ro = zcpool_open_ro(buf);
	ASSERT_LE(0, ro);
	EXPECT_EQ(FD_CLOEXEC, fcntl(ro, F_GETFD));
	EXPECT_EQ(O_RDONLY, fcntl(ro, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(id_of(buf), id_of(ro));
	p = zcpool_map(ro, PROT_READ, 0, &len);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_TRUE(filled(p, 3 * PAGE, 5));
	EXPECT_EQ(-1, mprotect(p, len, RDWR));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(MAP_FAILED, zcpool_map(ro, RDWR, 0, &len));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, zcpool_move(ro));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, zcpool_revoke(ro, 0, NULL));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, zcpool_seal(ro, ZCPOOL_SEAL_SEAL));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, zcpool_migrate(ro, 0));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(0, zcpool_get_seals(ro, &seals));
	EXPECT_EQ(0, seals);
	munmap(p, len);
	close(ro);
	close(buf);
}

static uint32_t seals_of(int buf)
{
	uint32_t seals;

	return zcpool_get_seals(buf, &seals) ? ~0U : seals;
}

TEST_F(pool, lib_seal)
{
	int buf;
	char *p;

	p = filled_buffer(_metadata, self->fd, PAGE, &buf);
	EXPECT_EQ(0, seals_of(buf));
	EXPECT_EQ(-1, zcpool_seal(buf, 1U << 31));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, zcpool_get_seals(buf, NULL));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, zcpool_seal(buf, ZCPOOL_SEAL_WRITE));
	EXPECT_EQ(EBUSY, errno);
	EXPECT_EQ(0, zcpool_seal(buf, ZCPOOL_SEAL_FUTURE_WRITE));
	EXPECT_TRUE(writable(p));
	munmap(p, PAGE);
	EXPECT_EQ(MAP_FAILED, zcpool_map(buf, RDWR, 0, NULL));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(0, zcpool_seal(buf, ZCPOOL_SEAL_WRITE | ZCPOOL_SEAL_REVOKE));
	EXPECT_EQ(-1, pwrite(buf, "x", 1, 0));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, zcpool_move(buf));
	EXPECT_EQ(EBUSY, errno);
	EXPECT_EQ(-1, zcpool_revoke(buf, 0, NULL));
	EXPECT_EQ(EBUSY, errno);
	EXPECT_EQ(-1, zcpool_revoke_id(self->fd, id_of(buf), 0, NULL));
	EXPECT_EQ(EBUSY, errno);
	EXPECT_EQ(0, zcpool_seal(buf, ZCPOOL_SEAL_SEAL));
	EXPECT_EQ(-1, zcpool_seal(buf, ZCPOOL_SEAL_SEAL));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(0, zcpool_seal(buf, 0));
	EXPECT_EQ(ZCPOOL_SEAL_SEAL | ZCPOOL_SEAL_WRITE | ZCPOOL_SEAL_FUTURE_WRITE |
		  ZCPOOL_SEAL_REVOKE, seals_of(buf));
	close(buf);
}

static int buf_node(int buf)
{
	struct zcpool_buf_info bi;

	return zcpool_buf_info(buf, &bi) ? -errno : bi.node;
}

TEST_F(pool, lib_migrate)
{
	const int other = node_exists(1);
	int buf, pipes[2];
	char *p;

	p = filled_buffer(_metadata, self->fd, CHUNK + 3 * PAGE, &buf);
	EXPECT_EQ(0, zcpool_migrate(buf, 0));
	EXPECT_EQ(0, buf_node(buf));
	EXPECT_EQ(0, zcpool_migrate(buf, other));
	EXPECT_EQ(other, buf_node(buf));
	EXPECT_TRUE(filled(p, CHUNK + 3 * PAGE, 5));
	EXPECT_EQ(0, zcpool_migrate_id(self->fd, id_of(buf), 0));
	EXPECT_EQ(0, buf_node(buf));
	EXPECT_TRUE(filled(p, CHUNK + 3 * PAGE, 5));
	EXPECT_EQ(-1, zcpool_migrate(buf, 4096));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, zcpool_migrate(buf, -1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, zcpool_migrate_id(self->fd, id_of(buf), -1));
	EXPECT_EQ(EINVAL, errno);
	pin(_metadata, pipes, p);
	if (other) {
		EXPECT_EQ(-1, zcpool_migrate(buf, other));
		EXPECT_EQ(EBUSY, errno);
		EXPECT_EQ(-1, zcpool_migrate_id(self->fd, id_of(buf), other));
		EXPECT_EQ(EBUSY, errno);
	}
	unpin(pipes);
	munmap(p, CHUNK + 3 * PAGE);
	close(buf);
}

/* Anybody's buffers, but not for anybody */
TEST_F(pool, lib_by_number)
{
	uint64_t id, pinned;
	int buf, pipes[2];
	char *p;
	pid_t pid;

	p = filled_buffer(_metadata, self->fd, 4 * PAGE, &buf);
	id = id_of(buf);
	pid = fork();
	if (!pid) {
		if (setuid(NOBODY))
			_exit(1);
		if (!zcpool_revoke_id(self->fd, id, 0, &pinned) || errno != EPERM)
			_exit(2);
		if (!zcpool_migrate_id(self->fd, id, 0) || errno != EPERM)
			_exit(3);
		_exit(0);
	}
	EXPECT_EQ(0, child_status(pid));
	EXPECT_TRUE(filled(p, 4 * PAGE, 5));
	EXPECT_EQ(-1, zcpool_revoke_id(self->fd, id + 1000000, 0, &pinned));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(-1, zcpool_migrate_id(self->fd, id + 1000000, 0));
	EXPECT_EQ(ENOENT, errno);

	pin(_metadata, pipes, p + PAGE);
	EXPECT_EQ(0, zcpool_revoke_id(self->fd, id, 0, &pinned));
	EXPECT_EQ(PAGE, pinned);
	expect_gone(_metadata, buf, p);
	unpin(pipes);
	/* It has no number any more. */
	EXPECT_EQ(-1, zcpool_revoke_id(self->fd, id, 0, &pinned));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(0, zcpool_revoke(buf, ZCPOOL_WAIT_FOREVER, NULL));
	munmap(p, 4 * PAGE);
	close(buf);
}

static void expect_errors(struct __test_metadata *_metadata, int fd, int error)
{
	enum call call;

	for (call = 0; call < NR_CALLS; call++)
		EXPECT_EQ(error, error_of(call, fd)) TH_LOG("call %d", call);
}

static void expect_errors_by_number(struct __test_metadata *_metadata, int fd, int error)
{
	EXPECT_EQ(-1, zcpool_revoke_id(fd, 1, 0, NULL));
	EXPECT_EQ(error, errno);
	EXPECT_EQ(-1, zcpool_migrate_id(fd, 1, 0));
	EXPECT_EQ(error, errno);
}

static int all_is_well(int fd, unsigned long cmd, void *arg)
{
	return 0;
}

/* Not even where whoever serves the descriptor answers as a buffer would */
TEST_F(pool, lib_of_something_else)
{
	int memfd, buf;

	memfd = memfd_create("buffer", MFD_CLOEXEC);
	ASSERT_LE(0, memfd);
	buf = buf_alloc(self->fd, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	expect_errors(_metadata, -1, EBADF);
	expect_errors(_metadata, memfd, ENOTTY);
	expect_errors(_metadata, self->fd, ENOTTY);
	expect_errors_by_number(_metadata, -1, EBADF);
	expect_errors_by_number(_metadata, memfd, ENOTTY);
	expect_errors_by_number(_metadata, buf, ENOTTY);
	ioctl_answer = all_is_well;
	expect_errors(_metadata, memfd, ENOTTY);
	ioctl_answer = NULL;
	close(memfd);
	close(buf);
}

/* The first version of the module knows INFO, ALLOC and BUF_INFO. */
static int older_module(int fd, unsigned long cmd, void *arg)
{
	if (cmd == ZCPOOL_IOC_INFO || cmd == ZCPOOL_BUF_INFO)
		return ioctl_of_kernel(fd, cmd, arg);
	errno = ENOTTY;
	return -1;
}

TEST_F(pool, lib_of_an_older_module)
{
	enum call call;
	int buf;

	buf = buf_alloc(self->fd, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	ioctl_answer = older_module;
	for (call = 0; call < NR_CALLS; call++)
		EXPECT_EQ(call == GET_SEALS ? 0 : EOPNOTSUPP, error_of(call, buf))
			TH_LOG("call %d", call);
	expect_errors_by_number(_metadata, self->fd, EOPNOTSUPP);
	expect_errors_by_number(_metadata, buf, ENOTTY);
	ioctl_answer = NULL;
	close(buf);
}

TEST_HARNESS_MAIN
