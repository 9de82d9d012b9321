// SPDX-License-Identifier: GPL-2.0
/*
 * Names: the directories of a mounted pool, and what is in them. The dentries are all there
 * is of it, as in ramfs; the VFS and libfs do most of the work.
 *
 * What has a name is memory of the kernel's own that no limit on the pool's counts, so there is
 * a limit on names: an inode counts in zcp_pool.names until it is evicted, whether it has got
 * its first name or not (O_TMPFILE), and each further name of it does until it goes.
 */
#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/statfs.h>
#include <linux/string.h>

#include "../compat.h"
#include "door.h"

static const struct inode_operations zcp_dir_iops;

static struct zcp_pool *zcp_pool_of(const struct inode *inode)
{
	return inode->i_sb->s_fs_info;
}

static int zcp_names_take(struct zcp_pool *pool)
{
	long names = atomic_long_read(&pool->names);

	do {
		if (names >= (long)zcp_pool_max_names(pool))
			return -ENOSPC;
	} while (!atomic_long_try_cmpxchg(&pool->names, &names, names + 1));
	return 0;
}

static void zcp_names_return(struct zcp_pool *pool, unsigned int names)
{
	atomic_long_sub(names, &pool->names);
}

/**
 * zcp_names_statfs() - say how many names there may be
 * @pool: whose
 * @stat: to be filled in
 *
 * Context: any.
 */
void zcp_names_statfs(struct zcp_pool *pool, struct kstatfs *stat)
{
	u64 names = atomic_long_read(&pool->names);

	stat->f_files = zcp_pool_max_names(pool);
	stat->f_ffree = stat->f_files - min(stat->f_files, names);
}

/**
 * zcp_names_evict() - give back what an inode has
 * @inode: of a mounted pool
 *
 * Context: may sleep.
 */
void zcp_names_evict(struct inode *inode)
{
	struct zcp_pool *pool = zcp_pool_of(inode);
	unsigned int names = 1;

	/* Of what is unmounted nobody has unlinked the further names. */
	if (!S_ISDIR(inode->i_mode))
		names = max(1U, inode->i_nlink);
	zcp_evict_inode(inode);
	zcp_names_return(pool, names);
}

static const struct inode_operations zcp_special_iops = {
	.setattr	= zcp_set_attr,
	.set_acl	= zcp_set_acl,
	.listxattr	= zcp_listxattr,
};

/* What user space can wait for, or link to, but is no memory */
static void zcp_set_up_special(struct inode *inode, dev_t dev)
{
	if (S_ISDIR(inode->i_mode)) {
		inode->i_op = &zcp_dir_iops;
		inode->i_fop = &simple_dir_operations;
		/* For "." */
		inc_nlink(inode);
		/* Reading a directory takes the mmap lock inside its i_rwsem. */
		lockdep_annotate_inode_mutex_key(inode);
	} else if (S_ISLNK(inode->i_mode)) {
		inode->i_op = &simple_symlink_inode_operations;
	} else {
		inode->i_op = &zcp_special_iops;
		init_special_inode(inode, inode->i_mode, dev);
	}
}

static struct inode *zcp_names_alloc(struct super_block *sb, umode_t mode)
{
	struct zcp_pool *pool = sb->s_fs_info;
	struct inode *inode;
	int err = zcp_names_take(pool);

	if (err)
		return ERR_PTR(err);
	inode = S_ISREG(mode) ? zcp_buffer_named(pool, sb) : new_inode(sb);
	if (!IS_ERR_OR_NULL(inode))
		return inode;
	zcp_names_return(pool, 1);
	return ERR_PTR(-ENOMEM);
}

/* An inode of any kind, and of a symbolic link all but its target; dir and name are for it. */
static struct inode *zcp_names_inode(struct zcp_idmap *idmap, struct super_block *sb,
				     struct inode *dir, const struct qstr *name, umode_t mode,
				     dev_t dev)
{
	struct inode *inode = zcp_names_alloc(sb, mode);
	int err;

	if (IS_ERR(inode))
		return inode;
	inode->i_ino = atomic64_inc_return(&zcp_pool_of(inode)->last_ino);
	inode_init_owner(idmap, inode, dir, mode);
	zcp_init_times(inode);
	if (!S_ISREG(mode))
		zcp_set_up_special(inode, dev);
	err = zcp_acl_inherit(dir, inode);
	if (!err && dir)
		err = security_inode_init_security(inode, dir, name, NULL, NULL);
	if (!err || err == -EOPNOTSUPP)
		return inode;
	iput(inode);
	return ERR_PTR(err);
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
	struct inode *inode = zcp_names_inode(idmap, dir->i_sb, dir, &dentry->d_name, mode, dev);

	if (IS_ERR(inode))
		return PTR_ERR(inode);
	zcp_names_add(dir, dentry, inode);
	return 0;
}

#ifdef ZCP_CREATE_IS_TOLD_EXCL
static int zcp_create(struct zcp_idmap *idmap, struct inode *dir, struct dentry *dentry,
		      umode_t mode, bool excl)
