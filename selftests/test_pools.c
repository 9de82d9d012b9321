// SPDX-License-Identifier: GPL-2.0
/* module: reserve=4M max=64M */
/*
 * A pool is a mount: its name, its options, whom it lets in, and how long it lives.
 */
#include "zcpool_test.h"
#include "lib/mount.h"
#include <grp.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#define A	"/run/zcpool_a"
#define B	"/run/zcpool_b"

FIXTURE(pools) {
	char message[MESSAGE_SIZE];
};

/* Each test has mounts of its own, which end with it. */
FIXTURE_SETUP(pools)
{
	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_TRUE(make_dir(A) && make_dir(B));
}

FIXTURE_TEARDOWN(pools)
{
	umount2(B, MNT_DETACH);
	umount2(A, MNT_DETACH);
	EXPECT_TRUE(pool_ends("a"));
	EXPECT_TRUE(pool_ends("b"));
}

static bool mounts(const char *name, const char *options, const char *dir)
{
	char message[MESSAGE_SIZE];
	int err = mount_pool(name, options, dir, message);

	if (err)
		fprintf(stderr, "# %s, %s: %s: %s\n", name, options, strerror(-err), message);
	return !err;
}

static dev_t device_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_dev;
}

TEST_F(pools, two_side_by_side)
{
	struct zcpool_info a, b;
	int fda, fdb, buf;

	ASSERT_TRUE(mounts("a", "max=8M reserve=0:4M", A));
	ASSERT_TRUE(mounts("b", "max=6M", B));
	EXPECT_NE(device_of(A), device_of(B));
	fda = open(A, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fdb = open(B, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_EQ(0, pool_info(fda, -1, &a));
	ASSERT_EQ(0, pool_info(fdb, -1, &b));
	EXPECT_EQ(8 * MIB, a.max_bytes);
	EXPECT_EQ(6 * MIB, b.max_bytes);
	EXPECT_EQ(4 * MIB, a.reserve_bytes);
	EXPECT_EQ(4 * MIB, a.total_bytes);
	EXPECT_EQ(0, b.reserve_bytes);
	buf = buf_alloc(fdb, CHUNK + PAGE, 0, -1);
	ASSERT_LE(0, buf);
	EXPECT_EQ(0, pool_used(fda));
	EXPECT_EQ(CHUNK + PAGE, pool_used(fdb));
	EXPECT_EQ(-ENOSPC, buf_alloc(fdb, 5 * MIB, 0, -1));
	close(buf);
	close(fda);
	close(fdb);
}

/* What is given, and what /proc/mounts shows of it */
static const struct {
	const char *give;
	const char *shows;
	int nodes;
} good[] = {
	{ "", "", 1 },
	{ "max=8M", ",max=8M", 1 },
	{ "max=8388607", ",max=8M", 1 },
	{ "max=8M max=10240K", ",max=10M", 1 },
	{ "reserve=2M max=16M", ",reserve=2M,max=16M", 1 },
	{ "reserve=0:2M max=8M", ",reserve=0:2M,max=8M", 1 },
	{ "reserve=0 max=8M", ",max=8M", 1 },
	{ "policy=interleave", ",policy=interleave", 1 },
	{ "nodes=0", ",nodes=0", 1 },
	{ "nodes=0 policy=prefer", ",nodes=0,policy=prefer", 1 },
	{ "nodes=0 policy=local", ",nodes=0,policy=local", 1 },
	{ "reserve=2M nodes=0 max=8M", ",nodes=0,reserve=2M,max=8M", 1 },
	{ "huge=always", ",huge=always", 1 },
	{ "huge=never", ",huge=never", 1 },
	{ "mode=700", "", 1 },
	{ "mode=0770", ",mode=0770", 1 },
	{ "mode=1777", ",mode=1777", 1 },
	{ "uid=1000 gid=1001", ",uid=1000,gid=1001", 1 },
	{ "nodes=0+1", ",nodes=0-1", 2 },
	{ "nodes=0,1 reserve=0:2M,1:4M max=8M", ",nodes=0-1,reserve=0:2M+1:4M,max=8M", 2 },
	{ "nodes=1 reserve=4M max=8M", ",nodes=1,reserve=4M,max=8M", 2 },
	{ "nodes=0-1 policy=interleave", ",nodes=0-1,policy=interleave", 2 },
};

/* "rw,relatime,max=8M" as mount_pool() wants it, without what all mounts have */
static void to_give(char *options)
{
	char *from = strstr(options, "relatime");

	from += strlen("relatime");
	from += *from == ',';
	memmove(options, from, strlen(from) + 1);
	for (from = options; *from; from++) {
		if (*from == ',')
			*from = ' ';
	}
}

/* What is shown mounts the same: beside it, and anew. */
TEST_F(pools, options_are_shown)
{
	char shown[512], again[512], want[512];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		if (good[i].nodes > 1 && !node_exists(1))
			continue;
		ASSERT_TRUE(mounts("a", good[i].give, A));
		ASSERT_TRUE(mounted_options(A, shown, sizeof(shown)));
		snprintf(want, sizeof(want), "rw,relatime%s", good[i].shows);
		EXPECT_STREQ(want, shown)
			TH_LOG("%s", good[i].give);
		to_give(shown);
		ASSERT_TRUE(mounts("a", shown, B));
		EXPECT_EQ(device_of(A), device_of(B));
		ASSERT_EQ(0, umount(B));
		ASSERT_EQ(0, umount(A));
		ASSERT_TRUE(mounts("a", shown, A));
		ASSERT_TRUE(mounted_options(A, again, sizeof(again)));
		EXPECT_STREQ(want, again);
		ASSERT_EQ(0, umount(A));
	}
}

/* What is refused, and what is said of it: the option, and what it takes */
static const struct {
	const char *give;
	const char *says;
} bad[] = {
	{ "max=0", "max: '0' is no SIZE above 0 (a SIZE is digits with K, M or G)" },
	{ "max=x", "max: 'x' is no SIZE" },
	{ "max=", "max: '' is no SIZE" },
	{ "max", "max: '' is no SIZE" },
	{ "max=8M,", "max: '8M,' is no SIZE" },
	{ "max=64G", "max: '64G' is more than the machine's" },
	{ "max=99999999999999999999", "max: " },
	{ "reserve=x", "reserve: 'x' is neither SIZE nor NODE:SIZE" },
	{ "reserve=", "reserve: '' is neither SIZE" },
	{ "reserve=0:2M+0:2M", "reserve: '0:2M+0:2M' is neither" },
	{ "reserve=0:2M+", "reserve: '0:2M+' is neither" },
	{ "reserve=99:2M", "reserve: node 99 has no memory" },
	{ "reserve=0:8M max=4M", "max: 4 MiB are less than the reserve of 8 MiB" },
	{ "nodes=x", "nodes: 'x' is no LIST of nodes (such as 0+2-3)" },
	{ "nodes=0+5", "nodes: node 5 has no memory" },
	{ "nodes=", "nodes: '' is no LIST" },
	{ "nodes=1-0", "nodes: '1-0' is no LIST" },
	{ "nodes=99", "nodes: " },
	{ "policy=near", "policy: 'near' is none of local, bind, prefer, interleave" },
	{ "policy=bind", "policy: bind wants nodes=LIST" },
	{ "policy=prefer", "policy: prefer wants nodes=LIST" },
	{ "huge=yes", "huge: 'yes' is none of prefer, always, never" },
	{ "mode=9", "mode: '9' is no octal number up to 7777" },
	{ "mode=10000", "mode: '10000' is no octal" },
	{ "uid=root", "uid: 'root' is no number of a user" },
	{ "uid=4294967295", "uid: '4294967295' is no number" },
	{ "gid=x", "gid: 'x' is no number of a group" },
	{ "size=8M", "size: is none of nodes, reserve, max, policy, huge, mode, uid, gid" },
};

TEST_F(pools, wrong_options)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, mount_pool("a", bad[i].give, A, self->message))
			TH_LOG("%s", bad[i].give);
		EXPECT_NE(NULL, strstr(self->message, bad[i].says)) {
			TH_LOG("%s: wanted '%s', it says '%s'", bad[i].give, bad[i].says,
			       self->message);
		}
		EXPECT_EQ(0, strncmp(self->message, "zcpool: ", 8));
	}
	if (node_exists(1)) {
		EXPECT_EQ(-EINVAL, mount_pool("a", "nodes=0 reserve=1:2M", A, self->message));
		EXPECT_NE(NULL, strstr(self->message, "reserve: node 1 is not among nodes="));
	}
}

