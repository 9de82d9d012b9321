/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's own short names, beside those of the system's header. */
#ifndef ZCP_SHIM_TYPES_H
#define ZCP_SHIM_TYPES_H

#include_next <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#endif /* ZCP_SHIM_TYPES_H */
