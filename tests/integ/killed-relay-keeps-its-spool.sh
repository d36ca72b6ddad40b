#!/bin/bash
# kill -9 of millrace in the middle of a run, its server away: what was on disk
# is sent by the next process, without a hole and none twice; what was lost is
# the tail that had not come to the disk yet, and it is said how much that was.
# usage: killed-relay-keeps-its-spool.sh [LINES [KILLS]]
. "$(dirname "$0")/lib.sh"
n=${1:-200000} kills=${2:-2}
start_sink server
stop_pid "$SINK_PID"
write_conf <<YAML
clusters:
  graphite: {servers: ["127.0.0.1:$SINK"], spool: 1GiB}
YAML
cat >sender.py <<'PYTHON'
import socket, sys, time
port, first, n = map(int, sys.argv[1:4])
s = socket.create_connection(("127.0.0.1", port))
sent = 0
try:
    for i in range(first, first + n, 500):
        s.sendall(b"".join(b"seq.s %d 1700000000\n" % k for k in range(i, i + 500)))
        time.sleep(500 / 150000)
except OSError:
    pass
PYTHON
before=0
for ((k = 1; k <= kills; k++)); do
	start_daemon
	start sender "$PY" sender.py "$GRAPHITE" $((k * 10000000 + 1)) "$n"
	SENDER=$PID
	wait_for 60 "lines received" ledger_atleast metric graphite received $((n / 2))
	before=$(ledger metric graphite received)
	kill -KILL "$DAEMON"
	wait "$DAEMON" "$SENDER" 2>/dev/null
done
start_daemon
start_sink server "$SINK"
empty() {
	[ "$(ledger metric graphite queued)" -eq 0 ] && [ "$(ledger metric internal queued)" -eq 0 ] &&
	    [ -z "$(find "$T/state/spool" -name '*.spool')" ]
}
wait_for 60 "the spool to be empty" empty
stop_daemon
awk -v kills="$kills" '/^seq\./ { k = int($2 / 10000000); i = $2 % 10000000
	if (i != n[k] + 1) { print "after line " n[k] " of run " k " comes " i; bad = 1; exit }
	n[k] = i }
    END { for (k = 1; k <= kills; k++) if (n[k] < 1) bad = 1
	printf "lines on disk when it was killed:"; for (k = 1; k <= kills; k++) printf " %d", n[k]; print ""
	exit bad }' server.txt >told.txt || { cat told.txt >&2; fail "a hole, or lines twice"; }
say "$(cat told.txt); received before the last kill, at least: $before"
