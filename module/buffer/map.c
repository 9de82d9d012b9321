// SPDX-License-Identifier: GPL-2.0
/*
 * Mappings of buffers.
 *
 * There are three kinds of VMA. One whose buffer has whole chunks gets its pages
 * from .huge_fault, or from .fault, whereupon the core maps a whole chunk by one
 * PMD, too, if address and VMA allow. It must never be VM_MIXEDMAP, for the core
 * would take its PMDs for special ones and lose the references they hold. A buffer
 * without whole chunks never has a PMD, so its VMA may be VM_MIXEDMAP, and the first
 * fault maps all of it with vm_insert_pages(), unless the mapping is private. That of a file is
 * as the first, but nobody counts it.
 *
 * A private mapping shows the buffer until the process writes to it. The copies that a
 * write makes are the core's, and anonymous: the buffer knows nothing of them.
 *
 * Either way each entry holds a reference and counts in the page's mapcount as
 * for any file, which is why O_DIRECT and everything else that pins user memory
 * works on it.
 */
#include <linux/compat.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/personality.h>
#include <linux/sched/mm.h>

#include "../compat.h"
#include "../show/trace.h"
#include "buffer.h"

static struct zcp_buffer *zcp_vma_buffer(const struct vm_area_struct *vma)
{
	return zcp_buffer_of(vma->vm_file);
}

static void zcp_vm_open(struct vm_area_struct *vma)
{
	atomic_inc(&zcp_vma_buffer(vma)->mappings);
}

static void zcp_vm_close(struct vm_area_struct *vma)
{
	atomic_dec(&zcp_vma_buffer(vma)->mappings);
}

/* Whether the core maps nothing of the buffer, but a copy that it makes of the page. */
static bool zcp_fault_copies(const struct vm_fault *vmf)
{
	return vmf->flags & FAULT_FLAG_WRITE && !(vmf->vma->vm_flags & VM_SHARED);
}

/* The whole chunk that a fault may map by a PMD, where kernel, address and VMA allow, or NULL */
static struct zcp_chunk *zcp_fault_chunk(const struct vm_fault *vmf, struct zcp_buffer *buf)
{
	unsigned long start = vmf->address & PMD_MASK;

	if (!IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) || zcp_fault_copies(vmf) ||
	    start < vmf->vma->vm_start || vmf->vma->vm_end - start < PMD_SIZE ||
	    (vmf->pgoff - (vmf->address >> PAGE_SHIFT)) % ZCP_CHUNK_PAGES)
		return NULL;
	return zcp_buffer_chunk_to_map(buf, vmf->pgoff);
}

/* Whether the core must not map more than the page, which is locked: a file ends in its chunk. */
static bool zcp_fault_at_end(const struct vm_fault *vmf, struct zcp_buffer *buf,
			     struct page *page)
{
	if (!buf->sparse || zcp_fault_copies(vmf) || !zcp_page_is_large(page))
		return false;
	if (zcp_buffer_chunk_to_map(buf, vmf->pgoff)) {
		zcp_page_allow_pmd(page);
		return false;
	}
	zcp_page_forbid_pmd(page);
	return true;
}

/*
 * Entries of a writable shared mapping go in as if the pages had been written to, which nobody
 * asks of them. Where the hardware does not note a write by itself, as on many an ARM, the
 * first write to each page would otherwise fault again only for that.
 *
 * Only the VMA can tell the core. Faults may race here, all with the same value: the VMA's
 * flags stay as they are while anyone faults, and whoever changes them sets this anew.
 */
static void zcp_enter_dirty(struct vm_area_struct *vma)
{
	pte_t pte;

	if (IS_ENABLED(CONFIG_X86) || !(vma->vm_flags & VM_WRITE) ||
	    !(vma->vm_flags & VM_SHARED))
		return;
	pte = pte_mkdirty(pfn_pte(0, vma->vm_page_prot));
	WRITE_ONCE(vma->vm_page_prot, __pgprot(pte_val(pte)));
}

