#!/bin/bash
# Who means harm, or is broken, at the event doors: malformed RESP, lengths that
# lie, commands that are too large, replies that nobody reads, passwords tried at
# speed, HTTP that two servers could understand in two ways, requests that never
# end.  Each is answered as it should be, nothing of it is stored, memory stays
# bounded, and others are served all the while.
. "$(dirname "$0")/lib.sh"
start_redis
ports STATSD GRAPHITE PICKLE SYSLOG RELP RESP ADMIN HTTP KEYED KEYHTTP
write_conf <<YAML
streams:
  events: {redis: "redis://127.0.0.1:$REDIS/0", key: "ev:{stream}"}
rules:
  - {name: nowhere, when: 'kind == event && stream == "lost"', to: []}
YAML
event_doors "http://127.0.0.1:$HTTP"
start_daemon

cat >"$T/hostile.py" <<'PYTHON'
import re, socket, sys, time
resp, http = int(sys.argv[1]), int(sys.argv[2])

def talk(port, data, half=False):
    """Send, and all that comes back until the other side closes or is quiet."""
    s = socket.create_connection(("127.0.0.1", port), timeout=60)
    got = b""
    try:
        s.sendall(data)
        if half:
            s.shutdown(socket.SHUT_WR)
        while True:
            d = s.recv(65536)
            if not d:
                break
            got += d
    except ConnectionError:
        pass
    s.close()
    return got

# ---- RESP: an error and the end of the connection
for frame in (b"*1\r\n:1\r\n", b"*x\r\n", b"*1\r\n$-1\r\n",
              b"*1\r\n$9223372036854775808\r\n", b"*1\r\n$18446744073709551616\r\n",
              b"*9223372036854775808\r\n", b"*2147483648\r\n", b"*1\r\n$536870913\r\n",
              b"*1\r\n$3\r\nabcde\r\n", b"*1\r\n$+3\r\nabc\r\n", b"*1\r\n$ 3\r\nabc\r\n",
              b"*3\r\n$4\r\nXADD\r\n!1\r\n", b"x" * 70000 + b"\r\n"):
    got = talk(resp, frame, half=True)
    assert got.startswith(b"-ERR"), (frame[:40], got[:80])

def cmd(*a):
    return b"*%d\r\n" % len(a) + b"".join(b"$%d\r\n%s\r\n" % (len(x), x) for x in a)

# QUIT, or a frame that is none, right behind an event, and the connection stays
# open: the event is answered, then the rest, then it is closed
for last in (cmd(b"QUIT"), b"*x\r\n"):
    got = talk(resp, cmd(b"XADD", b"quit", b"*", b"a", b"1") + last + cmd(b"PING") * 3)
    assert got.startswith(b"$") and got.count(b"\r\n") == 3, got
    s = socket.create_connection(("127.0.0.1", resp), timeout=60)
    s.sendall(cmd(b"XADD", b"quit", b"*", b"a", b"1") + last)
    s.sendall(cmd(b"XADD", b"bad", b"*", b"a", b"1") * 100)
    time.sleep(0.05)
    s.close()

# a million fields, and more bytes than an event may have: refused, and the
# connection goes on
million = cmd(b"XADD", b"bad", b"*", *([b"f", b"v"] * 500000))
got = talk(resp, million + cmd(b"PING"), half=True)
assert got.startswith(b"-ERR") and got.endswith(b"+PONG\r\n"), got[:200]
got = talk(resp, cmd(b"XADD", b"bad", b"*", b"f", b"x" * (1 << 20)) + cmd(b"PING"), half=True)
assert got.startswith(b"-ERR") and got.endswith(b"+PONG\r\n"), got[:200]
got = talk(resp, cmd(b"XADD", b"bad", b"*", b"f", b"x" * (4 << 20)) + cmd(b"PING"), half=True)
assert got.startswith(b"-ERR"), got[:200]
# the same event twice in one pipeline is one; with other bytes the first stands
got = talk(resp, cmd(b"XADD", b"twin", b"IDMP", b"p", b"1", b"*", b"a", b"1") * 2 +
           cmd(b"XADD", b"twin", b"IDMP", b"p", b"1", b"*", b"a", b"2"), half=True).split(b"\r\n")
assert got[1] == got[3] == got[5], got

# a pipeline whose replies nobody reads: bounded, and the others are served
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
s.connect(("127.0.0.1", resp))
s.setblocking(False)
sent, quiet = 0, 0
flood = cmd(b"ECHO", b"x" * 1000) * 1000
while sent < 300 << 20 and quiet < 20:
    try:
        sent += s.send(flood[sent % len(flood):])
        quiet = 0
    except BlockingIOError:
        quiet += 1
        time.sleep(0.05)
    except ConnectionError:
        break
assert sent < 300 << 20, "all of it was taken"
assert talk(resp, cmd(b"PING"), half=True) == b"+PONG\r\n"
s.close()

