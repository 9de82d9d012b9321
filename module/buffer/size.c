// SPDX-License-Identifier: GPL-2.0
/*
 * The size of a file, and its holes.
 *
 * Whoever changes either holds the inode's lock, as for any file. What is made a hole is
 * taken from whoever has it mapped as in revoke.c; what is pinned the pool keeps to itself until
 * it is not. A whole chunk stays whole: of one that is to go in part, that part is zeroed.
 */
#include <linux/err.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/mm.h>

#include "../show/trace.h"
#include "buffer.h"

/**
 * enum zcp_clearing - what becomes of pages that are to be zeroes
 * @ZCP_MAKE_HOLE: they go
 * @ZCP_KEEP_PAGES: they stay
 */
enum zcp_clearing {
	ZCP_MAKE_HOLE,
	ZCP_KEEP_PAGES
};

/* Zero some bytes of one page of a file, if there is that page. */
static void zcp_zero_in_page(struct zcp_buffer *buf, loff_t from, loff_t to)
{
	struct page *page;

	if (from >= to)
		return;
	page = zcp_sparse_page(buf->sparse, from >> PAGE_SHIFT);
	if (page && !zcp_pages_poisoned(page, 1))
		zcp_page_clear(page, offset_in_page(from), to - from);
}

/* Zero what is there of some pages of a file. */
static void zcp_zero_pages(struct zcp_buffer *buf, pgoff_t first, pgoff_t last)
{
	struct zcp_span span;
	unsigned int i;

	zcp_span_range(&span, first, last);
	while (zcp_span_next(buf, &span)) {
		for (i = 0; i < span.nr; i++)
			zcp_pages_clear_sound(zcp_extent_page(&span.ext[i]), span.ext[i].nr);
	}
}

/* Make a hole of whole pages; under the buffer's lock for writing. */
static void zcp_drop_pages(struct zcp_buffer *buf, pgoff_t first, pgoff_t last,
			   enum zcp_copies copies)
{
	if (first > last)
		return;
	trace_zcpool_punch(buf, first, last - first + 1);
	zcp_buffer_await_faults(buf, first, last);
	unmap_mapping_pages(&buf->inode.i_data, first, last - first + 1,
			    copies == ZCP_DROP_COPIES);
	zcp_buffer_give_back(buf, first, last, NULL);
	zcp_zero_pages(buf, first, last);
}

