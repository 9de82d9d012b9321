/* SPDX-License-Identifier: GPL-2.0 */
/* A small generator of its own, so that a seed gives the same numbers anywhere. */
#ifndef ZCPOOL_TEST_RANDOM_H
#define ZCPOOL_TEST_RANDOM_H

#include <linux/types.h>

/* 24 bits */
static inline __u32 rnd(__u32 *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

#endif /* ZCPOOL_TEST_RANDOM_H */
