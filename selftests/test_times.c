// SPDX-License-Identifier: GPL-2.0
/* module: reserve=4M max=16M */
/*
 * What changes the times of a file in a mounted pool: what is written through a mapping does,
 * too, however that is mapped.
 */
#include "names.h"

static const struct writing {
	const char *to;
	off_t size;
	off_t held;
	int advice;
} writings[] = {
	{ "a page", PAGE, 0, MADV_NORMAL },
	{ "one of several pages", 5 * PAGE, 5 * PAGE, MADV_NORMAL },
	{ "what is mapped by a PMD", CHUNK, CHUNK, MADV_NORMAL },
	{ "what is mapped by a PMD at once", CHUNK, CHUNK, MADV_HUGEPAGE },
	{ "a hole that is mapped by a PMD at once", CHUNK, 0, MADV_HUGEPAGE },
	{ "a chunk that the file ends in", CHUNK - PAGE, CHUNK, MADV_NORMAL },
};

/* A new file that has memory for more than it is long, if so much is to be held */
static int make_held(const char *path, off_t size, off_t held)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0 && ((held && posix_fallocate(fd, 0, held)) || ftruncate(fd, size))) {
		close(fd);
		return -1;
	}
	return fd;
}

TEST_F(names, written_in_mappings)
{
	const struct writing *w;
	struct stat before;
	volatile char *p;
	int fd;

	for (w = writings; w < writings + ARRAY_SIZE(writings); w++) {
		fd = make_held("file", w->size, w->held);
		ASSERT_LE(0, fd);
		p = mmap(NULL, w->size, RDWR, MAP_SHARED, fd, 0);
		ASSERT_NE(MAP_FAILED, p);
		/* A kernel that has no such pages knows no such advice. */
		madvise((void *)p, w->size, w->advice);
		before = look("file");
		later();
		p[w->size / 2] = 1;
		EXPECT_EQ(0, msync((void *)p, w->size, MS_SYNC));
		EXPECT_EQ(NEW_CTIME | NEW_MTIME, changed("file", &before))
			TH_LOG("%s", w->to);
		munmap((void *)p, w->size);
		close(fd);
		EXPECT_EQ(0, unlink("file"));
	}
}

TEST_HARNESS_MAIN
