#!/bin/bash
# The repeater's job: samples go on to other statsd servers as they came, by UDP
# and by TCP, while they are added up here as well; a server that goes away in
# between is not told anything twice; and the books close.
. "$(dirname "$0")/lib.sh"
need jq curl
ports UDP_SINK ADMIN STATSD MGMT
start_sink graphite
GRAPHITE_SINK=$SINK
start_sink repeated
TCP_SINK=$SINK
TCP_SINK_PID=$SINK_PID
cat >udp.py <<'PY'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
s.bind(("127.0.0.1", int(sys.argv[1])))
print("listening", flush=True)
out = open("datagrams.txt", "ab", buffering=0)
while True:
    d = s.recv(65536)
    if len(d) > 1400 and d.count(b"\n") > 1:
        print("too long: %d" % len(d), flush=True)
    out.write(d)
PY
start udp "$PY" udp.py "$UDP_SINK"
wait_for 20 "the datagram sink" grep -q listening udp.log
cat >millrace.yaml <<YAML
state_dir: $T/state
workers: 1
statsd: {listen: ["udp://127.0.0.1:$STATSD"], management: ""}
admin: {listen: "http://127.0.0.1:$ADMIN"}
flush: {interval: 1s, delete_idle: true}
clusters:
  graphite: {servers: ["127.0.0.1:$GRAPHITE_SINK"]}
  datagrams: {servers: [{host: 127.0.0.1, port: $UDP_SINK, protocol: statsd, transport: udp}]}
  stream: {servers: [{host: 127.0.0.1, port: $TCP_SINK, protocol: statsd}]}
rules:
  - {name: noise, when: 'kind == metric && name =~ "^noise"', drop: true}
  - {name: old, when: 'kind == metric && name =~ "^old\\.(.+)$"', rewrite: "new.\$1"}
  - {name: only, when: 'kind == metric && name =~ "^only"', to: [stream]}
YAML
start_daemon
send() {
	printf "$1" >"/dev/udp/127.0.0.1/$STATSD"
}
send 'c.a:3|c|@0.5\nnoise.x:1|c\nold.b:1|g|#k:v\nonly.s:me|s\ng: -4|g\nt:1|ms:2|ms\n'
expected='c.a:3|c|@0.5
g: -4|g
new.b:1|g|#k:v
t:1|ms
t:2|ms'
has() {
	[ "$(sort -u "$1")" = "$2" ]
}
wait_for 20 "the datagrams" has datagrams.txt "$expected"
wait_for 20 "the stream" has repeated.txt "$(printf '%s\nonly.s:me|s' "$expected" | sort)"
wait_for 20 "the figures" grep -q '^stats_counts.c.a 6 ' graphite.txt
wait_for 20 "a renamed gauge" grep -q '^stats.gauges.new.b;k=v 1 ' graphite.txt
grep -q 'only' graphite.txt && fail "what is for the stream only was added up"
wait_for 20 "closed books" ledger_closes metric statsd
# 7 samples: one dropped by a rule, the rest delivered, each once
wait_for 20 "7 samples" ledger_is metric statsd received 7
wait_for 20 "one dropped" ledger_is metric statsd dropped.rule 1
wait_for 20 "6 delivered" ledger_is metric statsd delivered 6

# The stream's server is away for a while: what it is sent then arrives once.
stop_pid "$TCP_SINK_PID"
for i in $(seq 200); do
	send "only.$i:1|c\n"
done
start_sink repeated "$TCP_SINK"
# the first lines may be lost with the connection that nobody reads any more
wait_for 60 "what was sent meanwhile" grep -q '^only.200:1|c$' repeated.txt
[ -z "$(grep '^only\.[0-9]' repeated.txt | sort | uniq -d)" ] || fail "twice: $(sort repeated.txt | uniq -d)"
wait_for 20 "closed books" ledger_closes metric statsd

# Many at once go in few datagrams.
: >datagrams.txt
for i in $(seq 20); do
	printf 'many.%d:1|c\n' $(seq $((i * 100)) $((i * 100 + 99))) >"/dev/udp/127.0.0.1/$STATSD"
done
many() {
	[ "$(grep -c '^many' datagrams.txt)" = 2000 ]
}
wait_for 20 "2000 lines" many
grep -q 'too long' udp.log && fail "$(cat udp.log)"
stop_daemon

# The same by a file of statsd's.
cat >config.js <<JS
{ graphiteHost: '127.0.0.1', graphitePort: $GRAPHITE_SINK, port: $STATSD, mgmt_port: $MGMT,
  address: '127.0.0.1', mgmt_address: '127.0.0.1', flushInterval: 500,
  backends: ['./backends/graphite', './backends/repeater'],
  repeater: [{host: '127.0.0.1', port: $UDP_SINK}], repeaterProtocol: 'udp4' }
JS
start js "$MILLRACE" --statsd-config config.js
DAEMON=$PID
wait_for 20 "the words" grep -q 'server is up' js.log
send 'by.js:2|h|@0.1\n'
wait_for 20 "the repeated line" grep -qxF 'by.js:2|h|@0.1' datagrams.txt
wait_for 20 "the figure" grep -q '^stats_counts.by.js 20 ' graphite.txt
stop_daemon
