// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers: memory behind an inode, which is what makes it a file.
 *
 * The inode lives on a file system of the module's own, which nobody can mount.
 * Files and mappings hold the inode, and when the last is gone the VFS evicts
 * it: that is where the memory goes back, whatever way the program ended.
 *
 * The inode holds the module, from its making until zcp_evict_inode() has done
 * its work. The files need not, so zcp_buffer_fops has no owner. What is left is
 * the moment in which a file has let go of its inode, and so of the module, and
 * not yet of the mount: zcp_buffer_exit() waits for that.
 */
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/pseudo_fs.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../compat.h"
#include "../show/trace.h"
#include "buffer.h"

static struct kmem_cache *zcp_buffer_cache;
static struct vfsmount *zcp_mnt;
static atomic64_t zcp_buffer_ids;

/**
 * zcp_alloc_inode() - memory for an inode of any of the module's file systems
 * @sb: which
 *
 * Context: may sleep.
 * Return: the inode of an empty struct zcp_buffer, or NULL.
 */
struct inode *zcp_alloc_inode(struct super_block *sb)
{
	struct zcp_buffer *buf = alloc_inode_sb(sb, zcp_buffer_cache, GFP_KERNEL);

	if (!buf)
		return NULL;
	buf->pool = NULL;
	buf->nr_pages = 0;
	buf->flags = 0;
	zcp_extents_init(&buf->extents);
	buf->sparse = NULL;
	buf->life = ZCP_ALIVE;
	buf->seals = 0;
	buf->pins = NULL;
	init_waitqueue_head(&buf->taken);
	buf->mapped_privately = false;
	atomic_set(&buf->mappings, 0);
	INIT_LIST_HEAD(&buf->link);
	return &buf->inode;
}

/**
 * zcp_free_inode() - undo zcp_alloc_inode()
 * @inode: nobody's any more
 *
 * Context: after a grace period, in softirq.
 */
void zcp_free_inode(struct inode *inode)
{
	if (S_ISLNK(inode->i_mode))
		kfree(inode->i_link);
	kmem_cache_free(zcp_buffer_cache, zcp_inode_buffer(inode));
}

static void zcp_buffer_unlist(struct zcp_buffer *buf)
{
	mutex_lock(&buf->pool->buffers_lock);
	list_del_init(&buf->link);
	mutex_unlock(&buf->pool->buffers_lock);
}

/**
 * zcp_evict_inode() - give back what a buffer has
 * @inode: the buffer's; or of a directory or the like, which has nothing
 *
 * Context: may sleep.
 */
void zcp_evict_inode(struct inode *inode)
{
	struct zcp_buffer *buf = zcp_inode_buffer(inode);

	clear_inode(inode);
	if (!buf->pool)
		return;
	if (!list_empty(&buf->link)) {
		trace_zcpool_free(buf);
		zcp_buffer_unlist(buf);
	}
	zcp_buffer_give_back(buf, 0, ZCP_LAST_PAGE, NULL);
	zcp_extents_destroy(&buf->extents);
	zcp_sparse_destroy(buf->sparse);
	zcp_pins_put(buf->pins);
	zcp_owner_exit(&buf->owner);
	zcp_pool_put(buf->pool);
	/* The others are held by their mount. */
	if (!zcp_buffer_has_name(buf))
		module_put(THIS_MODULE);
}

/**
 * zcp_drop_inode() - whether an inode goes when nobody has it any more
 * @inode: which
 *
 * There is nothing to be read from if it were wanted again. What has a name is held by that.
 *
 * Context: any.
 * Return: 1, it does.
 */
int zcp_drop_inode(struct inode *inode)
{
	return 1;
}

static const struct super_operations zcp_super_ops = {
	.alloc_inode	= zcp_alloc_inode,
	.free_inode	= zcp_free_inode,
	.evict_inode	= zcp_evict_inode,
	.drop_inode	= zcp_drop_inode,
	.statfs		= simple_statfs,
};

/*
 * What maps and links to descriptors show: a name that does not end in "(deleted)", which
 * is taken for a library that has been replaced, and tells one buffer from another.
 */
static char *zcp_dname(struct dentry *dentry, char *buffer, int buflen)
{
	const struct zcp_buffer *buf = zcp_inode_buffer(d_inode(dentry));
	char name[32];
	int len = scnprintf(name, sizeof(name), "/zcpool:%llu", buf->id) + 1;

	if (len > buflen)
		return ERR_PTR(-ENAMETOOLONG);
	return memcpy(buffer + buflen - len, name, len);
}

static const struct dentry_operations zcp_dentry_ops = {
	.d_dname	= zcp_dname,
};

