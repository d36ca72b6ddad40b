#!/bin/bash
# SCRIPT FLUSH, and somebody's script that does not end: -NOSCRIPT, -BUSY.
. "$(dirname "$0")/../lib.sh"
redis_everysec --busy-reply-threshold 100
conf
start_daemon
load
for ((i = 0; i < $(loops 5); i++)); do
	grows
	redis script flush >/dev/null
done
redis eval 'while true do end' 0 >/dev/null 2>&1 &
busy() {
	redis ping 2>&1 | seen BUSY
}
wait_for 30 "a busy server" busy
moving
redis script kill >/dev/null
grows
verdict
stop_daemon
