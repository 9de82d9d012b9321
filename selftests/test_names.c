// SPDX-License-Identifier: GPL-2.0
/* module: reserve=4M max=16M */
/*
 * Names in a mounted pool: making, linking, renaming and removing them, what each answers, and
 * what it does to link counts and times.
 */
#include "names.h"
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

TEST_F(names, create)
{
	char name[NAME_MAX + 2];
	struct stat a, b, dir;
	int fd;

	dir = look(".");
	later();
	ASSERT_EQ(0, make("a", 0666));
	a = look("a");
	EXPECT_EQ(S_IFREG | 0644, (int)a.st_mode);
	EXPECT_EQ(1, (int)a.st_nlink);
	EXPECT_EQ(0, a.st_size);
	EXPECT_EQ(0, a.st_blocks);
	EXPECT_EQ((blksize_t)PAGE, a.st_blksize);
	EXPECT_EQ(dir.st_dev, a.st_dev);
	EXPECT_EQ(NEW_CTIME | NEW_MTIME, changed(".", &dir));
	EXPECT_EQ(-EEXIST, make("a", 0666));
	EXPECT_EQ(0, try_open("a", O_RDWR | O_CREAT));
	EXPECT_EQ(-ENOENT, make("none/a", 0666));
	EXPECT_EQ(-ENOTDIR, make("a/b", 0666));
	EXPECT_EQ(-EISDIR, try_open(".", O_WRONLY));
	EXPECT_EQ(-ENOENT, try_open("b", O_RDONLY));

	ASSERT_EQ(0, make("b", 0600));
	b = look("b");
	EXPECT_NE(a.st_ino, b.st_ino);
	EXPECT_NE(0, (int)b.st_ino);
	EXPECT_EQ(0, unlink("b"));
	ASSERT_EQ(0, make("b", 0600));
	EXPECT_NE(b.st_ino, look("b").st_ino);
	fd = open("b", O_RDONLY | O_CLOEXEC);
	EXPECT_EQ(0, unlink("b"));
	ASSERT_EQ(0, fstat(fd, &b));
	EXPECT_EQ(0, (int)b.st_nlink);
	close(fd);

	memset(name, 'x', sizeof(name));
	name[NAME_MAX + 1] = 0;
	EXPECT_EQ(-ENAMETOOLONG, make(name, 0644));
	EXPECT_EQ(-ENAMETOOLONG, result(rename("a", name)));
	name[NAME_MAX] = 0;
	EXPECT_EQ(0, make(name, 0644));
	EXPECT_EQ(0, unlink(name));
	EXPECT_EQ(0, unlink("a"));
	EXPECT_EQ(-ENOENT, result(unlink("a")));
}

