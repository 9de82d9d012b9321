#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# zcpoolctl as an administrator uses it: what a pool has, buffers taken back and migrated;
# and its usage, help and manual pages.
# module: reserve=256M max=640M

# shellcheck source=zcpoolctl.sh
. "$(dirname "$0")/zcpoolctl.sh"

test_info()
{
	local max reserve
	max=$(pool_field max_bytes)
	reserve=$(pool_field reserve_bytes)
	check "info: reserve and maximum" test "$reserve" -gt 0 -a "$reserve" -le "$max"
	check "info: one object a node" \
		test "$(grep -o '"node": [0-9]*' "$dir/info.json" | sort -u | wc -l)" = $nodes
	check "info: for people" grep -q "^pool default: ABI 1, max " <(zcpoolctl info)
	check "info: a line for all nodes" grep -q "^all .*iB" <(zcpoolctl info)
}

# --- buffers of somebody else's -----------------------------------------------------

# start_holder BYTES [seal]: a process with a buffer on node 0: $holder, $id; its descriptor
# for what fdinfo says is $held
start_holder()
{
	local dir_of=$dir/holder
	perl -e '
		use Fcntl;
		my ($bytes, $seal, $out) = @ARGV;
		alarm(300);
		sysopen(my $pool, "/dev/zcpool/default", O_RDWR) or die;
		my $alloc = pack("Q L l L L", $bytes, 8, 0, 0, 0);	# ZCPOOL_ALLOC_NODE
		ioctl($pool, 0xc0187a11, $alloc) or die;		# ZCPOOL_IOC_ALLOC
		my $fd = (unpack("Q L l", $alloc))[2];
		open(my $buffer, "+<&=", $fd) or die;
		my $seals = pack("L L", 8, 0);				# ZCPOOL_SEAL_REVOKE
		!$seal or ioctl($buffer, 0xc0087a24, $seals) or die;	# ZCPOOL_BUF_SEAL
		open(my $f, ">", "$out.new") or die;
		print $f "$fd\n";
		close($f);
		rename("$out.new", $out);
		sleep;
	' "$1" "${2-}" "$dir_of" &
	holder=$!
	until_true test -s "$dir_of"
	held=/proc/$holder/fdinfo/$(< "$dir_of")
	rm "$dir_of"
	id=$(held zcpool-id)
}

# held KEY: what fdinfo says of the buffer
held() { sed -n "s/^$1:\t//p" "$held"; }

held_is() { [ "$(held "$1")" = "$2" ]; }

stop_holder()
{
	kill -9 "$holder"
	wait "$holder" 2>/dev/null
	all_given_back "$1"
}

test_revoke()
{
	start_holder $((4 * MiB + 4096))
	check "revoke: the buffer is there" held_is zcpool-state alive
	does "revoke" "revoked buffer $id of pool default" revoke "$id"
	check "revoke: it has been taken away" held_is zcpool-state revoked
	check "revoke: its memory is back while it is held" until_true used_is 0
	fails "revoke again" 1 "there is no buffer $id in pool 'default'" revoke "$id"
	fails "migrate what was revoked" 1 "there is no buffer $id" migrate "$id" 0
	stop_holder "revoke"
	start_holder 4096
	does "revoke, as JSON" "{\"pool\": \"default\", \"id\": $id, \"pinned_bytes\": 0}" \
		revoke --pool default --wait 5 --json "$id"
	stop_holder "revoke, as JSON"
	start_holder 4096
	check "revoke --quiet" test -z "$(zcpoolctl revoke --quiet "$id" 2>&1)"
	check "revoke --quiet: it has been taken away" held_is zcpool-state revoked
	stop_holder "revoke --quiet"
	check "where it says that buffers are listed, they are" \
		grep -q "^id size" /sys/kernel/debug/zcpool/default/buffers
}

test_sealed()
{
	start_holder $((4 * MiB)) seal
	fails "revoke: sealed" 1 "it is sealed against that" revoke "$id"
	check "revoke: sealed, and still there" held_is zcpool-state alive
	does "migrate: sealed" "buffer $id of pool default is on node 0" migrate "$id" 0
	stop_holder "sealed"
}

