/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The second floor: pools, which say from which nodes, and in which pieces, memory is
 * taken. pool -> node
 *
 *   ceiling.c   what all pools together may hold
 *   params.c    settings as text
 *   settings.c  what can be set of a pool, and changing it
 *   policy.c    which nodes a request may use, in which order
 *   pool.c      in which pieces a request gets its memory
 *   oom.c       what a pool does when the machine is out of memory
 *   registry.c  the pools there are, by name, from the first who wants one to the last
 */
#ifndef ZCPOOL_POOL_H
#define ZCPOOL_POOL_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/notifier.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/workqueue.h>

#include "../mem/mem.h"
#include "../uapi/zcpool.h"

struct dentry;
struct device;

#define ZCP_MIB(chunks)		((chunks) * (ZCP_CHUNK_SIZE >> 20))

/* Of a pool's name, with what ends it */
#define ZCP_POOL_NAME_SIZE	64

/* Permissions of a pool where nothing is said of them */
#define ZCP_DEFAULT_MODE	0700

/**
 * enum zcp_policy - which nodes a pool has memory on
 * @ZCP_POLICY_LOCAL: any, the nearest to the caller's CPU first
 * @ZCP_POLICY_BIND: those chosen, the nearest first
 * @ZCP_POLICY_PREFER: any, those chosen first
 * @ZCP_POLICY_INTERLEAVE: those chosen, one after the other
 */
enum zcp_policy {
	ZCP_POLICY_LOCAL,
	ZCP_POLICY_BIND,
	ZCP_POLICY_PREFER,
	ZCP_POLICY_INTERLEAVE
};

/**
 * enum zcp_huge - when files with names have whole chunks
 * @ZCP_HUGE_PREFER: where a chunk's range of the file is asked for and one is to be had
 * @ZCP_HUGE_ALWAYS: for all of the file's range, the last part of it included
 * @ZCP_HUGE_NEVER: not; files consist of pages
 */
enum zcp_huge {
	ZCP_HUGE_PREFER,
	ZCP_HUGE_ALWAYS,
	ZCP_HUGE_NEVER
};

/**
 * enum zcp_option - what can be set of a pool
 * @ZCP_OPT_NODES: nodes chosen
 * @ZCP_OPT_RESERVE: what is kept on each
 * @ZCP_OPT_MAX: the most to be held
 * @ZCP_OPT_POLICY: what the nodes are for
 * @ZCP_OPT_HUGE: what files are made of
 * @ZCP_OPT_MODE: who may use the pool
 * @ZCP_OPT_UID: whose it is
 * @ZCP_OPT_GID: which group's
 * @ZCP_OPT_USER_MAX: the most that each user may have
 * @ZCP_NR_OPTIONS: how many there are
 */
enum zcp_option {
	ZCP_OPT_NODES,
	ZCP_OPT_RESERVE,
	ZCP_OPT_MAX,
	ZCP_OPT_POLICY,
	ZCP_OPT_HUGE,
	ZCP_OPT_MODE,
	ZCP_OPT_UID,
	ZCP_OPT_GID,
	ZCP_OPT_USER_MAX,
	ZCP_NR_OPTIONS
};

/**
 * struct zcp_settings - what somebody wants of a pool, or what it has
 * @given: bits of enum zcp_option; the others are the defaults
 * @policy: how @nodes are meant
 * @huge: what files with names are made of
 * @max: chunks, at the most
 * @mode: permissions of its root directory, and its device's follow from it
 * @uid: owner of both
 * @gid: group of both
 * @user_max: chunks' worth of memory that each user may have, 0 for what RLIMIT_MEMLOCK allows
 * @same_reserve: @each is the reserve of each of @nodes, now and when they change
 * @each: chunks
 * @nodes: those chosen
 * @reserve: chunks to keep, by node
 */
struct zcp_settings {
	unsigned int given;
	enum zcp_policy policy;
	enum zcp_huge huge;
	unsigned long max;
	umode_t mode;
	kuid_t uid;
	kgid_t gid;
	unsigned long user_max;
	bool same_reserve;
	unsigned long each;
	nodemask_t nodes;
	unsigned long reserve[];
};

