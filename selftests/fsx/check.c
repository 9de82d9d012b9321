// SPDX-License-Identifier: GPL-2.0
/*
 * Whether the file is as the model says.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fsx.h"

/* The first byte that differs, with some that follow */
void check_same(struct fsx *f, const char *what, const void *got, size_t off, size_t len)
{
	const unsigned char *g = got, *want = f->model + off;
	size_t i, n = 0;

	if (!memcmp(g, want, len))
		return;
	for (i = 0; g[i] == want[i]; i++)
		;
	while (i + n < len && g[i + n] != want[i + n])
		n++;
	fail(f, "%s: at %#zx is %#x and must be %#x, %zu bytes differ", what, off + i, g[i],
	     want[i], n);
}

/* What a file takes up, in units of 512 bytes */
static void check_blocks(struct fsx *f, __u64 blocks)
{
	__u64 least = 0, most = 0;
	size_t i;

	for (i = 0; i < MOST / PAGE; i++)
		least += f->pages[i] != PAGE_MAY_BE_FREE ? PAGE / 512 : 0;
	for (i = 0; i < MOST / CHUNK; i++)
		most += f->may_hold[i] ? CHUNK / 512 : 0;
	/* Of what has always been small, no more than its pages. */
	if (f->where->is_zcpool && f->most <= CHUNK / 2 && most)
		most = up_to(f->most, PAGE) / 512;
	if (blocks < least || blocks > most)
		fail(f, "st_blocks is %llu, and must be %llu to %llu", blocks, least, most);
}

void check_cheaply(struct fsx *f)
{
	struct stat st;

	if (fstat(f->fd, &st))
		fail(f, "fstat: %s", strerror(errno));
	if ((size_t)st.st_size != f->size)
		fail(f, "st_size is %#llx and must be %#zx", (long long)st.st_size, f->size);
	if (!S_ISREG(st.st_mode) || (!is_moved(f) && st.st_nlink != f->is_named))
		fail(f, "st_mode is %#o, st_nlink %u", st.st_mode, (unsigned int)st.st_nlink);
	if (f->where->is_memory)
		check_blocks(f, st.st_blocks);
}

void check_by_reading(struct fsx *f)
{
	ssize_t n = pread(f->fd, f->scratch, MOST, 0);

	if (n != (ssize_t)f->size)
		fail(f, "reading all gives %zd and must give %#zx: %s", n, f->size,
		     n < 0 ? strerror(errno) : "no error");
	check_same(f, "read", f->scratch, 0, f->size);
}

/* All of it, or what has memory and some of the rest: that gets some by being looked at. */
void check_by_mapping(struct fsx *f, bool all)
{
	size_t len = up_to(f->size, PAGE), off;
	char *p;

	if (!len)
		return;
	p = mmap(NULL, len, PROT_READ, one_in(f, 2) ? MAP_SHARED : MAP_PRIVATE, f->fd, 0);
	if (p == MAP_FAILED)
		fail(f, "mmap of %#zx bytes: %s", len, strerror(errno));
	for (off = 0; off < len; off += PAGE) {
		if (!all && f->pages[off / PAGE] == PAGE_MAY_BE_FREE && !one_in(f, 256))
			continue;
		model_touch(f, off, 1);
		/* What is in the page behind the end must be zero. */
		check_same(f, "new mapping", p + off, off, PAGE);
	}
	munmap(p, len);
}

/* The pages of the private mapping that have been written to, and some others */
void check_own(struct fsx *f)
{
	size_t end = min_of(up_to(f->size, PAGE), MOST_PRIVATE), off;

	for (off = 0; f->own && off < end; off += PAGE) {
		if (f->own_pages[off / PAGE]) {
			if (memcmp(f->own + off, f->own_model + off, PAGE))
				fail(f, "private mapping: its copy of page %#zx has changed", off);
		} else if (one_in(f, 64)) {
			model_touch(f, off, 1);
			check_same(f, "private mapping", f->own + off, off, PAGE);
		}
	}
}

/* Empties it. A page keeps what was in it, but for what the file's users have done to it. */
void check_pipe(struct fsx *f)
{
	unsigned char got[MOST_IN_PIPE];
	size_t i, have = 0;
	ssize_t n;
	int since;

	while (have < f->piped_len) {
		n = read(f->pipe[0], got + have, f->piped_len - have);
		if (n <= 0)
			fail(f, "read of a pipe: %zd, %s", n, strerror(errno));
		have += n;
	}
	for (i = 0; i < f->piped_len; i++) {
		since = f->piped_since[i / PAGE];
		if (got[i] == f->piped[i] || since & SINCE_WRITTEN || (since && !got[i]))
			continue;
		fail(f, "in a pipe, what was at %#zx is %#x and must be %#x", f->piped_off + i,
		     got[i], f->piped[i]);
	}
	f->piped_len = 0;
}
