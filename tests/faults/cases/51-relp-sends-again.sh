#!/bin/bash
# rsyslog's RELP client is cut off and sends again what has no answer: all is
# there, at the least once (RELP has no names for what comes twice).
. "$(dirname "$0")/../lib.sh"
need rsyslogd
redis_everysec
conf
sed -i "s|\"resp://127.0.0.1:$RESP\"|\"resp://127.0.0.1:$RESP\", \"relp://127.0.0.1:$RELP\"|" \
    "$T/millrace.yaml"
start millrace "$MILLRACE" -c "$T/millrace.yaml"
DAEMON=$PID
within 60 ready_or_dead
! grep -qa 'cannot listen like that' "$T/millrace.log" || skip "no RELP door for events"
proxy wire "$RELP"
start_rsyslog sender <<CONF
module(load="omrelp")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="$T/in.sock" RateLimit.Interval="0")
global(workDirectory="$T")
action(type="omrelp" target="127.0.0.1" port="$PROXY" timeout="5" action.resumeRetryCount="-1"
    action.resumeInterval="1" queue.type="LinkedList" queue.size="100000")
CONF
wait_for 20 "rsyslog" test -S "$T/in.sock"
for ((i = 1; i <= 2000; i++)); do echo "number $i."; done >"$T/lines"
head -700 "$T/lines" | logger -u "$T/in.sock" -t orders --socket-errors=on
wire wire cut 2000
sleep 1
wire wire pass
sed -n '701,1400p' "$T/lines" | logger -u "$T/in.sock" -t orders
kill_it "$DAEMON"
start_daemon
sed -n '1401,$p' "$T/lines" | logger -u "$T/in.sock" -t orders
keys() { redis --scan; }
all_numbers() {
	local k
	for k in $(redis --scan); do redis xrange "$k" - +; done |
	    grep -ao 'number [0-9]*\.' | sort -u >"$T/have"
	[ "$(wc -l <"$T/have")" = 2000 ]
}
wait_for 60 "2000 lines" all_numbers
stop_daemon
