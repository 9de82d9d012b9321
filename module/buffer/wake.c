// SPDX-License-Identifier: GPL-2.0
/*
 * Waking who waits on a futex in a buffer that has been taken away.
 *
 * No waker can name such a futex any more, and the kernel exports none to modules. But a
 * waiter that is woken for no reason looks at its futex again, and fails with EFAULT. One that
 * waits for a lock with priority inheritance goes back to sleep; it does so, too, if it seems
 * to have a signal.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "buffer.h"

/* The way there is for modules to wake a task only if its sleep can be interrupted */
static bool zcp_wake_interruptible(struct task_struct *task)
{
	struct wait_queue_entry wait = { .private = task };

	return default_wake_function(&wait, TASK_INTERRUPTIBLE, 0, NULL);
}

/*
 * Whether a thread may have looked at a futex, and have yet to fall asleep. It does both with a
 * spinlock held, so it is on a CPU then, unless spinlocks can be preempted.
 */
static bool zcp_may_fall_asleep(const struct task_struct *task)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		return task_is_running(task);
#ifdef CONFIG_SMP
	return READ_ONCE(task->on_cpu);
#else
	return false;
#endif
}

/*
 * Whether it was about to sleep, and was not woken. One that waits for a lock with priority
 * inheritance will not sleep, or not for long, with the flag, which the way back to user space
 * clears. Who waits for a lock of the kernel's own may look much the same.
 */
static bool zcp_wake_thread(struct task_struct *task)
{
	bool may_fall_asleep;

	if (task == current)
		return false;
	may_fall_asleep = zcp_may_fall_asleep(task);
	/* Looked at before it is woken: in between it may fall asleep. */
	smp_mb();
#ifdef CONFIG_RT_MUTEXES
	if (READ_ONCE(task->pi_blocked_on) &&
	    !(READ_ONCE(task->__state) & (TASK_RTLOCK_WAIT | TASK_UNINTERRUPTIBLE)))
		set_tsk_thread_flag(task, TIF_NOTIFY_SIGNAL);
#endif
	return !zcp_wake_interruptible(task) && may_fall_asleep;
}

#ifdef CONFIG_MEMCG
/* The threads of a process, under RCU; the same of all */
static bool zcp_wake_process(struct task_struct *process)
{
	struct task_struct *task;
	bool about_to_sleep = false;

	for_each_thread(process, task)
		about_to_sleep |= zcp_wake_thread(task);
	return about_to_sleep;
}
#endif

static bool zcp_wake_mm(const struct mm_struct *mm)
{
	bool about_to_sleep = false;
	struct task_struct *process;

	rcu_read_lock();
#ifdef CONFIG_MEMCG
	process = rcu_dereference(mm->owner);
	if (process)
		about_to_sleep = zcp_wake_process(process);
#else
	struct task_struct *task;

	for_each_process_thread(process, task) {
		if (READ_ONCE(task->mm) == mm)
			about_to_sleep |= zcp_wake_thread(task);
	}
#endif
	rcu_read_unlock();
	return about_to_sleep;
}

/*
 * Those of all processes that map the buffer, each once, however often it does. Where there is
 * no memory to remember that, it is woken once more.
 */
static bool zcp_wake_all(struct address_space *mapping)
{
	bool about_to_sleep = false;
	struct vm_area_struct *vma;
	struct rb_node *link;
	struct xarray woken;

	xa_init(&woken);
	i_mmap_lock_read(mapping);
	for (link = rb_first_cached(&mapping->i_mmap); link; link = rb_next(link)) {
		vma = rb_entry(link, struct vm_area_struct, shared.rb);
		if (fatal_signal_pending(current))
			break;
		if (xa_insert(&woken, (unsigned long)vma->vm_mm, xa_mk_value(1),
			      GFP_NOWAIT | __GFP_NOWARN) != -EBUSY)
			about_to_sleep |= zcp_wake_mm(vma->vm_mm);
		cond_resched();
	}
	i_mmap_unlock_read(mapping);
	xa_destroy(&woken);
	return about_to_sleep;
}

/**
 * zcp_buffer_wake_sleepers() - wake who may wait on a futex in a buffer
 * @buf: without memory, and so mapped no more
 *
 * A thread that has read its futex before the memory went may not have fallen asleep yet: after
 * a grace period it has.
 *
 * Context: may sleep.
 */
void zcp_buffer_wake_sleepers(struct zcp_buffer *buf)
{
	if (!mapping_mapped(&buf->inode.i_data))
		return;
	if (zcp_wake_all(&buf->inode.i_data)) {
		synchronize_rcu_expedited();
		zcp_wake_all(&buf->inode.i_data);
	}
}
