/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * zcpool: pools of huge, NUMA-local memory handed out as file descriptors.
 *
 * This is the only header shared between the module and user space.
 *
 * Every ioctl takes a pointer to one of the structs below. The size encoded in
 * the command is the caller's sizeof(struct): a caller built against an older,
 * shorter struct gets zeroes for the fields it does not know, a caller built
 * against a newer, longer one is accepted as long as the bytes this kernel does
 * not know are zero (E2BIG otherwise) and gets zeroes back in them. Always
 * clear a struct before filling it in. (What is only written, ZCPOOL_BUF_INFO,
 * is not looked at first.)
 */
#ifndef _UAPI_ZCPOOL_H
#define _UAPI_ZCPOOL_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define ZCPOOL_ABI_VERSION	1

#define ZCPOOL_DEV_DIR		"/dev/zcpool"
#define ZCPOOL_DEFAULT		"default"

/* The file system that buffers, and nothing else, are on: f_type of fstatfs(), "zcpl" */
#define ZCPOOL_SUPER_MAGIC	0x7a63706c

/* Bits of zcpool_info.features */
#define ZCPOOL_FEAT_POOL_MMAP	(1ULL << 0)	/* mmap() of the pool itself */
#define ZCPOOL_FEAT_HUGE	(1ULL << 1)	/* whole chunks map by one PMD */
#define ZCPOOL_FEAT_REVOKE	(1ULL << 2)	/* ZCPOOL_BUF_REVOKE, ZCPOOL_IOC_REVOKE */
#define ZCPOOL_FEAT_MOVE	(1ULL << 3)	/* ZCPOOL_BUF_MOVE */
#define ZCPOOL_FEAT_SEAL	(1ULL << 4)	/* ZCPOOL_BUF_SEAL */
#define ZCPOOL_FEAT_OPEN_RO	(1ULL << 5)	/* ZCPOOL_BUF_OPEN_RO */
#define ZCPOOL_FEAT_MIGRATE	(1ULL << 6)	/* ZCPOOL_BUF_MIGRATE, ZCPOOL_IOC_MIGRATE */

/* Bits of zcpool_info.flags */
#define ZCPOOL_INFO_NODE	(1U << 0)	/* one node, not the whole pool */

/**
 * struct zcpool_info - what a pool is and has (ZCPOOL_IOC_INFO)
 * @flags: in: ZCPOOL_INFO_* or 0
 * @node: in: NUMA node, with ZCPOOL_INFO_NODE; must be 0 otherwise
 * @abi_version: out: ZCPOOL_ABI_VERSION of the module
 * @nr_nodes: out: NUMA nodes the pool can have memory on
 * @features: out: ZCPOOL_FEAT_*
 * @chunk_size: out: bytes of a chunk, the unit that one PMD maps
 * @max_bytes: out: the most the pool will hold
 * @reserve_bytes: out: bytes kept when nothing uses them
 * @total_bytes: out: bytes held now; the sum of the five that follow
 * @clean_bytes: out: free and zeroed
 * @dirty_bytes: out: free, waiting to be zeroed
 * @quarantined_bytes: out: free, but someone outside the pool still holds a
 *	reference to the pages (direct I/O in flight, a pipe, RDMA)
 * @used_bytes: out: in buffers
 * @retired_bytes: out: hit by a memory error, never to be used again
 * @user_bytes: out: in buffers that the caller's user has made, or held back since they are
 *	still pinned
 * @user_max_bytes: out: the most each user may have; 0: what RLIMIT_MEMLOCK lets him lock, of
 *	all pools together, unless he has CAP_IPC_LOCK
 *
 * @max_bytes, @user_bytes and @user_max_bytes are the pool's also when one node is asked about.
 */
struct zcpool_info {
	__u32 flags;
	__u32 node;
	__u32 abi_version;
	__u32 nr_nodes;
	__u64 features;
	__u64 chunk_size;
	__u64 max_bytes;
	__u64 reserve_bytes;
	__u64 total_bytes;
	__u64 clean_bytes;
	__u64 dirty_bytes;
	__u64 quarantined_bytes;
	__u64 used_bytes;
	__u64 retired_bytes;
	__u64 user_bytes;
	__u64 user_max_bytes;
};

/* The shortest struct zcpool_info taken: the two input fields */
#define ZCPOOL_INFO_SIZE_MIN	8

/* Bits of zcpool_alloc.flags */
#define ZCPOOL_ALLOC_CONTIG	(1U << 0)	/* one physically contiguous piece; beyond
						 * a chunk only of what the pool holds
						 */
#define ZCPOOL_ALLOC_HUGE	(1U << 1)	/* whole chunks only, or fail */
#define ZCPOOL_ALLOC_NOWAIT	(1U << 2)	/* clean memory at hand, or EAGAIN */
#define ZCPOOL_ALLOC_NODE	(1U << 3)	/* start at @node, not at the CPU's */
#define ZCPOOL_ALLOC_THISNODE	(1U << 4)	/* do not fall back to other nodes */