static int zcp_init_fs_context(struct fs_context *fc)
{
	struct pseudo_fs_context *ctx = init_pseudo(fc, ZCPOOL_SUPER_MAGIC);

	if (!ctx)
		return -ENOMEM;
	ctx->ops = &zcp_super_ops;
	ctx->dops = &zcp_dentry_ops;
	/* Memory that many may write to is no program, and becomes none by mprotect(). */
	fc->s_iflags |= SB_I_NOEXEC | SB_I_NODEV;
	return 0;
}

static struct file_system_type zcp_fs_type = {
	.name		 = "zcpool",
	.init_fs_context = zcp_init_fs_context,
	.kill_sb	 = kill_anon_super,
};

/**
 * zcp_buffer_has_name() - whether a buffer is, or was, in a directory
 * @buf: which
 *
 * Context: any.
 * Return: whether it is a file of a mounted pool.
 */
bool zcp_buffer_has_name(const struct zcp_buffer *buf)
{
	return buf->inode.i_sb != zcp_mnt->mnt_sb;
}

/**
 * zcp_buffer_is_gone() - whether a buffer has been taken away
 * @file: of zcp_buffer_fops
 *
 * Context: any; without the buffer's lock it may be taken away right after this.
 * Return: whether it has.
 */
bool zcp_buffer_is_gone(const struct file *file)
{
	return READ_ONCE(zcp_buffer_of(file)->life) != ZCP_ALIVE;
}

/* Sizes, by the rules that the uapi header states. */
static int zcp_buffer_round(struct zcp_buffer *buf, const struct zcp_request *req)
{
	u64 pages = req->size / PAGE_SIZE + !!(req->size % PAGE_SIZE);
	bool round;

	if (!pages)
		return -EINVAL;
	if (pages > (u64)READ_ONCE(req->pool->budget.max) * ZCP_CHUNK_PAGES)
		return -ENOSPC;

	buf->req_pages = pages;
	if (req->flags & ZCPOOL_ALLOC_HUGE)
		round = true;
	else if (req->exact || pages <= ZCP_CHUNK_PAGES)
		round = false;
	else if (req->flags & ZCPOOL_ALLOC_CONTIG)
		round = true;
	else
		round = pages % ZCP_CHUNK_PAGES > ZCP_CHUNK_PAGES / 2;
	if (round)
		pages = round_up(pages, ZCP_CHUNK_PAGES);
	buf->nr_pages = pages;
	return 0;
}

/* Pages are dirty from their birth (mem/page.c). */
static const struct address_space_operations zcp_aops = {
	.dirty_folio	= noop_dirty_folio,
};

static void zcp_set_up_inode(struct inode *inode)
{
	inode->i_op = &zcp_buffer_iops;
	inode->i_fop = &zcp_buffer_fops;
	inode->i_mapping->a_ops = &zcp_aops;
	/*
	 * Pages that cannot move need no NUMA hinting faults; by this the core
	 * knows (vma_migratable()), unless it was built without ZONE_DMA. The page
	 * cache that it is meant for is empty.
	 */
	mapping_set_gfp_mask(inode->i_mapping, GFP_DMA);
}

/*
 * A regular file as far as anybody can see. Who holds a descriptor may have another, for
 * reading, whoever made the buffer: its name is in nobody else's reach.
 */
static struct inode *zcp_buffer_inode(void)
{
	struct inode *inode = alloc_anon_inode(zcp_mnt->mnt_sb);

	if (IS_ERR(inode))
		return inode;
	inode->i_mode = S_IFREG | 0644;
	/* Nobody asks when a page was written to; a fault should not note it. */
	inode->i_flags |= S_NOATIME | S_NOCMTIME;
	inode->i_flags &= ~S_ANON_INODE;
	zcp_set_up_inode(inode);
	return inode;
}

/* Has a number and an owner, the caller's user, but no memory yet. */
static struct zcp_buffer *zcp_buffer_new(struct zcp_pool *pool)
{
	struct zcp_owner owner;
	struct zcp_buffer *buf;
	struct inode *inode;
	int err;

	err = zcp_owner_init(&owner, &pool->users);
	if (err)
		return ERR_PTR(err);
	inode = zcp_buffer_inode();
	if (IS_ERR(inode)) {
		zcp_owner_exit(&owner);
		return ERR_CAST(inode);
	}
	buf = zcp_inode_buffer(inode);
	__module_get(THIS_MODULE);
	zcp_pool_get(pool);
	buf->pool = pool;
	buf->owner = owner;
	buf->id = atomic64_inc_return(&zcp_buffer_ids);
	return buf;
}

static struct file *zcp_buffer_file(struct zcp_buffer *buf)
{
	struct file *file = alloc_file_pseudo(&buf->inode, zcp_mnt, "",
					      O_RDWR | O_LARGEFILE, &zcp_buffer_fops);

