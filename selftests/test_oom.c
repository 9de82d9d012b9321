// SPDX-License-Identifier: GPL-2.0
/* module: reserve=64M max=512M */
/* timeout: 480 */
/*
 * A node that is out of memory: what is free in the pool there goes before a process does,
 * and what is free elsewhere stays.
 *
 * A child takes all that the kernel has on the last node, and is the one to be killed. The
 * kernel log has each time that the pool gave something up, and however long anything takes,
 * it does not lose that. The rest of the system has the other nodes.
 */
#include "zcpool_test.h"

#include <linux/mempolicy.h>
#include <sys/prctl.h>

#define MAX_NODES	64
#define IN_USE		(3 * CHUNK + PAGE)
/* Whole chunks, and a split one */
#define CHUNKS_IN_USE	4

/* How much it takes until it looks again; less than the reserve, so that there is more. */
#define STEP		(16 * MIB)
/* Of what is free this is taken in small pages: before that there is no shortage. */
#define LAST		(32 * MIB)
#define KILLED		(128 + SIGKILL)

FIXTURE(oom) {
	int fd;
	int log;		/* /dev/kmsg, to be read from where it was at first */
	int node;
	__u64 free;		/* what the pool has there that nobody uses */
	int buf;
	char *p;
};

/* The last node that the pool has; the first for want of others */
static int last_node(int pool)
{
	struct zcpool_info pi;
	int node, last = 0;

	for (node = 0; node < MAX_NODES; node++) {
		if (!pool_info(pool, node, &pi))
			last = node;
	}
	return last;
}

/*
 * A CPU keeps what was freed last to itself, up to an eighth of a node, and who runs out of
 * memory does not get at that: it may be all that the pool has just given up. Here it keeps
 * next to nothing.
 */
#define KEEP_LITTLE	"/proc/sys/vm/percpu_pagelist_high_fraction"

/* What other tests have left in the page cache may make the other nodes look short, too. */
FIXTURE_SETUP(oom)
{
	struct zcpool_info pi;

	self->fd = pool_open();
	ASSERT_LE(0, self->fd);
	self->node = last_node(self->fd);
	sync();
	ASSERT_TRUE(put("/proc/sys/vm/drop_caches", "1"));
	ASSERT_TRUE(put(KEEP_LITTLE, "1000000"));

	self->buf = buf_alloc(self->fd, IN_USE, ZCPOOL_ALLOC_THISNODE, self->node);
	ASSERT_LE(0, self->buf);
	self->p = buf_map(self->buf, IN_USE, 0);
	ASSERT_NE(MAP_FAILED, self->p);
	fill(self->p, IN_USE, 1);
	ASSERT_EQ(0, pool_wait_reserve(self->fd, -1, CHUNK, &pi));
	ASSERT_EQ(0, pool_info(self->fd, self->node, &pi));
	self->free = pi.total_bytes - CHUNKS_IN_USE * CHUNK;
	ASSERT_LT(0, self->free);

	self->log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, self->log);
	ASSERT_EQ(0, lseek(self->log, 0, SEEK_END));
}

/* What it gave up comes again, and what was in use is what it was. */
FIXTURE_TEARDOWN(oom)
{
	struct zcpool_info pi;
	int node;

	EXPECT_TRUE(put(KEEP_LITTLE, "0"));
	EXPECT_TRUE(filled(self->p, IN_USE, 1));
	munmap(self->p, IN_USE);
	close(self->buf);
	EXPECT_EQ(0, pool_wait_reserve(self->fd, -1, CHUNK, &pi));
	for (node = 0; node <= self->node; node++) {
		if (pool_info(self->fd, node, &pi))
			continue;
		EXPECT_TRUE(info_adds_up(&pi));
	}
	close(self->log);
	close(self->fd);
}

/* Memory of that node only, where there is another */
static char *map_of_node(int node, size_t len)
{
	unsigned long mask = 1UL << node;
	char *p;

	p = mmap(NULL, len, RDWR, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p != MAP_FAILED && node &&
	    syscall(SYS_mbind, p, len, MPOL_BIND, &mask, 8 * sizeof(mask), 0))
		return MAP_FAILED;
	return p;
}

