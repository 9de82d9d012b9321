#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs what the Makefile has built, prints TAP and one summary line; exit status 0
# only if everything passed. Arguments:
#
#   check OUT CALLS [SEED]
#   fuzz OUT SECONDS
set -u

passed=0 failed=0 skipped=0

# A program that prints TAP. One that ends before its plan is done has failed.
run_tap()
{
	local line planned=0 seen=0 bad=0 status=0

	while IFS= read -r line; do
		case $line in
		"exit status "*) status=${line##* }; continue ;;
		1..*) planned=${line#1..} ;;
		"ok "*) seen=$((seen + 1)) passed=$((passed + 1)) ;;
		"not ok "*) seen=$((seen + 1)) bad=$((bad + 1)) ;;
		esac
		printf '%s\n' "$line"
	done < <("$@"; echo "exit status $?")

	if [ "$seen" -ne "$planned" ] || [ "$planned" -eq 0 ] ||
	   { [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; }; then
		echo "not ok - $1 ended with status $status after $seen of $planned tests"
		bad=$((bad + 1))
	fi
	failed=$((failed + bad))
}

check()
{
	local out=$1 calls=$2 seed=${3:+-s $3}

	# shellcheck disable=SC2086 # no seed is no argument
	run_tap "$out/buddy_test" -n "$calls" $seed
	if [ -x "$out/buddy_test32" ]; then
		# Only the width of the bitmaps' words differs: a tenth will do.
		# shellcheck disable=SC2086
		run_tap "$out/buddy_test32" -n $((calls / 10)) $seed
	else
		echo "ok - with longs of 32 bits # SKIP no 32-bit compiler and libraries"
		skipped=$((skipped + 1))
	fi
}

fuzz()
{
	local out=$1 seconds=$2 status runs

	mkdir -p "$out/corpus"
	"$out/buddy_fuzz" -max_total_time="$seconds" -max_len=3072 -timeout=10 \
		-print_final_stats=1 -artifact_prefix="$out/" "$out/corpus" >"$out/fuzz.log" 2>&1
	status=$?
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$out/fuzz.log")
	echo "1..1"
	if [ $status -eq 0 ] && [ "${runs:-0}" -gt 0 ]; then
		echo "# $(grep -o ' cov: .*corp: [^ ]*' "$out/fuzz.log" | tail -n 1)"
		echo "ok 1 - $runs fuzzed programs in $seconds s agree with the model"
		passed=1
	else
		tail -n 40 "$out/fuzz.log" | sed 's/^/# /'
		echo "# replay it with: $out/buddy_fuzz CRASH-FILE"
		echo "not ok 1 - fuzzing ended with status $status; see $out/fuzz.log"
		failed=1
	fi
}

mode=$1
shift
"$mode" "$@"
summary="$passed passed, $failed failed"
[ $skipped -gt 0 ] && summary="$summary, $skipped skipped"
echo "$summary"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
