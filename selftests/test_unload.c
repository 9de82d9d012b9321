// SPDX-License-Identifier: GPL-2.0
/* module: none */
/*
 * The module goes when nothing of it is open, and only then; pages that a pipe
 * still holds do not keep it. Each test loads and unloads it.
 */
#include "zcpool_test.h"
#include "lib/module.h"
#include <sys/inotify.h>

static int load(void)
{
	return module_load("reserve=16M max=64M");
}

FIXTURE(module) {
};

FIXTURE_SETUP(module)
{
	ASSERT_EQ(0, load())
		TH_LOG("ZCPOOL_KO=%s", getenv("ZCPOOL_KO"));
}

FIXTURE_TEARDOWN(module)
{
	if (!access("/sys/module/zcpool", F_OK))
		EXPECT_EQ(0, module_unload());
	EXPECT_EQ(-1, access(POOL_PATH, F_OK));
	EXPECT_EQ(-1, access("/sys/kernel/debug/zcpool", F_OK));
}

static void expect_busy(struct __test_metadata *_metadata)
{
	int err = module_unload();

	EXPECT_TRUE(err == -EBUSY || err == -EWOULDBLOCK)
		TH_LOG("unloaded: %d", err);
}

TEST_F(module, idle)
{
	EXPECT_EQ(0, module_unload());
}

TEST_F(module, pool_open)
{
	int pool = pool_open();

	ASSERT_LE(0, pool);
	expect_busy(_metadata);
	close(pool);
	EXPECT_EQ(0, module_unload());
}

TEST_F(module, buffer_open)
{
	int pool = pool_open(), buf;

	ASSERT_LE(0, pool);
	buf = buf_alloc(pool, CHUNK + PAGE, 0, -1);
	ASSERT_LE(0, buf);
	close(pool);
	expect_busy(_metadata);
	close(buf);
	EXPECT_EQ(0, module_unload());
}

/* Another descriptor of the buffer, when the first one is gone */
static void expect_busy_with(struct __test_metadata *_metadata, size_t size, int flags)
{
	int pool = pool_open(), buf, other;

	ASSERT_LE(0, pool);
	buf = buf_alloc(pool, size, 0, -1);
	ASSERT_LE(0, buf);
	other = reopen(buf, flags);
	ASSERT_LE(0, other);
	close(pool);
	close(buf);
	expect_busy(_metadata);
	close(other);
}

TEST_F(module, buffer_open_readonly)
{
	expect_busy_with(_metadata, PAGE, O_RDONLY);
	EXPECT_EQ(0, module_unload());
}

/* Such a descriptor cannot do a thing, but the buffer is there as long as it is. */
TEST_F(module, buffer_open_as_path)
{
	expect_busy_with(_metadata, CHUNK, O_PATH);
	EXPECT_EQ(0, module_unload());
}

TEST_F(module, buffer_watched)
{
	int pool = pool_open(), buf, watch;
	char path[32];

	ASSERT_LE(0, pool);
	buf = buf_alloc(pool, CHUNK, 0, -1);
	ASSERT_LE(0, buf);
	watch = inotify_init1(IN_CLOEXEC);
	ASSERT_LE(0, watch);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", buf);
	ASSERT_LE(0, inotify_add_watch(watch, path, IN_CLOSE));
	close(pool);
	close(buf);
	expect_busy(_metadata);
	close(watch);
	/* The kernel lets go of the watched inode in a work item. */
	for (int i = 0; i < POLL_TRIES && module_unload(); i++)
		usleep(POLL_USEC);
}

TEST_F(module, buffer_in_a_socket)
{
	int pool = pool_open(), buf, sock[2];

	ASSERT_LE(0, pool);
	buf = buf_alloc(pool, CHUNK, 0, -1);
	ASSERT_LE(0, buf);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	ASSERT_EQ(0, send_fd(sock[0], buf));
	close(pool);
	close(buf);
	expect_busy(_metadata);
	close(sock[0]);
	close(sock[1]);
	EXPECT_EQ(0, module_unload());
}

