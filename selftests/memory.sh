# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# For the runners in the test machine, to source: whether memory came back.

# On an emulated machine a program that is linked statically starts in a tenth of the time.
if type -P busybox > /dev/null; then
	awk() { busybox awk "$@"; }
	insmod() { busybox insmod "$@"; }
	rmmod() { busybox rmmod "$@"; }
fi

# A kernel that looks for faults keeps freed objects and notes of its own in slabs, and has
# kmemleak for what is lost there.
[ -e /sys/kernel/debug/kmemleak ] && slabs=Slab || slabs=SReclaimable

# free_kb: what is free, in per-CPU lists too (that can be a hundred MiB), or a cache. Caches
# are not dropped for it: each program would have to be read again. A zone's free pages and
# those in lists are of one moment only in one file.
free_kb()
{
	awk -v counted="^(Buffers|Cached|PageTables|KernelStack|$slabs):" '
		$1 ~ counted { kb += $2 }
		($1 == "pages" && $2 == "free") || $1 == "count:" { kb += $NF * 4 }
		END { print kb }' /proc/meminfo /proc/zoneinfo
}

# memory_is_back BEFORE SLACK, in kB. It may take the kernel a moment.
memory_is_back()
{
	local i missing
	for ((i = 0; i < 10; i++)); do
		missing=$(($1 - $(free_kb)))
		[ $missing -gt "$2" ] || return 0
		sync
		echo 3 > /proc/sys/vm/drop_caches
		sleep 0.5
	done
	echo "# $missing kB of memory did not come back"
	return 1
}
