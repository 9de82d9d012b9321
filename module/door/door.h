/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The top floor: how one comes in.
 */
#ifndef ZCPOOL_DOOR_H
#define ZCPOOL_DOOR_H

#include "../buffer/buffer.h"

struct fs_context;
struct fs_parameter;
struct kstatfs;
struct seq_file;

/* dev.c */
extern const struct file_operations zcp_dev_fops;
long zcp_root_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* device.c */
int zcp_device_init(void);
void zcp_device_exit(void);
int zcp_device_add(struct zcp_pool *pool);
int zcp_device_change(struct zcp_pool *pool, const struct zcp_settings *settings);
void zcp_device_remove(struct zcp_pool *pool);
struct zcp_pool *zcp_device_pool(const struct inode *inode);

/* names.c */
void zcp_names_statfs(struct zcp_pool *pool, struct kstatfs *stat);
void zcp_names_evict(struct inode *inode);
int zcp_names_root(struct super_block *sb, umode_t mode, const struct file_operations *fops);

/* options.c */
int zcp_option_parse(struct fs_context *fc, struct fs_parameter *param);
void zcp_options_show(struct seq_file *m, struct zcp_pool *pool);

/* mount.c */
int zcp_mount_init(void);
void zcp_mount_exit(void);

#endif /* ZCPOOL_DOOR_H */
