// SPDX-License-Identifier: GPL-2.0
/* module: reserve=2M max=4M */
/*
 * Names that many work on at once, the most there may be, and what others see of it: reading a
 * directory, events, locks and leases.
 */
#include "names.h"
#include <dirent.h>
#include <sys/file.h>
#include <sys/inotify.h>

#define THREADS		4
/* Twice over, with one for each page of the maximum */
#define EACH		250

struct worker {
	pthread_t thread;
	int nr;
	int won;
	int err;
};

typedef void work_fn(struct worker *w);

static struct worker workers[THREADS];
static pthread_barrier_t barrier;
static work_fn *work;

static void *run(void *p)
{
	pthread_barrier_wait(&barrier);
	work(p);
	return NULL;
}

/* All at the same time; how often one of them has won, or -1 if there was an error. */
static int all_at_once(work_fn *fn)
{
	int i, won = 0;

	work = fn;
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .nr = i };
		if (pthread_create(&workers[i].thread, NULL, run, &workers[i]))
			exit(1);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		if (workers[i].err)
			won = -1;
		else if (won >= 0)
			won += workers[i].won;
	}
	pthread_barrier_destroy(&barrier);
	return won;
}

static void note(struct worker *w, int err, int lost)
{
	if (!err)
		w->won++;
	else if (err != lost && !w->err)
		w->err = err;
}

/* Each makes names of his own, and tries for those that all of them want. */
static void make_names(struct worker *w)
{
	char name[32];
	int i;

	for (i = 0; i < EACH / 2; i++) {
		snprintf(name, sizeof(name), "own%d.%d", w->nr, i);
		note(w, result(symlink("x", name)), 0);
		snprintf(name, sizeof(name), "all.%d", i);
		note(w, make(name, 0644), -EEXIST);
	}
}

/* Each tries to remove all. */
static void remove_names(struct worker *w)
{
	char name[32];
	int i, j;

	for (i = 0; i < EACH / 2; i++) {
		for (j = 0; j < THREADS; j++) {
			snprintf(name, sizeof(name), "own%d.%d", j, i);
			note(w, result(unlink(name)), -ENOENT);
		}
		snprintf(name, sizeof(name), "all.%d", i);
		note(w, result(unlink(name)), -ENOENT);
	}
}

