/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Walks a path: makes the same call again and again, with the first point
 * failing, then the second, and so on until none is left to fail. After each
 * call the pool and the process must be as before it.
 */
#ifndef ZCPOOL_WALK_H
#define ZCPOOL_WALK_H

#include "module.h"

/* A walk is many calls. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	3000

#define MAX_HELD	512

struct path;

/* What a path works on; made anew for each */
struct scene {
	const struct path *path;
	struct inject inj;
	int pool;
	int held[MAX_HELD];	/* buffers in the path's way */
	int nr_held;
	int buf;		/* the buffer worked on, or -1 */
	char *p;		/* its mapping, or NULL */
	size_t len;
	int fd;			/* what a call that succeeded has made */
	char *made;		/* the same, if it is a mapping */
	char *data;		/* bytes in memory that has been touched */
	union {
		struct zcpool_alloc alloc;
		struct zcpool_info info;
		struct zcpool_buf_info buf_info;
		char bytes[256];
	} arg;
};

/**
 * struct path - a call, and what is right for it
 * @name: in the report
 * @params: the module's
 * @prepare: before each call; 0, or -1 with errno set
 * @call: what is failed in; 0 or more, or -errno
 * @check: whether the outcome of a call that did not fail is right
 * @kept: whether, after a call that did, all that it was to change is as it was
 * @undo: after each call, with what it returned; what @prepare made may stay
 * @result: what the call returns when nothing fails
 * @must: bits of the kinds of points that there are for sure
 * @also: an errno that is right beside ENOMEM for memory and EFAULT for copies
 * @never: no point that fails is seen by the caller
 * @size: for ZCPOOL_IOC_ALLOC or mmap; or that of the ioctl's struct
 * @flags: for ZCPOOL_IOC_ALLOC or ZCPOOL_IOC_INFO, or mmap; or seals
 * @node: for the same, with ZCPOOL_ALLOC_NODE
 * @addr: for mmap
 */
struct path {
	const char *name;
	const char *params;
	int (*prepare)(struct scene *s);
	long (*call)(struct scene *s);
	bool (*check)(struct scene *s, long ret);
	bool (*kept)(struct scene *s);
	void (*undo)(struct scene *s, long ret);
	long result;
	unsigned int must;
	int also;
	bool never;
	__u64 size;
	__u32 flags;
	__u32 node;
	char *addr;
};

#define SLAB	(1U << FAULT_SLAB)
#define PAGES	(1U << FAULT_PAGE)
#define COPY	(1U << FAULT_COPY)

/* Reads a whole file into text, which it ends; its length or -1. */
static inline ssize_t slurp(const char *path, char *text, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0, len = 0;

	while (fd >= 0 && (n = read(fd, text + len, room - 1 - len)) > 0)
		len += n;
	text[len] = 0;
	close(fd);
	return fd < 0 || n < 0 ? -1 : len;
}

static inline int count_lines(const char *path)
{
	static char text[1 << 16];
	int lines = 0;
	char *c;

	if (slurp(path, text, sizeof(text)) < 0)
		return -1;
	for (c = text; *c; c++)
		lines += *c == '\n';
	return lines;
}

/*
 * The bytes of each node of the pool by state, and what it has lost. Chunks that
 * are split are left out but for what is not at rest: with more than one that is
 * free, the pool is about to make it whole.
 */
static inline int pool_bytes(char *text, size_t room)
{
	unsigned long long v[12];
	static char nodes[4096];
	char *line, *save;
	size_t len = 0;

	if (slurp(DEBUGFS "/nodes", nodes, sizeof(nodes)) < 0)
		return -1;
	strtok_r(nodes, "\n", &save);
	while ((line = strtok_r(NULL, "\n", &save))) {
		if (sscanf(line, "%llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu",
			   v, v + 1, v + 2, v + 3, v + 4, v + 5, v + 6, v + 7,
			   v + 8, v + 9, v + 10, v + 11) != 12)
			return -1;
		if (!v[6] && v[9] > 1)
			len += snprintf(text + len, room - len, "%llu split, ", v[9]);
		len += snprintf(text + len, room - len,
				"node %llu: total %llu clean %llu dirty %llu quarantined %llu used %llu retired %llu lost %llu; ",
				v[0], v[2], v[3], v[4], v[5], v[6], v[7], v[11]);
	}
	return 0;
}

/* Waits until the pool's bytes are those of rest again. */
static inline bool pool_rests(const char *rest, char *now, size_t room)
{
	int i;

	for (i = 0; i < REGAIN_TRIES; i++) {
		if (!pool_bytes(now, room) && !strcmp(rest, now))
			return true;
		usleep(POLL_USEC);
	}
	return false;
}

/* Waits until there is nothing that the pool still wants to do. */
static inline bool pool_settles(int pool)
{
	char text[1024];
	struct zcpool_info pi;
	int i;

	for (i = 0; i < REGAIN_TRIES; i++) {
		if (pool_wait_idle(pool, &pi) || pool_bytes(text, sizeof(text)))
			return false;
		if (!strstr(text, "split") && pi.total_bytes <= pi.reserve_bytes + 2 * CHUNK)
			return true;
		usleep(POLL_USEC);
	}
	return false;
}

/* What a call that failed must not have changed */
struct view {
	long used;
	long buffers;
	long fds;
	long vmas;
};

static inline int look(struct scene *s, struct view *v)
{
	struct zcpool_info pi;

	if (pool_info(s->pool, -1, &pi))
		return -1;
	v->used = pi.used_bytes;
	v->buffers = count_lines(DEBUGFS "/buffers");
	v->fds = count_fds();
	v->vmas = count_lines("/proc/self/maps");
	return info_adds_up(&pi) && v->buffers > 0 && v->vmas > 0 ? 0 : -1;
}

