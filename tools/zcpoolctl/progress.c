// SPDX-License-Identifier: GPL-2.0
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include "progress.h"
#include "zcpoolctl.h"

#define WIDTH		40
#define INTERVAL_MS	100

static uint64_t total;		/* 0: no bar */
static bool shown;
static long long last_ms;

void progress_start(uint64_t bytes)
{
	total = isatty(STDERR_FILENO) ? bytes : 0;
}

void progress_update(uint64_t done)
{
	static const char full[] = "########################################";
	char so_far[SIZE_TEXT], all[SIZE_TEXT];
	struct timespec ts;
	long long ms;
	int filled;

	if (!total)
		return;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ms = ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
	if (shown && ms - last_ms < INTERVAL_MS)
		return;
	last_ms = ms;
	shown = true;
	filled = (double)done / total * WIDTH;
	fprintf(stderr, "\r[%-*.*s] %3d %%  %s of %s ", WIDTH, filled, full,
		(int)((double)done / total * 100), size_text(so_far, done),
		size_text(all, total));
}

void progress_say(const char *text)
{
	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r\033[K%s ", text);
	shown = true;
}

void progress_clear(void)
{
	if (!shown)
		return;
	fputs("\r\033[K", stderr);
	shown = false;
}
