#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# module: reserve=64M max=1G
# timeout: 600
# shellcheck disable=SC2317  # run_test calls the functions by their names
#
# Other people's programs on a mounted pool, unmodified: those that are small and quick to
# start. What they need beyond open, read, write and mmap is said at each.
# ZCPOOL_TEST_DIR: a directory to try them on instead.

# shellcheck source=programs/programs.sh
. "$(dirname "$0")/programs/programs.sh"
# shellcheck source=programs/qemu.sh
. "$sources/qemu.sh"

# A file of 5 MiB and a bit that is not all the same, and one with holes
make_input()
{
	head -c $((5 * MiB + 321)) /dev/urandom > "$scratch/input"
	{
		truncate -s 9M "$scratch/holes"
		dd if="$scratch/input" of="$scratch/holes" bs=1M seek=4 count=1 conv=notrunc
	} 2> /dev/null
}

# Writes that make the file longer, SEEK_DATA, SEEK_HOLE, sizes to the byte, copy_file_range
copies()
{
	local input=$scratch/input
	ok cp "$input" copy && ok cmp "$input" copy
	cat "$input" > copy
	cat "$input" >> copy
	cat "$input" "$input" | ok cmp copy /dev/stdin
	expect "size of what was appended to" "$(stat -c %s copy)" $((10 * MiB + 642))
	ok cp --sparse=auto "$scratch/holes" holes && ok cmp "$scratch/holes" holes
	[ "$(blocks holes)" -lt $((8 * 1024)) ] ||
		{ echo "# 1 MiB of data and holes hold $(blocks holes) kB"; bad=1; }
	ok mv holes "$scratch/out" && ok cmp "$scratch/holes" "$scratch/out"
}

# lseek beyond the end, ftruncate both ways, O_DIRECT, O_APPEND
dd_and_truncate()
{
	local input=$scratch/input
	ok dd if="$input" of=file bs=1000 seek=777 count=100
	expect "written beyond the end: size" "$(stat -c %s file)" 877000
	ok cmp -n 777000 file /dev/zero
	ok cmp -n 100000 -i 777000:0 file "$input"
	ok dd if="$input" of=file bs=1 seek=10 count=7 conv=notrunc
	ok cmp -n 7 -i 10:0 file "$input"
	ok truncate -s 800001 file
	ok truncate -s 3M file
	ok cmp -n 23001 -i 777000:0 file "$input"
	ok cmp -n $((3 * MiB - 800001)) -i 800001:0 file /dev/zero
	ok dd if="$input" of=direct bs=64k count=32 oflag=direct conv=fsync
	ok dd if=direct of="$scratch/out" bs=1M iflag=direct
	ok cmp -n $((2 * MiB)) "$scratch/out" "$input"
	ok dd if="$input" of=direct bs=4k count=1 oflag=append conv=notrunc
	expect "appended: size" "$(stat -c %s direct)" $((2 * MiB + 4096))
	ok sync -f file
	ok truncate -s 0 file
	expect "of nothing: held" "$(blocks file)" 0
}

# Modes, times and owners set anew, links, symlinks; SEEK_DATA for -S
archives()
{
	local got
	mkdir -p tree/a/b
	cp "$scratch/input" tree/a/data
	cp "$scratch/holes" tree/a/b/holes
	ln -s ../a/data tree/link
	ln tree/a/data tree/hard
	mkfifo tree/fifo
	chmod 2750 tree/a
	chown 12:34 tree/a/data
	touch -d '2001-02-03 04:05:06.789' tree/a/data
	ok tar --format=posix -cSf tree.tar tree
	mkdir out
	ok tar -xpf tree.tar -C out
	ok cmp tree/a/data out/tree/a/data
	ok cmp tree/a/b/holes out/tree/a/b/holes
	got=$(stat -c '%a %u:%g %.3Y %h' out/tree/a/data)
	expect "a file from the archive" "$got" "644 12:34 981173106.789 2"
	expect "a directory" "$(stat -c %a out/tree/a)" 2750
	expect "a symbolic link" "$(readlink out/tree/link)" ../a/data
	expect "a fifo" "$(stat -c %F out/tree/fifo)" fifo
	[ "$(blocks out/tree/a/b/holes)" -lt $((8 * 1024)) ] ||
		{ echo "# tar -S did not leave the holes"; bad=1; }
	needs rsync /usr/bin/rsync || return
	ok rsync -aH --inplace --preallocate tree/ synced
	got=$(stat -c '%a %u:%g %.3Y %h' synced/a/data)
	expect "a file synchronised" "$got" "644 12:34 981173106.789 2"
	ok cmp tree/a/b/holes synced/a/b/holes
}

