// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs to take a buffer's memory away from all who have it: REVOKE and MOVE, by
 * how many processes map it; and to have it elsewhere: MIGRATE, beside memcpy().
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crowd.h"
#include "takeback.h"

#define MAX_RUNS	101
#define MIN_RUNS	5
#define BUDGET		300000000ULL	/* ns for one case, MIN_RUNS permitting */

struct trial {
	const struct setting *set;
	size_t size;
	unsigned int mappers;	/* other processes that map it, ... */
	bool touched;		/* ... and have written to each 4 KiB */
	int (*call)(struct trial *t);	/* -1 with errno set */
	int pool;
	int node;		/* of the buffer */
	int fd;			/* the buffer */
	int dead;		/* what was its descriptor */
	struct crew crew;
	struct case_time *out;
};

/*
 * Calls once(), which says how long each of nr cases took, again and again. The first time
 * only warms up.
 */
int sample(sample_fn *once, void *arg, struct case_time *cases, unsigned int nr)
{
	static __u64 samples[MAX_CASES][MAX_RUNS];
	__u64 ns[MAX_CASES], start;
	unsigned int i, n;

	if (once(arg, ns))
		return -1;
	start = now();
	for (n = 0; n < MAX_RUNS && (n < MIN_RUNS || now() - start < BUDGET); n++) {
		if (once(arg, ns))
			return -1;
		for (i = 0; i < nr; i++)
			samples[i][n] = ns[i];
	}
	for (i = 0; i < nr; i++) {
		cases[i].time = spread_of(samples[i], n);
		cases[i].runs = n;
		cases[i].measured = true;
	}
	return 0;
}

static struct reason *why(struct trial *t)
{
	return &t->out->why;
}

/* The calls */

static int call_revoke(struct trial *t)
{
	struct zcpool_revoke args = { 0 };

	if (ioctl(t->fd, ZCPOOL_BUF_REVOKE, &args))
		return -1;
	t->dead = t->fd;
	t->fd = -1;
	errno = EBUSY;
	return args.pinned ? -1 : 0;
}

static int call_move(struct trial *t)
{
	int fd = move_buffer(t->fd);

	if (fd < 0)
		return -1;
	t->dead = t->fd;
	t->fd = fd;
	return 0;
}

/* To the other of two nodes, there and back */
static int call_migrate(struct trial *t)
{
	struct zcpool_migrate args = { .node = t->set->node };

	if (t->node == t->set->node)
		args.node = t->set->other_node;
	if (ioctl(t->fd, ZCPOOL_BUF_MIGRATE, &args))
		return -1;
	t->node = args.node;
	return 0;
}

/* What is the same for all */

static int alloc(struct trial *t)
{
	uint64_t size = t->size;

	t->node = t->set->node;
	t->fd = zcpool_alloc(t->pool, &size, ZCPOOL_ALLOC_THISNODE, t->node);
	if (t->fd < 0)
		return because(why(t), errno, "%zu MiB on node %d", t->size / MIB, t->node);
	return 0;
}

static int tell_all(struct trial *t, enum duty what, int fd)
{
	struct reply reply;
	unsigned int i;

	for (i = 0; i < t->crew.nr; i++)
		if (crew_tell(&t->crew, i, what, t->size, fd, why(t)) ||
		    crew_await(&t->crew, i, &reply, why(t)))
			return -1;
	return 0;
}

/*
 * A buffer that others map, who then sleep: for those who run, it would be a grace period
 * more. All that is free is clean, so that no scrubber is at work.
 */
static int ready(struct trial *t)
{
	if (hoard_wait_clean(t->pool, -1, why(t)))
		return -1;
	if (t->fd < 0 && alloc(t))
		return -1;
	if (tell_all(t, t->touched ? DUTY_MAP_TOUCH : DUTY_MAP, t->fd))
		return -1;
	usleep(1000);
	return 0;
}

static int undo(struct trial *t)
{
	int fd = t->dead;

	t->dead = -1;
	if (tell_all(t, DUTY_UNMAP, -1))
		return -1;
	return fd >= 0 && close(fd) ? because(why(t), errno, "close") : 0;
}

void set_policy(int policy)
{
	const struct sched_param param = { .sched_priority = policy == SCHED_FIFO };

	sched_setscheduler(0, policy, &param);
}

/*
 * Where there is one processor, those whom the call wakes (the scrubber, who sleeps in a
 * process that had the buffer) must not run before it ends.
 */
static int run_once(void *arg, __u64 *ns)
{
	struct trial *t = arg;
	__u64 start;
	int err;

	if (ready(t))
		return -1;
	set_policy(SCHED_FIFO);
	start = now();
	err = t->call(t) ? errno : 0;
	*ns = less(now() - start, t->set->clock_cost);
	set_policy(SCHED_OTHER);
	return err ? because(why(t), err, "the call") : undo(t);
}

static void run_trial(struct trial *t)
{
	t->pool = zcpool_open(NULL);
	t->fd = -1;
	t->dead = -1;
	if (t->pool < 0)
		because(why(t), errno, "/dev/zcpool/default");
	else if (!crew_start(&t->crew, t->mappers, t->set, why(t)))
		sample(run_once, t, t->out, 1);
	crew_stop(&t->crew);
	close(t->fd);
	close(t->dead);
	close(t->pool);
}

