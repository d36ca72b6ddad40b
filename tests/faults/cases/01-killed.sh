#!/bin/bash
# kill -9 of the daemon at random moments, under load.
. "$(dirname "$0")/../lib.sh"
redis_everysec
conf
start_daemon
load 3 3000
for ((i = 0; i < $(loops 3); i++)); do
	nap 5
	kill_it "$DAEMON"
	start_daemon
done
verdict
stop_daemon
