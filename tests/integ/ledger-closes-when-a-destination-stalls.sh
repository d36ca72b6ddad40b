#!/bin/bash
# A Graphite server that stops reading: the queue is bounded, what does not
# fit is shed and counted, oldest first, and lines at the server + drops = lines
# sent.
. "$(dirname "$0")/lib.sh"
start_sink graphite
write_conf <<YAML
clusters:
  graphite: {method: forward, servers: ["127.0.0.1:$SINK"], queue: 256KiB}
YAML
start_daemon
kill -STOP "$SINK_PID"
flood graphite --to "tcp://127.0.0.1:$GRAPHITE" --rate 0 --count 600000 \
    --connections 2 >"$T/flood.json" || fail "flood"
wait_for 20 "all received" ledger_is metric graphite received 600000
for i in $(seq 100); do echo "newest.m$i $i 1700000000"; done >"/dev/tcp/127.0.0.1/$GRAPHITE"
wait_for 20 "all received" ledger_is metric graphite received 600100
kill -CONT "$SINK_PID"
settled() {
	[ "$(ledger metric graphite queued)" -eq 0 ] && ledger_closes metric graphite
}
wait_for 20 "the queue to empty" settled
dropped=$(ledger metric graphite dropped)
[ "$dropped" -gt 0 ] || fail "nothing was shed: the test tests nothing"
arrived() {
	[ "$(grep -c '^flood\.' "$T/graphite.txt")" -eq $((600000 - dropped)) ]
}
wait_for 10 "sent - shed lines at the server" arrived
[ "$(grep -c '^newest\.' graphite.txt)" -eq 100 ] || fail "the newest were shed"
stop_daemon
