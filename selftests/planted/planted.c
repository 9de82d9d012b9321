// SPDX-License-Identifier: GPL-2.0
/*
 * Bugs on purpose, one at a time, for scripts/planted to see that each is noticed.
 *
 * The line that a report must name is marked with the bug's name, which is also
 * that of its function behind plant_. Not for any kernel that is to live on.
 */
#include <linux/gfp.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>

static char *bug = "none";
module_param(bug, charp, 0444);
MODULE_PARM_DESC(bug, "what to do wrong: none, or the name of a mark in the source");

static int plant_none(void)
{
	return 0;
}

/* What the compiler cannot know, or it would warn, or do away with the bug. */
static size_t hidden(size_t n)
{
	OPTIMIZER_HIDE_VAR(n);
	return n;
}

static int plant_kasan_uaf(void)
{
	char *p = kmalloc(64, GFP_KERNEL);
	char *gone = p;

	if (!p)
		return -ENOMEM;
	OPTIMIZER_HIDE_VAR(gone);
	kfree(p);
	WRITE_ONCE(gone[3], 1);		/* bug: kasan_uaf */
	return 0;
}

static int plant_kasan_oob(void)
{
	char *p = kmalloc(60, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	WRITE_ONCE(p[hidden(60)], 1);	/* bug: kasan_oob */
	kfree(p);
	return 0;
}

static int plant_kasan_vmalloc(void)
{
	char *p = vmalloc(60);

	if (!p)
		return -ENOMEM;
	WRITE_ONCE(p[hidden(60)], 1);	/* bug: kasan_vmalloc */
	vfree(p);
	return 0;
}

/* One bit, where KASAN does not look: as by a mapping that is left of a freed page. */
static noinline __no_sanitize_address void flip_bit(char *p)
{
	WRITE_ONCE(*p, *p ^ 1);
}

/* The page that this CPU has freed last is the one that it gets. */
static int plant_poison(void)
{
	unsigned long page;

	migrate_disable();
	page = __get_free_page(GFP_KERNEL);
	free_page(page);
	if (page)
		flip_bit((char *)page);
	page = __get_free_page(GFP_KERNEL);	/* bug: poison */
	free_page(page);
	migrate_enable();
	return page ? 0 : -ENOMEM;
}

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);

static int plant_lockdep(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);

	mutex_lock(&second);
	mutex_lock(&first);		/* bug: lockdep */
	mutex_unlock(&first);
	mutex_unlock(&second);
	return 0;
}

static DEFINE_SPINLOCK(spin);

static int plant_atomic_sleep(void)
{
	spin_lock(&spin);
	might_sleep();			/* bug: atomic_sleep */
	spin_unlock(&spin);
	return 0;
}

static int __rcu *shared_rcu;

static int plant_rcu(void)
{
	return rcu_dereference(shared_rcu) ? -EBUSY : 0;	/* bug: rcu */
}

/* Several, since a stack may happen to keep the last one's address. */
static int plant_kmemleak(void)
{
	unsigned int i;
	void *p;

	for (i = 0; i < 8; i++) {
		p = kzalloc(200, GFP_KERNEL);	/* bug: kmemleak */
		OPTIMIZER_HIDE_VAR(p);
	}
	return 0;
}

static int plant_ubsan(void)
{
	int n = 1;

	n <<= hidden(40);		/* bug: ubsan */
	OPTIMIZER_HIDE_VAR(n);
	return 0;
}

static int plant_list(void)
{
	LIST_HEAD(head);
	struct list_head item, stray;

	list_add(&item, &head);
	INIT_LIST_HEAD(&stray);
	item.next = &stray;
	list_del(&item);		/* bug: list */
	return 0;
}

static int plant_warn(void)
{
	WARN_ON_ONCE(hidden(1));	/* bug: warn */
	return 0;
}

static unsigned int raced;

/* Long enough for one access to be watched while the other CPU makes its own. */
static noinline void plant_kcsan(void)
{
	unsigned int i;

	for (i = 0; i < 3000000; i++) {
		raced++;		/* bug: kcsan */
		barrier();
	}
}

static int racer(void *unused)
{
	plant_kcsan();
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static int plant_race(void)
{
	struct task_struct *task = kthread_run(racer, NULL, "planted");

	if (IS_ERR(task))
		return PTR_ERR(task);
	plant_kcsan();
	return kthread_stop(task);
}

static const struct {
	const char *name;
	int (*plant)(void);
} plants[] = {
	{ "none", plant_none },
	{ "kasan_uaf", plant_kasan_uaf },
	{ "kasan_oob", plant_kasan_oob },
	{ "kasan_vmalloc", plant_kasan_vmalloc },
	{ "poison", plant_poison },
	{ "lockdep", plant_lockdep },
	{ "atomic_sleep", plant_atomic_sleep },
	{ "rcu", plant_rcu },
	{ "kmemleak", plant_kmemleak },
	{ "ubsan", plant_ubsan },
	{ "list", plant_list },
	{ "warn", plant_warn },
	{ "kcsan", plant_race },
};

static int __init planted_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(plants); i++) {
		if (!strcmp(bug, plants[i].name))
			return plants[i].plant();
	}
	return -EINVAL;
}

static void __exit planted_exit(void)
{
}

module_init(planted_init);
module_exit(planted_exit);

MODULE_AUTHOR("The zcpool developers");
MODULE_DESCRIPTION("Bugs on purpose, to see that they are noticed");
MODULE_LICENSE("GPL");
