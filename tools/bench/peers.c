// SPDX-License-Identifier: GPL-2.0
/* The ways to get memory that two processes can share (or, THP, can not). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/dma-heap.h>
#include <linux/memfd.h>
#include <linux/udmabuf.h>
#include <zcpool.h>

#include "bench.h"

#define HEAP_PATH	"/dev/dma_heap/system"
#define UDMABUF_PATH	"/dev/udmabuf"
#define MAX_HOGS	4096
#define WAIT_STEPS	10000	/* of a millisecond, for the scrubber */

#define STEP(s)		(1U << (s))
#define ALL_STEPS	(STEP(ALLOC) | STEP(MAP) | STEP(TOUCH) | STEP(UNMAP) | \
			 STEP(FREE))
#define MAP_STEPS	(STEP(MAP) | STEP(TOUCH) | STEP(UNMAP))

/* Shared steps */

static int no_step(struct job *job)
{
	(void)job;
	return 0;
}

static int map_fd(struct job *job)
{
	job->map_len = job->size;
	job->map = mmap(NULL, job->size, PROT_READ | PROT_WRITE, MAP_SHARED,
			job->fd, 0);
	if (job->map == MAP_FAILED)
		return because(&job->why, errno, "mmap");
	job->addr = job->map;
	return 0;
}

static int unmap(struct job *job)
{
	if (munmap(job->map, job->map_len))
		return because(&job->why, errno, "munmap");
	job->map = NULL;
	return 0;
}

static int close_fd(struct job *job)
{
	int fd = job->fd;

	job->fd = -1;
	if (close(fd))
		return because(&job->why, errno, "close");
	return 0;
}

