// SPDX-License-Identifier: GPL-2.0
/*
 * Pages: what is done to those of a chunk while they are free or in a buffer. What a struct
 * page has inside is for this file and chunk.c alone to know.
 */
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched.h>

#include "../compat.h"
#include "mem.h"

/**
 * zcp_pieces_attach() - have all pages of a range say of which file they are, and where
 * @ext: the pieces that make up the range
 * @nr: how many pieces
 * @mapping: the file's
 * @index: where in the file the range begins
 *
 * As device DAX does it. A futex that processes share is found by this; the core also
 * compares the index with the size of the file before it maps a chunk by a PMD. The pages
 * are not in the page cache, so whoever wants to do with one what is done there does not
 * find it there.
 *
 * Context: may sleep; before the pages can be mapped.
 */
void zcp_pieces_attach(const struct zcp_extent *ext, unsigned int nr,
		       struct address_space *mapping, pgoff_t index)
{
	struct folio *folio;
	unsigned int i;

	for (; nr; nr--, ext++) {
		for (i = 0; i < ext->nr; i += folio_nr_pages(folio)) {
			folio = page_folio(zcp_extent_page(ext) + i);
			folio->index = index + i;
			WRITE_ONCE(folio->mapping, mapping);
		}
		index += ext->nr;
		cond_resched();
	}
}

/**
 * zcp_pieces_detach() - undo zcp_pieces_attach()
 * @ext: the pieces
 * @nr: how many pieces
 *
 * The page allocator takes no page back that says it is of a file. Who still has a
 * reference, as direct I/O has, looks at the file under the folio's lock.
 *
 * Context: may sleep; the pages are mapped no more, the file's inode still exists.
 * Return: whether anybody but the pool has a reference to any of them.
 */
bool zcp_pieces_detach(const struct zcp_extent *ext, unsigned int nr)
{
	struct folio *folio;
	bool held = false;
	unsigned int i;

	for (; nr; nr--, ext++) {
		for (i = 0; i < ext->nr; i += folio_nr_pages(folio)) {
			folio = page_folio(zcp_extent_page(ext) + i);
			folio_lock(folio);
			WRITE_ONCE(folio->mapping, NULL);
			folio_unlock(folio);
			held |= folio_ref_count(folio) != 1;
		}
		cond_resched();
	}
	return held;
}

/**
 * zcp_pages_poisoned() - whether a memory error has hit one of these pages
 * @page: the first
 * @nr: how many, all in one chunk
 *
 * Context: any.
 * Return: whether it has.
 */
bool zcp_pages_poisoned(struct page *page, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (PageHWPoison(page + i))
			return true;
	}
	return false;
}

/**
 * zcp_pages_known_poisoned() - the same, without a look at them where there is no reason
 * @page: the first
 * @nr: how many, all in one chunk
 *
 * One that is just being dealt with may be missed, as by zcp_pieces_poisoned().
 *
 * Context: any.
 * Return: whether a memory error has hit one.
 */
bool zcp_pages_known_poisoned(struct page *page, unsigned int nr)
{
	return zcp_node_may_have_errors(page_to_nid(page)) && zcp_pages_poisoned(page, nr);
}

/**
 * zcp_pieces_poisoned() - the same of pieces, for where it is asked often
 * @ext: the pieces
 * @nr: how many pieces
 *
 * As long as the kernel has counted no error on a node, no page of it is looked at. So
 * one that is just being dealt with may be missed.
 *
 * Context: may sleep.
 * Return: whether a memory error has hit one of their pages.
 */
bool zcp_pieces_poisoned(const struct zcp_extent *ext, unsigned int nr)
{
	const struct zcp_node *node = NULL;
	bool look = false;

	for (; nr; nr--, ext++) {
		if (ext->chunk->node != node) {
			node = ext->chunk->node;
			look = zcp_node_may_have_errors(node->nid);
		}
		if (!look)
			continue;
		if (zcp_pages_poisoned(zcp_extent_page(ext), ext->nr))
			return true;
		cond_resched();
	}
	return false;
}

/**
 * zcp_page_pinned() - whether anybody but the pool has a reference to a page
 * @page: of a split chunk, or the first of a whole one that is a large folio
 *
 * To be asked about pages that are mapped no more. GUP-fast raises the count
 * before it looks at the page table entry again, so a count read after the last
 * unmap includes every reference that is going to stay. One that goes away at
 * once makes the answer wrong on the safe side.
 *
 * Context: any.
 * Return: whether anybody has.
 */
bool zcp_page_pinned(struct page *page)
{
	return page_ref_count(page) != 1;
}

/**
 * zcp_chunk_pinned() - the same of a whole chunk
 * @chunk: whole, mapped no more
 *
 * Context: any.
 * Return: whether anybody but the pool has a reference to any of its pages.
 */
bool zcp_chunk_pinned(const struct zcp_chunk *chunk)
{
	unsigned int i, counts = PageCompound(chunk->page) ? 1 : ZCP_CHUNK_PAGES;

	for (i = 0; i < counts; i++) {
		if (zcp_page_pinned(chunk->page + i))
			return true;
	}
	return false;
}

