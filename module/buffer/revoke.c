// SPDX-License-Identifier: GPL-2.0
/*
 * Taking a buffer's memory away from everybody who has it.
 *
 * The buffer's lock, held for writing, keeps new faults, reads and writes out. A fault that
 * got in before has its page locked until the core has mapped it; so each page is locked
 * once, and only then is everything unmapped. Whoever has a page by other means (a pin, a
 * read or write that is copying) holds a reference. GUP-fast takes its own before it looks at
 * the entry again, so what is counted after the unmapping includes all that will stay.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>

#include "../show/trace.h"
#include "buffer.h"

static unsigned long zcp_buffer_pinned(const struct zcp_buffer *buf)
{
	unsigned long pinned = 0;
	struct zcp_span span;

	zcp_span_all(&span);
	while (zcp_span_next(buf, &span))
		pinned += zcp_pieces_pinned(span.ext, span.nr);
	return pinned;
}

/*
 * References that are about to go are waited for: GUP-fast, which runs with interrupts off,
 * for a grace period; who has just been copying, or unmapping, for some milliseconds, as memfd
 * does before it is sealed.
 */
static unsigned long zcp_buffer_count_pins(const struct zcp_buffer *buf)
{
	unsigned long pinned = zcp_buffer_pinned(buf);
	unsigned int ms;

	if (pinned) {
		synchronize_rcu_expedited();
		pinned = zcp_buffer_pinned(buf);
	}
	for (ms = 1; pinned && ms <= 8; ms *= 2) {
		msleep(ms);
		pinned = zcp_buffer_pinned(buf);
	}
	/* Who finds that a reference has been dropped finds what was written before that, too. */
	smp_acquire__after_ctrl_dep();
	return pinned;
}

/**
 * zcp_buffer_seize() - leave nobody a way to a buffer's memory but what is pinned
 * @buf: which; nothing more happens to it
 * @copies: of private mappings
 *
 * Context: may sleep; the buffer's lock is held for writing.
 * Return: how many pages are pinned.
 */
unsigned long zcp_buffer_seize(struct zcp_buffer *buf, enum zcp_copies copies)
{
	zcp_buffer_await_faults(buf, 0, ZCP_LAST_PAGE);
	unmap_mapping_range(&buf->inode.i_data, 0, 0, copies == ZCP_DROP_COPIES);
	return zcp_buffer_count_pins(buf);
}

/* Whether it may be revoked or moved now; under its lock. */
static int zcp_buffer_check_take(const struct zcp_buffer *buf)
{
	if (buf->life != ZCP_ALIVE)
		return -ESTALE;
	return zcp_buffer_is_sealed(buf, ZCPOOL_SEAL_REVOKE) ? -EBUSY : 0;
}

/* Under the buffer's lock. */
static void zcp_buffer_revoke_now(struct zcp_buffer *buf, struct zcp_pins *pins)
{
	trace_zcpool_revoke(buf);
	zcp_buffer_seize(buf, ZCP_DROP_COPIES);
	zcp_buffer_give_back(buf, 0, ZCP_LAST_PAGE, pins);
	buf->pins = zcp_pins_get(pins);
	zcp_buffer_end(buf, ZCP_REVOKED);
}

/**
 * zcp_buffer_revoke() - take a buffer away from everybody, and its memory back
 * @buf: which
 * @timeout: how long to wait for what is pinned, in jiffies
 * @pinned: set to how many bytes are pinned in the end
 *
 * One that has been revoked already is waited for all the same.
 *
 * Context: may sleep.
 * Return: 0; -ESTALE it has been moved; -EBUSY sealed; -ENOMEM; -EINTR killed, or, after it
 * has been revoked, a signal.
 */
int zcp_buffer_revoke(struct zcp_buffer *buf, long timeout, u64 *pinned)
{
	struct zcp_pins *own = zcp_pins_create(&buf->owner), *pins = own;
	int err;

	if (!pins)
		return -ENOMEM;
	err = zcp_buffer_lock(buf);
	if (err)
		goto put;
	if (buf->life == ZCP_REVOKED) {
		zcp_pins_put(pins);
		pins = zcp_pins_get(buf->pins);
	} else {
		err = zcp_buffer_check_take(buf);
		if (!err)
			zcp_buffer_revoke_now(buf, pins);
	}
	zcp_buffer_unlock(buf);
	if (err)
		goto put;

	if (pins == own)
		zcp_buffer_wake_sleepers(buf);
	err = zcp_pins_wait(pins, timeout);
	*pinned = (u64)atomic_long_read(&pins->pages) << PAGE_SHIFT;

put:
	zcp_pins_put(pins);
	return err;
}

/**
 * zcp_buffer_revive() - have a file that has been taken away begin anew, empty
 * @buf: a file
 *
 * Context: may sleep; the buffer's lock is held for writing.
 */
void zcp_buffer_revive(struct zcp_buffer *buf)
{
	zcp_pins_put(buf->pins);
	buf->pins = NULL;
	WRITE_ONCE(buf->seals, 0);
	zcp_buffer_give(buf, 0);
	WRITE_ONCE(buf->life, ZCP_ALIVE);
}

/* Under the old buffer's lock. What it is left with is empty. */
static void zcp_buffer_move_now(struct zcp_buffer *new, struct zcp_buffer *old)
{
	loff_t size = i_size_read(&old->inode);
	struct zcp_sparse *sparse;

	trace_zcpool_move(old, new);
	/* Nothing is left but what writing to private mappings has made. */
	if (old->mapped_privately)
		unmap_mapping_range(&old->inode.i_data, 0, 0, true);
	zcp_buffer_detach(old);
	zcp_extents_move(&new->extents, &old->extents);
	sparse = old->sparse;
	WRITE_ONCE(old->sparse, new->sparse);
	WRITE_ONCE(new->sparse, sparse);
	new->nr_pages = old->nr_pages;
	new->req_pages = old->req_pages;
	new->flags = old->flags;
	new->seals = old->seals;
	zcp_buffer_end(old, ZCP_MOVED);
	zcp_buffer_give(new, size);
}

/**
 * zcp_buffer_move() - make a new buffer of an old one's memory, which loses it
 * @old: which
 *
 * Context: may sleep; the caller holds the module.
 * Return: a file, the only reference to the new buffer; -ESTALE the old one has lost its
 * memory already; -EBUSY pinned or sealed; -EDQUOT the caller may not have so much; -ENOMEM;
 * -ENFILE; -EINTR killed.
 */
struct file *zcp_buffer_move(struct zcp_buffer *old)
{
	struct file *file = zcp_buffer_create_like(old);
	int err;

	if (IS_ERR(file))
		return file;
	err = zcp_buffer_lock_still(old);
	if (err)
		goto put;
	err = zcp_buffer_check_take(old);
	if (!err && zcp_buffer_seize(old, ZCP_KEEP_COPIES))
		err = -EBUSY;
	if (!err)
		err = zcp_owner_take_over(&zcp_buffer_of(file)->owner, &old->owner,
					  zcp_buffer_held(old));
	if (!err)
		zcp_buffer_move_now(zcp_buffer_of(file), old);
	zcp_buffer_unlock_still(old);
	if (err)
		goto put;
	zcp_buffer_wake_sleepers(old);
	return file;

put:
	fput(file);
	return ERR_PTR(err);
}
