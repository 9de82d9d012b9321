/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels that zcpool builds for. The rest of the
 * module is written for the newest of them; nothing outside this file looks at
 * a version.
 */
#ifndef _ZCPOOL_COMPAT_H
#define _ZCPOOL_COMPAT_H

#include <linux/mm.h>
#include <linux/version.h>

#if KERNEL_VERSION(6, 3, 0) > LINUX_VERSION_CODE
static inline void vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags |= flags;
}
#endif

#endif /* _ZCPOOL_COMPAT_H */
