/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The calls of which the fuzzer's programs are made, as C functions. A test that
 * "scripts/fuzz to-c" wrote includes this file and makes the same calls.
 *
 * Each takes its arguments as an array of numbers, in the order of table.c.
 * Descriptors and mappings are named by slots, f0 to f7 and m0 to m3. None of the
 * calls blocks, and none touches memory but its own, so that what goes wrong is
 * the kernel's fault. Threads use the slots without locks: that their calls meet
 * is what is wanted.
 *
 * All that a program ever writes into a buffer is one byte, the tag, over and
 * over, and each process has another tag. Whatever it reads must be this byte or
 * zero: anything else is somebody else's data.
 */
#ifndef ZCPOOL_FUZZ_CALLS_H
#define ZCPOOL_FUZZ_CALLS_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/mempolicy.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/fd.h"
#include "../lib/pool.h"

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

#define FUZZ_FDS	8
#define FUZZ_MAPS	4
#define FUZZ_CHILDREN	4
#define FUZZ_SCRATCH	(64 * KIB)
/* Most pages that one load or store touches */
#define FUZZ_TOUCH	1024

/*
 * Where mappings go, one behind the other, so that all of a program's can be undone
 * at once, what it has lost the addresses of included.
 */
#define FUZZ_ARENA	0x100000000000UL
#define FUZZ_ARENA_SIZE	(1UL << 36)
#define FUZZ_ARENA_MOST	(1UL << 30)

enum { f0, f1, f2, f3, f4, f5, f6, f7 };
enum { m0, m1, m2, m3 };

/* How a child of fork ends */
enum fuzz_end { END_WAIT, END_KILL, END_STAY };

/* What of the kernel's own accounts is read */
enum fuzz_look {
	LOOK_NODES, LOOK_BUDDY, LOOK_BUFFERS, LOOK_SMAPS, LOOK_NUMA_MAPS, LOOK_FDINFO, LOOK_PAGEMAP
};

/* Shared with forked children */
struct fuzz_report {
	char wrong[120];	/* what was wrong first */
	bool foreign;		/* the program wrote other things than the tag */
};

struct fuzz_map {
	char *p;
	size_t len;
};

struct fuzz {
	int fd[FUZZ_FDS];
	struct fuzz_map map[FUZZ_MAPS];
	unsigned long arena_used;
	pid_t child[FUZZ_CHILDREN];
	unsigned int nr_children;
	int first_fd;		/* lower ones are not the programs' */
	bool forked;
	bool threaded;
	unsigned char tag;
	struct fuzz_report *report;
};

struct fuzz_jump {
	sigjmp_buf env;
};

/*
 * Each thread's own: its buffer, below 4 GiB for 32-bit calls, and where a bad access
 * goes. Weak, as all sources that include this share them.
 */
__attribute__((weak)) __thread char *fuzz_scratch;
__attribute__((weak)) __thread struct fuzz_jump *fuzz_jump;

static inline void fuzz_wrong(struct fuzz *z, const char *what, __u64 value)
{
	if (!z->report->wrong[0])
		snprintf(z->report->wrong, sizeof(z->report->wrong), "%s: %#llx", what,
			 (unsigned long long)value);
}

static inline void fuzz_bad_access(int sig)
{
	if (!fuzz_jump)
		_exit(128 + sig);
	siglongjmp(fuzz_jump->env, 1);
}

/* In each thread, before its first call. */
static inline void fuzz_thread_init(const struct fuzz *z)
{
	fuzz_scratch = mmap(NULL, FUZZ_SCRATCH, RDWR, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1,
			    0);
	if (fuzz_scratch == MAP_FAILED)
		_exit(2);
	memset(fuzz_scratch, z->tag, FUZZ_SCRATCH);
}

/* From which number on descriptors are the programs'; below it none is left free. */
static inline void fuzz_first_fd(struct fuzz *z)
{
	int fd = 255;

	while (fd >= 0 && fcntl(fd, F_GETFD) < 0)
		fd--;
	z->first_fd = fd + 1;
	do
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd < z->first_fd);
	close(fd);
}

