/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The top floor: how one comes in.
 */
#ifndef ZCPOOL_DOOR_H
#define ZCPOOL_DOOR_H

#include "../buffer/buffer.h"

/* dev.c */
int zcp_dev_init(struct zcp_pool *pool);
void zcp_dev_exit(void);

/* names.c */
int zcp_names_root(struct super_block *sb, umode_t mode);

/* mount.c */
int zcp_mount_init(struct zcp_pool *pool);
void zcp_mount_exit(void);

#endif /* ZCPOOL_DOOR_H */
