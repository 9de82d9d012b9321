/* SPDX-License-Identifier: GPL-2.0 */
/* Options of a pool, as its mount takes them: what they mean the kernel alone knows. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define MAX_OPTIONS	32

struct options {
	struct option_set {
		const char *key;
		const char *value;	/* NULL: a flag */
	} at[MAX_OPTIONS];
	size_t nr;
	const char *verb;		/* for whom they are, to be named in messages */
};

/* Wrong ones are the end; a user's or group's name is replaced by its number. */
void options_add(struct options *o, const char *key, const char *value);

/*
 * "max=2G,nodes=0+1,ro", as for mount(8). What begins with a digit goes on with the list before
 * it, so that nodes=0,1 does too. Splits text in place.
 */
void options_add_list(struct options *o, char *text);

#endif /* OPTIONS_H */
