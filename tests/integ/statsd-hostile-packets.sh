#!/bin/bash
# What kills or corrupts the reference in one packet, and what is too long, too
# many or no number: each has a named reason in the books or does no harm, by UDP
# and by TCP, read as the reference does and otherwise; memory stays.
. "$(dirname "$0")/lib.sh"
need jq curl
start_sink graphite
cat >hostile.py <<'PY'
import socket, sys
port, strict = int(sys.argv[1]), sys.argv[2] == "true"
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
NAMES = ["__proto__", "constructor", "toString", "valueOf", "hasOwnProperty", "length"]
big = b"n" * 65000
lines = [                       # line, how many of it are refused: default, strict
    (b"k:1|c|@+0.5", 1, 1), (b"k:1|c|@ 0.5", 1, 1), (b"k:1|c|@\t1", 1, 1),
    (b"k:1|c|@Infinity", 1, 1), (b"k:1|c|@0", 1, 1), (b"k:1|c|@-1", 1, 1),
    (b"k:1|ms|@NaN", 1, 1), (b"k:1|c|@1e-400", 1, None),
    (b"k:NaN|c", 1, 1), (b"k:nan|g", 1, 1), (b"k:Infinity|g", 1, 0),
    (b"k:-Infinity|c", 1, 0), (b"k:1e400|c", 1, 0), (b"k:0x|c", 1, 1),
    (b"k:1_000|c", 1, 1), (b"k:1,5|c", 1, 1), (b"k:-1|ms", 1, 1),
    (b"k:\0|c", 1, 1), (b"k:1\0|c", 1, 1), (b"\xff\xfe:1|c", 0, 0),
    (b"k:1|", None, 0), (b"k:|c", 1, 1), (b"k", 1, 1), (b"|#", 1, 1), (b":", 1, 1),
    (b"::::", None, None), (b"||||", 1, 1), (b"k:1|c|#", 0, 0), (b"k:1|c|#,", 0, 0),
    (b"k:1|c|#tag", 0, 0), (b"k:1|c|#:v", 0, 0), (b"k:1|c|#a:,b:", 0, 0),
    (b"_e{9999999999,4}:t|x", 1, None), (b"_e{5,4}:t|x", 1, None), (b"_e{", 1, 1),
    (b"_sc|", 1, 1), (b"_sc|a|9", 1, None),
    (big + b":1|c", 1, 1),                                  # a name of 64 KB
    (b"k:1|c|#" + b"a:b," * 16000, 1, 1),                   # 64 KB of tags
    (b"k:1" * 20000 + b"|c", 1, None),
    (b"k" + b":1" * 30000 + b"|c", 0, 30000 - 1 + 0),       # packed; strict: all but the last
    (b"k:" + b"9" * 60000 + b"|c", None, None),
    (b"k:" + b"m" * 60000 + b"|s", 0, 0),                   # a member of 60 KB
]
for n in NAMES:
    for t in ("c", "g", "ms", "s", "h"):
        lines.append((("%s:1|%s" % (n, t)).encode(), 0, 0))
bad = unsure = 0
for line, default, wants in lines:
    want = wants if strict else default
    if want is None:
        unsure += 1
    else:
        bad += want
    udp.sendto(line, ("127.0.0.1", port))
full = (b"f:1|c\n" * 11000)[:65507 // 6 * 6]               # a whole datagram
udp.sendto(full, ("127.0.0.1", port))
udp.sendto(b"", ("127.0.0.1", port))
udp.sendto(b"\n" * 65507, ("127.0.0.1", port))
tcp = socket.create_connection(("127.0.0.1", port))
for line, _, _ in lines:
    tcp.sendall(line + b"\n")
tcp.sendall(b"t:1|c|#" + b",".join(b"k%d:v" % i for i in range(1000000)) + b"\n")
tcp.sendall(b"end:1|c\n")
tcp.close()
for i in range(20):             # a reset in the middle of a line
    c = socket.create_connection(("127.0.0.1", port))
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    c.sendall(b"reset:1")
    c.close()
print(bad, 65507 // 6)
PY
rss() {
	awk '/^VmRSS/ { print $2 }' "/proc/$DAEMON/status"
}
stands() {
	printf 'alive.%s:1|c\n' "$1" >"/dev/udp/127.0.0.1/$STATSD"
	grep -q "^stats_counts\.alive\.$1 " graphite.txt
}
for strict in false true; do
	WORKERS=1 write_conf <<YAML
clusters:
  graphite: {method: forward, servers: ["127.0.0.1:$SINK"]}
YAML
	sed -i "s/^statsd:/&\\n  strict: $strict/" millrace.yaml
	start_daemon
	wait_for 20 "service" stands "first.$strict"
	before=$(rss)
	"$PY" hostile.py "$STATSD" $strict >counts 2>hostile.err || fail "$(cat hostile.err)"
	read -r bad full <counts
	wait_for 20 "the end of the stream" grep -q '^stats_counts.end 1 ' graphite.txt
	kill -0 "$DAEMON" || fail "strict: $strict: the daemon is gone"
	refused=$(page /api/ledger | jq '[.metric.statsd.dropped // {} | to_entries[] |
	    select(.key != "kernel") | .value] | add // 0')
	# by UDP and by TCP
	[ "$refused" -ge $((2 * bad)) ] ||
		fail "strict: $strict: $refused refused, of $((2 * bad)): $(page /api/ledger)"
	for reason in bad_rate bad_value too_long no_value; do
		ledger_atleast metric statsd dropped.$reason 1 ||
			fail "strict: $strict: no $reason: $(page /api/ledger)"
	done
	[ $strict = true ] || ledger_atleast metric statsd dropped.not_a_number 2 ||
		fail "no not_a_number: $(page /api/ledger)"
	wait_for 20 "a full datagram" grep -q "^stats_counts.f $full " graphite.txt
	for name in __proto__ constructor toString; do
		wait_for 20 "$name" grep -q "^stats_counts.$name " graphite.txt
		wait_for 20 "$name, a timer" grep -q "^stats.timers.$name.count " graphite.txt
		wait_for 20 "$name, a set" grep -q "^stats.sets.$name.count 1 " graphite.txt
	done
	grep -qE ' (NaN|nan|\[native)' graphite.txt && fail "nonsense: $(grep -E ' (NaN|nan|\[native)' graphite.txt | head -3)"
	wait_for 20 "service after it" stands "last.$strict"
	wait_for 20 "closed books" ledger_closes metric statsd
	after=$(rss)
	[ $((after - before)) -lt 32768 ] || [ -n "${SANITIZED:-}" ] ||
		fail "memory grew from $before to $after KiB"
	stop_daemon
	: >graphite.txt
done
