// SPDX-License-Identifier: GPL-2.0
/*
 * Faults on the way of the calls that take a buffer away from everybody, rule something out
 * for ever, or have its memory elsewhere. The buffer is mapped, by one PMD or by small
 * entries, and has been touched.
 */
#include "steps.h"
#include "../lib/take.h"

#define HUGE		(2 * CHUNK)
#define SMALL		(64 * KIB)

/* Before the call */

static int prepare_how(struct scene *s, int fd, int prot)
{
	s->p = mmap(NULL, s->len, prot, MAP_SHARED, fd, 0);
	if (s->p != MAP_FAILED)
		return is_intact(s->p, s->len) ? 0 : -1;
	s->p = NULL;
	return -1;
}

static int prepare_take(struct scene *s)
{
	return make_buf(s) ? -1 : prepare_how(s, s->buf, RDWR);
}

/* As an administrator names a buffer */
static int prepare_by_id(struct scene *s)
{
	return prepare_take(s) ? -1 : buf_info(s->buf, &s->arg.buf_info);
}

/* And node 1 has no memory at hand. */
static int prepare_get(struct scene *s)
{
	if (prepare_take(s) || hold_clean(s, 1, CHUNK, ZCPOOL_ALLOC_HUGE))
		return -1;
	return hold_clean(s, 1, CHUNK / 2, 0);
}

/* Mapped so that nobody can write to it by the mapping */
static int prepare_seal_write(struct scene *s)
{
	if (make_buf(s))
		return -1;
	s->held[0] = reopen(s->buf, O_RDONLY | O_CLOEXEC);
	if (s->held[0] < 0)
		return -1;
	s->nr_held = 1;
	return prepare_how(s, s->held[0], PROT_READ);
}

/* What is right after it */

/* A buffer with these seals on this node, of the size and with the contents that it had */
static bool is_whole(struct scene *s, int fd, __u32 seals, int node)
{
	struct zcpool_buf_info bi;
	struct stat st;

	return !buf_info(fd, &bi) && !fstat(fd, &st) && bi.size == s->len &&
	       (size_t)st.st_size == s->len && bi.seals == seals && bi.node == node &&
	       pread(fd, s->data + 2 * PAGE, PAGE, s->len - PAGE) == (ssize_t)PAGE &&
	       filled_from(s->data + 2 * PAGE, PAGE, 5, PAGE);
}

/* As it was before: it can be written to, and what maps it shows what is in it. */
static bool kept_readable(struct scene *s)
{
	return is_whole(s, s->buf, 0, 0) && has_mappings(s->buf, 1) &&
	       is_intact(s->p, s->len) && pwrite(s->buf, s->p, PAGE, 0) == (ssize_t)PAGE;
}

static bool kept(struct scene *s)
{
	return kept_readable(s) && writable(s->p);
}

static bool is_dead(struct scene *s)
{
	return buf_is_gone(s->buf) && !writable(s->p);
}

static bool fails_with(long ret, int err)
{
	return ret < 0 && errno == err;
}

/* ZCPOOL_BUF_REVOKE, ZCPOOL_IOC_REVOKE */

static long call_revoke(struct scene *s)
{
	return buf_revoke(s->buf, 0);
}

static long call_revoke_by_id(struct scene *s)
{
	return pool_revoke(s->pool, s->arg.buf_info.id, 0);
}

static bool check_revoke(struct scene *s, long pinned)
{
	return !pool_used(s->pool) && is_dead(s);
}

/* Another buffer in its place */
static void undo_revoke(struct scene *s, long ret)
{
	if (ret < 0)
		return;
	close(s->buf);
	s->buf = buf_alloc(s->pool, s->len, ZCPOOL_ALLOC_THISNODE, 0);
}

/* ZCPOOL_BUF_MOVE, ZCPOOL_BUF_OPEN_RO */

static long made_fd(struct scene *s, int fd)
{
	s->fd = fd;
	return fd < 0 ? fd : 0;
}

static long call_move(struct scene *s)
{
	return made_fd(s, buf_move(s->buf));
}

static bool check_move(struct scene *s, long ret)
{
	char *p = buf_map(s->fd, s->len, 0);
	bool intact;

	if (p == MAP_FAILED)
		return false;
	intact = is_intact(p, s->len);
	munmap(p, s->len);
	return intact && is_whole(s, s->fd, 0, 0) && is_dead(s);
}

static void undo_move(struct scene *s, long ret)
{
	if (ret < 0)
		return;
	close(s->buf);
	s->buf = s->fd;
}

static long call_open_ro(struct scene *s)
{
	return made_fd(s, buf_open_ro(s->buf));
}

static bool check_open_ro(struct scene *s, long ret)
{
	return kept(s) && is_whole(s, s->fd, 0, 0) &&
	       fails_with(pwrite(s->fd, s->data, PAGE, 0), EBADF) &&
	       buf_map(s->fd, PAGE, 0) == MAP_FAILED && errno == EACCES;
}

/* ZCPOOL_BUF_SEAL */

