// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of a range of pages that has holes, as a file has.
 *
 * An entry of the xarray is the first page of a whole chunk, tagged, which fills as many
 * places as the chunk has pages; or a page of a split chunk. Which chunk that is, the page
 * says as long as it is here.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "mem.h"

/* Tags of entries */
#define ZCP_ENTRY_PAGE		0
#define ZCP_ENTRY_CHUNK		1

/* Of entries that are given up again where not all could be had that was wanted */
#define ZCP_MARK_NEW		XA_MARK_0

/**
 * zcp_sparse_create() - make a range that is one hole
 *
 * Context: may sleep.
 * Return: the range, or NULL.
 */
struct zcp_sparse *zcp_sparse_create(void)
{
	struct zcp_sparse *sparse = kzalloc(sizeof(*sparse), GFP_KERNEL_ACCOUNT);

	if (sparse)
		xa_init_flags(&sparse->pages, XA_FLAGS_ACCOUNT);
	return sparse;
}

/**
 * zcp_sparse_destroy() - free a range
 * @sparse: which has no memory any more; or NULL
 *
 * Context: any.
 */
void zcp_sparse_destroy(struct zcp_sparse *sparse)
{
	if (!sparse)
		return;
	WARN_ON_ONCE(sparse->nr_pages);
	xa_destroy(&sparse->pages);
	kfree(sparse);
}

static bool zcp_entry_is_chunk(const void *entry)
{
	return xa_pointer_tag((void *)entry) == ZCP_ENTRY_CHUNK;
}

/* What there is from a place on: the page there, or that and the rest of its whole chunk */
static struct zcp_extent zcp_entry_extent(void *entry, pgoff_t index)
{
	struct page *page = xa_untag_pointer(entry);
	struct zcp_chunk *chunk = zcp_page_chunk(page);

	if (zcp_entry_is_chunk(entry))
		return (struct zcp_extent){
			.chunk = chunk,
			.start = index % ZCP_CHUNK_PAGES,
			.nr = ZCP_CHUNK_PAGES - index % ZCP_CHUNK_PAGES,
		};
	return (struct zcp_extent){ .chunk = chunk, .start = page - chunk->page, .nr = 1 };
}

/**
 * zcp_sparse_find() - what there is at a place
 * @sparse: which range
 * @index: page in it
 * @ext: set to the page, of a whole chunk with all that follow
 *
 * Context: any; nothing is removed meanwhile.
 * Return: whether there is anything; it may be a hole.
 */
bool zcp_sparse_find(struct zcp_sparse *sparse, pgoff_t index, struct zcp_extent *ext)
{
	void *entry = xa_load(&sparse->pages, index);

	if (!entry)
		return false;
	*ext = zcp_entry_extent(entry, index);
	return true;
}

/**
 * zcp_sparse_next() - look for memory
 * @sparse: which range
 * @index: first page to look at
 * @last: last one, at most ZCP_LAST_PAGE
 *
 * Context: any; nothing is removed meanwhile.
 * Return: the first page that there is; beyond @last if there is none.
 */
pgoff_t zcp_sparse_next(struct zcp_sparse *sparse, pgoff_t index, pgoff_t last)
{
	return xa_find(&sparse->pages, &index, last, XA_PRESENT) ? index : last + 1;
}

/**
 * zcp_sparse_next_hole() - look for a hole
 * @sparse: which range
 * @index: first page to look at
 * @last: last one, at most ZCP_LAST_PAGE
 *
 * Context: may sleep; nothing is removed meanwhile.
 * Return: the first page that there is not; beyond @last if there is none.
 */
pgoff_t zcp_sparse_next_hole(struct zcp_sparse *sparse, pgoff_t index, pgoff_t last)
{
	struct zcp_extent ext;

	while (index <= last && zcp_sparse_find(sparse, index, &ext)) {
		index += ext.nr;
		cond_resched();
	}
	return min(index, last + 1);
}

/* Under the range's lock. */
static void zcp_sparse_count(struct zcp_sparse *sparse, const void *entry, int sign)
{
	if (zcp_entry_is_chunk(entry)) {
		sparse->nr_whole += sign;
		sparse->nr_pages += sign * (int)ZCP_CHUNK_PAGES;
	} else {
		sparse->nr_pages += sign;
	}
}

/* Put an entry where there is none. */
static int zcp_sparse_store(struct zcp_sparse *sparse, struct xa_state *xas, void *entry)
{
	do {
		xas_lock(xas);
		if (xas_find_conflict(xas)) {
			xas_set_err(xas, -EEXIST);
		} else {
			xas_store(xas, entry);
			if (!xas_error(xas))
				zcp_sparse_count(sparse, entry, 1);
		}
		xas_unlock(xas);
	} while (xas_nomem(xas, GFP_KERNEL));
	return xas_error(xas);
}

/**
 * zcp_sparse_insert() - have a page, or a whole chunk, where there was a hole
 * @sparse: which range
 * @index: its first page's place in it; of a chunk a multiple of its size
 * @ext: the page, of a split chunk; or all of a whole one
 *
 * Context: may sleep; nothing is removed meanwhile.
 * Return: 0; -EEXIST there is something; -ENOMEM.
 */
