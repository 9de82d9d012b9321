// SPDX-License-Identifier: GPL-2.0
/*
 * The pool's character device: INFO, ALLOC, and allocation by mmap.
 */
#include <linux/build_bug.h>
#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/topology.h>
#include <linux/uaccess.h>

#include "../compat.h"
#include "door.h"

#define ZCP_ALLOC_FLAGS	(ZCPOOL_ALLOC_CONTIG | ZCPOOL_ALLOC_HUGE | \
			 ZCPOOL_ALLOC_NOWAIT | ZCPOOL_ALLOC_NODE | \
			 ZCPOOL_ALLOC_THISNODE)

/* There is one pool yet. */
static struct zcp_pool *zcp_dev_pool;

static int zcp_dev_open(struct inode *inode, struct file *file)
{
	file->private_data = zcp_dev_pool;
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
	iput(&buf->inode);
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
	iput(&buf->inode);
	return err;
}

static long zcp_dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *uarg = (void __user *)arg;

	BUILD_BUG_ON(sizeof(struct zcpool_info) != 96);
	BUILD_BUG_ON(sizeof(struct zcpool_alloc) != 24);

	switch (cmd & ~IOCSIZE_MASK) {
	case ZCPOOL_IOC_INFO & ~IOCSIZE_MASK:
		return zcp_dev_info(file->private_data, uarg, _IOC_SIZE(cmd));
	case ZCPOOL_IOC_ALLOC & ~IOCSIZE_MASK:
		return zcp_dev_alloc(file->private_data, uarg, _IOC_SIZE(cmd));
	case ZCPOOL_IOC_REVOKE & ~IOCSIZE_MASK:
		return zcp_dev_revoke(file->private_data, uarg, _IOC_SIZE(cmd));
	case ZCPOOL_IOC_MIGRATE & ~IOCSIZE_MASK:
		return zcp_dev_migrate(file->private_data, uarg, _IOC_SIZE(cmd));
	default:
		return -ENOTTY;
	}
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

static const struct file_operations zcp_dev_fops = {
	.owner		= THIS_MODULE,
	.open		= zcp_dev_open,
	.llseek		= noop_llseek,
	.unlocked_ioctl	= zcp_dev_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.mmap		= zcp_dev_mmap,
	.get_unmapped_area = zcp_get_unmapped_area,
};

static struct miscdevice zcp_dev = {
	.minor		= MISC_DYNAMIC_MINOR,
	.name		= "zcpool-" ZCPOOL_DEFAULT,
	.nodename	= "zcpool/" ZCPOOL_DEFAULT,
	.mode		= 0600,
	.fops		= &zcp_dev_fops,
};

/**
 * zcp_dev_init() - bring up the device node of the default pool
 * @pool: the pool, ready for use
 *
 * Context: may sleep.
 * Return: 0 or an error of misc_register().
 */
int zcp_dev_init(struct zcp_pool *pool)
{
	zcp_dev_pool = pool;
	return misc_register(&zcp_dev);
}

/**
 * zcp_dev_exit() - undo zcp_dev_init()
 *
 * Context: may sleep.
 */
void zcp_dev_exit(void)
{
	misc_deregister(&zcp_dev);
}
