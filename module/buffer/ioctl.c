// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls on a buffer: what user space passes is checked and taken apart here.
 */
#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "../compat.h"
#include "buffer.h"

#define ZCP_SEALS	(ZCPOOL_SEAL_SEAL | ZCPOOL_SEAL_WRITE | \
			 ZCPOOL_SEAL_FUTURE_WRITE | ZCPOOL_SEAL_REVOKE)

/* Of a file nobody has asked for more than it has become. */
static u64 zcp_buffer_requested(const struct zcp_buffer *buf)
{
	return zcp_buffer_is_file(buf) ? i_size_read(&buf->inode) :
					 (u64)buf->req_pages << PAGE_SHIFT;
}

static int zcp_buffer_fill_info(struct zcp_buffer *buf, struct zcpool_buf_info *info)
{
	u64 whole;
	int err;

	err = zcp_buffer_lock_shared(buf);
	if (err)
		return err;
	if (buf->life != ZCP_ALIVE) {
		zcp_buffer_unlock_shared(buf);
		return -ESTALE;
	}
	whole = (u64)zcp_buffer_whole(buf) * ZCP_CHUNK_SIZE;
	*info = (struct zcpool_buf_info){
		.id		= buf->id,
		.size		= i_size_read(&buf->inode),
		.requested	= zcp_buffer_requested(buf),
		.whole_bytes	= whole,
		.split_bytes	= ((u64)zcp_buffer_held(buf) << PAGE_SHIFT) - whole,
		.nr_extents	= zcp_buffer_pieces(buf),
		.node		= zcp_buffer_node(buf),
		.flags		= buf->flags,
		.mappings	= zcp_buffer_vmas(buf),
		.seals		= buf->seals,
	};
	zcp_buffer_unlock_shared(buf);
	return 0;
}

static long zcp_ioctl_info(struct file *file, void __user *arg, size_t usize)
{
	struct zcpool_buf_info info;
	int err;

	if (usize < ZCPOOL_BUF_INFO_SIZE_MIN)
		return -EINVAL;
	err = zcp_buffer_fill_info(zcp_buffer_of(file), &info);
	return err ? err : copy_struct_to_user(arg, usize, &info, sizeof(info), NULL);
}

/* Tell user space what has come of a call, when that is no reason for it to fail any more. */
static void zcp_write_back(void __user *arg, size_t usize, const void *args, size_t size)
{
	int err = copy_struct_to_user(arg, usize, args, size, NULL);

	(void)err;
}

/**
 * zcp_ioctl_revoke() - do what a struct zcpool_revoke from user space says
 * @buf: to which
 * @args: the struct
 * @arg: where in user space it is
 * @usize: its size there
 *
 * It is written back first, when nothing has happened yet: a failure to do so afterwards is
 * none of the call.
 *
 * Context: process; may sleep.
 * Return: 0; -EINVAL; -EFAULT; or an error of zcp_buffer_revoke().
 */
long zcp_ioctl_revoke(struct zcp_buffer *buf, struct zcpool_revoke *args,
		      void __user *arg, size_t usize)
{
	long timeout = MAX_SCHEDULE_TIMEOUT;
	int err;

	if (args->flags)
		return -EINVAL;
	if (args->timeout_ms != ZCPOOL_WAIT_FOREVER)
		timeout = msecs_to_jiffies(args->timeout_ms);
	args->pinned = 0;
	err = copy_struct_to_user(arg, usize, args, sizeof(*args), NULL);
	if (err)
		return err;
	err = zcp_buffer_revoke(buf, timeout, &args->pinned);
	if (!err)
		zcp_write_back(arg, usize, args, sizeof(*args));
	return err;
}

static long zcp_ioctl_revoke_this(struct file *file, void __user *arg, size_t usize)
{
	struct zcpool_revoke args;
	int err;

	if (usize < ZCPOOL_REVOKE_SIZE_MIN)
		return -EINVAL;
	err = copy_struct_from_user(&args, sizeof(args), arg, usize);
	if (err)
		return err;
	return args.id ? -EINVAL : zcp_ioctl_revoke(zcp_buffer_of(file), &args, arg, usize);
}

static struct file *zcp_new_file_move(struct file *file)
{
	return zcp_buffer_move(zcp_buffer_of(file));
}

static struct file *zcp_new_file_ro(struct file *file)
{
	return zcp_buffer_is_gone(file) ? ERR_PTR(-ESTALE) : zcp_buffer_open_ro(file);
}

/*
 * What user space gets is written before anything is done that cannot be undone; the
 * descriptor is installed last.
 */
static long zcp_ioctl_new_fd(struct file *file, void __user *arg, size_t usize,
			     struct file *(*new_file)(struct file *file))
{
	struct zcpool_new_fd args;
	struct file *new;
	int err;

