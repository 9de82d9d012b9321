// SPDX-License-Identifier: GPL-2.0
/* module: reserve=16M max=64M */
/*
 * Where memory lies: near the caller, where asked for, or elsewhere only when
 * that is allowed. Read back from the kernel, not from the pool alone.
 */
#include "zcpool_test.h"

/* Pages that numa_maps counts on a node at the mapping at p */
static long numa_maps_pages(const void *p, int node)
{
	unsigned long start;
	char line[1024], key[16], *at;
	long pages = 0;
	FILE *f;

	f = fopen("/proc/self/numa_maps", "re");
	if (!f)
		return -1;
	snprintf(key, sizeof(key), " N%d=", node);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx ", &start) != 1 || start != (unsigned long)p)
			continue;
		at = strstr(line, key);
		if (at)
			pages = strtol(at + strlen(key), NULL, 10);
	}
	fclose(f);
	return pages;
}

/* Whether a buffer lies on that node with all its pages */
static bool lies_on(int buf, size_t len, int node)
{
	struct zcpool_buf_info bi;
	bool ok;
	char *p;

	p = buf_map(buf, len, 0);
	if (p == MAP_FAILED || buf_info(buf, &bi))
		return false;
	touch_write(p, len);
	ok = bi.node == node && numa_maps_pages(p, node) == (long)(len / PAGE) &&
	     numa_maps_pages(p, !node) == 0 &&
	     node_of(p) == node && node_of(p + len - PAGE) == node;
	if (!ok)
		fprintf(stderr,
			"# on node %d, by move_pages() %d and %d, by numa_maps %ld and %ld\n",
			bi.node, node_of(p), node_of(p + len - PAGE), numa_maps_pages(p, 0),
			numa_maps_pages(p, 1));
	munmap(p, len);
	return ok;
}

FIXTURE(numa) {
	int fd;
};

FIXTURE_SETUP(numa)
{
	if (!node_exists(0) || !node_exists(1))
		SKIP(return, "needs memory nodes 0 and 1");
	self->fd = pool_open();
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(numa)
{
	EXPECT_EQ(0, pool_wait_used(self->fd, 0));
	close(self->fd);
}

static const size_t sizes[] = { PAGE, 20 * PAGE, CHUNK, 5 * MIB };

TEST_F(numa, local_by_default)
{
	unsigned int i;
	int node, buf;

	for (node = 0; node < 2; node++) {
		ASSERT_EQ(0, run_on_node(node));
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			buf = buf_alloc(self->fd, sizes[i], 0, -1);
			ASSERT_LE(0, buf);
			EXPECT_TRUE(lies_on(buf, sizes[i], node));
			close(buf);
		}
	}
}

TEST_F(numa, explicit_node)
{
	unsigned int i;
	int cpu, node, buf;

	for (cpu = 0; cpu < 2; cpu++) {
		ASSERT_EQ(0, run_on_node(cpu));
		for (node = 0; node < 2; node++) {
			for (i = 0; i < ARRAY_SIZE(sizes); i++) {
				buf = buf_alloc(self->fd, sizes[i], 0, node);
				ASSERT_LE(0, buf);
				EXPECT_TRUE(lies_on(buf, sizes[i], node));
				close(buf);
			}
		}
	}
}

TEST_F(numa, pool_mmap_is_local)
{
	int node;
	char *p;

	for (node = 0; node < 2; node++) {
		ASSERT_EQ(0, run_on_node(node));
		p = mmap(NULL, CHUNK + 2 * PAGE, RDWR, MAP_SHARED, self->fd, 0);
		ASSERT_NE(MAP_FAILED, p);
		touch_write(p, CHUNK + 2 * PAGE);
		EXPECT_EQ(514, numa_maps_pages(p, node));
		EXPECT_EQ(node, node_of(p));
		EXPECT_EQ(node, node_of(p + CHUNK + PAGE));
		munmap(p, CHUNK + 2 * PAGE);
	}
}

/* The node is that of the memory, whoever touches it first. */
TEST_F(numa, first_touch_does_not_matter)
{
	int buf;

	ASSERT_EQ(0, run_on_node(0));
	buf = buf_alloc(self->fd, CHUNK + PAGE, 0, -1);
	ASSERT_LE(0, buf);
	ASSERT_EQ(0, run_on_node(1));
	EXPECT_TRUE(lies_on(buf, CHUNK + PAGE, 0));
	close(buf);
}

/* Takes chunks of a node until there is none; their number */
static int take_node(int pool, int node, __u32 flags, int *buf, int max, int *err)
{
	int n = 0;

	while (n < max) {
		buf[n] = buf_alloc(pool, CHUNK, flags, node);
		if (buf[n] < 0) {
			*err = -buf[n];
			break;
		}
		n++;
	}
	return n;
}

/*
 * The other node's reserve is not to be had for growth, so one node can be
 * used up while the other one still has memory.
 */
TEST_F(numa, thisnode_exhaustion_and_fallback)
{
	int buf[40], n, m, err = 0, node, i;
	struct zcpool_buf_info bi;
	struct zcpool_info pi;

	for (node = 0; node < 2; node++) {
		ASSERT_EQ(0, run_on_node(node));
		n = take_node(self->fd, node, ZCPOOL_ALLOC_THISNODE, buf, 40, &err);
		EXPECT_EQ(ENOSPC, err);
		/* 64 MiB less the other node's 16 MiB, give or take split chunks */
		EXPECT_GE(24, n);
		EXPECT_LE(22, n);
		for (i = 0; i < n; i++) {
			ASSERT_EQ(0, buf_info(buf[i], &bi));
			EXPECT_EQ(node, bi.node);
		}
		EXPECT_TRUE(lies_on(buf[0], CHUNK, node));
		EXPECT_TRUE(lies_on(buf[n - 1], CHUNK, node));
		EXPECT_EQ(-ENOSPC, buf_alloc(self->fd, CHUNK, ZCPOOL_ALLOC_THISNODE, -1));
		/* With leave to go elsewhere there is more. */
		m = n + take_node(self->fd, node, 0, buf + n, 40 - n, &err);
		EXPECT_EQ(ENOSPC, err);
		EXPECT_LE(n + 7, m);
		for (i = n; i < m; i++)
			EXPECT_TRUE(lies_on(buf[i], CHUNK, !node));
		for (i = 0; i < m; i++)
			close(buf[i]);
		/* Until it has gone back to the kernel it counts against the maximum. */
		EXPECT_EQ(0, pool_wait_used(self->fd, 0));
		EXPECT_EQ(0, pool_wait_idle(self->fd, &pi));
	}
}

