// SPDX-License-Identifier: GPL-2.0
/*
 * One process changes a file by whole pages, others look at it all the time, by mappings and by
 * reading. Of each page two numbers are known: what state it has at least reached, and what
 * state it may have reached by now. Whoever looks takes the first before and the second after;
 * what was seen must be of a state from the one to the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/fd.h"
#include "../lib/system.h"
#include "../lib/take.h"
#include "fsx.h"

#define WATCHED		(2 * CHUNK + 8 * PAGE)
#define WATCHED_PAGES	(WATCHED / PAGE)
#define WORDS		(PAGE / sizeof(__u64))
#define WATCHERS	2

/* Low bits of a state: what one sees there */
enum what {
	IS_ZERO,
	IS_DATA,
	IS_GONE
};

/* Next states: 4 more, with another enum what */
#define WHAT(state)	((state) % 4)
#define NEXT(state)	((state) / 4 * 4 + 4)

/**
 * struct watched - what all processes share
 * @reached: of each page, the state that the last thing done to it has brought
 * @begun: of each page, the one that what is being done to it will bring
 * @is_over: nobody changes anything any more
 * @exact: how often something was seen that could be only one thing, by each watcher
 */
struct watched {
	__u32 reached[WATCHED_PAGES];
	__u32 begun[WATCHED_PAGES];
	bool is_over;
	unsigned int exact[WATCHERS];
};

/**
 * struct actor - one of the processes
 * @w: what they share
 * @is_zcpool: the file is a pool's
 * @fd: the file
 * @map: all of it and more
 * @size: how long it is; of who changes it
 * @seed: of what comes next
 * @data: on their way
 */
struct actor {
	struct watched *w;
	bool is_zcpool;
	int fd;
	char *map;
	size_t size;
	__u32 seed;
	__u64 data[16 * WORDS];
};

static __u64 word_of(size_t page, __u32 state, size_t word)
{
	if (WHAT(state) != IS_DATA)
		return 0;
	return ((__u64)page << 32 | state) * 0x9e3779b97f4a7c15ULL + word * 0xbf58476d1ce4e5b9ULL;
}

/* Each byte from one of two words: a word is not always written at once. */
static bool is_of(__u64 got, __u64 a, __u64 b)
{
	int i;

	for (i = 0; i < 64; i += 8)
		if ((__u8)(got >> i) != (__u8)(a >> i) && (__u8)(got >> i) != (__u8)(b >> i))
			return false;
	return true;
}

/* What is cut off may be seen zeroed before it goes. Of more than two states nothing is known. */
static bool may_be_seen(size_t page, __u32 from, __u32 to, bool is_gone, const __u64 *words,
			size_t first, size_t n)
{
	size_t i;

	if (to / 4 > from / 4 + 1)
		return true;
	if (is_gone)
		return WHAT(from) == IS_GONE || WHAT(to) == IS_GONE;
	if (WHAT(from) == IS_GONE && WHAT(to) == IS_GONE)
		return false;
	for (i = 0; i < n; i++)
		if (!is_of(words[i], word_of(page, from, first + i),
			   word_of(page, to, first + i)))
			return false;
	return true;
}

/* What somebody saw of a page: some words of it, or that it is gone */
struct sight {
	size_t page;
	size_t first;
	size_t nr;
	bool by_map;
	bool is_gone;
};

static void complain(const struct sight *sight, __u32 from, __u32 to, const __u64 *words)
{
	__u64 a, b;
	size_t i;

	printf("# fsx: by %s, page %#zx, states %u.%u to %u.%u: %s\n",
	       sight->by_map ? "mapping" : "reading", sight->page, from / 4, WHAT(from), to / 4,
	       WHAT(to), sight->is_gone ? "gone" : "there");
	for (i = 0; !sight->is_gone && i < sight->nr; i++) {
		a = word_of(sight->page, from, sight->first + i);
		b = word_of(sight->page, to, sight->first + i);
		if (is_of(words[i], a, b))
			continue;
		printf("# fsx: word %zu is %#llx, and was to be %#llx or %#llx\n",
		       sight->first + i, (unsigned long long)words[i], (unsigned long long)a,
		       (unsigned long long)b);
		break;
	}
}

