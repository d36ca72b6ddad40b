#!/bin/bash
# A counter, a gauge and a timer sent as people send them (nc, UDP and TCP) are
# read back from the whisper files of a real carbon-cache after a flush.
. "$(dirname "$0")/lib.sh"
need nc
start_carbon carbon
write_conf <<YAML
clusters:
  graphite: {method: forward, servers: ["127.0.0.1:$CARBON"]}
YAML
# two flushes may fall into one second of whisper: what is idle must not
# write a 0 over what was not
sed -i 's/^flush: .*/flush: {interval: 1s, delete_idle: true}/' millrace.yaml
start_daemon

echo 'a.b:3|c' | nc -u -q0 127.0.0.1 "$STATSD"
wait_for 10 "the counter's count" whisper_has "$WHISPER" stats_counts.a.b 3
wait_for 10 "the counter's rate" whisper_has "$WHISPER" stats.a.b 3

printf 'web.load:17|g\nweb.time:20|ms\nweb.time:40|ms\n' |
    nc -N -w2 127.0.0.1 "$STATSD"
gauge_is_17() {
	whisper_sum "$WHISPER" stats.gauges.web.load | awk '{ exit !($1 >= 17 && $1 % 17 == 0) }'
}
wait_for 10 "the gauge" gauge_is_17
wait_for 10 "the timer's upper" whisper_has "$WHISPER" stats.timers.web.time.upper 40
wait_for 10 "the timer's sum" whisper_has "$WHISPER" stats.timers.web.time.sum 60
stop_daemon