/* Part of it here, part of it there: BUF_INFO says -1, the kernel says where. */
TEST_F(numa, buffer_across_nodes)
{
	struct zcpool_buf_info bi;
	size_t len = 60 * MIB;
	long n0, n1;
	char *p;
	int buf;

	ASSERT_EQ(0, run_on_node(0));
	EXPECT_EQ(-ENOSPC, buf_alloc(self->fd, len, ZCPOOL_ALLOC_THISNODE, 0));
	buf = buf_alloc(self->fd, len, 0, 0);
	ASSERT_LE(0, buf);
	ASSERT_EQ(0, buf_info(buf, &bi));
	EXPECT_EQ(-1, bi.node);
	p = buf_map(buf, len, 0);
	ASSERT_NE(MAP_FAILED, p);
	touch_write(p, len);
	n0 = numa_maps_pages(p, 0);
	n1 = numa_maps_pages(p, 1);
	EXPECT_EQ((long)(len / PAGE), n0 + n1);
	/* As much as can be where it was asked for */
	EXPECT_LE((long)(44 * MIB / PAGE), n0);
	EXPECT_LT(0, n1);
	EXPECT_EQ(0, node_of(p));
	munmap(p, len);
	close(buf);
}

TEST_F(numa, info_of_a_node)
{
	struct zcpool_info a0, a1, b0, b1;
	int buf;

	ASSERT_EQ(0, pool_info(self->fd, 0, &a0));
	ASSERT_EQ(0, pool_info(self->fd, 1, &a1));
	buf = buf_alloc(self->fd, CHUNK, ZCPOOL_ALLOC_THISNODE, 1);
	ASSERT_LE(0, buf);
	ASSERT_EQ(0, pool_info(self->fd, 0, &b0));
	ASSERT_EQ(0, pool_info(self->fd, 1, &b1));
	EXPECT_EQ(a0.used_bytes, b0.used_bytes);
	EXPECT_EQ(a1.used_bytes + CHUNK, b1.used_bytes);
	close(buf);
}

#define CGROUP		"/sys/fs/cgroup/zcpool_test"

/* On a CPU of node 0, with memory of node 1 only; 0 if all is as it should be */
static int alloc_beyond_cpuset(int pool)
{
	int buf;

	if (!put(CGROUP "/cgroup.procs", "0") || run_on_node(0))
		return 4;
	if (buf_alloc(pool, CHUNK, 0, 0) != -EINVAL)
		return 1;
	buf = buf_alloc(pool, 5 * MIB, 0, -1);
	if (buf < 0 || !lies_on(buf, 5 * MIB, 1))
		return 2;
	return buf_alloc(pool, CHUNK, ZCPOOL_ALLOC_THISNODE, -1) < 0 ? 0 : 3;
}

/* A cpuset may leave a program none of the memory that is nearest to it. */
TEST_F(numa, local_node_not_allowed)
{
	pid_t pid;

	put("/sys/fs/cgroup/cgroup.subtree_control", "+cpuset");
	mkdir(CGROUP, 0755);
	if (!put(CGROUP "/cpuset.mems", "1")) {
		rmdir(CGROUP);
		SKIP(return, "no cpusets here");
	}
	pid = fork();
	if (!pid)
		_exit(alloc_beyond_cpuset(self->fd));
	EXPECT_EQ(0, child_status(pid));
	EXPECT_EQ(0, rmdir(CGROUP));
}

/* The kernel's own ways to move pages about must leave the pool's in place. */
TEST_F(numa, pages_do_not_migrate)
{
	size_t len = CHUNK + 4 * PAGE;
	unsigned long mask = 1UL << 1;
	int buf, target = 1, status = 0;
	void *page;
	char *p;

	buf = buf_alloc(self->fd, len, ZCPOOL_ALLOC_THISNODE, 0);
	ASSERT_LE(0, buf);
	p = buf_map(buf, len, 0);
	ASSERT_NE(MAP_FAILED, p);
	fill(p, len, 1);
	syscall(SYS_mbind, p, len, 2 /* MPOL_BIND */, &mask, 64UL, 6U /* MOVE | MOVE_ALL */);
	EXPECT_TRUE(filled(p, len, 1));
	page = p + PAGE;
	syscall(SYS_move_pages, 0, 1UL, &page, &target, &status, 4 /* MOVE_ALL */);
	page = p + CHUNK + PAGE;
	syscall(SYS_move_pages, 0, 1UL, &page, &target, &status, 4);
	mask = 1;
	syscall(SYS_migrate_pages, 0, 64UL, &mask, &(unsigned long){ 2 });
	EXPECT_TRUE(filled(p, len, 1));
	EXPECT_EQ(0, node_of(p));
	EXPECT_EQ(0, node_of(p + CHUNK + PAGE));
	munmap(p, len);
	EXPECT_TRUE(lies_on(buf, len, 0));
	close(buf);
}

TEST_HARNESS_MAIN
