/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the zcpool selftests share: raw calls into the ABI, patterns, counters.
 *
 * Every test that uses the "pool" fixture is also a test for leaks: when it
 * ends, the pool must have as many bytes in use as when it began. A test
 * therefore unmaps and closes all that it made.
 *
 * A program of several sources, which the harness is not made for, defines
 * ZCPOOL_NO_HARNESS and has all but the fixture.
 */
#ifndef ZCPOOL_TEST_H
#define ZCPOOL_TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef ZCPOOL_NO_HARNESS
#include "kselftest_harness.h"
#endif
#include "../module/uapi/zcpool.h"

/* Emulated machines are slow: a limit against hanging, not an expectation. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	240

#define POOL_PATH	ZCPOOL_DEV_DIR "/" ZCPOOL_DEFAULT
#define DEBUGFS		"/sys/kernel/debug/zcpool/" ZCPOOL_DEFAULT
#define PAGE		4096UL
#define CHUNK		(2UL << 20)
#define KIB		1024UL
#define MIB		(1UL << 20)
#define RDWR		(PROT_READ | PROT_WRITE)
#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#endif

/* Longest wait for something the module does in the background: 10 s */
#define POLL_TRIES	1000
#define POLL_USEC	10000

static inline int pool_open(void)
{
	return open(POOL_PATH, O_RDWR | O_CLOEXEC);
}

/* A new buffer's descriptor, or -errno; node is -1 for "local". */
static inline int buf_alloc(int pool, __u64 size, __u32 flags, int node)
{
	struct zcpool_alloc a = { .size = size, .flags = flags };

	if (node >= 0) {
		a.flags |= ZCPOOL_ALLOC_NODE;
		a.node = node;
	}
	if (ioctl(pool, ZCPOOL_IOC_ALLOC, &a))
		return -errno;
	return a.fd;
}

static inline int buf_info(int buf, struct zcpool_buf_info *bi)
{
	memset(bi, 0, sizeof(*bi));
	return ioctl(buf, ZCPOOL_BUF_INFO, bi);
}

/* node is -1 for the whole pool. */
static inline int pool_info(int pool, int node, struct zcpool_info *pi)
{
	memset(pi, 0, sizeof(*pi));
	if (node >= 0) {
		pi->flags = ZCPOOL_INFO_NODE;
		pi->node = node;
	}
	return ioctl(pool, ZCPOOL_IOC_INFO, pi);
}

static inline __u64 pool_used(int pool)
{
	struct zcpool_info pi;

	return pool_info(pool, -1, &pi) ? ~0ULL : pi.used_bytes;
}

/* Gives the bytes in use time to come down to want; returns what they are. */
static inline __u64 pool_wait_used(int pool, __u64 want)
{
	__u64 used = pool_used(pool);
	int i;

	for (i = 0; i < POLL_TRIES && used != want; i++) {
		usleep(POLL_USEC);
		used = pool_used(pool);
	}
	return used;
}

/* Waits until nothing is left to zero; quarantined memory may remain. */
static inline int pool_wait_scrubbed(int pool, struct zcpool_info *pi)
{
	int i;

	for (i = 0; i < POLL_TRIES; i++) {
		if (pool_info(pool, -1, pi))
			return -1;
		if (!pi->dirty_bytes)
			return 0;
		usleep(POLL_USEC);
	}
	return -1;
}

/* Waits until all that is free is clean and nothing is held back. */
static inline int pool_wait_idle(int pool, struct zcpool_info *pi)
{
	int i;

	for (i = 0; i < POLL_TRIES; i++) {
		if (pool_info(pool, -1, pi))
			return -1;
		if (!pi->dirty_bytes && !pi->quarantined_bytes)
			return 0;
		usleep(POLL_USEC);
	}
	return -1;
}

static inline bool info_adds_up(const struct zcpool_info *pi)
{
	return pi->total_bytes == pi->clean_bytes + pi->dirty_bytes +
		pi->quarantined_bytes + pi->used_bytes + pi->retired_bytes;
}

static inline void *buf_map(int buf, size_t len, off_t off)
{
	return mmap(NULL, len, RDWR, MAP_SHARED, buf, off);
}

/* Page-sized steps of one byte each: what costs the faults. */
static inline void touch_read(const void *p, size_t len)
{
	const volatile char *c = p;
	size_t i;

	for (i = 0; i < len; i += PAGE)
		(void)c[i];
}

static inline void touch_write(void *p, size_t len)
{
	volatile char *c = p;
	size_t i;

	for (i = 0; i < len; i += PAGE)
		c[i] = 1;
}

static inline long faults_now(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return ru.ru_minflt + ru.ru_majflt;
}

/* Page faults that touching the range costs; code and stack are warm by then. */
static inline long faults_of(void (*touch)(void *, size_t), void *p, size_t len)
{
	static char warm[2 * PAGE];
	long before;

	touch(warm, sizeof(warm));
	faults_now();
	before = faults_now();
	touch(p, len);
	return faults_now() - before;
}

/* Every 8 bytes hold a number of their own, so that misplaced data shows. */
static inline void fill(void *p, size_t len, __u64 seed)
{
	__u64 *w = p;
	size_t i;

	for (i = 0; i < len / 8; i++)
		w[i] = seed * 0x9e3779b97f4a7c15ULL + i;
}

