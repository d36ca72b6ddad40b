#!/bin/bash
# Every door of Graphite's, and those over TLS: the same lines come in by each; the table of what a
# line may look like; then pickles that would run code, say they are a gigabyte,
# nest a million deep or lie about lengths, and packed bombs: each has a reason
# with a name, costs no memory, and the doors stay open.
. "$(dirname "$0")/lib.sh"
need lz4
ports TCP UDP PKL GZ LZ SN PB ADMIN
ports TLS PKLS GZS LZS SNS PBS
make_cert server
cat >millrace.yaml <<YAML
state_dir: $T/state
workers: 1
graphite:
  listen: ["tcp://127.0.0.1:$TCP", "udp://127.0.0.1:$UDP", "unix://$T/s.sock", "unixgram://$T/d.sock",
    "pickle://127.0.0.1:$PKL", "gzip://127.0.0.1:$GZ", "lz4://127.0.0.1:$LZ", "snappy://127.0.0.1:$SN", "protobuf://127.0.0.1:$PB",
    "tls://127.0.0.1:$TLS", "pickles://127.0.0.1:$PKLS", "gzips://127.0.0.1:$GZS", "lz4s://127.0.0.1:$LZS", "snappys://127.0.0.1:$SNS",
    "protobufs://127.0.0.1:$PBS"]
  tls: {cert: server.pem, key: server.key, max_version: "1.2", ciphers: ECDHE-ECDSA-AES256-GCM-SHA384}
admin: {listen: http://127.0.0.1:$ADMIN}
clusters:
  out: {method: file, servers: ["$T/out.txt"]}
YAML
start_daemon
cat >send.py <<'PYTHON'
import pickle, socket, ssl, struct, subprocess, sys, zlib
tcp, udp, pkl, gz, lz, sn, pb = map(int, sys.argv[1:8])
what = sys.argv[8]
def to(port, data, wait=True):
    s = socket.create_connection(("127.0.0.1", port))
    s.settimeout(60)
    try:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        while wait and s.recv(65536):
            pass
    except OSError:
        pass            # it may hang up on us
    s.close()
def over_tls(port, data):
    context = ssl.create_default_context(cafile="ca.pem")
    with context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="127.0.0.1") as s:
        assert (s.version(), s.cipher()[0]) == ("TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384"), (s.version(), s.cipher())
        s.sendall(data)
def lines(door):
    return b"".join(b"door.%s.n%d %d 1700000000\n" % (door, i, i) for i in range(200))
def gzip(b):
    c = zlib.compressobj(6, zlib.DEFLATED, 31)
    return c.compress(b) + c.flush()
def lz4(b):
    return subprocess.run(["lz4", "-c"], input=b, stdout=subprocess.PIPE, check=True).stdout
def crc32c(b):
    c = 0xffffffff
    for x in b:
        c ^= x
        for _ in range(8):
            c = (c >> 1) ^ (0x82f63b78 if c & 1 else 0)
    return c ^ 0xffffffff
def varint(n):
    o = b""
    while n > 127:
        o += bytes([n & 127 | 128])
        n >>= 7
    return o + bytes([n])
def block(b):
    o = varint(len(b))
    for i in range(0, len(b), 60):
        o += bytes([(len(b[i:i + 60]) - 1) << 2]) + b[i:i + 60]
    return o
def frames(b):
    crc = crc32c(b)
    body = struct.pack("<I", ((crc >> 15 | crc << 17) + 0xa282ead8) & 0xffffffff) + block(b)
    return b"\xff\x06\0\0sNaPpY\0" + struct.pack("<I", len(body))[:3] + body
def field(n, b):
    return varint(n << 3 | 2) + varint(len(b)) + b
def protobuf(door):
    m = b""
    for i in range(200):
        point = varint(1 << 3) + varint(1700000000) + varint(2 << 3 | 1) + struct.pack("<d", i)
        m += field(1, field(1, b"door.%s.n%d" % (door, i)) + field(2, point))
    return struct.pack("!I", len(m)) + m
