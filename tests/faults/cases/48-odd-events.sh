#!/bin/bash
# Too large, binary, empty, of as many fields as there may be: stored as sent,
# or refused by name and not stored at all.
. "$(dirname "$0")/../lib.sh"
redis_everysec
conf
start_daemon
load 1 500
"$PY" - "$RESP" <<'PYTHON' || fail "answered wrongly"
import socket, sys
def ask(*words):
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20)
    words = [w if isinstance(w, bytes) else w.encode() for w in words]
    try:
        s.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
    except OSError:
        pass
    s.settimeout(20)
    try:
        return s.recv(4096)
    except OSError:
        return b"-closed"
def ok(r): assert r[:1] == b"$", r
def no(r): assert r[:1] in (b"-", b""), r
ok(ask("XADD", "odd", "*", bytes(range(256)), bytes(range(255, -1, -1)) * 9))
ok(ask("XADD", "odd", "*", "", ""))
ok(ask("XADD", "odd", "*", *["x"] * 2048))
no(ask("XADD", "odd", "*", *["x"] * 2050))
no(ask("XADD", "odd", "*", "f"))
no(ask("XADD", "odd", "*", "f", "v" * (3 << 20)))
no(ask("XADD", "odd", "1-1", "f", "v"))
no(ask("XADD", "", "*", "f", "v"))
ok(ask("XADD", "odd", "*", "f", "v" * (1 << 19)))
PYTHON
WANTED=4
wait_for 60 "the odd ones" has_all ev:odd:node1
sleep 0.3
[ "$(redis xlen ev:odd:node1)" = 4 ] || fail "$(redis xlen ev:odd:node1) stored"
moving
verdict
stop_daemon
