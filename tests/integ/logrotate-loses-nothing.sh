#!/bin/bash
# A real logrotate renames the open files, with SIGUSR1 and without, again and
# again while numbered messages flow: each number is in the files once, and what
# comes later is in files of the old name.
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin
need logrotate
write_conf <<YAML
archives:
  logs: {dir: "$T/logs", file: "{host}/{app}.log", rotate: 0, rotate_size: 0, flush_time: 20ms}
YAML
start_daemon
how='kill -USR1 '$DAEMON
rotate() {
	cat >"$T/rotate.conf" <<CONF
$T/logs/*/*.log {
    size 1
    rotate 1000
    missingok
    nocreate
    sharedscripts
    postrotate
        $how
    endscript
}
CONF
	logrotate -f -s "$T/rotate.state" "$T/rotate.conf" >"$T/rotate.log" 2>&1 ||
		fail "logrotate: $(cat "$T/rotate.log")"
}
# the parent of a file must not be writable by others, or logrotate refuses it
chmod 700 "$T"
cat >send.py <<'PYTHON'
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
for i in range(int(sys.argv[2]), int(sys.argv[3])):
    s.sendall(b"<13>1 - web%d app - - - number=%d.\n" % (i % 3, i))
s.close()
PYTHON
have() {
	[ "$(find "$T/logs" -type f -exec cat {} + 2>/dev/null | wc -l)" -ge "$1" ]
}
n=0
for round in 1 2 3 4 5 6; do
	start "send$round" "$PY" send.py "$SYSLOG" $n $((n + 5000))
	wait_for 30 "some lines" have $((n + 1000))
	[ $round -lt 4 ] || how=true	# it is noticed without a signal, too
	rotate
	n=$((n + 5000))
	wait_for 30 "all lines" have $n
done
[ "$(find "$T/logs" -name '*.log.[1-9]' | wc -l)" -ge 15 ] || fail "little was rotated"
"$PY" send.py "$SYSLOG" $n $((n + 3))
n=$((n + 3))
wait_for 30 "the last lines" have $n
for host in web0 web1 web2; do
	[ -s "$T/logs/$host/app.log" ] || fail "no new file of $host"
done
find "$T/logs" -type f -exec cat {} + | grep -o 'number=[0-9]*\.' | tr -dc '0-9\n' | sort -n >got
seq 0 $((n - 1)) | cmp - got || fail "not each number once"
stop_daemon
