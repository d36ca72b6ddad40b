#!/bin/bash
# At a modest rate nothing is lost: sent = received = delivered, per protocol,
# and the counters' sum that arrives is the sum that was sent.
. "$(dirname "$0")/lib.sh"
start_redis
start_sink graphite
write_conf <<YAML
clusters:
  graphite: {method: forward, servers: ["127.0.0.1:$SINK"]}
streams:
  events: {redis: "redis://127.0.0.1:$REDIS/0"}
archives:
  logs: {dir: "$T/logs", flush_time: 100ms}
YAML
start_daemon

closes_with() {	# KIND SOURCE COUNT
	wait_for 15 "$2: received $3" ledger_is "$1" "$2" received "$3"
	wait_for 15 "$2: delivered $3" ledger_is "$1" "$2" delivered "$3"
	[ "$(ledger "$1" "$2" dropped)" = 0 ] || fail "$2: drops"
	ledger_closes "$1" "$2" || fail "$2 does not close"
}

flood statsd --to "127.0.0.1:$STATSD" --rate 10000 --count 20000 \
    --per-datagram 10 --mix c=100 --names 50 >"$T/statsd.json" || fail "flood statsd"
closes_with metric statsd 20000
sum=$(jq .counter_sum "$T/statsd.json")
arrived() {
	awk '$1 ~ /^stats_counts\.flood\./ { s += $2 } END { printf "%d\n", s }' \
	    "$T/graphite.txt"
}
sum_is() {
	[ "$(arrived)" = "$sum" ]
}
wait_for 10 "the counters' sum $sum" sum_is

flood graphite --to "tcp://127.0.0.1:$GRAPHITE" --rate 20000 --count 20000 \
    --connections 2 --prefix raw >"$T/graphite.json" || fail "flood graphite"
closes_with metric graphite 20000
lines_are() {
	[ "$(grep -c '^raw\.' "$T/graphite.txt")" = 20000 ]
}
wait_for 10 "20000 lines at the sink" lines_are
[ "$(awk '/^raw\./ { print $2 }' "$T/graphite.txt" | sort -u | wc -l)" = 20000 ] ||
	fail "a line arrived twice"

flood syslog --to "tcp://127.0.0.1:$SYSLOG" --rate 20000 --count 20000 \
    --framing octet >"$T/syslog.json" || fail "flood syslog"
closes_with log syslog 20000
[ "$(logs_of "$T/logs" | grep -o 'seq=[0-9]*' | sort -u | wc -l)" = 20000 ] ||
	fail "not every message is in the files"

flood events --to "resp://127.0.0.1:$RESP" --rate 5000 --count 5000 \
    >"$T/events.json" || fail "flood events"
[ "$(jq .acknowledged "$T/events.json")" = 5000 ] || fail "acknowledgements"
closes_with event resp 5000
# as fast as it goes, ended by the time and not by a count
flood events --to "resp://127.0.0.1:$RESP" --time 0.5 --connections 2 \
    >"$T/events.json" || fail "flood events, until the time is over"
n=$(jq .acknowledged "$T/events.json")
[ "$n" -gt 0 ] && [ "$n" = "$(jq .sent "$T/events.json")" ] || fail "$n acknowledged"
closes_with event resp $((5000 + n))
stop_daemon
