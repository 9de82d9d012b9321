// SPDX-License-Identifier: GPL-2.0
/*
 * Faults on the way of open and ioctl, for every way there is to get memory.
 */
#include "steps.h"

#define NODE0		ZCPOOL_ALLOC_NODE
#define ONLY0		(ZCPOOL_ALLOC_NODE | ZCPOOL_ALLOC_THISNODE)

/* Open */

static long call_open(struct scene *s)
{
	s->fd = open(POOL_PATH, O_RDWR | O_CLOEXEC);
	return s->fd < 0 ? -errno : 0;
}

static bool check_open(struct scene *s, long ret)
{
	struct zcpool_info pi;

	return !pool_info(s->fd, -1, &pi) && pi.abi_version == ZCPOOL_ABI_VERSION;
}

WALK_PATH(open, .name = "open", .params = RESERVE, .must = SLAB | COPY,
	  .call = call_open, .check = check_open, .undo = undo_fd)

/* ZCPOOL_IOC_INFO and ZCPOOL_BUF_INFO */

static int prepare_info(struct scene *s)
{
	memset(&s->arg, 0, sizeof(s->arg));
	s->arg.info.flags = s->path->flags;
	s->arg.info.node = s->path->node;
	return 0;
}

static long call_info(struct scene *s)
{
	return result(ioctl(s->pool, _IOC(_IOC_READ | _IOC_WRITE, ZCPOOL_IOC_MAGIC,
					  0x10, s->path->size), &s->arg));
}

/* All that the caller's struct has room for, and nothing beyond it */
static bool check_info(struct scene *s, long ret)
{
	const bool node = s->path->flags & ZCPOOL_INFO_NODE;
	struct zcpool_info pi;
	size_t both = s->path->size, i;

	if (pool_info(s->pool, node ? (int)s->path->node : -1, &pi))
		return false;
	if (both > sizeof(pi))
		both = sizeof(pi);
	for (i = both; i < sizeof(s->arg); i++)
		if (s->arg.bytes[i])
			return false;
	return !memcmp(&pi, &s->arg, both);
}

#define INFO_PATH(id, title, bytes, fl, nid)				\
	WALK_PATH(id,							\
		  .name = title, .params = RESERVE, .must = COPY,	\
		  .prepare = prepare_info, .call = call_info,		\
		  .check = check_info,					\
		  .size = bytes, .flags = fl, .node = nid)

INFO_PATH(info, "info", sizeof(struct zcpool_info), 0, 0)
INFO_PATH(info_node, "info-node", sizeof(struct zcpool_info), ZCPOOL_INFO_NODE, 1)
INFO_PATH(info_short, "info-short", ZCPOOL_INFO_SIZE_MIN, 0, 0)
INFO_PATH(info_long, "info-long", 200, 0, 0)

static long call_buf_info(struct scene *s)
{
	return result(ioctl(s->buf, _IOC(_IOC_READ, ZCPOOL_IOC_MAGIC, 0x20,
					 s->path->size), &s->arg));
}

static bool check_buf_info(struct scene *s, long ret)
{
	struct zcpool_buf_info bi;
	size_t both = s->path->size, i;

	if (buf_info(s->buf, &bi))
		return false;
	if (both > sizeof(bi))
		both = sizeof(bi);
	for (i = both; i < sizeof(s->arg); i++)
		if (s->arg.bytes[i] != (i < s->path->size ? 0 : (char)0xee))
			return false;
	return !memcmp(&bi, &s->arg, both) &&
	       s->arg.buf_info.size == CHUNK + 3 * PAGE;
}

#define BUF_INFO_PATH(id, title, bytes)					\
	WALK_PATH(id,							\
		  .name = title, .params = RESERVE, .must = COPY,	\
		  .prepare = prepare_buf, .call = call_buf_info,	\
		  .check = check_buf_info, .size = bytes)

BUF_INFO_PATH(buf_info, "buf-info", sizeof(struct zcpool_buf_info))
BUF_INFO_PATH(buf_info_short, "buf-info-short", ZCPOOL_BUF_INFO_SIZE_MIN)
BUF_INFO_PATH(buf_info_long, "buf-info-long", 64)

