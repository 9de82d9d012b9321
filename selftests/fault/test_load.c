// SPDX-License-Identifier: GPL-2.0
/*
 * Faults on the way of loading the module, the kernel's loader included. A load
 * that fails leaves nothing; one that succeeds in spite of a fault gives a pool
 * that works, perhaps with less in reserve, which "lost" tells, and unloads.
 *
 * Two functions are left out, trace_module_notify() and jump_label_module_notify():
 * without memory they do what is right, but with a WARN(), which is a panic here.
 */
#include "walk.h"

struct load {
	const char *name;
	const char *params;
	__u64 reserve;		/* of all nodes, in bytes */
	bool loader;		/* fail in the kernel's loader, too */
};

/* Sum of the last column of debugfs' "nodes" */
static long long lost_bytes(void)
{
	unsigned long long lost;
	char text[1024], *at = text;
	long long sum = 0;

	if (pool_bytes(text, sizeof(text)))
		return -1;
	while ((at = strstr(at, "lost "))) {
		if (sscanf(at, "lost %llu", &lost) != 1)
			return -1;
		sum += lost;
		at++;
	}
	return sum;
}

/*
 * The node under /dev, and what debugfs has, may be missing: the driver core and
 * debugfs have no memory, and neither tells the module.
 */
static bool pool_works(struct __test_metadata *_metadata, const struct load *l)
{
	struct zcpool_info pi;
	int pool, buf;
	bool ok;

	pool = exists(POOL_PATH) ? pool_open() : -1;
	if (pool < 0) {
		TH_LOG("loaded without a device node");
		return true;
	}
	ok = !pool_info(pool, -1, &pi) && info_adds_up(&pi) &&
	     pi.reserve_bytes == l->reserve && pi.total_bytes <= l->reserve &&
	     !pi.used_bytes;
	if (exists(DEBUGFS "/nodes"))
		ok &= lost_bytes() == (long long)(l->reserve - pi.total_bytes);
	buf = buf_alloc(pool, CHUNK + PAGE, 0, -1);
	ok &= buf >= 0;
	close(buf);
	close(pool);
	return ok;
}

static void load_step(struct __test_metadata *_metadata, const struct load *l,
		      int err, int kind, unsigned int n)
{
	if (err) {
		EXPECT_TRUE(kind != FAULT_NONE && fault_errno_fits(kind, -err))
			TH_LOG("%s: point %u (%s): errno %d", l->name, n,
			       fault_name(kind), -err);
	} else {
		EXPECT_TRUE(pool_works(_metadata, l))
			TH_LOG("%s: point %u (%s): loaded, and does not work",
			       l->name, n, fault_name(kind));
		ASSERT_EQ(0, module_unload_soon());
	}
	EXPECT_EQ(NULL, module_remains()) {
		TH_LOG("%s: point %u (%s, %d): left: %s", l->name, n,
		       fault_name(kind), err, module_remains());
	}
}

/* Loads with one point failing after the other, as the filters are. */
static void walk_points_load(struct __test_metadata *_metadata, const struct load *l,
			     struct inject *inj, int fd, struct tally *t)
{
	int kind = FAULT_SLAB, err;
	unsigned int n;

	for (n = 1; kind != FAULT_NONE; n++) {
		ASSERT_EQ(0, inject_begin(inj, n));
		err = module_load_fd(fd, l->params);
		kind = inject_end(inj);
		if (kind != FAULT_NONE)
			t->met[kind]++;
		load_step(_metadata, l, err, kind, n);
	}
}

/* First what the module's own functions call, then all that a load comes to */
static void walk_load(struct __test_metadata *_metadata, const struct load *l)
{
	const char *ko = getenv("ZCPOOL_KO");
	int fd = open(ko ? ko : "", O_RDONLY | O_CLOEXEC);
	struct tally t = {};
	struct inject inj;
	unsigned int n;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, inject_open(&inj));
	ASSERT_EQ(0, exists("/sys/module/zcpool") ? module_unload_soon() : 0);
	/* Whatever is only done once has been done. */
	for (n = 0; n < 2; n++) {
		ASSERT_EQ(0, module_load_fd(fd, l->params));
		EXPECT_TRUE(exists(POOL_PATH) && exists(DEBUGFS "/nodes"));
		load_step(_metadata, l, 0, FAULT_NONE, 0);
	}

	ASSERT_EQ(0, fault_filter_noise());
	ASSERT_EQ(0, fault_filter_all("require", "do_one_initcall", "do_one_initcall"));
	walk_points_load(_metadata, l, &inj, fd, &t);
	EXPECT_LT(0, t.met[FAULT_SLAB]);
	EXPECT_TRUE(!l->reserve || t.met[FAULT_PAGE]);

	ASSERT_EQ(0, fault_filter_none());
	if (l->loader) {
		ASSERT_EQ(0, fault_filter_all("reject", "trace_module_notify",
					      "jump_label_module_notify"));
		walk_points_load(_metadata, l, &inj, fd, &t);
		EXPECT_LT(0, t.met[FAULT_COPY]);
	}
	ASSERT_EQ(0, fault_filter_none());
	EXPECT_EQ(0, tally_report(&t, l->name));
}

TEST(load_reserve)
{
	const struct load l = { "load-reserve", "reserve=0:2M,1:6M max=32M", 8 * MIB, false };

	walk_load(_metadata, &l);
}

/* A thousand points, so it takes long. */
TEST(load_all)
{
	const struct load l = { "load", "", 0, true };

	walk_load(_metadata, &l);
}

TEST_HARNESS_MAIN
