// SPDX-License-Identifier: GPL-2.0
/*
 * What is in a buffer: each 8 bytes say which worker filled which of its buffers, and at
 * which offset. So whatever is found in a wrong place says where it comes from.
 *
 *	63..57	0x5a
 *	56..44	worker
 *	43..24	its buffer
 *	23..0	offset / 8
 */
#include "soak.h"

#define MAGIC		0x5aULL
#define OFFSET_MASK	0xffffffULL

/* The tag of a buffer: its first 8 bytes */
__u64 pattern_tag(unsigned int worker, unsigned int buffer)
{
	return MAGIC << 57 | (worker & 0x1fffULL) << 44 | (buffer & 0xfffffULL) << 24;
}

/* What the 8 bytes at an offset are. */
__u64 pattern_word(__u64 tag, size_t off)
{
	return tag + off / 8;
}

/* Fill memory with what belongs at an offset, both multiples of 8. */
void pattern_fill(void *p, size_t len, __u64 tag, size_t off)
{
	__u64 *w = p, word = pattern_word(tag, off);
	size_t i;

	for (i = 0; i < len / 8; i++)
		w[i] = word + i;
}

static void describe(char *text, size_t size, __u64 word)
{
	if (!word)
		snprintf(text, size, "zeroes");
	else if (word >> 57 == MAGIC)
		snprintf(text, size, "worker %llu, buffer %llu, offset 0x%llx",
			 word >> 44 & 0x1fff, word >> 24 & 0xfffff, (word & OFFSET_MASK) * 8);
	else
		snprintf(text, size, "of no worker");
}

__attribute__((noreturn))
static void wrong(const char *how, size_t off, const void *at, __u64 want, __u64 got, __u64 now)
{
	char expected[80], found[80], again[40] = "";

	describe(expected, sizeof(expected), want);
	describe(found, sizeof(found), got);
	if (now != got)
		snprintf(again, sizeof(again), "; a moment later %016llx", now);
	fail("%s, offset 0x%zx (%p): expected %016llx (%s), got %016llx (%s)%s",
	     how, off, at, want, expected, got, found, again);
}

/* Fails unless memory holds what belongs at an offset, both multiples of 8. */
void pattern_check(const void *p, size_t len, __u64 tag, size_t off, const char *how)
{
	const volatile __u64 *w = p;
	__u64 word = pattern_word(tag, off), got;
	size_t i;

	for (i = 0; i < len / 8; i++) {
		got = w[i];
		if (got != word + i)
			wrong(how, off + i * 8, (const void *)&w[i], word + i, got, w[i]);
	}
}

/* The same for a page of any buffer, such as one found in a pipe. */
void pattern_check_any_page(const void *p)
{
	__u64 first = *(const __u64 *)p;

	if (first >> 57 != MAGIC || first % (PAGE / 8))
		wrong("a page left in a pipe", 0, p, pattern_tag(0, 0), first, first);
	pattern_check(p, PAGE, first & ~OFFSET_MASK, (first & OFFSET_MASK) * 8,
		      "a page left in a pipe");
}

/* Fails unless memory that is seen for the first time is zero. */
void zero_check(const void *p, size_t len, size_t off, const char *how)
{
	const volatile __u64 *w = p;
	__u64 got;
	size_t i;

	for (i = 0; i < len / 8; i++) {
		got = w[i];
		if (got)
			wrong(how, off + i * 8, (const void *)&w[i], 0, got, w[i]);
	}
}
