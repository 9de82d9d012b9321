/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's other ways to a mapping: what copies, pins, watches or describes it */
#ifndef ZCPOOL_FUZZ_CALLS_KERNEL_H
#define ZCPOOL_FUZZ_CALLS_KERNEL_H

#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "calls_mount.h"
#include "state.h"

/* What of the kernel's own accounts is read */
enum fuzz_look {
	LOOK_NODES, LOOK_BUDDY, LOOK_BUFFERS, LOOK_SMAPS, LOOK_NUMA_MAPS, LOOK_FDINFO, LOOK_PAGEMAP,
	LOOK_MOUNTS
};

static inline long fuzz_vm_read(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_touch_range(z, a[0], a[1], a[2]);
	struct iovec to = { fuzz_scratch, fuzz_io_len(r.len) }, from = { r.p, r.len };
	long n = process_vm_readv(getpid(), &to, 1, &from, 1, 0);

	fuzz_check_bytes(z, fuzz_scratch, n);
	return n;
}

static inline long fuzz_vm_write(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_touch_range(z, a[0], a[1], a[2]);
	struct iovec from = { fuzz_scratch, fuzz_io_len(r.len) }, to = { r.p, r.len };

	return process_vm_writev(getpid(), &from, 1, &to, 1, 0);
}

/* By way of /proc/self/mem, which writes where the program may not. */
static inline long fuzz_mem_write(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_touch_range(z, a[0], a[1], a[2]);
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	long n = -1;

	if (r.p)
		n = pwrite(fd, fuzz_scratch, fuzz_io_len(r.len), (off_t)r.p);
	close(fd);
	return n;
}

/* Pins the pages for as long as the ring lives. */
static inline long fuzz_uring(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_touch_range(z, a[1], a[2], a[3]);
	struct iovec v = { r.p, r.len };
	struct io_uring_params params = {};
	int fd = syscall(SYS_io_uring_setup, 4, &params);

	if (fd < 0)
		return -1;
	fuzz_put_fd(z, a[0], fd);
	return syscall(SYS_io_uring_register, fd, IORING_REGISTER_BUFFERS, &v, 1);
}

static inline long fuzz_uffd(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_range(z, a[0], a[1], a[2]);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { (unsigned long)r.p, r.len }, .mode = a[3],
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | 1);
	long err = -1;

	if (fd >= 0 && r.p && !ioctl(fd, UFFDIO_API, &api))
		err = ioctl(fd, UFFDIO_REGISTER, &reg);
	close(fd);
	return err;
}

/* The files of a pool in debugfs, or the process' own in /proc */
static inline void fuzz_look_path(struct fuzz *z, const __u64 *a, char path[TEXT_SIZE + 64])
{
	static const char * const pool_files[] = {
		[LOOK_NODES] = "nodes", [LOOK_BUDDY] = "buddy", [LOOK_BUFFERS] = "buffers",
	};
	static const char * const own_files[] = {
		[LOOK_SMAPS] = "smaps", [LOOK_NUMA_MAPS] = "numa_maps", [LOOK_PAGEMAP] = "pagemap",
		[LOOK_MOUNTS] = "mounts",
	};
	char name[TEXT_SIZE];

	if (a[0] < ARRAY_SIZE(pool_files))
		snprintf(path, TEXT_SIZE + 64, "/sys/kernel/debug/zcpool/%s/%s",
			 fuzz_text(z, fuzz_pools, a[2], name), pool_files[a[0]]);
	else if (a[0] < ARRAY_SIZE(own_files) && own_files[a[0]])
		snprintf(path, TEXT_SIZE + 64, "/proc/self/%s", own_files[a[0]]);
	else
		snprintf(path, TEXT_SIZE + 64, "/proc/self/fdinfo/%d", fuzz_fd(z, a[1]));
}

static inline long fuzz_look(struct fuzz *z, const __u64 *a)
{
	struct fuzz_map r = fuzz_range(z, 0, 0, 0);
	char path[TEXT_SIZE + 64], text[2048];
	long n, all = 0;
	int fd;

	/* Another thread may read from a descriptor that was just closed, and is now this. */
	if (z->threaded)
		z->report->foreign = true;
	fuzz_look_path(z, a, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (a[0] == LOOK_PAGEMAP)
		lseek(fd, (unsigned long)r.p / PAGE * 8, SEEK_SET);
	while (all < 16384 && (n = read(fd, text, sizeof(text))) > 0)
		all += n;
	close(fd);
	return all;
}

#endif /* ZCPOOL_FUZZ_CALLS_KERNEL_H */
