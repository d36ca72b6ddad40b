#!/bin/bash
# kill -9 at each step an event takes: before its bytes are written, before they
# are synced, before an answer is sent, while a file is made, renamed, shipped,
# while what is remembered is saved.
. "$(dirname "$0")/../lib.sh"
gone() {
	! kill -0 "$1" 2>/dev/null
}
shim
redis_everysec
conf
small_files
start_shimmed
load 2 3000
for step in write sync send rename allocate open unlink read; do
	for ((i = 0; i < $(loops 1); i++)); do
		nap 3
		inject "$step" kill_in=$((RANDOM % 20 + 1))
		# not every step comes by within a moment
		within 3 gone "$DAEMON" || kill_it "$DAEMON"
		wait "$DAEMON" 2>/dev/null
		inject "$step" kill_in=0
		start_shimmed
		page_ok /readyz || fail "not ready after the end in $step"
	done
done
verdict
stop_daemon
