// SPDX-License-Identifier: GPL-2.0
/* Messages, and the one way out for errors. */
#include <stdarg.h>
#include <stdlib.h>
#include "cleanup.h"
#include "progress.h"
#include "proto.h"
#include "zcpoolctl.h"

static void say(const char *text)
{
	progress_clear();
	fprintf(stderr, "zcpoolctl: %s\n", text);
}

void notice(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say(text);
}

void die(enum exit_status status, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say(text);
	proto_give_up(text);
	cleanup_all();
	exit(status);
}

void die_usage(const char *verb, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say(text);
	fprintf(stderr, "Try 'zcpoolctl %s%s--help'.\n", verb ? verb : "",
		verb ? " " : "");
	exit(STATUS_USAGE);
}
