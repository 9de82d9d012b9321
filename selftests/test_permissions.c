// SPDX-License-Identifier: GPL-2.0
/* module: reserve=4M max=16M */
/*
 * Who may do what with names in a mounted pool: modes, owners, POSIX ACLs, directories that
 * hand on their group or keep what is in them, and mounts whose owners have other numbers.
 */
#include "names.h"
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/xattr.h>

#define ANN		1001
#define BOB		1002
#define ACCESS		"system.posix_acl_access"
#define DEFAULT		"system.posix_acl_default"

struct acl {
	struct posix_acl_xattr_header head;
	struct posix_acl_xattr_entry entry[8];
	size_t size;
};

static void acl_add(struct acl *acl, int tag, int perm, unsigned int id)
{
	size_t n = (acl->size - sizeof(acl->head)) / sizeof(*acl->entry);

	acl->entry[n] = (struct posix_acl_xattr_entry){ tag, perm, id };
	acl->size += sizeof(*acl->entry);
}

/* What a mode says, and what one user may do beside it, as far as the mask lets him */
static struct acl acl_of(mode_t mode, unsigned int uid, int perm, int mask)
{
	struct acl acl = { { POSIX_ACL_XATTR_VERSION }, .size = sizeof(acl.head) };

	acl_add(&acl, ACL_USER_OBJ, mode >> 6 & 7, -1);
	if (uid)
		acl_add(&acl, ACL_USER, perm, uid);
	acl_add(&acl, ACL_GROUP_OBJ, mode >> 3 & 7, -1);
	if (uid)
		acl_add(&acl, ACL_MASK, mask, -1);
	acl_add(&acl, ACL_OTHER, mode & 7, -1);
	return acl;
}

static int acl_set(const char *path, const char *name, const struct acl *acl)
{
	return result(setxattr(path, name, acl, acl->size, 0));
}

static bool acl_is(const char *path, const char *name, const struct acl *acl)
{
	char now[256];

	return getxattr(path, name, now, sizeof(now)) == (ssize_t)acl->size &&
	       !memcmp(now, acl, acl->size);
}

static long acl_none(const char *path, const char *name)
{
	return result(getxattr(path, name, NULL, 0));
}

static int mode_of(const char *path)
{
	return look(path).st_mode & 07777;
}

TEST_F(names, modes)
{
	static const struct timespec times[2] = { { 5, 6 }, { 7, 8 } };
	struct stat before;

	ASSERT_EQ(0, chmod(".", 01777));
	ASSERT_EQ(0, AS(ANN, ANN, make("f", 0640)));
	EXPECT_EQ(ANN, (int)look("f").st_uid);
	EXPECT_EQ(ANN, (int)look("f").st_gid);
	EXPECT_EQ(0640, mode_of("f"));
	EXPECT_EQ(0, AS(BOB, ANN, try_open("f", O_RDONLY)));
	EXPECT_EQ(-EACCES, AS(BOB, ANN, try_open("f", O_RDWR)));
	EXPECT_EQ(-EACCES, AS(BOB, BOB, try_open("f", O_RDONLY)));
	EXPECT_EQ(-EPERM, AS(BOB, ANN, chmod("f", 0666)));
	EXPECT_EQ(-EPERM, AS(ANN, ANN, chown("f", BOB, -1)));
	EXPECT_EQ(-EPERM, AS(BOB, BOB, utimensat(AT_FDCWD, "f", times, 0)));
	before = look("f");
	later();
	EXPECT_EQ(0, AS(ANN, ANN, chmod("f", 06755)));
	EXPECT_EQ(NEW_CTIME, changed("f", &before));
	EXPECT_EQ(06755, mode_of("f"));
	EXPECT_EQ(0, chown("f", BOB, BOB));
	EXPECT_EQ(0755, mode_of("f"));
	EXPECT_EQ(0, utimensat(AT_FDCWD, "f", times, 0));
	EXPECT_EQ(8, look("f").st_mtim.tv_nsec);
	EXPECT_EQ(5, look("f").st_atim.tv_sec);

	/* In a directory with that mode, only whose it is may take a name away. */
	EXPECT_EQ(-EPERM, AS(ANN, ANN, unlink("f")));
	EXPECT_EQ(-EPERM, AS(ANN, ANN, rename("f", "g")));
	EXPECT_EQ(0, AS(BOB, BOB, rename("f", "g")));
	EXPECT_EQ(0, AS(BOB, BOB, unlink("g")));
	ASSERT_EQ(0, chmod(".", 0755));
	EXPECT_EQ(-EACCES, AS(ANN, ANN, make("f", 0644)));
	EXPECT_EQ(-EACCES, AS(ANN, ANN, mkdir("d", 0755)));
	EXPECT_EQ(-EACCES, AS(ANN, ANN, symlink("x", "s")));
	EXPECT_EQ(-EACCES, AS(ANN, ANN, try_open(".", O_TMPFILE | O_RDWR)));
}

