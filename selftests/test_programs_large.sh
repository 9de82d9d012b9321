#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# module: reserve=128M max=1G user_max=1G
# timeout: 3000
# shellcheck disable=SC2317  # run_test calls the functions by their names
#
# Other people's programs on a mounted pool, unmodified: those that are large, or take long.
# scripts/setup --large installs them, scripts/build programs builds ours that use them. What
# they need beyond open, read, write and mmap is said at each.
# ZCPOOL_TEST_DIR: a directory to try them on instead.

# shellcheck source=programs/programs.sh
. "$(dirname "$0")/programs/programs.sh"
# shellcheck source=programs/qemu.sh
. "$sources/qemu.sh"

# link, rename, sticky bits, flock
names()
{
	local got
	echo one > a
	echo two > b
	ok ln a c
	expect "links" "$(stat -c %h a)" 2
	fails 'File exists' ln a b
	ok ln -s a d
	expect "through a symbolic link" "$(< d)" one
	ok mv -f b a
	expect "moved over" "$(< a)" two
	expect "what had two names" "$(< c)" one
	ok mkdir -p x/y
	fails 'not empty' rmdir x
	ok mv x/y z
	fails 'subdirectory of itself' mv x x/y
	ok mknod null c 1 3
	ok touch .hidden
	got=(* .hidden)
	expect "names" "${got[*]}" "a c d null x z .hidden"
	ok touch "$(printf '%0255d' 0)"
	got=(000*)
	expect "length of a name" ${#got[0]} 255
	fails 'File name too long' touch "$(printf '%0256d' 0)"
	ok touch many.{1..300}
	got=(many.*)
	expect "many names" ${#got[@]} 300
	rm many.*
	expect "names after rm" "$(echo many.*)" "many.*"
	ok flock -n a true
	exec 5< a
	flock 5
	fails '' flock -n a true
	exec 5<&-
	ok chmod 600 a
	ok chown nobody a
	ok setpriv --reuid nobody --clear-groups cat a
	ok chown root a
	fails 'Permission denied' setpriv --reuid nobody --clear-groups cat a
	# as in any directory like /tmp
	chmod 1777 .
	fails 'not permitted' setpriv --reuid nobody --clear-groups rm -f c
}

# ENOSPC, which leaves the file as it was and takes nothing
too_much()
{
	local used
	cp /bin/true file
	used=$(used_blocks)
	fails 'No space' fallocate -l 1T file
	ok cmp /bin/true file
	fails 'No space' dd if=/dev/zero of=other bs=1M
	rm other
	until_true used_at_most "$used"
	ok cmp /bin/true file
}

# java_heap COLLECTOR: 64 MiB, by O_TMPFILE and one fallocate; ZGC punches holes to give back
java_heap()
{
	local word resident mapped
	needs openjdk-17-jdk-headless "$built/Heap.class" || return
	ok /usr/bin/java -XX:+Use"$1" -Xms64m -Xmx64m -XX:+AlwaysPreTouch \
		-XX:AllocateHeapAt="$PWD" -cp "$built" Heap || return
	read -r word resident mapped < <(tail -n 1 "$scratch/said")
	if [ "$word" != heap ] || [ "$resident" -lt 20000 ]; then
		echo "# not in a file: $word $resident"
		bad=1
	fi
	pmd_at_least $((resident * 9 / 10)) "$mapped" "a heap of $resident kB"
}

java_serial() { java_heap SerialGC; }
java_parallel() { java_heap ParallelGC; }
java_g1() { java_heap G1GC; }
java_z() { java_heap ZGC; }
java_shenandoah() { java_heap ShenandoahGC; }

# MADV_REMOVE when it ends, a file without a name, mbind
qemu_more()
{
	needs qemu-system-x86 /usr/bin/qemu-system-x86_64 || return
	start_qemu mem-path=guest,share=on,discard-data=on || return
	[ "$(blocks guest)" -lt 65536 ] || { echo "# held: $(blocks guest) kB"; bad=1; }
	tell_qemu quit 0
	expect "held after discard" "$(blocks guest)" 0
	rm guest
	start_qemu mem-path=.,share=on,prealloc=on || return
	expect "names" "$(ls)" ""
	pmd_at_least 65536 "$(mapped_by_pmd "$qemu" "$PWD/.*deleted")" "the guest's memory"
	tell_qemu cont 33
	ok fallocate -l 64M guest
	start_qemu mem-path=guest,share=off,prealloc=on || return
	tell_qemu cont 33
	expect "what the file has" "$(guest_stored)" 0000
	rm guest
	[ -d /sys/devices/system/node/node1 ] || return 0
	start_qemu mem-path=guest,share=on,prealloc=on,policy=bind,host-nodes=1 || return
	expect "on other nodes than that of mbind" "$(sed -n '/\/guest /s/.* N0=.*/&/p' \
		"/proc/$qemu/numa_maps")" ""
	grep -q '/guest .* N1=' "/proc/$qemu/numa_maps" || { echo "# nothing on node 1"; bad=1; }
	tell_qemu cont 33
}

# as_postgres COMMAND...
as_postgres() { setpriv --reuid postgres --regid postgres --clear-groups "$@"; }

# psql QUERY: prints what it answers
psql()
{
	as_postgres "$postgres/psql" -h "$data" -d postgres -X -A -t -q -c "$1"
}

# server_with KIND: the server starts with dynamic shared memory of that kind, joins tables in
# parallel, and stops
server_with()
{
	local plan got settings=(unix_socket_directories="$data" listen_addresses=
		shared_buffers=16MB work_mem=1MB
		parallel_setup_cost=0 parallel_tuple_cost=0 min_parallel_table_scan_size=0)
	ok as_postgres "$postgres/pg_ctl" -D "$data" -l "$data/log" -w -t 200 start \
		-o "-c dynamic_shared_memory_type=$1 ${settings[*]/#/-c }" ||
		{ sed 's/^/# /' "$data/log"; return; }
	case $1 in
	posix) got=$(find /dev/shm -name 'PostgreSQL.*' | wc -l) ;;
	mmap) got=$(find "$data/pg_dynshmem" -name 'mmap.*' | wc -l) ;;
	esac
	[ "$got" -ge 1 ] || { echo "# $1: there are no files of dynamic shared memory"; bad=1; }
	psql "create table if not exists t$1 as
		select i as id, md5(i::text) as text from generate_series(1, 20000) i" || bad=1
	psql "analyze t$1" || bad=1
	plan=$(psql "explain select count(*) from t$1 a join t$1 b using (id)")
	[[ $plan == *'Parallel Hash Join'* ]] || { echo "# $plan"; bad=1; }
	got=$(psql "select count(*), min(a.text) from t$1 a join t$1 b using (id)
		where a.text = b.text")
	expect "$1: the join" "$got" "20000|$(psql "select min(md5(i::text)) from
		generate_series(1, 20000) i")"
	ok as_postgres "$postgres/pg_ctl" -D "$data" -w -t 200 -m fast stop
}

# posix: shm_open, ftruncate, posix_fallocate; mmap: writes past the end. Its data are here, too:
# what any database does, and fsync
postgresql()
{
	local postgres=/usr/lib/postgresql/15/bin data=$PWD/data
	needs postgresql-15 "$postgres/initdb" || return
	over_dev_shm || return
	chmod 1777 /dev/shm .
	ok as_postgres "$postgres/initdb" -D "$data" -A trust -N --no-locale && {
		server_with posix
		server_with mmap
	}
	not_over_dev_shm
}

# fallocate in growing steps, MADV_REMOVE of 4 KiB-grained holes
memkind()
{
	needs libmemkind-dev "$built/memkind" || return
	relay "$built/memkind" "$PWD"
}

# ftruncate up, private mappings, sem_open
boost()
{
	needs libboost-dev "$built/boost" || return
	over_dev_shm || return
	relay "$built/boost" .
	not_over_dev_shm
}

# shm_open, ftruncate, POSIX ACLs by fsetxattr
iceoryx()
{
	local roudi got
	needs libiceoryx-posh-dev "$built/iceoryx" || return
	needs iceoryx /usr/bin/iox-roudi || return
	over_dev_shm || return
	iox-roudi > "$scratch/roudi" 2>&1 &
	roudi=$!
	until_true roudi_is_ready_or_gone
	pmd_at_least 204800 "$(mapped_by_pmd "$roudi" '/dev/shm/')" "RouDi's segments"
	ok timeout 300 "$built/iceoryx"
	got=$(find /dev/shm -type f | wc -l)
	expect "segments" "$got" 2
	kill "$roudi"
	wait "$roudi"
	expect "RouDi's status" $? 0
	[ "$bad" -eq 0 ] || sed 's/^/# roudi: /' "$scratch/roudi"
	not_over_dev_shm
}

roudi_is_ready_or_gone()
{
	grep -q 'ready for clients' "$scratch/roudi" || ! kill -0 "$roudi" 2> /dev/null
}

# lseek and write past the end, msync, private mappings
numpy()
{
	needs python3-numpy /usr/lib/python3/dist-packages/numpy || return
	ok /usr/bin/python3 -B "$sources/arrays.py" .
}

# start_redis: on what is there
start_redis()
{
	rm -f socket
	redis-server --dir "$PWD" --port 0 --unixsocket "$PWD/socket" --save '' \
		--appendonly yes --appendfsync always >> "$scratch/redis" 2>&1 &
	redis=$!
	until_true redis_answers
}

redis_answers() { [ "$(redis-cli -s socket PING 2> /dev/null)" = PONG ]; }

# SAVE: writes past the end and fsync; AOF: O_APPEND
redis()
{
	local i
	needs redis-server /usr/bin/redis-server || return
	start_redis || return
	for ((i = 0; i < 500; i++)); do
		printf 'SET key%d %0500d\n' "$i" "$i"
	done | redis-cli -s socket > "$scratch/said"
	expect "SETs" "$(grep -c OK "$scratch/said")" 500
	expect "SAVE" "$(redis-cli -s socket SAVE)" OK
	expect "the snapshot" "$(head -c 5 dump.rdb)" REDIS
	kill -9 "$redis"
	wait "$redis" 2> /dev/null
	# from the append-only file
	start_redis || return
	expect "keys" "$(redis-cli -s socket DBSIZE)" 500
	expect "a key" "$(redis-cli -s socket GET key77)" "$(printf '%0500d' 77)"
	redis-cli -s socket SHUTDOWN NOSAVE
	wait "$redis"
	expect "Redis's status" $? 0
	[ "$bad" -eq 0 ] || sed 's/^/# redis: /' "$scratch/redis"
}

# Stressors of stress-ng that use files in --temp-path, a few seconds each. Not "access": it wants
# to be told that a file may be executed, which is so on no file system that is noexec. Not "xattr":
# it is about user.*, which a pool does not have.
stressors=(chattr chdir chmod chown copy-file dentry dir dirdeep dirmany dnotify fallocate
	fanotify fcntl fiemap fifo file-ioctl filename flock fpunch fsize fstat getdent handle hdd
	inotify io iomix lease link locka lockf lockofd mknod open rename symlink
	sync-file touch utime
	aio aiol io-uring sendfile revio readahead seek fault full
	mmap mmapfixed mmapfork mmapmany mremap msync msyncmany munmap rmap splice vm-splice)

# stressor NAME: it has to run, and to find nothing wrong. Statuses 3 and 4 say that something is
# not to be had, such as a privilege or a call.
stressor()
{
	local status options=()
	case $1 in
	fallocate | hdd | iomix | mmap | mremap | msync | readahead | revio)
		options=("--$1-bytes" 16M) ;;
	seek) options=(--seek-size 4M) ;;
	sync-file) options=(--sync-file-bytes 4M) ;;
	esac
	[ "$1" != mmap ] || options+=(--mmap-file)
	timeout 120 stress-ng --temp-path . --verify --timeout 3 --oomable "--$1" 2 \
		"${options[@]}" > "$scratch/said" 2>&1
	status=$?
	[ $status -ne 0 ] || return
	echo "# $1: status $status"
	head -n 20 "$scratch/said" | sed 's/^/#   /'
	bad=1
}

