#!/bin/bash
# Endless lines, impossible octet counts, silent and slow clients, too many
# connections: each is bounded and counted, memory stays, others are served.
. "$(dirname "$0")/lib.sh"
start_sink graphite
write_conf <<YAML
clusters:
  graphite: {method: forward, servers: ["127.0.0.1:$SINK"]}
archives:
  logs: {dir: "$T/logs", flush_time: 100ms}
YAML
sed -i 's/^graphite:/&\n  limits: {max_connections: 40, idle: 2s}/; s/^syslog:/&\n  limits: {max_connections: 40, idle: 2s}/; s/^statsd:/&\n  limits: {max_connections: 40, idle: 2s}/' millrace.yaml
start_daemon
rss() {
	awk '/^VmRSS/ { print $2 }' "/proc/$DAEMON/status"
}
before=$(rss)
cat >hostile.py <<'PYTHON'
import socket, sys, time
statsd, graphite, syslog, resp = map(int, sys.argv[1:5])
def tcp(port):
    s = socket.create_connection(("127.0.0.1", port))
    s.settimeout(5)
    return s
def endless(port, first, byte, n):
    s = tcp(port)
    try:
        s.sendall(first)
        for _ in range(n):
            s.sendall(byte * 65536)
        s.shutdown(socket.SHUT_WR)
        while s.recv(65536):
            pass
    except OSError:
        pass            # it may hang up on us
    s.close()
for port in statsd, graphite, syslog:
    endless(port, b"", b"x", 400)
    endless(port, b"a:1|c", b"\0", 40)
endless(syslog, b"999999999999 <13>1 ", b"y", 400)
endless(syslog, b"4294967306 <13>1 ", b"y", 40)
endless(resp, b"*1000000\r\n", b"$1\r\nx\r\n", 40)
endless(resp, b"*3\r\n$9223372036854775808\r\n", b"z", 40)
endless(resp, b"*5\r\n$4\r\nXADD\r\n$1000000000\r\n", b"z", 400)
endless(resp, b"", b"z", 400)
# silence, and one byte a second: closed for idleness or kept within bounds
silent = [tcp(p) for p in (graphite, syslog)]
t = time.time()
for s in silent:
    s.settimeout(15)
    try:
        assert s.recv(1) == b"", "answered?"
    except ConnectionResetError:
        pass
assert time.time() - t < 14, "a silent connection stays open"
# more connections than may be: the ones past the limit are closed
crowd = [tcp(graphite) for _ in range(60)]
time.sleep(0.5)
closed = 0
for s in crowd:
    s.setblocking(False)
    try:
        if s.recv(1) == b"":
            closed += 1
    except BlockingIOError:
        pass
    except OSError:
        closed += 1
assert 15 <= closed <= 30, "of 60 connections %d were closed" % closed
for s in crowd:
    s.close()
PYTHON
"$PY" hostile.py "$STATSD" "$GRAPHITE" "$SYSLOG" "$RESP" >hostile.log 2>&1 ||
	fail "$(tail -1 hostile.log)"
kill -0 "$DAEMON" || fail "the daemon is gone"
after=$(rss)
[ $((after - before)) -lt 65536 ] || [ -n "${SANITIZED:-}" ] ||
	fail "memory grew from $before to $after KiB"
served() {
	printf 'still.here 1 1700000000\n' >"/dev/tcp/127.0.0.1/$GRAPHITE"
	grep -q '^still\.here ' graphite.txt
}
wait_for 10 "service for others" served
[ "$(ledger metric graphite dropped)" -gt 0 ] || fail "endless lines are not counted"
[ "$(ledger log syslog dropped)" -gt 0 ] || fail "bad frames are not counted"
stop_daemon