TEST_F(names, directories)
{
	struct stat dir = look("."), sub;
	int fd;

	EXPECT_EQ(2, (int)dir.st_nlink);
	later();
	ASSERT_EQ(0, mkdir("d", 0777));
	EXPECT_EQ(NEW_CTIME | NEW_MTIME, changed(".", &dir));
	EXPECT_EQ(3, (int)look(".").st_nlink);
	sub = look("d");
	EXPECT_EQ(S_IFDIR | 0755, (int)sub.st_mode);
	EXPECT_EQ(2, (int)sub.st_nlink);
	EXPECT_EQ(dir.st_ino, look("d/..").st_ino);
	EXPECT_EQ(-EEXIST, result(mkdir("d", 0755)));
	EXPECT_EQ(-EISDIR, result(unlink("d")));
	EXPECT_EQ(-EPERM, result(link("d", "e")));
	EXPECT_EQ(-EINVAL, result(rmdir("d/.")));

	ASSERT_EQ(0, make("d/f", 0644));
	EXPECT_EQ(-ENOTEMPTY, result(rmdir("d")));
	EXPECT_EQ(-ENOTDIR, result(rmdir("d/f")));
	EXPECT_EQ(2, (int)look("d").st_nlink);
	EXPECT_EQ(0, unlink("d/f"));

	fd = open("d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, fsync(fd));
	dir = look(".");
	later();
	EXPECT_EQ(0, rmdir("d"));
	EXPECT_EQ(NEW_CTIME | NEW_MTIME, changed(".", &dir));
	EXPECT_EQ(2, (int)look(".").st_nlink);
	ASSERT_EQ(0, fstat(fd, &sub));
	EXPECT_EQ(0, (int)sub.st_nlink);
	EXPECT_EQ(-ENOENT, result(mkdirat(fd, "e", 0755)));
	EXPECT_EQ(-ENOENT, result(openat(fd, "e", O_CREAT | O_RDWR, 0644)));
	close(fd);
}

TEST_F(names, links)
{
	struct stat a, dir;
	fsfilcnt_t free;

	ASSERT_EQ(0, make("a", 0644));
	free = free_names();
	a = look("a");
	dir = look(".");
	later();
	ASSERT_EQ(0, link("a", "b"));
	EXPECT_EQ(free - 1, free_names());
	EXPECT_EQ(NEW_CTIME, changed("a", &a));
	EXPECT_EQ(NEW_CTIME | NEW_MTIME, changed(".", &dir));
	EXPECT_EQ(2, (int)look("b").st_nlink);
	EXPECT_EQ(a.st_ino, look("b").st_ino);
	EXPECT_EQ(-EEXIST, result(link("a", "b")));
	EXPECT_EQ(-ENOENT, result(link("none", "c")));
	EXPECT_EQ(-EXDEV, result(link("/proc/version", "c")));

	a = look("b");
	later();
	EXPECT_EQ(0, unlink("a"));
	EXPECT_EQ(NEW_CTIME, changed("b", &a));
	EXPECT_EQ(1, (int)look("b").st_nlink);
	EXPECT_EQ(free, free_names());
	EXPECT_EQ(0, unlink("b"));
	EXPECT_EQ(free + 1, free_names());
}

TEST_F(names, symbolic_links)
{
	char target[PATH_MAX + 1], text[PATH_MAX], name[2][16];
	int i;

	ASSERT_EQ(0, make("f", 0600));
	ASSERT_EQ(0, symlink("f", "s"));
	EXPECT_EQ(S_IFLNK | 0777, (int)look("s").st_mode);
	EXPECT_EQ(1, look("s").st_size);
	EXPECT_EQ(1, readlink("s", text, sizeof(text)));
	EXPECT_EQ('f', text[0]);
	EXPECT_EQ(0, try_open("s", O_RDWR));
	EXPECT_EQ(-ELOOP, try_open("s", O_RDWR | O_NOFOLLOW));
	EXPECT_EQ(-EEXIST, result(symlink("x", "s")));
	EXPECT_EQ(0, lchown("s", 7, 8));
	EXPECT_EQ(7, (int)look("s").st_uid);
	EXPECT_EQ(0, (int)look("f").st_uid);
	EXPECT_EQ(0, unlink("f"));
	EXPECT_EQ(-ENOENT, try_open("s", O_RDWR));
	EXPECT_EQ(0, unlink("s"));

	/* In a circle, and in a line that is as long as it may be and one link longer */
	ASSERT_EQ(0, symlink("x", "y"));
	ASSERT_EQ(0, symlink("y", "x"));
	EXPECT_EQ(-ELOOP, try_open("x", O_RDONLY));
	EXPECT_EQ(0, unlink("x"));
	EXPECT_EQ(0, unlink("y"));
	ASSERT_EQ(0, make("0", 0600));
	for (i = 1; i <= 41; i++) {
		snprintf(name[0], sizeof(*name), "%d", i - 1);
		snprintf(name[1], sizeof(*name), "%d", i);
		ASSERT_EQ(0, symlink(name[0], name[1]));
	}
	EXPECT_EQ(0, try_open("40", O_RDONLY));
	EXPECT_EQ(-ELOOP, try_open("41", O_RDONLY));
	while (i--) {
		snprintf(name[0], sizeof(*name), "%d", i);
		EXPECT_EQ(0, unlink(name[0]));
	}

	memset(target, 't', sizeof(target));
	target[PATH_MAX] = 0;
	EXPECT_EQ(-ENAMETOOLONG, result(symlink(target, "s")));
	target[PATH_MAX - 1] = 0;
	ASSERT_EQ(0, symlink(target, "s"));
	EXPECT_EQ(PATH_MAX - 1, readlink("s", text, sizeof(text)));
	EXPECT_EQ(0, memcmp(text, target, PATH_MAX - 1));
	EXPECT_EQ(0, unlink("s"));
	EXPECT_EQ(-ENOENT, result(symlink("", "s")));
}

TEST_F(names, special_files)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = "sock" };
	int fifo, fd, sock;
	char c;

	ASSERT_EQ(0, mkfifo("fifo", 0666));
	EXPECT_EQ(S_IFIFO | 0644, (int)look("fifo").st_mode);
	fifo = open("fifo", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, fifo);
	EXPECT_EQ(1, write(fifo, "x", 1));
	EXPECT_EQ(1, read(fifo, &c, 1));
	close(fifo);
	EXPECT_EQ(0, chmod("fifo", 0600));
	EXPECT_EQ(S_IFIFO | 0600, (int)look("fifo").st_mode);
	EXPECT_EQ(0, unlink("fifo"));

	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT_EQ(0, bind(sock, (struct sockaddr *)&at, sizeof(at)));
	EXPECT_TRUE(S_ISSOCK(look("sock").st_mode));
	EXPECT_EQ(0, listen(sock, 1));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	EXPECT_EQ(0, connect(fd, (struct sockaddr *)&at, sizeof(at)));
	close(fd);
	close(sock);
	EXPECT_EQ(-ENXIO, try_open("sock", O_RDWR));
	EXPECT_EQ(0, unlink("sock"));

	EXPECT_EQ(-EPERM, result(mknod("d", S_IFDIR | 0755, 0)));
	EXPECT_EQ(0, mknod("f", S_IFREG | 0644, 0));
	EXPECT_EQ(0, unlink("f"));
	ASSERT_EQ(0, mknod("null", S_IFCHR | 0666, makedev(1, 3)));
	EXPECT_TRUE(!self->m.is_zcpool || try_open("null", O_RDWR) == -EACCES);
	EXPECT_EQ(0, unlink("null"));
}