/* Whether fill() with that seed, begun skip bytes earlier, is what p holds. */
static inline bool filled_from(const void *p, size_t len, __u64 seed, size_t skip)
{
	const __u64 *w = p;
	size_t i;

	for (i = 0; i < len / 8; i++)
		if (w[i] != seed * 0x9e3779b97f4a7c15ULL + i + skip / 8)
			return false;
	return true;
}

static inline bool filled(const void *p, size_t len, __u64 seed)
{
	return filled_from(p, len, seed, 0);
}

static inline bool all_zero(const void *p, size_t len)
{
	const __u64 *w = p;
	size_t i;

	for (i = 0; i < len / 8; i++)
		if (w[i])
			return false;
	return true;
}

/* Whether the kernel can write there, without a signal if it cannot. */
static inline bool writable(void *p)
{
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	bool ok = read(fd, p, 1) == 1;

	close(fd);
	return ok;
}

/* Sum of a field of smaps, in kB, over the VMAs within the range; -1 if none. */
static inline long smaps_kb(const void *p, size_t len, const char *field)
{
	unsigned long first = (unsigned long)p, start, end;
	size_t n = strlen(field);
	bool within = false;
	char line[512];
	long sum = -1;
	FILE *f;

	f = fopen("/proc/self/smaps", "re");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			within = start >= first && end <= first + len;
		else if (within && !strncmp(line, field, n) && line[n] == ':')
			sum = (sum < 0 ? 0 : sum) + strtol(line + n + 1, NULL, 10);
	}
	fclose(f);
	return sum;
}

/* A number after "name" at the start of a line of a file; -1 if there is none. */
static inline long file_field(const char *path, const char *name)
{
	size_t n = strlen(name);
	char line[512];
	long val = -1;
	FILE *f;

	f = fopen(path, "re");
	if (!f)
		return -1;
	while (val < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, n))
			val = strtol(line + n, NULL, 10);
	fclose(f);
	return val;
}

/*
 * Takes all that a pool has left, in chunks and then in less, has see() look at each
 * buffer, and gives all back; -1 if one could not be mapped.
 */
static inline int take_the_rest(int pool, void (*see)(char *p, size_t len, void *arg), void *arg)
{
	static int buf[16384 + 64];
	struct rlimit r = { 20000, 20000 };
	size_t len = CHUNK;
	int n = 0, err = 0;
	char *p;

	setrlimit(RLIMIT_NOFILE, &r);
	while (n < (int)ARRAY_SIZE(buf)) {
		buf[n] = buf_alloc(pool, len, 0, -1);
		if (buf[n] < 0) {
			if (len == PAGE)
				break;
			len = len == CHUNK ? 64 * KIB : PAGE;
			continue;
		}
		p = buf_map(buf[n++], len, 0);
		if (p == MAP_FAILED) {
			err = -1;
			continue;
		}
		see(p, len, arg);
		munmap(p, len);
	}
	while (n)
		close(buf[--n]);
	return err;
}

/* The physical page behind an address (root only); 0 if none is mapped. */
static inline __u64 pfn_of(const void *p)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	__u64 e = 0;

	if (pread(fd, &e, 8, (unsigned long)p / PAGE * 8) != 8)
		e = 0;
	close(fd);
	return e >> 63 ? e & ((1ULL << 55) - 1) : 0;
}

static inline int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* A kernel without NUMA has node 0 and no directory of nodes. */
static inline bool node_exists(int node)
{
	char path[64];

	if (!node && access("/sys/devices/system/node", F_OK))
		return true;
	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d", node);
	return !access(path, F_OK);
}

/* Ties the caller to the first CPU of a node. */
static inline int run_on_node(int node)
{
	char path[64];
	cpu_set_t set;
	int cpu;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist", node);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%d", &cpu) != 1)
		cpu = -1;
	if (f)
		fclose(f);
	if (cpu < 0)
		return -1;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

/* A descriptor to this very file, read-only, as one would pass on. */
static inline int reopen(int fd, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags | O_CLOEXEC);
}

static inline int send_fd(int sock, int fd)
{
	char ctl[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = "x", .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = ctl, .msg_controllen = sizeof(ctl),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	return sendmsg(sock, &msg, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

static inline int recv_fd(int sock, int flags)
{
	char ctl[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = ctl, .msg_controllen = sizeof(ctl),
	};
	struct cmsghdr *c;
	int fd;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | flags) != 1)
		return -1;
	c = CMSG_FIRSTHDR(&msg);
	if (!c || c->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(int));
	return fd;
}

/* Writes text to a file of the kernel's, all at once. */
static inline bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

/* Exit status of a child, or 128 + the signal that ended it. */
static inline int child_status(pid_t pid)
{
	int st;

	if (waitpid(pid, &st, 0) != pid)
		return -1;
	return WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
}

/* A small generator of its own, so that a seed repeats a run. */
static inline __u32 rnd(__u32 *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

#ifndef ZCPOOL_NO_HARNESS
FIXTURE(pool) {
	int fd;
	__u64 used;
};

FIXTURE_SETUP(pool)
{
	self->fd = pool_open();
	ASSERT_LE(0, self->fd)
		TH_LOG("%s: %s", POOL_PATH, strerror(errno));
	self->used = pool_used(self->fd);
}

FIXTURE_TEARDOWN(pool)
{
	EXPECT_EQ(self->used, pool_wait_used(self->fd, self->used))
		TH_LOG("the test left memory in use");
	close(self->fd);
}
#endif /* ZCPOOL_NO_HARNESS */

#endif /* ZCPOOL_TEST_H */
