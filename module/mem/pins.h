/* SPDX-License-Identifier: GPL-2.0 */
/* What was pinned when its buffer went. */
#ifndef ZCPOOL_PINS_H
#define ZCPOOL_PINS_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/wait.h>

#include "owner.h"

/**
 * struct zcp_pins - account of memory that was pinned when its buffer went
 * @ref: whoever took it away, and each page, or whole chunk, that is not let go of yet
 * @owner: whose memory it counts as until then
 * @pages: how many pages are not
 * @wait: for @pages to become 0
 */
struct zcp_pins {
	struct kref ref;
	struct zcp_owner owner;
	atomic_long_t pages;
	wait_queue_head_t wait;
};

extern atomic_long_t zcp_pins_noted;

struct zcp_pins *zcp_pins_create(const struct zcp_owner *owner);
struct zcp_pins *zcp_pins_get(struct zcp_pins *pins);
void zcp_pins_put(struct zcp_pins *pins);
void zcp_pins_add(struct zcp_pins *pins, unsigned int pages);
void zcp_pins_sub(struct zcp_pins *pins, unsigned int pages);
int zcp_pins_wait(struct zcp_pins *pins, long timeout);

#endif /* ZCPOOL_PINS_H */
