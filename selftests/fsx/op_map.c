// SPDX-License-Identifier: GPL-2.0
/*
 * Reading and writing by mappings, and what can be done to these.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/system.h"
#include "fsx.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23
#endif

/* A part of the mapping that the file reaches; false if there is none. */
static bool mapped_range(struct fsx *f, struct range *r)
{
	size_t end;

	file_map(f);
	end = min_of(f->map_len, f->size);
	if (!end)
		return false;
	*r = any_range_within(f, end);
	return true;
}

static void make_bytes(struct fsx *f, size_t len)
{
	memset(f->scratch, 1 + f->steps % 251, len);
	if (len > 8)
		memcpy(f->scratch + len / 2, &f->steps, sizeof(f->steps));
}

void op_map_write(struct fsx *f)
{
	struct range r;

	if (!mapped_range(f, &r))
		return;
	note(f, "mapped write %#zx %#zx", r.off, r.len);
	make_bytes(f, r.len);
	if (!copy_guarded(f->map + r.off, f->scratch, r.len))
		fail(f, "mapped write: SIGBUS");
	model_write(f, r.off, f->scratch, r.len);
}

void op_map_read(struct fsx *f)
{
	struct range r;

	if (!mapped_range(f, &r))
		return;
	/* To the end of the page, where there are zeroes */
	if (one_in(f, 2))
		r.len = up_to(r.off + r.len, PAGE) - r.off;
	note(f, "mapped read %#zx %#zx", r.off, r.len);
	if (!copy_guarded(f->scratch, f->map + r.off, r.len))
		fail(f, "mapped read: SIGBUS");
	check_same(f, "mapped read", f->scratch, r.off, r.len);
	model_touch(f, r.off, r.len);
}

/* A mapping of its own, of a part of the file */
void op_map_window(struct fsx *f)
{
	struct range r;
	size_t start;
	char *p;

	if (!f->size)
		return;
	r = any_range_within(f, f->size);
	start = one_in(f, 2) ? r.off / CHUNK * CHUNK : r.off / PAGE * PAGE;
	note(f, "window at %#zx, write %#zx %#zx", start, r.off, r.len);
	p = mmap(NULL, r.off + r.len - start, PROT_READ | PROT_WRITE,
		 MAP_SHARED | (one_in(f, 4) ? MAP_POPULATE : 0), f->fd, start);
	if (p == MAP_FAILED)
		fail(f, "mmap of a window: %s", strerror(errno));
	model_touch(f, start, r.off + r.len - start);
	make_bytes(f, r.len);
	if (!copy_guarded(p + r.off - start, f->scratch, r.len))
		fail(f, "window: SIGBUS");
	model_write(f, r.off, f->scratch, r.len);
	if (msync(p, r.off + r.len - start, MS_SYNC))
		fail(f, "msync: %s", strerror(errno));
	munmap(p, r.off + r.len - start);
}

/* Behind the last page of the file there is nothing, right behind it above all. */
void op_map_beyond(struct fsx *f)
{
	size_t end = up_to(f->size, PAGE), off;
	char byte = 1;

	file_map(f);
	if (end >= f->map_len)
		return;
	off = one_in(f, 2) ? end : end + below(f, f->map_len - end);
	note(f, "touch behind the end, at %#zx", off);
	if (copy_guarded(&byte, f->map + off, 1))
		fail(f, "no SIGBUS where %#zx is read", off);
	if (copy_guarded(f->map + off, &byte, 1))
		fail(f, "no SIGBUS where %#zx is written", off);
}

/* What is written behind the end, in the last page, is not in the file. */
void op_map_tail(struct fsx *f)
{
	size_t len = up_to(f->size, PAGE) - f->size;
	char byte;

	file_map(f);
	if (!len || f->size + len > f->map_len)
		return;
	note(f, "write in the page behind the end");
	memset(f->scratch, 0xdd, len);
	if (!copy_guarded(f->map + f->size, f->scratch, len))
		fail(f, "SIGBUS in the last page");
	model_touch(f, f->size, 1);
	model_piped(f, f->size, len, SINCE_WRITTEN);
	if (pread(f->fd, &byte, 1, f->size))
		fail(f, "something can be read behind the end");
	memset(f->map + f->size, 0, len);
}

void op_map_again(struct fsx *f)
{
	note(f, "unmap");
	file_unmap(f);
}

void op_map_resize(struct fsx *f)
{
	size_t len = (1 + below(f, MOST_MAPPED / PAGE)) * PAGE;
	char *p;

	file_map(f);
	note(f, "mremap %#zx to %#zx", f->map_len, len);
	p = mremap(f->map, f->map_len, len, MREMAP_MAYMOVE);
	if (p == MAP_FAILED)
		fail(f, "mremap from %#zx to %#zx: %s", f->map_len, len, strerror(errno));
	f->map = p;
	f->map_len = len;
}

