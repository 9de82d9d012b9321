// SPDX-License-Identifier: GPL-2.0
/*
 * Faults on the way of what gives memory to a file of a mounted pool, takes it away, and changes
 * its size. After one that failed the size is what it was, and so is what was in the file.
 */
#include "steps.h"
#include "../mounted.h"
#include <linux/falloc.h>

#define DIR_PATH	"/tmp/zcpool-fault"
#define FILE_PATH	DIR_PATH "/file"
#define LONG		(CHUNK + 5 * PAGE)

static char page[PAGE];

/* The pool is mounted once, in the path's process: it goes with that. */
static int mount_it(void)
{
	if (!access(FILE_PATH, F_OK))
		return 0;
	memset(page, 7, sizeof(page));
	/* Each file's memory is to be where the one's before was. */
	if (run_on_node(0))
		return -1;
	mkdir(DIR_PATH, 0755);
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount(ZCPOOL_DEFAULT, DIR_PATH, "zcpool", 0, NULL))
		return -1;
	return mknod(FILE_PATH, S_IFREG | 0640, 0);
}

/* An empty file */
static int prepare_file(struct scene *s)
{
	if (mount_it())
		return -1;
	s->buf = open(FILE_PATH, O_RDWR | O_TRUNC | O_CLOEXEC);
	return s->buf < 0 ? -1 : 0;
}

/* One that is mapped and has no memory */
static int prepare_mapped(struct scene *s)
{
	if (prepare_file(s) || ftruncate(s->buf, LONG))
		return -1;
	s->len = LONG;
	s->p = mmap(NULL, LONG, PROT_READ | PROT_WRITE, MAP_SHARED, s->buf, 0);
	return s->p == MAP_FAILED ? -1 : 0;
}

/* One that is full, and mapped */
static int prepare_full(struct scene *s)
{
	if (prepare_mapped(s))
		return -1;
	fill(s->p, LONG, 3);
	return 0;
}

static off_t size_of(struct scene *s)
{
	struct stat st;

	return fstat(s->buf, &st) ? -1 : st.st_size;
}

static off_t held(struct scene *s)
{
	struct stat st;

	return fstat(s->buf, &st) ? -1 : st.st_blocks * 512;
}

/* What the file has goes before the pool is looked at again. */
static void undo_memory(struct scene *s, long ret)
{
	if (s->fd > 0)
		close(s->fd);
	s->fd = 0;
	if (ftruncate(s->buf, 0))
		perror("truncate");
}

/* The file is full again, as before the call. */
static void undo_full(struct scene *s, long ret)
{
	undo_memory(s, ret);
	if (ftruncate(s->buf, LONG))
		perror("truncate");
	fill(s->p, LONG, 3);
}

static bool kept_empty(struct scene *s)
{
	return !size_of(s);
}

static bool kept_full(struct scene *s)
{
	return size_of(s) == (off_t)LONG && filled(s->p, LONG, 3);
}

static bool kept_size(struct scene *s)
{
	return size_of(s) == (off_t)LONG;
}

#define FILES_PATH(id, title, prep, fn, chk, kpt, ...)				\
	WALK_PATH(id, .name = title, .params = "reserve=8M max=32M", .prepare = prep,	\
		  .call = fn, .check = chk, .kept = kpt, .undo = undo_memory, __VA_ARGS__)

#define FULL_PATH(id, title, fn, chk, ...)					\
	WALK_PATH(id, .name = title, .params = "reserve=8M max=32M",		\
		  .prepare = prepare_full, .call = fn, .check = chk,		\
		  .kept = kept_full, .undo = undo_full, __VA_ARGS__)

static long call_write(struct scene *s)
{
	return result(pwrite(s->buf, page, PAGE, 3 * PAGE));
}

static bool check_write(struct scene *s, long ret)
{
	char back[PAGE];

	return held(s) == (off_t)PAGE && pread(s->buf, back, PAGE, 3 * PAGE) == (ssize_t)PAGE &&
	       !memcmp(back, page, PAGE) && pread(s->buf, back, PAGE, 0) == (ssize_t)PAGE &&
	       all_zero(back, PAGE);
}

FILES_PATH(write, "files-write", prepare_file, call_write, check_write, kept_empty,
	   .result = PAGE, .must = SLAB)

static long call_fallocate(struct scene *s)
{
	return result(fallocate(s->buf, 0, 0, LONG));
}

static bool check_held(struct scene *s, long ret)
{
	return held(s) == (off_t)LONG && size_of(s) == (off_t)LONG;
}

static bool kept_nothing(struct scene *s)
{
	return !size_of(s) && !held(s);
}

FILES_PATH(fallocate, "files-fallocate", prepare_file, call_fallocate, check_held, kept_nothing,
	   .must = SLAB)

/* The kernel touches the mapping, so a fault that fails is an error of the call. */
static long touch(struct scene *s, size_t at)
{
	return result(madvise(s->p + at, PAGE, 23 /* MADV_POPULATE_WRITE */));
}

static long call_touch_chunk(struct scene *s)
{
	return touch(s, 5 * PAGE);
}

static long call_touch_page(struct scene *s)
{
	return touch(s, CHUNK + PAGE);
}

static bool check_touched(struct scene *s, long ret)
{
	return held(s) > 0;
}

FILES_PATH(touch_chunk, "files-fault-chunk", prepare_mapped, call_touch_chunk, check_touched,
	   kept_size, .must = SLAB, .also = EFAULT)
FILES_PATH(touch_page, "files-fault-page", prepare_mapped, call_touch_page, check_touched,
	   kept_size, .must = SLAB, .also = EFAULT)

static long call_truncate(struct scene *s)
{
	return result(ftruncate(s->buf, CHUNK / 2));
}

static bool check_truncated(struct scene *s, long ret)
{
	return size_of(s) == (off_t)(CHUNK / 2) && held(s) == (off_t)CHUNK &&
	       filled(s->p, CHUNK / 2, 3);
}

FULL_PATH(truncate, "files-truncate", call_truncate, check_truncated)

static long call_punch(struct scene *s)
{
	return result(fallocate(s->buf, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE,
				CHUNK));
}

static bool check_punched(struct scene *s, long ret)
{
	return all_zero(s->p + PAGE, CHUNK) && filled(s->p, PAGE, 3);
}

FULL_PATH(punch, "files-punch", call_punch, check_punched)

static long call_move(struct scene *s)
{
	s->fd = buf_move(s->buf);
	return s->fd < 0 ? s->fd : 0;
}

static bool check_moved(struct scene *s, long ret)
{
	struct stat st;

	return !size_of(s) && !fstat(s->fd, &st) && st.st_size == (off_t)LONG;
}

FULL_PATH(move, "files-move", call_move, check_moved, .must = SLAB | COPY)

static long call_migrate(struct scene *s)
{
	return buf_migrate(s->buf, 1);
}

static bool check_full(struct scene *s, long ret)
{
	return kept_full(s);
}

FULL_PATH(migrate, "files-migrate", call_migrate, check_full, .must = SLAB | COPY)

TEST_HARNESS_MAIN
