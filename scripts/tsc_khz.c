// SPDX-License-Identifier: GPL-2.0
/*
 * Print how fast this machine's time stamp counter counts, in kHz. Two points of time a fifth of
 * a second apart; each is the best of many tries, since we may lose the processor between the
 * two clocks.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define TRIES		100
#define APART_USEC	200000

struct point {
	unsigned long long ticks, ns;
};

static struct point now(void)
{
	unsigned long long before, took, best = -1ULL;
	struct point p = { 0 };
	struct timespec ts;
	int i;

	for (i = 0; i < TRIES; i++) {
		before = __rdtsc();
		clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
		took = __rdtsc() - before;
		if (took < best) {
			best = took;
			p.ticks = before + took / 2;
			p.ns = ts.tv_sec * 1000000000ULL + ts.tv_nsec;
		}
	}
	return p;
}

int main(void)
{
	struct point from = now(), to;

	usleep(APART_USEC);
	to = now();
	printf("%llu\n", (to.ticks - from.ticks) * 1000000 / (to.ns - from.ns));
	return 0;
}
