// SPDX-License-Identifier: GPL-2.0
/* module: reserve=8M max=64M */
/*
 * Nobody takes it all: what each user may have of a pool, by its option user_max= or by
 * RLIMIT_MEMLOCK. It counts by who made the buffer, as long as the memory lives.
 */
#include "zcpool_test.h"
#include "lib/mount.h"
#include <sys/mount.h>

#define A	"/run/zcpool_a"
#define B	"/run/zcpool_b"
#define ANN	1000
#define BOB	1001

/* What a call answers to somebody else, who is no root meanwhile */
#define BY(uid, call) ({						\
	uid_t uid_ = (uid);						\
	long ret_;							\
									\
	if (setresuid(uid_, uid_, 0))					\
		abort();						\
	ret_ = (call);							\
	if (setresuid(0, 0, 0))						\
		abort();						\
	ret_;								\
})

FIXTURE(users) {
	char message[MESSAGE_SIZE];
	struct rlimit memlock;
	int root;
};

FIXTURE_SETUP(users)
{
	struct rlimit small = { MIB, MIB };

	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_TRUE(make_dir(A) && make_dir(B));
	ASSERT_EQ(0, getrlimit(RLIMIT_MEMLOCK, &self->memlock));
	ASSERT_EQ(0, setrlimit(RLIMIT_MEMLOCK, &small));
	ASSERT_EQ(0, mount_pool("a", "max=32M mode=0777 user_max=4M", A, self->message)) {
		TH_LOG("%s", self->message);
	}
	self->root = open(A, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_LE(0, self->root);
}

FIXTURE_TEARDOWN(users)
{
	EXPECT_EQ(0, pool_wait_used(self->root, 0));
	EXPECT_EQ(0, setrlimit(RLIMIT_MEMLOCK, &self->memlock));
	close(self->root);
	umount2(A, MNT_DETACH);
	EXPECT_TRUE(pool_ends("a"));
}

/* Bytes that a user has of a pool */
static long held(const char *pool, uid_t uid)
{
	unsigned long id, bytes;
	char path[128], line[128];
	long found = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/debug/zcpool/%s/users", pool);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lu %lu", &id, &bytes) == 2 && id == uid)
			found = bytes;
	if (f)
		fclose(f);
	return found;
}

/* What was pinned may be let go of a moment later. */
static bool comes_to_hold(const char *pool, uid_t uid, long bytes)
{
	int i;

	for (i = 0; i < POLL_TRIES; i++) {
		if (held(pool, uid) == bytes)
			return true;
		usleep(POLL_USEC);
	}
	fprintf(stderr, "# user %u has %ld bytes\n", uid, held(pool, uid));
	return false;
}

TEST_F(users, each_his_own)
{
	int a[2], b;

	a[0] = BY(ANN, buf_alloc(self->root, CHUNK, 0, -1));
	ASSERT_LE(0, a[0]);
	EXPECT_EQ(-EDQUOT, BY(ANN, buf_alloc(self->root, 2 * CHUNK, 0, -1)));
	EXPECT_EQ((long)CHUNK, held("a", ANN));
	a[1] = BY(ANN, buf_alloc(self->root, CHUNK, 0, -1));
	ASSERT_LE(0, a[1]);
	EXPECT_EQ(-EDQUOT, BY(ANN, buf_alloc(self->root, PAGE, 0, -1)));
	EXPECT_EQ(4L * MIB, held("a", ANN));
	b = BY(BOB, buf_alloc(self->root, 3 * PAGE, 0, -1));
	EXPECT_LE(0, b);
	EXPECT_EQ((long)(3 * PAGE), held("a", BOB));
	/* It is no privilege: who may change the pool may change this. */
	EXPECT_EQ(-EDQUOT, buf_alloc(self->root, 6 * MIB, 0, -1));
	close(a[0]);
	a[0] = BY(ANN, buf_alloc(self->root, PAGE, 0, -1));
	EXPECT_LE(0, a[0]);
	EXPECT_EQ((long)(CHUNK + PAGE), held("a", ANN));
	close(a[0]);
	close(a[1]);
	EXPECT_EQ(0, held("a", ANN));
	close(b);
	EXPECT_EQ(0, held("a", BOB));
}

