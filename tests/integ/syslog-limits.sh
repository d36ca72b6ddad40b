#!/bin/bash
# Bounds on what a sender can do: so many messages a second, counted, with the
# critical ones let in; messages that are too long are split, with their header
# on each piece; on a Unix stream a message may end with silence.
. "$(dirname "$0")/lib.sh"
need jq
ports UDP ADMIN
cat >"$T/millrace.yaml" <<YAML
state_dir: $T/state
workers: 2
syslog:
  listen: ["udp://127.0.0.1:$UDP", "tcp://127.0.0.1:$UDP", "unix://$T/stream.sock"]
  limits: {max_line: 1KiB}
  oversize: split
  rate_per_source: 1
  rate_burst: 20
admin:
  listen: http://127.0.0.1:$ADMIN
archives:
  logs: {dir: "$T/logs", file: "{app}.log", format: json, flush_time: 50ms}
YAML
start_daemon
"$PY" - "$UDP" "$T" <<'PYTHON'
import socket, sys, time
port, t = int(sys.argv[1]), sys.argv[2]
# another address is another sender
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind(("127.0.0.2", 0))
for i in range(500):
    u.sendto(b"<14>1 - h many - - - number %d" % i, ("127.0.0.1", port))
for i in range(30):
    u.sendto(b"<10>1 - h grave - - - number %d" % i, ("127.0.0.1", port))
s = socket.create_connection(("127.0.0.1", port))
s.sendall(b"<14>1 - h long - - - " + b"a" * 1000 + "\u00e9".encode() * 600 + b"b" * 100 + b"\n")
s.sendall(b"<14>1 - h huge - - - " + b"x" * 50000 + b"\n")
s.close()
c = socket.socket(socket.AF_UNIX)
c.connect(t + "/stream.sock")
c.sendall(b"<14>Jan  1 00:00:00 quiet: first\n second line\n")
time.sleep(5)       # it arrives before this ends
PYTHON
has() {
	[ "$(cat "$T/logs/$1.log" 2>/dev/null | wc -l)" -ge "$2" ]
}
wait_for 60 "the burst" has many 20
wait_for 60 "what is critical" has grave 30
wait_for 60 "the pieces" has long 3
wait_for 60 "the pieces of the huge one" has huge 16
wait_for 60 "all is counted" ledger_is log syslog received 550	# 19 pieces
n=$(wc -l <"$T/logs/many.log")
[ "$n" -ge 20 ] && [ "$n" -lt 60 ] || fail "$n of 500 were let in, with a burst of 20"
ledger_is log syslog dropped.rate_limit $((500 - n)) ||
	fail "refused: $(ledger log syslog dropped.rate_limit), not $((500 - n))"
"$PY" - "$T/logs" <<'PYTHON' || fail "the pieces"
import json, sys
read = lambda n: [json.loads(l) for l in open(f"{sys.argv[1]}/{n}.log")]
long, huge = read("long"), read("huge")
assert "".join(r["body"] for r in long) == "a" * 1000 + "\u00e9" * 600 + "b" * 100, long
assert all(len(r["body"].encode()) <= 1024 and r["flags"] == ["split"] and r["host"] == "h" for r in long)
assert all("truncated" in r["flags"] for r in huge) and len(huge) == 16, len(huge)
quiet = read("quiet")
assert quiet[0]["body"] == "first\n second line", quiet
PYTHON
wait_for 10 "the ledger" ledger_closes log syslog
stop_daemon
