// SPDX-License-Identifier: GPL-2.0
/* module: reserve=4M max=64M ceiling=96M */
/*
 * A pool is changed while it is in use; and all pools together have a ceiling.
 */
#include "zcpool_test.h"
#include "lib/mount.h"
#include <sys/mount.h>

#define A		"/run/zcpool_a"
#define B		"/run/zcpool_b"
#define CEILING		"/sys/module/zcpool/parameters/ceiling"

FIXTURE(remount) {
	char message[MESSAGE_SIZE];
	int root;
};

FIXTURE_SETUP(remount)
{
	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_TRUE(make_dir(A) && make_dir(B));
	/* So all memory is there, unless something else is asked for. */
	ASSERT_EQ(0, run_on_node(0));
	ASSERT_EQ(0, mount_pool("a", "max=16M reserve=0:2M", A, self->message)) {
		TH_LOG("%s", self->message);
	}
	self->root = open(A, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_LE(0, self->root);
}

FIXTURE_TEARDOWN(remount)
{
	EXPECT_EQ(0, pool_wait_used(self->root, 0));
	close(self->root);
	umount2(A, MNT_DETACH);
	umount2(B, MNT_DETACH);
	EXPECT_TRUE(pool_ends("a"));
	EXPECT_TRUE(pool_ends("b"));
	EXPECT_TRUE(put(CEILING, "96M"));
}

static bool remounts(const char *options)
{
	char message[MESSAGE_SIZE];
	int err = remount_pool(A, options, message);

	if (err)
		fprintf(stderr, "# %s: %s: %s\n", options, strerror(-err), message);
	return !err;
}

static bool shows(const char *want)
{
	char options[512];

	if (!mounted_options(A, options, sizeof(options)))
		return false;
	if (strcmp(options + strlen("rw,relatime"), want))
		fprintf(stderr, "# %s, and not %s\n", options, want);
	return !strcmp(options + strlen("rw,relatime"), want);
}

/* To so much, of which nothing is in split chunks: of these one may stay. */
static bool total_comes_to(int pool, __u64 bytes)
{
	struct zcpool_info pi;
	int i;

	for (i = 0; i < REGAIN_TRIES && !pool_info(pool, -1, &pi); i++) {
		if (pi.total_bytes == bytes)
			return true;
		usleep(POLL_USEC);
	}
	fprintf(stderr, "# total %llu\n", pi.total_bytes);
	return false;
}

/* Filled in the background; and given back, but for what is in use. */
TEST_F(remount, reserve)
{
	int buf;

	ASSERT_TRUE(remounts("reserve=0:8M"));
	EXPECT_TRUE(shows(",reserve=0:8M,max=16M"));
	EXPECT_TRUE(total_comes_to(self->root, 8 * MIB));
	buf = buf_alloc(self->root, 6 * MIB, 0, -1);
	ASSERT_LE(0, buf);
	ASSERT_TRUE(remounts("reserve=0"));
	EXPECT_TRUE(shows(",max=16M"));
	EXPECT_TRUE(total_comes_to(self->root, 6 * MIB));
	close(buf);
	EXPECT_TRUE(total_comes_to(self->root, 0));
	ASSERT_TRUE(remounts("reserve=0:4M"));
	EXPECT_TRUE(total_comes_to(self->root, 4 * MIB));
}

/* What is held beyond it goes as buffers do. */
TEST_F(remount, max)
{
	struct zcpool_info pi;
	int buf[6], i;

	for (i = 0; i < 6; i++) {
		buf[i] = buf_alloc(self->root, CHUNK, 0, -1);
		ASSERT_LE(0, buf[i]);
	}
	ASSERT_TRUE(remounts("max=8M"));
	ASSERT_EQ(0, pool_info(self->root, -1, &pi));
	EXPECT_EQ(8 * MIB, pi.max_bytes);
	EXPECT_EQ(12 * MIB, pi.total_bytes);
	EXPECT_EQ(-ENOSPC, buf_alloc(self->root, CHUNK, 0, -1));
	close(buf[0]);
	EXPECT_TRUE(total_comes_to(self->root, 10 * MIB));
	EXPECT_EQ(-ENOSPC, buf_alloc(self->root, CHUNK, 0, -1));
	close(buf[1]);
	EXPECT_TRUE(total_comes_to(self->root, 8 * MIB));
	EXPECT_EQ(-ENOSPC, buf_alloc(self->root, CHUNK, 0, -1));
	close(buf[2]);
	buf[2] = buf_alloc(self->root, CHUNK, 0, -1);
	EXPECT_LE(0, buf[2]);
	ASSERT_TRUE(remounts("max=32M"));
	buf[0] = buf_alloc(self->root, 20 * MIB, 0, -1);
	EXPECT_LE(0, buf[0]);
	for (i = 0; i < 6; i++)
		if (i != 1)
			close(buf[i]);
	EXPECT_TRUE(total_comes_to(self->root, 2 * MIB));
}

TEST_F(remount, names_of_options)
{
	ASSERT_TRUE(remounts("huge=always"));
	EXPECT_TRUE(shows(",reserve=0:2M,max=16M,huge=always"));
	ASSERT_TRUE(remounts("policy=interleave"));
	EXPECT_TRUE(shows(",policy=interleave,reserve=0:2M,max=16M,huge=always"));
	ASSERT_TRUE(remounts("mode=770 uid=1 gid=2 huge=prefer"));
	EXPECT_TRUE(shows(",policy=interleave,reserve=0:2M,max=16M,mode=0770,uid=1,gid=2"));
	ASSERT_TRUE(remounts("nodes=0 policy=bind"));
	EXPECT_TRUE(shows(",nodes=0,reserve=0:2M,max=16M,mode=0770,uid=1,gid=2"));
	ASSERT_TRUE(remounts(""));
	EXPECT_TRUE(shows(",nodes=0,reserve=0:2M,max=16M,mode=0770,uid=1,gid=2"));
}

/* All or nothing */
TEST_F(remount, refused)
{
	static const char *const bad[] = {
		"max=2M", "reserve=0:32M", "huge=always max=x", "mode=777 max=2M",
		"mode=777 reserve=0:32M", "policy=bind", "max=4M reserve=0:8M uid=1",
	};
	unsigned int i;

	ASSERT_TRUE(remounts("reserve=0:4M"));
	EXPECT_TRUE(total_comes_to(self->root, 4 * MIB));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, remount_pool(A, bad[i], self->message))
			TH_LOG("%s", bad[i]);
		EXPECT_NE(0, self->message[0]);
		EXPECT_TRUE(shows(",reserve=0:4M,max=16M"));
	}
	EXPECT_EQ(-ENOSPC, remount_pool(A, "mode=777 max=128M reserve=0:100M", self->message));
	EXPECT_NE(NULL, strstr(self->message, "are beyond the ceiling of 96 MiB"));
	EXPECT_TRUE(shows(",reserve=0:4M,max=16M"));
	EXPECT_TRUE(total_comes_to(self->root, 4 * MIB));
}

