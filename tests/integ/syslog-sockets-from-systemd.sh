#!/bin/bash
# Sockets that systemd opened: TCP, and a datagram socket as journald forwards
# to (/run/systemd/journal/syslog), with what journald writes there.
. "$(dirname "$0")/lib.sh"
need systemd-socket-activate logger
ports TCP ADMIN
cat >"$T/millrace.yaml" <<YAML
state_dir: $T/state
workers: 2
syslog:
  listen: ["tcp://127.0.0.1:$TCP", "unixgram://$T/journal.sock"]
admin:
  listen: http://127.0.0.1:$ADMIN
archives:
  logs: {dir: "$T/logs", file: "{app}.log", format: json, flush_time: 50ms}
YAML
# one kind of socket at a time is all that it can open; it hands them over at
# the first that comes
start activate systemd-socket-activate -d -l "$T/journal.sock" \
    "$MILLRACE" -c "$T/millrace.yaml"
DAEMON=$PID
is_there() { [ -S "$T/journal.sock" ]; }
wait_for 20 "the socket" is_there
ino=$(stat -c %i "$T/journal.sock")
"$PY" - "$T/journal.sock" <<'PYTHON'
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(sys.argv[1])
s.send(b"<30>Nov 22 10:15:38 systemd[1]: Started something.")
s.send(b"<38>Nov 22 10:15:39 sshd[812]: two\n lines")
PYTHON
wait_for 30 "the daemon" page_ok /readyz
has() {
	jq -se "any(.[]; $2)" "$T/logs/$1.log"
}
wait_for 30 "the first, which woke it" has systemd '.body == "Started something." and .procid == "1" and .facility == "daemon"'
wait_for 30 "lines in it" has sshd '.body == "two\n lines" and .severity == "info" and .facility == "auth"'
[ "$(stat -c %i "$T/journal.sock")" = "$ino" ] || fail "it made a socket of its own"
logger -n 127.0.0.1 -P "$TCP" -T -t tcpapp 'by a socket of its own'
wait_for 30 "TCP" has tcpapp '.body == "by a socket of its own"'
stop_daemon
[ -S "$T/journal.sock" ] || fail "it removed a socket that is systemd's"
