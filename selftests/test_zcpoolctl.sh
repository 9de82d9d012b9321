#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# zcpoolctl send and recv as a person uses them: files of every odd size, peers that die,
# pools that are full, sockets that are something else. After each, no memory may stay in
# use.
# module: reserve=256M max=640M
# timeout: 900

# shellcheck source=zcpoolctl.sh
. "$(dirname "$0")/zcpoolctl.sh"

# --- the main job -------------------------------------------------------------------

test_sizes()
{
	local size file=$dir/in name pmds=32768 faults=200 end
	out=$dir/out
	for size in 0 1 4095 4096 4097 $((2 * MiB)) $((2 * MiB + 1)) $((33 * MiB + 12345)); do
		name="$size bytes"
		make_file "$file" "$size"
		transfer "$file"
		check "$name: both succeed" test "$send_status$recv_status" = 00
		check "$name: digest" test "$(field "$dir/recv.out" sha256)" = "$(digest_of "$file")"
		check "$name: OUT is the same" cmp "$file" "$out"
		check "$name: bytes sent" test "$(field "$dir/send.out" bytes)" = "$size"
		check "$name: bytes received" test "$(field "$dir/recv.out" bytes)" = "$size"
		check "$name: no byte copied by the sender" \
			test "$(field "$dir/send.out" copied_bytes)" = 0
		check "$name: no byte copied by the receiver" \
			test "$(field "$dir/recv.out" copied_bytes)" = 0
		for end in send recv; do
			check "$name: buffers are moved ($end)" \
				test "$(field "$dir/$end.out" moved)" = true
		done
		check "$name: nothing on stderr" test ! -s "$dir/send.err" -a ! -s "$dir/recv.err"
	done
	# the last size fills all eight buffers, of two chunks each
	# A kernel without transparent huge pages maps nothing by PMDs: a fault a page there.
	# What was moved is mapped anew.
	[ -d /sys/kernel/mm/transparent_hugepage ] || { pmds=0 faults=$((2 * 32768 / 4 + 1000)); }
	check "mapped by PMD at the sender" test "$(field "$dir/send.out" pmd_mapped_kb)" = "$pmds"
	check "mapped by PMD at the receiver" test "$(field "$dir/recv.out" pmd_mapped_kb)" = "$pmds"
	check "page faults of the sender" test "$(field "$dir/send.out" page_faults)" -lt "$faults"
	check "page faults of the receiver" test "$(field "$dir/recv.out" page_faults)" -lt "$faults"
	all_given_back "sizes"
}

test_transports()
{
	local via file=$dir/in name
	make_file "$file" $((5 * MiB + 321))
	out=$dir/out
	for via in memfd pipe; do
		name="via $via"
		transfer --via $via "$file"
		check "$name: both succeed" test "$send_status$recv_status" = 00
		check "$name: digest" test "$(field "$dir/recv.out" sha256)" = "$(digest_of "$file")"
		check "$name: OUT is the same" cmp "$file" "$out"
		check "$name: no buffer is moved" test "$(field "$dir/recv.out" moved)" = false
	done
	# via pipe: read and written at each end
	check "via pipe: copied by the sender" \
		test "$(field "$dir/send.out" copied_bytes)" = $((2 * (5 * MiB + 321)))
	check "via pipe: copied by the receiver" \
		test "$(field "$dir/recv.out" copied_bytes)" = $((2 * (5 * MiB + 321)))
}

# What the receiver makes of memory that the sender has as well
test_share_and_move()
{
	local via file=$dir/in name moved
	make_file "$file" $((33 * MiB + 321))
	out=$dir/out
	for via in zcpool memfd pipe; do
		name="recv --share via $via"
		recv_options=(--share)
		transfer --via $via "$file"
		check "$name: both succeed" test "$send_status$recv_status" = 00
		check "$name: OUT is the same" cmp "$file" "$out"
		check "$name: no buffer is moved" test "$(field "$dir/send.out" moved)" = false
	done
	recv_options=(--move)
	for via in zcpool pipe; do
		name="recv --move via $via"
		moved=$([ $via = zcpool ] && echo true || echo false)
		transfer --via $via "$file"
		check "$name: both succeed" test "$send_status$recv_status" = 00
		check "$name: OUT is the same" cmp "$file" "$out"
		check "$name: moved is $moved" test "$(field "$dir/recv.out" moved)" = "$moved"
	done
	recv_options=()
	start_recv --move "$sock"
	start_send --via memfd "$file" "$sock"
	ended "recv --move via memfd: receiver" "$recv" 5 "$dir/recv.err" \
		"sends via memfd, and could change what it has sent"
	ended "recv --move via memfd: sender" "$send" 1 "$dir/send.err" \
		"the receiver gave up: .*have it send --via zcpool or --via pipe"
	all_given_back "share and move"
}

