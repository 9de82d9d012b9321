/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels that zcpool builds for. The rest of the
 * module is written for the newest of them; nothing outside this file looks at
 * a version.
 */
#ifndef _ZCPOOL_COMPAT_H
#define _ZCPOOL_COMPAT_H

#include <linux/dcache.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mnt_idmapping.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/module.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <linux/security.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/version.h>

/* generic_setlease() was in <linux/fs.h> before. */
#if KERNEL_VERSION(6, 3, 0) <= LINUX_VERSION_CODE
#include <linux/filelock.h>
#endif

#if KERNEL_VERSION(6, 3, 0) > LINUX_VERSION_CODE
static inline void vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags &= ~flags;
}

/* What tells inode operations whose numbers an inode's owner is given in */
#define zcp_idmap	user_namespace
#define zcp_nop_idmap	(&init_user_ns)
#else
#define zcp_idmap	mnt_idmap
#define zcp_nop_idmap	(&nop_mnt_idmap)
#endif

/* A class is not changed by who registers it: 6.4 and later. */
#if KERNEL_VERSION(6, 4, 0) > LINUX_VERSION_CODE
#define zcp_const_class
#else
#define zcp_const_class		const
#endif

/* What a device_type's devnode() is told of */
#if KERNEL_VERSION(6, 3, 0) > LINUX_VERSION_CODE
#define zcp_const_device	struct device
#else
#define zcp_const_device	const struct device
#endif

/* .create is told whether there must not be a file, which has been looked after before. */
#if KERNEL_VERSION(7, 0, 0) > LINUX_VERSION_CODE
#define ZCP_CREATE_IS_TOLD_EXCL
#endif

/* .mkdir returns a dentry, NULL for the one that it got, and not an int. */
#if KERNEL_VERSION(6, 15, 0) <= LINUX_VERSION_CODE
#define ZCP_MKDIR_RETURNS_DENTRY
#endif

/* What an inode operation is told to set an ACL of */
#if KERNEL_VERSION(6, 2, 0) > LINUX_VERSION_CODE
#define zcp_acl_target	inode
#define zcp_acl_inode(target)	(target)

static inline int zcp_acl_chmod(struct zcp_idmap *idmap, struct dentry *dentry, umode_t mode)
{
	return posix_acl_chmod(idmap, d_inode(dentry), mode);
}
#else
#define zcp_acl_target	dentry
#define zcp_acl_inode(target)	d_inode(target)

static inline int zcp_acl_chmod(struct zcp_idmap *idmap, struct dentry *dentry, umode_t mode)
{
	return posix_acl_chmod(idmap, dentry, mode);
}
#endif

/* Have the inodes of a file system have ACLs: before 6.2 they came by these handlers. */
static inline void zcp_allow_acls(struct super_block *sb)
{
#ifdef CONFIG_FS_POSIX_ACL
#if KERNEL_VERSION(6, 2, 0) > LINUX_VERSION_CODE
	static const struct xattr_handler *handlers[] = {
		&posix_acl_access_xattr_handler, &posix_acl_default_xattr_handler, NULL
	};

	sb->s_xattr = handlers;
#endif
	sb->s_flags |= SB_POSIXACL;
#endif
}

/* What security modules list of an inode: bytes; with no room, how many it would be. */
static inline ssize_t zcp_list_security(struct inode *inode, char *list, size_t size)
{
#if KERNEL_VERSION(7, 0, 0) > LINUX_VERSION_CODE
	ssize_t len = security_inode_listsecurity(inode, list, size);

	return size && len > (ssize_t)size ? -ERANGE : len;
#else
	char *end = size ? list : NULL;
	ssize_t left = size;
	int err = security_inode_listsecurity(inode, &end, &left);

	return err ? err : (ssize_t)size - left;
#endif
}

/* A new inode's times, and those of a directory that has changed, or of what is said of one */
#if KERNEL_VERSION(6, 7, 0) > LINUX_VERSION_CODE
static inline void zcp_init_times(struct inode *inode)
{
	inode->i_atime = current_time(inode);
	inode->i_mtime = inode->i_atime;
	inode->i_ctime = inode->i_atime;
}

static inline void zcp_note_change(struct inode *inode)
{
	inode->i_ctime = current_time(inode);
}

static inline void zcp_touch(struct inode *inode)
{
	inode->i_mtime = current_time(inode);
	inode->i_ctime = inode->i_mtime;
}
#else
static inline void zcp_init_times(struct inode *inode)
{
	simple_inode_init_ts(inode);
}

static inline void zcp_note_change(struct inode *inode)
{
	inode_set_ctime_current(inode);
}

