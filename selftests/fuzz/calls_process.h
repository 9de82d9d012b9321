/* SPDX-License-Identifier: GPL-2.0 */
/* The process that makes the calls: its CPUs, its limits, its children */
#ifndef ZCPOOL_FUZZ_CALLS_PROCESS_H
#define ZCPOOL_FUZZ_CALLS_PROCESS_H

#include <sys/prctl.h>
#include <sys/resource.h>

#include "state.h"

/* How a child of fork ends */
enum fuzz_end { END_WAIT, END_KILL, END_STAY };

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

/* From which nodes the thread has memory, also that of files by name */
static inline long fuzz_mempolicy(struct fuzz *z, const __u64 *a)
{
	return fuzz_set_policy(a[0], a[1]);
}

/* Has the thread act as somebody else, who may do less, or again as root. */
static inline long fuzz_user(struct fuzz *z, const __u64 *a)
{
	return fuzz_set_user(a[0]);
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

#endif /* ZCPOOL_FUZZ_CALLS_PROCESS_H */
