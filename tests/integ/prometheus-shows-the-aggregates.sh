#!/bin/bash
# /metrics/aggregated: what goes to Graphite, for Prometheus to read, with tags
# as labels and statsd_exporter's mapping file; many askers at once.
. "$(dirname "$0")/lib.sh"
cat >mapping.yml <<YAML
mappings:
- match: "web.*.requests"
  name: "web_requests_total"
  labels: {host: "\$1"}
- match: "secret.*"
  action: drop
  name: "dropped"
YAML
write_conf <<YAML
prometheus_mapping: $T/mapping.yml
YAML
start_daemon
printf 'web.a1.requests:3|c\nplain;dc=x:5|g\nsecret.x:1|c\ntook:1500|ms' >"/dev/udp/127.0.0.1/$STATSD"
has() {
	page /metrics/aggregated | grep -qxF -- "$1"
}
wait_for 10 "the mapped counter" has 'web_requests_total{host="a1"} 3'
wait_for 10 "the gauge" has 'plain{dc="x"} 5'
wait_for 10 "the timer, in seconds" has 'took_count 1'
page /metrics/aggregated >all.txt
grep -q secret all.txt && fail "what is to be dropped is there"
grep -qxF 'took_sum 1.5' all.txt || fail "$(cat all.txt)"
for i in $(seq 20); do page /metrics/aggregated >many.$i & done
wait $(jobs -p | grep -vxF "$DAEMON")
for i in $(seq 20); do
	grep -qxF 'web_requests_total{host="a1"} 3' many.$i && grep -qxF 'plain{dc="x"} 5' many.$i ||
		fail "answer $i: $(cat many.$i)"
done
page /healthz | grep -q alive || fail "not alive"
for i in $(seq 20); do page /metrics/aggregated >/dev/null 2>&1 & done
stop_daemon
