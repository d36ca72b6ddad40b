#!/bin/bash
# rsyslogd's omrelp, unmodified, sends to an events listener: each message is an
# event in the real Redis stream, once and in order, also when the daemon is
# killed meanwhile (then a message may come twice, but none is missing), and
# producers that number their messages have each of them once.
. "$(dirname "$0")/lib.sh"
need logger
start_redis
ports STATSD GRAPHITE PICKLE SYSLOG RELP RESP ADMIN EVRELP INPUT
write_conf <<YAML
streams:
  events: {redis: "redis://127.0.0.1:$REDIS/0", key: "ev:{stream}"}
YAML
export EVENTS_MORE='  relp_stream: "log.{app}"'
event_doors "relp://127.0.0.1:$EVRELP"
start_daemon
mkdir "$T/spool"
start_rsyslog rsyslog <<CONF
global(workDirectory="$T/spool")
module(load="imtcp")
module(load="omrelp")
input(type="imtcp" port="$INPUT" address="127.0.0.1")
*.* action(type="omrelp" target="127.0.0.1" port="$EVRELP" template="RSYSLOG_SyslogProtocol23Format"
    action.resumeRetryCount="-1" action.resumeInterval="1")
CONF
wait_for 60 "rsyslogd" tcp_open "$INPUT"
length_is() {
	[ "$(redis xlen "ev:$1")" = "$2" ]
}
length_atleast() {
	[ "$(redis xlen "ev:$1")" -ge "$2" ]
}
for i in {1..500}; do echo "<14>1 2026-08-22T14:00:00.5Z web1 shop 7 ID4 - order $i"; done >"$T/lines"
cat "$T/lines" >"/dev/tcp/127.0.0.1/$INPUT"
wait_for 60 "500 messages" length_is log.shop 500
redis --raw xrange ev:log.shop - + | grep -E '^order [0-9]+$' | awk '$2 != ++n { exit 1 } END { exit n != 500 }' ||
	fail "they are not in order, once each"
redis --raw xrange ev:log.shop - + COUNT 1 | tail -n +2 | paste -sd'|' >"$T/first"
[ "$(cat "$T/first")" = 'host|web1|app|shop|procid|7|msgid|ID4|facility|user|severity|info|time|2026-08-22T14:00:00.500Z|body|order 1' ] ||
	fail "the first: $(cat "$T/first")"

# killed while it receives; rsyslogd sends again what was not answered
for i in {1..3000}; do
	echo "<14>1 2026-08-22T14:00:00Z web1 till - - [evt@32473 pid=\"till-4\" iid=\"$i\"] sale $i"
done >"$T/lines"
cat "$T/lines" >"/dev/tcp/127.0.0.1/$INPUT" &
FEED=$!
wait_for 60 "some sales" length_atleast log.till 20
kill -KILL "$DAEMON"
wait "$DAEMON" 2>/dev/null
start_daemon
wait $FEED
wait_for 120 "all sales" length_is log.till 3000
redis --raw xrange ev:log.till - + | grep -E '^sale [0-9]+$' | sort -u | wc -l | seen -x 3000 ||
	fail "a sale is missing or doubled"

# a number out of turn ends the session without an answer, and stores nothing
"$PY" - "$EVRELP" <<'PYTHON' || fail "numbers out of turn"
import socket, sys
def session(*frames):
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=60)
    s.sendall(b"1 open 50 relp_version=0\nrelp_software=x,1,y\ncommands=syslog\n")
    assert s.recv(4096).startswith(b"1 rsp ")
    s.sendall(b"".join(frames))
    got = b""
    try:
        while True:
            d = s.recv(4096)
            if not d: break
            got += d
    except ConnectionError:
        pass
    return got
m = lambda n, t: b"%d syslog %d %s\n" % (n, len(t), t)
assert b"rsp" not in session(m(3, b"<14>out: of turn")), "3 after 1"
assert b"rsp" not in session(m(1, b"<14>out: of turn")), "1 again"
assert b"rsp" not in session(b"2 syslog 99999999999 x\n"), "a length too long"
assert b"rsp" not in session(b"x syslog 1 x\n"), "no number"
got = session(m(2, b"<14>turn: a"), m(3, b"<14>turn: b"), b"4 close 0\n")
assert got.startswith(b"2 rsp 6 200 OK\n3 rsp 6 200 OK\n4 rsp 0"), got
PYTHON
wait_for 20 "those in turn" length_is log.turn 2
[ "$(redis exists ev:log.out)" = 0 ] || fail "one out of turn is stored"
ledger_closes event relp || fail "the ledger does not close"
stop_daemon
