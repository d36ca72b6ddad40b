#!/bin/bash
# A name that is an IPv6 and an IPv4 address, as "localhost" is, where only one
# of them listens: streams try both, datagrams go to IPv4.  In a mount namespace
# of its own, whose /etc/hosts says so.
self=$(realpath "$0")
. "$(dirname "$0")/lib.sh"
need unshare
if [ "${INSIDE:-}" != 1 ]; then
	unshare -m true 2>/dev/null || skip "no mount namespaces here"
	INSIDE=1 unshare -m bash "$self"
	exit
fi
printf '127.0.0.1 localhost both.test\n::1 localhost both.test\n' >hosts
mount --bind hosts /etc/hosts 2>/dev/null || skip "nothing can be mounted here"
[ "$(getent ahosts both.test | awk '{ print $1 }' | sort -u | wc -l)" = 2 ] || skip "no IPv6 here"
start_sink logs
LOGS=$SINK
start_sink graphite
ports SAMPLES HEALTH
cat >udp.py <<'PYTHON'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", int(sys.argv[1])))
while True:
    with open("samples.txt", "ab") as f:
        f.write(s.recv(65536) + b"\n")
PYTHON
cat >health.py <<'PYTHON'
import socket, sys
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    c, _ = s.accept()
    c.recv(100)
    c.sendall(b"health: up\n")
    open("asked", "w").close()
    c.close()
PYTHON
start udp "$PY" udp.py "$SAMPLES"
start health "$PY" health.py "$HEALTH"
write_conf <<YAML
clusters:
  graphite: {servers: ["both.test:$SINK"]}
  nodes:
    method: statsd_ring
    check_interval: 1s
    servers: [{host: both.test, port: $SAMPLES, protocol: statsd, transport: udp, admin_port: $HEALTH}]
streams:
  s: {}
forwards:
  central: {to: "tcp://both.test:$LOGS", framing: lines}
YAML
start_daemon
"$MILLRACE" send log 'over both' --to "tcp://both.test:$SYSLOG" || fail "send log by TCP"
"$MILLRACE" send metric both.hits 1 --to "udp://both.test:$STATSD" || fail "send metric by UDP"
id=$("$MILLRACE" send event orders id=7 --to "resp://both.test:$RESP") || fail "send event"
[ -n "$id" ] || fail "no id"
wait_for 15 "the log" grep -q 'over both' logs.txt
wait_for 15 "the figure" grep -q '^stats_counts\.both\.hits 1 ' graphite.txt
again() {
	echo 'both.sample:1|c' >"/dev/udp/127.0.0.1/$STATSD"
	grep -q '^both\.sample:1|c' samples.txt
}
wait_for 15 "the node's health to be asked" [ -e asked ]
wait_for 15 "a sample" again
grep -q 'health: .*its names go to others' millrace.log && fail "a node that is up was taken for down"
stop_daemon
