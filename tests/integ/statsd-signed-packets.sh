#!/bin/bash
# With a secret a datagram must be signed as brubeck's clients sign: what is not
# signed, signed with another key, too old or sent twice is refused under a name
# of its own; so are streams in the open.  Local sockets need no signature.
. "$(dirname "$0")/lib.sh"
start_sink graphite
write_conf <<YAML
clusters:
  graphite: {method: forward, servers: ["127.0.0.1:$SINK"]}
YAML
sed -i 's/^  management: ""/&\n  secret: "open sesame"/' millrace.yaml
start_daemon
"$PY" - "$STATSD" "$T/statsd.sock" <<'PYTHON'
import hashlib, hmac, os, socket, struct, sys, time
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
to = ("127.0.0.1", int(sys.argv[1]))
def signed(payload, key=b"open sesame", at=None):
    body = struct.pack("<Q", int(at or time.time())) + os.urandom(4) + payload
    return hmac.new(key, body, hashlib.sha256).digest() + body
good = signed(b"good:2|c\nalso:1|g")
for p in (good, good, signed(b"forged:1|c", b"another"), signed(b"stale:1|c", at=time.time() - 60),
          signed(b"future:1|c", at=time.time() + 60), b"plain:1|c", good[:40]):
    udp.sendto(p, to)
local = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
local.sendto(b"local:1|c", sys.argv[2])
tcp = socket.create_connection(to)
tcp.sendall(b"stream:1|c\n")
assert tcp.recv(1) == b""
PYTHON
wait_for 10 "the signed metric" grep -q '^stats_counts\.good 2 ' graphite.txt
wait_for 10 "the local one" grep -q '^stats_counts\.local 1 ' graphite.txt
for name in forged stale future plain stream; do
	grep -q "$name" graphite.txt && fail "$name was let in"
done
wait_for 5 "the replay" ledger_is metric statsd dropped.replayed 1
# another key, one that is no signature at all, the stream
ledger_is metric statsd dropped.bad_signature 2 || fail "bad_signature: $(page /api/ledger)"
ledger_is metric statsd dropped.late 1 || fail "late: $(page /api/ledger)"
ledger_is metric statsd dropped.bad_time 1 || fail "bad_time: $(page /api/ledger)"
ledger_is metric statsd dropped.truncated 2 || fail "truncated: $(page /api/ledger)"
ledger_closes metric statsd || fail "the ledger does not close"
stop_daemon
