// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include "options.h"
#include "zcpoolctl.h"

static const char *number(unsigned long n)
{
	char *text;

	if (asprintf(&text, "%lu", n) < 0)
		die(STATUS_NO_MEMORY, "no memory");
	return text;
}

/* Numbers are the kernel's to check. */
static const char *id_of(const struct options *o, const char *key, const char *value)
{
	const struct passwd *user;
	const struct group *group;

	if (!*value || strspn(value, "0123456789") == strlen(value))
		return value;
	if (!strcmp(key, "uid")) {
		user = getpwnam(value);
		if (!user)
			die_usage(o->verb, "there is no user '%s'", value);
		return number(user->pw_uid);
	}
	group = getgrnam(value);
	if (!group)
		die_usage(o->verb, "there is no group '%s'", value);
	return number(group->gr_gid);
}

void options_add(struct options *o, const char *key, const char *value)
{
	if (o->nr == MAX_OPTIONS)
		die_usage(o->verb, "more than %d options", MAX_OPTIONS);
	if (!*key)
		die_usage(o->verb, "an option has no name");
	if (value && (!strcmp(key, "uid") || !strcmp(key, "gid")))
		value = id_of(o, key, value);
	o->at[o->nr++] = (struct option_set){ .key = key, .value = value };
}

/* Where the option that text begins with ends: its comma, or NULL */
static char *end_of(char *text)
{
	char *comma = strchr(text, ',');

	while (comma && isdigit((unsigned char)comma[1]))
		comma = strchr(comma + 1, ',');
	return comma;
}

void options_add_list(struct options *o, char *text)
{
	char *end, *equals;

	for (; text; text = end) {
		end = end_of(text);
		if (end)
			*end++ = '\0';
		equals = strchr(text, '=');
		if (equals)
			*equals++ = '\0';
		options_add(o, text, equals);
	}
}
