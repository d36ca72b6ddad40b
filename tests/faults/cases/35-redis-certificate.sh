#!/bin/bash
# Redis speaks TLS; its certificate is replaced by one of a stranger, then by a
# good new one.
. "$(dirname "$0")/../lib.sh"
need openssl
certificate() {	# NAME CA
	openssl req -newkey rsa:2048 -nodes -keyout "$T/$1.key" -subj "/CN=127.0.0.1" \
	    -out "$T/$1.csr" 2>/dev/null
	openssl x509 -req -in "$T/$1.csr" -CA "$T/$2.pem" -CAkey "$T/$2.key" -days 2 \
	    -extfile <(echo 'subjectAltName=IP:127.0.0.1,DNS:localhost') \
	    -out "$T/$1.pem" 2>/dev/null || fail "openssl"
}
for ca in good-ca bad-ca; do
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$ca" \
	    -keyout "$T/$ca.key" -out "$T/$ca.pem" 2>/dev/null || fail "openssl"
done
certificate one good-ca
certificate two good-ca
certificate strange bad-ca
ports TLS
start_redis --appendonly yes --tls-port "$TLS" --tls-cert-file "$T/one.pem" \
    --tls-key-file "$T/one.key" --tls-ca-cert-file "$T/good-ca.pem" --tls-auth-clients no
write_conf <<YAML
streams:
  events: {redis: "rediss://127.0.0.1:$TLS/0", key: "ev:{stream}:{node}", tls: {ca: $T/good-ca.pem}}
YAML
start_daemon
load
grows
turn_to() {
	redis config set tls-cert-file "$T/$1.pem" tls-key-file "$T/$1.key" >/dev/null
	redis client kill type normal skipme yes >/dev/null
}
turn_to strange
moving
sleep 1
before=$(redis xlen ev:orders:node1)
moving
[ "$(redis xlen ev:orders:node1)" = "$before" ] || fail "it trusts a stranger"
turn_to two
grows
verdict
stop_daemon
