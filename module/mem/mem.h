/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The lowest floor: memory, in whose name it is held left open.
 *
 * node -> chunk -> extent. Each file stands on those before it:
 *
 *   buddy.c   blocks of a split chunk; knows nothing of struct page
 *   pins.c    what was pinned when its buffer was taken away
 *   page.c    all that is done to the struct pages of a chunk
 *   chunk.c   2 MiB of the kernel's memory: got, given back, exchanged, mapped
 *   extent.c  a list of pieces of chunks
 *   sparse.c  pieces of chunks with holes between them
 *   node.c    the chunks on one NUMA node: lists, states, accounts
 *   take.c    what is handed out of a node, and what comes back
 *   supply.c  chunks from the kernel and back to it, and of one kind for the other
 *   reserve.c what a node keeps: had at load, got again, given up when memory is out
 *   scrub.c   from free to clean
 *   refill.c  where memory is looked for when none is at hand
 */
#ifndef ZCPOOL_MEM_H
#define ZCPOOL_MEM_H

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "buddy.h"
#include "pins.h"

#define ZCP_CHUNK_ORDER		(PMD_SHIFT - PAGE_SHIFT)
#define ZCP_CHUNK_PAGES		((unsigned int)(PMD_SIZE / PAGE_SIZE))
#define ZCP_CHUNK_SIZE		PMD_SIZE

/**
 * enum zcp_state - what a page of the pool is doing; each page is in one
 * @ZCP_CLEAN: free and zeroed
 * @ZCP_DIRTY: free, and being or about to be zeroed, converted or given back
 * @ZCP_QUARANTINED: free, but with a reference that is not the pool's
 * @ZCP_USED: in a buffer
 * @ZCP_RETIRED: hit by a memory error, or in a split chunk with such a page
 * @ZCP_NR_STATES: how many there are
 */
enum zcp_state {
	ZCP_CLEAN,
	ZCP_DIRTY,
	ZCP_QUARANTINED,
	ZCP_USED,
	ZCP_RETIRED,
	ZCP_NR_STATES
};

/**
 * enum zcp_kind - what a chunk consists of, as long as it lives
 * @ZCP_WHOLE: one large folio, which one PMD can map, where the kernel has such
 * @ZCP_SPLIT: pages with a count each, run by a buddy
 * @ZCP_NR_KINDS: how many there are
 */
enum zcp_kind {
	ZCP_WHOLE,
	ZCP_SPLIT,
	ZCP_NR_KINDS
};

/**
 * struct zcp_budget - what all nodes of a pool may hold together, or all pools
 * @max: chunks, at the most; may change at any time, also to less than what is held
 * @nr_chunks: chunks held, and those being got from the kernel right now
 * @ceiling: what it shares with the budgets of other pools, or NULL
 */
struct zcp_budget {
	unsigned long max;
	atomic_long_t nr_chunks;
	struct zcp_budget *ceiling;
};

/**
 * struct zcp_split - what a split chunk has over a whole one
 * @chunk: the chunk it belongs to
 * @buddy: which of its pages are clean; dirty and quarantined ones are still
 *	allocated as far as the buddy knows
 * @dirty: pages freed and not zeroed yet, always entire blocks of the buddy
 * @quarantine: pages freed and still referenced, always blocks of order 0
 * @next_dirty: where to look for the next page in @dirty
 * @in_hand: pages that are being zeroed
 * @dirty_link: on zcp_node.dirty_split while @dirty has a bit set
 * @quarantine_link: on zcp_node.quarantined_split while @quarantine has one
 */
struct zcp_split {
	struct zcp_chunk *chunk;
	struct zcp_buddy buddy;
	DECLARE_BITMAP(dirty, ZCP_BUDDY_PAGES);
	DECLARE_BITMAP(quarantine, ZCP_BUDDY_PAGES);
	unsigned int next_dirty;
	unsigned int in_hand;
	struct list_head dirty_link;
	struct list_head quarantine_link;
};