/*
 * Of a private mapping, what is to be pinned for long, though for reading only, the core
 * copies first. It does so from a small entry. A PMD it drops, and asks for the page; were it
 * given one that a PMD can map it would map it so again, see that it is still none of the
 * process's own, and begin anew, for ever. So it finds a small entry; where the kernel has no
 * call that makes one, it gets another page for the moment between.
 */
static vm_fault_t zcp_fault_unshare(struct vm_fault *vmf, struct page *page)
{
#ifdef ZCP_HAVE_INSERT_FOLIO
	return zcp_insert_page(vmf, page);
#else
	vmf->page = zcp_page_duplicate(page);
	return vmf->page ? 0 : VM_FAULT_OOM;
#endif
}

/*
 * Give the core the page that it is to map, which is locked, with a reference: so until it is
 * mapped, nobody takes it away. Where the page is not to be mapped by the core, that is done
 * here, or what is given instead is locked by the core.
 */
static vm_fault_t zcp_fault_locked(struct vm_fault *vmf, struct zcp_buffer *buf,
				   struct page *page)
{
	struct zcp_chunk *chunk = zcp_fault_chunk(vmf, buf);
	unsigned int order = chunk ? ZCP_CHUNK_ORDER : 0;
	vm_fault_t ret = VM_FAULT_LOCKED;

	if (zcp_fault_at_end(vmf, buf, page) || (chunk && zcp_chunk_poisoned(chunk))) {
		order = 0;
		ret = zcp_insert_page(vmf, page);
	} else if (order && vmf->flags & FAULT_FLAG_UNSHARE) {
		order = 0;
		ret = zcp_fault_unshare(vmf, page);
	} else {
		vmf->page = zcp_page_get(page);
	}
	trace_zcpool_fault(buf, vmf->address, vmf->pgoff, order);
	if (!(ret & VM_FAULT_LOCKED))
		zcp_page_unlock(page);
	return ret;
}

/*
 * Unmap pages that a memory error has hit from whoever has them mapped. The core does not: it
 * only deals with pages that are on its LRU.
 */
static void zcp_unmap(struct zcp_buffer *buf, pgoff_t index, unsigned int nr)
{
	unmap_mapping_range(&buf->inode.i_data, (loff_t)index << PAGE_SHIFT,
			    (loff_t)nr << PAGE_SHIFT, false);
}

/*
 * The page that is wanted. To a file memory comes when it is touched first: where there is
 * none to be had, whoever touches it is told as hugetlbfs tells.
 */
static struct page *zcp_fault_page(const struct vm_fault *vmf, struct zcp_buffer *buf)
{
	struct page *page;
	pgoff_t end;

	if (!buf->sparse)
		return zcp_buffer_page(buf, vmf->pgoff);
	end = zcp_buffer_end_page(buf);
	if (vmf->pgoff >= end)
		return NULL;
	page = zcp_buffer_page(buf, vmf->pgoff);
	if (page || zcp_buffer_fill(buf, vmf->pgoff, vmf->pgoff, end, vmf->vma))
		return page;
	return zcp_buffer_page(buf, vmf->pgoff);
}

/* Under the buffer's lock. One that has been taken away has no pages, and no size. */
static vm_fault_t zcp_fault(struct vm_fault *vmf, struct zcp_buffer *buf)
{
	struct page *page = zcp_fault_page(vmf, buf);

	if (!page)
		return VM_FAULT_SIGBUS;
	zcp_enter_dirty(vmf->vma);
	if (!zcp_page_lock(page)) {
		zcp_unmap(buf, vmf->pgoff, 1);
		return VM_FAULT_HWPOISON;
	}
	return zcp_fault_locked(vmf, buf, page);
}

/*
 * What is written through a mapping changes the times of the file. The core sees to that where it
 * maps the page that it is given, but not where that has been done here.
 */
static void zcp_fault_note_write(const struct vm_fault *vmf)
{
	if (vmf->flags & FAULT_FLAG_WRITE && vmf->vma->vm_flags & VM_SHARED)
		file_update_time(vmf->vma->vm_file);
}

