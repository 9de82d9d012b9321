/* SPDX-License-Identifier: GPL-2.0 */
/* Files by name in a directory of a mounted pool, and what is known of them there */
#ifndef ZCPOOL_FUZZ_CALLS_NAME_H
#define ZCPOOL_FUZZ_CALLS_NAME_H

#include <dirent.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "state.h"

/* For what opens a file that may be there or not */
#define OPEN_NEW	(O_RDWR | O_CREAT)

/* "-" is the descriptor's own file. */
static const char * const fuzz_names[] = {
	"%A", "%B", "%C", "%D", "%D/%A", "%D/%E", "%L", "-", ".", "%B/", "%***", "%****", NULL
};

static inline const char *fuzz_name(const struct fuzz *z, __u64 index, char *to)
{
	return fuzz_text(z, fuzz_names, index, to);
}

static inline long fuzz_openat(struct fuzz *z, const __u64 *a)
{
	char name[TEXT_SIZE];

	return fuzz_put_fd(z, a[0], openat(fuzz_fd(z, a[1]), fuzz_name(z, a[2], name),
					   a[3] | O_CLOEXEC | O_NONBLOCK, a[4]));
}

/* A file of that size, whatever it was before */
static inline long fuzz_create(struct fuzz *z, const __u64 *a)
{
	char name[TEXT_SIZE];
	int fd = openat(fuzz_fd(z, a[1]), fuzz_name(z, a[2], name),
			OPEN_NEW | O_CLOEXEC | O_NONBLOCK, 0600);

	if (fd >= 0 && ftruncate(fd, a[3])) {
		close(fd);
		return -1;
	}
	return fuzz_put_fd(z, a[0], fd);
}

/* A file without a name in a pool, that may get one */
static inline long fuzz_unnamed(struct fuzz *z, const __u64 *a)
{
	int fd = openat(fuzz_fd(z, a[1]), ".", O_TMPFILE | O_RDWR | a[3] | O_CLOEXEC, 0600);

	if (fd >= 0 && ftruncate(fd, a[2])) {
		close(fd);
		return -1;
	}
	return fuzz_put_fd(z, a[0], fd);
}

static inline long fuzz_opendir(struct fuzz *z, const __u64 *a)
{
	char name[TEXT_SIZE];

	return fuzz_put_fd(z, a[0], openat(fuzz_fd(z, a[1]), fuzz_name(z, a[2], name),
					   O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static inline long fuzz_mkdir(struct fuzz *z, const __u64 *a)
{
	char name[TEXT_SIZE];

	return mkdirat(fuzz_fd(z, a[0]), fuzz_name(z, a[1], name), a[2]);
}

static inline long fuzz_mknod(struct fuzz *z, const __u64 *a)
{
	char name[TEXT_SIZE];

	return mknodat(fuzz_fd(z, a[0]), fuzz_name(z, a[1], name), a[2] | (a[3] & 07777),
		       makedev(1, 3));
}

static inline long fuzz_symlink(struct fuzz *z, const __u64 *a)
{
	char name[TEXT_SIZE], target[TEXT_SIZE];

	return symlinkat(fuzz_name(z, a[2], target), fuzz_fd(z, a[0]),
			 fuzz_name(z, a[1], name));
}

static inline long fuzz_readlink(struct fuzz *z, const __u64 *a)
{
	char name[TEXT_SIZE], target[TEXT_SIZE];

	return readlinkat(fuzz_fd(z, a[0]), fuzz_name(z, a[1], name), target, sizeof(target));
}

static inline long fuzz_unlink(struct fuzz *z, const __u64 *a)
{
	char name[TEXT_SIZE];

	return unlinkat(fuzz_fd(z, a[0]), fuzz_name(z, a[1], name), a[2]);
}

static inline long fuzz_link(struct fuzz *z, const __u64 *a)
{
	char name[TEXT_SIZE], to[TEXT_SIZE];

	return linkat(fuzz_fd(z, a[0]), fuzz_name(z, a[1], name), fuzz_fd(z, a[2]),
		      fuzz_name(z, a[3], to), a[4]);
}

/* What is open gets a name: one without, perhaps. */
static inline long fuzz_link_fd(struct fuzz *z, const __u64 *a)
{
	char name[TEXT_SIZE];

	return linkat(fuzz_fd(z, a[0]), "", fuzz_fd(z, a[1]), fuzz_name(z, a[2], name),
		      AT_EMPTY_PATH);
}

static inline long fuzz_rename(struct fuzz *z, const __u64 *a)
{
	char name[TEXT_SIZE], to[TEXT_SIZE];

	return renameat2(fuzz_fd(z, a[0]), fuzz_name(z, a[1], name), fuzz_fd(z, a[2]),
			 fuzz_name(z, a[3], to), a[4]);
}

static inline long fuzz_getdents(struct fuzz *z, const __u64 *a)
{
	char entries[4096];
	size_t len = a[1] % (sizeof(entries) + 1);

	return syscall(SYS_getdents64, fuzz_fd(z, a[0]), entries, len);
}

static inline long fuzz_stat(struct fuzz *z, const __u64 *a)
{
	char name[TEXT_SIZE];
	struct statx st;

	return statx(fuzz_fd(z, a[0]), fuzz_name(z, a[1], name), AT_EMPTY_PATH,
		     STATX_BASIC_STATS, &st);
}

static inline long fuzz_chmod(struct fuzz *z, const __u64 *a)
{
	char name[TEXT_SIZE];
	int fd = fuzz_fd(z, a[0]);

	fuzz_name(z, a[1], name);
	return *name ? fchmodat(fd, name, a[2], 0) : fchmod(fd, a[2]);
}

static inline long fuzz_chown(struct fuzz *z, const __u64 *a)
{
	char name[TEXT_SIZE];

	return fchownat(fuzz_fd(z, a[0]), fuzz_name(z, a[1], name), a[2], a[3],
			AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
}

/* Of what is open, or of a name */
static inline long fuzz_utimes(struct fuzz *z, const __u64 *a)
{
	char name[TEXT_SIZE];

	fuzz_name(z, a[1], name);
	return syscall(SYS_utimensat, fuzz_fd(z, a[0]), *name ? name : NULL, NULL, 0);
}

#endif /* ZCPOOL_FUZZ_CALLS_NAME_H */