test_migrate()
{
	local node
	start_holder $((4 * MiB + 4096))
	for ((node = nodes - 1; node >= 0; node--)); do
		does "migrate to node $node" "buffer $id of pool default is on node $node" \
			migrate "$id" $node
		check "migrate to node $node: it is there" held_is zcpool-node $node
	done
	does "migrate, as JSON" "{\"pool\": \"default\", \"id\": $id, \"node\": 0}" \
		migrate --json "$id" 0
	check "migrate --quiet" test -z "$(zcpoolctl migrate --quiet "$id" 0 2>&1)"
	fails "migrate to no node" 2 "has no node 1000" migrate "$id" 1000
	check "migrate to no node: it stays" held_is zcpool-node 0
	fails "migrate nothing" 1 "there is no buffer 18446744073709551615" \
		migrate 18446744073709551615 0
	stop_holder "migrate"
}

# The memory is needed twice while it is copied.
test_migrate_no_room()
{
	local there
	[ $nodes -gt 1 ] || return
	start_holder $((400 * MiB))
	there=$(held zcpool-node)
	fails "migrate without room" 4 "node 1 has no room for buffer $id" migrate "$id" 1
	check "migrate without room: says what there is" \
		grep -q "the maximum of pool 'default' is .*MiB" <(zcpoolctl migrate "$id" 1 2>&1)
	check "migrate without room: it stays" held_is zcpool-node "$there"
	stop_holder "migrate without room"
}

# Who may open the device may not do all that there is.
test_not_root()
{
	local as=(setpriv "--inh-caps=-sys_admin" "--bounding-set=-sys_admin")
	start_holder $((4 * MiB))
	fails "revoke, not as root" 3 "may not revoke other people's buffers: .*be root" \
		revoke "$id"
	fails "migrate, not as root" 3 "may not migrate other people's buffers: .*be root" \
		migrate "$id" 0
	as=(setpriv --reuid=65534 --clear-groups)
	fails "revoke, as nobody" 3 "you may not open /dev/zcpool/default" revoke "$id"
	check "not root: it stays" held_is zcpool-state alive
	stop_holder "not root"
	as=()
	fails "revoke: no pool" 3 "is the module loaded" revoke --pool nosuch 1
	fails "migrate: no pool" 3 "is the module loaded" migrate --pool nosuch 1 0
}

# --- usage, help, manual pages ------------------------------------------------------

test_usage()
{
	local verb page verbs=(info send recv revoke migrate pool)
	fails "unknown verb" 2 "no verb 'frobnicate'" frobnicate
	fails "unknown transport" 2 "--via takes zcpool, memfd or pipe" send --via telex a b
	fails "no buffers" 2 "--buffers takes a number from 1 to 128" send --buffers 0 a b
	fails "odd size" 2 "--buffer-size takes a size" send --buffer-size 4Q a b
	fails "missing argument" 2 "FILE and SOCKET" send "$dir/in"
	fails "no such file" 1 "cannot open .*: No such file" send "$dir/nosuch" "$sock"
	fails "a directory as FILE" 2 "neither a regular file nor" send "$dir" "$sock"
	fails "revoke nothing" 2 "revoke takes ID" revoke
	fails "revoke too much" 2 "revoke takes ID" revoke 1 2
	fails "revoke: no number" 2 "ID takes a number from 1 to 18446744073709551615, not 'x'" \
		revoke x
	fails "revoke: odd time" 2 "--wait takes a number from 0 to 4000000, not '-1'" \
		revoke --wait -1 1
	fails "migrate nowhere" 2 "migrate takes ID and NODE" migrate 1
	fails "migrate: no number" 2 "NODE takes a number from 0 to 1023, not '-1'" \
		migrate -- 1 -1
	fails "migrate --wait" 2 "--wait is an option of revoke" migrate --wait 1 1 0
	for verb in "${verbs[@]}"; do
		check "$verb --help" grep -q "^Usage: zcpoolctl $verb " <(zcpoolctl "$verb" --help)
		check "help $verb is the same" cmp -s <(zcpoolctl "$verb" --help) \
			<(zcpoolctl help "$verb")
	done
	check "--version" grep -q "^zcpoolctl [0-9]" <(zcpoolctl --version)
	for page in zcpoolctl.1 zcpool.3; do
		check "manual page $page" test -s "$here/../tools/man/$page"
	done
	for verb in "${verbs[@]}"; do
		check "manual page explains $verb" \
			grep -q "zcpoolctl $verb" "$here/../tools/man/zcpoolctl.1"
	done
}

begin
test_info
test_revoke
test_sealed
test_migrate
test_migrate_no_room
test_not_root
test_usage
end