/* Whether it could be seen at all: a page is there as a whole, or not. */
static bool see(struct actor *a, struct sight *sight)
{
	ssize_t got;

	if (sight->by_map) {
		sight->is_gone = !copy_guarded(a->data, a->map + sight->page * PAGE +
					       sight->first * 8, sight->nr * 8);
		return true;
	}
	got = pread(a->fd, a->data, PAGE, sight->page * PAGE);
	sight->is_gone = !got;
	if (!got || got == (ssize_t)PAGE)
		return true;
	printf("# fsx: reading page %#zx gives %zd, %s\n", sight->page, got, strerror(errno));
	return false;
}

static bool look(struct actor *a, int me)
{
	struct sight sight = { .page = rnd(&a->seed) % WATCHED_PAGES, .nr = WORDS };
	struct watched *w = a->w;
	__u32 from, to;

	sight.by_map = rnd(&a->seed) % 3;
	if (sight.by_map && rnd(&a->seed) % 8) {
		sight.first = rnd(&a->seed) % WORDS;
		sight.nr = 1;
	}
	from = __atomic_load_n(&w->reached[sight.page], __ATOMIC_SEQ_CST);
	if (!see(a, &sight))
		return false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	to = __atomic_load_n(&w->begun[sight.page], __ATOMIC_SEQ_CST);
	w->exact[me] += from == to;
	if (may_be_seen(sight.page, from, to, sight.is_gone, a->data, sight.first, sight.nr))
		return true;
	complain(&sight, from, to, a->data);
	return false;
}

/* With the same mapping for a while, and then a new one */
__attribute__((noreturn))
static void watch(struct actor *a, int me)
{
	guard_begin();
	a->map = MAP_FAILED;
	while (!__atomic_load_n(&a->w->is_over, __ATOMIC_ACQUIRE)) {
		if (a->map == MAP_FAILED || !(rnd(&a->seed) % 500)) {
			if (a->map != MAP_FAILED)
				munmap(a->map, WATCHED);
			a->map = mmap(NULL, WATCHED, PROT_READ, MAP_SHARED, a->fd, 0);
		}
		if (a->map == MAP_FAILED || !look(a, me)) {
			fflush(stdout);
			_exit(1);
		}
	}
	_exit(0);
}

