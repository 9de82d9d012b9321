// SPDX-License-Identifier: GPL-2.0
/* module: reserve=32M max=128M */
/*
 * What processes that share memory wait for each other with: mutexes, conditions,
 * semaphores and barriers in a buffer, which are all built on shared futexes.
 */
#include "zcpool_test.h"
#include <linux/futex.h>
#include <semaphore.h>

#define ROUNDS		300

struct shared {
	pthread_mutex_t mutex;
	pthread_mutex_t robust;
	pthread_mutex_t inherits;
	pthread_cond_t cond;
	pthread_barrier_t barrier;
	sem_t there;
	sem_t back;
	int turn;
	int count;
};

/* A small buffer, one of whole chunks, and one with a tail; and where in them */
static const struct place {
	size_t size;
	size_t off;
} places[] = {
	{ PAGE, 0 },
	{ 3 * PAGE, 2 * PAGE + 1024 },
	{ 2 * CHUNK, 0 },
	{ 2 * CHUNK, 77 * PAGE + 64 },
	{ 2 * CHUNK, 2 * CHUNK - PAGE },
	{ CHUNK + 3 * PAGE, CHUNK + 2 * PAGE },
};

static bool mutex_new(pthread_mutex_t *m, int robust, int protocol)
{
	pthread_mutexattr_t attr;

	return !pthread_mutexattr_init(&attr) &&
	       !pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) &&
	       !pthread_mutexattr_setrobust(&attr, robust) &&
	       !pthread_mutexattr_setprotocol(&attr, protocol) &&
	       !pthread_mutex_init(m, &attr);
}

static bool shared_new(struct shared *s)
{
	pthread_condattr_t cond;
	pthread_barrierattr_t barrier;

	return mutex_new(&s->mutex, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE) &&
	       mutex_new(&s->robust, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE) &&
	       mutex_new(&s->inherits, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_INHERIT) &&
	       !pthread_condattr_init(&cond) &&
	       !pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED) &&
	       !pthread_cond_init(&s->cond, &cond) &&
	       !pthread_barrierattr_init(&barrier) &&
	       !pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED) &&
	       !pthread_barrier_init(&s->barrier, &barrier, 2) &&
	       !sem_init(&s->there, 1, 0) && !sem_init(&s->back, 1, 0);
}

/*
 * Two processes run this, each with a mapping of its own; me is 0 or 1. What comes out
 * of step with the other is found out in the end.
 */
static void both(struct shared *s, int me)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&s->barrier);
		pthread_mutex_lock(&s->mutex);
		while (s->turn % 2 != me)
			pthread_cond_wait(&s->cond, &s->mutex);
		s->turn++;
		pthread_cond_signal(&s->cond);
		pthread_mutex_unlock(&s->mutex);

		sem_post(me ? &s->there : &s->back);
		sem_wait(me ? &s->back : &s->there);

		pthread_mutex_lock(&s->inherits);
		s->count++;
		pthread_mutex_unlock(&s->inherits);
	}
}

/* Starts a process that does something with the same buffer, mapped elsewhere. */
static pid_t start(char *again, const struct place *at, void (*run)(struct shared *s))
{
	pid_t pid = fork();

	if (pid)
		return pid;
	run((struct shared *)(again + at->off));
	_exit(0);
}

static void second(struct shared *s)
{
	both(s, 1);
}

static void dies_with_locks(struct shared *s)
{
	pthread_mutex_lock(&s->robust);
	pthread_mutex_lock(&s->inherits);
	s->count = 77;
	raise(SIGKILL);
}

/* A new buffer, mapped twice, with what is shared in the place of the first mapping */
struct maps {
	char *first;
	char *second;
	size_t size;
	int buf;
};

static struct shared *map_twice(struct __test_metadata *_metadata, int pool,
				const struct place *at, struct maps *m)
{
	struct shared *s;

	m->size = at->size;
	m->first = map_new(_metadata, pool, at->size, &m->buf);
	m->second = buf_map(m->buf, at->size, 0);
	ASSERT_NE(MAP_FAILED, m->second);
	s = (struct shared *)(m->first + at->off);
	ASSERT_TRUE(shared_new(s));
	return s;
}

static void unmap_both(const struct maps *m)
{
	munmap(m->second, m->size);
	munmap(m->first, m->size);
	close(m->buf);
}

TEST_F(pool, processes_wait_for_each_other)
{
	struct shared *s;
	struct maps m;
	unsigned int i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		s = map_twice(_metadata, self->fd, &places[i], &m);
		pid = start(m.second, &places[i], second);
		both(s, 0);
		EXPECT_EQ(0, child_status(pid));
		EXPECT_EQ(2 * ROUNDS, s->turn);
		EXPECT_EQ(2 * ROUNDS, s->count);
		unmap_both(&m);
	}
}