test_options()
{
	local file=$dir/in node
	make_file "$file" $((5 * MiB + 321))
	out=
	for ((node = 0; node < nodes; node++)); do
		transfer --node $node --buffers 3 --buffer-size 512K "$file"
		check "node $node: digest" \
			test "$(field "$dir/recv.out" sha256)" = "$(digest_of "$file")"
		check "node $node: sender's memory is there" \
			test "$(field "$dir/send.out" memory_node)" = $node
		check "node $node: receiver's memory is there" \
			test "$(field "$dir/recv.out" memory_node)" = $node
		check "node $node: buffers" test "$(field "$dir/recv.out" buffers)" = 3
	done
	start_recv --quiet "$sock" "$dir/out"
	start_send --quiet "$file" "$sock"
	status_of "$send"
	status_of "$recv"
	check "--quiet: sha256sum -c takes the output" sha256sum --quiet -c "$dir/recv.out"
	check "--quiet: one line of output" test "$(cat "$dir"/{recv,send}.out | wc -l)" = 1
	all_given_back "options"
}

test_block_device()
{
	local file=$dir/in loop
	make_file "$file" $((5 * MiB + 512))
	modprobe -q loop
	loop=$(losetup -f --show "$file") || { result 1 "block device: losetup"; return; }
	out=$dir/out
	transfer "$loop"
	check "block device: both succeed" test "$send_status$recv_status" = 00
	check "block device: OUT is the same" cmp "$file" "$out"
	check "block device: no byte copied" test "$(field "$dir/send.out" copied_bytes)" = 0
	losetup -d "$loop"
	all_given_back "block device"
}

# A file system without direct I/O: said so, and counted.
test_buffered()
{
	local size=$((5 * MiB + 321)) file=$dir/tmpfs/in
	mkdir -p "$dir/tmpfs"
	mount -t tmpfs -o size=64M none "$dir/tmpfs" || { result 1 "mount tmpfs"; return; }
	make_file "$file" $size
	out=$dir/tmpfs/out
	transfer "$file"
	check "buffered: both succeed" test "$send_status$recv_status" = 00
	check "buffered: OUT is the same" cmp "$file" "$out"
	check "buffered: copied by the sender" test "$(field "$dir/send.out" copied_bytes)" = $size
	check "buffered: copied by the receiver" test "$(field "$dir/recv.out" copied_bytes)" = $size
	check "buffered: sender says so" grep -q "through the page cache" "$dir/send.err"
	check "buffered: receiver says so" grep -q "through the page cache" "$dir/recv.err"
}

test_start_order()
{
	local file=$dir/in
	make_file "$file" 12345
	start_send "$file" "$sock"
	pause 0.3
	start_recv "$sock"
	status_of "$send"
	check "sender first: it waits for the receiver" test "$status" -eq 0
	status_of "$recv"
	check "sender first: receiver" test "$status" -eq 0
	check "the socket is gone afterwards" test ! -e "$sock"
}

# --- peers that die -----------------------------------------------------------------

# A file that takes so long that whatever is done to it is done in the middle.
start_long_transfer()
{
	truncate -s 8G "$dir/long"
	rm -f "$dir/out"
	start_recv "$sock" "$dir/out"
	start_send "$dir/long" "$sock"
	check "$1: under way" until_true test -s "$dir/out"
	check "$1: memory is in use" used_at_least $((32 * MiB))
}

test_killed()
{
	start_long_transfer "sender killed"
	kill -9 "$send"
	wait "$send" 2>/dev/null
	ended "sender killed: receiver" "$recv" 5 "$dir/recv.err" "the sender went away"
	check "sender killed: OUT is removed" test ! -e "$dir/out"
	check "sender killed: and it says so" grep -q "removed the partial file" "$dir/recv.err"
	all_given_back "sender killed"

	start_long_transfer "receiver killed"
	kill -9 "$recv"
	wait "$recv" 2>/dev/null
	ended "receiver killed: sender" "$send" 5 "$dir/send.err" "the receiver went away"
	all_given_back "receiver killed"

	start_long_transfer "both killed"
	kill -9 "$send" "$recv"
	wait "$send" "$recv" 2>/dev/null
	all_given_back "both killed"
}

test_terminated()
{
	start_recv "$sock"
	check "SIGTERM while waiting: socket is there" until_true listens "$sock"
	kill -TERM "$recv"
	status_of "$recv"
	check "SIGTERM while waiting: ends by the signal" test "$status" -eq 143
	check "SIGTERM while waiting: socket is removed" test ! -e "$sock"

	start_long_transfer "SIGTERM in the middle"
	kill -TERM "$recv"
	status_of "$recv"
	check "SIGTERM in the middle: ends by the signal" test "$status" -eq 143
	check "SIGTERM in the middle: OUT is removed" test ! -e "$dir/out"
	ended "SIGTERM in the middle: sender" "$send" 5 "$dir/send.err" "the receiver went away"
	all_given_back "SIGTERM in the middle"
}