sorts()
{
	seq 20000 -1 1 > numbers
	ok sort -S 64k -T . -n -o sorted numbers
	seq 1 20000 | ok cmp sorted /dev/stdin
}

# statfs in blocks of 4 KiB, st_blocks what is held
figures()
{
	local used got
	used=$(used_blocks)
	ok fallocate -l 8M file
	[ "$(used_blocks)" -ge $((used + 2048)) ] ||
		{ echo "# 8 MiB made only $(($(used_blocks) - used)) blocks of difference"; bad=1; }
	expect "held" "$(blocks file)" 8192
	expect "du" "$(du -k file)" $'8192\tfile'
	got=$(df --output=used -k . | tail -n 1)
	expect "df's use, in kB" "$((got))" $((4 * $(used_blocks)))
	ok rm file
	until_true used_at_most "$used"
	ok truncate -s 1T huge
	expect "a hole of 1 TiB holds" "$(blocks huge)" 0
}

# FALLOC_FL_KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE; holes found by SEEK_DATA
allocates()
{
	cp "$scratch/input" file
	ok fallocate -n -o 4M -l 4M file
	expect "kept size" "$(stat -c %s file)" $((5 * MiB + 321))
	[ "$(blocks file)" -ge 8192 ] || { echo "# beyond its end: only $(blocks file) kB"; bad=1; }
	ok truncate -s $((5 * MiB + 321)) file
	# to a whole chunk, and to pages
	ok fallocate -p -o 2M -l 2M file
	ok fallocate -p -o 12288 -l 8192 file
	ok cmp -n 12288 file "$scratch/input"
	ok cmp -n 8192 -i 12288:0 file /dev/zero
	ok cmp -n $((2 * MiB - 20480)) -i 20480 file "$scratch/input"
	ok cmp -n $((2 * MiB)) -i $((2 * MiB)):0 file /dev/zero
	# not on page boundaries
	ok fallocate -p -o $((4 * MiB + 100)) -l 9000 file
	ok cmp -n 100 -i $((4 * MiB)) file "$scratch/input"
	ok cmp -n 9000 -i $((4 * MiB + 100)):0 file /dev/zero
	ok cmp -i $((4 * MiB + 9100)) file "$scratch/input"
	fails 'not supported' fallocate -c -o 0 -l 2M file
	expect "after what failed" "$(stat -c %s file)" $((5 * MiB + 321))
	# tmpfs cannot do that
	[ "$type" = "$magic" ] || return 0
	ok fallocate -z -o 0 -l 1M file
	ok cmp -n "$MiB" file /dev/zero
	ok fallocate -z -o 6M -l 4096 file
	expect "made longer by zeroes" "$(stat -c %s file)" $((6 * MiB + 4096))
	ok fallocate -d file
	ok cmp -n "$MiB" file /dev/zero
}

# system.posix_acl_access and _default by setxattr
acls()
{
	local got
	needs acl /usr/bin/setfacl || return
	echo secret > file
	chmod 600 file
	ok setfacl -m u:nobody:r file
	expect "mode, whose group bits are the mask" "$(stat -c %a file)" 640
	ok setpriv --reuid nobody --clear-groups cat file
	ok chmod g-r file
	fails 'Permission denied' setpriv --reuid nobody --clear-groups cat file
	mkdir sub
	ok setfacl -d -m u:nobody:rwx,g::---,o::- sub
	mkdir sub/dir
	ok cp -a sub copied
	got=$(getfacl -cE copied/dir)
	[[ $got == *user:nobody:rwx*default:user:nobody:rwx* ]] ||
		{ echo "# inherited and copied: $got"; bad=1; }
	ok setfacl -b file
	expect "without" "$(getfacl -cE file | grep -c nobody)" 0
}

# shm_open, sem_open, arenas of files in /dev/shm where statvfs says that there is room;
# SQLite: growth by writes, fdatasync, byte-range locks, a shared map of its -shm
python()
{
	over_dev_shm || return
	relay /usr/bin/python3 -B "$sources/small.py" .
	not_over_dev_shm
}

# A map longer than the file, writes past the end, msync, robust mutexes in its lock file
lmdb()
{
	needs liblmdb-dev "$built/lmdb" || return
	relay "$built/lmdb" .
}

