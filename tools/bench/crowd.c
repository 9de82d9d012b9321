// SPDX-License-Identifier: GPL-2.0
/*
 * What others cost: calls that have to wait for threads that are at the same memory,
 * or that have others wait, timed on their own and beside the same call in peace.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crowd.h"

#define MAX_RUNS	301
#define MIN_RUNS	9
#define BUDGET		300000000ULL	/* ns for one side of a row, MIN_RUNS permitting */
#define THREADS_BUDGET	1500000000ULL	/* where threads make the runs differ */
#define PIECES		64	/* at least, that the threads make between calls */
#define SEED		0x9e3779b97f4a7c15ULL

struct trial {
	const struct crowd *crowd;
	const struct setting *set;
	enum side side;
	size_t size;
	int pool;
	int fd;
	char *map;
	struct hoard hoard;
	struct throng throng;
	__u64 seed;
	struct crowd_side *out;
};

struct crowd {
	const char *key;
	const char *name;
	const char *sides[NR_SIDES];
	size_t size;
	bool threads;
	bool refused;		/* that is how the call has to end */
	int (*open)(struct trial *t);
	int (*ready)(struct trial *t);	/* before each call, not timed */
	int (*call)(struct trial *t);	/* -1 with errno set, and nothing written down */
	int (*undo)(struct trial *t);
};

static struct reason *why(struct trial *t)
{
	return &t->out->why;
}

/* The calls */

static int alloc(struct trial *t, __u32 flags)
{
	uint64_t size = t->size;

	t->fd = zcpool_alloc(t->pool, &size, flags | ZCPOOL_ALLOC_THISNODE, t->set->node);
	return t->fd < 0 ? -1 : 0;
}

static int alloc_contig(struct trial *t)
{
	return alloc(t, ZCPOOL_ALLOC_CONTIG);
}

static int alloc_huge(struct trial *t)
{
	return alloc(t, ZCPOOL_ALLOC_HUGE);
}

static int close_fd(struct trial *t)
{
	int fd = t->fd;

	t->fd = -1;
	if (fd >= 0 && close(fd))
		return because(why(t), errno, "close");
	return 0;
}

static int map_pool(struct trial *t)
{
	t->map = mmap(NULL, t->size, PROT_READ | PROT_WRITE, MAP_SHARED, t->pool, 0);
	if (t->map != MAP_FAILED)
		return 0;
	t->map = NULL;
	return -1;
}

static int unmap(struct trial *t)
{
	char *map = t->map;

	t->map = NULL;
	if (map && munmap(map, t->size))
		return because(why(t), errno, "munmap");
	return 0;
}

/* One split chunk that is free, but for a page, on a node that has nothing else */

/* Others may have left more split chunks: the last is filled first. */
static int fill_other_splits(struct trial *t)
{
	struct zcpool_info info;
	int i;

	for (i = 0; i < MAX_HELD; i++) {
		if (hoard_info(t->pool, t->set->node, &info, why(t)))
			return -1;
		if (info.clean_bytes < info.chunk_size)
			break;
		if (hoard_take(&t->hoard, 1 * MIB, ZCPOOL_ALLOC_CONTIG | ZCPOOL_ALLOC_THISNODE,
			       t->set->node, 1, why(t)))
			return -1;
	}
	if (info.clean_bytes != info.chunk_size - PAGE)
		return because(why(t), 0, "node %d has %llu KiB free, where %llu are needed",
			       t->set->node, info.clean_bytes / KIB,
			       (info.chunk_size - PAGE) / KIB);
	return 0;
}

static int open_split(struct trial *t)
{
	const __u32 flags = ZCPOOL_ALLOC_THISNODE;
	struct zcpool_info info;

	if (hoard_info(t->pool, -1, &info, why(t)))
		return -1;
	if (info.total_bytes < info.max_bytes)
		return because(why(t), 0, "the pool could still grow: reserve all of its maximum");
	if (hoard_wait_clean(t->pool, -1, why(t)) ||
	    hoard_take(&t->hoard, PAGE, flags, t->set->node, 1, why(t)) ||
	    hoard_take(&t->hoard, HUGE, flags | ZCPOOL_ALLOC_HUGE, t->set->node, MAX_HELD,
		       why(t)))
		return -1;
	return fill_other_splits(t);
}

