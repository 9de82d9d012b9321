// SPDX-License-Identifier: GPL-2.0
/* What calls there are, and what their arguments may be. */
#include "calls.h"
#include "prog.h"

#define C(name)		{ #name, (__u64)(name) }

static const struct constant open_flags[] = {
	C(O_RDWR), C(O_WRONLY), C(O_PATH), C(O_DIRECT), C(O_APPEND), C(O_TRUNC), {}
};

static const struct constant name_flags[] = {
	C(OPEN_NEW), C(O_RDWR), C(O_WRONLY), C(O_CREAT), C(O_EXCL), C(O_TRUNC), C(O_APPEND),
	C(O_DIRECT), C(O_TMPFILE), C(O_PATH), C(O_DIRECTORY), C(O_NOFOLLOW), C(O_SYNC), {}
};

static const struct constant unnamed_flags[] = {
	C(O_EXCL), C(O_APPEND), C(O_DIRECT), C(O_DSYNC), {}
};

static const struct constant unlink_flags[] = { C(AT_REMOVEDIR), {} };

static const struct constant link_flags[] = { C(AT_SYMLINK_FOLLOW), C(AT_EMPTY_PATH), {} };

static const struct constant rename_flags[] = {
	C(RENAME_EXCHANGE), C(RENAME_NOREPLACE), C(RENAME_WHITEOUT), {}
};

static const struct constant kinds[] = {
	C(S_IFIFO), C(S_IFREG), C(S_IFSOCK), C(S_IFCHR), C(S_IFBLK), C(S_IFDIR), {}
};

static const struct constant xattr_ops[] = {
	C(XATTR_SET), C(XATTR_GET), C(XATTR_LIST), C(XATTR_REMOVE), {}
};

static const struct constant acls[] = {
	C(ACL_NAMED_USER), C(ACL_PLAIN), C(ACL_MANY), C(ACL_NONE), C(ACL_NO_MASK), C(ACL_TWICE),
	C(ACL_BAD_TAG), C(ACL_BAD_VERSION), C(ACL_SHORT), {}
};

static const struct constant xattr_flags[] = { C(XATTR_CREATE), C(XATTR_REPLACE), {} };

static const struct constant mount_flags[] = {
	C(MS_REMOUNT), C(MS_RDONLY), C(MS_NOATIME), C(MS_SYNCHRONOUS), C(MS_NODEV), C(MS_NOEXEC),
	C(MS_DIRSYNC), C(MS_LAZYTIME), {}
};

static const struct constant mount_attrs[] = {
	C(MOUNT_ATTR_NOATIME), C(MOUNT_ATTR_RDONLY), C(MOUNT_ATTR_NODEV), C(MOUNT_ATTR_NOEXEC),
	C(MOUNT_ATTR_NOSYMFOLLOW), {}
};

static const struct constant umount_flags[] = {
	C(MNT_DETACH), C(MNT_FORCE), C(MNT_EXPIRE), C(UMOUNT_NOFOLLOW), {}
};

static const struct constant alloc_flags[] = {
	C(ZCPOOL_ALLOC_HUGE), C(ZCPOOL_ALLOC_CONTIG), C(ZCPOOL_ALLOC_NOWAIT),
	C(ZCPOOL_ALLOC_NODE), C(ZCPOOL_ALLOC_THISNODE), {}
};

static const struct constant info_flags[] = { C(ZCPOOL_INFO_NODE), {} };

static const struct constant commands[] = {
	C(ZCPOOL_IOC_ALLOC), C(ZCPOOL_IOC_INFO), C(ZCPOOL_IOC_REVOKE), C(ZCPOOL_IOC_MIGRATE),
	C(ZCPOOL_BUF_INFO), C(ZCPOOL_BUF_REVOKE), C(ZCPOOL_BUF_MOVE), C(ZCPOOL_BUF_OPEN_RO),
	C(ZCPOOL_BUF_SEAL), C(ZCPOOL_BUF_MIGRATE), {}
};

static const struct constant seals[] = {
	C(ZCPOOL_SEAL_FUTURE_WRITE), C(ZCPOOL_SEAL_WRITE), C(ZCPOOL_SEAL_REVOKE),
	C(ZCPOOL_SEAL_SEAL), {}
};

static const struct constant poll_events[] = { C(POLLIN), C(POLLOUT), {} };

static const struct constant prots[] = {
	C(PROT_READ), C(PROT_WRITE), C(PROT_EXEC), {}
};

