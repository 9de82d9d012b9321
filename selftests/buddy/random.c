// SPDX-License-Identifier: GPL-2.0
/*
 * Random calls of the buddy, right ones and wrong ones of each kind, on the model.
 */
#include <limits.h>
#include <stdio.h>

#include "random.h"

const unsigned int bad_orders[NR_BAD_ORDERS] = {
	9, 15, 31, 32, 33, 64, 1U << 31, UINT_MAX
};

const unsigned int bad_idx[NR_BAD_IDX] = {
	512, 513, 1023, 1024, 1U << 31, UINT_MAX - 511, UINT_MAX
};

static u64 rnd_state;

/* splitmix64: every seed, 0 too, gives a full-length sequence. */
static u32 rnd(u32 below)
{
	u64 z = rnd_state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return (u32)(z >> 32) % below;
}

/* What the random calls came to, to see that they reach every case. */
enum {
	ALLOC_OK, ALLOC_ENOMEM, ALLOC_EINVAL, ALL_OK, ALL_ENOMEM, ALL_EINVAL, FREE_OK,
	FREE_FREE_PAGE, FREE_INSIDE, FREE_MISALIGNED, FREE_TOO_SMALL, FREE_TOO_LARGE,
	FREE_BAD_ORDER, FREE_RANGE, TRIM_OK, TRIM_EINVAL, SHATTER_OK, SHATTER_EINVAL, NR_HITS
};

static const char * const hit_names[NR_HITS] = {
	"alloc", "alloc ENOMEM", "alloc EINVAL", "alloc_all", "alloc_all ENOMEM",
	"alloc_all EINVAL", "free", "free of a free page", "free inside a block",
	"free misaligned", "free with too small an order", "free with too large an order",
	"free with an order above 8", "free out of range", "trim", "trim EINVAL", "shatter",
	"shatter EINVAL",
};

static unsigned long hits[NR_HITS];

/* First page of an allocated block, found from a random page on; -1 where there is none. */
static int random_block(const struct model *m)
{
	unsigned int from = rnd(ZCP_BUDDY_PAGES), i;

	if (m->nr_free == ZCP_BUDDY_PAGES)
		return -1;
	for (i = from; m->page[i] < 0; i = (i + 1) % ZCP_BUDDY_PAGES)
		;
	return i;
}

/* A page index that is good, unless once in 64 times. */
static unsigned int random_idx(void)
{
	if (!rnd(64))
		return bad_idx[rnd(NR_BAD_IDX)];
	return rnd(ZCP_BUDDY_PAGES);
}

static unsigned int random_order(unsigned int max)
{
	if (!rnd(64))
		return bad_orders[rnd(NR_BAD_ORDERS)];
	return rnd(max + 1);
}

static bool op_alloc(struct model *m, unsigned int max_order)
{
	unsigned int order = random_order(max_order), before = m->nr_free;
	bool ok = model_alloc(m, order);

	if (order > ZCP_BUDDY_MAX_ORDER)
		hits[ALLOC_EINVAL]++;
	else
		hits[m->nr_free < before ? ALLOC_OK : ALLOC_ENOMEM]++;
	return ok;
}

static bool op_alloc_all(struct model *m)
{
	unsigned int npages = rnd(ZCP_BUDDY_PAGES + 3), before = m->nr_free;
	bool ok = model_alloc_all(m, npages);

	if (!npages || npages > ZCP_BUDDY_PAGES)
		hits[ALL_EINVAL]++;
	else
		hits[m->nr_free < before ? ALL_OK : ALL_ENOMEM]++;
	return ok;
}

static bool op_free_right(struct model *m)
{
	int idx = random_block(m);

	if (idx < 0)
		return true;
	hits[FREE_OK]++;
	return model_free(m, idx, m->page[idx]);
}

