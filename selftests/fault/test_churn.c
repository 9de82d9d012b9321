// SPDX-License-Identifier: GPL-2.0
/*
 * Faults at random in all that the module calls, whoever it works for: several
 * threads that make, touch and drop buffers, and the scrubbers, which grow,
 * convert and give back. Allocations fail only where the stack goes through the
 * module. Afterwards all counters are what they were.
 */
#include "walk.h"

#define THREADS		4
#define ROUNDS		100

struct churner {
	pthread_t thread;
	int pool;
	__u32 seed;
	unsigned int made;
	unsigned int refused;
	const char *wrong;
};

static bool refused_rightly(int err, __u32 flags)
{
	return err == ENOMEM || err == ENOSPC ||
	       (err == EAGAIN && flags & ZCPOOL_ALLOC_NOWAIT);
}

/* All of it zero at first; then what was written is there. */
static const char *use(char *p, size_t len, __u32 seed)
{
	if (!all_zero(p, len))
		return "not zero";
	fill(p, len, seed);
	return filled(p, len, seed) ? NULL : "changed";
}

static void churn_mmap(struct churner *c, size_t len)
{
	char *p = mmap(NULL, len, RDWR, MAP_SHARED, c->pool, 0);

	if (p == MAP_FAILED) {
		c->refused++;
		if (!refused_rightly(errno, 0))
			c->wrong = "errno of mmap of the pool";
		return;
	}
	c->made++;
	c->wrong = use(p, len, c->seed);
	munmap(p, len);
}

static void churn_alloc(struct churner *c, size_t len, __u32 flags)
{
	int fd = buf_alloc(c->pool, len, flags, rnd(&c->seed) % 2);
	char *p;

	if (fd < 0) {
		c->refused++;
		if (!refused_rightly(-fd, flags))
			c->wrong = "errno of ALLOC";
		return;
	}
	c->made++;
	p = buf_map(fd, len, 0);
	if (p != MAP_FAILED) {
		c->wrong = use(p, len, c->seed);
		munmap(p, len);
	} else if (errno != ENOMEM) {
		c->wrong = "errno of mmap of a buffer";
	}
	close(fd);
}

static void *churn(void *arg)
{
	static const __u32 flags[] = {
		0, ZCPOOL_ALLOC_HUGE, ZCPOOL_ALLOC_NOWAIT, ZCPOOL_ALLOC_THISNODE
	};
	struct churner *c = arg;
	size_t len;
	int i;

	for (i = 0; i < ROUNDS && !c->wrong; i++) {
		len = rnd(&c->seed) % 3 ? PAGE * (1 + rnd(&c->seed) % 300) :
					  CHUNK * (1 + rnd(&c->seed) % 6);
		if (rnd(&c->seed) % 4)
			churn_alloc(c, len, flags[rnd(&c->seed) % 4]);
		else
			churn_mmap(c, len);
	}
	return NULL;
}

/* Where the module's code is; the address is the root user's to read. */
static int module_text(char *start, char *end, size_t room)
{
	char text[64];
	unsigned long addr, size;

	if (slurp("/sys/module/zcpool/sections/.text", text, sizeof(text)) < 0 ||
	    sscanf(text, "%lx", &addr) != 1 ||
	    slurp("/sys/module/zcpool/coresize", text, sizeof(text)) < 0 ||
	    sscanf(text, "%lu", &size) != 1)
		return -1;
	snprintf(start, room, "%#lx", addr);
	snprintf(end, room, "%#lx", addr + size);
	return 0;
}

/* Have a kind fail only below one function of the module, which is loaded. */
static int fails_below(enum fault_kind kind, const char *function)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	unsigned long addr, from = 0, to = ~0UL;
	char name[128], end[32], start[32];
	int pass;

	/* It ends where the next one begins. */
	for (pass = 0; f && pass < 2; pass++) {
		rewind(f);
		while (fscanf(f, "%lx %*c %127s%*[^\n]", &addr, name) >= 2) {
			if (!pass && !strcmp(name, function))
				from = addr;
			else if (pass && addr > from && addr < to)
				to = addr;
		}
	}
	if (f)
		fclose(f);
	if (!from)
		return -1;
	snprintf(start, sizeof(start), "%#lx", from);
	snprintf(end, sizeof(end), "%#lx", to);
	return fault_knob(kind, "require-start", start) | fault_knob(kind, "require-end", end);
}

/* One in ten allocations with the module in their stack fails, of any thread. */
static int faults_begin(void)
{
	char start[32], end[32];
	int kind, err;

	err = module_text(start, end, sizeof(start));
	for (kind = FAULT_SLAB; kind <= FAULT_PAGE; kind++) {
		err |= fault_knob(kind, "stacktrace-depth", "32");
		err |= fault_knob(kind, "require-start", start);
		err |= fault_knob(kind, "require-end", end);
		err |= fault_knob(kind, "probability", "10");
	}
	return err;
}

static int faults_end(void)
{
	int kind, err = 0;

	for (kind = FAULT_SLAB; kind <= FAULT_PAGE; kind++)
		err |= fault_knob(kind, "probability", "0");
	err |= fault_filter_none();
	return err;
}

