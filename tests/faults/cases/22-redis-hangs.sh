#!/bin/bash
# Redis is stopped: no answer and no reset.
. "$(dirname "$0")/../lib.sh"
redis_everysec
conf
start_daemon
load
for ((i = 0; i < $(loops 1); i++)); do
	grows
	kill -STOP "$REDIS_PID"
	sleep 3.5
	moving
	kill -CONT "$REDIS_PID"
	grows
done
verdict
stop_daemon