# ftruncate, fallocate, fsync, O_DIRECT, native aio, io_uring; what was written is read again
fio_engines()
{
	needs fio /usr/bin/fio || return
	ok fio --directory=. --size=4M --thread --verify=crc32c --verify_fatal=1 --rw=randwrite \
		--stonewall --end_fsync=1 --output-format=terse \
		--name=psync --ioengine=psync --bs=5000 --fsync=100 \
		--name=mmap --ioengine=mmap --bs=16k \
		--name=libaio --ioengine=libaio --direct=1 --bs=16k --iodepth=8 \
		--name=io_uring --ioengine=io_uring --direct=1 --bs=64k --iodepth=8 --fixedbufs
}

# ftruncate, and first touch; what the guest stored is in the file
qemu_shared()
{
	needs qemu-system-x86 /usr/bin/qemu-system-x86_64 || return
	start_qemu mem-path=guest,share=on,prealloc=on || return
	pmd_at_least 65536 "$(mapped_by_pmd "$qemu" '/guest$')" "the guest's memory"
	expect "held" "$(blocks guest)" 65536
	tell_qemu cont 33
	expect "what the guest stored" "$(guest_stored)" cafe
}

# QEMU's default: MAP_PRIVATE; the file stays as it was
qemu_private()
{
	needs qemu-system-x86 /usr/bin/qemu-system-x86_64 || return
	start_qemu mem-path=guest,share=off || return
	tell_qemu cont 33
	expect "size" "$(stat -c %s guest)" $((64 * MiB))
	expect "what the file has" "$(guest_stored)" 0000
}

# stress NAME=ROUNDS...: stressors of stress-ng, all at once, each for so many rounds, with what
# further options an array "options" has
stress()
{
	local name wanted=()
	for name in "$@"; do
		wanted+=("--${name%=*}" 1 "--${name%=*}-ops" "${name#*=}")
	done
	ok stress-ng --temp-path . --verify --timeout 60 "${wanted[@]}" "${options[@]}"
}

# Few rounds of the stressors that check what they read
stress_contents()
{
	local options=(--hdd-bytes 1M --fallocate-bytes 4M --mmap-file --mmap-bytes 1M
		--msync-bytes 4M --seek-size 4M --seek-punch --iomix-bytes 1M)
	needs stress-ng /usr/bin/stress-ng || return
	stress hdd=100 fallocate=2 mmap=1 msync=20 fault=50 seek=50 iomix=50
}

# Those of further ways to have what is in a file somewhere else, or nowhere
stress_ways()
{
	local options=(--copy-file-bytes 128M --sendfile-size 1M --revio-bytes 1M
		--readahead-bytes 1M)
	needs stress-ng /usr/bin/stress-ng || return
	stress copy-file=2 sendfile=20 splice=20 vm-splice=20 revio=50 readahead=50 aio=50 \
		io-uring=20 rmap=100 mmapmany=1 fsize=5
	# Its rounds are its processes' own: they go on until the time is over.
	ok stress-ng --temp-path . --verify --timeout 3 --fpunch 1
}

stress_names()
{
	local options=(--dentries 64 --dir-dirs 64 --dirdeep-dirs 1 --dirdeep-inodes 100)
	needs stress-ng /usr/bin/stress-ng || return
	stress rename=50 dentry=100 dir=1 dirdeep=100 dirmany=100 open=50 mknod=20 touch=20 \
		filename=20 getdent=20 chmod=20 chown=20 utime=20 fstat=20 \
		lockf=50 locka=20 lockofd=20 flock=50 lease=20 fcntl=20
}

begin
make_input
run_test "cp, cat, mv" copies
run_test "dd, truncate, sync" dd_and_truncate
run_test "tar, rsync" archives
run_test "sort" sorts
run_test "df, du" figures
run_test "fallocate" allocates
run_test "setfacl" acls
run_test "Python: exit" python
run_test "LMDB: exit" lmdb
run_test "fio: psync, mmap, libaio, io_uring" fio_engines
run_test "QEMU: memory-backend-file, share=on" qemu_shared
run_test "QEMU: memory-backend-file, share=off" qemu_private
run_test "stress-ng: contents" stress_contents
run_test "stress-ng: splice, aio, reverse maps, holes" stress_ways
run_test "stress-ng: names, modes, locks" stress_names
end
