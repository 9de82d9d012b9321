// SPDX-License-Identifier: GPL-2.0
/*
 * A pool as a file system.
 */
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/module.h>
#include <linux/statfs.h>

#include "../compat.h"
#include "door.h"

/* There is one pool yet. */
static struct zcp_pool *zcp_mount_pool;

static int zcp_statfs(struct dentry *dentry, struct kstatfs *stat)
{
	struct zcp_pool *pool = dentry->d_sb->s_fs_info;
	struct zcpool_info info = {};

	zcp_pool_info(pool, &info);
	stat->f_type = ZCPOOL_SUPER_MAGIC;
	stat->f_bsize = PAGE_SIZE;
	stat->f_blocks = info.max_bytes >> PAGE_SHIFT;
	stat->f_bfree = stat->f_blocks -
			min(info.max_bytes, info.used_bytes + info.retired_bytes) / PAGE_SIZE;
	stat->f_bavail = stat->f_bfree;
	stat->f_namelen = NAME_MAX;
	return 0;
}

static const struct super_operations zcp_mount_ops = {
	.alloc_inode	= zcp_alloc_inode,
	.free_inode	= zcp_free_inode,
	.evict_inode	= zcp_evict_inode,
	.drop_inode	= zcp_drop_inode,
	.statfs		= zcp_statfs,
};

static int zcp_fill_super(struct super_block *sb, struct fs_context *fc)
{
	sb->s_op = &zcp_mount_ops;
	sb->s_magic = ZCPOOL_SUPER_MAGIC;
	sb->s_blocksize = PAGE_SIZE;
	sb->s_blocksize_bits = PAGE_SHIFT;
	sb->s_maxbytes = ZCP_MAX_BYTES;
	sb->s_time_gran = 1;
	/* Memory that many may write to is no program, and becomes none by mprotect(). */
	sb->s_iflags |= SB_I_NOEXEC | SB_I_NODEV;
	sb->s_fs_info = zcp_mount_pool;
	return zcp_names_root(sb, 0755);
}

static int zcp_get_tree(struct fs_context *fc)
{
	return get_tree_nodev(fc, zcp_fill_super);
}

static const struct fs_context_operations zcp_context_ops = {
	.get_tree	= zcp_get_tree,
};

static int zcp_mount_init_context(struct fs_context *fc)
{
	fc->ops = &zcp_context_ops;
	return 0;
}

static struct file_system_type zcp_mount_type = {
	.owner		 = THIS_MODULE,
	.name		 = "zcpool",
	.init_fs_context = zcp_mount_init_context,
	.kill_sb	 = zcp_kill_super,
};
MODULE_ALIAS_FS("zcpool");

/**
 * zcp_mount_init() - have pools be mountable
 * @pool: the default one
 *
 * Context: may sleep.
 * Return: 0 or an error of register_filesystem().
 */
int zcp_mount_init(struct zcp_pool *pool)
{
	zcp_mount_pool = pool;
	return register_filesystem(&zcp_mount_type);
}

/**
 * zcp_mount_exit() - undo zcp_mount_init()
 *
 * Context: may sleep; nothing is mounted.
 */
void zcp_mount_exit(void)
{
	unregister_filesystem(&zcp_mount_type);
}
