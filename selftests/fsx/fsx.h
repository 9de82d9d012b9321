/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One file, what is done to it at random, and a model of it in plain memory that says what must
 * be in it then.
 */
#ifndef ZCPOOL_TEST_FSX_H
#define ZCPOOL_TEST_FSX_H

#include <limits.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "../lib/guard.h"
#include "../lib/random.h"
#include "../lib/sizes.h"
#include "../mounted.h"

/* The longest file, and the longest mapping of it */
#define MOST		(8 * MIB)
#define MOST_MAPPED	(MOST + 2 * CHUNK)
#define MOST_PRIVATE	(2 * CHUNK + 16 * PAGE)
#define MOST_IN_PIPE	(16 * PAGE)
#define LOG		48

/* Of a page of the file. What has been cut off or punched out, or not been touched, is free. */
enum page_state {
	PAGE_MAY_BE_FREE,
	PAGE_HAS_MEMORY,
	PAGE_IS_DATA
};

/* What has been done to a page since a reference to it went into a pipe */
#define SINCE_WRITTEN	1
#define SINCE_ZEROED	2

/**
 * struct fsx - a file and its model
 * @where: the directory it is in
 * @path: its name
 * @is_named: it has that name
 * @may_be_named: it has been made to get a name later
 * @is_sealed: nothing can be done to it any more
 * @seed: of what comes next
 * @first_seed: with which all began
 * @steps: how many things have been done to it and those before it
 * @limit: how long it may become
 * @fd: the file
 * @model: what must be in it; behind its end all is zero
 * @size: how long it must be
 * @pages: what is known of each page, also behind the end
 * @may_hold: chunks that can have memory
 * @most: how far it has reached since it was last empty, with what was reserved behind its end
 * @map: a shared mapping of it, from its beginning, or NULL
 * @map_len: how long that is
 * @own: a private mapping of it, from its beginning, or NULL
 * @own_model: what must be in the pages that have been written to there
 * @own_pages: those pages
 * @pipe: what pages of it are in by reference
 * @piped: what was in them then
 * @piped_off: where they are in the file
 * @piped_len: bytes in the pipe
 * @piped_since: SINCE_* of each
 * @scratch: for data on their way
 * @log: what was done last
 */
struct fsx {
	const struct mounted *where;
	char path[PATH_MAX];
	bool is_named;
	bool may_be_named;
	bool is_sealed;
	__u32 seed;
	__u32 first_seed;
	unsigned int steps;
	size_t limit;
	int fd;
	unsigned char *model;
	size_t size;
	unsigned char pages[MOST / PAGE];
	bool may_hold[MOST / CHUNK];
	size_t most;
	char *map;
	size_t map_len;
	char *own;
	unsigned char *own_model;
	bool own_pages[MOST_PRIVATE / PAGE];
	int pipe[2];
	unsigned char piped[MOST_IN_PIPE];
	size_t piped_off;
	size_t piped_len;
	unsigned char piped_since[MOST_IN_PIPE / PAGE];
	unsigned char *scratch;
	char log[LOG][96];
};

struct range {
	size_t off;
	size_t len;
};

static inline size_t min_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline size_t max_of(size_t a, size_t b)
{
	return a > b ? a : b;
}

static inline size_t up_to(size_t n, size_t unit)
{
	return (n + unit - 1) / unit * unit;
}

static inline size_t below(struct fsx *f, size_t n)
{
	return rnd(&f->seed) % n;
}

static inline bool one_in(struct fsx *f, size_t n)
{
	return !below(f, n);
}

/* What has been moved has no name, and is opened anew for reading only. */
static inline bool is_moved(const struct fsx *f)
{
	return !f->is_named && !f->may_be_named;
}

/* run.c: the whole of it; the process ends where something is wrong. */
void fsx_run(const struct mounted *where, __u32 seed, unsigned int steps);
__attribute__((noreturn, format(printf, 2, 3)))
void fail(struct fsx *f, const char *format, ...);
__attribute__((format(printf, 2, 3)))
void note(struct fsx *f, const char *format, ...);

/* model.c: what becomes of the model */
struct range any_range(struct fsx *f);
struct range any_range_within(struct fsx *f, size_t end);
void model_write(struct fsx *f, size_t off, const void *from, size_t len);
void model_touch(struct fsx *f, size_t off, size_t len);
void model_reserve(struct fsx *f, size_t off, size_t len);
void model_grow(struct fsx *f, size_t size);
void model_zero(struct fsx *f, size_t off, size_t len);
void model_punch(struct fsx *f, size_t off, size_t len);
void model_truncate(struct fsx *f, size_t size);
void model_piped(struct fsx *f, size_t off, size_t len, int since);

/* check.c: whether the file is as the model says */
void check_same(struct fsx *f, const char *what, const void *got, size_t off, size_t len);
void check_cheaply(struct fsx *f);
void check_by_reading(struct fsx *f);
void check_by_mapping(struct fsx *f, bool all);
void check_own(struct fsx *f);
void check_pipe(struct fsx *f);

/* file.c: its beginning and its end */
void file_begin(struct fsx *f);
void file_end(struct fsx *f);
void file_map(struct fsx *f);
void file_unmap(struct fsx *f);
void file_map_own(struct fsx *f);
void file_unmap_own(struct fsx *f);
void file_empty_pipe(struct fsx *f);

/* What can be done, each once: op_*.c */
void op_write(struct fsx *f);
void op_append(struct fsx *f);
void op_read(struct fsx *f);
void op_read_direct(struct fsx *f);
void op_write_from_itself(struct fsx *f);
void op_read_into_itself(struct fsx *f);
void op_copy_range(struct fsx *f);
void op_sendfile(struct fsx *f);
void op_splice_in(struct fsx *f);
void op_splice_out(struct fsx *f);

void op_map_write(struct fsx *f);
void op_map_read(struct fsx *f);
void op_map_window(struct fsx *f);
void op_map_beyond(struct fsx *f);
void op_map_tail(struct fsx *f);
void op_map_again(struct fsx *f);
void op_map_resize(struct fsx *f);
void op_map_protect(struct fsx *f);
void op_map_forget(struct fsx *f);
void op_map_populate(struct fsx *f);
void op_own_write(struct fsx *f);
void op_own_read(struct fsx *f);
void op_own_forget(struct fsx *f);
void op_fork(struct fsx *f);

void op_truncate(struct fsx *f);
void op_reserve(struct fsx *f);
void op_punch(struct fsx *f);
void op_zero_range(struct fsx *f);
void op_remove(struct fsx *f);
void op_not_supported(struct fsx *f);
void op_seek(struct fsx *f);
void op_sync(struct fsx *f);
void op_reopen(struct fsx *f);
void op_rename(struct fsx *f);
void op_punch_all(struct fsx *f);
void op_compare(struct fsx *f);
void op_new_file(struct fsx *f);

void op_info(struct fsx *f);
void op_migrate(struct fsx *f);
void op_move(struct fsx *f);
void op_revoke(struct fsx *f);
void op_seal(struct fsx *f);

/* seen.c: somebody else looks at the file all the time. 0, or what is wrong was printed. */
int fsx_watched(const struct mounted *where, __u32 seed, unsigned int steps);

#endif /* ZCPOOL_TEST_FSX_H */
