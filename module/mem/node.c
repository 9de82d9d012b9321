// SPDX-License-Identifier: GPL-2.0
/*
 * Nodes: the chunks a pool has on one NUMA node, on which lists, in which states.
 *
 * Free memory becomes clean in one way only, through the scrubber's functions
 * (scrub.c). So the lists of clean whole chunks and the buddies of split ones hold
 * nothing but zeroed pages. Only clean memory is handed out, but for whole chunks that
 * are to be zeroed before anybody sees them (zcp_node_take_dirty()).
 */
#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "mem.h"

/*
 * A free is often followed by another, or by an allocation that can do without
 * the scrubber: wait a little.
 */
#define ZCP_SCRUB_DELAY		msecs_to_jiffies(4)

static struct workqueue_struct *zcp_scrub_wq;
static struct workqueue_struct *zcp_regain_wq;

/**
 * zcp_node_init() - make the workqueues that all nodes' workers run on
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int zcp_node_init(void)
{
	/* It gives memory back, so it must run where there is none for another thread. */
	zcp_scrub_wq = alloc_workqueue("zcpool_scrub", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!zcp_scrub_wq)
		return -ENOMEM;
	/* This one wants some, which a machine that goes to sleep has other need of. */
	zcp_regain_wq = alloc_workqueue("zcpool_regain", WQ_UNBOUND | WQ_FREEZABLE, 0);
	if (!zcp_regain_wq) {
		destroy_workqueue(zcp_scrub_wq);
		return -ENOMEM;
	}
	return 0;
}

/**
 * zcp_node_exit() - undo zcp_node_init()
 *
 * Context: may sleep; every node's workers have been stopped.
 */
void zcp_node_exit(void)
{
	destroy_workqueue(zcp_regain_wq);
	destroy_workqueue(zcp_scrub_wq);
}

/**
 * zcp_node_create() - make an empty node
 * @budget: what it shares with the pool's other nodes
 * @pool_name: the pool's, which outlives the node
 * @nid: NUMA node
 *
 * Its workers are not there before zcp_scrub_start().
 *
 * Context: may sleep.
 * Return: the node, or NULL without memory.
 */
struct zcp_node *zcp_node_create(struct zcp_budget *budget,
				 const char *pool_name, int nid)
{
	struct zcp_node *node = kzalloc_node(sizeof(*node), GFP_KERNEL, nid);
	int i;

	if (!node)
		return NULL;
	node->first_place = node_start_pfn(nid) >> ZCP_CHUNK_ORDER;
	node->nr_places = ((node_end_pfn(nid) - 1) >> ZCP_CHUNK_ORDER) + 1 - node->first_place;
	node->not_clean = kvcalloc(BITS_TO_LONGS(node->nr_places), sizeof(long), GFP_KERNEL);
	if (!node->not_clean) {
		kfree(node);
		return NULL;
	}
	bitmap_fill(node->not_clean, node->nr_places);
	node->budget = budget;
	node->pool_name = pool_name;
	node->nid = nid;
	mutex_init(&node->lock);
	for (i = 0; i < ZCP_NR_STATES; i++)
		INIT_LIST_HEAD(&node->whole[i]);
	for (i = 0; i <= ZCP_IDLE_SPLIT; i++)
		INIT_LIST_HEAD(&node->split[i]);
	INIT_LIST_HEAD(&node->full_split);
	INIT_LIST_HEAD(&node->retired_split);
	INIT_LIST_HEAD(&node->dirty_split);
	INIT_LIST_HEAD(&node->quarantined_split);
	INIT_LIST_HEAD(&node->pieces);
	init_waitqueue_head(&node->wait);
	return node;
}

static void zcp_node_destroy_list(struct list_head *list)
{
	struct zcp_chunk *chunk, *next;

	list_for_each_entry_safe(chunk, next, list, link) {
		list_del(&chunk->link);
		zcp_chunk_destroy(chunk);
		cond_resched();
	}
}

/**
 * zcp_node_destroy() - give all of a node's memory back to the kernel
 * @node: with no buffer left and its workers stopped; freed
 *
 * Context: may sleep.
 */
void zcp_node_destroy(struct zcp_node *node)
{
	int i;

	WARN_ON_ONCE(node->nr[ZCP_USED]);
	for (i = 0; i < ZCP_NR_STATES; i++)
		zcp_node_destroy_list(&node->whole[i]);
	for (i = 0; i <= ZCP_IDLE_SPLIT; i++)
		zcp_node_destroy_list(&node->split[i]);
	zcp_node_destroy_list(&node->full_split);
	zcp_node_destroy_list(&node->retired_split);
	zcp_budget_uncharge(node->budget, node->nr_chunks);
	kvfree(node->not_clean);
	kfree(node);
}