/* Mostly wrong; by chance, at times, right. */
static bool op_free_any(struct model *m)
{
	unsigned int idx = random_idx(), order = random_order(ZCP_BUDDY_MAX_ORDER);
	int block = random_block(m);

	/* A real block and a wrong order, or anything at all. */
	if (block >= 0 && rnd(2))
		idx = block;
	else if (rnd(2) && order <= ZCP_BUDDY_MAX_ORDER)
		idx &= ~0U << order;

	if (idx >= ZCP_BUDDY_PAGES)
		hits[FREE_RANGE]++;
	else if (order > ZCP_BUDDY_MAX_ORDER)
		hits[FREE_BAD_ORDER]++;
	else if (idx % (1U << order))
		hits[FREE_MISALIGNED]++;
	else if (m->page[idx] == PAGE_FREE)
		hits[FREE_FREE_PAGE]++;
	else if (m->page[idx] == PAGE_INSIDE)
		hits[FREE_INSIDE]++;
	else if ((int)order < m->page[idx])
		hits[FREE_TOO_SMALL]++;
	else
		hits[(int)order > m->page[idx] ? FREE_TOO_LARGE : FREE_OK]++;
	return model_free(m, idx, order);
}

static bool op_trim(struct model *m)
{
	int block = random_block(m);
	unsigned int idx = block >= 0 && rnd(4) ? (unsigned int)block : random_idx();
	unsigned int size = 1;

	if (idx < ZCP_BUDDY_PAGES && m->page[idx] >= 0)
		size = 1U << m->page[idx];
	else
		hits[TRIM_EINVAL]++;
	/* 0 and one too many with it */
	size = rnd(size + 2);
	if (idx < ZCP_BUDDY_PAGES && m->page[idx] >= 0)
		hits[size && size <= 1U << m->page[idx] ? TRIM_OK : TRIM_EINVAL]++;
	return model_trim(m, idx, size);
}

static bool op_shatter(struct model *m)
{
	int block = random_block(m);
	unsigned int idx = block >= 0 && rnd(4) ? (unsigned int)block : random_idx();

	hits[idx < ZCP_BUDDY_PAGES && m->page[idx] >= 0 ? SHATTER_OK : SHATTER_EINVAL]++;
	return model_shatter(m, idx);
}

/* One call. Of those that are right, alloc_bias of 32 allocate. */
static bool random_call(struct model *m, unsigned int alloc_bias, unsigned int max_order)
{
	unsigned int kind = rnd(64);

	if (m->nr_free == ZCP_BUDDY_PAGES && !rnd(4))
		return op_alloc_all(m);
	if (kind < 10)
		return op_free_any(m);
	if (kind == 10)
		return op_alloc_all(m);
	if (kind < 14)
		return op_trim(m);
	if (kind == 14)
		return op_shatter(m);
	return rnd(32) < alloc_bias ? op_alloc(m, max_order) : op_free_right(m);
}

static bool all_hit(unsigned long nr_calls)
{
	bool ok = true;
	unsigned int i;

	for (i = 0; i < NR_HITS; i++) {
		printf("# %10lu %s\n", hits[i], hit_names[i]);
		/* The rarest comes about once in ten thousand calls. */
		if (!hits[i] && nr_calls >= 1000000) {
			printf("# which never came\n");
			ok = false;
		}
	}
	return ok;
}

/*
 * The calls come in stretches that fill the chunk, empty it or keep it as it is,
 * with blocks up to some order, so that it is seen full, empty and in shreds.
 */
bool random_calls(struct model *m, u64 seed, unsigned long nr_calls)
{
	unsigned int stretch = 0, alloc_bias = 0, max_order = 0;
	unsigned long i;

	rnd_state = seed;
	if (!model_init(m))
		return false;
	for (i = 0; i < nr_calls; i++) {
		if (!stretch--) {
			stretch = rnd(1000);
			alloc_bias = rnd(33);
			max_order = rnd(NR_ORDERS);
		}
		if (!random_call(m, alloc_bias, max_order) ||
		    (i % 256 == 0 && !model_compare_orders(m))) {
			printf("# in call %lu:\n", i);
			return false;
		}
	}
	return all_hit(nr_calls);
}
