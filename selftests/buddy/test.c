// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/mem/buddy.c: each promise of its comments by itself, then random
 * calls against a naive model. Prints TAP.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model.h"
#include "random.h"

/* The chunk that most tests work on, and how it was before a call that is refused */
static struct zcp_buddy b, before;

/* The chunk of the tests that have the model say what is right */
static struct model m;

/* Whether the running test has failed: only its first failure is printed. */
static bool test_failed;

static bool check(bool ok, const char *what, int line)
{
	if (!ok && !test_failed) {
		printf("# line %d: not so: %s\n", line, what);
		test_failed = true;
	}
	return ok;
}

static void check_model(bool ok, const char *what, int line)
{
	if (!ok && m.fault[0] && !test_failed)
		printf("# %s: %s\n", m.call, m.fault);
	check(ok, what, line);
}

#define CHECK(cond) check(cond, #cond, __LINE__)

/* As CHECK, of a call on m: the buddy and the model agree. */
#define MODEL(call) check_model(call, #call, __LINE__)

/* The call, on b, gives this error and has changed nothing. */
#define REFUSED(call, err) do {						\
	before = b;							\
	CHECK((call) == (err));						\
	CHECK(!memcmp(&before, &b, sizeof(b)));				\
} while (0)

/* Of the random calls */
static u64 seed;
static unsigned long nr_calls = 10000000;

static void test_size(void)
{
	CHECK(sizeof(struct zcp_buddy) <= 400);
}

static void test_init(void)
{
	unsigned int order, idx;

	memset(&b, 0xff, sizeof(b));
	zcp_buddy_init(&b);
	CHECK(zcp_buddy_nr_free(&b) == 512);
	CHECK(zcp_buddy_max_free(&b) == 8);
	CHECK(zcp_buddy_count(&b, 8) == 2);
	for (order = 0; order < 8; order++)
		CHECK(zcp_buddy_count(&b, order) == 0);
	for (idx = 0; idx < 512; idx++)
		CHECK(zcp_buddy_order(&b, idx) == -EINVAL);
}

static void test_alloc_place(void)
{
	zcp_buddy_init(&b);
	CHECK(zcp_buddy_alloc(&b, 0) == 0);
	/* The smallest that fits, not the first: page 1 for one, 2 for two. */
	CHECK(zcp_buddy_alloc(&b, 1) == 2);
	CHECK(zcp_buddy_alloc(&b, 2) == 4);
	CHECK(zcp_buddy_alloc(&b, 0) == 1);
	CHECK(zcp_buddy_alloc(&b, 0) == 8);
	CHECK(zcp_buddy_alloc(&b, 8) == 256);
	CHECK(zcp_buddy_alloc(&b, 7) == 128);
	CHECK(zcp_buddy_alloc(&b, 3) == 16);
	CHECK(zcp_buddy_order(&b, 16) == 3);
	/* Of two free blocks of an order, the lower. */
	CHECK(zcp_buddy_free(&b, 4, 2) == 0);
	CHECK(zcp_buddy_free(&b, 2, 1) == 0);
	CHECK(zcp_buddy_alloc(&b, 1) == 2);
	CHECK(zcp_buddy_alloc(&b, 2) == 4);
	/* 9 | 10, 11 | 12 to 15 | 24 to 31 | 32 to 63 | 64 to 127 are left. */
	CHECK(zcp_buddy_nr_free(&b) == 1 + 2 + 4 + 8 + 32 + 64);
	CHECK(zcp_buddy_alloc(&b, 4) == 32);
	CHECK(zcp_buddy_alloc(&b, 3) == 24);
	CHECK(zcp_buddy_alloc(&b, 3) == 48);
}

static void test_alloc_errors(void)
{
	unsigned int order, i;

	zcp_buddy_init(&b);
	for (i = 0; i < NR_BAD_ORDERS; i++)
		REFUSED(zcp_buddy_alloc(&b, bad_orders[i]), -EINVAL);

	for (order = 0; order <= 8; order++) {
		zcp_buddy_init(&b);
		for (i = 0; i < 512; i += 1U << order)
			CHECK(zcp_buddy_alloc(&b, order) == (int)i);
		CHECK(zcp_buddy_nr_free(&b) == 0);
		CHECK(zcp_buddy_max_free(&b) == -1);
		for (i = 0; i <= 8; i++) {
			CHECK(zcp_buddy_count(&b, i) == 0);
			REFUSED(zcp_buddy_alloc(&b, i), -ENOMEM);
		}
		/* A wrong order stays wrong when memory is short. */
		REFUSED(zcp_buddy_alloc(&b, 9), -EINVAL);
	}

	/* Half of the pages are free, but no two neighbours. */
	CHECK(zcp_buddy_shatter(&b, 0) == 0);
	CHECK(zcp_buddy_shatter(&b, 256) == 0);
	for (i = 0; i < 512; i += 2)
		CHECK(zcp_buddy_free(&b, i, 0) == 0);
	CHECK(zcp_buddy_nr_free(&b) == 256);
	CHECK(zcp_buddy_max_free(&b) == 0);
	CHECK(zcp_buddy_count(&b, 0) == 256);
	REFUSED(zcp_buddy_alloc(&b, 1), -ENOMEM);
}

