// SPDX-License-Identifier: GPL-2.0
/* module: reserve=0:16M max=16M */
/*
 * Memory that is free can be had, whatever the module is doing with it at that
 * moment: zeroing it, converting it, giving it back. The pool is exactly as
 * large as what the test holds, so one chunk that cannot be had is a failure.
 */
#include "zcpool_test.h"

#define POOL_BYTES	(16 * MIB)
#define CHUNKS		((int)(POOL_BYTES / CHUNK))
#define ROUNDS		150

/* Makes all of the pool whole chunks, in buffers */
static int take_whole(int pool, int *bufs, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		bufs[i] = buf_alloc(pool, CHUNK, ZCPOOL_ALLOC_HUGE, -1);
		if (bufs[i] < 0)
			break;
	}
	return i;
}

/* The scrubber starts a few ms after a free: ask before, while, and after. */
TEST_F(pool, a_chunk_being_zeroed)
{
	int bufs[CHUNKS], i;
	__u32 seed = 1;

	ASSERT_EQ(CHUNKS, take_whole(self->fd, bufs, CHUNKS));
	for (i = 0; i < ROUNDS; i++) {
		close(bufs[i % CHUNKS]);
		usleep(rnd(&seed) % 10000);
		bufs[i % CHUNKS] = buf_alloc(self->fd, CHUNK, 0, -1);
		ASSERT_LE(0, bufs[i % CHUNKS])
			TH_LOG("round %d: %s", i, strerror(-bufs[i % CHUNKS]));
	}
	for (i = 0; i < CHUNKS; i++)
		close(bufs[i]);
}

struct worker {
	int pool;
	__u64 size;
	int failed;
};

/* Each gives back its own before it asks again, so there is always enough. */
static void *give_and_take(void *arg)
{
	struct worker *w = arg;
	int i, buf;

	for (i = 0; i < ROUNDS && !w->failed; i++) {
		buf = buf_alloc(w->pool, w->size, 0, -1);
		if (buf < 0)
			w->failed = -buf;
		else
			close(buf);
	}
	return NULL;
}

static void work(struct __test_metadata *_metadata, struct worker *w, int n)
{
	pthread_t threads[4];
	int i;

	for (i = 0; i < n; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, give_and_take, &w[i]));
	for (i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_EQ(0, w[i].failed)
			TH_LOG("%llu bytes: %s", w[i].size, strerror(w[i].failed));
	}
}

TEST_F(pool, the_last_two_chunks_for_two_threads)
{
	struct worker w[2] = {
		{ .pool = self->fd, .size = CHUNK },
		{ .pool = self->fd, .size = CHUNK },
	};
	int bufs[CHUNKS], i;

	ASSERT_EQ(CHUNKS - 2, take_whole(self->fd, bufs, CHUNKS - 2));
	work(_metadata, w, 2);
	for (i = 0; i < CHUNKS - 2; i++)
		close(bufs[i]);
}

/* One chunk of each kind will do, but which is which changes all the time. */
TEST_F(pool, the_last_two_chunks_for_small_and_large)
{
	struct worker w[4] = {
		{ .pool = self->fd, .size = CHUNK },
		{ .pool = self->fd, .size = PAGE },
		{ .pool = self->fd, .size = 64 * KIB },
		{ .pool = self->fd, .size = PAGE },
	};
	int bufs[CHUNKS], i;

	ASSERT_EQ(CHUNKS - 2, take_whole(self->fd, bufs, CHUNKS - 2));
	work(_metadata, w, 4);
	for (i = 0; i < CHUNKS - 2; i++)
		close(bufs[i]);
}

/* The one chunk that is left is what everybody wants, in turn. */
TEST_F(pool, the_last_chunk_in_either_kind)
{
	int bufs[CHUNKS], i, buf;

	ASSERT_EQ(CHUNKS - 1, take_whole(self->fd, bufs, CHUNKS - 1));
	for (i = 0; i < 30; i++) {
		buf = buf_alloc(self->fd, i % 2 ? CHUNK : PAGE, 0, -1);
		ASSERT_LE(0, buf)
			TH_LOG("round %d: %s", i, strerror(-buf));
		close(buf);
		usleep(i % 3 * 4000);
	}
	for (i = 0; i < CHUNKS - 1; i++)
		close(bufs[i]);
}

TEST_HARNESS_MAIN
