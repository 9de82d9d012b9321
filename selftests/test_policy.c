// SPDX-License-Identifier: GPL-2.0
/* module: reserve=0:0 max=64M */
/*
 * Which nodes a pool has its memory on, by the options "nodes" and "policy".
 */
#include "zcpool_test.h"
#include "lib/mount.h"
#include <sys/mount.h>

#define A	"/run/zcpool_a"

FIXTURE(policy) {
	char message[MESSAGE_SIZE];
	int root;
};

FIXTURE_SETUP(policy)
{
	if (!node_exists(0) || !node_exists(1))
		SKIP(return, "needs memory nodes 0 and 1");
	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_TRUE(make_dir(A));
	self->root = -1;
}

FIXTURE_TEARDOWN(policy)
{
	EXPECT_EQ(0, pool_wait_used(self->root, 0));
	close(self->root);
	umount2(A, MNT_DETACH);
	EXPECT_TRUE(pool_ends("a"));
}

/* The root directory of a new pool, or -1 */
static int pool_with(const char *options)
{
	char message[MESSAGE_SIZE];
	int err = mount_pool("a", options, A, message);

	if (!err)
		return open(A, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fprintf(stderr, "# %s: %s: %s\n", options, strerror(-err), message);
	return -1;
}

/* Pages of a new buffer that the kernel says are on node 0 and 1; false where it fails */
static bool lies(int pool, size_t len, __u32 flags, int node, unsigned long *on)
{
	int buf = buf_alloc(pool, len, flags, node), at;
	size_t off;
	char *p;

	on[0] = 0;
	on[1] = 0;
	if (buf < 0)
		return false;
	p = buf_map(buf, len, 0);
	close(buf);
	if (p == MAP_FAILED)
		return false;
	touch_write(p, len);
	for (off = 0; off < len; off += off + CHUNK <= len ? CHUNK : PAGE) {
		at = node_of(p + off);
		if (at == 0 || at == 1)
			on[at] += off + CHUNK <= len ? CHUNK / PAGE : 1;
	}
	munmap(p, len);
	return true;
}

static const size_t sizes[] = { PAGE, 20 * PAGE, CHUNK, CHUNK + 6 * PAGE, 2 * CHUNK };

/* Whether buffers of all sizes lie on that node with all they have */
static bool all_on(int pool, __u32 flags, int node, int want)
{
	unsigned long on[2];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (!lies(pool, sizes[i], flags, node, on) || on[!want] ||
		    on[want] != sizes[i] / PAGE) {
			fprintf(stderr, "# %zu bytes: %lu on node 0, %lu on node 1\n",
				sizes[i], on[0], on[1]);
			return false;
		}
	}
	return true;
}

TEST_F(policy, local)
{
	int cpu;

	self->root = pool_with("max=16M");
	ASSERT_LE(0, self->root);
	for (cpu = 0; cpu < 2; cpu++) {
		ASSERT_EQ(0, run_on_node(cpu));
		EXPECT_TRUE(all_on(self->root, 0, -1, cpu));
		EXPECT_TRUE(all_on(self->root, 0, !cpu, !cpu));
	}
}

/* Nodes are named for where a reserve is. */
TEST_F(policy, local_with_nodes)
{
	struct zcpool_info pi;

	self->root = pool_with("max=16M policy=local nodes=1 reserve=4M");
	ASSERT_LE(0, self->root);
	ASSERT_EQ(0, pool_info(self->root, 0, &pi));
	EXPECT_EQ(0, pi.total_bytes);
	ASSERT_EQ(0, pool_info(self->root, 1, &pi));
	EXPECT_EQ(4 * MIB, pi.total_bytes);
	ASSERT_EQ(0, run_on_node(0));
	EXPECT_TRUE(all_on(self->root, 0, -1, 0));
}

TEST_F(policy, bind)
{
	int cpu, node, buf[8], i;
	char options[32];

	for (node = 0; node < 2; node++) {
		snprintf(options, sizeof(options), "max=16M nodes=%d", node);
		self->root = pool_with(options);
		ASSERT_LE(0, self->root);
		for (cpu = 0; cpu < 2; cpu++) {
			ASSERT_EQ(0, run_on_node(cpu));
			EXPECT_TRUE(all_on(self->root, 0, -1, node));
			EXPECT_TRUE(all_on(self->root, ZCPOOL_ALLOC_THISNODE, node, node));
			EXPECT_EQ(-EINVAL, buf_alloc(self->root, PAGE, 0, !node));
		}
		/* Also the last of it */
		for (i = 0; i < 8; i++) {
			buf[i] = buf_alloc(self->root, CHUNK, 0, -1);
			EXPECT_LE(0, buf[i]);
		}
		EXPECT_EQ(-ENOSPC, buf_alloc(self->root, CHUNK, 0, -1));
		for (i = 0; i < 8; i++)
			close(buf[i]);
		close(self->root);
		ASSERT_EQ(0, umount(A));
		EXPECT_TRUE(pool_ends("a"));
	}
	self->root = pool_with("max=16M nodes=0+1");
	ASSERT_LE(0, self->root);
	for (cpu = 0; cpu < 2; cpu++) {
		ASSERT_EQ(0, run_on_node(cpu));
		EXPECT_TRUE(all_on(self->root, 0, -1, cpu));
	}
}

