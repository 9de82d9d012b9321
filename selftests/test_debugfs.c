// SPDX-License-Identifier: GPL-2.0
/* module: reserve=16M max=64M */
/*
 * What an administrator sees: debugfs and the tracepoints.
 */
#include "zcpool_test.h"
#include <linux/io_uring.h>
#include <sys/prctl.h>

#define TRACING		"/sys/kernel/tracing"
#define BUDDY_ORDERS	9

struct node_line {
	int node;
	unsigned long long reserve, total, clean, dirty, quarantined, used, retired;
	unsigned long long whole, split, clean_whole, lost;
};

static const char nodes_header[] =
	"node reserve total clean dirty quarantined used retired whole split clean_whole lost\n";

/* Reads debugfs "nodes"; the number of lines, -1 where the format is another. */
static int read_nodes(struct node_line *n, int max)
{
	FILE *f = fopen(DEBUGFS "/nodes", "re");
	char line[512], rest;
	int i = 0;

	if (!f)
		return -1;
	if (!fgets(line, sizeof(line), f) || strcmp(line, nodes_header))
		i = -1;
	while (i >= 0 && i < max && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%d %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %c",
			   &n->node, &n->reserve, &n->total, &n->clean, &n->dirty,
			   &n->quarantined, &n->used, &n->retired, &n->whole, &n->split,
			   &n->clean_whole, &n->lost, &rest) != 12) {
			i = -1;
			break;
		}
		n++;
		i++;
	}
	fclose(f);
	return i;
}

TEST_F(pool, nodes)
{
	struct node_line n[64];
	struct zcpool_info pi;
	unsigned long long total = 0, used = 0;
	int nr, i, buf;

	buf = buf_alloc(self->fd, CHUNK + 3 * PAGE, 0, -1);
	ASSERT_LE(0, buf);
	ASSERT_EQ(0, pool_wait_idle(self->fd, &pi));
	nr = read_nodes(n, ARRAY_SIZE(n));
	EXPECT_EQ((int)pi.nr_nodes, nr);
	for (i = 0; i < nr; i++) {
		EXPECT_TRUE(node_exists(n[i].node));
		EXPECT_EQ(16 * MIB, n[i].reserve);
		EXPECT_EQ(n[i].total, n[i].clean + n[i].dirty + n[i].quarantined + n[i].used +
			  n[i].retired);
		EXPECT_EQ(n[i].total, (n[i].whole + n[i].split) * CHUNK);
		EXPECT_LE(n[i].clean_whole, n[i].whole);
		EXPECT_LE(n[i].clean_whole * CHUNK, n[i].clean);
		EXPECT_EQ(0, n[i].lost);
		total += n[i].total;
		used += n[i].used;
	}
	EXPECT_EQ(pi.total_bytes, total);
	EXPECT_EQ(pi.used_bytes, used);
	EXPECT_EQ(CHUNK + 3 * PAGE, used);
	close(buf);
}

/* The sums hold at every moment, not just at rest. */
TEST_F(pool, nodes_while_busy)
{
	struct node_line n[64];
	int nr, i, round;
	pid_t pid;
	char *p;

	pid = fork();
	if (!pid) {
		for (;;) {
			p = mmap(NULL, 3 * MIB, RDWR, MAP_SHARED, self->fd, 0);
			if (p == MAP_FAILED)
				_exit(1);
			touch_write(p, 3 * MIB);
			munmap(p, 3 * MIB);
		}
	}
	for (round = 0; round < 200; round++) {
		nr = read_nodes(n, ARRAY_SIZE(n));
		EXPECT_LT(0, nr);
		for (i = 0; i < nr; i++) {
			EXPECT_EQ(n[i].total, n[i].clean + n[i].dirty + n[i].quarantined +
				  n[i].used + n[i].retired);
			EXPECT_EQ(n[i].total, (n[i].whole + n[i].split) * CHUNK);
		}
	}
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, child_status(pid));
}

struct buddy_line {
	int node, order;
	unsigned long long free;
	double unusable;
};

