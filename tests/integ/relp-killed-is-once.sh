#!/bin/bash
# rsyslog's own RELP client in front, with a disk queue: the daemon is killed
# (-9) again and again while numbered messages flow, and in the end each number
# stands in the files exactly once.
#
#	MESSAGES=500000 KILLS=20 tests/integ/relp-killed-is-once.sh
. "$(dirname "$0")/lib.sh"
need rsyslogd
MESSAGES=${MESSAGES:-20000}
KILLS=${KILLS:-3}
[ -f /usr/lib/x86_64-linux-gnu/rsyslog/omrelp.so ] ||
	[ -n "$(find /usr/lib*/ -name omrelp.so -print -quit 2>/dev/null)" ] ||
	skip "needs rsyslog-relp"
WORKERS=2
ports STATSD GRAPHITE SYSLOG RELP RESP ADMIN FEED
cat >"$T/millrace.yaml" <<YAML
state_dir: $T/state
workers: 2
syslog:
  listen: ["relp://127.0.0.1:$RELP"]
admin:
  listen: http://127.0.0.1:$ADMIN
archives:
  logs: {dir: "$T/logs", file: "{app}.log", rotate_size: 1MiB, compress: none}
  again: {dir: "$T/again", file: "all.log", format: json}
YAML
start_daemon

mkdir -p "$T/spool"
start_rsyslog sender <<CONF
module(load="imptcp")
module(load="omrelp")
global(workDirectory="$T/spool" maxMessageSize="8k")
main_queue(queue.type="FixedArray" queue.size="50000")
input(type="imptcp" port="$FEED" address="127.0.0.1")
template(name="plain" type="string" string="%rawmsg%")
action(type="omrelp" target="127.0.0.1" port="$RELP" template="plain" timeout="20"
    queue.type="LinkedList" queue.filename="relp" queue.size="20000"
    queue.dequeueBatchSize="100" queue.maxDiskSpace="1g" queue.saveOnShutdown="on"
    action.resumeRetryCount="-1" action.resumeInterval="1")
CONF
wait_for 20 "rsyslogd" tcp_open "$FEED"

cat >"$T/feed.py" <<'PYTHON'
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
for i in range(int(sys.argv[2])):
    s.sendall(b"<13>1 2026-01-02T03:04:05.678901Z web1 app%d 42 - - number %d end\n" %
              (i % 3, i))
s.close()
PYTHON
start feed "$PY" "$T/feed.py" "$FEED" "$MESSAGES"

# numbers DIR - the numbers that stand in its files
numbers() {
	find "$1" -type f -exec cat {} + 2>/dev/null | grep -ao 'number [0-9]* end' |
	    cut -d' ' -f2
}

# omrelp notices a broken connection only when it has something to send: its
# last window would wait for the next message for ever
nudged=0
nudge() {
	[ $SECONDS -gt $nudged ] || return 0
	nudged=$SECONDS
	echo '<13>1 - web1 nudge - - - are you there' >"/dev/tcp/127.0.0.1/$FEED"
}

count_atleast() {
	nudge
	[ "$(numbers "$T/logs" | wc -l)" -ge "$1" ]
}

for ((k = 1; k <= KILLS; k++)); do
	wait_for ${PATIENCE:-120} "message $((MESSAGES * k / (KILLS + 1)))" \
	    count_atleast $((MESSAGES * k / (KILLS + 1)))
	kill -KILL "$DAEMON"
	wait "$DAEMON" 2>/dev/null
	cp "$T/millrace.log" "$T/millrace-$k.log"
	start_daemon
done
wait_for ${PATIENCE:-180} "all messages" count_atleast "$MESSAGES"
seq 0 $((MESSAGES - 1)) >"$T/want.txt"

exactly_once() {
	nudge
	numbers "$1" | sort -n | cmp -s - "$T/want.txt"
}
for dir in logs again; do
	within 60 exactly_once "$T/$dir" && continue
	numbers "$T/$dir" | sort -n | uniq -d | head -20 >"$T/doubled.log"
	numbers "$T/$dir" | sort -nu | comm -13 <(sort -u) <(sort "$T/want.txt") |
	    head -20 >"$T/missing.log"
	fail "$dir: $(numbers "$T/$dir" | wc -l) lines," \
	    "$(numbers "$T/$dir" | sort -u | wc -l) different, of $MESSAGES"
done
say "$MESSAGES messages, $KILLS kills, $(ledger log relp dropped.duplicate) repeats known since the last"
# all may have come before the last kill: then there are no books yet
closes() {
	nudge
	ledger_closes log relp
}
wait_for 20 "the ledger" closes
stop_daemon