/* Cut up to order, all is one again when the pieces are freed, either way round. */
static void coalesces(unsigned int order, bool upwards)
{
	unsigned int i, n = 512 >> order;

	zcp_buddy_init(&b);
	for (i = 0; i < n; i++)
		CHECK(zcp_buddy_alloc(&b, order) >= 0);
	for (i = 0; i < n; i++)
		CHECK(zcp_buddy_free(&b, (upwards ? i : n - 1 - i) << order, order) == 0);
	CHECK(zcp_buddy_nr_free(&b) == 512);
	CHECK(zcp_buddy_max_free(&b) == 8);
	CHECK(zcp_buddy_count(&b, 8) == 2);
	for (i = 0; i < 8; i++)
		CHECK(zcp_buddy_count(&b, i) == 0);
}

static void test_coalesce(void)
{
	unsigned int order;

	for (order = 0; order <= 8; order++) {
		coalesces(order, true);
		coalesces(order, false);
	}
	/* Neighbours that are not buddies stay apart: 1 and 2. */
	zcp_buddy_init(&b);
	CHECK(zcp_buddy_alloc(&b, 2) == 0);
	CHECK(zcp_buddy_shatter(&b, 0) == 0);
	CHECK(zcp_buddy_free(&b, 1, 0) == 0);
	CHECK(zcp_buddy_free(&b, 2, 0) == 0);
	CHECK(zcp_buddy_count(&b, 0) == 2);
	CHECK(zcp_buddy_count(&b, 1) == 0);
	/* And at once: with 0 there are a pair and a single page. */
	CHECK(zcp_buddy_free(&b, 0, 0) == 0);
	CHECK(zcp_buddy_count(&b, 0) == 1);
	CHECK(zcp_buddy_count(&b, 1) == 1);
}

static void test_free_errors(void)
{
	unsigned int order, i;

	/* Nothing is allocated. */
	zcp_buddy_init(&b);
	for (order = 0; order <= 8; order++)
		for (i = 0; i < 512; i++)
			REFUSED(zcp_buddy_free(&b, i, order), -EINVAL);

	/* Blocks of 16 at 0 and 16: every call but two is wrong. */
	CHECK(zcp_buddy_alloc(&b, 4) == 0);
	CHECK(zcp_buddy_alloc(&b, 4) == 16);
	for (order = 0; order <= 8; order++)
		for (i = 0; i < 512; i++)
			if (order != 4 || (i != 0 && i != 16))
				REFUSED(zcp_buddy_free(&b, i, order), -EINVAL);
	for (i = 0; i < NR_BAD_ORDERS; i++)
		REFUSED(zcp_buddy_free(&b, 0, bad_orders[i]), -EINVAL);
	for (order = 0; order <= 8; order++)
		for (i = 0; i < NR_BAD_IDX; i++)
			REFUSED(zcp_buddy_free(&b, bad_idx[i], order), -EINVAL);

	/* Twice, alone and after it has merged. */
	CHECK(zcp_buddy_free(&b, 0, 4) == 0);
	REFUSED(zcp_buddy_free(&b, 0, 4), -EINVAL);
	CHECK(zcp_buddy_free(&b, 16, 4) == 0);
	REFUSED(zcp_buddy_free(&b, 16, 4), -EINVAL);
}

static void test_order(void)
{
	unsigned int order, i;

	for (order = 0; order <= 8; order++) {
		zcp_buddy_init(&b);
		CHECK(zcp_buddy_alloc(&b, order) == 0);
		CHECK(zcp_buddy_order(&b, 0) == (int)order);
		for (i = 1; i < 512; i++)
			CHECK(zcp_buddy_order(&b, i) == -EINVAL);
	}
	for (i = 0; i < NR_BAD_IDX; i++)
		CHECK(zcp_buddy_order(&b, bad_idx[i]) == -EINVAL);
}

