#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# zcpoolctl pool: pools are made, changed, shown and destroyed, and who names one by a path
# means the same one. What is wrong is said in the kernel's words, and leaves nothing behind.
# module: reserve=32M max=256M

# shellcheck source=zcpoolctl.sh
. "$(dirname "$0")/zcpoolctl.sh"

at=/run/zcpool

# Whatever fails, the module has to go afterwards.
# shellcheck disable=SC2317
unmount_all()
{
	clean_up
	for pool in $(sed -n 's|^\([0-9]* \)\{2\}[^ ]* [^ ]* \([^ ]*\) .* - zcpool .*|\2|p' /proc/self/mountinfo); do
		umount -l "$pool"
	done
}
trap unmount_all EXIT

pool() { timeout $limit zcpoolctl pool "$@"; }

# shows POOL NAME: a number or string of 'pool show --json'
shows() { pool show --json "$1" > "$dir/show.json" && field "$dir/show.json" "$2"; }

# option POOL NAME: what 'pool show --json' says of an option
option()
{
	pool show --json "$1" | sed -n "s/.*\"options\": {.*\"$2\": \"\([^\"]*\)\".*/\1/p"
}

is_mounted() { grep -q " $1 .* - zcpool " /proc/self/mountinfo; }

# leaves_nothing NAME POOL
leaves_nothing()
{
	check "$1: no mount, directory or device is left" \
		test ! -e "$at/$2" -a ! -e "/dev/zcpool/$2"
}

# --- the default pool, and paths ----------------------------------------------------

test_default()
{
	does "destroy: of no mount" "pool default is mounted nowhere here, and goes with the module" \
		pool destroy default
	check "list: it is there" grep -q "^default .*256 MiB .* -$" <(pool list)
	check "list: as JSON" grep -q '"pool": "default", "mounts": \[\], "max_bytes": 268435456,' \
		<(pool list --json)
	does "create: default" "pool default is mounted at $at/default" pool create default
	check "create: default is there" is_mounted $at/default
	check "list: and where" grep -q "^default .* $at/default$" <(pool list)
	fails "create: default again" 1 "is mounted at $at/default already; .*pool set" \
		pool create default
	mkdir "$at/default/a" "$at/default/a/b"
	ln -s "$at/default/a/b" "$dir/link"
	for path in "$at/default" "$at/default/a/b/" "$dir/link" /dev/zcpool/default; do
		check "info: the same by ${path#"$dir"}" \
			grep -q '"pool": "default", .*"max_bytes": 268435456' \
			<(zcpoolctl info --json --pool "$path")
		check "show: the same by ${path#"$dir"}" \
			grep -q "\"pool\": \"default\", \"mounts\": \[\"$at/default\"\]" \
			<(pool show --json "$path")
	done
	check "show: for people" grep -q "^  mounted at  $at/default$" <(pool show default)
	check "show: the nodes" test "$(pool show default | grep -c '^node ')" = $nodes
	fails "info: of a path that is no pool" 2 "neither a pool's device nor a directory" \
		info --pool /tmp/
	fails "info: of a path that is not there" 3 "there is no pool '/nosuch/path'" \
		info --pool /nosuch/path
	fails "show: of a path that is no pool" 3 "neither in a mounted pool nor a pool's device" \
		pool show /dev/null
	fails "destroy: of a directory" 2 "a/b is a directory in pool 'default', and not where" \
		pool destroy "$at/default/a/b"
	check "destroy: of a directory: it stays" is_mounted $at/default
	rm "$dir/link"
	does "destroy: default" "pool default is mounted nowhere here, and goes with the module" \
		pool destroy --wait "$at/default/"
	check "destroy: default: its directory is gone" test ! -e $at/default
	check "destroy: default: its device is not" test -c /dev/zcpool/default
}

# --- options ------------------------------------------------------------------------

