/* SPDX-License-Identifier: GPL-2.0 */
/* What module/mem/buddy.c uses of the kernel's header, with the same meaning. */
#ifndef ZCP_SHIM_BITMAP_H
#define ZCP_SHIM_BITMAP_H

#include <linux/bitops.h>

#define BITS_TO_LONGS(bits) (((bits) + BITS_PER_LONG - 1) / BITS_PER_LONG)
#define DECLARE_BITMAP(name, bits) unsigned long name[BITS_TO_LONGS(bits)]

/* The first bit set in [from, size), or size. */
static inline unsigned long find_next_bit(const unsigned long *map, unsigned long size,
					  unsigned long from)
{
	while (from < size) {
		unsigned long word = map[BIT_WORD(from)] >> (from % BITS_PER_LONG);

		if (word) {
			from += __ffs(word);
			return from < size ? from : size;
		}
		from += BITS_PER_LONG - from % BITS_PER_LONG;
	}
	return size;
}

static inline void bitmap_set(unsigned long *map, unsigned int start, unsigned int nbits)
{
	while (nbits && start % BITS_PER_LONG) {
		__set_bit(start++, map);
		nbits--;
	}
	for (; nbits >= BITS_PER_LONG; start += BITS_PER_LONG, nbits -= BITS_PER_LONG)
		map[BIT_WORD(start)] = ~0UL;
	while (nbits--)
		__set_bit(start++, map);
}

#endif /* ZCP_SHIM_BITMAP_H */
