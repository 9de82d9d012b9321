// SPDX-License-Identifier: GPL-2.0
/*
 * What is ruled out for ever: seals, and descriptors for reading only.
 */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>

#include "../show/trace.h"
#include "buffer.h"

/**
 * zcp_buffer_is_sealed() - whether a buffer has one of these seals
 * @buf: which
 * @seals: ZCPOOL_SEAL_*
 *
 * Context: the buffer's lock is held, or it does not matter that the answer may be old.
 * Return: whether it has.
 */
bool zcp_buffer_is_sealed(const struct zcp_buffer *buf, u32 seals)
{
	return READ_ONCE(buf->seals) & seals;
}

/*
 * Whether anybody can write to it now; under the buffer's lock. The core counts a mapping
 * from before it asks for it until it is gone, so whoever is not counted yet will find the
 * seal.
 */
static bool zcp_buffer_has_writers(struct zcp_buffer *buf)
{
	return mapping_writably_mapped(&buf->inode.i_data) ||
	       zcp_buffer_seize(buf, ZCP_KEEP_COPIES);
}

/**
 * zcp_buffer_seal() - rule something out for ever
 * @buf: of which
 * @seals: ZCPOOL_SEAL_* to add, or 0; set to all that it has then
 *
 * As for memfd, what counts as writable is a shared mapping of a descriptor that allows
 * writing, and as a pin any reference that is not the pool's. The mappings that there are
 * fault again.
 *
 * Context: may sleep.
 * Return: 0; -ESTALE; -EPERM sealed against that; -EBUSY as said in the uapi header; -EINTR
 * killed.
 */
int zcp_buffer_seal(struct zcp_buffer *buf, u32 *seals)
{
	u32 new;
	int err;

	err = zcp_buffer_lock_still(buf);
	if (err)
		return err;
	new = *seals & ~buf->seals;
	if (buf->life != ZCP_ALIVE)
		err = -ESTALE;
	else if (*seals && zcp_buffer_is_sealed(buf, ZCPOOL_SEAL_SEAL))
		err = -EPERM;
	else if (new & ZCPOOL_SEAL_WRITE && zcp_buffer_has_writers(buf))
		err = -EBUSY;
	if (!err) {
		WRITE_ONCE(buf->seals, buf->seals | new);
		*seals = buf->seals;
		trace_zcpool_seal(buf, new);
	}
	zcp_buffer_unlock_still(buf);
	return err;
}

/**
 * zcp_buffer_open_ro() - open a buffer once more, for reading only
 * @file: of the buffer
 *
 * Context: may sleep.
 * Return: a file, or an error of the core's.
 */
struct file *zcp_buffer_open_ro(const struct file *file)
{
	return dentry_open(&file->f_path, O_RDONLY | O_LARGEFILE, current_cred());
}
