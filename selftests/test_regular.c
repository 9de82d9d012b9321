// SPDX-License-Identifier: GPL-2.0
/* module: reserve=32M max=128M */
/*
 * A buffer is a regular file to any program that looks: its type, size and name, and what
 * may and may not be done with such a file.
 */
#include "zcpool_test.h"
#include <sys/personality.h>

static const size_t sizes[] = { PAGE, 5 * PAGE, CHUNK, 2 * CHUNK + 3 * PAGE };

TEST_F(pool, looks_like_one)
{
	struct stat st;
	unsigned int i;
	int buf;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		buf = buf_alloc(self->fd, sizes[i], 0, -1);
		ASSERT_LE(0, buf);
		ASSERT_EQ(0, fstat(buf, &st));
		EXPECT_TRUE(S_ISREG(st.st_mode));
		EXPECT_EQ((off_t)sizes[i], st.st_size);
		/* Nothing of it is a hole. */
		EXPECT_EQ((blkcnt_t)(sizes[i] / 512), st.st_blocks);
		EXPECT_EQ(0, lseek(buf, 0, SEEK_DATA));
		EXPECT_EQ((off_t)sizes[i], lseek(buf, 1, SEEK_HOLE));
		EXPECT_EQ(-1, lseek(buf, sizes[i], SEEK_DATA));
		EXPECT_EQ(ENXIO, errno);
		EXPECT_EQ(0, fchmod(buf, 0640));
		ASSERT_EQ(0, fstat(buf, &st));
		EXPECT_EQ(S_IFREG | 0640, (int)st.st_mode);
		close(buf);
	}
}

/* Room that is there may be asked for; what would be more, or less, is refused. */
TEST_F(pool, fallocate)
{
	unsigned int i;
	char *p;
	int buf;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = map_new(_metadata, self->fd, sizes[i], &buf);
		fill(p, sizes[i], i);
		EXPECT_EQ(0, posix_fallocate(buf, 0, sizes[i]));
		EXPECT_EQ(0, posix_fallocate(buf, sizes[i] - 1, 1));
		EXPECT_EQ(ENOSPC, posix_fallocate(buf, 0, sizes[i] + 1));
		EXPECT_EQ(ENOSPC, posix_fallocate(buf, sizes[i], 1));
		EXPECT_EQ(0, fallocate(buf, 1 /* KEEP_SIZE */, 0, sizes[i]));
		EXPECT_EQ(-1, fallocate(buf, 1, PAGE, sizes[i]));
		EXPECT_EQ(ENOSPC, errno);
		EXPECT_EQ(-1, fallocate(buf, 3 /* PUNCH_HOLE | KEEP_SIZE */, 0, PAGE));
		EXPECT_EQ(EOPNOTSUPP, errno);
		EXPECT_EQ(-1, fallocate(buf, 0x10 /* ZERO_RANGE */, 0, PAGE));
		EXPECT_EQ(EOPNOTSUPP, errno);
		EXPECT_TRUE(filled(p, sizes[i], i));
		munmap(p, sizes[i]);
		close(buf);
	}
}

TEST_F(pool, sync)
{
	unsigned int i;
	char *p;
	int buf;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = map_new(_metadata, self->fd, sizes[i], &buf);
		touch_write(p, sizes[i]);
		EXPECT_EQ(0, fsync(buf));
		EXPECT_EQ(0, fdatasync(buf));
		EXPECT_EQ(0, msync(p, sizes[i], MS_SYNC));
		EXPECT_EQ(0, msync(p, sizes[i], MS_ASYNC));
		munmap(p, sizes[i]);
		close(buf);
	}
}

