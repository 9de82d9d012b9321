// SPDX-License-Identifier: GPL-2.0
/*
 * One thing after the other, at random, and what was done if one goes wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fsx.h"

/* The longest that one thing may take, in seconds: what does not end is to be told, too. */
#define TOO_LONG	100

struct op {
	void (*once)(struct fsx *f);
	unsigned int weight;
	bool of_pool;
};

static const struct op ops[] = {
	{ op_write, 14 },
	{ op_append, 3 },
	{ op_read, 6 },
	{ op_read_direct, 1 },
	{ op_write_from_itself, 3 },
	{ op_read_into_itself, 2 },
	{ op_copy_range, 2 },
	{ op_sendfile, 2 },
	{ op_splice_out, 3 },
	{ op_splice_in, 2 },
	{ op_map_write, 12 },
	{ op_map_read, 6 },
	{ op_map_window, 3 },
	{ op_map_beyond, 4 },
	{ op_map_tail, 2 },
	{ op_map_again, 2 },
	{ op_map_resize, 2 },
	{ op_map_protect, 2 },
	{ op_map_forget, 2 },
	{ op_map_populate, 1 },
	{ op_own_write, 6 },
	{ op_own_read, 3 },
	{ op_own_forget, 1 },
	{ op_fork, 1 },
	{ op_truncate, 8 },
	{ op_reserve, 4 },
	{ op_punch, 8 },
	{ op_zero_range, 4 },
	{ op_remove, 3 },
	{ op_not_supported, 1 },
	{ op_seek, 6 },
	{ op_sync, 1 },
	{ op_reopen, 3 },
	{ op_rename, 1 },
	{ op_punch_all, 2 },
	{ op_compare, 2 },
	{ op_new_file, 2 },
	{ op_info, 3, true },
	{ op_migrate, 2, true },
	{ op_move, 1, true },
	{ op_revoke, 1, true },
	{ op_seal, 1, true },
};

void note(struct fsx *f, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(f->log[f->steps % LOG], sizeof(f->log[0]), format, args);
	va_end(args);
	f->steps++;
}

/* A number makes one line of what it says, so that those of two threads do not mix. */
void fail(struct fsx *f, const char *format, ...)
{
	static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER;
	unsigned int i, begin = f->steps > LOG ? f->steps - LOG : 0;
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	pthread_mutex_lock(&first);
	for (i = begin; i < f->steps; i++)
		printf("# fsx: %u: %s\n", i, f->log[i % LOG]);
	printf("# fsx: %s\n", text);
	printf("# fsx: size %#zx, mapped %#zx, %s, ZCPOOL_TEST_SEED=%u\n", f->size, f->map_len,
	       f->is_named ? f->path : "without a name", f->first_seed);
	fflush(stdout);
	_exit(1);
}

/* Of one of the threads, if there are several and it has not ended */
static struct fsx *latest;

static void on_alarm(int sig)
{
	if (latest)
		fail(latest, "what was done last does not end");
	_exit(1);
}

static const struct op *any_op(struct fsx *f)
{
	unsigned int i, sum = 0, n;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		sum += ops[i].of_pool && !f->where->is_zcpool ? 0 : ops[i].weight;
	n = below(f, sum);
	for (i = 0;; i++) {
		if (ops[i].of_pool && !f->where->is_zcpool)
			continue;
		if (n < ops[i].weight)
			return &ops[i];
		n -= ops[i].weight;
	}
}

static void *zeroes(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		printf("# fsx: %s\n", strerror(errno));
		fflush(stdout);
		_exit(1);
	}
	return p;
}

static struct fsx *begin(const struct mounted *where, __u32 seed)
{
	struct fsx *f = zeroes(sizeof(*f));

	f->where = where;
	f->seed = seed;
	f->first_seed = seed;
	f->model = zeroes(MOST + CHUNK);
	f->own_model = zeroes(MOST_PRIVATE);
	f->scratch = zeroes(MOST + CHUNK);
	snprintf(f->path, sizeof(f->path), "%s/fsx.%ld", where->dir, syscall(SYS_gettid));
	if (pipe2(f->pipe, O_CLOEXEC))
		fail(f, "pipe: %s", strerror(errno));
	return f;
}

static void end(struct fsx *f)
{
	file_end(f);
	close(f->pipe[0]);
	close(f->pipe[1]);
	munmap(f->model, MOST + CHUNK);
	munmap(f->own_model, MOST_PRIVATE);
	munmap(f->scratch, MOST + CHUNK);
	munmap(f, sizeof(*f));
}

void fsx_run(const struct mounted *where, __u32 seed, unsigned int steps)
{
	struct span span = span_begin(steps);
	struct fsx *f = begin(where, seed);

	guard_begin();
	latest = f;
	signal(SIGALRM, on_alarm);
	file_begin(f);
	while (!span_is_over(&span)) {
		alarm(TOO_LONG);
		any_op(f)->once(f);
		check_cheaply(f);
	}
	if (latest == f)
		latest = NULL;
	end(f);
	alarm(0);
}
