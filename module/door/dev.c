// SPDX-License-Identifier: GPL-2.0
/*
 * A pool's character device: INFO, ALLOC, and allocation by mmap. All but the last works on
 * the root directory of its mount, too.
 */
#include <linux/build_bug.h>
#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/topology.h>
#include <linux/uaccess.h>

#include "../compat.h"
#include "door.h"

#define ZCP_ALLOC_FLAGS	(ZCPOOL_ALLOC_CONTIG | ZCPOOL_ALLOC_HUGE | \
			 ZCPOOL_ALLOC_NOWAIT | ZCPOOL_ALLOC_NODE | \
			 ZCPOOL_ALLOC_THISNODE)

static int zcp_dev_open(struct inode *inode, struct file *file)
{
	file->private_data = zcp_device_pool(inode);
	return file->private_data ? 0 : -ENXIO;
}

static int zcp_dev_release(struct inode *inode, struct file *file)
{
	zcp_pool_put(file->private_data);
	return 0;
}

static long zcp_dev_info(struct zcp_pool *pool, void __user *arg, size_t usize)
{
	struct zcpool_info in, info = {};
	int err;

	if (usize < ZCPOOL_INFO_SIZE_MIN)
		return -EINVAL;
	err = copy_struct_from_user(&in, sizeof(in), arg, usize);
	if (err)
		return err;

	if (in.flags & ~ZCPOOL_INFO_NODE)
		return -EINVAL;
	if (in.flags & ZCPOOL_INFO_NODE) {
		if (in.node >= MAX_NUMNODES || !node_isset(in.node, pool->mask))
			return -EINVAL;
	} else if (in.node) {
		return -EINVAL;
	}
	info.flags = in.flags;
	info.node = in.node;
	zcp_pool_info(pool, &info);
	return copy_struct_to_user(arg, usize, &info, sizeof(info), NULL);
}

static int zcp_dev_check_alloc(const struct zcp_pool *pool,
			       const struct zcpool_alloc *args)
{
	if (!args->size || args->flags & ~ZCP_ALLOC_FLAGS || args->fd ||
	    args->reserved)
		return -EINVAL;
	if (args->flags & ZCPOOL_ALLOC_NODE)
		return zcp_pool_check_node(pool, args->node);
	return args->node ? -EINVAL : 0;
}

/* The descriptor is installed last: from then on user space can close it. */
static long zcp_dev_alloc(struct zcp_pool *pool, void __user *arg, size_t usize)
{
	struct zcpool_alloc args;
	struct zcp_request req;
	struct file *file;
	int err;

	if (usize < ZCPOOL_ALLOC_SIZE_MIN)
		return -EINVAL;
	err = copy_struct_from_user(&args, sizeof(args), arg, usize);
	if (!err)
		err = zcp_dev_check_alloc(pool, &args);
	if (err)
		return err;

	args.fd = get_unused_fd_flags(O_CLOEXEC);
	if (args.fd < 0)
		return args.fd;

	req = (struct zcp_request){
		.pool = pool,
		.size = args.size,
		.flags = args.flags,
		.nid = args.flags & ZCPOOL_ALLOC_NODE ? args.node : numa_mem_id(),
	};
	file = zcp_buffer_create(&req);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto put_fd;
	}
	args.size = i_size_read(file_inode(file));
	err = copy_struct_to_user(arg, usize, &args, sizeof(args), NULL);
	if (err)
		goto put_file;
	fd_install(args.fd, file);
	return 0;

put_file:
	fput(file);
put_fd:
	put_unused_fd(args.fd);
	return err;
}

/* What an administrator may do to anybody's buffer, by its number */
static struct zcp_buffer *zcp_dev_find(struct zcp_pool *pool, u64 id)
{
	struct zcp_buffer *buf;

	if (!capable(CAP_SYS_ADMIN))
		return ERR_PTR(-EPERM);
	buf = zcp_buffer_find(pool, id);
	return buf ? buf : ERR_PTR(-ENOENT);
}

static long zcp_dev_revoke(struct zcp_pool *pool, void __user *arg, size_t usize)
{
	struct zcpool_revoke args;
	struct zcp_buffer *buf;
	int err;

	if (usize < ZCPOOL_REVOKE_SIZE_MIN)
		return -EINVAL;
	err = copy_struct_from_user(&args, sizeof(args), arg, usize);
	if (err)
		return err;
	if (args.flags)
		return -EINVAL;
	buf = zcp_dev_find(pool, args.id);
	if (IS_ERR(buf))
		return PTR_ERR(buf);
	err = zcp_ioctl_revoke(buf, &args, arg, usize);
	zcp_buffer_ungrab(buf);
	return err;
}

