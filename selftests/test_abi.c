// SPDX-License-Identifier: GPL-2.0
/* module: reserve=32M max=256M */
/*
 * The ioctls as such: flags, reserved fields, pointers, wrong objects.
 */
#include "zcpool_test.h"
#include <linux/fiemap.h>
#include <linux/fs.h>

TEST_F(pool, info_values)
{
	struct zcpool_info pi;

	ASSERT_EQ(0, pool_info(self->fd, -1, &pi));
	EXPECT_EQ(ZCPOOL_ABI_VERSION, pi.abi_version);
	EXPECT_EQ(CHUNK, pi.chunk_size);
	EXPECT_EQ(256 * MIB, pi.max_bytes);
	EXPECT_LE(1, pi.nr_nodes);
	EXPECT_EQ(pi.nr_nodes * 32 * MIB, pi.reserve_bytes);
	EXPECT_LE(pi.reserve_bytes, pi.total_bytes);
	EXPECT_TRUE(pi.features & ZCPOOL_FEAT_POOL_MMAP);
	EXPECT_EQ(has_pmds(), !!(pi.features & ZCPOOL_FEAT_HUGE));
	EXPECT_TRUE(info_adds_up(&pi));
}

TEST_F(pool, info_nodes_add_up)
{
	struct zcpool_info pi, ni, sum = { 0 };
	unsigned int nodes = 0;
	int buf, n;

	buf = buf_alloc(self->fd, 3 * MIB + 5 * PAGE, 0, -1);
	ASSERT_LE(0, buf);
	ASSERT_EQ(0, pool_wait_idle(self->fd, &pi));
	for (n = 0; n < 64; n++) {
		if (pool_info(self->fd, n, &ni)) {
			EXPECT_EQ(EINVAL, errno);
			continue;
		}
		nodes++;
		EXPECT_TRUE(node_exists(n));
		EXPECT_TRUE(info_adds_up(&ni));
		EXPECT_EQ(pi.max_bytes, ni.max_bytes);
		EXPECT_EQ(32 * MIB, ni.reserve_bytes);
		EXPECT_EQ(pi.abi_version, ni.abi_version);
		EXPECT_EQ(pi.nr_nodes, ni.nr_nodes);
		EXPECT_EQ(pi.chunk_size, ni.chunk_size);
		sum.reserve_bytes += ni.reserve_bytes;
		sum.total_bytes += ni.total_bytes;
		sum.clean_bytes += ni.clean_bytes;
		sum.used_bytes += ni.used_bytes;
		sum.retired_bytes += ni.retired_bytes;
	}
	EXPECT_EQ(pi.nr_nodes, nodes);
	EXPECT_EQ(pi.reserve_bytes, sum.reserve_bytes);
	EXPECT_EQ(pi.total_bytes, sum.total_bytes);
	EXPECT_EQ(pi.clean_bytes, sum.clean_bytes);
	EXPECT_EQ(pi.used_bytes, sum.used_bytes);
	EXPECT_EQ(pi.retired_bytes, sum.retired_bytes);
	close(buf);
}

TEST_F(pool, info_ignores_output_fields)
{
	struct zcpool_info pi;

	memset(&pi, 0xff, sizeof(pi));
	pi.flags = 0;
	pi.node = 0;
	ASSERT_EQ(0, ioctl(self->fd, ZCPOOL_IOC_INFO, &pi));
	EXPECT_EQ(ZCPOOL_ABI_VERSION, pi.abi_version);
	EXPECT_TRUE(info_adds_up(&pi));
}

TEST_F(pool, info_bad_fields)
{
	struct zcpool_info pi = { 0 };
	int bit;

	for (bit = 1; bit < 32; bit++) {
		pi.flags = 1U << bit;
		EXPECT_EQ(-1, ioctl(self->fd, ZCPOOL_IOC_INFO, &pi));
		EXPECT_EQ(EINVAL, errno);
	}
	pi.flags = 0;
	pi.node = 1;
	EXPECT_EQ(-1, ioctl(self->fd, ZCPOOL_IOC_INFO, &pi));
	EXPECT_EQ(EINVAL, errno);
}

/* Nodes that are not there, up to values that would index far outside an array */
static const __u32 bad_nodes[] = {
	63, 64, 1023, 1024, 65536, 0x7fffffff, 0x80000000, 0xffffffff,
};

TEST_F(pool, bad_nodes)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad_nodes); i++) {
		struct zcpool_info pi = { ZCPOOL_INFO_NODE, bad_nodes[i] };
		struct zcpool_alloc a = {
			.size = 1, .flags = ZCPOOL_ALLOC_NODE, .node = bad_nodes[i],
		};

		EXPECT_EQ(-1, ioctl(self->fd, ZCPOOL_IOC_INFO, &pi));
		EXPECT_EQ(EINVAL, errno);
		EXPECT_EQ(-1, ioctl(self->fd, ZCPOOL_IOC_ALLOC, &a));
		EXPECT_EQ(EINVAL, errno);
	}
}

