#!/bin/bash
# kill -9 of a server in the middle of a run, several times: with a spool every
# line arrives, also those that were in its socket's buffers when it died; what
# was sent once more is the tail before each kill and nothing else.
# usage: killed-server-loses-nothing.sh [LINES [KILLS]]
. "$(dirname "$0")/lib.sh"
n=${1:-200000} kills=${2:-2}
start_sink server
write_conf <<YAML
clusters:
  graphite: {servers: ["127.0.0.1:$SINK"], spool: 1GiB}
YAML
start_daemon
start sender "$PY" -c '
import socket, sys, time
n, s = int(sys.argv[2]), socket.create_connection(("127.0.0.1", int(sys.argv[1])))
for i in range(1, n, 500):
    s.sendall(b"".join(b"seq.s%d %d 1700000000\n" % (k % 7, k) for k in range(i, min(i + 500, n + 1))))
    time.sleep(500 / 150000)
' "$GRAPHITE" "$n"
SENDER=$PID
distinct() {
	awk '/^seq\./ { print $2 }' server.txt | sort -un | wc -l
}
came() {
	[ "$(lines_in server.txt)" -ge "$1" ]
}
for ((k = 1; k <= kills; k++)); do
	# at work, then so far behind that its buffers are full
	wait_for 60 "lines before kill $k" came $((k * n / (kills + 3)))
	kill -STOP "$SINK_PID"
	sleep 0.7
	kill -KILL "$SINK_PID"
	wait "$SINK_PID" 2>/dev/null
	start_sink server "$SINK"
done
wait "$SENDER" || fail "the sender"
all() {
	[ "$(distinct)" -eq "$n" ]
}
within 60 all || fail "$(distinct) of $n lines arrived"
wait_for 20 "the ledger" ledger_closes metric graphite
[ "$(ledger metric graphite dropped)" = 0 ] || fail "some were dropped"
# the first of each line come in order
awk '/^seq\./ && !seen[$2]++ { if ($2 < last[$1]) bad++; last[$1] = $2 } END { exit bad > 0 }' \
    server.txt || fail "the order is not kept"
again=$(($(grep -c '^seq\.' server.txt) - n))
say "$n lines, $kills kills: none lost, $again came twice"
[ "$again" -le $((kills * 1500000)) ] || fail "$again lines came twice"
stop_daemon
