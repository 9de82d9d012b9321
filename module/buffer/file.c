// SPDX-License-Identifier: GPL-2.0
/*
 * What can be done with the file of a buffer, apart from mapping it (map.c).
 */
#include <linux/compat.h>
#include <linux/err.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/poll.h>
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

/*
 * The page at a place in a buffer, with a reference, which is all that keeps it from being
 * somebody else's while it is copied: the buffer's lock cannot be held then. NULL at the end.
 */
static struct page *zcp_buffer_get_page(struct zcp_buffer *buf, loff_t pos, u32 unless_sealed)
{
	struct page *page = NULL;
	int err = zcp_buffer_lock_shared(buf);

	if (err)
		return ERR_PTR(err);
	if (buf->life != ZCP_ALIVE)
		err = -ESTALE;
	else if (zcp_buffer_is_sealed(buf, unless_sealed))
		err = -EPERM;
	else if (pos >> PAGE_SHIFT < buf->nr_pages)
		page = zcp_extents_page(&buf->extents, pos >> PAGE_SHIFT);
	if (page && zcp_pages_poisoned(page, 1))
		err = -EIO;
	else if (page)
		zcp_page_get(page);
	zcp_buffer_unlock_shared(buf);
	return err ? ERR_PTR(err) : page;
}

static ssize_t zcp_buffer_copy(struct kiocb *iocb, struct iov_iter *iter,
			       zcp_copy_fn *copy, u32 unless_sealed)
{
	struct zcp_buffer *buf = zcp_buffer_of(iocb->ki_filp);
	ssize_t done = 0;

	while (iov_iter_count(iter)) {
		size_t offset = offset_in_page(iocb->ki_pos);
		size_t bytes = min_t(size_t, PAGE_SIZE - offset,
				     iov_iter_count(iter));
		struct page *page = zcp_buffer_get_page(buf, iocb->ki_pos, unless_sealed);
		size_t copied;

		if (!page)
			break;
		if (IS_ERR(page))
			return done ? done : PTR_ERR(page);
		copied = copy(page, offset, bytes, iter);
		zcp_page_put(page);
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
	return zcp_buffer_copy(iocb, to, zcp_copy_out, 0);
}

static ssize_t zcp_buffer_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	size_t count = iov_iter_count(from);
	ssize_t done;

	/* As a block device answers: there is a last byte, and no growing. */
	if (iocb->ki_flags & IOCB_APPEND)
		return zcp_buffer_is_gone(iocb->ki_filp) ? -ESTALE : -ENOSPC;
	done = zcp_buffer_copy(iocb, from, copy_page_from_iter,
			       ZCPOOL_SEAL_WRITE | ZCPOOL_SEAL_FUTURE_WRITE);
	return count && !done ? -ENOSPC : done;
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
	if (zcp_buffer_is_gone(file))
		return -ESTALE;
	return offset + len > i_size_read(file_inode(file)) ? -ENOSPC : 0;
}

static void zcp_show_seals(struct seq_file *m, u32 seals)
{
	static const char *const names[] = { "seal", "write", "future-write", "revoke" };
	char sep = '\t';
	unsigned int i;

	seq_puts(m, "zcpool-seals:");
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (seals & BIT(i))
			seq_printf(m, "%c%s", sep, names[i]);
		sep = seals & BIT(i) ? ' ' : sep;
	}
	seq_putc(m, '\n');
}

static void zcp_buffer_show_fdinfo(struct seq_file *m, struct file *file)
{
	static const char *const life[] = { "alive", "revoked", "moved" };
	struct zcp_buffer *buf = zcp_buffer_of(file);

	if (zcp_buffer_lock_shared(buf))
		return;
	seq_printf(m, "zcpool-id:\t%llu\n", buf->id);
	seq_printf(m, "zcpool-state:\t%s\n", life[buf->life]);
	seq_printf(m, "zcpool-size:\t%llu\n", (u64)buf->nr_pages << PAGE_SHIFT);
	if (buf->life == ZCP_ALIVE)
		seq_printf(m, "zcpool-node:\t%d\n", zcp_extents_node(&buf->extents));
	seq_printf(m, "zcpool-whole:\t%llu\n",
		   (u64)buf->extents.nr_whole * ZCP_CHUNK_SIZE);
	zcp_show_seals(m, buf->seals);
	zcp_buffer_unlock_shared(buf);
}

static __poll_t zcp_buffer_poll(struct file *file, struct poll_table_struct *table)
{
	struct zcp_buffer *buf = zcp_buffer_of(file);

	poll_wait(file, &buf->taken, table);
	return zcp_buffer_is_gone(file) ? EPOLLHUP : DEFAULT_POLLMASK;
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
	.poll		= zcp_buffer_poll,
	.unlocked_ioctl	= zcp_buffer_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.mmap		= zcp_buffer_mmap,
	.fsync		= noop_fsync,
	.fallocate	= zcp_buffer_fallocate,
	.get_unmapped_area = zcp_get_unmapped_area,
	.show_fdinfo	= zcp_buffer_show_fdinfo,
};