static void begin(struct actor *a, const struct range *r, enum what what)
{
	size_t page;

	for (page = r->off / PAGE; page < (r->off + r->len) / PAGE; page++)
		__atomic_store_n(&a->w->begun[page], NEXT(a->w->begun[page]) + what,
				 __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void done(struct actor *a, const struct range *r)
{
	size_t page;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (page = r->off / PAGE; page < (r->off + r->len) / PAGE; page++)
		__atomic_store_n(&a->w->reached[page], a->w->begun[page], __ATOMIC_SEQ_CST);
}

/* Pages of the file; false if it has none. */
static bool some_pages(struct actor *a, size_t most, struct range *r)
{
	if (!a->size)
		return false;
	r->off = rnd(&a->seed) % (a->size / PAGE) * PAGE;
	r->len = min_of((1 + rnd(&a->seed) % most) * PAGE, a->size - r->off);
	if (most > WATCHED_PAGES) {
		r->off = r->off / CHUNK * CHUNK;
		r->len = min_of(CHUNK, a->size - r->off);
	}
	return true;
}

static bool change_data(struct actor *a)
{
	struct range r;
	size_t i;

	if (!some_pages(a, 16, &r))
		return true;
	begin(a, &r, IS_DATA);
	for (i = 0; i < r.len / 8; i++)
		a->data[i] = word_of(r.off / PAGE + i / WORDS,
				     a->w->begun[r.off / PAGE + i / WORDS], i % WORDS);
	if (rnd(&a->seed) % 2) {
		if (pwrite(a->fd, a->data, r.len, r.off) != (ssize_t)r.len)
			return false;
	} else if (!copy_guarded(a->map + r.off, a->data, r.len)) {
		return false;
	}
	done(a, &r);
	return true;
}

/* By one of three ways, if the file system has it */
static bool change_to_zero(struct actor *a, size_t most)
{
	int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	struct range r;

	if (!some_pages(a, most, &r))
		return true;
	begin(a, &r, IS_ZERO);
	if (rnd(&a->seed) % 3 == 0) {
		if (madvise(a->map + r.off, r.len, MADV_REMOVE))
			return false;
	} else if (rnd(&a->seed) % 2 || fallocate(a->fd, FALLOC_FL_ZERO_RANGE, r.off, r.len)) {
		if (fallocate(a->fd, mode, r.off, r.len))
			return false;
	}
	done(a, &r);
	return true;
}

/* What is behind the end stays gone. */
static bool change_size(struct actor *a)
{
	size_t size = (1 + rnd(&a->seed) % WATCHED_PAGES) * PAGE;
	struct range r = { min_of(size, a->size), 0 };

	if (rnd(&a->seed) % 3 == 0)
		size = WATCHED;
	r.off = min_of(size, a->size);
	r.len = max_of(size, a->size) - r.off;
	begin(a, &r, size < a->size ? IS_GONE : IS_ZERO);
	if (ftruncate(a->fd, size))
		return false;
	done(a, &r);
	a->size = size;
	return true;
}

/* What changes nothing that can be seen */
static bool change_nothing(struct actor *a)
{
	struct range r;
	int err;

	if (!some_pages(a, 600, &r))
		return true;
	if (a->is_zcpool && rnd(&a->seed) % 2) {
		err = buf_migrate(a->fd, rnd(&a->seed) % 2);
		return !err || err == -EBUSY || err == -ENOMEM || err == -ENOSPC || err == -EINVAL;
	}
	if (rnd(&a->seed) % 2)
		return !madvise(a->map + r.off, r.len, MADV_DONTNEED);
	return !fallocate(a->fd, 0, r.off, r.len);
}

static bool change(struct actor *a)
{
	switch (rnd(&a->seed) % 16) {
	case 0 ... 7:
		return change_data(a);
	case 8 ... 10:
		return change_to_zero(a, 8);
	case 11:
		return change_to_zero(a, WATCHED_PAGES + 1);
	case 12 ... 13:
		return change_nothing(a);
	default:
		return change_size(a);
	}
}

static int change_all_the_time(struct actor *a, unsigned int steps)
{
	struct span span = span_begin(steps);
	int wrong = 0;

	guard_begin();
	a->map = mmap(NULL, WATCHED, PROT_READ | PROT_WRITE, MAP_SHARED, a->fd, 0);
	if (a->map == MAP_FAILED)
		return 1;
	while (!wrong && !span_is_over(&span)) {
		if (!change(a)) {
			printf("# fsx: a change of the file that is looked at: %s\n",
			       strerror(errno));
			wrong = 1;
		}
	}
	munmap(a->map, WATCHED);
	return wrong;
}

static struct watched *make_watched(void)
{
	struct watched *w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	size_t i;

	for (i = 0; w != MAP_FAILED && i < WATCHED_PAGES; i++) {
		w->reached[i] = IS_GONE;
		w->begun[i] = IS_GONE;
	}
	return w == MAP_FAILED ? NULL : w;
}

int fsx_watched(const struct mounted *where, __u32 seed, unsigned int steps)
{
	struct actor a = { .w = make_watched(), .is_zcpool = where->is_zcpool, .seed = seed };
	pid_t pids[WATCHERS];
	int wrong, i;

	a.fd = open(where->dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (!a.w || a.fd < 0) {
		printf("# fsx: a file to look at: %s\n", strerror(errno));
		return 1;
	}
	fflush(stdout);
	for (i = 0; i < WATCHERS; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			a.seed += i + 1;
			a.fd = reopen(a.fd, O_RDONLY);
			watch(&a, i);
		}
	}
	wrong = change_all_the_time(&a, steps);
	__atomic_store_n(&a.w->is_over, true, __ATOMIC_RELEASE);
	for (i = 0; i < WATCHERS; i++) {
		wrong |= child_status(pids[i]) != 0;
		if (a.w->exact[i] < 10) {
			printf("# fsx: watcher %d saw next to nothing\n", i);
			wrong = 1;
		}
	}
	if (wrong)
		printf("# fsx: ZCPOOL_TEST_SEED=%u\n", seed - 3000);
	munmap(a.w, sizeof(*a.w));
	close(a.fd);
	return wrong;
}
