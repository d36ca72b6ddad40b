#!/bin/bash
# Fluent loggers, unmodified: Python's, npm's and Fluentd's own, with their
# acknowledgements, and all four forms of the protocol by hand: each record is
# once in its Redis stream, a chunk sent again is not there twice, and an
# acknowledgement comes when its events are safe.
. "$(dirname "$0")/lib.sh"
"$PY" -c 'import fluent.sender, msgpack' 2>/dev/null || skip "needs python3-fluent-logger"
start_redis
ports STATSD GRAPHITE PICKLE SYSLOG RELP RESP ADMIN FORWARD KEYED
write_conf <<YAML
streams:
  events: {redis: "redis://127.0.0.1:$REDIS/0", key: "ev:{stream}"}
YAML
event_doors "forward://127.0.0.1:$FORWARD"
start_daemon
length_is() {
	[ "$(redis xlen "ev:$1")" = "$2" ]
}

cat >"$T/logger.py" <<'PYTHON'
import sys, time
from fluent import sender
s = sender.FluentSender("py", host="127.0.0.1", port=int(sys.argv[1]), nanosecond_precision=True)
for i in range(100):
    assert s.emit("app", {"n": i, "f": 1.5, "deep": {"a": [1, None, True]}}), s.last_error
s.close()
PYTHON
"$PY" "$T/logger.py" "$FORWARD" || fail "Python's fluent-logger"
wait_for 20 "Python's records" length_is py.app 100
redis --raw xrange ev:py.app - + | sed -nE '1,9{/^[0-9]+-1$/!p}' >"$T/first"
sed -nE '2s/^[0-9]+\.[0-9]{9}$/ok/p' "$T/first" | seen ok || fail "no time: $(cat "$T/first")"
[ "$(sed 2d "$T/first" | paste -sd' ')" = 'time n 0 f 1.5 deep {"a":[1,null,true]}' ] ||
	fail "not what was sent: $(cat "$T/first")"

# the four forms, acknowledged; each sent twice
cat >"$T/forms.py" <<'PYTHON'
import gzip, msgpack, socket, struct, sys
port = int(sys.argv[1])
def et(s, ns): return msgpack.ExtType(0, struct.pack(">II", s, ns))
e = [[et(1700000000, i), {"n": i}] for i in range(1000)]
packed = b"".join(msgpack.packb(x) for x in e)
half = len(e) // 2
two = b"".join(gzip.compress(b"".join(msgpack.packb(x) for x in p)) for p in (e[:half], e[half:]))
forms = {
    "message": ["form.message", et(1700000000, 0), {"n": 0}, {"chunk": "c1"}],
    "forward": ["form.forward", e, {"chunk": "c2\n", "size": 1000}],
    "packed": ["form.packed", packed, {"chunk": b"\x00\xff\x07"}],
    "gzip": ["form.gzip", two, {"chunk": "x" * 300, "compressed": "gzip"}],
}
for again in (False, True):
    for name, m in forms.items():
        s = socket.create_connection(("127.0.0.1", port), timeout=60)
        data = msgpack.packb(m)
        s.sendall(b"\xc0" + data[:7])       # a heartbeat, then by halves
        s.sendall(data[7:])
        u = msgpack.Unpacker(raw=True)
        got = None
        while got is None:
            d = s.recv(512)
            assert d, name + ": closed without an answer"
            u.feed(d)
            for got in u: break
        want = m[-1]["chunk"]
        want = want if isinstance(want, bytes) else want.encode()
        assert got == {b"ack": want}, got
        s.close()
PYTHON
"$PY" "$T/forms.py" "$FORWARD" || fail "the four forms"
for f in forward packed gzip; do
	wait_for 20 "form $f" length_is form.$f 1000
done
wait_for 20 "form message" length_is form.message 1
redis --raw xrange ev:form.gzip - + | awk '/^n$/ { getline; if ($0 != want++) exit 1 } END { exit want != 1000 }' ||
	fail "the packed records are not in their order"

# a client that does not look after its own numbers: whole seconds, and content
# for a chunk's id, as Fluent Bit has it: two honest chunks may be alike
"$PY" - "$FORWARD" <<'PYTHON' || fail "chunks alike"
import msgpack, socket, sys
for i in range(2):
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=60)
    s.sendall(msgpack.packb(["alike", [[1700000000, {"m": "tick"}]], {"chunk": "0123456789abcdef" * 2}]))
    assert s.recv(512)
