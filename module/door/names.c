// SPDX-License-Identifier: GPL-2.0
/*
 * Names: the directories of a mounted pool, and what is in them. The dentries are all there
 * is of it, as in ramfs; the VFS and libfs do most of the work.
 */
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../compat.h"
#include "door.h"

static const struct inode_operations zcp_dir_iops;

/* What user space can wait for, or link to, but is no memory */
static void zcp_set_up_special(struct inode *inode, umode_t mode, dev_t dev)
{
	if (S_ISDIR(mode)) {
		inode->i_op = &zcp_dir_iops;
		inode->i_fop = &simple_dir_operations;
		/* For "." */
		inc_nlink(inode);
	} else {
		init_special_inode(inode, mode, dev);
	}
}

/* An inode of any kind but a symbolic link */
static struct inode *zcp_names_inode(struct zcp_idmap *idmap, struct super_block *sb,
				     struct inode *dir, umode_t mode, dev_t dev)
{
	struct inode *inode;

	inode = S_ISREG(mode) ? zcp_buffer_named(sb->s_fs_info, sb) : new_inode(sb);
	if (IS_ERR_OR_NULL(inode))
		return inode ? inode : ERR_PTR(-ENOMEM);
	inode->i_ino = get_next_ino();
	inode_init_owner(idmap, inode, dir, mode);
	zcp_init_times(inode);
	if (!S_ISREG(mode))
		zcp_set_up_special(inode, mode, dev);
	return inode;
}

/* Give an inode a name, which holds it until it is unlinked. */
static void zcp_names_add(struct inode *dir, struct dentry *dentry, struct inode *inode)
{
	zcp_make_persistent(dentry, inode);
	zcp_touch(dir);
}

static int zcp_mknod(struct zcp_idmap *idmap, struct inode *dir, struct dentry *dentry,
		     umode_t mode, dev_t dev)
{
	struct inode *inode = zcp_names_inode(idmap, dir->i_sb, dir, mode, dev);

	if (IS_ERR(inode))
		return PTR_ERR(inode);
	zcp_names_add(dir, dentry, inode);
	return 0;
}

static int zcp_create(struct zcp_idmap *idmap, struct inode *dir, struct dentry *dentry,
		      umode_t mode)
{
	return zcp_mknod(idmap, dir, dentry, mode | S_IFREG, 0);
}
ZCP_DEFINE_CREATE(zcp_create_op, zcp_create)

static int zcp_mkdir(struct zcp_idmap *idmap, struct inode *dir, struct dentry *dentry,
		     umode_t mode)
{
	int err = zcp_mknod(idmap, dir, dentry, mode | S_IFDIR, 0);

	if (!err)
		inc_nlink(dir);
	return err;
}
ZCP_DEFINE_MKDIR(zcp_mkdir_op, zcp_mkdir)

static int zcp_symlink(struct zcp_idmap *idmap, struct inode *dir, struct dentry *dentry,
		       const char *target)
{
	struct inode *inode = zcp_names_inode(idmap, dir->i_sb, dir, S_IFLNK | 0777, 0);

	if (IS_ERR(inode))
		return PTR_ERR(inode);
	inode->i_link = kstrdup(target, GFP_KERNEL_ACCOUNT);
	if (!inode->i_link) {
		iput(inode);
		return -ENOMEM;
	}
	inode->i_op = &simple_symlink_inode_operations;
	i_size_write(inode, strlen(target));
	zcp_names_add(dir, dentry, inode);
	return 0;
}

static int zcp_tmpfile(struct zcp_idmap *idmap, struct inode *dir, struct file *file,
		       umode_t mode)
{
	struct inode *inode = zcp_names_inode(idmap, dir->i_sb, dir, mode, 0);

	if (!IS_ERR(inode))
		d_tmpfile(file, inode);
	return finish_open_simple(file, PTR_ERR_OR_ZERO(inode));
}

static const struct inode_operations zcp_dir_iops = {
	.create		= zcp_create_op,
	.lookup		= simple_lookup,
	.link		= simple_link,
	.unlink		= simple_unlink,
	.symlink	= zcp_symlink,
	.mkdir		= zcp_mkdir_op,
	.rmdir		= simple_rmdir,
	.mknod		= zcp_mknod,
	.rename		= simple_rename,
	.tmpfile	= zcp_tmpfile,
};

/**
 * zcp_names_root() - make the root directory of a mounted pool
 * @sb: its superblock
 * @mode: permissions
 * @fops: what can be done with it when it is open
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int zcp_names_root(struct super_block *sb, umode_t mode, const struct file_operations *fops)
{
	struct inode *inode = zcp_names_inode(zcp_nop_idmap, sb, NULL, S_IFDIR | mode, 0);

	if (!IS_ERR(inode))
		inode->i_fop = fops;
	sb->s_root = IS_ERR(inode) ? NULL : d_make_root(inode);
	return sb->s_root ? 0 : -ENOMEM;
}
