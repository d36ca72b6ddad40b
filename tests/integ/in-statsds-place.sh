#!/bin/bash
# millrace --statsd-config config.js is what `statsd config.js` was: the words
# that others wait for, its ports, a connection per flush, the file read again
# when it changes, and a broken file does not end it.
. "$(dirname "$0")/lib.sh"
need nc
ports CARBON STATSD MGMT
# js OPTION... - a config.js with these behind the ones it needs
js() {
	cat <<JS
// by hand
{
  graphiteHost: "127.0.0.1",
  graphitePort: $CARBON,
  address: '127.0.0.1', port: $STATSD, server: './servers/udp',
  mgmt_address: '127.0.0.1', mgmt_port: $MGMT,
  flushInterval: 200,
  deleteIdleStats: true,
  $*
}
JS
}

# A carbon that counts connections: each one's lines go to a file of its own.
cat >carbon.py <<'PY'
import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen(64)
n = 0
while True:
    c, _ = s.accept()
    n += 1
    data = b""
    while chunk := c.recv(65536):
        data += chunk
    with open("lines.txt", "ab") as f:      # only what came before its FIN
        f.write(data)
    with open("connections", "w") as f:
        f.write(str(n))
PY
start carbon "$PY" carbon.py "$CARBON"
wait_for 10 "carbon" tcp_open "$CARBON"

js >config.js
HOME=$T start millrace "$MILLRACE" --statsd-config config.js
DAEMON=$PID
wait_for 20 "the words" grep -q 'server is up' millrace.log
grep -qE '^[0-9]{1,2} [A-Z][a-z]{2} [0-9:]{8} - server is up INFO$' millrace.log ||
	fail "other words: $(grep 'server is up' millrace.log)"
[ -e .local ] && fail "something is kept: $(find .local)"

send() {
	printf '%s' "$1" >"/dev/udp/127.0.0.1/$STATSD"
}
send 'clicks:3|c'
wait_for 10 "the count" grep -q '^stats_counts.clicks 3 ' lines.txt
grep -q '^stats.clicks 15 ' lines.txt || fail "no rate: $(grep clicks lines.txt)"
grep -q '^statsd.numStats ' lines.txt || fail "no numStats"
first=$(cat connections)
more() {
	[ "$(cat connections)" -ge $((first + 3)) ]
}
wait_for 10 "a connection for each flush" more
mgmt() {
	printf '%s\n' "$1" | nc -N -w2 127.0.0.1 "$MGMT"
}
[ "$(mgmt health | head -1)" = "health: up" ] || fail "health: $(mgmt health)"
mgmt stats | grep -q '^END$' || fail "stats: $(mgmt stats)"

# it is read again by itself: names change
js "prefixStats: 'renamed'," >config.js
wait_for 15 "the new name" grep -q '^renamed.numStats ' lines.txt
# and if it is broken, the old one stays
reloads() {
	grep -c 'reading config.js again' millrace.log
}
before=$(reloads)
js "nonsense(1)," >config.js
again() {
	[ "$(reloads)" -gt "$before" ]
}
wait_for 15 "another try" again
grep -q 'config.js:9:' millrace.log || fail "no place of the fault"
: >lines.txt
wait_for 10 "the old one at work" grep -q '^renamed.numStats ' lines.txt
# editors that replace the file are noticed too, every time
for name in third fourth; do
	js "prefixStats: '$name'," >replaced.js
	mv replaced.js config.js
	wait_for 15 "$name" grep -q "^$name.numStats " lines.txt
done
# the management port moves, and its connections stay
ports MGMT2
exec 5<>"/dev/tcp/127.0.0.1/$MGMT"
js "prefixStats: 'moved', mgmt_port: $MGMT2," >config.js
wait_for 15 "the new names" grep -q '^moved.numStats ' lines.txt
OLD=$MGMT MGMT=$MGMT2
answers() {
	[ "$(mgmt health | head -1)" = "health: up" ]
}
wait_for 15 "the new management port" answers
tcp_open "$OLD" && fail "the old management port is open still"
printf 'health\n' >&5
read -r -t 10 answer <&5
[ "$answer" = "health: up" ] || fail "a connection from before is gone: $answer"
printf 'quit\n' >&5
wait_for 10 "its end" eval '! read -r -t 5 answer <&5'
exec 5>&-
send 'last:7|c'
sleep 0.05
stop_daemon
wait_for 5 "the last interval" grep -q '^stats_counts.last 7 ' lines.txt

# the automatic reload can be refused, and a broken file is told at the start
js "automaticConfigReload: false," >config.js
HOME=$T start millrace2 "$MILLRACE" --statsd-config config.js
DAEMON=$PID
wait_for 20 "the words" grep -q 'server is up' millrace2.log
js "automaticConfigReload: false, prefixStats: 'fifth'," >config.js
sleep 3
grep -q 'reading config.js' millrace2.log && fail "it was read again"
stop_daemon
echo '{ port: ' >bad.js
"$MILLRACE" --statsd-config bad.js 2>err
[ $? = 78 ] || fail "a broken file is not 78"
grep -q '^bad.js:2:1: expected a value' err || fail "$(cat err)"

# the console backend, where standard output is a socket, as systemd's is
js "backends: ['./backends/console']," >config.js
"$PY" - "$MILLRACE" <<'PYTHON' 2>console.log || fail "the console backend: $(cat console.log)"
import socket, subprocess, sys
ours, its = socket.socketpair()
p = subprocess.Popen([sys.argv[1], "--statsd-config", "config.js"], stdout=its, stderr=2)
its.close()
ours.settimeout(20)
got = b""
while b"\nstats.statsd.packets_received " not in got:
    more = ours.recv(65536)
    assert more, got
    got += more
assert b"server is up" in got, got
p.terminate()
while ours.recv(65536): pass
assert p.wait() == 0
PYTHON