TEST_F(pool, alloc_bad_fields)
{
	const __u32 known = ZCPOOL_ALLOC_CONTIG | ZCPOOL_ALLOC_HUGE | ZCPOOL_ALLOC_NOWAIT |
			    ZCPOOL_ALLOC_NODE | ZCPOOL_ALLOC_THISNODE;
	struct zcpool_alloc a;
	int bit;

	for (bit = 0; bit < 32; bit++) {
		if (known & (1U << bit))
			continue;
		a = (struct zcpool_alloc){ .size = 1, .flags = 1U << bit };
		EXPECT_EQ(-1, ioctl(self->fd, ZCPOOL_IOC_ALLOC, &a));
		EXPECT_EQ(EINVAL, errno);
	}
	a = (struct zcpool_alloc){ .size = 1, .fd = 1 };
	EXPECT_EQ(-1, ioctl(self->fd, ZCPOOL_IOC_ALLOC, &a));
	EXPECT_EQ(EINVAL, errno);
	a = (struct zcpool_alloc){ .size = 1, .fd = -1 };
	EXPECT_EQ(-1, ioctl(self->fd, ZCPOOL_IOC_ALLOC, &a));
	EXPECT_EQ(EINVAL, errno);
	a = (struct zcpool_alloc){ .size = 1, .node = 1 };
	EXPECT_EQ(-1, ioctl(self->fd, ZCPOOL_IOC_ALLOC, &a));
	EXPECT_EQ(EINVAL, errno);
	a = (struct zcpool_alloc){ .size = 1, .reserved = 1 };
	EXPECT_EQ(-1, ioctl(self->fd, ZCPOOL_IOC_ALLOC, &a));
	EXPECT_EQ(EINVAL, errno);
}

/* What was passed in stays as it was when the call fails. */
TEST_F(pool, alloc_failure_writes_nothing)
{
	struct zcpool_alloc a = { .size = 12345, .flags = 1U << 31 }, was = a;

	EXPECT_EQ(-1, ioctl(self->fd, ZCPOOL_IOC_ALLOC, &a));
	EXPECT_EQ(0, memcmp(&was, &a, sizeof(a)));
}

TEST_F(pool, alloc_sizes)
{
	static const struct { __u64 ask, get; } good[] = {
		{ 1, PAGE }, { PAGE - 1, PAGE }, { PAGE, PAGE }, { PAGE + 1, 2 * PAGE },
		{ 17 * PAGE, 17 * PAGE }, { CHUNK - PAGE, CHUNK - PAGE },
		{ CHUNK - 1, CHUNK }, { CHUNK, CHUNK }, { CHUNK + 1, CHUNK + PAGE },
		{ CHUNK + CHUNK / 2, CHUNK + CHUNK / 2 },
		{ CHUNK + CHUNK / 2 + 1, 2 * CHUNK },
		{ 5 * CHUNK + 3 * PAGE, 5 * CHUNK + 3 * PAGE },
	};
	struct zcpool_buf_info bi;
	struct zcpool_alloc a;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		a = (struct zcpool_alloc){ .size = good[i].ask };
		ASSERT_EQ(0, ioctl(self->fd, ZCPOOL_IOC_ALLOC, &a));
		EXPECT_EQ(good[i].get, a.size);
		ASSERT_EQ(0, buf_info(a.fd, &bi));
		EXPECT_EQ(good[i].get, bi.size);
		EXPECT_EQ((good[i].ask + PAGE - 1) / PAGE * PAGE, bi.requested);
		EXPECT_EQ(bi.size, bi.whole_bytes + bi.split_bytes);
		EXPECT_EQ(self->used + bi.size, pool_used(self->fd));
		close(a.fd);
		EXPECT_EQ(self->used, pool_used(self->fd));
	}
}

TEST_F(pool, alloc_size_zero)
{
	EXPECT_EQ(-EINVAL, buf_alloc(self->fd, 0, 0, -1));
}