static long zcp_dev_migrate(struct zcp_pool *pool, void __user *arg, size_t usize)
{
	struct zcpool_migrate args;
	struct zcp_buffer *buf;
	int err;

	if (usize < ZCPOOL_MIGRATE_SIZE_MIN)
		return -EINVAL;
	err = copy_struct_from_user(&args, sizeof(args), arg, usize);
	if (err)
		return err;
	if (args.flags)
		return -EINVAL;
	err = zcp_pool_check_node(pool, args.node);
	if (err)
		return err;
	buf = zcp_dev_find(pool, args.id);
	if (IS_ERR(buf))
		return PTR_ERR(buf);
	err = zcp_buffer_migrate(buf, args.node);
	zcp_buffer_ungrab(buf);
	return err;
}

static long zcp_pool_ioctl(struct zcp_pool *pool, unsigned int cmd, void __user *arg)
{
	BUILD_BUG_ON(sizeof(struct zcpool_info) != 112);
	BUILD_BUG_ON(sizeof(struct zcpool_alloc) != 24);

	switch (cmd & ~IOCSIZE_MASK) {
	case ZCPOOL_IOC_INFO & ~IOCSIZE_MASK:
		return zcp_dev_info(pool, arg, _IOC_SIZE(cmd));
	case ZCPOOL_IOC_ALLOC & ~IOCSIZE_MASK:
		return zcp_dev_alloc(pool, arg, _IOC_SIZE(cmd));
	case ZCPOOL_IOC_REVOKE & ~IOCSIZE_MASK:
		return zcp_dev_revoke(pool, arg, _IOC_SIZE(cmd));
	case ZCPOOL_IOC_MIGRATE & ~IOCSIZE_MASK:
		return zcp_dev_migrate(pool, arg, _IOC_SIZE(cmd));
	default:
		return -ENOTTY;
	}
}

static long zcp_dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return zcp_pool_ioctl(file->private_data, cmd, (void __user *)arg);
}

/* Allocating takes what making a file there does. */
static long zcp_root_alloc(struct file *file, unsigned int cmd, void __user *arg)
{
	long err = mnt_want_write_file(file);

	if (err)
		return err;
	err = file_permission(file, MAY_WRITE | MAY_EXEC);
	if (!err)
		err = zcp_pool_ioctl(file_inode(file)->i_sb->s_fs_info, cmd, arg);
	mnt_drop_write_file(file);
	return err;
}

/**
 * zcp_root_ioctl() - what can be asked of a pool by the root directory of its mount
 * @file: of that directory
 * @cmd: as for the device
 * @arg: as for the device
 *
 * Context: may sleep.
 * Return: as for the device; -EACCES, -EROFS where no file could be made there either.
 */
long zcp_root_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *uarg = (void __user *)arg;

	if ((cmd & ~IOCSIZE_MASK) == (ZCPOOL_IOC_ALLOC & ~IOCSIZE_MASK))
		return zcp_root_alloc(file, cmd, uarg);
	return zcp_pool_ioctl(file_inode(file)->i_sb->s_fs_info, cmd, uarg);
}

/*
 * Mapping the pool makes a buffer for this mapping alone. The VMA is handed over
 * to the buffer's file, which nobody has a descriptor of.
 */
static int zcp_dev_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct zcp_request req = {
		.pool = file->private_data,
		.size = vma->vm_end - vma->vm_start,
		.nid = numa_mem_id(),
		.exact = true,
		/* The mmap lock is held, for which who looks at the process has to wait. */
		.zero_later = true,
	};
	struct file *buf;
	int err;

	if (vma->vm_pgoff)
		return -EINVAL;
	err = zcp_check_mapping(vma->vm_flags);
	if (err)
		return err;
	buf = zcp_buffer_create(&req);
	if (IS_ERR(buf))
		return PTR_ERR(buf);
	err = zcp_buffer_mmap(buf, vma);
	if (!err)
		vma_set_file(vma, buf);
	/* The VMA has its own reference now. */
	fput(buf);
	return err;
}

const struct file_operations zcp_dev_fops = {
	.owner		= THIS_MODULE,
	.open		= zcp_dev_open,
	.release	= zcp_dev_release,
	.llseek		= noop_llseek,
	.unlocked_ioctl	= zcp_dev_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.mmap		= zcp_dev_mmap,
	.get_unmapped_area = zcp_get_unmapped_area,
};