	if (usize < ZCPOOL_NEW_FD_SIZE_MIN)
		return -EINVAL;
	err = copy_struct_from_user(&args, sizeof(args), arg, usize);
	if (err)
		return err;
	if (args.flags || args.fd)
		return -EINVAL;
	args.fd = get_unused_fd_flags(O_CLOEXEC);
	if (args.fd < 0)
		return args.fd;
	err = copy_struct_to_user(arg, usize, &args, sizeof(args), NULL);
	new = err ? ERR_PTR(err) : new_file(file);
	if (IS_ERR(new)) {
		put_unused_fd(args.fd);
		args.fd = 0;
		zcp_write_back(arg, usize, &args, sizeof(args));
		return PTR_ERR(new);
	}
	fd_install(args.fd, new);
	return 0;
}

static long zcp_ioctl_seal(struct file *file, void __user *arg, size_t usize)
{
	struct zcpool_seal args;
	int err;

	if (usize < ZCPOOL_SEAL_SIZE_MIN)
		return -EINVAL;
	err = copy_struct_from_user(&args, sizeof(args), arg, usize);
	if (err)
		return err;
	if (args.seals & ~ZCP_SEALS || args.flags)
		return -EINVAL;
	/* As in zcp_ioctl_revoke() */
	err = copy_struct_to_user(arg, usize, &args, sizeof(args), NULL);
	if (!err)
		err = zcp_buffer_seal(zcp_buffer_of(file), &args.seals);
	if (!err)
		zcp_write_back(arg, usize, &args, sizeof(args));
	return err;
}

static long zcp_ioctl_migrate(struct file *file, void __user *arg, size_t usize)
{
	struct zcp_buffer *buf = zcp_buffer_of(file);
	struct zcpool_migrate args;
	int err;

	if (usize < ZCPOOL_MIGRATE_SIZE_MIN)
		return -EINVAL;
	err = copy_struct_from_user(&args, sizeof(args), arg, usize);
	if (err)
		return err;
	if (args.id || args.flags)
		return -EINVAL;
	err = zcp_pool_check_node(buf->pool, args.node);
	return err ? err : zcp_buffer_migrate(buf, args.node);
}

/* What only a descriptor that allows writing may be used for */
static long zcp_ioctl_owner(struct file *file, unsigned int cmd, void __user *arg)
{
	size_t usize = _IOC_SIZE(cmd);

	if (!(file->f_mode & FMODE_WRITE))
		return -EPERM;
	switch (cmd & ~IOCSIZE_MASK) {
	case ZCPOOL_BUF_REVOKE & ~IOCSIZE_MASK:
		return zcp_ioctl_revoke_this(file, arg, usize);
	case ZCPOOL_BUF_MOVE & ~IOCSIZE_MASK:
		return zcp_ioctl_new_fd(file, arg, usize, zcp_new_file_move);
	case ZCPOOL_BUF_SEAL & ~IOCSIZE_MASK:
		return zcp_ioctl_seal(file, arg, usize);
	default:
		return zcp_ioctl_migrate(file, arg, usize);
	}
}

/**
 * zcp_buffer_ioctl() - do what user space asks of a buffer
 * @file: the buffer's
 * @cmd: ZCPOOL_BUF_*
 * @arg: pointer to the call's struct
 *
 * Context: process; may sleep.
 * Return: 0; -ENOTTY no call of a buffer's; or what the uapi header says.
 */
long zcp_buffer_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *uarg = (void __user *)arg;

	BUILD_BUG_ON(sizeof(struct zcpool_buf_info) != 64);
	BUILD_BUG_ON(sizeof(struct zcpool_revoke) != ZCPOOL_REVOKE_SIZE_MIN);
	BUILD_BUG_ON(sizeof(struct zcpool_new_fd) != ZCPOOL_NEW_FD_SIZE_MIN);
	BUILD_BUG_ON(sizeof(struct zcpool_seal) != ZCPOOL_SEAL_SIZE_MIN);
	BUILD_BUG_ON(sizeof(struct zcpool_migrate) != ZCPOOL_MIGRATE_SIZE_MIN);

	switch (cmd & ~IOCSIZE_MASK) {
	case ZCPOOL_BUF_INFO & ~IOCSIZE_MASK:
		return zcp_ioctl_info(file, uarg, _IOC_SIZE(cmd));
	case ZCPOOL_BUF_OPEN_RO & ~IOCSIZE_MASK:
		return zcp_ioctl_new_fd(file, uarg, _IOC_SIZE(cmd), zcp_new_file_ro);
	case ZCPOOL_BUF_REVOKE & ~IOCSIZE_MASK:
	case ZCPOOL_BUF_MOVE & ~IOCSIZE_MASK:
	case ZCPOOL_BUF_SEAL & ~IOCSIZE_MASK:
	case ZCPOOL_BUF_MIGRATE & ~IOCSIZE_MASK:
		return zcp_ioctl_owner(file, cmd, uarg);
	default:
		return -ENOTTY;
	}
}
