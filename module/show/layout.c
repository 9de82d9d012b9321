// SPDX-License-Identifier: GPL-2.0
/*
 * debugfs zcpool/layout: where in the kernel's address space the pools are.
 *
 * KASLR moves the regions' bounds at each boot, so they are taken from the same
 * variables and macros that the kernel itself uses.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/user_namespace.h>
#include <linux/vmalloc.h>
#include <asm/fixmap.h>

#include "../compat.h"
#include "show.h"

enum zcp_region_id {
	ZCP_DIRECT,
	ZCP_VMALLOC,
	ZCP_FIXMAP,
	ZCP_PKMAP,
	ZCP_VMEMMAP,
	ZCP_MODULES,
	ZCP_NR_REGIONS
};

/* What pools can have somewhere */
enum zcp_content {
	ZCP_PAGES,
	ZCP_STRUCT_PAGES,
	ZCP_METADATA,
	ZCP_MODULE,
	ZCP_NR_CONTENTS
};

/**
 * struct zcp_region - a range of kernel addresses
 * @name: as people call it; NULL where this machine has none
 * @start: first address
 * @end: first one behind it
 * @bytes: what pools have there, by content
 */
struct zcp_region {
	const char *name;
	unsigned long start;
	unsigned long end;
	u64 bytes[ZCP_NR_CONTENTS];
};

/**
 * struct zcp_layout - what the file shows
 * @region: by enum zcp_region_id
 * @high: bytes of the pools' pages that are in none of them
 * @reveal: the reader may see addresses
 */
struct zcp_layout {
	struct zcp_region region[ZCP_NR_REGIONS];
	u64 high;
	bool reveal;
};

/*
 * What /proc/kallsyms asks, too, in a function that modules cannot call: whether
 * who opened the file has CAP_SYSLOG, and what the sysctl kptr_restrict says. It
 * is known by what it makes of "%pK": zeroes, if nobody or not the reader may see
 * addresses.
 */
static bool zcp_may_see_addresses(const struct file *file)
{
	char shown[32];

	scnprintf(shown, sizeof(shown), "%pK", (void *)PAGE_OFFSET);
	return shown[strspn(shown, "0")] &&
	       file_ns_capable(file, &init_user_ns, CAP_SYSLOG);
}

static void zcp_layout_set(struct zcp_layout *l, enum zcp_region_id id,
			   const char *name, unsigned long start,
			   unsigned long end)
{
	l->region[id].name = name;
	l->region[id].start = start;
	l->region[id].end = end;
}

static void zcp_layout_bounds(struct zcp_layout *l)
{
	zcp_layout_set(l, ZCP_DIRECT,
		       IS_ENABLED(CONFIG_HIGHMEM) ? "lowmem" : "direct_map",
		       PAGE_OFFSET, (unsigned long)high_memory);
	zcp_layout_set(l, ZCP_VMALLOC, "vmalloc", VMALLOC_START,
		       PAGE_ALIGN(VMALLOC_END));
#ifdef FIXADDR_START
	zcp_layout_set(l, ZCP_FIXMAP, "fixmap", FIXADDR_START, FIXADDR_TOP);
#endif
#ifdef CONFIG_HIGHMEM
	zcp_layout_set(l, ZCP_PKMAP, "pkmap", PKMAP_BASE, PKMAP_ADDR(LAST_PKMAP));
#endif
#ifdef CONFIG_SPARSEMEM_VMEMMAP
	zcp_layout_set(l, ZCP_VMEMMAP, "vmemmap",
		       (unsigned long)virt_to_page((void *)PAGE_OFFSET),
		       (unsigned long)(virt_to_page(high_memory - 1) + 1));
#endif
#ifdef MODULES_VADDR
	zcp_layout_set(l, ZCP_MODULES, "modules", MODULES_VADDR, MODULES_END);
#endif
}

/* NULL if it is in none. Where modules are in the vmalloc area, it is that. */
static struct zcp_region *zcp_region_of(struct zcp_layout *l, const void *addr)
{
	unsigned long a = (unsigned long)addr;
	struct zcp_region *r;

