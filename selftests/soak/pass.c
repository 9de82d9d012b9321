// SPDX-License-Identifier: GPL-2.0
/*
 * How a buffer, or some of its pages, get to another process: by fork, by a socket, by a
 * pipe, by being read out of an address space.
 */
#include "soak.h"

/* What goes with a descriptor over a socket */
struct parcel {
	__u64 tag;
	__u64 size;
};

__attribute__((noreturn))
static void fork_child(struct worker *w)
{
	int left = rnd(&w->seed) % 16;

	while (left--) {
		held_verify(w, &w->held[rnd(&w->seed) % HELD]);
		usleep(1000);
	}
	_exit(0);
}

static void read_child(struct worker *w, struct held *h)
{
	struct piece *piece = held_piece(w, h), part;
	struct iovec to, from;
	ssize_t n;

	if (!piece)
		return;
	part = piece_part(w, piece, SCRATCH);
	to = (struct iovec){ .iov_base = w->scratch, .iov_len = part.len };
	from = (struct iovec){ .iov_base = part.p, .iov_len = part.len };
	n = process_vm_readv(w->child, &to, 1, &from, 1, 0);
	/* It may have ended already. */
	if (n < 0 && errno == ESRCH)
		return;
	if (n != (ssize_t)part.len)
		fail("process_vm_readv of %zu bytes: %zd, %s", part.len, n, strerror(errno));
	pattern_check(w->scratch, n, h->tag, part.off, "process_vm_readv");
	count(COUNT_VM_READV, 1);
	count(COUNT_IO_BYTES, n);
}

/* A child with all mappings, that outlives this process or is killed by it. */
void op_fork(struct worker *w, struct held *h)
{
	int i;

	if (w->child && !kill(w->child, 0))
		return;
	for (i = 0; i < HELD; i++)
		w->held[i].shared = true;
	w->child = fork();
	if (!w->child)
		fork_child(w);
	if (w->child < 0) {
		if (errno != ENOMEM && errno != EAGAIN)
			fail("fork: %s", strerror(errno));
		w->child = 0;
		return;
	}
	read_child(w, h);
	if (rnd(&w->seed) % 2)
		kill(w->child, SIGKILL);
	count(COUNT_FORK, 1);
}

/* To the next worker. What it does not fetch stays there, whoever lives or dies. */
void op_send(struct worker *w, struct held *h)
{
	struct parcel parcel = { .tag = h->tag, .size = h->size };
	char ctl[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = &parcel, .iov_len = sizeof(parcel) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = ctl, .msg_controllen = sizeof(ctl),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	if (h->fd < 0)
		return;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &h->fd, sizeof(int));
	h->shared = true;
	if (sendmsg(w->out, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(parcel))
		count(COUNT_SEND, 1);
	else if (errno != EAGAIN && errno != ETOOMANYREFS && errno != ENOBUFS &&
		 errno != ENOMEM)
		fail("sendmsg of a buffer: %s", strerror(errno));
}

/* A buffer that somebody sent, and what it says of it; false if there is none. */
static bool fetch(struct worker *w, struct held *h)
{
	char ctl[CMSG_SPACE(sizeof(int))];
	struct parcel parcel;
	struct iovec iov = { .iov_base = &parcel, .iov_len = sizeof(parcel) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = ctl, .msg_controllen = sizeof(ctl),
	};
	struct zcpool_buf_info bi;
	struct cmsghdr *c;

	if (recvmsg(w->in, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != sizeof(parcel)) {
		if (errno != EAGAIN)
			fail("recvmsg of a buffer: %s", strerror(errno));
		return false;
	}
	c = CMSG_FIRSTHDR(&msg);
	if (!c || c->cmsg_type != SCM_RIGHTS)
		fail("recvmsg of a buffer: there was no descriptor (flags 0x%x)", msg.msg_flags);
	memset(h, 0, sizeof(*h));
	memcpy(&h->fd, CMSG_DATA(c), sizeof(int));
	h->tag = parcel.tag;
	h->size = parcel.size;
	h->shared = true;
	if (buf_info(h->fd, &bi) || bi.size != h->size)
		fail("a received buffer of %zu bytes: BUF_INFO says %llu, %s", h->size, bi.size,
		     strerror(errno));
	return true;
}

/* From the worker before: all of it must be as it was sent. h is let go for it. */
void op_receive(struct worker *w, struct held *h)
{
	struct held new;

	if (!fetch(w, &new))
		return;
	new.piece[0] = (struct piece){ .p = buf_map(new.fd, new.size, 0), .len = new.size };
	if (new.piece[0].p == MAP_FAILED)
		fail("mmap of a received buffer: %s", strerror(errno));
	pattern_check(new.piece[0].p, new.size, new.tag, 0, "a received buffer");
	if (rnd(&w->seed) % 2) {
		held_drop(w, h);
		*h = new;
	} else {
		held_forget(&new);
	}
	count(COUNT_RECEIVE, 1);
}

/* Some pages of the buffer into a pipe, by reference. */
static size_t into_pipe(struct worker *w, struct held *h, int pipe, struct piece *part)
{
	struct piece *piece = held_piece(w, h);
	struct iovec iov;
	ssize_t n;

	if (!piece)
		return 0;
	*part = piece_part(w, piece, PIPE_PAGES * PAGE);
	iov = (struct iovec){ .iov_base = part->p, .iov_len = part->len };
	h->shared = true;
	n = vmsplice(pipe, &iov, 1, SPLICE_F_NONBLOCK);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0 || n % PAGE)
		fail("vmsplice of %zu bytes: %zd, %s", part->len, n, strerror(errno));
	count(COUNT_IO_BYTES, n);
	return n;
}

/* The pages must stay what they are when the buffer is gone and only the pipe has them. */
void op_vmsplice(struct worker *w, struct held *h)
{
	struct piece part;
	__u64 tag = h->tag;
	size_t n = into_pipe(w, h, w->pipe[1], &part), got;

	if (!n)
		return;
	if (rnd(&w->seed) % 4) {
		held_drop(w, h);
		held_make(w, h);
	}
	for (got = 0; got < n; got += PAGE) {
		if (read(w->pipe[0], w->scratch, PAGE) != PAGE)
			fail("read of a page from a pipe: %s", strerror(errno));
		pattern_check(w->scratch, PAGE, tag, part.off + got, "pages in a pipe");
	}
	count(COUNT_VMSPLICE, 1);
}

/* Into the pipe that belongs to no worker. */
void op_leave(struct worker *w, struct held *h)
{
	struct piece part;

	if (into_pipe(w, h, w->lost_wr, &part))
		count(COUNT_LEAVE, 1);
}

/* Out of it, whoever left it there. */
void op_collect(struct worker *w, struct held *h)
{
	ssize_t n;
	int i;

	for (i = rnd(&w->seed) % PIPE_PAGES; i >= 0; i--) {
		n = read(w->lost_rd, w->scratch, PAGE);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n != PAGE)
			fail("read of a left page: %zd, %s", n, strerror(errno));
		pattern_check_any_page(w->scratch);
		count(COUNT_COLLECT, 1);
	}
}

void op_to_null(struct worker *w, struct held *h)
{
	struct piece part;
	size_t n = into_pipe(w, h, w->pipe[1], &part);
	int null;

	if (!n)
		return;
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (splice(w->pipe[0], NULL, null, NULL, n, 0) != (ssize_t)n)
		fail("splice of %zu bytes to /dev/null: %s", n, strerror(errno));
	close(null);
	count(COUNT_TO_NULL, 1);
}