/* Whoever goes on after an option was refused gets what he would without it. */
TEST_F(pools, refused_changes_nothing)
{
	int fs = fsopen("zcpool", FSOPEN_CLOEXEC), mnt, root;
	struct zcpool_info pi;

	ASSERT_LE(0, fs);
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_SET_STRING, "source", "refused", 0));
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_SET_STRING, "max", "32M", 0));
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_SET_STRING, "reserve", "2M", 0));
	EXPECT_EQ(-1, fsconfig(fs, FSCONFIG_SET_STRING, "max", "100T", 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, fsconfig(fs, FSCONFIG_SET_STRING, "reserve", "4Mx", 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, fsconfig(fs, FSCONFIG_SET_STRING, "uid", "x", 0));
	EXPECT_EQ(EINVAL, errno);
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	mnt = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	ASSERT_LE(0, mnt);
	root = openat(mnt, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_LE(0, root);
	ASSERT_EQ(0, pool_info(root, -1, &pi));
	EXPECT_EQ(32 * MIB, pi.max_bytes);
	EXPECT_EQ(pi.nr_nodes * 2 * MIB, pi.reserve_bytes);
	close(root);
	close(mnt);
	close(fs);
}

TEST_F(pools, names)
{
	char longest[65];
	static const char *const wrong[] = {
		"", ".", "..", "a/b", "/dev/a", "a b", "a:b", "\xe4", "layout", "a\n",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(-EINVAL, mount_pool(wrong[i], "", A, self->message))
			TH_LOG("'%s'", wrong[i]);
		EXPECT_TRUE(!*wrong[i] || strstr(self->message, "source: "));
	}
	EXPECT_EQ(-EINVAL, mount_pool(NULL, "", A, self->message));
	EXPECT_NE(NULL, strstr(self->message, "source: "));

	memset(longest, 'x', 64);
	longest[64] = 0;
	EXPECT_EQ(-EINVAL, mount_pool(longest, "", A, self->message));
	longest[63] = 0;
	ASSERT_TRUE(mounts(longest, "", A) && mounts("-_.x", "", B));
	EXPECT_TRUE(pool_lives(longest) && pool_lives("-_.x"));
	ASSERT_TRUE(!umount(A) && !umount(B));
	EXPECT_TRUE(pool_ends(longest) && pool_ends("-_.x"));
}

/* The one of the module's parameters */
TEST_F(pools, default_pool)
{
	int dev = pool_open(), root, buf;
	char shown[512];

	ASSERT_TRUE(mounts("default", "", A));
	ASSERT_TRUE(mounted_options(A, shown, sizeof(shown)));
	EXPECT_STREQ("rw,relatime,reserve=4M,max=64M", shown);
	root = open(A, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	buf = buf_alloc(root, CHUNK, 0, -1);
	ASSERT_LE(0, buf);
	EXPECT_EQ(CHUNK, pool_used(dev));
	close(buf);
	EXPECT_EQ(-EBUSY, mount_pool("default", "max=32M", B, self->message));
	ASSERT_TRUE(mounts("default", "max=64M", B));
	close(root);
	close(dev);
	ASSERT_EQ(0, umount(A));
	ASSERT_EQ(0, umount(B));
	EXPECT_TRUE(pool_lives("default"));
}

TEST_F(pools, same_name_same_pool)
{
	static const char *const other[] = {
		"max=16M", "reserve=0:4M", "policy=interleave", "huge=always", "mode=777",
		"uid=1", "gid=1", "nodes=0", "max=8M huge=always",
	};
	unsigned int i;
	int fd;

	ASSERT_TRUE(mounts("a", "max=8M reserve=0:2M", A));
	fd = creat(A "/file", 0600);
	ASSERT_LE(0, fd);
	close(fd);
	for (i = 0; i < ARRAY_SIZE(other); i++) {
		if (!strcmp(other[i], "nodes=0") && !node_exists(1))
			continue;
		EXPECT_EQ(-EBUSY, mount_pool("a", other[i], B, self->message))
			TH_LOG("%s", other[i]);
		EXPECT_NE(NULL, strstr(self->message, "the pool 'a' is there with another"));
		EXPECT_EQ(-1, umount(B));
	}
	ASSERT_TRUE(mounts("a", "", B));
	EXPECT_EQ(0, access(B "/file", F_OK));
	EXPECT_EQ(0, unlink(B "/file"));
	EXPECT_EQ(-1, access(A "/file", F_OK));
	/* It lives as long as any. */
	ASSERT_EQ(0, umount(A));
	EXPECT_EQ(-EBUSY, mount_pool("a", "max=16M", A, self->message));
	ASSERT_EQ(0, umount(B));
	ASSERT_TRUE(mounts("a", "max=16M", A));
}

/* A buffer, a mapping, an open device: each keeps the pool, and none its name in a directory. */
TEST_F(pools, outlives_its_mount)
{
	struct zcpool_info pi;
	int dev, buf;
	char *p;

	ASSERT_TRUE(mounts("a", "max=8M reserve=0:2M", A));
	dev = pool_open_name("a");
	ASSERT_LE(0, dev);
	ASSERT_EQ(0, umount(A));
	EXPECT_TRUE(pool_lives("a"));
	buf = buf_alloc(dev, CHUNK + PAGE, 0, -1);
	ASSERT_LE(0, buf);
	close(dev);
	p = buf_map(buf, CHUNK + PAGE, 0);
	ASSERT_NE(MAP_FAILED, p);
	close(buf);
	EXPECT_TRUE(pool_lives("a"));
	fill(p, CHUNK + PAGE, 1);

	/* It is still the one of that name. */
	EXPECT_EQ(-EBUSY, mount_pool("a", "max=16M", A, self->message));
	ASSERT_TRUE(mounts("a", "max=8M", A));
	dev = open(A, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_EQ(0, pool_info(dev, -1, &pi));
	EXPECT_EQ(CHUNK + PAGE, pi.used_bytes);
	close(dev);
	ASSERT_EQ(0, umount(A));
	EXPECT_TRUE(pool_lives("a"));
	EXPECT_TRUE(filled(p, CHUNK + PAGE, 1));
	munmap(p, CHUNK + PAGE);
	EXPECT_TRUE(pool_ends("a"));
}

/* The next of the name waits for the one before to have gone. */
TEST_F(pools, name_again_right_away)
{
	struct zcpool_info pi;
	char options[64];
	int i, fd;

	for (i = 0; i < 10; i++) {
		snprintf(options, sizeof(options), "max=%dM reserve=0:%dM", 16 + 2 * i, 4 + 2 * i);
		ASSERT_TRUE(mounts("a", options, A));
		fd = open(A, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ASSERT_EQ(0, pool_info(fd, -1, &pi));
		EXPECT_EQ((16 + 2 * i) * MIB, pi.max_bytes);
		EXPECT_EQ(0, pi.used_bytes);
		close(buf_alloc(fd, CHUNK, 0, -1));
		close(fd);
		ASSERT_EQ(0, umount(A));
	}
}

static void *mount_and_umount(void *arg)
{
	const char *name = arg;
	long err = 0;
	int i, fd, buf;

	for (i = 0; i < 20 && !err; i++) {
		fd = mount_pool_open(name, "max=8M reserve=0:2M", NULL);
		if (fd < 0) {
			err = fd;
			break;
		}
		buf = buf_alloc(fd, CHUNK, 0, -1);
		if (buf < 0 && buf != -ENOSPC)
			err = buf;
		if (buf >= 0)
			close(buf);
		close(fd);
	}
	return (void *)err;
}

/* Who makes it, who finds it made and who finds it going all get one. */
TEST_F(pools, many_at_once)
{
	pthread_t t[6];
	void *err;
	int i;

	for (i = 0; i < 6; i++)
		ASSERT_EQ(0, pthread_create(&t[i], NULL, mount_and_umount, i % 3 ? "a" : "b"));
	for (i = 0; i < 6; i++) {
		pthread_join(t[i], &err);
		EXPECT_EQ(0, (long)err);
	}
}

TEST_F(pools, module_stays)
{
	int root, buf;

	ASSERT_TRUE(mounts("a", "", A));
	EXPECT_EQ(-1, syscall(SYS_delete_module, "zcpool", O_NONBLOCK));
	EXPECT_TRUE(errno == EBUSY || errno == EWOULDBLOCK);
	root = open(A, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	buf = buf_alloc(root, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	close(root);
	ASSERT_EQ(0, umount(A));
	EXPECT_EQ(-1, syscall(SYS_delete_module, "zcpool", O_NONBLOCK));
	close(buf);
}

/* A namespace that ends takes its mounts with it. */
TEST_F(pools, namespace_that_dies)
{
	pid_t pid;
	int fds[2];
	char c;

	ASSERT_EQ(0, pipe(fds));
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWNS) || mount_pool("a", "max=8M reserve=0:4M", A, NULL) ||
		    creat(A "/left", 0600) < 0)
			_exit(1);
		(void)!write(fds[1], "x", 1);
		pause();
	}
	close(fds[1]);
	ASSERT_EQ(1, read(fds[0], &c, 1));
	EXPECT_TRUE(pool_lives("a"));
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, child_status(pid));
	EXPECT_TRUE(pool_ends("a"));
	close(fds[0]);
}

static bool node_has(const char *name, mode_t mode, uid_t uid, gid_t gid)
{
	char path[128];
	struct stat st;
	int i;

	snprintf(path, sizeof(path), ZCPOOL_DEV_DIR "/%s", name);
	for (i = 0; i < POLL_TRIES && stat(path, &st); i++)
		usleep(POLL_USEC);
	if (st.st_mode == (S_IFCHR | mode) && st.st_uid == uid && st.st_gid == gid)
		return true;
	fprintf(stderr, "# %s has %o, %u, %u\n", path, st.st_mode, st.st_uid, st.st_gid);
	return false;
}

static bool root_has(const char *dir, mode_t mode, uid_t uid, gid_t gid)
{
	struct stat st;

	return !stat(dir, &st) && st.st_mode == (S_IFDIR | mode) && st.st_uid == uid &&
	       st.st_gid == gid;
}

TEST_F(pools, permissions)
{
	ASSERT_TRUE(mounts("a", "", A));
	EXPECT_TRUE(node_has("a", 0600, 0, 0));
	EXPECT_TRUE(root_has(A, 0700, 0, 0));
	ASSERT_EQ(0, umount(A));
	ASSERT_TRUE(mounts("a", "mode=1770 uid=1000 gid=1001", A));
	EXPECT_TRUE(node_has("a", 0660, 1000, 1001));
	EXPECT_TRUE(root_has(A, 01770, 1000, 1001));
	/* Who may read the names may not allocate. */
	ASSERT_TRUE(mounts("b", "mode=755", B));
	EXPECT_TRUE(node_has("b", 0600, 0, 0));
	EXPECT_EQ(0, remount_pool(B, "mode=0777", self->message));
	EXPECT_TRUE(node_has("b", 0666, 0, 0));
	EXPECT_TRUE(root_has(B, 0777, 0, 0));
	EXPECT_EQ(0, remount_pool(B, "uid=7 gid=8", self->message));
	EXPECT_TRUE(node_has("b", 0666, 7, 8));
	EXPECT_TRUE(root_has(B, 0777, 7, 8));
}

/* What somebody may do: bit 0 open the device, 1 INFO, 2 ALLOC by the root, 3 make a file */
static int rights_of(uid_t uid, gid_t group)
{
	struct zcpool_info pi;
	int fd, rights = 0;

	if (setgroups(0, NULL) || setresgid(group, group, group) || setresuid(uid, uid, uid))
		return -1;
	fd = open(ZCPOOL_DEV_DIR "/a", O_RDWR | O_CLOEXEC);
	rights |= fd >= 0 ? 1 : 0;
	fd = open(A, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rights |= !pool_info(fd, -1, &pi) ? 2 : 0;
	rights |= buf_alloc(fd, PAGE, 0, -1) >= 0 ? 4 : 0;
	rights |= creat(A "/file", 0600) >= 0 ? 8 : 0;
	unlink(A "/file");
	return rights;
}

static int rights_in_child(uid_t uid, gid_t group)
{
	pid_t pid = fork();

	if (!pid)
		_exit(rights_of(uid, group));
	return child_status(pid);
}

TEST_F(pools, two_users)
{
	ASSERT_TRUE(mounts("a", "mode=0750 uid=1000 gid=1001 max=8M", A));
	ASSERT_TRUE(pool_lives("a"));
	EXPECT_EQ(15, rights_in_child(1000, 1000));
	EXPECT_EQ(2, rights_in_child(1002, 1001));
	EXPECT_EQ(0, rights_in_child(1002, 1002));
	EXPECT_EQ(0, remount_pool(A, "mode=0770", self->message));
	ASSERT_TRUE(pool_lives("a"));
	EXPECT_EQ(15, rights_in_child(1002, 1001));
	EXPECT_EQ(0, rights_in_child(1002, 1002));
	EXPECT_EQ(0, remount_pool(A, "mode=0700 uid=1002", self->message));
	ASSERT_TRUE(pool_lives("a"));
	EXPECT_EQ(0, rights_in_child(1000, 1001));
	EXPECT_EQ(15, rights_in_child(1002, 1002));
}

/* The number is the pool's; the descriptor outlives the node. */
TEST_F(pools, device)
{
	struct stat st, other;
	int dev;

	ASSERT_TRUE(mounts("a", "max=8M", A));
	ASSERT_TRUE(mounts("b", "max=8M", B));
	dev = pool_open_name("a");
	ASSERT_LE(0, dev);
	ASSERT_EQ(0, fstat(dev, &st));
	EXPECT_TRUE(pool_lives("b"));
	ASSERT_EQ(0, stat(ZCPOOL_DEV_DIR "/b", &other));
	EXPECT_EQ(major(st.st_rdev), major(other.st_rdev));
	EXPECT_NE(minor(st.st_rdev), minor(other.st_rdev));
	EXPECT_EQ(0, access("/sys/class/zcpool/zcpool!a/dev", R_OK));
	EXPECT_EQ(0, remount_pool(A, "mode=777", self->message));
	EXPECT_TRUE(pool_lives("a"));
	ASSERT_EQ(0, stat(ZCPOOL_DEV_DIR "/a", &other));
	EXPECT_EQ(st.st_rdev, other.st_rdev);
	EXPECT_EQ(0, pool_used(dev));
	/* Of a number that no pool has */
	ASSERT_EQ(0, mknod("/run/zcpool_no", S_IFCHR | 0600, makedev(major(st.st_rdev), 255)));
	EXPECT_EQ(-1, open("/run/zcpool_no", O_RDWR | O_CLOEXEC));
	EXPECT_EQ(ENXIO, errno);
	unlink("/run/zcpool_no");
	close(dev);
}

/* INFO and ALLOC work on the directory that a pool is mounted on, and on no other. */
TEST_F(pools, root_directory)
{
	int root, dir, buf;
	struct statfs sf;
	char *p;

	ASSERT_TRUE(mounts("a", "max=8M reserve=0:2M", A));
	root = open(A, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p = map_new(_metadata, root, CHUNK + PAGE, &buf);
	fill(p, CHUNK + PAGE, 1);
	EXPECT_TRUE(filled(p, CHUNK + PAGE, 1));
	ASSERT_EQ(0, fstatfs(root, &sf));
	EXPECT_EQ(ZCPOOL_SUPER_MAGIC, (unsigned long)sf.f_type);
	EXPECT_EQ(PAGE, (size_t)sf.f_bsize);
	EXPECT_EQ(8 * MIB / PAGE, sf.f_blocks);
	EXPECT_EQ((6 * MIB - PAGE) / PAGE, sf.f_bfree);
	EXPECT_EQ(sf.f_bfree, sf.f_bavail);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, RDWR, MAP_SHARED, root, 0));
	munmap(p, CHUNK + PAGE);
	close(buf);

	EXPECT_EQ(0, mkdir(A "/dir", 0777));
	dir = open(A "/dir", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EXPECT_EQ(-ENOTTY, buf_alloc(dir, PAGE, 0, -1));
	close(dir);
	/* Where no file can be made */
	ASSERT_EQ(0, mount(NULL, A, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	EXPECT_EQ(-EROFS, buf_alloc(root, PAGE, 0, -1));
	close(root);
}

static int use_in_user_namespace(void)
{
	int root, buf;

	if (setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000) ||
	    unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return 4;
	if (mount_pool("b", "", B, NULL) != -EPERM || mount_pool("a", "", B, NULL) != -EPERM ||
	    remount_pool(A, "max=32M", NULL) != -EPERM)
		return 1;
	if (mount(A, B, NULL, MS_BIND, NULL))
		return 2;
	root = open(B, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	buf = buf_alloc(root, CHUNK, 0, -1);
	return buf < 0 || creat(B "/file", 0600) < 0 || unlink(B "/file") ? 3 : 0;
}

/* A pool cannot be mounted there, but what is mounted can be bound. */
TEST_F(pools, user_namespace)
{
	int status;
	pid_t pid;

	ASSERT_TRUE(mounts("a", "mode=777 max=8M", A));
	pid = fork();
	if (!pid)
		_exit(use_in_user_namespace());
	status = child_status(pid);
	if (status == 4)
		SKIP(return, "no user namespaces here");
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
