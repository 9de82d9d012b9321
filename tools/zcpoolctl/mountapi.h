/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Mounting and remounting by fsopen(2) and its kin. What the kernel has to say of an option is
 * printed, which mount(8) does not do everywhere. Where something is refused that is the end.
 */
#ifndef MOUNTAPI_H
#define MOUNTAPI_H

#include "options.h"

/* The pool of that name as a mount, which is not attached anywhere yet: a descriptor */
int pool_mount(const char *name, const struct options *o);

/* Attaches it; returns 0 or an errno. */
int pool_attach(int mount, const char *path);

/* Changes the pool that is mounted at path. */
void pool_remount(const char *name, const char *path, const struct options *o);

#endif /* MOUNTAPI_H */
