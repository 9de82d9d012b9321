// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of a buffer, in whichever way it is kept: a list of all that it got when it was
 * made, or what has come to a file piece by piece.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/numa.h>

#include "buffer.h"

/**
 * zcp_span_range() - begin to go through some of a buffer's memory
 * @span: state of it
 * @first: page to begin with
 * @last: page to end with, at most ZCP_LAST_PAGE; all but for files, which only are taken
 *	apart
 *
 * Context: any.
 */
void zcp_span_range(struct zcp_span *span, pgoff_t first, pgoff_t last)
{
	span->next = first;
	span->last = last;
	span->nr = 0;
}

/**
 * zcp_span_all() - begin to go through all of a buffer's memory
 * @span: state of it
 *
 * Context: any.
 */
void zcp_span_all(struct zcp_span *span)
{
	zcp_span_range(span, 0, ZCP_LAST_PAGE);
}

/**
 * zcp_span_next() - go on
 * @buf: the buffer
 * @span: as far as one has come; set to what comes next
 *
 * Context: may sleep; under the buffer's lock.
 * Return: whether there is more.
 */
bool zcp_span_next(const struct zcp_buffer *buf, struct zcp_span *span)
{
	unsigned int i;

	if (!buf->sparse) {
		/* All at once. */
		span->index = 0;
		span->ext = buf->extents.ext;
		span->nr = span->next ? 0 : buf->extents.nr;
		span->next = ZCP_LAST_PAGE;
		return span->nr;
	}
	span->index = span->next;
	span->ext = span->room;
	span->nr = zcp_sparse_look(buf->sparse, &span->index, span->last, span->room,
				   ARRAY_SIZE(span->room));
	span->next = span->index;
	for (i = 0; i < span->nr; i++)
		span->next += span->ext[i].nr;
	return span->nr;
}

/**
 * zcp_buffer_attach() - have all pages of a buffer say that they are its
 * @buf: which
 *
 * Context: may sleep; the buffer's lock is held for writing, or nobody else has it.
 */
void zcp_buffer_attach(struct zcp_buffer *buf)
{
	struct address_space *mapping = &buf->inode.i_data;

	/* Some kernels clear what is on the stack: where it can be done without, that is spared. */
	if (buf->sparse) {
		struct zcp_span span;

		zcp_span_all(&span);
		while (zcp_span_next(buf, &span))
			zcp_pieces_attach(span.ext, span.nr, mapping, span.index);
	} else {
		zcp_pieces_attach(buf->extents.ext, buf->extents.nr, mapping, 0);
	}
}

/**
 * zcp_buffer_detach() - undo zcp_buffer_attach()
 * @buf: which
 *
 * Context: may sleep; the buffer's lock is held for writing, or nobody else has it; nothing
 * is mapped.
 */
void zcp_buffer_detach(struct zcp_buffer *buf)
{
	struct zcp_span span;

	zcp_span_all(&span);
	while (zcp_span_next(buf, &span))
		zcp_pieces_detach(span.ext, span.nr);
}

/**
 * zcp_buffer_await_faults() - wait until what faults have been given is mapped
 * @buf: of which buffer
 * @first: page in it
 * @last: last page in it
 *
 * Context: may sleep; the buffer's lock is held for writing.
 */
void zcp_buffer_await_faults(const struct zcp_buffer *buf, pgoff_t first, pgoff_t last)
{
	struct zcp_span span;

	zcp_span_range(&span, first, last);
	while (zcp_span_next(buf, &span))
		zcp_pieces_await_faults(span.ext, span.nr);
}

/*
 * What pieces are told before the pool gets them. What is pinned counts as the owner's until it
 * is let go; where there is no memory to note it, no longer.
 */
static void zcp_pieces_leave(const struct zcp_buffer *buf, const struct zcp_extent *ext,
			     unsigned int nr, struct zcp_pins *pins)
{
	bool held = zcp_pieces_detach(ext, nr);
	struct zcp_pins *own = NULL;

	if (!held)
		return;
	if (!pins) {
		own = zcp_pins_create(&buf->owner);
		pins = own;
	}
	if (pins)
		zcp_pieces_note_pins(ext, nr, pins);
	zcp_pins_put(own);
}

static void zcp_sparse_give_back(struct zcp_buffer *buf, pgoff_t first, pgoff_t last,
				 struct zcp_pins *pins)
{
	unsigned long before = buf->sparse->nr_pages;
	struct zcp_extent ext[ZCP_SPAN_PIECES];
	unsigned int nr;

	while ((nr = zcp_sparse_take(buf->sparse, &first, last, ext, ARRAY_SIZE(ext)))) {
		zcp_pieces_leave(buf, ext, nr, pins);
		zcp_pool_free_pieces(&buf->owner, ext, nr);
	}
	inode_sub_bytes(&buf->inode, (loff_t)(before - buf->sparse->nr_pages) << PAGE_SHIFT);
}

