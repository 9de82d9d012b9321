// SPDX-License-Identifier: GPL-2.0
/*
 * How the file begins and ends, and what is kept of it meanwhile: mappings, and a pipe.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fsx.h"

/* Not every file system has files without a name. */
static int make_nameless(struct fsx *f)
{
	int fd = open(f->where->dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

	if (fd < 0 && (f->where->is_memory || errno != EOPNOTSUPP))
		fail(f, "O_TMPFILE: %s", strerror(errno));
	return fd;
}

void file_begin(struct fsx *f)
{
	static const size_t limits[] = { 16 * PAGE, MIB, 2 * CHUNK + 12345, MOST };

	f->limit = limits[below(f, ARRAY_SIZE(limits))];
	f->fd = one_in(f, 4) ? make_nameless(f) : -1;
	f->is_named = f->fd < 0;
	f->may_be_named = !f->is_named;
	if (f->is_named)
		f->fd = open(f->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (f->fd < 0)
		fail(f, "a new file: %s", strerror(errno));
	note(f, "new file%s of up to %#zx", f->is_named ? "" : " without a name", f->limit);
	f->is_sealed = false;
	model_truncate(f, 0);
}

/* Its mappings last longer than its name, or its descriptor, or not as long. */
static void end_mapped(struct fsx *f)
{
	size_t len = min_of(f->map_len, f->size);

	if (one_in(f, 2))
		file_unmap_own(f);
	if (one_in(f, 2))
		file_empty_pipe(f);
	if (f->is_named && unlink(f->path))
		fail(f, "unlink: %s", strerror(errno));
	f->is_named = false;
	f->may_be_named = false;
	if (one_in(f, 2))
		check_cheaply(f);
	close(f->fd);
	f->fd = -1;
	if (f->map && len <= 16 * PAGE)
		check_same(f, "mapping of an unlinked file", f->map, 0, len);
	check_own(f);
	file_unmap(f);
	file_unmap_own(f);
	file_empty_pipe(f);
}

void file_end(struct fsx *f)
{
	check_by_reading(f);
	check_by_mapping(f, one_in(f, 8));
	check_own(f);
	if (!f->is_sealed && one_in(f, 2)) {
		note(f, "last truncate");
		if (ftruncate(f->fd, 0))
			fail(f, "ftruncate to 0: %s", strerror(errno));
		model_truncate(f, 0);
		check_cheaply(f);
	}
	end_mapped(f);
}

/* As long as the file, or longer, or not as long. */
static size_t any_map_len(struct fsx *f)
{
	switch (below(f, 4)) {
	case 0:
		return MOST_MAPPED;
	case 1:
		return up_to(max_of(f->size, 1), PAGE);
	case 2:
		return up_to(f->limit, PAGE);
	default:
		return (1 + below(f, MOST / PAGE)) * PAGE;
	}
}

void file_map(struct fsx *f)
{
	if (f->map)
		return;
	f->map_len = any_map_len(f);
	note(f, "map %#zx", f->map_len);
	f->map = mmap(NULL, f->map_len, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	if (f->map == MAP_FAILED)
		fail(f, "mmap: %s", strerror(errno));
}

void file_unmap(struct fsx *f)
{
	if (f->map && munmap(f->map, f->map_len))
		fail(f, "munmap: %s", strerror(errno));
	f->map = NULL;
	f->map_len = 0;
}

void file_map_own(struct fsx *f)
{
	if (f->own)
		return;
	note(f, "map privately");
	f->own = mmap(NULL, MOST_PRIVATE, PROT_READ | PROT_WRITE, MAP_PRIVATE, f->fd, 0);
	if (f->own == MAP_FAILED)
		fail(f, "mmap private: %s", strerror(errno));
	memset(f->own_pages, 0, sizeof(f->own_pages));
}

void file_unmap_own(struct fsx *f)
{
	if (f->own && munmap(f->own, MOST_PRIVATE))
		fail(f, "munmap: %s", strerror(errno));
	f->own = NULL;
}

void file_empty_pipe(struct fsx *f)
{
	if (f->piped_len)
		note(f, "empty the pipe");
	check_pipe(f);
}
