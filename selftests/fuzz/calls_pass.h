/* SPDX-License-Identifier: GPL-2.0 */
/* What passes descriptors and pages on: pipes, sockets, copies within the kernel */
#ifndef ZCPOOL_FUZZ_CALLS_PASS_H
#define ZCPOOL_FUZZ_CALLS_PASS_H

#include <sys/uio.h>

#include "../lib/fd.h"
#include "state.h"

static inline long fuzz_pipe(struct fuzz *z, const __u64 *a)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK))
		return -1;
	fuzz_put_fd(z, a[0], fds[0]);
	return fuzz_put_fd(z, a[1], fds[1]);
}

static inline long fuzz_socketpair(struct fuzz *z, const __u64 *a)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds))
		return -1;
	fuzz_put_fd(z, a[0], fds[0]);
	return fuzz_put_fd(z, a[1], fds[1]);
}

/* A descriptor in flight keeps its file until somebody takes it or the socket goes. */
static inline long fuzz_sendfd(struct fuzz *z, const __u64 *a)
{
	return send_fd(fuzz_fd(z, a[0]), fuzz_fd(z, a[1]));
}

static inline long fuzz_recvfd(struct fuzz *z, const __u64 *a)
{
	return fuzz_put_fd(z, a[0], recv_fd(fuzz_fd(z, a[1]), a[2] | MSG_DONTWAIT));
}

static inline long fuzz_splice(struct fuzz *z, const __u64 *a)
{
	loff_t in = a[1], out = a[3];

	return splice(fuzz_fd(z, a[0]), in < 0 ? NULL : &in, fuzz_fd(z, a[2]),
		      out < 0 ? NULL : &out, a[4] & INT_MAX, a[5] | SPLICE_F_NONBLOCK);
}

static inline long fuzz_tee(struct fuzz *z, const __u64 *a)
{
	return tee(fuzz_fd(z, a[0]), fuzz_fd(z, a[1]), a[2] & INT_MAX, SPLICE_F_NONBLOCK);
}

static inline long fuzz_vmsplice(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_touch_range(z, a[1], a[2], a[3]);
	struct iovec v = { r.p, r.len };

	return vmsplice(fuzz_fd(z, a[0]), &v, 1, a[4] | SPLICE_F_NONBLOCK);
}

static inline long fuzz_sendfile(struct fuzz *z, const __u64 *a)
{
	off_t off = a[2];

	return syscall(SYS_sendfile, fuzz_fd(z, a[0]), fuzz_fd(z, a[1]), off < 0 ? NULL : &off,
		       a[3] % (4 * CHUNK));
}

static inline long fuzz_copy_file_range(struct fuzz *z, const __u64 *a)
{
	loff_t in = a[1], out = a[3];

	return copy_file_range(fuzz_fd(z, a[0]), &in, fuzz_fd(z, a[2]), &out, a[4] % (4 * CHUNK),
			       0);
}

#endif /* ZCPOOL_FUZZ_CALLS_PASS_H */
