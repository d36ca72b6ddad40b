#!/bin/bash
# SIGTERM at once behind a burst: sockets are read to their end, the last
# flush and the last batches go out, and the daemon ends with 0.
. "$(dirname "$0")/lib.sh"
start_sink graphite
write_conf <<YAML
flush_is_long_below: 0
clusters:
  graphite: {method: forward, servers: ["127.0.0.1:$SINK"]}
archives:
  logs: {dir: "$T/logs", flush_time: 1m, flush_bytes: 16MiB}
YAML
sed -i '/flush_is_long_below/d; s/^flush: .*/flush: {interval: 1m}/' millrace.yaml
start_daemon
flood statsd --to "udp://127.0.0.1:$STATSD" --rate 50000 --count 50000 \
    --per-datagram 10 --mix c=100 >statsd.json || fail "flood statsd"
flood graphite --to "tcp://127.0.0.1:$GRAPHITE" --count 50000 --prefix raw \
    >graphite.json || fail "flood graphite"
flood syslog --to "tcp://127.0.0.1:$SYSLOG" --count 50000 >syslog.json ||
	fail "flood syslog"
stop_daemon
sum=$(jq .counter_sum statsd.json)
got=$(awk '$1 ~ /^stats_counts\.flood\./ { s += $2 } END { printf "%d\n", s }' graphite.txt)
[ "$got" = "$sum" ] || fail "counters: sent $sum, arrived $got"
got=$(grep -c '^raw\.' graphite.txt)
[ "$got" = 50000 ] || fail "lines: sent 50000, arrived $got"
got=$(logs_of "$T/logs" | grep -c 'seq=')
[ "$got" = 50000 ] || fail "logs: sent 50000, in files $got"
