#!/bin/bash
# min-replicas-to-write flaps: some writes of a run are refused, others not.
. "$(dirname "$0")/../lib.sh"
redis_everysec
conf
start_daemon
load 2 5000
for ((i = 0; i < $(loops 30); i++)); do
	redis config set min-replicas-to-write $((i % 2)) >/dev/null
	sleep 0.0$((RANDOM % 9))
done
redis config set min-replicas-to-write 0 >/dev/null
verdict
stop_daemon