/*
 * Whether a page of an extent is; of a large folio, whether any of it is. A single page that a
 * memory error has hit the core may hold for ever, and nobody gets to see it again; of a folio
 * the other pages may be held by somebody who writes to them.
 */
static bool zcp_extent_pinned(const struct zcp_extent *ext, unsigned int i)
{
	struct page *page = zcp_extent_page(ext) + i;

	if (!PageCompound(page) && PageHWPoison(page))
		return false;
	return zcp_page_pinned(&page_folio(page)->page);
}

/**
 * zcp_pieces_pinned() - the same of pieces
 * @ext: the pieces, mapped no more
 * @nr: how many pieces
 *
 * Context: may sleep.
 * Return: how many pages are pinned; of a large folio all or none.
 */
unsigned long zcp_pieces_pinned(const struct zcp_extent *ext, unsigned int nr)
{
	unsigned long pinned = 0;
	unsigned int i, pages;

	for (; nr; nr--, ext++) {
		for (i = 0; i < ext->nr; i += pages) {
			pages = folio_nr_pages(page_folio(zcp_extent_page(ext) + i));
			if (zcp_extent_pinned(ext, i))
				pinned += pages;
		}
		cond_resched();
	}
	return pinned;
}

/**
 * zcp_pieces_note_pins() - have who waits for what is pinned told when it is no more
 * @ext: the pieces, of a buffer that has been taken away
 * @nr: how many pieces
 * @pins: where to note it
 *
 * Context: may sleep; before the pieces are freed.
 */
void zcp_pieces_note_pins(const struct zcp_extent *ext, unsigned int nr,
			  struct zcp_pins *pins)
{
	unsigned int i;

	for (; nr; nr--, ext++) {
		cond_resched();
		if (zcp_chunk_kind(ext->chunk) == ZCP_WHOLE) {
			if (!zcp_chunk_pinned(ext->chunk))
				continue;
			zcp_pins_add(pins, ZCP_CHUNK_PAGES);
			ext->chunk->pins = pins;
			continue;
		}
		for (i = 0; i < ext->nr; i++) {
			if (!zcp_extent_pinned(ext, i))
				continue;
			zcp_pins_add(pins, 1);
			set_page_private(zcp_extent_page(ext) + i, (unsigned long)pins);
		}
	}
}

/**
 * zcp_pages_tell_pins() - the rest of zcp_pages_let_go()
 * @chunk: whole, or of which:
 * @start: first page
 * @nr: how many
 *
 * Context: any; by who has the pages in hand.
 */
void zcp_pages_tell_pins(struct zcp_chunk *chunk, unsigned int start, unsigned int nr)
{
	struct page *page = chunk->page + start;
	struct zcp_pins *pins;

	if (zcp_chunk_kind(chunk) == ZCP_WHOLE) {
		if (chunk->pins)
			zcp_pins_sub(chunk->pins, ZCP_CHUNK_PAGES);
		chunk->pins = NULL;
		return;
	}
	for (; nr; nr--, page++) {
		pins = (struct zcp_pins *)page_private(page);
		if (!pins)
			continue;
		set_page_private(page, 0);
		zcp_pins_sub(pins, 1);
	}
}

/**
 * zcp_pieces_await_faults() - wait until what faults have been given is mapped
 * @ext: the pieces
 * @nr: how many pieces
 *
 * The core maps a page after .fault has returned, and has it locked until then.
 *
 * Context: may sleep; nobody is given any of them now.
 */
void zcp_pieces_await_faults(const struct zcp_extent *ext, unsigned int nr)
{
	struct folio *folio;
	unsigned int i;

	for (; nr; nr--, ext++) {
		for (i = 0; i < ext->nr; i += folio_nr_pages(folio)) {
			folio = page_folio(zcp_extent_page(ext) + i);
			folio_lock(folio);
			folio_unlock(folio);
		}
		cond_resched();
	}
}

/**
 * zcp_page_high() - whether a page has no address of its own
 * @page: any
 *
 * Context: any.
 * Return: whether it is in high memory.
 */
bool zcp_page_high(struct page *page)
{
	return PageHighMem(page);
}

/**
 * zcp_page_is_large() - whether a page is part of a large folio
 * @page: any
 *
 * Context: any.
 * Return: whether it is.
 */
bool zcp_page_is_large(struct page *page)
{
	return PageCompound(page);
}

/**
 * zcp_page_forbid_pmd() - have the core map no more of a large folio than it is given
 * @page: of a whole chunk, which is locked
 *
 * Kernels that have no call for that do so if the folio says that it has had a memory error.
 *
 * Context: any.
 */
void zcp_page_forbid_pmd(struct page *page)
{
#if !defined(ZCP_HAVE_INSERT_FOLIO) && defined(CONFIG_TRANSPARENT_HUGEPAGE)
	folio_set_has_hwpoisoned(page_folio(page));
#endif
}

