#!/bin/bash
# The journal is copied to another host and started there, under the same name,
# while the first goes on: what both have stands once, one is kept out.
. "$(dirname "$0")/../lib.sh"
redis_everysec
conf
start_daemon
load 1 1000
grows
unload
shipped
stop_daemon
cp -a "$T/state" "$T/state2"
start_daemon
FIRST=$DAEMON
load 1 1000
grows
another_conf
start_daemon		# its journal is older than the stream
load 1 1000
wait_for 60 "one of them to be kept out" grep -qa "somebody else writes there" \
    "$T/millrace.log" "$T/first.log"
unload
stop_daemon
DAEMON=$FIRST
stop_daemon
consume_journal "$T/seen1" orders "$T/state"
consume_journal "$T/seen2" orders "$T/state2"
judge "$T/acks1" "$T/acks2" "$T/seen1"
# the copy's numbers go on above those of the stream: a gap of its own
"$MILLRACE" audit judge --partitioned "$T/acks1" "$T/acks3" "$T/seen2" ||
	fail "the copy has lost events"
consume_redis "$T/seen" ev:orders:node1
[ "$(cut -f4,5 "$T/seen" | sort | uniq -d | wc -l)" = 0 ] || fail "doubled"