/**
 * struct zcp_chunk - ZCP_CHUNK_SIZE bytes of physical memory
 * @link: on the one list of @node that tells its state
 * @page: its first page; of a whole one, the head of the folio where the kernel has such
 * @place: its physical address in chunks: neighbours differ by one
 * @node: where it is
 * @split: NULL if the chunk is whole
 * @state: of all of a whole chunk; a split one is ZCP_RETIRED or anything else
 * @to_zero: it is in a buffer, and whoever gets to see it has to zero it before; changed
 *	under the node's lock as long as nobody can, then under that of its first page
 * @not_zeroed: a page of it was not zeroed then, for a memory error had hit it
 * @pins: who is to be told when the chunk, which is whole, is pinned no more, or NULL; of a
 *	split one each page has its own
 */
struct zcp_chunk {
	struct list_head link;
	struct page *page;
	unsigned long place;
	struct zcp_node *node;
	struct zcp_split *split;
	enum zcp_state state;
	bool to_zero;
	bool not_zeroed;
	struct zcp_pins *pins;
};

/* Index of the list of idle split chunks in zcp_node.split */
#define ZCP_IDLE_SPLIT		(ZCP_BUDDY_MAX_ORDER + 1)

/* Memory is wanted in blocks of a split chunk, or as all of a chunk of either kind. */
#define ZCP_NR_ORDERS		(ZCP_CHUNK_ORDER + 1)

/**
 * struct zcp_piece - memory of a node that is on no list, for it is in somebody's hands
 * @link: on zcp_node.pieces
 * @nth: how many there had been, with this one
 * @split: whose block it is; NULL for a chunk
 */
struct zcp_piece {
	struct list_head link;
	unsigned long nth;
	const struct zcp_split *split;
};

/**
 * struct zcp_node - a pool's memory on one NUMA node
 * @budget: what it shares with the pool's other nodes
 * @pool_name: whose it is, for messages
 * @nid: NUMA node
 * @first_place: where the node's memory begins, in chunks
 * @nr_places: how many chunks its memory had room for when the pool was made; what has been
 *	added since is used, but nobody knows of its neighbours
 * @held_low: chunks there is a struct zcp_chunk for, those too that are just being
 *	converted or given back, in memory that has an address of its own
 * @held_high: the same in high memory
 * @lock: protects all that follows but @wait and the works, and every chunk of
 *	the node, its buddy included. Pages are zeroed, got from the kernel and given
 *	back to it without the lock. No other lock of ours is taken inside it.
 * @whole: whole chunks, by state
 * @not_clean: a bit for each place, clear where a clean whole chunk is; by this neighbours
 *	are found
 * @split: split chunks with a free block, by the largest order they have free;
 *	those that are free entirely are idle and have a list of their own
 * @full_split: split chunks with no free block
 * @retired_split: split chunks with a poisoned page, never allocated from
 * @dirty_split: split chunks with dirty pages; the first is being swept from its first
 *	page to its last, and then goes to the end if it has some again
 * @nr_dirty_split: how many
 * @sweeps: how often a chunk has left the head of that list
 * @quarantined_split: split chunks with quarantined pages
 * @nr: pages by state; their sum is @nr_chunks times ZCP_CHUNK_PAGES
 * @nr_chunks: chunks held
 * @nr_split: of these, split
 * @reserve: chunks that are kept when they are free
 * @pieces: what somebody is getting, zeroing, converting or releasing, the oldest first
 * @begun: how many such pieces there have been
 * @ended: all up to this one are no more
 * @news: by order: how often clean memory has come that helps who wants a block of that
 *	order, or all of a chunk; who finds none reads this first, and again before waiting
 * @moved: by order: how often such memory has been taken, or has come back dirty
 * @splitting: a whole chunk is being converted; one that also wants a block of a
 *	split chunk had better wait for that than take another whole one
 * @scrub_due: the scrubber has been told of dirty memory and has not begun
 * @stop: the workers are to do no more
 * @put_off: the kernel had no memory left, so the regainer is to do nothing
 * @regain_at: in jiffies, until when, if @put_off
 * @regain_delay: jiffies until the kernel is asked again for what it had not
 * @wait: for @news, @moved or @ended to change
 * @scrubber: zeroes what is dirty, looks again at what is quarantined, gives back
 *	what is beyond the reserve; gets no memory from the kernel
 * @regainer: gets what is missing of the reserve
 */