typedef vm_fault_t zcp_fault_fn(struct vm_fault *vmf, struct zcp_buffer *buf);

/* Do what a fault asks for with the buffer's lock held. Who is killed is not told anything. */
static __always_inline vm_fault_t zcp_with_buffer(struct vm_fault *vmf, zcp_fault_fn *fault)
{
	struct zcp_buffer *buf = zcp_vma_buffer(vmf->vma);
	vm_fault_t ret;

	if (zcp_buffer_lock_shared(buf))
		return VM_FAULT_SIGBUS;
	ret = fault(vmf, buf);
	zcp_buffer_unlock_shared(buf);
	if (ret == VM_FAULT_NOPAGE)
		zcp_fault_note_write(vmf);
	return ret;
}

/*
 * Where a file finds no memory for a hole, others may be just about to fill it, with the last
 * there was. The next look is the last.
 */
static vm_fault_t zcp_vm_fault(struct vm_fault *vmf)
{
	struct zcp_buffer *buf = zcp_vma_buffer(vmf->vma);
	vm_fault_t ret = zcp_with_buffer(vmf, zcp_fault);

	if (ret != VM_FAULT_SIGBUS || !zcp_buffer_is_file(buf) || zcp_buffer_settle(buf))
		return ret;
	return zcp_with_buffer(vmf, zcp_fault);
}

/*
 * With transparent huge pages at "always", or MADV_HUGEPAGE, the core asks for a PMD
 * first. It has not looked whether one fits. What is not done here, zcp_vm_fault() is
 * asked for.
 */
#ifdef ZCP_HAVE_INSERT_FOLIO
static vm_fault_t zcp_fault_chunk_at_once(struct vm_fault *vmf, struct zcp_buffer *buf)
{
	struct zcp_chunk *chunk;
	vm_fault_t ret;

	if (buf->sparse && !zcp_fault_page(vmf, buf))
		return VM_FAULT_FALLBACK;
	chunk = zcp_fault_chunk(vmf, buf);
	if (!chunk)
		return VM_FAULT_FALLBACK;
	zcp_enter_dirty(vmf->vma);
	ret = zcp_chunk_map(chunk, vmf);
	if (ret == VM_FAULT_NOPAGE)
		trace_zcpool_fault(buf, vmf->address, vmf->pgoff, ZCP_CHUNK_ORDER);
	return ret;
}

static vm_fault_t zcp_vm_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	if (order != ZCP_CHUNK_ORDER)
		return VM_FAULT_FALLBACK;
	return zcp_with_buffer(vmf, zcp_fault_chunk_at_once);
}
#endif

/*
 * Having a .map_pages tells the core (6.4 and later) that .fault does not need
 * the mmap lock; without one it retries every fault under that lock. There is
 * nothing to map around: a PMD is as much as there is.
 */
static vm_fault_t zcp_vm_map_pages(struct vm_fault *vmf, pgoff_t start,
				   pgoff_t end)
{
	return 0;
}

static const struct vm_operations_struct zcp_vm_ops = {
	.open		= zcp_vm_open,
	.close		= zcp_vm_close,
	.fault		= zcp_vm_fault,
#ifdef ZCP_HAVE_INSERT_FOLIO
	.huge_fault	= zcp_vm_huge_fault,
#endif
	.map_pages	= zcp_vm_map_pages,
};

/*
 * Mappings of files can be extended, merged and moved like any file's. So nothing here may
 * stand in the way of that, as a .close does where the core merges VMAs: nobody counts them.
 */
static const struct vm_operations_struct zcp_vm_ops_file = {
	.fault		= zcp_vm_fault,
#ifdef ZCP_HAVE_INSERT_FOLIO
	.huge_fault	= zcp_vm_huge_fault,
#endif
	.map_pages	= zcp_vm_map_pages,
};

#define ZCP_BATCH	64U

/* Map nr neighbouring pages. */
static int zcp_insert_run(struct vm_area_struct *vma, unsigned long addr,
			  struct page *page, unsigned int nr)
{
	struct page *pages[ZCP_BATCH];
	unsigned long left;
	unsigned int i, n;
	int err;

