// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "cleanup.h"
#include "sock.h"
#include "zcpoolctl.h"

#define CONNECT_TRIES	100
#define CONNECT_WAIT_MS	50	/* so 5 s in all */
#define CONNECT_LIMIT_S	10	/* a listener that never accepts */

static void fill_address(struct sockaddr_un *address, const char *path)
{
	size_t len = strlen(path);

	if (!len || len >= sizeof(address->sun_path))
		die(STATUS_USAGE, "SOCKET must have 1 to %zu bytes, this has %zu: %s",
		    sizeof(address->sun_path) - 1, len, path);
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, path, len);
}

static int new_socket(int type)
{
	int sock = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	if (sock < 0)
		die(STATUS_TRANSFER, "cannot make a socket: %s", strerror(errno));
	return sock;
}

static void must_be_socket(const char *path)
{
	struct stat st;

	if (!stat(path, &st) && !S_ISSOCK(st.st_mode))
		die(STATUS_USAGE, "%s is not a socket but %s; name another SOCKET",
		    path, S_ISDIR(st.st_mode) ? "a directory" : "a file");
}

/*
 * Whether anybody has the socket at path open. Asked with a datagram socket: a
 * listener of another type is not disturbed by the attempt, only named by it.
 */
static bool somebody_listens(const struct sockaddr_un *address)
{
	int sock = new_socket(SOCK_DGRAM);
	int ret = connect(sock, (const struct sockaddr *)address, sizeof(*address));
	bool refused = ret && errno == ECONNREFUSED;

	close(sock);
	return !refused;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address;
	int listener = new_socket(SOCK_SEQPACKET);
	int ret;

	fill_address(&address, path);
	ret = bind(listener, (struct sockaddr *)&address, sizeof(address));
	if (ret && errno == EADDRINUSE) {
		must_be_socket(path);
		if (somebody_listens(&address))
			die(STATUS_PEER, "somebody listens at %s already; name another SOCKET",
			    path);
		/* left behind by a process that was killed */
		unlink(path);
		ret = bind(listener, (struct sockaddr *)&address, sizeof(address));
	}
	if (ret)
		die(STATUS_TRANSFER, "cannot make the socket %s: %s", path,
		    strerror(errno));
	cleanup_add(CLEANUP_SOCKET, path);
	if (listen(listener, 1))
		die(STATUS_TRANSFER, "cannot listen at %s: %s", path, strerror(errno));
	return listener;
}

int sock_accept_one(const char *path)
{
	int listener = listen_at(path);
	int sock;

	do {
		sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	} while (sock < 0 && (errno == EINTR || errno == ECONNABORTED));
	if (sock < 0)
		die(STATUS_TRANSFER, "cannot accept at %s: %s", path, strerror(errno));
	cleanup_remove(CLEANUP_SOCKET);
	close(listener);
	return sock;
}

static void connect_failed(const char *path)
{
	switch (errno) {
	case ENOENT:
	case ECONNREFUSED:
		die(STATUS_PEER, "nobody listens at %s; start 'zcpoolctl recv %s' first",
		    path, path);
	case EPROTOTYPE:
		die(STATUS_PEER,
		    "what listens at %s is not a zcpoolctl receiver: the socket is of another type",
		    path);
	case EAGAIN:
		die(STATUS_PEER, "what listens at %s does not answer", path);
	default:
		die(STATUS_TRANSFER, "cannot connect to %s: %s", path, strerror(errno));
	}
}

int sock_connect(const char *path)
{
	const struct timespec pause = { .tv_nsec = CONNECT_WAIT_MS * 1000000L };
	const struct timeval limit = { .tv_sec = CONNECT_LIMIT_S };
	struct sockaddr_un address;
	int sock, i;

	fill_address(&address, path);
	sock = new_socket(SOCK_SEQPACKET);
	setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	for (i = 0; i < CONNECT_TRIES; i++) {
		/* connect() calls a file that is no socket "refused" too */
		must_be_socket(path);
		if (!connect(sock, (struct sockaddr *)&address, sizeof(address)))
			return sock;
		if (errno != ENOENT && errno != ECONNREFUSED && errno != EINTR)
			break;
		nanosleep(&pause, NULL);
	}
	connect_failed(path);
	return -1;
}