static inline void fuzz_init(struct fuzz *z, unsigned char tag, struct fuzz_report *report)
{
	struct sigaction bad = { .sa_handler = fuzz_bad_access, .sa_flags = SA_NODEFER };
	int i;

	memset(z, 0, sizeof(*z));
	for (i = 0; i < FUZZ_FDS; i++)
		z->fd[i] = -1;
	z->tag = tag;
	z->report = report;
	fuzz_first_fd(z);
	sigaction(SIGSEGV, &bad, NULL);
	sigaction(SIGBUS, &bad, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN);
	fuzz_thread_init(z);
}

/* Lets go of all that a program made. */
static inline void fuzz_end(struct fuzz *z)
{
	struct rlimit r = { 256, 256 };
	unsigned int i;

	for (i = 0; i < z->nr_children && i < FUZZ_CHILDREN; i++) {
		kill(z->child[i], SIGKILL);
		waitpid(z->child[i], NULL, 0);
	}
	z->nr_children = 0;
	for (i = 0; i < FUZZ_MAPS; i++) {
		if (z->map[i].p)
			munmap(z->map[i].p, z->map[i].len);
		z->map[i] = (struct fuzz_map){};
	}
	munmap((void *)FUZZ_ARENA, FUZZ_ARENA_SIZE);
	z->arena_used = 0;
	syscall(SYS_close_range, z->first_fd, UINT_MAX, 0);
	for (i = 0; i < FUZZ_FDS; i++)
		z->fd[i] = -1;
	setrlimit(RLIMIT_NOFILE, &r);
}

/* A place in the arena that nothing has been in yet; off is kept below a chunk. */
static inline char *fuzz_place(struct fuzz *z, size_t len, __u64 off)
{
	unsigned long at = __atomic_fetch_add(&z->arena_used, (len / CHUNK + 2) * CHUNK,
					      __ATOMIC_RELAXED);

	return (char *)FUZZ_ARENA + at + off % CHUNK / PAGE * PAGE;
}

/*
 * Sockets that are in flight through each other are gone only when another one is
 * closed; until then they keep what is in flight through them.
 */
static inline void fuzz_collect_sockets(void)
{
	close(socket(AF_UNIX, SOCK_STREAM, 0));
}

static inline long fuzz_put_fd(struct fuzz *z, __u64 slot, long fd)
{
	int old;

	if (fd < 0)
		return -1;
	old = __atomic_exchange_n(&z->fd[slot % FUZZ_FDS], fd, __ATOMIC_RELAXED);
	if (old >= 0)
		close(old);
	return fd;
}

static inline long fuzz_put_map(struct fuzz *z, __u64 slot, void *p, size_t len)
{
	struct fuzz_map *map = &z->map[slot % FUZZ_MAPS], old = *map;

	if (p == MAP_FAILED)
		return -1;
	*map = (struct fuzz_map){ p, (len + PAGE - 1) & -PAGE };
	if (old.p && (old.p + old.len <= map->p || old.p >= map->p + map->len))
		munmap(old.p, old.len);
	return 0;
}

static inline int fuzz_fd(struct fuzz *z, __u64 slot)
{
	return z->fd[slot % FUZZ_FDS];
}

/*
 * A range that lies in what the slot mapped, or a length that no range has (which
 * is for the kernel to refuse). Without a mapping it is nowhere: len is 0.
 */
static inline struct fuzz_map fuzz_range(struct fuzz *z, __u64 slot, __u64 off, __u64 len)
{
	struct fuzz_map map = z->map[slot % FUZZ_MAPS];

	if (!map.p)
		return (struct fuzz_map){};
	off %= map.len + 1;
	if (len < 1ULL << 48 && len > map.len - off)
		len = map.len - off;
	return (struct fuzz_map){ map.p + off, len };
}

static inline struct fuzz_map fuzz_touch_range(struct fuzz *z, __u64 slot, __u64 off, __u64 len)
{
	struct fuzz_map r = fuzz_range(z, slot, off, len);

	if (len >= 1ULL << 48)
		r.len = 0;
	if (r.len > FUZZ_TOUCH * PAGE)
		r.len = FUZZ_TOUCH * PAGE;
	return r;
}