	for (; nr; nr -= n) {
		n = min(nr, ZCP_BATCH);
		for (i = 0; i < n; i++)
			pages[i] = page++;
		left = n;
		err = vm_insert_pages(vma, addr, pages, &left);
		if (err)
			return err;
		addr += n * PAGE_SIZE;
	}
	return 0;
}

/*
 * Map all of the VMA, or as much of it as comes before a page that cannot be. A memory error
 * may have hit one meanwhile.
 */
static int zcp_insert_all(struct vm_area_struct *vma, struct zcp_buffer *buf)
{
	unsigned long left = vma_pages(vma), addr = vma->vm_start;
	pgoff_t index = vma->vm_pgoff;
	struct page *page;
	unsigned int nr;
	int err;

	while (left) {
		page = zcp_extents_run(&buf->extents, index, &nr);
		if (!page)
			return -EFAULT;
		nr = min_t(unsigned long, nr, left);
		if (zcp_pages_known_poisoned(page, nr))
			return -EHWPOISON;
		err = zcp_insert_run(vma, addr, page, nr);
		if (err)
			return err;
		if (zcp_pages_poisoned(page, nr)) {
			zcp_unmap(buf, index, nr);
			return -EHWPOISON;
		}
		left -= nr;
		index += nr;
		addr += nr * PAGE_SIZE;
	}
	return 0;
}

/*
 * The whole VMA at once, unless some of it is mapped (another thread has been
 * faster, or madvise() has unmapped the rest), has had a memory error or gets no
 * page table: then the one page. If there is no memory for that one's either, the
 * core says so, and the fault is tried again.
 */
static vm_fault_t zcp_fault_batch(struct vm_fault *vmf, struct zcp_buffer *buf)
{
	zcp_enter_dirty(vmf->vma);
	if (zcp_insert_all(vmf->vma, buf))
		return zcp_fault(vmf, buf);
	trace_zcpool_fault(buf, vmf->address, vmf->pgoff, 0);
	return VM_FAULT_NOPAGE;
}

static vm_fault_t zcp_vm_fault_batch(struct vm_fault *vmf)
{
	return zcp_with_buffer(vmf, zcp_fault_batch);
}

static const struct vm_operations_struct zcp_vm_ops_batch = {
	.open		= zcp_vm_open,
	.close		= zcp_vm_close,
	.fault		= zcp_vm_fault_batch,
	.map_pages	= zcp_vm_map_pages,
};

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
/**
 * zcp_get_unmapped_area() - find an address for a mapping, one that suits PMDs
 * @file: a buffer's or a pool's
 * @addr: what the caller would like
 * @len: bytes
 * @pgoff: page in the file
 * @flags: MAP_*
 *
 * The core aligns in 64-bit address spaces only. In one of 32 bits, as much more is
 * asked for as makes exactly one aligned address fit, whichever end of the gap the
 * core gives: mappings side by side leave no holes.
 *
 * Context: the mmap lock is held for writing.
 * Return: an address, or an error of the core's.
 */
unsigned long zcp_get_unmapped_area(struct file *file, unsigned long addr,
				    unsigned long len, unsigned long pgoff,
				    unsigned long flags)
{
	unsigned long off = pgoff << PAGE_SHIFT, at;
	unsigned long padded = len + PMD_SIZE - PAGE_SIZE;

	if ((!IS_ENABLED(CONFIG_64BIT) || in_compat_syscall()) && !addr &&
	    !(flags & MAP_FIXED) && len >= PMD_SIZE && padded > len) {
		at = thp_get_unmapped_area(file, 0, padded, pgoff, flags);
		if (!IS_ERR_VALUE(at))
			return at + ((off - at) & ~PMD_MASK);
	}
	return thp_get_unmapped_area(file, addr, len, pgoff, flags);
}
#endif

/**
 * zcp_check_mapping() - whether memory of a pool may be mapped so
 * @vm_flags: as asked for
 *
 * For programs of a certain age the core makes executable what is to be readable, unless
 * it knows that the file is no program: these are not refused.
 *
 * Context: process, for its personality.
 * Return: 0, or -EPERM for a mapping that can be executed.
 */
