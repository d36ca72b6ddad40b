#!/bin/bash
# A producer comes back after years with numbers that begin anew: its events
# are new ones and none is swallowed.
. "$(dirname "$0")/../lib.sh"
shim
redis_everysec
conf
start_shimmed
for n in 1 2 3; do redis-cli -p "$RESP" xadd orders IDMP old "$n" '*' n "$n" y 1 >/dev/null; done
clock_off $((2 * 365 * 86400))
# what is too old is forgotten each minute, or at a start
kill_it "$DAEMON"
start_shimmed
load 1 1000 other
moving
for n in 1 2 3; do redis-cli -p "$RESP" xadd orders IDMP old "$n" '*' n "$n" y 2 >>"$T/ids"; done
WANTED=6
wait_for 60 "all six" has_all ev:orders:node1
verdict ev:other:node1
stop_daemon
