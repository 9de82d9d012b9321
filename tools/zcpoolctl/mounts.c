// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <zcpool.h>
#include "mounts.h"
#include "zcpoolctl.h"

/* In place: what the kernel has written as a backslash and three octal digits */
static char *unescape(char *text)
{
	char *to = text;
	const char *from;

	for (from = text; *from; to++) {
		if (from[0] == '\\' && strspn(from + 1, "01234567") >= 3) {
			*to = (from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0');
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
	return text;
}

static char *own(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		die(STATUS_NO_MEMORY, "no memory");
	return copy;
}

/* "rw" is of the mount; what follows is the pool's. */
static char *options_of(const char *text)
{
	if (!strncmp(text, "rw", 2) || !strncmp(text, "ro", 2))
		text += 2;
	return own(*text == ',' ? text + 1 : text);
}

/*
 * A line: id, parent, device, root, path, options of the mount, fields of no fixed number, and
 * after a dash: type, source, options. Returns whether it is about a pool.
 */
static bool parse_line(char *line, struct mount *m)
{
	char *root, *path, *type, *source, *options, *rest;
	unsigned int major, minor;
	int length = 0;

	if (sscanf(line, "%lu %lu %u:%u %n", &m->id, &m->parent, &major, &minor, &length) < 4)
		return false;
	rest = strstr(line + length, " - ");
	if (!rest)
		return false;
	*rest = '\0';
	root = strtok(line + length, " ");
	path = strtok(NULL, " ");
	type = strtok(rest + 3, " ");
	source = strtok(NULL, " ");
	options = strtok(NULL, "\n");
	if (!root || !path || !type || !source || !options || strcmp(type, POOL_FS_TYPE))
		return false;
	m->dev = makedev(major, minor);
	m->whole = !strcmp(root, "/");
	m->path = own(unescape(path));
	m->pool = own(unescape(source));
	m->options = options_of(unescape(options));
	return true;
}

bool mounts_read(struct mounts *all, const char *mountinfo)
{
	FILE *f = fopen(mountinfo, "re");
	struct mount m, *more;
	char *line = NULL;
	size_t room = 0;

	memset(all, 0, sizeof(*all));
	if (!f)
		return false;
	while (getline(&line, &room, f) > 0) {
		if (!parse_line(line, &m))
			continue;
		more = realloc(all->at, (all->nr + 1) * sizeof(m));
		if (!more)
			die(STATUS_NO_MEMORY, "no memory");
		all->at = more;
		all->at[all->nr++] = m;
	}
	free(line);
	fclose(f);
	return true;
}

void mounts_free(struct mounts *all)
{
	size_t i;

	for (i = 0; i < all->nr; i++) {
		free(all->at[i].path);
		free(all->at[i].pool);
		free(all->at[i].options);
	}
	free(all->at);
}

void mounts_read_own(struct mounts *all)
{
	if (!mounts_read(all, "/proc/self/mountinfo"))
		die(STATUS_TRANSFER, "cannot read /proc/self/mountinfo: %s", strerror(errno));
}

const struct mount *mounts_find(const struct mounts *all, const char *pool)
{
	const struct mount *found = NULL;
	size_t i;

	for (i = 0; i < all->nr; i++) {
		if (strcmp(all->at[i].pool, pool))
			continue;
		if (!found || (!found->whole && all->at[i].whole))
			found = &all->at[i];
	}
	return found;
}

bool mount_is_on_top(const struct mount *m)
{
	struct statx stx;

	return !statx(AT_FDCWD, m->path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_MNT_ID,
		      &stx) &&
	       (!(stx.stx_mask & STATX_MNT_ID) || stx.stx_mnt_id == m->id);
}

unsigned int mounts_print_on(FILE *to, const struct mount *m)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	unsigned long id, parent;
	char *line = NULL, *path;
	unsigned int nr = 0;
	size_t room = 0;

	while (f && getline(&line, &room, f) > 0) {
		if (sscanf(line, "%lu %lu %*s %*s %ms", &id, &parent, &path) != 3)
			continue;
		if (parent == m->id) {
			make_printable(unescape(path));
			fprintf(to, "  what is mounted on it, at %s\n", path);
			nr++;
		}
		free(path);
	}
	free(line);
	if (f)
		fclose(f);
	return nr;
}

/* By the mount that a directory is in */
static const char *name_of_directory(int fd)
{
	const char *name = NULL;
	struct mounts all;
	struct statx stx;
	size_t i;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) || !(stx.stx_mask & STATX_MNT_ID))
		return NULL;
	mounts_read_own(&all);
	for (i = 0; i < all.nr && !name; i++) {
		if (all.at[i].id == stx.stx_mnt_id)
			name = own(all.at[i].pool);
	}
	mounts_free(&all);
	return name;
}

/* By where a device is, links followed */
static const char *name_of_device(int fd)
{
	static const char before[] = ZCPOOL_DEV_DIR "/";
	char link[64], path[4096];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return NULL;
	path[n] = '\0';
	if (strncmp(path, before, strlen(before)))
		return NULL;
	return own(path + strlen(before));
}

const char *pool_name_at(const char *path)
{
	const char *name = NULL;
	struct stat st;
	int fd;

	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st))
		name = S_ISCHR(st.st_mode) ? name_of_device(fd) : name_of_directory(fd);
	close(fd);
	return name;
}

const char *pool_name(const char *name_or_path)
{
	const char *name;

	if (!strchr(name_or_path, '/'))
		return name_or_path;
	name = pool_name_at(name_or_path);
	if (!name)
		die(STATUS_NO_POOL,
		    "'%s' is neither in a mounted pool nor a pool's device; 'zcpoolctl pool list' shows where pools are",
		    name_or_path);
	return name;
}