stress()
{
	local name
	needs stress-ng /usr/bin/stress-ng || return
	for name in "${stressors[@]}"; do
		stressor "$name"
	done
	# As root it would poison pages.
	chmod 1777 .
	ok setpriv --reuid nobody --clear-groups stress-ng --temp-path . --verify --timeout 5 \
		--madvise 1
	over_dev_shm || return
	ok stress-ng --verify --timeout 5 --shm 1 --shm-bytes 16M --shm-objs 4 --temp-path .
	ok stress-ng --verify --timeout 5 --dev-shm 1 --temp-path .
	not_over_dev_shm
}

# More of fio than the small set: jobs at once in one file, holes, trim
fio_more()
{
	needs fio /usr/bin/fio || return
	ok fio --directory=. --size=32M --thread --verify=crc32c --verify_fatal=1 \
		--end_fsync=1 --output-format=terse --numjobs=2 --group_reporting \
		--name=mmap --stonewall --ioengine=mmap --rw=randwrite --bs=4k \
		--name=psync --stonewall --ioengine=psync --rw=randrw --bs=64k \
		--name=libaio --stonewall --ioengine=libaio --direct=1 --rw=randwrite --bs=4k \
		--iodepth=16 \
		--name=io_uring --stonewall --ioengine=io_uring --direct=1 --rw=randrw --bs=4k \
		--iodepth=16 --registerfiles --fixedbufs
	ok fio --directory=. --size=16M --thread --output-format=terse --fallocate=none \
		--name=holes --rw=randwrite --bs=8k --io_size=4M --ioengine=psync \
		--name=vsync --stonewall --rw=randrw --bs=8k --ioengine=pvsync2 --io_size=4M \
		--name=falloc --stonewall --ioengine=falloc --rw=randtrim --bs=64k --io_size=4M
}

begin
run_test "coreutils: names, modes, locks" names
run_test "fallocate, dd: more than there is" too_much
run_test "fio: jobs at once" fio_more
run_test "numpy: memmap w+, r+, r and c, flush, save, tofile" numpy
run_test "Boost.Interprocess: exit" boost
run_test "memkind: exit" memkind
run_test "QEMU: discard-data, prealloc, policy=bind" qemu_more
run_test "Redis: SAVE, AOF" redis
run_test "iceoryx: RouDi, publisher, subscriber" iceoryx
run_test "JVM: serial" java_serial
run_test "JVM: parallel" java_parallel
run_test "JVM: G1" java_g1
run_test "JVM: ZGC" java_z
run_test "JVM: Shenandoah" java_shenandoah
run_test "PostgreSQL: dynamic shared memory posix and mmap, and its data" postgresql
run_test "stress-ng" stress
end