static const struct constant map_flags[] = {
	C(MAP_SHARED), C(MAP_PRIVATE), C(MAP_FIXED), C(MAP_POPULATE), C(MAP_LOCKED),
	C(MAP_NORESERVE), C(MAP_FIXED_NOREPLACE), C(MAP_32BIT), C(MAP_NONBLOCK), C(MAP_SYNC),
	C(MAP_GROWSDOWN), {}
};

static const struct constant remap_flags[] = {
	C(MREMAP_MAYMOVE), C(MREMAP_FIXED), C(MREMAP_DONTUNMAP), {}
};

static const struct constant advice[] = {
	C(MADV_DONTNEED), C(MADV_REMOVE), C(MADV_REMOVE), C(MADV_REMOVE), C(MADV_NORMAL),
	C(MADV_RANDOM), C(MADV_SEQUENTIAL), C(MADV_WILLNEED), C(MADV_FREE), C(MADV_DONTFORK),
	C(MADV_DOFORK), C(MADV_MERGEABLE),
	C(MADV_UNMERGEABLE), C(MADV_HUGEPAGE), C(MADV_NOHUGEPAGE), C(MADV_DONTDUMP),
	C(MADV_WIPEONFORK), C(MADV_KEEPONFORK), C(MADV_COLD), C(MADV_PAGEOUT),
	C(MADV_POPULATE_READ), C(MADV_POPULATE_WRITE), C(MADV_DONTNEED_LOCKED),
	C(MADV_COLLAPSE), {}
};

static const struct constant mlock_flags[] = { C(MLOCK_ONFAULT), {} };

static const struct constant msync_flags[] = {
	C(MS_SYNC), C(MS_ASYNC), C(MS_INVALIDATE), {}
};

static const struct constant policies[] = {
	C(MPOL_BIND), C(MPOL_DEFAULT), C(MPOL_PREFERRED), C(MPOL_INTERLEAVE), C(MPOL_LOCAL), {}
};

static const struct constant move_flags[] = {
	C(MPOL_MF_MOVE), C(MPOL_MF_STRICT), C(MPOL_MF_MOVE_ALL), {}
};

static const struct constant rw_flags[] = {
	C(RWF_HIPRI), C(RWF_DSYNC), C(RWF_SYNC), C(RWF_NOWAIT), C(RWF_APPEND), {}
};

static const struct constant whences[] = {
	C(SEEK_DATA), C(SEEK_HOLE), C(SEEK_SET), C(SEEK_CUR), C(SEEK_END), {}
};

static const struct constant fcntls[] = {
	C(F_SETFL), C(F_GETFL), C(F_GETFD), C(F_SETLEASE), C(F_GETLEASE), C(F_ADD_SEALS),
	C(F_GET_SEALS), C(F_SETPIPE_SZ), C(F_NOTIFY), {}
};

static const struct constant flocks[] = { C(LOCK_EX), C(LOCK_SH), C(LOCK_UN), {} };

static const struct constant fallocs[] = {
	C(FALLOC_FL_KEEP_SIZE), C(FALLOC_PUNCH), C(FALLOC_FL_PUNCH_HOLE), C(FALLOC_FL_ZERO_RANGE),
	C(FALLOC_FL_COLLAPSE_RANGE), C(FALLOC_FL_INSERT_RANGE), C(FALLOC_FL_UNSHARE_RANGE), {}
};

static const struct constant fadvices[] = {
	C(POSIX_FADV_DONTNEED), C(POSIX_FADV_WILLNEED), C(POSIX_FADV_RANDOM), {}
};

static const struct constant msg_flags[] = { C(MSG_PEEK), C(MSG_WAITALL), {} };

static const struct constant splice_flags[] = { C(SPLICE_F_MOVE), C(SPLICE_F_GIFT), {} };

static const struct constant uffd_modes[] = {
	C(UFFDIO_REGISTER_MODE_MISSING), C(UFFDIO_REGISTER_MODE_WP), {}
};

static const struct constant looks[] = {
	C(LOOK_BUFFERS), C(LOOK_NODES), C(LOOK_BUDDY), C(LOOK_SMAPS), C(LOOK_NUMA_MAPS),
	C(LOOK_FDINFO), C(LOOK_PAGEMAP), C(LOOK_MOUNTS), {}
};

static const struct constant ends[] = { C(END_WAIT), C(END_KILL), C(END_STAY), {} };