/**
 * zcp_buffer_give_back() - give memory back to the pool
 * @buf: whose
 * @first: page to begin with, 0 if it is not a file
 * @last: last page; ZCP_LAST_PAGE if it is not a file
 * @pins: where to note what is pinned, or NULL
 *
 * Whole chunks of which not all is to go stay.
 *
 * Context: may sleep; the buffer's lock is held for writing, or nobody else has it; nothing
 * of it is mapped.
 */
void zcp_buffer_give_back(struct zcp_buffer *buf, pgoff_t first, pgoff_t last,
			  struct zcp_pins *pins)
{
	if (buf->sparse) {
		zcp_sparse_give_back(buf, first, last, pins);
		return;
	}
	zcp_pieces_leave(buf, buf->extents.ext, buf->extents.nr, pins);
	zcp_pool_free(&buf->owner, &buf->extents);
}

/**
 * zcp_buffer_held() - how many pages a buffer has
 * @buf: which
 *
 * Context: under the buffer's lock, or it does not matter that the answer may be old.
 * Return: pages.
 */
unsigned long zcp_buffer_held(const struct zcp_buffer *buf)
{
	return buf->sparse ? READ_ONCE(buf->sparse->nr_pages) : READ_ONCE(buf->nr_pages);
}

/**
 * zcp_buffer_whole() - how many whole chunks a buffer has
 * @buf: which
 *
 * Context: under the buffer's lock, or it does not matter that the answer may be old.
 * Return: chunks.
 */
unsigned long zcp_buffer_whole(const struct zcp_buffer *buf)
{
	return buf->sparse ? READ_ONCE(buf->sparse->nr_whole) : buf->extents.nr_whole;
}

/**
 * zcp_buffer_pieces() - pieces of a buffer as the hardware sees them
 * @buf: which
 *
 * Context: may sleep; under the buffer's lock.
 * Return: how many there are; what follows each other both in the buffer and in memory is one.
 */
unsigned int zcp_buffer_pieces(const struct zcp_buffer *buf)
{
	unsigned long pfn, next_pfn = 0;
	unsigned int i, n = 0;
	struct zcp_span span;
	pgoff_t next = 0;

	zcp_span_all(&span);
	while (zcp_span_next(buf, &span)) {
		for (i = 0; i < span.nr; i++) {
			pfn = page_to_pfn(zcp_extent_page(&span.ext[i]));
			if (!n || pfn != next_pfn || span.index != next)
				n++;
			next_pfn = pfn + span.ext[i].nr;
			next = span.index;
		}
		next = span.next;
	}
	return n;
}

/**
 * zcp_buffer_node() - NUMA node of a buffer
 * @buf: which
 *
 * Context: may sleep; under the buffer's lock.
 * Return: the node, or NUMA_NO_NODE (-1) if it lies on several, or has nothing.
 */
int zcp_buffer_node(const struct zcp_buffer *buf)
{
	const struct zcp_node *node = NULL;
	struct zcp_span span;
	unsigned int i;

	zcp_span_all(&span);
	while (zcp_span_next(buf, &span)) {
		for (i = 0; i < span.nr; i++) {
			if (node && span.ext[i].chunk->node != node)
				return NUMA_NO_NODE;
			node = span.ext[i].chunk->node;
		}
	}
	return node ? node->nid : NUMA_NO_NODE;
}

/**
 * zcp_buffer_end_page() - where a buffer ends
 * @buf: which
 *
 * Context: any; under the buffer's lock it does not become less.
 * Return: the first page behind the end.
 */
pgoff_t zcp_buffer_end_page(struct zcp_buffer *buf)
{
	return DIV_ROUND_UP_ULL((u64)i_size_read(&buf->inode), PAGE_SIZE);
}

/**
 * zcp_sparse_chunk_to_map() - the rest of zcp_buffer_chunk_to_map()
 * @buf: a file
 * @index: page in it
 *
 * A chunk in which the file ends is not mapped by a PMD, or one could read and write beyond
 * the end.
 *
 * Context: any; under the buffer's lock.
 * Return: the chunk, or NULL.
 */
struct zcp_chunk *zcp_sparse_chunk_to_map(struct zcp_buffer *buf, pgoff_t index)
{
	pgoff_t behind = round_down(index, ZCP_CHUNK_PAGES) + ZCP_CHUNK_PAGES;
	struct zcp_extent ext;

	if (!zcp_sparse_find(buf->sparse, index, &ext) ||
	    zcp_chunk_kind(ext.chunk) == ZCP_SPLIT || behind > zcp_buffer_end_page(buf))
		return NULL;
	return ext.chunk;
}
