/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Processes that make, change, move and remove the same few names of a tree, and what must be
 * true of the tree when they have stopped.
 */
#ifndef ZCPOOL_TEST_FSSTRESS_H
#define ZCPOOL_TEST_FSSTRESS_H

#include <limits.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "../lib/random.h"
#include "../lib/sizes.h"
#include "../mounted.h"

#define KEPT		4
#define LOG		24
#define MOST		(2 * CHUNK + 7777)
#define MOST_AT_ONCE	(64 * KIB)

#define ACL_ACCESS	"system.posix_acl_access"
#define ACL_DEFAULT	"system.posix_acl_default"

/* An ACL as setxattr() takes it: owner, one user, group, mask, others */
#define ACL_ENTRIES	5
#define ACL_TAG_MASK	0x10

struct acl_entry {
	__u16 tag;
	__u16 perm;
	__u32 id;
};

struct acl {
	__u32 version;
	struct acl_entry entries[ACL_ENTRIES];
};

/**
 * struct worker - one of the processes
 * @where: the directory in which the tree is
 * @seed: of what comes next
 * @first_seed: with which it began
 * @steps: how many things it has done
 * @done: how many all have done; shared
 * @kept: files that it has open, whatever becomes of their names; or -1
 * @data: on its way
 * @log: what it did last
 */
struct worker {
	const struct mounted *where;
	__u32 seed;
	__u32 first_seed;
	unsigned int steps;
	unsigned long *done;
	int kept[KEPT];
	unsigned char data[MOST_AT_ONCE];
	char log[LOG][2 * 64 + 32];
};

static inline size_t below(struct worker *w, size_t n)
{
	return rnd(&w->seed) % n;
}

static inline bool one_in(struct worker *w, size_t n)
{
	return !below(w, n);
}

/* worker.c: so many steps, or without an end if there are none; the status is that to exit with */
int work(const struct mounted *where, __u32 seed, struct span *span, unsigned long *done);
__attribute__((noreturn, format(printf, 2, 3)))
void give_up(struct worker *w, const char *format, ...);
__attribute__((format(printf, 2, 3)))
void note(struct worker *w, const char *format, ...);

/* At most three directories, and a name */
struct path {
	char text[16];
};

/* What its name says it is; once in a while it is the other. */
enum kind {
	FILE_NAME,
	DIR_NAME
};

enum kind any_kind(struct worker *w);
struct path any_path(struct worker *w, enum kind kind);
const char *within(const struct worker *w, const struct path *path);

/*
 * Whether it went well. An error must be one that anybody's work at the same names can bring,
 * or that is listed, up to a 0.
 */
bool went_well(struct worker *w, const char *what, long ret, const int *errors);
#define ERRORS(...)	((const int[]){ __VA_ARGS__, 0 })

/* names.c */
void do_create(struct worker *w);
void do_tmpfile(struct worker *w);
void do_unlink(struct worker *w);
void do_link(struct worker *w);
void do_rename(struct worker *w);
void do_mkdir(struct worker *w);
void do_rmdir(struct worker *w);
void do_symlink(struct worker *w);
void do_readlink(struct worker *w);
void do_readdir(struct worker *w);
void do_chmod(struct worker *w);
void do_times(struct worker *w);
void do_stat(struct worker *w);
void do_acl(struct worker *w);

/* contents.c */
bool contents_are_of(ino_t ino, const unsigned char *data, off_t off, size_t len);
void do_write(struct worker *w);
void do_read(struct worker *w);
void do_map(struct worker *w);
void do_truncate(struct worker *w);
void do_fallocate(struct worker *w);
void do_revoke(struct worker *w);

/* symlinks: a target says how long it is */
size_t target_make(struct worker *w, char *target);
bool target_is_whole(const char *target, size_t len);

/* walk.c: 0, or what is wrong was printed. */
int tree_check(const struct mounted *where);

#endif /* ZCPOOL_TEST_FSSTRESS_H */
