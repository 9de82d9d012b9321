// SPDX-License-Identifier: GPL-2.0
/*
 * What only buffers of a pool can do.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/pool.h"
#include "../lib/take.h"
#include "fsx.h"

void op_info(struct fsx *f)
{
	struct zcpool_buf_info bi;
	struct stat st;

	note(f, "BUF_INFO");
	if (buf_info(f->fd, &bi) || fstat(f->fd, &st))
		fail(f, "BUF_INFO: %s", strerror(errno));
	if (!bi.id || bi.seals || bi.reserved)
		fail(f, "BUF_INFO: id %llu, seals %#x", bi.id, bi.seals);
	if (bi.whole_bytes + bi.split_bytes != (__u64)st.st_blocks * 512)
		fail(f, "BUF_INFO: %llu + %llu bytes, and st_blocks is %llu", bi.whole_bytes,
		     bi.split_bytes, (__u64)st.st_blocks);
	if (bi.mappings < (__u32)!!f->map + !!f->own)
		fail(f, "BUF_INFO: %u mappings", bi.mappings);
}

/* It may be that there is no such node, or no room there. */
void op_migrate(struct fsx *f)
{
	int node = below(f, 2), err;

	if (one_in(f, 2))
		file_empty_pipe(f);
	note(f, "MIGRATE to %d", node);
	err = buf_migrate(f->fd, node);
	if (!err || err == -ENOSPC || err == -ENOMEM || (err == -EINVAL && node))
		return;
	if (err != -EBUSY || (!f->piped_len && !f->own))
		fail(f, "MIGRATE: %s", strerror(-err));
}

/* Nothing of the old one can be had any more. */
static void check_stale(struct fsx *f, int fd)
{
	char byte = 0;

	if (pread(fd, &byte, 1, 0) != -1 || errno != ESTALE)
		fail(f, "read of what was taken away: %s", strerror(errno));
	if (pwrite(fd, &byte, 1, 0) != -1 || errno != ESTALE)
		fail(f, "write of what was taken away: %s", strerror(errno));
	if (f->map && f->size && copy_guarded(&byte, f->map, 1))
		fail(f, "mapping of what was taken away: no SIGBUS");
	if (f->own && f->size && copy_guarded(&byte, f->own, 1))
		fail(f, "private mapping of what was taken away: no SIGBUS");
}

/* Its name answers ESTALE until it is another file's, or truncated. */
static void check_stale_name(struct fsx *f)
{
	char byte;
	int fd;

	fd = open(f->path, O_RDWR | O_CLOEXEC);
	if (fd < 0 ? errno != ESTALE : pread(fd, &byte, 1, 0) != -1 || errno != ESTALE)
		fail(f, "name of what was taken away: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* An empty file takes the place of what has gone, by its old name. */
static void renew(struct fsx *f)
{
	note(f, "truncate what was taken away");
	check_stale_name(f);
	close(f->fd);
	if (one_in(f, 2)) {
		f->fd = open(f->path, O_RDWR | O_TRUNC | O_CLOEXEC);
	} else {
		if (truncate(f->path, 0))
			fail(f, "truncate of what was taken away: %s", strerror(errno));
		f->fd = open(f->path, O_RDWR | O_CLOEXEC);
	}
	if (f->fd < 0)
		fail(f, "open of what was taken away: %s", strerror(errno));
	model_truncate(f, 0);
}

static void forget_name(struct fsx *f)
{
	if (!f->is_named)
		return;
	check_stale_name(f);
	if (unlink(f->path))
		fail(f, "unlink of what was taken away: %s", strerror(errno));
	f->is_named = false;
}

static void drop_mappings(struct fsx *f)
{
	file_unmap(f);
	file_unmap_own(f);
}

/* The file goes on as what the new descriptor is of, without a name. */
void op_move(struct fsx *f)
{
	int fd;

	if (one_in(f, 2))
		file_empty_pipe(f);
	note(f, "MOVE");
	fd = buf_move(f->fd);
	if (fd == -EBUSY && f->piped_len)
		return;
	if (fd < 0)
		fail(f, "MOVE: %s", strerror(-fd));
	check_stale(f, f->fd);
	drop_mappings(f);
	forget_name(f);
	f->may_be_named = false;
	close(f->fd);
	f->fd = fd;
	check_by_reading(f);
}

void op_revoke(struct fsx *f)
{
	long pinned;

	file_empty_pipe(f);
	note(f, "REVOKE");
	pinned = buf_revoke(f->fd, 0);
	if (pinned)
		fail(f, "REVOKE: %ld", pinned);
	check_stale(f, f->fd);
	if (f->is_named && one_in(f, 2)) {
		renew(f);
		/* Mappings made before are of the file again, or of what has gone. */
		drop_mappings(f);
		return;
	}
	drop_mappings(f);
	forget_name(f);
	close(f->fd);
	file_begin(f);
}

static void expect_eperm(struct fsx *f, const char *what, bool refused)
{
	if (!refused || errno != EPERM)
		fail(f, "sealed: %s: %s", what, refused ? strerror(errno) : "no error");
}

static void check_sealed(struct fsx *f)
{
	char byte = 1;

	expect_eperm(f, "write", pwrite(f->fd, &byte, 1, 0) < 0);
	expect_eperm(f, "write behind the end", pwrite(f->fd, &byte, 1, f->size + PAGE) < 0);
	expect_eperm(f, "truncate", ftruncate(f->fd, f->size / 2) < 0);
	expect_eperm(f, "punch", fallocate(f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
					   PAGE) < 0);
	expect_eperm(f, "zero", fallocate(f->fd, FALLOC_FL_ZERO_RANGE, 0, PAGE) < 0);
	expect_eperm(f, "mmap", mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0) ==
		     MAP_FAILED);
	check_cheaply(f);
}

/* Then nothing more can be done to it, but by the mapping that is there already. */
void op_seal(struct fsx *f)
{
	__u32 seal = one_in(f, 2) ? ZCPOOL_SEAL_WRITE : ZCPOOL_SEAL_FUTURE_WRITE;
	int seals;

	file_empty_pipe(f);
	if (seal == ZCPOOL_SEAL_WRITE)
		file_unmap(f);
	note(f, "SEAL %#x", seal);
	seals = buf_seal(f->fd, seal);
	if (seals < 0 || !(seals & seal))
		fail(f, "SEAL %#x: %d", seal, seals);
	f->is_sealed = true;
	check_sealed(f);
	if (f->map)
		op_map_write(f);
	op_own_write(f);
	check_by_reading(f);
	op_new_file(f);
}
