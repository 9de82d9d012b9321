# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What every script here shares: where things are, and how to complain.

set -euo pipefail

# Under make these would make the scripts' own makes print and build other things.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# ~ is known even where HOME is not set
cache=${XDG_CACHE_HOME:-~/.cache}/zcpool
# shellcheck disable=SC2034  # used by the scripts that source this file
build=$top/build

# The kernel series the module is built for and tested on, newest first. "newest" is the
# newest of Debian 13 and its backports that the module is known to work on: this one, or a
# later one that scripts/newest has tried.
# shellcheck disable=SC2034
series=(newest 6.12 6.1)
# shellcheck disable=SC2034
newest_known=7.3.4
# Kernels that look for faults, built by scripts/kernel-build
# shellcheck disable=SC2034
checkers=(kasan kcsan kasan-newest)
# Debian's kernels of other architectures
# shellcheck disable=SC2034
foreign=(686-pae arm64 armhf)
# All that can be asked for; "next" is Debian's newest, known to work or not, and "rt" has
# PREEMPT_RT.
# shellcheck disable=SC2034
all_kernels=("${series[@]}" next rt "${checkers[@]}" "${foreign[@]}")

die()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "not root and no sudo: cannot run '$*'"
	fi
}

# The unpacked kernel of a series, see scripts/kernels for what is in it
kernel_dir()
{
	printf '%s/kernels/%s\n' "$cache" "$1"
}

# Whether Debian 13's programs build for a kernel (scripts/debian13)
wants_debian13()
{
	case $1 in
	newest | next | kasan-newest) ;;
	*) return 1 ;;
	esac
}
