// SPDX-License-Identifier: GPL-2.0
/*
 * Who may do what with an inode: mode, owner and POSIX ACLs, of a buffer as of what has only a
 * name.
 *
 * An ACL is where the VFS caches it, and nowhere else: from its inode's beginning there is one
 * or there is none, so nobody ever has to be asked for it.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <linux/string.h>

#include "../compat.h"
#include "buffer.h"

/**
 * zcp_apply_attr() - change mode, owner and times of an inode
 * @idmap: of the mount
 * @dentry: its name
 * @attr: to what; setattr_prepare() has let it pass. The size is the caller's business
 *
 * Context: may sleep; the inode's i_rwsem is held for writing.
 * Return: 0, or -ENOMEM for the ACL that goes with the mode; nothing has changed then.
 */
int zcp_apply_attr(struct zcp_idmap *idmap, struct dentry *dentry, struct iattr *attr)
{
	int err = 0;

	if (attr->ia_valid & ATTR_MODE)
		err = zcp_acl_chmod(idmap, dentry, attr->ia_mode);
	if (!err)
		setattr_copy(idmap, d_inode(dentry), attr);
	return err;
}

/**
 * zcp_set_attr() - answer a wish to change mode, owner or times of an inode
 * @idmap: of the mount
 * @dentry: its name
 * @attr: to what
 *
 * Context: may sleep; the inode's i_rwsem is held for writing.
 * Return: 0, -EPERM, or another error of setattr_prepare() or zcp_apply_attr().
 */
int zcp_set_attr(struct zcp_idmap *idmap, struct dentry *dentry, struct iattr *attr)
{
	int err = setattr_prepare(idmap, dentry, attr);

	return err ? err : zcp_apply_attr(idmap, dentry, attr);
}

#ifdef CONFIG_FS_POSIX_ACL
/* A copy, since the memory of what the VFS hands over is accounted to nobody. */
static int zcp_acl_keep(struct inode *inode, int type, const struct posix_acl *acl)
{
	struct posix_acl *copy = NULL;

	if (acl) {
		copy = posix_acl_alloc(acl->a_count, GFP_KERNEL_ACCOUNT);
		if (!copy)
			return -ENOMEM;
		memcpy(copy->a_entries, acl->a_entries,
		       acl->a_count * sizeof(*acl->a_entries));
	}
	set_cached_acl(inode, type, copy);
	posix_acl_release(copy);
	return 0;
}

/**
 * zcp_set_acl() - answer a wish to set an ACL of an inode
 * @idmap: of the mount
 * @target: whose
 * @acl: which; NULL for none. Of one that a mode can express nothing is left but the mode
 * @type: ACL_TYPE_ACCESS, or ACL_TYPE_DEFAULT of a directory for what is made in it
 *
 * Context: may sleep; the inode's i_rwsem is held for writing.
 * Return: 0, -EINVAL no ACL that makes sense, -ENOMEM; nothing has changed then.
 */
int zcp_set_acl(struct zcp_idmap *idmap, struct zcp_acl_target *target, struct posix_acl *acl,
		int type)
{
	struct inode *inode = zcp_acl_inode(target);
	umode_t mode = inode->i_mode;
	int err = 0;

	if (type == ACL_TYPE_ACCESS)
		err = posix_acl_update_mode(idmap, inode, &mode, &acl);
	if (!err)
		err = zcp_acl_keep(inode, type, acl);
	if (err)
		return err;
	inode->i_mode = mode;
	zcp_note_change(inode);
	return 0;
}

/**
 * zcp_acl_inherit() - give a new inode the ACLs that its directory has for it
 * @dir: directory, or NULL
 * @inode: with its mode, which is cut down to what the ACLs, or else the umask, allow
 *
 * Context: may sleep; nobody else knows the inode.
 * Return: 0 or -ENOMEM.
 */
int zcp_acl_inherit(struct inode *dir, struct inode *inode)
{
	struct posix_acl *for_children = NULL, *own = NULL;
	int err = 0;

	cache_no_acl(inode);
	if (dir)
		err = posix_acl_create(dir, &inode->i_mode, &for_children, &own);
	if (!err)
		err = zcp_acl_keep(inode, ACL_TYPE_DEFAULT, for_children);
	if (!err)
		err = zcp_acl_keep(inode, ACL_TYPE_ACCESS, own);
	posix_acl_release(for_children);
	posix_acl_release(own);
	return err;
}

/* Adds a name to a list that is len bytes long; where there is no room at all, to its length. */
static ssize_t zcp_list_name(char *list, size_t size, ssize_t len, const char *name)
{
	size_t more = strlen(name) + 1;

	if (len < 0)
		return len;
	if (size && len + more > size)
		return -ERANGE;
	if (size)
		memcpy(list + len, name, more);
	return len + more;
}

/**
 * zcp_listxattr() - name the extended attributes of an inode
 * @dentry: its name
 * @list: where the names go, each with a 0 behind it
 * @size: how many bytes there are room for; 0 asks how many it takes
 *
 * Context: may sleep.
 * Return: bytes, -ERANGE too little room.
 */
ssize_t zcp_listxattr(struct dentry *dentry, char *list, size_t size)
{
	struct inode *inode = d_inode(dentry);
	ssize_t len = zcp_list_security(inode, list, size);

	if (READ_ONCE(inode->i_acl))
		len = zcp_list_name(list, size, len, XATTR_NAME_POSIX_ACL_ACCESS);
	if (READ_ONCE(inode->i_default_acl))
		len = zcp_list_name(list, size, len, XATTR_NAME_POSIX_ACL_DEFAULT);
	return len;
}
#endif
