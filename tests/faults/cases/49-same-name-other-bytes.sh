#!/bin/bash
# The same (producer, number) with other bytes: the first stands, also after
# kill -9, and when its producer comes back after years (49, 50).
. "$(dirname "$0")/../lib.sh"
shim
redis_everysec
conf
start_shimmed
send() { redis-cli -p "$RESP" xadd orders IDMP one "$1" '*' p one n "$1" b "$2"; }
first=$(send 7 first)
[ "$(send 7 second)" = "$first" ] || fail "the second one got its own id"
kill_it "$DAEMON"
start_shimmed
[ "$(send 7 third)" = "$first" ] || fail "forgotten over a kill"
tells 'came again with other contents'
clock_off $((3 * 365 * 86400))
sleep 0.2
fresh=$(send 8 later)
[ "${fresh%%-*}" -gt "${first%%-*}" ] || fail "an id from the past: $fresh"
WANTED=2
wait_for 60 "both" has_all ev:orders:node1
[ "$(redis xlen ev:orders:node1)" = 2 ] || fail "$(redis xlen ev:orders:node1) stored"
redis xrange ev:orders:node1 - + | seen first || fail "the first does not stand"
load 1 1000
moving
unload
stop_daemon