struct zcp_node {
	struct zcp_budget *budget;
	const char *pool_name;
	int nid;
	unsigned long first_place;
	unsigned long nr_places;
	atomic_long_t held_low;
	atomic_long_t held_high;

	struct mutex lock;	/* all that follows, but @wait and the works */
	struct list_head whole[ZCP_NR_STATES];
	unsigned long *not_clean;
	struct list_head split[ZCP_IDLE_SPLIT + 1];
	struct list_head full_split;
	struct list_head retired_split;
	struct list_head dirty_split;
	unsigned long nr_dirty_split;
	unsigned long sweeps;
	struct list_head quarantined_split;
	unsigned long nr[ZCP_NR_STATES];
	unsigned long nr_chunks;
	unsigned long nr_split;
	unsigned long reserve;
	struct list_head pieces;
	unsigned long begun;
	unsigned long ended;
	unsigned long news[ZCP_NR_ORDERS];
	unsigned long moved[ZCP_NR_ORDERS];
	bool splitting;
	bool scrub_due;
	bool stop;
	bool put_off;
	unsigned long regain_at;
	unsigned long regain_delay;

	wait_queue_head_t wait;
	struct delayed_work scrubber;
	struct delayed_work regainer;
};

/**
 * struct zcp_extent - a physically contiguous piece of a chunk
 * @chunk: which
 * @start: first page in it
 * @nr: pages
 */
struct zcp_extent {
	struct zcp_chunk *chunk;
	u16 start;
	u16 nr;
};

/* Enough for a few pieces without another allocation. */
#define ZCP_INLINE_EXTENTS	4

/**
 * struct zcp_extents - a list of pieces that make up one range of pages
 * @ext: the pieces, in the order of the range's pages
 * @nr: how many
 * @nr_whole: of these, leading ones that are whole chunks
 * @max: room in @ext
 * @inline_ext: @ext of a short list
 *
 * It has no lock: whoever makes it fills it before anybody else can see it.
 */
struct zcp_extents {
	struct zcp_extent *ext;
	unsigned int nr;
	unsigned int nr_whole;
	unsigned int max;
	struct zcp_extent inline_ext[ZCP_INLINE_EXTENTS];
};

/**
 * zcp_chunk_kind() - what a chunk consists of
 * @chunk: which
 *
 * Context: any.
 * Return: its kind.
 */
static inline enum zcp_kind zcp_chunk_kind(const struct zcp_chunk *chunk)
{
	return chunk->split ? ZCP_SPLIT : ZCP_WHOLE;
}

/**
 * zcp_extent_page() - first page of an extent
 * @ext: which
 *
 * Context: any.
 * Return: the page, without a reference of its own.
 */
static inline struct page *zcp_extent_page(const struct zcp_extent *ext)
{
	return ext->chunk->page + ext->start;
}

void zcp_chunk_zero_now(struct zcp_chunk *chunk);

/**
 * zcp_chunk_zero() - zero a whole chunk that was taken dirty, unless that has been done
 * @chunk: of a buffer; before anybody gets to see it
 *
 * Context: may sleep.
 */
static inline void zcp_chunk_zero(struct zcp_chunk *chunk)
{
	/* Pairs with the release in zcp_chunk_zero_now(): who sees false sees zeroes. */
	if (smp_load_acquire(&chunk->to_zero))
		zcp_chunk_zero_now(chunk);
}

/**
 * zcp_node_mark() - note where a clean whole chunk is, or is no more
 * @chunk: whole
 * @state: which it is in now
 *
 * What is beyond the node's places has no bit there.
 *
 * Context: under the node's lock.
 */
static inline void zcp_node_mark(const struct zcp_chunk *chunk, enum zcp_state state)
{
	struct zcp_node *node = chunk->node;
	unsigned long nth = chunk->place - node->first_place;

	if (nth < node->nr_places)
		__assign_bit(nth, node->not_clean, state != ZCP_CLEAN);
}

/**
 * zcp_node_file_whole() - put a whole chunk on the list of its state
 * @chunk: a whole chunk
 * @state: its state from now on
 *
 * What is dirty waits for its turn; of the rest the last is the first to be used, for the
 * CPU may have it in its cache.
 *
 * Context: under the node's lock.
 */