TEST_F(names, groups_of_directories)
{
	ASSERT_EQ(0, mkdir("d", 0777));
	ASSERT_EQ(0, chown("d", 0, BOB));
	ASSERT_EQ(0, chmod("d", 02777));
	ASSERT_EQ(0, AS(ANN, ANN, make("d/f", 02775)));
	EXPECT_EQ(BOB, (int)look("d/f").st_gid);
	EXPECT_EQ(0755, mode_of("d/f"));
	ASSERT_EQ(0, AS(ANN, ANN, mkdir("d/e", 0777)));
	EXPECT_EQ(BOB, (int)look("d/e").st_gid);
	EXPECT_EQ(02755, mode_of("d/e"));
	ASSERT_EQ(0, AS(ANN, ANN, mkfifo("d/p", 0666)));
	EXPECT_EQ(BOB, (int)look("d/p").st_gid);
	/* Nor by chmod does he get what is not his group's. */
	EXPECT_EQ(0, AS(ANN, ANN, chmod("d/f", 02775)));
	EXPECT_EQ(0775, mode_of("d/f"));
	EXPECT_EQ(0, unlink("d/f"));
	EXPECT_EQ(0, unlink("d/p"));
	EXPECT_EQ(0, rmdir("d/e"));
	EXPECT_EQ(0, rmdir("d"));
}

TEST_F(names, access_lists)
{
	struct acl acl = acl_of(0600, ANN, 6, 7), plain = acl_of(0640, 0, 0, 0), got;
	struct stat before;
	char list[64];

	ASSERT_EQ(0, chmod(".", 0755));
	ASSERT_EQ(0, make("f", 0600));
	EXPECT_EQ(-ENODATA, acl_none("f", ACCESS));
	EXPECT_EQ(-EACCES, AS(ANN, ANN, try_open("f", O_RDONLY)));
	before = look("f");
	later();
	ASSERT_EQ(0, acl_set("f", ACCESS, &acl));
	EXPECT_EQ(NEW_CTIME, changed("f", &before));
	EXPECT_TRUE(acl_is("f", ACCESS, &acl));
	EXPECT_EQ(0670, mode_of("f"));
	EXPECT_EQ((ssize_t)sizeof(ACCESS), listxattr("f", list, sizeof(list)));
	EXPECT_EQ(0, memcmp(list, ACCESS, sizeof(ACCESS)));
	EXPECT_EQ((ssize_t)sizeof(ACCESS), listxattr("f", NULL, 0));
	EXPECT_EQ(-ERANGE, result(listxattr("f", list, 4)));
	EXPECT_EQ(-ERANGE, result(getxattr("f", ACCESS, list, 4)));
	EXPECT_EQ(0, AS(ANN, ANN, try_open("f", O_RDWR)));
	EXPECT_EQ(-EACCES, AS(BOB, BOB, try_open("f", O_RDONLY)));
	EXPECT_EQ(-EPERM, AS(ANN, ANN, acl_set("f", ACCESS, &acl)));

	/* The mask is what the mode shows of the group, and what it can change. */
	EXPECT_EQ(0, chmod("f", 0640));
	got = acl_of(0600, ANN, 6, 4);
	EXPECT_TRUE(acl_is("f", ACCESS, &got));
	EXPECT_EQ(0, AS(ANN, ANN, try_open("f", O_RDONLY)));
	EXPECT_EQ(-EACCES, AS(ANN, ANN, try_open("f", O_RDWR)));

	/* A list that says what a mode can say becomes one. */
	EXPECT_EQ(0, acl_set("f", ACCESS, &plain));
	EXPECT_EQ(-ENODATA, acl_none("f", ACCESS));
	EXPECT_EQ(0, listxattr("f", list, sizeof(list)));
	EXPECT_EQ(0640, mode_of("f"));
	EXPECT_EQ(0, acl_set("f", ACCESS, &acl));
	EXPECT_EQ(0, removexattr("f", ACCESS));
	EXPECT_EQ(-ENODATA, acl_none("f", ACCESS));
	EXPECT_EQ(-EACCES, AS(ANN, ANN, try_open("f", O_RDONLY)));

	acl.size -= sizeof(*acl.entry);
	EXPECT_EQ(-EINVAL, acl_set("f", ACCESS, &acl));
	EXPECT_EQ(-EACCES, acl_set("f", DEFAULT, &plain));
	ASSERT_EQ(0, symlink("f", "s"));
	EXPECT_EQ(-EOPNOTSUPP, result(lsetxattr("s", ACCESS, &plain, plain.size, 0)));
	EXPECT_EQ(0, unlink("s"));
	EXPECT_EQ(0, unlink("f"));
}

