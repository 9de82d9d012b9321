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
#include <linux/sched.h>
#include <linux/types.h>

#include "../pool/pool.h"

struct vm_area_struct;

/**
 * struct zcp_buffer - memory behind one inode
 * @inode: the VFS's handle; every file and mapping of the buffer holds it, and
 *	the memory goes back to the pool when it is evicted
 * @pool: whose
 * @id: number, for people; set when it has its memory
 * @nr_pages: size
 * @req_pages: size as asked for
 * @flags: ZCPOOL_ALLOC_* it was made with
 * @extents: its memory; fixed once the buffer has a file
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
	struct zcp_extents extents;
	atomic_t mappings;
	struct list_head link;
	pid_t pid;
	char comm[TASK_COMM_LEN];
	u64 born;
};

/* buffer.c */
int zcp_buffer_init(void);
void zcp_buffer_exit(void);
struct file *zcp_buffer_create(const struct zcp_request *req);
struct zcp_buffer *zcp_buffer_of(const struct file *file);

/* file.c */
extern const struct file_operations zcp_buffer_fops;
extern const struct inode_operations zcp_buffer_iops;

/* map.c */
int zcp_check_mapping(unsigned long vm_flags);
int zcp_buffer_mmap(struct file *file, struct vm_area_struct *vma);
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
unsigned long zcp_get_unmapped_area(struct file *file, unsigned long addr,
				    unsigned long len, unsigned long pgoff,
				    unsigned long flags);
#else
/* Nothing is mapped by a PMD, so any address will do. */
#define zcp_get_unmapped_area NULL
#endif

#endif /* ZCPOOL_BUFFER_H */