static inline void zcp_node_file_whole(struct zcp_chunk *chunk, enum zcp_state state)
{
	struct list_head *list = &chunk->node->whole[state];

	if (chunk->state == ZCP_CLEAN || state == ZCP_CLEAN)
		zcp_node_mark(chunk, state);
	chunk->state = state;
	if (state == ZCP_DIRTY)
		list_move_tail(&chunk->link, list);
	else
		list_move(&chunk->link, list);
}

/**
 * enum zcp_stake - what becomes of a chunk if the kernel has none in exchange for it
 * @ZCP_KEEP_CHUNK: it stays what it is
 * @ZCP_STAKE_CHUNK: it is given back to make room, and may be lost to somebody else
 */
enum zcp_stake {
	ZCP_KEEP_CHUNK,
	ZCP_STAKE_CHUNK
};

/* page.c */
void zcp_pages_tell_pins(struct zcp_chunk *chunk, unsigned int start, unsigned int nr);

/**
 * zcp_pages_let_go() - tell who waits for it that memory is pinned no more
 * @chunk: whole, or of which:
 * @start: first page
 * @nr: how many
 *
 * Hardly ever does anybody wait for anything.
 *
 * Context: any; by who has the pages in hand.
 */
static inline void zcp_pages_let_go(struct zcp_chunk *chunk, unsigned int start,
				    unsigned int nr)
{
	if (atomic_long_read(&zcp_pins_noted))
		zcp_pages_tell_pins(chunk, start, nr);
}

void zcp_pieces_attach(const struct zcp_extent *ext, unsigned int nr,
		       struct address_space *mapping, pgoff_t index);
bool zcp_pieces_detach(const struct zcp_extent *ext, unsigned int nr);
void zcp_pieces_await_faults(const struct zcp_extent *ext, unsigned int nr);
bool zcp_pages_poisoned(struct page *page, unsigned int nr);
bool zcp_pages_known_poisoned(struct page *page, unsigned int nr);
bool zcp_pieces_poisoned(const struct zcp_extent *ext, unsigned int nr);
unsigned int zcp_pages_dma_pinned(struct page *page, unsigned int nr);
bool zcp_page_pinned(struct page *page);
bool zcp_chunk_pinned(const struct zcp_chunk *chunk);
unsigned long zcp_pieces_pinned(const struct zcp_extent *ext, unsigned int nr);
void zcp_pieces_note_pins(const struct zcp_extent *ext, unsigned int nr,
			  struct zcp_pins *pins);
bool zcp_page_high(struct page *page);
bool zcp_page_is_large(struct page *page);
void zcp_page_forbid_pmd(struct page *page);
void zcp_page_allow_pmd(struct page *page);
struct zcp_chunk *zcp_page_chunk(struct page *page);
void zcp_page_set_chunk(struct page *page, struct zcp_chunk *chunk);
struct page *zcp_page_get(struct page *page);
void zcp_page_put(struct page *page);
bool zcp_page_lock(struct page *page);
void zcp_page_unlock(struct page *page);
struct page *zcp_page_duplicate(struct page *page);
void zcp_pages_clear(struct page *page, unsigned int nr);
void zcp_pages_clear_sound(struct page *page, unsigned int nr);
void zcp_page_clear(struct page *page, unsigned int offset, unsigned int bytes);
void zcp_pages_copy(struct page *to, struct page *from, unsigned int nr);

/* chunk.c */
struct zcp_chunk *zcp_chunk_create(struct zcp_node *node, enum zcp_kind kind,
				   gfp_t gfp);
struct zcp_chunk *zcp_chunk_new(struct zcp_node *node, enum zcp_kind kind);
void zcp_chunk_free(struct zcp_chunk *chunk);
struct zcp_chunk *zcp_chunk_at(unsigned long place);
bool zcp_chunk_exchange(struct zcp_chunk *new, struct zcp_chunk *old,
			enum zcp_stake stake);
void zcp_chunk_destroy(struct zcp_chunk *chunk);
bool zcp_chunk_poisoned(struct zcp_chunk *chunk);
vm_fault_t zcp_chunk_map(struct zcp_chunk *chunk, struct vm_fault *vmf);

