# SPDX-License-Identifier: GPL-2.0
# Some of the tests of a program. Sourced by what runs them.

# only SOURCE [TEST,...]: sets the program's options. Its harness would not mind a name that is
# not there. A fault injection test walk_X is made by a macro, as the path X.
only()
{
	local test
	options=()
	for test in ${2//,/ }; do
		grep -qE "^TEST(_F)?\((\w+, )?$test\)" "$1" ||
			grep -qE "^[A-Z_]+_PATH(_HOW)?\(${test#walk_}," "$1" ||
			{ echo "there is no test $test in ${1##*/}"; return 1; }
		options+=(-t "$test")
	done
}