/* REVOKE and MOVE */

static const struct {
	const char *name;
	unsigned int mappers;
	bool touched;
} states[] = {
	{ "nobody", 0, false },
	{ "1", 1, false },
	{ "1, touched", 1, true },
	{ "8", 8, false },
	{ "8, touched", 8, true },
};

static void measure_states(int (*call)(struct trial *t), const struct setting *set,
			   struct takeback_row *row)
{
	size_t i;

	row->nr_cases = ARRAY_SIZE(states);
	for (i = 0; i < ARRAY_SIZE(states); i++) {
		struct trial t = {
			.set = set, .size = row->size, .mappers = states[i].mappers,
			.touched = states[i].touched, .call = call, .out = &row->cases[i],
		};

		t.out->name = states[i].name;
		run_trial(&t);
	}
}

static void measure_revoke(const struct setting *set, struct takeback_row *row)
{
	measure_states(call_revoke, set, row);
}

static void measure_move(const struct setting *set, struct takeback_row *row)
{
	measure_states(call_move, set, row);
}

/* MIGRATE, and the same bytes from a buffer on one node to one on the other */

struct copy {
	const struct setting *set;
	size_t size;
	char *from, *to;
};

static char *map_on(int node, size_t size, struct reason *why)
{
	int pool = zcpool_open(NULL), fd = -1;
	uint64_t granted = size;
	char *p = MAP_FAILED;

	if (pool >= 0)
		fd = zcpool_alloc(pool, &granted, ZCPOOL_ALLOC_THISNODE, node);
	if (fd >= 0)
		p = zcpool_map(fd, PROT_READ | PROT_WRITE, 0, NULL);
	if (p == MAP_FAILED)
		because(why, errno, "%zu MiB on node %d", size / MIB, node);
	else
		write_pages(p, size, node);
	close(fd);
	close(pool);
	return p == MAP_FAILED ? NULL : p;
}

static int copy_once(void *arg, __u64 *ns)
{
	struct copy *c = arg;
	__u64 start = now();

	memcpy(c->to, c->from, c->size);
	*ns = less(now() - start, c->set->clock_cost);
	return 0;
}

static void measure_copy(const struct setting *set, size_t size, struct case_time *out)
{
	struct copy c = { .set = set, .size = size };

	c.from = map_on(set->node, size, &out->why);
	c.to = c.from ? map_on(set->other_node, size, &out->why) : NULL;
	if (c.to)
		sample(copy_once, &c, out, 1);
	if (c.to)
		munmap(c.to, size);
	if (c.from)
		munmap(c.from, size);
}

static void measure_migrate(const struct setting *set, struct takeback_row *row)
{
	struct trial t = {
		.set = set, .size = row->size, .mappers = 1, .touched = true,
		.call = call_migrate, .out = &row->cases[0],
	};

	row->nr_cases = 2;
	row->cases[0].name = "MIGRATE";
	row->cases[1].name = "memcpy";
	if (set->other_node < 0) {
		because(&row->cases[0].why, 0, "the pool has memory on one node only");
		row->cases[1].why = row->cases[0].why;
		return;
	}
	run_trial(&t);
	measure_copy(set, row->size, &row->cases[1]);
}

static const size_t sizes[MAX_SIZES] = { 4 * KIB, 64 * KIB, 2 * MIB, 64 * MIB, 1 * GIB };
static const size_t message[MAX_SIZES] = { 1 * MIB };

static const struct {
	const char *key;
	const char *name;
	enum takeback_table table;
	void (*measure)(const struct setting *set, struct takeback_row *row);
	const size_t *sizes;
} calls[NR_TAKEBACKS] = {
	{ "revoke", "take back REVOKE", CALL_TABLE, measure_revoke, sizes },
	{ "move", "take back MOVE", CALL_TABLE, measure_move, sizes },
	{ "migrate", "take back MIGRATE", COPY_TABLE, measure_migrate, sizes },
	{ "pipe", "take back, pipe", HANDOVER_TABLE, measure_pipe, message },
	{
		"move_huge", "take back, MOVE, unmapped", HANDOVER_TABLE,
		measure_move_huge, message,
	}, {
		"move_mapped", "take back, MOVE, still mapped", HANDOVER_TABLE,
		measure_move_mapped, message,
	}, {
		"move_small", "take back, MOVE, 4 KiB pages", HANDOVER_TABLE,
		measure_move_small, message,
	},
};

const char *takeback_name(size_t i)
{
	return calls[i].name;
}

/* The nth size a call is measured with; 0 where there are no more */
size_t takeback_size(size_t i, size_t n)
{
	return n < MAX_SIZES ? calls[i].sizes[n] : 0;
}

/* Fills in row, whose size is set. */
void measure_takeback(size_t i, const struct setting *set, struct takeback_row *row)
{
	row->key = calls[i].key;
	row->name = calls[i].name;
	row->table = calls[i].table;
	calls[i].measure(set, row);
}
