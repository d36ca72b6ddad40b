#!/bin/bash
# FLUSHALL, DEL of the stream, XTRIM by another hand: what the journal has is
# shipped again.
. "$(dirname "$0")/../lib.sh"
redis_everysec
conf
start_daemon
load
grows
redis flushall >/dev/null
grows
redis del ev:orders:node1 >/dev/null
grows
unload
shipped
redis flushall >/dev/null	# nothing new comes: found by looking
verdict
stop_daemon