#define SEALS_seal_write	ZCPOOL_SEAL_WRITE
#define SEALS_seal_revoke	(ZCPOOL_SEAL_REVOKE | ZCPOOL_SEAL_SEAL)

static long call_seal(struct scene *s)
{
	return buf_seal(s->buf, s->path->flags);
}

static bool is_sealed(struct scene *s)
{
	return has_mappings(s->buf, 1) && is_whole(s, s->buf, s->path->flags, 0) &&
	       is_intact(s->p, s->len);
}

static bool check_seal_write(struct scene *s, long seals)
{
	return is_sealed(s) && fails_with(pwrite(s->buf, s->data, PAGE, 0), EPERM) &&
	       buf_map(s->buf, PAGE, 0) == MAP_FAILED && errno == EPERM;
}

static bool check_seal_revoke(struct scene *s, long seals)
{
	return is_sealed(s) && writable(s->p) && buf_move(s->buf) == -EBUSY;
}

/* ZCPOOL_BUF_MIGRATE, ZCPOOL_IOC_MIGRATE */

static long call_migrate(struct scene *s)
{
	return buf_migrate(s->buf, 1);
}

static long call_migrate_by_id(struct scene *s)
{
	return pool_migrate(s->pool, s->arg.buf_info.id, 1);
}

static bool check_migrate(struct scene *s, long ret)
{
	return is_whole(s, s->buf, 0, 1) && has_mappings(s->buf, 1) &&
	       is_intact(s->p, s->len) && writable(s->p);
}

/* Each on huge memory and on small */

#define REVOKE_PATH(id, title, prep, fn, bytes)				\
	WALK_PATH(id,							\
		  .name = title, .params = RESERVE, .must = SLAB | COPY,	\
		  .prepare = prepare_##prep, .call = call_##fn,		\
		  .check = check_revoke, .kept = kept,			\
		  .undo = undo_revoke, .size = bytes)

#define NEW_FD_PATH(id, title, fn, un, bytes)				\
	WALK_PATH(id,							\
		  .name = title, .params = RESERVE, .must = SLAB | COPY,	\
		  .prepare = prepare_take, .call = call_##fn,		\
		  .check = check_##fn, .kept = kept,			\
		  .undo = un, .size = bytes)

#define SEAL_PATH(id, title, prep, fn, keep, bytes)			\
	WALK_PATH(id,							\
		  .name = title, .params = RESERVE, .must = COPY,	\
		  .prepare = prepare_##prep, .call = call_seal,		\
		  .check = check_##fn, .kept = keep,			\
		  .result = SEALS_##fn, .size = bytes, .flags = SEALS_##fn)

#define MIGRATE_PATH(id, title, points, prep, fn, bytes)		\
	WALK_PATH(id,							\
		  .name = title, .params = RESERVE, .must = points,	\
		  .prepare = prepare_##prep, .call = call_##fn,		\
		  .check = check_migrate, .kept = kept, .size = bytes)

REVOKE_PATH(revoke_whole, "revoke-whole", take, revoke, HUGE)
REVOKE_PATH(revoke_split, "revoke-split", take, revoke, SMALL)
REVOKE_PATH(revoke_by_id_whole, "revoke-by-id-whole", by_id, revoke_by_id, HUGE)
REVOKE_PATH(revoke_by_id_split, "revoke-by-id-split", by_id, revoke_by_id, SMALL)

NEW_FD_PATH(move_whole, "move-whole", move, undo_move, HUGE)
NEW_FD_PATH(move_split, "move-split", move, undo_move, SMALL)
NEW_FD_PATH(open_ro_whole, "open-ro-whole", open_ro, undo_fd, HUGE)
NEW_FD_PATH(open_ro_split, "open-ro-split", open_ro, undo_fd, SMALL)

SEAL_PATH(seal_write_whole, "seal-write-whole", seal_write, seal_write, kept_readable, HUGE)
SEAL_PATH(seal_write_split, "seal-write-split", seal_write, seal_write, kept_readable, SMALL)
SEAL_PATH(seal_revoke_whole, "seal-revoke-whole", take, seal_revoke, kept, HUGE)
SEAL_PATH(seal_revoke_split, "seal-revoke-split", take, seal_revoke, kept, SMALL)

MIGRATE_PATH(migrate_whole, "migrate-whole", SLAB | PAGES | COPY, get, migrate, HUGE)
MIGRATE_PATH(migrate_split, "migrate-split", SLAB | PAGES | COPY, get, migrate, SMALL)
MIGRATE_PATH(migrate_clean_whole, "migrate-clean-whole", COPY, take, migrate, CHUNK)
MIGRATE_PATH(migrate_clean_split, "migrate-clean-split", COPY, take, migrate, SMALL)
MIGRATE_PATH(migrate_by_id_whole, "migrate-by-id-whole", COPY, by_id, migrate_by_id, HUGE)
MIGRATE_PATH(migrate_by_id_split, "migrate-by-id-split", COPY, by_id, migrate_by_id, SMALL)

TEST_HARNESS_MAIN
