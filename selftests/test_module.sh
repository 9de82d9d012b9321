#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# module: none
# timeout: 600
# shellcheck disable=SC2317  # run_test calls the functions by their names
#
# Loading and unloading: what is said about it, how much memory it takes, what is left.
# (Parameters are for test_params.)
# ZCPOOL_KO is the module's file.

# shellcheck source=memory.sh
. "$(dirname "$0")/memory.sh"
# shellcheck source=result.sh
. "$(dirname "$0")/result.sh"
pool=/dev/zcpool/default
parameters=/sys/module/zcpool/parameters
nodes_file=/sys/kernel/debug/zcpool/default/nodes
nodes=(/sys/devices/system/node/node[0-9]*)
marks=0
mib=$((1 << 20))

# run_test NAME FUNCTION: a function passes when all its checks did
run_test()
{
	bad=0 skip=''
	"$2"
	[ ! -d /sys/module/zcpool ] || rmmod zcpool || { echo "# rmmod failed"; bad=1; }
	result $bad "$1${skip:+ # SKIP $skip}"
}

# expect WHAT GOT WANTED
expect()
{
	[ "$2" = "$3" ] && return
	echo "# $1: got '$2', expected '$3'"
	bad=1
}

# Remember where the kernel log ends, and say what our lines in it are since then.
mark()
{
	marks=$((marks + 1))
	echo "test_module: mark $marks" > /dev/kmsg
}

log_since()
{
	dmesg --notime | sed -n "1,/^test_module: mark $marks\$/d; /zcpool/p"
}

# lines_with PATTERN TEXT: how many
lines_with()
{
	local line n=0
	while IFS= read -r line; do
		[[ ! $line =~ $1 ]] || n=$((n + 1))
	done <<< "$2"
	echo $n
}

load()
{
	# shellcheck disable=SC2086  # the parameters are words
	insmod "$ZCPOOL_KO" $1 2> /tmp/zcpool_insmod
}

# column NODE NAME: a number from debugfs "nodes"
column()
{
	local names row i
	{
		read -ra names
		while read -ra row && [ "${row[0]}" != "$1" ]; do :; done
	} < $nodes_file
	for i in "${!names[@]}"; do
		[ "${names[i]}" != "$2" ] || echo "${row[i]}"
	done
}

no_parameters()
{
	local max log
	mark
	load "" || { echo "# refused"; bad=1; return; }
	expect "reserve" "$(column 0 reserve)" 0
	expect "total" "$(column 0 total)" 0
	max=$(sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo)
	max=$((max / 8192 * 2))
	log=$(log_since)
	# A quarter of the memory, to the chunk or so
	[[ $log == *" $max MiB"* || $log == *" $((max + 2)) MiB"* ]] ||
		{ echo "# max is not $max MiB: $log"; bad=1; }
}

# What all pools hold together: half of the machine's memory, or what is given, then or later
ceiling()
{
	local half value got parameters=/sys/module/zcpool/parameters
	load "reserve=4M max=64M" || { bad=1; return; }
	half=$(sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo)
	half=$((half / 4096 * 2))
	got=$(cat $parameters/ceiling)
	[ "$got" = ${half}M ] || [ "$got" = $((half + 2))M ] ||
		{ echo "# it is $got and not half of the memory, ${half}M"; bad=1; }
	rmmod zcpool

	for value in x 0 8X -1 '8M,' 99999999999999999999; do
		if load "ceiling=$value"; then
			echo "# accepted: ceiling=$value"
			bad=1
			rmmod zcpool
		fi
	done
	mark
	! load "reserve=0:8M ceiling=4M" || { echo "# less than the reserve"; bad=1; rmmod zcpool; }
	[[ $(log_since) == *"zcpool: reserve: 8 MiB"*"beyond the ceiling of 4 MiB"* ]] ||
		{ echo "# the log says: $(log_since)"; bad=1; }

	load "reserve=4M ceiling=65536K" || { bad=1; return; }
	expect "ceiling" "$(cat $parameters/ceiling)" 64M
	echo 32M > $parameters/ceiling || bad=1
	expect "ceiling" "$(cat $parameters/ceiling)" 32M
	for value in x 0 2M; do
		! echo $value 2> /dev/null > $parameters/ceiling || { echo "# accepted: $value"; bad=1; }
	done
	expect "ceiling" "$(cat $parameters/ceiling)" 32M
}

device_node()
{
	load "reserve=4M" || { bad=1; return; }
	expect "mode" "$(stat -c %a $pool)" 600
	expect "owner" "$(stat -c %u:%g $pool)" 0:0
	expect "type" "$(stat -c %F $pool)" "character special file"
	rmmod zcpool
	expect "after rmmod" "$(ls $pool 2>/dev/null)" ""
}

