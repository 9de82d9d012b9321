/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the library is answered to an ioctl: what the kernel says, or what the test does. For
 * that the program has a function ioctl() of its own, which comes before the C library's.
 */
#ifndef ZCPOOL_TEST_INTERPOSE_H
#define ZCPOOL_TEST_INTERPOSE_H

#include <stdarg.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* NULL: the kernel answers. */
static int (*ioctl_answer)(int fd, unsigned long cmd, void *arg);

static inline int ioctl_of_kernel(int fd, unsigned long cmd, void *arg)
{
	return syscall(SYS_ioctl, fd, cmd, arg);
}

int ioctl(int fd, unsigned long cmd, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	return ioctl_answer ? ioctl_answer(fd, cmd, arg) : ioctl_of_kernel(fd, cmd, arg);
}

#endif /* ZCPOOL_TEST_INTERPOSE_H */
