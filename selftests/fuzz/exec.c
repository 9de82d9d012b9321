// SPDX-License-Identifier: GPL-2.0
/*
 * Runs programs. They share a process, for a fork takes as long as many of them; each
 * begins with empty slots and leaves nothing behind.
 *
 * KCOV counts for one thread, from when the thread enables it. Only the module is
 * built to tell it anything, so that all addresses are the module's.
 */
#include <errno.h>
#include <linux/kcov.h>
#include <pthread.h>

#include "exec.h"

#define KCOV_WORDS	(16UL * 1024)

struct run {
	const struct worker *worker;
	const struct prog *prog;
	struct fuzz fuzz;
	char *scratch[PROG_THREADS];
	pthread_barrier_t begin, end;
};

struct run_thread {
	struct run *run;
	unsigned int nr;
};

static bool kcov_open(struct kcov *kcov)
{
	kcov->fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	if (kcov->fd < 0 || ioctl(kcov->fd, KCOV_INIT_TRACE, KCOV_WORDS))
		return false;
	kcov->area = mmap(NULL, KCOV_WORDS * 8, RDWR, MAP_SHARED, kcov->fd, 0);
	if (kcov->area != MAP_FAILED)
		return true;
	kcov->area = NULL;
	return false;
}

bool worker_init(struct worker *worker, unsigned int nr, struct shared *shared)
{
	unsigned int i;

	*worker = (struct worker){ .nr = nr, .shared = shared };
	for (i = 0; i < PROG_THREADS; i++)
		if (!kcov_open(&worker->kcov[i]))
			return false;
	return true;
}

static void kcov_enable(const struct kcov *kcov)
{
	if (kcov->area && ioctl(kcov->fd, KCOV_ENABLE, KCOV_TRACE_PC)) {
		perror("fuzz: KCOV_ENABLE");
		_exit(2);
	}
}

static unsigned int edge_of(__u64 from, __u64 to)
{
	return (from * 3 ^ to) * 0x9e3779b97f4a7c15ULL >> (64 - EDGE_BITS);
}

/* Adds a thread's edges to those of all; how many of them nobody had before. */
static unsigned int kcov_collect(const struct kcov *kcov, struct shared *shared)
{
	unsigned int new = 0;
	__u64 i, n, from = 0;

	if (!kcov->area)
		return 0;
	n = __atomic_load_n(&kcov->area[0], __ATOMIC_RELAXED);
	for (i = 1; i <= n && i < KCOV_WORDS; i++) {
		__u8 *edge = &shared->edge[edge_of(from, kcov->area[i])];

		if (!*edge)
			new += !__atomic_exchange_n(edge, 1, __ATOMIC_RELAXED);
		from = kcov->area[i];
	}
	__atomic_fetch_add(&shared->edges, new, __ATOMIC_RELAXED);
	return new;
}

static long run_call(struct run *run, const struct call *call)
{
	struct shared *shared = run->worker->shared;
	long ret;

	errno = 0;
	ret = call_table[call->op].run(&run->fuzz, call->arg);
	__atomic_fetch_add(&shared->made[call->op], 1, __ATOMIC_RELAXED);
	if (ret >= 0)
		__atomic_fetch_add(&shared->succeeded[call->op], 1, __ATOMIC_RELAXED);
	if (run->worker->verbose) {
		fprintf(stderr, "# %ld (%s)\t", ret, ret < 0 ? strerror(errno) : "ok");
		call_print(call, stderr);
	}
	return ret;
}

/* The calls of the mask, bit by bit of prog->call, one after the other */
static void run_calls(struct run *run, __u32 mask)
{
	unsigned int fork_op = call_named("fork"), i;
	const struct call *call;
	__u32 child;
	long ret;

	while (mask) {
		i = __builtin_ctz(mask);
		mask &= mask - 1;
		call = &run->prog->call[i];
		ret = run_call(run, call);
		if (call->op != fork_op)
			continue;
		child = mask & prog_child_calls(run->prog, i);
		mask &= ~child;
		if (!ret) {
			run_calls(run, child);
			fuzz_child_end(call->arg[1]);
		}
	}
}

