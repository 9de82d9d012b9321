/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's fault injection: fail the Nth allocation or user copy of a call,
 * and know which kind it was.
 *
 * /proc/thread-self/fail-nth counts down at each point of any kind that the
 * thread comes to, in whatever part of the kernel. Which kind the fault was of
 * is told by the one "times" that went down: nobody else is failed, because the
 * probability is 0.
 */
#ifndef ZCPOOL_INJECT_H
#define ZCPOOL_INJECT_H

#include "../zcpool_test.h"

#define FAULT_DEBUGFS	"/sys/kernel/debug/"
#define FAULT_TIMES	1000000000L

/* In the order of the report's columns */
enum fault_kind { FAULT_SLAB, FAULT_PAGE, FAULT_COPY, FAULT_KINDS };

#define FAULT_NONE	(-1)

struct inject {
	int nth;			/* the thread's fail-nth */
	long left[FAULT_KINDS];		/* what each "times" said last */
};

static const char *const fault_dirs[FAULT_KINDS] = {
	"failslab", "fail_page_alloc", "fail_usercopy"
};

static inline const char *fault_name(int kind)
{
	return kind < 0 || kind >= FAULT_KINDS ? "none" : fault_dirs[kind];
}

static inline int fault_knob(enum fault_kind kind, const char *name,
			     const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), FAULT_DEBUGFS "%s/%s", fault_dirs[kind], name);
	return put(path, value) ? 0 : -1;
}

static inline long fault_times(int kind)
{
	char path[64], text[32] = "";
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), FAULT_DEBUGFS "%s/times", fault_dirs[kind]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n > 0 ? atol(text) : -1;
}

/* Functions that filters name, and their text as [start, end) */
static struct fault_function {
	const char *name;
	unsigned long start;
	unsigned long end;
} fault_functions[] = {
	{ .name = "__create_object" },
	{ .name = "__set_page_owner" },
	{ .name = "allocate_slab" },
	{ .name = "do_one_initcall" },
	{ .name = "trace_module_notify" },
	{ .name = "jump_label_module_notify" },
};

/* Once in each program, before it forks: it is a long list, sorted but for modules. */
static void __attribute__((constructor)) fault_find_functions(void)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[512], *name;
	unsigned long addr;
	size_t i;

	while (f && fgets(line, sizeof(line), f)) {
		addr = strtoul(line, &name, 16);
		name += 3;
		name[strcspn(name, "\t\n")] = 0;
		for (i = 0; i < ARRAY_SIZE(fault_functions); i++) {
			if (!strcmp(name, fault_functions[i].name))
				fault_functions[i].start = addr;
			else if (!fault_functions[i].end && fault_functions[i].start &&
				 addr > fault_functions[i].start)
				fault_functions[i].end = addr;
		}
	}
	if (f)
		fclose(f);
}

/* NULL if the kernel has no such function */
static inline const struct fault_function *fault_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fault_functions); i++)
		if (!strcmp(name, fault_functions[i].name))
			return fault_functions[i].end ? fault_functions + i : NULL;
	return NULL;
}

/*
 * "require": only what these functions call can fail; "reject": all but that. They
 * are all from one to another as they lie in the kernel, or just one.
 */
static inline int fault_filter_from(enum fault_kind kind, const char *how,
				    const char *first, const char *last)
{
	const struct fault_function *from = fault_find(first), *to = fault_find(last);
	char name[32], text[32];
	int err;

	if (!from || !to || from->start > to->start)
		return -1;
	err = fault_knob(kind, "stacktrace-depth", "32");
	snprintf(name, sizeof(name), "%s-start", how);
	snprintf(text, sizeof(text), "%#lx", from->start);
	err |= fault_knob(kind, name, text);
	snprintf(name, sizeof(name), "%s-end", how);
	snprintf(text, sizeof(text), "%#lx", to->end);
	return err | fault_knob(kind, name, text);
}

static inline int fault_filter(enum fault_kind kind, const char *how,
			       const char *function)
{
	return fault_filter_from(kind, how, function, function);
}

static inline int fault_filter_all(const char *how, const char *first, const char *last)
{
	int kind, err = 0;

	for (kind = 0; kind < FAULT_KINDS; kind++)
		err |= fault_filter_from(kind, how, first, last);
	return err;
}