/* A node that is left out gives back what it had in reserve, a buffer there stays. */
TEST_F(remount, nodes)
{
	struct zcpool_buf_info bi;
	struct zcpool_info pi;
	int buf;

	if (!node_exists(1))
		SKIP(return, "needs memory node 1");
	ASSERT_TRUE(remounts("nodes=0+1 reserve=4M"));
	EXPECT_TRUE(shows(",nodes=0-1,reserve=4M,max=16M"));
	EXPECT_TRUE(total_comes_to(self->root, 8 * MIB));
	buf = buf_alloc(self->root, CHUNK, 0, 0);
	ASSERT_LE(0, buf);
	ASSERT_TRUE(remounts("nodes=1"));
	EXPECT_TRUE(shows(",nodes=1,reserve=4M,max=16M"));
	EXPECT_TRUE(total_comes_to(self->root, 6 * MIB));
	ASSERT_EQ(0, buf_info(buf, &bi));
	EXPECT_EQ(0, bi.node);
	EXPECT_EQ(-EINVAL, buf_alloc(self->root, CHUNK, 0, 0));
	close(buf);
	EXPECT_TRUE(total_comes_to(self->root, 4 * MIB));
	ASSERT_EQ(0, pool_info(self->root, 0, &pi));
	EXPECT_EQ(0, pi.reserve_bytes);
	EXPECT_EQ(0, pi.total_bytes);
	ASSERT_TRUE(remounts("reserve=0:2M+1:4M nodes=0-1"));
	EXPECT_TRUE(total_comes_to(self->root, 6 * MIB));
	/* mount(8) says again what is in /proc/mounts. */
	ASSERT_TRUE(remounts("reserve=0:2M+1:4M nodes=1"));
	EXPECT_TRUE(shows(",nodes=1,reserve=1:4M,max=16M"));
	EXPECT_TRUE(total_comes_to(self->root, 4 * MIB));
	EXPECT_EQ(-EINVAL, remount_pool(A, "reserve=0:2M", self->message));
}

