/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A naive model of a split chunk beside the real buddy. Every function makes one
 * call of the buddy, and compares what it returned, and then the whole of the
 * buddy's state, with what the model says.
 */
#ifndef ZCP_BUDDY_MODEL_H
#define ZCP_BUDDY_MODEL_H

#include <stdbool.h>

#include "buddy.h"

#define NR_ORDERS	(ZCP_BUDDY_MAX_ORDER + 1)

/* What stands in model.page[] for a page that starts no allocated block */
#define PAGE_FREE	(-1)
#define PAGE_INSIDE	(-2)

/**
 * struct model - the buddy under test and what is known about it
 * @b: the buddy
 * @page: order of the allocated block that starts at this page, or PAGE_*
 * @lowest: first page of the lowest free block of each order, -1 for none
 * @nr_free: free pages
 * @call: the call that found a difference
 * @fault: what the difference was
 */
struct model {
	struct zcp_buddy b;
	signed char page[ZCP_BUDDY_PAGES];
	int lowest[NR_ORDERS];
	unsigned int nr_free;
	char call[48];
	char fault[80];
};

/* Each is false where the buddy and the model differ; model.call and .fault then say how. */
bool model_init(struct model *m);
bool model_alloc(struct model *m, unsigned int order);
bool model_alloc_all(struct model *m, unsigned int npages);
bool model_free(struct model *m, unsigned int idx, unsigned int order);
bool model_trim(struct model *m, unsigned int idx, unsigned int npages);
bool model_shatter(struct model *m, unsigned int idx);
bool model_compare_orders(struct model *m);

#endif /* ZCP_BUDDY_MODEL_H */
