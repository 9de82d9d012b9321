// SPDX-License-Identifier: GPL-2.0
/*
 * Processes that make memory scarce, each in its own way.
 */
#include "soak.h"

/* What is left of a node for the pool to have */
#define LEFT_KIB	(64L << 10)
#define FILL_STEP	(8 * MIB)
#define FILL_MOST	256

/* Drops caches and compacts memory, again and again. */
void squeezer(__u32 seed)
{
	for (;;) {
		put_string("/proc/sys/vm/drop_caches", "3");
		count(COUNT_DROP_CACHES, 1);
		usleep(rnd(&seed) % 1000000);
		put_string("/proc/sys/vm/compact_memory", "1");
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

static long node_free_kib(int node)
{
	char path[64], line[128];
	long kib = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/meminfo", node);
	f = fopen(path, "re");
	while (f && kib < 0 && fgets(line, sizeof(line), f))
		sscanf(line, "Node %*d MemFree: %ld", &kib);
	if (f)
		fclose(f);
	return kib;
}

/* Take what the pool can have of a node; whoever wants some there then gets none. */
static void fill_by_pool(int pool, int node, __u32 *seed)
{
	int fd[FILL_MOST], n, err = 0;

	for (n = 0; n < FILL_MOST && err >= 0; n++) {
		err = buf_alloc(pool, FILL_STEP, ZCPOOL_ALLOC_THISNODE, node);
		fd[n] = err;
	}
	if (err < 0 && err != -ENOSPC && err != -ENOMEM)
		fail("ALLOC of all of node %d: %s", node, strerror(-err));
	usleep(rnd(seed) % 300000);
	if (err < 0)
		n--;
	count(COUNT_ALLOC_BYTES, n * FILL_STEP);
	while (n--)
		close(fd[n]);
	count(COUNT_FILL_POOL, 1);
}

/* Have so many chunks of a node for hugetlb. */
static void hugetlb(int node, long chunks)
{
	char path[128], text[32];

	snprintf(path, sizeof(path),
		 "/sys/devices/system/node/node%d/hugepages/hugepages-2048kB/nr_hugepages", node);
	snprintf(text, sizeof(text), "%ld", chunks > 0 ? chunks : 0);
	put_string(path, text);
}

/* Take back what a filler that was killed has left. */
void unfill(void)
{
	int node;

	for (node = 0; node_exists(node); node++)
		hugetlb(node, 0);
}

/*
 * Leave a node little, so that the pool will have all of that and then cannot grow there.
 * To do that by hugetlb is quick, since it does not zero what it takes.
 */
static void fill(int pool, int node, __u32 *seed)
{
	hugetlb(node, (node_free_kib(node) - LEFT_KIB) / (long)(CHUNK / KIB));
	count(COUNT_FILL_NODE, 1);
	usleep(rnd(seed) % 300000);
	fill_by_pool(pool, node, seed);
	hugetlb(node, 0);
}

/* Fills each node in turn, beginning with any. */
void filler(int pool, __u32 seed)
{
	int node = rnd(&seed) % 2;

	unfill();
	for (;; node++) {
		if (!node_exists(node))
			node = 0;
		fill(pool, node, &seed);
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
	put_string(path, "0");
	for (;;) {
		if (rnd(&seed) % 2)
			hog_page_cache(4 * MIB + rnd(&seed) % 24 * MIB);
		else
			hog_anonymous(4 * MIB + rnd(&seed) % 16 * MIB);
		usleep(rnd(&seed) % 200000);
	}
}
