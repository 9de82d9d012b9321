// SPDX-License-Identifier: GPL-2.0
/*
 * A pool as a file system. Its name is the source of the mount; mounted once more, it is the
 * same superblock again.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/statfs.h>

#include "../compat.h"
#include "door.h"

/* What any directory of libfs can, and what the pool's device can, too */
static const struct file_operations zcp_root_fops = {
	.open		= dcache_dir_open,
	.release	= dcache_dir_close,
	.llseek		= dcache_dir_lseek,
	.read		= generic_read_dir,
	.iterate_shared	= dcache_readdir,
	.fsync		= noop_fsync,
	.setlease	= generic_setlease,
	.unlocked_ioctl	= zcp_root_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

/* Free is what can be had now: of what the pool holds, and what it may get. */
static int zcp_statfs(struct dentry *dentry, struct kstatfs *stat)
{
	struct zcp_pool *pool = dentry->d_sb->s_fs_info;
	struct zcpool_info info = {};
	u64 taken, free;

	zcp_pool_info(pool, &info);
	taken = info.used_bytes + info.retired_bytes;
	free = info.total_bytes - taken +
	       (u64)zcp_budget_room(&pool->budget) * ZCP_CHUNK_SIZE;
	stat->f_type = ZCPOOL_SUPER_MAGIC;
	stat->f_bsize = PAGE_SIZE;
	stat->f_blocks = info.max_bytes >> PAGE_SHIFT;
	stat->f_bfree = min(free, info.max_bytes - min(info.max_bytes, taken)) >> PAGE_SHIFT;
	stat->f_bavail = stat->f_bfree;
	zcp_names_statfs(pool, stat);
	stat->f_namelen = NAME_MAX;
	return 0;
}

static int zcp_show_options(struct seq_file *m, struct dentry *root)
{
	zcp_options_show(m, root->d_sb->s_fs_info);
	return 0;
}

static const struct super_operations zcp_mount_ops = {
	.alloc_inode	= zcp_alloc_inode,
	.free_inode	= zcp_free_inode,
	.evict_inode	= zcp_names_evict,
	.drop_inode	= zcp_drop_inode,
	.statfs		= zcp_statfs,
	.show_options	= zcp_show_options,
};

/* Of the root directory, as given. There may be no memory for an ACL that goes with the mode. */
static int zcp_set_permissions(struct super_block *sb, const struct zcp_settings *given)
{
	struct iattr attr = { .ia_valid = ATTR_MODE, .ia_mode = S_IFDIR | given->mode };
	struct inode *inode = d_inode(sb->s_root);
	int err = 0;

	inode_lock(inode);
	if (given->given & BIT(ZCP_OPT_MODE))
		err = zcp_apply_attr(zcp_nop_idmap, sb->s_root, &attr);
	if (!err && given->given & BIT(ZCP_OPT_UID))
		inode->i_uid = given->uid;
	if (!err && given->given & BIT(ZCP_OPT_GID))
		inode->i_gid = given->gid;
	inode_unlock(inode);
	return err;
}

static int zcp_fill_super(struct super_block *sb, struct fs_context *fc)
{
	struct zcp_pool *pool = sb->s_fs_info;
	struct inode *root;
	int err;

	sb->s_op = &zcp_mount_ops;
	sb->s_magic = ZCPOOL_SUPER_MAGIC;
	sb->s_blocksize = PAGE_SIZE;
	sb->s_blocksize_bits = PAGE_SHIFT;
	sb->s_maxbytes = ZCP_MAX_BYTES;
	sb->s_time_gran = 1;
	zcp_allow_acls(sb);
	/* Memory that many may write to is no program, and becomes none by mprotect(). */
	sb->s_iflags |= SB_I_NOEXEC | SB_I_NODEV;
	err = zcp_names_root(sb, 0, &zcp_root_fops);
	if (err)
		return err;

	root = d_inode(sb->s_root);
	mutex_lock(&pool->settings_lock);
	root->i_mode |= pool->settings->mode;
	root->i_uid = pool->settings->uid;
	root->i_gid = pool->settings->gid;
	mutex_unlock(&pool->settings_lock);
	return 0;
}

/* The pool is the superblock's from here on, if that is new; else zcp_free_context() puts it. */
static int zcp_get_tree(struct fs_context *fc)
{
	struct zcp_refusal why;
	struct zcp_pool *pool;

	if (!fc->source)
		return invalfc(fc, "source: the name of a pool is wanted");
	pool = zcp_pool_open(fc->source, fc->fs_private, &why);
	if (IS_ERR(pool)) {
		if (*why.text)
			errorfc(fc, "%s", why.text);
		return PTR_ERR(pool);
	}
	return get_tree_keyed(fc, zcp_fill_super, pool);
}

static int zcp_reconfigure(struct fs_context *fc)
{
	struct super_block *sb = fc->root->d_sb;
	struct zcp_refusal why;
	int err = zcp_pool_set(sb->s_fs_info, fc->fs_private, &why);

	if (!err)
		err = zcp_set_permissions(sb, fc->fs_private);
	else if (*why.text)
		errorfc(fc, "%s", why.text);
	return err;
}

static void zcp_free_context(struct fs_context *fc)
{
	if (fc->s_fs_info)
		zcp_pool_put(fc->s_fs_info);
	kfree(fc->fs_private);
}

static const struct fs_context_operations zcp_context_ops = {
	.free		= zcp_free_context,
	.parse_param	= zcp_option_parse,
	.get_tree	= zcp_get_tree,
	.reconfigure	= zcp_reconfigure,
};

static int zcp_mount_init_context(struct fs_context *fc)
{
	fc->fs_private = zcp_settings_create();
	if (!fc->fs_private)
		return -ENOMEM;
	fc->ops = &zcp_context_ops;
	/* Whose numbers users have does not depend on who mounts. */
	fc->global = true;
	return 0;
}

static void zcp_kill_sb(struct super_block *sb)
{
	struct zcp_pool *pool = sb->s_fs_info;

	zcp_kill_super(sb);
	zcp_pool_put(pool);
}

/* Not in user namespaces: a pool is a share of the machine. A bind mount of one works there. */
static struct file_system_type zcp_mount_type = {
	.owner		 = THIS_MODULE,
	.name		 = "zcpool",
	.fs_flags	 = FS_ALLOW_IDMAP,
	.init_fs_context = zcp_mount_init_context,
	.kill_sb	 = zcp_kill_sb,
};
MODULE_ALIAS_FS("zcpool");

/**
 * zcp_mount_init() - have pools be mountable
 *
 * Context: may sleep.
 * Return: 0 or an error of register_filesystem().
 */
int __init zcp_mount_init(void)
{
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
