// SPDX-License-Identifier: GPL-2.0
/*
 * What a worker does with a buffer's mappings and its descriptor.
 */
#include "soak.h"

/* Map a part of a buffer that has room for another piece. */
void op_map(struct worker *w, struct held *h)
{
	struct piece all = { .len = h->size }, part;
	int i = h->piece[0].len ? 1 : 0;

	if (h->fd < 0 || h->piece[i].len)
		return;
	part = piece_part(w, &all, h->size);
	part.p = buf_map(h->fd, part.len, part.off);
	if (part.p == MAP_FAILED)
		fail("mmap of %zu bytes at %zu of a buffer of %zu: %s", part.len, part.off,
		     h->size, strerror(errno));
	h->piece[i] = part;
	held_verify(w, h);
	count(COUNT_MAP, 1);
}

void op_verify(struct worker *w, struct held *h)
{
	held_verify(w, h);
	count(COUNT_VERIFY, 1);
}

/* Another pattern all over, by the CPU. */
void op_rewrite(struct worker *w, struct held *h)
{
	struct piece *piece = held_piece(w, h);

	if (!piece || piece->len != h->size || h->piece[1].len || h->shared)
		return;
	h->tag = pattern_tag(w->id, w->made++);
	pattern_fill(piece->p, piece->len, h->tag, 0);
	count(COUNT_REWRITE, 1);
}

/* Some of the buffer's bytes, by multiples of 8. */
static struct piece any_bytes(struct worker *w, struct held *h)
{
	size_t off = rnd(&w->seed) % (h->size / 8) * 8;
	size_t len = 8 + rnd(&w->seed) % (64 * KIB) / 8 * 8;

	return (struct piece){ .off = off, .len = len < h->size - off ? len : h->size - off };
}

void op_pread(struct worker *w, struct held *h)
{
	struct piece at;
	ssize_t n;

	if (h->fd < 0)
		return;
	at = any_bytes(w, h);
	n = pread(h->fd, w->scratch, at.len, at.off);
	if (n != (ssize_t)at.len)
		fail("pread of %zu bytes at %zu of %zu: %zd, %s", at.len, at.off, h->size, n,
		     strerror(errno));
	pattern_check(w->scratch, at.len, h->tag, at.off, "pread of a buffer");
	count(COUNT_PREAD, 1);
	count(COUNT_IO_BYTES, n);
}

void op_pwrite(struct worker *w, struct held *h)
{
	struct piece at;
	ssize_t n;

	if (h->fd < 0)
		return;
	at = any_bytes(w, h);
	pattern_fill(w->scratch, at.len, h->tag, at.off);
	n = pwrite(h->fd, w->scratch, at.len, at.off);
	if (n != (ssize_t)at.len)
		fail("pwrite of %zu bytes at %zu of %zu: %zd, %s", at.len, at.off, h->size, n,
		     strerror(errno));
	count(COUNT_PWRITE, 1);
	count(COUNT_IO_BYTES, n);
}

/* At the file's own offset, which whoever else has the file would move. */
void op_read(struct worker *w, struct held *h)
{
	struct piece at;
	ssize_t n;

	if (h->fd < 0 || h->shared)
		return;
	at = any_bytes(w, h);
	if (lseek(h->fd, at.off, SEEK_SET) != (off_t)at.off)
		fail("lseek of a buffer to %zu of %zu: %s", at.off, h->size, strerror(errno));
	n = read(h->fd, w->scratch, at.len);
	if (n != (ssize_t)at.len)
		fail("read of %zu bytes at %zu of %zu: %zd, %s", at.len, at.off, h->size, n,
		     strerror(errno));
	pattern_check(w->scratch, at.len, h->tag, at.off, "read of a buffer");
	if (lseek(h->fd, 0, SEEK_END) != (off_t)h->size || read(h->fd, w->scratch, 8))
		fail("reading at the end of a buffer of %zu bytes: not 0", h->size);
	count(COUNT_READ, 1);
	count(COUNT_IO_BYTES, n);
}

static int reopen(int fd, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags | O_CLOEXEC);
}

