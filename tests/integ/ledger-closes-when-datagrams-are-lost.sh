#!/bin/bash
# The daemon is stopped while more datagrams come than its socket's buffer
# holds.  What the kernel threw away is counted, to the last one: sent =
# received + dropped by the kernel; and what was received arrived.
. "$(dirname "$0")/lib.sh"
start_sink graphite
write_conf <<YAML
clusters:
  graphite: {method: forward, servers: ["127.0.0.1:$SINK"]}
archives:
  logs: {dir: "$T/logs", flush_time: 100ms}
YAML
sed -i 's/^statsd:/&\n  limits: {rcvbuf: 64KiB}/; s/^syslog:/&\n  limits: {rcvbuf: 64KiB}/' millrace.yaml
start_daemon

overload() {	# PROTO PORT COUNT
	kill -STOP "$DAEMON"
	flood "$1" --to "udp://127.0.0.1:$2" --rate 0 --count "$3" >"$T/$1.json"
	kill -CONT "$DAEMON"
}

overload statsd "$STATSD" 30000
closed() {	# KIND SOURCE SENT
	[ $(($(ledger "$1" "$2" received))) -eq "$3" ] &&
	    [ "$(ledger "$1" "$2" queued)" -eq 0 ] && ledger_closes "$1" "$2"
}
wait_for 15 "30000 metrics accounted for" closed metric statsd 30000
lost=$(ledger metric statsd dropped.kernel)
[ "$lost" -gt 0 ] || fail "nothing was lost: the test tests nothing"
[ $(($(ledger metric statsd delivered) + lost)) -eq 30000 ] ||
	fail "delivered and lost do not add up: $(page /api/ledger)"
[ "$(prometheus millrace_dropped_total 'kind="metric"' 'source="statsd"' 'reason="kernel"')" = "$lost" ] ||
	fail "the Prometheus page says something else"
in_flush() {	# as a metric of our own, too
	[ "$(awk '$1 == "stats_counts.millrace.dropped.metric.statsd.kernel" { s += $2 }
	    END { print s + 0 }' graphite.txt)" = "$lost" ]
}
wait_for 15 "$lost lost in the flush" in_flush

overload syslog "$SYSLOG" 20000
wait_for 15 "20000 logs accounted for" closed log syslog 20000
lost=$(ledger log syslog dropped.kernel)
[ "$lost" -gt 0 ] || fail "nothing was lost: the test tests nothing"
arrived() {
	[ "$(logs_of "$T/logs" | grep -c 'seq=')" -eq $((20000 - lost)) ]
}
wait_for 10 "what was not lost, in the files" arrived

# the generator's own report says the same: it asks the daemon's books
(sleep 0.3; kill -STOP "$DAEMON"; sleep 1; kill -CONT "$DAEMON") &
flood statsd --to "udp://127.0.0.1:$STATSD" --rate 50000 --time 1 --wait 30 \
    --admin "127.0.0.1:$ADMIN" >told.json || fail "flood --admin"
jq -e '.sent == .received and .sent == .delivered + .queued + .lost and
    .lost == ([.dropped[]] | add // 0)' told.json || fail "the report: $(cat told.json)"
"$MILLRACE" flood statsd --to "udp://127.0.0.1:$STATSD" --count 1 --admin "127.0.0.1:1" 2>gone.txt
[ $? -eq 69 ] || fail "books that nobody has"
stop_daemon