static inline size_t fuzz_io_len(__u64 len)
{
	return len <= FUZZ_SCRATCH || len >= 1ULL << 62 ? len : FUZZ_SCRATCH;
}

/* Whether what was read is the process' own. */
static inline void fuzz_check_bytes(struct fuzz *z, const char *p, long n)
{
	long i;

	for (i = 0; i < n && i < (long)FUZZ_SCRATCH; i++) {
		/* send_fd() sends an x along. */
		if (p[i] && p[i] != 'x' && (unsigned char)p[i] != z->tag && !z->report->foreign) {
			fuzz_wrong(z, "read somebody else's byte", (unsigned char)p[i]);
			return;
		}
	}
}

/* ---- the pool's own calls ---- */

static inline long fuzz_open(struct fuzz *z, const __u64 *a)
{
	return fuzz_put_fd(z, a[0], open(POOL_PATH, a[1] | O_CLOEXEC | O_NONBLOCK));
}

static inline long fuzz_alloc(struct fuzz *z, const __u64 *a)
{
	struct zcpool_alloc arg = { .size = a[2], .flags = a[3], .node = a[4] };

	if (ioctl(fuzz_fd(z, a[1]), ZCPOOL_IOC_ALLOC, &arg))
		return -1;
	return fuzz_put_fd(z, a[0], arg.fd);
}

/*
 * Whether a buffer nobody has touched yet is zero, each 64th byte of it. Another thread
 * may write to a descriptor that was just closed, and is now this buffer's.
 */
static inline bool fuzz_is_zero(const struct fuzz *z, const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i += 64)
		if (p[i] && !(z->threaded && (z->report->foreign || p[i] == 'x' ||
					      (unsigned char)p[i] == z->tag)))
			return false;
	return true;
}

/* A new buffer that is looked at before anybody else knows it, and then soiled. */
static inline long fuzz_fresh(struct fuzz *z, const __u64 *a)
{
	size_t len = (a[3] + PAGE - 1) & -PAGE;
	size_t touched = len < FUZZ_TOUCH * PAGE ? len : FUZZ_TOUCH * PAGE;
	int fd = buf_alloc(fuzz_fd(z, a[2]), a[3], a[4], -1);
	char *p;

	if (fd < 0)
		return -1;
	p = len > FUZZ_ARENA_MOST ? MAP_FAILED :
		mmap(fuzz_place(z, len, 0), len, RDWR, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED && !fuzz_is_zero(z, p, touched))
		fuzz_wrong(z, "a new buffer is not zero, of size", a[3]);
	if (p != MAP_FAILED)
		memset(p, z->tag, touched);
	if (fuzz_put_fd(z, a[0], fd) < 0)
		return -1;
	return fuzz_put_map(z, a[1], p, len);
}

static inline long fuzz_info(struct fuzz *z, const __u64 *a)
{
	struct zcpool_info info = { .flags = a[1], .node = a[2] };
	int err = ioctl(fuzz_fd(z, a[0]), ZCPOOL_IOC_INFO, &info);

	if (!err && a[1] && !info_adds_up(&info))
		fuzz_wrong(z, "a node's bytes do not add up, of", info.total_bytes);
	return err;
}

static inline long fuzz_buf_info(struct fuzz *z, const __u64 *a)
{
	struct zcpool_buf_info info;

	return buf_info(fuzz_fd(z, a[0]), &info);
}

/* A 32-bit program's system call: its pointers are short, and so is its table. */
static inline long fuzz_int80(long nr, long b, long c, long d)
{
	long ret = nr;

#ifdef __x86_64__
	asm volatile("int $0x80" : "+a"(ret) : "b"(b), "c"(c), "d"(d)
		     : "memory", "r8", "r9", "r10", "r11");
#endif
	return ret;
}

#define FUZZ_COMPAT_IOCTL	54

