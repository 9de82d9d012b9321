// SPDX-License-Identifier: GPL-2.0
/* module: reserve=32M max=128M */
/*
 * Memory that goes to another node while it is in use: its users notice nothing but that they
 * fault again.
 */
#include "zcpool_test.h"

#define SEED		5

static const size_t sizes[] = { PAGE, 16 * PAGE, CHUNK, CHUNK + 3 * PAGE, 8 * MIB };

FIXTURE(nodes) {
	int fd;
	__u64 used;
};

FIXTURE_SETUP(nodes)
{
	struct zcpool_info pi;

	self->fd = pool_open();
	ASSERT_LE(0, self->fd);
	if (pool_info(self->fd, 1, &pi))
		SKIP(return, "the pool has no node 1");
	self->used = pool_used(self->fd);
}

FIXTURE_TEARDOWN(nodes)
{
	EXPECT_EQ(self->used, pool_wait_used(self->fd, self->used));
	close(self->fd);
}

static int node_of_buf(int buf)
{
	struct zcpool_buf_info bi;

	return buf_info(buf, &bi) ? -errno : bi.node;
}

/* A mapped buffer on node 0 */
static char *new_on_0(struct __test_metadata *_metadata, int pool, size_t len, int *buf)
{
	char *p;

	*buf = buf_alloc(pool, len, ZCPOOL_ALLOC_THISNODE, 0);
	ASSERT_LE(0, *buf);
	p = buf_map(*buf, len, 0);
	ASSERT_NE(MAP_FAILED, p);
	return p;
}

TEST_F(nodes, contents_stay)
{
	struct zcpool_buf_info before, after;
	struct zcpool_info pi;
	unsigned int i;
	char *p, *own;
	size_t len;
	int buf;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		len = sizes[i];
		p = new_on_0(_metadata, self->fd, len, &buf);
		fill(p, len, SEED);
		own = mmap(NULL, len, RDWR, MAP_PRIVATE, buf, 0);
		ASSERT_NE(MAP_FAILED, own);
		fill(own, PAGE, SEED + 1);
		ASSERT_EQ(0, buf_info(buf, &before));
		EXPECT_EQ(0, buf_migrate(buf, 0));
		EXPECT_EQ((long)(len / KIB), smaps_kb(p, len, "Rss"));

		EXPECT_EQ(0, buf_migrate(buf, 1));
		EXPECT_EQ(0, smaps_kb(p, len, "Rss"));
		EXPECT_TRUE(filled(p, len, SEED));
		EXPECT_EQ(1, node_of(p));
		EXPECT_EQ(1, node_of(p + len - PAGE));
		EXPECT_TRUE(filled(own, PAGE, SEED + 1));
		EXPECT_TRUE(filled_from(own + PAGE, len - PAGE, SEED, PAGE));
		ASSERT_EQ(0, buf_info(buf, &after));
		before.node = 1;
		EXPECT_EQ(before.id, after.id);
		EXPECT_EQ(before.whole_bytes, after.whole_bytes);
		EXPECT_EQ(before.node, after.node);
		fill(p, len, SEED + 2);
		if (has_pmds())
			EXPECT_EQ((long)(after.whole_bytes / KIB),
				  smaps_kb(p, len, "FilePmdMapped"));
		/* What it had is free again. */
		ASSERT_EQ(0, pool_info(self->fd, 0, &pi));
		EXPECT_EQ(0, pi.used_bytes);
		munmap(own, len);
		munmap(p, len);
		close(buf);
	}
}

/* What nobody has touched of a mapping of the pool is zero wherever it is. */
TEST_F(nodes, untouched_is_zero)
{
	size_t len = 4 * CHUNK;
	char *p, *q, line[256];
	__u64 id = 0;
	FILE *maps;
	int i;

	for (i = 0; i < 4; i++) {
		/* Leave something dirty that the mapping may get. */
		q = mmap(NULL, len, RDWR, MAP_SHARED, self->fd, 0);
		ASSERT_NE(MAP_FAILED, q);
		memset(q, 0xff, len);
		munmap(q, len);
		p = mmap(NULL, len, RDWR, MAP_SHARED, self->fd, 0);
		ASSERT_NE(MAP_FAILED, p);
		p[CHUNK] = 1;
		maps = fopen("/proc/self/maps", "re");
		while (fgets(line, sizeof(line), maps))
			sscanf(line, "%*s %*s %*s %*s %*s /zcpool:%llu", &id);
		fclose(maps);
		ASSERT_EQ(0, pool_migrate(self->fd, id, !node_of(p + CHUNK)));
		EXPECT_EQ(1, p[CHUNK]);
		p[CHUNK] = 0;
		EXPECT_TRUE(all_zero(p, len));
		munmap(p, len);
	}
}

