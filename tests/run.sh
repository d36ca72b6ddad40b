#!/bin/bash
# run.sh - build millrace with warnings as errors and run all its tests: units,
# fuzz corpora, scenarios, and the daemon among real peers.
#
# Works on a fresh Debian 12, as root or with sudo; installs what is missing.
# The last line is "N passed, N failed", and the exit status says the same.
# BUILD=DIR builds there (default: build/); NO_INSTALL=1 installs nothing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
: "${BUILD:=$top/build}"
jobs=$(nproc 2>/dev/null || echo 2)
passed=0 failed=0

tally() {
	passed=$((passed + $1))
	failed=$((failed + $2))
}

finish() {
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
	exit
}

# A step that must work before the next one makes sense.
step() {
	what=$1
	shift
	echo "== $what"
	if ! "$@"; then
		echo "FAIL: $what"
		tally 0 1
		finish
	fi
}

configure() {
	mkdir -p "$BUILD"
	cd "$BUILD"
	[ -f config.status ] && [ config.status -nt "$top/configure" ] && return
	"$top/configure" --enable-developer >configure.out 2>&1 || {
		tail -20 configure.out
		return 1
	}
}

[ "${NO_INSTALL:-0}" = 1 ] || step 'packages' sh "$top/contrib/packages.sh" test
[ -f "$top/configure" ] && [ "$top/configure" -nt "$top/configure.ac" ] ||
	step 'autogen' "$top/autogen.sh"
step 'configure' configure
step 'build' make -C "$BUILD" -j"$jobs" all

echo "== unit tests, corpora, scenarios"
make -C "$BUILD" -j"$jobs" check >"$BUILD/check.out" 2>&1 ||
	grep -aE '^(FAIL|ERROR)|error:|\*\*\*' "$BUILD/check.out" || :
grep -aE '^PASS' "$BUILD/check.out" || :
# shellcheck disable=SC2046
tally $(sh "$here/count.sh" "$BUILD")
if [ "$failed" -ne 0 ]; then
	find "$BUILD/tests" -name '*.trs' | xargs grep -l 'test-result: [FE]' |
	    sed 's/trs$/log/' | xargs tail -n 30
fi

# suite NAME RUNNER - show what a runner says, and count by its last line.
suite() {
	BUILD="$BUILD" bash "$2" >"$BUILD/$1.out" 2>&1 &
	runner=$!
	trap 'kill $runner 2>/dev/null; exit 143' INT TERM HUP
	tail -f -n +1 --pid=$runner "$BUILD/$1.out" 2>/dev/null | grep -av ' passed, ' || :
	wait $runner || :
	trap - INT TERM HUP
	line=$(tail -1 "$BUILD/$1.out")
	case $line in
	*' passed, '*' failed'*)
		tally "${line%% *}" "$(echo "$line" | sed 's/.*, \([0-9]*\) failed.*/\1/')" ;;
	*)	echo "FAIL: the runner of tests/$1 died: $line"
		tally 0 1 ;;
	esac
}

echo "== the daemon among its peers"
suite integ "$here/integ/run.sh"
echo "== what must be survived"
suite faults "$here/faults/run.sh"
finish
