#!/bin/bash
# kill -9 of the daemon and of Redis (appendfsync everysec), in turn and
# together, under load.
. "$(dirname "$0")/../lib.sh"
redis_everysec
conf
start_daemon
load 3 4000
for ((i = 0; i < $(loops 4); i++)); do
	nap 6
	case $((i % 4)) in
	0)	kill_redis
		nap 3
		redis_everysec ;;
	1)	kill_it "$DAEMON"
		start_daemon ;;
	2)	kill -KILL "$REDIS_PID" "$DAEMON"
		wait "$REDIS_PID" "$DAEMON" 2>/dev/null
		start_daemon
		redis_everysec ;;
	3)	kill_it "$DAEMON"
		kill_redis
		redis_everysec
		start_daemon ;;
	esac
done
verdict
stop_daemon