static inline void zcp_touch(struct inode *inode)
{
	inode_set_mtime_to_ts(inode, inode_set_ctime_current(inode));
}
#endif

/* A name that stays until it is unlinked, and the end of a tree of such */
#if KERNEL_VERSION(6, 19, 0) > LINUX_VERSION_CODE
static inline void zcp_make_persistent(struct dentry *dentry, struct inode *inode)
{
	d_instantiate(dentry, inode);
	dget(dentry);
}

#define zcp_kill_super	kill_litter_super
#else
static inline void zcp_make_persistent(struct dentry *dentry, struct inode *inode)
{
	d_make_persistent(dentry, inode);
}

#define zcp_kill_super	kill_anon_super
#endif

/* Set by alloc_anon_inode() where the kernel has it: 6.16 and later. */
#ifndef S_ANON_INODE
#define S_ANON_INODE	0
#endif

/*
 * Whether a page of a node may have had a memory error, without looking at any. A kernel
 * that does not count them (6.4 and later do) cannot exclude it.
 */
static inline bool zcp_node_may_have_errors(int nid)
{
#ifndef CONFIG_MEMORY_FAILURE
	return false;
#elif KERNEL_VERSION(6, 4, 0) > LINUX_VERSION_CODE
	return true;
#else
	return READ_ONCE(NODE_DATA(nid)->mf_stats.total);
#endif
}

/* In a tracepoint, fill in what __string(dst, src) has made room for. */
#if KERNEL_VERSION(6, 10, 0) > LINUX_VERSION_CODE
#define zcp_assign_str(dst, src)	__assign_str(dst, src)
#else
#define zcp_assign_str(dst, src)						\
do {										\
	(void)(src);								\
	__assign_str(dst);							\
} while (0)
#endif

/* vmf_insert_folio_pmd() */
#if KERNEL_VERSION(6, 15, 0) <= LINUX_VERSION_CODE && defined(CONFIG_TRANSPARENT_HUGEPAGE)
#define ZCP_HAVE_INSERT_FOLIO
#endif

/* Fills a pipe by .read_iter, which must copy: copy_page_to_iter() does not where it is a pipe. */
#if KERNEL_VERSION(6, 5, 0) > LINUX_VERSION_CODE
#define copy_splice_read	generic_file_splice_read
#endif

/*
 * In a fault, map a page, which is locked, and nothing else of its folio. Kernels without this
 * call do so by themselves if the folio says that it has had a memory error.
 */
static inline vm_fault_t zcp_insert_page(struct vm_fault *vmf, struct page *page)
{
#ifdef ZCP_HAVE_INSERT_FOLIO
	vm_fault_t ret = VM_FAULT_OOM;

	/* Somebody may map all of the folio meanwhile, who has not seen the error yet. */
	if (!pmd_trans_huge(READ_ONCE(*vmf->pmd)))
		ret = vmf_insert_page_mkwrite(vmf, page, vmf->flags & FAULT_FLAG_WRITE);
	if (ret == VM_FAULT_OOM && pmd_trans_huge(READ_ONCE(*vmf->pmd)))
		ret = VM_FAULT_NOPAGE;
	return ret;
#else
	get_page(page);
	vmf->page = page;
	return VM_FAULT_LOCKED;
#endif
}

#if KERNEL_VERSION(6, 13, 0) > LINUX_VERSION_CODE
/* A caller may know another version of a struct than we do. */
static inline int copy_struct_to_user(void __user *to, size_t usize,
				      const void *from, size_t ksize,
				      bool *ignored_trailing)
{
	size_t both = min(usize, ksize);

	if (ignored_trailing)
		*ignored_trailing = memchr_inv(from + both, 0, ksize - both);
	if (copy_to_user(to, from, both))
		return -EFAULT;
	return clear_user(to + both, usize - both) ? -EFAULT : 0;
}
#endif

/* Text and data of a module, but for what goes once it is initialized */
static inline unsigned long zcp_module_bytes(const struct module *mod)
{
	unsigned long bytes = 0;
#if KERNEL_VERSION(6, 4, 0) > LINUX_VERSION_CODE
	bytes += mod->core_layout.size;
#ifdef CONFIG_ARCH_WANTS_MODULES_DATA_IN_VMALLOC
	bytes += mod->data_layout.size;
#endif
#else
	int type;

	for (type = 0; type < MOD_MEM_NUM_TYPES; type++) {
		if (!mod_mem_type_is_init(type))
			bytes += mod->mem[type].size;
	}
#endif
	return bytes;
}

#endif /* _ZCPOOL_COMPAT_H */