	if (!IS_ERR(file))
		file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	return file;
}

static void zcp_buffer_list(struct zcp_buffer *buf)
{
	mutex_lock(&buf->pool->buffers_lock);
	list_add_tail(&buf->link, &buf->pool->buffers);
	mutex_unlock(&buf->pool->buffers_lock);
}

/**
 * zcp_buffer_give() - have a buffer's memory be its own, and the pool know of it
 * @buf: with memory that nobody else uses
 * @size: of the file, in bytes
 *
 * Context: may sleep; nobody has a file of the buffer, or its lock is held for writing.
 */
void zcp_buffer_give(struct zcp_buffer *buf, loff_t size)
{
	zcp_buffer_attach(buf);
	inode_set_bytes(&buf->inode, (loff_t)zcp_buffer_held(buf) << PAGE_SHIFT);
	i_size_write(&buf->inode, size);
	buf->pid = task_tgid_nr(current);
	get_task_comm(buf->comm, current);
	buf->born = get_jiffies_64();
	zcp_buffer_list(buf);
}

/**
 * zcp_buffer_named() - make a buffer that a name can be given to
 * @pool: whose
 * @sb: where it is to have one
 *
 * It has a size of 0 and no memory.
 *
 * Context: may sleep.
 * Return: its inode, which has neither owner nor mode yet; or -ENOMEM.
 */
struct inode *zcp_buffer_named(struct zcp_pool *pool, struct super_block *sb)
{
	struct zcp_sparse *sparse = zcp_sparse_create();
	struct inode *inode = NULL;
	struct zcp_owner owner;
	struct zcp_buffer *buf;

	if (sparse && !zcp_owner_init(&owner, &pool->users)) {
		inode = new_inode(sb);
		if (!inode)
			zcp_owner_exit(&owner);
	}
	/* After an error there has not been an inode, so none is evicted. */
	if (!inode) {
		zcp_sparse_destroy(sparse);
		return ERR_PTR(-ENOMEM);
	}
	buf = zcp_inode_buffer(inode);
	buf->sparse = sparse;
	buf->owner = owner;
	zcp_pool_get(pool);
	buf->pool = pool;
	buf->id = atomic64_inc_return(&zcp_buffer_ids);
	zcp_set_up_inode(inode);
	zcp_buffer_give(buf, 0);
	return inode;
}

/**
 * zcp_buffer_end() - note that a buffer has no memory any more
 * @buf: whose extents are somebody else's
 * @life: what has become of it
 *
 * Context: may sleep; the buffer's lock is held for writing.
 */
void zcp_buffer_end(struct zcp_buffer *buf, enum zcp_life life)
{
	zcp_buffer_unlist(buf);
	buf->nr_pages = 0;
	inode_set_bytes(&buf->inode, 0);
	i_size_write(&buf->inode, 0);
	WRITE_ONCE(buf->life, life);
	wake_up_all(&buf->taken);
}

/**
 * zcp_buffer_grab() - hold a buffer that is on the list of its pool
 * @buf: which
 * @mount: NULL, or what a call before has set it to; to be given to zcp_buffer_unlock_list()
 *
 * With a file its mount is held, which could not be undone while there is such a user. Of a
 * pool's mounts one is alive at most, so the same will do for all its files.
 *
 * Context: under zcp_pool.buffers_lock.
 * Return: whether it is held; not if it is just going away.
 */
bool zcp_buffer_grab(struct zcp_buffer *buf, struct super_block **mount)
{
	struct super_block *sb = buf->inode.i_sb;

	if (zcp_buffer_has_name(buf) && *mount != sb) {
		if (*mount || !atomic_inc_not_zero(&sb->s_active))
			return false;
		*mount = sb;
	}
	return igrab(&buf->inode);
}

/**
 * zcp_buffer_unlock_list() - drop zcp_pool.buffers_lock after zcp_buffer_grab()
 * @pool: whose
 * @buf: what is held now, or NULL
 * @mount: what that has set
 *
 * Context: may sleep.
 */
void zcp_buffer_unlock_list(struct zcp_pool *pool, const struct zcp_buffer *buf,
			    struct super_block *mount)
{
	mutex_unlock(&pool->buffers_lock);
	/* It was held for one that has gone. */
	if (mount && !(buf && zcp_buffer_has_name(buf)))
		deactivate_super(mount);
}

/**
 * zcp_buffer_ungrab() - undo zcp_buffer_grab()
 * @buf: which
 *
 * Context: may sleep.
 */
void zcp_buffer_ungrab(struct zcp_buffer *buf)
{
	struct super_block *sb = zcp_buffer_has_name(buf) ? buf->inode.i_sb : NULL;

	iput(&buf->inode);
	if (sb)
		deactivate_super(sb);
}

