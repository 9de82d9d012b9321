// SPDX-License-Identifier: GPL-2.0
/*
 * Supply: chunks that a node gets from the kernel and gives back to it, and chunks of
 * one kind got for those of the other.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/printk.h>

#include "../show/trace.h"
#include "mem.h"

/* One more chunk, unless there are as many as may be, or more: the maximum may have sunk. */
static bool zcp_budget_add(struct zcp_budget *budget)
{
	return zcp_count_up(&budget->nr_chunks, 1, READ_ONCE(budget->max));
}

/*
 * Both or neither. While the ceiling is being asked the pool counts a chunk too many: whoever
 * is refused for that would have been by the ceiling.
 */
static bool zcp_budget_charge(struct zcp_node *node)
{
	struct zcp_budget *budget = node->budget;

	if (!zcp_budget_add(budget))
		return false;
	if (!budget->ceiling || zcp_budget_add(budget->ceiling))
		return true;
	atomic_long_dec(&budget->nr_chunks);
	pr_warn_once("%s: refused: all pools together hold what their ceiling allows, %lu MiB\n",
		     node->pool_name,
		     READ_ONCE(budget->ceiling->max) * (ZCP_CHUNK_SIZE >> 20));
	return false;
}

/**
 * zcp_budget_uncharge() - note that chunks are the kernel's again
 * @budget: of a pool
 * @chunks: how many
 *
 * Context: any.
 */
void zcp_budget_uncharge(struct zcp_budget *budget, unsigned long chunks)
{
	atomic_long_sub(chunks, &budget->nr_chunks);
	if (budget->ceiling)
		atomic_long_sub(chunks, &budget->ceiling->nr_chunks);
}

static unsigned long zcp_budget_left(const struct zcp_budget *budget)
{
	unsigned long max = READ_ONCE(budget->max);

	return max - min_t(unsigned long, max, atomic_long_read(&budget->nr_chunks));
}

/**
 * zcp_budget_room() - how many chunks more there may be now
 * @budget: of a pool
 *
 * Context: any.
 * Return: how many, by its own maximum and by the ceiling.
 */
unsigned long zcp_budget_room(const struct zcp_budget *budget)
{
	unsigned long room = zcp_budget_left(budget);

	return budget->ceiling ? min(room, zcp_budget_left(budget->ceiling)) : room;
}

/**
 * zcp_node_release_and_unlock() - give one chunk back to the kernel
 * @chunk: free, all in one state
 * @state: which
 *
 * Until it is the kernel's, whoever finds no memory there waits for it.
 *
 * Context: may sleep; under the node's lock, which it drops.
 */
void zcp_node_release_and_unlock(struct zcp_chunk *chunk, enum zcp_state state)
{
	struct zcp_node *node = chunk->node;
	struct zcp_piece piece;

	lockdep_assert_held(&node->lock);
	zcp_node_unfile(chunk);
	node->nr_chunks--;
	node->nr[state] -= ZCP_CHUNK_PAGES;
	if (zcp_chunk_kind(chunk) == ZCP_SPLIT)
		node->nr_split--;
	/* Whoever finds no memory now must find room to grow. */
	zcp_budget_uncharge(node->budget, 1);
	zcp_node_moved(node, ZCP_CHUNK_ORDER);
	zcp_node_begin(node, &piece, NULL);
	mutex_unlock(&node->lock);

	zcp_chunk_destroy(chunk);

	mutex_lock(&node->lock);
	zcp_node_news(node, ZCP_CHUNK_ORDER);
	zcp_node_end(node, &piece);
	mutex_unlock(&node->lock);
}

/* A chunk that has come and counts as dirty, as it was asked for. */
static void zcp_supply(struct zcp_chunk *chunk, gfp_t gfp)
{
	struct zcp_node *node = chunk->node;

	if (!(gfp & __GFP_ZERO)) {
		zcp_node_file_whole(chunk, ZCP_DIRTY);
		zcp_node_moved(node, ZCP_CHUNK_ORDER);
		zcp_node_wake_scrubber(node);
		return;
	}
	zcp_node_account(node, ZCP_DIRTY, ZCP_CLEAN, ZCP_CHUNK_PAGES);
	zcp_node_file_clean(chunk);
	zcp_node_news_of(chunk);
}

/**
 * zcp_node_get_chunk() - get one more chunk from the kernel
 * @node: for which
 * @kind: what it is to be
 * @gfp: how hard to try; without __GFP_ZERO a whole one comes as if it had been freed
 *
 * Within the pool's maximum, and the ceiling of all. Whoever finds the first reached
 * meanwhile waits for it: there may be room for more than one in it.
 *
 * Context: may sleep; without the node's lock.
 * Return: 0; -ENOSPC the pool is at its maximum, or all are at their ceiling; -ENOMEM the
 * kernel has none.
 */
int zcp_node_get_chunk(struct zcp_node *node, enum zcp_kind kind, gfp_t gfp)
{
	struct zcp_chunk *chunk;
	struct zcp_piece piece;

	mutex_lock(&node->lock);
	if (!zcp_budget_charge(node)) {
		mutex_unlock(&node->lock);
		return -ENOSPC;
	}
	zcp_node_begin(node, &piece, NULL);
	mutex_unlock(&node->lock);

	chunk = zcp_chunk_create(node, kind, gfp);

	mutex_lock(&node->lock);
	if (chunk) {
		trace_zcpool_grow(node, chunk->page, ZCP_CHUNK_PAGES);
		node->nr_chunks++;
		node->nr_split += kind == ZCP_SPLIT;
		node->nr[ZCP_DIRTY] += ZCP_CHUNK_PAGES;
		zcp_supply(chunk, gfp);
		/* Others may have made some clean meanwhile: then this is too much. */
		if (node->nr_chunks > node->reserve)
			zcp_node_wake_scrubber(node);
	} else {
		zcp_budget_uncharge(node->budget, 1);
	}
	zcp_node_end(node, &piece);
	mutex_unlock(&node->lock);
	return chunk ? 0 : -ENOMEM;
}

