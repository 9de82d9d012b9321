# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# How tests in bash say what has come of each. Sourced by them.

count=0
failures=0

# result STATUS NAME: STATUS 0 passed
result()
{
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count $2"
	else
		echo "not ok $count $2"
		failures=$((failures + 1))
	fi
}
