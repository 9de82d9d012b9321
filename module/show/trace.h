/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM zcpool

#if !defined(_ZCPOOL_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _ZCPOOL_TRACE_H

#include <linux/tracepoint.h>

#include "../compat.h"

/*
 * Any floor may include this to say what happens on it: that takes no more than the names
 * of what the tracepoints read.
 */
struct page;
struct vm_area_struct;
struct zcp_buffer;
struct zcp_node;

DECLARE_EVENT_CLASS(zcpool_buffer,
	TP_PROTO(const struct zcp_buffer *buf),
	TP_ARGS(buf),
	TP_STRUCT__entry(
		__string(pool, buf->pool->name)
		__field(u64, id)
		__field(u64, size)
		__field(u32, flags)
		__field(int, node)
		__field(unsigned long, whole)
		__field(unsigned int, extents)
	),
	TP_fast_assign(
		zcp_assign_str(pool, buf->pool->name);
		__entry->id = buf->id;
		__entry->size = i_size_read(&buf->inode);
		__entry->flags = buf->flags;
		__entry->node = buf->extents.nr ? zcp_extents_node(&buf->extents) : NUMA_NO_NODE;
		__entry->whole = zcp_buffer_whole(buf);
		__entry->extents = buf->extents.nr;
	),
	TP_printk("pool=%s id=%llu size=%llu flags=%#x node=%d whole=%lu extents=%u",
		  __get_str(pool), __entry->id, __entry->size, __entry->flags, __entry->node,
		  __entry->whole, __entry->extents)
);

DEFINE_EVENT(zcpool_buffer, zcpool_alloc,
	TP_PROTO(const struct zcp_buffer *buf),
	TP_ARGS(buf)
);

DEFINE_EVENT(zcpool_buffer, zcpool_free,
	TP_PROTO(const struct zcp_buffer *buf),
	TP_ARGS(buf)
);

DEFINE_EVENT(zcpool_buffer, zcpool_revoke,
	TP_PROTO(const struct zcp_buffer *buf),
	TP_ARGS(buf)
);

TRACE_EVENT(zcpool_move,
	TP_PROTO(const struct zcp_buffer *old, const struct zcp_buffer *new),
	TP_ARGS(old, new),
	TP_STRUCT__entry(
		__string(pool, old->pool->name)
		__field(u64, id)
		__field(u64, new_id)
		__field(u64, size)
	),
	TP_fast_assign(
		zcp_assign_str(pool, old->pool->name);
		__entry->id = old->id;
		__entry->new_id = new->id;
		__entry->size = i_size_read(&old->inode);
	),
	TP_printk("pool=%s id=%llu new_id=%llu size=%llu",
		  __get_str(pool), __entry->id, __entry->new_id, __entry->size)
);

TRACE_EVENT(zcpool_migrate,
	TP_PROTO(const struct zcp_buffer *buf, int node, int err),
	TP_ARGS(buf, node, err),
	TP_STRUCT__entry(
		__string(pool, buf->pool->name)
		__field(u64, id)
		__field(u64, size)
		__field(int, node)
		__field(int, err)
	),
	TP_fast_assign(
		zcp_assign_str(pool, buf->pool->name);
		__entry->id = buf->id;
		__entry->size = i_size_read(&buf->inode);
		__entry->node = node;
		__entry->err = err;
	),
	TP_printk("pool=%s id=%llu size=%llu node=%d err=%d",
		  __get_str(pool), __entry->id, __entry->size, __entry->node, __entry->err)
);

TRACE_EVENT(zcpool_seal,
	TP_PROTO(const struct zcp_buffer *buf, u32 added),
	TP_ARGS(buf, added),
	TP_STRUCT__entry(
		__string(pool, buf->pool->name)
		__field(u64, id)
		__field(u32, seals)
		__field(u32, added)
	),
	TP_fast_assign(
		zcp_assign_str(pool, buf->pool->name);
		__entry->id = buf->id;
		__entry->seals = buf->seals;
		__entry->added = added;
	),
	TP_printk("pool=%s id=%llu seals=%#x added=%#x",
		  __get_str(pool), __entry->id, __entry->seals, __entry->added)
);

