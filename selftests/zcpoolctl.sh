# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034  # some variables are for those who source this
# What the tests of zcpoolctl are made of. They run in the test machine as root, module
# loaded, an ext4 disk on /mnt; zcpoolctl is looked for in $ZCPOOL_BIN. TAP on the standard
# output.

here=$(cd "$(dirname "$0")" && pwd)
PATH=${ZCPOOL_BIN:-$here/../tools/out}:$PATH
disk=${ZCPOOL_DISK:-/mnt}
dir=$(mktemp -d "$disk/zcpoolctl.XXXXXX") || exit 1
sock=$dir/sock
limit=120	# seconds until a command counts as hung; emulated machines are slow
MiB=$((1024 * 1024))
# A kernel without NUMA has one node and no directory of them.
nodes=$(find /sys/devices/system/node -maxdepth 1 -name 'node[0-9]*' 2>/dev/null | wc -l)
[ "$nodes" -gt 0 ] || nodes=1
tests=0
failed=0

# Jobs are waited for one by one; what is left is ours to end.
# shellcheck disable=SC2317
clean_up()
{
	local job
	for job in $(jobs -p); do
		kill -CONT "$job" 2>/dev/null
		kill -9 "$job" 2>/dev/null
	done
	umount "$dir/tmpfs" 2>/dev/null
	rm -rf "$dir"
}
trap clean_up EXIT

note() { echo "# $*"; }

# result STATUS NAME: STATUS 0 passed
result()
{
	tests=$((tests + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tests $2"
	else
		failed=$((failed + 1))
		echo "not ok $tests $2"
		for f in "$dir"/*.err; do
			[ -s "$f" ] && sed "s|^|# ${f##*/}: |" "$f"
		done
	fi
}

# check NAME COMMAND...: passes where COMMAND succeeds
check()
{
	local name=$1
	shift
	"$@"
	result $? "$name"
}

# pause SECONDS: as sleep does, without another process
exec {nothing}<> <(:)
pause() { read -rt "$1" -u "$nothing"; }

# until_true COMMAND...: up to 20 s
until_true()
{
	local i
	for ((i = 0; i < 400; i++)); do
		"$@" && return 0
		pause 0.05
	done
	note "never came true: $*"
	return 1
}

# listens PATH: whether somebody does; the socket is there before
listens()
{
	grep -q " 00010000 .* $1\$" /proc/net/unix
}

# field FILE NAME: a number or string of the JSON object in FILE
field()
{
	local text
	text=$(< "$1")
	text=${text%%, \"nodes\"*}
	[[ ! $text =~ \"$2\":\ \"?([^,\"\}]*) ]] || echo "${BASH_REMATCH[1]}"
}

pool_field()
{
	zcpoolctl info --json > "$dir/info.json" && field "$dir/info.json" "$1"
}

used_is() { [ "$(pool_field used_bytes)" = "$1" ]; }
used_at_least() { [ "$(pool_field used_bytes)" -ge "$1" ]; }

# No other process for it: it is asked often.
is_gone()
{
	local key state=Z
	{
		while read -r key state _ && [ "$key" != State: ]; do :; done < "/proc/$1/status"
	} 2>/dev/null
	[ "${state:-Z}" = Z ]
}

all_given_back()
{
	check "$1: no memory stays in use" until_true used_is 0
}

# start_recv [ARGUMENT...]: in the background; $recv is its process
start_recv()
{
	zcpoolctl recv "$@" > "$dir/recv.out" 2> "$dir/recv.err" &
	recv=$!
}

start_send()
{
	zcpoolctl send "$@" > "$dir/send.out" 2> "$dir/send.err" &
	send=$!
}

# status_of PROCESS: sets $status; a process that does not end is killed and is 99
status_of()
{
	local i
	for ((i = 0; i < limit * 20; i++)); do
		if is_gone "$1"; then
			wait "$1"
			status=$?
			return
		fi
		pause 0.05
	done
	kill -9 "$1"
	wait "$1"
	status=99
}

# ended NAME PROCESS STATUS OUTPUT PATTERN: it ended so, and OUTPUT has one line like that
ended()
{
	local lines
	status_of "$2"
	check "$1: exit status $3" test "$status" -eq "$3"
	lines=$(grep -c "$5" "$4")
	check "$1: says '$5'" test "$lines" -eq 1
}

# transfer SEND-ARGUMENT...: both ends, $send_status and $recv_status; OUT in $out or none,
# more options of recv in ${recv_options[@]}
transfer()
{
	start_recv --json "${recv_options[@]}" "$sock" ${out:+"$out"}
	start_send --json "$@" "$sock"
	status_of "$send"
	send_status=$status
	status_of "$recv"
	recv_status=$status
}

digest_of() { sha256sum < "$1" | cut -d' ' -f1; }

make_file()
{
	head -c "$2" /dev/urandom > "$1" && sync "$1"
}

# fails NAME STATUS PATTERN ARGUMENT...: zcpoolctl alone, with one message; by way of the
# command ${as[@]}, if there is one
fails()
{
	local name=$1 want=$2 pattern=$3
	shift 3
	timeout $limit "${as[@]}" zcpoolctl "$@" > "$dir/alone.out" 2> "$dir/alone.err"
	status=$?
	check "$name: exit status $want" test $status -eq "$want"
	check "$name: says '$pattern'" grep -q -- "$pattern" "$dir/alone.err"
	check "$name: says it once" test "$(grep -c '^zcpoolctl: ' "$dir/alone.err")" = 1
	rm -f "$dir/alone.err"
}

# does NAME PATTERN ARGUMENT...: zcpoolctl succeeds and prints one line, which is that
does()
{
	local name=$1 pattern=$2
	shift 2
	timeout $limit zcpoolctl "$@" > "$dir/alone.out" 2> "$dir/alone.err"
	check "$name: succeeds" test $? -eq 0
	check "$name: prints '$pattern'" grep -qx -- "$pattern" "$dir/alone.out"
	check "$name: and no more" test "$(cat "$dir"/alone.{out,err} | wc -l)" = 1
}

# begin, and end: what each of these tests says
begin()
{
	note "zcpoolctl: $(command -v zcpoolctl)"
	used_is 0 || note "used at the start: $(pool_field used_bytes)"
}

end()
{
	echo "1..$tests"
	[ $failed -eq 0 ]
}
