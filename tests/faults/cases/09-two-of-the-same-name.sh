#!/bin/bash
# Two daemons of one name ship to one stream.  One of them is kept out, says so,
# and keeps what it has acknowledged; nothing is written over or between.
. "$(dirname "$0")/../lib.sh"
redis_everysec
conf
cp "$T/millrace.yaml" "$T/first.yaml"
start_daemon
FIRST=$DAEMON FIRST_DOOR=$RESP
load 1 500
grows
another_conf
start_daemon
load 1 500
# whoever came second: the stream is one's alone in the end
wait_for 60 "one of them to be kept out" grep -qa "somebody else writes there" \
    "$T/millrace.log" "$T/first.log"
nap 5
unload
stop_daemon
DAEMON=$FIRST
stop_daemon
consume_journal "$T/seen1" orders "$T/state"
consume_journal "$T/seen2" orders "$T/state2"
judge "$T/acks1" "$T/seen1"
# the second one's numbers went on above those of the stream: a gap of its own
"$MILLRACE" audit judge --partitioned "$T/acks2" "$T/seen2" || fail "the second one has lost events"
# what stands in Redis stands there once, and in order
consume_redis "$T/seen" ev:orders:node1
[ "$(cut -f4,5 "$T/seen" | sort | uniq -d | wc -l)" = 0 ] || fail "doubled"
cut -f3 "$T/seen" | sort -c -t- -k1,1n -k2,2n || fail "out of order"