static int link_fd(int fd, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return result(linkat(AT_FDCWD, path, AT_FDCWD, name, AT_SYMLINK_FOLLOW));
}

TEST_F(names, tmpfile)
{
	fsfilcnt_t free = free_names();
	struct stat st;
	int fd;

	fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
	ASSERT_LE(0, fd);
	EXPECT_EQ(free - 1, free_names());
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(0, (int)st.st_nlink);
	EXPECT_EQ(S_IFREG | 0644, (int)st.st_mode);
	ASSERT_EQ(0, link_fd(fd, "a"));
	EXPECT_EQ(free - 1, free_names());
	EXPECT_EQ(1, (int)look("a").st_nlink);
	EXPECT_EQ(st.st_ino, look("a").st_ino);
	ASSERT_EQ(0, link_fd(fd, "b"));
	EXPECT_EQ(free - 2, free_names());
	EXPECT_EQ(0, unlink("a"));
	EXPECT_EQ(0, unlink("b"));
	EXPECT_EQ(free - 1, free_names());
	EXPECT_EQ(-ENOENT, link_fd(fd, "a"));
	close(fd);
	EXPECT_EQ(free, free_names());

	fd = open(".", O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0666);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOENT, link_fd(fd, "a"));
	close(fd);
	EXPECT_EQ(-EINVAL, try_open(".", O_TMPFILE | O_RDONLY));
	ASSERT_EQ(0, make("f", 0644));
	EXPECT_EQ(-ENOTDIR, try_open("f", O_TMPFILE | O_RDWR));
	EXPECT_EQ(0, unlink("f"));
}

