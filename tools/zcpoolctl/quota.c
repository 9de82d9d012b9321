// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <zcpool.h>
#include "quota.h"
#include "zcpoolctl.h"

void quota_reached(int pool, const char *pool_name)
{
	char has[SIZE_TEXT], may[SIZE_TEXT];
	struct zcpool_info info;
	struct rlimit limit;

	if (zcpool_info(pool, -1, &info))
		memset(&info, 0, sizeof(info));
	if (info.user_max_bytes)
		die(STATUS_NO_MEMORY,
		    "each user may have %s of pool '%s', and you have %s already; close buffers or remove files of yours, or have an administrator allow more: zcpoolctl pool set --user-max SIZE %s",
		    size_text(may, info.user_max_bytes), pool_name,
		    size_text(has, info.user_bytes), pool_name);
	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		memset(&limit, 0, sizeof(limit));
	die(STATUS_NO_MEMORY,
	    "you may lock %s of memory (RLIMIT_MEMLOCK, without CAP_IPC_LOCK), and that of pools counts: you have %s of pool '%s'; raise it (ulimit -l, LimitMEMLOCK= of a systemd unit), or have an administrator give the pool a limit of its own: zcpoolctl pool set --user-max SIZE %s",
	    size_text(may, limit.rlim_cur), size_text(has, info.user_bytes), pool_name, pool_name);
}

struct holder *holders_read(const char *pool_name, size_t *nr)
{
	struct holder *holders = NULL, *more, h;
	unsigned long long held;
	char path[512], line[128];
	FILE *f;

	*nr = 0;
	snprintf(path, sizeof(path), "/sys/kernel/debug/zcpool/%s/users", pool_name);
	f = fopen(path, "re");
	if (!f)
		return NULL;
	/* What is not a number is the heading. */
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lu %llu", &h.uid, &held) != 2)
			continue;
		h.held = held;
		more = realloc(holders, (*nr + 1) * sizeof(*more));
		if (!more)
			die(STATUS_NO_MEMORY, "no memory");
		holders = more;
		holders[(*nr)++] = h;
	}
	fclose(f);
	return holders ? holders : calloc(1, sizeof(*holders));
}