int zcp_check_mapping(unsigned long vm_flags)
{
	if (vm_flags & VM_EXEC && !(current->personality & READ_IMPLIES_EXEC))
		return -EPERM;
	return 0;
}

/* Whether a buffer may be mapped so; under its lock. */
static int zcp_check_vma(const struct zcp_buffer *buf, struct vm_area_struct *vma)
{
	if (buf->life != ZCP_ALIVE)
		return -ESTALE;
	if (!buf->sparse && (vma->vm_pgoff > buf->nr_pages ||
			     vma_pages(vma) > buf->nr_pages - vma->vm_pgoff))
		return -EINVAL;
	if (vma->vm_flags & VM_SHARED && vma->vm_flags & VM_WRITE &&
	    zcp_buffer_is_sealed(buf, ZCP_SEALS_AGAINST_WRITING))
		return -EPERM;
	return 0;
}

static void zcp_set_up_vma(struct zcp_buffer *buf, struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_MAYSHARE))
		WRITE_ONCE(buf->mapped_privately, true);
	/* The core does so for the file of a buffer, not where a pool was to be mapped. */
	vm_flags_clear(vma, VM_EXEC | VM_MAYEXEC);
	if (vma->vm_flags & VM_SHARED &&
	    zcp_buffer_is_sealed(buf, ZCP_SEALS_AGAINST_WRITING))
		vm_flags_clear(vma, VM_MAYWRITE);
	if (buf->sparse) {
		vma->vm_ops = &zcp_vm_ops_file;
		return;
	}
	atomic_inc(&buf->mappings);
	if (buf->extents.nr_whole || !(vma->vm_flags & VM_MAYSHARE)) {
		vma->vm_ops = &zcp_vm_ops;
	} else {
		vm_flags_set(vma, VM_MIXEDMAP);
		vma->vm_ops = &zcp_vm_ops_batch;
	}
}

/**
 * zcp_buffer_mmap() - map a buffer
 * @file: the buffer's
 * @vma: of @file
 *
 * Context: the mmap lock is held for writing.
 * Return: 0; -EINVAL for a mapping that reaches beyond the end of what is no file; -EPERM
 * for one that can be executed, or written to in spite of a seal; -ESTALE the buffer has been
 * taken away; -EINTR killed.
 */
int zcp_buffer_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct zcp_buffer *buf = zcp_buffer_of(file);
	int err;

	err = zcp_check_mapping(vma->vm_flags);
	if (err)
		return err;
	/*
	 * The pages are on no LRU, so it would be in vain to note, at each
	 * unmap, when they were used: VM_SEQ_READ spares that. Where a VMA has a lock, this
	 * takes it, which comes before the buffer's.
	 */
	vm_flags_set(vma, VM_SEQ_READ);
	if (!zcp_buffer_is_file(buf))
		vm_flags_set(vma, VM_DONTEXPAND);
	err = zcp_buffer_lock_shared(buf);
	if (err)
		return err;
	err = zcp_check_vma(buf, vma);
	if (!err) {
		zcp_set_up_vma(buf, vma);
		trace_zcpool_map(buf, vma);
	}
	zcp_buffer_unlock_shared(buf);
	file_accessed(file);
	return err;
}

/**
 * zcp_buffer_vmas() - how many VMAs map a buffer
 * @buf: which
 *
 * Context: may sleep.
 * Return: how many.
 */
unsigned int zcp_buffer_vmas(struct zcp_buffer *buf)
{
	struct address_space *mapping = &buf->inode.i_data;
	unsigned int n = 0;
	struct rb_node *link;

	if (!zcp_buffer_is_file(buf))
		return atomic_read(&buf->mappings);
	i_mmap_lock_read(mapping);
	for (link = rb_first_cached(&mapping->i_mmap); link; link = rb_next(link)) {
		n++;
		cond_resched();
	}
	i_mmap_unlock_read(mapping);
	return n;
}