/**
 * struct zcp_refusal - what is to be said to whoever wanted something impossible
 * @text: one line, which begins with the name of the option; may be empty
 */
struct zcp_refusal {
	char text[200];
};

/**
 * struct zcp_pool - a named policy and the memory under it
 * @name: of its device node under /dev/zcpool, and source of its mount
 * @ref: held by its mount, by each file of its device, and by each buffer; of the default
 *	pool also by the module
 * @link: on the list of all pools, until the name is free again
 * @ready: others may have it; under the lock of that list
 * @claimed: chunks of the ceiling that its reserve takes up; changed by who makes or ends
 *	the pool, else under @change_lock
 * @end: frees it after the last reference
 * @budget: what its nodes may hold together
 * @mask: NUMA nodes it has a struct zcp_node for, which are all that have memory
 * @nodes: these, by number
 * @chosen: of @mask, those that the policy is about; bits change at any time
 * @policy: which nodes memory is taken from; changes at any time
 * @huge: what files with names are made of; changes at any time
 * @turn: counts what has been taken where nodes take turns
 * @change_lock: keeps those apart who change the pool, which takes them long
 * @settings_lock: protects @settings, inside @change_lock; whoever only reads takes this one,
 *	and needs neither who holds the other; no other lock of ours is taken inside it
 * @settings: what all this comes from
 * @buffers_lock: protects @buffers; no other lock of ours is taken inside it
 * @buffers: whatever is made of its memory, for debugfs
 * @users: who has how much of it
 * @names: how many inodes, and further names of them, its mount has
 * @last_ino: number of the latest inode
 * @oom: its place among those whom the kernel asks when it is out of memory
 * @minor: number of its device
 * @device: the device, or NULL
 * @debugfs: its directory
 */
struct zcp_pool {
	char name[ZCP_POOL_NAME_SIZE];
	struct kref ref;
	struct list_head link;
	bool ready;
	unsigned long claimed;
	struct work_struct end;
	struct zcp_budget budget;
	nodemask_t mask;
	struct zcp_node **nodes;
	nodemask_t chosen;
	enum zcp_policy policy;
	enum zcp_huge huge;
	atomic_t turn;
	struct mutex change_lock;	/* one change at a time */
	struct mutex settings_lock;	/* @settings */
	struct zcp_settings *settings;
	struct mutex buffers_lock;	/* @buffers */
	struct list_head buffers;
	struct zcp_users users;
	atomic_long_t names;
	atomic64_t last_ino;
	struct notifier_block oom;
	int minor;
	struct device *device;
	struct dentry *debugfs;
};

/**
 * struct zcp_pool_ops - what floors above do about pools
 * @add: have user space see one: a device, files in debugfs; may sleep; 0 or an error
 * @change: the same with other permissions; may sleep; 0, or an error and it is as it was
 * @remove: have it seen no more, also after an error of @add; may sleep
 */
struct zcp_pool_ops {
	int (*add)(struct zcp_pool *pool);
	int (*change)(struct zcp_pool *pool, const struct zcp_settings *settings);
	void (*remove)(struct zcp_pool *pool);
};

/**
 * struct zcp_request - one allocation's constraints, from ioctl or mmap to the nodes
 * @pool: from which
 * @owner: whose it is to be
 * @size: bytes
 * @flags: ZCPOOL_ALLOC_*
 * @nid: NUMA node, or the one to be near
 * @bound: nodes beside which there are none, or NULL
 * @exact: @size is not to be rounded up to a whole chunk
 * @zero_later: whole chunks may be zeroed when they are touched first, for others are kept
 *	waiting now
 */
struct zcp_request {
	struct zcp_pool *pool;
	const struct zcp_owner *owner;
	u64 size;
	u32 flags;
	int nid;
	const nodemask_t *bound;
	bool exact;
	bool zero_later;
};