/* extent.c */
void zcp_extents_init(struct zcp_extents *list);
void zcp_extents_destroy(struct zcp_extents *list);
int zcp_extents_reserve(struct zcp_extents *list, unsigned int more);
void zcp_extents_move(struct zcp_extents *to, struct zcp_extents *from);
int zcp_extents_copy(const struct zcp_extents *to, const struct zcp_extents *from);
void zcp_extents_append(struct zcp_extents *list, const struct zcp_extent *ext);
struct page *zcp_extents_run(const struct zcp_extents *list, pgoff_t index,
			     unsigned int *nr);
struct page *zcp_extents_page(const struct zcp_extents *list, pgoff_t index);
int zcp_extents_node(const struct zcp_extents *list);

/* node.c */
int zcp_node_init(void);
void zcp_node_exit(void);
struct zcp_node *zcp_node_create(struct zcp_budget *budget,
				 const char *pool_name, int nid);
void zcp_node_destroy(struct zcp_node *node);
unsigned long zcp_node_lost(const struct zcp_node *node);
void zcp_node_account(struct zcp_node *node, enum zcp_state from,
		      enum zcp_state to, unsigned long pages);
void zcp_node_file_split(struct zcp_chunk *chunk);
void zcp_node_file_clean(struct zcp_chunk *chunk);
void zcp_node_unfile(struct zcp_chunk *chunk);
void zcp_node_file_dirty(struct zcp_split *split);
bool zcp_node_split_is_unused(const struct zcp_split *split);
void zcp_node_begin(struct zcp_node *node, struct zcp_piece *piece,
		    const struct zcp_split *split);
void zcp_node_end(struct zcp_node *node, struct zcp_piece *piece);
void zcp_node_news(struct zcp_node *node, unsigned int order);
void zcp_node_news_of(struct zcp_chunk *chunk);
void zcp_node_moved(struct zcp_node *node, unsigned int order);
void zcp_node_queue_scrubber(struct zcp_node *node, unsigned long delay);
void zcp_node_wake_scrubber(struct zcp_node *node);
void zcp_node_queue_regainer(struct zcp_node *node, unsigned long delay);
void zcp_node_put_off_regainer(struct zcp_node *node, unsigned long delay);

/* take.c */
unsigned int zcp_node_take_whole(struct zcp_node *node, struct zcp_extent *ext,
				 unsigned int want);
unsigned int zcp_node_take_dirty(struct zcp_node *node, struct zcp_extent *ext,
				 unsigned int want);
int zcp_node_take_run(struct zcp_node *node, struct zcp_extent *ext,       unsigned int want);
int zcp_node_take_block(struct zcp_node *node, struct zcp_extent *ext, unsigned int nr);
void zcp_node_shatter(const struct zcp_extent *ext, unsigned int nr);
void zcp_node_untake(const struct zcp_extent *ext, unsigned int nr);
void zcp_node_free(const struct zcp_extent *ext, unsigned int nr);
bool zcp_node_borrow(struct zcp_node *node, struct zcp_extent *ext,
		     struct zcp_piece *piece);
void zcp_node_return_borrowed(const struct zcp_extent *ext, struct zcp_piece *piece);

/* supply.c */

/*
 * How hard to try: the reserve is worth reclaim and compaction, growing is not. What is not
 * asked for zeroed is dirty.
 */
#define ZCP_GFP_RESERVE		(__GFP_RETRY_MAYFAIL | __GFP_ZERO)
#define ZCP_GFP_GROW		(__GFP_NORETRY | __GFP_ZERO)
#define ZCP_GFP_GROW_DIRTY	__GFP_NORETRY

void zcp_budget_uncharge(struct zcp_budget *budget, unsigned long chunks);
unsigned long zcp_budget_room(const struct zcp_budget *budget);
int zcp_node_get_chunk(struct zcp_node *node, enum zcp_kind kind, gfp_t gfp);
void zcp_node_release_and_unlock(struct zcp_chunk *chunk, enum zcp_state state);
struct zcp_search;
int zcp_node_split_one(struct zcp_search *search, enum zcp_stake stake);
int zcp_node_join_one(struct zcp_node *node, gfp_t gfp, unsigned long *moved);

