/* SPDX-License-Identifier: GPL-2.0 */
/* What module/mem/buddy.c uses of the kernel's header, with the same meaning. */
#ifndef ZCP_SHIM_BITOPS_H
#define ZCP_SHIM_BITOPS_H

#include <limits.h>
#include <stdbool.h>

#define BITS_PER_LONG	(sizeof(long) * CHAR_BIT)
#define BIT_WORD(nr)	((nr) / BITS_PER_LONG)
#define BIT_MASK(nr)	(1UL << ((nr) % BITS_PER_LONG))

static inline bool test_bit(unsigned long nr, const unsigned long *map)
{
	return map[BIT_WORD(nr)] & BIT_MASK(nr);
}

static inline void __set_bit(unsigned long nr, unsigned long *map)
{
	map[BIT_WORD(nr)] |= BIT_MASK(nr);
}

static inline void __clear_bit(unsigned long nr, unsigned long *map)
{
	map[BIT_WORD(nr)] &= ~BIT_MASK(nr);
}

static inline bool __test_and_clear_bit(unsigned long nr, unsigned long *map)
{
	bool was = test_bit(nr, map);

	__clear_bit(nr, map);
	return was;
}

/* Undefined for 0, as the kernel's. */
static inline unsigned long __ffs(unsigned long word)
{
	return __builtin_ctzl(word);
}

static inline int fls(unsigned int word)
{
	return word ? (int)(sizeof(word) * CHAR_BIT) - __builtin_clz(word) : 0;
}

#endif /* ZCP_SHIM_BITOPS_H */
