/* SPDX-License-Identifier: GPL-2.0 */
/* Steps that the paths of more than one program are made of. */
#ifndef ZCPOOL_STEPS_H
#define ZCPOOL_STEPS_H

#include "walk.h"

/* The module's parameters where a path needs no others */
#define RESERVE		"reserve=4M max=128M"

/* A path, by the fields of struct path, and the test that walks it */
#define WALK_PATH(id, ...)						\
	static const struct path path_##id = { __VA_ARGS__ };		\
	TEST(walk_##id)							\
	{								\
		walk(_metadata, &path_##id);				\
	}

/* What a system call has returned, as the call of a path returns it */
static inline long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

static inline int prepare_buf(struct scene *s)
{
	memset(&s->arg, 0xee, sizeof(s->arg));
	s->buf = buf_alloc(s->pool, CHUNK + 3 * PAGE, 0, 0);
	return s->buf < 0 ? -1 : 0;
}

/* A buffer on node 0 with a pattern in its first page and in its last, else zero */
static inline int make_buf(struct scene *s)
{
	s->len = s->path->size;
	s->buf = buf_alloc(s->pool, s->len, ZCPOOL_ALLOC_THISNODE, 0);
	if (s->buf < 0)
		return -1;
	fill(s->data, 2 * PAGE, 5);
	if (pwrite(s->buf, s->data, PAGE, 0) != PAGE)
		return -1;
	return pwrite(s->buf, s->data + PAGE, PAGE, s->len - PAGE) == PAGE ? 0 : -1;
}

static inline bool is_intact(const char *p, size_t len)
{
	return filled(p, PAGE, 5) && all_zero(p + PAGE, len - 2 * PAGE) &&
	       filled_from(p + len - PAGE, PAGE, 5, PAGE);
}

static inline bool has_mappings(int buf, unsigned int mappings)
{
	struct zcpool_buf_info bi;

	return !buf_info(buf, &bi) && bi.mappings == mappings;
}

/* A pipe in the path's hands: held[0] is read from, held[1] written to. */
static inline int hold_pipe(struct scene *s)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return -1;
	s->held[s->nr_held++] = ends[0];
	s->held[s->nr_held++] = ends[1];
	return 0;
}

/* Takes all of a kind that is clean on a node, in pieces of size or less. */
static inline int hold_clean(struct scene *s, int node, __u64 size, __u32 flags)
{
	int fd;

	for (; size >= PAGE && s->nr_held < MAX_HELD; size /= 2) {
		while (s->nr_held < MAX_HELD) {
			fd = buf_alloc(s->pool, size, ZCPOOL_ALLOC_NOWAIT |
				       ZCPOOL_ALLOC_THISNODE | flags, node);
			if (fd < 0)
				break;
			s->held[s->nr_held++] = fd;
		}
		if (fd != -EAGAIN)
			return -1;
		if (flags & ZCPOOL_ALLOC_HUGE)
			return 0;
	}
	return s->nr_held < MAX_HELD ? 0 : -1;
}

static inline void undo_fd(struct scene *s, long ret)
{
	if (ret >= 0)
		close(s->fd);
}

#endif /* ZCPOOL_STEPS_H */