TEST_F(nodes, not_while_pinned)
{
	unsigned int i;
	int buf, fds[2];
	size_t len;
	char *p;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		len = sizes[i];
		ASSERT_EQ(0, pipe(fds));
		p = new_on_0(_metadata, self->fd, len, &buf);
		fill(p, len, SEED);
		ASSERT_EQ((ssize_t)PAGE, gift(fds[1], p + len - PAGE, PAGE));
		EXPECT_EQ(-EBUSY, buf_migrate(buf, 1));
		EXPECT_EQ(0, node_of_buf(buf));
		EXPECT_TRUE(filled(p, len, SEED));
		fill(p, len, SEED + 1);
		close(fds[0]);
		close(fds[1]);
		EXPECT_EQ(0, buf_migrate(buf, 1));
		EXPECT_TRUE(filled(p, len, SEED + 1));
		munmap(p, len);
		close(buf);
	}
}

TEST_F(nodes, no_room_there)
{
	int buf, others[2048], n = 0;
	struct zcpool_info pi;
	size_t len = 8 * MIB;
	char *p;

	p = new_on_0(_metadata, self->fd, len, &buf);
	fill(p, len, SEED);
	/* The maximum is the pool's: when it is reached no node has room. */
	while (n < 2048) {
		others[n] = buf_alloc(self->fd, CHUNK, ZCPOOL_ALLOC_THISNODE, 1);
		if (others[n] < 0)
			break;
		n++;
	}
	ASSERT_GT(2048, n);
	EXPECT_TRUE(buf_migrate(buf, 1) == others[n]);
	EXPECT_EQ(0, node_of_buf(buf));
	EXPECT_TRUE(filled(p, len, SEED));
	while (n--)
		close(others[n]);
	EXPECT_EQ(0, pool_wait_idle(self->fd, &pi));
	EXPECT_EQ(0, buf_migrate(buf, 1));
	EXPECT_TRUE(filled(p, len, SEED));
	munmap(p, len);
	close(buf);
}

TEST_F(nodes, wrong_arguments)
{
	struct zcpool_migrate m = { .id = 1 };
	struct zcpool_buf_info bi;
	int buf;

	buf = buf_alloc(self->fd, PAGE, ZCPOOL_ALLOC_THISNODE, 0);
	ASSERT_LE(0, buf);
	ASSERT_EQ(0, buf_info(buf, &bi));
	EXPECT_EQ(-EINVAL, buf_migrate(buf, 99));
	EXPECT_EQ(-EINVAL, buf_migrate(buf, -1));
	EXPECT_EQ(-1, ioctl(buf, ZCPOOL_BUF_MIGRATE, &m));
	EXPECT_EQ(EINVAL, errno);
	m = (struct zcpool_migrate){ .flags = 1 };
	EXPECT_EQ(-1, ioctl(buf, ZCPOOL_BUF_MIGRATE, &m));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-EINVAL, pool_migrate(self->fd, bi.id, 99));
	EXPECT_EQ(-ENOENT, pool_migrate(self->fd, bi.id + 1000000, 1));
	EXPECT_EQ(0, node_of_buf(buf));
	EXPECT_EQ(0, pool_migrate(self->fd, bi.id, 1));
	EXPECT_EQ(1, node_of_buf(buf));
	close(buf);
}

