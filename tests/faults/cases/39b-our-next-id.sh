#!/bin/bash
# Somebody else's entry has the very id that our next event gets, as "*" may make
# it in the millisecond of our last one: it is not taken for ours.
. "$(dirname "$0")/../lib.sh"
shim
redis_everysec
conf
start_shimmed
clock_off 3600
load 1 200
grows
unload
shipped
clock_off 0		# ids stay in the millisecond they have reached
last=$(redis --raw xinfo stream ev:orders:node1 | grep -A1 last-generated-id | tail -1)
redis xadd ev:orders:node1 "${last%-*}-$((${last#*-} + 1))" some one-else >/dev/null || fail "no entry"
load 1 200
moving
tells 'somebody else writes there'
redis del ev:orders:node1 >/dev/null
grows
verdict
stop_daemon