/* Pages 0 to npages - 1 are blocks of descending order, the others free. Frees them. */
static void check_cut(struct zcp_buddy *cut, unsigned int npages)
{
	unsigned int idx = 0;
	int order = 9, next;

	CHECK(zcp_buddy_nr_free(cut) == 512 - npages);
	while (idx < npages) {
		next = zcp_buddy_order(cut, idx);
		/* Only above 256 pages are there two blocks of an order. */
		if (!CHECK(next >= 0 && (next < order || (next == 8 && idx == 256))))
			return;
		order = next;
		CHECK(zcp_buddy_free(cut, idx, order) == 0);
		idx += 1U << order;
	}
	CHECK(idx == npages);
	CHECK(zcp_buddy_nr_free(cut) == 512);
	CHECK(zcp_buddy_count(cut, 8) == 2);
}

static void test_trim(void)
{
	unsigned int order, npages;

	zcp_buddy_init(&b);
	CHECK(zcp_buddy_alloc(&b, 5) == 0);
	CHECK(zcp_buddy_trim(&b, 0, 17) == 0);
	CHECK(zcp_buddy_order(&b, 0) == 4);
	CHECK(zcp_buddy_order(&b, 16) == 0);
	CHECK(zcp_buddy_nr_free(&b) == 512 - 17);

	for (order = 0; order <= 8; order++) {
		for (npages = 1; npages <= 1U << order; npages++) {
			MODEL(model_init(&m));
			MODEL(model_alloc(&m, order));
			MODEL(model_trim(&m, 0, npages));
			check_cut(&m.b, npages);
		}
	}
}

static void test_trim_errors(void)
{
	unsigned int order, i;

	for (order = 0; order <= 8; order++) {
		zcp_buddy_init(&b);
		REFUSED(zcp_buddy_trim(&b, 0, 1), -EINVAL);
		CHECK(zcp_buddy_alloc(&b, order) == 0);
		REFUSED(zcp_buddy_trim(&b, 0, 0), -EINVAL);
		REFUSED(zcp_buddy_trim(&b, 0, (1U << order) + 1), -EINVAL);
		REFUSED(zcp_buddy_trim(&b, 0, UINT_MAX), -EINVAL);
		for (i = 1; i < 512; i++)
			REFUSED(zcp_buddy_trim(&b, i, 1), -EINVAL);
		for (i = 0; i < NR_BAD_IDX; i++)
			REFUSED(zcp_buddy_trim(&b, bad_idx[i], 1), -EINVAL);
	}
}

static void test_shatter(void)
{
	unsigned int order, i;

	for (order = 0; order <= 8; order++) {
		zcp_buddy_init(&b);
		CHECK(zcp_buddy_alloc(&b, 8) == 0);
		CHECK(zcp_buddy_alloc(&b, order) == 256);
		CHECK(zcp_buddy_shatter(&b, 256) == 0);
		CHECK(zcp_buddy_order(&b, 0) == 8);
		CHECK(zcp_buddy_nr_free(&b) == 256 - (1U << order));
		if (order)
			REFUSED(zcp_buddy_free(&b, 256, order), -EINVAL);
		/* Odd pages first, so that none of them can merge. */
		for (i = 1; i < 1U << order; i += 2)
			CHECK(zcp_buddy_free(&b, 256 + i, 0) == 0);
		for (i = 0; i < 1U << order; i += 2)
			CHECK(zcp_buddy_free(&b, 256 + i, 0) == 0);
		CHECK(zcp_buddy_count(&b, 8) == 1);
		CHECK(zcp_buddy_free(&b, 0, 8) == 0);
		CHECK(zcp_buddy_count(&b, 8) == 2);
	}
}

static void test_shatter_errors(void)
{
	unsigned int i;

	zcp_buddy_init(&b);
	REFUSED(zcp_buddy_shatter(&b, 0), -EINVAL);
	CHECK(zcp_buddy_alloc(&b, 6) == 0);
	for (i = 1; i < 512; i++)
		REFUSED(zcp_buddy_shatter(&b, i), -EINVAL);
	for (i = 0; i < NR_BAD_IDX; i++)
		REFUSED(zcp_buddy_shatter(&b, bad_idx[i]), -EINVAL);
}

static void test_alloc_all(void)
{
	unsigned int npages;

	for (npages = 1; npages <= 512; npages++) {
		MODEL(model_init(&m));
		MODEL(model_alloc_all(&m, npages));
		check_cut(&m.b, npages);
	}
}