/* Rounding any of these up, or turning it into pages of 32 bits, would wrap. */
TEST_F(pool, alloc_sizes_out_of_reach)
{
	static const __u64 bad[] = {
		256 * MIB + 1, 1ULL << 32, (1ULL << 32) + 1, 1ULL << 44, (1ULL << 44) + PAGE,
		(1ULL << 52) + 1, 1ULL << 63, (1ULL << 63) - 1, -1ULL, -PAGE, -PAGE + 1,
		-CHUNK, -CHUNK + 1, -CHUNK - 1,
	};
	static const __u32 flags[] = {
		0, ZCPOOL_ALLOC_CONTIG, ZCPOOL_ALLOC_HUGE, ZCPOOL_ALLOC_THISNODE,
	};
	unsigned int i, f;
	int fd;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		for (f = 0; f < ARRAY_SIZE(flags); f++) {
			fd = buf_alloc(self->fd, bad[i], flags[f], -1);
			EXPECT_EQ(-ENOSPC, fd)
				TH_LOG("size %#llx flags %#x", bad[i], flags[f]);
		}
		fd = buf_alloc(self->fd, bad[i], ZCPOOL_ALLOC_NOWAIT, -1);
		EXPECT_TRUE(fd == -ENOSPC || fd == -EAGAIN)
			TH_LOG("size %#llx: %d", bad[i], fd);
	}
}

TEST_F(pool, faulting_pointers)
{
	int fds = count_fds(), buf;
	struct zcpool_alloc *a;
	unsigned int i;
	void *bad[6];
	char *edge;

	edge = edge_page();
	ASSERT_NE(MAP_FAILED, edge);
	bad[0] = NULL;
	bad[1] = edge + PAGE;				/* not mapped */
	bad[2] = edge + PAGE - 8;			/* half of it not mapped */
	bad[3] = (void *)0xffff888000000000UL;		/* the kernel's */
	bad[4] = (void *)-8UL;				/* wraps */
	bad[5] = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, bad[5]);
	buf = buf_alloc(self->fd, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	a = (void *)(edge + PAGE - 8);
	a->size = 1;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-1, ioctl(self->fd, ZCPOOL_IOC_INFO, bad[i]));
		EXPECT_EQ(EFAULT, errno);
		EXPECT_EQ(-1, ioctl(self->fd, ZCPOOL_IOC_ALLOC, bad[i]));
		EXPECT_EQ(EFAULT, errno);
		EXPECT_EQ(-1, ioctl(buf, ZCPOOL_BUF_INFO, bad[i]));
		EXPECT_EQ(EFAULT, errno);
	}
	close(buf);
	EXPECT_EQ(fds, count_fds());
	munmap(edge, PAGE);
	munmap(bad[5], PAGE);
}