static int read_buddy(struct buddy_line *b, int max)
{
	FILE *f = fopen(DEBUGFS "/buddy", "re");
	char line[512], rest;
	int i = 0;

	if (!f)
		return -1;
	if (!fgets(line, sizeof(line), f) || strcmp(line, "node order free unusable\n"))
		i = -1;
	while (i >= 0 && i < max && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%d %d %llu %lf %c", &b->node, &b->order, &b->free,
			   &b->unusable, &rest) != 4) {
			i = -1;
			break;
		}
		b++;
		i++;
	}
	fclose(f);
	return i;
}

TEST_F(pool, buddy)
{
	static struct buddy_line b[64 * BUDDY_ORDERS];
	struct zcpool_info pi;
	unsigned long long free[64] = { 0 };
	struct node_line n[64];
	int nr, i, buf, nodes;

	ASSERT_EQ(0, pool_info(self->fd, -1, &pi));
	/* One page from a chunk leaves a block of every order from 0 to 8. */
	buf = buf_alloc(self->fd, PAGE, ZCPOOL_ALLOC_THISNODE, 0);
	ASSERT_LE(0, buf);
	ASSERT_EQ(0, pool_wait_idle(self->fd, &pi));
	nr = read_buddy(b, ARRAY_SIZE(b));
	ASSERT_EQ((int)pi.nr_nodes * BUDDY_ORDERS, nr);
	for (i = 0; i < nr; i++) {
		EXPECT_EQ(i % BUDDY_ORDERS, b[i].order);
		EXPECT_LE(0.0, b[i].unusable);
		EXPECT_GE(1.0, b[i].unusable);
		/* Nothing is unusable for a page; larger requests can only have less. */
		EXPECT_LE(b[i].order ? b[i - 1].unusable : 0.0, b[i].unusable);
		EXPECT_TRUE(b[i].order || b[i].unusable == 0.0);
		EXPECT_TRUE(b[i].node || b[i].free)
			TH_LOG("order %d", b[i].order);
		free[b[i].node] += b[i].free << b[i].order;
	}
	/* What the chunks that are split do not have free is in use. */
	nodes = read_nodes(n, ARRAY_SIZE(n));
	for (i = 0; i < nodes; i++)
		EXPECT_EQ(n[i].split * 512 - n[i].used / PAGE, free[n[i].node]);
	close(buf);
}

/* What "buffers" says of a buffer; false if it does not list it. */
static bool find_buffer(__u64 id, char *comm, unsigned long long *v)
{
	FILE *f = fopen(DEBUGFS "/buffers", "re");
	unsigned long long got;
	bool found = false;
	char line[512], rest;
	int node;

	if (!f)
		return false;
	if (!fgets(line, sizeof(line), f) ||
	    strcmp(line, "id size node pid comm age_ms mappings pinned\n"))
		id = 0;
	while (!found && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llu %llu %d %llu %63s %llu %llu %llu %c", &got, &v[0], &node,
			   &v[1], comm, &v[2], &v[3], &v[4], &rest) != 8)
			break;
		v[5] = node;
		found = got == id;
	}
	fclose(f);
	return found;
}

enum { SIZE, PID, AGE, MAPPINGS, PINNED, NODE };

TEST_F(pool, buffers)
{
	struct zcpool_buf_info bi;
	unsigned long long v[6];
	char comm[64], *p, *q;
	int buf;

	prctl(PR_SET_NAME, "two words");
	buf = buf_alloc(self->fd, 3 * MIB, ZCPOOL_ALLOC_THISNODE, 0);
	ASSERT_LE(0, buf);
	ASSERT_EQ(0, buf_info(buf, &bi));
	ASSERT_TRUE(find_buffer(bi.id, comm, v));
	EXPECT_EQ(3 * MIB, v[SIZE]);
	EXPECT_EQ((unsigned long long)getpid(), v[PID]);
	EXPECT_EQ(0, v[NODE]);
	EXPECT_EQ(0, v[MAPPINGS]);
	EXPECT_EQ(0, v[PINNED]);
	EXPECT_STREQ("two_words", comm);
	p = buf_map(buf, 3 * MIB, 0);
	q = buf_map(buf, PAGE, 0);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_NE(MAP_FAILED, q);
	ASSERT_TRUE(find_buffer(bi.id, comm, v));
	EXPECT_EQ(2, v[MAPPINGS]);
	munmap(q, PAGE);
	close(buf);
	/* Held by a mapping alone */
	ASSERT_TRUE(find_buffer(bi.id, comm, v));
	EXPECT_EQ(1, v[MAPPINGS]);
	munmap(p, 3 * MIB);
	EXPECT_FALSE(find_buffer(bi.id, comm, v));
}