test_create()
{
	does "create" "pool kv is mounted at $at/kv" pool create kv --nodes 0 --reserve 8M --max 64M \
		--policy interleave --huge never --mode 750 --uid nobody --gid nogroup
	check "create: reserve" test "$(shows kv reserve_bytes)" = $((8 * MiB))
	check "create: max" test "$(shows kv max_bytes)" = $((64 * MiB))
	check "create: nodes" test "$(option kv nodes)" = 0
	check "create: policy" test "$(option kv policy)" = interleave
	check "create: huge" test "$(option kv huge)" = never
	check "create: mode, owner and group" \
		test "$(stat -c '%a %U %G' $at/kv)" = "750 nobody nogroup"
	check "create: the device's" \
		test "$(stat -c '%U %G' /dev/zcpool/kv)" = "nobody nogroup"
	check "info: it is a pool of its own" \
		grep -q "^pool kv: .* max 64 MiB" <(zcpoolctl info --pool $at/kv)
	check "list: both" test "$(pool list | grep -cE '^(default|kv) ')" = 2
	# by mount(8)'s words
	does "create -o" "pool kw is mounted at $at/kw" pool create -o "nodes=0,max=32M" kw
	check "create -o: max" test "$(shows kw max_bytes)" = $((32 * MiB))
	does "destroy --wait" "pool kw is destroyed" pool destroy --wait kw
	leaves_nothing "destroy" kw
	[ $nodes -gt 1 ] || return
	does "create: two nodes" "pool kw is mounted at $at/kw" \
		pool create kw -o "nodes=0,1,max=32M" --reserve "0:2M,1:4M"
	check "create: two nodes: reserve" test "$(shows kw reserve_bytes)" = $((6 * MiB))
	check "create: two nodes are shown" test "$(option kw nodes)" = 0-1
	pool destroy --wait --quiet kw
}

# Who may not have so much is told what he may have, and what to do.
test_user_max()
{
	does "create: user_max" "pool kq is mounted at $at/kq" pool create kq --max 64M \
		--user-max 4M --mode 777
	check "create: user_max is shown" test "$(option kq user_max)" = 4M
	check "show: user_max" test "$(shows kq user_max_bytes)" = $((4 * MiB))
	check "show: no users" grep -q '"users": \[\]' <(pool show --json kq)
	fallocate -l 3M $at/kq/f
	check "show: a user" grep -q "^  user        0 (root): 3 MiB$" <(pool show kq)
	check "show: a user, as JSON" grep -q "\"users\": \[{\"uid\": 0, \"bytes\": $((3 * MiB))}\]" \
		<(pool show --json kq)
	head -c 1M /dev/zero > "$dir/some"
	timeout $limit zcpoolctl recv --quiet "$dir/s" > /dev/null 2>&1 &
	fails "send: more than user_max" 4 \
		"each user may have 4 MiB of pool 'kq', and you have .* --user-max SIZE kq" \
		send --pool $at/kq --buffers 4 --buffer-size 2M "$dir/some" "$dir/s"
	wait $!
	check "set: user_max" pool set --quiet --user-max 0 $at/kq
	check "set: user_max" test "$(shows kq user_max_bytes)" = 0
	rm $at/kq/f
	does "destroy: user_max" "pool kq is destroyed" pool destroy --wait kq
}

test_refused()
{
	local option
	for option in "nodes=99" "max=0" "max=lots" "reserve=64M,max=32M" "reserve=9:2M" \
		"policy=nearest" "huge=sometimes" "mode=9"; do
		fails "create: $option" 2 "cannot create pool 'kw'.*: ...*" pool create -o "$option" kw
		leaves_nothing "create: $option" kw
	done
	fails "create: no such option" 2 \
		"cannot create pool 'kw' with foo=1: is none of nodes, reserve, .*gid" \
		pool create -o foo=1 kw
	leaves_nothing "create: no such option" kw
	fails "create: no such user" 2 "there is no user 'nosuch'" pool create --uid nosuch kw
	fails "create: no name" 2 "pool create takes the NAME of one pool" pool create
	fails "create: a path" 2 "'a/b' cannot be a pool's name" pool create a/b
	fails "create: there is one" 1 "pool 'kv' is mounted at $at/kv already" pool create kv
}

test_set()
{
	does "set" "pool kv: .*max=96M.*" pool set kv --max 96M --huge always
	check "set: max" test "$(shows kv max_bytes)" = $((96 * MiB))
	check "set: huge" test "$(option kv huge)" = always
	check "set: what was not named stays" test "$(shows kv reserve_bytes)" = $((8 * MiB))
	does "set: by a path" "pool kv: .*max=64M.*" pool set -o max=64M $at/kv
	check "set: by a path: max" test "$(shows kv max_bytes)" = $((64 * MiB))
	fails "set: refused" 2 "cannot change pool 'kv'.*: ...*" pool set kv --policy nearest
	check "set: refused, and nothing has changed" test "$(option kv policy)" = interleave
	fails "set: nothing" 2 "pool set takes an option" pool set kv
	fails "set: no such pool" 3 "no pool 'nosuch' that is mounted" pool set nosuch --max 1G
}