	for (r = l->region; r < l->region + ZCP_NR_REGIONS; r++) {
		if (r->name && a >= r->start && a < r->end)
			return r;
	}
	return NULL;
}

static void zcp_layout_add(struct zcp_layout *l, enum zcp_content content,
			   const void *addr, u64 bytes)
{
	struct zcp_region *r = zcp_region_of(l, addr);

	if (r)
		r->bytes[content] += bytes;
}

/* The kernel's struct pages are all in one region: one of them stands for all. */
static void zcp_layout_add_node(struct zcp_layout *l, struct zcp_node *node)
{
	u64 low = atomic_long_read(&node->held_low);
	u64 high = atomic_long_read(&node->held_high);
	unsigned long nr_split;

	mutex_lock(&node->lock);
	nr_split = node->nr_split;
	mutex_unlock(&node->lock);

	l->region[ZCP_DIRECT].bytes[ZCP_PAGES] += low * ZCP_CHUNK_SIZE;
	l->high += high * ZCP_CHUNK_SIZE;
	zcp_layout_add(l, ZCP_STRUCT_PAGES, ZERO_PAGE(0),
		       (low + high) * ZCP_CHUNK_PAGES * sizeof(struct page));
	zcp_layout_add(l, ZCP_METADATA, node,
		       sizeof(*node) + (low + high) * sizeof(struct zcp_chunk) +
		       nr_split * sizeof(struct zcp_split));
}

static void zcp_layout_add_list(struct zcp_layout *l, const struct zcp_extents *list)
{
	if (list->ext != list->inline_ext)
		zcp_layout_add(l, ZCP_METADATA, list->ext, list->max * sizeof(*list->ext));
}

static void zcp_layout_add_buffers(struct zcp_layout *l, struct zcp_pool *pool)
{
	struct zcp_buffer *buf;

	mutex_lock(&pool->buffers_lock);
	list_for_each_entry(buf, &pool->buffers, link) {
		zcp_layout_add(l, ZCP_METADATA, buf, sizeof(*buf));
		/* Of one that is being taken away or migrated the list counts nowhere. */
		if (zcp_buffer_trylock_shared(buf)) {
			zcp_layout_add_list(l, &buf->extents);
			zcp_buffer_unlock_shared(buf);
		}
		cond_resched();
	}
	mutex_unlock(&pool->buffers_lock);
}

static void zcp_layout_add_pool(struct zcp_layout *l, struct zcp_pool *pool)
{
	int nid;

	zcp_layout_add(l, ZCP_METADATA, pool, sizeof(*pool));
	for_each_node_mask(nid, pool->mask)
		zcp_layout_add_node(l, pool->nodes[nid]);
	zcp_layout_add_buffers(l, pool);
}

static void zcp_layout_add_all(struct zcp_layout *l)
{
	struct zcp_pool *pool = NULL;

	/* Where the kernel's address is random, a module may lie outside its region. */
	zcp_layout_add(l, ZCP_MODULE, zcp_layout_add_all, zcp_module_bytes(THIS_MODULE));
	while ((pool = zcp_pool_next(pool)))
		zcp_layout_add_pool(l, pool);
}

static void zcp_show_address(struct seq_file *m, const struct zcp_layout *l,
			     unsigned long addr)
{
	seq_printf(m, " %0*lx", (int)(2 * sizeof(addr)), l->reveal ? addr : 0);
}

static void zcp_show_regions(struct seq_file *m, const struct zcp_layout *l)
{
	const struct zcp_region *r;
	int content;

	seq_puts(m, "region start end size pages struct_pages metadata module\n");
	for (r = l->region; r < l->region + ZCP_NR_REGIONS; r++) {
		if (!r->name)
			continue;
		seq_puts(m, r->name);
		zcp_show_address(m, l, r->start);
		zcp_show_address(m, l, r->end);
		seq_printf(m, " %lu", r->end - r->start);
		for (content = 0; content < ZCP_NR_CONTENTS; content++)
			seq_printf(m, " %llu", r->bytes[content]);
		seq_putc(m, '\n');
	}
	if (IS_ENABLED(CONFIG_HIGHMEM))
		seq_printf(m, "highmem - - %llu %llu 0 0 0\n",
			   (u64)totalhigh_pages() << PAGE_SHIFT, l->high);
}

