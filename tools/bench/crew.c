// SPDX-License-Identifier: GPL-2.0
/* Processes that map what they are sent, and do what else they are told. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "takeback.h"

struct order {
	enum duty duty;
	size_t size;
};

/* One process's own */
struct hand {
	char *map;
	size_t map_len;
	char *copy;		/* where a message from a pipe goes */
	size_t copy_len;
	struct reply reply;
};

static int fail(struct hand *h, const char *what)
{
	h->reply.failed = true;
	return because(&h->reply.why, errno, "another process: %s", what);
}

/*
 * Returns the descriptor of the new buffer. It is the bare call that is timed; zcpool_move()
 * also looks whether it is a buffer, as zcpool_map() does in any case.
 */
int move_buffer(int fd)
{
	struct zcpool_new_fd args = { 0 };

	return ioctl(fd, ZCPOOL_BUF_MOVE, &args) ? -1 : args.fd;
}

/* The first word of each 4 KiB is enough to have all of it mapped. */
void write_pages(char *p, size_t size, __u64 serial)
{
	size_t i;

	for (i = 0; i < size; i += PAGE)
		*(volatile __u64 *)(p + i) = serial + i;
}

static __u64 sum_pages(const char *p, size_t size)
{
	__u64 sum = 0;
	size_t i;

	for (i = 0; i < size; i += PAGE)
		sum += *(const volatile __u64 *)(p + i);
	return sum;
}

static int map(struct hand *h, int fd)
{
	h->map = zcpool_map(fd, PROT_READ | PROT_WRITE, 0, &h->map_len);
	if (h->map == MAP_FAILED) {
		h->map = NULL;
		return fail(h, "mmap");
	}
	return 0;
}

static int unmap(struct hand *h)
{
	char *p = h->map;

	h->map = NULL;
	return p && munmap(p, h->map_len) ? fail(h, "munmap") : 0;
}

/* From a descriptor that others may have, too, to the end of the message */
static int take(struct hand *h, size_t size, int fd)
{
	int own = move_buffer(fd);

	if (own < 0)
		return fail(h, "ZCPOOL_BUF_MOVE");
	if (close(fd) || map(h, own))
		return fail(h, "a buffer moved");
	h->reply.sum = sum_pages(h->map, size);
	h->reply.done = now();
	if (unmap(h) || close(own))
		return fail(h, "letting go");
	h->reply.gone = now();
	return 0;
}

/* Mapped for good, as is usual where messages are read one after the other */
static int room_for_copy(struct hand *h, size_t size)
{
	if (h->copy_len >= size)
		return 0;
	h->copy = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (h->copy == MAP_FAILED)
		return fail(h, "mmap");
	h->copy_len = size;
	return 0;
}

static int read_message(struct hand *h, size_t size, int pipe)
{
	size_t done = 0;
	ssize_t n;

	if (room_for_copy(h, size))
		return -1;
	while (done < size) {
		n = read(pipe, h->copy + done, size - done);
		if (n <= 0)
			return fail(h, "read");
		done += n;
	}
	h->reply.done = now();
	h->reply.sum = sum_pages(h->copy, size);
	close(pipe);
	return 0;
}

static int map_and_close(struct hand *h, int fd)
{
	if (map(h, fd))
		return -1;
	return close(fd) ? fail(h, "close") : 0;
}

static void obey(struct hand *h, const struct order *order, int fd)
{
	switch (order->duty) {
	case DUTY_MAP:
		map_and_close(h, fd);
		return;
	case DUTY_MAP_TOUCH:
		if (!map_and_close(h, fd))
			write_pages(h->map, order->size, 1);
		return;
	case DUTY_UNMAP:
		unmap(h);
		return;
	case DUTY_TAKE:
		take(h, order->size, fd);
		return;
	case DUTY_READ:
		read_message(h, order->size, fd);
		return;
	}
}

/*
 * Never returns. Being woken must not cost the caller its processor: that is not part of
 * the call that is timed, and SCHED_BATCH sees to it.
 */
static void hand_main(int sock, const struct setting *set)
{
	struct hand h = { 0 };
	struct order order;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (set->nr_others)
		sched_setaffinity(0, sizeof(set->others), &set->others);
	set_policy(SCHED_BATCH);
	while (zcpool_recv(sock, &fd, &order, sizeof(order)) == sizeof(order)) {
		h.reply = (struct reply){ 0 };
		obey(&h, &order, fd);
		if (send(sock, &h.reply, sizeof(h.reply), MSG_NOSIGNAL) != sizeof(h.reply))
			break;
	}
	_exit(0);
}

static int start_one(struct crew *c, const struct setting *set)
{
	int fds[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return -1;
	fflush(NULL);
	pid = fork();
	if (!pid) {
		while (c->nr)
			close(c->sock[--c->nr]);
		close(fds[0]);
		hand_main(fds[1], set);
	}
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return -1;
	}
	c->sock[c->nr] = fds[0];
	c->pid[c->nr++] = pid;
	return 0;
}

/* crew_stop() also after an error */
int crew_start(struct crew *c, unsigned int nr, const struct setting *set, struct reason *why)
{
	while (c->nr < nr)
		if (start_one(c, set))
			return because(why, errno, "starting a process");
	return 0;
}

int crew_tell(struct crew *c, unsigned int i, enum duty duty, size_t size, int fd,
	      struct reason *why)
{
	const struct order order = { .duty = duty, .size = size };

	if (zcpool_send(c->sock[i], fd, &order, sizeof(order)))
		return because(why, errno, "telling a process");
	return 0;
}

int crew_await(struct crew *c, unsigned int i, struct reply *reply, struct reason *why)
{
	if (recv(c->sock[i], reply, sizeof(*reply), 0) != sizeof(*reply))
		return because(why, 0, "a process has died");
	if (!reply->failed)
		return 0;
	*why = reply->why;
	return -1;
}

/* They end when their sockets do. */
void crew_stop(struct crew *c)
{
	unsigned int i;

	for (i = 0; i < c->nr; i++)
		close(c->sock[i]);
	for (i = 0; i < c->nr; i++)
		waitpid(c->pid[i], NULL, 0);
	c->nr = 0;
}
