// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "model.h"

static bool same(struct model *m, const char *what, unsigned int arg, int got, int want)
{
	if (got == want)
		return true;
	snprintf(m->fault, sizeof(m->fault), "%s(%u) is %d, not %d", what, arg, got, want);
	return false;
}

/* The bitmaps as struct zcp_buddy describes them. */
static void mark(unsigned long *map, unsigned int idx, unsigned int order)
{
	unsigned int bit = (ZCP_BUDDY_PAGES + idx) >> order;

	map[bit / BITS_PER_LONG] |= 1UL << bit % BITS_PER_LONG;
}

static bool same_map(struct model *m, const char *what, const unsigned long *got,
		     const unsigned long *want)
{
	unsigned int i;

	for (i = 0; i < BITS_TO_LONGS(2 * ZCP_BUDDY_PAGES); i++) {
		if (got[i] != want[i]) {
			snprintf(m->fault, sizeof(m->fault), "word %u of %s is %lx, not %lx", i,
				 what, got[i], want[i]);
			return false;
		}
	}
	return true;
}

/* Order of the largest aligned block of free pages that starts at idx, a free page. */
static unsigned int free_order(const struct model *m, unsigned int idx)
{
	unsigned int order, i;

	for (order = 0; order < ZCP_BUDDY_MAX_ORDER; order++) {
		if (idx % (2U << order))
			break;
		for (i = idx + (1U << order); i < idx + (2U << order); i++)
			if (m->page[i] != PAGE_FREE)
				return order;
	}
	return order;
}

static bool compare(struct model *m)
{
	DECLARE_BITMAP(free, 2 * ZCP_BUDDY_PAGES) = { 0 };
	DECLARE_BITMAP(used, 2 * ZCP_BUDDY_PAGES) = { 0 };
	unsigned int count[NR_ORDERS] = { 0 };
	unsigned int idx, order;
	int max_free = -1;

	memset(m->lowest, -1, sizeof(m->lowest));
	m->nr_free = 0;
	for (idx = 0; idx < ZCP_BUDDY_PAGES; idx += 1U << order) {
		if (m->page[idx] != PAGE_FREE) {
			order = m->page[idx];
			mark(used, idx, order);
			continue;
		}
		order = free_order(m, idx);
		mark(free, idx, order);
		m->nr_free += 1U << order;
		if (!count[order]++)
			m->lowest[order] = idx;
		if ((int)order > max_free)
			max_free = order;
	}

	for (order = 0; order < NR_ORDERS; order++)
		if (!same(m, "count", order, zcp_buddy_count(&m->b, order), count[order]))
			return false;
	return same_map(m, "free", m->b.free, free) && same_map(m, "used", m->b.used, used) &&
	       same(m, "nr_free", 0, zcp_buddy_nr_free(&m->b), m->nr_free) &&
	       same(m, "max_free", 0, zcp_buddy_max_free(&m->b), max_free);
}

static bool finish(struct model *m, const char *call, unsigned int a, unsigned int b, int got,
		   int want)
{
	if (same(m, "return", 0, got, want) && compare(m))
		return true;
	snprintf(m->call, sizeof(m->call), "%s(%u, %u)", call, a, b);
	return false;
}

static int model_order(const struct model *m, unsigned int idx)
{
	return idx < ZCP_BUDDY_PAGES && m->page[idx] >= 0 ? m->page[idx] : -EINVAL;
}

static void set_used(struct model *m, unsigned int idx, unsigned int order)
{
	memset(m->page + idx, PAGE_INSIDE, 1U << order);
	m->page[idx] = order;
}

static void set_free(struct model *m, unsigned int idx, unsigned int npages)
{
	memset(m->page + idx, PAGE_FREE, npages);
}

/* Cuts pages idx.. into allocated blocks of descending order that add up to npages. */
static void set_cut(struct model *m, unsigned int idx, unsigned int npages)
{
	int order;

	for (order = ZCP_BUDDY_MAX_ORDER; order >= 0; order--) {
		while (npages >= 1U << order) {
			set_used(m, idx, order);
			idx += 1U << order;
			npages -= 1U << order;
		}
	}
}

bool model_init(struct model *m)
{
	memset(m, 0, sizeof(*m));
	memset(&m->b, 0xa5, sizeof(m->b));
	set_free(m, 0, ZCP_BUDDY_PAGES);
	zcp_buddy_init(&m->b);
	return finish(m, "init", 0, 0, 0, 0);
}

bool model_alloc(struct model *m, unsigned int order)
{
	int want = order < NR_ORDERS ? -ENOMEM : -EINVAL;
	unsigned int fits;

	for (fits = order; fits < NR_ORDERS; fits++) {
		if (m->lowest[fits] >= 0) {
			want = m->lowest[fits];
			set_used(m, want, order);
			break;
		}
	}
	return finish(m, "alloc", order, 0, zcp_buddy_alloc(&m->b, order), want);
}

bool model_alloc_all(struct model *m, unsigned int npages)
{
	int want = 0;

	if (!npages || npages > ZCP_BUDDY_PAGES)
		want = -EINVAL;
	else if (m->nr_free != ZCP_BUDDY_PAGES)
		want = -ENOMEM;
	else
		set_cut(m, 0, npages);
	return finish(m, "alloc_all", npages, 0, zcp_buddy_alloc_all(&m->b, npages), want);
}

bool model_free(struct model *m, unsigned int idx, unsigned int order)
{
	int real = model_order(m, idx);
	int want = -EINVAL;

	if (real >= 0 && (unsigned int)real == order) {
		set_free(m, idx, 1U << order);
		want = 0;
	}
	return finish(m, "free", idx, order, zcp_buddy_free(&m->b, idx, order), want);
}

bool model_trim(struct model *m, unsigned int idx, unsigned int npages)
{
	int order = model_order(m, idx);
	int want = -EINVAL;

	if (order >= 0 && npages && npages <= 1U << order) {
		set_free(m, idx, 1U << order);
		set_cut(m, idx, npages);
		want = 0;
	}
	return finish(m, "trim", idx, npages, zcp_buddy_trim(&m->b, idx, npages), want);
}

bool model_shatter(struct model *m, unsigned int idx)
{
	int order = model_order(m, idx);
	int want = -EINVAL;

	if (order >= 0) {
		memset(m->page + idx, 0, 1U << order);
		want = 0;
	}
	return finish(m, "shatter", idx, 0, zcp_buddy_shatter(&m->b, idx), want);
}

bool model_compare_orders(struct model *m)
{
	unsigned int idx;

	/* Past the end as well. */
	for (idx = 0; idx < 2 * ZCP_BUDDY_PAGES; idx++)
		if (!same(m, "order", idx, zcp_buddy_order(&m->b, idx), model_order(m, idx)))
			return false;
	return true;
}
