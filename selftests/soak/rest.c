// SPDX-License-Identifier: GPL-2.0
/*
 * What the pool must be like when all who used it are gone.
 */
#include "soak.h"

#define VMSTAT		"/proc/vmstat"

/* A limit against waiting for ever, in steps of POLL_USEC */
#define REST_TRIES	3000

static int wrong, tries = REST_TRIES;

#define CHECK(cond, fmt, ...) do {					\
	if (!(cond)) {							\
		printf("# " fmt "\n", ##__VA_ARGS__);			\
		wrong++;						\
	}								\
} while (0)

/* The node, and how many blocks of the orders 9 and 10 */
#define BUDDY_LINE	"Node %d, zone %*s %*d %*d %*d %*d %*d %*d %*d %*d %*d %ld %ld"

/* Free blocks of a chunk or more that the kernel has on a node */
static long kernel_chunks(int node)
{
	FILE *f = fopen("/proc/buddyinfo", "re");
	long chunks = 0, free9, free10;
	char line[512];
	int nid;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, BUDDY_LINE, &nid, &free9, &free10) == 3 && nid == node)
			chunks += free9 + 2 * free10;
	if (f)
		fclose(f);
	return chunks;
}

/*
 * Lets the pool get back what the reserve is short of, with memory as free and whole as
 * it can be made.
 */
static void regain(int pool, int node)
{
	int fd;

	put_or_fail("/proc/sys/vm/drop_caches", "3");
	put_or_fail("/proc/sys/vm/compact_memory", "1");
	fd = buf_alloc(pool, PAGE, ZCPOOL_ALLOC_THISNODE, node);
	if (fd >= 0)
		close(fd);
	usleep(20 * POLL_USEC);
}

/* All that a node has is clean, and it has its reserve, or one chunk that is split. */
static bool node_rests(const struct zcpool_info *pi)
{
	return pi->clean_bytes == pi->total_bytes &&
	       pi->total_bytes <= (pi->reserve_bytes ? pi->reserve_bytes : CHUNK);
}

static void check_node(int pool, int node)
{
	struct zcpool_info pi;

	while (!pool_info(pool, node, &pi) && !node_rests(&pi) && tries-- > 0)
		usleep(POLL_USEC);
	CHECK(info_adds_up(&pi), "node %d: the states do not add up to the total", node);
	CHECK(!pi.used_bytes, "node %d: %llu bytes still used", node, pi.used_bytes);
	CHECK(!pi.dirty_bytes, "node %d: %llu bytes still dirty", node, pi.dirty_bytes);
	CHECK(!pi.quarantined_bytes, "node %d: %llu bytes still quarantined", node,
	      pi.quarantined_bytes);
	CHECK(!pi.retired_bytes, "node %d: %llu bytes retired", node, pi.retired_bytes);
	CHECK(node_rests(&pi), "node %d: has %llu bytes, %llu of them clean, and a reserve of %llu",
	      node, pi.total_bytes, pi.clean_bytes, pi.reserve_bytes);
}

/* A reserve that is not complete is right only if the kernel has no chunk that is free. */
static void check_reserve(int pool, int node)
{
	struct zcpool_info pi;
	int i;

	for (i = 0; i < REGAIN_TRIES / 20; i++) {
		if (pool_info(pool, node, &pi) || pi.total_bytes >= pi.reserve_bytes)
			return;
		regain(pool, node);
	}
	printf("# node %d: lost %llu bytes of the reserve; free chunks of the kernel's: %ld\n",
	       node, pi.reserve_bytes - pi.total_bytes, kernel_chunks(node));
	CHECK(!kernel_chunks(node), "node %d: the reserve was not regained though it could be",
	      node);
}

/* A number after a name at the start of a line of VMSTAT; -1 if there is none. */
static long vm_counter(const char *name)
{
	FILE *f = fopen(VMSTAT, "re");
	size_t n = strlen(name);
	char line[128];
	long val = -1;

	while (f && val < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, n) && line[n] == ' ')
			val = strtol(line + n, NULL, 10);
	if (f)
		fclose(f);
	return val;
}

static void check_buffers(void)
{
	FILE *f = fopen(DEBUGFS "/buffers", "re");
	char line[512];
	int n = -1;

	CHECK(f, DEBUGFS "/buffers: %s", strerror(errno));
	while (f && fgets(line, sizeof(line), f))
		n++;
	CHECK(n <= 0, "debugfs still lists %d buffers", n);
	if (f)
		fclose(f);
}

/* What pin_user_pages() took has all been given back, by whomever. */
static void check_pins(void)
{
	long acquired = vm_counter("nr_foll_pin_acquired");
	long released = vm_counter("nr_foll_pin_released");

	CHECK(acquired > 0 && acquired == released, "%ld pages were pinned, %ld unpinned",
	      acquired, released);
}

/* Waits for the pool to be as if nobody had used it; says what is not. Returns 0 or 1. */
int pool_at_rest(void)
{
	int pool = pool_open(), node;

	CHECK(pool >= 0, POOL_PATH ": %s", strerror(errno));
	for (node = 0; pool >= 0 && node_exists(node); node++) {
		check_node(pool, node);
		check_reserve(pool, node);
	}
	check_buffers();
	check_pins();
	if (wrong && pool >= 0)
		show_state(pool);
	return wrong > 0;
}