static int count_names(void)
{
	DIR *dir = opendir(".");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

TEST_F(names, made_at_once)
{
	int all = (THREADS + 1) * (EACH / 2);

	EXPECT_EQ(all, all_at_once(make_names));
	EXPECT_EQ(all, count_names());
	EXPECT_EQ(self->free - all, free_names());
	EXPECT_EQ(all, all_at_once(remove_names));
	EXPECT_EQ(0, count_names());
}

/* Between two directories: what is a directory moves, is exchanged and taken the place of. */
static void rename_names(struct worker *w)
{
	__u32 state = w->nr;
	char from[32], to[32];
	unsigned int flags;
	int i, err;

	for (i = 0; i < EACH; i++) {
		snprintf(from, sizeof(from), "%c/%d", 'a' + rnd(&state) % 2, rnd(&state) % 4);
		snprintf(to, sizeof(to), "%c/%d", 'a' + rnd(&state) % 2, rnd(&state) % 4);
		flags = rnd(&state) % 3;
		err = result(renameat2(AT_FDCWD, from, AT_FDCWD, to, flags));
		if (err && err != -ENOENT && err != -EEXIST && err != -EISDIR && err != -ENOTDIR)
			w->err = err;
		/* What has gone comes again, as a file or a directory. */
		if (i % 8 == 0)
			mkdir(from, 0755);
		else if (i % 8 == 4)
			make(from, 0644);
		else if (i % 8 == 6)
			link(from, to);
	}
}

/* Whether a directory's link count is right; removes what is in it. */
static bool count_and_clear(const char *path)
{
	nlink_t links = look(path).st_nlink, want = 2;
	char name[32];
	int i;

	for (i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s/%d", path, i);
		if (!rmdir(name))
			want++;
		else
			unlink(name);
	}
	return links == want && !rmdir(path);
}

TEST_F(names, renamed_at_once)
{
	ASSERT_EQ(0, mkdir("a", 0755));
	ASSERT_EQ(0, mkdir("b", 0755));
	EXPECT_EQ(0, all_at_once(rename_names));
	EXPECT_TRUE(count_and_clear("a"));
	EXPECT_TRUE(count_and_clear("b"));
}

/* One replaces a link all the time, and those who follow it find one or the other end. */
static void follow_links(struct worker *w)
{
	int i, err;

	for (i = 0; i < EACH; i++) {
		if (w->nr == 0)
			err = result(symlink(i % 2 ? "a" : "b", "new") ?: rename("new", "link"));
		else
			err = try_open("link", O_RDONLY);
		note(w, err, 0);
	}
}

TEST_F(names, links_followed)
{
	ASSERT_EQ(0, make("a", 0644));
	ASSERT_EQ(0, make("b", 0644));
	ASSERT_EQ(0, symlink("a", "link"));
	EXPECT_EQ(THREADS * EACH, all_at_once(follow_links));
	EXPECT_EQ(0, unlink("a"));
	EXPECT_EQ(0, unlink("b"));
	EXPECT_EQ(0, unlink("link"));
}

static int take_name(const char *name, int kind)
{
	switch (kind) {
	case 0:
		return make(name, 0644);
	case 1:
		return result(mkdir(name, 0755));
	case 2:
		return result(symlink("x", name));
	default:
		return result(link("first", name));
	}
}

/* Takes names of all kinds until there are no more. */
static void take_names(struct worker *w)
{
	char name[32];
	int i, err;

	for (i = 0; i < 4096; i++) {
		snprintf(name, sizeof(name), "d%d/%d", w->nr, i);
		err = take_name(name, i % 4);
		if (err == -ENOSPC)
			return;
		note(w, err, 0);
	}
	w->err = -ERANGE;
}

static void drop_names(struct worker *w)
{
	char name[32];
	int i;

	for (i = 0; ; i++) {
		snprintf(name, sizeof(name), "d%d/%d", w->nr, i);
		if (i % 4 == 1 ? rmdir(name) : unlink(name))
			return;
		w->won++;
	}
}

TEST_F(names, limit)
{
	fsfilcnt_t room = self->free - THREADS - 1;
	char name[] = "d0";
	struct statvfs fs;
	int i;

	ASSERT_EQ(0, statvfs(".", &fs));
	ASSERT_EQ(fs.f_ffree, fs.f_favail);
	ASSERT_LT(fs.f_ffree, fs.f_files);
	if (!self->m.is_ours || fs.f_files > 2048)
		SKIP(return, "there are too many names to make them all");
	ASSERT_EQ(0, make("first", 0644));
	for (i = 0; i < THREADS; i++) {
		name[1] = '0' + i;
		ASSERT_EQ(0, mkdir(name, 0755));
	}
	EXPECT_EQ((int)room, all_at_once(take_names));
	EXPECT_EQ(0, free_names());
	EXPECT_EQ(-ENOSPC, make("more", 0644));
	EXPECT_EQ(-ENOSPC, result(mkdir("more", 0755)));
	EXPECT_EQ(-ENOSPC, result(symlink("x", "more")));
	EXPECT_EQ(-ENOSPC, result(mkfifo("more", 0644)));
	EXPECT_EQ(-ENOSPC, result(link("first", "more")));
	EXPECT_EQ(-ENOSPC, try_open(".", O_TMPFILE | O_RDWR));
	EXPECT_EQ(-ENOENT, result(unlink("more")));
	EXPECT_EQ(0, rename("first", "more"));
	EXPECT_EQ((int)room, all_at_once(drop_names));
	EXPECT_EQ(0, unlink("more"));
	for (i = 0; i < THREADS; i++) {
		name[1] = '0' + i;
		EXPECT_EQ(0, rmdir(name));
	}
}

/* Who reads a directory in pieces, and removes what he has read, sees each name once. */
TEST_F(names, read_while_removing)
{
	bool seen[EACH] = {};
	char name[32];
	struct dirent *e;
	int i, n = 0;
	DIR *dir;

	for (i = 0; i < EACH; i++) {
		snprintf(name, sizeof(name), "name.%d", i);
		ASSERT_EQ(0, i % 2 ? result(symlink("x", name)) : make(name, 0644));
	}
	dir = opendir(".");
	ASSERT_NE(NULL, dir);
	while ((e = readdir(dir))) {
		if (sscanf(e->d_name, "name.%d", &i) != 1)
			continue;
		EXPECT_FALSE(seen[i]);
		seen[i] = true;
		EXPECT_EQ(i % 2 ? DT_LNK : DT_REG, (int)e->d_type);
		EXPECT_EQ(look(e->d_name).st_ino, e->d_ino);
		EXPECT_EQ(0, unlink(e->d_name));
		n++;
	}
	EXPECT_EQ(EACH, n);
	ASSERT_EQ(0, make("late", 0644));
	rewinddir(dir);
	for (n = 0; (e = readdir(dir)); n++)
		;
	EXPECT_EQ(3, n);
	closedir(dir);
	EXPECT_EQ(0, unlink("late"));
}

TEST_F(names, events)
{
	static const __u32 want[] = {
		IN_CREATE, IN_OPEN, IN_CLOSE_WRITE, IN_ATTRIB, IN_MOVED_FROM, IN_MOVED_TO,
		IN_CREATE, IN_DELETE, IN_DELETE, IN_CREATE | IN_ISDIR, IN_DELETE | IN_ISDIR,
	};
	char events[4096] __attribute__((aligned(8)));
	const struct inotify_event *e;
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	size_t i = 0;
	ssize_t n;
	char *p;

	ASSERT_LE(0, fd);
	ASSERT_LE(0, inotify_add_watch(fd, ".", IN_ALL_EVENTS));
	ASSERT_EQ(0, make("a", 0644));
	EXPECT_EQ(0, chmod("a", 0600));
	EXPECT_EQ(0, rename("a", "b"));
	EXPECT_EQ(0, link("b", "c"));
	EXPECT_EQ(0, unlink("b"));
	EXPECT_EQ(0, unlink("c"));
	EXPECT_EQ(0, mkdir("d", 0755));
	EXPECT_EQ(0, rmdir("d"));
	n = read(fd, events, sizeof(events));
	ASSERT_LT(0, n);
	for (p = events; p < events + n; p += sizeof(*e) + e->len, i++) {
		e = (void *)p;
		ASSERT_GT(ARRAY_SIZE(want), i);
		EXPECT_EQ(want[i], e->mask)
			TH_LOG("event %zu, %s", i, e->name);
	}
	EXPECT_EQ(ARRAY_SIZE(want), i);
	close(fd);
}

static int lock_all(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return result(fcntl(fd, F_OFD_SETLK, &lock));
}

TEST_F(names, locks)
{
	int a, b;

	ASSERT_EQ(0, make("f", 0644));
	a = open("f", O_RDWR | O_CLOEXEC);
	b = open("f", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, a);
	ASSERT_LE(0, b);
	EXPECT_EQ(0, flock(a, LOCK_EX));
	EXPECT_EQ(-EWOULDBLOCK, result(flock(b, LOCK_EX | LOCK_NB)));
	EXPECT_EQ(0, flock(a, LOCK_UN));
	EXPECT_EQ(0, flock(b, LOCK_EX | LOCK_NB));
	EXPECT_EQ(0, lock_all(a));
	EXPECT_EQ(-EAGAIN, lock_all(b));
	close(a);
	EXPECT_EQ(0, lock_all(b));
	close(b);
	EXPECT_EQ(0, unlink("f"));
}

TEST_F(names, leases)
{
	int fd;

	signal(SIGIO, SIG_IGN);
	ASSERT_EQ(0, make("f", 0644));
	fd = open("f", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fcntl(fd, F_SETLEASE, F_RDLCK));
	EXPECT_EQ(F_RDLCK, fcntl(fd, F_GETLEASE));
	EXPECT_EQ(0, try_open("f", O_RDONLY | O_NONBLOCK));
	EXPECT_EQ(-EWOULDBLOCK, try_open("f", O_WRONLY | O_NONBLOCK));
	EXPECT_EQ(0, fcntl(fd, F_SETLEASE, F_UNLCK));
	EXPECT_EQ(0, try_open("f", O_WRONLY | O_NONBLOCK));
	EXPECT_EQ(0, fcntl(fd, F_SETLEASE, F_WRLCK));
	close(fd);
	EXPECT_EQ(0, unlink("f"));
}

TEST_HARNESS_MAIN