/*
 * A clean chunk that is to be exchanged: on no list, and counted as dirty. Others who look
 * for memory begin anew, but not the caller, or a search that fails would never end.
 */
static void zcp_exchange_begin(struct zcp_chunk *old, struct zcp_piece *piece,
			       unsigned long *moved)
{
	struct zcp_node *node = old->node;

	zcp_node_unfile(old);
	zcp_node_account(node, ZCP_CLEAN, ZCP_DIRTY, ZCP_CHUNK_PAGES);
	zcp_node_moved(node, ZCP_CHUNK_ORDER);
	if (moved)
		++*moved;
	zcp_node_begin(node, piece, NULL);
}

/* It was of one kind, and now there is the chunk new, or none at all. */
static void zcp_exchange_end(struct zcp_node *node, enum zcp_kind kind,
			     struct zcp_chunk *new, gfp_t gfp, struct zcp_piece *piece)
{
	node->nr_split -= kind == ZCP_SPLIT;
	if (new) {
		node->nr_split += zcp_chunk_kind(new) == ZCP_SPLIT;
		zcp_supply(new, gfp);
	} else {
		node->nr[ZCP_DIRTY] -= ZCP_CHUNK_PAGES;
		node->nr_chunks--;
		zcp_budget_uncharge(node->budget, 1);
		zcp_node_wake_scrubber(node);
	}
	zcp_node_end(node, piece);
}

/* A chunk to be split. 0; -EAGAIN if there is none, or others split one; -EALREADY with news. */
static int zcp_split_begin(struct zcp_search *search, struct zcp_chunk **old,
			   struct zcp_piece *piece)
{
	struct zcp_node *node = search->node;
	int err = 0;

	mutex_lock(&node->lock);
	*old = list_first_entry_or_null(&node->whole[ZCP_CLEAN], struct zcp_chunk, link);
	if (node->news[search->order] != search->seen) {
		err = -EALREADY;
	} else if (!*old || node->splitting) {
		err = -EAGAIN;
	} else {
		node->splitting = true;
		zcp_exchange_begin(*old, piece, &search->moved);
	}
	mutex_unlock(&node->lock);
	return err;
}

/**
 * zcp_node_split_one() - have a split chunk in place of a clean whole one
 * @search: of somebody who wants a block
 * @stake: what becomes of the old one if the kernel has no other
 *
 * None is split if there has been news since his last look: the chunk is then left to who
 * wants it whole. Only a small allocation that fits nowhere else is worth the old one.
 *
 * Context: may sleep; without the node's lock.
 * Return: 0 to look again; -EAGAIN there is none to be split; -ENOMEM the kernel has no other.
 */
int zcp_node_split_one(struct zcp_search *search, enum zcp_stake stake)
{
	struct zcp_node *node = search->node;
	struct zcp_chunk *old, *new = zcp_chunk_new(node, ZCP_SPLIT);
	struct zcp_piece piece;
	bool got;
	int err;

	if (!new)
		return -ENOMEM;
	err = zcp_split_begin(search, &old, &piece);
	if (err) {
		zcp_chunk_free(new);
		return err == -EALREADY ? 0 : err;
	}

	got = zcp_chunk_exchange(new, old, stake);
	if (!got) {
		zcp_chunk_free(new);
		new = stake == ZCP_KEEP_CHUNK ? old : NULL;
	}

	mutex_lock(&node->lock);
	node->splitting = false;
	zcp_exchange_end(node, ZCP_WHOLE, new, ZCP_GFP_GROW, &piece);
	mutex_unlock(&node->lock);
	return got ? 0 : -ENOMEM;
}

/**
 * zcp_node_join_one() - have a whole chunk in place of an idle split one
 * @node: where
 * @gfp: as for zcp_node_get_chunk()
 * @moved: the caller's count of zcp_node.moved, which is not to tell him of this; or NULL
 *
 * Context: may sleep; without the node's lock.
 * Return: 0; -ENOENT there is no such split one; -ENOMEM the kernel has no other.
 */
int zcp_node_join_one(struct zcp_node *node, gfp_t gfp, unsigned long *moved)
{
	struct zcp_chunk *old, *new;
	struct zcp_piece piece;

	mutex_lock(&node->lock);
	old = list_first_entry_or_null(&node->split[ZCP_IDLE_SPLIT],
				       struct zcp_chunk, link);
	if (!old) {
		mutex_unlock(&node->lock);
		return -ENOENT;
	}
	zcp_exchange_begin(old, &piece, moved);
	mutex_unlock(&node->lock);

	new = zcp_chunk_create(node, ZCP_WHOLE, gfp);
	if (new)
		zcp_chunk_destroy(old);

	mutex_lock(&node->lock);
	if (new)
		zcp_exchange_end(node, ZCP_SPLIT, new, gfp, &piece);
	else
		zcp_exchange_end(node, ZCP_SPLIT, old, ZCP_GFP_GROW, &piece);
	mutex_unlock(&node->lock);
	return new ? 0 : -ENOMEM;
}
