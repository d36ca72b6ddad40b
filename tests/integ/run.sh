#!/bin/bash
# run.sh [NAME...] - run the scripts of this directory, each in its own process
# group with a time limit; BUILD says where millrace was built.
#
# They wait more than they work, so INTEG_JOBS of them run at a time (two for each
# core, unless it says otherwise), each with a range of ports for itself.  A script passes
# with 0, is left out with 77 (says why), fails with anything else, and then its
# output is shown.  With TESTS_AGAIN=N, when no more than N have failed, these are
# run once more, each alone: a peer that crashes at its start is no fault of ours,
# and a machine that was busy for half a minute is none.  Both outputs are shown.
# The last line is "N passed, N failed".
here=$(cd "$(dirname "$0")" && pwd)
: "${BUILD:=$(dirname "$(dirname "$here")")/build}"
: "${INTEG_TIMEOUT:=120}"
cores=$(nproc 2>/dev/null || echo 1)
: "${INTEG_JOBS:=$((cores < 4 ? cores * 2 : 8))}"
export BUILD
work=$(mktemp -d) || exit 1
lanes=()
child=

stop() {
	kill -TERM "${lanes[@]}" $child 2>/dev/null
	wait
	exit 143
}
trap 'rm -rf "$work"' EXIT
trap stop INT TERM HUP

# The next name of the list, for one lane at a time; fails at its end.
next_name() {
	exec 9>"$work/lock"
	flock 9
	read -r name <"$work/names" || return 1
	sed -i 1d "$work/names"
	exec 9>&-
}

# What came of a script, as one piece, into what all print.
tell() {	# NAME STATUS MILLISECONDS OUTPUT
	case $2 in
	0)	echo "PASS: integ/$1 ($3 ms)" ;;
	77)	echo "SKIP: integ/$1: $(tail -1 "$4")" ;;
	*)	sed 's/^/    /' "$4" | tail -100
		[ "$2" -eq 124 ] && echo "    no end after $INTEG_TIMEOUT s"
		echo "FAIL: integ/$1 ($3 ms, status $2)" ;;
	esac
}

run_one() {	# NAME OUTPUT
	local start rc
	start=$(date +%s%N)
	timeout --kill-after=10 "$INTEG_TIMEOUT" bash "$here/$1.sh" \
	    >"$2" 2>&1 </dev/null 9>&- &
	child=$!
	wait "$child"
	rc=$?
	child=
	(
		flock 8
		tell "$1" $rc $((($(date +%s%N) - start) / 1000000)) "$2" |
			tee -a "$work/told"
	) 8>"$work/printing"
}

lane() {	# NUMBER
	local name child='' span=$((22000 / INTEG_JOBS))
	trap '[ -z "$child" ] || kill -TERM "$child" 2>/dev/null; exit 143' \
	    INT TERM HUP
	export PORT_RANGE=$((10000 + $1 * span))-$((10000 + ($1 + 1) * span))
	while next_name; do
		run_one "$name" "$work/out.$1"
	done
}

count() {
	grep -c "^$1: " "$work/told"
}

# Those that failed, once more, each alone.
again() {
	local name
	[ "$(count FAIL)" -le "${TESTS_AGAIN:-0}" ] || return
	sed -n 's|^FAIL: integ/\([^ ]*\) .*|\1|p' "$work/told" >"$work/again"
	while read -r name <&3; do
		echo "AGAIN: integ/$name, alone"
		sed -i "\\|^FAIL: integ/$name |d" "$work/told"
		run_one "$name" "$work/out.again"
	done 3<"$work/again"
}

if [ $# -eq 0 ]; then
	for f in "$here"/*.sh; do
		set -- "$@" "$(basename "$f" .sh)"
	done
fi
for name; do
	name=$(basename "$name" .sh)
	[ "$name" = lib ] || [ "$name" = run ] || echo "$name"
done >"$work/names"
: >"$work/told"
for ((i = 0; i < INTEG_JOBS; i++)); do
	lane $i &
	lanes+=($!)
done
wait "${lanes[@]}"
again

passed=$(count PASS) failed=$(count FAIL) skipped=$(count SKIP)
[ "$skipped" -eq 0 ] && echo "$passed passed, $failed failed" ||
	echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