TEST_F(module, buffer_mapped)
{
	int pool = pool_open(), buf;
	char *p;

	ASSERT_LE(0, pool);
	p = map_new(_metadata, pool, CHUNK + PAGE, &buf);
	close(pool);
	close(buf);
	expect_busy(_metadata);
	fill(p, CHUNK + PAGE, 1);
	EXPECT_TRUE(filled(p, CHUNK + PAGE, 1));
	munmap(p, CHUNK);
	expect_busy(_metadata);
	munmap(p, CHUNK + PAGE);
	EXPECT_EQ(0, module_unload());
}

TEST_F(module, pool_mapped)
{
	int pool = pool_open();
	pid_t pid;
	char *p;

	ASSERT_LE(0, pool);
	p = mmap(NULL, CHUNK + PAGE, RDWR, MAP_SHARED, pool, 0);
	ASSERT_NE(MAP_FAILED, p);
	close(pool);
	expect_busy(_metadata);
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	munmap(p, CHUNK + PAGE);
	expect_busy(_metadata);
	kill(pid, SIGKILL);
	child_status(pid);
	EXPECT_EQ(0, module_unload());
}

TEST_F(module, descriptor_in_a_socket)
{
	int pool = pool_open(), buf, sk[2], i;

	ASSERT_LE(0, pool);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sk));
	buf = buf_alloc(pool, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	ASSERT_EQ(0, send_fd(sk[0], buf));
	close(buf);
	close(pool);
	expect_busy(_metadata);
	close(sk[0]);
	close(sk[1]);
	/* The socket may let go of it a moment later. */
	for (i = 0; i < POLL_TRIES && module_unload(); i++)
		usleep(POLL_USEC);
	EXPECT_EQ(-1, access("/sys/module/zcpool", F_OK));
}

/* With the scrubber in the middle of its work */
TEST_F(module, dirty)
{
	int pool = pool_open();
	char *p;

	ASSERT_LE(0, pool);
	p = mmap(NULL, 48 * MIB, RDWR, MAP_SHARED | MAP_POPULATE, pool, 0);
	ASSERT_NE(MAP_FAILED, p);
	munmap(p, 48 * MIB);
	close(pool);
	EXPECT_EQ(0, module_unload());
}

/* Pages in a pipe: the module goes, the pipe keeps its bytes. */
TEST_F(module, pinned)
{
	static const size_t sizes[] = { PAGE, 16 * PAGE, CHUNK, CHUNK + 4 * PAGE };
	int pool, buf, fds[2];
	static char in[CHUNK];
	struct iovec iov;
	size_t len, n;
	unsigned int i;
	char *p;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (i)
			ASSERT_EQ(0, load());
		ASSERT_EQ(0, pipe(fds));
		pool = pool_open();
		ASSERT_LE(0, pool);
		p = map_new(_metadata, pool, sizes[i], &buf);
		fill(p, sizes[i], 70 + i);
		/* The last pages, at most as many as a pipe takes */
		len = sizes[i] > 8 * PAGE ? 8 * PAGE : sizes[i];
		iov = (struct iovec){ p + sizes[i] - len, len };
		ASSERT_EQ((ssize_t)len, vmsplice(fds[1], &iov, 1, SPLICE_F_NONBLOCK));
		munmap(p, sizes[i]);
		close(buf);
		close(pool);
		EXPECT_EQ(0, module_unload());
		for (n = 0; n < len; n += PAGE)
			ASSERT_EQ((ssize_t)PAGE, read(fds[0], in + n, PAGE));
		EXPECT_TRUE(filled_from(in, len, 70 + i, sizes[i] - len));
		close(fds[0]);
		close(fds[1]);
	}
}

TEST_HARNESS_MAIN