static void test_alloc_all_errors(void)
{
	unsigned int idx, i;

	zcp_buddy_init(&b);
	REFUSED(zcp_buddy_alloc_all(&b, 0), -EINVAL);
	REFUSED(zcp_buddy_alloc_all(&b, 513), -EINVAL);
	REFUSED(zcp_buddy_alloc_all(&b, UINT_MAX), -EINVAL);

	/* One page is enough, wherever it is. */
	for (idx = 0; idx < 512; idx++) {
		zcp_buddy_init(&b);
		CHECK(zcp_buddy_alloc_all(&b, 512) == 0);
		CHECK(zcp_buddy_shatter(&b, 0) == 0);
		CHECK(zcp_buddy_shatter(&b, 256) == 0);
		for (i = 0; i < 512; i++)
			if (i != idx)
				CHECK(zcp_buddy_free(&b, i, 0) == 0);
		REFUSED(zcp_buddy_alloc_all(&b, 1), -ENOMEM);
		REFUSED(zcp_buddy_alloc_all(&b, 512), -ENOMEM);
		REFUSED(zcp_buddy_alloc_all(&b, 513), -EINVAL);
		CHECK(zcp_buddy_free(&b, idx, 0) == 0);
		CHECK(zcp_buddy_alloc_all(&b, 512) == 0);
	}
}

static void test_counts(void)
{
	unsigned int order, i;

	zcp_buddy_init(&b);
	CHECK(zcp_buddy_alloc(&b, 8) == 0);
	CHECK(zcp_buddy_alloc(&b, 0) == 256);
	for (order = 0; order < 8; order++)
		CHECK(zcp_buddy_count(&b, order) == 1);
	CHECK(zcp_buddy_count(&b, 8) == 0);
	CHECK(zcp_buddy_nr_free(&b) == 255);
	for (i = 0; i < NR_BAD_ORDERS; i++)
		CHECK(zcp_buddy_count(&b, bad_orders[i]) == 0);
	for (order = 8; order > 0; order--) {
		CHECK(zcp_buddy_max_free(&b) == (int)order - 1);
		CHECK(zcp_buddy_alloc(&b, order - 1) > 256);
	}
	CHECK(zcp_buddy_max_free(&b) == -1);
}

static void test_random(void)
{
	MODEL(random_calls(&m, seed, nr_calls));
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "the struct is at most 400 bytes", test_size },
	{ "init: two free blocks of order 8, whatever was there", test_init },
	{ "alloc: the lowest free block of the smallest order that fits", test_alloc_place },
	{ "alloc: EINVAL above order 8, ENOMEM when nothing fits", test_alloc_errors },
	{ "free: merges buddies at once, at every order", test_coalesce },
	{ "free: EINVAL for what is not an allocated block", test_free_errors },
	{ "order: of allocated blocks only, else EINVAL", test_order },
	{ "trim: every order, every length", test_trim },
	{ "trim: EINVAL", test_trim_errors },
	{ "shatter: every order, freed page by page", test_shatter },
	{ "shatter: EINVAL", test_shatter_errors },
	{ "alloc_all: every length", test_alloc_all },
	{ "alloc_all: EINVAL, ENOMEM when a page is in use", test_alloc_all_errors },
	{ "max_free, nr_free, count", test_counts },
	{ "random calls agree with the model", test_random },
};

static void help(FILE *out)
{
	fprintf(out,
		"usage: buddy_test [-s SEED] [-n CALLS]\n"
		"  -s SEED   of the random calls; from the clock where not given\n"
		"  -n CALLS  how many random calls; default 10000000\n");
}

static u64 parse(const char *text)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-') {
		fprintf(stderr, "buddy_test: '%s' is not a number\n", text);
		exit(2);
	}
	return value;
}

int main(int argc, char **argv)
{
	unsigned int i, n = sizeof(tests) / sizeof(*tests), failed = 0;
	int opt;

	seed = (u64)time(NULL) * 1000003 + (u64)clock();
	while ((opt = getopt(argc, argv, "hs:n:")) != -1) {
		switch (opt) {
		case 'h':
			help(stdout);
			return 0;
		case 's':
			seed = parse(optarg);
			break;
		case 'n':
			nr_calls = parse(optarg);
			break;
		default:
			help(stderr);
			return 2;
		}
	}

	printf("TAP version 13\n1..%u\n# seed %llu, %lu random calls, longs of %zu bits\n", n,
	       (unsigned long long)seed, nr_calls, sizeof(long) * CHAR_BIT);
	for (i = 0; i < n; i++) {
		test_failed = false;
		tests[i].run();
		failed += test_failed;
		printf("%s %u - %s\n", test_failed ? "not ok" : "ok", i + 1, tests[i].name);
		fflush(stdout);
	}
	return failed ? 1 : 0;
}