/**
 * zcp_buffer_find() - find a buffer by its number
 * @pool: where
 * @id: number
 *
 * Context: may sleep.
 * Return: the buffer, to be given to zcp_buffer_ungrab(); NULL if there is none.
 */
struct zcp_buffer *zcp_buffer_find(struct zcp_pool *pool, u64 id)
{
	struct zcp_buffer *buf, *found = NULL;
	struct super_block *mount = NULL;

	mutex_lock(&pool->buffers_lock);
	list_for_each_entry(buf, &pool->buffers, link) {
		if (buf->id == id) {
			found = zcp_buffer_grab(buf, &mount) ? buf : NULL;
			break;
		}
		cond_resched();
	}
	zcp_buffer_unlock_list(pool, found, mount);
	return found;
}

/**
 * zcp_buffer_create() - make a buffer
 * @req: what is wanted
 *
 * Context: may sleep; the caller holds the module.
 * Return: a file, the only reference to the buffer; or an error of
 * zcp_pool_alloc(), -EINVAL a size of 0, -ENFILE too many files.
 */
struct file *zcp_buffer_create(const struct zcp_request *req)
{
	struct zcp_buffer *buf = zcp_buffer_new(req->pool);
	struct zcp_request own = *req;
	struct file *file;
	int err;

	if (IS_ERR(buf))
		return ERR_CAST(buf);
	buf->flags = req->flags;
	own.owner = &buf->owner;
	err = zcp_buffer_round(buf, req);
	if (!err)
		err = zcp_pool_alloc(&own, buf->nr_pages, &buf->extents);
	file = err ? ERR_PTR(err) : zcp_buffer_file(buf);
	if (IS_ERR(file)) {
		iput(&buf->inode);
		return file;
	}
	zcp_buffer_give(buf, (loff_t)buf->nr_pages << PAGE_SHIFT);
	trace_zcpool_alloc(buf);
	return file;
}

/**
 * zcp_buffer_create_like() - make a buffer that will be given another's memory
 * @old: the other
 *
 * Context: may sleep; the caller holds the module.
 * Return: a file, the only reference to the buffer; -ENOMEM, -ENFILE.
 */
struct file *zcp_buffer_create_like(const struct zcp_buffer *old)
{
	struct zcp_buffer *buf = zcp_buffer_new(old->pool);
	struct file *file = ERR_PTR(-ENOMEM);

	if (IS_ERR(buf))
		return ERR_CAST(buf);
	if (buf->owner.user == old->owner.user) {
		zcp_owner_exit(&buf->owner);
		zcp_owner_copy(&buf->owner, &old->owner);
	}
	if (old->sparse)
		buf->sparse = zcp_sparse_create();
	if (!old->sparse || buf->sparse)
		file = zcp_buffer_file(buf);
	if (IS_ERR(file))
		iput(&buf->inode);
	return file;
}

static void zcp_buffer_init_once(void *p)
{
	struct zcp_buffer *buf = p;

	inode_init_once(&buf->inode);
}

/**
 * zcp_buffer_init() - make what buffers are made of
 *
 * Context: may sleep.
 * Return: 0, -ENOMEM, or what else a mount answers.
 */
int zcp_buffer_init(void)
{
	zcp_buffer_cache = kmem_cache_create("zcpool_buffer",
					     sizeof(struct zcp_buffer), 0,
					     SLAB_RECLAIM_ACCOUNT | SLAB_ACCOUNT,
					     zcp_buffer_init_once);
	if (!zcp_buffer_cache)
		return -ENOMEM;

	zcp_mnt = kern_mount(&zcp_fs_type);
	if (IS_ERR(zcp_mnt)) {
		rcu_barrier();
		kmem_cache_destroy(zcp_buffer_cache);
		return PTR_ERR(zcp_mnt);
	}
	/* Of what had a name and was moved, the size may change. */
	zcp_mnt->mnt_sb->s_maxbytes = ZCP_MAX_BYTES;
	/* With the mount's own, the two that may_umount() allows for. */
	mntget(zcp_mnt);
	return 0;
}

/**
 * zcp_buffer_exit() - undo zcp_buffer_init()
 *
 * Context: may sleep; no buffer is left.
 */
void zcp_buffer_exit(void)
{
	/*
	 * The last buffer's inode is gone, but the task that dropped it may
	 * still have to drop the mount, in __fput(). Were that the last
	 * reference, it would run into this module's memory.
	 */
	while (!may_umount(zcp_mnt))
		schedule_timeout_uninterruptible(1);
	mntput(zcp_mnt);
	kern_unmount(zcp_mnt);
	/* Inodes are freed after a grace period, by a function of this module. */
	rcu_barrier();
	kmem_cache_destroy(zcp_buffer_cache);
}
