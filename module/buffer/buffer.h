/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The third floor: buffers, which are memory behind an inode, and what programs do with
 * their files. buffer -> mapping
 */
#ifndef ZCPOOL_BUFFER_H
#define ZCPOOL_BUFFER_H

#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "../compat.h"
#include "../pool/pool.h"

struct posix_acl;
struct vm_area_struct;

/**
 * enum zcp_life - whether a buffer has its memory
 * @ZCP_ALIVE: it has
 * @ZCP_REVOKED: it was taken away, and is the pool's
 * @ZCP_MOVED: it was taken away, and is another buffer's
 */
enum zcp_life {
	ZCP_ALIVE,
	ZCP_REVOKED,
	ZCP_MOVED
};

/**
 * struct zcp_buffer - memory behind one inode
 * @inode: the VFS's handle; every file and mapping of the buffer holds it, and
 *	the memory goes back to the pool when it is evicted. Its page cache is empty; of
 *	the address space that belongs to it the invalidate_lock is the buffer's lock
 * @pool: whose
 * @owner: as whose its memory counts, whoever has the buffer
 * @id: number, for people; set when it has its memory
 * @nr_pages: how much it got when it was made
 * @req_pages: how much was asked for then
 * @flags: ZCPOOL_ALLOC_* it was made with
 * @extents: its memory, if it got all of it when it was made
 * @sparse: its memory, if that comes and goes as it is used and as the size changes: such is
 *	that of files with a name, or which had one; else NULL
 * @life: whether it has any
 * @seals: ZCPOOL_SEAL_*
 * @pins: what was pinned of it when it was revoked, or NULL
 * @taken: for @life to change
 * @mapped_privately: it has been mapped so, and there may be copies of its pages
 * @mappings: VMAs
 * @link: on zcp_pool.buffers as long as it has memory
 * @pid: who made it
 * @comm: who made it
 * @born: when, in jiffies_64
 *
 * The lock is held for reading by whoever wants that the memory remains the buffer's, and
 * for writing to change @nr_pages, @extents, @sparse, @life, @seals or @pins, to make the size
 * smaller, or to remove what is in @sparse. What is missing there may be added with the lock
 * held for reading. It is taken inside the mmap lock, and inside that of the inode, which who
 * writes to a file or changes its size has as for any file. The locks of pages,
 * zcp_pool.buffers_lock and those of nodes are taken inside it. It is never held while user
 * memory is accessed, which may be a mapping of this very buffer.
 */
struct zcp_buffer {
	struct inode inode;
	struct zcp_pool *pool;
	struct zcp_owner owner;
	u64 id;
	unsigned long nr_pages;
	unsigned long req_pages;
	u32 flags;
	struct zcp_extents extents;
	struct zcp_sparse *sparse;
	enum zcp_life life;
	u32 seals;
	struct zcp_pins *pins;
	wait_queue_head_t taken;
	bool mapped_privately;
	atomic_t mappings;
	struct list_head link;
	pid_t pid;
	char comm[TASK_COMM_LEN];
	u64 born;
};

/**
 * zcp_inode_buffer() - the buffer of an inode
 * @inode: of the module's file system
 *
 * Context: any.
 * Return: the buffer, for as long as the inode is held.
 */
static inline struct zcp_buffer *zcp_inode_buffer(struct inode *inode)
{
	return container_of(inode, struct zcp_buffer, inode);
}

/**
 * zcp_buffer_of() - the buffer behind a file
 * @file: of zcp_buffer_fops
 *
 * Context: any.
 * Return: the buffer, for as long as the file is held.
 */
static inline struct zcp_buffer *zcp_buffer_of(const struct file *file)
{
	return zcp_inode_buffer(file_inode(file));
}

/**
 * zcp_buffer_lock() - have nobody else look at a buffer's memory, or get at it
 * @buf: which
 *
 * Context: may sleep.
 * Return: 0 or -EINTR, killed.
 */
static inline int zcp_buffer_lock(struct zcp_buffer *buf)
{
	return down_write_killable(&buf->inode.i_data.invalidate_lock);
}

/**
 * zcp_buffer_unlock() - undo zcp_buffer_lock()
 * @buf: which
 *
 * Context: any.
 */
static inline void zcp_buffer_unlock(struct zcp_buffer *buf)
{
	up_write(&buf->inode.i_data.invalidate_lock);
}

/**
 * zcp_buffer_lock_shared() - have a buffer keep its memory
 * @buf: which
 *
 * Context: may sleep.
 * Return: 0 or -EINTR, killed.
 */
static inline int zcp_buffer_lock_shared(struct zcp_buffer *buf)
{
	return down_read_killable(&buf->inode.i_data.invalidate_lock);
}

/**
 * zcp_buffer_trylock_shared() - the same without waiting
 * @buf: which
 *
 * Context: any; for who holds a lock that comes after this one.
 * Return: whether the lock is held.
 */
static inline bool zcp_buffer_trylock_shared(struct zcp_buffer *buf)
{
	return down_read_trylock(&buf->inode.i_data.invalidate_lock);
}

