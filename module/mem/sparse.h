/* SPDX-License-Identifier: GPL-2.0 */
/* Memory of a range of pages that has holes. */
#ifndef ZCPOOL_SPARSE_H
#define ZCPOOL_SPARSE_H

#include <linux/types.h>
#include <linux/xarray.h>

/* Pages of a range are numbered up to this one: to add a chunk to that never wraps. */
#define ZCP_LAST_PAGE	((pgoff_t)min_t(u64, LONG_MAX, (u64)LLONG_MAX >> PAGE_SHIFT) - \
			 ZCP_CHUNK_PAGES)
#define ZCP_MAX_BYTES	((loff_t)ZCP_LAST_PAGE << PAGE_SHIFT)

/**
 * struct zcp_sparse - memory of a range that comes piece by piece and goes so
 * @pages: by their place in the range, pages of split chunks, and whole chunks where the place
 *	of the first page is a multiple of their size. Its lock is taken by who adds or
 *	removes something
 * @nr_pages: how many pages it has; under that lock
 * @nr_whole: how many whole chunks; under that lock
 *
 * Whoever looks must know that nothing is removed meanwhile. What is added may be found or not.
 */
struct zcp_sparse {
	struct xarray pages;
	unsigned long nr_pages;
	unsigned long nr_whole;
};

struct zcp_sparse *zcp_sparse_create(void);
void zcp_sparse_destroy(struct zcp_sparse *sparse);
bool zcp_sparse_find(struct zcp_sparse *sparse, pgoff_t index, struct zcp_extent *ext);
pgoff_t zcp_sparse_next(struct zcp_sparse *sparse, pgoff_t index, pgoff_t last);
pgoff_t zcp_sparse_next_hole(struct zcp_sparse *sparse, pgoff_t index, pgoff_t last);
void zcp_sparse_mark_new(struct zcp_sparse *sparse, pgoff_t index);
bool zcp_sparse_next_new(struct zcp_sparse *sparse, pgoff_t *index, pgoff_t *last);
int zcp_sparse_insert(struct zcp_sparse *sparse, pgoff_t index, const struct zcp_extent *ext);
unsigned int zcp_sparse_look(struct zcp_sparse *sparse, pgoff_t *index, pgoff_t last,
			     struct zcp_extent *ext, unsigned int max);
unsigned int zcp_sparse_take(struct zcp_sparse *sparse, pgoff_t *index, pgoff_t last,
			     struct zcp_extent *ext, unsigned int max);

/**
 * zcp_sparse_page() - a page of the range
 * @sparse: which
 * @index: page in the range
 *
 * Context: any; nothing is removed meanwhile.
 * Return: the page, without a reference of its own; NULL for a hole.
 */
static inline struct page *zcp_sparse_page(struct zcp_sparse *sparse, pgoff_t index)
{
	struct zcp_extent ext;

	return zcp_sparse_find(sparse, index, &ext) ? zcp_extent_page(&ext) : NULL;
}

#endif /* ZCPOOL_SPARSE_H */