#define NEW_FD(of)		{ ARG_NEW_FD, "", of, NULL }
#define FD(of)			{ ARG_FD, "", of, NULL }
#define NEW_MAP			{ ARG_NEW_MAP, "", 0, NULL }
#define MAP			{ ARG_MAP, "", 0, NULL }
#define SIZE(name)		{ ARG_SIZE, name, 0, NULL }
#define OFFSET(name)		{ ARG_OFFSET, name, 0, NULL }
#define NODE(name)		{ ARG_NODE, name, 0, NULL }
#define NUMBER(name, max)	{ ARG_NUMBER, name, max, NULL }
#define TEXT(name, list)	{ ARG_TEXT, name, 0, NULL, list, #list }
#define POOL			TEXT("pool", fuzz_pools)
#define NAME(name)		TEXT(name, fuzz_names)
#define OPTION(name)		TEXT(name, fuzz_options)
#define PLACE			NUMBER("at", FUZZ_MOUNT_POINTS - 1)
#define BITS(name, names)	{ ARG_BITS, name, 0, names }
#define ONE_OF(name, names)	{ ARG_ONE_OF, name, 0, names }

#define CALL(weight, name, ...)	{ #name, fuzz_##name, weight, { __VA_ARGS__ } }

const struct call_desc call_table[] = {
	CALL(6, open, NEW_FD(OF_POOL), BITS("flags", open_flags), POOL),
	CALL(10, fsmount, NEW_FD(OF_DIR), POOL, OPTION("o1"), OPTION("o2"), OPTION("o3"),
	     BITS("attr", mount_attrs), PLACE),
	CALL(5, mount, NEW_FD(OF_DIR), POOL, OPTION("o1"), OPTION("o2"),
	     BITS("flags", mount_flags), PLACE),
	CALL(8, remount, FD(OF_DIR), OPTION("o1"), OPTION("o2"), OPTION("o3")),
	CALL(2, bind, NEW_FD(OF_DIR), FD(OF_DIR), BITS("attr", mount_attrs), PLACE),
	CALL(3, root, NEW_FD(OF_DIR), PLACE),
	CALL(5, umount, PLACE, BITS("flags", umount_flags)),
	CALL(2, statfs, FD(OF_ANY)),
	CALL(10, openat, NEW_FD(OF_BUFFER), FD(OF_DIR), NAME("name"), BITS("flags", name_flags),
	     NUMBER("mode", 07777)),
	CALL(25, create, NEW_FD(OF_BUFFER), FD(OF_DIR), NAME("name"), SIZE("size")),
	CALL(6, unnamed, NEW_FD(OF_BUFFER), FD(OF_DIR), SIZE("size"), BITS("flags", unnamed_flags)),
	CALL(3, opendir, NEW_FD(OF_DIR), FD(OF_DIR), NAME("name")),
	CALL(4, mkdir, FD(OF_DIR), NAME("name"), NUMBER("mode", 07777)),
	CALL(2, mknod, FD(OF_DIR), NAME("name"), ONE_OF("kind", kinds), NUMBER("mode", 07777)),
	CALL(2, symlink, FD(OF_DIR), NAME("name"), NAME("to")),
	CALL(1, readlink, FD(OF_DIR), NAME("name")),
	CALL(6, unlink, FD(OF_DIR), NAME("name"), BITS("flags", unlink_flags)),
	CALL(3, link, FD(OF_DIR), NAME("name"), FD(OF_DIR), NAME("to"), BITS("flags", link_flags)),
	CALL(3, link_fd, FD(OF_BUFFER), FD(OF_DIR), NAME("to")),
	CALL(5, rename, FD(OF_DIR), NAME("name"), FD(OF_DIR), NAME("to"),
	     BITS("flags", rename_flags)),
	CALL(2, getdents, FD(OF_DIR), NUMBER("len", 4096)),
	CALL(3, stat, FD(OF_ANY), NAME("name")),
	CALL(3, chmod, FD(OF_DIR | OF_BUFFER), NAME("name"), NUMBER("mode", 07777)),
	CALL(2, chown, FD(OF_DIR | OF_BUFFER), NAME("name"), NUMBER("uid", 2), NUMBER("gid", 2)),
	CALL(2, utimes, FD(OF_DIR | OF_BUFFER), NAME("name")),
	CALL(5, xattr, FD(OF_DIR | OF_BUFFER), NAME("name"), ONE_OF("op", xattr_ops),
	     TEXT("attr", fuzz_xattrs), ONE_OF("acl", acls), BITS("flags", xattr_flags),
	     NUMBER("len", 512)),
	CALL(30, alloc, NEW_FD(OF_BUFFER), FD(OF_SOURCE), SIZE("size"), BITS("flags", alloc_flags),
	     NODE("node")),
	CALL(8, fresh, NEW_FD(OF_BUFFER), NEW_MAP, FD(OF_SOURCE), SIZE("size"),
	     BITS("flags", alloc_flags)),
	CALL(4, info, FD(OF_SOURCE), BITS("flags", info_flags), NODE("node")),
	CALL(4, buf_info, FD(OF_BUFFER)),
	CALL(12, ioctl, NEW_FD(OF_BUFFER), FD(OF_SOURCE | OF_BUFFER), ONE_OF("cmd", commands),
	     NUMBER("usize", 128), SIZE("w0"), NUMBER("w1", 32), NODE("w2"),
	     NUMBER("rest", 0x1ff)),
	CALL(2, ioctl_map, FD(OF_SOURCE | OF_BUFFER), ONE_OF("cmd", commands), MAP,
	     OFFSET("off")),
	CALL(6, revoke, FD(OF_BUFFER), NUMBER("ms", 3)),
	CALL(2, revoke_id, FD(OF_SOURCE), FD(OF_BUFFER), NUMBER("beyond", 2), NUMBER("ms", 3)),
	CALL(8, move, NEW_FD(OF_BUFFER), FD(OF_BUFFER)),
	CALL(4, open_ro, NEW_FD(OF_BUFFER), FD(OF_BUFFER)),
	CALL(4, seal, FD(OF_BUFFER), BITS("seals", seals)),
	CALL(8, migrate, FD(OF_BUFFER), NODE("node")),
	CALL(3, migrate_id, FD(OF_SOURCE), FD(OF_BUFFER), NUMBER("beyond", 2), NODE("node")),
	CALL(2, poll, FD(OF_BUFFER), BITS("events", poll_events)),
	CALL(40, mmap, NEW_MAP, FD(OF_BUFFER | OF_POOL), SIZE("len"), OFFSET("off"),
	     BITS("prot", prots), BITS("flags", map_flags), MAP, OFFSET("at")),
	CALL(14, munmap, MAP, OFFSET("off"), SIZE("len")),
	CALL(14, mremap, NEW_MAP, MAP, OFFSET("off"), SIZE("len"), SIZE("to"),
	     BITS("flags", remap_flags), OFFSET("at")),
	CALL(4, remap_file_pages, MAP, OFFSET("off"), SIZE("len"), OFFSET("page"),
	     BITS("flags", map_flags)),
	CALL(20, madvise, MAP, OFFSET("off"), SIZE("len"), ONE_OF("advice", advice)),
	CALL(12, mprotect, MAP, OFFSET("off"), SIZE("len"), BITS("prot", prots)),
	CALL(4, mlock, MAP, OFFSET("off"), SIZE("len"), BITS("flags", mlock_flags)),
	CALL(2, munlock, MAP, OFFSET("off"), SIZE("len")),
	CALL(3, msync, MAP, OFFSET("off"), SIZE("len"), BITS("flags", msync_flags)),
	CALL(2, mincore, MAP, OFFSET("off"), SIZE("len")),
	CALL(4, mbind, MAP, OFFSET("off"), SIZE("len"), ONE_OF("mode", policies),
	     NUMBER("nodes", 7), BITS("flags", move_flags)),
	CALL(4, move_pages, MAP, OFFSET("off"), NODE("node"), BITS("flags", move_flags)),
	CALL(25, load, MAP, OFFSET("off"), SIZE("len")),
	CALL(30, store, MAP, OFFSET("off"), SIZE("len")),
	CALL(2, futex, MAP, OFFSET("off"), NUMBER("wait", 1)),
	CALL(6, read, FD(OF_ANY), SIZE("len")),
	CALL(6, write, FD(OF_ANY), SIZE("len")),
	CALL(8, pread, FD(OF_BUFFER | OF_FILE), SIZE("len"), OFFSET("pos")),
	CALL(8, pwrite, FD(OF_BUFFER | OF_FILE), SIZE("len"), OFFSET("pos")),
	CALL(10, readv, FD(OF_BUFFER | OF_FILE), MAP, OFFSET("off"), SIZE("len"), OFFSET("pos"),
	     BITS("flags", rw_flags)),
	CALL(10, writev, FD(OF_BUFFER | OF_FILE), MAP, OFFSET("off"), SIZE("len"), OFFSET("pos"),
	     BITS("flags", rw_flags)),
	CALL(6, lseek, FD(OF_BUFFER | OF_DIR), OFFSET("pos"), ONE_OF("whence", whences)),
	CALL(16, close, FD(OF_ANY)),
	CALL(4, dup, NEW_FD(OF_BUFFER), FD(OF_ANY)),
	CALL(2, dup2, FD(OF_ANY), FD(OF_ANY)),
	CALL(5, reopen, NEW_FD(OF_BUFFER), FD(OF_BUFFER), BITS("flags", open_flags)),
	CALL(3, tmpfile, NEW_FD(OF_FILE), BITS("flags", open_flags)),
	CALL(4, fcntl, FD(OF_ANY), ONE_OF("cmd", fcntls), BITS("arg", open_flags)),
	CALL(1, flock, FD(OF_BUFFER), ONE_OF("how", flocks)),
	CALL(12, ftruncate, FD(OF_BUFFER | OF_FILE), SIZE("size")),
	CALL(16, fallocate, FD(OF_BUFFER | OF_FILE), BITS("mode", fallocs), OFFSET("pos"),
	     SIZE("len")),
	CALL(1, fsync, FD(OF_BUFFER | OF_FILE)),
	CALL(1, fadvise, FD(OF_BUFFER), OFFSET("pos"), SIZE("len"), ONE_OF("advice", fadvices)),
	CALL(4, pipe, NEW_FD(OF_PIPE), NEW_FD(OF_PIPE)),
	CALL(3, socketpair, NEW_FD(OF_SOCKET), NEW_FD(OF_SOCKET)),
	CALL(6, sendfd, FD(OF_SOCKET), FD(OF_BUFFER | OF_SOCKET)),
	CALL(5, recvfd, NEW_FD(OF_BUFFER), FD(OF_SOCKET), BITS("flags", msg_flags)),
	CALL(6, splice, FD(OF_BUFFER | OF_PIPE), OFFSET("in"), FD(OF_PIPE | OF_BUFFER),
	     OFFSET("out"), SIZE("len"), BITS("flags", splice_flags)),
	CALL(2, tee, FD(OF_PIPE), FD(OF_PIPE), SIZE("len")),
	CALL(8, vmsplice, FD(OF_PIPE), MAP, OFFSET("off"), SIZE("len"),
	     BITS("flags", splice_flags)),
	CALL(6, sendfile, FD(OF_ANY), FD(OF_BUFFER | OF_FILE), OFFSET("pos"),
	     SIZE("len")),
	CALL(6, copy_file_range, FD(OF_BUFFER | OF_FILE), OFFSET("in"), FD(OF_BUFFER | OF_FILE),
	     OFFSET("out"), SIZE("len")),
	CALL(4, vm_read, MAP, OFFSET("off"), SIZE("len")),
	CALL(4, vm_write, MAP, OFFSET("off"), SIZE("len")),
	CALL(4, mem_write, MAP, OFFSET("off"), SIZE("len")),
	CALL(5, uring, NEW_FD(OF_FILE), MAP, OFFSET("off"), SIZE("len")),
	CALL(2, uffd, MAP, OFFSET("off"), SIZE("len"), BITS("mode", uffd_modes)),
	CALL(6, look, ONE_OF("at", looks), FD(OF_BUFFER), POOL),
	CALL(4, cpu, NUMBER("mask", 3)),
	CALL(3, mempolicy, ONE_OF("mode", policies), NUMBER("nodes", 7)),
	CALL(2, user, NUMBER("uid", 1)),
	CALL(2, nofile, NUMBER("limit", 32)),
	CALL(2, fork, NUMBER("calls", 6), ONE_OF("end", ends)),
};

const unsigned int nr_call_descs = ARRAY_SIZE(call_table);

unsigned int call_named(const char *name)
{
	unsigned int i;

	for (i = 0; i < nr_call_descs; i++)
		if (!strcmp(call_table[i].name, name))
			break;
	return i;
}

unsigned int call_nr_args(const struct call_desc *desc)
{
	unsigned int n = 0;

	while (n < CALL_ARGS && desc->arg[n].kind != ARG_NONE)
		n++;
	return n;
}