/* Who sets a list has no more right to the group's bit than who sets a mode. */
TEST_F(names, list_and_setgid)
{
	struct acl acl = acl_of(0755, BOB, 7, 7);

	ASSERT_EQ(0, make("f", 0755));
	ASSERT_EQ(0, chown("f", ANN, BOB));
	ASSERT_EQ(0, chmod("f", 02755));
	EXPECT_EQ(0, AS(ANN, ANN, acl_set("f", ACCESS, &acl)));
	EXPECT_EQ(0775, mode_of("f"));
	EXPECT_EQ(0, unlink("f"));
}

/* Without a list for what is new in a directory, the umask counts; with one, only that. */
TEST_F(names, default_lists)
{
	struct acl acl = acl_of(0750, ANN, 7, 7), got;
	char list[128];
	int fd;

	umask(077);
	ASSERT_EQ(0, mkdir("d", 0755));
	EXPECT_EQ(0700, mode_of("d"));
	ASSERT_EQ(0, acl_set("d", DEFAULT, &acl));
	EXPECT_EQ(0700, mode_of("d"));
	EXPECT_EQ(-ENODATA, acl_none("d", ACCESS));
	EXPECT_TRUE(acl_is("d", DEFAULT, &acl));

	ASSERT_EQ(0, make("d/f", 0666));
	got = acl_of(0650, ANN, 7, 6);
	EXPECT_TRUE(acl_is("d/f", ACCESS, &got));
	EXPECT_EQ(0660, mode_of("d/f"));
	EXPECT_EQ(-ENODATA, acl_none("d/f", DEFAULT));
	ASSERT_EQ(0, mkdir("d/e", 0777));
	EXPECT_TRUE(acl_is("d/e", ACCESS, &acl));
	EXPECT_TRUE(acl_is("d/e", DEFAULT, &acl));
	EXPECT_EQ((ssize_t)(sizeof(ACCESS) + sizeof(DEFAULT)),
		  listxattr("d/e", list, sizeof(list)));
	ASSERT_EQ(0, mkfifo("d/p", 0600));
	got = acl_of(0650, ANN, 7, 0);
	EXPECT_TRUE(acl_is("d/p", ACCESS, &got));
	EXPECT_EQ(0, chmod("d/p", 0640));
	got = acl_of(0650, ANN, 7, 4);
	EXPECT_TRUE(acl_is("d/p", ACCESS, &got));
	ASSERT_EQ(0, symlink("f", "d/s"));
	EXPECT_EQ(0777, mode_of("d/s"));
	fd = open("d", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
	ASSERT_LE(0, fd);
	EXPECT_LT(0, fgetxattr(fd, ACCESS, list, sizeof(list)));
	close(fd);

	/* What the directory gave stays when it gives no more. */
	EXPECT_EQ(0, removexattr("d", DEFAULT));
	got = acl_of(0650, ANN, 7, 6);
	EXPECT_TRUE(acl_is("d/f", ACCESS, &got));
	ASSERT_EQ(0, make("d/g", 0666));
	EXPECT_EQ(0600, mode_of("d/g"));
	EXPECT_EQ(0, unlink("d/f"));
	EXPECT_EQ(0, unlink("d/g"));
	EXPECT_EQ(0, unlink("d/p"));
	EXPECT_EQ(0, unlink("d/s"));
	EXPECT_EQ(0, rmdir("d/e"));
	EXPECT_EQ(0, rmdir("d"));
}

#define SHIFT		100000

/* A descriptor of a user namespace whose users have numbers from SHIFT on; -1 if there is none */
static int shifted_users(void)
{
	char path[64], map[32];
	int go[2], fd = -1;
	pid_t pid;
	char c;

	if (pipe2(go, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		c = unshare(CLONE_NEWUSER) ? 'n' : 'y';
		if (write(go[1], &c, 1) == 1)
			pause();
		_exit(1);
	}
	if (read(go[0], &c, 1) == 1 && c == 'y') {
		snprintf(map, sizeof(map), "0 %d 65536", SHIFT);
		snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
		if (put(path, map)) {
			snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
			if (put(path, map)) {
				snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
				fd = open(path, O_RDONLY | O_CLOEXEC);
			}
		}
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(go[0]);
	close(go[1]);
	return fd;
}

/* The same directory, seen with those numbers: a descriptor, or -errno */
static int idmapped(int users)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = users };
	int tree = syscall(SYS_open_tree, AT_FDCWD, ".", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (tree >= 0 && syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr))) {
		close(tree);
		return -errno;
	}
	return tree < 0 ? -errno : tree;
}

