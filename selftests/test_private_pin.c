// SPDX-License-Identifier: GPL-2.0
/* module: reserve=64M max=256M */
/* keeps: 16384 */
/*
 * Pages of private mappings that something pins: what goes into memory goes into the
 * process's own copy, and what is read from it is what the process sees.
 */
#include "zcpool_test.h"
#include "lib/async.h"
#include <linux/videodev2.h>

static const size_t sizes[] = { PAGE, 16 * PAGE, CHUNK, 2 * CHUNK + 4 * PAGE };

/* The longest of them */
#define MOST	(2 * CHUNK + 4 * PAGE)

/* By reference: what is in the pipe is what was there, whoever writes to his copy then. */
TEST_F(pool, pipe)
{
	static char in[PAGE];
	struct zcpool_info pi;
	struct iovec iov;
	char *s, *p;
	int fds[2], buf;

	ASSERT_EQ(0, pipe(fds));
	s = map_new(_metadata, self->fd, CHUNK, &buf);
	fill(s, CHUNK, 1);
	p = mmap(NULL, CHUNK, RDWR, MAP_PRIVATE, buf, 0);
	ASSERT_NE(MAP_FAILED, p);
	iov = (struct iovec){ p, PAGE };
	ASSERT_EQ((ssize_t)PAGE, vmsplice(fds[1], &iov, 1, 0));
	fill(p, PAGE, 2);
	ASSERT_EQ((ssize_t)PAGE, vmsplice(fds[1], &iov, 1, 0));
	munmap(p, CHUNK);
	munmap(s, CHUNK);
	close(buf);
	/* The first is the buffer's page, the second a copy. */
	EXPECT_EQ(self->used, pool_wait_used(self->fd, self->used));
	ASSERT_EQ(0, pool_wait_scrubbed(self->fd, &pi));
	EXPECT_EQ(has_pmds() ? CHUNK : PAGE, pi.quarantined_bytes);
	ASSERT_EQ((ssize_t)PAGE, read(fds[0], in, PAGE));
	EXPECT_TRUE(filled(in, PAGE, 1));
	EXPECT_EQ(0, pool_wait_idle(self->fd, &pi));
	ASSERT_EQ((ssize_t)PAGE, read(fds[0], in, PAGE));
	EXPECT_TRUE(filled(in, PAGE, 2));
	close(fds[0]);
	close(fds[1]);
}

/* A file with MOST bytes on a disk, filled with 9 */
FIXTURE(disk) {
	int fd;
	int file;
};

FIXTURE_SETUP(disk)
{
	int buf;
	char *p;

	if (!has_disk())
		SKIP(return, NO_DISK);
	self->file = direct_file();
	ASSERT_LE(0, self->file);
	self->fd = pool_open();
	ASSERT_LE(0, self->fd);
	p = map_new(_metadata, self->fd, MOST, &buf);
	fill(p, MOST, 9);
	ASSERT_EQ((ssize_t)MOST, pwrite(self->file, p, MOST, 0));
	munmap(p, MOST);
	close(buf);
}

FIXTURE_TEARDOWN(disk)
{
	struct zcpool_info pi;

	close(self->file);
	unlink(DIRECT_FILE);
	EXPECT_EQ(0, pool_wait_used(self->fd, 0));
	EXPECT_EQ(0, pool_wait_idle(self->fd, &pi));
	close(self->fd);
}

/* The disk writes to a mapping that is untouched, or has been read. */
TEST_F(disk, direct_io)
{
	static char back[PAGE];
	char *s, *p;
	unsigned int i;
	int buf, plain;
	size_t len;

	plain = open(DIRECT_FILE, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, plain);
	for (i = 0; i < 2 * ARRAY_SIZE(sizes); i++) {
		len = sizes[i / 2];
		s = map_new(_metadata, self->fd, len, &buf);
		fill(s, len, 1);
		p = mmap(NULL, len, RDWR, MAP_PRIVATE, buf, 0);
		ASSERT_NE(MAP_FAILED, p);
		if (i % 2)
			touch_read(p, len);
		EXPECT_EQ((ssize_t)len, pread(self->file, p, len, 0));
		EXPECT_TRUE(filled(p, len, 9));
		EXPECT_TRUE(filled(s, len, 1));
		munmap(p, len);
		/* And it reads from one, the last page being a copy. */
		p = mmap(NULL, len, RDWR, MAP_PRIVATE, buf, 0);
		ASSERT_NE(MAP_FAILED, p);
		fill(p + len - PAGE, PAGE, 2);
		EXPECT_EQ((ssize_t)len, pwrite(self->file, p, len, MOST));
		EXPECT_EQ((ssize_t)PAGE, pread(plain, back, PAGE, MOST + len - PAGE));
		EXPECT_TRUE(filled(back, PAGE, 2));
		EXPECT_EQ((ssize_t)PAGE, pread(plain, back, PAGE, MOST));
		EXPECT_TRUE(filled(back, PAGE, len > PAGE ? 1 : 2));
		munmap(p, len);
		munmap(s, len);
		close(buf);
	}
	close(plain);
}

