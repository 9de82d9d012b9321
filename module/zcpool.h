/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The module's own types: pool -> node -> chunk -> extent -> buffer -> mapping.
 * Data flows in that direction and each file below owns one step of it.
 */
#ifndef _ZCPOOL_H
#define _ZCPOOL_H

#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "buddy.h"
#include "uapi/zcpool.h"

#define ZCP_CHUNK_ORDER		(PMD_SHIFT - PAGE_SHIFT)
#define ZCP_CHUNK_PAGES		((unsigned int)(PMD_SIZE / PAGE_SIZE))
#define ZCP_CHUNK_SIZE		PMD_SIZE

struct seq_file;
struct vm_area_struct;
struct zcp_node;
struct zcp_pool;

/**
 * enum zcp_state - what a page of the pool is doing; each page is in one
 * @ZCP_CLEAN: free and zeroed
 * @ZCP_DIRTY: free, and being or about to be zeroed, converted or given back
 * @ZCP_QUARANTINED: free, but with a reference that is not the pool's
 * @ZCP_USED: in a buffer
 * @ZCP_RETIRED: hit by a memory error, or in a split chunk with such a page
 * @ZCP_NR_STATES: how many there are
 */
enum zcp_state {
	ZCP_CLEAN,
	ZCP_DIRTY,
	ZCP_QUARANTINED,
	ZCP_USED,
	ZCP_RETIRED,
	ZCP_NR_STATES
};

/**
 * struct zcp_split - what a split chunk has over a whole one
 * @chunk: the chunk it belongs to
 * @buddy: which of its pages are clean; dirty and quarantined ones are still
 *	allocated as far as the buddy knows
 * @dirty: pages freed and not zeroed yet, always entire blocks of the buddy
 * @quarantine: pages freed and still referenced, always blocks of order 0
 * @dirty_link: on zcp_node.dirty_split while @dirty has a bit set
 * @quarantine_link: on zcp_node.quarantined_split while @quarantine has one
 */
struct zcp_split {
	struct zcp_chunk *chunk;
	struct zcp_buddy buddy;
	DECLARE_BITMAP(dirty, ZCP_BUDDY_PAGES);
	DECLARE_BITMAP(quarantine, ZCP_BUDDY_PAGES);
	struct list_head dirty_link;
	struct list_head quarantine_link;
};

/**
 * struct zcp_chunk - ZCP_CHUNK_SIZE bytes of physical memory
 * @link: on the one list of @node that tells its state
 * @page: its first page; the head of a compound page if the chunk is whole
 * @node: where it is
 * @split: NULL if the chunk is whole
 * @state: of all of a whole chunk; a split one is ZCP_RETIRED or anything else
 */
struct zcp_chunk {
	struct list_head link;
	struct page *page;
	struct zcp_node *node;
	struct zcp_split *split;
	enum zcp_state state;
};

/* Index of the list of idle split chunks in zcp_node.split */
#define ZCP_IDLE_SPLIT		(ZCP_BUDDY_MAX_ORDER + 1)

/**
 * struct zcp_node - a pool's memory on one NUMA node
 * @pool: whose
 * @nid: NUMA node
 * @held: chunks there is a struct zcp_chunk for, those too that are just being
 *	converted or given back: in memory that has an address of its own (0), and in
 *	high memory (1)
 * @lock: protects all that follows but @wait and @scrubber, and every chunk of
 *	the node, its buddy included. Pages are zeroed, got from the kernel and given
 *	back to it without the lock. No other lock of ours is taken inside it.
 * @whole: whole chunks, by state
 * @split: split chunks with a free block, by the largest order they have free;
 *	those that are free entirely are idle and have a list of their own
 * @full_split: split chunks with no free block
 * @retired_split: split chunks with a poisoned page, never allocated from
 * @dirty_split: split chunks with dirty pages
 * @quarantined_split: split chunks with quarantined pages
 * @nr: pages by state; their sum is @nr_chunks times ZCP_CHUNK_PAGES
 * @nr_chunks: chunks held
 * @nr_split: of these, split
 * @reserve: chunks that are kept when they are free
 * @busy: pieces on no list, because somebody is getting, zeroing, converting or
 *	releasing them
 * @done: how many such pieces have come back so far in a way that helps who
 *	wants a whole chunk (0), and a block of a split one (1)
 * @splitting: a whole chunk is being converted; one that also wants a block of a
 *	split chunk had better wait for that than take another whole one
 * @scrub_due: the scrubber has been told of dirty memory and has not begun
 * @stop: the scrubber is to do no more
 * @wait: for @done or @busy to change
 * @scrubber: zeroes what is dirty, looks again at what is quarantined
 */