/**
 * struct zcp_walk - somebody asks one node after the other for memory
 * @req: for which request
 * @first: the node that came before all others, or NUMA_NO_NODE
 * @begun: it has been asked
 * @listed: @left is set
 * @left: those that have not been asked
 */
struct zcp_walk {
	const struct zcp_request *req;
	int first;
	bool begun;
	bool listed;
	nodemask_t left;
};

/* ceiling.c */
int zcp_ceiling_set(unsigned long chunks);
void zcp_ceiling_default(unsigned long max);
unsigned long zcp_ceiling_max(void);
struct zcp_budget *zcp_ceiling_budget(void);
bool zcp_ceiling_claim(unsigned long *claimed, unsigned long chunks);

/* params.c */
int __printf(2, 3) zcp_refuse(struct zcp_refusal *why, const char *fmt, ...);
int zcp_parse_size(const char *arg, unsigned long *chunks);
int zcp_parse_option(struct zcp_settings *settings, enum zcp_option option, const char *arg,
		     struct zcp_refusal *why);
const char *zcp_policy_name(enum zcp_policy policy);
const char *zcp_huge_name(enum zcp_huge huge);

/* settings.c */
struct zcp_settings *zcp_settings_create(void);
struct zcp_settings *zcp_settings_merge(const struct zcp_settings *old,
					const struct zcp_settings *given);
unsigned long zcp_settings_reserve(const struct zcp_settings *settings);
enum zcp_policy zcp_settings_policy(unsigned int given);
int zcp_settings_resolve(struct zcp_settings *settings, const struct zcp_settings *old,
			 struct zcp_refusal *why);
int zcp_settings_compare(struct zcp_pool *pool, const struct zcp_settings *given,
			 struct zcp_refusal *why);
void zcp_settings_apply(struct zcp_pool *pool, struct zcp_settings *settings);

/* policy.c */
int zcp_pool_check_node(const struct zcp_pool *pool, u32 nid);
bool zcp_policy_takes_turns(const struct zcp_request *req);
void zcp_policy_turn(struct zcp_request *req);
void zcp_walk_begin(struct zcp_walk *walk, const struct zcp_request *req);
struct zcp_node *zcp_walk_next(struct zcp_walk *walk);

/* oom.c */
int zcp_oom_init(struct zcp_pool *pool);
void zcp_oom_exit(struct zcp_pool *pool);

/* pool.c */
int zcp_pool_init(struct zcp_pool *pool);
int zcp_pool_fill(struct zcp_pool *pool);
void zcp_pool_exit(struct zcp_pool *pool);
int zcp_pool_alloc(const struct zcp_request *req, unsigned long nr_pages,
		   struct zcp_extents *list);
int zcp_pool_could(const struct zcp_request *req, unsigned long pages);
void zcp_pool_free(const struct zcp_owner *owner, struct zcp_extents *list);
void zcp_pool_free_pieces(const struct zcp_owner *owner, const struct zcp_extent *ext,
			  unsigned int nr);
void zcp_pool_untake_pieces(const struct zcp_owner *owner, const struct zcp_extent *ext,
			    unsigned int nr);
void zcp_pool_shatter(const struct zcp_extents *list);
unsigned long zcp_pool_max_names(const struct zcp_pool *pool);
void zcp_pool_info(struct zcp_pool *pool, struct zcpool_info *info);

/* registry.c */
int zcp_registry_init(const struct zcp_pool_ops *ops);
void zcp_registry_exit(void);
struct zcp_pool *zcp_pool_open(const char *name, const struct zcp_settings *given,
			       struct zcp_refusal *why);
struct zcp_pool *zcp_pool_next(struct zcp_pool *pool);
int zcp_pool_set(struct zcp_pool *pool, const struct zcp_settings *given,
		 struct zcp_refusal *why);
bool zcp_pool_try_get(struct zcp_pool *pool);
void zcp_pool_get(struct zcp_pool *pool);
void zcp_pool_put(struct zcp_pool *pool);

#endif /* ZCPOOL_POOL_H */