/* What is refused, and what is given back, leaves the counts as they were. */
TEST_F(users, by_device)
{
	int dev = pool_open_name("a"), buf;
	char *p;

	ASSERT_LE(0, dev);
	p = (char *)BY(ANN, (long)mmap(NULL, 2 * CHUNK, RDWR, MAP_SHARED, dev, 0));
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(-1, BY(ANN, (long)mmap(NULL, PAGE, RDWR, MAP_SHARED, dev, 0)));
	EXPECT_EQ(EDQUOT, errno);
	munmap(p, CHUNK);
	EXPECT_EQ(4L * MIB, held("a", ANN));
	munmap(p + CHUNK, CHUNK);
	EXPECT_EQ(0, held("a", ANN));
	/* What it is rounded up to counts. */
	buf = BY(ANN, buf_alloc(dev, CHUNK + PAGE, ZCPOOL_ALLOC_HUGE, -1));
	EXPECT_LE(0, buf);
	EXPECT_EQ(4L * MIB, held("a", ANN));
	close(buf);
	EXPECT_EQ(-EDQUOT, BY(ANN, buf_alloc(dev, 5 * MIB, ZCPOOL_ALLOC_NOWAIT, -1)));
	EXPECT_EQ(0, held("a", ANN));
	close(dev);
}

/* Whoever writes to a file, it is who made it that has the memory. */
TEST_F(users, files)
{
	int fd = BY(ANN, openat(self->root, "f", O_CREAT | O_RDWR | O_CLOEXEC, 0666));
	struct stat st;
	char *p;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fchmod(fd, 0666));
	EXPECT_EQ(0, held("a", ANN));
	ASSERT_EQ(0, ftruncate(fd, 16 * MIB));
	EXPECT_EQ(0, held("a", ANN));
	EXPECT_EQ(-1, BY(BOB, fallocate(fd, 0, 0, 5 * MIB)));
	EXPECT_EQ(EDQUOT, errno);
	EXPECT_EQ(0, held("a", ANN));
	EXPECT_EQ(0, BY(BOB, fallocate(fd, 0, MIB, PAGE)));
	EXPECT_EQ((long)(has_pmds() ? CHUNK : PAGE), held("a", ANN));
	EXPECT_EQ(0, held("a", BOB));
	EXPECT_EQ(0, fallocate(fd, 0, 8 * MIB, 4 * MIB - held("a", ANN)));
	EXPECT_EQ(4L * MIB, held("a", ANN));
	p = mmap(NULL, 16 * MIB, RDWR, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(SIGBUS, touch_signal(p + 15 * MIB));
	EXPECT_EQ(0, touch_signal(p + MIB));
	EXPECT_EQ(-1, BY(BOB, pwrite(fd, "x", 1, 15 * MIB)));
	EXPECT_EQ(EDQUOT, errno);
	EXPECT_EQ(0, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 8 * MIB, CHUNK));
	EXPECT_EQ((long)CHUNK, held("a", ANN));
	EXPECT_EQ(0, touch_signal(p + 15 * MIB));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(st.st_blocks * 512, held("a", ANN));
	/* Nor does he get rid of it by giving it away. */
	ASSERT_EQ(0, fchown(fd, BOB, BOB));
	EXPECT_EQ(st.st_blocks * 512, held("a", ANN));
	ASSERT_EQ(0, ftruncate(fd, 0));
	EXPECT_EQ(0, held("a", ANN));
	munmap(p, 16 * MIB);
	ASSERT_EQ(0, unlinkat(self->root, "f", 0));
	close(fd);
	EXPECT_EQ(0, held("a", ANN));
}

