#!/bin/bash
# The daemon is stopped (SIGSTOP), as by a hypervisor, and goes on.
. "$(dirname "$0")/../lib.sh"
redis_everysec
conf
start_daemon
load
for ((i = 0; i < $(loops 2); i++)); do
	nap 3
	kill -STOP "$DAEMON"
	sleep 1.5
	kill -CONT "$DAEMON"
	moving
done
verdict
stop_daemon
