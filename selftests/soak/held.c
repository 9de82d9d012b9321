// SPDX-License-Identifier: GPL-2.0
/*
 * The buffers a worker has: how they come, are looked at, and go.
 */
#include "soak.h"

/* Bytes, mostly few, some more than a chunk. */
static size_t any_size(struct worker *w)
{
	size_t pages;

	switch (rnd(&w->seed) % 16) {
	case 0 ... 7:
		pages = 1 + rnd(&w->seed) % 16;
		break;
	case 8 ... 12:
		pages = 1 + rnd(&w->seed) % 256;
		break;
	case 13 ... 14:
		pages = 256 + rnd(&w->seed) % 512;
		break;
	default:
		pages = 512 + rnd(&w->seed) % 1536;
	}
	return pages * PAGE;
}

static __u32 any_flags(struct worker *w)
{
	__u32 flags = 0;

	if (rnd(&w->seed) % 4 == 0)
		flags |= ZCPOOL_ALLOC_CONTIG;
	if (rnd(&w->seed) % 4 == 0)
		flags |= ZCPOOL_ALLOC_HUGE;
	if (rnd(&w->seed) % 4 == 0)
		flags |= ZCPOOL_ALLOC_NOWAIT;
	if (rnd(&w->seed) % 4 == 0)
		flags |= ZCPOOL_ALLOC_THISNODE;
	return flags;
}

static bool may_refuse(int err, __u32 flags)
{
	return err == ENOSPC || err == ENOMEM || err == EMFILE ||
	       (err == EAGAIN && (flags & ZCPOOL_ALLOC_NOWAIT));
}

/* What was granted must be what was asked for. */
static void check_info(int fd, size_t size, __u32 flags, int node, struct zcpool_buf_info *bi)
{
	const char *what = NULL;

	if (buf_info(fd, bi))
		fail("BUF_INFO: %s", strerror(errno));
	if (bi->size < size || bi->whole_bytes + bi->split_bytes != bi->size)
		what = "size";
	else if ((flags & ZCPOOL_ALLOC_HUGE) && bi->split_bytes)
		what = "HUGE";
	else if ((flags & ZCPOOL_ALLOC_CONTIG) && bi->nr_extents != 1)
		what = "CONTIG";
	else if ((flags & ZCPOOL_ALLOC_THISNODE) && (node < 0 ? bi->node < 0 : bi->node != node))
		what = "THISNODE";
	if (what)
		fail("ALLOC %zu 0x%x node %d: wrong %s: %llu = %llu + %llu, %u pieces, node %d",
		     size, flags, node, what, bi->size, bi->whole_bytes, bi->split_bytes,
		     bi->nr_extents, bi->node);
}

static bool make_by_ioctl(struct worker *w, struct held *h)
{
	size_t size = any_size(w), len;
	__u32 flags = any_flags(w);
	int node = rnd(&w->seed) % 2 ? -1 : (int)(rnd(&w->seed) % 2);
	struct zcpool_buf_info bi;
	int fd;

	if (node >= 0 && !node_exists(node))
		node = -1;
	fd = buf_alloc(w->pool, size, flags, node);
	if (fd < 0) {
		if (!may_refuse(-fd, flags))
			fail("ALLOC of %zu bytes, flags 0x%x, node %d: %s", size, flags, node,
			     strerror(-fd));
		count(COUNT_REFUSED, 1);
		return false;
	}
	check_info(fd, size, flags, node, &bi);
	len = bi.size;
	h->piece[0] = (struct piece){ .p = buf_map(fd, len, 0), .len = len };
	if (h->piece[0].p == MAP_FAILED)
		fail("mmap of a buffer of %zu bytes: %s", len, strerror(errno));
	h->fd = fd;
	h->size = len;
	count(COUNT_ALLOC, 1);
	return true;
}

static bool make_by_mmap(struct worker *w, struct held *h)
{
	size_t size = any_size(w);
	char *p = mmap(NULL, size, RDWR, MAP_SHARED, w->pool, 0);

	if (p == MAP_FAILED) {
		if (!may_refuse(errno, 0))
			fail("mmap of %zu bytes of the pool: %s", size, strerror(errno));
		count(COUNT_REFUSED, 1);
		return false;
	}
	h->piece[0] = (struct piece){ .p = p, .len = size };
	h->fd = -1;
	h->size = size;
	count(COUNT_ALLOC_MMAP, 1);
	return true;
}

/* A new buffer, which must be zero, filled with its pattern; false if there is none. */
bool held_make(struct worker *w, struct held *h)
{
	memset(h, 0, sizeof(*h));
	if (!(rnd(&w->seed) % 5 ? make_by_ioctl(w, h) : make_by_mmap(w, h)))
		return false;
	count(COUNT_ALLOC_BYTES, h->size);
	h->tag = pattern_tag(w->id, w->made++);
	zero_check(h->piece[0].p, h->size, 0, "fresh memory");
	pattern_fill(h->piece[0].p, h->size, h->tag, 0);
	return true;
}

/* Fails unless all that is mapped holds the buffer's pattern. */
void held_verify(struct worker *w, struct held *h)
{
	int i;

	for (i = 0; i < 2; i++)
		pattern_check(h->piece[i].p, h->piece[i].len, h->tag, h->piece[i].off,
			      "a mapped buffer");
}

/* Let go of a buffer without looking at it. */
void held_forget(struct held *h)
{
	int i;

	if (!h->size)
		return;
	for (i = 0; i < 2; i++)
		if (h->piece[i].len && munmap(h->piece[i].p, h->piece[i].len))
			fail("munmap of %zu bytes at %p: %s", h->piece[i].len, h->piece[i].p,
			     strerror(errno));
	if (h->fd >= 0 && close(h->fd))
		fail("close of a buffer: %s", strerror(errno));
	memset(h, 0, sizeof(*h));
}

/* Look at a buffer for the last time. */
void held_drop(struct worker *w, struct held *h)
{
	if (!h->size)
		return;
	held_verify(w, h);
	held_forget(h);
	count(COUNT_FREE, 1);
}

/* One of the buffer's mapped pieces, or NULL. */
struct piece *held_piece(struct worker *w, struct held *h)
{
	int i = rnd(&w->seed) % 2;

	if (!h->piece[i].len)
		i = !i;
	return h->piece[i].len ? &h->piece[i] : NULL;
}

/* Some neighbouring pages of a piece. */
struct piece piece_part(struct worker *w, const struct piece *from, size_t most)
{
	size_t pages = from->len / PAGE, nr, first;

	nr = 1 + rnd(&w->seed) % pages;
	if (nr > most / PAGE)
		nr = most / PAGE;
	first = rnd(&w->seed) % (pages - nr + 1) * PAGE;
	return (struct piece){
		.p = from->p + first, .off = from->off + first, .len = nr * PAGE
	};
}