/* Any command, any size of struct: its first three words are given, the rest is one byte. */
static inline long fuzz_ioctl(struct fuzz *z, const __u64 *a)
{
	unsigned int cmd = (a[2] & ~((__u64)_IOC_SIZEMASK << _IOC_SIZESHIFT)) |
		(a[3] & _IOC_SIZEMASK) << _IOC_SIZESHIFT;
	char *arg = fuzz_scratch + FUZZ_SCRATCH - 32 * KIB;
	long err;

	memset(arg, a[7], 17 * KIB);
	memcpy(arg, &a[4], 3 * sizeof(*a));
	if (sizeof(long) == 8 && a[7] & 0x100)
		err = fuzz_int80(FUZZ_COMPAT_IOCTL, fuzz_fd(z, a[1]), cmd, (long)arg);
	else
		err = ioctl(fuzz_fd(z, a[1]), cmd, arg);
	if (!err && (cmd & ~IOCSIZE_MASK) == (ZCPOOL_IOC_ALLOC & ~IOCSIZE_MASK))
		err = fuzz_put_fd(z, a[0], ((struct zcpool_alloc *)arg)->fd);
	memset(arg, z->tag, 17 * KIB);
	return err;
}

/* The struct is in a mapping, so that copying it faults. A descriptor may come of it. */
static inline long fuzz_ioctl_map(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_range(z, a[2], a[3], 0);

	z->report->foreign = true;
	return ioctl(fuzz_fd(z, a[0]), a[1], r.p);
}

/* ---- mappings ---- */

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

/* ---- files ---- */

static inline long fuzz_read(struct fuzz *z, const __u64 *a)
{
	size_t len = fuzz_io_len(a[1]);
	long n = read(fuzz_fd(z, a[0]), fuzz_scratch, len);

	fuzz_check_bytes(z, fuzz_scratch, n);
	return n;
}

static inline long fuzz_write(struct fuzz *z, const __u64 *a)
{
	return write(fuzz_fd(z, a[0]), fuzz_scratch, fuzz_io_len(a[1]));
}

static inline long fuzz_pread(struct fuzz *z, const __u64 *a)
{
	size_t len = fuzz_io_len(a[1]);
	long n = pread(fuzz_fd(z, a[0]), fuzz_scratch, len, a[2]);

	fuzz_check_bytes(z, fuzz_scratch, n);
	return n;
}

static inline long fuzz_pwrite(struct fuzz *z, const __u64 *a)
{
	return pwrite(fuzz_fd(z, a[0]), fuzz_scratch, fuzz_io_len(a[1]), a[2]);
}

/* Between a file and a mapping, in two parts; the file may be the one that is mapped. */
static inline long fuzz_readv(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_touch_range(z, a[1], a[2], a[3]);
	struct iovec v[2] = { { r.p, r.len / 2 }, { r.p + r.len / 2, r.len - r.len / 2 } };

	return preadv2(fuzz_fd(z, a[0]), v, 2, a[4], a[5]);
}

static inline long fuzz_writev(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_touch_range(z, a[1], a[2], a[3]);
	struct iovec v[2] = { { r.p, r.len / 2 }, { r.p + r.len / 2, r.len - r.len / 2 } };

	return pwritev2(fuzz_fd(z, a[0]), v, 2, a[4], a[5]);
}

static inline long fuzz_lseek(struct fuzz *z, const __u64 *a)
{
	return lseek(fuzz_fd(z, a[0]), a[1], a[2]);
}

static inline long fuzz_close(struct fuzz *z, const __u64 *a)
{
	int fd = fuzz_fd(z, a[0]);

	z->fd[a[0] % FUZZ_FDS] = -1;
	return close(fd);
}

static inline long fuzz_dup(struct fuzz *z, const __u64 *a)
{
	return fuzz_put_fd(z, a[0], dup(fuzz_fd(z, a[1])));
}

static inline long fuzz_dup2(struct fuzz *z, const __u64 *a)
{
	int to = fuzz_fd(z, a[1]);

	return to < 0 ? -1 : dup2(fuzz_fd(z, a[0]), to);
}

static inline long fuzz_reopen(struct fuzz *z, const __u64 *a)
{
	return fuzz_put_fd(z, a[0], reopen(fuzz_fd(z, a[1]), a[2] | O_NONBLOCK));
}

/* A file without a name on the test machine's disk */
static inline long fuzz_tmpfile(struct fuzz *z, const __u64 *a)
{
	return fuzz_put_fd(z, a[0], open("/mnt", O_TMPFILE | O_RDWR | a[1], 0600));
}