/* By no path: descriptor, name, or open */
TEST_F(pool, size_stays)
{
	static const off_t others[] = { 0, 1, PAGE, CHUNK + 1, 2 * CHUNK, 1LL << 40 };
	char path[64];
	struct stat st;
	unsigned int i;
	char *p;
	int buf;

	p = map_new(_metadata, self->fd, CHUNK, &buf);
	fill(p, CHUNK, 1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", buf);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		EXPECT_EQ(-1, ftruncate(buf, others[i]));
		EXPECT_EQ(EPERM, errno);
		EXPECT_EQ(-1, truncate(path, others[i]));
		EXPECT_EQ(EPERM, errno);
	}
	EXPECT_EQ(0, ftruncate(buf, CHUNK));
	EXPECT_EQ(0, truncate(path, CHUNK));
	EXPECT_EQ(-1, open(path, O_RDWR | O_TRUNC | O_CLOEXEC));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, open(path, O_RDONLY | O_TRUNC | O_CLOEXEC));
	EXPECT_EQ(EPERM, errno);
	ASSERT_EQ(0, fstat(buf, &st));
	EXPECT_EQ((off_t)CHUNK, st.st_size);
	EXPECT_TRUE(filled(p, CHUNK, 1));
	munmap(p, CHUNK);
	close(buf);
}

/* Nor is there a way to run what somebody has written there. */
TEST_F(pool, is_no_program)
{
	static const int prots[] = { PROT_EXEC, PROT_READ | PROT_EXEC, RDWR | PROT_EXEC };
	char *const argv[] = { "true", NULL };
	char page[PAGE];
	unsigned int i;
	int buf, exe;
	ssize_t n;
	pid_t pid;
	char *p;

	buf = buf_alloc(self->fd, CHUNK, 0, -1);
	ASSERT_LE(0, buf);
	exe = open("/bin/true", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, exe);
	while ((n = read(exe, page, sizeof(page))) > 0)
		ASSERT_EQ(n, write(buf, page, n));
	close(exe);
	ASSERT_EQ(0, fchmod(buf, 0777));
	pid = fork();
	if (!pid) {
		syscall(SYS_execveat, buf, "", argv, NULL, AT_EMPTY_PATH);
		_exit(errno);
	}
	EXPECT_EQ(EACCES, child_status(pid));

	for (i = 0; i < ARRAY_SIZE(prots); i++) {
		EXPECT_EQ(MAP_FAILED, mmap(NULL, CHUNK, prots[i], MAP_SHARED, buf, 0));
		EXPECT_EQ(EPERM, errno);
		EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, prots[i], MAP_SHARED, self->fd, 0));
		EXPECT_EQ(EPERM, errno);
		p = mmap(NULL, PAGE, RDWR, MAP_SHARED, i % 2 ? buf : self->fd, 0);
		ASSERT_NE(MAP_FAILED, p);
		EXPECT_EQ(-1, mprotect(p, PAGE, prots[i]));
		EXPECT_EQ(EACCES, errno);
		p[0] = 1;
		munmap(p, PAGE);
	}
	close(buf);
}

/* For programs of a certain age, the kernel has what is readable executable, too. */
TEST_F(pool, old_programs_may_map_it)
{
	char *p, *q;
	int buf;

	buf = buf_alloc(self->fd, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	ASSERT_NE(-1, personality(personality(0xffffffff) | READ_IMPLIES_EXEC));
	p = buf_map(buf, PAGE, 0);
	ASSERT_NE(MAP_FAILED, p);
	q = mmap(NULL, PAGE, RDWR, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_EQ(-1, mprotect(q, PAGE, PROT_EXEC));
	EXPECT_EQ(EACCES, errno);
	munmap(p, PAGE);
	munmap(q, PAGE);
	close(buf);
}

/* Whether the line of a mapping in /proc/self/maps ends in that name */
static bool maps_say(const void *p, const char *name)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512], start[32];
	bool same = false;

	snprintf(start, sizeof(start), "%lx-", (unsigned long)p);
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (!strncmp(line, start, strlen(start)))
			same = strrchr(line, ' ') && !strcmp(strrchr(line, ' ') + 1, name);
	}
	if (f)
		fclose(f);
	return same;
}

