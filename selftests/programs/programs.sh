# shellcheck shell=bash disable=SC2034  # some variables are for those who source this
# SPDX-License-Identifier: GPL-2.0
# What the tests of other people's programs are made of, to source. They run as root, on the
# pool "default" mounted in a mount namespace of their own, or on the directory
# $ZCPOOL_TEST_DIR, which may be a tmpfs: what works there has to work here. TAP on the
# standard output.
#
# mnt       the directory under test
# scratch   one outside of it
# sources   our own programs, built ones in $built
# type      the file system's, as statfs says it; $magic is a pool
# pmd       "yes" where what is mapped has to be mapped by PMDs

if [ -z "${ZCPOOL_TEST_NAMESPACE-}" ]; then
	export ZCPOOL_TEST_NAMESPACE=own
	exec unshare --mount --propagation private -- "$0" "$@"
fi
unset ZCPOOL_TEST_NAMESPACE
exec < /dev/null

sources=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
built=${ZCPOOL_TESTS:-$sources/../build}/programs
scratch=$(mktemp -d /tmp/zcpool_programs.XXXXXX) && chmod 755 "$scratch" || exit 1
mnt=$scratch/mnt
# Where programs are looked for: Debian's own, whatever else the machine has
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL=C
MiB=$((1 << 20))
magic=7a63706c
# shellcheck source=../result.sh
. "$sources/../result.sh"

clean_up()
{
	cd /
	umount -l "$mnt" 2> /dev/null
	rm -rf "$scratch"
}
trap clean_up EXIT

skip_all()
{
	echo "1..0 # SKIP $1"
	exit 4
}

# run_test NAME FUNCTION: a function passes when all its checks did. It has an empty
# directory to work in, in the mount, and must leave no process of its own.
run_test()
{
	local began=$SECONDS
	bad=0 skip=''
	mkdir -p "$mnt/work" && cd "$mnt/work" || bad=1
	"$2"
	cd "$mnt" && rm -rf "$mnt/work" || bad=1
	[ -z "$skip" ] || bad=0
	result $bad "$1${skip:+ # SKIP $skip}"
	echo "# $((SECONDS - began)) s"
}

# expect WHAT GOT WANTED
expect()
{
	[ "$2" = "$3" ] && return
	echo "# $1: got '$2', expected '$3'"
	bad=1
}

# ok COMMAND...: has to succeed; what it says is shown if it does not
ok()
{
	local status
	"$@" > "$scratch/said" 2>&1 && return
	status=$?
	echo "# failed with $status: $*"
	head -n 40 "$scratch/said" | sed 's/^/#   /'
	bad=1
	return 1
}

# fails PATTERN COMMAND...: has to fail, and to say why
fails()
{
	local pattern=$1
	shift
	if "$@" > "$scratch/said" 2>&1; then
		echo "# did not fail: $*"
		bad=1
	elif [[ ! $(< "$scratch/said") =~ $pattern ]]; then
		echo "# $*: does not say '$pattern' but: $(< "$scratch/said")"
		bad=1
	fi
}

# needs PACKAGE FILE: whether there is what the test cannot do without. Where not, the test
# is skipped.
needs()
{
	[ -e "$2" ] && return
	skip="needs Debian's $1"
	return 1
}

# relay PROGRAM...: its own lines "ok NAME" and "not ok NAME" are results as ours are
relay()
{
	local line status=none
	while IFS= read -r line; do
		case $line in
		"ok "*) result 0 "${line#ok }" ;;
		"not ok "*) result 1 "${line#not ok }" ;;
		"status "*) status=${line#status } ;;
		"#"*) echo "$line" ;;
		*) echo "# $line" ;;
		esac
	done < <("$@" 2>&1 < /dev/null; echo "status $?")
	expect "exit status of ${*:1:2}" "$status" 0
}

# until_true COMMAND...: up to a minute
until_true()
{
	local i
	for ((i = 0; i < 600; i++)); do
		"$@" && return 0
		sleep 0.1
	done
	echo "# never came true: $*"
	bad=1
	return 1
}

# mapped_by_pmd PROCESS PATTERN: kB of what it has mapped from files like that
mapped_by_pmd()
{
	awk -v pattern="$2" '
		/^[0-9a-f]+-[0-9a-f]+ / { ours = $0 ~ pattern }
		ours && /^(FilePmdMapped|ShmemPmdMapped):/ { kb += $2 }
		END { print kb + 0 }' "/proc/$1/smaps"
}

# pmd_at_least KB GOT WHAT. A tmpfs takes what the machine has just then.
pmd_at_least()
{
	[ "$pmd" = yes ] || return 0
	[ "$type" = $magic ] || set -- $(($1 / 2)) "$2" "$3"
	[ "${2:-0}" -ge "$1" ] && return
	echo "# $3: $2 kB are mapped by PMDs, expected $1 kB"
	bad=1
}

# used_blocks: of 4 KiB, by what statfs says
used_blocks()
{
	local total free
	read -r total free < <(stat -f -c '%b %f' "$mnt")
	echo $((total - free))
}

used_at_most() { [ "$(used_blocks)" -le "$1" ]; }

# blocks FILE: what it holds, in KiB
blocks()
{
	echo $(($(stat -c %b "$1") / 2))
}

# over_dev_shm: the same pool over /dev/shm, empty
over_dev_shm()
{
	if [ -n "${ZCPOOL_TEST_DIR-}" ]; then
		mount --bind "$mnt" /dev/shm
	else
		mount -t zcpool default /dev/shm
	fi || { echo "# cannot mount over /dev/shm"; bad=1; return 1; }
}

not_over_dev_shm()
{
	umount /dev/shm || { echo "# /dev/shm is busy"; bad=1; }
}

begin()
{
	local options
	mkdir "$mnt"
	if [ -n "${ZCPOOL_TEST_DIR-}" ]; then
		mount --bind "$ZCPOOL_TEST_DIR" "$mnt" || exit 1
	elif ! mount -t zcpool default "$mnt" 2> "$scratch/mount"; then
		! grep -q 'unknown filesystem type' "$scratch/mount" ||
			skip_all "the module has no file system"
		sed 's/^/# /' "$scratch/mount"
		echo "1..1"
		echo "not ok 1 mount"
		exit 1
	fi
	chmod 1777 "$mnt"
	type=$(stat -f -c %t "$mnt")
	options=$(findmnt -n -o OPTIONS "$mnt")
	pmd=no
	if [ -d /sys/kernel/mm/transparent_hugepage ]; then
		[ "$type" != $magic ] || pmd=yes
		[[ $options != *huge=always* ]] || pmd=yes
	fi
	export ZCPOOL_TEST_PMD=$pmd
	echo "# type $type, $(stat -f -c '%b blocks of %S' "$mnt"), PMDs expected: $pmd; $options"
	before=$(used_blocks)
}

# What the tests left behind would be there.
end()
{
	cd /
	bad=0
	# Whoever mapped a file may be gone a moment before its memory is.
	until_true used_at_most "$before"
	expect "names left" "$(ls -A "$mnt")" ""
	ok umount "$mnt"
	result $bad "nothing is left"
	echo "1..$count"
	exit $((failures > 0))
}