/* ZCPOOL_IOC_ALLOC */

static int prepare_alloc(struct scene *s)
{
	memset(&s->arg, 0, sizeof(s->arg));
	s->arg.alloc.size = s->path->size;
	s->arg.alloc.flags = s->path->flags;
	s->arg.alloc.node = s->path->node;
	return 0;
}

static long call_alloc(struct scene *s)
{
	return result(ioctl(s->pool, ZCPOOL_IOC_ALLOC, &s->arg.alloc));
}

/* By mapping it: each page if it is not a lot, else the first bytes of each */
static bool buffer_is_zero(int buf, size_t size)
{
	bool zero = true;
	char *p;
	size_t i;

	p = mmap(NULL, size, PROT_READ, MAP_SHARED, buf, 0);
	if (p == MAP_FAILED)
		return false;
	for (i = 0; i < size && zero; i += PAGE)
		zero = all_zero(p + i, size > 64 * MIB ? 64 : PAGE);
	munmap(p, size);
	return zero;
}

static bool check_alloc(struct scene *s, long ret)
{
	const struct zcpool_alloc *a = &s->arg.alloc;
	struct zcpool_buf_info bi;
	struct stat st;

	if (buf_info(a->fd, &bi) || fstat(a->fd, &st))
		return false;
	if (bi.size != a->size || (__u64)st.st_size != a->size ||
	    a->size < s->path->size || bi.flags != s->path->flags ||
	    bi.requested != (s->path->size + PAGE - 1) / PAGE * PAGE ||
	    bi.whole_bytes + bi.split_bytes != a->size || bi.mappings)
		return false;
	if ((s->path->flags & ONLY0) == ONLY0 && bi.node != (int)s->path->node)
		return false;
	if (s->path->flags & ZCPOOL_ALLOC_CONTIG && bi.nr_extents != 1)
		return false;
	return buffer_is_zero(a->fd, a->size);
}

static void undo_alloc(struct scene *s, long ret)
{
	if (ret >= 0)
		close(s->arg.alloc.fd);
}

static int prepare_no_whole(struct scene *s)
{
	prepare_alloc(s);
	return hold_clean(s, 0, CHUNK, ZCPOOL_ALLOC_HUGE);
}

static int prepare_no_split(struct scene *s)
{
	prepare_alloc(s);
	return hold_clean(s, 0, CHUNK / 2, 0);
}

static int prepare_nothing_clean(struct scene *s)
{
	return prepare_no_whole(s) ? -1 : hold_clean(s, 0, CHUNK / 2, 0);
}

/* Node 0 has a split chunk that is clean, whatever was made and freed before. */
static int prepare_split(struct scene *s)
{
	struct zcpool_info pi;
	int fd = buf_alloc(s->pool, PAGE, ZCPOOL_ALLOC_THISNODE, 0);

	if (fd < 0)
		return -1;
	close(fd);
	return pool_wait_idle(s->pool, &pi) ? -1 : prepare_alloc(s);
}

/* That is all that is left of node 0, which is at its maximum. */
static int prepare_idle_split(struct scene *s)
{
	return prepare_split(s) ? -1 : prepare_no_whole(s);
}

/* Node 0 has nothing but a chunk that is about to be freed. */
static int prepare_dirty(struct scene *s)
{
	int err = prepare_nothing_clean(s);
	void *p;

	if (err || !s->nr_held)
		return -1;
	p = buf_map(s->held[0], CHUNK, 0);
	if (p == MAP_FAILED)
		return -1;
	fill(p, CHUNK, 1);
	return munmap(p, CHUNK);
}

/* Before the scrubber gets at it, the freed chunk is zeroed by who wants it. */
static long call_alloc_dirty(struct scene *s)
{
	close(s->held[0]);
	return call_alloc(s);
}

static void undo_alloc_dirty(struct scene *s, long ret)
{
	undo_alloc(s, ret);
	s->held[0] = buf_alloc(s->pool, CHUNK, ZCPOOL_ALLOC_THISNODE, 0);
}