/**
 * zcp_buffer_unlock_shared() - undo zcp_buffer_lock_shared()
 * @buf: which
 *
 * Context: any.
 */
static inline void zcp_buffer_unlock_shared(struct zcp_buffer *buf)
{
	up_read(&buf->inode.i_data.invalidate_lock);
}

/**
 * zcp_buffer_settle() - wait until those who fill holes of a file now have done so
 * @buf: which
 *
 * What they have taken is nowhere to be found until then.
 *
 * Context: may sleep; without the buffer's lock.
 * Return: 0 or -EINTR, killed.
 */
static inline int zcp_buffer_settle(struct zcp_buffer *buf)
{
	int err = zcp_buffer_lock(buf);

	if (!err)
		zcp_buffer_unlock(buf);
	return err;
}

/* memory.c */

#define ZCP_SPAN_PIECES	16

/**
 * struct zcp_span - some of a buffer's memory, between two holes or less
 * @index: its first page's place in the buffer
 * @ext: the pieces it consists of
 * @nr: how many
 * @last: last page of the buffer to look at
 * @next: where to go on
 * @room: for @ext
 */
struct zcp_span {
	pgoff_t index;
	const struct zcp_extent *ext;
	unsigned int nr;
	pgoff_t last;
	pgoff_t next;
	struct zcp_extent room[ZCP_SPAN_PIECES];
};

void zcp_span_all(struct zcp_span *span);
void zcp_span_range(struct zcp_span *span, pgoff_t first, pgoff_t last);
bool zcp_span_next(const struct zcp_buffer *buf, struct zcp_span *span);
void zcp_buffer_attach(struct zcp_buffer *buf);
void zcp_buffer_detach(struct zcp_buffer *buf);
void zcp_buffer_await_faults(const struct zcp_buffer *buf, pgoff_t first, pgoff_t last);
void zcp_buffer_give_back(struct zcp_buffer *buf, pgoff_t first, pgoff_t last,
			  struct zcp_pins *pins);
unsigned long zcp_buffer_held(const struct zcp_buffer *buf);
unsigned long zcp_buffer_whole(const struct zcp_buffer *buf);
unsigned int zcp_buffer_pieces(const struct zcp_buffer *buf);
int zcp_buffer_node(const struct zcp_buffer *buf);
pgoff_t zcp_buffer_end_page(struct zcp_buffer *buf);
struct zcp_chunk *zcp_sparse_chunk_to_map(struct zcp_buffer *buf, pgoff_t index);

/**
 * zcp_buffer_page() - a page of a buffer, for use
 * @buf: which
 * @index: page in it
 *
 * It holds what its owner has written to it, or zeroes.
 *
 * Context: may sleep; under the buffer's lock.
 * Return: the page, without a reference of its own; NULL for a hole, or beyond the end.
 */
static inline struct page *zcp_buffer_page(const struct zcp_buffer *buf, pgoff_t index)
{
	if (buf->sparse)
		return zcp_sparse_page(buf->sparse, index);
	return zcp_extents_page(&buf->extents, index);
}

/**
 * zcp_buffer_chunk_to_map() - a whole chunk that a PMD may map
 * @buf: which
 * @index: any page of it in the buffer
 *
 * Context: any; under the buffer's lock.
 * Return: the chunk, or NULL if there is none there.
 */
static inline struct zcp_chunk *zcp_buffer_chunk_to_map(struct zcp_buffer *buf, pgoff_t index)
{
	pgoff_t nth = index / ZCP_CHUNK_PAGES;

	if (buf->sparse)
		return zcp_sparse_chunk_to_map(buf, index);
	return nth < buf->extents.nr_whole ? buf->extents.ext[nth].chunk : NULL;
}

/* fill.c */
int zcp_buffer_fill(struct zcp_buffer *buf, pgoff_t first, pgoff_t last, pgoff_t reach,
		    const struct vm_area_struct *vma);
int zcp_buffer_fill_all(struct zcp_buffer *buf, pgoff_t first, pgoff_t last, pgoff_t reach);

/* size.c */
int zcp_buffer_set_size(struct zcp_buffer *buf, loff_t size);
void zcp_buffer_zero_behind_end(struct zcp_buffer *buf);
void zcp_buffer_extend(struct zcp_buffer *buf, loff_t size);
long zcp_file_fallocate(struct file *file, int mode, loff_t offset, loff_t len);
loff_t zcp_file_llseek(struct file *file, loff_t offset, int whence);

/**
 * zcp_buffer_is_file() - whether a buffer's memory comes and goes, and its size changes
 * @buf: which
 *
 * Context: any.
 * Return: whether it does; that does not change.
 */
static inline bool zcp_buffer_is_file(const struct zcp_buffer *buf)
{
	return READ_ONCE(buf->sparse);
}

/**
 * zcp_buffer_lock_still() - the same as zcp_buffer_lock(), and no write is under way
 * @buf: which; to a file a write takes the buffer's lock for each page anew
 *
 * Context: may sleep.
 * Return: 0 or -EINTR, killed.
 */
