// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <zcpool.h>
#include "proto.h"
#include "zcpoolctl.h"

#define LAST_WORDS_S	2

static int peer = -1;
static const char *peer_is = "peer";

void proto_start(int sock, const char *who)
{
	peer = sock;
	peer_is = who;
}

void proto_timeout(unsigned int seconds)
{
	struct timeval tv = { .tv_sec = seconds };

	setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static void fill_in(struct message *m, enum message_type type)
{
	m->magic = PROTO_MAGIC;
	m->version = PROTO_VERSION;
	m->type = type;
}

void proto_send(enum message_type type, struct message *m, int fd)
{
	fill_in(m, type);
	if (!zcpool_send(peer, fd, m, sizeof(*m)))
		return;
	if (errno == EPIPE || errno == ECONNRESET)
		proto_peer_gone();
	if (errno == EAGAIN)
		die(STATUS_PEER, "the %s does not answer", peer_is);
	die(STATUS_TRANSFER, "cannot send to the %s: %s", peer_is, strerror(errno));
}

void proto_violated(void)
{
	die(STATUS_PEER, "what is at the other end of the socket is not a zcpoolctl %s",
	    peer_is);
}

static void recv_failed(void)
{
	switch (errno) {
	case EAGAIN:
		die(STATUS_PEER, "the %s does not answer", peer_is);
	case EPROTO:
		proto_violated();
	case EMFILE:
		die(STATUS_TRANSFER,
		    "no descriptor is left for a buffer; raise 'ulimit -n' or send with fewer --buffers");
	default:
		die(STATUS_PEER, "cannot hear from the %s: %s", peer_is, strerror(errno));
	}
}

void proto_recv(struct message *m, int *fd)
{
	ssize_t n = zcpool_recv(peer, fd, m, sizeof(*m));

	/* A peer that hung up with something unread: its last words come next. */
	if (n < 0 && errno == ECONNRESET)
		n = zcpool_recv(peer, fd, m, sizeof(*m));
	if (n < 0 && errno != ECONNRESET)
		recv_failed();
	if (n <= 0)
		die(STATUS_PEER, "the %s went away before all was done", peer_is);
	if (n != sizeof(*m) || m->magic != PROTO_MAGIC)
		proto_violated();
	if (m->version != PROTO_VERSION)
		die(STATUS_PEER,
		    "the %s speaks version %u of the protocol, this zcpoolctl version %d; use the same at both ends",
		    peer_is, m->version, PROTO_VERSION);
	m->via[sizeof(m->via) - 1] = '\0';
	m->text[sizeof(m->text) - 1] = '\0';
	if (m->type == MSG_GIVE_UP) {
		make_printable(m->text);
		die(STATUS_TRANSFER, "the %s gave up: %s", peer_is, m->text);
	}
}

void proto_expect(enum message_type type, struct message *m)
{
	int fd;

	proto_recv(m, &fd);
	if (fd >= 0 || m->type != type)
		proto_violated();
}

void proto_peer_gone(void)
{
	struct message m;
	int fd;

	/* Ends: at GIVE_UP, or where nothing more is queued. */
	for (;;) {
		proto_recv(&m, &fd);
		if (fd >= 0)
			close(fd);
	}
}

void proto_give_up(const char *why)
{
	struct message m = { 0 };

	if (peer < 0)
		return;
	fill_in(&m, MSG_GIVE_UP);
	snprintf(m.text, sizeof(m.text), "%s", why);
	proto_timeout(LAST_WORDS_S);
	zcpool_send(peer, -1, &m, sizeof(m));
	peer = -1;
}
