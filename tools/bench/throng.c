// SPDX-License-Identifier: GPL-2.0
/* Threads that are in the way of a call that is timed, or elsewhere. */
#include <errno.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "crowd.h"

#define TURN		25000	/* ns */
#define SPINS		2000	/* about as long as to make and close a buffer */

static void spin(void)
{
	int i;

	for (i = 0; i < SPINS; i++)
		asm volatile("");
}

/* One piece. There may be none left for us: that is no error. */
static void make_one(struct throng *t, struct member *m)
{
	uint64_t size = PAGE;
	int fd = zcpool_alloc(t->pool, &size, ZCPOOL_ALLOC_THISNODE, t->node);

	if (fd >= 0)
		close(fd);
	else if (errno == ENOSPC || errno == ENOMEM)
		atomic_fetch_add(&m->refused, 1);
	else
		atomic_store(&t->error, errno);
}

/* A call that does not end as long as there are others would never be measured. */
static bool sent_off(struct throng *t)
{
	__u64 call = atomic_load(&t->call), time = now();

	if (!call || time < call + PATIENCE)
		return false;
	atomic_store(&t->sent_off, true);
	return true;
}

/* All are made before any begins; they begin when we do. */
static void begin(struct throng *t, const cpu_set_t *cpus)
{
	sched_setaffinity(0, sizeof(*cpus), cpus);
	pthread_mutex_lock(&t->gate);
	pthread_mutex_unlock(&t->gate);
	pthread_barrier_wait(&t->start);
}

/* Whether turns are kept short */
bool throng_ticks(const struct setting *set)
{
	return set->icount && set->nr_others > TICKERS;
}

static void *member_main(void *arg)
{
	struct member *m = arg;
	struct throng *t = m->throng;

	begin(t, &t->cpus);
	while (!atomic_load(&t->stop)) {
		if (sent_off(t)) {
			sched_yield();
			continue;
		}
		if (t->node >= 0)
			make_one(t, m);
		else
			spin();
		atomic_fetch_add(&m->done, 1);
	}
	return NULL;
}

/*
 * Under icount a virtual processor runs until it waits or any timer is due, so most
 * calls would see the others stand still, or take all of a tick. Two threads, on the
 * processors whose turns are before and after the members', always have one due.
 */
static void *ticker_main(void *arg)
{
	struct member *m = arg;
	struct throng *t = m->throng;
	struct timespec turn = { .tv_nsec = TURN };

	prctl(PR_SET_TIMERSLACK, 1);
	begin(t, &t->ticker_cpus[m - t->tickers]);
	while (!atomic_load(&t->stop))
		clock_nanosleep(CLOCK_MONOTONIC, 0, &turn, NULL);
	return NULL;
}

/* Takes the first CPU, or the last, of a set away. */
static void part(cpu_set_t *from, int cpu, int step, cpu_set_t *to)
{
	while (!CPU_ISSET(cpu, from))
		cpu += step;
	CPU_CLR(cpu, from);
	CPU_ZERO(to);
	CPU_SET(cpu, to);
}

/* The members get all CPUs but ours, where there are such, and but the tickers'. */
static void share_cpus(struct throng *t)
{
	t->cpus = t->set->others;
	if (!t->set->nr_others)
		sched_getaffinity(0, sizeof(t->cpus), &t->cpus);
	if (!throng_ticks(t->set))
		return;
	part(&t->cpus, 0, 1, &t->ticker_cpus[0]);
	part(&t->cpus, CPU_SETSIZE - 1, -1, &t->ticker_cpus[1]);
}

static int start_one(struct throng *t, struct member *m, void *(*start)(void *))
{
	m->throng = t;
	return pthread_create(&m->thread, NULL, start, m);
}

/* throng_stop() also after an error */
int throng_start(struct throng *t, struct reason *why)
{
	int err = 0;

	share_cpus(t);
	pthread_mutex_init(&t->gate, NULL);
	pthread_mutex_lock(&t->gate);
	while (t->nr < THREADS && !err) {
		err = start_one(t, &t->members[t->nr], member_main);
		t->nr += !err;
	}
	while (t->nr_tickers < TICKERS && throng_ticks(t->set) && !err) {
		err = start_one(t, &t->tickers[t->nr_tickers], ticker_main);
		t->nr_tickers += !err;
	}
	pthread_barrier_init(&t->start, NULL, t->nr + t->nr_tickers + 1);
	pthread_mutex_unlock(&t->gate);
	pthread_barrier_wait(&t->start);
	return err ? because(why, err, "pthread_create") : 0;
}

void throng_stop(struct throng *t)
{
	unsigned int i;

	atomic_store(&t->stop, true);
	for (i = 0; i < t->nr; i++)
		pthread_join(t->members[i].thread, NULL);
	for (i = 0; i < t->nr_tickers; i++)
		pthread_join(t->tickers[i].thread, NULL);
	pthread_barrier_destroy(&t->start);
	pthread_mutex_destroy(&t->gate);
}

__u64 throng_done(struct throng *t)
{
	__u64 sum = 0;
	size_t i;

	for (i = 0; i < THREADS; i++)
		sum += atomic_load(&t->members[i].done);
	return sum;
}

__u64 throng_refused(struct throng *t)
{
	__u64 sum = 0;
	size_t i;

	for (i = 0; i < THREADS; i++)
		sum += atomic_load(&t->members[i].refused);
	return sum;
}

/* Returns when they have done so much more. */
int throng_pass(struct throng *t, __u64 pieces, struct reason *why)
{
	__u64 until = throng_done(t) + pieces;
	int err;

	while (throng_done(t) < until) {
		err = atomic_load(&t->error);
		if (err)
			return because(why, err, "a thread's ZCPOOL_IOC_ALLOC");
		sched_yield();
	}
	return 0;
}