def frame(b):
    return struct.pack("!I", len(b)) + b
if what == "doors":
    to(tcp, lines(b"tcp"))
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.sendto(lines(b"udp")[:-1], ("127.0.0.1", udp))      # without a last newline
    s = socket.socket(socket.AF_UNIX)
    s.connect("s.sock")
    s.sendall(lines(b"unix"))
    s.close()
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.sendto(lines(b"unixgram"), "d.sock")
    for proto in range(0, 6):
        to(pkl, frame(pickle.dumps([("door.pickle%d.n%d" % (proto, i), (1700000000, i)) for i in range(200)], proto)))
    to(gz, gzip(lines(b"gzip")))
    to(lz, lz4(lines(b"lz4")))
    to(sn, frames(lines(b"snappy")))
    to(sn, block(lines(b"bare")[:3000]) + block(lines(b"bare")[3000:]))
    to(pb, protobuf(b"protobuf"))
    tls, pkls, gzs, lzs, sns, pbs = map(int, sys.argv[9:15])
    over_tls(tls, lines(b"tls"))
    over_tls(pkls, frame(pickle.dumps([("door.pickles.n%d" % i, (1700000000, i)) for i in range(200)], 2)))
    over_tls(gzs, gzip(lines(b"gzips")))
    over_tls(lzs, lz4(lines(b"lz4s")))
    over_tls(sns, frames(lines(b"snappys")))
    over_tls(pbs, protobuf(b"protobufs"))
elif what == "matrix":
    to(tcp, open("matrix.txt", "rb").read())
elif what == "pickles":
    class Evil:
        def __reduce__(self):
            import os
            return os.system, ("touch %s" % sys.argv[9],)
    for proto in (0, 2, 4):
        to(pkl, frame(pickle.dumps([("evil", (1, Evil()))], proto)))
    to(pkl, struct.pack("!I", 1 << 30) + b"x" * 100000)           # says a gigabyte
    to(pkl, frame(b"(" * 1000000))                                # nests a million deep
    to(pkl, frame(b"]X\xff\xff\xff\x7fa."))                       # a string of 2 GiB in 8 bytes
    to(pkl, frame(b"]\x8d" + b"\xff" * 8 + b"a."))                # and of 16 EiB
    to(pkl, struct.pack("!I", 500) + b"short")                    # ends before its length
    to(pkl, frame(b"]a."))                                        # takes from an empty stack
    to(pkl, frame(pickle.dumps([("door.after.n1", (1700000000, 1))], 2)))
else:
    to(gz, gzip(b"\0" * (200 << 20)))
    to(lz, lz4(b"\0" * (200 << 20)))
    to(sn, varint(1 << 30) + b"\0" * 1000)
    to(gz, b"GET / HTTP/1.0\r\n\r\n")
    to(lz, lines(b"notpacked"))
    to(sn, b"\xff\x06\0\0sNaPpY\x02\x01\0\0x")
    to(gz, gzip(lines(b"again")))
PYTHON
send() {
	"$PY" send.py "$TCP" "$UDP" "$PKL" "$GZ" "$LZ" "$SN" "$PB" "$@" || fail "send $1"
}
send doors "$TLS" "$PKLS" "$GZS" "$LZS" "$SNS" "$PBS"
for d in tcp udp unix unixgram pickle0 pickle1 pickle2 pickle3 pickle4 pickle5 gzip lz4 snappy bare protobuf \
    tls pickles gzips lz4s snappys protobufs; do
	for i in $(seq 0 199); do echo "door.$d.n$i $i 1700000000"; done
done | sort >want.txt
all_there() {
	cmp <(grep '^door\.' out.txt | sort) want.txt
}
within 20 all_there || { diff <(grep '^door\.' out.txt | sort) want.txt | head >&2; fail "not all lines by all doors"; }
wait_for 10 "the ledger" ledger_closes metric graphite
[ "$(ledger metric graphite dropped)" = 0 ] && [ "$(ledger metric pickle dropped)" = 0 ] ||
	fail "something was refused: $(page /api/ledger)"

