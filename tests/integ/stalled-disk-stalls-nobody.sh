#!/bin/bash
# The disk under a spool stands still.  Lines for other servers arrive, flushes
# go on, and when the disk moves again nothing is lost, nothing out of order.
. "$(dirname "$0")/lib.sh"
disk_shim
start_sink away
AWAY=$SINK AWAY_PID=$SINK_PID
start_sink live
write_conf <<YAML
clusters:
  away: {servers: ["127.0.0.1:$AWAY"], spool: 64MiB, queue: 16MiB}
  live: {servers: ["127.0.0.1:$SINK"]}
rules:
  - {when: 'name =~ "^away"', to: [away]}
  - {when: 'kind == metric', to: [live]}
YAML
start_daemon
stop_pid "$AWAY_PID"
send() {	# FROM TO
	awk -v a="$1" -v b="$2" 'BEGIN { for (i = a; i <= b; i++)
	    printf "away.s%d %d 1700000000\n", i % 7, i }' >"/dev/tcp/127.0.0.1/$GRAPHITE"
}
stored() {
	find "$T/state/spool" -name '*.spool' -size +0 | seen .
}
send 1 2000
wait_for 20 "the spool" stored
touch stalled
send 2001 60000
wait_for 20 "lines received" ledger_is metric graphite received 60000
printf 'live.one 1 1700000000\n' >"/dev/tcp/127.0.0.1/$GRAPHITE"
wait_for 20 "a line for the other server" grep -q '^live.one ' live.txt
echo 'hits:7|c' >"/dev/udp/127.0.0.1/$STATSD"
wait_for 20 "a flush" grep -q '^stats.*hits' live.txt
size=$(find state/spool -name '*.spool' -printf '%s\n' | awk '{ n += $1 } END { print n + 0 }')
[ "$size" -lt 200000 ] || fail "the disk has $size bytes: it did not stall"
ledger_closes metric graphite || fail "the ledger does not close"
[ "$(ledger metric graphite dropped)" = 0 ] || fail "some were dropped"
rm stalled
start_sink away "$AWAY"
arrived() {
	[ "$(awk '/^away\./ { print $2 }' away.txt | sort -un | wc -l)" = 60000 ]
}
wait_for 60 "60000 lines" arrived
awk '/^away\./ { if ($2 < last[$1]) bad++; last[$1] = $2 } END { exit bad > 0 }' away.txt ||
	fail "the order is not kept"
wait_for 20 "the ledger" ledger_closes metric graphite
[ "$(ledger metric graphite dropped)" = 0 ] || fail "some were dropped in the end"
stop_daemon
