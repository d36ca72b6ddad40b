#!/bin/bash
# Graphite over TLS, both ways in: who has no certificate, one of another
# authority, or one that is over is not heard, nor is a server sent to whose
# certificate is another's, or for another name; what is right goes on.
. "$(dirname "$0")/lib.sh"
need openssl
key() {
	openssl ecparam -name prime256v1 -genkey -noout -out "$1.key" 2>/dev/null || fail "no keys"
}
authority() {
	key "$1"
	openssl req -x509 -key "$1.key" -subj "/CN=$1" -days 2 -out "$1.pem" 2>/dev/null || fail "an authority"
}
# certificate NAME AUTHORITY SUBJECTALTNAME DAYS
certificate() {
	key "$1"
	openssl req -new -key "$1.key" -subj "/CN=$1" -addext "subjectAltName=$3" -out "$1.csr" 2>/dev/null
	openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days "$4" \
	    -copy_extensions copy -out "$1.pem" 2>/dev/null || fail "a certificate"
}
authority ca
authority otherca
certificate server ca IP:127.0.0.1,DNS:localhost 2
certificate client ca DNS:client 2
certificate stranger otherca DNS:client 2
certificate elsewhere ca DNS:elsewhere.example 2
certificate fake otherca IP:127.0.0.1,DNS:localhost 2
# one whose time is over: -days wants a positive number, so the clock is told
key over
openssl req -new -key over.key -subj /CN=over -out over.csr 2>/dev/null
printf '[ca]\ndefault_ca=d\n[d]\ndatabase=%s\nserial=%s\nnew_certs_dir=%s\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n' \
    "$T/index" "$T/serial" "$T" >ca.conf
: >index
echo 01 >serial
openssl ca -batch -config ca.conf -cert ca.pem -keyfile ca.key -in over.csr -out over.pem \
    -startdate 20200101000000Z -enddate 20200201000000Z -notext 2>/dev/null || fail "a certificate that is over"

ports TLS MTLS GOOD NAME FAKE PLAIN ADMIN GRAPHITE ADMIN2
cat >servers.py <<'PYTHON'
import socket, ssl, sys, threading
def hear(ctx, c, f):
    try:
        c = ctx.wrap_socket(c, server_side=True)
        while d := c.recv(65536):
            f.write(d)
    except OSError:
        pass
def serve(port, cert, name):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(cert + ".pem", cert + ".key")
    ctx.load_verify_locations("ca.pem")
    if name == "good":
        ctx.verify_mode = ssl.CERT_REQUIRED
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", port))
    s.listen(8)
    with open(name + ".txt", "ab", 0) as f:
        while True:
            c, _ = s.accept()
            threading.Thread(target=hear, args=(ctx, c, f)).start()
for i, (cert, name) in enumerate((("server", "good"), ("elsewhere", "name"), ("fake", "fake"))):
    t = threading.Thread(target=serve, args=(int(sys.argv[i + 1]), cert, name))
    t.start()
PYTHON
start servers "$PY" servers.py "$GOOD" "$NAME" "$FAKE"
for p in "$GOOD" "$NAME" "$FAKE"; do wait_for 10 "the servers" tcp_open "$p"; done
cat >millrace.yaml <<YAML
state_dir: $T/state
workers: 1
drain: 1s
graphite:
  listen: ["tls://127.0.0.1:$MTLS"]
  tls: {cert: $T/server.pem, key: $T/server.key, ca: $T/ca.pem}
admin: {listen: http://127.0.0.1:$ADMIN}
clusters:
  good: {servers: [{host: localhost, port: $GOOD, tls: true}], tls: {ca: $T/ca.pem, cert: $T/client.pem, key: $T/client.key}}
  name: {servers: [{host: localhost, port: $NAME, tls: true}], tls: {ca: $T/ca.pem}}
  fake: {servers: [{host: localhost, port: $FAKE, tls: true}], tls: {ca: $T/ca.pem}}
  bare: {servers: [{host: localhost, port: $GOOD, tls: true, instance: b}], tls: {ca: $T/ca.pem}}
YAML
start_daemon
cat >client.py <<'PYTHON'
import socket, ssl, sys
port, cert, name = int(sys.argv[1]), sys.argv[2], sys.argv[3].encode()
try:
    raw = socket.create_connection(("127.0.0.1", port))
    raw.settimeout(30)
    if cert == "plain":
        s = raw
    else:
        c = ssl.create_default_context(cafile="ca.pem")
        if cert != "none":
            c.load_cert_chain(cert + ".pem", cert + ".key")
        s = c.wrap_socket(raw, server_hostname="127.0.0.1")
    s.sendall(name + b" 1 1700000000\n")
    s.shutdown(socket.SHUT_WR) if cert == "plain" else s.unwrap()
    while s.recv(100):
        pass
except (OSError, ValueError):
    pass
PYTHON
for c in none stranger over plain; do "$PY" client.py "$MTLS" $c "from.$c"; done
"$PY" client.py "$MTLS" client from.client
wait_for 20 "the client that may" grep -q '^from.client 1 1700000000$' good.txt
[ "$(ledger metric graphite received)" = 1 ] || fail "somebody else was heard: $(page /api/ledger)"
grep -E '^from\.(none|stranger|over|plain)' good.txt && fail "a stranger's line went on"
# servers that are not who they say got nothing, and what is theirs waits
failures() {
	[ "$(prometheus millrace_sink_failures_total "sink=\"$1/")" -ge 1 ]
}
for s in name fake bare; do wait_for 20 "a refusal of $s" failures $s; done
[ ! -s name.txt ] && [ ! -s fake.txt ] || fail "lines went to a server with a wrong certificate"
waits() {
	[ "$(prometheus millrace_sink_queued "sink=\"$1/")" -ge 1 ]
}
for s in name fake; do wait_for 20 "what waits for $s" waits $s; done
# a server looks at our certificate after the connection is up for us: what was
# written to it before it said no goes there again once we have one
twice() {
	[ "$(grep -c '^from.client 1 1700000000$' good.txt)" = 2 ]
}
sed -i "/ bare:/s|ca.pem}}|ca.pem, cert: $T/client.pem, key: $T/client.key}}|" millrace.yaml
kill -HUP "$DAEMON"
wait_for 20 "the line for the server that did not trust us" twice
stop_daemon