/* A sealed buffer may be elsewhere, too: nobody sees a difference. */
TEST_F(nodes, sealed)
{
	int buf;
	char *p;

	p = new_on_0(_metadata, self->fd, 2 * CHUNK, &buf);
	fill(p, 2 * CHUNK, SEED);
	munmap(p, 2 * CHUNK);
	EXPECT_LT(0, buf_seal(buf, ZCPOOL_SEAL_WRITE | ZCPOOL_SEAL_REVOKE));
	EXPECT_EQ(0, buf_migrate(buf, 1));
	p = mmap(NULL, 2 * CHUNK, PROT_READ, MAP_PRIVATE, buf, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_TRUE(filled(p, 2 * CHUNK, SEED));
	EXPECT_EQ(1, node_of(p));
	munmap(p, 2 * CHUNK);
	close(buf);
}

/*
 * Threads count in it, by the mapping and by the file, each in places of its own and all under
 * one lock that is in the buffer, too. No step is lost while it goes back and forth.
 */
#define COUNTERS	8

struct shared {
	pthread_mutex_t lock;
	unsigned long under_lock;
};

struct counting {
	int buf;
	char *p;
	size_t len;
	unsigned int nth;
	volatile bool *over;
	unsigned long steps;
};

static unsigned long *counter(char *p, size_t len, unsigned int nth)
{
	return (unsigned long *)(p + len / COUNTERS * nth / 8 * 8 + 256 + 8 * nth);
}

static void *count(void *arg)
{
	struct counting *c = arg;
	struct shared *s = (struct shared *)c->p;
	unsigned long *mine = counter(c->p, c->len, c->nth);
	off_t off = (char *)mine - c->p;
	unsigned long value;

	while (!*c->over) {
		pthread_mutex_lock(&s->lock);
		s->under_lock++;
		pthread_mutex_unlock(&s->lock);
		if (c->nth % 2) {
			++*(volatile unsigned long *)mine;
		} else {
			if (pread(c->buf, &value, 8, off) != 8)
				break;
			value++;
			if (pwrite(c->buf, &value, 8, off) != 8)
				break;
		}
		c->steps++;
	}
	return NULL;
}

TEST_F(nodes, no_step_is_lost)
{
	static const size_t lens[] = { 2 * PAGE, CHUNK, CHUNK + 3 * PAGE };
	struct counting c[4];
	unsigned long sum;
	unsigned int i, k, moved;
	pthread_mutexattr_t attr;
	volatile bool over;
	struct shared *s;
	pthread_t t[4];
	int buf, err;
	char *p;

	ASSERT_EQ(0, pthread_mutexattr_init(&attr));
	ASSERT_EQ(0, pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED));
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		p = new_on_0(_metadata, self->fd, lens[i], &buf);
		s = (struct shared *)p;
		ASSERT_EQ(0, pthread_mutex_init(&s->lock, &attr));
		over = false;
		for (k = 0; k < ARRAY_SIZE(t); k++) {
			c[k] = (struct counting){ buf, p, lens[i], 2 * k + (k & 1), &over };
			ASSERT_EQ(0, pthread_create(&t[k], NULL, count, &c[k]));
		}
		for (moved = 0; moved < 30;) {
			err = buf_migrate(buf, !node_of_buf(buf));
			ASSERT_TRUE(!err || err == -EBUSY);
			moved += !err;
		}
		over = true;
		sum = 0;
		for (k = 0; k < ARRAY_SIZE(t); k++) {
			pthread_join(t[k], NULL);
			EXPECT_EQ(c[k].steps, *counter(p, lens[i], c[k].nth));
			sum += c[k].steps;
		}
		EXPECT_EQ(sum, s->under_lock);
		munmap(p, lens[i]);
		close(buf);
	}
}

/* Who has it migrated is killed, or who uses it. */
TEST_F(nodes, killed_meanwhile)
{
	size_t len = 8 * MIB;
	unsigned int i;
	pid_t pid;
	char *p;
	int buf;

	for (i = 0; i < 30; i++) {
		p = new_on_0(_metadata, self->fd, len, &buf);
		fill(p, len, i);
		pid = fork();
		if (!pid) {
			for (;;)
				i % 2 ? buf_migrate(buf, !node_of_buf(buf)) :
					(touch_write(p, PAGE), 0);
		}
		usleep(i * 500);
		EXPECT_GE(0, i % 2 ? 0 : buf_migrate(buf, 1));
		kill(pid, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, child_status(pid));
		EXPECT_TRUE(filled_from(p + PAGE, len - PAGE, i, PAGE));
		munmap(p, len);
		close(buf);
		EXPECT_EQ(self->used, pool_wait_used(self->fd, self->used));
	}
}

TEST_HARNESS_MAIN
