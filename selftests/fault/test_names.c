// SPDX-License-Identifier: GPL-2.0
/*
 * Faults on the way of what makes, links and renames names in a mounted pool, and of what sets
 * who may do what with them. After one that failed, no name more or less is in use, and there is
 * none that was to be made.
 */
#include "steps.h"
#include "../mounted.h"
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#define DIR_PATH	"/tmp/zcpool-fault"
#define OLD		DIR_PATH "/old"
#define NEW		DIR_PATH "/new"
#define SUB		DIR_PATH "/sub"
#define ACCESS		"system.posix_acl_access"
#define DEFAULT		"system.posix_acl_default"

static fsfilcnt_t names_before;

static fsfilcnt_t free_names(void)
{
	struct statvfs fs;

	return statvfs(DIR_PATH, &fs) ? 0 : fs.f_ffree;
}

struct acl {
	struct posix_acl_xattr_header head;
	struct posix_acl_xattr_entry entry[5];
};

/* One user more than the mode knows of */
static const struct acl acl = {
	{ POSIX_ACL_XATTR_VERSION },
	{
		{ ACL_USER_OBJ, 7, -1 }, { ACL_USER, 6, 1001 }, { ACL_GROUP_OBJ, 5, -1 },
		{ ACL_MASK, 7, -1 }, { ACL_OTHER, 0, -1 },
	},
};

/* The pool is mounted once, in the path's process: it goes with that. */
static int prepare_tree(struct scene *s)
{
	if (access(OLD, F_OK)) {
		mkdir(DIR_PATH, 0755);
		if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		    mount(ZCPOOL_DEFAULT, DIR_PATH, "zcpool", 0, NULL))
			return -1;
		if (mknod(OLD, S_IFREG | 0640, 0) || mkdir(SUB, 0755))
			return -1;
	}
	names_before = free_names();
	return 0;
}

/* What is made in the directory gets its lists. */
static int prepare_default(struct scene *s)
{
	if (prepare_tree(s) || setxattr(SUB, DEFAULT, &acl, sizeof(acl), 0))
		return -1;
	return 0;
}

static int prepare_list(struct scene *s)
{
	return prepare_tree(s) || setxattr(OLD, ACCESS, &acl, sizeof(acl), 0) ? -1 : 0;
}

static bool none_made(struct scene *s)
{
	return free_names() == names_before && access(NEW, F_OK) && access(SUB "/new", F_OK) &&
	       !access(OLD, F_OK);
}

static bool one_made(struct scene *s, long ret)
{
	return free_names() == names_before - 1;
}

static void undo_new(struct scene *s, long ret)
{
	if (ret >= 0) {
		remove(NEW);
		remove(SUB "/new");
	}
}

#define NAMES_PATH(id, title, prep, fn, chk, undone)			\
	WALK_PATH(id, .name = title, .params = RESERVE, .must = SLAB,	\
		  .prepare = prep, .call = fn, .check = chk,		\
		  .kept = none_made, .undo = undone)

static long call_create(struct scene *s)
{
	return result(mknod(NEW, S_IFREG | 0644, 0));
}

static long call_mkdir(struct scene *s)
{
	return result(mkdir(NEW, 0755));
}

static long call_mkfifo(struct scene *s)
{
	return result(mkfifo(NEW, 0644));
}

static long call_symlink(struct scene *s)
{
	return result(symlink("to", NEW));
}

static long call_link(struct scene *s)
{
	return result(link(OLD, NEW));
}

static long call_mkdir_default(struct scene *s)
{
	return result(mkdir(SUB "/new", 0755));
}

static long call_create_default(struct scene *s)
{
	return result(mknod(SUB "/new", S_IFREG | 0644, 0));
}

NAMES_PATH(create, "names-create", prepare_tree, call_create, one_made, undo_new)
NAMES_PATH(mkdir, "names-mkdir", prepare_tree, call_mkdir, one_made, undo_new)
NAMES_PATH(mkfifo, "names-mkfifo", prepare_tree, call_mkfifo, one_made, undo_new)
NAMES_PATH(symlink, "names-symlink", prepare_tree, call_symlink, one_made, undo_new)
NAMES_PATH(link, "names-link", prepare_tree, call_link, one_made, undo_new)
NAMES_PATH(create_default, "names-create-acl", prepare_default, call_create_default, one_made,
	   undo_new)
NAMES_PATH(mkdir_default, "names-mkdir-acl", prepare_default, call_mkdir_default, one_made,
	   undo_new)

static long call_tmpfile(struct scene *s)
{
	s->fd = open(SUB, O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
	return s->fd < 0 ? -errno : 0;
}

NAMES_PATH(tmpfile, "names-tmpfile-acl", prepare_default, call_tmpfile, one_made, undo_fd)

static long call_rename(struct scene *s)
{
	return result(rename(OLD, NEW));
}

static bool check_renamed(struct scene *s, long ret)
{
	return free_names() == names_before && !access(NEW, F_OK) && access(OLD, F_OK);
}

static void undo_rename(struct scene *s, long ret)
{
	if (ret >= 0)
		rename(NEW, OLD);
}

NAMES_PATH(rename, "names-rename", prepare_tree, call_rename, check_renamed, undo_rename)

static bool has_mode(mode_t mode)
{
	struct stat st;

	return !stat(OLD, &st) && (st.st_mode & 07777) == mode;
}

static long call_acl(struct scene *s)
{
	return result(setxattr(OLD, ACCESS, &acl, sizeof(acl), 0));
}

static bool check_acl(struct scene *s, long ret)
{
	return has_mode(0770) && getxattr(OLD, ACCESS, NULL, 0) == (ssize_t)sizeof(acl);
}

static bool kept_no_acl(struct scene *s)
{
	return has_mode(0640) && getxattr(OLD, ACCESS, NULL, 0) < 0;
}

static void undo_acl(struct scene *s, long ret)
{
	removexattr(OLD, ACCESS);
	chmod(OLD, 0640);
}

WALK_PATH(set_acl, .name = "names-set-acl", .params = RESERVE, .must = SLAB | COPY,
	  .prepare = prepare_tree, .call = call_acl, .check = check_acl,
	  .kept = kept_no_acl, .undo = undo_acl)

static long call_chmod(struct scene *s)
{
	return result(chmod(OLD, 0700));
}

static bool mask_is(int perm)
{
	struct acl now;

	return getxattr(OLD, ACCESS, &now, sizeof(now)) == (ssize_t)sizeof(now) &&
	       now.entry[3].e_perm == perm;
}

static bool check_chmod(struct scene *s, long ret)
{
	return has_mode(0700) && mask_is(0);
}

static bool kept_mode(struct scene *s)
{
	return has_mode(0770) && mask_is(7);
}

WALK_PATH(chmod, .name = "names-chmod-acl", .params = RESERVE, .must = SLAB,
	  .prepare = prepare_list, .call = call_chmod, .check = check_chmod,
	  .kept = kept_mode, .undo = undo_acl)

TEST_HARNESS_MAIN
