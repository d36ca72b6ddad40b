#!/bin/bash
# The disk is full at one kind of call after the other: events are refused as
# "not stored", never lost, and taken again when there is space.
. "$(dirname "$0")/../lib.sh"
shim
redis_everysec
conf
small_files
start_shimmed
load 2 4000
for call in write sync allocate rename open; do
	nap 2
	inject "$call" error=ENOSPC times=-1
	nap 8
	inject "$call" times=0
	moving
done
kill_it "$DAEMON"
start_shimmed
verdict
stop_daemon
