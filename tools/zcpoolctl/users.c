// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "mounts.h"
#include "users.h"
#include "zcpoolctl.h"

#define MAX_SHOWN	3	/* things of one process that are named */
#define WHAT_TEXT	160

/* A process that is looked at, and what has been found of it */
struct user {
	const struct belongings *of;
	const char *pid;
	int dir;		/* /proc/PID */
	char what[MAX_SHOWN][WHAT_TEXT];
	unsigned int nr;
	ino_t namespaces[64];	/* mount namespaces that have been looked at; of all processes */
	unsigned int nr_namespaces;
};

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

bool buffers_read(struct belongings *b)
{
	unsigned long long id;
	char path[512], *line = NULL;
	uint64_t *more;
	size_t room = 0;
	FILE *f;

	b->buffers = NULL;
	b->nr_buffers = 0;
	snprintf(path, sizeof(path), "/sys/kernel/debug/zcpool/%s/buffers", b->pool);
	f = fopen(path, "re");
	if (!f)
		return false;
	/* What is not a number is the heading. */
	while (getline(&line, &room, f) > 0) {
		if (sscanf(line, "%llu ", &id) != 1)
			continue;
		if (!(b->nr_buffers & (b->nr_buffers - 1))) {
			more = realloc(b->buffers, (2 * b->nr_buffers + 1) * sizeof(*more));
			if (!more)
				die(STATUS_NO_MEMORY, "no memory");
			b->buffers = more;
		}
		b->buffers[b->nr_buffers++] = id;
	}
	free(line);
	fclose(f);
	if (b->nr_buffers)
		qsort(b->buffers, b->nr_buffers, sizeof(*b->buffers), by_number);
	return true;
}

/* Of a buffer without a name, the path says its number. */
static bool is_buffer(const struct belongings *b, const char *path)
{
	unsigned long long n;
	uint64_t id;

	if (sscanf(path, "/zcpool:%llu", &n) != 1 || !b->nr_buffers)
		return false;
	id = n;
	return bsearch(&id, b->buffers, b->nr_buffers, sizeof(id), by_number);
}

/* The same thing once, and of many things the first few */
static void found(struct user *u, const char *how, const char *path)
{
	char text[WHAT_TEXT] = "";
	unsigned int i;

	snprintf(text, sizeof(text), "%s %s", how, path);
	make_printable(text);
	for (i = 0; i < u->nr && i < MAX_SHOWN; i++) {
		if (!strcmp(u->what[i], text))
			return;
	}
	if (u->nr < MAX_SHOWN)
		memcpy(u->what[u->nr], text, sizeof(text));
	u->nr++;
}

static void link_of(int dir, const char *name, char *path, size_t size)
{
	ssize_t n = readlinkat(dir, name, path, size - 1);

	path[n < 0 ? 0 : n] = '\0';
}

/* A link of /proc that leads to a file. Nothing is asked of who serves that file. */
static void look_at_link(struct user *u, int dir, const char *name, const char *how)
{
	const struct belongings *b = u->of;
	struct statx stx;
	char path[4096];

	if (statx(dir, name, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE, &stx))
		return;
	link_of(dir, name, path, sizeof(path));
	if ((b->fs && makedev(stx.stx_dev_major, stx.stx_dev_minor) == b->fs) ||
	    (b->device && S_ISCHR(stx.stx_mode) &&
	     makedev(stx.stx_rdev_major, stx.stx_rdev_minor) == b->device) ||
	    is_buffer(b, path))
		found(u, how, path);
}

static void look_at_descriptors(struct user *u)
{
	int fd = openat(u->dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(dir))) {
		if (isdigit((unsigned char)e->d_name[0]))
			look_at_link(u, dirfd(dir), e->d_name, "has open");
	}
	closedir(dir);
}

static FILE *open_file(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	if (!f && fd >= 0)
		close(fd);
	return f;
}

/* A line: addresses, permissions, offset, device, inode, path. */
static void look_at_mappings(struct user *u)
{
	unsigned int major, minor;
	FILE *f = open_file(u->dir, "maps");
	char *line = NULL;
	size_t room = 0;
	int length;

	if (!f)
		return;
	while (getline(&line, &room, f) > 0) {
		length = 0;
		if (sscanf(line, "%*s %*s %*s %x:%x %*s %n", &major, &minor, &length) < 2 ||
		    !length || line[length] != '/')
			continue;
		line[strcspn(line, "\n")] = '\0';
		if ((u->of->fs && makedev(major, minor) == u->of->fs) ||
		    is_buffer(u->of, line + length))
			found(u, "maps", line + length);
	}
	free(line);
	fclose(f);
}

/* Each namespace once, by the first process that is met in it; ours is not meant. */
static void look_at_mounts(struct user *u)
{
	struct mounts all;
	struct stat st;
	char path[64];
	unsigned int i;
	size_t m;

	if (fstatat(u->dir, "ns/mnt", &st, 0))
		return;
	for (i = 0; i < u->nr_namespaces; i++) {
		if (u->namespaces[i] == st.st_ino)
			return;
	}
	if (u->nr_namespaces < ARRAY_SIZE(u->namespaces))
		u->namespaces[u->nr_namespaces++] = st.st_ino;
	snprintf(path, sizeof(path), "/proc/%s/mountinfo", u->pid);
	if (!mounts_read(&all, path))
		return;
	for (m = 0; m < all.nr; m++) {
		if (!strcmp(all.at[m].pool, u->of->pool))
			found(u, "has mounted, in its own mount namespace,", all.at[m].path);
	}
	mounts_free(&all);
}

static void print(FILE *f, struct user *u)
{
	char comm[32] = "?";
	FILE *name = open_file(u->dir, "comm");
	unsigned int i;

	if (name) {
		if (!fgets(comm, sizeof(comm), name))
			comm[0] = '\0';
		comm[strcspn(comm, "\n")] = '\0';
		make_printable(comm);
		fclose(name);
	}
	fprintf(f, "  PID %s (%s)", u->pid, comm);
	for (i = 0; i < u->nr && i < MAX_SHOWN; i++)
		fprintf(f, "%s %s", i ? "," : "", u->what[i]);
	if (u->nr > MAX_SHOWN)
		fprintf(f, ", and more");
	fputc('\n', f);
}

static void look_at(struct user *u)
{
	look_at_link(u, u->dir, "cwd", "has its working directory at");
	look_at_link(u, u->dir, "root", "has its root directory at");
	look_at_descriptors(u);
	look_at_mappings(u);
	look_at_mounts(u);
}

unsigned int users_print(FILE *f, const struct belongings *b)
{
	struct user u = { .of = b };
	unsigned int users = 0;
	DIR *proc = opendir("/proc");
	struct dirent *e;
	struct stat st;

	if (!proc)
		die(STATUS_TRANSFER, "cannot read /proc: %s", strerror(errno));
	if (!stat("/proc/self/ns/mnt", &st))
		u.namespaces[u.nr_namespaces++] = st.st_ino;
	while ((e = readdir(proc))) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		/* Processes come and go. */
		u.dir = openat(dirfd(proc), e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (u.dir < 0)
			continue;
		u.pid = e->d_name;
		u.nr = 0;
		look_at(&u);
		if (u.nr) {
			print(f, &u);
			users++;
		}
		close(u.dir);
	}
	closedir(proc);
	return users;
}