/* A program may call itself nothing; there is a word in the column all the same. */
TEST_F(pool, buffers_of_no_name)
{
	struct zcpool_buf_info bi;
	unsigned long long v[6];
	char comm[64];
	int buf;

	prctl(PR_SET_NAME, "");
	buf = buf_alloc(self->fd, PAGE, 0, -1);
	ASSERT_EQ(0, buf_info(buf, &bi));
	ASSERT_TRUE(find_buffer(bi.id, comm, v));
	EXPECT_STREQ("_", comm);
	close(buf);
}

/* Registered with io_uring, memory stays pinned: chunks count whole, other pages each. */
TEST_F(pool, buffers_pinned)
{
	struct io_uring_params params = {};
	struct zcpool_buf_info bi;
	unsigned long long v[6];
	size_t pinned = 0;
	struct iovec iov[2];
	char comm[64], *p;
	int buf, ring, i;

	ring = syscall(SYS_io_uring_setup, 1, &params);
	if (ring < 0)
		SKIP(return, "no io_uring: %s", strerror(errno));
	buf = buf_alloc(self->fd, 2 * CHUNK + MIB, 0, -1);
	ASSERT_EQ(0, buf_info(buf, &bi));
	p = buf_map(buf, bi.size, 0);
	ASSERT_NE(MAP_FAILED, p);
	iov[0] = (struct iovec){ p + CHUNK + PAGE, PAGE };
	iov[1] = (struct iovec){ p + 2 * CHUNK + 3 * PAGE, 2 * PAGE };
	/* Linux 6.1 refuses memory of a file's. */
	if (!syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, iov, 2))
		pinned = has_pmds() ? CHUNK + 2 * PAGE : 3 * PAGE;
	else
		EXPECT_EQ(EOPNOTSUPP, errno);
	EXPECT_TRUE(find_buffer(bi.id, comm, v));
	EXPECT_EQ(pinned, v[PINNED]);
	close(ring);
	for (i = 0; i < POLL_TRIES && v[PINNED]; i++) {
		usleep(POLL_USEC);
		ASSERT_TRUE(find_buffer(bi.id, comm, v));
	}
	EXPECT_EQ(0, v[PINNED]);
	munmap(p, bi.size);
	close(buf);
}

/* A buffer made by mmap of the pool is listed as well: by size, it has no fd. */
TEST_F(pool, buffers_of_pool_mmap)
{
	char *p = mmap(NULL, 37 * PAGE, RDWR, MAP_SHARED, self->fd, 0);
	char line[512];
	int n = 0;
	FILE *f;

	ASSERT_NE(MAP_FAILED, p);
	f = fopen(DEBUGFS "/buffers", "re");
	ASSERT_NE(NULL, f);
	while (fgets(line, sizeof(line), f))
		n += !!strstr(line, " 151552 ");
	fclose(f);
	EXPECT_EQ(1, n);
	munmap(p, 37 * PAGE);
}

TEST_F(pool, files_are_readonly)
{
	int fd = open(DEBUGFS "/nodes", O_WRONLY | O_CLOEXEC);

	/* Root may open it so, but there is nothing to write to. */
	EXPECT_EQ(-1, write(fd, "0\n", 2));
	close(fd);
}

/* Lines of the trace buffer that contain the word */
static int traced(const char *word)
{
	FILE *f = fopen(TRACING "/trace", "re");
	char line[1024];
	int n = 0;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		n += line[0] != '#' && strstr(line, word);
	fclose(f);
	return n;
}

FIXTURE(trace) {
	int fd;
};

