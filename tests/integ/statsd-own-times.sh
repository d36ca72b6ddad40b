#!/bin/bash
# DogStatsD 1.3: counters and gauges with a time of their own come out as points
# of that time, from two workers and by TCP and UDP, the books close, and the
# last ones are delivered when the daemon is told to end.
. "$(dirname "$0")/lib.sh"
need jq curl
start_sink graphite
WORKERS=2 write_conf <<YAML
clusters:
  graphite: {method: forward, servers: ["127.0.0.1:$SINK"]}
YAML
start_daemon
for i in 1 2 3 4; do
	printf 'late:%s|c|@0.5|T1700000000\nlate:1|c\nlevel:%s|g|#host:a|T17000000%s0\n' $i $i $i >"/dev/udp/127.0.0.1/$STATSD"
done
printf 'stream:5|c|T1699990000\nstream:x|c|T1\nstream:1|c|Tx\n' >"/dev/tcp/127.0.0.1/$STATSD"
wait_for 20 "a counter's point" grep -q '^stats_counts.late [0-9]* 1700000000$' graphite.txt
wait_for 20 "a gauge's point" grep -qxF 'stats.gauges.level;host=a 3 1700000030' graphite.txt
wait_for 20 "a stream's point" grep -qxF 'stats_counts.stream 5 1699990000' graphite.txt
wait_for 20 "15 samples" ledger_is metric statsd received 15
wait_for 20 "13 delivered" ledger_is metric statsd delivered 13
ledger_closes metric statsd || fail "books: $(page /api/ledger)"
sum() {
	[ "$(awk -v n="$1" '$1 == n && '"$2"' { s += $2 } END { print s + 0 }' graphite.txt)" = "$3" ]
}
wait_for 20 "what came now" sum stats_counts.late '$3 > 1700000000' 4
wait_for 20 "what came late" sum stats_counts.late '$3 == 1700000000' 20
printf 'last:1|g|T1699999999\n' >"/dev/udp/127.0.0.1/$STATSD"
stop_daemon
wait_for 10 "the last point" grep -qxF 'stats.gauges.last 1 1699999999' graphite.txt
