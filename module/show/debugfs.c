// SPDX-License-Identifier: GPL-2.0
/*
 * debugfs zcpool/POOL/: nodes, buddy, buffers, users; and zcpool/layout.
 */
#include <linux/ctype.h>
#include <linux/debugfs.h>
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/seq_file.h>

#include "show.h"

static struct dentry *zcp_debugfs_root;

static void zcp_show_node(struct seq_file *m, struct zcp_node *node)
{
	unsigned long nr_clean = 0;
	struct list_head *pos;
	int state;

	mutex_lock(&node->lock);
	list_for_each(pos, &node->whole[ZCP_CLEAN])
		nr_clean++;
	seq_printf(m, "%d %llu %llu", node->nid,
		   (u64)node->reserve * ZCP_CHUNK_SIZE,
		   (u64)node->nr_chunks * ZCP_CHUNK_SIZE);
	for (state = 0; state < ZCP_NR_STATES; state++)
		seq_printf(m, " %llu", (u64)node->nr[state] << PAGE_SHIFT);
	seq_printf(m, " %lu %lu %lu %llu\n", node->nr_chunks - node->nr_split,
		   node->nr_split, nr_clean,
		   (u64)zcp_node_lost(node) * ZCP_CHUNK_SIZE);
	mutex_unlock(&node->lock);
}