static void *zcp_page_address(struct page *page)
{
	return page_address(page);
}

static void *zcp_kmap_local_page(struct page *page)
{
	return kmap_local_page(page);
}

static void zcp_kunmap_local(const void *addr)
{
	kunmap_local(addr);
}

static void *zcp_kmap(struct page *page)
{
	return kmap(page);
}

static void zcp_kunmap(struct page *page)
{
	kunmap(page);
}

static void *zcp_vmap(struct page *page)
{
	return vmap(&page, 1, VM_MAP, PAGE_KERNEL);
}

/* Ways to a page; each is undone before the next. */
static const struct zcp_way {
	const char *name;
	void *(*map)(struct page *page);
	void (*unmap)(const void *addr);
	void (*unmap_page)(struct page *page);
} zcp_ways[] = {
	{ "page_address", zcp_page_address },
	{ "kmap_local_page", zcp_kmap_local_page, .unmap = zcp_kunmap_local },
	{ "kmap", zcp_kmap, .unmap_page = zcp_kunmap },
	{ "vmap", zcp_vmap, .unmap = vunmap },
};

static void zcp_show_way(struct seq_file *m, struct zcp_layout *l,
			 const struct zcp_way *way, struct page *page)
{
	void *addr = way->map(page);
	struct zcp_region *r = zcp_region_of(l, addr);

	if (addr && way->unmap)
		way->unmap(addr);
	if (addr && way->unmap_page)
		way->unmap_page(page);

	seq_printf(m, "%s %s %s", way->name,
		   zcp_page_high(page) ? "highmem" : l->region[ZCP_DIRECT].name,
		   r ? r->name : "none");
	zcp_show_address(m, l, (unsigned long)addr);
	seq_putc(m, '\n');
}

/* Reading a file is no reason to make a page clean or to get one from the kernel. */
static bool zcp_borrow_page(struct zcp_pool *pool, struct zcp_extent *ext,
			    struct zcp_piece *piece)
{
	int nid;

	for_each_node_mask(nid, pool->mask) {
		if (zcp_node_borrow(pool->nodes[nid], ext, piece))
			return true;
	}
	return false;
}

/* The first that has one lends it; held while it does, or NULL. */
static struct zcp_pool *zcp_borrow_any(struct zcp_extent *ext, struct zcp_piece *piece)
{
	struct zcp_pool *pool = NULL;

	while ((pool = zcp_pool_next(pool))) {
		if (zcp_borrow_page(pool, ext, piece))
			break;
	}
	return pool;
}

static void zcp_show_ways(struct seq_file *m, struct zcp_layout *l)
{
	struct zcp_piece piece;
	struct zcp_pool *pool;
	struct zcp_extent ext;
	unsigned int i;

	seq_puts(m, "\nway page region address\n");
	pool = zcp_borrow_any(&ext, &piece);
	if (!pool) {
		seq_puts(m, "# no page of any pool is free and clean\n");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(zcp_ways); i++)
		zcp_show_way(m, l, &zcp_ways[i], zcp_extent_page(&ext));
	zcp_node_return_borrowed(&ext, &piece);
	zcp_pool_put(pool);
}

/**
 * zcp_layout_show() - debugfs zcpool/layout
 * @m: where to
 * @v: unused
 *
 * For the time that takes, a page of a pool, or a whole chunk if it has no other
 * page that is clean, counts as dirty.
 *
 * Context: process, for its credentials; may sleep.
 * Return: 0.
 */
int zcp_layout_show(struct seq_file *m, void *v)
{
	struct zcp_layout layout = {
		.reveal = zcp_may_see_addresses(m->file),
	};

	zcp_layout_bounds(&layout);
	zcp_layout_add_all(&layout);
	zcp_show_regions(m, &layout);
	zcp_show_ways(m, &layout);
	return 0;
}
