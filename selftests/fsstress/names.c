// SPDX-License-Identifier: GPL-2.0
/*
 * What is done to names, and to what is said of a file in its inode.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fsstress.h"

#define LONG_TARGET	"/long/"

static void keep(struct worker *w, int fd)
{
	int *kept = &w->kept[below(w, KEPT)];

	if (*kept >= 0)
		close(*kept);
	*kept = fd;
}

void do_create(struct worker *w)
{
	struct path path = any_path(w, FILE_NAME);
	int flags = O_CREAT | O_RDWR | O_CLOEXEC | (one_in(w, 3) ? O_EXCL : 0);
	int fd;

	if (one_in(w, 8))
		flags |= O_TRUNC;
	note(w, "create %s, %#x", path.text, flags);
	fd = open(within(w, &path), flags, 0600 | below(w, 64));
	if (went_well(w, "create", fd, ERRORS(EEXIST, EISDIR)))
		keep(w, fd);
}

void do_tmpfile(struct worker *w)
{
	struct path path = any_path(w, FILE_NAME);
	char proc[32];
	int fd;

	note(w, "O_TMPFILE, to %s", path.text);
	fd = open(w->where->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (!went_well(w, "O_TMPFILE", fd, ERRORS(EOPNOTSUPP)))
		return;
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	if (!one_in(w, 3))
		went_well(w, "link of what has no name",
			  linkat(AT_FDCWD, proc, AT_FDCWD, within(w, &path), AT_SYMLINK_FOLLOW),
			  ERRORS(EEXIST));
	keep(w, fd);
}

void do_unlink(struct worker *w)
{
	struct path path = any_path(w, FILE_NAME);

	note(w, "unlink %s", path.text);
	went_well(w, "unlink", unlink(within(w, &path)), ERRORS(EISDIR));
}

void do_link(struct worker *w)
{
	struct path from = any_path(w, FILE_NAME), to = any_path(w, FILE_NAME);

	note(w, "link %s to %s", from.text, to.text);
	went_well(w, "link", link(within(w, &from), within(w, &to)), ERRORS(EEXIST, EPERM));
}

void do_rename(struct worker *w)
{
	static const unsigned int flags[] = { 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE };
	enum kind kind = any_kind(w);
	struct path from = any_path(w, kind), to = any_path(w, kind);
	unsigned int flag = flags[below(w, 4)];

	note(w, "rename %s to %s, %u", from.text, to.text, flag);
	went_well(w, "rename", renameat2(AT_FDCWD, within(w, &from), AT_FDCWD, within(w, &to),
					 flag),
		  ERRORS(EEXIST, EISDIR, ENOTEMPTY, EINVAL));
}

void do_mkdir(struct worker *w)
{
	struct path path = any_path(w, DIR_NAME);

	note(w, "mkdir %s", path.text);
	went_well(w, "mkdir", mkdir(within(w, &path), 0700), ERRORS(EEXIST));
}

void do_rmdir(struct worker *w)
{
	struct path path = any_path(w, DIR_NAME);

	note(w, "rmdir %s", path.text);
	went_well(w, "rmdir", rmdir(within(w, &path)), ERRORS(ENOTEMPTY));
}

/* Another name of the tree, or nothing, but long */
size_t target_make(struct worker *w, char *target)
{
	size_t len = sizeof(LONG_TARGET) + 8 + below(w, 4000);

	if (one_in(w, 2))
		return sprintf(target, "%s", any_path(w, any_kind(w)).text);
	memset(target, 'x', len);
	sprintf(target, LONG_TARGET "%04zu", len);
	target[strlen(target)] = 'x';
	target[len] = 0;
	return len;
}

bool target_is_whole(const char *target, size_t len)
{
	size_t said, i;

	if (strncmp(target, LONG_TARGET, strlen(LONG_TARGET)))
		return len < 16 && strnlen(target, len) == len;
	if (sscanf(target, LONG_TARGET "%4zu", &said) != 1 || said != len)
		return false;
	for (i = strlen(LONG_TARGET) + 4; i < len; i++)
		if (target[i] != 'x')
			return false;
	return true;
}

void do_symlink(struct worker *w)
{
	struct path path = any_path(w, FILE_NAME);
	char target[PATH_MAX];

	note(w, "symlink %s, %zu bytes", path.text, target_make(w, target));
	went_well(w, "symlink", symlink(target, within(w, &path)), ERRORS(EEXIST));
}