/* The kernel marks what a dead process had locked. */
TEST_F(pool, owner_dies)
{
	struct shared *s;
	struct maps m;
	unsigned int i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		s = map_twice(_metadata, self->fd, &places[i], &m);
		pid = start(m.second, &places[i], dies_with_locks);
		EXPECT_EQ(128 + SIGKILL, child_status(pid));
		EXPECT_EQ(EOWNERDEAD, pthread_mutex_lock(&s->robust));
		EXPECT_EQ(0, pthread_mutex_consistent(&s->robust));
		EXPECT_EQ(0, pthread_mutex_unlock(&s->robust));
		EXPECT_EQ(0, pthread_mutex_lock(&s->robust));
		EXPECT_EQ(EOWNERDEAD, pthread_mutex_lock(&s->inherits));
		EXPECT_EQ(77, s->count);
		/* The kernel has them on a list that must not lead into what is unmapped. */
		EXPECT_EQ(0, pthread_mutex_unlock(&s->inherits));
		EXPECT_EQ(0, pthread_mutex_unlock(&s->robust));
		unmap_both(&m);
	}
}

static long futex(__u32 *at, int op, __u32 value, const struct timespec *timeout)
{
	return syscall(SYS_futex, at, op, value, timeout, NULL, 0);
}

/* For as long as the word is 0 */
static void *sleeper(void *arg)
{
	__u32 *at = arg;

	while (!__atomic_load_n(at, __ATOMIC_SEQ_CST))
		futex(at, FUTEX_WAIT, 0, NULL);
	return NULL;
}

/*
 * Each word of each buffer is one of its own: a wake-up at the same place of another buffer,
 * or at another place, finds nobody; through another mapping it finds who sleeps.
 */
TEST_F(pool, one_word_is_one_futex)
{
	size_t len = CHUNK + 4 * PAGE;
	char *p, *again, *other;
	size_t offs[] = { 0, 64, PAGE, 5 * PAGE, CHUNK, CHUNK + 3 * PAGE };
	pthread_t thread;
	int buf, buf2;
	unsigned int i, k;
	long woken;

	p = map_new(_metadata, self->fd, len, &buf);
	other = map_new(_metadata, self->fd, len, &buf2);
	again = buf_map(buf, len, 0);
	ASSERT_NE(MAP_FAILED, again);
	for (i = 0; i < ARRAY_SIZE(offs); i++) {
		__u32 *at = (__u32 *)(again + offs[i]);

		ASSERT_EQ(0, pthread_create(&thread, NULL, sleeper, p + offs[i]));
		/* It sleeps once a wake-up has found it; it then sleeps again. */
		do {
			woken = futex(at, FUTEX_WAKE, INT_MAX, NULL);
			ASSERT_LE(0, woken);
		} while (!woken && !sched_yield());
		EXPECT_EQ(1, woken);
		for (k = 0; k < ARRAY_SIZE(offs); k++) {
			EXPECT_EQ(0, futex((__u32 *)(other + offs[k]), FUTEX_WAKE, INT_MAX, NULL));
			if (k != i)
				EXPECT_EQ(0, futex((__u32 *)(again + offs[k]), FUTEX_WAKE,
						   INT_MAX, NULL));
		}
		__atomic_store_n(at, 1, __ATOMIC_SEQ_CST);
		EXPECT_LE(0, futex(at, FUTEX_WAKE, INT_MAX, NULL));
		pthread_join(thread, NULL);
	}
	munmap(p, len);
	munmap(again, len);
	munmap(other, len);
	close(buf);
	close(buf2);
}

struct race {
	char *p;
	size_t len;
	bool stop;
};

static void *wait_and_wake(void *arg)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	struct race *r = arg;
	size_t off = 0;

	while (!__atomic_load_n(&r->stop, __ATOMIC_SEQ_CST)) {
		futex((__u32 *)(r->p + off), FUTEX_WAIT, 0, &ms);
		futex((__u32 *)(r->p + off), FUTEX_WAKE, 1, NULL);
		off = (off + 3 * PAGE) % r->len;
	}
	return NULL;
}

/* The buffer under them is freed again and again, and its memory is another's at once. */
TEST_F(pool, freed_under_the_waiters)
{
	static const size_t sizes[] = { 12 * PAGE, CHUNK, CHUNK + 6 * PAGE };
	pthread_t thread[3];
	struct race r = { 0 };
	unsigned int i, k, n;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		r.len = sizes[i];
		r.stop = false;
		r.p = mmap(NULL, r.len, RDWR, MAP_SHARED, self->fd, 0);
		ASSERT_NE(MAP_FAILED, r.p);
		for (k = 0; k < ARRAY_SIZE(thread); k++)
			ASSERT_EQ(0, pthread_create(&thread[k], NULL, wait_and_wake, &r));
		for (n = 0; n < 200; n++) {
			EXPECT_EQ(r.p, mmap(r.p, r.len, RDWR, MAP_SHARED | MAP_FIXED,
					    self->fd, 0));
			r.p[n % r.len] = 0;
		}
		__atomic_store_n(&r.stop, true, __ATOMIC_SEQ_CST);
		for (k = 0; k < ARRAY_SIZE(thread); k++)
			pthread_join(thread[k], NULL);
		munmap(r.p, r.len);
	}
}

TEST_HARNESS_MAIN
