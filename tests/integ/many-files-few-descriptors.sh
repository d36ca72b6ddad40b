#!/bin/bash
# Ten times as many files as may be open: every line is in its file, once, and
# no more descriptors are used than were allowed.  And senders are not made to
# wait for the time at which files are written: the bound on what is gathered
# writes them sooner.
. "$(dirname "$0")/lib.sh"
write_conf <<YAML
archives:
  logs: {dir: "$T/logs", file: "{host}/{app}.log", max_open: 50, flush_time: 200ms}
YAML
start_daemon
before=$(ls "/proc/$DAEMON/fd" | wc -l)
n=20000 files=500
start load "$MILLRACE" flood syslog --to "tcp://127.0.0.1:$SYSLOG" --count $n --rate 20000 --names $files --framing octet
most=0
all() {
	local now
	now=$(ls "/proc/$DAEMON/fd" | wc -l)
	[ "$now" -le "$most" ] || most=$now
	[ "$(find "$T/logs" -name '*.log' -exec cat {} + | wc -l)" = $n ]
}
wait_for 60 "all lines" all
[ "$(find "$T/logs" -name '*.log' | wc -l)" = $files ] || fail "not $files files"
[ "$(find "$T/logs" -name '*.log' -exec cat {} + | grep -o 'seq=[0-9]*' | sort -u | wc -l)" = $n ] || fail "some are doubled"
[ "$most" -le $((before + 55)) ] || fail "$most descriptors, $before before"
stop_daemon

# 100 MB, and nothing is due for an hour
write_conf <<YAML
drain: 60s
archives:
  logs: {dir: "$T/later", file: "{host}/{app}.log", max_open: 50, flush_time: 1h}
YAML
start_daemon
n=500000
timeout 120 "$MILLRACE" flood syslog --to "tcp://127.0.0.1:$SYSLOG" --count $n --size 200 --names $files --framing octet >/dev/null ||
	fail "the sender waits for the clock"
stop_daemon
[ "$(find "$T/later" -name '*.log' -exec cat {} + | wc -l)" = $n ] || fail "not all lines of those that waited long"
