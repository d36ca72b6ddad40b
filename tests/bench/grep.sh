#!/bin/bash
# grep.sh - looking for words in closed log files, beside zstdgrep on the same
# files: wall-clock time, both cores for both, and the same lines from both.
#
# usage: tests/bench/grep.sh [MIB]     (BUILD says where it was built; 512 MiB
#        of logs without an argument, 10240 is about 70 million lines and needs
#        12 GB of disk in BENCH_DISK or the temporary directory)
. "$(dirname "$0")/lib.sh"
mib=${1:-512}
need zstdgrep zstdcat
for p in log_gen pack_bench; do
	[ -x "$BUILD/tests/bench/$p" ] || make -C "$BUILD" "tests/bench/$p" >"$T/make.log" || fail "$p"
done
D=${BENCH_DISK:-$T}/millrace-grep.$$
mkdir -p "$D" && trap 'rm -rf "$D"; finish' EXIT
FORMAT='%-34s %9s %12s %12s %8s\n'
machine

"$BUILD/tests/bench/log_gen" $((mib << 20)) $((256 << 20)) "$D" || fail "log_gen"
"$BUILD/tests/bench/pack_bench" --pack "$D"/*.log || fail "pack"
heading "$mib MiB of lines in $(find "$D" -name '*.zst' | wc -l) files, $(du -sm "$D" | cut -f1) MiB packed; seconds"

now() { date +%s%N; }
best() {	# COMMAND...: the least of $RUNS; through a pipe, not to a disk
	local t least= i
	for ((i = 0; i < ${RUNS:-2}; i++)); do
		t=$(now)
		"$@" | wc -l >"$T/lines"
		t=$(($(now) - t))
		[ -n "$least" ] && [ "$least" -le "$t" ] || least=$t
	done
	calc "$least / 1e9" %.3f
}

compare() {	# WHAT PATTERN
	local mine theirs
	cat "$D"/*.zst >/dev/null	# both from memory, as far as there is any
	mine=$(best "$MILLRACE" grep --stats "$2" "$D" 2>"$T/stats")
	theirs=$(best zstdgrep -h -E -- "$2" "$D"/*.zst)
	row "$1" "$(cat "$T/lines")" "$mine" "$theirs" "$(calc "$theirs / $mine" %.1f)"
	sed 's/^/  /' "$T/stats" | tail -1
	cmp -s <("$MILLRACE" grep "$2" "$D") <(zstdgrep -h -E -- "$2" "$D"/*.zst) ||
		echo "  THE LINES DIFFER"
}

row pattern lines millrace zstdgrep ratio
compare "rare word: needleword" needleword
compare "an order's number" "order=9[0-9]12345[0-9] "
compare "an order that is not there" 8800000001
compare "a word of one line in 20,000" uncommonword
compare "a common word: deadlock" deadlock
compare "a word of most lines: web" web
compare "expression: status 500 of POST" 'POST /cart.* 500 [0-9]+ '
