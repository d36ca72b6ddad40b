#!/bin/bash
# Graphite is away when the daemon is told to end: what it was not sent is kept
# without a spool too, and the next daemon sends it, once, with its own time.
. "$(dirname "$0")/lib.sh"
need jq curl
ports CARBON
write_conf <<YAML
drain: 2s
clusters:
  graphite: {method: forward, servers: ["127.0.0.1:$CARBON"]}
YAML
start_daemon
printf 'kept.c:7|c\n' >"/dev/udp/127.0.0.1/$STATSD"
printf 'kept.raw 5 1700000000\n' >"/dev/tcp/127.0.0.1/$GRAPHITE"
wait_for 20 "the sample" ledger_is metric statsd received 1
wait_for 20 "the line" ledger_is metric graphite received 1
stop_daemon
grep -q 'what is not sent is kept' millrace.log || fail "nothing was kept"
ended=$(($(date +%s) + 1))	# times of a flush are rounded, up as well
later() { [ "$(date +%s)" -gt "$ended" ]; }
wait_for 20 "a time that is another" later
start_sink graphite "$CARBON"
start_daemon
wait_for 20 "the line that was left" grep -qxF 'kept.raw 5 1700000000' graphite.txt
wait_for 20 "the figure that was left" grep -q '^stats_counts\.kept\.c 7 ' graphite.txt
[ "$(awk '$1 == "stats_counts.kept.c" && $2 == 7 { print $3 }' graphite.txt)" -le "$ended" ] ||
	fail "it has another time: $(grep 'kept\.c 7' graphite.txt)"
printf 'new.c:1|c\n' >"/dev/udp/127.0.0.1/$STATSD"
wait_for 20 "what came after" grep -q '^stats_counts\.new\.c 1 ' graphite.txt
stop_daemon
start_daemon
printf 'newer.c:1|c\n' >"/dev/udp/127.0.0.1/$STATSD"
wait_for 20 "what came still later" grep -q '^stats_counts\.newer\.c 1 ' graphite.txt
stop_daemon
[ "$(grep -c '^kept\.raw ' graphite.txt)" = 1 ] || fail "it came twice"
[ "$(grep -c '^stats_counts\.kept\.c 7 ' graphite.txt)" = 1 ] || fail "the figure came twice"
