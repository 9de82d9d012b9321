// SPDX-License-Identifier: GPL-2.0
/*
 * Lists of extents: which pieces of which chunks make up a range of pages.
 */
#include <linux/mm.h>
#include <linux/numa.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "mem.h"

/**
 * zcp_extents_init() - make an empty list
 * @list: which
 *
 * Context: any.
 */
void zcp_extents_init(struct zcp_extents *list)
{
	list->nr = 0;
	list->nr_whole = 0;
	list->max = ZCP_INLINE_EXTENTS;
	list->ext = list->inline_ext;
}

/**
 * zcp_extents_destroy() - free what a list needed for itself
 * @list: which; its extents are somebody else's already
 *
 * Context: may sleep.
 */
void zcp_extents_destroy(struct zcp_extents *list)
{
	if (list->ext != list->inline_ext)
		kvfree(list->ext);
}

/**
 * zcp_extents_reserve() - make room for more extents
 * @list: being made
 * @more: how many
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int zcp_extents_reserve(struct zcp_extents *list, unsigned int more)
{
	unsigned int want = list->nr + more;
	struct zcp_extent *ext;

	if (want <= list->max)
		return 0;
	want = max(want, 2 * list->max);
	ext = kvmalloc_array(want, sizeof(*ext), GFP_KERNEL);
	if (!ext)
		return -ENOMEM;
	memcpy(ext, list->ext, list->nr * sizeof(*ext));
	zcp_extents_destroy(list);
	list->ext = ext;
	list->max = want;
	return 0;
}

/**
 * zcp_extents_move() - have all of a list in another
 * @to: empty, and without room of its own
 * @from: empty afterwards, too
 *
 * Context: any.
 */
void zcp_extents_move(struct zcp_extents *to, struct zcp_extents *from)
{
	*to = *from;
	if (from->ext == from->inline_ext)
		to->ext = to->inline_ext;
	zcp_extents_init(from);
}

/**
 * zcp_extents_append() - add an extent of a split chunk
 * @list: being made, with room reserved
 * @ext: what to append; one that follows the last in memory is made part of it
 *
 * Context: any.
 */
void zcp_extents_append(struct zcp_extents *list, const struct zcp_extent *ext)
{
	struct zcp_extent *last;

	if (list->nr > list->nr_whole) {
		last = &list->ext[list->nr - 1];
		if (last->chunk == ext->chunk &&
		    last->start + last->nr == ext->start) {
			last->nr += ext->nr;
			return;
		}
	}
	list->ext[list->nr++] = *ext;
}

/**
 * zcp_extents_run() - neighbouring pages of a range
 * @list: which
 * @index: first page in it
 * @nr: set to how many pages follow each other from there, with that one
 *
 * Context: any.
 * Return: the first page, without a reference of its own; NULL beyond the end.
 */
struct page *zcp_extents_run(const struct zcp_extents *list, pgoff_t index,
			     unsigned int *nr)
{
	pgoff_t nth = index / ZCP_CHUNK_PAGES;
	const struct zcp_extent *ext;

	if (nth < list->nr_whole) {
		index %= ZCP_CHUNK_PAGES;
		*nr = ZCP_CHUNK_PAGES - index;
		return list->ext[nth].chunk->page + index;
	}

	index -= (pgoff_t)list->nr_whole * ZCP_CHUNK_PAGES;
	for (ext = list->ext + list->nr_whole; ext < list->ext + list->nr; ext++) {
		if (index < ext->nr) {
			*nr = ext->nr - index;
			return zcp_extent_page(ext) + index;
		}
		index -= ext->nr;
	}
	return NULL;
}

/**
 * zcp_extents_page() - a page of a range, for use
 * @list: which
 * @index: page in it
 *
 * It holds what its owner has written to it, or zeroes.
 *
 * Context: may sleep.
 * Return: the page, without a reference of its own; NULL beyond the end.
 */
struct page *zcp_extents_page(const struct zcp_extents *list, pgoff_t index)
{
	pgoff_t nth = index / ZCP_CHUNK_PAGES;
	unsigned int nr;

	if (nth < list->nr_whole)
		zcp_chunk_zero(list->ext[nth].chunk);
	return zcp_extents_run(list, index, &nr);
}

/* Whether what there is at this page has yet to be zeroed, so that it is none of its owner's */
static bool zcp_extents_to_zero(const struct zcp_extents *list, pgoff_t index)
{
	pgoff_t nth = index / ZCP_CHUNK_PAGES;

	return nth < list->nr_whole && list->ext[nth].chunk->to_zero;
}

/**
 * zcp_extents_copy() - copy what is in one range to another
 * @to: clean
 * @from: as long, not mapped
 *
 * Context: may sleep; nobody else reads or writes either.
 * Return: 0; -EIO if a memory error has hit what is to be copied; -EINTR killed.
 */
int zcp_extents_copy(const struct zcp_extents *to, const struct zcp_extents *from)
{
	struct page *source, *target;
	unsigned int nr, room;
	pgoff_t index = 0;

	while ((source = zcp_extents_run(from, index, &nr))) {
		target = zcp_extents_run(to, index, &room);
		if (WARN_ON_ONCE(!target))
			return -EIO;
		nr = min(nr, room);
		if (zcp_pages_poisoned(source, nr))
			return -EIO;
		if (!zcp_extents_to_zero(from, index))
			zcp_pages_copy(target, source, nr);
		if (fatal_signal_pending(current))
			return -EINTR;
		index += nr;
	}
	return 0;
}

/**
 * zcp_extents_node() - NUMA node of a range
 * @list: which; not empty
 *
 * Context: any.
 * Return: the node, or NUMA_NO_NODE (-1) if it lies on several.
 */
int zcp_extents_node(const struct zcp_extents *list)
{
	const struct zcp_node *node = list->ext[0].chunk->node;
	unsigned int i;

	for (i = 1; i < list->nr; i++) {
		if (list->ext[i].chunk->node != node)
			return NUMA_NO_NODE;
	}
	return node->nid;
}
