#!/bin/bash
# A Graphite server is killed and comes back: what was sent meanwhile waits in
# the queue and arrives.
. "$(dirname "$0")/lib.sh"
start_sink graphite
write_conf <<YAML
clusters:
  graphite: {method: forward, servers: ["127.0.0.1:$SINK"]}
YAML
start_daemon
printf 'before 1 1700000000\n' >"/dev/tcp/127.0.0.1/$GRAPHITE"
wait_for 10 "the first line" grep -q '^before 1 ' "$T/graphite.txt"
stop_pid "$SINK_PID"
flood graphite --to "tcp://127.0.0.1:$GRAPHITE" --count 5000 --prefix away >flood.json ||
	fail "flood"
wait_for 10 "received" ledger_is metric graphite received 5001
start_sink graphite "$SINK"
arrived() {
	[ "$(awk '/^away\./ { print $2 }' "$T/graphite.txt" | sort -u | wc -l)" = 5000 ]
}
wait_for 30 "5000 lines after it came back" arrived
wait_for 10 "delivered" ledger_is metric graphite delivered 5001
stop_daemon
