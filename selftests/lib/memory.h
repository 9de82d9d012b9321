/* SPDX-License-Identifier: GPL-2.0 */
/* Touching mappings, patterns in them, and what the kernel says of their pages. */
#ifndef ZCPOOL_TEST_MEMORY_H
#define ZCPOOL_TEST_MEMORY_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

/* A page that may be accessed and one behind it that may not, or MAP_FAILED */
char *edge_page(void);

/* Page-sized steps of one byte each: what costs the faults. */
void touch_read(void *p, size_t len);
void touch_write(void *p, size_t len);

/* Every 8 bytes hold a number of their own, so that misplaced data shows. */
void fill(void *p, size_t len, __u64 seed);
bool filled(const void *p, size_t len, __u64 seed);

/* Whether fill() with that seed, begun skip bytes earlier, is what p holds. */
bool filled_from(const void *p, size_t len, __u64 seed, size_t skip);
bool all_zero(const void *p, size_t len);

/* All advice to madvise() that there is, and some that there is not */
extern const int all_advice[27];

/* Whether the kernel can write there, without a signal if it cannot. */
bool writable(void *p);

/* Sum of a field of smaps, in kB, over the VMAs within the range; -1 if none. */
long smaps_kb(const void *p, size_t len, const char *field);

/* The physical page behind an address (root only); 0 if none is mapped. */
__u64 pfn_of(const void *p);

/* Those behind so many pages from p on, by one read, which many calls of pfn_of() are not */
bool pfns_of(const void *p, __u64 *pfn, size_t pages);

#endif /* ZCPOOL_TEST_MEMORY_H */
