#!/bin/bash
# /healthz says alive, /readyz stops saying ready when the end has begun.
. "$(dirname "$0")/lib.sh"
start_sink graphite
write_conf <<YAML
clusters:
  graphite: {method: forward, servers: ["127.0.0.1:$SINK"]}
YAML
start_daemon
page_ok /healthz || fail "/healthz"
page_ok /readyz || fail "/readyz"
printf 'first 1 1700000000\n' >"/dev/tcp/127.0.0.1/$GRAPHITE"
wait_for 5 "a line" ledger_is metric graphite received 1
page /metrics | seen '^millrace_received_total{' || fail "/metrics has no ledger"
page /metrics | seen -vE '^(#|[a-zA-Z_:][a-zA-Z0-9_:]*(\{.*\})? [-+0-9.eNaInf]+( [0-9]+)?$|$)' &&
	fail "/metrics has a line that is no sample"
[ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$ADMIN/nowhere")" = 404 ] ||
	fail "a page that is not there is no 404"
# hold the drain up: a destination that does not read
kill -STOP "$SINK_PID"
flood graphite --to "tcp://127.0.0.1:$GRAPHITE" --count 400000 >flood.json || fail "flood"
kill -TERM "$DAEMON"
not_ready() {
	[ "$(curl -s -o /dev/null -m 2 -w '%{http_code}' "http://127.0.0.1:$ADMIN/readyz")" = 503 ]
}
wait_for 5 "503 from /readyz" not_ready
page_ok /healthz || fail "/healthz while draining"
kill -CONT "$SINK_PID"
wait_gone() {
	! kill -0 "$DAEMON"
}
wait_for 15 "its end" wait_gone
wait "$DAEMON" || fail "status $?"
[ "$(lines_in graphite.txt)" -ge 400001 ] || fail "lines were lost"