/* Nor by leaving. Who takes it over has it from then on. */
TEST_F(users, whoever_has_it)
{
	int sock[2], buf, moved, node;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	pid = fork();
	if (!pid) {
		if (setresuid(ANN, ANN, ANN))
			_exit(1);
		buf = buf_alloc(self->root, CHUNK, 0, 0);
		_exit(buf < 0 || send_fd(sock[0], buf) ? 1 : 0);
	}
	buf = recv_fd(sock[1], 0);
	ASSERT_LE(0, buf);
	EXPECT_EQ(0, child_status(pid));
	EXPECT_EQ((long)CHUNK, held("a", ANN));
	/* There are two copies for a moment, and so it needs room for two. */
	node = node_exists(1);
	EXPECT_EQ(0, buf_migrate(buf, node));
	EXPECT_EQ((long)CHUNK, held("a", ANN));
	moved = BY(ANN, buf_alloc(self->root, PAGE, 0, -1));
	ASSERT_LE(0, moved);
	EXPECT_EQ(node ? -EDQUOT : 0, buf_migrate(buf, 0));
	EXPECT_EQ((long)(CHUNK + PAGE), held("a", ANN));
	close(moved);
	moved = buf_move(buf);
	ASSERT_LE(0, moved);
	EXPECT_EQ(0, held("a", ANN));
	EXPECT_EQ((long)CHUNK, held("a", 0));
	close(buf);
	EXPECT_EQ((long)CHUNK, held("a", 0));
	close(moved);
	EXPECT_EQ(0, held("a", 0));
	close(sock[0]);
	close(sock[1]);
}

/* One who has as much as he may does not take over more, but may have anew what is his. */
TEST_F(users, taken_over)
{
	int a = BY(ANN, buf_alloc(self->root, 4 * MIB, 0, -1)), b, moved;

	ASSERT_LE(0, a);
	b = BY(BOB, buf_alloc(self->root, PAGE, 0, -1));
	ASSERT_LE(0, b);
	EXPECT_EQ(-EDQUOT, BY(BOB, buf_move(a)));
	EXPECT_EQ(4L * MIB, held("a", ANN));
	EXPECT_EQ(1, pwrite(a, "x", 1, 0));
	moved = BY(ANN, buf_move(a));
	ASSERT_LE(0, moved);
	EXPECT_EQ(4L * MIB, held("a", ANN));
	close(a);
	EXPECT_EQ(0, buf_revoke(moved, ZCPOOL_WAIT_FOREVER));
	EXPECT_EQ(0, held("a", ANN));
	close(moved);
	close(b);
}

static void pinned(struct __test_metadata *_metadata, int pool, size_t len, long want, bool revoke)
{
	int buf = BY(ANN, buf_alloc(pool, len, 0, -1)), fds[2];
	char *p;

	ASSERT_LE(0, buf);
	ASSERT_EQ(0, pipe(fds));
	p = buf_map(buf, len, 0);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ((ssize_t)PAGE, gift(fds[1], p, PAGE));
	munmap(p, len);
	if (revoke)
		EXPECT_EQ(want, buf_revoke(buf, 0));
	close(buf);
	EXPECT_EQ(want, held("a", ANN));
	EXPECT_EQ(-EDQUOT, BY(ANN, buf_alloc(pool, 4 * MIB, 0, -1)));
	close(fds[0]);
	close(fds[1]);
	EXPECT_TRUE(comes_to_hold("a", ANN, 0));
}

/* What cannot be freed is as good as had. */
TEST_F(users, pinned)
{
	pinned(_metadata, self->root, 16 * PAGE, PAGE, false);
	pinned(_metadata, self->root, 16 * PAGE, PAGE, true);
	pinned(_metadata, self->root, CHUNK, CHUNK, false);
	pinned(_metadata, self->root, CHUNK, CHUNK, true);
}

