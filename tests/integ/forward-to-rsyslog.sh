#!/bin/bash
# Logs go on to the real rsyslogd by TCP, TLS and RELP; it goes away while they
# flow and comes back: what went by RELP, through a spool, is all there, also
# when the daemon itself is killed (-9) meanwhile.
. "$(dirname "$0")/lib.sh"
need rsyslogd jq
MESSAGES=${MESSAGES:-20000}
make_cert server
ports IN TCP TLS RELP OLD ADMIN
cat >"$T/millrace.yaml" <<YAML
state_dir: $T/state
workers: 2
syslog:
  listen: ["tcp://127.0.0.1:$IN"]
admin:
  listen: http://127.0.0.1:$ADMIN
forwards:
  tcp: {to: "tcp://127.0.0.1:$TCP", queue: 16MiB}
  old: {to: "tcp://localhost:$OLD", format: rfc3164, framing: lines}
  secure: {to: "tls://127.0.0.1:$TLS", tls: {ca: $T/ca.pem}}
  relp: {to: "relp://127.0.0.1:$RELP", spool: 64MiB}
rules:
  - {when: 'app == "flow"', to: relp}
YAML
# as in tcp.txt: which way, and the message with its fields
start_peer() {
	start_rsyslog peer <<CONF
module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="anon")
module(load="imptcp")
module(load="imrelp")
global(workDirectory="$T" maxMessageSize="64k" defaultNetstreamDriverCAFile="$T/ca.pem" defaultNetstreamDriverCertFile="$T/server.pem" defaultNetstreamDriverKeyFile="$T/server.key")
main_queue(queue.type="Direct")
template(name="t" type="string" string="%timestamp:::date-rfc3339% %pri-text% %hostname% %app-name% %procid% %msgid% %structured-data% |%msg%|\n")
input(type="imptcp" port="$TCP" address="127.0.0.1" ruleset="tcp")
input(type="imptcp" port="$OLD" address="127.0.0.1" ruleset="old")
input(type="imtcp" port="$TLS" address="127.0.0.1" ruleset="secure")
input(type="imrelp" port="$RELP" address="127.0.0.1" ruleset="relp" maxDataSize="64k")
ruleset(name="tcp") { action(type="omfile" file="$T/tcp.txt" template="t") }
ruleset(name="old") { action(type="omfile" file="$T/old.txt" template="t") }
ruleset(name="secure") { action(type="omfile" file="$T/secure.txt" template="t") }
ruleset(name="relp") { action(type="omfile" file="$T/relp.txt" template="t") }
CONF
	wait_for 30 "rsyslogd" tcp_open "$RELP"
}
[ -n "$(find /usr/lib*/ -path '*rsyslog*' -name imrelp.so -print -quit)" ] || skip "needs rsyslog-relp"
[ -n "$(find /usr/lib*/ -path '*rsyslog*' -name lmnsd_gtls.so -print -quit)" ] || skip "needs rsyslog-gnutls"
start_peer
start_daemon

in_file() {
	grep -qF -- "$2" "$T/$1.txt"
}
printf '%s\n' '<165>1 2026-01-02T03:04:05.678901Z web1 app 42 ID7 [ex@32473 k="v"] by each way' \
    >"/dev/tcp/127.0.0.1/$IN"
text='2026-01-02T03:04:05.678901Z local4.notice web1 app 42 ID7 [ex@32473 k="v"] |by each way|'
for way in tcp secure relp; do
	wait_for "${PATIENCE:-60}" "$way" in_file $way "$text"
done
wait_for "${PATIENCE:-60}" "the old format" in_file old ' local4.notice web1 app 42 - - | by each way|'

# numbers that stand in the peer's file
numbers() {
	grep -ao 'number [0-9]* end' "$T/relp.txt" | cut -d' ' -f2
}
feed() {
	"$PY" - "$IN" "$1" "$2" <<'PYTHON'
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
for i in range(int(sys.argv[2]), int(sys.argv[3])):
    s.sendall(b"<13>1 - web1 flow - - - number %d end\n" % i)
s.close()
PYTHON
}
all_there() {
	numbers | sort -nu | cmp -s - <(seq 0 $((MESSAGES - 1)))
}
some() {
	[ "$(numbers | wc -l)" -ge "$1" ]
}
took() {
	[ "$(prometheus millrace_forward_messages_total 'forward="relp"' 'what="taken"')" -ge "$1" ]
}
q=$((MESSAGES / 4))
feed 0 $q
wait_for "${PATIENCE:-60}" "the beginning" some 100
stop_pid "$RSYSLOG_PID"
feed $q $((q * 2))			# nobody is there
start_peer
feed $((q * 2)) $((q * 3))
stop_pid "$RSYSLOG_PID"
feed $((q * 3)) "$MESSAGES"
wait_for "${PATIENCE:-60}" "all to come in" took $((MESSAGES + 1))
kill -KILL "$DAEMON"
wait "$DAEMON" 2>/dev/null
start_daemon
start_peer
within "${PATIENCE:-90}" all_there || fail "$(numbers | sort -u | wc -l) of $MESSAGES arrived"
say "$MESSAGES messages, $(($(numbers | wc -l) - MESSAGES)) twice"
# what was answered is not sent again, but for the latest batches
[ "$(numbers | wc -l)" -lt $((MESSAGES * 3 / 2)) ] || fail "too many twice"
stop_daemon
