// SPDX-License-Identifier: GPL-2.0
/*
 * The first thing that is found wrong, and what can be seen of the pool then.
 */
#include <stdarg.h>

#include "soak.h"

static void tell(const char *fmt, va_list ap)
{
	if (atomic_exchange(&shared->failed, true))
		return;
	shared->pid = getpid();
	vsnprintf(shared->message, sizeof(shared->message), fmt, ap);
	atomic_store(&shared->told, true);
}

/* What the manager itself finds wrong; it goes on, to the end that it will bring about. */
void note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(fmt, ap);
	va_end(ap);
}

/*
 * Tell the manager what is wrong, and wait for the end with all that is mapped. What
 * others find wrong after that is likely to follow from it, and is not told.
 */
void fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(fmt, ap);
	va_end(ap);
	for (;;)
		pause();
}

/* A file's lines as comments; those that contain a word only, if one is given. */
static void show_file(const char *path, const char *word)
{
	char line[512];
	FILE *f;

	f = fopen(path, "re");
	printf("# %s:%s\n", path, f ? "" : " cannot be read");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f))
		if (!word || strstr(line, word))
			printf("#   %s", line);
	fclose(f);
}

static void show_info(int pool, int node)
{
	struct zcpool_info pi;

	if (pool_info(pool, node, &pi)) {
		printf("# INFO of node %d: %s\n", node, strerror(errno));
		return;
	}
	printf("# INFO %d: reserve %llu total %llu clean %llu dirty %llu ", node,
	       pi.reserve_bytes, pi.total_bytes, pi.clean_bytes, pi.dirty_bytes);
	printf("quarantined %llu used %llu retired %llu max %llu\n", pi.quarantined_bytes,
	       pi.used_bytes, pi.retired_bytes, pi.max_bytes);
}

/* All that the pool says of itself, and what the one that failed has of it. */
void show_state(int pool)
{
	char path[64];
	int node;

	if (shared && shared->pid) {
		snprintf(path, sizeof(path), "/proc/%d/maps", shared->pid);
		show_file(path, "zcpool");
	}
	show_file("/proc/buddyinfo", NULL);
	show_file(DEBUGFS "/buffers", NULL);
	show_file(DEBUGFS "/buddy", NULL);
	show_file(DEBUGFS "/nodes", NULL);
	for (node = -1; node < 0 || node_exists(node); node++)
		show_info(pool, node);
	fflush(stdout);
}