/**
 * struct zcpool_alloc - make a buffer (ZCPOOL_IOC_ALLOC)
 * @size: in: bytes wanted, 1 to the pool's maximum; out: bytes granted, which
 *	is the size of the new file. It is @size rounded up to pages, and to
 *	whole chunks with ZCPOOL_ALLOC_HUGE, with ZCPOOL_ALLOC_CONTIG beyond one
 *	chunk, and where the tail rule (below) says so.
 * @flags: in: ZCPOOL_ALLOC_* or 0
 * @fd: out: the buffer, open for reading and writing, close-on-exec; in: 0
 * @node: in: NUMA node, with ZCPOOL_ALLOC_NODE; must be 0 otherwise
 * @reserved: in: 0
 *
 * The tail rule: of a buffer of one chunk or more, what is left over after the
 * whole chunks costs a page fault for each of its pages if it comes from a
 * split chunk, and one fault for all if it is rounded up to a whole chunk. It
 * is rounded up when that wastes fewer pages than it saves faults, which is
 * when the tail is more than half a chunk.
 *
 * Errors: EINVAL a size of 0, an unknown flag, a reserved field that is not
 * 0, a node that the pool or the caller's cpuset does not have; EDQUOT what the
 * user may have (see struct zcpool_info); ENOSPC the pool's maximum, or the
 * ceiling of all pools, is reached; ENOMEM the kernel has no memory of that
 * kind; EAGAIN only with ZCPOOL_ALLOC_NOWAIT; EINTR killed while zeroing;
 * EMFILE, ENFILE no descriptor left; EFAULT, E2BIG the
 * struct itself.
 */
struct zcpool_alloc {
	__u64 size;
	__u32 flags;
	__s32 fd;
	__u32 node;
	__u32 reserved;
};

/* The shortest struct zcpool_alloc taken: up to and with @fd */
#define ZCPOOL_ALLOC_SIZE_MIN	16

/**
 * struct zcpool_buf_info - what a buffer is made of (ZCPOOL_BUF_INFO)
 * @id: out: number of the buffer, never used twice while the module is loaded
 * @size: out: bytes granted, the size of the file
 * @requested: out: bytes asked for, rounded up to pages
 * @whole_bytes: out: bytes in whole chunks, which map by PMD
 * @split_bytes: out: bytes in split chunks, which map by 4 KiB pages
 * @nr_extents: out: physically contiguous pieces
 * @node: out: NUMA node of the memory, -1 when it lies on more than one
 * @flags: out: ZCPOOL_ALLOC_* it was made with
 * @mappings: out: VMAs that map it now
 * @seals: out: ZCPOOL_SEAL_*
 * @reserved: out: 0
 */
struct zcpool_buf_info {
	__u64 id;
	__u64 size;
	__u64 requested;
	__u64 whole_bytes;
	__u64 split_bytes;
	__u32 nr_extents;
	__s32 node;
	__u32 flags;
	__u32 mappings;
	__u32 seals;
	__u32 reserved;
};

/* The shortest struct zcpool_buf_info taken: the id and the size */
#define ZCPOOL_BUF_INFO_SIZE_MIN	16

/**
 * struct zcpool_revoke - take a buffer away from everybody (ZCPOOL_BUF_REVOKE, ZCPOOL_IOC_REVOKE)
 * @id: in: 0 for the buffer the call is made on; on a pool, which buffer
 * @timeout_ms: in: how long to wait for pinned memory, or ZCPOOL_WAIT_FOREVER
 * @flags: in: 0
 * @pinned: out: bytes that something outside the pool still held when the call returned
 *
 * From then on every descriptor of the buffer answers ESTALE, poll() on one says POLLHUP,
 * and whoever touches a mapping of it gets SIGBUS. Its memory is the pool's again. What is
 * pinned (direct I/O in flight, a pipe, RDMA) cannot be taken away: whoever holds it can
 * still read or write it, but it is not used again before it is let go of. Of a whole
 * chunk all is pinned if any is. To ask again, or to wait on, revoke it again, by a descriptor:
 * by its number a buffer is only found as long as it has memory.
 *
 * Errors: EINVAL a field that is not as said; EPERM a read-only descriptor, or on a pool a
 * caller without CAP_SYS_ADMIN; ENOENT no such buffer in the pool; ESTALE it has been moved;
 * EBUSY sealed with ZCPOOL_SEAL_REVOKE; ENOMEM; EINTR a signal, when the buffer may have
 * been revoked: only the waiting is interrupted then.
 */
struct zcpool_revoke {
	__u64 id;
	__u32 timeout_ms;
	__u32 flags;
	__u64 pinned;
};

#define ZCPOOL_WAIT_FOREVER	0xffffffffU

/* The shortest struct zcpool_revoke taken: all */
#define ZCPOOL_REVOKE_SIZE_MIN	24