/* What the kernel has free on a node, in bytes */
static size_t node_free(int node)
{
	char path[64], name[32];
	long kb;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/meminfo", node);
	snprintf(name, sizeof(name), "Node %d MemFree:", node);
	kb = file_field(path, name);
	if (kb < 0)
		kb = file_field("/proc/meminfo", "MemFree:");
	return kb < 0 ? 0 : kb * KIB;
}

enum until {
	UNTIL_GIVEN_UP,
	UNTIL_KILLED
};

/*
 * Takes what the kernel has on a node; the kernel's victim. Its own code stays in memory:
 * else it would be read from the disk again and again before the kernel finds that there is
 * no more. Returns 0 once the pool has less than its reserve there, if that will do.
 */
static int take_all(int pool, int node, enum until until)
{
	const size_t len = file_field("/proc/meminfo", "MemTotal:") * KIB;
	const size_t free = node_free(node);
	size_t done = free > LAST ? (free - LAST) & ~(PAGE - 1) : 0;
	struct zcpool_info pi;
	char *p;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!put("/proc/self/oom_score_adj", "1000") || mlockall(MCL_CURRENT))
		return 1;
	p = map_of_node(node, len);
	if (p == MAP_FAILED)
		return 2;
	/* Where there are huge pages: many times as fast on a kernel that looks for faults. */
	madvise(p, done, MADV_HUGEPAGE);
	touch_write(p, done);
	for (; done + STEP <= len; done += STEP) {
		touch_write(p + done, STEP);
		if (pool_info(pool, node, &pi))
			return 3;
		if (until == UNTIL_GIVEN_UP && pi.total_bytes < pi.reserve_bytes)
			return 0;
	}
	return 4;
}

/* Adds to each node what it gave up by the rest of the kernel log; how many lines say so */
static int read_log(int log, __u64 *gave)
{
	char line[1024], *at;
	int node, lines = 0;
	unsigned int mib;
	ssize_t n;

	for (;;) {
		n = read(log, line, sizeof(line) - 1);
		if (n < 0 && errno == EPIPE)
			return -1;	/* Some has been overwritten. */
		if (n < 0)
			return lines;
		line[n] = 0;
		at = strstr(line, "out of memory: node ");
		if (!at || sscanf(at, "out of memory: node %d: %u MiB", &node, &mib) != 2 ||
		    node < 0 || node >= MAX_NODES)
			continue;
		gave[node] += mib * MIB;
		lines++;
	}
}

/* Whether one node gave up at least so much, and the others nothing */
static bool only_node_gave(int pool, int log, int the_one, __u64 least)
{
	__u64 gave[MAX_NODES] = {};
	struct zcpool_info pi;
	bool ok;
	int node;

	ok = read_log(log, gave) > 0;
	for (node = 0; node < MAX_NODES; node++) {
		if (node == the_one ? gave[node] < least : gave[node]) {
			printf("# node %d gave %llu bytes, node %d had %llu to give\n",
			       node, gave[node], the_one, least);
			ok = false;
		}
		if (node != the_one && !pool_info(pool, node, &pi) &&
		    pi.total_bytes < pi.reserve_bytes) {
			printf("# node %d has %llu bytes left\n", node, pi.total_bytes);
			ok = false;
		}
	}
	return ok;
}

#define TOO_MUCH	"a process cannot have that much memory"

TEST_F(oom, free_memory_goes_first)
{
	pid_t pid;

	if (sizeof(long) < 8)
		SKIP(return, TOO_MUCH);
	pid = fork();
	if (!pid)
		_exit(take_all(self->fd, self->node, UNTIL_GIVEN_UP));
	EXPECT_EQ(0, child_status(pid));
	EXPECT_TRUE(only_node_gave(self->fd, self->log, self->node, self->free));
}

/* A process that is too large for its node anyway costs the others nothing, either. */
TEST_F(oom, killed_in_the_end)
{
	pid_t pid;

	if (sizeof(long) < 8)
		SKIP(return, TOO_MUCH);
	pid = fork();
	if (!pid)
		_exit(take_all(self->fd, self->node, UNTIL_KILLED));
	EXPECT_EQ(KILLED, child_status(pid));
	EXPECT_TRUE(only_node_gave(self->fd, self->log, self->node, self->free));
}

TEST_HARNESS_MAIN
