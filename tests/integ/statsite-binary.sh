#!/bin/bash
# statsite's binary messages on the StatsD ports, over UDP and, cut anywhere,
# over TCP, beside clients that send lines; what cannot be read ends its stream.
. "$(dirname "$0")/lib.sh"
start_sink graphite
write_conf <<YAML
clusters:
  graphite: {method: forward, servers: ["127.0.0.1:$SINK"]}
YAML
start_daemon
"$PY" - "$STATSD" <<'PYTHON'
import socket, struct, sys, time
to = ("127.0.0.1", int(sys.argv[1]))
def num(kind, key, value):
    return struct.pack("<BBHd", 0xaa, kind, len(key) + 1, value) + key + b"\0"
def member(key, m):
    return struct.pack("<BBHH", 0xaa, 4, len(key) + 1, len(m) + 1) + key + b"\0" + m + b"\0"
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.sendto(num(2, b"bin.count", 3) + num(2, b"bin.count", 4) + num(5, b"bin.gauge", 10) +
           num(6, b"bin.gauge", -3) + num(3, b"bin.time", 20) + member(b"bin.set", b"a\nb") +
           member(b"bin.set", b"c") + num(1, b"bin.kv", 5), to)
udp.sendto(num(2, b"bin.cut", 1)[:-3], to)
udp.sendto(b"lines.count:1|c", to)
tcp = socket.create_connection(to)
tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
for byte in num(2, b"tcp.count", 1) + num(3, b"tcp.time", 7):
    tcp.sendall(bytes([byte])); time.sleep(0.002)
bad = socket.create_connection(to)
bad.sendall(num(2, b"tcp.before", 1) + b"\xaa\x09rubbish")
assert bad.recv(1) == b""
tcp.close()
PYTHON
for want in 'stats_counts\.bin\.count 7' 'stats\.gauges\.bin\.gauge 7' 'stats\.timers\.bin\.time\.sum 20' \
    'stats\.sets\.bin\.set\.count 2' 'stats\.kv\.bin\.kv 5' 'stats_counts\.lines\.count 1' \
    'stats_counts\.tcp\.count 1' 'stats\.timers\.tcp\.time\.sum 7' 'stats_counts\.tcp\.before 1'; do
	wait_for 10 "$want" grep -q "^$want " graphite.txt
done
grep -q 'bin\.cut' graphite.txt && fail "half a message was taken"
ledger_is metric statsd dropped.truncated 1 || fail "truncated: $(page /api/ledger)"
ledger_closes metric statsd || fail "the ledger does not close"
stop_daemon
