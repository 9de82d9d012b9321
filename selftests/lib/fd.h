/* SPDX-License-Identifier: GPL-2.0 */
/* Descriptors: how many there are, and other ways to have one. */
#ifndef ZCPOOL_TEST_FD_H
#define ZCPOOL_TEST_FD_H

#include <stdbool.h>

/* With those of the directory that tells, so that only differences mean anything */
int count_fds(void);

/* A descriptor to this very file, with other flags, as one would pass on. */
int reopen(int fd, int flags);

/* Direct I/O wants a file of a real file system. */
#define DIRECT_FILE	"/mnt/zcpool_test"
#define NO_DISK		"/mnt is no ext4"
bool has_disk(void);
int direct_file(void);

/* One descriptor, and a byte x with it */
int send_fd(int sock, int fd);
int recv_fd(int sock, int flags);

#endif /* ZCPOOL_TEST_FD_H */