# All of a node's memory but 8 MiB is more than it can give: the module loads with what it
# got, and says so. Afterwards the kernel would compact the node for minutes on an emulated
# machine, all at once, and take that for a lockup: it is told not to.
more_than_a_node_has()
{
	local size got lost node0 log proactive=/proc/sys/vm/compaction_proactiveness
	if [ ${#nodes[@]} -lt 2 ]; then
		skip="needs a second node for all else to live on"
		return
	fi
	echo 0 > $proactive
	node0=$(sed -n 's/^Node 0 MemTotal: *\([0-9]*\) kB/\1/p' \
		/sys/devices/system/node/node0/meminfo)
	size=$((node0 / 2048 * 2 - 8))
	mark
	if ! load "reserve=0:${size}M max=$((size + 8))M"; then
		echo "# refused: $(cat /tmp/zcpool_insmod) $(log_since)"
		bad=1
		return
	fi
	got=$(($(column 0 total) / mib))
	lost=$(($(column 0 lost) / mib))
	[ $lost -gt 0 ] || { echo "# asked for $size MiB, got $got, lost $lost"; bad=1; }
	expect "got and lost" $((got + lost)) $size
	log=$(log_since)
	# One line has all of it: which node, how much it gave, of how much
	[[ $log =~ "zcpool: "[^$'\n']*"node 0"[^$'\n']*"$got of $size MiB" ]] ||
		{ echo "# got $got of $size MiB, the log says: $log"; bad=1; }
	# What it got works.
	exec 5<> $pool || bad=1
	exec 5>&-
}

refused_while_open()
{
	load "reserve=4M" || { bad=1; return; }
	exec 5<> $pool
	if command rmmod zcpool 2> /tmp/zcpool_rmmod; then
		echo "# unloaded with the pool open"
		bad=1
	fi
	grep -q 'in use' /tmp/zcpool_rmmod || { echo "# $(cat /tmp/zcpool_rmmod)"; bad=1; }
	exec 5>&-
	rmmod zcpool || { echo "# not unloaded after the pool was closed"; bad=1; }
}

twice()
{
	load "reserve=4M" || { bad=1; return; }
	if load "reserve=4M"; then
		echo "# loaded twice"
		bad=1
	fi
	expect "still there" "$(column 0 reserve)" $((4 * mib))
}

many_times()
{
	local i before
	load "reserve=16M" || { bad=1; return; }
	rmmod zcpool
	before=$(free_kb)
	for ((i = 0; i < 20; i++)); do
		load "reserve=16M" || { echo "# load $i failed"; bad=1; return; }
		rmmod zcpool || { echo "# unload $i failed"; bad=1; return; }
	done
	# 20 times anything of a page a chunk would be more than this.
	memory_is_back "$before" $((512 * ${#nodes[@]})) || bad=1
}

# Filling the reserve takes its time, which a kill does not wait for. Where the load is
# faster than the kill, it is made again; one that cannot be killed is so each time.
killed_while_loading()
{
	local before free pid status try
	before=$(free_kb)
	for try in 1 2 3; do
		free=$(free_kb)
		command insmod "$ZCPOOL_KO" "reserve=$((free / 4096))M" "max=$((free / 1024))M" &
		pid=$!
		while [ -d "/proc/$pid" ] && [ "$(free_kb)" -gt $((free - 65536)) ]; do :; done
		kill -9 "$pid"
		wait "$pid" 2> /dev/null && status=0 || status=$?
		[ -d /sys/module/zcpool ] && [ $try -lt 3 ] || break
		rmmod zcpool
	done
	expect "insmod's exit status" $status 137
	expect "the module" "$(ls -d /sys/module/zcpool 2> /dev/null)" ""
	memory_is_back "$before" 16384 || bad=1
}

log_lines()
{
	mark
	load "reserve=4M max=64M" || { bad=1; return; }
	expect "lines at load" "$(lines_with '^zcpool: ' "$(log_since)")" 1
	mark
	# Errors of users are not the log's business.
	cat $pool > /dev/null 2>&1
	echo x > $pool 2> /dev/null
	dd if=/dev/zero of=$pool bs=1M count=1 2> /dev/null
	[ -z "${ZCPOOL_TESTS-}" ] || "$ZCPOOL_TESTS/test_abi" -t alloc_bad_fields \
		-t alloc_sizes_out_of_reach -t faulting_pointers -t unknown_ioctls \
		> /dev/null 2>&1
	expect "lines of users' errors" "$(log_since)" ""
	rmmod zcpool || bad=1
	expect "lines at unload" "$(lines_with '^zcpool: ' "$(log_since)")" 1
}

if [ ! -f "${ZCPOOL_KO-}" ]; then
	echo "1..0 # SKIP ZCPOOL_KO is not set"
	exit 4
fi
echo "1..10"
run_test "no parameters" no_parameters
run_test "ceiling" ceiling
run_test "device node" device_node
run_test "more than a node has" more_than_a_node_has
run_test "refused while open" refused_while_open
run_test "loaded twice" twice
run_test "twenty times" many_times
run_test "killed while loading" killed_while_loading
run_test "log lines" log_lines
result "$(grep -q '^zcpool ' /proc/modules && echo 1 || echo 0)" "nothing is left loaded"
exit $((failures > 0))