TEST_F(names, shifted)
{
	struct acl acl = acl_of(0600, ANN, 6, 6), got = acl_of(0600, SHIFT + ANN, 6, 6);
	int users = shifted_users(), tree, fd;
	char path[64], now[128];
	struct stat st;

	if (users < 0)
		SKIP(return, "no user namespaces");
	ASSERT_EQ(0, chmod(".", 0777));
	ASSERT_EQ(0, make("f", 0600));
	ASSERT_EQ(0, chown("f", ANN, BOB));
	ASSERT_EQ(0, acl_set("f", ACCESS, &acl));
	tree = idmapped(users);
	ASSERT_LE(0, tree);
	ASSERT_EQ(0, fstatat(tree, "f", &st, 0));
	EXPECT_EQ(SHIFT + ANN, (int)st.st_uid);
	EXPECT_EQ(SHIFT + BOB, (int)st.st_gid);
	fd = openat(tree, "f", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	/* The exact size: of any other Linux 6.1 may say that it is none of an ACL. */
	EXPECT_EQ((ssize_t)got.size, fgetxattr(fd, ACCESS, now, got.size));
	EXPECT_EQ(0, memcmp(now, &got, got.size));
	close(fd);
	EXPECT_EQ(0, AS(SHIFT + ANN, SHIFT, fchmodat(tree, "f", 0640, 0)));
	EXPECT_EQ(-EPERM, AS(ANN, ANN, fchmodat(tree, "f", 0600, 0)));

	EXPECT_EQ(0, AS(SHIFT + 5, SHIFT + 6, mkdirat(tree, "d", 0700)));
	EXPECT_EQ(5, (int)look("d").st_uid);
	EXPECT_EQ(6, (int)look("d").st_gid);
	EXPECT_EQ(0, AS(SHIFT + 5, SHIFT + 6, openat(tree, "d", O_TMPFILE | O_RDWR, 0600)));
	EXPECT_EQ(-EOVERFLOW, AS(ANN, ANN, mkdirat(tree, "e", 0700)));
	EXPECT_EQ(0, fchownat(tree, "d", SHIFT + 8, SHIFT + 9, 0));
	EXPECT_EQ(8, (int)look("d").st_uid);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/f", tree);
	EXPECT_EQ(0, acl_set(path, ACCESS, &got));
	EXPECT_TRUE(acl_is("f", ACCESS, &acl));
	close(tree);
	close(users);
	EXPECT_EQ(0, rmdir("d"));
	EXPECT_EQ(0, unlink("f"));
	EXPECT_EQ(0, chmod(".", 0755));
}

TEST_HARNESS_MAIN
