/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the calls of a program work on: its slots for descriptors and mappings, and the
 * place for these. All of it can be let go of at once.
 */
#ifndef ZCPOOL_FUZZ_STATE_H
#define ZCPOOL_FUZZ_STATE_H

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/pool.h"
#include "mounts.h"
#include "texts.h"

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
	pid_t id;		/* what its names begin with: nobody else's do */
	unsigned int serial;	/* of the program, which goes into its names, too */
	bool remounted;
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
	z->id = getpid();
	z->report = report;
	if (!fuzz_mounts_begin())
		_exit(2);
	fuzz_first_fd(z);
	sigaction(SIGSEGV, &bad, NULL);
	sigaction(SIGBUS, &bad, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN);
	fuzz_thread_init(z);
}

static inline long fuzz_set_cpus(unsigned long mask)
{
	return syscall(SYS_sched_setaffinity, 0, sizeof(mask), &mask);
}

static inline long fuzz_set_user(uid_t uid)
{
	return syscall(SYS_setresuid, -1, uid, -1);
}

static inline long fuzz_set_policy(int mode, unsigned long nodes)
{
	return syscall(SYS_set_mempolicy, mode, &nodes, 8);
}

/* Undoes what a program has changed of the thread itself. */
static inline void fuzz_thread_end(void)
{
	fuzz_set_cpus(-1UL);
	fuzz_set_user(0);
	fuzz_set_policy(0, 0);
}

/* Lets go of all that a program made. */
static inline void fuzz_end(struct fuzz *z)
{
	struct rlimit r = { 256, 256 };
	unsigned int i;

	fuzz_thread_end();
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
	fuzz_mounts_end();
	/* Whoever else has it mounted read-only is in the way; then the session does it. */
	if (z->remounted)
		fuzz_restore_default();
	z->remounted = false;
	z->serial++;
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

/* Whether nobody else has the program's descriptors and mappings now. */
static inline bool fuzz_is_alone(const struct fuzz *z)
{
	return !z->threaded && !z->forked && !z->nr_children;
}

/* The text of a list at an index, as it is meant for this program */
static inline const char *fuzz_text(const struct fuzz *z, const char * const *list, __u64 index,
				    char *to)
{
	char prefix[32];

	snprintf(prefix, sizeof(prefix), "%d.%u.", z->id, z->serial);
	return text_expand(text_at(list, index), prefix, to);
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

#endif /* ZCPOOL_FUZZ_STATE_H */
