#!/bin/bash
# Each kind of bad line is counted under its name, and good neighbours pass.
. "$(dirname "$0")/lib.sh"
start_sink graphite
write_conf <<YAML
clusters:
  graphite: {method: forward, servers: ["127.0.0.1:$SINK"]}
YAML
start_daemon
printf 'good:1|c\nbad\nx:abc|c\ny:1|c|@0\n:1|c\ngood:1|c\n' >"/dev/udp/127.0.0.1/$STATSD"
wait_for 10 "six metrics" ledger_is metric statsd received 6
wait_for 10 "two of them good" ledger_is metric statsd delivered 2
for reason in bad_value bad_rate; do
	ledger_atleast metric statsd "dropped.$reason" 1 ||
		fail "no $reason: $(page /api/ledger)"
done
[ "$(ledger metric statsd dropped)" = 4 ] || fail "four are bad: $(page /api/ledger)"
printf '$$:1|c\n;a=b:2|ms\n[a=b]:1|g' >"/dev/udp/127.0.0.1/$STATSD"
wait_for 10 "names that have nothing in them" ledger_is metric statsd dropped.bad_name 3
printf 'good 1 1700000000\nbad\nbad x 1700000000\n' >"/dev/tcp/127.0.0.1/$GRAPHITE"
wait_for 10 "three lines" ledger_is metric graphite received 3
wait_for 10 "the good one" grep -qx 'good 1 1700000000' graphite.txt
[ "$(ledger metric graphite dropped)" = 2 ] || fail "two are bad: $(page /api/ledger)"
# told in the log, with a sample, once and not per line
grep -q 'level=warn.*bad_value' millrace.log || fail "the log says nothing"
for _ in $(seq 300); do printf 'x:abc|c\n'; done >"/dev/udp/127.0.0.1/$STATSD"
wait_for 10 "the flood of bad ones" ledger_atleast metric statsd received 300
[ "$(grep -c bad_value millrace.log)" -lt 20 ] || fail "the log is flooded"
stop_daemon
