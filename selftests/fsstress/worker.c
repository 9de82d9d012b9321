// SPDX-License-Identifier: GPL-2.0
/*
 * One of the processes: what it does, by chance, and what errors it may meet.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fsstress.h"
#include "../lib/guard.h"

struct deed {
	void (*once)(struct worker *w);
	unsigned int weight;
	bool of_pool;
};

static const struct deed deeds[] = {
	{ do_create, 12 },
	{ do_tmpfile, 4 },
	{ do_unlink, 8 },
	{ do_link, 5 },
	{ do_rename, 12 },
	{ do_mkdir, 6 },
	{ do_rmdir, 3 },
	{ do_symlink, 3 },
	{ do_readlink, 2 },
	{ do_readdir, 3 },
	{ do_chmod, 2 },
	{ do_times, 1 },
	{ do_stat, 3 },
	{ do_acl, 3 },
	{ do_write, 14 },
	{ do_read, 10 },
	{ do_map, 8 },
	{ do_truncate, 6 },
	{ do_fallocate, 8 },
	{ do_revoke, 1, true },
};

void note(struct worker *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(w->log[w->steps % LOG], sizeof(w->log[0]), format, args);
	va_end(args);
	w->steps++;
}

void give_up(struct worker *w, const char *format, ...)
{
	unsigned int i, begin = w->steps > LOG ? w->steps - LOG : 0;
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (i = begin; i < w->steps; i++)
		printf("# fsstress %d: %u: %s\n", getpid(), i, w->log[i % LOG]);
	printf("# fsstress %d: %s (seed %u)\n", getpid(), text, w->first_seed);
	fflush(stdout);
	_exit(1);
}

enum kind any_kind(struct worker *w)
{
	return one_in(w, 4) ? DIR_NAME : FILE_NAME;
}

struct path any_path(struct worker *w, enum kind kind)
{
	int depth = below(w, 1 + below(w, 4)), n = 0;
	struct path path;

	while (depth--)
		n += sprintf(path.text + n, "d%zu/", below(w, 2));
	if (one_in(w, 32))
		kind = any_kind(w);
	if (kind == DIR_NAME)
		sprintf(path.text + n, "d%zu", below(w, 2));
	else
		sprintf(path.text + n, "f%zu", below(w, 8));
	return path;
}

/* Until the next call but three. */
const char *within(const struct worker *w, const struct path *path)
{
	static char texts[4][PATH_MAX];
	static unsigned int next;
	char *text = texts[next++ % 4];

	snprintf(text, sizeof(texts[0]), "%s/%s", w->where->dir, path->text);
	return text;
}

bool went_well(struct worker *w, const char *what, long ret, const int *errors)
{
	/* Others remove directories, and make others of names, or links that go in circles. */
	static const int everywhere[] = { ENOENT, ENOTDIR, ELOOP, ENOSPC, 0 };
	int err = errno, i;

	if (ret >= 0)
		return true;
	if (err == ESTALE && w->where->is_zcpool)
		return false;
	for (i = 0; everywhere[i]; i++)
		if (err == everywhere[i])
			return false;
	for (i = 0; errors && errors[i]; i++)
		if (err == errors[i])
			return false;
	give_up(w, "%s: %s", what, strerror(err));
}

static void do_any(struct worker *w)
{
	unsigned int i, sum = 0, n;

	for (i = 0; i < ARRAY_SIZE(deeds); i++)
		sum += deeds[i].of_pool && !w->where->is_zcpool ? 0 : deeds[i].weight;
	n = below(w, sum);
	for (i = 0; n >= deeds[i].weight; i++)
		n -= deeds[i].weight;
	deeds[i].once(w);
}

int work(const struct mounted *where, __u32 seed, struct span *span, unsigned long *done)
{
	static struct worker w;
	int i;

	w.where = where;
	w.seed = seed;
	w.first_seed = seed;
	w.done = done;
	for (i = 0; i < KEPT; i++)
		w.kept[i] = -1;
	guard_begin();
	while (!span || !span_is_over(span)) {
		do_any(&w);
		__atomic_fetch_add(done, 1, __ATOMIC_RELAXED);
	}
	return 0;
}
