// SPDX-License-Identifier: GPL-2.0
/*
 * Faults on the way of mmap, of the page faults that follow it, and of what else
 * is done with a mapping.
 *
 * When a page table cannot be had for a page fault of the program's own, the
 * fault ends in VM_FAULT_OOM. The kernel then kills somebody if memory really is
 * out, and has the instruction tried again: the program sees nothing. When it is
 * the kernel that touches the mapping on the program's behalf, it does not wait:
 * the system call ends with EFAULT, or with what it has done so far.
 */
#include "steps.h"
#include <setjmp.h>

#define GIB		(1UL << 30)

/* Where a program has nothing, so that page tables of all levels are missing */
#define FRESH		((char *)(1UL << 40))
#define ELSEWHERE	(FRESH + 64 * GIB)

/* Where the first half of a mapping hangs off another entry, 1 GiB or 512 GiB up */
#define ACROSS_PUD	(FRESH + GIB - 32 * KIB)
#define ACROSS_PGD	(FRESH + 512 * GIB - 32 * KIB)

/* mmap */

static long map(struct scene *s, int fd, int flags)
{
	const struct path *p = s->path;

	s->made = mmap(p->addr, p->size, RDWR, MAP_SHARED | flags |
		       (p->addr ? MAP_FIXED_NOREPLACE : 0), fd, 0);
	return s->made == MAP_FAILED ? -errno : 0;
}

static void undo_map(struct scene *s, long ret)
{
	if (ret >= 0)
		munmap(s->made, s->path->size);
}

static long call_map_pool(struct scene *s)
{
	return map(s, s->pool, 0);
}

static long call_populate_pool(struct scene *s)
{
	return map(s, s->pool, MAP_POPULATE);
}

static bool check_map_pool(struct scene *s, long ret)
{
	return all_zero(s->made, s->path->size) && writable(s->made);
}

static long call_map_buf(struct scene *s)
{
	return map(s, s->buf, 0);
}

static long call_populate_buf(struct scene *s)
{
	return map(s, s->buf, MAP_POPULATE);
}

static bool check_map_buf(struct scene *s, long ret)
{
	return is_intact(s->made, s->path->size) && writable(s->made) &&
	       has_mappings(s->buf, 1);
}

#define MAP_PATH(id, title, points, prep, fn, chk, bytes, at)		\
	WALK_PATH(id,							\
		  .name = title, .params = RESERVE, .must = points,	\
		  .prepare = prep, .call = call_##fn, .check = chk,	\
		  .undo = undo_map, .size = bytes, .addr = at)

MAP_PATH(pool_split, "mmap-pool-split", SLAB, NULL, map_pool, check_map_pool, 64 * KIB, NULL)
MAP_PATH(pool_whole, "mmap-pool-whole", SLAB, NULL, map_pool, check_map_pool, 2 * CHUNK, NULL)
MAP_PATH(pool_both, "mmap-pool-both", SLAB, NULL, map_pool, check_map_pool,
	 CHUNK + 100 * PAGE, FRESH)
MAP_PATH(pool_grow, "mmap-pool-grow", SLAB | PAGES, NULL, map_pool, check_map_pool,
	 3 * CHUNK, FRESH)
MAP_PATH(pool_populate, "mmap-pool-populate", SLAB | PAGES, NULL, populate_pool,
	 check_map_pool, CHUNK + 100 * PAGE, FRESH)
MAP_PATH(buf_split, "mmap-buffer-split", SLAB, make_buf, map_buf, check_map_buf, 64 * KIB, NULL)
MAP_PATH(buf_whole, "mmap-buffer-whole", SLAB, make_buf, map_buf, check_map_buf, CHUNK, FRESH)
MAP_PATH(buf_populate, "mmap-buffer-populate", SLAB | PAGES, make_buf, populate_buf,
	 check_map_buf, CHUNK + 8 * PAGE, FRESH)
MAP_PATH(split_populate, "mmap-split-populate", SLAB | PAGES, make_buf, populate_buf,
	 check_map_buf, 64 * KIB, ACROSS_PUD)

/* Page faults */

static sigjmp_buf on_signal;

static void jump(int sig)
{
	siglongjmp(on_signal, sig);
}

