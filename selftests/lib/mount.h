/* SPDX-License-Identifier: GPL-2.0 */
/* Mounting pools, and what the kernel has to say about it. */
#ifndef ZCPOOL_TEST_MOUNT_H
#define ZCPOOL_TEST_MOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define MESSAGE_SIZE	1024

/*
 * Mounts the pool of that name on dir by the mount API, with options "max=8M reserve=4M",
 * separated by blanks. 0, or -errno and what the kernel says of it, "" if nothing.
 */
int mount_pool(const char *name, const char *options, const char *dir, char *message);

/* The same, without a directory: the root directory, open, which is all there is; or -errno */
int mount_pool_open(const char *name, const char *options, char *message);

/* Changes the pool that is mounted there. */
int remount_pool(const char *dir, const char *options, char *message);

/* The options that /proc/mounts has for what is mounted there last; false if nothing is. */
bool mounted_options(const char *dir, char *options, size_t size);

/* A directory to mount something on; false if there is none */
bool make_dir(const char *dir);

/* Whether the pool of that name comes to its end, or to life, for which it is given time. */
bool pool_ends(const char *name);
bool pool_lives(const char *name);

/* Opens /dev/zcpool/NAME, which may be a moment in the making; the descriptor or -1. */
int pool_open_name(const char *name);

#endif /* ZCPOOL_TEST_MOUNT_H */