/* Registered, the memory is pinned for long: it is the process's own from then on. */
TEST_F(disk, io_uring)
{
	const size_t len = CHUNK + 4 * PAGE;
	struct ring ring;
	char *s, *p;
	int buf;

	if (!ring_open(&ring))
		SKIP(return, "no io_uring: %s", strerror(errno));
	s = map_new(_metadata, self->fd, len, &buf);
	fill(s, len, 1);
	p = mmap(NULL, len, RDWR, MAP_PRIVATE, buf, 0);
	ASSERT_NE(MAP_FAILED, p);
	touch_read(p, len);
	/* Linux 6.1 refuses memory of a file's. */
	if (ring_register(&ring, p, len)) {
		EXPECT_EQ(EOPNOTSUPP, errno);
	} else {
		EXPECT_EQ((long)(len / KIB), smaps_kb(p, len, "Anonymous"));
		EXPECT_TRUE(filled(p, len, 1));
		EXPECT_EQ((int)len, ring_read(&ring, self->file, p, len));
		EXPECT_TRUE(filled(p, len, 9));
	}
	EXPECT_TRUE(filled(s, len, 1));
	munmap(p, len);
	munmap(s, len);
	close(buf);
	ring_close(&ring);
}

/* A device that reads frames from the memory of programs */
static int open_video(void)
{
	struct v4l2_capability cap;
	char path[32];
	int i, fd;

	if (system("modprobe -q vivid n_devs=1 node_types=0x100"))
		return -1;
	for (i = 0; i < 64; i++) {
		snprintf(path, sizeof(path), "/dev/video%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (!ioctl(fd, VIDIOC_QUERYCAP, &cap) && !strcmp((char *)cap.driver, "vivid"))
			return fd;
		close(fd);
	}
	return -1;
}

/* Gives a frame at p to the device, which has it until its descriptor is closed. */
static bool queue_frame(int video, char *p, size_t len)
{
	struct v4l2_format format = { .type = V4L2_BUF_TYPE_VIDEO_OUTPUT };
	struct v4l2_requestbuffers req = {
		.count = 1, .type = format.type, .memory = V4L2_MEMORY_USERPTR,
	};
	struct v4l2_buffer frame = {
		.type = format.type, .memory = req.memory, .length = len,
		.m.userptr = (unsigned long)p,
	};

	if (ioctl(video, VIDIOC_G_FMT, &format) || format.fmt.pix.sizeimage > len)
		return false;
	frame.bytesused = format.fmt.pix.sizeimage;
	return !ioctl(video, VIDIOC_REQBUFS, &req) && !ioctl(video, VIDIOC_QBUF, &frame);
}

/*
 * Pinned for long and for reading only, as RDMA has what it sends: that must be the copy
 * that the process will write to, or the device would not see it. The core makes it
 * without a write, but it cannot where a PMD maps the page again whenever it asks.
 */
TEST_F(pool, for_reading)
{
	struct zcpool_info pi;
	int video, buf, i;
	char *s, *p;
	pid_t pid;

	video = open_video();
	if (video < 0)
		SKIP(return, "no vivid");
	for (i = 0; i < 2; i++) {
		s = map_new(_metadata, self->fd, CHUNK, &buf);
		fill(s, CHUNK, 1);
		p = mmap(NULL, CHUNK, RDWR, MAP_PRIVATE, buf, 0);
		ASSERT_NE(MAP_FAILED, p);
		if (i)
			touch_read(p, CHUNK);
		pid = fork();
		if (!pid) {
			/* Else it would be tried for ever. */
			alarm(60);
			_exit(queue_frame(video, p, CHUNK) && filled(p, CHUNK, 1) ? 0 : 1);
		}
		EXPECT_EQ(0, child_status(pid));
		EXPECT_TRUE(filled(p, CHUNK, 1));
		EXPECT_TRUE(filled(s, CHUNK, 1));
		munmap(p, CHUNK);
		munmap(s, CHUNK);
		close(buf);
		/* Nothing of the pool is held back, though the device has its frame still. */
		EXPECT_EQ(0, pool_wait_idle(self->fd, &pi));
		close(video);
		video = open_video();
		ASSERT_LE(0, video);
	}
	close(video);
	EXPECT_EQ(0, system("modprobe -r vivid"));
}

TEST_HARNESS_MAIN