static int prepare_how(struct scene *s, int how)
{
	struct sigaction sa = { .sa_handler = jump };

	sigaction(SIGBUS, &sa, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	if (make_buf(s))
		return -1;
	s->p = mmap(s->path->addr, s->len, RDWR, how | MAP_FIXED_NOREPLACE, s->buf, 0);
	if (s->p != MAP_FAILED)
		return 0;
	s->p = NULL;
	return -1;
}

static int prepare_mapped(struct scene *s)
{
	return prepare_how(s, MAP_SHARED);
}

static int prepare_private(struct scene *s)
{
	return prepare_how(s, MAP_PRIVATE);
}

/* To read first and last page, and to write what is there already */
static long call_touch(struct scene *s)
{
	volatile char *first = s->p, *last = s->p + s->len - 1;

	if (sigsetjmp(on_signal, 1))
		return -EFAULT;
	*first = *first;
	*last = *last;
	return 0;
}

static bool check_mapped(struct scene *s, long ret)
{
	return is_intact(s->p, s->len) && has_mappings(s->buf, 1);
}

#define TOUCH_PATH_HOW(id, title, how, bytes, at)			\
	WALK_PATH(id,							\
		  .name = title, .params = RESERVE, .must = PAGES,	\
		  .prepare = prepare_##how, .call = call_touch,		\
		  .check = check_mapped, .never = true,			\
		  .size = bytes, .addr = at)
#define TOUCH_PATH(id, title, bytes, at)				\
	TOUCH_PATH_HOW(id, title, mapped, bytes, at)

TOUCH_PATH(touch_pmd, "fault-pmd", CHUNK, FRESH)
TOUCH_PATH(touch_pte, "fault-pte", CHUNK, FRESH + PAGE)
TOUCH_PATH(touch_both, "fault-pmd-and-pte", CHUNK + 100 * PAGE, FRESH)
TOUCH_PATH(touch_batch, "fault-batch", 64 * KIB, FRESH)
TOUCH_PATH(touch_batch_pud, "fault-batch-across-1G", 64 * KIB, ACROSS_PUD)
TOUCH_PATH(touch_batch_pgd, "fault-batch-across-512G", 64 * KIB, ACROSS_PGD)
TOUCH_PATH(touch_pte_pud, "fault-pte-across-1G", CHUNK, ACROSS_PUD)
TOUCH_PATH_HOW(touch_private, "fault-private", private, CHUNK + 100 * PAGE, FRESH)
TOUCH_PATH_HOW(touch_private_small, "fault-private-small", private, 64 * KIB, ACROSS_PUD)

/* The kernel touches the mapping: it copies into it what is in another buffer. */
static int prepare_copy(struct scene *s)
{
	int fd;

	if (prepare_mapped(s))
		return -1;
	fd = buf_alloc(s->pool, s->len, 0, 1);
	if (fd < 0)
		return -1;
	s->held[s->nr_held++] = fd;
	fill(s->data, 64 * KIB, 6);
	return pwrite(fd, s->data, 64 * KIB, 0) == (ssize_t)(64 * KIB) ? 0 : -1;
}

static long call_copy(struct scene *s)
{
	return result(pread(s->held[0], s->p, 64 * KIB, 0));
}

static bool check_copy(struct scene *s, long n)
{
	return n > 0 && !memcmp(s->p, s->data, n) && has_mappings(s->buf, 1);
}

#define COPY_PATH(id, title, bytes, at)					\
	WALK_PATH(id,							\
		  .name = title, .params = RESERVE, .must = PAGES | COPY,	\
		  .prepare = prepare_copy, .call = call_copy,		\
		  .check = check_copy, .also = EFAULT,			\
		  .result = 64 * KIB, .size = bytes, .addr = at)

COPY_PATH(copy_pmd, "kernel-fault-pmd", CHUNK, FRESH)
COPY_PATH(copy_batch, "kernel-fault-batch", 64 * KIB, ACROSS_PUD)

/* The kernel takes references to the pages, which a pipe then has. */
static int prepare_pin(struct scene *s)
{
	return prepare_mapped(s) ? -1 : hold_pipe(s);
}

static long call_pin(struct scene *s)
{
	struct iovec iov = { .iov_base = s->p, .iov_len = 4 * PAGE };

	return result(vmsplice(s->held[1], &iov, 1, SPLICE_F_NONBLOCK));
}

static bool check_pin(struct scene *s, long n)
{
	return n > 0 && read(s->held[0], s->data + CHUNK / 2, n) == n &&
	       !memcmp(s->data + CHUNK / 2, s->p, n) &&
	       is_intact(s->p, s->len) && has_mappings(s->buf, 1);
}

WALK_PATH(pin, .name = "pin", .params = RESERVE, .must = SLAB | PAGES,
	  .prepare = prepare_pin, .call = call_pin, .check = check_pin,
	  .also = EFAULT, .result = 4 * PAGE, .size = CHUNK + 8 * PAGE, .addr = FRESH)

/* What is done with a mapping that has its pages */

static int prepare_touched(struct scene *s)
{
	return prepare_mapped(s) || !is_intact(s->p, s->len) ? -1 : 0;
}

static long call_fork(struct scene *s)
{
	s->fd = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!s->fd)
		syscall(SYS_exit_group, 0);
	return s->fd < 0 ? -errno : 0;
}

