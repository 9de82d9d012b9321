/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ZCP_BUDDY_RANDOM_H
#define ZCP_BUDDY_RANDOM_H

#include "model.h"

#define NR_BAD_ORDERS	8
#define NR_BAD_IDX	7

/* Orders and page indices that do not exist */
extern const unsigned int bad_orders[NR_BAD_ORDERS];
extern const unsigned int bad_idx[NR_BAD_IDX];

/*
 * Makes nr_calls calls, the same for the same seed, and prints how often each case
 * came. False where the buddy and the model differ, or where a case never came.
 */
bool random_calls(struct model *m, u64 seed, unsigned long nr_calls);

#endif /* ZCP_BUDDY_RANDOM_H */