/* reserve.c */
void zcp_reserve_start(struct zcp_node *node);
void zcp_reserve_stop(struct zcp_node *node);
int zcp_reserve_fill(struct zcp_node *node);
void zcp_reserve_regain(struct zcp_node *node);
void zcp_reserve_worker(struct work_struct *work);
void zcp_reserve_set(struct zcp_node *node, unsigned long chunks);
void zcp_reserve_trim(struct zcp_node *node);
void zcp_reserve_watch(struct zcp_node *node);
bool zcp_reserve_short(const struct zcp_node *node);
unsigned long zcp_reserve_give_up(struct zcp_node *node);

/* scrub.c */

/**
 * enum zcp_surplus - what becomes of a chunk beyond the reserve once nobody holds it
 * @ZCP_RELEASE_SURPLUS: it is given back to the kernel, as it is
 * @ZCP_KEEP_SURPLUS: it is zeroed, for somebody is waiting for it
 */
enum zcp_surplus {
	ZCP_RELEASE_SURPLUS,
	ZCP_KEEP_SURPLUS
};

void zcp_scrub_start(struct zcp_node *node);
void zcp_scrub_stop(struct zcp_node *node);
void zcp_scrub_worker(struct work_struct *work);
unsigned int zcp_scrub_whole(struct zcp_node *node, enum zcp_surplus surplus);
unsigned int zcp_scrub_split(struct zcp_node *node);
unsigned int zcp_scrub_unused(struct zcp_node *node);
bool zcp_scrub_has_unused(struct zcp_node *node);
bool zcp_quarantine_scan(struct zcp_node *node);

/* refill.c */

/**
 * enum zcp_growth - whether memory may be got from the kernel
 * @ZCP_NO_GROW: what the node holds has to do
 * @ZCP_MAY_GROW: another chunk would help
 * @ZCP_MAY_GROW_DIRTY: so it would, zeroed or not
 */
enum zcp_growth {
	ZCP_NO_GROW,
	ZCP_MAY_GROW,
	ZCP_MAY_GROW_DIRTY
};

/**
 * enum zcp_patience - whether somebody waits for memory that is in others' hands
 * @ZCP_DO_NOT_WAIT: there may be some elsewhere
 * @ZCP_MAY_WAIT: until what is now in others' hands is back
 */
enum zcp_patience {
	ZCP_DO_NOT_WAIT,
	ZCP_MAY_WAIT
};

/**
 * struct zcp_search - somebody looks for memory on a node, and has come so far
 * @node: where
 * @kind: of chunk it is wanted in
 * @order: of the block that is wanted, or that of a chunk for all of one
 * @growth: whether more memory from the kernel would help
 * @patience: whether to wait
 * @seen: zcp_node.news of @order as it was before the last look
 * @moved: zcp_node.moved of @order as it was when the search began
 * @left: dirty pages that may yet be made clean, by kind
 * @sweeps: zcp_node.sweeps when the sweep that is under way has ended, and then, when all
 *	that is dirty in split chunks has been swept; for who wants a block
 * @swept_one: the first of these has been reached
 * @until: the last piece to wait for, once @waits
 * @allowed: @left and @sweeps are set
 * @scanned: the quarantine has been looked at
 * @refused: the kernel had no chunk in exchange for another
 * @staked: nor for one that was given back for it
 * @waits: nothing else is left to do
 * @last: nor is anything left to wait for: this was the last look
 *
 * A search takes as long as what there is to do when it begins, and what others do with
 * smaller memory meanwhile does not make it longer. It begins anew when somebody else has
 * taken memory of this order, converts some, or has freed some: then the search may have
 * missed what there was.
 */
struct zcp_search {
	struct zcp_node *node;
	enum zcp_kind kind;
	unsigned int order;
	enum zcp_growth growth;
	enum zcp_patience patience;
	unsigned long seen;
	unsigned long moved;
	long left[ZCP_NR_KINDS];
	unsigned long sweeps;
	unsigned long until;
	bool swept_one;
	bool allowed;
	bool scanned;
	bool refused;
	bool staked;
	bool waits;
	bool last;
};

void zcp_search_begin(struct zcp_search *search);
void zcp_search_look(struct zcp_search *search);
int zcp_search_refill(struct zcp_search *search);

#include "sparse.h"

#endif /* ZCPOOL_MEM_H */