static int zcp_nodes_show(struct seq_file *m, void *v)
{
	struct zcp_pool *pool = m->private;
	int nid;

	seq_puts(m, "node reserve total clean dirty quarantined used retired whole split clean_whole lost\n");
	for_each_node_mask(nid, pool->mask)
		zcp_show_node(m, pool->nodes[nid]);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(zcp_nodes);

static void zcp_count_free(struct list_head *list, unsigned long *count)
{
	struct zcp_chunk *chunk;
	int order;

	list_for_each_entry(chunk, list, link) {
		for (order = 0; order <= ZCP_BUDDY_MAX_ORDER; order++)
			count[order] += zcp_buddy_count(&chunk->split->buddy,
							order);
		cond_resched();
	}
}

/*
 * The unusable free space index of Gorman and Whitcroft, "The what, the why and
 * the where to of anti-fragmentation" (2006): the share of the free pages that
 * are in blocks too small for a request of this order. In thousandths.
 */
static unsigned long zcp_unusable(const unsigned long *count, int order)
{
	unsigned long total = 0, unusable = 0;
	int i;

	for (i = 0; i <= ZCP_BUDDY_MAX_ORDER; i++) {
		total += count[i] << i;
		if (i < order)
			unusable += count[i] << i;
	}
	return total ? div64_ul((u64)unusable * 1000, total) : 0;
}

static void zcp_show_buddy(struct seq_file *m, struct zcp_node *node)
{
	unsigned long count[ZCP_BUDDY_MAX_ORDER + 1] = {};
	unsigned long unusable;
	int i;

	mutex_lock(&node->lock);
	for (i = 0; i <= ZCP_IDLE_SPLIT; i++)
		zcp_count_free(&node->split[i], count);
	mutex_unlock(&node->lock);

	for (i = 0; i <= ZCP_BUDDY_MAX_ORDER; i++) {
		unusable = zcp_unusable(count, i);
		seq_printf(m, "%d %d %lu %lu.%03lu\n", node->nid, i, count[i],
			   unusable / 1000, unusable % 1000);
	}
}

static int zcp_buddy_show(struct seq_file *m, void *v)
{
	struct zcp_pool *pool = m->private;
	int nid;

	seq_puts(m, "node order free unusable\n");
	for_each_node_mask(nid, pool->mask)
		zcp_show_buddy(m, pool->nodes[nid]);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(zcp_buddy);

/*
 * Bytes that pin_user_pages() may hold. A plain reference such as a pipe's only shows
 * once the buffer is gone.
 */
static u64 zcp_pinned_bytes(const struct zcp_buffer *buf)
{
	unsigned long pages = 0;
	struct zcp_span span;
	unsigned int i;

	zcp_span_all(&span);
	while (zcp_span_next(buf, &span)) {
		for (i = 0; i < span.nr; i++) {
			pages += zcp_pages_dma_pinned(zcp_extent_page(&span.ext[i]),
						      span.ext[i].nr);
			cond_resched();
		}
	}
	return (u64)pages << PAGE_SHIFT;
}

/* One word a column, whatever the program calls itself. */
static void zcp_show_comm(struct seq_file *m, const char *comm)
{
	if (!*comm)
		seq_putc(m, '_');
	for (; *comm; comm++)
		seq_putc(m, isgraph(*comm) ? *comm : '_');
}

/* Under the buffer's lock. */
static void zcp_show_buffer(struct seq_file *m, struct zcp_buffer *buf)
{
	seq_printf(m, "%llu %llu %d %d ", buf->id,
		   (u64)zcp_buffer_held(buf) << PAGE_SHIFT, zcp_buffer_node(buf),
		   buf->pid);
	zcp_show_comm(m, buf->comm);
	seq_printf(m, " %llu %u %llu\n",
		   jiffies64_to_msecs(get_jiffies_64() - buf->born),
		   zcp_buffer_vmas(buf), zcp_pinned_bytes(buf));
}

static int zcp_buffers_show(struct seq_file *m, void *v)
{
	struct zcp_buffer *buf = v;
	int err;

	if (v == SEQ_START_TOKEN) {
		seq_puts(m, "id size node pid comm age_ms mappings pinned\n");
		return 0;
	}
	err = zcp_buffer_lock_shared(buf);
	if (err)
		return err;
	if (buf->life == ZCP_ALIVE)
		zcp_show_buffer(m, buf);
	zcp_buffer_unlock_shared(buf);
	return 0;
}

/*
 * One buffer is held at a time, and not the list: whoever holds a buffer's lock may want
 * that. Those that are just going away are passed over. Under the list's lock.
 */
static struct zcp_buffer *zcp_buffers_hold(struct zcp_pool *pool, struct list_head *link,
					   struct super_block **mount)
{
	struct zcp_buffer *buf;

	for (; link != &pool->buffers; link = link->next) {
		buf = list_entry(link, struct zcp_buffer, link);
		if (zcp_buffer_grab(buf, mount))
			return buf;
		cond_resched();
	}
	return NULL;
}

static struct zcp_buffer *zcp_buffers_hold_nth(struct zcp_pool *pool, loff_t nth,
					       struct super_block **mount)
{
	struct list_head *link = pool->buffers.next;

	for (; nth && link != &pool->buffers; nth--) {
		link = link->next;
		cond_resched();
	}
	return zcp_buffers_hold(pool, link, mount);
}

static void *zcp_buffers_start(struct seq_file *m, loff_t *pos)
{
	struct zcp_pool *pool = m->private;
	struct super_block *mount = NULL;
	struct zcp_buffer *buf;

	if (!*pos)
		return SEQ_START_TOKEN;
	mutex_lock(&pool->buffers_lock);
	buf = zcp_buffers_hold_nth(pool, *pos - 1, &mount);
	zcp_buffer_unlock_list(pool, buf, mount);
	return buf;
}

static void zcp_buffers_stop(struct seq_file *m, void *v)
{
	struct zcp_buffer *buf = v;

	if (v && v != SEQ_START_TOKEN)
		zcp_buffer_ungrab(buf);
}

static void *zcp_buffers_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct zcp_pool *pool = m->private;
	struct zcp_buffer *buf = v, *next;
	struct super_block *mount = NULL;

	mutex_lock(&pool->buffers_lock);
	if (v == SEQ_START_TOKEN)
		next = zcp_buffers_hold(pool, pool->buffers.next, &mount);
	else if (!list_empty(&buf->link))
		next = zcp_buffers_hold(pool, buf->link.next, &mount);
	else
		/* It was taken away meanwhile: what came after it has moved up. */
		next = zcp_buffers_hold_nth(pool, *pos - 1, &mount);
	zcp_buffer_unlock_list(pool, next, mount);
	++*pos;
	zcp_buffers_stop(m, v);
	return next;
}

static const struct seq_operations zcp_buffers_sops = {
	.start	= zcp_buffers_start,
	.next	= zcp_buffers_next,
	.stop	= zcp_buffers_stop,
	.show	= zcp_buffers_show,
};
DEFINE_SEQ_ATTRIBUTE(zcp_buffers);

static int zcp_users_show(struct seq_file *m, void *v)
{
	struct zcp_pool *pool = m->private;
	struct zcp_user *user;
	unsigned long uid;
	long pages;

	seq_puts(m, "uid held max\n");
	xa_for_each(&pool->users.by_uid, uid, user) {
		pages = atomic_long_read(&user->pages);
		if (pages)
			seq_printf(m, "%lu %llu %llu\n", uid, (u64)pages << PAGE_SHIFT,
				   (u64)READ_ONCE(pool->users.max) << PAGE_SHIFT);
		cond_resched();
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(zcp_users);

DEFINE_SHOW_ATTRIBUTE(zcp_layout);

/**
 * zcp_debugfs_init() - make the directory that pools' are in, and what is about all of them
 *
 * As everywhere, debugfs is optional and errors are not looked at.
 *
 * Context: may sleep.
 */
void zcp_debugfs_init(void)
{
	zcp_debugfs_root = debugfs_create_dir("zcpool", NULL);
	debugfs_create_file("layout", 0400, zcp_debugfs_root, NULL, &zcp_layout_fops);
}

/**
 * zcp_debugfs_exit() - undo zcp_debugfs_init(), once nobody reads what is there
 *
 * Context: may sleep.
 */
void zcp_debugfs_exit(void)
{
	debugfs_remove(zcp_debugfs_root);
}

/**
 * zcp_debugfs_add() - make a pool's files
 * @pool: whose
 *
 * Context: may sleep.
 */
void zcp_debugfs_add(struct zcp_pool *pool)
{
	struct dentry *dir = debugfs_create_dir(pool->name, zcp_debugfs_root);

	pool->debugfs = dir;
	debugfs_create_file("nodes", 0400, dir, pool, &zcp_nodes_fops);
	debugfs_create_file("buddy", 0400, dir, pool, &zcp_buddy_fops);
	debugfs_create_file("buffers", 0400, dir, pool, &zcp_buffers_fops);
	debugfs_create_file("users", 0400, dir, pool, &zcp_users_fops);
}

/**
 * zcp_debugfs_remove() - undo zcp_debugfs_add(), if it has been done, once nobody reads them
 * @pool: whose
 *
 * Context: may sleep.
 */
void zcp_debugfs_remove(struct zcp_pool *pool)
{
	debugfs_remove(pool->debugfs);
}