/* The struct can be read but the answer not written: nothing may be left over. */
TEST_F(pool, readonly_structs)
{
	int fds = count_fds(), buf, i;
	struct zcpool_alloc *a;

	a = mmap(NULL, PAGE, RDWR, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, a);
	a->size = 3 * MIB;
	ASSERT_EQ(0, mprotect(a, PAGE, PROT_READ));
	for (i = 0; i < 20; i++) {
		EXPECT_EQ(-1, ioctl(self->fd, ZCPOOL_IOC_ALLOC, a));
		EXPECT_EQ(EFAULT, errno);
	}
	EXPECT_EQ(fds, count_fds());
	EXPECT_EQ(self->used, pool_used(self->fd));
	/* a's second half is zeroes: a good INFO to ask. */
	EXPECT_EQ(-1, ioctl(self->fd, ZCPOOL_IOC_INFO, (char *)a + 512));
	EXPECT_EQ(EFAULT, errno);
	buf = buf_alloc(self->fd, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	EXPECT_EQ(-1, ioctl(buf, ZCPOOL_BUF_INFO, a));
	EXPECT_EQ(EFAULT, errno);
	close(buf);
	munmap(a, PAGE);
}

static const unsigned int pool_calls[] = {
	ZCPOOL_IOC_INFO, ZCPOOL_IOC_ALLOC, ZCPOOL_IOC_REVOKE, ZCPOOL_IOC_MIGRATE,
};

static const unsigned int buf_calls[] = {
	ZCPOOL_BUF_INFO, ZCPOOL_BUF_REVOKE, ZCPOOL_BUF_MOVE, ZCPOOL_BUF_OPEN_RO,
	ZCPOOL_BUF_SEAL, ZCPOOL_BUF_MIGRATE,
};

static bool is_call(unsigned int cmd, const unsigned int *calls, unsigned int nr)
{
	while (nr--)
		if (_IOC_NR(cmd) == _IOC_NR(calls[nr]))
			return true;
	return false;
}

TEST_F(pool, unknown_ioctls)
{
	static unsigned char raw[256];
	int buf, nr, dir;

	buf = buf_alloc(self->fd, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	for (nr = 0; nr < 256; nr++) {
		for (dir = 0; dir < 4; dir++) {
			unsigned int cmd = _IOC(dir, ZCPOOL_IOC_MAGIC, nr, 64);

			if (!is_call(cmd, pool_calls, ARRAY_SIZE(pool_calls))) {
				EXPECT_EQ(-1, ioctl(self->fd, cmd, raw));
				EXPECT_EQ(ENOTTY, errno);
			}
			if (!is_call(cmd, buf_calls, ARRAY_SIZE(buf_calls))) {
				EXPECT_EQ(-1, ioctl(buf, cmd, raw));
				EXPECT_EQ(ENOTTY, errno);
			}
		}
	}
	/* Ours but for the magic letter */
	EXPECT_EQ(-1, ioctl(self->fd, _IOWR('y', 0x10, struct zcpool_info), raw));
	EXPECT_EQ(ENOTTY, errno);
	close(buf);
}

TEST_F(pool, wrong_object)
{
	struct zcpool_alloc a = { .size = 1 };
	struct zcpool_info pi = { 0 };
	struct zcpool_buf_info bi;
	int buf;

	EXPECT_EQ(-1, buf_info(self->fd, &bi));
	EXPECT_EQ(ENOTTY, errno);
	buf = buf_alloc(self->fd, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	EXPECT_EQ(-1, ioctl(buf, ZCPOOL_IOC_INFO, &pi));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(buf, ZCPOOL_IOC_ALLOC, &a));
	EXPECT_EQ(ENOTTY, errno);
	close(buf);
}

/* What the VFS answers to these is its own business; nothing may break. */
TEST_F(pool, vfs_ioctls_are_harmless)
{
	static const unsigned int cmds[] = {
		FIBMAP, FIGETBSZ, FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FS_IOC_FIEMAP,
		FS_IOC_GETVERSION, FICLONE, FIDEDUPERANGE, FIFREEZE, FITHAW, FITRIM,
	};
	static unsigned char raw[4096];
	char page[PAGE], back[PAGE];
	unsigned int i;
	int buf;

	buf = buf_alloc(self->fd, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	fill(page, PAGE, 1);
	ASSERT_EQ(PAGE, pwrite(buf, page, PAGE, 0));
	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		memset(raw, 0, sizeof(raw));
		ioctl(self->fd, cmds[i], raw);
		memset(raw, 0, sizeof(raw));
		ioctl(buf, cmds[i], raw);
	}
	EXPECT_EQ(PAGE, pread(buf, back, PAGE, 0));
	EXPECT_EQ(0, memcmp(page, back, PAGE));
	close(buf);
}

#if defined(__x86_64__)
/*
 * A 32-bit program's system call, made from here: int 0x80 enters the kernel
 * the way such a program does, with pointers of 32 bits.
 */
static int ioctl32(int fd, unsigned int cmd, void *arg)
{
	long ret;

	asm volatile("int $0x80"
		     : "=a" (ret)
		     : "0" (54), "b" ((long)fd), "c" ((long)cmd), "d" (arg)
		     : "r8", "r9", "r10", "r11", "memory");
	return ret;
}

TEST_F(pool, compat_caller)
{
	struct zcpool_buf_info *bi;
	struct zcpool_alloc *a;
	struct zcpool_info *pi;
	pid_t pid;
	void *p;

	pid = fork();
	if (!pid) {
		ioctl32(-1, 0, NULL);
		_exit(0);
	}
	if (child_status(pid))
		SKIP(return, "the kernel runs no 32-bit programs");
	p = mmap(NULL, PAGE, RDWR, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	ASSERT_NE(MAP_FAILED, p);
	pi = p;
	EXPECT_EQ(0, ioctl32(self->fd, ZCPOOL_IOC_INFO, pi));
	EXPECT_EQ(CHUNK, pi->chunk_size);
	EXPECT_TRUE(info_adds_up(pi));
	memset(p, 0, PAGE);
	a = p;
	a->size = 3 * MIB;
	ASSERT_EQ(0, ioctl32(self->fd, ZCPOOL_IOC_ALLOC, a));
	EXPECT_EQ(3 * MIB, a->size);
	bi = p + 512;
	EXPECT_EQ(0, ioctl32(a->fd, ZCPOOL_BUF_INFO, bi));
	EXPECT_EQ(3 * MIB, bi->size);
	EXPECT_EQ(-ENOTTY, ioctl32(a->fd, ZCPOOL_IOC_INFO, bi));
	close(a->fd);
	munmap(p, PAGE);
}
#endif

/* The device is for one file type's calls only; others fail, none crashes. */
TEST_F(pool, file_calls_on_the_pool)
{
	char c = 0;

	EXPECT_EQ(-1, read(self->fd, &c, 1));
	EXPECT_EQ(-1, write(self->fd, &c, 1));
	EXPECT_EQ(-1, ftruncate(self->fd, PAGE));
	EXPECT_EQ(-1, fallocate(self->fd, 0, 0, PAGE));
}

TEST(node_mode_is_0600)
{
	struct stat st;

	ASSERT_EQ(0, stat(POOL_PATH, &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(0600, st.st_mode & 07777);
	EXPECT_EQ(0, st.st_uid);
}

TEST_HARNESS_MAIN
