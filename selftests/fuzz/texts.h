/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Texts that calls are given: names of pools and files, mount options. A program has their
 * indices in a list that ends in NULL; the first is the one that need not be written down.
 */
#ifndef ZCPOOL_FUZZ_TEXTS_H
#define ZCPOOL_FUZZ_TEXTS_H

#include <limits.h>
#include <linux/types.h>
#include <stdio.h>
#include <string.h>

#define TEXT_SIZE	(NAME_MAX * 2)

/* How often the letter is there that "*" stands for */
#define TEXT_MANY	64

static inline unsigned int text_count(const char * const *list)
{
	unsigned int n = 0;

	while (list[n])
		n++;
	return n;
}

static inline const char *text_at(const char * const *list, __u64 index)
{
	return list[index < text_count(list) ? index : 0];
}

/* The index of a text, or as many as there are */
static inline __u64 text_index(const char * const *list, const char *text)
{
	__u64 i = 0;

	while (list[i] && strcmp(list[i], text))
		i++;
	return i;
}

/*
 * "%" is what makes a name the program's own, "*" makes it long, and "-" alone is nothing;
 * to has room for TEXT_SIZE.
 */
static inline const char *text_expand(const char *text, const char *prefix, char *to)
{
	size_t n = 0;

	for (; *text && n + TEXT_MANY < TEXT_SIZE; text++) {
		if (*text == '%') {
			n += snprintf(to + n, TEXT_MANY, "%s", prefix);
		} else if (*text == '*') {
			memset(to + n, 'x', TEXT_MANY);
			n += TEXT_MANY;
		} else {
			to[n++] = *text;
		}
	}
	to[n] = 0;
	if (!strcmp(to, "-"))
		*to = 0;
	return to;
}

#endif /* ZCPOOL_FUZZ_TEXTS_H */
