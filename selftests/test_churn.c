// SPDX-License-Identifier: GPL-2.0
/* module: reserve=64M max=256M */
/* timeout: 300 */
/*
 * Processes that make, touch, pass on, unmap in part and are killed, for
 * ZCPOOL_SECONDS seconds (10); afterwards every counter must add up.
 */
#include "zcpool_test.h"
#include <time.h>

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	280

#define PROCS		8
#define HELD		6

/* Exit codes of a worker that found something wrong */
enum { BAD_ALLOC = 1, BAD_MAP, BAD_INFO, BAD_DIRTY, BAD_RECEIVED };

struct held {
	int fd;
	char *p;
	size_t len;
};

static void drop(struct held *h)
{
	if (h->p)
		munmap(h->p, h->len);
	if (h->fd > 0)
		close(h->fd);
	memset(h, 0, sizeof(*h));
}

static int take(int pool, struct held *h, __u32 *seed)
{
	struct zcpool_buf_info bi;
	__u32 flags = 0;

	h->len = (PAGE << rnd(seed) % 11) + rnd(seed) % 5 * PAGE;
	switch (rnd(seed) % 8) {
	case 0:
		flags = ZCPOOL_ALLOC_HUGE;
		break;
	case 1:
		flags = h->len <= CHUNK ? ZCPOOL_ALLOC_CONTIG : 0;
		break;
	case 2:
		flags = ZCPOOL_ALLOC_NOWAIT;
		break;
	case 3:
		h->fd = 0;
		h->p = mmap(NULL, h->len, RDWR, MAP_SHARED, pool, 0);
		if (h->p == MAP_FAILED) {
			h->p = NULL;
			return errno == ENOSPC || errno == ENOMEM ? 0 : BAD_MAP;
		}
		return all_zero(h->p, h->len) ? 0 : BAD_DIRTY;
	}
	h->fd = buf_alloc(pool, h->len, flags, rnd(seed) % 3 ? -1 : (int)(rnd(seed) % 2));
	if (h->fd < 0) {
		int err = -h->fd;

		h->fd = 0;
		/* A node 1 need not be there. */
		return err == ENOSPC || err == ENOMEM || err == EAGAIN || err == EINVAL ?
			0 : BAD_ALLOC;
	}
	if (buf_info(h->fd, &bi) || bi.size < h->len)
		return BAD_INFO;
	h->p = buf_map(h->fd, h->len, 0);
	if (h->p == MAP_FAILED)
		return BAD_MAP;
	if (!all_zero(h->p, h->len))
		return BAD_DIRTY;
	/* The first word says how much there is to whoever receives it. */
	memset(h->p, 0xa5, h->len);
	*(__u64 *)h->p = h->len;
	return 0;
}

/* A buffer from the sibling: its first word must be its length. */
static int receive(int sock)
{
	struct zcpool_buf_info bi;
	int fd, err = 0;
	__u64 len;

	fd = recv_fd(sock, MSG_DONTWAIT);
	if (fd < 0)
		return 0;
	if (buf_info(fd, &bi) || pread(fd, &len, 8, 0) != 8 || len > bi.size)
		err = BAD_RECEIVED;
	close(fd);
	return err;
}

static void worker(int pool, int sock, __u32 seed)
{
	struct held held[HELD] = { 0 }, *h;
	int err = 0;

	while (!err) {
		h = &held[rnd(&seed) % HELD];
		switch (rnd(&seed) % 5) {
		case 0:
			if (h->fd > 0 && h->p)
				send_fd(sock, h->fd);
			break;
		case 1:
			err = receive(sock);
			break;
		case 2:
			/* Out of the middle; the rest goes with drop(). */
			if (h->p && h->len > 3 * PAGE)
				munmap(h->p + PAGE, h->len / PAGE / 2 * PAGE);
			break;
		default:
			drop(h);
			err = take(pool, h, &seed);
		}
	}
	_exit(err);
}

static int buffers_listed(void)
{
	FILE *f = fopen(DEBUGFS "/buffers", "re");
	char line[512];
	int n = -1;

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		n++;
	fclose(f);
	return n;
}

TEST_F(pool, processes)
{
	int sk[PROCS / 2][2], i, n = 0, st, secs;
	struct zcpool_info pi;
	struct timespec now, end;
	pid_t pid[PROCS];
	__u32 seed = 5;

	secs = getenv("ZCPOOL_SECONDS") ? atoi(getenv("ZCPOOL_SECONDS")) : 0;
	if (secs < 1)
		secs = 10;
	for (i = 0; i < PROCS / 2; i++)
		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, sk[i]));
	for (i = 0; i < PROCS; i++) {
		pid[i] = fork();
		if (!pid[i])
			worker(self->fd, sk[i / 2][i % 2], ++n);
		n++;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += secs;
	do {
		usleep(rnd(&seed) % 100000);
		i = rnd(&seed) % PROCS;
		kill(pid[i], SIGKILL);
		st = child_status(pid[i]);
		EXPECT_EQ(128 + SIGKILL, st)
			TH_LOG("a worker ended by itself with %d", st);
		ASSERT_EQ(0, pool_info(self->fd, -1, &pi));
		EXPECT_TRUE(info_adds_up(&pi));
		EXPECT_GE(pi.max_bytes, pi.total_bytes);
		pid[i] = fork();
		if (!pid[i])
			worker(self->fd, sk[i / 2][i % 2], ++n);
		n++;
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec < end.tv_sec);
	for (i = 0; i < PROCS; i++) {
		kill(pid[i], SIGKILL);
		st = child_status(pid[i]);
		EXPECT_EQ(128 + SIGKILL, st)
			TH_LOG("a worker ended by itself with %d", st);
	}
	TH_LOG("%d processes were killed", n);
	for (i = 0; i < PROCS / 2; i++) {
		close(sk[i][0]);
		close(sk[i][1]);
	}
	EXPECT_EQ(0, pool_wait_used(self->fd, 0));
	EXPECT_EQ(0, pool_wait_idle(self->fd, &pi));
	EXPECT_EQ(0, pi.used_bytes);
	EXPECT_EQ(0, pi.quarantined_bytes);
	EXPECT_EQ(0, pi.dirty_bytes);
	EXPECT_EQ(0, pi.retired_bytes);
	EXPECT_EQ(pi.total_bytes, pi.clean_bytes);
	/* What is clean and too much, or missing, is seen to after all is clean. */
	EXPECT_EQ(0, pool_wait_reserve(self->fd, -1, CHUNK, &pi));
	EXPECT_EQ(0, buffers_listed());
}

TEST_HARNESS_MAIN