TEST_F(users, limit_changes)
{
	char options[256];
	int a, b;

	a = BY(ANN, buf_alloc(self->root, 4 * MIB, 0, -1));
	ASSERT_LE(0, a);
	EXPECT_EQ(0, remount_pool(A, "user_max=2M", self->message));
	EXPECT_EQ(-EDQUOT, BY(ANN, buf_alloc(self->root, PAGE, 0, -1)));
	EXPECT_EQ(4L * MIB, held("a", ANN));
	EXPECT_EQ(0, remount_pool(A, "user_max=8M", self->message));
	ASSERT_TRUE(mounted_options(A, options, sizeof(options)));
	EXPECT_NE(NULL, strstr(options, ",user_max=8M"));
	b = BY(ANN, buf_alloc(self->root, 4 * MIB, 0, -1));
	EXPECT_LE(0, b);
	close(b);
	EXPECT_EQ(-EBUSY, mount_pool("a", "user_max=2M", B, self->message));
	EXPECT_NE(NULL, strstr(self->message, "user_max: the pool 'a' is there with another"));
	EXPECT_EQ(-EINVAL, remount_pool(A, "user_max=much", self->message));
	EXPECT_NE(NULL, strstr(self->message, "user_max: 'much' is no SIZE"));
	/* None: RLIMIT_MEMLOCK, for what is made from now on, and for nothing of root's */
	EXPECT_EQ(0, remount_pool(A, "user_max=0", self->message));
	EXPECT_EQ(-EDQUOT, BY(ANN, buf_alloc(self->root, CHUNK, 0, -1)));
	b = buf_alloc(self->root, 12 * MIB, 0, -1);
	EXPECT_LE(0, b);
	EXPECT_EQ(12L * MIB, held("a", 0));
	close(b);
	close(a);
}

