/* SPDX-License-Identifier: GPL-2.0 */
/* What a test that "scripts/fuzz to-c" wrote needs beside the calls. */
#ifndef ZCPOOL_FUZZ_REPLAY_H
#define ZCPOOL_FUZZ_REPLAY_H

#include <pthread.h>

#include "calls.h"

#define CALL(name, ...)	fuzz_##name(z, (const __u64[]){ __VA_ARGS__ })
#define TEXT(list, text)	text_index(list, text)

#define REPLAY_THREADS	3
#define REPLAY_WORKERS	2

typedef void replay_fn(struct fuzz *z);

struct replay_thread {
	struct fuzz *z;
	replay_fn *fn;
	pthread_barrier_t *begin;
};

static inline void *replay_thread(void *arg)
{
	struct replay_thread *thread = arg;

	fuzz_thread_init(thread->z);
	pthread_barrier_wait(thread->begin);
	thread->fn(thread->z);
	return NULL;
}

/* All at once, and waits for them; NULL is a thread that does nothing. */
static inline void replay_together(struct fuzz *z, replay_fn * const *fns)
{
	struct replay_thread threads[REPLAY_THREADS];
	unsigned int i, n = 0;
	pthread_barrier_t begin;
	pthread_t id[REPLAY_THREADS];

	for (i = 0; i < REPLAY_THREADS; i++)
		n += !!fns[i];
	pthread_barrier_init(&begin, NULL, n);
	z->threaded = n > 1;
	for (i = n = 0; i < REPLAY_THREADS; i++) {
		if (!fns[i])
			continue;
		threads[n] = (struct replay_thread){ z, fns[i], &begin };
		pthread_create(&id[n], NULL, replay_thread, &threads[n]);
		n++;
	}
	while (n)
		pthread_join(id[--n], NULL);
	z->threaded = false;
}

/* Runs what each worker did in a process of its own; returns what was wrong, or "". */
static inline const char *replay(replay_fn * const *workers, unsigned int times)
{
	struct fuzz_report *report = mmap(NULL, REPLAY_WORKERS * sizeof(*report), RDWR,
					  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid[REPLAY_WORKERS] = {};
	struct fuzz z;
	unsigned int i;

	for (; times && !report[0].wrong[0] && !report[1].wrong[0]; times--) {
		for (i = 0; i < REPLAY_WORKERS; i++) {
			if (!workers[i])
				continue;
			pid[i] = fork();
			if (!pid[i]) {
				fuzz_init(&z, 1 + (times * REPLAY_WORKERS + i) % 100, &report[i]);
				workers[i](&z);
				_exit(0);
			}
		}
		for (i = 0; i < REPLAY_WORKERS; i++)
			if (workers[i])
				waitpid(pid[i], NULL, 0);
		fuzz_collect_sockets();
	}
	return report[0].wrong[0] ? report[0].wrong : report[1].wrong;
}

#endif /* ZCPOOL_FUZZ_REPLAY_H */
