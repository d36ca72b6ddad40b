#!/bin/bash
# The clock goes back an hour, on an hour, to the year 2100 and back again: ids
# only go up, and nothing that was acknowledged goes too early.
. "$(dirname "$0")/../lib.sh"
shim
redis_everysec
conf
start_shimmed
load
for off in -3600 3600 2335219200 0; do
	nap 3
	clock_off "$off"
	moving
	grows
done
kill_it "$DAEMON"		# its journal has ids of 2100
start_shimmed
moving
grows
verdict
stop_daemon