PYTHON
wait_for 20 "both ticks" length_is alike 2

# refused: closed without an acknowledgement, and not stored
"$PY" - "$FORWARD" <<'PYTHON' || fail "hostile messages"
import msgpack, socket, struct, sys, gzip
port = int(sys.argv[1])
ok = [[1, {"a": 1}]]
bad = {
    "depth bomb": b"\x92\xa3bad" + b"\x91" * 100000,
    "map bomb": b"\x93\xa3bad\x01" + b"\x81\xa1a" * 100000 + b"\x01",
    "lying array": b"\x92\xa3bad\xdd\xff\xff\xff\xff",
    "lying map": b"\x93\xa3bad\x01\xdf\xff\xff\xff\xff",
    "lying bin": b"\x92\xa3bad\xc6\xff\xff\xff\xff",
    "never used": b"\xc1",
    "no array": b"\x01",
    "no tag": msgpack.packb([1, ok]),
    "no record": msgpack.packb(["bad", 1, "x", {"chunk": "a"}]),
    "no time": msgpack.packb(["bad", "x" , {"a": 1}, {"chunk": "a"}]),
    "cut entries": msgpack.packb(["bad", msgpack.packb(ok[0])[:-1], {"chunk": "a"}]),
    "not gzip": msgpack.packb(["bad", b"abc", {"chunk": "a", "compressed": "gzip"}]),
    "gzip bomb": msgpack.packb(["bad", gzip.compress(b"\xc0" * (64 << 20)), {"chunk": "a", "compressed": "gzip"}]),
    "too many fields": msgpack.packb(["bad", 1, {"k%d" % i: 1 for i in range(5000)}, {"chunk": "a"}]),
    "too large": msgpack.packb(["bad", 1, {"k": "x" * (2 << 20)}, {"chunk": "a"}]),
    "HTTP": b"GET / HTTP/1.0\r\n\r\n",
}
for name, data in bad.items():
    s = socket.create_connection(("127.0.0.1", port), timeout=60)
    try:
        s.sendall(data)
        got = s.recv(512)
    except ConnectionError:
        got = b""
    assert got == b"", (name, got)
    s.close()
PYTHON
[ "$(redis exists ev:bad)" = 0 ] || fail "something that was refused is stored: $(redis xrange ev:bad - +)"
length_is bad 0
ledger_closes event forward || fail "the ledger does not close"
stop_daemon

# with a shared key: who has it is let in, who has not is not
export EVENTS_MORE='  forward_key: sesame'
write_conf <<YAML
streams:
  events: {redis: "redis://127.0.0.1:$REDIS/0", key: "ev:{stream}"}
YAML
event_doors "forward://127.0.0.1:$KEYED"
start_daemon
cat >"$T/keyed.py" <<'PYTHON'
import hashlib, msgpack, socket, sys
port, key, good = int(sys.argv[1]), sys.argv[2].encode(), sys.argv[3] == "good"
s = socket.create_connection(("127.0.0.1", port), timeout=60)
u = msgpack.Unpacker(raw=True)
def get():
    while True:
        for m in u: return m
        d = s.recv(4096)
        if not d: return None
        u.feed(d)
helo = get()
assert helo[0] == b"HELO" and len(helo[1][b"nonce"]) == 16, helo
sha = lambda *p: hashlib.sha512(b"".join(p)).hexdigest().encode()
s.sendall(msgpack.packb(["PING", "me", "salt", sha(b"salt", b"me", helo[1][b"nonce"], key).decode(), "", ""]))
pong = get()
assert pong[0] == b"PONG" and pong[1] == good, pong
if good:
    assert pong[4] == sha(b"salt", pong[3], helo[1][b"nonce"], key), "the server has no key"
    s.sendall(msgpack.packb(["keyed", 1, {"a": 1}, {"chunk": "c"}]))
    assert get() == {b"ack": b"c"}
else:
    try: assert get() is None
    except ConnectionError: pass
PYTHON
"$PY" "$T/keyed.py" "$KEYED" sesame good || fail "the right key"
"$PY" "$T/keyed.py" "$KEYED" simsim bad || fail "the wrong key"
wait_for 20 "the keyed one" length_is keyed 1
stop_daemon
