/* SPDX-License-Identifier: GPL-2.0 */
/* Extended attributes of files by name: the ACLs, and those that are refused */
#ifndef ZCPOOL_FUZZ_CALLS_XATTR_H
#define ZCPOOL_FUZZ_CALLS_XATTR_H

#include <endian.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/xattr.h>

#include "calls_name.h"
#include "state.h"

static const char * const fuzz_xattrs[] = {
	"system.posix_acl_access", "system.posix_acl_default", "user.x", "trusted.x",
	"security.x", "security.capability", "x", NULL
};

/* What is set: an ACL, good or bad, or something else */
enum fuzz_acl {
	ACL_NAMED_USER, ACL_PLAIN, ACL_MANY, ACL_NONE, ACL_NO_MASK, ACL_TWICE, ACL_BAD_TAG,
	ACL_BAD_VERSION, ACL_SHORT
};

enum fuzz_xattr_op { XATTR_SET, XATTR_GET, XATTR_LIST, XATTR_REMOVE };

#define FUZZ_ACL_ENTRIES	64

struct fuzz_acl_value {
	struct posix_acl_xattr_header head;
	struct posix_acl_xattr_entry entry[FUZZ_ACL_ENTRIES];
};

static inline void fuzz_acl_add(struct fuzz_acl_value *acl, unsigned int *nr, unsigned int tag,
				unsigned int perm, __u32 id)
{
	acl->entry[(*nr)++] = (struct posix_acl_xattr_entry){
		htole16(tag), htole16(perm), htole32(id),
	};
}

/* Returns its size. */
static inline size_t fuzz_acl_make(struct fuzz_acl_value *acl, __u64 which)
{
	const __u32 none = ACL_UNDEFINED_ID;
	unsigned int n = 0, users = 0, i;

	acl->head.a_version = htole32(which == ACL_BAD_VERSION ? 3 : POSIX_ACL_XATTR_VERSION);
	if (which == ACL_NONE)
		return sizeof(acl->head);
	if (which == ACL_SHORT)
		return sizeof(acl->head) + 3;
	if (which != ACL_PLAIN)
		users = which == ACL_MANY ? FUZZ_ACL_ENTRIES - 4 : 1;
	fuzz_acl_add(acl, &n, which == ACL_BAD_TAG ? 3 : ACL_USER_OBJ, 6, none);
	for (i = 0; i < users; i++)
		fuzz_acl_add(acl, &n, ACL_USER, 7, i + 1);
	fuzz_acl_add(acl, &n, ACL_GROUP_OBJ, 4, none);
	if (which == ACL_TWICE)
		fuzz_acl_add(acl, &n, ACL_GROUP_OBJ, 4, none);
	if (users && which != ACL_NO_MASK)
		fuzz_acl_add(acl, &n, ACL_MASK, 6, none);
	fuzz_acl_add(acl, &n, ACL_OTHER, 0, none);
	return sizeof(acl->head) + n * sizeof(acl->entry[0]);
}

/* By way of /proc, which knows names below a descriptor, and also the descriptor's own file */
static inline long fuzz_xattr(struct fuzz *z, const __u64 *a)
{
	char name[TEXT_SIZE], text[TEXT_SIZE], path[TEXT_SIZE + 32];
	const char *attr = fuzz_text(z, fuzz_xattrs, a[3], text);
	struct fuzz_acl_value value;

	fuzz_name(z, a[1], name);
	snprintf(path, sizeof(path), "/proc/self/fd/%d%s%s", fuzz_fd(z, a[0]),
		 *name ? "/" : "", name);
	switch (a[2]) {
	case XATTR_SET:
		return setxattr(path, attr, &value, fuzz_acl_make(&value, a[4]), a[5]);
	case XATTR_GET:
		return getxattr(path, attr, &value, a[6] % (sizeof(value) + 1));
	case XATTR_LIST:
		return listxattr(path, (char *)&value, a[6] % (sizeof(value) + 1));
	default:
		return removexattr(path, attr);
	}
}

#endif /* ZCPOOL_FUZZ_CALLS_XATTR_H */