# what a line may look like: what comes out, or the reason
cat >rows.txt <<'ROWS'
m.crlf 1 1700000000\r|m.crlf 1 1700000000
 \tm.blanks \t 1\t1700000000  |m.blanks 1 1700000000
m.point .5 1700000000|m.point .5 1700000000
m.frac 1 1700000000.75|m.frac 1 1700000000
m.exp 1 1.7e9|m.exp 1 1700000000
m.inf inf 1700000000|m.inf inf 1700000000
..m..dots. 1 1700000000|m.dots 1 1700000000
m.odd/@é 1 1700000000|m.odd____ 1 1700000000
m.latin\351x 1 1700000000|m.latin_x 1 1700000000
m.tags;b=2;a=1 1 1700000000|m.tags;a=1;b=2 1 1700000000
m.two 1|bad_fields
m|bad_fields
m.four 1 1700000000 x|bad_fields
m.nan nan 1700000000|not_a_number
m.text hello 1700000000|bad_value
m.comma 1,5 1700000000|bad_value
m.zero 1 0|bad_time
m.tsnan 1 nan|bad_time
m.tsms 1 1700000000000|bad_time
;k=v 1 1700000000|no_name
GET /x HTTP/1.0|bad_value
ROWS
declare -A reasons=()
: >matrix.txt
: >matrix.want
while IFS='|' read -r in out; do
	printf '%b\n' "$in" >>matrix.txt
	case $out in
	m*)	echo "$out" >>matrix.want ;;
	*)	reasons[$out]=$((${reasons[$out]:-0} + 1)) ;;
	esac
done <rows.txt
printf '\n\n' >>matrix.txt		# empty lines are nothing
head -c 70000 /dev/zero | tr '\0' x >>matrix.txt	# a line without an end
printf ' 1 1\nm.after 1 1700000000\n' >>matrix.txt
echo 'm.after 1 1700000000' >>matrix.want
printf 'm.cut 1 17000' >>matrix.txt	# the end of the connection cut it
reasons[too_long]=1 reasons[truncated]=1
send matrix
matrix_there() {
	cmp <(grep '^m\.' out.txt | sort) <(sort matrix.want)
}
within 20 matrix_there || { diff <(grep '^m\.' out.txt | sort) <(sort matrix.want) >&2; fail "the matrix"; }
for r in "${!reasons[@]}"; do
	within 10 ledger_is metric graphite "dropped.$r" "${reasons[$r]}" ||
		fail "$r: $(ledger metric graphite "dropped.$r"), not ${reasons[$r]}"
done

rss() {
	awk '/^VmHWM/ { print $2 }' "/proc/$DAEMON/status"
}
before=$(rss)
send pickles "$T/was-run"
wait_for 20 "the pickle behind them" grep -q '^door.after.n1 1 1700000000$' out.txt
[ ! -e was-run ] || fail "a pickle ran a command"
for r in unsafe too_long too_deep truncated syntax; do
	ledger_atleast metric pickle "dropped.$r" 1 || fail "no $r: $(page /api/ledger)"
done
[ "$(ledger metric pickle dropped.unsafe)" -ge 3 ] || fail "three would run code"
send bombs
wait_for 30 "the lines behind the bombs" grep -q '^door.again.n199 199 1700000000$' out.txt
within 20 ledger_atleast metric graphite dropped.bad_compression 6 || fail "six broken streams: $(page /api/ledger)"
if ! nm "$MILLRACE" 2>/dev/null | seen '__[at]san_init'; then	# they are large themselves
	[ $(($(rss) - before)) -lt 40000 ] || fail "memory grew from $before to $(rss) kB"
fi
wait_for 10 "the ledger" ledger_closes metric graphite
wait_for 10 "the pickles' ledger" ledger_closes metric pickle
stop_daemon
