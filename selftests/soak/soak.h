/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The soak: processes that use the pool in every way at once, others that make memory
 * scarce, and a manager that kills them.
 *
 * What all of them share is one mapping (struct shared): the counts, and the first thing
 * that somebody found wrong.
 */
#ifndef ZCPOOL_SOAK_H
#define ZCPOOL_SOAK_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/pool.h"
#include "../lib/random.h"
#include "../lib/system.h"

#define MAX_WORKERS	16
#define HELD		8
#define PIPE_PAGES	16

/* What is counted; those after COUNT_OPS are not operations. Their names: see soak.c */
enum count {
	COUNT_ALLOC,
	COUNT_ALLOC_MMAP,
	COUNT_REFUSED,
	COUNT_MAP,
	COUNT_VERIFY,
	COUNT_REWRITE,
	COUNT_PREAD,
	COUNT_PWRITE,
	COUNT_READ,
	COUNT_REOPEN,
	COUNT_CUT,
	COUNT_MOVE,
	COUNT_DONTNEED,
	COUNT_PROTECT,
	COUNT_LOCK,
	COUNT_REVOKE,
	COUNT_HAND_OVER,
	COUNT_MIGRATE,
	COUNT_FORK,
	COUNT_VM_READV,
	COUNT_SEND,
	COUNT_RECEIVE,
	COUNT_VMSPLICE,
	COUNT_LEAVE,
	COUNT_COLLECT,
	COUNT_TO_NULL,
	COUNT_DIRECT_WRITE,
	COUNT_DIRECT_READ,
	COUNT_AIO_WRITE,
	COUNT_AIO_READ,
	COUNT_FREE,
	COUNT_FILL,
	COUNT_HOG_ANON,
	COUNT_HOG_CACHE,
	COUNT_DROP_CACHES,
	COUNT_COMPACT,
	COUNT_DEBUGFS,
	COUNT_FDINFO,
	COUNT_SMAPS,
	COUNT_TRACE,
	COUNT_OPS,
	COUNT_KILLS = COUNT_OPS,	/* by the manager */
	COUNT_OOM_KILLS,		/* by the kernel, of what makes memory scarce */
	COUNT_NO_CHUNK,			/* for a filler, of the kernel's */
	COUNT_ALLOC_BYTES,		/* granted */
	COUNT_IO_BYTES,			/* moved by anything but the CPU's own loads and stores */
	NR_COUNTS
};

/*
 * @count: by enum count
 * @failed: set by the first that finds something wrong, which then fills in the rest
 * @message: what is wrong, once @told
 * @pid: who found it; it waits, with all it has mapped, to be looked at
 * @worker: the workers that are alive, by slot
 */
struct shared {
	atomic_ulong count[NR_COUNTS];
	atomic_bool failed;
	atomic_bool told;
	pid_t pid;
	char message[1024];
	atomic_int worker[MAX_WORKERS];
};

/* How it is to be done, from the command line */
struct config {
	int seconds;
	int workers;
	__u32 seed;
	int node;	/* short of memory */
	const char *disk;
	const char *hog_cgroup;
	const char *counts;
	bool progress;
};

/* A mapped part of a buffer, starting at byte off of it */
struct piece {
	char *p;
	size_t off;
	size_t len;
};

/*
 * A buffer somebody has; size is 0 if there is none.
 * @fd: -1 if it was made by mmap of the pool
 * @tag: what its pattern is made of
 * @shared: others may have it, so that nothing but its pattern may be written
 * @split: a piece may be several VMAs, which mremap does not take
 */
struct held {
	int fd;
	size_t size;
	__u64 tag;
	bool shared;
	bool split;
	struct piece piece[2];
};

/*
 * @id: of this process; its slot's next one has another
 * @slot: which of the workers it is
 * @seed: the state of its own generator
 * @first_seed: what that was at first
 */
struct worker {
	unsigned int id;
	unsigned int slot;
	__u32 seed;
	__u32 first_seed;
	int pool;
	int in, out;
	int lost_rd, lost_wr;
	int file;
	int pipe[2];
	aio_context_t aio;
	pid_t child;
	unsigned int made;
	char *scratch;
	struct held held[HELD];
};

/* The most that goes through a worker's file or its scratch memory at once */
#define SCRATCH		(256 * KIB)

extern struct shared *shared;
extern const struct config *config;

static inline void count(enum count what, unsigned long by)
{
	atomic_fetch_add(&shared->count[what], by);
}

/* report.c: the first failure of all, said once */
__attribute__((noreturn, format(printf, 1, 2)))
void fail(const char *fmt, ...);
__attribute__((format(printf, 1, 2)))
void note(const char *fmt, ...);
void show_state(int pool);

/* Writes to a file of the kernel's. */
static inline void put_or_fail(const char *path, const char *text)
{
	if (!put(path, text))
		fail("'%s' into %s: %s", text, path, strerror(errno));
}

/* pattern.c */
__u64 pattern_tag(unsigned int worker, unsigned int buffer);
__u64 pattern_word(__u64 tag, size_t off);
void pattern_fill(void *p, size_t len, __u64 tag, size_t off);
void pattern_check(const void *p, size_t len, __u64 tag, size_t off, const char *how);
void pattern_check_any_page(const void *p);
void zero_check(const void *p, size_t len, size_t off, const char *how);

/* held.c */
bool held_make(struct worker *w, struct held *h);
void held_verify(struct worker *w, struct held *h);
void held_drop(struct worker *w, struct held *h);
void held_forget(struct held *h);
struct piece *held_piece(struct worker *w, struct held *h);
struct piece piece_part(struct worker *w, const struct piece *from, size_t most);

/* worker.c */
__attribute__((noreturn)) void worker(struct worker *w);

/* use.c: what is done with a buffer's mapping and descriptor; take.c, pass.c, io.c: see there */
void op_map(struct worker *w, struct held *h);
void op_verify(struct worker *w, struct held *h);
void op_rewrite(struct worker *w, struct held *h);
void op_pread(struct worker *w, struct held *h);
void op_pwrite(struct worker *w, struct held *h);
void op_read(struct worker *w, struct held *h);
void op_reopen(struct worker *w, struct held *h);
void op_cut(struct worker *w, struct held *h);
void op_move(struct worker *w, struct held *h);
void op_dontneed(struct worker *w, struct held *h);
void op_protect(struct worker *w, struct held *h);
void op_lock(struct worker *w, struct held *h);
void op_revoke(struct worker *w, struct held *h);
void op_hand_over(struct worker *w, struct held *h);
void op_migrate(struct worker *w, struct held *h);
void op_fork(struct worker *w, struct held *h);
void op_send(struct worker *w, struct held *h);
void op_receive(struct worker *w, struct held *h);
void op_vmsplice(struct worker *w, struct held *h);
void op_leave(struct worker *w, struct held *h);
void op_collect(struct worker *w, struct held *h);
void op_to_null(struct worker *w, struct held *h);
void op_direct_write(struct worker *w, struct held *h);
void op_direct_read(struct worker *w, struct held *h);
void op_aio_write(struct worker *w, struct held *h);
void op_aio_read(struct worker *w, struct held *h);

/* pressure.c, reader.c: processes other than the workers; they do not return */
__attribute__((noreturn)) void squeezer(__u32 seed);
__attribute__((noreturn)) void filler(int pool, __u32 seed);
__attribute__((noreturn)) void hog(__u32 seed);
__attribute__((noreturn)) void reader(__u32 seed);

/* rest.c */
int pool_at_rest(void);

#endif /* ZCPOOL_SOAK_H */