static inline int zcp_buffer_lock_still(struct zcp_buffer *buf)
{
	int err = zcp_buffer_is_file(buf) ? down_write_killable(&buf->inode.i_rwsem) : 0;

	if (err)
		return err;
	err = zcp_buffer_lock(buf);
	if (err && zcp_buffer_is_file(buf))
		inode_unlock(&buf->inode);
	return err;
}

/**
 * zcp_buffer_unlock_still() - undo zcp_buffer_lock_still()
 * @buf: which
 *
 * Context: any.
 */
static inline void zcp_buffer_unlock_still(struct zcp_buffer *buf)
{
	zcp_buffer_unlock(buf);
	if (zcp_buffer_is_file(buf))
		inode_unlock(&buf->inode);
}

/* buffer.c */
struct inode *zcp_alloc_inode(struct super_block *sb);
void zcp_free_inode(struct inode *inode);
void zcp_evict_inode(struct inode *inode);
int zcp_drop_inode(struct inode *inode);
struct inode *zcp_buffer_named(struct zcp_pool *pool, struct super_block *sb);
int zcp_buffer_init(void);
void zcp_buffer_exit(void);
struct file *zcp_buffer_create(const struct zcp_request *req);
struct file *zcp_buffer_create_like(const struct zcp_buffer *old);
void zcp_buffer_give(struct zcp_buffer *buf, loff_t size);
void zcp_buffer_end(struct zcp_buffer *buf, enum zcp_life life);
bool zcp_buffer_has_name(const struct zcp_buffer *buf);
bool zcp_buffer_is_gone(const struct file *file);
bool zcp_buffer_grab(struct zcp_buffer *buf, struct super_block **mount);
void zcp_buffer_unlock_list(struct zcp_pool *pool, const struct zcp_buffer *buf,
			    struct super_block *mount);
void zcp_buffer_ungrab(struct zcp_buffer *buf);
struct zcp_buffer *zcp_buffer_find(struct zcp_pool *pool, u64 id);

/* revoke.c */

/**
 * enum zcp_copies - what becomes of the copies that writing to private mappings has made
 * @ZCP_KEEP_COPIES: they stay
 * @ZCP_DROP_COPIES: they go
 */
enum zcp_copies {
	ZCP_KEEP_COPIES,
	ZCP_DROP_COPIES
};

unsigned long zcp_buffer_seize(struct zcp_buffer *buf, enum zcp_copies copies);
int zcp_buffer_revoke(struct zcp_buffer *buf, long timeout, u64 *pinned);
void zcp_buffer_revive(struct zcp_buffer *buf);
struct file *zcp_buffer_move(struct zcp_buffer *old);

/* wake.c */
void zcp_buffer_wake_sleepers(struct zcp_buffer *buf);

/* seal.c */

/* With any of these nobody begins to write to a buffer any more. */
#define ZCP_SEALS_AGAINST_WRITING	(ZCPOOL_SEAL_WRITE | ZCPOOL_SEAL_FUTURE_WRITE)

int zcp_buffer_seal(struct zcp_buffer *buf, u32 *seals);
bool zcp_buffer_is_sealed(const struct zcp_buffer *buf, u32 seals);
struct file *zcp_buffer_open_ro(const struct file *file);

/* migrate.c */
int zcp_buffer_migrate(struct zcp_buffer *buf, int nid);

/* ioctl.c */
long zcp_buffer_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long zcp_ioctl_revoke(struct zcp_buffer *buf, struct zcpool_revoke *args,
		      void __user *arg, size_t usize);

/* attr.c */
int zcp_apply_attr(struct zcp_idmap *idmap, struct dentry *dentry, struct iattr *attr);
int zcp_set_attr(struct zcp_idmap *idmap, struct dentry *dentry, struct iattr *attr);
#ifdef CONFIG_FS_POSIX_ACL
int zcp_set_acl(struct zcp_idmap *idmap, struct zcp_acl_target *target, struct posix_acl *acl,
		int type);
int zcp_acl_inherit(struct inode *dir, struct inode *inode);
ssize_t zcp_listxattr(struct dentry *dentry, char *list, size_t size);
#else
#define zcp_set_acl NULL
#define zcp_listxattr NULL
static inline int zcp_acl_inherit(struct inode *dir, struct inode *inode)
{
	return 0;
}
#endif

/* file.c */
extern const struct file_operations zcp_buffer_fops;
extern const struct inode_operations zcp_buffer_iops;

/* map.c */
int zcp_check_mapping(unsigned long vm_flags);
int zcp_buffer_mmap(struct file *file, struct vm_area_struct *vma);
unsigned int zcp_buffer_vmas(struct zcp_buffer *buf);
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
unsigned long zcp_get_unmapped_area(struct file *file, unsigned long addr,
				    unsigned long len, unsigned long pgoff,
				    unsigned long flags);
#else
/* Nothing is mapped by a PMD, so any address will do. */
#define zcp_get_unmapped_area NULL
#endif

#endif /* ZCPOOL_BUFFER_H */
