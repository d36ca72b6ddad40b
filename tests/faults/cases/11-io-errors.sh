#!/bin/bash
# EIO when writing, when syncing (once, and for a while), when reading.
. "$(dirname "$0")/../lib.sh"
shim
redis_everysec
conf
small_files
start_shimmed
load 2 3000
for what in "write 1" "sync 1" "sync 1" "write -1" "sync -1" "read -1"; do
	nap 3
	# shellcheck disable=SC2086
	set -- $what
	inject "$1" hits=0
	inject "$1" error=EIO times="$2"
	wait_for 60 "an error of $1" was_hit "$1"
	nap 3
	inject "$1" times=0
	moving
	grows
done
kill_it "$DAEMON"
start_shimmed
verdict
stop_daemon