/* Over all pools together, and whatever else has been locked */
TEST_F(users, memlock)
{
	int a, b, other, file;

	ASSERT_EQ(0, remount_pool(A, "user_max=0", self->message));
	ASSERT_EQ(0, mount_pool("b", "max=32M mode=0777", B, self->message));
	other = open(B, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_LE(0, other);
	a = BY(ANN, buf_alloc(self->root, MIB / 2, 0, -1));
	ASSERT_LE(0, a);
	EXPECT_EQ(-EDQUOT, BY(ANN, buf_alloc(other, MIB / 2 + PAGE, 0, -1)));
	EXPECT_EQ(0, held("b", ANN));
	b = BY(ANN, buf_alloc(other, MIB / 2, 0, -1));
	ASSERT_LE(0, b);
	EXPECT_EQ(-EDQUOT, BY(ANN, buf_alloc(self->root, PAGE, 0, -1)));
	EXPECT_EQ(MIB / 2, held("a", ANN));
	EXPECT_EQ(MIB / 2, held("b", ANN));
	file = BY(ANN, openat(other, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
	ASSERT_LE(0, file);
	/* Root has no limit, but the file is Ann's. */
	EXPECT_EQ(-1, fallocate(file, 0, 0, 3 * PAGE));
	EXPECT_EQ(EDQUOT, errno);
	close(b);
	EXPECT_EQ(0, fallocate(file, 0, 0, 3 * PAGE));
	close(file);
	b = BY(ANN, buf_alloc(other, MIB / 2, 0, -1));
	ASSERT_LE(0, b);
	/* Taken over by himself it is still his, and still locked. */
	file = BY(ANN, buf_move(b));
	ASSERT_LE(0, file);
	close(b);
	b = file;
	EXPECT_EQ(-EDQUOT, BY(ANN, buf_alloc(self->root, PAGE, 0, -1)));
	/* A pool with a limit of its own looks at that alone, but what is locked stays so. */
	ASSERT_EQ(0, remount_pool(B, "user_max=4M", self->message));
	close(b);
	b = BY(ANN, buf_alloc(other, CHUNK, 0, -1));
	EXPECT_LE(0, b);
	close(b);
	b = BY(ANN, buf_alloc(self->root, MIB / 2, 0, -1));
	EXPECT_LE(0, b);
	EXPECT_EQ(-EDQUOT, BY(ANN, buf_alloc(self->root, PAGE, 0, -1)));
	close(b);
	close(a);
	close(other);
	ASSERT_EQ(0, umount(B));
	EXPECT_TRUE(pool_ends("b"));
}

struct toucher {
	char *p;
	int err;
};

static void *touch_one(void *arg)
{
	struct toucher *t = arg;

	t->err = madvise(t->p, PAGE, MADV_POPULATE_WRITE) ? errno : 0;
	return NULL;
}

/* The last that may be had is for a hole that many touch at once: for them it is enough. */
static void touch_a_hole(struct __test_metadata *_metadata, int root)
{
	struct toucher touchers[6];
	int fd, round, i;
	pthread_t t[6];
	char *p;

	for (round = 0; round < 40; round++) {
		fd = openat(root, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, ftruncate(fd, 4 * MIB));
		ASSERT_EQ(0, fallocate(fd, 0, 0, CHUNK));
		p = mmap(NULL, 4 * MIB, RDWR, MAP_SHARED, fd, 0);
		ASSERT_NE(MAP_FAILED, p);
		for (i = 0; i < 6; i++) {
			touchers[i] = (struct toucher){ .p = p + CHUNK + i * 16 * PAGE };
			ASSERT_EQ(0, pthread_create(&t[i], NULL, touch_one, &touchers[i]));
		}
		for (i = 0; i < 6; i++) {
			pthread_join(t[i], NULL);
			EXPECT_EQ(0, touchers[i].err);
		}
		munmap(p, 4 * MIB);
		close(fd);
		ASSERT_EQ(0, pool_wait_used(root, 0));
	}
}

TEST_F(users, enough_for_many)
{
	touch_a_hole(_metadata, self->root);
	/* The same by the pool's own limit */
	ASSERT_EQ(0, remount_pool(A, "user_max=0 max=4M", self->message));
	touch_a_hole(_metadata, self->root);
}

struct rush {
	int root;
	int buf[2048];
	int nr;
	bool over;
	int err;
};

/* Takes pages as long as there are any, or until it is over. */
static void *take_pages(void *arg)
{
	struct rush *rush = arg;
	int buf, n;

	while (!__atomic_load_n(&rush->over, __ATOMIC_RELAXED)) {
		buf = buf_alloc(rush->root, 16 * PAGE, 0, -1);
		if (buf == -EDQUOT)
			continue;
		if (buf < 0) {
			rush->err = buf;
			break;
		}
		n = __atomic_fetch_add(&rush->nr, 1, __ATOMIC_RELAXED);
		if (n >= (int)ARRAY_SIZE(rush->buf))
			break;
		rush->buf[n] = buf;
	}
	return NULL;
}

static bool comes_to_have(const struct rush *rush, int nr)
{
	int i;

	for (i = 0; i < POLL_TRIES && __atomic_load_n(&rush->nr, __ATOMIC_RELAXED) < nr; i++)
		usleep(POLL_USEC);
	return __atomic_load_n(&rush->nr, __ATOMIC_RELAXED) == nr;
}

/* However many try, none gets beyond it; who tries on gets more when there may be more. */
TEST_F(users, many_threads)
{
	static struct rush rush;
	int bobs[2], i, each = 16 * PAGE;
	pthread_t t[6];

	rush.root = self->root;
	/* The threads are whoever they were made by. */
	ASSERT_EQ(0, setresuid(ANN, ANN, 0));
	for (i = 0; i < 6; i++)
		ASSERT_EQ(0, pthread_create(&t[i], NULL, take_pages, &rush));
	EXPECT_TRUE(comes_to_have(&rush, 4 * MIB / each));
	ASSERT_EQ(0, syscall(SYS_setresuid, 0, 0, 0));
	EXPECT_EQ(4L * MIB, held("a", ANN));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, syscall(SYS_setresuid, BOB, BOB, 0));
		bobs[i] = buf_alloc(self->root, CHUNK, 0, -1);
		ASSERT_EQ(0, syscall(SYS_setresuid, 0, 0, 0));
		EXPECT_LE(0, bobs[i]);
	}
	EXPECT_EQ(0, remount_pool(A, "user_max=6M", self->message));
	EXPECT_TRUE(comes_to_have(&rush, 6 * MIB / each));
	EXPECT_EQ(6L * MIB, held("a", ANN));
	__atomic_store_n(&rush.over, true, __ATOMIC_RELAXED);
	for (i = 0; i < 6; i++)
		pthread_join(t[i], NULL);
	EXPECT_EQ(0, rush.err);
	EXPECT_EQ(6 * MIB / each, (long)rush.nr);
	for (i = 0; i < rush.nr; i++)
		close(rush.buf[i]);
	EXPECT_EQ(0, held("a", ANN));
	for (i = 0; i < 2; i++)
		close(bobs[i]);
}

TEST_HARNESS_MAIN