/* By which maps, links and debugfs speak of the same buffer */
TEST_F(pool, name)
{
	char path[64], name[64], link[64] = "";
	struct zcpool_buf_info bi;
	int buf, buf2;
	char *p, *q;

	p = map_new(_metadata, self->fd, CHUNK, &buf);
	ASSERT_EQ(0, buf_info(buf, &bi));
	snprintf(name, sizeof(name), "/zcpool:%llu", bi.id);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", buf);
	EXPECT_LT(0, readlink(path, link, sizeof(link) - 1));
	EXPECT_STREQ(name, link);
	EXPECT_TRUE(maps_say(p, name));

	/* A mapping of the pool has no descriptor; its number is the next. */
	q = mmap(NULL, PAGE, RDWR, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, q);
	buf2 = buf_alloc(self->fd, PAGE, 0, -1);
	ASSERT_EQ(0, buf_info(buf2, &bi));
	snprintf(name, sizeof(name), "/zcpool:%llu", bi.id - 1);
	EXPECT_TRUE(maps_say(q, name));
	munmap(q, PAGE);
	munmap(p, CHUNK);
	close(buf);
	close(buf2);
}

/* Who has been given a descriptor may pass it on for reading, whoever made the buffer. */
TEST_F(pool, anybody_may_pass_it_on_for_reading)
{
	int buf, ro;
	pid_t pid;
	char c;

	buf = buf_alloc(self->fd, PAGE, 0, -1);
	ASSERT_LE(0, buf);
	ASSERT_EQ(1, pwrite(buf, "z", 1, 5));
	pid = fork();
	if (!pid) {
		if (setgid(65534) || setuid(65534))
			_exit(1);
		ro = reopen(buf, O_RDONLY);
		if (ro < 0)
			_exit(2);
		if (reopen(buf, O_RDWR) >= 0 || errno != EACCES)
			_exit(3);
		if (pread(ro, &c, 1, 5) != 1 || c != 'z')
			_exit(4);
		_exit(pwrite(ro, "y", 1, 5) < 0 && errno == EBADF ? 0 : 5);
	}
	EXPECT_EQ(0, child_status(pid));
	close(buf);
}

static bool file_is_filled(int fd, size_t len, __u64 seed)
{
	char *p = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	struct stat st;
	bool same;

	if (p == MAP_FAILED || fstat(fd, &st) || st.st_size != (off_t)len)
		return false;
	same = filled(p, len, seed);
	munmap(p, len);
	return same;
}

/* What bash says of a command; there may be no other shell. */
static int by_bash(const char *command)
{
	pid_t pid = fork();

	if (!pid) {
		execlp("bash", "bash", "-c", command, NULL);
		_exit(127);
	}
	return child_status(pid);
}

#define NOT_HERE	4

/*
 * Programs that have never heard of it: what they copy is what is in it. The machines of
 * other architectures have few of them.
 */
TEST_F(pool, copied_by_programs)
{
	static const char * const programs[] = {
		"type -P cp > /dev/null || exit 4; cp -rL /proc/$PPID/fd/$1 $2",
		"type -P tar > /dev/null || exit 4; tar -C /proc/$PPID/fd -chO $1 | tar -xO > $2",
		"type -P cat > /dev/null || exit 4; cat /proc/$PPID/fd/$1 > $2",
	};
	char command[256], out[32], *p;
	unsigned int i, copies = 0;
	int buf, fd, status;

	p = map_new(_metadata, self->fd, CHUNK + PAGE, &buf);
	fill(p, CHUNK + PAGE, 9);
	for (i = 0; i < ARRAY_SIZE(programs); i++) {
		snprintf(out, sizeof(out), "/tmp/zcpool.XXXXXX");
		fd = mkstemp(out);
		ASSERT_LE(0, fd);
		snprintf(command, sizeof(command), "set -- %d %s; %s", buf, out, programs[i]);
		status = by_bash(command);
		if (status != NOT_HERE) {
			EXPECT_EQ(0, status)
				TH_LOG("%s", programs[i]);
			EXPECT_TRUE(file_is_filled(fd, CHUNK + PAGE, 9));
			copies++;
		}
		close(fd);
		unlink(out);
	}
	EXPECT_LT(0, copies);
	munmap(p, CHUNK + PAGE);
	close(buf);
}

TEST_HARNESS_MAIN
