#!/bin/bash
# With no file at all the daemon runs on its own: figures on the admin page,
# events and logs below ./millrace-data.  In a network of its own, because the
# default ports are what is tested.
self=$(realpath "$0")
. "$(dirname "$0")/lib.sh"
need unshare ip
if [ "${INSIDE:-}" != 1 ]; then
	unshare -n true 2>/dev/null || skip "no network namespaces here"
	INSIDE=1 unshare -n bash "$self" || exit
	exit 0
fi
ip link set lo up || skip "no loopback in here"
ADMIN=8127
start millrace "$MILLRACE"
DAEMON=$PID
wait_for 20 "ready" page_ok /readyz
echo 'a.b:3|c' | nc -u -q0 127.0.0.1 8125
printf 'host1.cpu 0.25 %d\n' "$(date +%s)" | nc -N -w2 127.0.0.1 2003
logger -n 127.0.0.1 -P 5514 -d -t hello 'hello there'
id=$("$MILLRACE" send event orders msg=hello) || fail "send event: $?"
[[ $id =~ ^[0-9]+-[0-9]+$ ]] || fail "the id is '$id'"
wait_for 10 "the counter" ledger_is metric statsd received 1
wait_for 10 "the line" ledger_is metric graphite received 1
wait_for 10 "the log" logs_have millrace-data 'hello there'
wait_for 10 "the event" ledger_is event resp received 1
# the commands look where the daemon keeps things
"$MILLRACE" grep 'hello there' | seen 'hello there' || fail "grep without a directory"
"$MILLRACE" journal cat | seen "$id" || fail "journal without a directory"
"$MILLRACE" journal cat ./millrace-data/journal | seen "$id" || fail "journal with one"
stop_daemon