struct zcp_node {
	struct zcp_pool *pool;
	int nid;
	atomic_long_t held[2];

	struct mutex lock;	/* all that follows, but @wait and @scrubber */
	struct list_head whole[ZCP_NR_STATES];
	struct list_head split[ZCP_IDLE_SPLIT + 1];
	struct list_head full_split;
	struct list_head retired_split;
	struct list_head dirty_split;
	struct list_head quarantined_split;
	unsigned long nr[ZCP_NR_STATES];
	unsigned long nr_chunks;
	unsigned long nr_split;
	unsigned long reserve;
	unsigned int busy;
	unsigned long done[2];
	bool splitting;
	bool scrub_due;
	bool stop;

	wait_queue_head_t wait;
	struct delayed_work scrubber;
};

/**
 * struct zcp_pool - a named policy and the memory under it
 * @name: of its device node under /dev/zcpool
 * @max: chunks it may hold at the most
 * @nr_chunks: chunks it holds, and those being got from the kernel right now
 * @mask: NUMA nodes it has a struct zcp_node for
 * @nodes: these, by number
 * @buffers_lock: protects @buffers; taken alone
 * @buffers: live buffers, for debugfs
 */
struct zcp_pool {
	const char *name;
	unsigned long max;
	atomic_long_t nr_chunks;
	nodemask_t mask;
	struct zcp_node **nodes;
	struct mutex buffers_lock;	/* @buffers */
	struct list_head buffers;
};

/**
 * struct zcp_extent - a physically contiguous piece of a chunk
 * @chunk: which
 * @start: first page in it
 * @nr: pages
 */
struct zcp_extent {
	struct zcp_chunk *chunk;
	u16 start;
	u16 nr;
};

/* Enough for any buffer of a few pieces without another allocation. */
#define ZCP_INLINE_EXTENTS	4

/**
 * struct zcp_buffer - a list of extents behind one inode
 * @inode: the VFS's handle; every file and mapping of the buffer holds it, and
 *	the memory goes back to the pool when it is evicted
 * @pool: whose
 * @id: number, for people
 * @nr_pages: size
 * @req_pages: size as asked for
 * @flags: ZCPOOL_ALLOC_* it was made with
 * @nr_whole: leading extents that are whole chunks
 * @nr_extents: all extents
 * @max_extents: room in @extents
 * @extents: in the order of the buffer's pages; fixed once the buffer has a file
 * @inline_extents: @extents of a small buffer
 * @mappings: VMAs
 * @link: on zcp_pool.buffers
 * @pid: who made it
 * @comm: who made it
 * @born: when, in jiffies_64
 */
struct zcp_buffer {
	struct inode inode;
	struct zcp_pool *pool;
	u64 id;
	unsigned long nr_pages;
	unsigned long req_pages;
	u32 flags;
	unsigned int nr_whole;
	unsigned int nr_extents;
	unsigned int max_extents;
	struct zcp_extent *extents;
	struct zcp_extent inline_extents[ZCP_INLINE_EXTENTS];
	atomic_t mappings;
	struct list_head link;
	pid_t pid;
	char comm[TASK_COMM_LEN];
	u64 born;
};

/* One allocation's constraints, from ioctl or mmap to the nodes. */
struct zcp_request {
	struct zcp_pool *pool;
	u64 size;
	u32 flags;
	int nid;
	bool exact;
};

/* params.c */
int zcp_parse_reserve(const char *arg, struct zcp_pool *pool);
int zcp_parse_max(const char *arg, struct zcp_pool *pool);

