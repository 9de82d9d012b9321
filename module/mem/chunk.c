// SPDX-License-Identifier: GPL-2.0
/*
 * Chunks: where the pool's memory comes from, and where it goes back to.
 *
 * A chunk is born whole or split and stays so. A whole one is a large folio, which one
 * PMD can map, where the kernel has such; a split one is 512 pages with a count each, so
 * that each can be held back alone. The kernel exports no way from one to the other.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "../compat.h"
#include "../show/trace.h"
#include "mem.h"

/*
 * A whole one as the large folio that the core expects of a file's. A core
 * that was built without huge pages cannot deal with one that is mapped page by page, and
 * cannot split it: MADV_COLD would look at it for ever. There a whole chunk is single pages,
 * too.
 */
static struct page *zcp_chunk_pages(int nid, enum zcp_kind kind, gfp_t gfp)
{
	struct folio *folio;
	struct page *page;

	gfp |= GFP_HIGHUSER | __GFP_THISNODE | __GFP_NOWARN;
	if (kind == ZCP_WHOLE && IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE)) {
		folio = __folio_alloc_node(gfp, ZCP_CHUNK_ORDER, nid);
		return folio ? folio_page(folio, 0) : NULL;
	}

	page = alloc_pages_node(nid, gfp, ZCP_CHUNK_ORDER);
	if (page)
		split_page(page, ZCP_CHUNK_ORDER);
	return page;
}

static atomic_long_t *zcp_chunk_held(const struct zcp_chunk *chunk)
{
	return zcp_page_high(chunk->page) ? &chunk->node->held_high :
					    &chunk->node->held_low;
}

/**
 * zcp_chunk_free() - free a chunk that has no pages
 * @chunk: which
 *
 * Context: may sleep.
 */
void zcp_chunk_free(struct zcp_chunk *chunk)
{
	kfree(chunk->split);
	kfree(chunk);
}

/**
 * zcp_chunk_new() - make a chunk that has no pages yet
 * @node: node it will belong to
 * @kind: what it will be
 *
 * Context: may sleep; without the node's lock.
 * Return: the chunk, or NULL if there is no memory.
 */
struct zcp_chunk *zcp_chunk_new(struct zcp_node *node, enum zcp_kind kind)
{
	struct zcp_chunk *chunk;

	BUILD_BUG_ON(ZCP_CHUNK_PAGES != ZCP_BUDDY_PAGES);

	chunk = kzalloc_node(sizeof(*chunk), GFP_KERNEL, node->nid);
	if (!chunk)
		return NULL;
	INIT_LIST_HEAD(&chunk->link);
	chunk->node = node;
	if (kind == ZCP_WHOLE)
		return chunk;

	chunk->split = kzalloc_node(sizeof(*chunk->split), GFP_KERNEL, node->nid);
	if (!chunk->split) {
		zcp_chunk_free(chunk);
		return NULL;
	}
	chunk->split->chunk = chunk;
	zcp_buddy_init(&chunk->split->buddy);
	INIT_LIST_HEAD(&chunk->split->dirty_link);
	INIT_LIST_HEAD(&chunk->split->quarantine_link);
	return chunk;
}

/*
 * Pages are marked dirty as hugetlbfs does it, for as long as they are the pool's: the core
 * takes none so marked out of a file, whose page cache it thinks it is in. What the last user
 * has left in the private field goes.
 */
static void zcp_chunk_set_up_pages(struct zcp_chunk *chunk)
{
	struct folio *folio;
	unsigned int i;

	for (i = 0; i < ZCP_CHUNK_PAGES; i += folio_nr_pages(folio)) {
		folio = page_folio(chunk->page + i);
		folio_set_dirty(folio);
		set_page_private(chunk->page + i, 0);
	}
	if (zcp_chunk_kind(chunk) == ZCP_WHOLE)
		set_page_private(chunk->page, (unsigned long)chunk);
}

static bool zcp_chunk_get_pages(struct zcp_chunk *chunk, gfp_t gfp)
{
	chunk->page = zcp_chunk_pages(chunk->node->nid, zcp_chunk_kind(chunk), gfp);
	if (!chunk->page)
		return false;
	chunk->place = page_to_pfn(chunk->page) >> ZCP_CHUNK_ORDER;
	zcp_chunk_set_up_pages(chunk);
	atomic_long_inc(zcp_chunk_held(chunk));
	return true;
}

/**
 * zcp_chunk_create() - get a chunk from the kernel
 * @node: node it will belong to; not told of it yet
 * @kind: what to make of it
 * @gfp: how hard to try, beside what every chunk needs; with __GFP_ZERO if it is to be clean
 *
 * Context: may sleep; without the node's lock.
 * Return: a chunk of free pages; NULL if there is no memory.
 */
struct zcp_chunk *zcp_chunk_create(struct zcp_node *node, enum zcp_kind kind,
				   gfp_t gfp)
{
	struct zcp_chunk *chunk = zcp_chunk_new(node, kind);

	if (!chunk)
		return NULL;
	if (!zcp_chunk_get_pages(chunk, gfp)) {
		zcp_chunk_free(chunk);
		return NULL;
	}
	return chunk;
}

/**
 * zcp_chunk_at() - the chunk at a place
 * @place: of a whole chunk that the pool has
 *
 * Context: any.
 * Return: the chunk.
 */
struct zcp_chunk *zcp_chunk_at(unsigned long place)
{
	struct page *page = pfn_to_page(place << ZCP_CHUNK_ORDER);

