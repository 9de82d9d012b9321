/* SPDX-License-Identifier: GPL-2.0 */
/* For tests that count page faults. */
#ifndef ZCPOOL_PAGEFAULT_H
#define ZCPOOL_PAGEFAULT_H

#include <linux/mempolicy.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/sizes.h"

/*
 * A process with a policy of its own has no NUMA hinting faults in the memory of its
 * program either, which would be counted. What the pool gives does not depend on it.
 */
static __attribute__((constructor)) void no_hinting_faults(void)
{
	syscall(SYS_set_mempolicy, MPOL_LOCAL, NULL, 0UL);
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

#endif /* ZCPOOL_PAGEFAULT_H */