/* chunk.c */
struct zcp_chunk *zcp_chunk_create(struct zcp_node *node, bool split, gfp_t gfp);
void zcp_chunk_destroy(struct zcp_chunk *chunk);
bool zcp_pages_poisoned(struct page *page, unsigned int nr);
bool zcp_page_pinned(struct page *page);
void zcp_pages_clear(struct page *page, unsigned int nr);

/* node.c */
struct zcp_node *zcp_node_create(struct zcp_pool *pool, int nid);
void zcp_node_destroy(struct zcp_node *node);
int zcp_node_fill_reserve(struct zcp_node *node);
unsigned long zcp_node_lost(const struct zcp_node *node);
unsigned int zcp_node_take_whole(struct zcp_node *node, struct zcp_extent *ext,
				 unsigned int want);
int zcp_node_take_run(struct zcp_node *node, struct zcp_extent *ext,
		      unsigned int want);
int zcp_node_take_block(struct zcp_node *node, struct zcp_extent *ext,
			unsigned int nr);
bool zcp_node_borrow(struct zcp_node *node, struct zcp_extent *ext);
void zcp_node_return(const struct zcp_extent *ext);
int zcp_node_refill(struct zcp_node *node, bool split, bool grow,
		    unsigned long seen);
void zcp_node_give(const struct zcp_extent *ext, unsigned int nr);
void zcp_node_put_back(const struct zcp_extent *ext, unsigned int nr);
void zcp_node_file_split(struct zcp_chunk *chunk);
void zcp_node_account(struct zcp_node *node, enum zcp_state from,
		      enum zcp_state to, unsigned long pages);
void zcp_node_begin(struct zcp_node *node);
void zcp_node_end(struct zcp_node *node, bool whole, bool split);
void zcp_node_release(struct zcp_chunk *chunk, enum zcp_state state);
void zcp_node_settle(struct zcp_node *node);

/* scrub.c */
int zcp_scrub_init(void);
void zcp_scrub_exit(void);
void zcp_scrub_kick(struct zcp_node *node);
void zcp_scrub_stop(struct zcp_node *node);
void zcp_scrub_worker(struct work_struct *work);
bool zcp_scrub_whole(struct zcp_node *node, bool keep);
bool zcp_scrub_split(struct zcp_node *node);
bool zcp_quarantine_scan(struct zcp_node *node);

/* pool.c */
int zcp_pool_alloc(const struct zcp_request *req, struct zcp_buffer *buf);
void zcp_pool_free(struct zcp_buffer *buf);
int zcp_pool_check_node(const struct zcp_pool *pool, u32 nid);
void zcp_pool_info(struct zcp_pool *pool, struct zcpool_info *info);
int zcp_pool_init(struct zcp_pool *pool);
void zcp_pool_exit(struct zcp_pool *pool);

/* buffer.c */
struct file *zcp_buffer_create(const struct zcp_request *req);
struct zcp_buffer *zcp_buffer_of(const struct file *file);
struct page *zcp_buffer_run(const struct zcp_buffer *buf, pgoff_t index,
			    unsigned int *nr);
struct page *zcp_buffer_page(const struct zcp_buffer *buf, pgoff_t index);
int zcp_buffer_reserve_extents(struct zcp_buffer *buf, unsigned int more);
void zcp_buffer_add_extent(struct zcp_buffer *buf, const struct zcp_extent *ext);
int zcp_buffer_node(const struct zcp_buffer *buf);
int zcp_buffer_init(void);
void zcp_buffer_exit(void);

/* file.c */
extern const struct file_operations zcp_buffer_fops;

/* map.c */
unsigned long zcp_get_unmapped_area(struct file *file, unsigned long addr,
				    unsigned long len, unsigned long pgoff,
				    unsigned long flags);
int zcp_buffer_mmap(struct file *file, struct vm_area_struct *vma);

/* dev.c */
int zcp_dev_init(struct zcp_pool *pool);
void zcp_dev_exit(void);
int zcp_copy_out(void __user *to, size_t usize, const void *from, size_t ksize);

/* debugfs.c */
void zcp_debugfs_init(struct zcp_pool *pool);
void zcp_debugfs_exit(void);

/* layout.c */
int zcp_layout_show(struct seq_file *m, void *v);

#endif /* _ZCPOOL_H */
