#!/bin/sh
# short.sh BUILDDIR SECONDS - fuzz each parser for that long, as many at a time
# as there are cores (needs a build configured with CC=clang --enable-fuzzing).
#
# What a fuzzer finds is printed in base64, so that it can join the corpus from
# a log alone; the others go on.
set -u
build=$1 secs=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 143' INT TERM HUP

fuzz() {	# NAME
	mkdir "$work/$1"
	if "$build/tests/fuzz/fuzz_$1" -max_total_time="$secs" -timeout=10 \
	    -rss_limit_mb=2048 -print_final_stats=0 -verbosity=0 \
	    -artifact_prefix="$work/$1." \
	    "$work/$1" "$here/corpus/$1" >"$work/$1.out" 2>&1; then
		echo "PASS: fuzz $1 for $secs s"
		rm -rf "${work:?}/$1" "$work/$1.out"
		return
	fi
	{
		tail -40 "$work/$1.out"
		for found in "$work/$1".crash-* "$work/$1".oom-* \
		    "$work/$1".timeout-* "$work/$1".leak-*; do
			[ -e "$found" ] || continue
			echo "input ${found##*/}:"
			base64 "$found" | head -200
		done
		echo "FAIL: fuzz $1"
	} >&2
}

# lane NUMBER - every so-manieth of the fuzzers.
lane() {
	i=0
	for f in "$build"/tests/fuzz/fuzz_*; do
		[ -f "$f" ] && [ -x "$f" ] || continue
		i=$((i + 1))
		[ $((i % lanes)) -ne "$1" ] || fuzz "${f##*/fuzz_}"
	done
}

lanes=$(nproc 2>/dev/null || echo 1)
n=0
while [ "$n" -lt "$lanes" ]; do
	lane "$n" 2>"$work/failed.$n" &
	n=$((n + 1))
done
wait
cat "$work"/failed.* >&2
! grep -aq '^FAIL' "$work"/failed.*