/* What may fail when a small allocation has a whole chunk exchanged for a split one */
struct shortage {
	int (*begin)(void);
	struct zcpool_info before;
	struct zcpool_info after;
	int pool;
};

static void alloc_in(struct __test_metadata *_metadata, struct shortage *s)
{
	struct inject inj;
	int fd;

	ASSERT_EQ(0, inject_open(&inj));
	ASSERT_EQ(0, module_want("reserve=2M max=16M"));
	s->pool = pool_open();
	ASSERT_LE(0, s->pool);
	ASSERT_EQ(0, pool_wait_idle(s->pool, &s->before));

	ASSERT_EQ(0, faults_begin());
	ASSERT_EQ(0, fault_knob(FAULT_PAGE, "probability", "100"));
	ASSERT_EQ(0, s->begin());
	fd = buf_alloc(s->pool, PAGE, ZCPOOL_ALLOC_THISNODE, 0);
	EXPECT_EQ(0, pool_info(s->pool, -1, &s->after));
	ASSERT_EQ(0, faults_end());
	ASSERT_EQ(0, fault_knob(FAULT_PAGE, "min-order", "0"));
	EXPECT_EQ(-ENOMEM, fd);
	close(fd);
}

static void end(struct __test_metadata *_metadata, const struct shortage *s)
{
	close(s->pool);
	ASSERT_EQ(0, module_unload_soon());
}

/* What describes a chunk is not to be had, but what describes the buffer */
static int no_descriptions(void)
{
	return fails_below(FAULT_SLAB, "zcp_search_refill") |
	       fault_knob(FAULT_SLAB, "probability", "100");
}

/* Only the chunk itself is not. */
static int no_chunks(void)
{
	return fault_knob(FAULT_SLAB, "probability", "0") |
	       fault_knob(FAULT_PAGE, "min-order", "9");
}

/*
 * Where there is memory neither for a chunk nor for what describes one, it fails, and no chunk is
 * lost by that.
 */
TEST(exchange_loses_nothing)
{
	struct shortage s = { .begin = no_descriptions };

	alloc_in(_metadata, &s);
	EXPECT_EQ(s.before.total_bytes, s.after.total_bytes);
	end(_metadata, &s);
}

/*
 * Else the old one is put at stake, to make room, and is lost. It comes back when the kernel has
 * some again.
 */
TEST(exchange_is_regained)
{
	struct shortage s = { .begin = no_chunks };

	alloc_in(_metadata, &s);
	EXPECT_EQ(s.before.total_bytes - CHUNK, s.after.total_bytes);
	EXPECT_EQ(0, pool_wait_reserve(s.pool, -1, 0, &s.after));
	end(_metadata, &s);
}

/* A scrubber gets lost reserve back when it next has something to do. */
static bool comes_to_rest(int pool, const char *rest, char *now, size_t room)
{
	int i, node, buf;

	for (i = 0; i < 200; i++) {
		for (node = 0; node < 2; node++) {
			buf = buf_alloc(pool, PAGE, ZCPOOL_ALLOC_THISNODE, node);
			close(buf);
		}
		usleep(200000);
		if (!pool_bytes(now, room) && !strcmp(rest, now))
			return true;
	}
	return false;
}

TEST(random_faults)
{
	struct churner c[THREADS] = {};
	char rest[1024], now[1024];
	unsigned int made = 0, refused = 0;
	struct zcpool_info pi;
	struct inject inj;
	struct tally t = {};
	int pool, i, fds;

	ASSERT_EQ(0, inject_open(&inj));
	ASSERT_EQ(0, module_want("reserve=8M max=32M"));
	pool = pool_open();
	ASSERT_LE(0, pool);
	ASSERT_EQ(0, pool_wait_idle(pool, &pi));
	ASSERT_EQ(0, pool_bytes(rest, sizeof(rest)));
	fds = count_fds();

	ASSERT_EQ(0, faults_begin());
	for (i = 0; i < THREADS; i++) {
		c[i].pool = pool;
		c[i].seed = i + 1;
		ASSERT_EQ(0, pthread_create(&c[i].thread, NULL, churn, &c[i]));
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(c[i].thread, NULL);
		EXPECT_EQ(NULL, c[i].wrong) {
			TH_LOG("thread %d: %s", i, c[i].wrong);
		}
		made += c[i].made;
		refused += c[i].refused;
	}
	ASSERT_EQ(0, faults_end());
	for (i = 0; i < FAULT_KINDS; i++)
		t.met[i] = inj.left[i] - fault_times(i);
	TH_LOG("%u buffers made, %u refused", made, refused);
	EXPECT_LT(0, made);
	EXPECT_LT(0, refused);
	EXPECT_LT(0, t.met[FAULT_SLAB]);
	EXPECT_LT(0, t.met[FAULT_PAGE]);

	EXPECT_TRUE(comes_to_rest(pool, rest, now, sizeof(now))) {
		TH_LOG("%s -> %s", rest, now);
	}
	EXPECT_EQ(1, count_lines(DEBUGFS "/buffers"));
	EXPECT_EQ(fds, count_fds());
	close(pool);
	ASSERT_EQ(0, module_unload_soon());
	EXPECT_EQ(NULL, module_remains());
	EXPECT_EQ(0, tally_report(&t, "churn"));
}

TEST_HARNESS_MAIN