/**
 * zcp_node_lost() - chunks of the reserve that the node does not have
 * @node: which
 *
 * The kernel had none at load, or was asked to convert one and lost it to
 * somebody else. Once the scrubber has run, another worker tries to get them back.
 *
 * Context: under the node's lock, or before anybody uses it.
 * Return: how many.
 */
unsigned long zcp_node_lost(const struct zcp_node *node)
{
	return node->reserve - min(node->reserve, node->nr_chunks);
}

/**
 * zcp_node_account() - note that pages changed their state
 * @node: whose
 * @from: state they were in
 * @to: state they are in
 * @pages: how many
 *
 * Context: under the node's lock.
 */
void zcp_node_account(struct zcp_node *node, enum zcp_state from,
		      enum zcp_state to, unsigned long pages)
{
	lockdep_assert_held(&node->lock);
	node->nr[from] -= pages;
	node->nr[to] += pages;
}

/**
 * zcp_node_file_split() - put a split chunk on the list that fits its buddy
 * @chunk: a split chunk
 *
 * Context: under the node's lock.
 */
void zcp_node_file_split(struct zcp_chunk *chunk)
{
	struct zcp_buddy *buddy = &chunk->split->buddy;
	struct zcp_node *node = chunk->node;
	struct list_head *list;
	int order = zcp_buddy_max_free(buddy);

	if (chunk->state == ZCP_RETIRED)
		list = &node->retired_split;
	else if (zcp_buddy_nr_free(buddy) == ZCP_BUDDY_PAGES)
		list = &node->split[ZCP_IDLE_SPLIT];
	else if (order >= 0)
		list = &node->split[order];
	else
		list = &node->full_split;
	list_move(&chunk->link, list);
}

/**
 * zcp_node_file_clean() - put a chunk on the list it belongs on, all of it being clean
 * @chunk: of either kind
 *
 * Context: under the node's lock.
 */
void zcp_node_file_clean(struct zcp_chunk *chunk)
{
	if (zcp_chunk_kind(chunk) == ZCP_SPLIT)
		zcp_node_file_split(chunk);
	else
		zcp_node_file_whole(chunk, ZCP_CLEAN);
}

/**
 * zcp_node_unfile() - take a chunk off its list
 * @chunk: of either kind; its state stays what it is
 *
 * Context: under the node's lock.
 */
void zcp_node_unfile(struct zcp_chunk *chunk)
{
	list_del_init(&chunk->link);
	if (zcp_chunk_kind(chunk) == ZCP_WHOLE)
		zcp_node_mark(chunk, ZCP_DIRTY);
}

/**
 * zcp_node_file_dirty() - put a split chunk among those that have dirty pages
 * @split: has some; may be there already
 *
 * Context: under the node's lock.
 */
void zcp_node_file_dirty(struct zcp_split *split)
{
	struct zcp_node *node = split->chunk->node;

	if (!list_empty(&split->dirty_link))
		return;
	list_add_tail(&split->dirty_link, &node->dirty_split);
	node->nr_dirty_split++;
}

/**
 * zcp_node_split_is_unused() - whether a split chunk will be free entirely
 * @split: which
 *
 * Once all of it is clean that is dirty or being zeroed now, unless somebody takes some.
 *
 * Context: under the node's lock.
 * Return: whether it will.
 */
bool zcp_node_split_is_unused(const struct zcp_split *split)
{
	return split->chunk->state != ZCP_RETIRED &&
	       zcp_buddy_nr_free(&split->buddy) + split->in_hand +
	       bitmap_weight(split->dirty, ZCP_BUDDY_PAGES) == ZCP_BUDDY_PAGES;
}

/**
 * zcp_node_begin() - note that a piece of memory is about to be on no list
 * @node: whose
 * @piece: to be given to zcp_node_end()
 * @split: the split chunk that it is a block of; NULL for a chunk of either kind
 *
 * Between this and zcp_node_end() somebody gets, zeroes, converts or releases it
 * without the lock. It counts as dirty, unless it is not or no longer the pool's, and
 * whoever finds nothing else waits for it.
 *
 * Context: under the node's lock.
 */
void zcp_node_begin(struct zcp_node *node, struct zcp_piece *piece,
		    const struct zcp_split *split)
{
	lockdep_assert_held(&node->lock);
	piece->split = split;
	piece->nth = ++node->begun;
	list_add_tail(&piece->link, &node->pieces);
}

/**
 * zcp_node_end() - note that such a piece is on a list again, or gone
 * @node: whose
 * @piece: which
 *
 * Where that helps anybody, zcp_node_news() has said so before.
 *
 * Context: under the node's lock.
 */