/* What a thread does of the part of a program that threads run together */
static void run_together(struct run *run, unsigned int thread)
{
	const struct prog *prog = run->prog;
	unsigned int i = prog_first_threaded(prog);
	__u32 mask = 0;

	for (; i < prog->nr; i++)
		if (prog->call[i].thread == thread)
			mask |= 1U << i;
	run_calls(run, mask);
	if (thread)
		fuzz_thread_end();
}

static void *thread_main(void *arg)
{
	const struct run_thread *self = arg;
	struct run *run = self->run;

	fuzz_thread_init(&run->fuzz);
	run->scratch[self->nr] = fuzz_scratch;
	kcov_enable(&run->worker->kcov[self->nr]);
	pthread_barrier_wait(&run->end);
	for (;;) {
		pthread_barrier_wait(&run->begin);
		run_together(run, self->nr);
		pthread_barrier_wait(&run->end);
	}
	return NULL;
}

static void fill_scratch(struct run *run)
{
	unsigned int i;

	for (i = 0; i < PROG_THREADS; i++)
		memset(run->scratch[i], run->fuzz.tag, FUZZ_SCRATCH);
}

static void run_prog(struct run *run, const struct prog *prog)
{
	unsigned int first = prog_first_threaded(prog), i;

	for (i = 0; i < PROG_THREADS; i++)
		if (run->worker->kcov[i].area)
			__atomic_store_n(&run->worker->kcov[i].area[0], 0, __ATOMIC_RELAXED);
	run->prog = prog;
	run->fuzz.report->foreign = false;
	run->fuzz.threaded = first < prog->nr;
	run_calls(run, (1U << first) - 1);
	if (first < prog->nr) {
		pthread_barrier_wait(&run->begin);
		run_together(run, 0);
		pthread_barrier_wait(&run->end);
	}
	fuzz_end(&run->fuzz);
	/* What the kernel wrote into a mapping may have been read from there. */
	if (run->fuzz.report->foreign)
		fill_scratch(run);
}

static void start_threads(struct run *run)
{
	static struct run_thread threads[PROG_THREADS];
	unsigned int i;
	pthread_t id;

	pthread_barrier_init(&run->begin, NULL, PROG_THREADS);
	pthread_barrier_init(&run->end, NULL, PROG_THREADS);
	run->scratch[0] = fuzz_scratch;
	kcov_enable(&run->worker->kcov[0]);
	for (i = 1; i < PROG_THREADS; i++) {
		threads[i] = (struct run_thread){ run, i };
		if (pthread_create(&id, NULL, thread_main, &threads[i]))
			_exit(2);
	}
	pthread_barrier_wait(&run->end);
}

static void run_batch(struct run *run, const struct batch *batch)
{
	const struct worker *worker = run->worker;
	unsigned int i, j, new;

	run->fuzz.tag = worker->shared->tag[worker->nr];
	fill_scratch(run);
	for (i = 0; i < batch->nr; i++) {
		run_prog(run, &batch->prog[i]);
		for (j = new = 0; j < PROG_THREADS; j++)
			new += kcov_collect(&worker->kcov[j], worker->shared);
		worker->shared->new_edges[worker->nr][i] = new;
		__atomic_fetch_add(&worker->shared->programs, 1, __ATOMIC_RELAXED);
	}
}

void worker_main(const struct worker *worker)
{
	static struct run run;
	unsigned int i;

	run.worker = worker;
	for (i = 0; i < PROG_THREADS; i++)	/* or fork would copy them */
		madvise(worker->kcov[i].area, KCOV_WORDS * 8, MADV_DONTFORK);
	fuzz_init(&run.fuzz, 0, &worker->shared->report[worker->nr]);
	start_threads(&run);
	for (;;) {
		if (sem_wait(&worker->shared->start[worker->nr]))
			continue;
		run_batch(&run, &worker->shared->round.batch[worker->nr]);
		sem_post(&worker->shared->done[worker->nr]);
	}
}
