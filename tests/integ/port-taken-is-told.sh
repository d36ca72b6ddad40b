#!/bin/bash
# A taken port: a message that names it and what to do, and status 71 or 78.
. "$(dirname "$0")/lib.sh"
write_conf </dev/null
start holder "$PY" -c "
import socket, time
s = socket.socket(); s.bind(('127.0.0.1', $GRAPHITE)); s.listen(1)
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('127.0.0.1', $STATSD))
time.sleep(600)"
wait_for 10 "the holder" tcp_open "$GRAPHITE"
taken() {	# WORD
	timeout 20 "$MILLRACE" -c millrace.yaml >taken.log 2>&1
	rc=$?
	[ $rc -eq 71 ] || [ $rc -eq 78 ] || fail "status $rc"
	grep -qi "$1" taken.log || fail "the message does not name $1"
	grep -qiE 'in use|taken' taken.log || fail "the message does not say why"
}
taken "$STATSD"
sed -i "/^statsd:/,/management/d" millrace.yaml
taken "$GRAPHITE"
