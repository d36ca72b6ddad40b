#!/bin/bash
# The wire to Redis is slow, trickles, resets in the middle of an answer, says
# what nobody asked.
. "$(dirname "$0")/../lib.sh"
redis_everysec
proxy wire "$REDIS"
REDIS_AT=$PROXY conf
start_daemon
load 2 1000
for mode in "delay 200" trickle garbage "cut 700" "cut 3000" mute-answers mute rst; do
	# shellcheck disable=SC2086
	wire wire $mode
	nap 9
	moving
done
wire wire pass
grows
verdict
stop_daemon
