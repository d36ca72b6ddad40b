#!/bin/bash
# TLS clients that leave in the middle of the handshake, or of an event.
. "$(dirname "$0")/../lib.sh"
need openssl
redis_everysec
conf
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout "$T/k.pem" \
    -out "$T/c.pem" 2>/dev/null || fail openssl
sed -i "s|\"resp://127.0.0.1:$RESP\"|\"resp://127.0.0.1:$RESP\", \"resps://127.0.0.1:$RELP\"|; s|^events:|events:\n  tls: {cert: $T/c.pem, key: $T/k.pem}|" \
    "$T/millrace.yaml"
start_daemon
load 1 1000
"$PY" - "$RELP" <<'PYTHON' || fail "TLS"
import socket, ssl, sys
port = int(sys.argv[1])
c = ssl.create_default_context()
c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
for i in range(60):
    s = socket.create_connection(("127.0.0.1", port), 20)
    if i % 4 == 0:
        s.send(b"\x16\x03\x01\x02\x00\x01\x00")
        s.close()
        continue
    t = c.wrap_socket(s)
    t.sendall(b"XADD tls IDMP t %d * f v\r\n" % (i % 10))
    if i % 4 == 1:
        t.close()               # without reading the answer
    elif i % 4 == 2:
        assert t.recv(100)[:1] == b"$"
        t.unwrap().close()
    else:
        s.close()
for i in range(10):
    t = c.wrap_socket(socket.create_connection(("127.0.0.1", port), 20))
    t.sendall(b"XADD tls IDMP t %d * f v\r\n" % i)
    assert t.recv(100)[:1] == b"$"
PYTHON
WANTED=10
wait_for 60 "the ten" has_all ev:tls:node1
sleep 0.3
[ "$(redis xlen ev:tls:node1)" = 10 ] || fail "$(redis xlen ev:tls:node1) instead of 10"
verdict
stop_daemon
