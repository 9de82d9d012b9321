// SPDX-License-Identifier: GPL-2.0
/*
 * The ceiling: what all pools together may hold. Each pool's budget is charged to this one,
 * too, and the reserves, which are promises, must fit below it together.
 */
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/spinlock.h>

#include "pool.h"

static struct zcp_budget zcp_ceiling;
static unsigned long zcp_claimed;
/* Protects zcp_claimed, and zcp_ceiling.max from sinking below it. */
static DEFINE_SPINLOCK(zcp_claim_lock);

/**
 * zcp_ceiling_set() - say how much all pools together may hold
 * @chunks: at the most
 *
 * Less than they hold now is what they come down to.
 *
 * Context: may not be in an interrupt.
 * Return: 0; -EINVAL nothing, or less than the pools' reserves.
 */
int zcp_ceiling_set(unsigned long chunks)
{
	int err = -EINVAL;

	spin_lock(&zcp_claim_lock);
	if (chunks && chunks >= zcp_claimed) {
		WRITE_ONCE(zcp_ceiling.max, chunks);
		err = 0;
	}
	spin_unlock(&zcp_claim_lock);
	return err;
}

/**
 * zcp_ceiling_default() - unless it has been said, let that be half of the machine's memory
 * @max: chunks, of the default pool; the ceiling if that is more
 *
 * Context: at load.
 */
void zcp_ceiling_default(unsigned long max)
{
	if (!zcp_ceiling.max)
		WRITE_ONCE(zcp_ceiling.max, max(totalram_pages() / ZCP_CHUNK_PAGES / 2, max));
}

/**
 * zcp_ceiling_max() - how much all pools together may hold
 *
 * Context: any.
 * Return: chunks.
 */
unsigned long zcp_ceiling_max(void)
{
	return READ_ONCE(zcp_ceiling.max);
}

/**
 * zcp_ceiling_budget() - what pools' budgets are charged to
 *
 * Context: any.
 * Return: the budget of all together.
 */
struct zcp_budget *zcp_ceiling_budget(void)
{
	return &zcp_ceiling;
}

/**
 * zcp_ceiling_claim() - have room for a pool's reserve below the ceiling
 * @claimed: chunks that it has claimed so far; set if there is room
 * @chunks: that it wants instead
 *
 * Context: may not be in an interrupt; nobody else changes @claimed.
 * Return: whether there is, which for no more than before is certain.
 */
bool zcp_ceiling_claim(unsigned long *claimed, unsigned long chunks)
{
	bool ok;

	spin_lock(&zcp_claim_lock);
	ok = chunks <= *claimed || zcp_claimed - *claimed + chunks <= zcp_ceiling.max;
	if (ok) {
		zcp_claimed += chunks - *claimed;
		*claimed = chunks;
	}
	spin_unlock(&zcp_claim_lock);
	return ok;
}
