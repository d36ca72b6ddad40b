#!/bin/bash
# Rules make counters, gauges, timers and events of log messages, with numbers
# and names captured from their text; the logs themselves go on as they were.
. "$(dirname "$0")/lib.sh"
need jq
WORKERS=2
start_sink graphite
write_conf <<YAML
clusters:
  graphite: {servers: ["127.0.0.1:$SINK"]}
streams:
  incidents: {}
archives:
  logs: {dir: "$T/logs", file: "{app}.log", flush_time: 50ms}
rules:
  - {name: errors, when: 'kind == log && severity <= err', as_kind: count, as: "log.errors.\${app}"}
  - {name: depth, when: 'kind == log && body =~ "queue (\\w+) holds (\\d+)"', as_kind: gauge, as: "queue.\$1", value: "\$2"}
  - {name: took, when: 'kind == log && app == "web" && body =~ "took ([0-9.]+) ms"', as_kind: timing, as: "web.took", value: "\$1"}
  - {name: bytes, when: 'kind == log && app == "web" && body =~ "sent (\\d+) bytes"', as_kind: count, as: "web.bytes", value: "\$1"}
  - {name: alarm, when: 'kind == log && severity <= crit', as_kind: event, as: "incidents"}
  - {name: noise, when: 'kind == log && app == "noise"', drop: true}
YAML
start_daemon
{
	echo '<11>1 - h web - - - first failure, took 10 ms, sent 100 bytes'
	echo '<11>1 - h web - - - second failure, took 30 ms, sent 250 bytes'
	echo '<14>1 - h web - - - fine, took 20 ms'
	echo '<14>1 - h work - - - queue mail holds 7'
	echo '<14>1 - h work - - - queue mail holds 12'
	echo '<10>1 - h db - - - out of space'
	echo '<14>1 - h noise - - - nothing'
	echo '<14>1 - h web - - - took many ms'	# not a number: nothing is made
} >"/dev/tcp/127.0.0.1/$SYSLOG"
# total NAME - the sum of what was sent under that name
total() {
	awk -v n="$1" '$1 == n { s += $2; f = 1 } END { print f ? s : "none" }' "$T/graphite.txt"
}
latest() {
	awk -v n="$1" '$1 == n { v = $2 } END { print v == "" ? "none" : v }' "$T/graphite.txt"
}
is() {
	[ "$($1 "$2")" = "$3" ]
}
wait_for 60 "errors of web" is total stats_counts.log.errors.web 2
wait_for 60 "errors of db" is total stats_counts.log.errors.db 1
wait_for 60 "bytes" is total stats_counts.web.bytes 350
wait_for 60 "the gauge" is latest stats.gauges.queue.mail 12
wait_for 60 "how many took" is total stats.timers.web.took.count 3
wait_for 20 "how long" is total stats.timers.web.took.sum 60
wait_for 60 "the log lines" logs_have "$T/logs" 'out of space'
[ -e "$T/logs/noise.log" ] && fail "what was dropped is in a file"
[ "$(cat "$T"/logs/*.log | wc -l)" = 7 ] || fail "not all lines are in the files"
ledger_is log syslog dropped.rule 1 || fail "the dropped one is not counted"
events() {
	"$MILLRACE" journal cat -d "$T/state/journal" 2>/dev/null | seen 'out of space' ||
	    "$MILLRACE" journal cat -c "$T/millrace.yaml" 2>/dev/null | seen 'out of space'
}
wait_for 60 "the event" events
wait_for 10 "the ledger" ledger_closes log syslog
stop_daemon