#define ALLOC_PATH(id, title, par, prep, bytes, fl)			\
	WALK_PATH(id,							\
		  .name = title, .params = par, .must = SLAB | COPY,	\
		  .prepare = prep, .call = call_alloc,			\
		  .check = check_alloc, .undo = undo_alloc,		\
		  .size = bytes, .flags = fl)

#define GROW_PATH(id, title, prep, bytes, fl)				\
	WALK_PATH(id,							\
		  .name = title, .params = RESERVE,			\
		  .must = SLAB | PAGES | COPY,				\
		  .prepare = prep, .call = call_alloc,			\
		  .check = check_alloc, .undo = undo_alloc,		\
		  .size = bytes, .flags = fl)

ALLOC_PATH(alloc_whole, "alloc-whole", RESERVE, prepare_alloc, CHUNK, NODE0)
ALLOC_PATH(alloc_split, "alloc-split", RESERVE, prepare_alloc, 64 * KIB, NODE0)
ALLOC_PATH(alloc_tail, "alloc-tail", RESERVE, prepare_alloc, CHUNK + 100 * PAGE, ONLY0)
ALLOC_PATH(alloc_huge, "alloc-huge", RESERVE, prepare_alloc, 3 * MIB, NODE0 | ZCPOOL_ALLOC_HUGE)
ALLOC_PATH(alloc_nowait, "alloc-nowait", RESERVE, prepare_split, CHUNK + PAGE,
	   ONLY0 | ZCPOOL_ALLOC_NOWAIT)
ALLOC_PATH(alloc_contig, "alloc-contig", RESERVE, prepare_alloc, MIB, ONLY0 | ZCPOOL_ALLOC_CONTIG)
ALLOC_PATH(alloc_run, "alloc-contig-run", "reserve=64M max=128M", prepare_alloc, 2 * CHUNK,
	   ONLY0 | ZCPOOL_ALLOC_CONTIG)
ALLOC_PATH(alloc_array, "alloc-extents", "reserve=12M max=64M", prepare_alloc, 5 * CHUNK, ONLY0)
ALLOC_PATH(alloc_many, "alloc-many-extents", "reserve=0:520M max=600M", prepare_alloc,
	   257 * CHUNK, ONLY0)
ALLOC_PATH(alloc_nodes, "alloc-nodes", "reserve=8M max=16M", prepare_alloc, 6 * CHUNK, NODE0)
ALLOC_PATH(alloc_fallback, "alloc-fallback", "reserve=8M max=16M", prepare_nothing_clean,
	   CHUNK, NODE0)

GROW_PATH(grow_whole, "grow-whole", prepare_nothing_clean, CHUNK, ONLY0)
GROW_PATH(grow_whole_spare, "grow-whole-or-convert", prepare_no_whole, CHUNK, ONLY0)
GROW_PATH(grow_several, "grow-several", prepare_nothing_clean, 3 * CHUNK, ONLY0)
GROW_PATH(grow_split, "grow-split", prepare_nothing_clean, 64 * KIB, ONLY0)
GROW_PATH(grow_tail, "grow-tail", prepare_nothing_clean, CHUNK + 100 * PAGE, ONLY0)
GROW_PATH(grow_any_node, "grow-any-node", prepare_nothing_clean, CHUNK, NODE0)
GROW_PATH(to_split, "convert-to-split", prepare_no_split, 64 * KIB, ONLY0)

/* At the maximum, and what is free cannot be converted: ENOSPC tells of the maximum. */
WALK_PATH(to_whole, .name = "convert-to-whole", .params = "reserve=0:4M max=4M",
	  .must = SLAB | PAGES | COPY, .also = ENOSPC,
	  .prepare = prepare_idle_split, .call = call_alloc,
	  .check = check_alloc, .undo = undo_alloc,
	  .size = CHUNK, .flags = ONLY0)

WALK_PATH(dirty, .name = "alloc-dirty", .params = RESERVE, .must = SLAB | COPY,
	  .prepare = prepare_dirty, .call = call_alloc_dirty,
	  .check = check_alloc, .undo = undo_alloc_dirty,
	  .size = CHUNK, .flags = ONLY0)

TEST_HARNESS_MAIN
