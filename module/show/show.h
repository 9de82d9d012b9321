/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What can be seen of all floors; none of them needs it.
 */
#ifndef ZCPOOL_SHOW_H
#define ZCPOOL_SHOW_H

#include "../buffer/buffer.h"

struct seq_file;

/* debugfs.c */
void zcp_debugfs_init(void);
void zcp_debugfs_exit(void);
void zcp_debugfs_add(struct zcp_pool *pool);
void zcp_debugfs_remove(struct zcp_pool *pool);

/* layout.c */
int zcp_layout_show(struct seq_file *m, void *v);

#endif /* ZCPOOL_SHOW_H */
