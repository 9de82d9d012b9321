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
 * What has no name is opened through /proc/PID/fd. Which descriptor that was, and what it
 * allowed, is not to be known here, so reading is all that a new one allows. Of a file with a
 * name the permissions tell.
 */
static int zcp_buffer_open(struct inode *inode, struct file *file)
{
	if (!zcp_buffer_has_name(zcp_inode_buffer(inode)))
		return file->f_mode & FMODE_WRITE ? -EACCES : 0;
	/* There is nothing between a program and the memory that could be gone round. */
	file->f_mode |= FMODE_CAN_ODIRECT;
	return generic_file_open(inode, file);
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

/**
 * struct zcp_transfer - a read or write of a buffer
 * @copy: what copies some of a page
 * @write: it is a write
 */
struct zcp_transfer {
	zcp_copy_fn *copy;
	bool write;
};

static const struct zcp_transfer zcp_reading = { .copy = zcp_copy_out };
static const struct zcp_transfer zcp_writing = { .copy = copy_page_from_iter, .write = true };

/* Whether it may be read or written; under the buffer's lock. */
static int zcp_check_transfer(const struct zcp_buffer *buf, const struct zcp_transfer *how)
{
	if (buf->life != ZCP_ALIVE)
		return -ESTALE;
	if (how->write && zcp_buffer_is_sealed(buf, ZCP_SEALS_AGAINST_WRITING))
		return -EPERM;
	return 0;
}

/*
 * The page at a place in a buffer, NULL behind the end. What is a hole reads as zeroes, and is
 * filled for what is to be written, all in one chunk's worth at once.
 */
static struct page *zcp_transfer_page(struct zcp_buffer *buf, loff_t pos, size_t bytes,
				      const struct zcp_transfer *how)
{
	pgoff_t index = pos >> PAGE_SHIFT, last, reach;
	struct page *page;
	int err;

	if (!(buf->sparse && how->write) && pos >= i_size_read(&buf->inode))
		return NULL;
	page = zcp_buffer_page(buf, index);
	if (page || !how->write)
		return page ?: ZERO_PAGE(0);
	last = (pos + bytes - 1) >> PAGE_SHIFT;
	reach = max(zcp_buffer_end_page(buf), last + 1);
	last = min(last, index | (ZCP_CHUNK_PAGES - 1));
	err = zcp_buffer_fill(buf, index, last, reach, NULL);
	/* What there is room for can be written. */
	if (err && err != -EINTR)
		err = zcp_buffer_fill(buf, index, index, reach, NULL);
	return err ? ERR_PTR(err) : zcp_buffer_page(buf, index);
}

/*
 * The same with a reference, which is all that keeps it from being somebody else's while it is
 * copied: the buffer's lock cannot be held then.
 */
static struct page *zcp_transfer_try_page(struct zcp_buffer *buf, loff_t pos, size_t bytes,
					  const struct zcp_transfer *how)
{
	struct page *page = NULL;
	int err = zcp_buffer_lock_shared(buf);

	if (err)
		return ERR_PTR(err);
	err = zcp_check_transfer(buf, how);
	if (!err)
		page = zcp_transfer_page(buf, pos, bytes, how);
	if (!IS_ERR_OR_NULL(page) && zcp_pages_poisoned(page, 1))
		err = -EIO;
	else if (!IS_ERR_OR_NULL(page))
		zcp_page_get(page);
	zcp_buffer_unlock_shared(buf);
	return err ? ERR_PTR(err) : page;
}

/* Where there is no memory for a hole, others may be just about to fill it with the last. */
static struct page *zcp_transfer_get_page(struct zcp_buffer *buf, loff_t pos, size_t bytes,
					  const struct zcp_transfer *how)
{
	struct page *page = zcp_transfer_try_page(buf, pos, bytes, how);

	switch (PTR_ERR_OR_ZERO(page)) {
	case -EDQUOT:
	case -ENOMEM:
	case -ENOSPC:
		if (!zcp_buffer_settle(buf))
			return zcp_transfer_try_page(buf, pos, bytes, how);
		fallthrough;
	default:
		return page;
	}
}

/* How much there is to be read of a page, at most to the end; of what is written all counts. */
static size_t zcp_transfer_bytes(const struct kiocb *iocb, const struct iov_iter *iter,
				 const struct zcp_transfer *how)
{
	size_t bytes = min_t(size_t, PAGE_SIZE - offset_in_page(iocb->ki_pos),
			     iov_iter_count(iter));

	if (how->write)
		return bytes;
	return clamp_t(loff_t, i_size_read(file_inode(iocb->ki_filp)) - iocb->ki_pos, 0, bytes);
}

static ssize_t zcp_buffer_copy(struct kiocb *iocb, struct iov_iter *iter,
			       const struct zcp_transfer *how)
{
	struct zcp_buffer *buf = zcp_buffer_of(iocb->ki_filp);
	ssize_t done = 0;

	while (iov_iter_count(iter)) {
		size_t offset = offset_in_page(iocb->ki_pos);
		struct page *page = zcp_transfer_get_page(buf, iocb->ki_pos,
							  iov_iter_count(iter), how);
		size_t copied, bytes;

		if (!page)
			break;
		if (IS_ERR(page))
			return done ? done : PTR_ERR(page);
		bytes = zcp_transfer_bytes(iocb, iter, how);
		copied = how->copy(page, offset, bytes, iter);
		zcp_page_put(page);
		iocb->ki_pos += copied;
		done += copied;
		if (copied < bytes)
			return done ? done : -EFAULT;
		if (!bytes)
			break;
		if (fatal_signal_pending(current))
			return done;
		cond_resched();
	}
	return done;
}

static ssize_t zcp_buffer_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	ssize_t done = zcp_buffer_copy(iocb, to, &zcp_reading);

	file_accessed(iocb->ki_filp);
	return done;
}