	return (struct zcp_chunk *)page_private(page);
}

/**
 * zcp_chunk_exchange() - get pages in exchange for another chunk
 * @new: has no pages yet
 * @old: on no list and in nobody's count; destroyed unless it is kept
 * @stake: whether it is, where there are none
 *
 * The new ones are got first, so that nothing is lost if there are none. Only then is the
 * old chunk put at stake, if at all: freeing it makes room unless somebody is faster. The
 * page may be freed to a list of this CPU, and should be looked for there.
 *
 * Context: may sleep; without the node's lock.
 * Return: whether @new has pages.
 */
bool zcp_chunk_exchange(struct zcp_chunk *new, struct zcp_chunk *old,
			enum zcp_stake stake)
{
	bool got;

	if (zcp_chunk_get_pages(new, ZCP_GFP_GROW)) {
		zcp_chunk_destroy(old);
		return true;
	}
	if (stake == ZCP_KEEP_CHUNK)
		return false;
	migrate_disable();
	zcp_chunk_destroy(old);
	got = zcp_chunk_get_pages(new, ZCP_GFP_RESERVE);
	migrate_enable();
	return got;
}

/**
 * zcp_chunk_destroy() - give a chunk back to the kernel
 * @chunk: on no list and in nobody's count
 *
 * Pages that somebody else still holds are only let go of: the kernel frees
 * them with the last reference. It also keeps a poisoned page out of use, but
 * only if the page is freed alone, so a poisoned whole chunk is not freed.
 *
 * Context: may sleep; without the node's lock.
 */
void zcp_chunk_destroy(struct zcp_chunk *chunk)
{
	unsigned int i;

	atomic_long_dec(zcp_chunk_held(chunk));
	zcp_pages_let_go(chunk, 0, ZCP_CHUNK_PAGES);
	set_page_private(chunk->page, 0);
	if (!PageCompound(chunk->page)) {
		for (i = 0; i < ZCP_CHUNK_PAGES; i++)
			put_page(chunk->page + i);
	} else if (zcp_pages_poisoned(chunk->page, ZCP_CHUNK_PAGES)) {
		pr_warn("chunk at pfn %#lx has had a memory error and is not given back\n",
			page_to_pfn(chunk->page));
	} else {
		put_page(chunk->page);
	}
	zcp_chunk_free(chunk);
}

/**
 * zcp_chunk_zero_now() - the rest of zcp_chunk_zero()
 * @chunk: of a buffer
 *
 * Who comes second waits for who came first. A page that has had a memory error is not
 * written to, and must not be mapped.
 *
 * Context: may sleep.
 */
void zcp_chunk_zero_now(struct zcp_chunk *chunk)
{
	struct page *page = chunk->page;
	unsigned int i;

	lock_page(page);
	if (chunk->to_zero) {
		chunk->not_zeroed = false;
		for (i = 0; i < ZCP_CHUNK_PAGES; i++) {
			if (zcp_pages_poisoned(page + i, 1))
				chunk->not_zeroed = true;
			else
				zcp_pages_clear(page + i, 1);
			cond_resched();
		}
		trace_zcpool_scrub(chunk->node, page, ZCP_CHUNK_PAGES);
		/* Pairs with the acquire in zcp_chunk_zero(). */
		smp_store_release(&chunk->to_zero, false);
	}
	unlock_page(page);
}

/**
 * zcp_chunk_poisoned() - whether a memory error has hit a whole chunk
 * @chunk: a large folio
 *
 * A machine check marks only the page that it hits. The core maps a chunk by a PMD,
 * with the bad page in it, unless the folio is marked, too; here it is.
 *
 * Context: any; where the chunk is about to be mapped by a PMD, and has been zeroed.
 * Return: whether one has that was met in zeroing, or that the kernel has counted.
 */
bool zcp_chunk_poisoned(struct zcp_chunk *chunk)
{
	struct folio *folio;

	if (!chunk->not_zeroed && !zcp_node_may_have_errors(chunk->node->nid))
		return false;
	folio = page_folio(chunk->page);
	if (folio_test_has_hwpoisoned(folio))
		return true;
	if (!zcp_pages_poisoned(chunk->page, ZCP_CHUNK_PAGES))
		return false;
	folio_set_has_hwpoisoned(folio);
	return true;
}

#ifdef ZCP_HAVE_INSERT_FOLIO
/**
 * zcp_chunk_map() - map a whole chunk by one PMD, in a page fault
 * @chunk: whole
 * @vmf: the fault, at an address where the chunk fits
 *
 * The entry holds a reference of its own. One that is there already and is to become
 * writable is left to the core, which drops it and asks for the page: it must never be
 * told to make one writable here, since it warns if another thread has put a page table in
 * its place meanwhile.
 *
 * Context: page fault; may sleep.
 * Return: VM_FAULT_NOPAGE, also if somebody was faster; VM_FAULT_FALLBACK if there is an
 * entry, or a page has had a memory error; or an error of the core's.
 */
vm_fault_t zcp_chunk_map(struct zcp_chunk *chunk, struct vm_fault *vmf)
{
	vm_fault_t ret = VM_FAULT_FALLBACK;

	if (!pmd_none(vmf->orig_pmd))
		return VM_FAULT_FALLBACK;
	zcp_chunk_zero(chunk);
	lock_page(chunk->page);
	if (!zcp_chunk_poisoned(chunk))
		ret = vmf_insert_folio_pmd(vmf, page_folio(chunk->page), false);
	unlock_page(chunk->page);
	return ret;
}
#endif
