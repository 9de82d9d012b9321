// SPDX-License-Identifier: GPL-2.0
/* module: reserve=32M max=256M */
/*
 * The structs of the ioctls as other callers have them: shorter, longer, misaligned.
 */
#include "zcpool_test.h"

#define GUARD	0xa5

/* The command with a struct of another size, as another caller would issue it */
static unsigned int resized(unsigned int cmd, unsigned int size)
{
	return _IOC(_IOC_DIR(cmd), _IOC_TYPE(cmd), _IOC_NR(cmd), size);
}

static bool all_are(const unsigned char *p, size_t len, unsigned char c)
{
	while (len--)
		if (*p++ != c)
			return false;
	return true;
}

TEST_F(pool, info_struct_sizes)
{
	unsigned char buf[sizeof(struct zcpool_info) + 16];
	unsigned int size;

	for (size = 0; size < ZCPOOL_INFO_SIZE_MIN; size++) {
		memset(buf, 0, sizeof(buf));
		EXPECT_EQ(-1, ioctl(self->fd, resized(ZCPOOL_IOC_INFO, size), buf));
		EXPECT_EQ(EINVAL, errno);
		EXPECT_TRUE(all_are(buf, sizeof(buf), 0));
	}
	for (; size <= sizeof(struct zcpool_info); size++) {
		memset(buf, GUARD, sizeof(buf));
		memset(buf, 0, size);
		EXPECT_EQ(0, ioctl(self->fd, resized(ZCPOOL_IOC_INFO, size), buf))
			TH_LOG("size %u: %s", size, strerror(errno));
		EXPECT_TRUE(all_are(buf + size, sizeof(buf) - size, GUARD))
			TH_LOG("size %u: written behind the struct", size);
		if (size >= 12)
			EXPECT_EQ(ZCPOOL_ABI_VERSION, ((struct zcpool_info *)buf)->abi_version);
	}
}

TEST_F(pool, alloc_struct_sizes)
{
	unsigned char buf[sizeof(struct zcpool_alloc) + 16];
	struct zcpool_alloc *a = (void *)buf;
	unsigned int size;

	for (size = 0; size < ZCPOOL_ALLOC_SIZE_MIN; size++) {
		memset(buf, 0, sizeof(buf));
		a->size = 1;
		EXPECT_EQ(-1, ioctl(self->fd, resized(ZCPOOL_IOC_ALLOC, size), buf));
		EXPECT_EQ(EINVAL, errno);
	}
	for (; size <= sizeof(struct zcpool_alloc); size++) {
		memset(buf, GUARD, sizeof(buf));
		memset(buf, 0, size);
		a->size = 1;
		ASSERT_EQ(0, ioctl(self->fd, resized(ZCPOOL_IOC_ALLOC, size), buf))
			TH_LOG("size %u: %s", size, strerror(errno));
		EXPECT_EQ(PAGE, a->size);
		EXPECT_EQ(0, close(a->fd));
		EXPECT_TRUE(all_are(buf + size, sizeof(buf) - size, GUARD))
			TH_LOG("size %u: written behind the struct", size);
	}
}

TEST_F(pool, buf_info_struct_sizes)
{
	unsigned char raw[sizeof(struct zcpool_buf_info) + 16];
	struct zcpool_buf_info *bi = (void *)raw;
	unsigned int size;
	int buf;

	buf = buf_alloc(self->fd, 5 * PAGE, 0, -1);
	ASSERT_LE(0, buf);
	for (size = 0; size < ZCPOOL_BUF_INFO_SIZE_MIN; size++) {
		memset(raw, 0, sizeof(raw));
		EXPECT_EQ(-1, ioctl(buf, resized(ZCPOOL_BUF_INFO, size), raw));
		EXPECT_EQ(EINVAL, errno);
		EXPECT_TRUE(all_are(raw, sizeof(raw), 0));
	}
	for (; size <= sizeof(struct zcpool_buf_info); size++) {
		memset(raw, GUARD, sizeof(raw));
		EXPECT_EQ(0, ioctl(buf, resized(ZCPOOL_BUF_INFO, size), raw))
			TH_LOG("size %u: %s", size, strerror(errno));
		EXPECT_EQ(5 * PAGE, bi->size);
		EXPECT_TRUE(all_are(raw + size, sizeof(raw) - size, GUARD))
			TH_LOG("size %u: written behind the struct", size);
	}
	close(buf);
}

/* A caller from the future: longer structs, up to the most a command can say */
static const unsigned int longer[] = { 1, 4, 8, 64, 2048 };