/* Undoes what prepare did. */
static inline void scene_clear(struct scene *s)
{
	if (s->p)
		munmap(s->p, s->len);
	if (s->buf >= 0)
		close(s->buf);
	while (s->nr_held)
		close(s->held[--s->nr_held]);
	s->p = NULL;
	s->buf = -1;
}

static inline void judge(struct __test_metadata *_metadata, const struct path *p,
			 unsigned int n, int kind, long ret)
{
	int err = ret < 0 ? -ret : 0;

	if (kind == FAULT_NONE) {
		EXPECT_EQ(p->result, ret)
			TH_LOG("%s: with no fault, before point %u", p->name, n);
	} else if (err && -err != p->result && err != p->also) {
		EXPECT_TRUE(!p->never && fault_errno_fits(kind, err))
			TH_LOG("%s: point %u (%s): errno %d", p->name, n,
			       fault_name(kind), err);
	}
}

/* One call; the kind of the fault, or FAULT_NONE. */
static inline int walk_step(struct __test_metadata *_metadata, struct scene *s,
			    unsigned int n)
{
	const struct path *p = s->path;
	struct view before, after;
	long ret;
	int kind;

	ASSERT_EQ(0, p->prepare ? p->prepare(s) : 0)
		TH_LOG("%s: point %u: prepare: %s", p->name, n, strerror(errno));
	ASSERT_EQ(0, look(s, &before));
	ASSERT_EQ(0, inject_begin(&s->inj, n));
	ret = p->call(s);
	kind = inject_end(&s->inj);
	judge(_metadata, p, n, kind, ret);
	if (ret >= 0 && p->check) {
		EXPECT_TRUE(p->check(s, ret))
			TH_LOG("%s: point %u: wrong after success", p->name, n);
	}
	if (ret < 0 && p->kept) {
		EXPECT_TRUE(p->kept(s)) {
			TH_LOG("%s: point %u: changed by a failure", p->name, n);
		}
	}
	if (p->undo)
		p->undo(s, ret);
	pool_wait_used(s->pool, before.used);
	ASSERT_EQ(0, look(s, &after));
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(after))) {
		TH_LOG("%s: %u: used %ld, %ld, buffers %ld, %ld, files %ld, %ld, VMAs %ld, %ld",
		       p->name, n, before.used, after.used, before.buffers,
		       after.buffers, before.fds, after.fds, before.vmas,
		       after.vmas);
	}
	scene_clear(s);
	return kind;
}

/*
 * One failing point after the other, and the pool at rest after each. Now and then a
 * call is spared some points: its end is where it has met none twice in a row.
 */
static inline void walk_points(struct __test_metadata *_metadata, struct scene *s,
			       struct tally *t)
{
	unsigned int n, without = 0;
	char rest[1024], now[1024];
	int kind;

	/* Twice without a fault, so that all that is done once has been done. */
	for (n = 0; n < 2; n++) {
		ASSERT_TRUE(pool_settles(s->pool));
		walk_step(_metadata, s, 0);
	}
	ASSERT_TRUE(pool_settles(s->pool));
	ASSERT_EQ(0, pool_bytes(rest, sizeof(rest)));
	for (n = 1; without < 2; n += kind != FAULT_NONE) {
		kind = walk_step(_metadata, s, n);
		without = kind == FAULT_NONE ? without + 1 : 0;
		if (kind != FAULT_NONE)
			t->met[kind]++;
		ASSERT_TRUE(pool_rests(rest, now, sizeof(now))) {
			TH_LOG("%s: point %u: %s -> %s", s->path->name, n, rest, now);
		}
	}
}

/* The first kind that the path must have and has not met, or FAULT_NONE */
static inline int missing(const struct path *p, const struct tally *t)
{
	int kind;

	for (kind = 0; kind < FAULT_KINDS; kind++)
		if (p->must & 1U << kind && !t->met[kind])
			return kind;
	return FAULT_NONE;
}

/*
 * First each point that the path has always, then, unless it is to be quick, with those that
 * come and go. Where the filter has left one of these and it was met before the only point
 * of a kind, that point was not made to fail: it gets another chance.
 */
static inline void walk_twice(struct __test_metadata *_metadata, struct scene *s)
{
	const struct path *p = s->path;
	struct tally all = {};
	int tries = 0;

	ASSERT_EQ(0, fault_filter_noise());
	do {
		walk_points(_metadata, s, &all);
	} while (missing(p, &all) != FAULT_NONE && ++tries < 3);
	EXPECT_EQ(FAULT_NONE, missing(p, &all)) {
		TH_LOG("%s: no point of %s", p->name, fault_name(missing(p, &all)));
	}
	if (!getenv("ZCPOOL_FAULT_QUICK")) {
		ASSERT_EQ(0, fault_filter_none());
		walk_points(_metadata, s, &all);
	}
	EXPECT_EQ(0, tally_report(&all, p->name));
}

static inline void walk(struct __test_metadata *_metadata, const struct path *p)
{
	static struct scene s;

	memset(&s, 0, sizeof(s));
	s.path = p;
	s.buf = -1;
	ASSERT_EQ(0, inject_open(&s.inj))
		TH_LOG("no fault injection: %s", strerror(errno));
	ASSERT_EQ(0, module_want(p->params));
	s.pool = pool_open();
	ASSERT_LE(0, s.pool);
	s.data = mmap(NULL, CHUNK, RDWR,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	ASSERT_NE(MAP_FAILED, s.data);

	walk_twice(_metadata, &s);
	close(s.pool);
}

#endif /* ZCPOOL_WALK_H */
