// SPDX-License-Identifier: GPL-2.0
/* module: reserve=4M max=64M */
/*
 * A mount goes while others reach for its files by their numbers, by way of the pool's device:
 * they have one and the mount waits, or they have none. Whatever they do to it, the next mount of
 * the name is whole, and in the end the pool goes and so does its memory.
 */
#include "zcpool_test.h"
#include "lib/mount.h"

#define NAME		"umount"
#define MOUNTS		60
#define FILE_SIZE	(CHUNK + 3 * PAGE)

struct scene {
	int dev;
	__u64 id;			/* of the file that there is now, or was a moment ago */
	bool over;
	unsigned long hit[3];		/* how often each who reaches for it has had it */
	int wrong;			/* an error that nobody may get; 0 if there was none */
};

static void note(struct scene *scene, int which, long ret)
{
	static const int fair[] = { -ENOENT, -ESTALE, -EBUSY, -ENOSPC, -ENOMEM, -EINVAL };
	unsigned int i;

	if (ret >= 0) {
		__atomic_fetch_add(&scene->hit[which], 1, __ATOMIC_RELAXED);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(fair); i++)
		if (ret == fair[i])
			return;
	__atomic_store_n(&scene->wrong, ret, __ATOMIC_RELAXED);
}

static bool is_over(const struct scene *scene)
{
	return __atomic_load_n(&scene->over, __ATOMIC_RELAXED);
}

static __u64 number(const struct scene *scene)
{
	return __atomic_load_n(&scene->id, __ATOMIC_RELAXED);
}

static void *revoke_it(void *arg)
{
	struct scene *scene = arg;

	while (!is_over(scene))
		note(scene, 0, pool_revoke(scene->dev, number(scene), 0));
	return NULL;
}

static void *migrate_it(void *arg)
{
	struct scene *scene = arg;
	int node = 0;

	while (!is_over(scene)) {
		node = !node && node_exists(1);
		note(scene, 1, pool_migrate(scene->dev, number(scene), node));
	}
	return NULL;
}

/* All files of the pool are listed, with what they hold. */
static void *list_it(void *arg)
{
	struct scene *scene = arg;
	char text[4096];
	ssize_t n;
	int fd;

	while (!is_over(scene)) {
		fd = open("/sys/kernel/debug/zcpool/" NAME "/buffers", O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? -errno : read(fd, text, sizeof(text));
		note(scene, 2, n);
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

/*
 * A file in a mount of its own, which ends with the last of descriptor and mapping. -errno if
 * something failed that nobody who reaches for the file can make fail.
 */
static int mount_once(struct scene *scene, bool mapping_is_last)
{
	int root = mount_pool_open(NAME, "max=16M reserve=0:2M", NULL), fd;
	struct zcpool_buf_info bi;
	char *p;

	if (root < 0)
		return root;
	fd = openat(root, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 || buf_info(fd, &bi) || ftruncate(fd, FILE_SIZE))
		return -errno;
	__atomic_store_n(&scene->id, bi.id, __ATOMIC_RELAXED);
	(void)!pwrite(fd, "x", 1, CHUNK + PAGE);
	p = mmap(NULL, FILE_SIZE, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	close(root);
	if (p == MAP_FAILED)
		return errno == ESTALE ? close(fd) : -errno;
	if (!mapping_is_last)
		munmap(p, FILE_SIZE);
	close(fd);
	if (mapping_is_last)
		munmap(p, FILE_SIZE);
	return 0;
}

TEST(reached_for_by_number)
{
	static void *(*const ways[])(void *) = { revoke_it, migrate_it, list_it };
	struct scene scene = { 0 };
	int first = mount_pool_open(NAME, "max=16M reserve=0:2M", NULL);
	pthread_t t[ARRAY_SIZE(ways)];
	unsigned int i;

	ASSERT_LE(0, first);
	scene.dev = pool_open_name(NAME);
	ASSERT_LE(0, scene.dev);
	close(first);
	for (i = 0; i < ARRAY_SIZE(ways); i++)
		ASSERT_EQ(0, pthread_create(&t[i], NULL, ways[i], &scene));
	for (i = 0; i < MOUNTS || !scene.hit[0] || !scene.hit[1] || !scene.hit[2]; i++)
		ASSERT_EQ(0, mount_once(&scene, i % 2));
	__atomic_store_n(&scene.over, true, __ATOMIC_RELAXED);
	for (i = 0; i < ARRAY_SIZE(ways); i++)
		pthread_join(t[i], NULL);
	EXPECT_EQ(0, scene.wrong);
	EXPECT_EQ(0, pool_wait_used(scene.dev, 0));
	close(scene.dev);
	EXPECT_TRUE(pool_ends(NAME));
}

TEST_HARNESS_MAIN
