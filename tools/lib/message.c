// SPDX-License-Identifier: LGPL-2.1-or-later
/* A message and perhaps one descriptor over a Unix socket. */
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zcpool.h>
#include "internal.h"

/* Waits until a message that has begun can go on, on a non-blocking socket. */
static int wait_for(int sock, short events)
{
	struct pollfd p = { .fd = sock, .events = events };

	while (poll(&p, 1, -1) < 0) {
		if (errno != EINTR)
			return -1;
	}
	return 0;
}

/* One sendmsg(); the descriptor goes with the first byte of the message. */
static ssize_t send_piece(int sock, int fd, const void *data, size_t len)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;
	ssize_t n;

	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.room;
		msg.msg_controllen = sizeof(control.room);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	do {
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n;
}

int zcpool_send(int sock, int buf, const void *data, size_t len)
{
	size_t done = 0;
	ssize_t n;

	if (buf < -1 || !data || !len)
		return fail(EINVAL);
	while (done < len) {
		n = send_piece(sock, done ? -1 : buf, (const char *)data + done,
			       len - done);
		if (n >= 0)
			done += n;
		else if (!done || errno != EAGAIN || wait_for(sock, POLLOUT) < 0)
			return -1;
	}
	return 0;
}

/*
 * Takes the descriptors out of a received message. The first one goes to *fd if
 * that has none yet; every other one is closed. Returns how many there were.
 */
static int take_fds(struct msghdr *msg, int *fd)
{
	struct cmsghdr *c;
	size_t i, nr;
	int found = 0;
	int one;

	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		nr = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < nr; i++) {
			memcpy(&one, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (*fd < 0)
				*fd = one;
			else
				close(one);
			found++;
		}
	}
	return found;
}

/* One recvmsg(). Sets *fd where it is -1 and a descriptor came along. */
static ssize_t recv_piece(int sock, int *fd, void *data, size_t len)
{
	/* Room for credentials too: a socket with SO_PASSCRED delivers them. */
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = data, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	bool had = *fd >= 0;
	ssize_t n;
	int found;

	do {
		msg.msg_control = control.room;
		msg.msg_controllen = sizeof(control.room);
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	found = take_fds(&msg, fd);
	/* There was room for one, so it was the descriptor table that had none. */
	if ((msg.msg_flags & MSG_CTRUNC) && !found)
		return fail(EMFILE);
	if ((msg.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) || found + had > 1)
		return fail(EPROTO);
	return n;
}

static bool is_stream(int sock)
{
	socklen_t len = sizeof(int);
	int type = 0;

	return !getsockopt(sock, SOL_SOCKET, SO_TYPE, &type, &len) &&
	       type == SOCK_STREAM;
}

ssize_t zcpool_recv(int sock, int *buf, void *data, size_t len)
{
	size_t done = 0;
	int fd = -1;
	ssize_t n;
	int err;

	if (!buf || !data || !len)
		return fail(EINVAL);
	*buf = -1;
	while (done < len) {
		n = recv_piece(sock, &fd, (char *)data + done, len - done);
		if (n < 0 && done && errno == EAGAIN && !wait_for(sock, POLLIN))
			continue;
		if (n == 0 && (done || fd >= 0))
			n = fail(EPROTO);
		if (n < 0)
			goto out_close;
		if (n == 0)
			break;
		done += n;
		if (done < len && !is_stream(sock))
			break;
	}
	*buf = fd;
	return done;

out_close:
	err = errno;
	if (fd >= 0)
		close(fd);
	return fail(err);
}