TEST_F(names, rename_files)
{
	struct stat a, b, dir, sub;

	ASSERT_EQ(0, mkdir("d", 0755));
	ASSERT_EQ(0, make("a", 0644));
	ASSERT_EQ(0, make("d/b", 0644));
	ASSERT_EQ(0, link("d/b", "further"));
	a = look("a");
	b = look("further");
	dir = look(".");
	sub = look("d");
	later();
	EXPECT_EQ(0, rename("a", "d/b"));
	EXPECT_EQ(a.st_ino, look("d/b").st_ino);
	EXPECT_EQ(1, (int)look("d/b").st_nlink);
	EXPECT_EQ(1, (int)look("further").st_nlink);
	EXPECT_EQ(NEW_CTIME, changed("d/b", &a));
	EXPECT_EQ(NEW_CTIME, changed("further", &b));
	EXPECT_EQ(NEW_CTIME | NEW_MTIME, changed(".", &dir));
	EXPECT_EQ(NEW_CTIME | NEW_MTIME, changed("d", &sub));
	EXPECT_EQ(-ENOENT, result(unlink("a")));

	/* To another name of the same, nothing happens. */
	ASSERT_EQ(0, link("further", "same"));
	EXPECT_EQ(0, rename("further", "same"));
	EXPECT_EQ(2, (int)look("further").st_nlink);
	EXPECT_EQ(0, unlink("same"));

	EXPECT_EQ(-EISDIR, result(rename("further", "d")));
	EXPECT_EQ(-ENOTDIR, result(rename("d", "further")));
	EXPECT_EQ(-ENOENT, result(rename("none", "further")));
	EXPECT_EQ(0, unlink("further"));
	EXPECT_EQ(0, unlink("d/b"));
	EXPECT_EQ(0, rmdir("d"));
}

TEST_F(names, rename_directories)
{
	ASSERT_EQ(0, mkdir("d", 0755));
	ASSERT_EQ(0, mkdir("e", 0755));
	ASSERT_EQ(0, mkdir("d/sub", 0755));
	EXPECT_EQ(-ENOTEMPTY, result(rename("e", "d")));
	EXPECT_EQ(-EINVAL, result(rename("d", "d/sub/x")));
	EXPECT_EQ(-EBUSY, result(rename(".", "x")));
	EXPECT_EQ(4, (int)look(".").st_nlink);

	EXPECT_EQ(0, rename("d/sub", "e/sub"));
	EXPECT_EQ(2, (int)look("d").st_nlink);
	EXPECT_EQ(3, (int)look("e").st_nlink);
	EXPECT_EQ(look("e").st_ino, look("e/sub/..").st_ino);

	/* In the place of an empty one in another directory, and in the same */
	ASSERT_EQ(0, mkdir("d/sub", 0755));
	EXPECT_EQ(0, rename("e/sub", "d/sub"));
	EXPECT_EQ(3, (int)look("d").st_nlink);
	EXPECT_EQ(2, (int)look("e").st_nlink);
	EXPECT_EQ(0, rename("d", "e"));
	EXPECT_EQ(3, (int)look(".").st_nlink);
	EXPECT_EQ(3, (int)look("e").st_nlink);
	EXPECT_EQ(0, rmdir("e/sub"));
	EXPECT_EQ(0, rmdir("e"));
	EXPECT_EQ(2, (int)look(".").st_nlink);
}

static int rename_how(const char *from, const char *to, unsigned int flags)
{
	return result(renameat2(AT_FDCWD, from, AT_FDCWD, to, flags));
}