static bool check_fork(struct scene *s, long ret)
{
	return !child_status(s->fd) && check_mapped(s, ret);
}

WALK_PATH(fork, .name = "fork", .params = RESERVE, .must = SLAB | PAGES,
	  .prepare = prepare_touched, .call = call_fork, .check = check_fork,
	  .size = CHUNK + 100 * PAGE, .addr = FRESH)

static long call_mremap(struct scene *s)
{
	void *p = mremap(s->p, s->len, s->len, MREMAP_MAYMOVE | MREMAP_FIXED,
			 ELSEWHERE);

	if (p == MAP_FAILED)
		return -errno;
	s->p = p;
	return 0;
}

static bool kept_mapped(struct scene *s)
{
	return check_mapped(s, 0);
}

WALK_PATH(mremap, .name = "mremap", .params = RESERVE, .must = SLAB | PAGES,
	  .prepare = prepare_touched, .call = call_mremap, .check = check_mapped,
	  .kept = kept_mapped,
	  .size = CHUNK + 100 * PAGE, .addr = FRESH)

/* A page in the middle goes or changes, which makes one VMA three. */
#define PART	(8 * PAGE)

static long call_munmap(struct scene *s)
{
	return result(munmap(s->p + PART, PAGE));
}

static bool check_munmap(struct scene *s, long ret)
{
	return !writable(s->p + PART) && has_mappings(s->buf, 2) &&
	       filled(s->p, PAGE, 5) && all_zero(s->p + PART + PAGE, PAGE);
}

static long call_mprotect(struct scene *s)
{
	return result(mprotect(s->p + PART, PAGE, PROT_READ));
}

static bool check_mprotect(struct scene *s, long ret)
{
	return !writable(s->p + PART) && is_intact(s->p, s->len) &&
	       has_mappings(s->buf, 3);
}

/* How many VMAs there are within a range */
static unsigned int count_vmas(const char *p, size_t len)
{
	unsigned long first = (unsigned long)p, start, end;
	static char maps[1 << 16];
	unsigned int n = 0;
	char *line, *save;

	if (slurp("/proc/self/maps", maps, sizeof(maps)) < 0)
		return 0;
	for (line = strtok_r(maps, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		n += sscanf(line, "%lx-%lx ", &start, &end) == 2 &&
		     start >= first && end <= first + len;
	return n;
}

/*
 * All is mapped and can be written to. The kernel may have cut one VMA in two
 * before it had no memory for the next cut; then it leaves it like that, and
 * BUF_INFO counts both.
 */
static bool kept_part(struct scene *s)
{
	unsigned int vmas = count_vmas(s->p, s->len);

	return writable(s->p + PART) && is_intact(s->p, s->len) && vmas >= 1 &&
	       vmas <= 2 && has_mappings(s->buf, vmas);
}

/* One VMA again */
static void undo_part(struct scene *s, long ret)
{
	mmap(s->p, s->len, RDWR, MAP_SHARED | MAP_FIXED, s->buf, 0);
}

#define PART_PATH(id, title, fn, bytes)					\
	WALK_PATH(id,							\
		  .name = title, .params = RESERVE, .must = SLAB,	\
		  .prepare = prepare_touched, .call = call_##fn,	\
		  .check = check_##fn, .kept = kept_part,		\
		  .undo = undo_part,					\
		  .size = bytes, .addr = FRESH)

PART_PATH(munmap_split, "munmap-part-split", munmap, 64 * KIB)
PART_PATH(munmap_whole, "munmap-part-whole", munmap, CHUNK)
PART_PATH(mprotect_split, "mprotect-part-split", mprotect, 64 * KIB)
PART_PATH(mprotect_whole, "mprotect-part-whole", mprotect, CHUNK)

TEST_HARNESS_MAIN