static inline long fuzz_fcntl(struct fuzz *z, const __u64 *a)
{
	return fcntl(fuzz_fd(z, a[0]), a[1], a[1] == F_SETFL ? a[2] | O_NONBLOCK : a[2]);
}

static inline long fuzz_flock(struct fuzz *z, const __u64 *a)
{
	return flock(fuzz_fd(z, a[0]), a[1] | LOCK_NB);
}

static inline long fuzz_ftruncate(struct fuzz *z, const __u64 *a)
{
	return ftruncate(fuzz_fd(z, a[0]), a[1]);
}

static inline long fuzz_fallocate(struct fuzz *z, const __u64 *a)
{
	return fallocate(fuzz_fd(z, a[0]), a[1], a[2], a[3]);
}

static inline long fuzz_fsync(struct fuzz *z, const __u64 *a)
{
	return fsync(fuzz_fd(z, a[0]));
}

static inline long fuzz_fadvise(struct fuzz *z, const __u64 *a)
{
	return posix_fadvise(fuzz_fd(z, a[0]), a[1], a[2], a[3]);
}

/* ---- pipes, sockets ---- */

static inline long fuzz_pipe(struct fuzz *z, const __u64 *a)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK))
		return -1;
	fuzz_put_fd(z, a[0], fds[0]);
	return fuzz_put_fd(z, a[1], fds[1]);
}

static inline long fuzz_socketpair(struct fuzz *z, const __u64 *a)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds))
		return -1;
	fuzz_put_fd(z, a[0], fds[0]);
	return fuzz_put_fd(z, a[1], fds[1]);
}

/* A descriptor in flight keeps its file until somebody takes it or the socket goes. */
static inline long fuzz_sendfd(struct fuzz *z, const __u64 *a)
{
	return send_fd(fuzz_fd(z, a[0]), fuzz_fd(z, a[1]));
}

static inline long fuzz_recvfd(struct fuzz *z, const __u64 *a)
{
	return fuzz_put_fd(z, a[0], recv_fd(fuzz_fd(z, a[1]), a[2] | MSG_DONTWAIT));
}

static inline long fuzz_splice(struct fuzz *z, const __u64 *a)
{
	loff_t in = a[1], out = a[3];

	return splice(fuzz_fd(z, a[0]), in < 0 ? NULL : &in, fuzz_fd(z, a[2]),
		      out < 0 ? NULL : &out, a[4] & INT_MAX, a[5] | SPLICE_F_NONBLOCK);
}

static inline long fuzz_tee(struct fuzz *z, const __u64 *a)
{
	return tee(fuzz_fd(z, a[0]), fuzz_fd(z, a[1]), a[2] & INT_MAX, SPLICE_F_NONBLOCK);
}

static inline long fuzz_vmsplice(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_touch_range(z, a[1], a[2], a[3]);
	struct iovec v = { r.p, r.len };

	return vmsplice(fuzz_fd(z, a[0]), &v, 1, a[4] | SPLICE_F_NONBLOCK);
}

static inline long fuzz_sendfile(struct fuzz *z, const __u64 *a)
{
	off_t off = a[2];

	return syscall(SYS_sendfile, fuzz_fd(z, a[0]), fuzz_fd(z, a[1]), off < 0 ? NULL : &off,
		       a[3] % (4 * CHUNK));
}

static inline long fuzz_copy_file_range(struct fuzz *z, const __u64 *a)
{
	loff_t in = a[1], out = a[3];

	return copy_file_range(fuzz_fd(z, a[0]), &in, fuzz_fd(z, a[2]), &out, a[4] % (4 * CHUNK),
			       0);
}

/* ---- from elsewhere ---- */

static inline long fuzz_vm_read(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_touch_range(z, a[0], a[1], a[2]);
	struct iovec to = { fuzz_scratch, fuzz_io_len(r.len) }, from = { r.p, r.len };
	long n = process_vm_readv(getpid(), &to, 1, &from, 1, 0);

	fuzz_check_bytes(z, fuzz_scratch, n);
	return n;
}

static inline long fuzz_vm_write(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_touch_range(z, a[0], a[1], a[2]);
	struct iovec from = { fuzz_scratch, fuzz_io_len(r.len) }, to = { r.p, r.len };

	return process_vm_writev(getpid(), &from, 1, &to, 1, 0);
}