TEST_F(pool, longer_structs)
{
	static unsigned char raw[8192];
	unsigned int i, base, size;
	int buf;

	buf = buf_alloc(self->fd, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	for (i = 0; i < ARRAY_SIZE(longer); i++) {
		base = sizeof(struct zcpool_info);
		size = base + longer[i];
		memset(raw, 0, sizeof(raw));
		EXPECT_EQ(0, ioctl(self->fd, resized(ZCPOOL_IOC_INFO, size), raw));
		EXPECT_TRUE(all_are(raw + base, longer[i], 0));

		memset(raw, 0, sizeof(raw));
		raw[size - 1] = 1;
		EXPECT_EQ(-1, ioctl(self->fd, resized(ZCPOOL_IOC_INFO, size), raw));
		EXPECT_EQ(E2BIG, errno);

		/* What is only written is cleared, whatever there was. */
		base = sizeof(struct zcpool_buf_info);
		size = base + longer[i];
		memset(raw, GUARD, sizeof(raw));
		EXPECT_EQ(0, ioctl(buf, resized(ZCPOOL_BUF_INFO, size), raw));
		EXPECT_TRUE(all_are(raw + base, longer[i], 0));
		EXPECT_EQ(GUARD, raw[size]);
	}
	close(buf);
}

TEST_F(pool, longer_alloc)
{
	static unsigned char raw[8192];
	struct zcpool_alloc *a = (void *)raw;
	int fds = count_fds();
	unsigned int i, size;

	for (i = 0; i < ARRAY_SIZE(longer); i++) {
		size = sizeof(*a) + longer[i];
		memset(raw, 0, sizeof(raw));
		a->size = 1;
		ASSERT_EQ(0, ioctl(self->fd, resized(ZCPOOL_IOC_ALLOC, size), raw));
		EXPECT_TRUE(all_are(raw + sizeof(*a), longer[i], 0));
		EXPECT_EQ(0, close(a->fd));

		memset(raw, 0, sizeof(raw));
		a->size = 1;
		raw[size - 1] = 1;
		EXPECT_EQ(-1, ioctl(self->fd, resized(ZCPOOL_IOC_ALLOC, size), raw));
		EXPECT_EQ(E2BIG, errno);
	}
	EXPECT_EQ(fds, count_fds());
	EXPECT_EQ(self->used, pool_used(self->fd));
}

/* The calls that take away: no struct of theirs has ever been shorter. */
static const struct {
	unsigned int cmd;
	unsigned int size;
	bool on_pool;
} takers[] = {
	{ ZCPOOL_BUF_REVOKE, ZCPOOL_REVOKE_SIZE_MIN },
	{ ZCPOOL_BUF_MOVE, ZCPOOL_NEW_FD_SIZE_MIN },
	{ ZCPOOL_BUF_OPEN_RO, ZCPOOL_NEW_FD_SIZE_MIN },
	{ ZCPOOL_BUF_SEAL, ZCPOOL_SEAL_SIZE_MIN },
	{ ZCPOOL_BUF_MIGRATE, ZCPOOL_MIGRATE_SIZE_MIN },
	{ ZCPOOL_IOC_REVOKE, ZCPOOL_REVOKE_SIZE_MIN, true },
	{ ZCPOOL_IOC_MIGRATE, ZCPOOL_MIGRATE_SIZE_MIN, true },
};

/* What such a call answers on a new buffer, and whether nothing has happened if that is an error */
static int take(struct __test_metadata *_metadata, int pool, unsigned int nth, unsigned int size,
		unsigned char *raw)
{
	struct zcpool_buf_info bi;
	int buf, err = 0;

	buf = buf_alloc(pool, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	ASSERT_EQ(0, buf_info(buf, &bi));
	if (takers[nth].on_pool)
		*(__u64 *)raw = bi.id;
	if (ioctl(takers[nth].on_pool ? pool : buf, resized(takers[nth].cmd, size), raw)) {
		err = errno;
		EXPECT_EQ(1, pwrite(buf, "x", 1, 0));
	} else if (takers[nth].size == ZCPOOL_NEW_FD_SIZE_MIN &&
		   takers[nth].cmd != ZCPOOL_BUF_SEAL) {
		EXPECT_EQ(0, close(((struct zcpool_new_fd *)raw)->fd));
	}
	close(buf);
	return err;
}

TEST_F(pool, structs_that_take_away)
{
	static unsigned char raw[8192] __attribute__((aligned(8)));
	unsigned int i, k, size;

	for (i = 0; i < ARRAY_SIZE(takers); i++) {
		for (size = 0; size < takers[i].size; size++) {
			memset(raw, 0, sizeof(raw));
			EXPECT_EQ(EINVAL, take(_metadata, self->fd, i, size, raw));
		}
		memset(raw, 0, sizeof(raw));
		memset(raw + size, GUARD, 16);
		EXPECT_EQ(0, take(_metadata, self->fd, i, size, raw));
		EXPECT_TRUE(all_are(raw + size, 16, GUARD));
		for (k = 0; k < ARRAY_SIZE(longer); k++) {
			memset(raw, 0, sizeof(raw));
			EXPECT_EQ(0, take(_metadata, self->fd, i, size + longer[k], raw));
			EXPECT_TRUE(all_are(raw + size, longer[k], 0));
			memset(raw, 0, sizeof(raw));
			raw[size + longer[k] - 1] = 1;
			EXPECT_EQ(E2BIG, take(_metadata, self->fd, i, size + longer[k], raw));
		}
	}
}

TEST_F(pool, misaligned_pointers)
{
	static const unsigned int shifts[] = { 1, 2, 3, 5, 7, PAGE - 9 };
	struct zcpool_buf_info bi;
	struct zcpool_alloc a;
	struct zcpool_info pi;
	unsigned int i;
	char *p;

	p = mmap(NULL, 2 * PAGE, RDWR, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, p);
	for (i = 0; i < ARRAY_SIZE(shifts); i++) {
		memset(p, 0, 2 * PAGE);
		EXPECT_EQ(0, ioctl(self->fd, ZCPOOL_IOC_INFO, p + shifts[i]));
		memcpy(&pi, p + shifts[i], sizeof(pi));
		EXPECT_EQ(CHUNK, pi.chunk_size);

		memset(&a, 0, sizeof(a));
		a.size = 3 * PAGE;
		memcpy(p + shifts[i], &a, sizeof(a));
		ASSERT_EQ(0, ioctl(self->fd, ZCPOOL_IOC_ALLOC, p + shifts[i]));
		memcpy(&a, p + shifts[i], sizeof(a));
		memset(p, 0, 2 * PAGE);
		EXPECT_EQ(0, ioctl(a.fd, ZCPOOL_BUF_INFO, p + shifts[i]));
		memcpy(&bi, p + shifts[i], sizeof(bi));
		EXPECT_EQ(3 * PAGE, bi.size);
		close(a.fd);
	}
	munmap(p, 2 * PAGE);
}

TEST_HARNESS_MAIN