TEST_F(names, rename_flags)
{
	struct stat f, sub;

	ASSERT_EQ(0, mkdir("d", 0755));
	ASSERT_EQ(0, mkdir("d/sub", 0755));
	ASSERT_EQ(0, mkdir("e", 0755));
	ASSERT_EQ(0, make("e/f", 0644));
	EXPECT_EQ(-EEXIST, rename_how("e/f", "d/sub", RENAME_NOREPLACE));
	EXPECT_EQ(0, rename_how("e/f", "e/g", RENAME_NOREPLACE));
	EXPECT_EQ(-ENOENT, rename_how("e/g", "e/f", RENAME_EXCHANGE));
	EXPECT_EQ(0, rename_how("e/g", "e/f", 0));
	EXPECT_EQ(-EINVAL, rename_how("e/f", "e/g", RENAME_EXCHANGE | RENAME_NOREPLACE));
	EXPECT_TRUE(!self->m.is_zcpool ||
		    rename_how("e/f", "e/g", RENAME_WHITEOUT) == -EINVAL);

	f = look("e/f");
	sub = look("d/sub");
	later();
	EXPECT_EQ(0, rename_how("e/f", "d/sub", RENAME_EXCHANGE));
	EXPECT_EQ(f.st_ino, look("d/sub").st_ino);
	EXPECT_EQ(sub.st_ino, look("e/f").st_ino);
	EXPECT_EQ(NEW_CTIME, changed("d/sub", &f));
	EXPECT_EQ(NEW_CTIME, changed("e/f", &sub));
	EXPECT_EQ(2, (int)look("d").st_nlink);
	EXPECT_EQ(3, (int)look("e").st_nlink);
	EXPECT_EQ(0, rename_how("d/sub", "e/f", RENAME_EXCHANGE));
	EXPECT_EQ(3, (int)look("d").st_nlink);
	EXPECT_EQ(2, (int)look("e").st_nlink);
	EXPECT_EQ(-EINVAL, rename_how("d", "d/sub", RENAME_EXCHANGE));
	EXPECT_EQ(0, rename_how("d", "e", RENAME_EXCHANGE));
	EXPECT_EQ(0, unlink("d/f"));
	EXPECT_EQ(0, rmdir("e/sub"));
	EXPECT_EQ(0, rmdir("d"));
	EXPECT_EQ(0, rmdir("e"));
}

/* What the kernel does not let modules keep */
TEST_F(names, no_attributes)
{
	char list[64];

	if (!self->m.is_zcpool)
		SKIP(return, "other file systems have more attributes");
	ASSERT_EQ(0, make("f", 0644));
	EXPECT_EQ(-EOPNOTSUPP, result(setxattr("f", "user.x", "y", 1, 0)));
	EXPECT_EQ(-EOPNOTSUPP, result(setxattr("f", "trusted.x", "y", 1, 0)));
	EXPECT_EQ(-EOPNOTSUPP, result(setxattr("f", "security.x", "y", 1, 0)));
	EXPECT_EQ(-EOPNOTSUPP, result(getxattr("f", "user.x", list, sizeof(list))));
	EXPECT_EQ(0, listxattr("f", list, sizeof(list)));
	EXPECT_EQ(0, unlink("f"));
}

/* Who has a directory open keeps the mount; one that is not in the tree any more goes later. */
TEST_F(names, unmount)
{
	struct statvfs before, after;
	int dir, fd;

	if (!self->m.is_ours)
		SKIP(return, "the directory is not a mount of ours");
	ASSERT_EQ(0, statvfs(self->m.dir, &before));
	ASSERT_EQ(0, mkdir("d", 0755));
	ASSERT_EQ(0, make("d/f", 0644));
	/* Those that nobody unlinks are in use no more, either. */
	ASSERT_EQ(0, link("d/f", "d/g"));
	ASSERT_EQ(0, link("d/f", "h"));
	ASSERT_EQ(0, chdir("/"));
	dir = open(self->m.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_LE(0, dir);
	EXPECT_EQ(-EBUSY, result(umount(self->m.dir)));
	ASSERT_EQ(0, umount2(self->m.dir, MNT_DETACH));
	fd = openat(dir, "d/f", O_RDWR | O_CLOEXEC);
	EXPECT_LE(0, fd);
	close(dir);
	close(fd);
	ASSERT_EQ(0, mount(ZCPOOL_DEFAULT, self->m.dir, "zcpool", 0, NULL));
	ASSERT_EQ(0, chdir(self->m.dir));
	EXPECT_EQ(-ENOENT, result(access("d", F_OK)));
	ASSERT_EQ(0, statvfs(self->m.dir, &after));
	EXPECT_EQ(before.f_ffree, after.f_ffree);
}

TEST_HARNESS_MAIN