static inline int fault_filter_none(void)
{
	int kind, err = 0;

	for (kind = 0; kind < FAULT_KINDS; kind++) {
		err |= fault_knob(kind, "reject-end", "0");
		err |= fault_knob(kind, "reject-start", "0");
		err |= fault_knob(kind, "require-start", "0");
		err |= fault_knob(kind, "require-end", "0xffffffffffffffff");
	}
	return err;
}

/*
 * What a call meets varies: the slab allocator wants a page every now and then,
 * the page's owner is noted, in an object of its own if nobody came this way
 * before, and kmemleak notes each object in another. A walk that counts these
 * too can step over a point that it has pushed on by one. Without them, as
 * good as nothing varies. (In the kernel, mm/page_owner.c follows mm/kmemleak.c.)
 */
static inline int fault_filter_noise(void)
{
	return fault_filter_from(FAULT_SLAB, "reject", "__create_object", "__set_page_owner") |
	       fault_filter(FAULT_PAGE, "reject", "allocate_slab");
}

/* Every allocation can fail, also one that may sleep or is for user space. */
static inline int fault_init(void)
{
	char times[16];
	int kind, err = 0;

	snprintf(times, sizeof(times), "%ld", FAULT_TIMES);
	for (kind = 0; kind < FAULT_KINDS; kind++) {
		err |= fault_knob(kind, "probability", "0");
		err |= fault_knob(kind, "interval", "1");
		err |= fault_knob(kind, "times", times);
		err |= fault_knob(kind, "verbose", "0");
		err |= fault_knob(kind, "task-filter", "N");
	}
	err |= fault_filter_none();
	err |= fault_knob(FAULT_SLAB, "ignore-gfp-wait", "N");
	err |= fault_knob(FAULT_SLAB, "cache-filter", "N");
	err |= fault_knob(FAULT_PAGE, "ignore-gfp-wait", "N");
	err |= fault_knob(FAULT_PAGE, "ignore-gfp-highmem", "N");
	err |= fault_knob(FAULT_PAGE, "min-order", "0");
	return err;
}

static inline int inject_open(struct inject *inj)
{
	int kind;

	if (fault_init())
		return -1;
	inj->nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	for (kind = 0; kind < FAULT_KINDS; kind++) {
		inj->left[kind] = fault_times(kind);
		if (inj->left[kind] < 0)
			return -1;
	}
	return inj->nth < 0 ? -1 : 0;
}

/* From here on, the thread's Nth point fails; nothing does if it is 0. */
static inline int inject_begin(const struct inject *inj, unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	return pwrite(inj->nth, text, len, 0) == len ? 0 : -1;
}

/*
 * Which kind has failed since inject_begin(), or FAULT_NONE. To ask is a user
 * copy as well: where that is the one that fails, nothing had failed before. The
 * count that is left over may hit the writing of 0, too.
 */
static inline int inject_end(struct inject *inj)
{
	char text[16] = "";
	bool hit = pread(inj->nth, text, sizeof(text) - 1, 0) > 0 && !atol(text);
	int kind, found = FAULT_NONE;
	long left;

	while (pwrite(inj->nth, "0", 1, 0) != 1)
		;
	for (kind = 0; kind < FAULT_KINDS; kind++) {
		left = fault_times(kind);
		if (hit && left != inj->left[kind])
			found = kind;
		inj->left[kind] = left;
	}
	return found;
}

/* How many points of each kind a path has visited, for the report */
struct tally {
	unsigned int met[FAULT_KINDS];
};

/* A line for the runner, which adds the programs' lines up. */
static inline int tally_report(const struct tally *t, const char *path)
{
	const char *report = getenv("ZCPOOL_FAULT_REPORT");
	FILE *f = fopen(report ? report : "/dev/stderr", "ae");

	if (!f)
		return -1;
	fprintf(f, "%s %u %u %u\n", path, t->met[FAULT_SLAB],
		t->met[FAULT_PAGE], t->met[FAULT_COPY]);
	return fclose(f);
}

/* What an injected failure of a kind may be answered with */
static inline bool fault_errno_fits(int kind, int err)
{
	return err == (kind == FAULT_COPY ? EFAULT : ENOMEM);
}

#endif /* ZCPOOL_INJECT_H */