/* What a failed run left behind too */
static void close_job(struct job *job)
{
	int fds[] = { job->fd, job->memfd, job->pool };
	size_t i;

	if (job->map && job->map != MAP_FAILED)
		munmap(job->map, job->map_len);
	for (i = 0; i < job->nr_hogs; i++)
		close(job->hogs[i]);
	free(job->hogs);
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static int open_device(struct job *job, const char *path)
{
	job->pool = open(path, O_RDWR | O_CLOEXEC);
	if (job->pool < 0)
		return because(&job->why, errno, "%s", path);
	return 0;
}

/* zcpool */

static int zc_open(struct job *job)
{
	job->pool = zcpool_open(NULL);
	if (job->pool < 0)
		return because(&job->why, errno, "/dev/zcpool/default");
	return 0;
}

static int zc_alloc(struct job *job)
{
	uint64_t size = job->size;

	job->fd = zcpool_alloc(job->pool, &size, 0, -1);
	if (job->fd < 0)
		return because(&job->why, errno, "ZCPOOL_IOC_ALLOC");
	return 0;
}

static int zc_pool_map(struct job *job)
{
	job->map_len = job->size;
	job->map = mmap(NULL, job->size, PROT_READ | PROT_WRITE, MAP_SHARED,
			job->pool, 0);
	if (job->map == MAP_FAILED)
		return because(&job->why, errno, "mmap of the pool");
	job->addr = job->map;
	return 0;
}

/*
 * There has to be clean memory for this run on our node, and of its kind: small
 * pieces come from what may be a single chunk. Once half of that is dirty, wait
 * for the scrubber to have done it all.
 */
static int zc_ready_clean(struct job *job)
{
	struct zcpool_info info = { 0 };
	__u64 dirty = 0;
	int i;

	for (i = 0; i < WAIT_STEPS; i++) {
		if (zcpool_info(job->pool, job->node, &info))
			return because(&job->why, errno, "ZCPOOL_IOC_INFO");
		if (!i)
			dirty = (job->size < HUGE ? HUGE : info.reserve_bytes) / 2;
		if (info.dirty_bytes <= dirty && info.clean_bytes >= job->size)
			return 0;
		if (!info.dirty_bytes)
			break;
		dirty = 0;
		usleep(1000);
	}
	return because(&job->why, 0, "no %zu KiB clean on node %d: reserve more",
		       job->size / KIB, job->node);
}

static int hog(struct job *job, uint64_t size)
{
	int fd;

	while (job->nr_hogs < MAX_HOGS) {
		fd = zcpool_alloc(job->pool, &size, ZCPOOL_ALLOC_NOWAIT, -1);
		if (fd < 0)
			return errno == EAGAIN ? 0 : -1;
		job->hogs[job->nr_hogs++] = fd;
	}
	errno = EMFILE;
	return -1;
}

/* Holds all that is clean but for one buffer of our size, which is dirtied. */
static int zc_open_dirty(struct job *job)
{
	if (zc_open(job) || zc_ready_clean(job) || zc_alloc(job))
		return -1;
	job->hogs = calloc(MAX_HOGS, sizeof(*job->hogs));
	if (!job->hogs)
		return because(&job->why, errno, "calloc");
	if (hog(job, 64 * MIB) || hog(job, HUGE) || hog(job, 64 * KIB) ||
	    hog(job, PAGE))
		return because(&job->why, errno, "taking all clean memory");
	return close_fd(job);
}

/* The scrubber may have been faster; memory just freed is dirty again. */
static int zc_ready_dirty(struct job *job)
{
	struct zcpool_info info;
	int i;

	for (i = 0; i < WAIT_STEPS; i++) {
		if (zcpool_info(job->pool, -1, &info))
			return because(&job->why, errno, "ZCPOOL_IOC_INFO");
		if (info.clean_bytes < job->size && info.dirty_bytes >= job->size)
			return 0;
		if (zc_alloc(job) || close_fd(job))
			return -1;
	}
	return because(&job->why, 0, "there was always clean memory");
}

/* memfd, of shmem or hugetlbfs */

static int memfd_of(struct job *job, unsigned int flags)
{
	int fd = memfd_create("zcpool-bench", MFD_CLOEXEC | flags);

	if (fd < 0)
		return because(&job->why, errno, "memfd_create");
	if (ftruncate(fd, job->size)) {
		because(&job->why, errno, "ftruncate of a memfd");
		close(fd);
		return -1;
	}
	return fd;
}

static int memfd_alloc(struct job *job)
{
	job->fd = memfd_of(job, 0);
	return job->fd < 0 ? -1 : 0;
}

static int hugetlb_alloc(struct job *job)
{
	job->fd = memfd_of(job, MFD_HUGETLB | MFD_HUGE_2MB);
	return job->fd < 0 ? -1 : 0;
}

/* mmap fails where too few pages are reserved: say so before. */
static int hugetlb_open(struct job *job)
{
	static const char path[] =
		"/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages";
	FILE *f = fopen(path, "r");
	size_t pages = 0;

	if (!f)
		return because(&job->why, errno, "%s", path);
	if (fscanf(f, "%zu", &pages) != 1)
		pages = 0;
	fclose(f);
	if (pages < job->size / HUGE)
		return because(&job->why, 0, "%zu free huge pages, needs %zu; see %s",
			       pages, job->size / HUGE, "vm.nr_hugepages");
	return 0;
}

/* shmem's huge pages, if shmem_enabled is advise; small pieces are like any memfd's. */
static int memfd_thp_map(struct job *job)
{
	if (map_fd(job))
		return -1;
	if (job->size >= HUGE && madvise(job->map, job->size, MADV_HUGEPAGE))
		return because(&job->why, errno, "MADV_HUGEPAGE");
	return 0;
}

/* dma-heap */

static int heap_open(struct job *job)
{
	return open_device(job, HEAP_PATH);
}

static int heap_alloc(struct job *job)
{
	struct dma_heap_allocation_data data = {
		.len = job->size,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};

	if (ioctl(job->pool, DMA_HEAP_IOCTL_ALLOC, &data))
		return because(&job->why, errno, "DMA_HEAP_IOCTL_ALLOC");
	job->fd = data.fd;
	return 0;
}

/* udmabuf */

static int udmabuf_open(struct job *job)
{
	return open_device(job, UDMABUF_PATH);
}

static int udmabuf_alloc(struct job *job)
{
	struct udmabuf_create create = {
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.size = job->size,
	};

	job->memfd = memfd_of(job, MFD_ALLOW_SEALING);
	if (job->memfd < 0)
		return -1;
	if (fcntl(job->memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		return because(&job->why, errno, "F_SEAL_SHRINK");
	create.memfd = job->memfd;
	job->fd = ioctl(job->pool, UDMABUF_CREATE, &create);
	if (job->fd < 0)
		return because(&job->why, errno, "UDMABUF_CREATE");
	return 0;
}

static int udmabuf_free(struct job *job)
{
	if (close(job->memfd))
		return because(&job->why, errno, "close");
	job->memfd = -1;
	return close_fd(job);
}

/* Anonymous memory; from 2 MiB on the size to spare makes it aligned. */

static int thp_map(struct job *job)
{
	size_t spare = job->size < HUGE ? 0 : HUGE;
	uintptr_t start;

	job->map_len = job->size + spare;
	job->map = mmap(NULL, job->map_len, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (job->map == MAP_FAILED)
		return because(&job->why, errno, "mmap");
	start = (uintptr_t)job->map;
	if (spare)
		start = (start + HUGE - 1) & ~(HUGE - 1);
	job->addr = (char *)start;
	if (madvise(job->addr, job->size, MADV_HUGEPAGE))
		return because(&job->why, errno, "MADV_HUGEPAGE");
	return 0;
}

const struct peer peers[NR_PEERS] = {
	{
		.key = "zcpool_alloc", .name = "zcpool ALLOC", .zcpool = true,
		.huge = true,
		.stages = ALL_STEPS, .open = zc_open, .ready = zc_ready_clean,
		.alloc = zc_alloc, .map = map_fd, .unmap = unmap,
		.free = close_fd, .close = close_job,
	}, {
		.key = "zcpool_mmap", .name = "zcpool mmap of the pool",
		.zcpool = true, .huge = true,
		.stages = MAP_STEPS, .open = zc_open, .ready = zc_ready_clean,
		.alloc = no_step, .map = zc_pool_map, .unmap = unmap,
		.free = no_step, .close = close_job,
	}, {
		.key = "zcpool_unclean", .name = "zcpool ALLOC, none clean",
		.zcpool = true, .huge = true,
		.stages = ALL_STEPS, .open = zc_open_dirty,
		.ready = zc_ready_dirty, .alloc = zc_alloc, .map = map_fd,
		.unmap = unmap, .free = close_fd, .close = close_job,
	}, {
		.key = "memfd_hugetlb", .name = "memfd + hugetlb",
		.min_size = HUGE,
		.stages = ALL_STEPS, .open = hugetlb_open, .ready = no_step,
		.alloc = hugetlb_alloc, .map = map_fd, .unmap = unmap,
		.free = close_fd, .close = close_job,
	}, {
		.key = "memfd", .name = "memfd",
		.stages = ALL_STEPS, .open = no_step, .ready = no_step,
		.alloc = memfd_alloc, .map = map_fd, .unmap = unmap,
		.free = close_fd, .close = close_job,
	}, {
		.key = "memfd_thp", .name = "memfd + THP", .huge = true,
		.stages = ALL_STEPS, .open = no_step, .ready = no_step,
		.alloc = memfd_alloc, .map = memfd_thp_map, .unmap = unmap,
		.free = close_fd, .close = close_job,
	}, {
		.key = "dma_heap", .name = "dma-heap system",
		.stages = ALL_STEPS, .open = heap_open, .ready = no_step,
		.alloc = heap_alloc, .map = map_fd, .unmap = unmap,
		.free = close_fd, .close = close_job,
	}, {
		.key = "udmabuf", .name = "udmabuf over memfd",
		.stages = ALL_STEPS, .open = udmabuf_open, .ready = no_step,
		.alloc = udmabuf_alloc, .map = map_fd, .unmap = unmap,
		.free = udmabuf_free, .close = close_job,
	}, {
		.key = "thp", .name = "anonymous + THP", .huge = true,
		.stages = MAP_STEPS, .open = no_step, .ready = no_step,
		.alloc = no_step, .map = thp_map, .unmap = unmap,
		.free = no_step, .close = close_job,
	},
};