/* A second file of the same buffer, for reading only. */
void op_reopen(struct worker *w, struct held *h)
{
	struct piece all = { .len = h->size }, part;
	int fd;

	if (h->fd < 0)
		return;
	fd = reopen(h->fd, O_RDWR);
	if (fd >= 0 || errno != EACCES)
		fail("a buffer opened for writing again: %d, %s", fd, strerror(errno));
	fd = reopen(h->fd, O_RDONLY);
	if (fd < 0)
		fail("a buffer opened again: %s", strerror(errno));
	part = piece_part(w, &all, SCRATCH);
	part.p = mmap(NULL, part.len, PROT_READ, MAP_SHARED, fd, part.off);
	if (part.p == MAP_FAILED)
		fail("mmap of a buffer opened again: %s", strerror(errno));
	close(fd);
	pattern_check(part.p, part.len, h->tag, part.off, "a buffer opened again");
	munmap(part.p, part.len);
	count(COUNT_REOPEN, 1);
}

/* Unmap some pages; what is left may be two pieces. */
void op_cut(struct worker *w, struct held *h)
{
	struct piece *piece = held_piece(w, h), old, hole;

	if (!piece || h->piece[0].len == 0 || h->piece[1].len)
		return;
	old = *piece;
	hole = piece_part(w, piece, piece->len);
	/* A buffer without a descriptor would be gone. */
	if (h->fd < 0 && hole.len == old.len)
		return;
	if (munmap(hole.p, hole.len))
		fail("munmap of %zu bytes of %zu: %s", hole.len, old.len, strerror(errno));
	h->piece[0].len = hole.off - old.off;
	h->piece[1] = (struct piece){
		.p = hole.p + hole.len,
		.off = hole.off + hole.len,
		.len = old.off + old.len - hole.off - hole.len,
	};
	count(COUNT_CUT, 1);
}

/* Elsewhere, and perhaps shorter. */
void op_move(struct worker *w, struct held *h)
{
	struct piece *piece = held_piece(w, h);
	size_t len;
	char *p;

	if (!piece || h->split)
		return;
	len = rnd(&w->seed) % 2 ? piece->len : (1 + rnd(&w->seed) % (piece->len / PAGE)) * PAGE;
	p = mmap(NULL, len + CHUNK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		fail("mmap of %zu bytes of nothing: %s", len, strerror(errno));
	munmap(p, len + CHUNK);
	/* Aligned like before, so that what was mapped by PMD may stay so, or not. */
	if (rnd(&w->seed) % 2)
		p += ((unsigned long)piece->p - (unsigned long)p) % CHUNK;
	p = mremap(piece->p, piece->len, len, MREMAP_MAYMOVE | MREMAP_FIXED, p);
	if (p == MAP_FAILED)
		fail("mremap of %zu bytes to %zu: %s", piece->len, len, strerror(errno));
	piece->p = p;
	piece->len = len;
	held_verify(w, h);
	count(COUNT_MOVE, 1);
}

/* The contents must not go with the page table entries. */
void op_dontneed(struct worker *w, struct held *h)
{
	struct piece *piece = held_piece(w, h), part;

	if (!piece)
		return;
	part = piece_part(w, piece, piece->len);
	if (madvise(part.p, part.len, MADV_DONTNEED))
		fail("MADV_DONTNEED of %zu bytes: %s", part.len, strerror(errno));
	pattern_check(piece->p, piece->len, h->tag, piece->off, "after MADV_DONTNEED");
	count(COUNT_DONTNEED, 1);
}

/* Splits what is mapped by PMD. */
void op_protect(struct worker *w, struct held *h)
{
	struct piece *piece = held_piece(w, h), part;

	if (!piece)
		return;
	part = piece_part(w, piece, piece->len);
	h->split = true;
	if (mprotect(part.p, part.len, PROT_READ) || mprotect(part.p, part.len, RDWR))
		fail("mprotect of %zu bytes: %s", part.len, strerror(errno));
	pattern_check(part.p, part.len, h->tag, part.off, "after mprotect");
	count(COUNT_PROTECT, 1);
}

void op_lock(struct worker *w, struct held *h)
{
	struct piece *piece = held_piece(w, h), part;

	if (!piece)
		return;
	part = piece_part(w, piece, piece->len);
	if (mlock(part.p, part.len))
		fail("mlock of %zu bytes: %s", part.len, strerror(errno));
	pattern_check(part.p, part.len, h->tag, part.off, "after mlock");
	if (munlock(part.p, part.len))
		fail("munlock of %zu bytes: %s", part.len, strerror(errno));
	count(COUNT_LOCK, 1);
}