test_truncated()
{
	start_long_transfer "truncated"
	truncate -s 1M "$dir/long"
	ended "truncated: sender" "$send" 1 "$dir/send.err" \
		"was truncated: [0-9]* of 8589934592 bytes"
	ended "truncated: receiver" "$recv" 1 "$dir/recv.err" \
		"the sender gave up: .* was truncated: [0-9]* of 8589934592 bytes"
	check "truncated: OUT is removed" test ! -e "$dir/out"
	all_given_back "truncated"
}

test_full_disk()
{
	mkdir -p "$dir/tmpfs"
	mountpoint -q "$dir/tmpfs" || mount -t tmpfs -o size=64M none "$dir/tmpfs"
	truncate -s 128M "$dir/long"
	start_recv "$sock" "$dir/tmpfs/full"
	start_send "$dir/long" "$sock"
	ended "disk full: receiver" "$recv" 1 "$dir/recv.err" "No space left on device"
	ended "disk full: sender" "$send" 1 "$dir/send.err" \
		"the receiver gave up: cannot write .*: No space left on device"
	check "disk full: OUT is removed" test ! -e "$dir/tmpfs/full"
	all_given_back "disk full"

	# a link and a device are not ours to remove
	ln -s "$dir/tmpfs/elsewhere" "$dir/link"
	start_recv "$sock" "$dir/link"
	start_send "$dir/long" "$sock"
	status_of "$recv"
	status_of "$send"
	check "disk full: a link stays" test -L "$dir/link"
	start_recv "$sock" /dev/full
	start_send "$dir/long" "$sock"
	ended "/dev/full: receiver" "$recv" 1 "$dir/recv.err" "No space left on device"
	status_of "$send"
	check "/dev/full stays" test -c /dev/full
	all_given_back "/dev/full"
}

# --- files that are not what their size says ----------------------------------------

# The kernel makes up what is in /proc when it is read, and says 0 before.
test_more_than_size()
{
	local via
	for via in zcpool memfd pipe; do
		fails "more than its size: via $via" 2 "holds more than the 0 bytes" \
			send --via $via /proc/cpuinfo "$sock"
	done
	fails "size 0, not to be read" 1 "cannot read /proc/self/mem at byte 0" \
		send /proc/self/mem "$sock"
}

# sends_nothing NAME SEND-ARGUMENT...: and that is right
sends_nothing()
{
	local name=$1
	shift
	out=$dir/out
	rm -f "$out"
	transfer "$@"
	check "$name: both succeed" test "$send_status$recv_status" = 00
	check "$name: bytes sent" test "$(field "$dir/send.out" bytes)" = 0
	check "$name: OUT is empty" test -f "$out" -a ! -s "$out"
}

test_empty()
{
	local via
	make_file "$dir/in" 0
	for via in zcpool memfd pipe; do
		sends_nothing "empty: via $via" --via $via "$dir/in"
	done
	# a thread of the kernel's has no arguments
	sends_nothing "empty: made up" /proc/2/cmdline
	all_given_back "empty"
}

# A file of /sys says that it is a page.
test_less_than_size()
{
	local via name says="ends after [0-9]* of the [0-9]* bytes that its size says"
	for via in zcpool memfd pipe; do
		name="less than its size: via $via"
		rm -f "$dir/out"
		start_recv "$sock" "$dir/out"
		start_send --via $via /sys/devices/system/cpu/online "$sock"
		ended "$name: sender" "$send" 1 "$dir/send.err" "/online $says"
		ended "$name: receiver" "$recv" 1 "$dir/recv.err" \
			"the sender gave up: .*/online $says"
		check "$name: OUT is removed" test ! -e "$dir/out"
	done
	all_given_back "less than its size"
}

# --- pools that are full, or not there ----------------------------------------------