/* A part for reading only, and then as it was; what is split must merge again. */
void op_map_protect(struct fsx *f)
{
	struct range r;

	if (!mapped_range(f, &r))
		return;
	r.len = up_to(r.off + r.len, PAGE) - r.off / PAGE * PAGE;
	r.off = r.off / PAGE * PAGE;
	note(f, "mprotect %#zx %#zx", r.off, r.len);
	if (mprotect(f->map + r.off, r.len, PROT_READ))
		fail(f, "mprotect: %s", strerror(errno));
	if (!copy_guarded(f->scratch, f->map + r.off, r.len))
		fail(f, "mapping for reading: SIGBUS");
	check_same(f, "mapping for reading", f->scratch, r.off, r.len);
	model_touch(f, r.off, r.len);
	if (mprotect(f->map + r.off, r.len, PROT_READ | PROT_WRITE))
		fail(f, "mprotect: %s", strerror(errno));
}

/* The entries of the page table go, and what is in the file stays. */
void op_map_forget(struct fsx *f)
{
	struct range r;

	if (!mapped_range(f, &r))
		return;
	r.off = r.off / PAGE * PAGE;
	note(f, "MADV_DONTNEED %#zx %#zx", r.off, r.len);
	if (madvise(f->map + r.off, r.len, MADV_DONTNEED))
		fail(f, "MADV_DONTNEED: %s", strerror(errno));
}

void op_map_populate(struct fsx *f)
{
	struct range r;

	if (!mapped_range(f, &r))
		return;
	r.off = r.off / PAGE * PAGE;
	note(f, "MADV_POPULATE_WRITE %#zx %#zx", r.off, r.len);
	if (madvise(f->map + r.off, r.len, MADV_POPULATE_WRITE))
		fail(f, "MADV_POPULATE_WRITE: %s", strerror(errno));
	model_piped(f, r.off, r.len, SINCE_WRITTEN);
	model_touch(f, r.off, r.len);
}

/* A page becomes the mapping's own with its first write there, as it was then. */
static void own_pages(struct fsx *f, const struct range *r)
{
	size_t page;

	for (page = r->off / PAGE; page <= (r->off + r->len - 1) / PAGE; page++) {
		if (f->own_pages[page])
			continue;
		memcpy(f->own_model + page * PAGE, f->model + page * PAGE, PAGE);
		f->own_pages[page] = true;
	}
	memcpy(f->own_model + r->off, f->scratch, r->len);
}

void op_own_write(struct fsx *f)
{
	struct range r;

	if (!f->size)
		return;
	file_map_own(f);
	r = any_range_within(f, min_of(f->size, MOST_PRIVATE));
	r.len = min_of(r.len, 24 * PAGE);
	note(f, "private write %#zx %#zx", r.off, r.len);
	make_bytes(f, r.len);
	if (!copy_guarded(f->own + r.off, f->scratch, r.len))
		fail(f, "private write: SIGBUS");
	own_pages(f, &r);
	model_touch(f, r.off, r.len);
}

void op_own_read(struct fsx *f)
{
	note(f, "private read");
	check_own(f);
}

void op_own_forget(struct fsx *f)
{
	struct range r;
	size_t page;

	if (!f->own)
		return;
	r = any_range_within(f, MOST_PRIVATE);
	r.off = r.off / PAGE * PAGE;
	note(f, "private MADV_DONTNEED %#zx %#zx", r.off, r.len);
	if (madvise(f->own + r.off, r.len, MADV_DONTNEED))
		fail(f, "MADV_DONTNEED: %s", strerror(errno));
	for (page = r.off / PAGE; page * PAGE < r.off + r.len; page++)
		f->own_pages[page] = false;
}

/* A child sees the same, writes what its parent sees, and what it does not. */
void op_fork(struct fsx *f)
{
	struct range r;
	pid_t pid;
	int status;

	if (!mapped_range(f, &r))
		return;
	r.len = min_of(r.len, PAGE);
	note(f, "child: mapped write %#zx %#zx", r.off, r.len);
	make_bytes(f, r.len);
	model_touch(f, r.off, r.len);
	if (f->own)
		model_touch(f, 0, min_of(f->size, MOST_PRIVATE));
	pid = fork();
	if (!pid) {
		check_same(f, "child's mapping", f->map + r.off, r.off, r.len);
		check_own(f);
		memcpy(f->map + r.off, f->scratch, r.len);
		if (f->own && r.off + r.len <= MOST_PRIVATE)
			memset(f->own + r.off, 0xcc, r.len);
		_exit(0);
	}
	status = child_status(pid);
	if (status)
		fail(f, "the child ended with %d", status);
	model_write(f, r.off, f->scratch, r.len);
}
