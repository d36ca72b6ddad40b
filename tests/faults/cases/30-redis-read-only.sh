#!/bin/bash
# The server becomes a replica of another, and a master again: -READONLY.
. "$(dirname "$0")/../lib.sh"
redis_everysec
FIRST=$REDIS
mkdir -p "$T/other"
ports SECOND
start redis2 redis-server --port "$SECOND" --bind 127.0.0.1 --dir "$T/other" --save ''
conf
start_daemon
load
grows
redis replicaof 127.0.0.1 "$SECOND" >/dev/null	# it takes over the other's nothing
nap 8
moving
redis replicaof no one >/dev/null
grows
verdict
stop_daemon