TRACE_EVENT(zcpool_map,
	TP_PROTO(const struct zcp_buffer *buf, const struct vm_area_struct *vma),
	TP_ARGS(buf, vma),
	TP_STRUCT__entry(
		__string(pool, buf->pool->name)
		__field(u64, id)
		__field(unsigned long, start)
		__field(unsigned long, end)
		__field(unsigned long, pgoff)
	),
	TP_fast_assign(
		zcp_assign_str(pool, buf->pool->name);
		__entry->id = buf->id;
		__entry->start = vma->vm_start;
		__entry->end = vma->vm_end;
		__entry->pgoff = vma->vm_pgoff;
	),
	TP_printk("pool=%s id=%llu start=%#lx end=%#lx pgoff=%lu",
		  __get_str(pool), __entry->id, __entry->start, __entry->end, __entry->pgoff)
);

TRACE_EVENT(zcpool_fault,
	TP_PROTO(const struct zcp_buffer *buf, unsigned long address,
		 pgoff_t pgoff, unsigned int order),
	TP_ARGS(buf, address, pgoff, order),
	TP_STRUCT__entry(
		__string(pool, buf->pool->name)
		__field(u64, id)
		__field(unsigned long, address)
		__field(unsigned long, pgoff)
		__field(unsigned int, order)
	),
	TP_fast_assign(
		zcp_assign_str(pool, buf->pool->name);
		__entry->id = buf->id;
		__entry->address = address;
		__entry->pgoff = pgoff;
		__entry->order = order;
	),
	TP_printk("pool=%s id=%llu address=%#lx pgoff=%lu order=%u",
		  __get_str(pool), __entry->id, __entry->address, __entry->pgoff, __entry->order)
);

DECLARE_EVENT_CLASS(zcpool_range,
	TP_PROTO(const struct zcp_buffer *buf, pgoff_t pgoff, unsigned long nr),
	TP_ARGS(buf, pgoff, nr),
	TP_STRUCT__entry(
		__string(pool, buf->pool->name)
		__field(u64, id)
		__field(unsigned long, pgoff)
		__field(unsigned long, nr)
	),
	TP_fast_assign(
		zcp_assign_str(pool, buf->pool->name);
		__entry->id = buf->id;
		__entry->pgoff = pgoff;
		__entry->nr = nr;
	),
	TP_printk("pool=%s id=%llu pgoff=%lu pages=%lu",
		  __get_str(pool), __entry->id, __entry->pgoff, __entry->nr)
);

DEFINE_EVENT(zcpool_range, zcpool_fill,
	TP_PROTO(const struct zcp_buffer *buf, pgoff_t pgoff, unsigned long nr),
	TP_ARGS(buf, pgoff, nr)
);

DEFINE_EVENT(zcpool_range, zcpool_punch,
	TP_PROTO(const struct zcp_buffer *buf, pgoff_t pgoff, unsigned long nr),
	TP_ARGS(buf, pgoff, nr)
);

DECLARE_EVENT_CLASS(zcpool_pages,
	TP_PROTO(const struct zcp_node *node, struct page *page, unsigned int nr),
	TP_ARGS(node, page, nr),
	TP_STRUCT__entry(
		__string(pool, node->pool_name)
		__field(int, node)
		__field(unsigned long, pfn)
		__field(unsigned int, nr)
	),
	TP_fast_assign(
		zcp_assign_str(pool, node->pool_name);
		__entry->node = node->nid;
		__entry->pfn = page_to_pfn(page);
		__entry->nr = nr;
	),
	TP_printk("pool=%s node=%d pfn=%#lx pages=%u",
		  __get_str(pool), __entry->node, __entry->pfn, __entry->nr)
);

DEFINE_EVENT(zcpool_pages, zcpool_scrub,
	TP_PROTO(const struct zcp_node *node, struct page *page, unsigned int nr),
	TP_ARGS(node, page, nr)
);

DEFINE_EVENT(zcpool_pages, zcpool_quarantine,
	TP_PROTO(const struct zcp_node *node, struct page *page, unsigned int nr),
	TP_ARGS(node, page, nr)
);

DEFINE_EVENT(zcpool_pages, zcpool_grow,
	TP_PROTO(const struct zcp_node *node, struct page *page, unsigned int nr),
	TP_ARGS(node, page, nr)
);

#endif /* _ZCPOOL_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
