// SPDX-License-Identifier: GPL-2.0
/* module: reserve=64M max=192M */
/* timeout: 900 */
/*
 * All ways to take a buffer away, against all ways to use one, for a while: 6 s, or as many as
 * ZCPOOL_TEST_SECONDS says.
 *
 * There are some places for buffers, each with a byte of its own, the only one that anybody
 * ever writes there. So all that is read in a place is that byte or zero; anything else is
 * somebody else's memory. A place is a descriptor, which dup2() gives another buffer at once:
 * whoever uses it, without any lock, has the old one or the new one.
 */
#include "zcpool_test.h"
#include "lib/async.h"
#include <linux/futex.h>
#include <setjmp.h>
#include <time.h>

#define PLACES		6
#define FIRST_FD	200
#define TAG(place)	((char)(0x11 * ((place) + 1)))
#define MOST		(2 * CHUNK)

static const size_t sizes[PLACES] = {
	PAGE, 16 * PAGE, CHUNK, CHUNK + 3 * PAGE, 2 * CHUNK, 40 * PAGE,
};

struct actor {
	int pool;
	int file;		/* for direct I/O: MOST bytes for each place; -1 without a disk */
	const char *path;	/* of a file of /proc, for who reads one */
	__u32 seed;
	unsigned long taken;	/* how often it has been done, by who takes away */
	bool wrong;
	bool failed;
};

static volatile bool over;

static int place_of(struct actor *a)
{
	return rnd(&a->seed) % PLACES;
}

static int fd_of(int place)
{
	return FIRST_FD + place;
}

static void put_in(int place, int fd)
{
	if (fd < 0)
		return;
	dup2(fd, fd_of(place));
	close(fd);
}

static void check(struct actor *a, int place, const char *p, ssize_t n)
{
	for (; n > 0; n--, p++)
		if (*p && *p != TAG(place))
			a->wrong = true;
}

/* SIGBUS in a mapping of a buffer that has been taken away is what is to be expected. */
static __thread bool is_guarded;
static __thread sigjmp_buf back;

static void on_sigbus(int sig)
{
	if (!is_guarded)
		abort();
	siglongjmp(back, 1);
}

static bool copy_safely(void *to, const void *from, size_t n)
{
	is_guarded = true;
	if (sigsetjmp(back, 1)) {
		is_guarded = false;
		return false;
	}
	memcpy(to, from, n);
	is_guarded = false;
	return true;
}