# One transfer takes the whole pool and stands still; another one wants some.
test_full_pool()
{
	local max size nr holder_recv holder_send file=$dir/in
	make_file "$file" $((5 * MiB))
	max=$(pool_field max_bytes)
	size=$((64 * MiB))
	nr=$((max / size))
	truncate -s 64G "$dir/long"
	start_recv "$dir/holder"
	holder_recv=$recv
	start_send --buffers $nr --buffer-size $size "$dir/long" "$dir/holder"
	holder_send=$send
	check "full pool: taken ($nr buffers of 64 MiB)" until_true used_at_least $((nr * size))
	kill -STOP "$holder_recv"

	out=
	transfer --buffers 4 --buffer-size 64M "$dir/long"
	check "full pool: exit status 4" test "$send_status" -eq 4
	check "full pool: says what was asked" \
		grep -q "cannot give 4 buffers of 64 MiB, 256 MiB in all" "$dir/send.err"
	check "full pool: says what there is" \
		grep -q "its maximum is .*, of which .* are not in use" "$dir/send.err"
	check "full pool: says what to do" grep -q "fewer --buffers" "$dir/send.err"
	check "full pool: receiver's status 1" test "$recv_status" -eq 1
	check "full pool: receiver is told" grep -q "the sender gave up: " "$dir/recv.err"
	check "full pool: the refused gave back what they got" until_true used_is $((nr * size))

	kill -9 "$holder_send" "$holder_recv"
	wait "$holder_send" "$holder_recv" 2>/dev/null
	all_given_back "full pool"
	transfer "$file"
	check "full pool: all works afterwards" test "$send_status$recv_status" = 00
	all_given_back "after a full pool"
}

test_no_pool()
{
	fails "no pool: info" 3 "is the module loaded" info --pool nosuch
	fails "no pool: send" 3 "is the module loaded" send --pool nosuch "$dir/in" "$sock"
	make_file "$dir/in" 12345
	out=
	transfer --node 1000 "$dir/in"
	check "no such node: exit status 2" test "$send_status" -eq 2
	check "no such node: says so" grep -q "has no node 1000" "$dir/send.err"
	check "no such node: receiver's status 1" test "$recv_status" -eq 1
}

# --- sockets that are something else ------------------------------------------------

# other_end TYPE PATH: listens at PATH, and answers whoever comes with nonsense
other_end()
{
	perl -e '
		use Socket;
		my ($type, $path) = @ARGV;
		socket(my $s, AF_UNIX, $type eq "stream" ? SOCK_STREAM : SOCK_SEQPACKET, 0) or die;
		bind($s, sockaddr_un($path)) or die;
		listen($s, 1) or die;
		alarm(60);
		accept(my $c, $s) or die;
		send($c, "220 hello, this is something else\n", 0);
		sysread($c, my $answer, 4096);
	' "$1" "$2" &
	other=$!
	until_true listens "$2"
}

test_wrong_sockets()
{
	local file=$dir/in
	make_file "$file" 12345
	cp "$file" "$dir/regular"
	fails "send to a file" 2 "is not a socket but a file" send "$file" "$dir/regular"
	fails "send to a directory" 2 "is not a socket but a directory" send "$file" "$dir"
	fails "recv at a file" 2 "is not a socket but a file" recv "$dir/regular"
	check "recv at a file: which is left alone" cmp "$file" "$dir/regular"
	fails "recv at a directory" 2 "is not a socket but a directory" recv "$dir"
	fails "send to nobody" 5 "nobody listens at" send "$file" "$dir/nobody"

	other_end stream "$dir/other"
	fails "send to a stream" 5 "not a zcpoolctl receiver" send "$file" "$dir/other"
	fails "recv where something listens" 5 "somebody listens" recv "$dir/other"
	kill "$other"
	wait "$other" 2>/dev/null
	check "a socket left behind is there" test -S "$dir/other"
	fails "send to a socket left behind" 5 "nobody listens at" send "$file" "$dir/other"
	start_recv "$dir/other"
	start_send "$file" "$dir/other"
	status_of "$recv"
	check "a socket left behind is replaced" test "$status" -eq 0
	status_of "$send"

	other_end seqpacket "$dir/other"
	fails "send to something else" 5 "not a zcpoolctl receiver" send "$file" "$dir/other"
	wait "$other" 2>/dev/null
	rm -f "$dir/other"

	start_recv "$sock"
	until_true listens "$sock"
	perl -e '
		use Socket;
		alarm(60);
		socket(my $s, AF_UNIX, SOCK_SEQPACKET, 0) or die;
		connect($s, sockaddr_un($ARGV[0])) or die;
		send($s, "GET / HTTP/1.0\r\n\r\n", 0);
		sysread($s, my $answer, 4096);
	' "$sock"
	ended "recv from something else" "$recv" 5 "$dir/recv.err" "is not a zcpoolctl sender"

	start_recv "$sock"
	until_true listens "$sock"
	fails "recv where another recv waits" 5 "somebody listens" recv "$sock"
	start_send "$file" "$sock"
	status_of "$recv"
	check "the other recv is not disturbed" test "$status" -eq 0
	status_of "$send"
	all_given_back "wrong sockets"
}

begin
test_sizes
test_transports
test_share_and_move
test_options
test_block_device
test_buffered
test_start_order
test_killed
test_terminated
test_truncated
test_full_disk
test_more_than_size
test_empty
test_less_than_size
test_full_pool
test_no_pool
test_wrong_sockets
end