/* Elsewhere only once there is no more: here because the rest is the other node's reserve. */
TEST_F(policy, prefer)
{
	struct zcpool_buf_info bi;
	int cpu, buf[8], i, there = 0;

	self->root = pool_with("max=16M nodes=1 policy=prefer reserve=0:8M");
	ASSERT_LE(0, self->root);
	for (cpu = 0; cpu < 2; cpu++) {
		ASSERT_EQ(0, run_on_node(cpu));
		EXPECT_TRUE(all_on(self->root, 0, -1, 1));
		EXPECT_TRUE(all_on(self->root, 0, 0, 0));
		EXPECT_TRUE(all_on(self->root, ZCPOOL_ALLOC_THISNODE, -1, cpu));
	}
	for (i = 0; i < 8; i++) {
		buf[i] = buf_alloc(self->root, CHUNK, 0, -1);
		ASSERT_LE(0, buf[i]);
		ASSERT_EQ(0, buf_info(buf[i], &bi));
		there += bi.node == 1;
		/* Those come first. */
		EXPECT_TRUE(bi.node == 0 || there == i + 1);
	}
	EXPECT_LE(2, there);
	EXPECT_GE(4, there);
	for (i = 0; i < 8; i++)
		close(buf[i]);
}

TEST_F(policy, interleave)
{
	unsigned long on[2], before;
	int cpu, i, n;

	self->root = pool_with("max=32M policy=interleave");
	ASSERT_LE(0, self->root);
	for (cpu = 0; cpu < 2; cpu++) {
		ASSERT_EQ(0, run_on_node(cpu));
		/* Chunk by chunk */
		ASSERT_TRUE(lies(self->root, 8 * MIB, 0, -1, on));
		EXPECT_EQ(4 * MIB / PAGE, on[0]);
		EXPECT_EQ(4 * MIB / PAGE, on[1]);
		/* Request by request */
		before = 2;
		for (i = 0, n = 0; i < 8; i++) {
			ASSERT_TRUE(lies(self->root, i % 2 ? 4 * PAGE : CHUNK, 0, -1, on));
			EXPECT_TRUE(!on[0] || !on[1]);
			EXPECT_NE(before, (unsigned long)!!on[1]);
			before = !!on[1];
			n += !!on[1];
		}
		EXPECT_EQ(4, n);
		EXPECT_TRUE(all_on(self->root, 0, 0, 0));
		EXPECT_TRUE(all_on(self->root, ZCPOOL_ALLOC_THISNODE, -1, cpu));
	}
}

/* Where one has no more, the others give. */
TEST_F(policy, interleave_falls_back)
{
	unsigned long on[2];

	self->root = pool_with("max=12M policy=interleave nodes=0-1 reserve=0:8M");
	ASSERT_LE(0, self->root);
	ASSERT_TRUE(lies(self->root, 12 * MIB, 0, -1, on));
	EXPECT_EQ(12 * MIB / PAGE, on[0] + on[1]);
	EXPECT_LE(8 * MIB / PAGE, on[0]);
	EXPECT_EQ(-ENOSPC, buf_alloc(self->root, 14 * MIB, 0, -1));
}

#define CGROUP		"/sys/fs/cgroup/zcpool_policy"

/* With memory of node 1 only, by its cpuset */
static int alloc_in_cpuset(int pool)
{
	unsigned long on[2];
	int i;

	if (!put(CGROUP "/cgroup.procs", "0") || run_on_node(0))
		return 4;
	for (i = 0; i < 4; i++)
		if (!lies(pool, CHUNK + PAGE, 0, -1, on) || on[0])
			return 1;
	return buf_alloc(pool, PAGE, 0, 0) == -EINVAL ? 0 : 2;
}

static int in_cpuset(int pool)
{
	pid_t pid = fork();

	if (!pid)
		_exit(alloc_in_cpuset(pool));
	return child_status(pid);
}

/* No policy goes beyond it, and one that has nothing within it gives nothing. */
TEST_F(policy, cpuset)
{
	put("/sys/fs/cgroup/cgroup.subtree_control", "+cpuset");
	mkdir(CGROUP, 0755);
	if (!put(CGROUP "/cpuset.mems", "1")) {
		rmdir(CGROUP);
		SKIP(return, "no cpusets here");
	}
	self->root = pool_with("max=16M policy=interleave");
	ASSERT_LE(0, self->root);
	EXPECT_EQ(0, in_cpuset(self->root));
	EXPECT_EQ(0, remount_pool(A, "policy=prefer nodes=0", self->message));
	EXPECT_EQ(0, in_cpuset(self->root));
	EXPECT_EQ(0, remount_pool(A, "policy=bind nodes=1", self->message));
	EXPECT_EQ(0, in_cpuset(self->root));
	EXPECT_EQ(0, remount_pool(A, "policy=bind nodes=0", self->message));
	EXPECT_EQ(1, in_cpuset(self->root));
	EXPECT_EQ(0, rmdir(CGROUP));
}

TEST_HARNESS_MAIN