/* By way of /proc/self/mem, which writes where the program may not. */
static inline long fuzz_mem_write(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_touch_range(z, a[0], a[1], a[2]);
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	long n = -1;

	if (r.p)
		n = pwrite(fd, fuzz_scratch, fuzz_io_len(r.len), (off_t)r.p);
	close(fd);
	return n;
}

/* Pins the pages for as long as the ring lives. */
static inline long fuzz_uring(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_touch_range(z, a[1], a[2], a[3]);
	struct iovec v = { r.p, r.len };
	struct io_uring_params params = {};
	int fd = syscall(SYS_io_uring_setup, 4, &params);

	if (fd < 0)
		return -1;
	fuzz_put_fd(z, a[0], fd);
	return syscall(SYS_io_uring_register, fd, IORING_REGISTER_BUFFERS, &v, 1);
}

static inline long fuzz_uffd(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_range(z, a[0], a[1], a[2]);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { (unsigned long)r.p, r.len }, .mode = a[3],
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | 1);
	long err = -1;

	if (fd >= 0 && r.p && !ioctl(fd, UFFDIO_API, &api))
		err = ioctl(fd, UFFDIO_REGISTER, &reg);
	close(fd);
	return err;
}

static inline long fuzz_look(struct fuzz *z, const __u64 *a)
{
	static const char * const files[] = {
		[LOOK_NODES] = DEBUGFS "/nodes", [LOOK_BUDDY] = DEBUGFS "/buddy",
		[LOOK_BUFFERS] = DEBUGFS "/buffers", [LOOK_SMAPS] = "/proc/self/smaps",
		[LOOK_NUMA_MAPS] = "/proc/self/numa_maps", [LOOK_PAGEMAP] = "/proc/self/pagemap",
	};
	struct fuzz_map r = fuzz_range(z, 0, 0, 0);
	char path[40], text[2048];
	long n, all = 0;
	int fd;

	/* Another thread may read from a descriptor that was just closed, and is now this. */
	if (z->threaded)
		z->report->foreign = true;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fuzz_fd(z, a[1]));
	fd = open(a[0] < ARRAY_SIZE(files) && files[a[0]] ? files[a[0]] : path,
		  O_RDONLY | O_CLOEXEC);
	if (a[0] == LOOK_PAGEMAP)
		lseek(fd, (unsigned long)r.p / PAGE * 8, SEEK_SET);
	while (all < 16384 && (n = read(fd, text, sizeof(text))) > 0)
		all += n;
	close(fd);
	return all;
}

/* ---- the process ---- */

static inline long fuzz_set_cpus(unsigned long mask)
{
	return syscall(SYS_sched_setaffinity, 0, sizeof(mask), &mask);
}

static inline long fuzz_nofile(struct fuzz *z, const __u64 *a)
{
	struct rlimit r = { a[0], 256 };

	return setrlimit(RLIMIT_NOFILE, &r);
}

/* Ties the thread to a CPU, and so to a node. */
static inline long fuzz_cpu(struct fuzz *z, const __u64 *a)
{
	return fuzz_set_cpus(a[0]);
}

/* 0 in the child, which makes the next a[0] calls and ends. */
static inline long fuzz_fork(struct fuzz *z, const __u64 *a)
{
	pid_t parent = getpid(), pid = fork();
	unsigned int i;

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0);
		z->forked = true;
		z->nr_children = 0;
		return 0;
	}
	if (pid < 0)
		return -1;
	if (a[1] == END_STAY) {
		i = __atomic_fetch_add(&z->nr_children, 1, __ATOMIC_RELAXED);
		if (i < FUZZ_CHILDREN) {
			z->child[i] = pid;
			return pid;
		}
		kill(pid, SIGKILL);
	}
	if (a[1] == END_KILL)
		kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return pid;
}

/* How a child goes: one that stays keeps all it has until the program ends. */
static inline void fuzz_child_end(enum fuzz_end how)
{
	if (how == END_STAY)
		pause();
	_exit(0);
}

#endif /* ZCPOOL_FUZZ_CALLS_H */