/**
 * zcp_page_allow_pmd() - undo zcp_page_forbid_pmd(), if that has been called
 * @page: of a whole chunk, which is locked, or nobody's any more
 *
 * Context: any.
 */
void zcp_page_allow_pmd(struct page *page)
{
#if !defined(ZCP_HAVE_INSERT_FOLIO) && defined(CONFIG_TRANSPARENT_HUGEPAGE)
	struct folio *folio = page_folio(page);

	if (folio_test_large(folio) && folio_test_has_hwpoisoned(folio) &&
	    !zcp_pages_poisoned(folio_page(folio, 0), ZCP_CHUNK_PAGES))
		folio_clear_has_hwpoisoned(folio);
#endif
}

/**
 * zcp_page_chunk() - the chunk of a page
 * @page: the first of a whole one, or one that zcp_page_set_chunk() has told
 *
 * Context: any.
 * Return: the chunk.
 */
struct zcp_chunk *zcp_page_chunk(struct page *page)
{
	return (struct zcp_chunk *)page_private(page);
}

/**
 * zcp_page_set_chunk() - have a page of a split chunk tell which that is
 * @page: in a buffer; before it leaves that it is told otherwise
 * @chunk: its chunk, or NULL
 *
 * Context: any.
 */
void zcp_page_set_chunk(struct page *page, struct zcp_chunk *chunk)
{
	set_page_private(page, (unsigned long)chunk);
}

/**
 * zcp_page_get() - take a reference
 * @page: of a buffer
 *
 * Context: any.
 * Return: @page.
 */
struct page *zcp_page_get(struct page *page)
{
	get_page(page);
	return page;
}

/**
 * zcp_page_put() - undo zcp_page_get()
 * @page: of a buffer, or one that was when the reference was taken
 *
 * Context: any.
 */
void zcp_page_put(struct page *page)
{
	put_page(page);
}

/**
 * zcp_page_lock() - lock a page, unless a memory error has hit it
 * @page: of a buffer
 *
 * Of a whole chunk all is locked.
 *
 * Context: may sleep.
 * Return: whether it is locked.
 */
bool zcp_page_lock(struct page *page)
{
	lock_page(page);
	if (likely(!PageHWPoison(page)))
		return true;
	unlock_page(page);
	return false;
}

/**
 * zcp_page_unlock() - undo zcp_page_lock()
 * @page: which
 *
 * Context: any.
 */
void zcp_page_unlock(struct page *page)
{
	unlock_page(page);
}

/**
 * zcp_page_duplicate() - a page with the same contents that is not the pool's
 * @page: of a buffer
 *
 * Context: may sleep.
 * Return: the page, which put_page() frees, or NULL if there is no memory.
 */
struct page *zcp_page_duplicate(struct page *page)
{
	struct page *copy = alloc_page(GFP_HIGHUSER);

	if (copy)
		memcpy_page(copy, 0, page, 0, PAGE_SIZE);
	return copy;
}

/**
 * zcp_pages_dma_pinned() - pages that pin_user_pages() may hold
 * @page: the first; of a whole chunk the very first
 * @nr: how many, all in one chunk
 *
 * Mappings do not count, nor does a plain reference such as a pipe's.
 *
 * Context: any.
 * Return: how many may be; of a whole chunk all or none.
 */
unsigned int zcp_pages_dma_pinned(struct page *page, unsigned int nr)
{
	unsigned int i, pages, pinned = 0;
	struct folio *folio;

	for (i = 0; i < nr; i += pages) {
		folio = page_folio(page + i);
		pages = folio_nr_pages(folio);
		if (folio_maybe_dma_pinned(folio))
			pinned += pages;
	}
	return pinned;
}

/**
 * zcp_pages_clear() - zero pages
 * @page: the first
 * @nr: how many, all in one chunk
 *
 * Context: may sleep.
 */
void zcp_pages_clear(struct page *page, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		clear_highpage(page + i);
		if (i % 32 == 31)
			cond_resched();
	}
}

/**
 * zcp_pages_clear_sound() - zero pages, but for those that a memory error has hit
 * @page: the first
 * @nr: how many, all in one chunk
 *
 * Context: may sleep.
 */
void zcp_pages_clear_sound(struct page *page, unsigned int nr)
{
	for (; nr; nr--, page++) {
		if (!zcp_pages_poisoned(page, 1))
			zcp_pages_clear(page, 1);
		cond_resched();
	}
}

/**
 * zcp_page_clear() - zero some of a page
 * @page: which
 * @offset: first byte in it
 * @bytes: how many
 *
 * Context: any.
 */
void zcp_page_clear(struct page *page, unsigned int offset, unsigned int bytes)
{
	memzero_page(page, offset, bytes);
}

/**
 * zcp_pages_copy() - copy pages
 * @to: the first
 * @from: the first of what is copied
 * @nr: how many, all in one chunk
 *
 * Context: may sleep.
 */
void zcp_pages_copy(struct page *to, struct page *from, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		copy_highpage(to + i, from + i);
		if (i % 32 == 31)
			cond_resched();
	}
}