#else
static int zcp_create(struct zcp_idmap *idmap, struct inode *dir, struct dentry *dentry,
		      umode_t mode)
#endif
{
	return zcp_mknod(idmap, dir, dentry, mode | S_IFREG, 0);
}

static int zcp_make_dir(struct zcp_idmap *idmap, struct inode *dir, struct dentry *dentry,
			umode_t mode)
{
	int err = zcp_mknod(idmap, dir, dentry, mode | S_IFDIR, 0);

	if (!err)
		inc_nlink(dir);
	return err;
}

#ifdef ZCP_MKDIR_RETURNS_DENTRY
static struct dentry *zcp_mkdir(struct zcp_idmap *idmap, struct inode *dir,
				struct dentry *dentry, umode_t mode)
{
	return ERR_PTR(zcp_make_dir(idmap, dir, dentry, mode));
}
#else
static int zcp_mkdir(struct zcp_idmap *idmap, struct inode *dir, struct dentry *dentry,
		     umode_t mode)
{
	return zcp_make_dir(idmap, dir, dentry, mode);
}
#endif

static int zcp_symlink(struct zcp_idmap *idmap, struct inode *dir, struct dentry *dentry,
		       const char *target)
{
	struct inode *inode = zcp_names_inode(idmap, dir->i_sb, dir, &dentry->d_name,
					      S_IFLNK | 0777, 0);

	if (IS_ERR(inode))
		return PTR_ERR(inode);
	/* Freed with the inode, after a grace period: who follows the link may hold neither. */
	inode->i_link = kstrdup(target, GFP_KERNEL_ACCOUNT);
	if (!inode->i_link) {
		iput(inode);
		return -ENOMEM;
	}
	i_size_write(inode, strlen(target));
	zcp_names_add(dir, dentry, inode);
	return 0;
}

static int zcp_tmpfile(struct zcp_idmap *idmap, struct inode *dir, struct file *file,
		       umode_t mode)
{
	struct inode *inode = zcp_names_inode(idmap, dir->i_sb, dir, &file_dentry(file)->d_name,
					      mode, 0);

	if (!IS_ERR(inode))
		d_tmpfile(file, inode);
	return finish_open_simple(file, PTR_ERR_OR_ZERO(inode));
}

static int zcp_link(struct dentry *old_dentry, struct inode *dir, struct dentry *dentry)
{
	bool is_further = d_inode(old_dentry)->i_nlink;
	int err = is_further ? zcp_names_take(zcp_pool_of(dir)) : 0;

	if (err)
		return err;
	err = simple_link(old_dentry, dir, dentry);
	if (err && is_further)
		zcp_names_return(zcp_pool_of(dir), 1);
	return err;
}

/* Whether an inode has another name beside the one that is to go; a directory has not. */
static bool zcp_has_further(const struct inode *inode)
{
	return !S_ISDIR(inode->i_mode) && inode->i_nlink > 1;
}

static int zcp_unlink(struct inode *dir, struct dentry *dentry)
{
	bool has_further = zcp_has_further(d_inode(dentry));
	int err = simple_unlink(dir, dentry);

	if (!err && has_further)
		zcp_names_return(zcp_pool_of(dir), 1);
	return err;
}

static int zcp_rename(struct zcp_idmap *idmap, struct inode *old_dir, struct dentry *old_dentry,
		      struct inode *new_dir, struct dentry *new_dentry, unsigned int flags)
{
	struct inode *victim = flags & RENAME_EXCHANGE ? NULL : d_inode(new_dentry);
	bool has_further = victim && zcp_has_further(victim);
	int err = simple_rename(idmap, old_dir, old_dentry, new_dir, new_dentry, flags);

	if (!err && has_further)
		zcp_names_return(zcp_pool_of(new_dir), 1);
	return err;
}

static const struct inode_operations zcp_dir_iops = {
	.create		= zcp_create,
	.lookup		= simple_lookup,
	.link		= zcp_link,
	.unlink		= zcp_unlink,
	.symlink	= zcp_symlink,
	.mkdir		= zcp_mkdir,
	.rmdir		= simple_rmdir,
	.mknod		= zcp_mknod,
	.rename		= zcp_rename,
	.tmpfile	= zcp_tmpfile,
	.setattr	= zcp_set_attr,
	.set_acl	= zcp_set_acl,
	.listxattr	= zcp_listxattr,
};

/**
 * zcp_names_root() - make the root directory of a mounted pool
 * @sb: its superblock
 * @mode: permissions
 * @fops: what can be done with it when it is open
 *
 * Context: may sleep.
 * Return: 0, -ENOMEM, or -ENOSPC too many names.
 */
int zcp_names_root(struct super_block *sb, umode_t mode, const struct file_operations *fops)
{
	struct inode *inode = zcp_names_inode(zcp_nop_idmap, sb, NULL, NULL, S_IFDIR | mode, 0);

	if (IS_ERR(inode))
		return PTR_ERR(inode);
	inode->i_fop = fops;
	sb->s_root = d_make_root(inode);
	return sb->s_root ? 0 : -ENOMEM;
}