/* All or nothing, though it turns out late that there are pages enough, but not in one piece */
TEST_F(remount, fallocate_is_undone)
{
	struct stat st;
	int buf, file;

	if (!has_pmds())
		SKIP(return, NO_PMDS);
	ASSERT_TRUE(remounts("huge=always policy=local reserve=0 max=8M"));
	buf = buf_alloc(self->root, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	file = openat(self->root, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	ASSERT_LE(0, file);
	EXPECT_EQ(-1, fallocate(file, 0, 0, 4 * CHUNK - PAGE));
	EXPECT_EQ(ENOSPC, errno);
	ASSERT_EQ(0, fstat(file, &st));
	EXPECT_EQ(0, st.st_size);
	EXPECT_EQ(0, st.st_blocks);
	EXPECT_EQ(PAGE, pool_wait_used(self->root, PAGE));
	EXPECT_EQ(0, fallocate(file, 0, 0, 3 * CHUNK));
	close(file);
	close(buf);
}

struct crew {
	int root;
	bool stop;
	unsigned long done;
	int err;
};

/* Whatever is refused has to be for want of room, and what is had has to be whole. */
static void *take_and_give(void *arg)
{
	static const size_t sizes[] = { PAGE, CHUNK, 3 * PAGE, 2 * CHUNK + PAGE };
	struct crew *crew = arg;
	unsigned long n = 0;
	size_t len;
	int buf;
	char *p;

	while (!__atomic_load_n(&crew->stop, __ATOMIC_RELAXED)) {
		len = sizes[n++ % ARRAY_SIZE(sizes)];
		buf = buf_alloc(crew->root, len, 0, -1);
		if (buf < 0) {
			if (buf != -ENOSPC && buf != -ENOMEM)
				crew->err = buf;
			continue;
		}
		p = buf_map(buf, len, 0);
		if (p != MAP_FAILED) {
			p[0] = 1;
			p[len - 1] = 1;
			munmap(p, len);
		} else {
			crew->err = -errno;
		}
		close(buf);
		__atomic_fetch_add(&crew->done, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

TEST_F(remount, under_load)
{
	static const char *const ways[] = {
		"max=4M reserve=0:2M", "policy=interleave", "reserve=0:8M max=12M", "mode=777",
		"nodes=0 policy=bind", "huge=never", "policy=prefer nodes=0", "max=16M", "uid=1000",
		"policy=local", "reserve=0", "mode=700 uid=0",
	};
	struct crew crew = { .root = self->root };
	struct zcpool_info pi;
	unsigned long done;
	unsigned int i;
	pthread_t t[4];

	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_create(&t[i], NULL, take_and_give, &crew));
	for (i = 0; i < 2 * ARRAY_SIZE(ways); i++) {
		done = __atomic_load_n(&crew.done, __ATOMIC_RELAXED);
		EXPECT_EQ(0, remount_pool(A, ways[i % ARRAY_SIZE(ways)], self->message)) {
			TH_LOG("%s: %s", ways[i % ARRAY_SIZE(ways)], self->message);
		}
		/* With each setting somebody gets some. */
		while (__atomic_load_n(&crew.done, __ATOMIC_RELAXED) < done + 8 && !crew.err)
			usleep(1000);
	}
	__atomic_store_n(&crew.stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	EXPECT_EQ(0, crew.err);
	ASSERT_TRUE(remounts("reserve=0:2M max=16M"));
	EXPECT_EQ(0, pool_wait_used(self->root, 0));
	EXPECT_EQ(0, pool_wait_reserve(self->root, -1, CHUNK, &pi));
}

/* Chunks that many threads could have */
struct rush {
	int root;
	int buf[64];
	int nr;
};

static void *take_all(void *arg)
{
	struct rush *rush = arg;
	int buf, n;

	while ((buf = buf_alloc(rush->root, CHUNK, 0, -1)) >= 0) {
		n = __atomic_fetch_add(&rush->nr, 1, __ATOMIC_RELAXED);
		if (n < (int)ARRAY_SIZE(rush->buf))
			rush->buf[n] = buf;
	}
	return (void *)(long)buf;
}

/* Bytes had in all by two threads on each of two pools; each ends with ENOSPC. */
static size_t rush(struct __test_metadata *_metadata, struct rush *a, struct rush *b)
{
	pthread_t t[4];
	void *err;
	int i;

	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_create(&t[i], NULL, take_all, i % 2 ? b : a));
	for (i = 0; i < 4; i++) {
		pthread_join(t[i], &err);
		EXPECT_EQ(-ENOSPC, (long)err);
	}
	return (a->nr + b->nr) * CHUNK;
}

static void give_all(struct rush *rush)
{
	int i;

	for (i = 0; i < rush->nr && i < (int)ARRAY_SIZE(rush->buf); i++)
		close(rush->buf[i]);
	rush->nr = 0;
}

/* Lines in the kernel's log since the module was loaded */
static int lines_with(const char *text)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC), n = 0;
	char line[1024];
	ssize_t len;

	while ((len = read(fd, line, sizeof(line) - 1)) > 0 || (len < 0 && errno == EPIPE)) {
		if (len < 0)
			continue;
		line[len] = 0;
		if (strstr(line, "zcpool: default: ") && strstr(line, "in reserve on"))
			n = 0;
		if (strstr(line, text))
			n++;
	}
	close(fd);
	return n;
}

/* The default pool's reserve counts, too: 4 MiB on each node. */
TEST_F(remount, ceiling)
{
	struct rush a = { .root = self->root }, b = {};
	struct zcpool_info def;
	int dev = pool_open();
	size_t others;

	ASSERT_EQ(0, pool_info(dev, -1, &def));
	others = def.total_bytes;
	ASSERT_TRUE(remounts("max=128M"));
	/* What has gone is not in the way. */
	ASSERT_EQ(0, mount_pool("b", "max=128M reserve=0:20M", B, self->message));
	ASSERT_EQ(0, umount(B));
	EXPECT_TRUE(pool_ends("b"));
	ASSERT_EQ(0, mount_pool("b", "max=128M", B, self->message));
	b.root = open(B, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	EXPECT_EQ(96 * MIB - others, rush(_metadata, &a, &b));
	EXPECT_EQ(1, lines_with("what their ceiling allows, 96 MiB"));
	EXPECT_EQ(-ENOSPC, buf_alloc(a.root, CHUNK, 0, -1));
	EXPECT_EQ(-ENOSPC, buf_alloc(b.root, PAGE, 0, -1));
	/* Of what a pool has in reserve nobody can take anything away. */
	close(buf_alloc(dev, 4 * MIB, 0, -1));
	ASSERT_EQ(0, pool_wait_idle(dev, &def));
	EXPECT_EQ(others, def.total_bytes);

	/* Lifted, there is more; and who has less than before gets none. */
	ASSERT_TRUE(put(CEILING, "104M"));
	EXPECT_EQ(104 * MIB - others, rush(_metadata, &a, &b));
	EXPECT_FALSE(put(CEILING, "4M"));
	EXPECT_FALSE(put(CEILING, "0"));
	EXPECT_FALSE(put(CEILING, "x"));
	ASSERT_TRUE(put(CEILING, "64M"));
	close(a.buf[0]);
	a.buf[0] = -1;
	EXPECT_EQ(-ENOSPC, buf_alloc(b.root, CHUNK, 0, -1));
	give_all(&a);
	give_all(&b);
	EXPECT_EQ(0, pool_wait_used(a.root, 0));
	EXPECT_EQ(0, pool_wait_used(b.root, 0));
	EXPECT_TRUE(total_comes_to(b.root, 0));
	EXPECT_TRUE(total_comes_to(a.root, 2 * MIB));
	EXPECT_EQ(64 * MIB - others, rush(_metadata, &a, &b));
	give_all(&a);
	give_all(&b);
	EXPECT_EQ(1, lines_with("what their ceiling allows"));
	close(b.root);
	close(dev);
}

/* Reserves are promises: they fit below it together. */
TEST_F(remount, ceiling_and_reserves)
{
	struct zcpool_info def;
	char options[64];
	int dev = pool_open();
	unsigned int left;

	ASSERT_EQ(0, pool_info(dev, -1, &def));
	left = 96 - 2 - def.reserve_bytes / MIB;
	snprintf(options, sizeof(options), "max=128M reserve=0:%uM", left + 2);
	EXPECT_EQ(-ENOSPC, mount_pool("b", options, B, self->message));
	EXPECT_NE(NULL, strstr(self->message, "reserve: "));
	EXPECT_NE(NULL, strstr(self->message, "beyond the ceiling of 96 MiB"));
	EXPECT_TRUE(pool_ends("b"));
	snprintf(options, sizeof(options), "max=128M reserve=0:%uM", left);
	EXPECT_EQ(0, mount_pool("b", options, B, self->message))
		TH_LOG("%s", self->message);
	EXPECT_EQ(-ENOSPC, remount_pool(A, "reserve=0:6M", self->message));
	ASSERT_EQ(0, umount(B));
	EXPECT_TRUE(pool_ends("b"));
	ASSERT_TRUE(remounts("reserve=0:6M"));
	close(dev);
}

TEST_HARNESS_MAIN
