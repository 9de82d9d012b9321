// SPDX-License-Identifier: GPL-2.0
/*
 * What can be done with the file of a buffer, apart from mapping it (map.c).
 */
#include <linux/compat.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/uio.h>

#include "../compat.h"
#include "buffer.h"

/*
 * Called for the second and later opens, which go through /proc/PID/fd. Which
 * descriptor that was, and what it allowed, is not to be known here, so reading
 * is all that a new one allows.
 */
static int zcp_buffer_open(struct inode *inode, struct file *file)
{
	return file->f_mode & FMODE_WRITE ? -EACCES : 0;
}

typedef size_t zcp_copy_fn(struct page *page, size_t offset, size_t bytes,
			   struct iov_iter *iter);

/*
 * Not copy_page_to_iter(): on kernels before 6.5, where @iter may be a pipe, that would not copy
 * but put the page itself there, and what is written to it later would show.
 */
static size_t zcp_copy_out(struct page *page, size_t offset, size_t bytes,
			   struct iov_iter *iter)
{
	void *from = kmap_local_page(page);
	size_t copied = copy_to_iter(from + offset, bytes, iter);

	kunmap_local(from);
	return copied;
}

static ssize_t zcp_buffer_copy(struct kiocb *iocb, struct iov_iter *iter,
			       zcp_copy_fn *copy)
{
	struct zcp_buffer *buf = zcp_buffer_of(iocb->ki_filp);
	ssize_t done = 0;

	while (iov_iter_count(iter)) {
		size_t offset = offset_in_page(iocb->ki_pos);
		size_t bytes = min_t(size_t, PAGE_SIZE - offset,
				     iov_iter_count(iter));
		struct page *page = zcp_extents_page(&buf->extents,
						     iocb->ki_pos >> PAGE_SHIFT);
		size_t copied;

		if (!page)
			break;
		if (zcp_pages_poisoned(page, 1))
			return done ? done : -EIO;
		copied = copy(page, offset, bytes, iter);
		iocb->ki_pos += copied;
		done += copied;
		if (copied < bytes)
			return done ? done : -EFAULT;
		if (fatal_signal_pending(current))
			return done;
		cond_resched();
	}
	return done;
}

static ssize_t zcp_buffer_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	/* Also keeps the page index of zcp_buffer_copy() within 32 bits. */
	if (iocb->ki_pos >= i_size_read(file_inode(iocb->ki_filp)))
		return 0;
	return zcp_buffer_copy(iocb, to, zcp_copy_out);
}

static ssize_t zcp_buffer_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	loff_t size = i_size_read(file_inode(iocb->ki_filp));

	/* As a block device answers: there is a last byte, and no growing. */
	if (iocb->ki_flags & IOCB_APPEND)
		return -ENOSPC;
	if (iov_iter_count(from) && iocb->ki_pos >= size)
		return -ENOSPC;
	return zcp_buffer_copy(iocb, from, copy_page_from_iter);
}

static loff_t zcp_buffer_llseek(struct file *file, loff_t offset, int whence)
{
	loff_t size = i_size_read(file_inode(file));

	return generic_file_llseek_size(file, offset, whence, size, size);
}

/* All of a buffer is there from the beginning: there is nothing to do, and no growing. */
static long zcp_buffer_fallocate(struct file *file, int mode, loff_t offset,
				 loff_t len)
{
	if (mode & ~FALLOC_FL_KEEP_SIZE)
		return -EOPNOTSUPP;
	return offset + len > i_size_read(file_inode(file)) ? -ENOSPC : 0;
}

static long zcp_buffer_info(struct zcp_buffer *buf, void __user *arg,
			    size_t usize)
{
	const struct zcp_extents *extents = &buf->extents;
	unsigned long whole = (unsigned long)extents->nr_whole * ZCP_CHUNK_PAGES;
	struct zcpool_buf_info info = {
		.id		= buf->id,
		.size		= (u64)buf->nr_pages << PAGE_SHIFT,
		.requested	= (u64)buf->req_pages << PAGE_SHIFT,
		.whole_bytes	= (u64)whole << PAGE_SHIFT,
		.split_bytes	= (u64)(buf->nr_pages - whole) << PAGE_SHIFT,
		.nr_extents	= zcp_extents_pieces(extents),
		.node		= zcp_extents_node(extents),
		.flags		= buf->flags,
		.mappings	= atomic_read(&buf->mappings),
	};

	if (usize < ZCPOOL_BUF_INFO_SIZE_MIN)
		return -EINVAL;
	return copy_struct_to_user(arg, usize, &info, sizeof(info), NULL);
}

static long zcp_buffer_ioctl(struct file *file, unsigned int cmd,
			     unsigned long arg)
{
	switch (cmd & ~IOCSIZE_MASK) {
	case ZCPOOL_BUF_INFO & ~IOCSIZE_MASK:
		return zcp_buffer_info(zcp_buffer_of(file), (void __user *)arg,
				       _IOC_SIZE(cmd));
	default:
		return -ENOTTY;
	}
}

static void zcp_buffer_show_fdinfo(struct seq_file *m, struct file *file)
{
	const struct zcp_buffer *buf = zcp_buffer_of(file);

	seq_printf(m, "zcpool-id:\t%llu\n", buf->id);
	seq_printf(m, "zcpool-size:\t%llu\n", (u64)buf->nr_pages << PAGE_SHIFT);
	seq_printf(m, "zcpool-node:\t%d\n", zcp_extents_node(&buf->extents));
	seq_printf(m, "zcpool-whole:\t%llu\n",
		   (u64)buf->extents.nr_whole * ZCP_CHUNK_SIZE);
}

/* Mode, owner and times are like any file's. The size is what it is. */
static int zcp_buffer_setattr(struct zcp_idmap *idmap, struct dentry *dentry,
			      struct iattr *attr)
{
	if (attr->ia_valid & ATTR_SIZE) {
		if (attr->ia_size != i_size_read(d_inode(dentry)))
			return -EPERM;
		attr->ia_valid &= ~ATTR_SIZE;
	}
	return simple_setattr(idmap, dentry, attr);
}

const struct inode_operations zcp_buffer_iops = {
	.setattr	= zcp_buffer_setattr,
};

/* No owner: the inode holds the module (buffer.c). */
const struct file_operations zcp_buffer_fops = {
	.open		= zcp_buffer_open,
	.llseek		= zcp_buffer_llseek,
	.read_iter	= zcp_buffer_read_iter,
	.write_iter	= zcp_buffer_write_iter,
	.splice_read	= copy_splice_read,
	.splice_write	= iter_file_splice_write,
	.unlocked_ioctl	= zcp_buffer_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.mmap		= zcp_buffer_mmap,
	.fsync		= noop_fsync,
	.fallocate	= zcp_buffer_fallocate,
	.get_unmapped_area = zcp_get_unmapped_area,
	.show_fdinfo	= zcp_buffer_show_fdinfo,
};