static int ready_split(struct trial *t)
{
	return throng_pass(&t->throng, PIECES + t->out->runs % PIECES, why(t));
}

/* Only so much memory that is free as is to be mapped */

/* What the node certainly has, so that it is the same for each run */
static int fit(struct trial *t)
{
	struct zcpool_info info;

	if (hoard_info(t->pool, t->set->node, &info, why(t)))
		return -1;
	while (t->size > HUGE && t->size + 2 * HUGE > info.total_bytes)
		t->size = t->size / 2 / HUGE * HUGE;
	return 0;
}

static int open_map(struct trial *t)
{
	if (hoard_wait_clean(t->pool, -1, why(t)))
		return -1;
	if (alloc(t, 0))
		return because(why(t), errno, "%zu MiB on node %d", t->size / MIB,
			       t->set->node);
	if (hoard_take_all(&t->hoard, why(t)))
		return -1;
	return close_fd(t);
}

/* A buffer of all that is free, written to */
static int soil(struct trial *t)
{
	size_t i;

	if (alloc(t, 0))
		return because(why(t), errno, "ZCPOOL_IOC_ALLOC");
	t->map = mmap(NULL, t->size, PROT_READ | PROT_WRITE, MAP_SHARED, t->fd, 0);
	if (t->map == MAP_FAILED) {
		t->map = NULL;
		return because(why(t), errno, "mmap");
	}
	for (i = 0; i < t->size; i += PAGE)
		t->map[i] = 1;
	return unmap(t) || close_fd(t) ? -1 : 0;
}

static int ready_map(struct trial *t)
{
	struct zcpool_info info;
	int i;

	for (i = 0; i < MAX_RUNS; i++) {
		if (soil(t))
			return -1;
		if (t->side == CALM)
			return hoard_wait_clean(t->pool, -1, why(t));
		if (hoard_info(t->pool, -1, &info, why(t)))
			return -1;
		if (info.clean_bytes < HUGE && info.dirty_bytes >= t->size)
			return 0;
	}
	return because(why(t), 0, "the scrubber was always faster");
}

/* Clean chunks in order, or not */

static int open_run(struct trial *t)
{
	return hoard_wait_clean(t->pool, -1, why(t));
}

/* The scrubber, which puts chunks in the list, does so in the order of their closing. */
static int shuffle(struct trial *t)
{
	const __u32 flags = ZCPOOL_ALLOC_HUGE | ZCPOOL_ALLOC_THISNODE;

	if (hoard_take(&t->hoard, HUGE, flags, t->set->node, MAX_HELD, why(t)))
		return -1;
	hoard_shuffle(&t->hoard, &t->seed);
	hoard_drop(&t->hoard);
	return 0;
}

static int ready_run(struct trial *t)
{
	struct zcpool_info info;

	if (t->side == BUSY && shuffle(t))
		return -1;
	if (hoard_wait_clean(t->pool, t->set->node, why(t)) ||
	    hoard_info(t->pool, t->set->node, &info, why(t)))
		return -1;
	t->out->chunks = info.clean_bytes / info.chunk_size;
	return 0;
}

static const struct crowd crowds[NR_CROWDS] = {
	{
		.key = "contig_split", .name = "crowd CONTIG", .size = 1 * MIB,
		.sides = { "quiet", "crowded" }, .threads = true,
		.open = open_split, .ready = ready_split, .call = alloc_contig,
		.undo = close_fd,
	}, {
		.key = "huge_refused", .name = "crowd HUGE refused", .size = HUGE,
		.sides = { "quiet", "crowded" }, .threads = true, .refused = true,
		.open = open_split, .ready = ready_split, .call = alloc_huge,
		.undo = close_fd,
	}, {
		.key = "pool_mmap", .name = "crowd mmap", .size = 4 * MIB,
		.sides = { "clean", "dirty" },
		.open = open_map, .ready = ready_map, .call = map_pool, .undo = unmap,
	}, {
		.key = "pool_mmap", .name = "crowd mmap", .size = 200 * MIB,
		.sides = { "clean", "dirty" },
		.open = open_map, .ready = ready_map, .call = map_pool, .undo = unmap,
	}, {
		.key = "contig_run", .name = "crowd CONTIG run", .size = 4 * MIB,
		.sides = { "in order", "shuffled" },
		.open = open_run, .ready = ready_run, .call = alloc_contig,
		.undo = close_fd,
	}, {
		.key = "contig_run", .name = "crowd CONTIG run", .size = 64 * MIB,
		.sides = { "in order", "shuffled" },
		.open = open_run, .ready = ready_run, .call = alloc_contig,
		.undo = close_fd,
	},
};

