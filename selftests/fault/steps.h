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

static inline void undo_fd(struct scene *s, long ret)
{
	if (ret >= 0)
		close(s->fd);
}

#endif /* ZCPOOL_STEPS_H */
