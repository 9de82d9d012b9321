// SPDX-License-Identifier: LGPL-2.1-or-later
/* Taking buffers away, over, or elsewhere, and ruling that out: one ioctl a function. */
#include <stddef.h>
#include <sys/ioctl.h>
#include <zcpool.h>
#include "internal.h"

/* A call on a buffer. One that does not know it is an older module's. */
static int call_buffer(int buf, unsigned long cmd, void *arg)
{
	if (zcpool_check_buffer(buf) < 0)
		return -1;
	if (!ioctl(buf, cmd, arg))
		return 0;
	return errno == ENOTTY ? fail(EOPNOTSUPP) : -1;
}

/* A call on a pool. What has no figures is none. */
static int call_pool(int pool, unsigned long cmd, void *arg)
{
	struct zcpool_info info;

	if (!ioctl(pool, cmd, arg))
		return 0;
	if (errno != ENOTTY || zcpool_info(pool, -1, &info) < 0)
		return -1;
	return fail(EOPNOTSUPP);
}

int zcpool_revoke(int buf, uint32_t timeout_ms, uint64_t *pinned)
{
	struct zcpool_revoke req = { .timeout_ms = timeout_ms };

	if (call_buffer(buf, ZCPOOL_BUF_REVOKE, &req) < 0)
		return -1;
	if (pinned)
		*pinned = req.pinned;
	return 0;
}

int zcpool_revoke_id(int pool, uint64_t id, uint32_t timeout_ms, uint64_t *pinned)
{
	struct zcpool_revoke req = { .id = id, .timeout_ms = timeout_ms };

	if (call_pool(pool, ZCPOOL_IOC_REVOKE, &req) < 0)
		return -1;
	if (pinned)
		*pinned = req.pinned;
	return 0;
}

static int new_fd(int buf, unsigned long cmd)
{
	struct zcpool_new_fd req = { 0 };

	return call_buffer(buf, cmd, &req) < 0 ? -1 : req.fd;
}

int zcpool_move(int buf)
{
	return new_fd(buf, ZCPOOL_BUF_MOVE);
}

int zcpool_open_ro(int buf)
{
	return new_fd(buf, ZCPOOL_BUF_OPEN_RO);
}

int zcpool_seal(int buf, uint32_t seals)
{
	struct zcpool_seal req = { .seals = seals };

	return call_buffer(buf, ZCPOOL_BUF_SEAL, &req);
}

int zcpool_get_seals(int buf, uint32_t *seals)
{
	struct zcpool_buf_info info;

	if (!seals)
		return fail(EINVAL);
	if (zcpool_buf_info(buf, &info) < 0)
		return -1;
	*seals = info.seals;
	return 0;
}

int zcpool_migrate(int buf, int node)
{
	struct zcpool_migrate req = { .node = node };

	return node < 0 ? fail(EINVAL) : call_buffer(buf, ZCPOOL_BUF_MIGRATE, &req);
}

int zcpool_migrate_id(int pool, uint64_t id, int node)
{
	struct zcpool_migrate req = { .id = id, .node = node };

	return node < 0 ? fail(EINVAL) : call_pool(pool, ZCPOOL_IOC_MIGRATE, &req);
}