# ---- HTTP: one answer, 4xx or 5xx, and the end of the connection
H = b"POST /events/bad HTTP/1.1\r\nHost: x\r\n"
BODY = b'{"a":1}'
SMUGGLED = b"POST /events/bad HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\n" + BODY
shapes = {
    "CL.TE": H + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "TE.CL": H + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n12\r\n" + SMUGGLED,
    "two CL": H + b"Content-Length: 7\r\nContent-Length: 0\r\n\r\n" + BODY,
    "CL list": H + b"Content-Length: 7, 7\r\n\r\n" + BODY,
    "CL sign": H + b"Content-Length: +7\r\n\r\n" + BODY,
    "TE odd": H + b"Transfer-Encoding: xchunked\r\n\r\n7\r\n" + BODY + b"\r\n0\r\n\r\n",
    "TE twice": H + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
    "blank colon": H + b"Content-Length : 7\r\n\r\n" + BODY,
    "folded": H + b"X: a\r\n Content-Length: 7\r\n\r\n" + BODY,
    "bare LF": H + b"X: a\nContent-Length: 7\r\n\r\n" + BODY,
    "bare CR": H + b"X: a\rContent-Length: 7\r\n\r\n" + BODY,
    "NUL": H + b"X: a\0\r\nContent-Length: 7\r\n\r\n" + BODY,
    "chunk LF": H + b"Transfer-Encoding: chunked\r\n\r\n7\n" + BODY + b"\r\n0\r\n\r\n",
    "chunk 0x": H + b"Transfer-Encoding: chunked\r\n\r\n0x7\r\n" + BODY + b"\r\n0\r\n\r\n",
    "chunk long": H + b"Transfer-Encoding: chunked\r\n\r\n7\r\n" + BODY + b"xx0\r\n\r\n",
    "chunk huge": H + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n" + BODY,
    "no host": b"POST /events/bad HTTP/1.1\r\nContent-Length: 7\r\n\r\n" + BODY,
    "two hosts": H + b"Host: y\r\nContent-Length: 7\r\n\r\n" + BODY,
    "head": H + b"X: " + b"y" * 20000 + b"\r\n\r\n",
    "headers": H + b"X: y\r\n" * 100 + b"\r\n",
    "huge": H + b"Content-Length: 9223372036854775807\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "nothing": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}
for name, data in shapes.items():
    got = talk(http, data)
    assert got.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")), (name, got[:100])
    assert len(re.findall(rb"HTTP/1\.1 \d", got)) == 1, (name, got)
    assert b"Connection: close" in got and b'{"error":"' in got, (name, got)
# pipelined, and what follows a whole request is another
two = b"POST /events/two HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\n" + BODY
got = talk(http, two + two + two.replace(b"Host: x", b"Host: x\r\nConnection: close"))
assert got.count(b"HTTP/1.1 200") == 3, got
# no stream takes it, by mistake or on purpose
got = talk(http, two.replace(b"/two", b"/lost").replace(b"Host: x", b"Host: x\r\nConnection: close"))
assert got.startswith(b"HTTP/1.1 200"), got
PYTHON
"$PY" "$T/hostile.py" "$RESP" "$HTTP" || fail "see above"
length_is() {
	[ "$(redis xlen "ev:$1")" = "$2" ]
}
wait_for 20 "both doors' good ones" length_is two 3
wait_for 20 "one twin" length_is twin 1
[ "$(redis exists ev:bad ev:lost)" = 0 ] || fail "something that was refused is stored"
rss=$(awk '/^VmHWM/ { print $2 }' "/proc/$DAEMON/status")
case $(ldd "$MILLRACE" 2>/dev/null) in
*libasan*|*libtsan*) ;;
*)	nm "$MILLRACE" 2>/dev/null | seen -E '__(a|t)san_' || [ "$rss" -lt 400000 ] ||
	fail "it took $rss KiB of memory" ;;
esac
ledger_closes event resp && ledger_closes event http || fail "the ledger does not close"
stop_daemon

# ---- no stream takes an event at all: refused, not answered
rm -rf "$T/state"
write_conf <<YAML
YAML
event_doors "http://127.0.0.1:$HTTP"
start_daemon
redis-cli -p "$RESP" xadd orders '*' a 1 2>&1 | seen 'MISCONF not stored' || fail "no_route over RESP"
printf 'MULTI\r\nXADD orders * a 1\r\nEXEC\r\n' | redis-cli -p "$RESP" 2>&1 | seen EXECABORT || fail "no_route in a transaction"
curl -s -H 'content-type: application/json' -d '{"a":1}' "http://127.0.0.1:$HTTP/events/orders" |
    seen '"error":"no_route"' || fail "no_route over HTTP"
[ "$(ledger event resp dropped.no_route)" = 2 ] || fail "no_route is not counted"
stop_daemon

# ---- users: rights by stream; wrong passwords at speed are not even looked at
export EVENTS_MORE="  users:\n    till: {password: \"sha256:$(printf sesame | sha256sum | cut -d' ' -f1)\", streams: [\"sale.*\"]}"
write_conf <<YAML
streams:
  events: {redis: "redis://127.0.0.1:$REDIS/0", key: "ev:{stream}"}
YAML
event_doors "http://127.0.0.1:$KEYHTTP"
start_daemon
U=http://127.0.0.1:$KEYHTTP/events
code() {
	curl -s -o /dev/null -w '%{http_code}' -H 'content-type: application/json' -d '{"a":1}' "$@"
}
[ "$(code -u till:sesame "$U/sale.x")" = 200 ] || fail "basic"
[ "$(code -H 'Authorization: Bearer sesame' "$U/sale.x")" = 200 ] || fail "bearer"
[ "$(code -u till:sesame "$U/other")" = 403 ] || fail "another stream"
[ "$(code "$U/sale.x")" = 401 ] || fail "nobody"
[ "$(redis-cli -p "$RESP" --user till --pass sesame --no-auth-warning xadd sale.y '*' a 1 | cut -c1)" = 1 ] || fail "RESP"
for i in {1..12}; do last=$(code -u "till:guess$i" "$U/sale.x"); done
[ "$last" = 429 ] || fail "guessing at speed: $last"
[ "$(code -u till:sesame "$U/sale.x")" = 429 ] || fail "the right one is looked at, too"
redis-cli -p "$RESP" --user till --pass guess --no-auth-warning ping 2>&1 | seen 'too many wrong passwords' ||
	fail "RESP does not know who guessed over HTTP"
wait_for 20 "the sales" length_is sale.x 2
length_is sale.y 1 || fail "the other sale"
stop_daemon
