#!/bin/bash
# A second daemon on the same ports must not share them silently (SO_REUSEPORT
# would let it), nor touch the first one's state.
. "$(dirname "$0")/lib.sh"
write_conf </dev/null
start_daemon
timeout 20 "$MILLRACE" -c millrace.yaml >second.log 2>&1
rc=$?
[ $rc -eq 71 ] || [ $rc -eq 78 ] || fail "status $rc"
grep -qiE 'in use|taken|another|lock' second.log || fail "no reason given"
page_ok /readyz || fail "the first one suffered"
echo 'a:1|c' >"/dev/udp/127.0.0.1/$STATSD"
wait_for 5 "service" ledger_is metric statsd received 1
stop_daemon
