#!/bin/bash
# Split brain (23, 24): a replica that lags is made master, the daemon is led there, the
# old master goes on for those who still talk to it, and comes back as replica.
. "$(dirname "$0")/../lib.sh"
redis_everysec
FIRST=$REDIS FIRST_PID=$REDIS_PID
unset REDIS
mkdir -p "$T/other"
ports SECOND
start redis2 redis-server --port "$SECOND" --bind 127.0.0.1 --dir "$T/other" --save '' \
    --replicaof 127.0.0.1 "$FIRST"
SECOND_PID=$PID
REDIS=$FIRST
proxy way "$FIRST"
WAY=$PROXY
REDIS_AT=$WAY conf
start_daemon
load
replica_has() {
	[ "$(redis-cli -p "$SECOND" xlen ev:orders:node1)" -gt 500 ]
}
wait_for 60 "the replica" replica_has
kill -STOP "$SECOND_PID"
sleep 1
wire way mute		# the master is cut off, and does not know
kill -CONT "$SECOND_PID"
redis-cli -p "$SECOND" replicaof no one >/dev/null
redis xadd ev:orders:node1 '*' some one-else >/dev/null	# a write that will be undone
# the address leads to the new one
kill_it "${PIDS[2]}"
start way2 "$PY" "$FAULTS/proxy.py" "$WAY" "$SECOND" "$T/way2.mode"
REDIS=$SECOND
grows
redis-cli -p "$FIRST" replicaof 127.0.0.1 "$SECOND" >/dev/null
nap 3
verdict
REDIS=$FIRST
wait_for 60 "the old master to follow" has_all ev:orders:node1
consume_redis "$T/seen-old" ev:orders:node1
judge "$T"/acks* "$T/seen-old"
stop_daemon
