#!/bin/bash
# Servers by name: all addresses of a name (useall), the targets of an SRV
# record, and a plain name; the name server changes its mind, and lines go to
# the new ones, without a reload, what waited for the old ones too.
. "$(dirname "$0")/lib.sh"
ports DNS GRAPHITE ADMIN PORT Sc Sd
cat >dns.py <<'PYTHON'
import socket, struct, sys
# names.txt: NAME TYPE VALUE..., read anew for each question
def names():
    for line in open("names.txt"):
        f = line.split()
        yield f[0], f[1], f[2:]
def text(name):
    return b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0"
TYPES = {1: "A", 28: "AAAA", 33: "SRV"}
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", int(sys.argv[1])))
print("ready", flush=True)
while True:
    q, who = s.recvfrom(4096)
    at, parts = 12, []
    while q[at]:
        parts.append(q[at + 1:at + 1 + q[at]].decode())
        at += q[at] + 1
    name, kind = ".".join(parts).lower(), struct.unpack("!H", q[at + 1:at + 3])[0]
    answers, known = [], False
    for n, t, v in names():
        if n == name:
            known = True
            if t == TYPES.get(kind):
                if t == "A":
                    d = socket.inet_aton(v[0])
                elif t == "AAAA":
                    d = socket.inet_pton(socket.AF_INET6, v[0])
                else:
                    d = struct.pack("!HHH", int(v[0]), 0, int(v[1])) + text(v[2])
                answers.append(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 1, len(d)) + d)
    head = q[:2] + struct.pack("!HHHHH", 0x8180 if known else 0x8183, 1, len(answers), 0, 0)
    s.sendto(head + q[12:at + 5] + b"".join(answers), who)
PYTHON
cat >sinks.py <<'PYTHON'
import selectors, socket, sys
sel = selectors.DefaultSelector()
for a in sys.argv[1:]:
    host, port = a.rsplit(":", 1)
    s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((host, int(port)))
    s.listen(16)
    sel.register(s, selectors.EVENT_READ, (open(host.replace(":", "") + "-" + port + ".txt", "ab", 0), None))
print("ready", flush=True)
while True:
    for key, _ in sel.select():
        out, conn = key.data
        if conn is None:
            c, _ = key.fileobj.accept()
            sel.register(c, selectors.EVENT_READ, (out, c))
            continue
        d = conn.recv(65536)
        if d:
            out.write(d)
        else:
            sel.unregister(conn)
            conn.close()
PYTHON
cat >names.txt <<NAMES
all.test A 127.0.0.1
all.test A 127.0.0.2
one.test A 127.0.0.4
_graphite._tcp.test SRV 10 $Sc b.test
_graphite._tcp.test SRV 20 $Sd spare.test
b.test A 127.0.0.5
spare.test A 127.0.0.6
NAMES
start dns "$PY" dns.py "$DNS"
start sinks "$PY" sinks.py "127.0.0.1:$PORT" "127.0.0.2:$PORT" "127.0.0.3:$PORT" "127.0.0.4:$PORT" \
    "127.0.0.5:$Sc" "127.0.0.6:$Sd" "127.0.0.7:$PORT"
wait_for 10 "the name server" grep -q ready dns.log
wait_for 10 "the sinks" grep -q ready sinks.log
cat >millrace.yaml <<YAML
state_dir: $T/state
workers: 1
dns: {server: "127.0.0.1:$DNS", interval: 1s}
graphite: {listen: ["tcp://127.0.0.1:$GRAPHITE"]}
admin: {listen: http://127.0.0.1:$ADMIN}
clusters:
  every: {method: forward, useall: true, servers: ["all.test:$PORT"]}
  service: {method: carbon_ch, servers: ["_graphite._tcp.test"]}
  plain: {method: forward, servers: ["one.test:$PORT"]}
YAML
start_daemon
feed() {	# NAME: a hundred lines
	local i
	for i in $(seq 100); do echo "$1.n$i $i 1700000000"; done >"/dev/tcp/127.0.0.1/$GRAPHITE"
}
got() {		# ADDRESS PORT NAME COUNT
	[ "$(grep -c "^$3\." "$1-$2.txt")" = "$4" ]
}
feed first
wait_for 20 "the first address" got 127.0.0.1 "$PORT" first 100
wait_for 20 "the second one" got 127.0.0.2 "$PORT" first 100
wait_for 20 "the target of the service" got 127.0.0.5 "$Sc" first 100
wait_for 20 "the plain name" got 127.0.0.4 "$PORT" first 100
[ ! -s "127.0.0.6-$Sd.txt" ] || fail "the spare target has a worse priority"

# others now
cat >names.new <<NAMES
all.test A 127.0.0.2
all.test A 127.0.0.3
one.test A 127.0.0.7
_graphite._tcp.test SRV 20 $Sd spare.test
spare.test A 127.0.0.6
NAMES
mv names.new names.txt
sinks() {
	page /api/ledger | jq -r '.sinks | keys[]'
}
followed() {
	sinks | seen -x "every/127.0.0.3:$PORT" && sinks | seen -x "service/spare.test:$Sd"
}
wait_for 30 "the new servers" followed
moved() {
	feed other
	got 127.0.0.3 "$PORT" other 0 || return 0
	return 1
}
wait_for 30 "the new plan" moved
: >127.0.0.1-"$PORT".txt
feed second
wait_for 20 "the new address" got 127.0.0.3 "$PORT" second 100
wait_for 20 "the one that stayed" got 127.0.0.2 "$PORT" second 100
wait_for 20 "the new target" got 127.0.0.6 "$Sd" second 100
got 127.0.0.1 "$PORT" second 0 || fail "the address that is gone still gets lines"
# a plain name is looked at again while its connection is up
plain() {
	feed third
	! got 127.0.0.7 "$PORT" third 0
}
wait_for 30 "the plain name's new address" plain
[ "$(prometheus millrace_reloads_total 'result="ok"')" = 0 ] || fail "it was reloaded"

# nobody knows the names any more: all stays
: >names.txt
sleep 2.5
feed fourth
wait_for 20 "what is known holds" got 127.0.0.3 "$PORT" fourth 100
wait_for 20 "for services too" got 127.0.0.6 "$Sd" fourth 100
wait_for 10 "the ledger" ledger_closes metric graphite
stop_daemon
