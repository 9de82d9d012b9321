// SPDX-License-Identifier: GPL-2.0
/*
 * When nobody works at it any more: whether names, inodes and contents of the tree agree.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fsstress.h"

/* An inode that is no directory, and how many names it was found by */
struct found {
	ino_t ino;
	nlink_t nlink;
	nlink_t names;
};

/**
 * struct walk - one look at all of it
 * @where: the directory in which the tree is
 * @found: inodes
 * @nr_found: how many
 * @wrong: how much is
 */
struct walk {
	const struct mounted *where;
	struct found *found;
	size_t nr_found;
	int wrong;
};

__attribute__((format(printf, 3, 4)))
static void complain(struct walk *walk, const char *name, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	printf("# fsstress: %s: %s\n", name, text);
	walk->wrong++;
}

static void find(struct walk *walk, const struct stat *st)
{
	size_t i;

	for (i = 0; i < walk->nr_found && walk->found[i].ino != st->st_ino; i++)
		;
	if (i == walk->nr_found) {
		walk->found = realloc(walk->found, (i + 1) * sizeof(*walk->found));
		walk->found[i] = (struct found){ .ino = st->st_ino, .nlink = st->st_nlink };
		walk->nr_found++;
	}
	walk->found[i].names++;
}

static void check_link(struct walk *walk, int dir, const char *name, const struct stat *st)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);

	if (n < 0 || n != st->st_size) {
		complain(walk, name, "a link of %lld bytes gives %zd, %s",
			 (long long)st->st_size, n, strerror(errno));
		return;
	}
	target[n] = 0;
	if (!target_is_whole(target, n))
		complain(walk, name, "a link to %s", target);
}

/* What an ACL says of the mask, the mode says of the group. */
static void check_acl(struct walk *walk, int fd, const char *name)
{
	struct stat st;
	struct acl acl;
	ssize_t n;
	size_t i;

	n = fgetxattr(fd, ACL_ACCESS, &acl, sizeof(acl));
	if (n < 0 || fstat(fd, &st)) {
		if (errno != ENODATA && errno != EOPNOTSUPP)
			complain(walk, name, "its ACL: %s", strerror(errno));
		return;
	}
	for (i = 0; 4 + (i + 1) * sizeof(acl.entries[0]) <= (size_t)n; i++)
		if (acl.entries[i].tag == ACL_TAG_MASK &&
		    acl.entries[i].perm != (st.st_mode >> 3 & 7))
			complain(walk, name, "mode %#o, and its ACL's mask is %u", st.st_mode,
				 acl.entries[i].perm);
}

static void check_contents(struct walk *walk, int fd, const char *name, const struct stat *st)
{
	unsigned char data[MOST_AT_ONCE];
	off_t off = 0;
	ssize_t n;

	while ((n = pread(fd, data, sizeof(data), off)) > 0) {
		if (!contents_are_of(st->st_ino, data, off, n)) {
			complain(walk, name, "from %#llx on is what was never written there",
				 (long long)off);
			return;
		}
		off += n;
	}
	if (n < 0 && errno == ESTALE && walk->where->is_zcpool)
		return;
	if (n || off != st->st_size)
		complain(walk, name, "%#llx bytes, of which %#llx can be read: %zd, %s",
			 (long long)st->st_size, (long long)off, n, strerror(errno));
}

static void check_file(struct walk *walk, int dir, const char *name, const struct stat *st)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0) {
		if (errno != ESTALE || !walk->where->is_zcpool)
			complain(walk, name, "%s", strerror(errno));
		return;
	}
	check_contents(walk, fd, name, st);
	check_acl(walk, fd, name);
	close(fd);
	if (walk->where->is_memory &&
	    st->st_blocks > (blkcnt_t)((MOST + MOST_AT_ONCE + CHUNK) / 512))
		complain(walk, name, "st_blocks is %lld", (long long)st->st_blocks);
}

static void check_dir(struct walk *walk, int fd, const char *of);

/* One name; whether it is a directory's. */
static bool check_entry(struct walk *walk, int dir, const struct dirent *entry)
{
	const char *name = entry->d_name;
	struct stat st;
	int fd;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW)) {
		complain(walk, name, "is listed, and stat says %s", strerror(errno));
		return false;
	}
	if (entry->d_ino != st.st_ino || DTTOIF(entry->d_type) != (st.st_mode & S_IFMT))
		complain(walk, name, "inode %llu, mode %#o, and is listed with %llu, %d",
			 (unsigned long long)st.st_ino, st.st_mode,
			 (unsigned long long)entry->d_ino, entry->d_type);
	if (S_ISDIR(st.st_mode)) {
		fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0) {
			complain(walk, name, "%s", strerror(errno));
			return true;
		}
		check_acl(walk, fd, name);
		check_dir(walk, fd, name);
		return true;
	}
	find(walk, &st);
	if (S_ISLNK(st.st_mode))
		check_link(walk, dir, name, &st);
	else
		check_file(walk, dir, name, &st);
	return false;
}

/* Each name once, and a link from each directory in it. Closes the descriptor. */
static void check_dir(struct walk *walk, int fd, const char *of)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	nlink_t subdirs = 0;
	bool seen[2][10];
	struct stat st;
	bool *again;

	memset(seen, 0, sizeof(seen));
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		again = &seen[entry->d_name[0] == 'd'][(entry->d_name[1] - '0') % 10];
		if (*again)
			complain(walk, of, "%s is in it twice", entry->d_name);
		*again = true;
		subdirs += check_entry(walk, fd, entry);
	}
	if (fstat(fd, &st) || (walk->where->is_memory && st.st_nlink != 2 + subdirs))
		complain(walk, of, "%u links, and there are %u directories in it",
			 (unsigned int)st.st_nlink, (unsigned int)subdirs);
	closedir(dir);
}

int tree_check(const struct mounted *where)
{
	struct walk walk = { .where = where };
	char number[32];
	size_t i;
	int fd;

	fd = open(where->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		complain(&walk, where->dir, "%s", strerror(errno));
		return walk.wrong;
	}
	check_dir(&walk, fd, where->dir);
	for (i = 0; i < walk.nr_found; i++) {
		if (walk.found[i].nlink == walk.found[i].names)
			continue;
		snprintf(number, sizeof(number), "inode %llu",
			 (unsigned long long)walk.found[i].ino);
		complain(&walk, number, "%u links, and %u names",
			 (unsigned int)walk.found[i].nlink, (unsigned int)walk.found[i].names);
	}
	printf("# fsstress: looked at %zu inodes\n", walk.nr_found);
	free(walk.found);
	return walk.wrong;
}
