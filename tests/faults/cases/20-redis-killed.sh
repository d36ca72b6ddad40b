#!/bin/bash
# kill -9 of Redis under load: without a file, with appendfsync everysec, and
# with always.
. "$(dirname "$0")/../lib.sh"
start_redis
conf
start_daemon
load
for how in "no everysec" "yes everysec" "yes always"; do
	# shellcheck disable=SC2086
	set -- $how
	for ((i = 0; i < $(loops 1); i++)); do
		nap 3
		kill_redis
		nap 2
		# (one killed while it changes files refuses to start again)
		start_redis --appendonly "$1" --appendfsync "$2" --auto-aof-rewrite-percentage 0
		grows
	done
done
verdict
stop_daemon
