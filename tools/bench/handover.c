// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs to hand a message over to another process, so that it is that one's alone:
 * through a pipe, which copies it twice, or by MOVE.
 *
 * What is timed begins when the sender has written the message and ends when the receiver
 * can parse it; neither writing nor parsing is part of it. With a pipe these are write(2) and
 * read(2). With MOVE it is to send the descriptor and receive it, MOVE, to close the old
 * descriptor, map the buffer and look at each 4 KiB, so that all page faults are in; and that
 * the sender unmaps and closes what was its own, either before it is taken away or after.
 *
 * A pipe's two processes can use their memory again. For MOVE, the second time has also in
 * it that the receiver unmaps and closes the buffer, which frees it; the third one, that the
 * sender has made and mapped it, and the page faults of its first writing.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crowd.h"
#include "takeback.h"

enum { HANDED_OVER, LET_GO_TOO, MADE_TOO };

struct handover {
	const struct setting *set;
	size_t size;
	__u32 flags;		/* ZCPOOL_ALLOC_* */
	bool keep;		/* the sender still maps it when it is taken away */
	int pool;
	int in, out;		/* a pipe */
	char *map;		/* the message */
	size_t map_len;
	int fd;
	__u64 serial;
	struct crew crew;
	struct reason *why;
};

static __u64 expected_sum(const struct handover *h)
{
	__u64 pages = h->size / PAGE;

	return pages * h->serial + pages * (pages - 1) / 2 * PAGE;
}

/* Waits until the receiver is done; that it has got the right bytes is not timed. */
static int received(struct handover *h, struct reply *reply)
{
	if (crew_await(&h->crew, 0, reply, h->why))
		return -1;
	if (reply->sum != expected_sum(h))
		return because(h->why, 0, "message %llu arrived damaged",
			       (unsigned long long)h->serial);
	return 0;
}

/* By a pipe: the receiver waits in read(2), or is on its way there. */

static int write_message(struct handover *h)
{
	size_t done = 0;
	ssize_t n;

	while (done < h->size) {
		n = write(h->out, h->map + done, h->size - done);
		if (n < 0)
			return because(h->why, errno, "write");
		done += n;
	}
	return 0;
}

static int pipe_once(void *arg, __u64 *ns)
{
	struct handover *h = arg;
	struct reply reply;
	__u64 start;

	write_pages(h->map, h->size, ++h->serial);
	if (crew_tell(&h->crew, 0, DUTY_READ, h->size, h->in, h->why))
		return -1;
	sched_yield();
	start = now();
	if (write_message(h) || received(h, &reply))
		return -1;
	ns[HANDED_OVER] = less(reply.done - start, h->set->clock_cost);
	return 0;
}

/* All of it fits in, which spares the two to wait for each other. */
static int pipe_open(struct handover *h)
{
	int fds[2];

	h->map = mmap(NULL, h->size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (h->map == MAP_FAILED)
		return because(h->why, errno, "mmap");
	if (pipe2(fds, O_CLOEXEC))
		return because(h->why, errno, "pipe");
	h->in = fds[0];
	h->out = fds[1];
	if (fcntl(h->out, F_SETPIPE_SZ, (int)h->size) < 0)
		return because(h->why, errno, "F_SETPIPE_SZ");
	return 0;
}

/* By MOVE */

static int make(struct handover *h)
{
	uint64_t size = h->size;

	h->fd = zcpool_alloc(h->pool, &size, h->flags, -1);
	if (h->fd < 0)
		return because(h->why, errno, "ZCPOOL_IOC_ALLOC");
	h->map = zcpool_map(h->fd, PROT_READ | PROT_WRITE, 0, &h->map_len);
	if (h->map == MAP_FAILED)
		return because(h->why, errno, "mmap");
	write_pages(h->map, h->size, ++h->serial);
	return 0;
}

static int unmap(struct handover *h)
{
	return munmap(h->map, h->map_len) ? because(h->why, errno, "munmap") : 0;
}

static int close_fd(struct handover *h)
{
	return close(h->fd) ? because(h->why, errno, "close") : 0;
}

static int move_once(void *arg, __u64 *ns)
{
	__u64 begin, made, back, end, cost;
	struct handover *h = arg;
	struct reply reply;

	if (hoard_wait_clean(h->pool, -1, h->why))
		return -1;
	begin = now();
	if (make(h))
		return -1;
	made = now();
	if ((!h->keep && unmap(h)) ||
	    crew_tell(&h->crew, 0, DUTY_TAKE, h->size, h->fd, h->why) ||
	    (!h->keep && close_fd(h)) || received(h, &reply))
		return -1;
	back = now();
	if (h->keep && (unmap(h) || close_fd(h)))
		return -1;
	end = now();
	cost = h->set->clock_cost;
	ns[HANDED_OVER] = less(reply.done - made, cost) + less(end - back, cost);
	ns[LET_GO_TOO] = ns[HANDED_OVER] + less(reply.gone - reply.done, cost);
	ns[MADE_TOO] = ns[LET_GO_TOO] + less(made - begin, cost);
	return 0;
}

static int move_open(struct handover *h)
{
	h->pool = zcpool_open(NULL);
	return h->pool < 0 ? because(h->why, errno, "/dev/zcpool/default") : 0;
}

static void run(struct handover *h, int (*open)(struct handover *h), sample_fn *once,
		struct takeback_row *row)
{
	static const char * const names[HANDOVER_CASES] = {
		"handed over", "and let go of", "made, handed over and let go of",
	};
	unsigned int i;

	h->pool = -1;
	h->in = -1;
	h->out = -1;
	h->why = &row->cases[HANDED_OVER].why;
	/* Who is woken waits for its turn, as it would not for another processor. */
	set_policy(SCHED_BATCH);
	if (!open(h) && !crew_start(&h->crew, 1, h->set, h->why))
		sample(once, h, row->cases, row->nr_cases);
	for (i = 0; i < row->nr_cases; i++) {
		row->cases[i].name = names[i];
		row->cases[i].why = *h->why;
	}
	crew_stop(&h->crew);
	set_policy(SCHED_OTHER);
	close(h->pool);
	close(h->in);
	close(h->out);
}

void measure_pipe(const struct setting *set, struct takeback_row *row)
{
	struct handover h = { .set = set, .size = row->size };

	row->nr_cases = 1;
	run(&h, pipe_open, pipe_once, row);
	if (h.map && h.map != MAP_FAILED)
		munmap(h.map, h.size);
}

static void measure_move(struct handover *h, struct takeback_row *row)
{
	row->nr_cases = HANDOVER_CASES;
	run(h, move_open, move_once, row);
}

/* 1 MiB is in one chunk, then, and mapped by one entry. */
void measure_move_huge(const struct setting *set, struct takeback_row *row)
{
	struct handover h = { .set = set, .size = row->size, .flags = ZCPOOL_ALLOC_HUGE };

	measure_move(&h, row);
}

void measure_move_mapped(const struct setting *set, struct takeback_row *row)
{
	struct handover h = {
		.set = set, .size = row->size, .flags = ZCPOOL_ALLOC_HUGE, .keep = true,
	};

	measure_move(&h, row);
}

void measure_move_small(const struct setting *set, struct takeback_row *row)
{
	struct handover h = { .set = set, .size = row->size };

	measure_move(&h, row);
}