void do_readlink(struct worker *w)
{
	struct path path = any_path(w, FILE_NAME);
	char target[PATH_MAX];
	ssize_t n;

	note(w, "readlink %s", path.text);
	n = readlink(within(w, &path), target, sizeof(target) - 1);
	if (!went_well(w, "readlink", n, ERRORS(EINVAL)))
		return;
	target[n] = 0;
	if (!target_is_whole(target, n))
		give_up(w, "readlink of %s gives %s", path.text, target);
}

static bool is_name(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..") ||
	       ((name[0] == 'd' || name[0] == 'f') && name[1] >= '0' && name[1] <= '7' && !name[2]);
}

void do_readdir(struct worker *w)
{
	struct path path = any_path(w, FILE_NAME);
	struct dirent *entry;
	int n = 0;
	DIR *dir;

	path.text[strlen(path.text) - 2] = 0;
	note(w, "readdir %s", path.text);
	dir = opendir(within(w, &path));
	if (!went_well(w, "opendir", dir ? 0 : -1, NULL))
		return;
	for (errno = 0; (entry = readdir(dir)); n++)
		if (!is_name(entry->d_name) || !entry->d_ino)
			give_up(w, "in %s is %s", path.text, entry->d_name);
	/* One that has been removed has nothing in it. */
	if (errno && errno != ENOENT)
		give_up(w, "readdir of %s: %s", path.text, strerror(errno));
	closedir(dir);
}

void do_chmod(struct worker *w)
{
	struct path path = any_path(w, any_kind(w));
	mode_t mode = 0700 | below(w, 64);

	note(w, "chmod %s %#o", path.text, mode);
	if (one_in(w, 2))
		went_well(w, "chmod", chmod(within(w, &path), mode), NULL);
	else
		went_well(w, "chown", lchown(within(w, &path), below(w, 3), below(w, 3)), NULL);
}

void do_times(struct worker *w)
{
	const struct timespec times[2] = { { 1, 2 }, { below(w, 1000), 3 } };
	struct path path = any_path(w, any_kind(w));

	note(w, "utimensat %s", path.text);
	went_well(w, "utimensat", utimensat(AT_FDCWD, within(w, &path), times,
					    AT_SYMLINK_NOFOLLOW), NULL);
}

void do_stat(struct worker *w)
{
	struct path path = any_path(w, any_kind(w));
	struct stat st;

	note(w, "stat %s", path.text);
	if (!went_well(w, "lstat", lstat(within(w, &path), &st), NULL))
		return;
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode) && !S_ISLNK(st.st_mode))
		give_up(w, "%s is of mode %#o", path.text, st.st_mode);
	if (st.st_size < 0 || (!S_ISDIR(st.st_mode) && st.st_size > (off_t)(MOST + MOST_AT_ONCE)))
		give_up(w, "%s has %lld bytes", path.text, (long long)st.st_size);
}

static struct acl any_acl(struct worker *w)
{
	struct acl acl = {
		.version = 2,
		.entries = {
			{ 0x01, 7, -1 },		/* owner */
			{ 0x02, below(w, 8), 1 + below(w, 9) },	/* a user */
			{ 0x04, below(w, 8), -1 },	/* group */
			{ ACL_TAG_MASK, below(w, 8), -1 },
			{ 0x20, below(w, 8), -1 },	/* others */
		},
	};

	return acl;
}

void do_acl(struct worker *w)
{
	const char *name = one_in(w, 3) ? ACL_DEFAULT : ACL_ACCESS;
	struct path path = any_path(w, any_kind(w));
	struct acl acl = any_acl(w);
	/* Only a directory has a default one; not every file system has any. */
	int none = w->where->is_zcpool ? EACCES : EOPNOTSUPP;
	char got[256];

	note(w, "%s of %s", name, path.text);
	switch (below(w, 3)) {
	case 0:
		went_well(w, "getxattr", getxattr(within(w, &path), name, got, sizeof(got)),
			  ERRORS(ENODATA, none));
		break;
	case 1:
		went_well(w, "removexattr", removexattr(within(w, &path), name),
			  ERRORS(ENODATA, EACCES, none));
		break;
	default:
		went_well(w, "setxattr", setxattr(within(w, &path), name, &acl, sizeof(acl), 0),
			  ERRORS(EACCES, none));
	}
}