# --- who uses a pool ----------------------------------------------------------------

# A process that has a file of the pool open and mapped, and is in a directory of it
start_user()
{
	mkdir -p $at/kv/in
	(cd $at/kv/in && exec python3 -c '
import mmap, os, sys, time
with open("../file", "w+b") as f:
    os.ftruncate(f.fileno(), 4096)
    m = mmap.mmap(f.fileno(), 4096)
    open(sys.argv[1], "w").close()
    time.sleep(600)' "$dir/started") &
	user=$!
	check "a user of the pool" until_true test -e "$dir/started"
	rm -f "$dir/started"
}

# A process that has a buffer of the pool's device, and nothing else of it
start_holder()
{
	perl -e '
		use Fcntl;
		alarm(300);
		sysopen(my $pool, "/dev/zcpool/kv", O_RDWR) or die;
		my $alloc = pack("Q L l L L", 4096, 0, 0, 0, 0);
		ioctl($pool, 0xc0187a11, $alloc) or die;		# ZCPOOL_IOC_ALLOC
		close($pool);
		open(my $f, ">", $ARGV[0]) or die;
		close($f);
		sleep;
	' "$dir/started" &
	user=$!
	check "a holder of a buffer" until_true test -e "$dir/started"
	rm -f "$dir/started"
}

# start_destroy ARGUMENT...: in the background; $destroy is its process
start_destroy()
{
	zcpoolctl pool destroy "$@" > "$dir/destroy.out" 2> "$dir/destroy.err" &
	destroy=$!
}

test_busy()
{
	start_user
	fails "destroy: in use" 1 "pool 'kv' is in use at $at/kv, by:" pool destroy kv
	check "destroy: in use: it stays" is_mounted $at/kv
	zcpoolctl pool destroy kv 2> "$dir/busy.err"
	check "destroy: says who" grep -q "^  PID $user (python3) " "$dir/busy.err"
	check "destroy: says that it is there" \
		grep -q "has its working directory at $at/kv/in" "$dir/busy.err"
	check "destroy: says what is open" grep -q "has open $at/kv/file" "$dir/busy.err"
	check "destroy: says what is mapped" grep -q "maps $at/kv/file" "$dir/busy.err"
	check "destroy: names nobody else" test "$(grep -c PID "$dir/busy.err")" = 1
	rm "$dir/busy.err"
	check "show: files" test "$(shows kv files)" -ge 2
	# It waits so long, or until nobody uses it any more, or until it is told not to.
	fails "destroy --wait 0: in use" 1 "pool 'kv' is in use at $at/kv, by:" \
		pool destroy --quiet --wait 0 kv
	start_destroy kv --wait
	check "destroy --wait: says for whom" until_true grep -q "PID $user " "$dir/destroy.err"
	kill "$destroy"
	status_of "$destroy"
	check "destroy --wait: can be interrupted" test "$status" -eq 143
	check "destroy --wait: interrupted, the pool stays" is_mounted $at/kv
	mount -t tmpfs none $at/kv/in
	check "destroy: says what is mounted on it" \
		grep -q "what is mounted on it, at $at/kv/in" <(zcpoolctl pool destroy kv 2>&1)
	umount $at/kv/in
	start_destroy --wait=300 kv
	check "destroy --wait SECONDS: says for whom" \
		until_true grep -q "PID $user " "$dir/destroy.err"
	kill "$user"
	wait "$user" 2>/dev/null
	status_of "$destroy"
	check "destroy --wait SECONDS: succeeds when the user has ended" test "$status" -eq 0
	check "destroy --wait SECONDS: says so" grep -qx "pool kv is destroyed" "$dir/destroy.out"
	check "destroy --wait SECONDS: shows no progress where there is no terminal" \
		test "$(grep -c waiting "$dir/destroy.err")" = 0
	leaves_nothing "destroy --wait" kv
}

# A pool goes with its last buffer.
test_held()
{
	does "create: to be held" "pool kv is mounted at $at/kv" pool create kv --max 32M
	start_holder
	check "show: buffers" test "$(shows kv buffers)" = 1
	fails "destroy: held" 6 "pool 'kv' is unmounted, but some of it is still in use, by:" \
		pool destroy kv
	check "destroy: held: it is unmounted" test ! -e $at/kv
	check "destroy: held: it is there" test -c /dev/zcpool/kv
	check "list: it is there" grep -q "^kv .* 32 MiB .* 4 KiB  -$" <(pool list)
	fails "set: held, and not mounted" 3 "no pool 'kv' that is mounted" pool set kv --max 1G
	does "create: it is mounted again" "pool kv is mounted at $at/kv" pool create kv
	check "create: the same pool" test "$(shows kv buffers)" = 1
	start_destroy --wait kv
	check "destroy --wait: held: says by whom" \
		until_true grep -q "^  PID $user (perl) has open /zcpool:" "$dir/destroy.err"
	check "destroy --wait: held: it is unmounted" test ! -e $at/kv
	fails "destroy --wait 0: held" 6 "some of it is still in use, by:" pool destroy --wait 0 --quiet kv
	kill "$user"
	wait "$user" 2>/dev/null
	status_of "$destroy"
	check "destroy --wait: succeeds when the buffer has gone" test "$status" -eq 0
	leaves_nothing "destroy --wait: held" kv
	fails "destroy: no such pool" 3 "there is no pool 'kv'; .*pool list" pool destroy kv
	fails "show: no such pool" 3 "there is no pool 'kv'" pool show kv
}

# A mount in another mount namespace is not ours to take away.
test_elsewhere()
{
	mkdir -p "$dir/elsewhere"
	pool create --quiet kv --max 32M
	unshare -m sh -c "mount --bind $at/kv '$dir/elsewhere' && : > '$dir/started' && exec sleep 600" &
	user=$!
	check "a mount namespace with the pool" until_true test -e "$dir/started"
	fails "destroy: mounted elsewhere" 6 "is unmounted, but some of it is still in use, by:" \
		pool destroy kv
	check "destroy: mounted elsewhere: says where" \
		grep -q "PID $user (sleep) has mounted, in its own mount namespace, $dir/elsewhere" \
		<(zcpoolctl pool destroy kv 2>&1)
	kill "$user"
	wait "$user" 2>/dev/null
	# It was unmounted here already, and goes with its last mount.
	check "destroy: and goes when it is not" until_true test ! -e /dev/zcpool/kv
	leaves_nothing "destroy: mounted elsewhere" kv
}

# --- permissions, usage -------------------------------------------------------------

test_not_root()
{
	pool create --quiet kv --max 32M
	as=(setpriv --reuid=65534 --clear-groups --bounding-set=-all --inh-caps=-all)
	fails "create: not root" 3 "you may not create pools: .*be root" pool create kw
	fails "set: not root" 3 "you may not change pools: .*be root" pool set kv --max 64M
	fails "destroy: not root" 3 "you may not unmount pool 'kv': .*be root" pool destroy kv
	fails "show: not root" 3 "you may not open" pool show kv
	check "list: not root: no figures" \
		grep -q "^kv  *-  *-  *-  *-  $at/kv$" <("${as[@]}" zcpoolctl pool list)
	check "list: not root: no figures in JSON" \
		grep -q "\"mounts\": \[\"$at/kv\"\], \"max_bytes\": null" \
		<("${as[@]}" zcpoolctl pool list --json)
	as=()
	pool destroy --wait --quiet kv
}

test_usage()
{
	local verb
	fails "no such verb" 2 "pool has no verb 'frobnicate'" pool frobnicate
	fails "show: nothing" 2 "pool show takes the NAME of one pool" pool show
	fails "list: something" 2 "pool list takes no NAME" pool list kv
	fails "destroy: odd time" 2 "--wait takes a number from 0 to 4000000" \
		pool destroy --wait=long kv
	for verb in list create set show destroy; do
		check "pool $verb --help" \
			grep -q "^Usage: zcpoolctl pool $verb " <(zcpoolctl pool $verb --help)
		check "manual page explains pool $verb" \
			grep -q "zcpoolctl pool $verb" "$here/../tools/man/zcpoolctl.1"
	done
}

begin
test_default
test_create
test_user_max
test_refused
test_set
test_busy
test_held
test_elsewhere
test_not_root
test_usage
end