int zcp_sparse_insert(struct zcp_sparse *sparse, pgoff_t index, const struct zcp_extent *ext)
{
	struct page *page = zcp_extent_page(ext);
	XA_STATE(xas, &sparse->pages, index);
	int err;

#ifdef CONFIG_XARRAY_MULTI
	if (zcp_chunk_kind(ext->chunk) == ZCP_WHOLE) {
		xas_set_order(&xas, index, ZCP_CHUNK_ORDER);
		return zcp_sparse_store(sparse, &xas, xa_tag_pointer(page, ZCP_ENTRY_CHUNK));
	}
#endif
	zcp_page_set_chunk(page, ext->chunk);
	err = zcp_sparse_store(sparse, &xas, xa_tag_pointer(page, ZCP_ENTRY_PAGE));
	if (err)
		zcp_page_set_chunk(page, NULL);
	return err;
}

/**
 * zcp_sparse_mark_new() - remember that something has just been inserted
 * @sparse: which range
 * @index: its place
 *
 * Context: any; nothing is removed meanwhile.
 */
void zcp_sparse_mark_new(struct zcp_sparse *sparse, pgoff_t index)
{
	xa_set_mark(&sparse->pages, index, ZCP_MARK_NEW);
}

/**
 * zcp_sparse_next_new() - find what has been marked so, and forget that it is
 * @sparse: which range
 * @index: first page to look at; set to the first of what is found
 * @last: set to its last
 *
 * Context: any; nobody else changes the range.
 * Return: whether there is any.
 */
bool zcp_sparse_next_new(struct zcp_sparse *sparse, pgoff_t *index, pgoff_t *last)
{
	struct zcp_extent ext;

	if (!xa_find(&sparse->pages, index, ZCP_LAST_PAGE, ZCP_MARK_NEW))
		return false;
	xa_clear_mark(&sparse->pages, *index, ZCP_MARK_NEW);
	zcp_sparse_find(sparse, *index, &ext);
	*index -= zcp_chunk_kind(ext.chunk) == ZCP_WHOLE ? ext.start : 0;
	*last = *index + (zcp_chunk_kind(ext.chunk) == ZCP_WHOLE ? ZCP_CHUNK_PAGES : 1) - 1;
	return true;
}

/*
 * Add to pieces one that comes next in the range; where it does in memory, too, it becomes part
 * of the last. Whether there was room.
 */
static bool zcp_pieces_add(struct zcp_extent *ext, unsigned int *nr, unsigned int max,
			   const struct zcp_extent *piece)
{
	struct zcp_extent *last = ext + *nr - 1;

	if (*nr && piece->chunk == last->chunk && piece->start == last->start + last->nr) {
		last->nr += piece->nr;
		return true;
	}
	if (*nr == max)
		return false;
	ext[(*nr)++] = *piece;
	return true;
}

/**
 * zcp_sparse_look() - what there is, up to the next hole
 * @sparse: which range
 * @index: first page to look at; set to that of what is found
 * @last: last one to look at, at most ZCP_LAST_PAGE
 * @ext: room for @max pieces, which are set to what there is from @index on
 * @max: how many pieces at most
 *
 * Context: may sleep; nothing is removed meanwhile.
 * Return: how many pieces; 0 if there are none.
 */
unsigned int zcp_sparse_look(struct zcp_sparse *sparse, pgoff_t *index, pgoff_t last,
			     struct zcp_extent *ext, unsigned int max)
{
	struct zcp_extent piece;
	unsigned int n = 0;
	pgoff_t next;

	*index = zcp_sparse_next(sparse, *index, last);
	for (next = *index; next <= last; next += piece.nr) {
		if (!zcp_sparse_find(sparse, next, &piece))
			break;
		piece.nr = min_t(pgoff_t, piece.nr, last - next + 1);
		if (!zcp_pieces_add(ext, &n, max, &piece))
			break;
		cond_resched();
	}
	return n;
}

/* Remove the piece at a place, which is all of an entry. */
static void zcp_sparse_remove(struct zcp_sparse *sparse, pgoff_t index)
{
	void *entry;

	xa_lock(&sparse->pages);
	entry = __xa_erase(&sparse->pages, index);
	zcp_sparse_count(sparse, entry, -1);
	xa_unlock(&sparse->pages);
	if (zcp_entry_is_chunk(entry))
		zcp_page_allow_pmd(xa_untag_pointer(entry));
	else
		zcp_page_set_chunk(xa_untag_pointer(entry), NULL);
}

/**
 * zcp_sparse_take() - remove some of what there is
 * @sparse: which range
 * @index: first page to be removed; set to where to go on
 * @last: last one, at most ZCP_LAST_PAGE
 * @ext: room for @max pieces, which are set to what has been removed
 * @max: how many pieces at most
 *
 * Whole chunks of which not all is to be removed stay.
 *
 * Context: may sleep; nobody else looks at the range.
 * Return: how many pieces; 0 if there are no more.
 */
unsigned int zcp_sparse_take(struct zcp_sparse *sparse, pgoff_t *index, pgoff_t last,
			     struct zcp_extent *ext, unsigned int max)
{
	struct zcp_extent piece;
	unsigned int n = 0;

	for (; (*index = zcp_sparse_next(sparse, *index, last)) <= last; *index += piece.nr) {
		cond_resched();
		zcp_sparse_find(sparse, *index, &piece);
		if (zcp_chunk_kind(piece.chunk) == ZCP_WHOLE &&
		    (piece.start || piece.nr > last - *index + 1))
			continue;
		if (!zcp_pieces_add(ext, &n, max, &piece))
			break;
		zcp_sparse_remove(sparse, *index);
	}
	return n;
}
