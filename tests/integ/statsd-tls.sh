#!/bin/bash
# StatsD over TLS: the lines of a client with a good certificate arrive, one
# without is shown the door.  A renewed certificate serves after SIGHUP, and one
# that cannot be read is refused with the old one kept.
. "$(dirname "$0")/lib.sh"
need openssl
start_sink graphite
for n in ca server client; do
	openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $n.key 2>/dev/null ||
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $n.key 2>/dev/null || fail "no keys"
done
openssl req -x509 -key ca.key -subj /CN=ca -days 2 -out ca.pem 2>/dev/null
for n in server client; do
	openssl req -new -key $n.key -subj /CN=$n -addext subjectAltName=IP:127.0.0.1 -out $n.csr 2>/dev/null
	openssl x509 -req -in $n.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -copy_extensions copy -out $n.pem 2>/dev/null ||
		fail "no certificates"
done
ports TLS
write_conf <<YAML
clusters:
  graphite: {method: forward, servers: ["127.0.0.1:$SINK"]}
YAML
sed -i "s#^  management: \"\"#&\n  tls: {cert: $T/server.pem, key: $T/server.key, ca: $T/ca.pem}#; s#\"tcp://127.0.0.1:$STATSD\"#&, \"tls://127.0.0.1:$TLS\"#" millrace.yaml
start_daemon
"$PY" - "$TLS" <<'PYTHON' || fail "the client"
import socket, ssl, sys
def client(with_certificate):
    c = ssl.create_default_context(cafile="ca.pem")
    if with_certificate:
        c.load_cert_chain("client.pem", "client.key")
    return c.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))), server_hostname="127.0.0.1")
s = client(True)
s.sendall(b"over.tls:5|c\n" * 1000)
s.unwrap()
try:
    s = client(False)
    s.sendall(b"nobody:1|c\n")
    assert s.recv(1) == b"", "let in without a certificate"
except (ssl.SSLError, ConnectionError):
    pass
PYTHON

wait_for 10 "what came over TLS" grep -q '^stats_counts\.over\.tls 5000 ' graphite.txt
grep -q nobody graphite.txt && fail "a stranger was heard"

serial_shown() {
	openssl s_client -connect 127.0.0.1:"$TLS" -cert client.pem -key client.key </dev/null 2>/dev/null |
		openssl x509 -noout -serial
}
shows() { [ "$(serial_shown)" = "$1" ]; }
shows "$(openssl x509 -in server.pem -noout -serial)" || fail "another certificate than configured"
cp server.pem old.pem
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -copy_extensions copy -out server.pem 2>/dev/null
kill -HUP "$DAEMON"
wait_for 30 "the new certificate" shows "$(openssl x509 -in server.pem -noout -serial)"
cp server.pem new.pem; echo nonsense >server.pem
kill -HUP "$DAEMON"
wait_for 30 "a word about the bad one" grep -q 'reload failed' millrace.log
shows "$(openssl x509 -in new.pem -noout -serial)" || fail "the certificate went with the reload that failed"
stop_daemon
