// SPDX-License-Identifier: GPL-2.0
/*
 * A buffer and a disk: direct I/O, which pins its pages; also when the buffer is gone
 * before the I/O is done.
 */
#include "soak.h"

void op_direct_write(struct worker *w, struct held *h)
{
	struct piece *piece = held_piece(w, h), part;
	ssize_t n;

	if (!piece)
		return;
	part = piece_part(w, piece, SCRATCH);
	n = pwrite(w->file, part.p, part.len, 0);
	if (n != (ssize_t)part.len)
		fail("direct write of %zu bytes: %zd, %s", part.len, n, strerror(errno));
	n = pread(w->file, w->scratch, part.len, 0);
	if (n != (ssize_t)part.len)
		fail("reading back %zu bytes: %zd, %s", part.len, n, strerror(errno));
	pattern_check(w->scratch, part.len, h->tag, part.off, "what was written from a buffer");
	count(COUNT_DIRECT_WRITE, 1);
	count(COUNT_IO_BYTES, part.len);
}

/* The buffer's own pattern, over rubbish where nobody else can see it. */
void op_direct_read(struct worker *w, struct held *h)
{
	struct piece *piece = held_piece(w, h), part;
	ssize_t n;

	if (!piece)
		return;
	part = piece_part(w, piece, SCRATCH);
	pattern_fill(w->scratch, part.len, h->tag, part.off);
	n = pwrite(w->file, w->scratch, part.len, 0);
	if (n != (ssize_t)part.len)
		fail("writing %zu bytes: %zd, %s", part.len, n, strerror(errno));
	if (!h->shared)
		memset(part.p, 0xee, part.len);
	n = pread(w->file, part.p, part.len, 0);
	if (n != (ssize_t)part.len)
		fail("direct read of %zu bytes: %zd, %s", part.len, n, strerror(errno));
	pattern_check(part.p, part.len, h->tag, part.off, "what was read into a buffer");
	count(COUNT_DIRECT_READ, 1);
	count(COUNT_IO_BYTES, part.len);
}

static void submit(struct worker *w, int op, const struct piece *part)
{
	struct iocb cb = {
		.aio_lio_opcode = op,
		.aio_fildes = w->file,
		.aio_buf = (unsigned long)part->p,
		.aio_nbytes = part->len,
	}, *cbs = &cb;

	if (syscall(SYS_io_submit, w->aio, 1, &cbs) != 1)
		fail("io_submit of %zu bytes: %s", part->len, strerror(errno));
}

static void await(struct worker *w, const struct piece *part)
{
	struct io_event event;

	if (syscall(SYS_io_getevents, w->aio, 1, 1, &event, NULL) != 1)
		fail("io_getevents: %s", strerror(errno));
	if (event.res != (__s64)part->len)
		fail("asynchronous I/O of %zu bytes: %lld", part->len, event.res);
	count(COUNT_IO_BYTES, part->len);
}

/* The disk must get what was in the buffer, though that is freed and its memory reused. */
void op_aio_write(struct worker *w, struct held *h)
{
	struct piece *piece = held_piece(w, h), part;
	__u64 tag = h->tag;

	if (!piece)
		return;
	part = piece_part(w, piece, SCRATCH);
	submit(w, IOCB_CMD_PWRITE, &part);
	held_forget(h);
	held_make(w, h);
	await(w, &part);
	if (pread(w->file, w->scratch, part.len, 0) != (ssize_t)part.len)
		fail("reading back %zu bytes: %s", part.len, strerror(errno));
	pattern_check(w->scratch, part.len, tag, part.off, "written from a freed buffer");
	count(COUNT_AIO_WRITE, 1);
}

/* Whoever gets the memory next must not get what comes from the disk for its last owner. */
void op_aio_read(struct worker *w, struct held *h)
{
	struct piece *piece = held_piece(w, h), part;

	if (!piece)
		return;
	part = piece_part(w, piece, SCRATCH);
	pattern_fill(w->scratch, part.len, h->tag, part.off);
	if (pwrite(w->file, w->scratch, part.len, 0) != (ssize_t)part.len)
		fail("writing %zu bytes: %s", part.len, strerror(errno));
	submit(w, IOCB_CMD_PREAD, &part);
	held_forget(h);
	held_make(w, h);
	await(w, &part);
	if (h->size)
		held_verify(w, h);
	count(COUNT_AIO_READ, 1);
}
