// SPDX-License-Identifier: GPL-2.0
/*
 * Processes that make memory scarce, each in its own way.
 */
#include "soak.h"

/* What a filler asks for at once, and how often at the most */
#define FILL_STEP	(4 * MIB)
#define FILL_MOST	512

/* Drops caches and compacts memory, again and again. */
void squeezer(__u32 seed)
{
	for (;;) {
		put_or_fail("/proc/sys/vm/drop_caches", "3");
		count(COUNT_DROP_CACHES, 1);
		usleep(rnd(&seed) % 1000000);
		put_or_fail("/proc/sys/vm/compact_memory", "1");
		count(COUNT_COMPACT, 1);
		usleep(rnd(&seed) % 1000000);
	}
}

static void touch(char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i += PAGE)
		((volatile char *)p)[i] = 1;
}

/*
 * Takes what the pool can have of the node that is short of memory, and gives it back, again
 * and again. Meanwhile whoever wants some there gets none.
 */
void filler(int pool, __u32 seed)
{
	int fd[FILL_MOST], n, err;

	for (;;) {
		for (n = 0, err = 0; n < FILL_MOST && err >= 0; n += err >= 0) {
			err = buf_alloc(pool, FILL_STEP, ZCPOOL_ALLOC_THISNODE, config->node);
			fd[n] = err;
		}
		if (err < 0 && err != -ENOSPC && err != -ENOMEM)
			fail("ALLOC of all of node %d: %s", config->node, strerror(-err));
		count(COUNT_NO_CHUNK, err == -ENOMEM);
		count(COUNT_ALLOC_BYTES, n * FILL_STEP);
		count(COUNT_FILL, 1);
		usleep(rnd(&seed) % 300000);
		while (n--)
			close(fd[n]);
		usleep(rnd(&seed) % 1000000);
	}
}

static void hog_anonymous(size_t len)
{
	char *p = mmap(NULL, len, RDWR, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		fail("mmap of %zu bytes: %s", len, strerror(errno));
	touch(p, len);
	munmap(p, len);
	count(COUNT_HOG_ANON, 1);
}

static void hog_page_cache(size_t len)
{
	static char block[256 * KIB];
	char path[256];
	size_t done;
	int fd;

	snprintf(path, sizeof(path), "%s/hog", config->disk);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		fail("%s: %s", path, strerror(errno));
	for (done = 0; done < len; done += sizeof(block))
		if (write(fd, block, sizeof(block)) != sizeof(block))
			fail("%s: %s", path, strerror(errno));
	lseek(fd, 0, SEEK_SET);
	while (read(fd, block, sizeof(block)) > 0)
		;
	close(fd);
	count(COUNT_HOG_CACHE, 1);
}

/* In a memory control group of 16 MiB: reclaims in vain, and is killed for it. */
void hog(__u32 seed)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/cgroup.procs", config->hog_cgroup);
	put_or_fail(path, "0");
	for (;;) {
		if (rnd(&seed) % 2)
			hog_page_cache(4 * MIB + rnd(&seed) % 24 * MIB);
		else
			hog_anonymous(4 * MIB + rnd(&seed) % 16 * MIB);
		usleep(rnd(&seed) % 200000);
	}
}
