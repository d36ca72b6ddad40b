#!/bin/bash
# Events go from an agent's journal to a collector's, each once and in order,
# while the collector, then the agent, are killed under load.
. "$(dirname "$0")/lib.sh"
need jq
ports CRESP CADMIN
mkdir "$T/collector"
cat >"$T/collector.yaml" <<YAML
state_dir: $T/collector
workers: 1
events:
  listen: ["resp://127.0.0.1:$CRESP"]
  node: collector
admin:
  listen: http://127.0.0.1:$CADMIN
streams:
  events: {window: 10m}
YAML
collector() {
	start collector "$MILLRACE" -c "$T/collector.yaml"
	COLLECTOR=$PID
}
kill_it() {
	kill -KILL "$1"
	wait "$1" 2>/dev/null
}
collector
write_conf <<YAML
streams:
  events: {redis: "millrace://127.0.0.1:$CRESP"}
YAML
start_daemon
for p in a b; do
	start "p$p" "$MILLRACE" audit produce --to "resp://127.0.0.1:$RESP" \
	    --log "acks-$p" --producer "$p" --count 15000 --rate 5000 orders
	eval "P$p=$PID"
done
for i in 1 2 3; do
	sleep 0.4
	kill_it "$COLLECTOR"
	sleep 0.1
	collector
	sleep 0.3
	kill_it "$DAEMON"
	start_daemon
done
# shellcheck disable=SC2154
for p in "$Pa" "$Pb"; do
	wait "$p" || fail "not all was acknowledged"
done
arrived() {
	"$MILLRACE" audit consume --journal "$T/collector/journal" --log seen orders 2>/dev/null
	[ "$(lines_in seen)" -ge 30000 ]
}
wait_for 30 "all events at the collector" arrived
sleep 1
arrived
"$MILLRACE" audit judge --other-ids acks-a acks-b seen >verdict.log || fail "not well"
say "$(tr -s ' \n' ' ' <verdict.log)"
stop_daemon