static char *map_place(int place, int prot, int flags)
{
	char *p = mmap(NULL, sizes[place], prot, flags, fd_of(place), 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Who takes away: one step each */
static void move(struct actor *a)
{
	int place = place_of(a), fd = buf_move(fd_of(place));

	if (fd < 0 && fd != -ESTALE && fd != -EBUSY)
		a->failed = true;
	a->taken += fd >= 0;
	put_in(place, fd);
}

static void new_buffer(struct actor *a, int place)
{
	int fd = buf_alloc(a->pool, sizes[place], 0, -1);

	if (fd < 0 && fd != -ENOSPC && fd != -ENOMEM)
		a->failed = true;
	put_in(place, fd);
}

static void revoke_one(struct actor *a)
{
	int place = place_of(a);
	long pinned = buf_revoke(fd_of(place), rnd(&a->seed) % 3);

	/* Moved meanwhile, or sealed: then it is replaced all the same. */
	if (pinned < 0 && pinned != -ESTALE && pinned != -EBUSY)
		a->failed = true;
	a->taken += pinned >= 0;
	new_buffer(a, place);
}

/* But not so that it cannot be revoked: then who waits in it could not be helped. */
static void seal(struct actor *a)
{
	static const __u32 seals[] = {
		ZCPOOL_SEAL_WRITE, ZCPOOL_SEAL_FUTURE_WRITE, ZCPOOL_SEAL_SEAL,
	};
	int ret = buf_seal(fd_of(place_of(a)), seals[rnd(&a->seed) % ARRAY_SIZE(seals)]);

	if (ret < 0 && ret != -ESTALE && ret != -EBUSY && ret != -EPERM)
		a->failed = true;
	a->taken += ret >= 0;
	usleep(20000);
}

static void migrate(struct actor *a)
{
	int ret = buf_migrate(fd_of(place_of(a)), rnd(&a->seed) % 2);

	if (ret && ret != -ESTALE && ret != -EBUSY && ret != -EINVAL && ret != -ENOSPC &&
	    ret != -ENOMEM)
		a->failed = true;
	a->taken += !ret;
}

/* Who uses it */
static void write_and_read(struct actor *a)
{
	int flags = rnd(&a->seed) % 4 ? MAP_SHARED : MAP_PRIVATE, place = place_of(a);
	size_t at = rnd(&a->seed) % (sizes[place] / PAGE) * PAGE;
	char *p = map_place(place, RDWR, flags), page[PAGE];

	if (!p)
		return;
	memset(page, TAG(place), PAGE);
	copy_safely(p + at, page, PAGE);
	if (copy_safely(page, p + (at + sizes[place] / 2) % sizes[place] / PAGE * PAGE, PAGE))
		check(a, place, page, PAGE);
	munmap(p, sizes[place]);
}

static void by_the_file(struct actor *a)
{
	int place = place_of(a);
	char page[PAGE];
	off_t at = rnd(&a->seed) % sizes[place];

	memset(page, TAG(place), PAGE);
	pwrite(fd_of(place), page, rnd(&a->seed) % PAGE, at);
	check(a, place, page, pread(fd_of(place), page, PAGE, at));
}

static void by_a_pipe(struct actor *a)
{
	int fds[2], place = place_of(a);
	char *p = map_place(place, PROT_READ, MAP_SHARED), page[PAGE];

	if (!p)
		return;
	if (!pipe(fds)) {
		if (gift(fds[1], p, PAGE) == (ssize_t)PAGE)
			check(a, place, page, read(fds[0], page, PAGE));
		close(fds[0]);
		close(fds[1]);
	}
	munmap(p, sizes[place]);
}

static void by_process_vm(struct actor *a)
{
	static char zero[MOST];
	int place = place_of(a);
	char *p = map_place(place, RDWR, MAP_SHARED), page[PAGE];
	struct iovec mine = { page, PAGE }, its = { p, PAGE };

	if (!p)
		return;
	check(a, place, page, process_vm_readv(getpid(), &mine, 1, &its, 1, 0));
	its.iov_len = sizes[place];
	mine = (struct iovec){ zero, sizes[place] };
	process_vm_writev(getpid(), &mine, 1, &its, 1, 0);
	munmap(p, sizes[place]);
}

static void by_direct_io(struct actor *a)
{
	int place = place_of(a);
	off_t off = (off_t)place * MOST;
	char *p = map_place(place, RDWR, MAP_SHARED);

	if (!p)
		return;
	pread(a->file, p, sizes[place], off);
	pwrite(a->file, p, sizes[place], off);
	munmap(p, sizes[place]);
}

static void by_a_ring(struct actor *a)
{
	int place = place_of(a);
	char *p = map_place(place, RDWR, MAP_SHARED);
	struct ring ring;

	if (!p)
		return;
	if (ring_open(&ring)) {
		if (a->file >= 0 && place == 0 && !ring_register(&ring, p, sizes[place]))
			ring_read(&ring, a->file, p, sizes[place]);
		ring_close(&ring);
	}
	munmap(p, sizes[place]);
}

static void by_a_child(struct actor *a)
{
	int place = place_of(a), status;
	char *p = map_place(place, RDWR, MAP_SHARED);
	pid_t pid;

	if (!p)
		return;
	pid = fork();
	if (!pid) {
		signal(SIGBUS, SIG_DFL);
		memset(p, TAG(place), sizes[place]);
		_exit(0);
	}
	if (rnd(&a->seed) % 4 == 0)
		kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	munmap(p, sizes[place]);
}

static void change_mapping(struct actor *a)
{
	int place = place_of(a);
	size_t half = (sizes[place] / 2 + PAGE - 1) / PAGE * PAGE;
	char *p = map_place(place, RDWR, MAP_SHARED), *q, byte = TAG(place);

	if (!p)
		return;
	mprotect(p, half, PROT_READ);
	copy_safely(&byte, p, 1);
	check(a, place, &byte, 1);
	madvise(p, sizes[place], rnd(&a->seed) % 2 ? MADV_DONTNEED : MADV_POPULATE_READ);
	q = mremap(p, half, half, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
	if (q != MAP_FAILED)
		munmap(q, half);
	/* In two parts, and neither twice: another thread may have mapped something there. */
	munmap(p + sizes[place] - PAGE, PAGE);
	if (sizes[place] > PAGE)
		munmap(p, sizes[place] - PAGE);
}

static void read_proc(struct actor *a)
{
	char all[4096];
	int fd = open(a->path, O_RDONLY | O_CLOEXEC);

	while (read(fd, all, sizeof(all)) > 0)
		;
	close(fd);
}

static void open_for_reading(struct actor *a)
{
	int place = place_of(a), ro = buf_open_ro(fd_of(place));
	char page[PAGE];

	if (ro < 0)
		return;
	check(a, place, page, pread(ro, page, PAGE, 0));
	if (pwrite(ro, page, 1, 0) >= 0)
		a->wrong = true;
	close(ro);
}

/* The word that waiters wait on is zero or, like all else, the tag: for that they do not wait. */
static void wait_on_futex(struct actor *a)
{
	int place = place_of(a);
	char *p = map_place(place, RDWR, MAP_SHARED);

	if (!p)
		return;
	syscall(SYS_futex, p + 64, FUTEX_WAIT, 0, NULL, NULL, 0);
	munmap(p, sizes[place]);
}

static void (*const takers[])(struct actor *a) = { move, revoke_one, seal, migrate };

static void (*const users[])(struct actor *a) = {
	write_and_read, by_the_file, by_a_pipe, by_process_vm, by_direct_io, by_a_ring,
	by_a_child, change_mapping, read_proc, read_proc, open_for_reading, wait_on_futex,
	wait_on_futex,
};

struct thread {
	pthread_t t;
	struct actor a;
	void (*step)(struct actor *a);
};

static void *act(void *arg)
{
	struct thread *t = arg;

	while (!over)
		t->step(&t->a);
	return NULL;
}

static void start(struct __test_metadata *_metadata, struct thread *t, unsigned int nth,
		  int pool, int file)
{
	static const char *const paths[] = { "/proc/self/smaps", "/proc/self/numa_maps" };

	t->a = (struct actor){
		.pool = pool, .file = file, .path = paths[nth % 2], .seed = nth + 1,
	};
	t->step = nth < ARRAY_SIZE(takers) ? takers[nth] : users[nth - ARRAY_SIZE(takers)];
	if (t->step == by_direct_io && file < 0)
		t->step = by_the_file;
	ASSERT_EQ(0, pthread_create(&t->t, NULL, act, t));
}

/* Each place has a part of it that is full of the place's byte. */
static int tagged_file(struct __test_metadata *_metadata)
{
	char *all = aligned_alloc(PAGE, MOST);
	int file, place;

	if (!has_disk())
		return -1;
	file = direct_file();
	ASSERT_LE(0, file);
	for (place = 0; place < PLACES; place++) {
		memset(all, TAG(place), MOST);
		ASSERT_EQ((ssize_t)MOST, pwrite(file, all, MOST, (off_t)place * MOST));
	}
	free(all);
	return file;
}

/* Those too that have lost their place, and are only mapped by who waits in them. */
static void revoke_all(int pool)
{
	FILE *f = fopen(DEBUGFS "/buffers", "re");
	char line[256];
	__u64 id;

	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llu ", &id) == 1)
			pool_revoke(pool, id, 0);
	}
	fclose(f);
}

TEST_F(pool, everything_at_once)
{
	static struct thread threads[ARRAY_SIZE(takers) + ARRAY_SIZE(users)];
	const char *seconds = getenv("ZCPOOL_TEST_SECONDS");
	struct sigaction act = { .sa_handler = on_sigbus };
	int file = tagged_file(_metadata), place;
	unsigned int i;

	ASSERT_EQ(0, sigaction(SIGBUS, &act, NULL));
	for (place = 0; place < PLACES; place++)
		put_in(place, buf_alloc(self->fd, sizes[place], 0, -1));
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		start(_metadata, &threads[i], i, self->fd, file);
	sleep(seconds ? atoi(seconds) : 6);
	for (i = 0; i < ARRAY_SIZE(takers); i++) {
		while (!*(volatile unsigned long *)&threads[i].a.taken)
			usleep(1000);
	}
	over = true;

	/* Who still waits in one wakes when it goes. */
	for (i = 0; i < ARRAY_SIZE(threads); i++) {
		while (pthread_tryjoin_np(threads[i].t, NULL)) {
			revoke_all(self->fd);
			usleep(1000);
		}
		if (i < ARRAY_SIZE(takers))
			TH_LOG("taken %lu times", threads[i].a.taken);
		EXPECT_FALSE(threads[i].a.wrong)
			TH_LOG("thread %u has seen what is somebody else's", i);
		EXPECT_FALSE(threads[i].a.failed)
			TH_LOG("thread %u has had an error that it should not", i);
	}
	for (place = 0; place < PLACES; place++)
		close(fd_of(place));
	close(file);
	unlink(DIRECT_FILE);
}

TEST_HARNESS_MAIN