/* The first page of which nothing lies before a place */
static pgoff_t zcp_page_from(loff_t pos)
{
	return ((u64)pos + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/* The end of the page that a place is in */
static loff_t zcp_page_end(loff_t pos)
{
	return round_up((u64)pos, PAGE_SIZE);
}

/* Have some bytes be zeroes, and whole pages go or stay; under the buffer's lock for writing. */
static void zcp_clear(struct zcp_buffer *buf, loff_t from, loff_t to, enum zcp_clearing how)
{
	pgoff_t first = zcp_page_from(from), behind = to >> PAGE_SHIFT;

	zcp_zero_in_page(buf, from, min(to, zcp_page_end(from)));
	if (first > behind)
		return;
	zcp_zero_in_page(buf, (loff_t)behind << PAGE_SHIFT, to);
	if (first == behind)
		return;
	if (how == ZCP_MAKE_HOLE)
		zcp_drop_pages(buf, first, behind - 1, ZCP_KEEP_COPIES);
	else
		zcp_zero_pages(buf, first, behind - 1);
}

/*
 * Whoever has the last page mapped may have written behind the end: nobody is to see that when
 * the end is further away. Under the buffer's lock.
 */
static void zcp_zero_behind_end(struct zcp_buffer *buf)
{
	loff_t size = i_size_read(&buf->inode);

	zcp_zero_in_page(buf, size, zcp_page_end(size));
}

/* Whether the size and the contents of a file may be changed; under the buffer's lock. */
static int zcp_check_change(const struct zcp_buffer *buf)
{
	if (buf->life != ZCP_ALIVE)
		return -ESTALE;
	return zcp_buffer_is_sealed(buf, ZCP_SEALS_AGAINST_WRITING) ? -EPERM : 0;
}

/**
 * zcp_buffer_zero_behind_end() - have what will be behind the end of a file be zeroes
 * @buf: the file, which is about to become longer
 *
 * Context: may sleep; under the inode's lock.
 */
void zcp_buffer_zero_behind_end(struct zcp_buffer *buf)
{
	filemap_invalidate_lock_shared(&buf->inode.i_data);
	if (!zcp_check_change(buf))
		zcp_zero_behind_end(buf);
	filemap_invalidate_unlock_shared(&buf->inode.i_data);
}

static void zcp_shrink(struct zcp_buffer *buf, loff_t size)
{
	i_size_write(&buf->inode, size);
	zcp_drop_pages(buf, zcp_page_from(size), ZCP_LAST_PAGE, ZCP_DROP_COPIES);
	zcp_zero_behind_end(buf);
}

/**
 * zcp_buffer_set_size() - make a file shorter or longer
 * @buf: the file
 * @size: in bytes
 *
 * One that has been taken away begins anew, unless it was sealed.
 *
 * Context: may sleep; under the inode's lock.
 * Return: 0; -EPERM it is sealed, or no file; -EFBIG, as for any file; -EINTR killed.
 */
int zcp_buffer_set_size(struct zcp_buffer *buf, loff_t size)
{
	int err;

	if (!zcp_buffer_is_file(buf))
		return size == i_size_read(&buf->inode) ? 0 : -EPERM;
	err = inode_newsize_ok(&buf->inode, size);
	if (!err)
		err = zcp_buffer_lock(buf);
	if (err)
		return err;
	/* Who has seen that it is sealed does not get to see anything else in it. */
	if (zcp_buffer_is_sealed(buf, ZCP_SEALS_AGAINST_WRITING))
		err = -EPERM;
	else if (buf->life != ZCP_ALIVE)
		zcp_buffer_revive(buf);
	/* To set it to what it is gives back what has been got for behind the end. */
	if (!err && size <= i_size_read(&buf->inode)) {
		zcp_shrink(buf, size);
	} else if (!err) {
		zcp_zero_behind_end(buf);
		i_size_write(&buf->inode, size);
	}
	zcp_buffer_unlock(buf);
	return err;
}

/**
 * zcp_buffer_extend() - have a file reach as far as has been written to it
 * @buf: the file
 * @size: in bytes; if it is longer nothing happens
 *
 * Context: may sleep; under the inode's lock.
 */
void zcp_buffer_extend(struct zcp_buffer *buf, loff_t size)
{
	filemap_invalidate_lock_shared(&buf->inode.i_data);
	if (buf->life == ZCP_ALIVE && size > i_size_read(&buf->inode))
		i_size_write(&buf->inode, size);
	filemap_invalidate_unlock_shared(&buf->inode.i_data);
}

/* What fallocate(2) is to do with some bytes; under both locks. */
static int zcp_fallocate(struct zcp_buffer *buf, int mode, loff_t from, loff_t to)
{
	loff_t size = i_size_read(&buf->inode);
	int err;

	if (mode & FALLOC_FL_PUNCH_HOLE) {
		zcp_clear(buf, from, to, ZCP_MAKE_HOLE);
		return 0;
	}
	/* With KEEP_SIZE, too, as far as the file is to have memory: it is to grow there later. */
	err = zcp_buffer_fill_all(buf, from >> PAGE_SHIFT, (to - 1) >> PAGE_SHIFT,
				  zcp_page_from(max(size, to)));
	if (err)
		return err;
	if (mode & FALLOC_FL_ZERO_RANGE)
		zcp_clear(buf, from, to, ZCP_KEEP_PAGES);
	if (!(mode & FALLOC_FL_KEEP_SIZE) && to > size) {
		zcp_zero_behind_end(buf);
		i_size_write(&buf->inode, to);
	}
	return 0;
}

static int zcp_check_fallocate(const struct zcp_buffer *buf, int mode, loff_t end)
{
	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	if (!(mode & FALLOC_FL_KEEP_SIZE) && end > i_size_read(&buf->inode))
		return inode_newsize_ok((struct inode *)&buf->inode, end);
	return 0;
}

/**
 * zcp_file_fallocate() - get memory for some of a file, or make it a hole
 * @file: of a buffer that is a file
 * @mode: FALLOC_FL_*
 * @offset: first byte
 * @len: bytes
 *
 * Context: may sleep.
 * Return: 0; -EOPNOTSUPP a mode that there is not; -EFBIG; -ESTALE; -EPERM sealed; -EINTR
 * killed; or an error of zcp_pool_alloc().
 */
long zcp_file_fallocate(struct file *file, int mode, loff_t offset, loff_t len)
{
	struct zcp_buffer *buf = zcp_buffer_of(file);
	int err;

	inode_lock(&buf->inode);
	err = zcp_check_fallocate(buf, mode, offset + len);
	if (!err)
		err = file_modified(file);
	if (!err)
		err = zcp_buffer_lock(buf);
	if (!err) {
		err = zcp_check_change(buf);
		if (!err)
			err = zcp_fallocate(buf, mode, offset, offset + len);
		zcp_buffer_unlock(buf);
	}
	inode_unlock(&buf->inode);
	return err;
}

/* Where there is data, or none, from a place on; under the buffer's lock. */
static loff_t zcp_seek(struct zcp_buffer *buf, loff_t offset, int whence)
{
	loff_t size = i_size_read(&buf->inode), found;
	pgoff_t first = offset >> PAGE_SHIFT, last = (size - 1) >> PAGE_SHIFT;

	if (offset >= size)
		return -ENXIO;
	if (whence == SEEK_DATA)
		first = zcp_sparse_next(buf->sparse, first, last);
	else
		first = zcp_sparse_next_hole(buf->sparse, first, last);
	found = max(offset, (loff_t)first << PAGE_SHIFT);
	if (found < size)
		return found;
	return whence == SEEK_DATA ? -ENXIO : size;
}

/**
 * zcp_file_llseek() - set the position in a file
 * @file: of a buffer that is a file
 * @offset: bytes
 * @whence: SEEK_*
 *
 * Context: may sleep.
 * Return: the new position; -EINVAL; -ENXIO there is no data, or it is behind the end; -EINTR
 * killed.
 */
loff_t zcp_file_llseek(struct file *file, loff_t offset, int whence)
{
	struct zcp_buffer *buf = zcp_buffer_of(file);
	int err;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return generic_file_llseek(file, offset, whence);
	if (offset < 0)
		return -ENXIO;
	err = zcp_buffer_lock_shared(buf);
	if (err)
		return err;
	offset = zcp_seek(buf, offset, whence);
	zcp_buffer_unlock_shared(buf);
	return offset < 0 ? offset : vfs_setpos(file, offset, buf->inode.i_sb->s_maxbytes);
}
