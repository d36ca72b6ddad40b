#!/bin/bash
# A sync takes seconds: answers wait, nothing else goes wrong.
. "$(dirname "$0")/../lib.sh"
shim
redis_everysec
conf
start_shimmed
load
moving
inject sync delay_ms=2500
sleep 3
kill_it "$DAEMON"	# in the middle of one
inject sync delay_ms=0
start_shimmed
moving
inject sync delay_ms=700
sleep 1.5
inject sync delay_ms=0
verdict
stop_daemon
