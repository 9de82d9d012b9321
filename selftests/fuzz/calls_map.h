/* SPDX-License-Identifier: GPL-2.0 */
/* What is done with mappings, and to the memory in them by the program itself */
#ifndef ZCPOOL_FUZZ_CALLS_MAP_H
#define ZCPOOL_FUZZ_CALLS_MAP_H

#include <linux/futex.h>
#include <linux/mempolicy.h>
#include <time.h>

#include "state.h"

/* Known to the kernel before the C library */
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE	101
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED	24
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE		25
#endif

/* With MAP_FIXED in the midst of another mapping if it fits there */
static inline long fuzz_mmap(struct fuzz *z, const __u64 *a)
{
	const int fixed = MAP_FIXED | MAP_FIXED_NOREPLACE;
	struct fuzz_map over = fuzz_range(z, a[6], a[7] & -PAGE, FUZZ_ARENA_MOST);
	char *at = over.p;

	if (a[2] > FUZZ_ARENA_MOST && a[5] & fixed)
		return -1;
	if (a[2] > FUZZ_ARENA_MOST)
		at = NULL;
	else if (!(a[5] & fixed) || !a[2] || a[2] > over.len)
		at = fuzz_place(z, a[2], a[7]);
	return fuzz_put_map(z, a[0], mmap(at, a[2], a[4], a[5], fuzz_fd(z, a[1]), a[3]), a[2]);
}

static inline long fuzz_munmap(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_range(z, a[0], a[1], a[2]);

	return r.p ? munmap(r.p, r.len) : -1;
}

/* What may move goes to a place that is known. */
static inline long fuzz_mremap(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_range(z, a[1], a[2] & -PAGE, a[3]);
	int flags = a[5] | (a[5] & MREMAP_MAYMOVE ? MREMAP_FIXED : 0);

	if (!r.p || a[4] > FUZZ_ARENA_MOST)
		return -1;
	return fuzz_put_map(z, a[0], mremap(r.p, r.len, a[4], flags, fuzz_place(z, a[4], a[6])),
			    a[4]);
}

static inline long fuzz_remap_file_pages(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_range(z, a[0], a[1], a[2]);

	return r.p ? syscall(SYS_remap_file_pages, r.p, r.len, 0, a[3] / PAGE, a[4]) : -1;
}

static inline long fuzz_madvise(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_range(z, a[0], a[1], a[2]);

	/* These two take physical memory from the machine. */
	if (!r.p || a[3] == MADV_HWPOISON || a[3] == MADV_SOFT_OFFLINE)
		return -1;
	return madvise(r.p, r.len, a[3]);
}

static inline long fuzz_mprotect(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_range(z, a[0], a[1], a[2]);

	return r.p ? mprotect(r.p, r.len, a[3]) : -1;
}

static inline long fuzz_mlock(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_range(z, a[0], a[1], a[2]);

	return r.p ? syscall(SYS_mlock2, r.p, r.len, a[3]) : -1;
}

static inline long fuzz_munlock(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_range(z, a[0], a[1], a[2]);

	return r.p ? munlock(r.p, r.len) : -1;
}

static inline long fuzz_msync(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_range(z, a[0], a[1], a[2]);

	return r.p ? msync(r.p, r.len, a[3]) : -1;
}

static inline long fuzz_mincore(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_touch_range(z, a[0], a[1], a[2]);
	unsigned char vec[FUZZ_TOUCH + 1];

	return r.p ? mincore(r.p, r.len, vec) : -1;
}

static inline long fuzz_mbind(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_range(z, a[0], a[1], a[2]);
	unsigned long nodes = a[4];

	return r.p ? syscall(SYS_mbind, r.p, r.len, a[3], &nodes, 8, a[5]) : -1;
}

static inline long fuzz_move_pages(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_range(z, a[0], a[1], PAGE);
	void *pages[2] = { r.p, r.p + PAGE };
	int nodes[2] = { a[2], a[2] }, status[2];

	return r.p ? syscall(SYS_move_pages, 0, 2, pages, nodes, status, a[3]) : -1;
}

/* One byte of each page. */
static inline long fuzz_load(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_touch_range(z, a[0], a[1], a[2]);
	struct fuzz_jump here;
	unsigned char c;
	size_t i;

	fuzz_jump = &here;
	if (!sigsetjmp(here.env, 0)) {
		for (i = 0; i < r.len; i += PAGE) {
			c = *(volatile char *)(r.p + i);
			fuzz_check_bytes(z, (char *)&c, 1);
		}
	}
	fuzz_jump = NULL;
	return 0;
}

static inline long fuzz_store(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_touch_range(z, a[0], a[1], a[2]);
	struct fuzz_jump here;
	size_t i;

	fuzz_jump = &here;
	if (!sigsetjmp(here.env, 0)) {
		for (i = 0; i < r.len; i += PAGE)
			*(volatile char *)(r.p + i) = z->tag;
	}
	fuzz_jump = NULL;
	return 0;
}

/* Never woken, never asleep: the value is not what is expected. */
static inline long fuzz_futex(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_range(z, a[0], a[1] & -4UL, 4);
	struct timespec now = { 0, 1 };

	return r.p ? syscall(SYS_futex, r.p, a[2] ? FUTEX_WAIT : FUTEX_WAKE, 0xa5c3a5c3, &now) : -1;
}

#endif /* ZCPOOL_FUZZ_CALLS_MAP_H */