void zcp_node_end(struct zcp_node *node, struct zcp_piece *piece)
{
	const struct zcp_piece *oldest;

	lockdep_assert_held(&node->lock);
	list_del(&piece->link);
	oldest = list_first_entry_or_null(&node->pieces, struct zcp_piece, link);
	WRITE_ONCE(node->ended, oldest ? oldest->nth - 1 : node->begun);
	wake_up_all(&node->wait);
}

/* What is large enough for some order is so for each lower one. */
static void zcp_count_orders(unsigned long *count, unsigned int order)
{
	unsigned int i;

	for (i = 0; i <= order; i++)
		WRITE_ONCE(count[i], count[i] + 1);
}

/**
 * zcp_node_news() - tell whoever has looked for memory in vain to look again
 * @node: where some has become clean
 * @order: of the block, or that of a chunk for all of one
 *
 * Context: under the node's lock.
 */
void zcp_node_news(struct zcp_node *node, unsigned int order)
{
	lockdep_assert_held(&node->lock);
	zcp_count_orders(node->news, order);
	wake_up_all(&node->wait);
}

/**
 * zcp_node_news_of() - the same, of memory of a chunk that has become clean
 * @chunk: one that is free entirely helps whoever wants the other kind, too
 *
 * Context: under the node's lock.
 */
void zcp_node_news_of(struct zcp_chunk *chunk)
{
	const struct zcp_buddy *buddy;

	if (chunk->state == ZCP_RETIRED)
		return;
	if (zcp_chunk_kind(chunk) == ZCP_WHOLE) {
		zcp_node_news(chunk->node, ZCP_CHUNK_ORDER);
		return;
	}
	buddy = &chunk->split->buddy;
	if (zcp_buddy_nr_free(buddy) == ZCP_BUDDY_PAGES)
		zcp_node_news(chunk->node, ZCP_CHUNK_ORDER);
	else if (zcp_buddy_nr_free(buddy))
		zcp_node_news(chunk->node, zcp_buddy_max_free(buddy));
}

/**
 * zcp_node_moved() - note that memory has been taken, or has been freed
 * @node: where
 * @order: of the block, or that of a chunk for all of one
 *
 * Whoever looks for memory of that order then begins anew.
 *
 * Context: under the node's lock.
 */
void zcp_node_moved(struct zcp_node *node, unsigned int order)
{
	lockdep_assert_held(&node->lock);
	zcp_count_orders(node->moved, order);
}

/*
 * A CPU of the node's own, where it has one. No CPU goes offline while preemption is off
 * anywhere, so a timer is not set on one that has.
 */
static unsigned int zcp_node_cpu(const struct zcp_node *node)
{
	unsigned int cpu = cpumask_any_and(cpumask_of_node(node->nid), cpu_online_mask);

	return cpu < nr_cpu_ids ? cpu : WORK_CPU_UNBOUND;
}

/**
 * zcp_node_queue_scrubber() - have the scrubber run
 * @node: whose; not stopped
 * @delay: in how many jiffies
 *
 * Context: under the node's lock.
 */
void zcp_node_queue_scrubber(struct zcp_node *node, unsigned long delay)
{
	lockdep_assert_held(&node->lock);
	preempt_disable();
	mod_delayed_work_on(zcp_node_cpu(node), zcp_scrub_wq, &node->scrubber, delay);
	preempt_enable();
}

/**
 * zcp_node_queue_regainer() - have the regainer run, unless it is about to
 * @node: whose; not stopped
 * @delay: in how many jiffies
 *
 * Context: under the node's lock.
 */
void zcp_node_queue_regainer(struct zcp_node *node, unsigned long delay)
{
	lockdep_assert_held(&node->lock);
	preempt_disable();
	queue_delayed_work_on(zcp_node_cpu(node), zcp_regain_wq, &node->regainer, delay);
	preempt_enable();
}

/**
 * zcp_node_put_off_regainer() - have the regainer run then and not before
 * @node: whose; not stopped
 * @delay: in how many jiffies
 *
 * Context: under the node's lock.
 */
void zcp_node_put_off_regainer(struct zcp_node *node, unsigned long delay)
{
	lockdep_assert_held(&node->lock);
	preempt_disable();
	mod_delayed_work_on(zcp_node_cpu(node), zcp_regain_wq, &node->regainer, delay);
	preempt_enable();
}

/**
 * zcp_node_wake_scrubber() - tell the scrubber that there is something to do
 * @node: where
 *
 * Context: under the node's lock.
 */
void zcp_node_wake_scrubber(struct zcp_node *node)
{
	lockdep_assert_held(&node->lock);
	if (node->scrub_due || node->stop)
		return;
	node->scrub_due = true;
	zcp_node_queue_scrubber(node, ZCP_SCRUB_DELAY);
}