const char *crowd_name(size_t i)
{
	return crowds[i].name;
}

/* Another node that the default pool has memory on; -1 where there is none */
int crowd_other_node(int node)
{
	struct zcpool_info info;
	int i, pool = zcpool_open(NULL);

	if (pool < 0)
		return -1;
	for (i = 0; i < 64; i++)
		if (i != node && !zcpool_info(pool, i, &info) && info.total_bytes)
			break;
	close(pool);
	return i < 64 ? i : -1;
}

/* How the call ended, or why that is not what is measured */
static int note(struct trial *t, int err)
{
	if (!err && t->crowd->refused)
		return because(why(t), 0, "the pool had room after all");
	if (err && err != ENOSPC && err != ENOMEM)
		return because(why(t), err, "the call");
	t->out->refused += !!err;
	return 0;
}

static int run_one(struct trial *t, __u64 *ns)
{
	struct throng *throng = &t->throng;
	__u64 start, done, refused;
	int err;

	if (t->crowd->ready(t))
		return -1;
	done = throng_done(throng);
	refused = throng_refused(throng);
	start = now();
	atomic_store(&throng->call, start);
	err = t->crowd->call(t) ? errno : 0;
	*ns = less(now() - start, t->set->clock_cost);
	atomic_store(&throng->call, 0);
	t->out->others += throng_done(throng) - done;
	t->out->others_refused += throng_refused(throng) - refused;
	t->out->sent_off += atomic_exchange(&throng->sent_off, false);
	return note(t, err) || t->crowd->undo(t) ? -1 : 0;
}

/* The first only warms up. */
static int run_all(struct trial *t)
{
	static __u64 ns[MAX_RUNS];
	const __u64 budget = t->crowd->threads ? THREADS_BUDGET : BUDGET;
	struct crowd_side *out = t->out;
	__u64 start;

	if (run_one(t, ns))
		return -1;
	out->refused = 0;
	out->sent_off = 0;
	out->others = 0;
	out->others_refused = 0;
	start = now();
	while (out->runs < MAX_RUNS &&
	       (out->runs < MIN_RUNS || now() - start < budget)) {
		if (run_one(t, &ns[out->runs]))
			return -1;
		out->runs++;
	}
	out->time = spread_of(ns, out->runs);
	return 0;
}

static int run_side(struct trial *t)
{
	bool threads = t->crowd->threads;
	int err;

	if (t->crowd->open(t))
		return -1;
	err = threads ? throng_start(&t->throng, why(t)) : 0;
	if (!err)
		err = run_all(t);
	if (threads)
		throng_stop(&t->throng);
	return err;
}

static void measure_side(const struct crowd *crowd, const struct setting *set,
			 enum side side, struct crowd_row *row)
{
	struct trial *t = calloc(1, sizeof(*t));
	struct crowd_side *out = &row->side[side];

	out->name = crowd->sides[side];
	if (!t) {
		because(&out->why, errno, "calloc");
		return;
	}
	*t = (struct trial){
		.crowd = crowd, .set = set, .side = side, .size = crowd->size,
		.fd = -1, .seed = SEED, .out = out,
	};
	t->pool = zcpool_open(NULL);
	t->hoard.pool = t->pool;
	t->throng.pool = t->pool;
	t->throng.set = set;
	t->throng.node = side == BUSY ? set->node : set->other_node;
	if (t->pool < 0)
		because(&out->why, errno, "/dev/zcpool/default");
	else
		out->measured = !fit(t) && !run_side(t);
	row->size = t->size;
	unmap(t);
	close_fd(t);
	hoard_drop(&t->hoard);
	close(t->pool);
	free(t);
}

void measure_crowd(size_t i, const struct setting *set, struct crowd_row *row)
{
	enum side side;

	row->key = crowds[i].key;
	row->name = crowds[i].name;
	row->size = crowds[i].size;
	for (side = 0; side < NR_SIDES; side++)
		measure_side(&crowds[i], set, side, row);
}
