#!/bin/bash
# run.sh [--loops N] [--jobs N] [CASE...] - what must be survived, case by case.
#
# Each case does its worst to the daemon, to Redis, to the disk, the clock, the
# wire or the clients while numbered events are sent; then `millrace audit`
# judges by what was answered and what arrived: nothing acknowledged is lost,
# nothing doubled, no gap in any sequence.  A CASE is a number or a part of a
# name.  --loops N repeats what is random in a case N times; without it each
# case takes seconds.  With TESTS_AGAIN=N, when no more than N have failed, these
# are run once more, each alone.  The last line is "N passed, N failed".
here=$(cd "$(dirname "$0")" && pwd)
: "${BUILD:=$(dirname "$(dirname "$here")")/build}"
: "${FAULTS_TIMEOUT:=180}"
jobs=${FAULTS_JOBS:-3}
export BUILD
while [ $# -gt 0 ]; do
	case $1 in
	--loops) export LOOPS=$2 FAULTS_TIMEOUT=$((180 + $2 * 20)); shift 2 ;;
	--jobs) jobs=$2; shift 2 ;;
	-*) echo "usage: $0 [--loops N] [--jobs N] [CASE...]" >&2; exit 64 ;;
	*) break ;;
	esac
done

files=()
for f in "$here"/cases/*.sh; do
	name=$(basename "$f" .sh)
	[ $# -eq 0 ] && files+=("$f")
	for want; do
		case $name in
		"$want"|0"$want"-*|"$want"-*|*"$want"*) files+=("$f"); break ;;
		esac
	done
done
out=$(mktemp -d)
children=()
stop() {
	[ ${#children[@]} -eq 0 ] || kill -TERM "${children[@]}" 2>/dev/null
	exit 143
}
trap stop INT TERM HUP
trap 'rm -rf "$out"' EXIT

one() {		# FILE
	local name rc start ms
	name=$(basename "$1" .sh)
	start=$(date +%s%N)
	timeout --kill-after=10 "$FAULTS_TIMEOUT" bash "$1" >"$out/$name.txt" 2>&1 </dev/null
	rc=$?
	ms=$((($(date +%s%N) - start) / 1000000))
	case $rc in
	0)	echo "PASS: faults/$name ($ms ms)"
		grep '^  ' "$out/$name.txt" ;;
	77)	echo "SKIP: faults/$name: $(tail -1 "$out/$name.txt")" ;;
	*)	tail -n 100 "$out/$name.txt" | sed 's/^/    /'
		grep -a '^FAILED' "$out/$name.txt"
		[ $rc -eq 124 ] && echo "    no end after $FAULTS_TIMEOUT s"
		echo "FAIL: faults/$name ($ms ms, status $rc)" ;;
	esac >"$out/$name.line"
	cat "$out/$name.line"
}

running() {
	jobs -rp | wc -l
}

[ ${#files[@]} -gt 0 ] && span=$((22000 / ${#files[@]})) at=10000
for f in "${files[@]}"; do
	while [ "$(running)" -ge "$jobs" ]; do wait -n; done
	# ports for itself: another may be about to use what it finds free
	PORT_RANGE=$at-$((at + span)) one "$f" &
	at=$((at + span))
	children+=($!)
done
wait
if [ "$(cat "$out"/*.line | grep -c '^FAIL:')" -le "${TESTS_AGAIN:-0}" ]; then
	for f in "${files[@]}"; do
		grep -q '^FAIL:' "$out/$(basename "$f" .sh).line" || continue
		echo "AGAIN: faults/$(basename "$f" .sh), alone"
		one "$f" &
		children+=($!)
		wait
	done
fi
passed=$(cat "$out"/*.line | grep -c '^PASS')
failed=$(cat "$out"/*.line | grep -c '^FAIL:')
skipped=$(cat "$out"/*.line | grep -c '^SKIP')
if [ "$skipped" -eq 0 ]; then
	echo "$passed passed, $failed failed"
else
	echo "$passed passed, $failed failed, $skipped skipped"
fi
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
