// SPDX-License-Identifier: GPL-2.0
/* Text in and out: sizes for people, strings for terminals and for JSON. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "zcpoolctl.h"

uint64_t parse_number(const char *verb, const char *what, const char *text, uint64_t min,
		      uint64_t max)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	/* strtoull() would take a sign and blanks */
	if (errno || !isdigit((unsigned char)*text) || *end || n < min || n > max)
		die_usage(verb, "%s takes a number from %llu to %llu, not '%s'", what,
			  (unsigned long long)min, (unsigned long long)max, text);
	return n;
}

bool size_parse(const char *text, uint64_t *size)
{
	static const char units[] = "KMGT";
	unsigned long long n;
	const char *unit;
	int shift = 0;
	char *end;

	/* strtoull() would take a sign and blanks */
	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno)
		return false;
	if (*end) {
		unit = strchr(units, toupper((unsigned char)*end));
		if (!unit || end[1])
			return false;
		shift = 10 * (unit - units + 1);
	}
	if (n > UINT64_MAX >> shift)
		return false;
	*size = (uint64_t)n << shift;
	return true;
}

const char *size_text(char buf[SIZE_TEXT], uint64_t size)
{
	static const char * const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double n = size;
	int i = 0;

	while (n >= 1024 && i < 4) {
		n /= 1024;
		i++;
	}
	/* one decimal, and none where it would be a zero */
	snprintf(buf, SIZE_TEXT, n == (uint64_t)n ? "%.0f %s" : "%.1f %s", n, units[i]);
	return buf;
}

void json_string(FILE *f, const char *s)
{
	putc('"', f);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fprintf(f, "\\%c", *s);
		else if ((unsigned char)*s < ' ')
			fprintf(f, "\\u%04x", *s);
		else
			putc(*s, f);
	}
	putc('"', f);
}

void make_printable(char *s)
{
	for (; *s; s++) {
		if (iscntrl((unsigned char)*s))
			*s = '?';
	}
}