/* To a file, under the inode's lock. */
static ssize_t zcp_file_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct zcp_buffer *buf = zcp_buffer_of(iocb->ki_filp);
	ssize_t done = generic_write_checks(iocb, from);
	int err;

	if (done <= 0)
		return done;
	err = file_modified(iocb->ki_filp);
	if (err)
		return err;
	if (iocb->ki_pos > i_size_read(&buf->inode))
		zcp_buffer_zero_behind_end(buf);
	done = zcp_buffer_copy(iocb, from, &zcp_writing);
	if (done > 0)
		zcp_buffer_extend(buf, iocb->ki_pos);
	return done;
}

static ssize_t zcp_buffer_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	size_t count = iov_iter_count(from);
	ssize_t done;

	if (zcp_buffer_is_file(zcp_inode_buffer(inode))) {
		inode_lock(inode);
		done = zcp_file_write(iocb, from);
		inode_unlock(inode);
		return done;
	}

	/* As a block device answers: there is a last byte, and no growing. */
	if (iocb->ki_flags & IOCB_APPEND)
		return zcp_buffer_is_gone(iocb->ki_filp) ? -ESTALE : -ENOSPC;
	done = zcp_buffer_copy(iocb, from, &zcp_writing);
	return count && !done ? -ENOSPC : done;
}

static loff_t zcp_buffer_llseek(struct file *file, loff_t offset, int whence)
{
	loff_t size = i_size_read(file_inode(file));

	if (zcp_buffer_is_file(zcp_buffer_of(file)))
		return zcp_file_llseek(file, offset, whence);
	return generic_file_llseek_size(file, offset, whence, size, size);
}

/* All of what is no file is there from the beginning: there is nothing to do, and no growing. */
static long zcp_buffer_fallocate(struct file *file, int mode, loff_t offset,
				 loff_t len)
{
	if (zcp_buffer_is_file(zcp_buffer_of(file)))
		return zcp_file_fallocate(file, mode, offset, len);
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
	seq_printf(m, "zcpool-pool:\t%s\n", buf->pool->name);
	seq_printf(m, "zcpool-id:\t%llu\n", buf->id);
	seq_printf(m, "zcpool-uid:\t%u\n",
		   from_kuid_munged(seq_user_ns(m), buf->owner.user->uid));
	seq_printf(m, "zcpool-state:\t%s\n", life[buf->life]);
	seq_printf(m, "zcpool-size:\t%llu\n", (u64)i_size_read(&buf->inode));
	if (buf->life == ZCP_ALIVE)
		seq_printf(m, "zcpool-node:\t%d\n", zcp_buffer_node(buf));
	seq_printf(m, "zcpool-whole:\t%llu\n", (u64)zcp_buffer_whole(buf) * ZCP_CHUNK_SIZE);
	zcp_show_seals(m, buf->seals);
	zcp_buffer_unlock_shared(buf);
}

static __poll_t zcp_buffer_poll(struct file *file, struct poll_table_struct *table)
{
	struct zcp_buffer *buf = zcp_buffer_of(file);

	poll_wait(file, &buf->taken, table);
	return zcp_buffer_is_gone(file) ? EPOLLHUP : DEFAULT_POLLMASK;
}

/* Mode, owner and times are like any file's. */
static int zcp_buffer_setattr(struct zcp_idmap *idmap, struct dentry *dentry,
			      struct iattr *attr)
{
	struct inode *inode = d_inode(dentry);
	int err = setattr_prepare(idmap, dentry, attr);

	if (!err && attr->ia_valid & ATTR_SIZE) {
		/* Whoever asks by a name, and not by a descriptor, leaves the times to us. */
		if (attr->ia_size != i_size_read(inode))
			attr->ia_valid |= ATTR_MTIME | ATTR_CTIME;
		err = zcp_buffer_set_size(zcp_inode_buffer(inode), attr->ia_size);
		attr->ia_valid &= ~ATTR_SIZE;
	}
	return err ? err : zcp_apply_attr(idmap, dentry, attr);
}

const struct inode_operations zcp_buffer_iops = {
	.setattr	= zcp_buffer_setattr,
	.set_acl	= zcp_set_acl,
	.listxattr	= zcp_listxattr,
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
	.setlease	= generic_setlease,
	.get_unmapped_area = zcp_get_unmapped_area,
	.show_fdinfo	= zcp_buffer_show_fdinfo,
};