FIXTURE_SETUP(trace)
{
	if (access(TRACING "/trace", R_OK))
		SKIP(return, "no tracefs at " TRACING);
	self->fd = pool_open();
	ASSERT_LE(0, self->fd);
	ASSERT_TRUE(put(TRACING "/trace", ""));
	ASSERT_TRUE(put(TRACING "/events/zcpool/enable", "1"));
}

FIXTURE_TEARDOWN(trace)
{
	put(TRACING "/events/zcpool/enable", "0");
	put(TRACING "/events/zcpool/zcpool_fault/filter", "0");
	put(TRACING "/trace", "");
	EXPECT_EQ(0, pool_wait_used(self->fd, 0));
	close(self->fd);
}

TEST_F(trace, events_exist)
{
	static const char * const names[] = {
		"alloc", "free", "map", "fault", "scrub", "quarantine", "grow",
	};
	char path[128];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), TRACING "/events/zcpool/zcpool_%s/format", names[i]);
		EXPECT_EQ(0, access(path, R_OK))
			TH_LOG("%s", path);
	}
}

TEST_F(trace, a_life)
{
	struct zcpool_info pi;
	char *p;
	int buf;

	buf = buf_alloc(self->fd, CHUNK + PAGE, 0, -1);
	ASSERT_LE(0, buf);
	EXPECT_EQ(1, traced("zcpool_alloc:"));
	EXPECT_EQ(0, traced("zcpool_map:"));
	p = buf_map(buf, CHUNK + PAGE, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(1, traced("zcpool_map:"));
	EXPECT_EQ(0, traced("zcpool_fault:"));
	touch_write(p, CHUNK + PAGE);
	EXPECT_EQ(has_pmds() ? 2 : 1 + CHUNK / PAGE, traced("zcpool_fault:"));
	EXPECT_EQ(0, traced("zcpool_free:"));
	munmap(p, CHUNK + PAGE);
	close(buf);
	EXPECT_EQ(1, traced("zcpool_free:"));
	ASSERT_EQ(0, pool_wait_idle(self->fd, &pi));
	EXPECT_LT(0, traced("zcpool_scrub:"));
}

static int faults_of_order(struct __test_metadata *_metadata, int fd, size_t len, int order)
{
	char filter[32], *p;

	snprintf(filter, sizeof(filter), "order == %d", order);
	EXPECT_TRUE(put(TRACING "/events/zcpool/zcpool_fault/filter", filter));
	put(TRACING "/trace", "");
	p = mmap(NULL, len, RDWR, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	touch_write(p, len);
	munmap(p, len);
	return traced("zcpool_fault:");
}

TEST_F(trace, order_of_faults)
{
	size_t len = 2 * CHUNK + 3 * PAGE;

	if (!has_pmds())
		SKIP(return, NO_PMDS);
	EXPECT_EQ(2, faults_of_order(_metadata, self->fd, len, 9));
	EXPECT_EQ(3, faults_of_order(_metadata, self->fd, len, 0));
}

TEST_F(trace, growth)
{
	struct zcpool_info pi;
	int buf;

	ASSERT_EQ(0, pool_wait_idle(self->fd, &pi));
	EXPECT_EQ(0, traced("zcpool_grow:"));
	buf = buf_alloc(self->fd, pi.total_bytes + CHUNK, 0, -1);
	ASSERT_LE(0, buf);
	EXPECT_LT(0, traced("zcpool_grow:"));
	close(buf);
}

TEST_F(trace, quarantine)
{
	struct zcpool_info pi;
	struct iovec iov;
	int fds[2];
	char *p;

	ASSERT_EQ(0, pipe(fds));
	p = mmap(NULL, PAGE, RDWR, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	iov = (struct iovec){ p, PAGE };
	ASSERT_EQ((ssize_t)PAGE, vmsplice(fds[1], &iov, 1, 0));
	munmap(p, PAGE);
	ASSERT_EQ(0, pool_wait_scrubbed(self->fd, &pi));
	EXPECT_EQ(PAGE, pi.quarantined_bytes);
	EXPECT_LT(0, traced("zcpool_quarantine:"));
	close(fds[0]);
	close(fds[1]);
	EXPECT_EQ(0, pool_wait_idle(self->fd, &pi));
}

TEST_HARNESS_MAIN
