// SPDX-License-Identifier: GPL-2.0
/*
 * What was pinned when its buffer went: it still counts as its owner's, and whoever took the
 * buffer away may wait for it.
 */
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "pins.h"

/* Pages and chunks, of all pools, that have to be told when they are pinned no more */
atomic_long_t zcp_pins_noted;

/**
 * zcp_pins_create() - make an empty account
 * @owner: of the buffer
 *
 * Context: may sleep.
 * Return: the account, to be given to zcp_pins_put(); NULL if there is no memory.
 */
struct zcp_pins *zcp_pins_create(const struct zcp_owner *owner)
{
	struct zcp_pins *pins = kzalloc(sizeof(*pins), GFP_KERNEL);

	if (!pins)
		return NULL;
	kref_init(&pins->ref);
	zcp_owner_copy(&pins->owner, owner);
	init_waitqueue_head(&pins->wait);
	return pins;
}

static void zcp_pins_free(struct kref *ref)
{
	struct zcp_pins *pins = container_of(ref, struct zcp_pins, ref);

	zcp_owner_exit(&pins->owner);
	kfree(pins);
}

/**
 * zcp_pins_get() - take a reference
 * @pins: which
 *
 * Context: any.
 * Return: @pins.
 */
struct zcp_pins *zcp_pins_get(struct zcp_pins *pins)
{
	kref_get(&pins->ref);
	return pins;
}

/**
 * zcp_pins_put() - drop a reference to an account
 * @pins: which, or NULL
 *
 * Context: any.
 */
void zcp_pins_put(struct zcp_pins *pins)
{
	if (pins)
		kref_put(&pins->ref, zcp_pins_free);
}

/**
 * zcp_pins_add() - note memory that is pinned
 * @pins: where
 * @pages: how many
 *
 * Context: any.
 */
void zcp_pins_add(struct zcp_pins *pins, unsigned int pages)
{
	kref_get(&pins->ref);
	zcp_owner_charge_pinned(&pins->owner, pages);
	atomic_long_add(pages, &pins->pages);
	atomic_long_inc(&zcp_pins_noted);
}

/**
 * zcp_pins_sub() - undo zcp_pins_add(): it is pinned no more
 * @pins: where
 * @pages: as many as were added at once
 *
 * Context: any.
 */
void zcp_pins_sub(struct zcp_pins *pins, unsigned int pages)
{
	atomic_long_dec(&zcp_pins_noted);
	zcp_owner_uncharge(&pins->owner, pages);
	if (!atomic_long_sub_return(pages, &pins->pages))
		wake_up_all(&pins->wait);
	zcp_pins_put(pins);
}

/**
 * zcp_pins_wait() - wait until nothing is pinned any more
 * @pins: of what
 * @timeout: in jiffies, or MAX_SCHEDULE_TIMEOUT
 *
 * Whoever scrubs tells: then the memory is being zeroed, or is about to be.
 *
 * Context: may sleep.
 * Return: 0, also if time is up; -EINTR for a signal.
 */
int zcp_pins_wait(struct zcp_pins *pins, long timeout)
{
	long left = wait_event_interruptible_timeout(pins->wait,
						     !atomic_long_read(&pins->pages),
						     timeout);

	return left < 0 ? -EINTR : 0;
}
