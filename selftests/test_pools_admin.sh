#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# module: reserve=4M max=64M
# shellcheck disable=SC2317  # run_test calls the functions by their names
#
# Pools as an administrator has them: mount(8), fstab, remount, df, rmmod.

dir=/run/zcpool_admin
fstab=/run/zcpool_fstab
# shellcheck source=result.sh
. "$(dirname "$0")/result.sh"

# run_test NAME FUNCTION: a function passes when all its checks did
run_test()
{
	bad=0
	"$2"
	! mountpoint -q $dir || umount $dir || bad=1
	result $bad "$1"
}

# expect WHAT GOT WANTED
expect()
{
	[ "$2" = "$3" ] && return
	echo "# $1: got '$2', expected '$3'"
	bad=1
}

# Everything else is tried only on what is there.
mounted()
{
	mount -t zcpool -o "$1" kvcache $dir && return
	echo "# mount -o $1 failed"
	bad=1
	return 1
}

options()
{
	local all
	all=$(findmnt -no FS-OPTIONS $dir)
	echo "${all#rw}"
}

# The pool is gone when its node is.
gone()
{
	local i
	for ((i = 0; i < 1000; i++)); do
		[ -e /dev/zcpool/kvcache ] || return 0
		sleep 0.01
	done
	return 1
}

mount_and_umount()
{
	mounted max=8M,reserve=0:4M,mode=0770,gid=12 || return
	expect "source" "$(findmnt -no SOURCE $dir)" kvcache
	expect "type" "$(findmnt -no FSTYPE $dir)" zcpool
	expect "options" "$(options)" ,reserve=0:4M,max=8M,mode=0770,gid=12
	expect "directory" "$(stat -c %a:%u:%g $dir)" 770:0:12
	expect "device" "$(stat -c %a:%u:%g /dev/zcpool/kvcache)" 660:0:12
	expect "debugfs" "$(ls /sys/kernel/debug/zcpool/kvcache)" $'buddy\nbuffers\nnodes\nusers'
	umount $dir || bad=1
	gone || { echo "# it is still there"; bad=1; }
	expect "debugfs" "$(ls /sys/kernel/debug/zcpool)" $'default\nlayout'
}

# Lists have "+" for ",".
lists()
{
	[ -d /sys/devices/system/node/node1 ] || return
	mounted max=16M,nodes=0+1,reserve=0:2M+1:4M,policy=interleave || return
	expect "options" "$(options)" ,nodes=0-1,policy=interleave,reserve=0:2M+1:4M,max=16M
}

# What mount(8) finds in /proc/mounts it says again.
remount()
{
	mounted max=8M,reserve=0:4M || return
	mount -o remount,max=16M $dir || bad=1
	expect "max" "$(options)" ,reserve=0:4M,max=16M
	mount -o remount,reserve=0:2M,huge=always $dir || bad=1
	expect "reserve, huge" "$(options)" ,reserve=0:2M,max=16M,huge=always
	mount -o remount,ro $dir || bad=1
	expect "read-only" "$(findmnt -no FS-OPTIONS $dir)" ro,reserve=0:2M,max=16M,huge=always
	! touch $dir/file 2> /dev/null || { echo "# writable"; bad=1; }
	mount -o remount,rw $dir || bad=1
	! mount -o remount,max=1M,reserve=0:8M $dir 2> /dev/null ||
		{ echo "# less than its reserve"; bad=1; }
	expect "after a refusal" "$(options)" ,reserve=0:2M,max=16M,huge=always
}

remount_nodes()
{
	[ -d /sys/devices/system/node/node1 ] || return
	mounted max=16M,nodes=0+1,reserve=0:2M+1:4M || return
	mount -o remount,nodes=1 $dir || bad=1
	expect "nodes" "$(options)" ,nodes=1,reserve=1:4M,max=16M
	mount -o remount,policy=local $dir || bad=1
	expect "policy" "$(options)" ,nodes=1,policy=local,reserve=1:4M,max=16M
}

from_fstab()
{
	echo "kvcache $dir zcpool max=8M,uid=1000 0 0" > $fstab
	mount -T $fstab $dir || { bad=1; return; }
	expect "options" "$(options)" ,max=8M,uid=1000
}

df_shows_it()
{
	mounted max=8M,reserve=0:2M || return
	expect "df" "$(df --output=source,fstype,size,used,avail -B 1M $dir | tail -n 1 | tr -s ' ')" \
		"kvcache zcpool 8 0 8"
}

# The newer mount says so itself, the older one leaves it in the kernel's log.
refused()
{
	local said
	dmesg -C
	! said=$(mount -t zcpool -o max=none kvcache $dir 2>&1) || { echo "# mounted"; bad=1; }
	[[ $said$(dmesg) == *"zcpool: max: 'none' is no SIZE"* ]] ||
		{ echo "# it says: $said"; bad=1; }
	! mount -t zcpool a/b $dir 2> /dev/null || { echo "# mounted"; bad=1; }
	[ ! -e /dev/zcpool/kvcache ] || bad=1
}

module_stays()
{
	mounted max=8M || return
	! rmmod zcpool 2> /run/zcpool_rmmod || { echo "# unloaded"; bad=1; }
	grep -q 'in use' /run/zcpool_rmmod || { echo "# $(cat /run/zcpool_rmmod)"; bad=1; }
}

# One line when there is a pool, one when it has gone
log_lines()
{
	dmesg -C
	mounted max=8M,reserve=0:4M || return
	expect "mounted" "$(dmesg --notime | grep zcpool)" \
		"zcpool: kvcache: 4 MiB in reserve on $(ls -d /sys/devices/system/node/node[0-9]* | wc -l) node(s), at most 8 MiB"
	dmesg -C
	umount $dir
	gone
	for ((i = 0; i < 1000; i++)); do
		! dmesg | grep -q zcpool || break
		sleep 0.01
	done
	expect "unmounted" "$(dmesg --notime | grep zcpool)" "zcpool: kvcache: all memory given back"
}

mkdir -p $dir
echo "1..9"
run_test "mount and umount" mount_and_umount
run_test "lists" lists
run_test "remount" remount
run_test "remount with other nodes" remount_nodes
run_test "from fstab" from_fstab
run_test "df" df_shows_it
run_test "refused" refused
run_test "rmmod refused" module_stays
run_test "log lines" log_lines
rmdir $dir
exit $((failures > 0))