/**
 * struct zcpool_new_fd - have another descriptor (ZCPOOL_BUF_MOVE, ZCPOOL_BUF_OPEN_RO)
 * @flags: in: 0
 * @fd: out: the new descriptor, close-on-exec; in: 0
 *
 * ZCPOOL_BUF_MOVE makes a new buffer of the memory of the old one, which is as dead
 * afterwards as a revoked one. Nobody who had the old one can read or write the memory any
 * more, in whatever way. The seals stay. Errors: EPERM a read-only descriptor; EBUSY
 * something holds the memory (as for pinned of struct zcpool_revoke), or it is sealed with
 * ZCPOOL_SEAL_REVOKE; EDQUOT the caller's user, whose memory it is from then on, may not have
 * so much: then nothing has changed.
 *
 * ZCPOOL_BUF_OPEN_RO opens the same buffer for reading. Such a descriptor allows neither
 * writing nor a mapping that could be made writable, nor can it be used to move, revoke,
 * seal or migrate the buffer.
 *
 * Errors of both: EINVAL, ESTALE the buffer has been taken away, ENOMEM, EMFILE, ENFILE,
 * EINTR killed.
 */
struct zcpool_new_fd {
	__u32 flags;
	__s32 fd;
};

/* The shortest struct zcpool_new_fd taken: all */
#define ZCPOOL_NEW_FD_SIZE_MIN	8

/* Bits of zcpool_seal.seals, with the meanings that memfd_create(2) and fcntl(2) give them */
#define ZCPOOL_SEAL_SEAL	(1U << 0)	/* no more seals */
#define ZCPOOL_SEAL_WRITE	(1U << 1)	/* nobody can write to it */
#define ZCPOOL_SEAL_FUTURE_WRITE (1U << 2)	/* but through mappings there are already */
#define ZCPOOL_SEAL_REVOKE	(1U << 3)	/* it can be neither revoked nor moved */

/**
 * struct zcpool_seal - rule out for ever that something is done to a buffer (ZCPOOL_BUF_SEAL)
 * @seals: in: ZCPOOL_SEAL_* to add, or 0; out: all that it has
 * @flags: in: 0
 *
 * Errors: EINVAL an unknown seal or flag; EPERM a read-only descriptor, or sealed with
 * ZCPOOL_SEAL_SEAL; EBUSY with ZCPOOL_SEAL_WRITE, there is a shared mapping that is or can
 * be made writable, or something holds the memory; ESTALE, EINTR as above.
 */
struct zcpool_seal {
	__u32 seals;
	__u32 flags;
};

/* The shortest struct zcpool_seal taken: all */
#define ZCPOOL_SEAL_SIZE_MIN	8

/**
 * struct zcpool_migrate - have a buffer's memory on another NUMA node (ZCPOOL_BUF_MIGRATE,
 *	ZCPOOL_IOC_MIGRATE)
 * @id: in: 0 for the buffer the call is made on; on a pool, which buffer
 * @node: in: which node
 * @flags: in: 0
 *
 * The buffer stays what it is, and its contents stay. Who touches a mapping meanwhile waits.
 * Where the call fails the memory stays where it is.
 *
 * Errors: EINVAL a field that is not as said, or a node that the pool or the caller's cpuset
 * does not have; EPERM, ENOENT, ESTALE, EINTR as for struct zcpool_revoke; EBUSY something
 * holds the memory; ENOSPC, ENOMEM the node has no room for it, in the shape that it has;
 * EIO a memory error has hit it.
 */
struct zcpool_migrate {
	__u64 id;
	__u32 node;
	__u32 flags;
};

/* The shortest struct zcpool_migrate taken: all */
#define ZCPOOL_MIGRATE_SIZE_MIN	16

#define ZCPOOL_IOC_MAGIC	'z'

/* On a pool */
#define ZCPOOL_IOC_INFO		_IOWR(ZCPOOL_IOC_MAGIC, 0x10, struct zcpool_info)
#define ZCPOOL_IOC_ALLOC	_IOWR(ZCPOOL_IOC_MAGIC, 0x11, struct zcpool_alloc)
#define ZCPOOL_IOC_REVOKE	_IOWR(ZCPOOL_IOC_MAGIC, 0x12, struct zcpool_revoke)
#define ZCPOOL_IOC_MIGRATE	_IOWR(ZCPOOL_IOC_MAGIC, 0x13, struct zcpool_migrate)

/* On a buffer */
#define ZCPOOL_BUF_INFO		_IOR(ZCPOOL_IOC_MAGIC, 0x20, struct zcpool_buf_info)
#define ZCPOOL_BUF_REVOKE	_IOWR(ZCPOOL_IOC_MAGIC, 0x21, struct zcpool_revoke)
#define ZCPOOL_BUF_MOVE		_IOWR(ZCPOOL_IOC_MAGIC, 0x22, struct zcpool_new_fd)
#define ZCPOOL_BUF_OPEN_RO	_IOWR(ZCPOOL_IOC_MAGIC, 0x23, struct zcpool_new_fd)
#define ZCPOOL_BUF_SEAL		_IOWR(ZCPOOL_IOC_MAGIC, 0x24, struct zcpool_seal)
#define ZCPOOL_BUF_MIGRATE	_IOWR(ZCPOOL_IOC_MAGIC, 0x25, struct zcpool_migrate)

#endif /* _UAPI_ZCPOOL_H */
